"""Ask copies of a run about its model and memory; answer with what was seen.

Built by hand in notebooks/15_clinic_method.ipynb, sections 5 to 7. What is added here:
limits wide enough for healthy runs of many kinds to pass.
"""

import copy
import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_utils.data_probes import Seen
from course_utils.memory import memory_budget
from course_utils.patient import Copy, Run, first_tensor
from course_utils.rate_probes import first_loss


def alone(run: Run) -> Seen:
    """Ask, in eval mode, whether an output is random or depends on other samples."""
    double = Copy(run)
    for k in range(3):
        seen = double.take(run.batch(k))
    if not seen.only:
        return  # a model that wants more than the inputs
    model = double.model.eval()
    inputs = run.batch(0)[0][:8] if seen.inputs is None else seen.inputs[:8]
    n = len(inputs)
    if n < 2:
        return
    with torch.no_grad():
        outputs, again = (fresh_output(model, inputs) for _ in range(2))
        if outputs is None or outputs.shape[:1] != (n,) or not outputs.isfinite().all():
            return
        scale = 1e-3 * (outputs.std() + outputs.abs().mean() + 1e-6).item()
        if (moved := (outputs - again).abs().max().item()) > scale:
            yield (
                "random",
                f"in eval mode one input gives two outputs, {moved:.2g} apart",
                "F.dropout needs training=self.training; nn.Dropout sees to it itself",
            )
            return
        mixed = 0
        for i in range(n):
            changed = inputs.roll(1, 0)
            changed[i] = inputs[i]
            new = fresh_output(model, changed)
            mixed += (new[i] - outputs[i]).abs().max().item() > scale
    if mixed:
        yield (
            "mixing",
            f"in eval mode the output of {mixed} of {n} samples depends on the others",
            "permute() or transpose() to swap axes: reshape() and view() don't",
        )


def fresh_output(model: nn.Module, inputs: Tensor) -> Tensor | None:
    """Return what a copy of the model gives: a state that it keeps stays as it is."""
    return first_tensor(copy.deepcopy(model)(inputs))


def one_batch(run: Run) -> Seen:
    """Learn 16 samples by heart with the run's own step, and AdamW in its place."""
    inputs, targets = (part[:16] for part in run.batch(0))
    ends, start = [], None
    for rate in (0.01, 0.001):
        double, losses = Copy(run, rate), [math.inf] * 5
        trained = [p.numel() for p in double.held if p.requires_grad]
        if sum(trained) < targets.numel():
            return  # too small to know them all
        for _ in range(100):
            seen = double.take((inputs, targets))
            if seen.loss is None:
                return
            if start is None:
                start, least = first_loss(double), least_loss(double)
            losses.append(seen.loss)
            if sum(losses[-5:]) / 5 < (start + least) / 2:
                return
        ends.append(losses[-1])
    yield (
        "one batch",
        f"{len(targets)} samples are not learned by heart: in 100 steps the loss goes "
        f"from {start:.3g} to {min(ends):.3g}",
        "something between input and step holds back; show the model's shapes",
    )


def least_loss(double: Copy) -> float:
    """Return what outputs of no model, free to be anything, reach; never below 0."""
    seen = double.seen
    if seen.outputs is None or not seen.outputs.is_floating_point():
        return 0.0
    answers = torch.zeros_like(seen.outputs).requires_grad_()
    optimizer = torch.optim.Adam([answers], lr=0.1)
    try:
        for _ in range(100):
            optimizer.zero_grad()
            loss = double.known(answers, seen.targets).float().mean()
            loss.backward()
            optimizer.step()
    except (RuntimeError, ValueError):  # a loss that does not take just any numbers
        return 0.0
    return max(loss.item(), 0.0) if loss.isfinite() else 0.0


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
