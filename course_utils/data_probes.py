"""Ask copies of a run about its data; answer with what was seen.

Built by hand in notebooks/15_clinic_method.ipynb, section 2. What is added here: limits
wide enough for healthy runs of many kinds to pass.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from course_utils.patient import Copy, Run, first_tensor

Seen = Iterator[tuple[str, str, str]]  # the kind, what was seen, what to try


def inputs(run: Run) -> Seen:
    """Look at the inputs as the model gets them."""
    double, layers = Copy(run), []
    for layer in double.model.modules():
        if any(True for _ in layer.parameters(recurse=False)):
            layer.register_forward_pre_hook(lambda *call: layers.append(call))
    values = double.take(run.batch(0)).inputs
    if values is None or not values.is_floating_point():
        return
    values, try_this = values.float(), "look at one batch just before the model"
    if lost := (~values.isfinite()).sum().item():
        yield "inputs", f"{lost} numbers in the inputs are nan or infinite", try_this
    elif len(values) > 1 and values.eq(values[:1]).all():
        yield "inputs", f"all {len(values)} samples of a batch are the same", try_this
    elif layers and is_large(*layers[0]):
        yield (
            "inputs",
            f"the model's inputs go from {values.min():.4g} to {values.max():.4g}, "
            f"mean {values.mean():.3g}",
            "scale them to about -1 to 1 with figures of the training part",
        )


def is_large(layer: nn.Module, given: tuple) -> bool:
    """Return whether numbers far from 0 reach a layer that does not scale them."""
    values = first_tensor(given)
    if values is None or not values.is_floating_point() or "Norm" in str(layer):
        return False
    return bool(abs(values.float().mean()) > 20 or values.float().std() > 20)


def labels(run: Run) -> Seen:
    """Look for one target only, a class 0 that never comes, and shapes that spread."""
    whole = torch.cat([targets.flatten() for _, targets in run.batches])
    if len(whole) >= 32 and whole.eq(whole[0]).all():
        value = f"{whole[0].item():.4g}"
        yield (
            "labels",
            f"all {len(whole)} targets are {value}",
            "does the loader shuffle? Does the dataset read its targets rightly?",
        )
        return
    seen = Copy(run).take(run.batch(0))
    if seen.outputs is None:
        return
    out, want = tuple(seen.outputs.shape), tuple(seen.targets.shape)
    if seen.targets.is_floating_point():
        if out != want and math.prod(out) == math.prod(want):
            yield (
                "shapes",
                f"outputs are {out} and targets {want}: the loss compares all pairs",
                "give both one shape, with squeeze(1) or unsqueeze(1)",
            )
    elif len(out) == 2 and len(want) == 1 and whole.dtype != torch.bool:
        if len(whole) < 10 * out[1] or whole.min() < 0 or whole.max() >= out[1]:
            return
        if not (counts := whole.bincount(minlength=out[1]))[0] and counts[1:].all():
            yield (
                "labels",
                f"of {out[1]} classes only class 0 is in none of {len(whole)} labels",
                "do the labels count from 1? Subtract it, and drop an output",
            )


def pairs(run: Run) -> Seen:
    """Ask whether inputs say anything about targets that they don't say when mixed.

    First the nearest other input has to have a more similar target than any other has.
    Where it hasn't, a copy trains on three quarters and answers for the last one.
    """
    if not Copy(run).take(run.batch(0)).only:
        return  # a model that wants more than the inputs
    inputs, targets = zip(*run.batches, strict=True)
    count = sum(map(len, targets))
    if count < 100 or len({(x.shape[1:], t.shape[1:]) for x, t in run.batches}) > 1:
        return
    inputs, targets = torch.cat(inputs), torch.cat(targets)
    classes = () if targets.is_floating_point() else targets.unique()
    if len(classes) == 1 or count < 10 * len(classes):
        return
    flat = inputs.flatten(1).float()
    nearest = targets[torch.cdist(flat, flat).fill_diagonal_(math.inf).argmin(dim=1)]
    order = [torch.randperm(count, device=targets.device) for _ in range(50)]
    gap = apart(nearest, targets)
    mixed = torch.tensor([apart(nearest, targets[o]) for o in order])
    if gap < mixed.mean() - 4 * mixed.std():
        return
    losses = held_out(run, inputs, targets)
    if losses[0] < losses[1:].mean() - 2.5 * losses[1:].std():
        return
    first = "are as far apart" if not len(classes) else f"differ in {gap:.0%} of pairs"
    second = "as mixed ones" if not len(classes) else f"mixed: {mixed.mean():.0%}"
    yield (
        "pairs",
        f"targets of nearest inputs {first}, {second}; after training, the loss of new "
        f"samples is {losses[0]:.2f}, with mixed targets {losses[1:].mean():.2f}",
        "were inputs or targets shuffled or filtered alone? Show ten pairs",
    )


def apart(one: Tensor, other: Tensor) -> float:
    """Return how far targets differ: a share of classes, or a squared distance."""
    if one.is_floating_point():
        return (one - other).square().mean().item()
    return (one != other).float().mean().item()


def held_out(run: Run, inputs: Tensor, targets: Tensor, steps: int = 100) -> Tensor:
    """Return the loss of the last quarter after training, then with mixed targets."""
    double, cut = Copy(run), 3 * len(inputs) // 4
    size = min(32, cut)
    for k in range(steps):
        chosen = torch.arange(k * size, (k + 1) * size) % cut
        double.take((inputs[chosen], targets[chosen]))
    double.model.eval()
    with torch.no_grad():
        outputs, targets = double.model(inputs[cut:]), targets[cut:]
        orders = [torch.arange(len(targets))]
        orders += [torch.randperm(len(targets)) for _ in range(50)]
        losses = [double.known(outputs, targets[o]).float().mean() for o in orders]
    return torch.stack(losses).cpu()


def some(names: list[str]) -> str:
    """Return up to three names in brackets."""
    more = ", …" if len(names) > 3 else ""
    return f" ({', '.join(names[:3])}{more})" if names else ""
