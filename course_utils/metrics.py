"""Say how good predictions are, in a number that a person can use.

Built by hand in notebooks/04_training_loop.ipynb, section 5 (`accuracy`), and
07_metrics.ipynb (the others).
"""

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
    return (logits.argmax(dim=1) == targets).float().mean().item()
