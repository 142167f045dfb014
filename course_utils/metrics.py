"""Say how good predictions are, in a number that a person can use.

Built by hand in notebooks/04_training_loop.ipynb, section 5 (`accuracy`), and
07_metrics.ipynb, sections 1, 2 and 5 (the others).
"""

import torch
from torch import Tensor


def accuracy(logits: Tensor, targets: Tensor) -> float:
    """Return the share of samples whose largest logit is at the target class.

    Shapes:  logits (N, C) float, targets (N,) int64 holding classes 0 … C-1.
    Unit:    a fraction from 0 to 1, not a percentage.
    Raises:  ValueError when the two disagree on N, or there is nothing to score.

    >>> import torch
    >>> accuracy(torch.tensor([[0.2, 0.8], [0.9, 0.1]]), torch.tensor([1, 1]))
    0.5
    """
    if logits.ndim != 2 or targets.shape != logits.shape[:1] or len(targets) == 0:
        raise ValueError(
            "expected logits (N, C) and targets (N,) with N > 0, "
            f"got {tuple(logits.shape)} and {tuple(targets.shape)}"
        )
    return (logits.argmax(dim=1) == targets).sum().item() / len(targets)


def confusion_matrix(predictions: Tensor, targets: Tensor, classes: int) -> Tensor:
    """Return how often each class was taken for each: row = true, column = predicted.

    Matrices of several batches may be added up.

    Shapes:  predictions and targets (N,) int64 or bool; the matrix (C, C) int64.
    Raises:  ValueError when the shapes differ, or for a class outside 0 … C-1.

    >>> import torch
    >>> confusion_matrix(torch.tensor([1, 1, 0]), torch.tensor([1, 0, 0]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    if targets.ndim != 1 or predictions.shape != targets.shape:
        raise ValueError(
            "expected predictions and targets of one shape (N,), "
            f"got {tuple(predictions.shape)} and {tuple(targets.shape)}"
        )
    for name, values in {"predictions": predictions, "targets": targets}.items():
        if values.is_floating_point():
            raise ValueError(f"expected {name} that are classes, got {values.dtype}")
        outside = values[(values < 0) | (values >= classes)]
        if len(outside):
            raise ValueError(
                f"expected {name} from 0 to {classes - 1}, got {outside[0].item()}"
            )
    places = classes * targets.long() + predictions.long()
    return places.bincount(minlength=classes**2).view(classes, classes)


def precision_recall_f1(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return precision, recall and F1 of each class; 0 where there is nothing to count.

    Their `.mean()` is the macro average.

    Shapes:  matrix (C, C) of counts, row = true, column = predicted; three times (C,).
    Unit:    fractions from 0 to 1.
    Raises:  ValueError unless the matrix is square.

    >>> import torch
    >>> precision, recall, f1 = precision_recall_f1(torch.tensor([[3, 1], [0, 2]]))
    >>> recall.tolist(), f1[1].item()
    ([0.75, 1.0], 0.8)
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.numel():
        raise ValueError(f"expected a matrix (C, C), C > 0, got {tuple(matrix.shape)}")
    counts = matrix.double()
    right, predicted, true = counts.diagonal(), counts.sum(dim=0), counts.sum(dim=1)
    return (
        right / predicted.clamp(min=1),
        right / true.clamp(min=1),
        2 * right / (predicted + true).clamp(min=1),
    )


def area_under_roc(scores: Tensor, targets: Tensor) -> float:
    """Return the share of pairs, a positive and a negative, in the right order.

    Right means that the positive has the higher score; a tie counts one half.

    Shapes:  scores (N,), targets (N,) bool, or 1 for positive and 0 for negative.
    Unit:    a fraction from 0 to 1; drawing lots gives 0.5.
    Raises:  ValueError when the shapes differ, for other targets, for nan, and unless
             there is at least one of each kind.

    >>> import torch
    >>> area_under_roc(torch.tensor([0.9, 0.4, 0.6]), torch.tensor([1, 1, 0]))
    0.5
    """
    if scores.ndim != 1 or scores.shape != targets.shape or scores.isnan().any():
        raise ValueError(
            "expected scores and targets of one shape (N,), without nan, "
            f"got {tuple(scores.shape)} and {tuple(targets.shape)}"
        )
    positive, negative = targets == 1, targets == 0
    if not (positive | negative).all() or not positive.any() or not negative.any():
        kinds = targets.unique().tolist()[:5]
        raise ValueError(f"expected targets of both kinds, 0 and 1, got {kinds}")
    others = scores[negative].sort().values
    below = torch.searchsorted(others, scores[positive])
    not_above = torch.searchsorted(others, scores[positive], right=True)
    return ((below + not_above).double().mean() / 2 / len(others)).item()


def bootstrap_interval(
    values: Tensor,
    repeats: int = 2_000,
    generator: torch.Generator | None = None,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the ends between which the mean falls in `level` of resampled sets.

    Shapes:  values (N,), one a sample: right or wrong, or an error.
    Unit:    that of the values.
    Raises:  ValueError for no values, nan or inf, no repeats, or a level outside 0
             to 1.
    Source:  Efron 1979, Bootstrap methods: another look at the jackknife; the
             percentile interval.

    >>> import torch
    >>> bootstrap_interval(torch.tensor([True, True, True]))
    (1.0, 1.0)
    """
    if values.ndim != 1 or len(values) == 0 or repeats < 1 or not 0 < level < 1:
        raise ValueError(
            "expected values (N,) with N > 0, repeats > 0 and a level between 0 and 1, "
            f"got {tuple(values.shape)}, {repeats} and {level}"
        )
    values = values.double().cpu()
    n = len(values)
    if not values.isfinite().all():
        raise ValueError("expected finite values, got nan or infinity among them")
    draws = (torch.randint(n, (n,), generator=generator) for _ in range(repeats))
    means = torch.stack([values[drawn].mean() for drawn in draws])  # one at a time
    ends = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=means.dtype)
    low, high = means.quantile(ends).tolist()
    return low, high
