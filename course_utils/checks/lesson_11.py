"""Checks for notebooks/11_out_of_memory.ipynb."""

import copy
import gc
import sys
import weakref
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import nn

from course_utils.checks import Lesson
from course_utils.checks.answers import (
    StillOpen,
    a_class,
    ask,
    brief,
    is_empty,
    number,
)
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress


@lesson.question("11.1")
def ledger(answer) -> None:
    """Each storage once, from its report to its death."""
    count = getattr(a_class(answer), "count", None)
    assert count is not None, "your Ledger has no method count"
    if is_empty(count):
        raise StillOpen
    book = answer()
    first, second = torch.zeros(1000), torch.zeros(300)
    watch = weakref.ref(first.untyped_storage())
    book.count(first.untyped_storage())
    live = number(book.live)
    assert live != 0, "a storage was reported, and live is still 0"
    assert live != 1000, "live counts numbers; storage.nbytes() gives the bytes"
    assert live == 4000, f"after a storage of 4,000 bytes live is {live:.6g}"
    book.count(first[:3].untyped_storage())
    live = number(book.live)
    assert live != 8000, "one storage, reported twice through a view, counts once"
    assert live == 4000, f"a view of the same storage changed live to {live:.6g}"
    book.count(second.untyped_storage())
    live, peak = number(book.live), number(book.peak)
    assert live == 5200, f"4,000 and 1,200 bytes are alive, live says {live:.6g}"
    assert peak != 0, "peak is still 0; compare it with live at each birth"
    assert peak != 4000, (
        "live rose to 5,200, peak says 4,000: compare it with live, after the addition"
    )
    assert peak == 5200, f"live has been 5,200 at most, peak says {peak:.6g}"
    assert number(answer().live) == 0, "a new Ledger does not begin with 0"
    del first
    judge_death(book, watch)
    judge_reuse(book)
    judge_twins(answer, book, second)


def judge_death(book, watch: weakref.ref) -> None:
    """Raise AssertionError unless the first of two storages is off the book."""
    gc.collect()
    assert watch() is None, (
        "your ledger keeps the storage alive: remember its id, its size and a weak "
        "reference, and use nothing else of it in the function that is called"
    )
    live, peak = number(book.live), number(book.peak)
    assert live != 5200, (
        "a storage has died, and live did not fall: is the weak reference kept, and "
        "does its function subtract?"
    )
    assert live != 4000, "4,000 bytes died; you subtracted the size of the last storage"
    assert live != 9200, "live grew when a storage died: subtract"
    assert live == 1200, f"1,200 bytes are alive, live says {live:.6g}"
    assert peak == 5200, f"peak never falls: it was 5,200, now it says {peak:.6g}"


def judge_reuse(book) -> None:
    """Raise AssertionError unless storages that come and go are all counted."""
    for size in range(1, 60):
        passing = torch.zeros(size)
        book.count(passing.untyped_storage())
        live = number(book.live)
        assert live != 1200, (
            "a new storage has the id of a dead one and was not counted: take the dead "
            "out of self.known"
        )
        assert live == 1200 + 4 * size, (
            f"1,200 and {4 * size} bytes are alive, live says {live:.6g}"
        )
        del passing
    peak = number(book.peak)
    assert peak != live, (
        f"live has been 5,200, and a smaller storage brought peak down to {peak:.6g}: "
        "keep the larger of peak and live"
    )
    assert peak < 6000, (
        f"peak is the largest live so far, 5,200, not a sum of births: {peak:.6g}"
    )
    assert peak == 5200, f"live has been 5,200 at most, peak says {peak:.6g}"


def judge_twins(answer, book, second: torch.Tensor) -> None:
    """Raise AssertionError unless a second ledger tells two equal storages apart."""
    other, twins = answer(), [torch.zeros(7), torch.zeros(7)]
    for storage in [tensor.untyped_storage() for tensor in (second, *twins)]:
        other.count(storage)
    del storage
    live = number(other.live)
    assert live != 56 and number(book.live) == 1200, (
        "two ledgers share one book: make it in __init__, on self"
    )
    assert live != 1228, "two storages of one size are two: tell them apart by their id"
    assert live == 1256, f"1,200, 28 and 28 bytes are alive, live says {live:.6g}"
    twins.pop()
    gc.collect()
    other.count(second.untyped_storage())
    live = number(other.live)
    assert live != 2428, (
        "after another one died, a living storage was counted again: take only the "
        "dead one out of the book"
    )
    assert live == 1228, f"1,200 and 28 bytes are alive, live says {live:.6g}"


@lesson.question("11.2")
def predict_bytes(answer) -> None:
    """Four parts of three networks."""
    judge_prediction(answer, [70, 50, 30], 110, 2)
    judge_prediction(answer, [64, 48, 36, 10], 96, 1)
    judge_prediction(answer, [600, 9], 130, 0)


def judge_prediction(answer, sizes: list[int], n: int, averages: int) -> None:
    """Raise AssertionError unless each part is right, but for a few counters."""
    got = ask(answer, list(sizes), n, averages)
    assert isinstance(got, Mapping), f"return a dict of four parts, got {brief(got)}"
    weights = sum(a * b for a, b in pairwise(sizes))
    numbers = weights + sum(sizes[1:])
    hidden, classes = sum(sizes[1:-1]), sizes[-1]
    kept = hidden + classes
    mistakes = {
        "parameters": {
            weights * 4: "the biases are missing: one for each unit a layer leads to",
            (weights + sum(sizes[:-1]))
            * 4: "a layer has a bias for each unit it leads "
            "to, not for each it comes from",
            (weights + sum(sizes)) * 4: "the inputs are no layer and have no biases",
            numbers: "those are numbers; a float32 takes 4 bytes",
            numbers * 8: "8 bytes is float64; a float32 takes 4",
        },
        "gradients": {
            0: "each parameter has a gradient of its own size",
            numbers: "those are numbers; a float32 takes 4 bytes",
            weights * 4: "the biases have gradients, too",
            n * numbers * 4: "gradients are summed over the batch: one a parameter",
        },
        "optimizer state": {
            numbers * 4: f"that is 1 for each parameter; there are {averages}",
            numbers * 4 * (averages + 1): f"that is {averages + 1} for each parameter; "
            f"the optimizer keeps {averages}",
            numbers * averages: "those are numbers; a float32 takes 4 bytes",
            averages * 4: "each parameter has its own averages",
            weights * averages * 4: "the biases have averages, too",
        },
        "activations": {
            kept * 4: "that is one row; the batch has n of them",
            n * kept: "those are numbers; a float32 takes 4 bytes",
            n * (sizes[0] + kept) * 4: "the inputs were there before: don't count them",
            n * sum(sizes[:-1]) * 4: "you count what goes into each layer: the inputs "
            "were there before, and the classes are missing",
            n * (2 * hidden + classes) * 4: "hidden is kept once: ReLU's input goes",
            n * (2 * hidden + 2 * classes) * 4: "each layer is kept once, not twice",
            n * hidden * 4: "the loss keeps n rows of the classes: they are missing",
            n * classes * 4: "the hidden layers are kept, too, each once",
        },
    }
    right = {
        "parameters": numbers * 4,
        "gradients": numbers * 4,
        "optimizer state": numbers * 4 * averages,
        "activations": n * kept * 4,
    }
    for part, size in right.items():
        assert part in got, f'the key "{part}" is missing: {brief(list(got))}'
        value = number(got[part])
        close = abs(value - size) <= 8 * (len(sizes) - 1) * (size > 0)
        words = mistakes[part].get(round(value))
        assert close or not words, f"{part} of {sizes}: {words}"
        assert close, (
            f"{part} of {sizes}, n = {n}: expected {size} bytes, got {value:.10g}"
        )


class Noted(nn.Module):
    """A model that notes how it is called; its parts tell train from eval mode."""

    def __init__(self) -> None:
        """Make two layers, with a norm and a dropout between them."""
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 5)
        self.norm, self.drop = nn.BatchNorm1d(8), nn.Dropout(0.5)
        self.recorded, self.trained = False, False

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits, and note what is recorded, and the mode."""
        logits = self.last(self.drop(self.norm(self.first(inputs)).relu()))
        self.recorded |= logits.requires_grad
        self.trained |= self.training
        return logits


class OnGpu(torch.Tensor):
    """A tensor that counts as one on the GPU, as does what is computed from it."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        """Return a plain tensor from .cpu() and .to("cpu"), one of ours otherwise."""
        given = (*args[1:], *(kwargs or {}).values())
        places = [str(getattr(value, "device", value)) for value in given]
        if func is not torch.Tensor.cpu and (
            func is not torch.Tensor.to or "cpu" not in places
        ):
            return super().__torch_function__(func, types, args, kwargs or {})
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {})).clone()


class Crowded(Noted):
    """A model that counts how many of its earlier results live when it is called."""

    def __init__(self) -> None:
        """Begin with no results."""
        super().__init__()
        self.results, self.most = [], 0

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits, and watch their storage."""
        self.most = max(self.most, sum(one() is not None for one in self.results))
        logits = super().forward(inputs).as_subclass(OnGpu)
        self.results.append(weakref.ref(logits.untyped_storage()))
        return logits


@lesson.question("11.3")
def validate(answer) -> None:
    """The right figures, no graph, and no logits that stay on the GPU."""
    judge_validation(answer, [9, 9, 4])
    judge_validation(answer, [7, 2], smoothing=0.3)
    model = Crowded().to(pick_device())
    inputs = torch.randn(5, 4, 6, device=pick_device())
    targets = torch.zeros(5, 4, dtype=torch.long, device=pick_device())
    batches = list(zip(inputs, targets, strict=True))
    _, outputs = ask(answer, model, batches, nn.CrossEntropyLoss())
    assert not isinstance(outputs, OnGpu), (
        "the logits are on the GPU: .cpu() each batch"
    )
    assert model.most < 3, (
        "the logits of all batches are on the GPU before they leave it: .cpu() each "
        "batch, in the loop"
    )


def judge_validation(answer, sizes: list[int], smoothing: float = 0.0) -> None:
    """Raise AssertionError unless batches of these sizes are measured, flat."""
    device = pick_device()
    generator = torch.Generator().manual_seed(len(sizes))
    torch.manual_seed(0)
    inputs = [torch.randn(size, 6, generator=generator).to(device) for size in sizes]
    targets = [(torch.arange(size) ** 2 % 5).to(device) for size in sizes]
    model = Noted().to(device)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=smoothing)
    with torch.no_grad():
        reference = copy.deepcopy(model).eval()
        logits = [reference(batch) for batch in inputs]
        losses = [loss_fn(*pair).item() for pair in zip(logits, targets, strict=True)]
    batches = [(x.clone(), y.clone()) for x, y in zip(inputs, targets, strict=True)]
    result = ask(answer, model, batches, loss_fn)
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return two things, the mean loss and the logits; got {brief(result)}"
    )
    loss, outputs = result
    assert not model.trained, "the model was in train mode: model.eval() first"
    assert isinstance(outputs, torch.Tensor), (
        f"expected one tensor of logits, joined by torch.cat, got {brief(outputs)}"
    )
    assert not outputs.requires_grad, (
        "the logits hold the graph of every batch: compute them under torch.no_grad()"
    )
    assert not getattr(loss, "requires_grad", False), (
        "the mean loss holds the graph of every batch: add it up under torch.no_grad()"
    )
    assert not model.recorded, (
        "a graph is recorded for each batch, and nobody needs it: use torch.no_grad()"
    )
    assert all(parameter.requires_grad for parameter in model.parameters()), (
        "you froze the model: after this it can't be trained on"
    )
    everything = torch.cat(logits).cpu()
    assert outputs.shape != logits[-1].shape, "only the last batch's logits came back"
    assert outputs.shape == everything.shape, (
        f"expected logits of shape {tuple(everything.shape)}, "
        f"got {tuple(outputs.shape)}"
    )
    assert torch.allclose(outputs.to(everything), everything, atol=1e-5), (
        "expected the model's logits, in the order of the batches, got others"
    )
    plain = nn.functional.cross_entropy(everything, torch.cat(targets).cpu()).item()
    got = number(loss)
    assert not smoothing or abs(got - plain) > 1e-4, (
        "that is plain cross-entropy: use the loss_fn that is handed over"
    )
    judge_mean(got, losses, sizes)
    assert loss_fn.reduction == "mean" and loss_fn.label_smoothing == smoothing, (
        "you changed the loss_fn that was handed over; others use it, too"
    )


def judge_mean(got: float, losses: list[float], sizes: list[int]) -> None:
    """Raise AssertionError unless the loss is the mean over samples."""
    total = sum(loss * size for loss, size in zip(losses, sizes, strict=True))
    right, count = total / sum(sizes), len(sizes)
    wrong = {
        "each batch has the same weight; the last one has fewer samples": sum(losses)
        / count,
        "that is the sum of the batches' means; weigh them, and divide": sum(losses),
        "that is the sum over samples; divide by their number": total,
        "that is the last batch's loss": losses[-1],
        "you divide the means by the samples, but never weigh them": sum(losses)
        / sum(sizes),
        "you weigh each batch, so divide by samples, not by batches": total / count,
    }
    for words, value in wrong.items():
        assert abs(got - value) > 1e-4, words
    assert abs(got - right) < 1e-4, (
        f"expected a mean loss of {right:.4f}, got {got:.4f}"
    )


class Step:
    """A step that fits up to a limit, and notes what is tried, and from where."""

    def __init__(self, limit: int, problem: Exception | None = None) -> None:
        """Take the largest batch that fits, or an error to raise instead."""
        self.limit, self.problem = limit, problem
        self.tried: list[float] = []
        self.handling, self.held = False, False
        self.last: weakref.ref | None = None  # a tensor of the step that failed last

    def __call__(self, n: float) -> float:
        """Take a step with n samples."""
        self.handling |= sys.exc_info()[0] is not None
        self.held |= self.last is not None and self.last() is not None
        self.tried.append(n)
        assert len(self.tried) < 200, "200 steps were tried, and still no end"
        assert n >= 1, (
            "you tried a batch of 0: if one sample does not fit, let the error through"
        )
        assert int(n) == n, f"you tried {n:g} samples: halve with //"
        if self.problem is not None:
            raise self.problem
        if n > self.limit:
            activations = torch.zeros(3)
            self.last = weakref.ref(activations)
            raise torch.OutOfMemoryError(f"Simulated GPU out of memory: {n} samples")
        return 0.5


@lesson.question("11.4")
def find_batch_size(answer) -> None:
    """Halved until it fits, outside the except; other errors come through."""
    step = Step(200)
    ask(answer, step, 37)
    assert step.tried, "try_step was never called"
    assert step.tried[0] == 37, f"start was 37, and you tried {step.tried[0]} first"
    judge_search(answer, 37, 200, 37)
    judge_search(answer, 100, 14, 12)
    judge_search(answer, 7, 2, 1)
    judge_search(answer, 4, 1, 1)
    for problem in (ValueError("another bug"), RuntimeError("shapes do not match")):
        step = Step(5, problem)
        try:
            result = answer(step, 64)
        except (ValueError, RuntimeError) as raised:
            result = raised
        assert result is problem, (
            f"a {type(problem).__name__} that is not about memory was swallowed; it "
            f"should come out, and out came {brief(result)}"
        )
        assert len(step.tried) == 1, (
            f"after a {type(problem).__name__} that is not about memory you tried "
            "smaller batches; it should come out at once"
        )
    try:
        result = answer(Step(0), 6)
    except torch.OutOfMemoryError:
        return
    except RecursionError:
        result = "an endless recursion"
    except (RuntimeError, MemoryError, ValueError) as raised:
        result = raised
    raise AssertionError(
        f"one sample did not fit, so the error should come out; got {brief(result)}"
    )


def judge_search(answer, start: int, limit: int, right: int) -> None:
    """Raise AssertionError unless the first fitting half is found, outside except."""
    step = Step(limit)
    try:
        got = number(ask(answer, step, start))
    except torch.OutOfMemoryError:
        raise AssertionError(
            f"start {start}, room for {limit}: {right} would fit, and the error came "
            f"out; you tried {brief(step.tried)}"
        ) from None
    assert not step.handling, (
        "you retry inside the except: there the error still holds the tensors of the "
        "step that failed"
    )
    assert not step.held, (
        "you keep the error in a variable, and its traceback holds the tensors of the "
        "step that failed: let it go"
    )
    assert got <= limit, f"you return {got:g}, and a step of {got:g} did not fit"
    assert got != right // 2 or right == 1, (
        f"{right} fitted, and you return {got:g}: return before you halve"
    )
    assert got in step.tried, (
        f"you return {got:g}, which was never tried; you tried {brief(step.tried)}"
    )
    assert limit == right or got != limit, (
        f"{limit} fits, but of {start} the halves were asked for"
    )
    assert got == right, (
        f"start {start}, room for {limit}: expected {right}, got {got:g}; "
        f"you tried {brief(step.tried)}"
    )


@lesson.question("11.5")
def largest_batch(answer) -> None:
    """A line through two points, and where it meets the budget."""
    judge_line(answer, (10, 1070), (30, 1210), 1502, each=7, fixed=1000)
    judge_line(answer, (8, 1056), (48, 1336), 1560, each=7, fixed=1000)
    judge_line(answer, (32, 2**31), (64, 3 * 2**30), 2**33, each=2**25, fixed=2**30)
    got = number(ask(answer, (10, 1070), (30, 1210), 900))
    assert got >= 0, f"the network alone does not fit: return 0, not {got:g}"
    assert got == 0, f"the network alone does not fit: expected 0, got {got:g}"
    got = number(ask(answer, (10, 1070), (30, 1210), 1003))
    assert got == 0, f"1000 bytes and 7 an image, 1003 to spend: 0 fit, not {got:g}"


def judge_line(answer, small, large, budget, each: int, fixed: int) -> None:
    """Raise AssertionError unless the line gives the largest batch that fits."""
    got = number(ask(answer, small, large, budget))
    exact = (budget - fixed) / each
    right = int(exact)
    wrong = {
        "the network counts once, not with every image: take a line": (
            budget // (small[1] / small[0]),
            budget // (large[1] / large[0]),
        ),
        "you forget what does not depend on the batch": (budget // each,),
        "the measured batch is not yet in: you count what more would fit": (
            (budget - small[1]) // each,
            (budget - large[1]) // each,
        ),
        "the reserve is taken off already: keep nothing more back": (
            (0.7 * budget - fixed) // each,
        ),
        "that is one too many: round down": (right + 1,),
        "one more fits: a peak equal to the budget is not above it": (right - 1,),
    }
    for words, values in wrong.items():
        assert got not in values, f"{words}; you got {got:g}"
    assert got == int(got), f"part of an image does not fit: round {got:g} down"
    assert got == right, (
        f"expected {right} for {small}, {large} and {budget} bytes, got {got:g}"
    )
