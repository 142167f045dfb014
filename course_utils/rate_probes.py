"""Ask copies of a run about its first loss and its rate; answer with what was seen.

Built by hand in notebooks/15_clinic_method.ipynb, sections 3 and 6. What is added here:
limits wide enough for healthy runs of many kinds to pass.
"""

import math
from itertools import pairwise

from course_utils.data_probes import Seen
from course_utils.loss_probes import constant_loss
from course_utils.patient import Copy, Run


def start(run: Run) -> Seen:
    """Compare the first loss with a constant answer's."""
    double = Copy(run)
    seen = double.take(run.batch(0))
    if seen.outputs is None or len(seen.outputs) != len(seen.targets):
        return
    limit = constant_loss(double.known, seen.outputs.float(), seen.targets)
    times = 10 if seen.targets.is_floating_point() else 2
    if limit >= 0 and not seen.loss <= times * limit + 0.5:
        yield (
            "start",
            f"the first loss is {seen.loss:.3g}; one answer for all gets {limit:.3g}",
            "inputs or logits too large? Targets far from 0? A label that is wrong?",
        )


def rate(run: Run) -> Seen:
    """Take twenty steps at the run's own rate, and where that fails at less of it."""
    groups = run.parts[1].param_groups
    if not any(float(g["lr"]) or g.get("initial_lr") for g in groups):
        yield "rate", "the rate is 0 in every group", "set lr"
        return
    most, start = climb(run, 1)
    if most > 3 * start:
        for share in ("thousandth", 1e-3), ("millionth", 1e-6), ("billionth", 1e-9):
            if (calm := climb(run, share[1])[0]) < 3 * start:
                yield (
                    "rate",
                    f"within twenty steps the loss goes from {start:.3g} to "
                    f"{most:.3g}; at a {share[0]} of the rate to {calm:.3g} at most",
                    "divide the rate by ten until the loss falls",
                )
                return
    if (share := way(run)) < 1e-6:
        yield (
            "rate",
            f"in ten steps the parameters move by {share:.1g} of their length",
            "a larger rate; or is the gradient clipped or scaled down too far?",
        )
    else:
        yield from uphill(run)


def way(run: Run) -> float:
    """Return how far ten steps move the parameters, as a share of their length."""
    double = Copy(run)
    for group in double.optimizer.param_groups:
        group["lr"] = group.get("initial_lr", group["lr"])  # a warm-up starts at 0
    start = [p.detach().clone() for p in double.held]
    for k in range(10):
        double.take(run.batch(k))
    pairs = zip(double.held, start, strict=True)
    moved = sum((p - old).double().square().sum().item() for p, old in pairs)
    length = sum(old.double().square().sum().item() for old in start)
    return math.sqrt(moved / length) if length else math.inf


def uphill(run: Run) -> Seen:
    """Repeat one batch at a hundredth of the rate: the loss must not always rise."""
    double = slowed(run, 0.01)
    losses = [double.take(run.batch(0)).loss for _ in range(20)]
    if None not in losses and all(a < b for a, b in pairwise(losses)):
        yield (
            "uphill",
            "on one batch, at a hundredth of the rate, the loss rises with every step: "
            f"in twenty from {losses[0]:.4g} to {losses[-1]:.4g}",
            "maximize=True, or a gradient with the wrong sign?",
        )


def slowed(run: Run, factor: float) -> Copy:
    """Return a copy whose rates are multiplied by a factor."""
    double = Copy(run)
    for group in double.optimizer.param_groups:
        group["lr"] = group["lr"] * factor
    return double


def climb(run: Run, factor: float) -> tuple[float, float]:
    """Return the largest loss of twenty steps, inf for nan, and the first."""
    double, most, start = slowed(run, factor), 0.0, 0.0
    for k in range(20):
        seen = double.take(run.batch(k))
        if seen.loss is None:
            break
        if k == 0:
            start = first_loss(double)
        most = max(most, seen.loss if math.isfinite(seen.loss) else math.inf)
    return most, start


def first_loss(double: Copy) -> float:
    """Return the loss of the last call or of a constant answer, the larger one."""
    seen = double.seen
    if seen.outputs is None:
        return seen.loss
    return max(seen.loss, constant_loss(double.known, seen.outputs, seen.targets))
