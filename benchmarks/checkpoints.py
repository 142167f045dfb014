"""Time what saving costs a training: the stall of each save, and the whole loop."""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import torch
from torch import nn

from benchmarks.measure import Table, interleaved, ratio, spread
from course_utils.checkpoint import Checkpoints
from course_utils.runtime import seed_everything, use_one_thread

NOTHING, PLAIN = "no saving", "plain `torch.save`, one file"
SAVES, EVERY = 6, 15


class Training:
    """A model and its AdamW: together about `megabytes` in a checkpoint."""

    def __init__(self, megabytes: int) -> None:
        """Build the model and take a first step, so that AdamW has its state."""
        seed_everything(0)
        hidden = int((megabytes * 2**20 / 4 / 3) ** 0.5)
        self.model = nn.Sequential(
            *(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()),
            nn.Linear(hidden, 10),
        )
        self.optimizer = torch.optim.AdamW(self.model.parameters())
        self.inputs = torch.rand(16, 64)
        self.targets = torch.arange(16) % 10
        self.step()

    def step(self) -> None:
        """Take one step on one batch."""
        self.optimizer.zero_grad()
        logits = self.model(self.inputs)
        nn.functional.cross_entropy(logits, self.targets).backward()
        self.optimizer.step()

    def state(self) -> dict:
        """Return what a checkpoint of ours is given."""
        return {"model": self.model, "optimizer": self.optimizer}


def plain(training: Training, folder: Path) -> tuple[Callable, Callable]:
    """Return save and end of plain torch.save."""

    def save():
        state = {name: part.state_dict() for name, part in training.state().items()}
        torch.save(state, folder / "last.pt")

    return save, lambda: None


def copied(training: Training, folder: Path) -> tuple[Callable, Callable]:
    """Return save and end of copying into memory that is there, and no more."""
    buffers: dict = {}

    @torch.no_grad()
    def save():
        for name, part in training.state().items():
            for key, tensor in tensors(part.state_dict(), name):
                if key not in buffers:
                    buffers[key] = torch.empty_like(tensor)
                buffers[key].copy_(tensor)

    return save, lambda: None


def tensors(value, key: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Give the tensors in nested dicts, each with its place."""
    if isinstance(value, torch.Tensor):
        yield key, value
    for name, item in value.items() if isinstance(value, dict) else ():
        yield from tensors(item, f"{key} {name}")


def ours(training: Training, folder: Path, mirrored: bool, background: bool) -> tuple:
    """Return save and end of ours: hash, safe write, perhaps a copy elsewhere."""
    mirror = folder / "mirror" if mirrored else None
    checkpoints = Checkpoints(folder / "local", mirror=mirror)
    steps = itertools.count()

    def save():
        checkpoints.save(training.state(), next(steps), background=background)

    return save, checkpoints.wait


WAYS = {
    NOTHING: lambda training, folder: (lambda: None, lambda: None),
    PLAIN: plain,
    "copying in memory alone: nothing is saved": copied,
    "**ours**, in the foreground": lambda *given: ours(*given, False, False),
    "**ours**, with a second folder": lambda *given: ours(*given, True, False),
    "**ours**, in the background": lambda *given: ours(*given, False, True),
    "**ours**, in the background, with a second folder": lambda *given: ours(
        *given, True, True
    ),
}


def one_run(way: Callable, training: Training, every: int, stalls: list) -> float:
    """Return the seconds of a training with saves; note the median stall of them.

    The end is when the last save lies on the disk. The first save is not among the
    stalls: it makes folders and takes memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        save, end = way(training, Path(folder))
        stalled, start = [], time.perf_counter()
        for _ in range(SAVES):
            for _ in range(every):
                training.step()
            before = time.perf_counter()
            save()
            stalled.append(time.perf_counter() - before)
        end()
        spent = time.perf_counter() - start
    stalls.append(median(stalled[1:]))
    return spent


def table(megabytes: int, rounds: int, every: int) -> Table:
    """Return the table for checkpoints of one size."""
    training = Training(megabytes)
    stalls = {name: [] for name in WAYS}
    contestants = {
        name: lambda way=way, name=name: one_run(way, training, every, stalls[name])
        for name, way in WAYS.items()
    }
    times = interleaved(contestants, rounds)
    stalls = {name: values[-rounds:] for name, values in stalls.items()}
    rows = []
    for name in list(WAYS)[1:]:
        more = 100 * (ratio(times[name], times[NOTHING]) - 1)
        stall = f"{1e3 * median(stalls[name]):.1f}"
        over = spread(stalls[name], stalls[PLAIN])
        rows.append([name, over, stall, f"{more:+.0f} %"])
    step = 1e3 * median(times[NOTHING]) / (SAVES * every)
    return Table(
        f"Saving {megabytes} MB",
        ["way", "stall over `torch.save`", "stall, ms", "loop longer by"],
        rows,
        f"Model and AdamW, saved every {every} steps of {step:.1f} ms. Stall: how long "
        "the call takes. The loop ends when all lies on the disk. Ours also fsyncs, "
        "writes a hash and keeps the newest two; medians over the rounds. What the "
        "background can't save is the copy that it takes: its own row says how long.",
        "Drive, a network disk, and a processor whose other cores are busy: there the "
        "background takes time from the training.",
    )


def tables(tiny: bool = False) -> list[Table]:
    """Return the tables of a small and a larger checkpoint."""
    use_one_thread()
    rounds, every = (1, 1) if tiny else (5, EVERY)
    return [table(megabytes, rounds, every) for megabytes in (1, 1 if tiny else 24)]
