"""Checks for notebooks/05_sanity_checks.ipynb."""

import copy
import math
import re
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.checks import Lesson
from course_utils.checks.answers import ask, brief, number, yes_or_no
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress


@lesson.question("5.1")
def blind_loss(answer) -> None:
    """Entropy in nats, over the classes that occur."""
    judge_blind(answer, [3, 0, 0, 3, 0, 5, 0])
    judge_blind(answer, [1] * 19 + [0] * 2)


def judge_blind(answer, classes: list[int]) -> None:
    """Raise AssertionError unless the loss is that of the shares of these classes."""
    targets = torch.tensor(classes, device=pick_device())
    given = targets.clone()
    counts = torch.tensor([classes.count(c) for c in sorted(set(classes))]).double()
    shares = counts / counts.sum()
    loss = -(shares * shares.log()).sum().item()
    given_to_all = (targets.bincount() / len(targets)).expand(len(targets), -1)
    result = ask(answer, given)
    assert torch.equal(given, targets), "the targets you were given are changed"
    nan = isinstance(result, float | Tensor | np.floating) and bool(
        torch.isnan(torch.as_tensor(result)).all()
    )
    assert not nan, "you got nan, from 0 · ln 0: leave out classes that don't occur"
    infinite = isinstance(result, float | Tensor | np.floating) and bool(
        torch.isinf(torch.as_tensor(result)).any()
    )
    assert not infinite, "you got inf: a class that doesn't occur has −ln 0"
    got = number(result)
    wrong = {
        "ln of the number of samples: each tensor element counted as a class of its "
        "own; use .tolist()": math.log(len(classes)),
        "that is ln C, for equal shares; these classes differ": math.log(len(counts)),
        "that is ln C, and counts classes that don't occur": math.log(max(classes) + 1),
        "a loss is positive: the sign is missing": -loss,
        "the sum over all samples; divide by their number": loss * len(classes),
        "log2 gives bits; the loss has the natural logarithm": loss / math.log(2),
        "log10 is another unit; the loss has the natural log": loss / math.log(10),
        "each class counts once; weigh it by its share": -shares.log().mean().item(),
        "that is a mean over classes; with shares as weights it is a sum": (
            loss / len(counts)
        ),
        "those are counts; a share is a count divided by len(targets)": (
            loss - math.log(len(classes))
        ),
        "that sums −ln(share) once a class; weigh by shares": -shares.log()
        .sum()
        .item(),
        "cross_entropy wants logits, and applies a softmax to your shares": (
            nn.functional.cross_entropy(given_to_all, targets).item()
        ),
        "nll_loss wants logarithms of probabilities": (
            nn.functional.nll_loss(given_to_all, targets).item()
        ),
        "that is −ln of the largest share; others count, too": -shares.max()
        .log()
        .item(),
        "that is −ln of the mean share; take the logarithm first": -(
            shares.square().sum().log().item()
        ),
    }
    for words, value in wrong.items():
        assert math.isclose(value, loss, rel_tol=1e-3) or not math.isclose(
            got, value, rel_tol=1e-4
        ), words
    assert math.isclose(got, loss, rel_tol=1e-4), (
        f"for the targets {brief(classes)} expected {loss:.4f}, got {got:.4f}"
    )


class Watched(nn.Module):
    """A small classifier that notes its parameters whenever it, or a copy, runs."""

    def __init__(self, softmax: bool, log: list[float]) -> None:
        """Keep the log's own method, which copies of the model share."""
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 4))
        if softmax:
            self.layers.append(nn.Softmax(dim=1))
        self.note = log.append

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, or what a softmax makes of them."""
        self.note(sum(p.detach().double().sum().item() for p in self.parameters()))
        return self.layers(inputs)


def by_heart(answer, samples: int, softmax: bool = False) -> tuple[bool, list[float]]:
    """Return the answer for one model, and its parameters' sums at each call.

    Two equal inputs have different labels, so that no model can be sure of both: the
    loss is at least 2 ln 2 / samples, 0.058 for 24 of them and 0.116 for 12.
    """
    torch.manual_seed(4)
    log: list[float] = []
    model = Watched(softmax, log).to(pick_device())
    inputs = torch.randn(samples, 5, device=pick_device())
    targets = torch.randint(4, (samples,), device=pick_device())
    inputs[-1], targets[-1] = inputs[-2], (targets[-2] + 1) % 4
    before = {name: value.clone() for name, value in model.state_dict().items()}
    given = inputs.clone(), targets.clone()
    result = ask(answer, model, *given)
    same = all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert same, "the model you were given has been trained; train a copy of it"
    assert all(p.grad is None for p in model.parameters()), (
        "the model you were given carries gradients now; use the copy throughout"
    )
    assert model.training, "the model you were given is in eval mode now"
    unchanged = torch.equal(given[0], inputs) and torch.equal(given[1], targets)
    assert unchanged, "the batch you were given is changed"
    return yes_or_no(result), log


@lesson.question("5.2")
def overfits(answer) -> None:
    """True for a last loss of 0.06, False for 0.12 and 0.8; the model unchanged."""
    stuck, log = by_heart(answer, 24, softmax=True)
    states = list(dict.fromkeys(log))  # one a step, and perhaps one after the last
    assert len(states) != 1 or len(log) == 1, (
        "the copy's parameters never change: backward() and step(), one copy, and its "
        "parameters in the optimizer?"
    )
    assert 199 <= len(states) <= 202, (
        f"number of steps on your copy: about {len(states)}; 200 were wanted"
    )
    assert not np.allclose(states[:9], first_states(clear=False), atol=0.03), (
        "your gradients add up; clear them in every step"
    )
    assert np.allclose(states[:9], first_states(), atol=0.03), (
        "these are not the steps of AdamW: a rate of 0.01, the whole batch, and one "
        "optimizer, made before the first step?"
    )
    healthy, _ = by_heart(answer, 24)
    assert healthy or not stuck, "turned round: True is for a last loss below 0.1"
    assert healthy, (
        "False for a healthy model, with a last loss of about 0.06: is it the last "
        "loss, the mean of the batch, that you compare with 0.1?"
    )
    assert not stuck, (
        "True for a model with a softmax at its end: its loss falls and its answers "
        "may be right, but the loss is never below 0.74"
    )
    contradiction, _ = by_heart(answer, 12)
    assert not contradiction, (
        "True although two equal inputs have different labels, so that the loss stays "
        "above 0.11: compare the last loss with 0.1"
    )


def first_states(clear: bool = True) -> list[float]:
    """Return the log of the first nine steps, with gradients cleared or not."""

    def answer(model, inputs, targets):
        twin = copy.deepcopy(model)
        optimizer = torch.optim.AdamW(twin.parameters(), lr=0.01)
        for _ in range(9):
            nn.functional.cross_entropy(twin(inputs), targets).backward()
            optimizer.step()
            if clear:
                optimizer.zero_grad()
        return True

    return by_heart(answer, 24, softmax=True)[1]


class Parts(nn.Module):
    """Two linear layers; `state` says what is the matter with them."""

    def __init__(self, state: str) -> None:
        """Build the layers; "dead" units and a "zero" head by hand."""
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.last = nn.Linear(6, 2)
        self.state = state
        if state == "dead":
            nn.init.constant_(self.first.bias, -50)
        with torch.no_grad():
            if state == "faint":
                self.last.weight *= 1e-4
            if state == "mirrored":  # so that the sum of the logits has no slope
                self.last.weight[1] = -self.last.weight[0]
        if state == "zero":
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (N, 2)."""
        hidden = self.first(inputs).relu()
        return self.last(hidden.detach() if self.state == "cut" else hidden)


def names_of(answer, state: str) -> tuple[list[str], dict[str, Tensor | None]]:
    """Return the names answered for one model, and its true gradients."""
    torch.manual_seed(8)
    model = Parts(state).to(pick_device())
    inputs = torch.randn(3, 4, device=pick_device())
    targets = torch.tensor([0, 0, 1], device=pick_device())
    nn.functional.cross_entropy(model(inputs), targets).backward()
    gradients = {
        name: None if p.grad is None else p.grad.clone()
        for name, p in model.named_parameters()
    }
    for parameter in model.parameters():  # as from an earlier batch
        parameter.grad = torch.ones_like(parameter)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    result = ask(answer, model, inputs.clone(), targets.clone())
    same = all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert same, "the parameters are changed; nobody should take a step here"
    assert not isinstance(result, str | Tensor | int | float | dict), (
        f"return a list of names, got {brief(result)}"
    )
    names = list(result)
    assert all(isinstance(name, str) for name in names), (
        f"return names alone, as named_parameters() gives them, got {brief(names)}"
    )
    return sorted(names), gradients


@lesson.question("5.3")
def without_gradient(answer) -> None:
    """Nothing but None and zeros, from this batch alone."""
    cut, _ = names_of(answer, "cut")
    dead, _ = names_of(answer, "dead")
    assert cut or dead, (
        "you name nothing where a part is cut off: do you look at gradients, and at "
        "those of this batch? clear them before backward()"
    )
    assert cut != ["last.bias", "last.weight"], (
        "those have a gradient; name the ones that have none"
    )
    assert len(cut) < 4 or len(dead) < 4, (
        "you name every parameter: a backward() on the model's own parameters "
        "(state_dict gives copies without gradients), and nothing cleared after it?"
    )
    assert cut, "you look for zeros alone; a gradient may be None as well"
    assert dead, "you look for None alone; nothing but zeros is no gradient, either"
    for state in ("cut", "dead", "zero", "healthy", "faint", "mirrored"):
        judge_names(state, *names_of(answer, state))


def judge_names(state: str, names: list[str], gradients: dict) -> None:
    """Raise AssertionError unless just those without a gradient are named."""
    none = {name for name, g in gradients.items() if g is None}
    there = {name: g for name, g in gradients.items() if g is not None}
    right = sorted(none | {name for name, g in there.items() if not g.any()})
    holes = sorted(none | {name for name, g in there.items() if not g.all()})
    sums = sorted(none | {name for name, g in there.items() if abs(g.sum()) < 1e-7})
    assert names == right or names != holes, (
        "you name parameters with some zeros in their gradient; all must be 0"
    )
    assert names == right or names != sums, (
        "a gradient may add up to 0 and still not be zero: look at each element"
    )
    words = {
        "zero": "with a head of zeros",
        "faint": "where gradients are small: small is not zero",
        "mirrored": "where nn.CrossEntropyLoss has a gradient for each",
    }
    where = words.get(state, f"for a {state} model")
    assert names == right, f"expected {right}, got {brief(names)} {where}"


class Mean(nn.Module):
    """Subtract the mean of the batch, whatever the mode."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (N, …)."""
        return (inputs - inputs.mean(dim=0)).flatten(1)


class Running(nn.Module):
    """A sum along the batch instead of along time, from its start or its end."""

    def __init__(self, backwards: bool) -> None:
        """Keep the direction."""
        super().__init__()
        self.backwards = backwards

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (N, …)."""
        if self.backwards:
            return inputs.flip(0).cumsum(dim=0).flip(0).flatten(1)
        return inputs.cumsum(dim=0).flatten(1)


class Reshaped(nn.Module):
    """Bring (N, T, D) into (T, N, D) by reshape; then sum over time."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (N, D)."""
        n, steps, width = inputs.shape
        return inputs.reshape(steps, n, width).sum(dim=0)


class Rounded(nn.Module):
    """Healthy, but rounded otherwise whenever batch or neighbours change."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (N, …), some near 0, each wrong by less than one in a million."""
        total = inputs.detach().nan_to_num().sum()
        flat = inputs.flatten(1).relu()
        phase = torch.arange(flat.shape[1], device=flat.device) + 1e3 * total
        return flat + 1e-6 * torch.sin(phase + len(inputs))


class Whisper(nn.Module):
    """Of all outputs, two of sample 1 depend a little on sample 3."""

    def __init__(self, *signs: int) -> None:
        """Keep the directions in which they move."""
        super().__init__()
        self.signs = signs

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (N, …)."""
        outputs = inputs.flatten(1).clone()
        if len(outputs) > 3:
            for place, sign in enumerate(self.signs, start=-2):
                outputs[1, place] += sign * 0.01 * inputs[3].flatten()[0]
        return outputs


class Normed(nn.Module):
    """BatchNorm over the batch and over time."""

    def __init__(self) -> None:
        """Build it for five channels."""
        super().__init__()
        self.norm = nn.BatchNorm1d(5)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (N, …)."""
        return self.norm(inputs).flatten(1)


@lesson.question("5.4")
def mixes_samples(answer) -> None:
    """Each way of mixing is found, and rounding is not taken for one."""
    torch.manual_seed(6)

    def says(model: nn.Module, mode: bool = True) -> bool:
        inputs = torch.randn(6, 5, 3, device=pick_device())
        given = inputs.clone()
        result = yes_or_no(ask(answer, model.to(pick_device()).train(mode), given))
        assert torch.equal(given, inputs), (
            "the inputs you were given are changed: change a clone"
        )
        return result

    apart, mean, norm = says(nn.Flatten()), says(Mean()), says(Normed())
    assert mean or not apart, "turned round: True is for a model that mixes samples"
    assert not apart, (
        "True for a model that keeps samples apart: do you compare the output of a "
        "sample that you changed yourself, or two different samples?"
    )
    assert mean or norm or not says(Reshaped()), (
        "you miss the mean of the batch: it is the same for shuffled samples; change "
        "them or leave them out, and compare absolute differences"
    )
    assert mean, "you miss a model that subtracts the mean of its batch"
    assert norm, (
        "you miss BatchNorm in train mode: judge the model in the mode it comes in"
    )
    assert not says(Normed(), mode=False), (
        "BatchNorm in eval mode keeps samples apart; did you call train()?"
    )
    assert says(Running(backwards=False)) and says(Running(backwards=True)), (
        "here each sample depends only on those before it, or only on those after it: "
        "ask every sample, and be content with one that moves, in either direction"
    )
    assert says(Reshaped()), (
        "you miss a reshape that puts rows of several samples together"
    )
    assert all(says(Whisper(*signs)) for signs in ((1, 1), (-1, -1), (1, -1))), (
        "here two outputs of one sample move a little with one other: ask every "
        "sample and output, up or down, with atol=1e-4, and change all the others"
    )
    assert not says(Rounded()), (
        "a difference of one in a million is rounding, near 0, too: compare with "
        "torch.allclose and atol=1e-4"
    )


@lesson.question("5.5")
def fit(answer) -> None:
    """The batch as it should be, and a model for each size of image."""
    sizes = (6, 12, 10), (5, 9, 13), (1, 8, 11)
    logits = [judge_fit(answer, *size) for size in sizes]
    assert any(some.min() < 0 or not some.any() for some in logits), (
        "no output is below 0: is there a ReLU or a sigmoid behind the head?"
    )


def judge_fit(answer, n: int, height: int, width: int) -> Tensor:
    """Return the logits; raise AssertionError unless images of this size learn."""
    generator = torch.Generator().manual_seed(n)
    images = torch.rand(n, height, width, generator=generator).double()
    images = images.to(pick_device())
    labels = torch.tensor([[4.0], [10.0], [1.0], [10.0], [9.0], [2.0]])[:n]
    labels = labels.to(pick_device())
    given = images.clone(), labels.clone()
    result = ask(answer, *given)
    assert torch.equal(given[0], images) and torch.equal(given[1], labels), (
        "the batch you were given is changed; make new tensors"
    )
    assert isinstance(result, tuple | list) and len(result) == 3, (
        f"return model, inputs and targets, three things; got {brief(result)}"
    )
    model, inputs, targets = result
    assert isinstance(model, nn.Module), f"the first is no model: {brief(model)}"
    assert isinstance(inputs, Tensor) and isinstance(targets, Tensor), (
        "inputs and targets should be tensors"
    )
    judge_batch(images, labels, inputs, targets)
    return judge_model(model, inputs, targets)


def judge_batch(images: Tensor, labels: Tensor, inputs: Tensor, targets: Tensor):
    """Raise AssertionError unless inputs and targets are what they should be."""
    n, height, width = images.shape
    assert inputs.dtype == torch.float32, (
        f"the inputs are {inputs.dtype}; the parameters are float32"
    )
    assert tuple(inputs.shape) == (n, 1, height, width), (
        f"expected inputs {(n, 1, height, width)}, got {tuple(inputs.shape)}"
    )
    same = torch.allclose(inputs.squeeze(1).cpu(), images.float().cpu())
    assert same, "the images' values have changed; only type and shape should"
    assert tuple(targets.shape) == (n,), (
        f"expected targets {(n,)}, one class a sample, got {tuple(targets.shape)}"
    )
    assert targets.dtype == torch.int64, (
        f"the targets are {targets.dtype}; class numbers are int64"
    )
    numbers = labels.flatten().long().tolist()
    got = targets.tolist()
    assert got != numbers, "the targets still go up to 10; ten classes end at 9"
    assert got != [c % 10 for c in numbers], (
        "% 10 raises no error, but 1 stays 1; class numbers are labels − 1"
    )
    assert got != [min(c, 9) for c in numbers], (
        "cut off at 9, nines and tens are one class now; subtract 1 instead"
    )
    right = [c - 1 for c in numbers]
    assert got == right, f"for the labels {numbers} expected {right}, got {brief(got)}"


def judge_model(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the logits; raise AssertionError unless the model can learn."""
    size = f"{inputs.shape[2]} by {inputs.shape[3]}"
    try:
        logits = model(inputs)
    except RuntimeError as problem:
        misfit = "mat1 and mat2" in str(problem)
        assert not misfit, (
            f"the head does not fit images of {size}: {words_after_mat1(problem)}; "
            "compute in_features from the images (pooling rounds down)"
        )
        raise
    assert isinstance(logits, Tensor) and tuple(logits.shape) == (len(inputs), 10), (
        f"expected logits {(len(inputs), 10)} for images of {size}, got {brief(logits)}"
    )
    loss = nn.functional.cross_entropy(logits, targets)
    assert loss.isfinite(), f"the loss is {loss.item()}"
    sums = logits.detach().sum(dim=1)
    assert not torch.allclose(sums, torch.ones_like(sums), atol=1e-5), (
        "the outputs add up to 1: CrossEntropyLoss wants logits, without a softmax"
    )
    assert loss.requires_grad, "nothing can be trained: the model gives no gradient"
    model.zero_grad()
    loss.backward()
    idle = [
        name
        for name, p in model.named_parameters()
        if p.grad is None or not p.grad.any()
    ]
    assert not idle or not logits.any(), (
        f"{idle[0] if idle else ''} gets no gradient: frozen, or cut off?"
    )
    return logits.detach()


def words_after_mat1(problem: Exception) -> str:
    """Return "(4x1152 and 512x10)" from the message of a matrix product."""
    found = re.search(r"\(\d+x\d+ and \d+x\d+\)", str(problem))
    return found[0] if found else "wrong in_features"


SHOUTS = (
    ("size (4, 1) is old", FutureWarning),
    ("size (4, 1) is old", UserWarning),
    ("careful,\nsize (4, 1) is old", UserWarning),
    ("size 4, 1 is old", UserWarning),
    ("the sizes differ", FutureWarning),
)
TEXTS = [text for text, _ in SHOUTS]


def shout() -> int:
    """Warn five times; return a number."""
    for text, kind in SHOUTS:
        warnings.warn(text, kind, stacklevel=1)
    return 5


def fail() -> None:
    """Raise an error of a kind of its own."""
    raise LookupError("on purpose")


@lesson.question("5.6")
def silenced(answer) -> None:
    """One text silenced, all others heard, the filters as they were."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        filters = list(warnings.filters)
        result = ask(answer, shout, "size (4, 1)")
        kept = list(warnings.filters) == filters
    heard = [str(warning.message) for warning in caught]
    assert heard, "every warning is silenced, or recorded and gone; silence one text"
    assert kept, (
        "after the call the filters are others than before: put yours into "
        "warnings.catch_warnings()"
    )
    assert heard != TEXTS, (
        "nothing is silenced: all five are heard. Set the filter before the call, and "
        "escape words alone"
    )
    assert heard.count(TEXTS[-1]) < 2, "warnings are heard twice; call action once"
    _, text, broken, *others = TEXTS
    assert heard.count(text) != 1, (
        f"{text!r} comes as FutureWarning and as UserWarning, and one of them is "
        "heard: leave the category out"
    )
    assert others[0] in heard, (
        f"{others[0]!r} is silenced: it has no brackets; use re.escape(words)"
    )
    assert broken not in heard or text in heard, (
        f"{broken!r} is heard: message has to match from the start, and . stops at "
        "a line break without (?s)"
    )
    assert heard == others, f"expected to hear {brief(others)}, heard {brief(heard)}"
    judge_return(answer, result)


def judge_return(answer, result) -> None:
    """Raise AssertionError unless results come back, and filters after an error."""
    assert not callable(result), "return what action() returns, not action itself"
    assert result == 5, f"action() returned 5, you returned {brief(result)}"
    with warnings.catch_warnings():
        filters = list(warnings.filters)
        try:
            ask(answer, fail, "size")
        except LookupError:
            pass
        else:
            raise AssertionError("an error in action() should come through")
        assert list(warnings.filters) == filters, (
            "after an error in action() your filter stays: use `with`, which ends "
            "then, too"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", message="size 4, 1")  # somebody else's
        ask(answer, shout, "differ")
    heard = [str(warning.message) for warning in caught]
    assert TEXTS[3] not in heard, (
        "a filter that was set before your call has lost its effect: add to the "
        "filters, don't reset them"
    )
    assert heard == TEXTS[:3], (
        f"silencing 'differ' expected {brief(TEXTS[:3])}, heard {brief(heard)}"
    )
