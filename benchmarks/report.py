"""Say where the numbers come from, and write them down."""

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path

import torch

from benchmarks.measure import MISSING, Table

PACKAGES = ("torch", "torchvision", "numpy", "pytorch-ignite", "skorch", "torchtnt")
PACKAGES += ("accelerate", "lightning", "fastai", "keras", "torchinfo")
HEAD = """\
# Benchmarks

The course measured against what a learner would otherwise use. Written by
`make benchmark`, which takes under 15 minutes on two quiet cores (some more with
`BENCH_SETUP=1`, which also times a set-up with its downloads); don't edit it.
Comparisons are interleaved (A B A B …) in one process, ratios come first.
"""


def processor() -> str:
    """Return the processor's name, as the system gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def version(package: str) -> str:
    """Return the version of a package, if it is there."""
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"{package} {MISSING}"


def load() -> str:
    """Return how busy the machine has been in the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def circumstances(busy: str) -> str:
    """Return a list of date, machine and versions."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    python = platform.python_version()
    facts = {
        "Date": datetime.date.today().isoformat(),
        "Processor": f"{processor()}, {cores()} cores; load before the start {busy}",
        "GPU": device,
        "Threads": "1 for torch, unless a table says otherwise",
        "System": f"{platform.platform(terse=True)}, Python {python}",
        "Versions": ", ".join(version(package) for package in PACKAGES),
    }
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items()) + "\n"


def report(topics: dict[str, list[Table]], spent: dict[str, float], busy: str) -> str:
    """Return the whole page."""
    minutes = f"This run took {sum(spent.values()) / 60:.0f} minutes: " + ", ".join(
        f"{name} {seconds:.0f} s" for name, seconds in spent.items()
    )
    parts = [HEAD, circumstances(busy), f"{minutes}.\n"]
    for name, tables in topics.items():
        parts += [f"## {name.capitalize()}\n", *map(str, tables or ["It failed.\n"])]
    return "\n".join(parts)
