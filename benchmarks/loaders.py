"""The loaders that are timed: that of lesson 02, and what torch offers."""

import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    TensorDataset,
)

from benchmarks import ROOT
from benchmarks.measure import interleaved, seconds, spread
from lesson_files import read, solutions

EPOCHS = 3  # in one measurement
DEFAULT = "default `DataLoader`"


def of_lesson(lesson: str, exercise: str, name: str) -> type:
    """Return a class from the solution that a lesson prints."""
    names = {"torch": torch, "Dataset": Dataset}
    exec(solutions(read(ROOT / "notebooks" / f"{lesson}.ipynb"))[exercise], names)
    return names[name]


FastLoader = of_lesson("02_dataloaders", "2.5", "FastLoader")
Cached = of_lesson("01_datasets", "1.2", "Cached")


def loaders(data: TensorDataset, size: int) -> dict:
    """Return each way to the same shuffled batches."""
    at_once = BatchSampler(RandomSampler(data), size, drop_last=False)
    fast = FastLoader(*data.tensors, batch_size=size, shuffle=True)
    workers = {"batch_size": size, "shuffle": True, "persistent_workers": True}
    return {
        DEFAULT: DataLoader(data, batch_size=size, shuffle=True),
        "**ours**, FastLoader of lesson 02": fast,
        "`BatchSampler` with `batch_size=None`": DataLoader(
            data, batch_size=None, sampler=at_once
        ),
        "1 worker, persistent": DataLoader(data, num_workers=1, **workers),
        "2 workers, persistent": DataLoader(data, num_workers=2, **workers),
        "2 workers": DataLoader(data, batch_size=size, shuffle=True, num_workers=2),
    }


def walk(loader, epochs: int) -> None:
    """Take every batch."""
    for _ in range(epochs):
        for _ in loader:
            pass


def walked(ways: dict, rounds: int, epochs: int) -> dict[str, list[float]]:
    """Return the seconds of some epochs of each loader, round by round."""
    return interleaved(
        {
            name: lambda way=way: seconds(walk, way, epochs)
            for name, way in ways.items()
        },
        rounds,
    )


def speed(times: dict[str, list[float]], name: str) -> str:
    """Return how many times as fast as the default one is."""
    return spread(times[DEFAULT], times[name])
