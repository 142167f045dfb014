"""Keep the figures of each epoch, so that they can be drawn, compared and saved.

Built by hand in notebooks/04_training_loop.ipynb, section 5, as a list of dictionaries.
"""

from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor


class History:
    """One row an epoch, one column a figure; the epochs are counted from 1.

    `rows` is a list of plain dictionaries, ready for a checkpoint or a DataFrame;
    `History(rows)` goes on from there.

    >>> history = History()
    >>> history.add(loss=2.3, accuracy=0.1)
    >>> history.add(loss=0.5, accuracy=0.9)
    >>> history["loss"]
    [2.3, 0.5]
    >>> history.best("accuracy", largest=True)["epoch"]
    2
    """

    def __init__(self, rows: Iterable[Mapping[str, float]] = ()) -> None:
        """Start with the rows of an earlier run, or with none."""
        self.rows: list[dict[str, float]] = [dict(row) for row in rows]

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, float]]:
        """Go through the epochs, a row each."""
        return iter(self.rows)

    def __getitem__(self, name: str) -> list[float]:
        """Return one column, a number an epoch; KeyError names those there are."""
        if not self.rows or name not in self.rows[0]:
            known = list(self.rows[0]) if self.rows else "none yet"
            raise KeyError(f"expected one of the columns {known}, got {name!r}")
        return [row[name] for row in self.rows]

    def add(self, **figures: float | Tensor) -> None:
        """Add the next epoch.

        Raises: ValueError when the names differ from those of the first epoch, or
                one is "epoch";
                TypeError when a figure is not one number. Nothing is added then.
        """
        if "epoch" in figures:
            raise ValueError('expected another name than "epoch", which is counted')
        row = {"epoch": self.rows[-1]["epoch"] + 1 if self.rows else 1}
        for name, figure in figures.items():
            try:
                row[name] = float(figure)
            except (TypeError, ValueError, RuntimeError):
                raise TypeError(
                    f"expected one number for {name}, got {figure!r}"
                ) from None
        if self.rows and set(row) != set(self.rows[0]):
            raise ValueError(
                f"expected the columns {list(self.rows[0])}, got {list(row)}"
            )
        self.rows.append(row)

    def best(self, name: str, largest: bool = False) -> dict[str, float]:
        """Return the first epoch with the smallest (or largest) figure; nan never wins.

        Raises: KeyError for an unknown column; ValueError when all figures are nan.
        """
        rows = [
            row
            for row, value in zip(self.rows, self[name], strict=True)
            if value == value
        ]
        if not rows:
            raise ValueError(
                f"expected at least one {name} that is a number, got only nan"
            )
        return dict((max if largest else min)(rows, key=lambda row: row[name]))
