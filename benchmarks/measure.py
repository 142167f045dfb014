"""Measure contestants in turn, and say what came out as a table."""

import contextlib
import gc
import importlib.util
import io
import logging
import multiprocessing
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

MISSING = "not installed"


@dataclass
class Table:
    """A title, columns and rows of text, how they were measured and what is not there.

    >>> print(Table("Speed", ["who", "ratio"], [["us", "1.00"]], "By hand.", "All."))
    ### Speed
    <BLANKLINE>
    By hand.
    <BLANKLINE>
    | who | ratio |
    |---|---|
    | us | 1.00 |
    <BLANKLINE>
    Not shown: All.
    <BLANKLINE>
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    how: str
    not_shown: str

    def __str__(self) -> str:
        """Return the table as Markdown; a short row is filled up."""
        width = len(self.columns)
        rows = [self.columns, ["---"] * width]
        rows += [[*row, *[""] * (width - len(row))] for row in self.rows]
        lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
        lines[1] = lines[1].replace(" ", "")
        grid = "\n".join(lines)
        return (
            f"### {self.title}\n\n{self.how}\n\n{grid}\n\nNot shown: {self.not_shown}\n"
        )


def installed(package: str) -> bool:
    """Return whether a package, or no package at all, can be imported."""
    return not package or importlib.util.find_spec(package) is not None


def seconds(function: Callable, *arguments) -> float:
    """Return how long one call takes, with the rubbish collected before."""
    gc.collect()
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def interleaved(
    contestants: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Call all in turn, A B A B, each other round backwards; return what they return.

    One round comes before that and is thrown away. What is in memory before a round is
    left out when rubbish is collected: with every peer imported, that takes long.

    >>> interleaved({"a": lambda: 1.0, "b": lambda: 2.0}, rounds=2)
    {'a': [1.0, 1.0], 'b': [2.0, 2.0]}
    """
    found = {name: [] for name in contestants}
    for number in range(rounds + 1):
        gc.collect()
        gc.freeze()
        order = list(contestants)
        for name in order if number % 2 else reversed(order):
            value = contestants[name]()
            if number:
                found[name].append(value)
    gc.unfreeze()
    return found


def ratio(values: list[float], over: list[float]) -> float:
    """Return the median of the ratios of each round.

    >>> ratio([2.0, 4.0, 9.0], [1.0, 2.0, 3.0])
    2.0
    """
    return median(a / b for a, b in zip(values, over, strict=True))


def spread(values: list[float], over: list[float]) -> str:
    """Return the median of the ratios, and between which the middle half of them lies.

    >>> spread([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5)
    '3.00 (2.00–4.00)'
    """
    all_of_them = [a / b for a, b in zip(values, over, strict=True)]
    if len(all_of_them) < 2:
        return f"{all_of_them[0]:.2f}"
    low, middle, high = quantiles(all_of_them, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def from_a_child(function: Callable, *arguments):
    """Call function(*arguments, pipe) in a copy of this process; return what it sends.

    The copy is made by fork; the function ends with `pipe.send(result)`.
    """
    context = multiprocessing.get_context("fork")
    reading, writing = context.Pipe(duplex=False)
    child = context.Process(target=function, args=(*arguments, writing))
    child.start()
    writing.close()
    found = reading.recv()
    child.join()
    return found


@contextlib.contextmanager
def silence():
    """Swallow progress bars, log lines and warnings; an exception comes through."""
    logging.disable(logging.ERROR)
    nothing = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
            try:
                yield
            finally:
                logging.disable(logging.NOTSET)
