"""Checks for notebooks/16_clinic_cases.ipynb.

Each judge runs the repaired code on small data and compares what comes of it with what
comes of the fault, and of other ways to miss, before it compares with the right result.
"""

import copy
from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from course_utils.checks import Lesson, answers
from course_utils.checks.answers import a_class, ask, brief, number
from course_utils.runtime import pick_device
from course_utils.training import evaluate, train_one_epoch

lesson = Lesson()
progress = lesson.progress
Numbers = float | list[float]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Return normal random numbers that hang on the seed alone, on the device."""
    return answers.drawn(*shape, seed=seed).to(pick_device())


def classes(n: int, seed: int = 0, number: int = 4) -> Tensor:
    """Return n random classes on the device."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(number, (n,), generator=generator).to(pick_device())


def network(outputs: int = 4, normed: bool = False) -> nn.Module:
    """Return a small network for images (N, 1, 3, 3), always with the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        norm = [nn.BatchNorm1d(6), nn.Dropout(0.0)] if normed else []
        body = [nn.Flatten(), nn.Linear(9, 6), *norm, nn.Tanh()]
        return nn.Sequential(*body, nn.Linear(6, outputs)).to(pick_device())


def same(one, other) -> bool:
    """Return whether two tensors, or lists of them, are equal to rounding."""
    if isinstance(one, Tensor):
        one, other = [one], [other]
    one, other = list(one), list(other)
    return len(one) == len(other) and all(
        a.shape == b.shape and torch.allclose(a.float(), b.float(), atol=1e-5)
        for a, b in zip(one, other, strict=True)
    )


def weights_of(model: nn.Module) -> list[Tensor]:
    """Return copies of all parameters and buffers."""
    return [value.detach().clone() for value in model.state_dict().values()]


def close(one: Numbers, other: Numbers) -> bool:
    """Return whether two numbers, or equally long lists, are equal to rounding."""
    return np.allclose(one, other, rtol=0, atol=1e-4)


def known_mistakes(got: Numbers, right: Numbers, wrong: list) -> None:
    """Raise AssertionError with the words for the mistake that gives these numbers."""
    for value, words in wrong:
        assert close(value, right) or not close(got, value), words


def two(result, words: str) -> tuple:
    """Return the two parts of a result; raise AssertionError, naming them, if not."""
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return {words}, got {brief(result)}"
    )
    return tuple(result)


@lesson.question("16.1")
def mean_loss(answer) -> None:
    """Sums over samples, divided by the samples that came."""
    judge_loss(answer, 23, 5, drop_last=False)
    judge_loss(answer, 17, 7, drop_last=False)
    judge_loss(answer, 23, 5, drop_last=True)


def judge_loss(answer, n: int, size: int, drop_last: bool) -> None:
    """Raise AssertionError unless this loader's mean loss is right."""
    inputs, targets = 3 * drawn(n, 1, 3, 3), classes(n)
    model, loss_fn = network(normed=True), nn.CrossEntropyLoss(label_smoothing=0.2)
    loader = DataLoader(TensorDataset(inputs, targets), size, drop_last=drop_last)
    sizes = [len(targets) for _, targets in loader]

    def measured(loss_fn: Callable, train: bool = False) -> list[float]:
        measured_model = copy.deepcopy(model).train(train)
        with torch.no_grad():
            return [loss_fn(measured_model(x), y).item() for x, y in loader]

    def mean(values: list[float]) -> float:
        return sum(v * k for v, k in zip(values, sizes, strict=True)) / sum(sizes)

    values, before = measured(loss_fn), weights_of(model)
    right, added, last = mean(values), sum(values), sizes[-1]
    total = right * sum(sizes)
    without_last = (total - values[-1] * last) / (sum(sizes) - last)
    plain, in_train = measured(nn.CrossEntropyLoss()), measured(loss_fn, train=True)
    got = number(ask(answer, model, loader, loss_fn))
    wrong = [
        (added / n, "still far too small: means of batches, divided by samples"),
        (total, "that is a sum over the samples; divide by their number"),
        (added, "a sum of the batches' means; what is their mean over samples?"),
        (values[0], "the loss of the first batch alone: is a return in the loop?"),
        (values[-1], "that is the loss of the last batch alone"),
        (mean(in_train), "in train mode the loss depends on who shares the batch"),
        (mean(plain), "that is plain cross-entropy; use the loss_fn handed over"),
        (total / len(sizes), "too large: divide by the samples, not by the batches"),
        (total / n, "with drop_last some samples don't come; count those that do"),
        (added / len(sizes), f"the last {last} count as much as a batch of {size}"),
        (added * size / n, f"the last batch has {last}, and is counted as {size}"),
        (total / len(sizes) / size, f"the last batch of {last} is divided by {size}"),
        (without_last, "the last, smaller batch is missing"),
    ]
    known_mistakes(got, right, wrong)
    assert close(got, right), f"expected {right:.4f}, got {got:.4f}"
    assert same(before, weights_of(model)), (
        "right, but the model has changed while it was measured: which mode was it in?"
    )


class Answers(nn.Module):
    """Answer with the class in the first pixel; in train mode with the next one."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (N, 4) for images (N, 1, 3, 3)."""
        said = inputs[:, 0, 0, 0].long() + self.training
        return nn.functional.one_hot(said % 4, 4).float()


@lesson.question("16.2")
def accuracy_of(answer) -> None:
    """All images, whatever the batch size."""
    for n, size in ((23, 5), (17, 7), (24, 6), (11, 30), (13, 4)):
        judge_accuracy(answer, n, size)


def judge_accuracy(answer, n: int, size: int) -> None:
    """Raise AssertionError unless the share is that of all n images."""
    targets = classes(n, seed=n)
    images = torch.zeros(n, 1, 3, 3, device=targets.device)
    full = n - n % size
    missed = [k for k in range(n) if (k > full if k >= full else k % 3 == 1)]
    said = targets.clone()
    said[missed] += torch.tensor([2 + k % 2 for k in missed]).to(said)
    images[:, 0, 0, 0] = (said % 4).float()
    right = (said % 4 == targets).float()
    try:
        got = number(ask(answer, Answers().to(pick_device()), images, targets, size))
    except ZeroDivisionError:
        raise AssertionError(
            f"{n} images in batches of {size}: there still is no batch at all"
        ) from None
    batches = [part.mean().item() for part in right.split(size)]
    in_train = ((said + 1) % 4 == targets).float().mean().item()
    fits, hits = right.mean().item(), right.sum().item()
    wrong = [
        (in_train, "measured in train mode: the answers are other ones there"),
        (100 * fits, "a share goes from 0 to 1; yours is in percent"),
        (hits, "that is the number of right answers; divide by the number of images"),
        (sum(batches) / len(batches), "the last, smaller batch counts too much"),
        (batches[-1], "the last batch alone"),
        (1 - fits, "that is the share of wrong answers"),
        (hits / len(batches), "divide by all images, not by the number of batches"),
        (hits / (len(batches) * size), "the last batch is counted as if it were full"),
    ]
    if 0 < full < n:
        seen, rest = right[:full].sum().item(), n - full
        wrong += [
            (seen / full, f"{n} images, but {rest} at the end are still not measured"),
            (hits / full, "right answers of all, divided by those in full batches"),
            (seen / n, f"{rest} images at the end are counted, but not measured"),
        ]
    known_mistakes(got, fits, wrong)
    assert close(got, fits), (
        f"{n} images in batches of {size}: expected {fits:.4f}, got {got:.4f}"
    )


def three_batches() -> list[tuple[Tensor, Tensor]]:
    """Return three different batches of unequal sizes."""
    return [(drawn(n, 1, 3, 3, seed=n), classes(n, seed=n)) for n in (7, 5, 6)]


@lesson.question("16.3")
def take_step(answer) -> None:
    """One step on each batch, from its own gradient."""
    models, loss_fn = [network() for _ in range(3)], nn.CrossEntropyLoss()
    optimizer, steps, unclear = (
        torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.5) for model in models
    )
    model, twin, adding = models
    for place, (inputs, targets) in enumerate(three_batches()):
        before = weights_of(model)
        got = ask(answer, model, (inputs.clone(), targets), loss_fn, optimizer)
        assert not same(before, weights_of(model)), unmoved(model, place)
        loss = train_one_epoch(twin, [(inputs, targets)], loss_fn, steps)["loss"]
        loss_fn(adding(inputs), targets).backward()
        unclear.step()
        assert place == 0 or not same(weights_of(model), weights_of(adding)), (
            "the second step still carries the first batch's gradient: "
            "nothing clears it in time"
        )
        assert same(weights_of(model), weights_of(twin)), (
            f"expected after batch {place + 1} what one step gives, "
            "got other weights: which batch's gradient was used, and how often?"
        )
        after = loss_fn(twin(inputs), targets).item()
        value = number(got)
        assert not close(value, after), (
            "the step is right; the loss returned is that after the step"
        )
        assert close(value, loss), (
            f"the step is right; expected the loss {loss:.4f}, got {value:.4f}"
        )


def unmoved(model: nn.Module, place: int) -> str:
    """Return what is seen when a call moved no parameter."""
    filled = any(p.grad is not None and p.grad.any() for p in model.parameters())
    if filled:
        return (
            f"call {place + 1} still moves nothing, and leaves a gradient unused: "
            "step() comes too early"
        )
    return (
        f"call {place + 1} still moves nothing, and no gradient is left: "
        "was it cleared before step(), or never made?"
    )


def transfer(size: int) -> nn.Module:
    """Return a network with a frozen body and a head."""
    whole = network(outputs=size)
    model = nn.Sequential()
    model.add_module("body", whole[:3].requires_grad_(False))
    model.add_module("head", whole[3])
    return model


@lesson.question("16.4")
def make_optimizer(answer) -> None:
    """The head moves, the body doesn't, and the loss falls."""
    for size in (4, 7):
        model = transfer(size)
        inputs, targets = drawn(12, 1, 3, 3), classes(12, number=size)
        loss_fn = nn.CrossEntropyLoss()
        start = copy.deepcopy(model.state_dict())
        optimizer = ask(answer, model)
        assert isinstance(optimizer, torch.optim.Optimizer), (
            f"return an optimizer, got {brief(optimizer)}"
        )
        assert same(weights_of(model), start.values()), (
            "the weights are others than before: only make an optimizer"
        )
        losses = []
        for _ in range(60):
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        judge_moves(model, start, held)
        assert losses[-1] < losses[0] - 1e-4, (
            f"the head moves, but in 60 steps the loss still goes from {losses[0]:.2f} "
            f"to {losses[-1]:.2f}: rate and direction?"
        )
        assert max(losses) < 2 * losses[0], (
            f"the head moves, but the loss leaps from {losses[0]:.2f} to "
            f"{max(losses):.4g} on the way: is the rate too high?"
        )


def judge_moves(model: nn.Module, start: dict, held: set[int]) -> None:
    """Raise AssertionError unless the head has moved and the body has not."""
    moved = {name for name, v in model.state_dict().items() if not same(v, start[name])}
    body = [name for name in moved if name.startswith("body")]
    assert not body, f"{min(body)} moves now; the body is to stay as it is"
    still = {"head.weight", "head.bias"} - moved
    assert len(still) != 2 or not {id(p) for p in model.head.parameters()} <= held, (
        "the optimizer holds the head, which still doesn't move: what is the rate?"
    )
    assert len(still) != 2, (
        "the head still doesn't move, and its loss stays as it is: "
        "which parameters does the optimizer hold?"
    )
    assert not still, f"{still} still doesn't move: the head has two parameters"
    assert not any(p.requires_grad for p in model.body.parameters()), (
        "the body does not move, but it is no longer frozen: its gradients are computed"
    )


@lesson.question("16.5")
def reader(answer) -> None:
    """The same outputs, and a gradient for every parameter."""
    device = pick_device()
    model = a_class(answer)().to(device)
    parts = [name for name, _ in model.named_children()]
    assert {"strokes", "head"} <= set(parts), (
        f"expected the parts strokes and head, got {parts}"
    )
    for n, mode in ((5, "train"), (1, "eval")):
        model.train(mode == "train")
        inputs, targets = drawn(n, 1, 8, 8, seed=n), classes(n, number=10)
        try:
            logits = ask(model.forward, inputs.clone())
        except RuntimeError as problem:
            assert "Inference tensors" not in str(problem), (
                "a block of inference mode still cuts the graph: nothing before learns"
            )
            raise
        judge_logits(model, inputs, logits)
        loss_fn = nn.CrossEntropyLoss()
        names = [name for name, _ in model.named_parameters()]
        loss = loss_fn(model.head(strokes_of(model, inputs)), targets)
        frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
        assert not frozen, f"{', '.join(frozen)} are frozen now; all parts are to learn"
        wanted = torch.autograd.grad(loss, list(model.parameters()))
        assert logits.requires_grad, (
            f"in {mode} mode the logits take part in no graph; "
            "whoever measures writes no_grad himself"
        )
        model.zero_grad()
        loss_fn(logits, targets).backward()
        got = {name: p.grad for name, p in model.named_parameters()}
        empty = [name for name in names if got[name] is None]
        assert not empty, (
            f"{', '.join(empty)} still get no gradient: the graph is cut before it"
        )
        for name, gradient in zip(names, wanted, strict=True):
            assert same(got[name], gradient), (
                f"the gradient of {name} is not that of head(strokes(inputs))"
            )


def strokes_of(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return what goes to the head, whether or not the part flattens by itself."""
    try:
        return model.strokes(inputs)
    except RuntimeError:
        return model.strokes(inputs.flatten(1))


def judge_logits(model: nn.Module, inputs: Tensor, logits) -> None:
    """Raise AssertionError unless these are the logits of the two parts."""
    assert isinstance(logits, Tensor), f"expected a tensor, got {brief(logits)}"
    with torch.no_grad():
        strokes = strokes_of(model, inputs)
        wanted = model.head(strokes)
    assert not same(logits, strokes), "those are the strokes; they still go to the head"
    assert not same(logits, wanted.softmax(dim=1)), (
        "those are probabilities; the loss takes logits"
    )
    assert same(logits, wanted), (
        "the outputs are no longer head(strokes(inputs)): "
        f"expected {tuple(wanted.shape)}, got {tuple(logits.shape)}"
    )


def accumulate_as(
    model, loader, every, start=1, late=False, tail=True, divide="every", clear="step"
):
    """Accumulate, rightly or with a mistake; return the number of steps."""
    loss_fn, steps, n = nn.CrossEntropyLoss(), 0, len(loader)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    optimizer.zero_grad()
    for index, (inputs, targets) in enumerate(loader):
        own = n % every if index >= n // every * every else every
        parts = {"every": every, "own": own, "no": 1, "all": n}[divide]
        if clear == "batch":
            optimizer.zero_grad()
        (loss_fn(model(inputs), targets) / parts).backward()
        full = (index + start) % every == 0 and (index > 0 or not late)
        if full or (tail and index + 1 == n):
            optimizer.step()
            steps += 1
            if clear == "step":
                optimizer.zero_grad()
    return steps


ACCUMULATED = [
    (dict(start=0, late=True, tail=False), "the first step still has a batch too many"),
    (
        dict(start=0, late=True),
        "the rest steps now; the first step has a batch too many",
    ),
    (dict(start=0, tail=False), "the first step comes after the first batch, alone"),
    (dict(start=0), "the first step comes after the first batch"),
    (dict(tail=False), "the batches left over at the end make no step"),
    (dict(start=2), "a step comes one batch too early"),
    (dict(divide="no"), "steps as large as their batches together: divide by `every`"),
    (dict(divide="all"), "divided by all batches; a step stands for `every`"),
    (dict(clear="batch"), "only the last batch of a step counts: others are cleared"),
    (dict(clear="never"), "nothing is cleared: old gradients go into the next step"),
]


@lesson.question("16.6")
def accumulate(answer) -> None:
    """A step for each `every` batches and for the rest."""
    for n, every in ((8, 4), (10, 4), (11, 4), (3, 5), (4, 1)):
        judge_accumulation(answer, n, every)


def judge_accumulation(answer, n: int, every: int) -> None:
    """Raise AssertionError unless n batches give the right steps, twice."""
    inputs, targets = drawn(3 * n, 1, 3, 3, seed=n), classes(3 * n, seed=n)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=3)

    def result(run: Callable) -> tuple[list[Tensor], list[int]]:
        model = network()
        steps = [run(model), run(model)]
        return weights_of(model), steps

    loss_fn = nn.CrossEntropyLoss()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    counts = [
        number(ask(answer, model, loader, loss_fn, optimizer, every)) for _ in range(2)
    ]
    got = weights_of(model)
    rights = [
        result(lambda model, d=divide: accumulate_as(model, loader, every, divide=d))
        for divide in ("every", "own")
    ]
    if not any(same(got, weights) for weights, _ in rights):
        assert not same(got, weights_of(network())), (
            "no weight moves: is there a step, and are gradients cleared before it?"
        )
        for faults, words in ACCUMULATED:
            wrong, _ = result(lambda m, f=faults: accumulate_as(m, loader, every, **f))
            assert not same(got, wrong), f"{n} batches, every {every}: {words}"
        raise AssertionError(
            f"{n} batches, every {every}: expected the weights that large batches "
            "give, got others: when are your steps, and what divides each loss?"
        )
    wanted = rights[0][1]
    assert counts[0] != counts[1] - wanted[0], (
        f"the weights are right; the count goes on from epoch to epoch: {counts}"
    )
    assert counts == wanted, (
        f"the weights are right; {n} batches, every {every}, are {wanted[0]} steps, "
        f"you say {brief(int(counts[0]))}"
    )


def moved_by(image: Tensor, given: Tensor) -> tuple[int, int] | None:
    """Return by how much an image was moved, the border rolled or blank; or None."""
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            rolled = given.roll((down, right), dims=(1, 2))
            blank = rolled.clone()
            if down:
                blank[:, 0 if down > 0 else -1] = 0
            if right:
                blank[:, :, 0 if right > 0 else -1] = 0
            if same(image, rolled) or same(image, blank):
                return down, right
    return None


def epoch_of(dataset, images: Tensor, labels: Tensor) -> list[tuple[int, int]]:
    """Return by how much each sample was moved, in one pass."""
    moves = []
    for index in range(len(labels)):
        sample = ask(dataset.__getitem__, index)
        image, label = two(sample, "the image and its label")
        image = torch.as_tensor(image) if isinstance(image, np.ndarray) else image
        assert isinstance(image, Tensor) and image.shape == images[index].shape, (
            f"expected an image of shape {tuple(images[index].shape)}, "
            f"got {brief(getattr(image, 'shape', image))}"
        )
        move = moved_by(image.to(images.device), images[index])
        assert move is not None, (
            f"sample {index} is not its image moved by at most one pixel each way"
        )
        assert number(label) == labels[index].item(), (
            f"sample {index} has another label than its image"
        )
        moves.append(move)
    return moves


@lesson.question("16.7")
def shifts(answer) -> None:
    """Another move for each sample and each epoch, the same from the same seed."""
    images, labels = drawn(14, 1, 5, 5).abs() + 0.1, classes(14)
    given = images.clone()
    dataset = a_class(answer)(given, labels.clone(), seed=3)
    for index in (0, 1, 0, 1, 0, 1, 0, 1):
        ask(dataset.__getitem__, index)
        assert same(given, images), "the images that were handed over are changed"
    dataset = answer(given, labels.clone(), seed=3)
    epochs = [epoch_of(dataset, images, labels) for _ in range(12)]
    assert any(len(set(moves)) > 1 for moves in epochs), (
        "all samples of an epoch are still moved alike"
    )
    assert any(moves != epochs[0] for moves in epochs), (
        "samples differ now, but every epoch still repeats the first"
    )
    seen = {move for moves in epochs for move in moves}
    assert any(down != right for down, right in seen), (
        "down and right are always the same number: draw two"
    )
    gone = sorted(set(product((-1, 0, 1), repeat=2)) - seen)
    assert not gone, (
        f"in 168 draws never moved by (down, right) {brief(gone)}: "
        "both are -1, 0 or 1, each drawn"
    )
    again = answer(images.clone(), labels.clone(), seed=3)
    repeated = [epoch_of(again, images, labels) for _ in range(2)]
    assert repeated == epochs[:2], "two datasets with the same seed draw differently"
    twins = [answer(images.clone(), labels.clone(), seed=3) for _ in range(2)]
    for index in range(len(labels)):
        one, two = (torch.as_tensor(ask(d.__getitem__, index)[0]) for d in twins)
        assert same(one, two), (
            "two datasets with one seed, asked in turn, draw differently: "
            "each needs a generator of its own"
        )
    other = answer(images.clone(), labels.clone(), seed=4)
    different = [epoch_of(other, images, labels) for _ in range(2)]
    assert different != epochs[:2], "another seed gives the same draws: is it used?"


@lesson.question("16.8")
def to_digit(answer) -> None:
    """The digit of each place, the same when it is asked again."""
    places = classes(40, seed=3, number=10)
    right = [(place + 1) % 10 for place in places.tolist()]
    got = [whole(ask(answer, place.clone())) for place in places]
    wrong = [
        ([place + 1 for place in places.tolist()], "the last key, at place 9, is 0"),
        (places.tolist(), "the place comes back; at place 0 lies the key 1"),
        ([(place - 1) % 10 for place in places.tolist()], "moved the other way"),
    ]
    known_mistakes(got, right, wrong)
    for place, said, digit in zip(places.tolist(), got, right, strict=True):
        assert said == digit, f"at place {place} lies the {digit}, you say {said}"
    asked = [whole(ask(answer, places[0])) for _ in range(3)]  # a view each time
    assert asked == right[:1] * 3, (
        f"right once; the same sample, asked three times, still becomes {asked}"
    )


def whole(result) -> int:
    """Return a class as an int; raise AssertionError for what is none."""
    value = number(result)
    assert not torch.as_tensor(result).is_floating_point(), (
        f"a class is a whole number, got {brief(result)}: the loss refuses it"
    )
    shape = tuple(torch.as_tensor(result).shape)
    assert not shape, f"return one number without dimensions, got shape {shape}"
    return int(value)


class Watch:
    """Note at each forward pass the size of the batch, the modes and the rate."""

    def __init__(self, model: nn.Module, optimizer) -> None:
        """Watch a model that has BatchNorm and Dropout."""
        self.notes: list[tuple] = []
        self.model, self.optimizer = model, optimizer
        kinds = nn.BatchNorm1d | nn.Dropout
        self.parts = [part for part in model.modules() if isinstance(part, kinds)]
        self.parts[0].register_forward_pre_hook(self.note)

    def __deepcopy__(self, memo: dict) -> "Watch":
        """Watch a copy of the model, too."""
        return self

    def note(self, module: nn.Module, inputs: tuple) -> None:
        """Add a note."""
        parts = self.parts if module in self.parts else [module]
        modes = {part.training for part in parts}
        rate = self.optimizer.param_groups[0]["lr"]
        self.notes.append((len(inputs[0]), self.model.training, modes, rate))


def batches(count: int, size: int, seed: int = 0) -> DataLoader:
    """Return a loader of so many batches of this size, not shuffled."""
    n = count * size
    return DataLoader(
        TensorDataset(drawn(n, 1, 3, 3, seed=seed), classes(n, seed)), size
    )


@lesson.question("16.9")
def fit(answer) -> None:
    """Train mode for what teaches, eval mode for what measures."""
    judge_fit(answer, epochs=3, came_in_train=True)
    judge_fit(answer, epochs=2, came_in_train=False)


def judge_fit(answer, epochs: int, came_in_train: bool) -> None:
    """Raise AssertionError unless all batches meet the right mode."""
    loader, val_loader = batches(3, 6), batches(2, 5, seed=1)
    model, loss_fn = network(normed=True).train(came_in_train), nn.CrossEntropyLoss()
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch = Watch(model, optimizer)
    got = ask(answer, model, loader, val_loader, loss_fn, optimizer, epochs)
    taught = [note[1:3] for note in watch.notes if note[0] == 6]
    measured = [note[1:3] for note in watch.notes if note[0] == 5]
    assert len(taught) == 3 * epochs, (
        f"expected {3 * epochs} training batches in {epochs} epochs, got {len(taught)}"
    )
    assert len(measured) == 2 * epochs, (
        f"expected {2 * epochs} validation batches in {epochs} epochs, "
        f"got {len(measured)}"
    )
    assert (True, {False}) not in taught, (
        "the model says train, its parts still say eval: "
        "setting model.training reaches no part"
    )
    modes = [parts for _, parts in taught]
    assert {True, False} not in modes, (
        "one of BatchNorm and Dropout learns in train mode, the other in eval mode"
    )
    assert {True} in modes, "every batch is learned in eval mode"
    assert {False} not in modes[3:], (
        "from the second epoch on it still learns in eval mode"
    )
    assert {False} not in modes, (
        "batches of the first epoch are learned in eval mode: "
        "in which mode did the model come?"
    )
    assert all(parts == {False} for _, parts in measured), (
        "it measures in train mode: BatchNorm learns there, or Dropout drops"
    )
    losses, steps = [], torch.optim.SGD(twin.parameters(), lr=0.1)
    for _ in range(epochs):
        train_one_epoch(twin, loader, loss_fn, steps)
        losses.append(evaluate(twin, val_loader, loss_fn)["loss"])
    judge_losses(got, model, weights_of(twin), losses)


def judge_losses(got, model, weights: list[Tensor], losses: list) -> None:
    """Raise AssertionError unless weights and list of losses are the right ones."""
    assert same(weights_of(model), weights), (
        "expected the weights of the healthy run, got others: "
        "are zero_grad, backward and step all there?"
    )
    listed = isinstance(got, list | tuple | Tensor | np.ndarray)
    assert listed and len(got) == len(losses), (
        f"return a list with one loss for each epoch, got {brief(got)}"
    )
    values = [number(value) for value in got]
    assert close(values, losses), (
        f"the run is healthy; expected the losses {[round(v, 3) for v in losses]}, "
        f"got {[round(v, 3) for v in values]}"
    )


@lesson.question("16.10")
def fit_scheduled(answer) -> None:
    """The rate changes between epochs, and when the schedule says so."""
    lr_scheduler = torch.optim.lr_scheduler
    judge_schedule(answer, 5, lambda o: lr_scheduler.StepLR(o, step_size=2, gamma=0.5))
    judge_schedule(answer, 3, lambda o: lr_scheduler.ExponentialLR(o, gamma=0.5))


def judge_schedule(answer, epochs: int, make: Callable) -> None:
    """Raise AssertionError unless the rates are those of the schedule."""
    loader, loss_fn = batches(3, 6), nn.CrossEntropyLoss()
    model = network(normed=True)
    twin = copy.deepcopy(model)
    steps = torch.optim.SGD(twin.parameters(), lr=0.2)
    plan, rates, losses = make(steps), [], []
    for _ in range(epochs):
        rates.append(steps.param_groups[0]["lr"])
        losses.append(train_one_epoch(twin, loader, loss_fn, steps)["loss"])
        plan.step()
    next_rate = steps.param_groups[0]["lr"]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    watch = Watch(model, optimizer)
    got = ask(answer, model, loader, loss_fn, optimizer, make(optimizer), epochs)
    judge_rates([note[-1] for note in watch.notes], rates, next_rate)
    judge_losses(got, model, weights_of(twin), losses)


def judge_rates(seen: list[float], rates: list[float], next_rate: float) -> None:
    """Raise AssertionError unless the three batches of each epoch had its rate."""
    assert len(seen) == 3 * len(rates), (
        f"expected {3 * len(rates)} batches in {len(rates)} epochs, got {len(seen)}"
    )
    epochs = [seen[k : k + 3] for k in range(0, len(seen), 3)]
    within = [max(epoch) - min(epoch) > 1e-9 for epoch in epochs]
    assert not any(within), "the rate still changes within an epoch"
    got = [epoch[0] for epoch in epochs]
    wrong = [
        (
            rates[:1] * len(rates),
            "the rate never changes: how often is scheduler.step() called?",
        ),
        (
            [*rates[1:], next_rate],
            "the schedule is one epoch early: an epoch's rate is set before it ends",
        ),
        (
            [rates[0], *rates[:-1]],
            "the schedule is one epoch late: the first epoch's end does not count",
        ),
    ]
    known_mistakes(got, rates, wrong)
    assert close(got, rates), (
        f"expected the rates {[round(r, 4) for r in rates]}, "
        f"got {[round(r, 4) for r in got]}"
    )


def tensors_of(model: nn.Module) -> dict[int, str]:
    """Map the memory of each parameter and buffer to its name."""
    return {value.data_ptr(): name for name, value in model.state_dict().items()}


@lesson.question("16.11")
def pair(answer) -> None:
    """Nothing in common, and each whole."""
    device = pick_device()
    made = []
    for sizes in ((10, 2), (3, 5)):
        both = two(ask(answer, *sizes), "two networks")
        assert all(isinstance(model, nn.Module) for model in both), (
            f"return two networks, got {brief(both)}"
        )
        both = [model.to(device) for model in both]
        judge_apart(*both)
        for model, size in zip(both, sizes, strict=True):
            judge_shape(model, size)
        judge_untouched(*both)
        made.append(both)
    common = set(tensors_of(made[0][0])) & set(tensors_of(made[1][0]))
    assert not common, "two calls share their layers: make them inside the function"


def judge_shape(model: nn.Module, size: int) -> None:
    """Raise AssertionError unless the model has its layers, all of them learning."""
    inputs = drawn(6, 1, 8, 8)
    logits = copy.deepcopy(model)(inputs)
    assert logits.shape == (6, size), (
        f"expected {size} outputs, got {tuple(logits.shape)} for 6 images"
    )
    kinds = [type(m) for m in model.modules() if not list(m.children())]
    wanted = [nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear]
    named = [kind.__name__ for kind in kinds]
    assert kinds == wanted, f"the layers are to stay as they were, got {brief(named)}"
    shapes = [tuple(p.shape) for p in model.parameters()]
    assert shapes == [(32, 64), (32,), (32,), (32,), (size, 32), (size,)], (
        f"the layers are to keep their sizes, got parameters {shapes}"
    )
    assert all(p.requires_grad for p in model.parameters()), (
        "some parameters are frozen: then they share no training, but learn nothing"
    )


def judge_apart(first: nn.Module, second: nn.Module) -> None:
    """Raise AssertionError if two networks share a tensor."""
    assert first is not second, "both are one and the same network"
    one, other = tensors_of(first), tensors_of(second)
    shared = sorted(one[place] for place in set(one) & set(other))
    learned = [name for name, _ in first.named_parameters() if name in shared]
    assert not learned, f"both still hold the same {', '.join(learned)[:90]}"
    assert not shared, (
        "the parameters are apart, but BatchNorm's statistics are still shared: "
        f"{', '.join(shared)[:90]}"
    )


def judge_untouched(first: nn.Module, second: nn.Module) -> None:
    """Raise AssertionError if training one of the two changes the other."""
    for trained, left in ((second, first), (first, second)):
        before = weights_of(left)
        optimizer = torch.optim.SGD(trained.parameters(), lr=0.5)
        for _ in range(2):
            optimizer.zero_grad()
            trained(drawn(6, 1, 8, 8)).pow(2).mean().backward()
            optimizer.step()
        assert same(weights_of(left), before), (
            "training one network still changes the other"
        )


def rows_of(result, n: int) -> list[int]:
    """Return rows as whole numbers, from indices or from a mask of n."""
    rows = list(result) if isinstance(result, set | range) else result
    if not isinstance(rows, Tensor):
        try:
            rows = torch.as_tensor(rows)
        except (TypeError, ValueError, RuntimeError):
            raise AssertionError(f"expected row numbers, got {brief(result)}") from None
    if rows.dtype is torch.bool and rows.shape == (n,):
        rows = rows.nonzero()
    return [int(row) for row in rows.flatten()]


@lesson.question("16.12")
def split(answer) -> None:
    """Every row once, every group on one side, drawn by the seed."""
    generator = torch.Generator().manual_seed(1)
    for kinds, size, fraction in ((17, 4, 0.25), (29, 3, 0.4)):
        numbers = torch.arange(kinds) * 7 + 103  # no row has such a number
        groups = numbers.repeat(size)[torch.randperm(kinds * size, generator=generator)]
        tests = [judge_split(answer, groups, fraction, seed) for seed in range(5)]
        again = judge_split(answer, groups, fraction, 0)
        assert again == tests[0], "the same seed gave two different splits"
        assert any(test != tests[0] for test in tests), (
            "every seed gives the same test part: is it used?"
        )
        used = {row for test in tests for row in test}
        assert len(used) > max(map(len, tests)) * 1.3, (
            "the test parts of five seeds are nearly one: draw from all groups"
        )


def judge_split(answer, groups: Tensor, fraction: float, seed: int) -> list[int]:
    """Raise AssertionError unless this split is clean; return its test rows."""
    n, given = len(groups), groups.clone()
    result = ask(answer, given, fraction, seed)
    parts = two(result, "two lists of rows, to learn from and for the test")
    known, test = (rows_of(part, n) for part in parts)
    assert test and known, "one of the two parts is empty"
    kinds = set(groups.tolist())
    assert not (set(test) <= kinds and max(test) >= n), (
        "those are the groups' numbers; return the rows that belong to them"
    )
    assert not set(known) & set(test), "some rows are on both sides"
    assert len(known) + len(test) <= n, "some rows are there twice"
    missing = n - len(set(known) | set(test))
    assert not missing, f"{missing} of {n} rows are on neither side"
    assert sorted(known + test) == list(range(n)), f"expected rows 0 to {n - 1}"
    sides = [{groups[row].item() for row in part} for part in (known, test)]
    both = len(sides[0] & sides[1])
    assert not both, (
        f"copies of one original are still on both sides: {both} of {len(kinds)} groups"
    )
    share = len(test) / n
    room = 1.5 / len(kinds)
    assert abs(share - (1 - fraction)) > room or abs(share - fraction) <= room, (
        f"{share:.0%} of the rows are in the second part: the test comes second"
    )
    assert abs(share - fraction) <= room, (
        f"expected about {fraction:.0%} of the rows for the test, got {share:.0%}"
    )
    return sorted(test)


def prepared(inputs, targets, fitted, chosen, keep: int, correction: int = 1) -> Tensor:
    """Return columns chosen by some rows, and standardised by some."""
    spread = inputs[fitted].std(dim=0, correction=correction)
    scaled = (inputs - inputs[fitted].mean(dim=0)) / spread
    own = inputs[chosen]
    own = (own - own.mean(dim=0)) / own.std(dim=0)
    agreement = ((2.0 * targets[chosen] - 1).unsqueeze(1) * own).mean(dim=0).abs()
    return scaled[:, agreement.topk(keep).indices]


def columns(rows: Tensor) -> Tensor:
    """Return a matrix with its columns in the order of its first row."""
    return rows[:, rows[0].argsort()]


@lesson.question("16.13")
def prepare(answer) -> None:
    """Everything from the known rows, applied to all."""
    for n, width, keep in ((30, 50, 6), (41, 35, 4)):
        scale = torch.linspace(0.2, 3, width).to(pick_device())
        inputs, targets = scale * drawn(n, width, seed=n) + 1, classes(n, n, number=2)
        known = torch.arange(n, device=inputs.device) % 5 < 2
        inputs[~known] += 4 * drawn(width, seed=n + 1)  # other rows lie elsewhere
        judge_prepared(answer, inputs, targets, known, keep)
    judge_constant(answer)


def judge_prepared(answer, inputs, targets, known, keep: int) -> None:
    """Raise AssertionError unless the columns are those of the known rows."""
    everyone = torch.ones_like(known)
    given = inputs.clone()
    got = ask(answer, given, targets.clone(), known.clone(), keep)
    assert same(given, inputs), "the inputs that were handed over are changed"
    got = torch.as_tensor(got) if isinstance(got, np.ndarray) else got
    assert isinstance(got, Tensor), f"expected a tensor, got {brief(got)}"
    got = got.to(inputs)
    shape = (len(inputs), keep)
    assert got.shape != (int(known.sum()), keep), (
        "only the known rows come back; all rows are to be prepared"
    )
    assert got.shape == shape, f"expected shape {shape}, got {tuple(got.shape)}"
    rights = [prepared(inputs, targets, known, known, keep, c) for c in (0, 1)]
    if any(same(columns(got), columns(right)) for right in rights):
        return
    mistakes = [
        (everyone, everyone, "columns and scale are still taken from all rows"),
        (known, everyone, "the scale is right, the columns are still chosen by all"),
        (everyone, known, "the columns are right, the scale still is from all rows"),
        (~known, ~known, "what is not known decides: is `known` the wrong way round?"),
    ]
    for fitted, chosen, words in mistakes:
        for correction in (0, 1):
            wrong = prepared(inputs, targets, fitted, chosen, keep, correction)
            assert not same(columns(got), columns(wrong)), words
    assert not any(
        same(columns(got)[known], columns(right)[known]) for right in rights
    ), "the known rows are right; the others need the scale that the known rows gave"
    raw = prepared(inputs, targets, known, known, inputs.shape[1])

    def among(every: Tensor) -> bool:
        return all((every - c.unsqueeze(1)).abs().sum(0).min() < 1e-2 for c in got.T)

    assert not among(inputs), "the columns are not standardised"
    assert not among(raw), (
        "the scale is right, but other columns go more closely with the known targets"
    )
    raise AssertionError(
        "expected columns chosen and standardised by the known rows alone, got others: "
        "compare the mean and spread of each over those rows with 0 and 1"
    )


def judge_constant(answer) -> None:
    """Raise AssertionError unless a constant column does no harm."""
    inputs, targets = drawn(20, 5, seed=2), classes(20, 2, number=2)
    known = torch.arange(20, device=inputs.device) < 12
    inputs[known, 3] = 2.5
    got = torch.as_tensor(ask(answer, inputs.clone(), targets, known, 5)).to(inputs)
    assert not got.isnan().any() and not got.isinf().any(), (
        "right, but a column that is constant among the known still becomes nan or inf"
    )
    assert got.square().isfinite().all(), (
        "right, but a column that is constant among the known becomes "
        f"{got.abs().max():.2g} elsewhere, too much to be squared"
    )
    zero = (got[known].abs() < 1e-4).all(dim=0)
    assert zero.sum() == 1, "a column that is constant among the known should become 0"


class Candidate(nn.Module):
    """Answer rightly on given shares of two parts of 20 images."""

    def __init__(self, on_validation: int, on_test: int) -> None:
        """Take how many images of each part are read rightly."""
        super().__init__()
        self.counts = torch.tensor([on_validation, on_test])
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (N, 3); the pixels hold part, place and class."""
        part, place, kind = inputs.flatten(1)[:, :3].long().T
        right = place < self.counts.to(place.device)[part]
        said = (kind + (~right).long()) % 3
        return 5 * nn.functional.one_hot(said, 3).float() + 0 * self.weight


class Counted(DataLoader):
    """A loader that counts how often somebody goes through it."""

    passes = 0

    def __iter__(self):
        """Count, and hand out the batches."""
        self.passes += 1
        return super().__iter__()


def counted(part: int) -> Counted:
    """Return the loader of the validation part, 0, or of the test part, 1."""
    rows = [[part, place, place % 3, 0] for place in range(20)]
    inputs = torch.tensor(rows).float().view(20, 1, 2, 2).to(pick_device())
    return Counted(TensorDataset(inputs, inputs.flatten(1)[:, 2].long()), batch_size=8)


@lesson.question("16.14")
def report(answer) -> None:
    """Chosen on validation, and the test part used once."""
    judge_report(answer, [(8, 19), (17, 9), (6, 12), (15, 16), (12, 13)])
    judge_report(answer, [(11, 12), (9, 17), (16, 6), (5, 8), (14, 13), (13, 10)])


def judge_report(answer, counts: list[tuple[int, int]]) -> None:
    """Raise AssertionError unless the best on validation is reported."""
    device = pick_device()
    candidates = [Candidate(*pair).to(device) for pair in counts]
    validation, test = counted(0), counted(1)
    result = ask(answer, candidates, validation, test)
    result = two(result, "the place of the best and its accuracy")
    assert not isinstance(result[0], nn.Module), (
        "return the place of the best candidate in the list, not the model"
    )
    best, share = number(result[0]), number(result[1])
    places = range(len(counts))
    on_validation = max(places, key=lambda k: counts[k][0])
    on_test = max(places, key=lambda k: counts[k][1])
    on_both = max(places, key=lambda k: sum(counts[k]))
    wrong = [
        (on_test, "the candidate is still chosen on the test part"),
        (places[-1], "that is the last candidate; the best on validation is wanted"),
        (on_both, "both parts choose together; the test part must not take part"),
    ]
    known_mistakes(best, on_validation, wrong)
    assert best == on_validation, (
        f"expected candidate {on_validation}, the best on validation, got {best:.4g}"
    )
    seen, right = (count / 20 for count in counts[on_validation])
    wrong = [
        (seen, "well chosen, but the accuracy is that on validation"),
        (
            counts[on_test][1] / 20,
            "well chosen, but the accuracy reported is another candidate's",
        ),
    ]
    known_mistakes(share, right, wrong)
    assert close(share, right), f"expected the accuracy {right:.2f}, got {share:.4g}"
    assert test.passes == 1, (
        f"right, but the test part was gone through {test.passes} times; "
        "once, for the chosen one, is all it bears"
    )
