"""Time the import of each trainer, and what it costs in memory."""

import os
import time
from pathlib import Path
from statistics import median

import torch
from torch import nn

from benchmarks.measure import MISSING, Table, from_a_child, installed, silence

MODULES = {
    "**ours**": ("", "course_utils.training"),
    "Ignite": ("ignite", "ignite.engine"),
    "skorch": ("skorch", "skorch"),
    "torchtnt": ("torchtnt", "torchtnt.framework.train"),
    "Accelerate": ("accelerate", "accelerate"),
    "Lightning": ("lightning", "lightning"),
    "fastai": ("fastai", "fastai.learner"),
    "Keras on torch": ("keras", "keras"),
}


def megabytes() -> float:
    """Return the memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def imported(module: str, pipe) -> None:
    """Import a module; send the seconds and the memory that it took."""
    before, start = megabytes(), time.perf_counter()
    with silence():
        __import__(module)
    pipe.send((time.perf_counter() - start, megabytes() - before))


def tables(tiny: bool = False) -> list[Table]:
    """Return the table of seconds and megabytes."""
    torch.optim.AdamW(nn.Linear(1, 1).parameters())  # imports much of torch
    found = {name: [] for name, (package, _) in MODULES.items() if installed(package)}
    for _ in range(1 if tiny else 6):  # children know torch, and no peer
        for name in found:
            found[name].append(from_a_child(imported, MODULES[name][1]))
    rows = []
    for name in MODULES:
        if name in found:
            spent = [median(column) for column in zip(*found[name][-5:], strict=True)]
            rows.append([name, f"{spent[0]:.2f}", f"{spent[1]:.0f}"])
        else:
            rows.append([name, MISSING])
    return [
        Table(
            "Import",
            ["trainer", "seconds", "MB"],
            rows,
            "What an import takes after torch and a first optimizer, each time in a "
            "new process: medians of five rounds, files in the page cache.",
            "torch itself, which takes longer than most of these, and the first "
            "import after a start of the machine.",
        )
    ]
