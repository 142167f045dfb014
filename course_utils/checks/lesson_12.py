"""Checks for notebooks/12_fitting_more.ipynb."""

import math
import warnings
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_utils.checks import Lesson
from course_utils.checks.answers import ask, number
from course_utils.data import load_digits
from course_utils.memory import memory_budget
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress
loss_fn = nn.CrossEntropyLoss()


def group_of(sizes: list[int], seed: int) -> list[tuple[Tensor, Tensor]]:
    """Return micro-batches of these sizes: inputs (n, 6), targets (n,) of 5 classes."""
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for size in sizes:
        inputs = 3 * torch.randn(size, 6, generator=generator)
        targets = torch.randint(5, (size,), generator=generator)
        batches.append((inputs.to(pick_device()), targets.to(pick_device())))
    return batches


def small_model(largest: int) -> nn.Module:
    """Return a network for `group_of`, always the same; larger batches it refuses."""
    torch.manual_seed(3)
    layers = [nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 5)]
    model = nn.Sequential(*layers).to(pick_device())

    def refuse(_, given):
        assert len(given[0]) <= largest, (
            "you joined micro-batches into a larger one; that is what did not fit"
        )

    model.register_forward_pre_hook(refuse)
    return model


def gradients(model: nn.Module) -> Tensor:
    """Return all gradients as one vector; a missing one counts as zeros."""
    parts = [
        torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()
    ]
    return torch.cat([part.detach().flatten().float() for part in parts])


def parts_of(model: nn.Module, group: list, loss_fn) -> tuple[Tensor, Tensor]:
    """Return gradient and loss of each micro-batch: (count, weights), (count, 1)."""
    parts, losses = [], []
    for inputs, targets in group:
        model.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        parts.append(gradients(model))
        losses.append(loss.detach().reshape(1))
    return torch.stack(parts), torch.stack(losses)


def off(got: Tensor, right: Tensor) -> float:
    """Return the length of the difference, relative to the second vector."""
    return ((got - right).norm() / right.norm()).item()


def shares(sizes: list[int]) -> list[float]:
    """Return each size divided by their sum."""
    return [size / sum(sizes) for size in sizes]


def weighings(sizes: list[int]) -> dict[str, list[float]]:
    """Return what the mean is with a mistake, and the weights that make it."""
    count, before = len(sizes), [0.0] * (len(sizes) - 1)
    return {
        "the sum of the means; weigh each by its share": [1.0] * count,
        "the mean of the means, though some have fewer samples; weigh them": (
            [1 / count] * count
        ),
        "the sum over samples; divide by their number": [float(n) for n in sizes],
        "the last micro-batch's, times its share": [*before, shares(sizes)[-1]],
        "the last micro-batch's alone": [*before, 1.0],
        "divided by the number of micro-batches once too often": [
            share / count for share in shares(sizes)
        ],
    }


def judge_mean(what: str, got: Tensor, parts: Tensor, sizes: list[int], limit) -> None:
    """Raise AssertionError, if possible with the mistake's name, unless it is the mean.

    Args: what: "gradient" or "loss". got: the learner's, (k,). parts: what each
            micro-batch gives by itself, (count, k). limit: the error that may remain.
    """
    assert got.isfinite().all(), (
        "a gradient is infinite or nan: divided by 0, or float16 scaled too much?"
    )
    assert got.any() or len(got) == 1, (
        "there are no gradients, or only zeros: backward() comes after clearing"
    )
    right = parts.new_tensor(shares(sizes)) @ parts
    error = off(got, right)
    if error < limit:
        return
    for words, weights in weighings(sizes).items():
        near = off(got, parts.new_tensor(weights) @ parts) < min(0.1, error / 3)
        clear = "; clear before the loop" if "last" in words and len(got) > 1 else ""
        assert not near, f"the {what} is {words}{clear}"
    if len(got) == 1:
        shown = f"{got.item():.4f} instead of {right.item():.4f}"
    else:
        factor = (got @ right / (right @ right)).item()
        shown = f"{min(error, 99):.0%} off"
        if off(got, factor * right) < 0.1 * abs(factor):
            shown = f"{factor:.2g} times the right one"
    raise AssertionError(
        f"expected the {what} of all {sum(sizes)} samples, got {shown}"
    )


@lesson.question("12.1")
def accumulate(answer) -> None:
    """The gradient of the whole, one graph at a time."""
    for seed, sizes in enumerate(([5, 5, 3], [7, 2, 4, 1], [6])):
        judge_group(answer, sizes, seed)


def judge_group(answer, sizes: list[int], seed: int) -> None:
    """Raise AssertionError unless these micro-batches make the right gradient."""
    model, group, events = small_model(max(sizes)), group_of(sizes, seed), []
    before = [p.detach().clone() for p in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 0.7)
    old = gradients(model)

    def note(_, __, output):
        events.append("forward")
        if output.requires_grad:
            output.register_hook(lambda _: events.append("backward"))

    model.register_forward_hook(note)
    given = [(inputs.clone(), targets.clone()) for inputs, targets in group]
    smooth = nn.CrossEntropyLoss(label_smoothing=0.3)
    loss = ask(answer, model, given, smooth)
    judge_events(events)
    same = zip(before, model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same), (
        "your function changed the weights; it only leaves gradients, the step comes "
        "later"
    )
    got = gradients(model)
    weights = got.new_tensor(shares(sizes))
    plain, _ = parts_of(small_model(max(sizes)), group, loss_fn)
    assert not off(got, weights @ plain) < 1e-4, "use the loss_fn that you were given"
    parts, losses = parts_of(small_model(max(sizes)), group, smooth)
    assert not off(got - old, weights @ parts) < 1e-4, (
        "old gradients are still in it: clear them once, before the loop"
    )
    judge_mean("gradient", got, parts, sizes, 1e-4)
    judge_mean("loss", losses.new_tensor([number(loss)]), losses, sizes, 1e-4)


def judge_events(events: list[str]) -> None:
    """Raise AssertionError unless each graph has gone before the next is waiting."""
    assert events, "the model was never called"
    assert "backward" in events, "backward() was never called"
    assert not any(a == b == "backward" for a, b in pairwise(events)), (
        "the graphs of several micro-batches are alive at once: call backward() in the "
        "loop, for each"
    )


EPOCH_MISTAKES = {
    "first": "the first step comes after one micro-batch: i % every is 0 for i = 0",
    "no tail": "what is left over at the end gets no step",
    "tail lost": "the last group is thrown away: its gradients are cleared, no step",
    "by every": "the smaller last group is divided by `every`: weigh by samples",
    "full": "the smaller last group is weighed like a full one: count its own samples",
    "equal": "each micro-batch has the same weight, though the last has fewer samples",
    "sum": "the gradients of a group are a sum; weigh each loss by its share",
    "clip each": "you clip after each backward(); clip once, before the step",
    "no clip": "the gradients' norm is not clipped before the step",
    "scheduler each": "the scheduler is called for each micro-batch; it counts steps",
    "scheduler early": "scheduler.step() comes before optimizer.step(): call it after",
    "scheduler once": "the scheduler is called once an epoch; it counts steps",
    "no scheduler": "the scheduler is never called",
    "no zero": "old gradients are never cleared: each group starts from none",
    "zero once": "old gradients are cleared once an epoch: each group starts from none",
    "step each": "a step for each micro-batch: step once a group",
}


def run_epoch(model, batches, optimizer, scheduler, every, limit, kind="") -> int:
    """Take the steps of one epoch, rightly or with one mistake; return their number."""
    steps, every = 0, 1 if kind == "step each" else every
    if kind not in ("no zero", "first", "no tail"):
        model.zero_grad()
    for i, (inputs, targets) in enumerate(batches):
        group = [len(part) for _, part in batches[i - i % every :][:every]]
        end = i + 1 == len(batches) and kind not in ("first", "no tail", "tail lost")
        weight = {
            "equal": 1 / len(group),
            "sum": 1,
            "full": len(targets) / (len(batches[0][1]) * every),
        }.get(kind, len(targets) / sum(group))
        if kind in ("by every", "first", "no tail"):
            weight = 1 / every
        (loss_fn(model(inputs), targets) * weight).backward()
        if kind == "clip each":
            nn.utils.clip_grad_norm_(model.parameters(), limit)
        if kind == "scheduler each":
            scheduler.step()
        if not end and (i + (kind != "first")) % every:
            continue
        if kind != "no clip":
            nn.utils.clip_grad_norm_(model.parameters(), limit)
        if kind == "scheduler early":
            scheduler.step()
        optimizer.step()
        if "scheduler" not in kind:
            scheduler.step()
        if kind not in ("no zero", "zero once"):
            model.zero_grad()
        steps += 1
    if kind == "scheduler once":
        scheduler.step()
    return steps


def two_epochs(run, sizes: list[int], every: int, limit: float):
    """Return the weights after two epochs, the steps of each, the scheduler's count."""
    model, batches = small_model(max(sizes)), group_of(sizes, 5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.8)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    taken = []
    optimizer.register_step_post_hook(lambda *_: taken.append(1))
    told = [
        run(model, list(batches), optimizer, scheduler, every, limit) for _ in range(2)
    ]
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    return weights, told, len(taken), scheduler.last_epoch


@lesson.question("12.2")
def accumulated_epoch(answer) -> None:
    """Groups, a tail, one clipping, one call of the scheduler."""
    judge_epochs(answer, [4, 4, 4, 4, 4, 4, 4, 3], 3, 0.6)
    judge_epochs(answer, [5, 5, 5, 5, 5, 5], 2, 0.5)
    judge_epochs(answer, [7, 7, 2], 5, 0.4)


def judge_epochs(answer, sizes: list[int], every: int, limit: float) -> None:
    """Raise AssertionError unless two epochs of these micro-batches come out right."""
    got, told, taken, calls = two_epochs(
        lambda *given: ask(answer, *given), sizes, every, limit
    )
    right, steps, right_taken, right_calls = two_epochs(run_epoch, sizes, every, limit)
    assert taken > 0, "optimizer.step() was never called"
    if off(got, right) > 1e-4:
        for kind, words in EPOCH_MISTAKES.items():
            run = partial(run_epoch, kind=kind)
            with warnings.catch_warnings(action="ignore"):  # of mistakes on purpose
                wrong, *_ = two_epochs(run, sizes, every, limit)
            named = off(wrong, right) > 1e-3 and off(got, wrong) < 1e-4
            assert not named, words
    assert taken == right_taken, (
        f"{len(sizes)} micro-batches in groups of {every}, the last perhaps smaller: "
        f"expected {right_taken // 2} steps an epoch, got {taken / 2:g}"
    )
    assert calls == right_calls, (
        f"the scheduler is called {calls} times for {taken} steps of the optimizer"
    )
    assert off(got, right) < 1e-4, (
        f"expected the weights of {right_taken // 2} large batches, got others: look "
        "at weights, clearing, limit and scheduler of each group"
    )
    told = [number(value) for value in told]
    assert told != [len(sizes)] * 2 or told == steps, (
        "you return the number of micro-batches; the steps were asked for"
    )
    assert told == steps, (
        f"two epochs of {steps[0]} steps, and you return {told[0]:g}, then {told[1]:g}"
    )


class Half(nn.Module):
    """Weights whose gradients pass through float16, one unused, one frozen."""

    def __init__(self) -> None:
        """Make five parameters; the second never has a gradient."""
        super().__init__()
        self.first = nn.Parameter(torch.zeros(3))
        self.unused = nn.Parameter(torch.ones(2))
        self.middle = nn.Parameter(torch.zeros(2))
        self.frozen = nn.Parameter(torch.ones(1), requires_grad=False)
        self.last = nn.Parameter(torch.zeros(2))

    def loss(self, tiny: float, middle: float) -> Tensor:
        """Return a loss whose gradients are tiny times 1, 2, 3, or twice the middle."""
        one = torch.arange(1, 4, device=self.first.device)
        outer = (self.first.half() * one.half()).float().sum()
        outer += self.last.half().float().sum()
        return outer * tiny + (self.middle.half() * 2).float().sum() * middle

    def values(self) -> Tensor:
        """Return all weights as one vector."""
        return torch.cat([p.detach().flatten() for p in self.parameters()])


def half_run() -> tuple[Half, torch.optim.Optimizer]:
    """Return weights, and an optimizer with two groups and momentum."""
    model = Half().to(pick_device())
    groups = [
        {"params": [model.first, model.unused]},
        {"params": [model.middle, model.frozen, model.last]},
    ]
    return model, torch.optim.SGD(groups, lr=1e5, momentum=0.5)


@lesson.question("12.3")
def scaled_step(answer) -> None:
    """Scaled, unscaled, and skipped where it must be."""
    judge_good_steps(answer)
    judge_small_scale(answer)
    for middle in (1.0, math.nan, math.inf):
        judge_bad_step(answer, middle)


def judge_good_steps(answer, scale: float = 2.0**14) -> None:
    """Raise AssertionError unless tiny gradients make the true steps, twice."""
    model, optimizer = half_run()
    start = model.values()
    taken = []
    optimizer.register_step_post_hook(lambda *_: taken.append(1))
    returned = number(ask(answer, model.loss(1e-8, 1e-8), optimizer, scale))
    one = torch.tensor([1.0, 2, 3, 0, 0, 2, 2, 0, 1, 1], device=start.device)
    right, got = -1e5 * 1e-8 * one, model.values() - start
    assert taken, "all gradients were finite, and there was no step"
    assert len(taken) == 1, f"one step was due, you took {len(taken)}"
    assert got.isfinite().all(), "the gradients were finite, and the weights are not"
    if not got.any():
        cleared = all(p.grad is None for p in model.parameters())
        assert not cleared, "at the step there are no gradients: don't clear them"
        raise AssertionError(
            "the weights have not moved: without the scale these gradients are 0 in "
            "float16; multiply the loss before backward()"
        )
    assert off(got, right * scale) > 0.05, (
        f"the step is {scale:.0f} times too long: divide the gradients again"
    )
    assert off(got, right / scale) > 0.05, (
        "the step is far too short: divide once, and only the gradients"
    )
    for group in (slice(0, 3), slice(5, None)):
        partly = one.clone()
        partly[group] *= scale
        assert off(got, -1e-3 * partly) > 0.05, (
            "not all parameters are divided: optimizer.param_groups has two groups"
        )
    assert off(got, right) < 0.02, (
        f"expected a step of {right[0].item():.5f} for the first weight, "
        f"got {got[0].item():.5f}"
    )
    assert returned == scale, (
        f"the step was good: the scale stays as it is, {scale:g}, not {returned:g}"
    )
    optimizer.zero_grad()
    ask(answer, model.loss(1e-8, 1e-8), optimizer, scale / 4)
    assert off(model.values() - start, 2.5 * right) < 0.02, (  # momentum 0.5: 1 + 1.5
        "the first step is right, the second, with another scale, is not: divide the "
        "gradients, and leave the optimizer as it is"
    )


def judge_small_scale(answer) -> None:
    """Raise AssertionError unless large gradients are scaled by 2, and only that."""
    model, optimizer = half_run()
    start = model.values()
    ask(answer, model.loss(1e-3, 1e-3), optimizer, 2.0)
    got = model.values() - start
    assert abs(got[0] / -100 - 1.5) > 0.02, (
        "backward ran for the loss as it was, too: once is enough, for the scaled one"
    )
    assert abs(got[0] / -100 - 1) < 0.02, (
        f"with a scale of 2 expected a step of -100 for the first weight, got {got[0]}"
    )


def judge_bad_step(answer, middle: float) -> None:
    """Raise AssertionError unless a bad gradient in the middle stops the whole step."""
    model, optimizer = half_run()
    model.loss(1e-3, 1e-3).backward()
    optimizer.step()  # now there is momentum
    optimizer.zero_grad()
    start = model.values()
    kind = {True: "nan", False: "infinite"}[math.isnan(middle)]
    returned = number(ask(answer, model.loss(1e-3, middle), optimizer, 2.0**18))
    got = model.values()
    assert got.isfinite().all(), (
        f"one gradient was {kind}, you took the step, and now a weight is: skip it"
    )
    assert torch.equal(got, start), (
        f"one gradient was {kind}, and other weights moved: leave out the whole step; "
        "with zeros, too, momentum moves them"
    )
    assert returned != 2.0**18, "a step was skipped, and the scale is still the same"
    assert returned != 2.0**19, "too large a scale: halve it, don't double it"
    assert returned == 2.0**17, (
        f"after a skipped step expected {2**17}, half the scale, got {returned:g}"
    )


def needed(segments: int, blocks: int, edge: int, inside: int) -> int:
    """Return the lesson's formula."""
    return segments * edge + -(-blocks // segments) * inside


def rounded(value: float) -> list[float]:
    """Return a number, and the whole numbers that one makes of it."""
    return [value, round(value), int(value), math.ceil(value)]


def answers_of(case: tuple[int, int, int]) -> tuple[int, dict[str, list[float]]]:
    """Return the right number of segments, and what each mistake would answer."""
    blocks, edge, inside = case
    every = range(1, blocks + 1)
    costs = [needed(s, *case) for s in every]
    right = costs.index(min(costs)) + 1

    def best(cost, candidates=every) -> list[float]:
        return [min(candidates, key=cost)]

    return right, {
        "that is the number of bytes; return the segments that need it": [min(costs)],
        "several need the same; the fewest segments were asked for": best(
            lambda s: needed(s, *case), every[::-1]
        ),
        "edge and inside are mixed up": best(lambda s: needed(s, blocks, inside, edge)),
        "B / s is not rounded up, or not rightly: the longest segment counts": best(
            lambda s: s * edge + blocks // s * inside
        ),
        "that is the square root of B; it leaves out E and I": rounded(blocks**0.5),
        "that is how many blocks a segment has, not how many segments": [
            -(-blocks // right),
            blocks // right,
        ],
        "the best of a formula without the rounding up; try every whole s": [
            *rounded((blocks * inside / edge) ** 0.5),
            *best(lambda s: s * edge + blocks / s * inside),
        ],
        "that is the worst s: smallest, not largest": best(lambda s: -needed(s, *case)),
        "s counts from 1, and you return the place in a list": [right - 1],
        "you leave out s = B, a segment for each block": best(
            lambda s: needed(s, *case), every[:-1]
        ),
        "you try only s that divide B; a last segment may be shorter": best(
            lambda s: needed(s, *case) if blocks % s == 0 else math.inf
        ),
    }


@lesson.question("12.4")
def choose_segments(answer) -> None:
    """Every candidate, the first of the best; a mistake must explain all answers."""
    cases = [(30, 2, 10), (24, 100, 100), (33, 128, 704), (16, 262144, 1572864)]
    cases += [(7, 500, 3), (9, 1, 4000), (40, 5, 60), (23, 3, 20)]
    got = [number(ask(answer, *case)) for case in cases]
    found = [answers_of(case) for case in cases]
    pairs = list(zip(got, found, strict=True))
    misses = [k for k, (value, (right, _)) in enumerate(pairs) if value != right]
    if not misses:
        return
    blocks, edge, inside = cases[misses[0]]
    value, (right, mistakes) = pairs[misses[0]]
    case = f"{blocks} blocks, E = {edge}, I = {inside}"
    assert len(set(got)) > 1, f"you answer {value:g} for every case; it depends on all"
    for words in mistakes:
        explained = all(
            any(abs(value - told) < 1e-9 for told in wrong[words])
            for value, (_, wrong) in pairs
        )
        assert not explained, f"{case}: {words}"
    assert 1 <= value <= blocks, f"{case}: s goes from 1 to {blocks}, not {value:g}"
    raise AssertionError(f"{case}: expected s = {right}, got {value:g}")


class Block(nn.Module):
    """The lesson's block."""

    def __init__(self, width: int) -> None:
        """Make a norm and two layers."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """Add something to what comes in."""
        return hidden + self.down(nn.functional.gelu(self.up(self.norm(hidden))))


class Tower(nn.Module):
    """The lesson's tower."""

    def __init__(self, depth: int = 16, width: int = 64) -> None:
        """Make equal blocks in a row."""
        super().__init__()
        self.first = nn.Sequential(nn.Flatten(), nn.Linear(64, width))
        self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)])
        self.head = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, 10) of images (N, 1, 8, 8)."""
        return self.head(self.blocks(self.first(images)))


def tower_run(sure: float = 0.0) -> tuple[Tower, torch.optim.Optimizer]:
    """Return a tower whose losses differ from batch to batch, and its optimizer.

    Args: sure: what class 0 gets on top; large, the losses of that class are tiny.
    """
    torch.manual_seed(4)
    model = Tower().to(pick_device())
    with torch.no_grad():
        model.head.weight *= 4
        model.head.bias[0] += sure
    return model, torch.optim.AdamW(model.parameters(), lr=5e-4, foreach=False)


@lesson.question("12.5")
def fit_step(answer) -> None:
    """The step that it was, in less memory."""
    images, labels = (part.to(pick_device()) for part in load_digits("train"))
    judge_step(answer, images[:390], labels[:390])
    judge_step(answer, images[390:520], labels[390:520])
    judge_tiny(answer, images[:90], torch.zeros_like(labels[:90]))
    judge_budget(answer, images[:512], labels[:512])


def judge_step(answer, inputs: Tensor, targets: Tensor) -> None:
    """Raise AssertionError unless two steps are those of the whole batch."""
    model, optimizer = tower_run()
    pieces, recorded = {}, []

    def note(module, given):
        if module is model.first and torch.is_grad_enabled():  # not a copy's
            piece = given[0].detach().float().cpu().flatten(1)
            pieces[piece.numpy().tobytes()] = piece  # once, though computed twice

    hook = model.first.register_forward_pre_hook(note)
    optimizer.register_step_post_hook(lambda *_: recorded.append(gradients(model)))
    copies = inputs.clone(), targets.clone()
    loss = ask(answer, model, optimizer, *copies)
    hook.remove()
    same = torch.equal(copies[0], inputs) and torch.equal(copies[1], targets)
    assert same, "the batch that you were given is changed: don't write into it"
    judge_pieces(list(pieces.values()), inputs.cpu().flatten(1), len(recorded))
    kinds = {p.dtype for p in model.parameters()} - {torch.float32}
    assert not kinds, f"the weights are {kinds} now; float32 stays"
    assert all(p.requires_grad for p in model.parameters()), "weights are frozen now"
    got = recorded[0]
    ask(answer, model, optimizer, *copies)
    sizes = [len(piece) for piece in pieces.values()]
    if sum(sizes) > len(inputs):  # some went through more than once
        sizes = [len(inputs)]
    group = zip(inputs.split(sizes), targets.split(sizes), strict=True)
    reference, plain = tower_run()
    parts, losses = parts_of(reference, group, loss_fn)
    judge_mean("gradient", got, parts, sizes, 0.15)
    first, _ = parts_of(reference, [(inputs, targets)], loss_fn)
    plain.step()
    second, after = parts_of(reference, [(inputs, targets)], loss_fn)
    error = off(recorded[1], second[0])
    assert off(recorded[1], first[0] + second[0]) > error, (
        "in the second step the first one's gradients are still there: clear them"
    )
    assert error < 0.5, (
        "the first step is right, the second is not; what does yours leave behind?"
    )
    told = losses.new_tensor([number(loss)])
    assert off(told, after[0]) > 0.01, "that is the loss after the step, not its own"
    judge_mean("loss", told, losses, sizes, 0.01)
    counted = [optimizer.state[p].get("step") for p in model.parameters()]
    assert counted == [2] * len(counted), (
        "after two steps the optimizer doesn't know of both: its averages belong to it"
    )


def judge_tiny(answer, inputs: Tensor, targets: Tensor) -> None:
    """Raise AssertionError if gradients get lost once all of them are tiny."""
    model, optimizer = tower_run(sure=15.0)
    whole, _ = parts_of(model, [(inputs, targets)], loss_fn)
    model.zero_grad()
    recorded = [torch.zeros_like(whole[0])]
    optimizer.register_step_post_hook(lambda *_: recorded.append(gradients(model)))
    ask(answer, model, optimizer, inputs, targets)
    assert off(recorded[-1], whole[0]) < 0.15, (
        "right early in a run; late, when gradients are tiny, yours are off: float16 "
        "makes them 0, so scale the loss, or do without"
    )


def judge_pieces(pieces: list[Tensor], inputs: Tensor, steps: int) -> None:
    """Raise AssertionError unless all images pass, in few pieces, for one step."""
    assert pieces, "the given model's first layer was never called with gradients on"
    assert all(len(piece) for piece in pieces), (
        f"one micro-batch is empty: there are {len(inputs)} images here, not always 512"
    )
    images = torch.cat(pieces)
    assert (torch.cdist(images, inputs).amin(dim=1) < 0.1).all(), (
        "images went through the network that you were not given: use `inputs`"
    )
    assert len(images) >= len(inputs), (
        f"only {len(images)} of {len(inputs)} images went through the network: it is "
        "another batch"
    )
    assert steps > 0, "optimizer.step() was never called, or your scaler skipped it"
    assert steps == 1, (
        f"{steps} steps for one batch: call optimizer.step() once, after the last "
        "micro-batch"
    )
    assert len(pieces) <= 4, (
        f"{len(pieces)} micro-batches went forward with gradients on: four at most; "
        "find room elsewhere"
    )


def judge_budget(answer, inputs: Tensor, targets: Tensor, steps: int = 3) -> None:
    """Raise AssertionError unless some steps fit, and the network learns."""
    model, optimizer = tower_run()
    with torch.no_grad():
        before = loss_fn(model(inputs), targets).item()
    try:
        with memory_budget("6.5MB", model):
            for _ in range(steps):
                ask(answer, model, optimizer, inputs, targets)
    except torch.OutOfMemoryError as problem:
        used = str(problem).split("In use: ")[-1]
        raise AssertionError(f"out of memory at 6.5 MB. In use: {used}") from None
    with torch.no_grad():
        after = loss_fn(model(inputs), targets).item()
    assert after < 0.8 * before, (
        f"it fits, but does not learn: the loss went from {before:.2f} to {after:.2f}"
    )
