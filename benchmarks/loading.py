"""Time how batches come: the loader of lesson 02 and what torch offers."""

from statistics import median

import torch
from torch.utils.data import TensorDataset

from benchmarks import trainers
from benchmarks.loaders import DEFAULT, EPOCHS, loaders, speed, walked
from benchmarks.loading_files import photographs
from benchmarks.measure import Table, interleaved, seconds
from benchmarks.step import mlp
from course_utils.data import load_digits
from course_utils.runtime import use_one_thread


def tables(tiny: bool = False) -> list[Table]:
    """Return the tables of batches in memory, of a whole epoch, and of files."""
    use_one_thread()
    rounds = 1 if tiny else 5
    digits = TensorDataset(*load_digits("train"))
    images = TensorDataset(torch.rand(6000, 1, 28, 28), torch.arange(6000) % 10)
    columns = {}
    tried = [("digits, 64", digits, 64), ("28×28, 16", images, 16)]
    tried += [("28×28, 64", images, 64), ("28×28, 256", images, 256)]
    for title, data, size in tried[: 1 if tiny else None]:
        times = walked(loaders(data, size), rounds, EPOCHS)
        columns[title] = {name: speed(times, name) for name in times}
        batches = EPOCHS * -(-len(data) // size)
        columns[title][DEFAULT] = (
            f"1 ({1e6 * median(times[DEFAULT]) / batches:.0f} µs a batch)"
        )
    rows = [
        [name, *(column[name] for column in columns.values())]
        for name in next(iter(columns.values()))
    ]
    return [
        Table(
            "Batches of tensors in memory",
            ["loader", *columns],
            rows,
            "How many times as fast as the default loader three epochs come, shuffled, "
            "by data and batch size: median over five rounds, and the middle half. "
            "FastLoader is the solution that lesson 02 prints, taken from there.",
            "a model beside it (next table), data that do not fit into memory, and "
            "copies to a GPU.",
        ),
        training(digits, rounds),
        photographs(rounds, tiny),
    ]


def training(digits: TensorDataset, rounds: int) -> Table:
    """Return the table of a whole epoch of training an MLP."""
    ways = loaders(digits, 64)
    contestants = {
        name: lambda way=way: seconds(trainers.ours(mlp(), way, 3))
        for name, way in ways.items()
    }
    times = interleaved(contestants, rounds)
    return Table(
        "Training with each loader",
        ["loader", "digits, 64"],
        [[name, speed(times, name)] for name in ways],
        "How many times as fast as with the default loader three epochs of an MLP "
        "64-32-10 are, trained by train_one_epoch.",
        "larger models: the more the model computes, the less the loader matters.",
    )
