"""Measure all topics, each in a process of its own, and write benchmarks/README.md.

python -m benchmarks                # all; writes benchmarks/README.md
python -m benchmarks step loading   # some; only prints
python -m benchmarks --tiny         # all in seconds, to see that they work
"""

import argparse
import os
import time
import traceback

from benchmarks import ROOT
from benchmarks.report import circumstances, load, report
from benchmarks.topics import TOPICS, in_a_new_process


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("topics", nargs="*", metavar="topic", help=", ".join(TOPICS))
    parser.add_argument("--tiny", action="store_true", help="see that all works")
    chosen = parser.parse_args()
    if unknown := set(chosen.topics) - set(TOPICS):
        parser.error(f"expected topics out of {TOPICS}, got {sorted(unknown)}")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler's own lines
    busy, topics, spent = load(), {}, {}
    print(circumstances(busy))
    for topic in chosen.topics or TOPICS:
        start = time.perf_counter()
        try:
            topics[topic] = in_a_new_process(topic, chosen.tiny)
        except Exception:  # the others are measured all the same
            traceback.print_exc()
            topics[topic] = []
        spent[topic] = time.perf_counter() - start
        print(*topics[topic], sep="\n", flush=True)
        print(f"({topic}: {spent[topic]:.0f} s)\n", flush=True)
    if not chosen.topics and not chosen.tiny:
        page = ROOT / "benchmarks" / "README.md"
        page.write_text(report(topics, spent, busy), encoding="utf-8", newline="\n")
        print(f"written: {page.relative_to(ROOT)}")
    if failed := [topic for topic, tables in topics.items() if not tables]:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
