"""Train for one epoch, and measure a model, inside a loop that stays yours.

Built by hand in notebooks/04_training_loop.ipynb, sections 1 to 5. What is added here
is an explanation for a batch that cannot be used: course_utils.batch_error.
"""

import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from course_utils.batch_error import explain

Metric = Callable[[Tensor, Tensor], float | Tensor]


def train_one_epoch(
    model: nn.Module,
    loader: Iterable,
    loss_fn: Callable,
    optimizer: Optimizer,
    **metrics: Metric,
) -> dict[str, float]:
    """Take one step on each batch; return "loss" and each metric, mean over samples.

    The batches go to the model's device. The figures are those of the moving model:
    each batch is measured before its own step. Train mode is set, and each module gets
    back the mode that it had. A metric is a function (outputs, targets) that returns a
    mean over the samples of one batch: `accuracy=accuracy`. (A loss with class weights
    or ignored targets is a mean of its own: the figure then depends on the batches.)

    Shapes:  batches (inputs, targets), the first dimension of targets the samples.
    Raises:  BatchError when a batch can't be used, or when its loss is nan or infinite:
             then before its step. ValueError for an empty loader and a loss that is
             not a mean. Anything else, out of memory for instance, as it came.
    """
    device = prepared(model, loss_fn, metrics)
    totals, count = dict.fromkeys(("loss", *metrics), 0.0), 0
    with modes_restored(model):
        model.train()
        for index, batch in enumerate(loader):
            outputs = None
            try:
                inputs, targets = batch
                inputs, targets = inputs.to(device), targets.to(device)
                optimizer.zero_grad()
                outputs = model(inputs)
                loss = loss_fn(outputs, targets)
                value = finite(loss)
                loss.backward()
                optimizer.step()
                add(totals, value, metrics, outputs, targets)
                count += len(targets)
            except Exception as problem:
                explain(problem, index, batch, outputs, model, loss_fn)
                raise
    return means(totals, count)


def evaluate(
    model: nn.Module, loader: Iterable, loss_fn: Callable, **metrics: Metric
) -> dict[str, float]:
    """Return "loss" and each metric, mean over samples, of the model as it is.

    Nothing is recorded for gradients and nothing changes: eval mode is set, and each
    module gets back the mode that it had.

    Shapes:  as in `train_one_epoch`.
    Raises:  as in `train_one_epoch`.
    """
    device = prepared(model, loss_fn, metrics)
    totals, count = dict.fromkeys(("loss", *metrics), 0.0), 0
    with modes_restored(model), torch.inference_mode():
        model.eval()
        for index, batch in enumerate(loader):
            outputs = None
            try:
                inputs, targets = batch
                inputs, targets = inputs.to(device), targets.to(device)
                outputs = model(inputs)
                value = finite(loss_fn(outputs, targets))
                add(totals, value, metrics, outputs, targets)
                count += len(targets)
            except Exception as problem:
                explain(problem, index, batch, outputs, model, loss_fn)
                raise
    return means(totals, count)


@contextmanager
def modes_restored(model: nn.Module):
    """Give each module, after the block, the mode that it had before."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def prepared(model: nn.Module, loss_fn: Callable, metrics: dict) -> torch.device:
    """Return the model's device; raise ValueError for a loss that is not a mean."""
    if "loss" in metrics:
        raise ValueError('expected another name for a metric, got "loss"')
    reduction = getattr(loss_fn, "reduction", "mean")
    if reduction != "mean":
        raise ValueError(
            f'expected a loss with reduction="mean", got reduction="{reduction}"'
        )
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def finite(loss: Tensor) -> float:
    """Return the loss as a number; raise FloatingPointError unless it is finite."""
    value = loss.item()
    if not math.isfinite(value):
        raise FloatingPointError(f"the loss is {value}")
    return value


def add(totals: dict, loss: float, metrics: dict, outputs: Tensor, targets: Tensor):
    """Add the figures of one batch, each times its number of samples."""
    totals["loss"] += loss * len(targets)
    for name, metric in metrics.items():
        totals[name] += float(metric(outputs.detach(), targets)) * len(targets)


def means(totals: dict[str, float], count: int) -> dict[str, float]:
    """Return sums divided by the number of samples."""
    if count == 0:
        raise ValueError(
            "expected at least one batch, got an empty loader: is the dataset empty, "
            "or smaller than batch_size with drop_last=True?"
        )
    return {name: total / count for name, total in totals.items()}
