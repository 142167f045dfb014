"""Ask copies of a run about its loss; answer with what was seen.

Built by hand in notebooks/15_clinic_method.ipynb, section 3. What is added here: limits
wide enough for healthy runs of many kinds to pass.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from course_utils.data_probes import Seen
from course_utils.patient import Copy, Run
from course_utils.step_probes import length


def constant_loss(loss_fn: Callable, outputs: Tensor, targets: Tensor) -> float:
    """Return the loss of one answer for all samples: equal logits, or the mean."""
    zeros = torch.zeros_like(outputs)
    if not targets.is_floating_point():
        even = zeros.log_softmax(1) if outputs.ndim > 1 else zeros
        return loss_fn(even, targets).float().mean().item()
    answers = [zeros, zeros + targets.mean(dim=0).expand_as(targets).view_as(zeros)]
    losses = [loss_fn(answer, targets).float().mean() for answer in answers]
    return max((loss.item() for loss in losses if loss.isfinite()), default=math.nan)


def loss(run: Run) -> Seen:
    """Ask what the loss is given, what it rewards, and whether it adds up."""
    double = Copy(run)
    seen, loss_fn = double.take(run.batch(0)), double.known
    if seen.outputs is None or tuple(seen.outputs.shape[:1]) != seen.targets.shape[:1]:
        return
    outputs, targets = seen.outputs.float(), seen.targets
    whole, rows = not targets.is_floating_point(), outputs.ndim == 2
    if whole and rows and outputs.shape[1] > 1:
        shares = outputs.min() >= 0 and (outputs.sum(dim=1) - 1).abs().max() < 1e-3
        if shares and is_shift_free(loss_fn, outputs, targets):
            floor = math.log1p((outputs.shape[1] - 1) / math.e)
            yield (
                "softmax",
                "outputs are probabilities already, each row adds up to 1; the loss "
                f"applies a softmax to them, and cannot fall below {floor:.2f}",
                "hand the loss the logits: leave the softmax out",
            )
        if not double.of_loss:  # else the outputs are features, no answers
            yield from of_answers(loss_fn, outputs, targets)
    once = loss_fn(outputs, targets).float().sum().item()
    twice = loss_fn(
        outputs.repeat(2, *[1] * (outputs.ndim - 1)), torch.cat([targets] * 2)
    )
    doubled = once and abs(twice.float().sum().item() / once - 2) < 1e-3
    if doubled and grows(run):
        yield (
            "sum",
            f"the loss of a batch twice as large is twice as large: {once:.4g} and "
            f"{2 * once:.4g}",
            'use a mean, reduction="mean": else the rate depends on the batch size',
        )


def grows(run: Run) -> bool:
    """Return whether a batch given twice over has a gradient of twice the length."""
    batch = run.batch(0)
    twice = tuple(torch.cat([part, part]) for part in batch)
    one, two = (length(Copy(run).take(given).used) for given in (batch, twice))
    return two > 1.5 * one


def is_shift_free(loss_fn: Callable, outputs: Tensor, targets: Tensor) -> bool:
    """Return whether adding 3 to all outputs leaves the loss: a softmax is inside."""
    before, after = loss_fn(outputs, targets), loss_fn(outputs + 3, targets)
    return torch.allclose(before, after, rtol=1e-3, atol=1e-4)


def of_answers(loss_fn: Callable, outputs: Tensor, targets: Tensor) -> Seen:
    """Ask whether right answers are rewarded, and whether logarithms are missing."""
    total = outputs.logsumexp(dim=1)
    lower = loss_fn(outputs, targets) - loss_fn(outputs + 3, targets)
    if lower.ndim == 0 and abs(lower - 3) < 1e-2 and total.abs().max() > 0.1:
        yield (
            "logs",
            "the loss takes logarithms of probabilities, and the outputs are none: the "
            f"exponentials of a row add up to {total.exp().max():.3g}, not 1",
            "CrossEntropyLoss for logits, or LogSoftmax(dim=1) before NLLLoss",
        )
    if targets.shape != total.shape or not 0 <= targets.min() <= targets.max() < len(
        outputs[0]
    ):
        return
    right = functional.one_hot(targets.long(), len(outputs[0])).to(outputs.dtype) * 2
    answers = right.log_softmax(dim=1), torch.zeros_like(right).log_softmax(dim=1)
    good, even = (loss_fn(answer, targets).float().mean().item() for answer in answers)
    if good > even + 0.01:
        yield (
            "reward",
            f"right answers have a loss of {good:.3g}, and equal logits {even:.3g}",
            "a minus too many? Does the loss change or mix the targets?",
        )
