"""Kill a process in the middle of a save, and look for a state to go on from.

The ways to save are in savers.py. All numbers of a state are the step that it was
saved at, so that one can see whether what is loaded is of one piece.
"""

import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from benchmarks import savers
from benchmarks import savers_peers as peers
from benchmarks.measure import MISSING, Table, from_a_child, installed, silence
from course_utils.runtime import use_one_thread

WAYS = {
    "**ours**": ("", savers.Ours),
    "**ours**, in the background": ("", savers.OursInBackground),
    "`torch.save`, one file": ("", savers.Plain),
    "Lightning, `ModelCheckpoint`": ("lightning", peers.Lightning),
    "Accelerate, `save_state`, one folder": ("accelerate", peers.Accelerate),
    "Accelerate, automatic naming, limit 2": (
        "accelerate",
        peers.AccelerateNamed,
    ),
    "`torch.distributed.checkpoint`, one folder": ("", savers.Distributed),
    "`torch.distributed.checkpoint`, a folder each": ("", savers.DistributedEach),
}
KILLS = 50  # of each way
COLUMNS = ["way", "no loadable state left", "loads a mixture of two steps"]
COLUMNS += ["an older one, by looking for it", "a save"]


def save_for_ever(way, folder: Path, pipe: int) -> None:
    """Save step after step; write a byte before each save and one after it."""
    with silence():
        way(folder).run(lambda: os.write(pipe, b"B"), lambda: os.write(pipe, b"E"))


def killed_once(way, folder: Path, saves: int, wait: float) -> int:
    """Kill a child `wait` seconds into a save; return the steps that it had ended."""
    reading, writing = os.pipe()
    child = multiprocessing.get_context("fork").Process(
        target=save_for_ever, args=(way, folder, writing), daemon=True
    )
    child.start()
    os.close(writing)
    said = b""
    while said.count(b"B") <= saves and (piece := os.read(reading, 1)):
        said += piece
    time.sleep(wait)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    while piece := os.read(reading, 100):
        said += piece
    os.close(reading)
    if child.exitcode != -signal.SIGKILL:
        raise RuntimeError(f"{way.__name__} ended by itself: {child.exitcode}")
    return said.count(b"E")


def verdict(way, folder: Path, ended: int) -> str:
    """Return what a resumed run finds."""
    for kind, read in (("newest", way.newest), ("another", way.another)):
        try:
            with silence():
                found = read(folder)
        except KeyboardInterrupt:
            raise
        except (
            BaseException
        ):  # CheckpointException of torch.distributed is no Exception
            continue
        if len(set(found)) > 1:
            return "mixed"
        return kind if found[0] >= ended - 1 else "another"
    return "lost"


def save_some(way, folder: Path, pipe) -> None:
    """Send the usual seconds of a save."""
    moments = []

    def after():
        moments.append(time.perf_counter())
        if len(moments) == 16:
            spent = [b - a for a, b in zip(moments[::2], moments[1::2], strict=True)]
            pipe.send(median(spent[2:]))
            os._exit(0)

    with silence():
        way(folder).run(lambda: moments.append(time.perf_counter()), after)


def usual_seconds(way) -> float:
    """Return how long a save usually takes, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return from_a_child(save_some, way, Path(folder))


def tables(tiny: bool = False) -> list[Table]:
    """Return the table of what is left after each kill."""
    use_one_thread()
    savers.MEGABYTES = 1 if tiny else 12
    kills = 1 if tiny else KILLS
    present = {n: way for n, (package, way) in WAYS.items() if installed(package)}
    with silence():
        spans = {name: usual_seconds(way) for name, way in present.items()}
    found = {name: Counter() for name in present}
    draw = random.Random(0)
    for _ in range(kills):  # one of each in turn
        for name, way in present.items():
            with tempfile.TemporaryDirectory() as folder, silence():
                wait = draw.uniform(0, way.span or spans[name])
                ended = killed_once(way, Path(folder), draw.choice([2, 3]), wait)
                found[name][verdict(way, Path(folder), ended)] += 1
    rows = []
    for name in WAYS:
        if name not in found:
            rows.append([name, MISSING])
            continue
        counts = found[name]
        rows.append(
            [name]
            + [f"{counts[kind]} of {kills}" for kind in ("lost", "mixed", "another")]
            + [f"{1e3 * spans[name]:.0f} ms"]
        )
    return [
        Table(
            "Killed in the middle of a save",
            COLUMNS,
            rows,
            "`kill -9` at a random moment of the third or fourth save (those before "
            "have ended), then the newest state is loaded as the documentation says. "
            f"About {savers.MEGABYTES} MB, weights and AdamW, all numbers equal to the "
            "step, so that a mixture shows.",
            "a power cut, a full disk, other file systems. One "
            "file for each epoch makes plain `torch.save` safer: the kill then costs "
            "the newest file alone, and the reader has to find that out.",
        )
    ]
