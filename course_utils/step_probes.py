"""Ask copies of a run about its step and its optimizer; answer with what was seen.

Built by hand in notebooks/15_clinic_method.ipynb, sections 4 and 5. What is added here:
limits wide enough for healthy runs of many kinds to pass.
"""

import math

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from course_utils.data_probes import Seen, some
from course_utils.patient import Copy, Run


def parameters(run: Run) -> Seen:
    """Compare what the model has with what the optimizer holds."""
    double = Copy(run)
    held, model = set(double.held), set(double.names)
    left_out = [n for p, n in double.names.items() if p.requires_grad and p not in held]
    if strange := held - model - double.of_loss:
        yield (
            "strange",
            f"the optimizer holds {len(strange)} parameters that the model does not "
            f"have, and not {len(left_out)} that it trains{some(left_out)}",
            "build the optimizer after the last change to the model",
        )
    elif left_out:
        frozen = sum(not p.requires_grad for p in held)
        yield (
            "left out",
            f"{len(left_out)} parameters want gradients and are not in the optimizer"
            f"{some(left_out)}; it holds {len(held)}, {frozen} of them frozen",
            "hand them to the optimizer, or freeze them with requires_grad_(False)",
        )


def order(run: Run) -> Seen:
    """Take one step on a fresh copy; see whether there was a gradient to use."""
    seen = Copy(run).take(run.batch(0))
    if seen.used and all(g is None for g in seen.used.values()):
        late = any(g is not None for g in seen.left.values())
        yield (
            "order",
            "at the first optimizer.step() no parameter has a gradient"
            + (", afterwards they do" if late else ""),
            "zero_grad(), then loss, then backward(), then step()",
        )


def step(run: Run) -> Seen:
    """Take three steps; see in which mode, and what becomes of each gradient."""
    double = Copy(run)
    calls = [double.take(run.batch(k)) for k in range(3)]
    moody = [
        m
        for m in double.model.modules()
        if isinstance(m, _BatchNorm | _DropoutNd)
        or (isinstance(m, nn.RNNBase) and m.dropout > 0)
    ]
    if moody and calls[0].train is False and not all(map(is_frozen, moody)):
        yield (
            "mode",
            f"the step runs in eval mode, with {len(moody)} layers of Dropout or "
            "BatchNorm",
            "call model.train() before training, after each validation",
        )
    if not any(call.steps for call in calls):
        yield "step", "three calls, and no optimizer.step()", "call it after backward()"
        return
    if all(call.again for call in calls):
        yield (
            "again",
            f"of {calls[0].steps} calls of optimizer.step() in a batch "
            f"{calls[0].again} found the gradients of the call before",
            "one step() for each backward(); scaler.step(optimizer) is one already",
        )
        return
    if not all(call.inputs is None or call.inputs.isfinite().all() for call in calls):
        return  # the nan in the gradients says nothing more
    yield from gradients(calls)
    first = calls[0]
    left = {k: g for k, g in first.left.items() if g is not None and g.any()}
    if left and apart({k: first.used[k] for k in left}, left) > 0.05:
        yield (
            "unused",
            f"after the last optimizer.step() of a batch {len(left)} gradients went on "
            "growing: some samples count late or never",
            "step after the last micro-batch, and count from 1: (i + 1) % n == 0",
        )
    else:
        yield from memoryless(run)


def gradients(calls: list) -> Seen:
    """Name parameters whose gradient is nan, missing or zero in all calls."""
    kinds = {"nan": [], "missing": [], "zero everywhere": []}
    for name in calls[0].used:
        got = [call.used[name] for call in calls if name in call.used]
        there = [g for g in got if g is not None]
        if not there:
            kinds["missing"].append(name)
        elif any(not g.isfinite().all() for g in there):
            kinds["nan"].append(name)
        elif not any(g.any() for g in there):
            kinds["zero everywhere"].append(name)
    zero, used = kinds["zero everywhere"], calls[0].used
    for name in [n for n in zero if n.endswith("bias")]:
        weight = name.removesuffix("bias") + "weight"
        if weight in used and weight not in zero:
            zero.remove(name)  # one that cancels, as before a normalisation: no fault
    for kind, names in kinds.items():
        if names:
            yield (
                "gradient",
                f"the gradient is {kind} in {len(names)} of {len(calls[0].used)} "
                f"parameters{some(names)}",
                "a detach(), a no_grad, a layer left out of forward(), or dead units?",
            )


def memoryless(run: Run) -> Seen:
    """Ask whether a batch's gradient depends on earlier batches, and on each sample."""
    a, b = run.batch(0), run.batch(1)
    fresh = Copy(run).take(b).used
    earlier, double = Copy(run), Copy(run)
    earlier.take(a)
    for old, new in zip(earlier.names, double.names, strict=True):
        new.grad = old.grad  # of the earlier batch this is left, and nothing else
    extra = apart(fresh, double.take(b).used)
    if extra > 0.01:
        yield (
            "leftover",
            "the gradient of a batch still holds what an earlier batch left: it is "
            f"{extra:.0%} off",
            "call optimizer.zero_grad() once before each backward() that starts anew",
        )
        return
    inputs, targets = a
    n = len(targets)
    used, silent = Copy(run).take(a).used, 0
    if n < 8 or len(inputs) != n or all(g is None for g in used.values()):
        return
    for part in torch.arange(n).chunk(4):
        others = torch.arange(n)
        others[part] = (part + len(part)) % n
        silent += (
            apart(used, Copy(run).take((inputs[others], targets[others])).used) == 0
        )
    if silent:
        yield (
            "unused",
            f"{silent} of 4 parts of a batch have no influence on its gradient",
            "does zero_grad() come before each micro-batch instead of each step?",
        )


def is_frozen(module: nn.Module) -> bool:
    """Return whether a module has parameters and none of them trains."""
    own = list(module.parameters())
    return bool(own) and not any(p.requires_grad for p in own)


def apart(one: dict, other: dict) -> float:
    """Return the distance of two gradients as a share of the first's length."""
    between = {}
    for name, a in one.items():
        a, b = (0.0 if g is None else g for g in (a, other[name]))
        between[name] = torch.as_tensor(a - b)
    far, long = length(between), length(one)
    return far / long if long else math.inf if far else 0.0


def length(gradients: dict) -> float:
    """Return the length of all gradients as one vector."""
    there = [g for g in gradients.values() if g is not None]
    return math.sqrt(sum(g.double().square().sum().item() for g in there))
