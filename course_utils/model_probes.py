"""Ask copies of a run about its model, rate and memory; answer with what was seen.

Built by hand in notebooks/15_clinic_method.ipynb, sections 5 to 7. What is added here:
limits wide enough for healthy runs of many kinds to pass.
"""

import math
from itertools import pairwise

import torch

from course_utils.data_probes import Seen
from course_utils.loss_probes import constant_loss
from course_utils.memory import memory_budget
from course_utils.patient import Copy, Run, first_tensor


def alone(run: Run) -> Seen:
    """Ask, in eval mode, whether an output is random or depends on other samples."""
    double = Copy(run)
    for k in range(3):
        seen = double.take(run.batch(k))
    double.model.eval()
    inputs = run.batch(0)[0][:8] if seen.inputs is None else seen.inputs[:8]
    n = len(inputs)
    if n < 2:
        return
    with torch.no_grad():
        outputs, again = (first_tensor(double.model(inputs)) for _ in range(2))
        if outputs is None or outputs.shape[:1] != (n,) or not outputs.isfinite().all():
            return
        scale = 1e-3 * (outputs.std() + outputs.abs().mean() + 1e-6).item()
        if (moved := (outputs - again).abs().max().item()) > scale:
            yield (
                "random",
                f"in eval mode one input gives two outputs, {moved:.2g} apart",
                "F.dropout needs training=self.training; use nn.Dropout instead",
            )
            return
        mixed = 0
        for i in range(n):
            changed = inputs.roll(1, 0)
            changed[i] = inputs[i]
            new = first_tensor(double.model(changed))
            mixed += (new[i] - outputs[i]).abs().max().item() > scale
    if mixed:
        yield (
            "mixing",
            f"in eval mode the output of {mixed} of {n} samples depends on the others",
            "permute() or transpose() to swap axes: reshape() and view() don't",
        )


def rate(run: Run) -> Seen:
    """Take twenty steps at the run's own rate, and where that fails at a thousandth."""
    groups = run.parts[1].param_groups
    if not any(float(g["lr"]) or g.get("initial_lr") for g in groups):
        yield "rate", "the rate is 0 in every group", "set lr"
        return
    most, start = climb(run, 1)
    if most > 3 * start and (calm := climb(run, 0.001)[0]) < 3 * start:
        yield (
            "rate",
            f"within twenty steps the loss goes from {start:.3g} to {most:.3g}; at a "
            f"thousandth of the rate to {calm:.3g} at most",
            "divide the rate by ten until the loss falls",
        )
    elif (share := way(run)) < 1e-6:
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


def one_batch(run: Run) -> Seen:
    """Learn 16 samples by heart with the run's own step, and AdamW in its place."""
    inputs, targets = (part[:16] for part in run.batch(0))
    ends, start = [], None
    for rate in (0.01, 0.001):
        double, losses = Copy(run, rate), [math.inf] * 5
        for _ in range(100):
            seen = double.take((inputs, targets))
            if seen.loss is None:
                return
            start = start or first_loss(double)
            losses.append(seen.loss)
            if sum(losses[-5:]) / 5 < 0.5 * start:
                return
        ends.append(losses[-1])
    yield (
        "one batch",
        f"{len(targets)} samples are not learned by heart: in 100 steps the loss goes "
        f"from {start:.3g} to {min(ends):.3g}",
        "something between input and step holds back; show the model's shapes",
    )


def first_loss(double: Copy) -> float:
    """Return the loss of the last call or of a constant answer, the larger one."""
    seen = double.seen
    return max(seen.loss, constant_loss(double.known, seen.outputs, seen.targets))


def memory(run: Run) -> Seen:
    """Count the bytes of live tensors after each of eight steps."""
    double, lives = Copy(run), []
    with memory_budget(None, double.model) as budget:
        for _ in range(8):
            double.take(run.batch(0))
            lives.append(budget.live)
    growth = min(b - a for a, b in pairwise(lives[3:]))
    if growth > 0:
        yield (
            "memory",
            f"each step leaves {growth:,} bytes of tensors behind",
            "keep loss.item(), and outputs.detach().cpu() where you need outputs",
        )
