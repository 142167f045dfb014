"""Examine a training run: what is wrong with it, in plain words, and what to try.

Built by hand in notebooks/15_clinic_method.ipynb, sections 2 to 8. What is added
here: all probes in the order in which to suspect things, each on a copy.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from textwrap import fill

from torch import nn
from torch.optim import Optimizer

from course_utils import (
    data_probes,
    loss_probes,
    model_probes,
    rate_probes,
    step_probes,
)
from course_utils.batch_error import explain
from course_utils.patient import Copy, Run
from course_utils.snapshot import nothing_changed

# In the order of suspicion: data, loss, step, model, then rate, and memory at the end.
PROBES = (
    data_probes.inputs,
    data_probes.labels,
    loss_probes.loss,
    step_probes.step,
    step_probes.parameters,
    model_probes.alone,
)
# Asked only when those see nothing: each suffers from any other fault as well.
LATER = (rate_probes.start, rate_probes.rate)
LAST = (model_probes.one_batch, data_probes.pairs)


@dataclass(frozen=True)
class Finding:
    """What a probe saw, with its number, and what to try.

    >>> print(Finding("rate", "the rate is 0 in every group", "set lr"))
    rate: the rate is 0 in every group
        try: set lr
    """

    kind: str
    seen: str
    advice: str

    def __str__(self) -> str:
        """Return two lines, or more where one would be too long."""
        lines = f"{self.kind}: {self.seen}", f"    try: {self.advice}"
        return "\n".join(fill(line, 88, subsequent_indent=" " * 8) for line in lines)


def examine(
    model: nn.Module,
    loader: Iterable,
    loss_fn: Callable,
    optimizer: Optimizer,
    step: Callable | None = None,
) -> list[Finding]:
    """Return what is wrong with a run, the first suspect first; nothing if it is well.

    `step(model, batch, loss_fn, optimizer)` is your own step, one call a batch: it
    clears the gradients, gets the loss from loss_fn(model(inputs), targets), and
    calls optimizer.step(). If it accumulates, it cuts the batch into micro-batches.
    It uses its arguments, nothing from outside; leave a scheduler out. None stands
    for an ordinary step.

    Up to 512 samples are used. All is tried on copies: model, optimizer, modes,
    gradients, random numbers and the loader's order stay as they are; what your own
    hooks write elsewhere is written. What one loader cannot show, such as test data
    among the training data, is not found, and a finding is a suspicion: you know what
    you meant.

    Shapes: batches (inputs, targets), two tensors, the first dimension the samples.
    Raises: ValueError for other batches, an empty loader or one that goes only once.
    """
    with nothing_changed(model, loader, optimizer):
        run = Run(model, loader, loss_fn, optimizer, step)
        if findings := first_error(run) or asked(step_probes.order, run):
            return findings  # a run that can't take a step shows nothing else
        for probes in (PROBES, LATER, LAST):
            if not findings:
                findings = [found for probe in probes for found in asked(probe, run)]
        return findings + asked(model_probes.memory, run)


def asked(probe: Callable, run: Run) -> list[Finding]:
    """Return a probe's findings; an error in it is one as well."""
    try:
        return [Finding(*found) for found in probe(run)]
    except Exception as problem:
        name, said = type(problem).__name__, str(problem).partition("\n")[0]
        words = f"the probe {probe.__name__!r} stopped with {name}: {said}".rstrip(": ")
        return [Finding("error", words, "does the model run in eval mode, too?")]


def first_error(run: Run) -> list[Finding]:
    """Return what kept the run from being copied or its first step from running."""
    batch, double = run.batch(0), None
    try:
        double = Copy(run)
        double.take(batch)
    except Exception as problem:
        if "from outside" in str(problem):
            raise
        what = "the step" if double else "making a copy"
        try:
            if double:
                outputs, loss_fn = double.seen.outputs, double.loss_fn
                explain(problem, 0, batch, outputs, double.model, loss_fn)
        except Exception as explained:
            problem = explained
        words = f"{what} stopped with {type(problem).__name__}: {problem}"
        return [Finding("error", words, "read it from its last line (lesson 05)")]
    return []
