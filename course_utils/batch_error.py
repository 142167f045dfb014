"""Say why a batch could not be used, after the exception has come.

The error messages of the loop built in notebooks/04_training_loop.ipynb: what lesson
05, section 5, reads by hand from the last line of an error. Nothing here runs while all
goes well.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

BY_CLASS = functional.cross_entropy, functional.nll_loss
WHOLE = torch.int64, torch.uint8  # as class numbers
# Losses that want targets of the outputs' shape and dtype.
ALIKE = nn.MSELoss | nn.L1Loss | nn.SmoothL1Loss | nn.HuberLoss
ALIKE |= nn.BCELoss | nn.BCEWithLogitsLoss


class BatchError(ValueError):
    """A batch that the model or the loss cannot use; says which, and why."""


def explain(problem: Exception, index: int, batch, outputs, model, loss_fn) -> None:
    """Raise BatchError where the cause is known; note the batch otherwise."""
    where = f"batch {index} (counted from 0)"
    cause = None
    if not isinstance(problem, torch.OutOfMemoryError):
        cause = cause_in_batch(batch) or (
            cause_in_model(problem, batch[0], model, loss_fn)
            if outputs is None
            else cause_in_loss(problem, outputs, batch[1], model, loss_fn)
        )
    if cause:
        raise BatchError(f"{where}: {cause}") from problem
    problem.add_note(f"This happened in {where}.")


def cause_in_batch(batch) -> str | None:
    """Return what is wrong with the batch as the loader gave it, if anything is."""
    pair = isinstance(batch, tuple | list) and len(batch) == 2
    if not pair or not all(isinstance(part, Tensor) for part in batch):
        kinds = (
            [type(part).__name__ for part in batch] if pair else type(batch).__name__
        )
        size = f" of {len(batch)}" if hasattr(batch, "__len__") and not pair else ""
        return f"expected (inputs, targets), two tensors, got {kinds}{size}"
    return None


def cause_in_model(problem, inputs, model, loss_fn) -> str | None:
    """Return why the model failed on the inputs, where that is known."""
    if cause := mixed_devices(model, loss_fn):
        return cause
    if "more than 1 value per channel" in str(problem):
        return (
            "BatchNorm cannot train on a single sample; "
            "use drop_last=True or another batch_size"
        )
    kinds = {p.dtype for p in model.parameters()}
    if not isinstance(problem, RuntimeError | ValueError | IndexError):
        return None  # a slip in the model's own code
    text = str(problem)
    if kinds and inputs.dtype not in kinds and "type" in text and "indices" not in text:
        return (
            f"expected inputs of {kinds.pop()} as the model's parameters, "
            f"got {inputs.dtype}"
        )
    if "shape" in text or "size" in text or "channels" in text:
        return f"the model does not fit inputs {tuple(inputs.shape)}: {problem}"
    return None


def cause_in_loss(problem, outputs, targets, model, loss_fn) -> str | None:
    """Return why loss, metric or backward failed, where that is known."""
    if isinstance(problem, FloatingPointError):
        return f"{problem}; no step was taken. Is the rate too high, or an input nan?"
    if "device-side assert" in str(problem) and targets.is_cuda:
        return "the GPU stopped; a target outside the classes is the usual cause"
    if "does not require grad" in str(problem):
        return "no gradient reaches a parameter: frozen, detached, or under no_grad?"
    if "converted to Scalar" in str(problem):
        return "the loss is not one number; loss_fn has to return a mean"
    by_class = isinstance(loss_fn, nn.CrossEntropyLoss | nn.NLLLoss)
    by_class = by_class or loss_fn in BY_CLASS
    known = by_class or isinstance(loss_fn, ALIKE)
    if known and not isinstance(outputs, Tensor):
        return f"expected outputs that are a tensor, got {type(outputs).__name__}"
    if cause := mixed_devices(model, loss_fn):
        return cause
    if not known:
        return None  # who knows what this loss wants
    if by_class:
        return wrong_classes(outputs, targets, getattr(loss_fn, "ignore_index", -100))
    if outputs.shape != targets.shape:
        return (
            f"expected targets {tuple(outputs.shape)} as the outputs, "
            f"got {tuple(targets.shape)}"
        )
    if outputs.dtype != targets.dtype:
        return f"expected targets of {outputs.dtype}, got {targets.dtype}"
    return None


def wrong_classes(outputs: Tensor, targets: Tensor, ignored: int) -> str | None:
    """Return why these targets are not classes for these outputs, (N, C, …)."""
    expected = outputs.shape[:1] + outputs.shape[2:]
    if targets.shape not in (expected, outputs.shape):
        return (
            f"expected targets {tuple(expected)} for outputs {tuple(outputs.shape)}, "
            f"got {tuple(targets.shape)}"
        )
    if targets.shape == expected and targets.dtype not in WHOLE:
        return f"expected targets of torch.int64, class numbers, got {targets.dtype}"
    classes = outputs.shape[1] if outputs.ndim > 1 else len(outputs)
    outside = targets[((targets < 0) | (targets >= classes)) & (targets != ignored)]
    if len(outside) and not targets.is_floating_point():
        return (
            f"expected targets from 0 to {classes - 1}, since the model gives "
            f"{classes} outputs, got {outside[0].item()}"
        )
    return None


def mixed_devices(model: nn.Module, loss_fn: Callable) -> str | None:
    """Return where the parts lie if they are on different devices."""
    tensors = [*model.parameters(), *model.buffers()]
    if isinstance(loss_fn, nn.Module):
        tensors += [*loss_fn.parameters(), *loss_fn.buffers()]
    devices = sorted({str(tensor.device) for tensor in tensors})
    if len(devices) > 1:
        return f"model and loss lie on {' and '.join(devices)}; use .to(device) on both"
    return None
