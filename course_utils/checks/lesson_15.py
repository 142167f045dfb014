"""Checks for notebooks/15_clinic_method.ipynb."""

import copy
import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_utils.checks import Lesson
from course_utils.checks.answers import a_class, ask, brief, is_empty, number
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress


@lesson.question("15.1")
def prepare(answer) -> None:
    """One order for both, new each time, from torch's generator."""
    judge_pairs(answer, 40, (1, 3, 2))
    judge_pairs(answer, 17, (5,))
    orders = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        orders.append(order_of(ask(answer, *numbered(23, (2,)))))
        orders.append(order_of(ask(answer, *numbered(23, (2,)))))
    assert orders[0] != orders[1], (
        "every call gives the same order: draw it anew, without a seed of your own"
    )
    assert orders[:2] == orders[4:], (
        "with torch's seed set again the order is another: draw from torch's generator"
    )
    places = torch.zeros(6, 6)
    for _ in range(300):
        places[range(6), order_of(ask(answer, *numbered(6, (2,))))] += 1
    assert places.min() > 0, (
        "in 300 orders of 6 samples one of them never came to one of the places: each "
        "order should be as likely: randperm of all"
    )
    assert places.max() < 150, (
        "in 300 orders of 6 samples one of them stays in its place too often: each "
        "order should be as likely: randperm"
    )


def numbered(n: int, shape: tuple) -> tuple[Tensor, Tensor]:
    """Return images that hold their number, and labels 1000 above it."""
    first = torch.arange(n, device=pick_device())
    images = first.float().view(n, *[1] * len(shape)).repeat(1, *shape)
    noise = torch.arange(images[0].numel(), device=images.device).view(shape) / 1000
    return images + noise, first + 1000


def order_of(result) -> list[int]:
    """Return which labels came, in their order."""
    return [int(label) - 1000 for label in result[1]]


def judge_pairs(answer, n: int, shape: tuple) -> None:
    """Raise AssertionError unless n pairs come back whole, in another order."""
    images, labels = numbered(n, shape)
    given = images.clone(), labels.clone()
    result = ask(answer, *given)
    two = isinstance(result, tuple | list) and len(result) == 2
    assert two and all(isinstance(part, Tensor) for part in result), (
        f"return images and labels, two tensors; got {brief(result)}"
    )
    same = torch.equal(given[0], images) and torch.equal(given[1], labels)
    assert same, "the tensors you were given are changed; return new ones"
    got, got_labels = result
    assert got.shape != labels.shape or got_labels.shape == labels.shape, (
        "images first, then labels: you return them the other way round"
    )
    for name, part, whole in (("images", got, images), ("labels", got_labels, labels)):
        assert part.shape == whole.shape, (
            f"the {name} had shape {tuple(whole.shape)}, and now {tuple(part.shape)}"
        )
    order = got.flatten(1)[:, 0].round().long().tolist()
    inside = set(order) <= set(range(n))
    assert inside and torch.equal(got, images[order]), (
        "pixels of different images are mixed: the order is one of whole images"
    )
    names, straight = (got_labels - 1000).tolist(), list(range(n))
    assert len(set(order)) == n and len(set(names)) == n, (
        "some samples come twice and others are lost: randperm has each index once"
    )
    fit = sum(one == other for one, other in zip(order, names, strict=True))
    still = f"still seen: only {fit} of {n} pairs fit; "
    assert fit == n or names != straight, still + "the labels stayed where they were"
    assert fit == n or order != straight, still + "the images stayed where they were"
    assert fit == n, still + "images and labels have two orders, and need one"
    assert order != straight, "the pairs fit, and nothing is shuffled"
    together = sum((b - a) % n == 1 for a, b in pairwise(order))
    assert together < n / 2, (
        f"the pairs fit, but {together} of {n} still follow their old neighbour; each "
        "order should be as likely: randperm"
    )


@lesson.question("15.2")
def repaired(answer) -> None:
    """The loss goes to 0 and probabilities are those of the logits."""
    judge_probabilities(answer, 4)
    judge_learning(answer, 4)
    judge_probabilities(answer, 3)
    judge_learning(answer, 3)


def small_case(classes: int) -> tuple[nn.Module, Tensor, Tensor]:
    """Return a network that gives logits, inputs (15, 6) and targets (15,)."""
    torch.manual_seed(classes)
    network = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, classes))
    inputs, targets = torch.randn(15, 6), torch.randint(classes, (15,))
    return (
        network.to(pick_device()),
        inputs.to(pick_device()),
        targets.to(pick_device()),
    )


def three_things(answer, network: nn.Module) -> tuple:
    """Return model, loss and function; raise AssertionError for something else."""
    result = ask(answer, network)
    three = isinstance(result, tuple | list) and len(result) == 3
    assert three and all(map(callable, result)), (
        f"return model, loss_fn and to_probabilities; got {brief(result)}"
    )
    assert not any(isinstance(part, type) for part in result), (
        "one of the three is a class; write () after it to make one"
    )
    assert isinstance(result[0], nn.Module), "the first is the model, an nn.Module"
    return tuple(result)


def judge_probabilities(answer, classes: int) -> None:
    """Raise AssertionError unless outputs become the softmax of the logits."""
    network, inputs, _ = small_case(classes)
    network[2].weight.data *= 4  # so that the logits differ clearly
    logits = network(inputs).detach()
    model, _, to_probabilities = three_things(answer, network)
    mine = {id(p) for p in model.parameters()}
    assert all(id(p) in mine for p in network.parameters()), (
        "your model has not the parameters of the network that you were given"
    )
    outputs = model(inputs)
    try:
        got = to_probabilities(outputs)
    except (RuntimeError, TypeError) as problem:
        raise AssertionError(
            f"the third is handed the model's outputs alone, {tuple(outputs.shape)}, "
            f"no inputs and no targets; it raised {type(problem).__name__}"
        ) from problem
    if isinstance(got, np.ndarray):
        got = torch.from_numpy(got).to(logits.device)
    assert isinstance(got, Tensor) and got.shape == logits.shape, (
        f"probabilities have the shape of outputs, {tuple(logits.shape)}; "
        f"got {brief(got)}"
    )
    got, right = got.detach().to(logits.dtype), logits.softmax(dim=1)
    wrong = {
        "those add up to 1 over the samples; classes are dimension 1": logits.softmax(
            0
        ),
        "those are logits; somebody wants probabilities": logits,
        "those are logarithms of probabilities; take exp": logits.log_softmax(1),
        "softmax was applied twice, in the model and again: shares are too even": (
            right.softmax(dim=1)
        ),
        "sigmoid takes each logit alone; the rows don't add up to 1": logits.sigmoid(),
    }
    for words, values in wrong.items():
        assert not torch.allclose(got, values, atol=1e-4), words
    assert torch.allclose(got, right, atol=1e-4), (
        "the third does not give the softmax of the network's logits"
    )


def judge_learning(answer, classes: int) -> None:
    """Raise AssertionError unless model and loss learn a batch by heart."""
    network, inputs, targets = small_case(classes)
    model, loss_fn, _ = three_things(answer, network)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0)
    for _ in range(200):
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
    last, floor = number(loss), math.log1p((classes - 1) / math.e)
    assert last > -1e-3, (
        f"still seen: after 200 steps the loss is {last:.2f}, below 0; NLLLoss wants "
        "logarithms of probabilities"
    )
    assert not 0.98 * floor < last, (
        f"still seen: by heart, the loss ends at {last:.2f}; with a softmax before "
        f"CrossEntropyLoss, {floor:.2f} is the least for {classes} classes"
    )
    assert last < 0.1, (
        f"still seen: 15 samples by heart, and the loss ends at {last:.2f}"
    )
    right = (network(inputs).argmax(dim=1) == targets).sum().item()
    assert right == 15, f"the loss is low, and the network names {right} of 15 rightly"


def step_in_order(order: str):
    """Return a step that clears (c), goes backward (b) and steps (s) in this order."""

    def step(model, batch, loss_fn, optimizer):
        for letter in order:
            if letter == "c":
                optimizer.zero_grad()
            elif letter == "b":
                loss_fn(model(batch[0]), batch[1]).backward()
            else:
                optimizer.step()

    return step


def after_three(step, sizes: tuple) -> tuple[nn.Module, list, list[float]]:
    """Return the model after three batches, what was returned, and the true losses."""
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).to(pick_device())
    model[0].bias.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.2)
    returned, losses = [], []
    for size in sizes:
        inputs = torch.randn(size, 5).to(pick_device())
        targets = torch.randint(3, (size,)).to(pick_device())
        batch = [inputs.clone(), targets.clone()]
        losses.append(loss_fn(model(inputs), targets).item())
        returned.append(step(model, batch, loss_fn, optimizer))
        same = torch.equal(batch[0], inputs) and torch.equal(batch[1], targets)
        assert same, "the batch you were given is changed"
    return model, returned, losses


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Return whether all parameters agree."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)


@lesson.question("15.3")
def clean_step(answer) -> None:
    """Three steps move the parameters as three clean ones do."""
    for sizes in ((6, 9, 4), (3, 7, 11, 5)):
        try:
            model, returned, losses = after_three(lambda *run: ask(answer, *run), sizes)
        except RuntimeError as problem:
            assert "inplace" not in str(problem), (
                "PyTorch says that parameters changed between the loss and backward(): "
                "step() comes after backward()"
            )
            raise
        wrong = {
            "still seen: three gradients of one batch are 1, 2 and 3 long; nobody "
            "clears them, and they add up": "bs",
            "still seen: no parameter moves, and none has a gradient; is zero_grad() "
            "between backward() and step(), or backward() missing?": "bcs",
            "still seen: the first call moves nothing, for step() comes before "
            "backward()": "sb",
            "still seen: each call uses the gradient of the batch before; step() comes "
            "before backward()": "scb",
            "still seen: the parameters never move, but have gradients afterwards; is "
            "step() missing, or does it come before backward()?": "cb",
        }
        for words, order in wrong.items():
            other = after_three(step_in_order(order), sizes)[0]
            cleared = all(
                p.grad is None or not p.grad.any() for p in model.parameters()
            )
            if order in ("bcs", "cb") and cleared != (order == "bcs"):
                continue
            assert not same_weights(model, other), words
        right = after_three(step_in_order("cbs"), sizes)[0]
        assert same_weights(model, right), (
            "the parameters are not those of one backward() of loss_fn and one "
            "optimizer.step() a batch"
        )
        judge_losses(returned, losses)


def judge_losses(returned: list, losses: list[float]) -> None:
    """Raise AssertionError unless the losses before each step came back."""
    assert not any(isinstance(r, Tensor) and r.requires_grad for r in returned), (
        "you return the loss with its graph, which stays in memory: loss.item()"
    )
    got = [number(value) for value in returned]
    pairs = zip(got, losses, strict=True)
    assert all(math.isclose(a, b, rel_tol=1e-3) for a, b in pairs), (
        f"expected the loss before each step, {brief([round(v, 3) for v in losses])}, "
        f"got {brief([round(v, 3) for v in got])}"
    )


@lesson.question("15.4")
def adapt(answer) -> None:
    """A new last layer, the old others, and an optimizer that moves all."""
    layers = nn.Flatten(), nn.Linear(12, 7), nn.Tanh(), nn.Linear(7, 3)
    judge_adapted(answer, layers, 12, 5, 0.02)
    layers = nn.Linear(6, 11), nn.Tanh(), nn.Linear(11, 9), nn.Tanh(), nn.Linear(9, 4)
    judge_adapted(answer, layers, 6, 2, 0.003)


def judge_adapted(
    answer, layers: tuple, features: int, classes: int, lr: float
) -> None:
    """Raise AssertionError unless one step moves every parameter of the new model."""
    torch.manual_seed(3)
    model = nn.Sequential(*copy.deepcopy(layers)).to(pick_device())
    before, length, outputs = copy.deepcopy(model), len(model), model[-1].out_features
    optimizer = ask(answer, model, classes, lr)
    assert not isinstance(optimizer, tuple | list | nn.Module), (
        f"return the optimizer alone, got {brief(optimizer)}; "
        "the model is changed in place"
    )
    assert isinstance(optimizer, torch.optim.Optimizer), (
        f"return the optimizer, got {brief(optimizer)}"
    )
    assert len(model) == length, (
        f"the model had {length} layers and has {len(model)}; replace the last one"
    )
    inputs = torch.randn(8, features, device=pick_device())
    logits = model(inputs)
    assert logits.shape != (8, outputs), (
        f"the model you were given still ends in the old layer with {outputs} outputs: "
        "assign model[-1]"
    )
    assert logits.shape == (8, classes), (
        f"expected {classes} outputs for each sample, got {tuple(logits.shape)}"
    )
    pairs = zip(before[:-1].parameters(), model[:-1].parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs), (
        "the layers before the last have lost what they knew; only the last is new"
    )
    assert isinstance(optimizer, torch.optim.AdamW), (
        f"expected an AdamW, got {type(optimizer).__name__}"
    )
    rates = sorted({round(float(group["lr"]), 7) for group in optimizer.param_groups})
    assert rates == [lr], f"the rate is {brief(rates)}; {lr} was handed over"
    judge_linear(model[-1], model[:-1](inputs).detach())
    assert not any(
        a.shape == b.shape and torch.equal(a, b)
        for a in model[-1].parameters()
        for b in before[-1].parameters()
    ), "the old last layer is still there, with a new one on top; put it in its place"
    start = copy.deepcopy(model.state_dict())
    targets = torch.arange(8, device=pick_device()) % classes
    for _ in range(2):  # a head of zeros passes no gradient on in its first step
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    still = [n for n, p in model.named_parameters() if torch.equal(p, start[n])]
    head = [n for n, _ in model.named_parameters() if n.startswith(f"{length - 1}.")]
    assert len(still) < len(list(model.parameters())), (
        "still seen: no parameter of the model moves; whose does the optimizer hold?"
    )
    assert still != head, (
        f"still seen: the new head does not move ({', '.join(head)}); when was the "
        "optimizer built?"
    )
    assert not still or set(still) & set(head), (
        f"still seen: {', '.join(still[:3])} don't move; "
        "are they frozen, or not handed over?"
    )
    assert not still, f"still seen: these don't move: {', '.join(still[:6])}"


def judge_linear(head: nn.Module, features: Tensor) -> None:
    """Raise AssertionError unless the head is linear: no softmax, no ReLU in it."""
    with torch.no_grad():
        base = head(features * 0)
        once, thrice = head(features) - base, head(features * 3) - base
    assert torch.allclose(thrice, 3 * once, atol=1e-4), (
        "the new last layer is not linear: is there a softmax or a ReLU in it? "
        "The loss wants logits"
    )


@lesson.question("15.5")
def own_rows(answer) -> None:
    """Each output depends on all pixels of its sample, and on no other sample."""
    for n in (5, 8):
        torch.manual_seed(n)
        model = a_class(answer)()
        assert isinstance(model, nn.Module), "the class has to be an nn.Module"
        model = model.to(pick_device()).eval()
        inputs = torch.rand(n, 1, 8, 8, device=pick_device())
        given = inputs.clone()
        logits = ask(model.forward, given)
        assert torch.equal(given, inputs), "the inputs you were given are changed"
        assert isinstance(logits, Tensor), f"return logits, got {brief(logits)}"
        assert n == 8 or logits.shape != (8, 10), (
            f"{n} samples, 8 answers: the rows were taken for the samples; which axis "
            "of outputs is the batch?"
        )
        assert logits.shape == (n, 10), (
            f"for {n} samples expected logits ({n}, 10), got {tuple(logits.shape)}"
        )
        judge_company(model, inputs, logits)
        judge_pixels(model, inputs[:1])
        shares = logits.min() >= 0 and torch.allclose(
            logits.sum(dim=1), torch.ones_like(logits[:, 0]), atol=1e-4
        )
        assert not shares, (
            "each row adds up to 1: those are probabilities, and the loss wants logits "
            "(patient 2)"
        )
    functional.cross_entropy(logits, torch.arange(8, device=pick_device())).backward()
    named = dict(model.named_parameters())
    silent = [k for k, p in named.items() if p.grad is None or not p.grad.any()]
    assert len(silent) < len(named) / 2, (  # an LSTM's reverse may have one silent
        f"no gradient reaches {', '.join(silent[:4])}"
    )


def judge_company(model: nn.Module, inputs: Tensor, logits: Tensor) -> None:
    """Raise AssertionError if an output changes when the sample is alone."""
    with torch.no_grad():
        again = model(inputs)
        alone = [model(inputs[i : i + 1]) for i in range(len(inputs))]
    assert torch.allclose(again, logits, atol=1e-5), "one input gives two outputs"
    assert alone[0].shape == (1, 10), (
        f"a single sample has logits (1, 10), got {tuple(alone[0].shape)}; squeeze() "
        "removes the axis of the batch as well, squeeze(1) does not"
    )
    changed = sum(
        not torch.allclose(one[0], logits[i], atol=1e-4) for i, one in enumerate(alone)
    )
    assert not changed, (
        f"still seen: {changed} of {len(inputs)} samples get another output alone than "
        "in the batch"
    )


def judge_pixels(model: nn.Module, one: Tensor) -> None:
    """Raise AssertionError unless each of the 64 pixels matters."""
    changed = one.repeat(64, 1, 1, 1)
    changed.flatten(1).add_(torch.eye(64, device=one.device) * 3)
    with torch.no_grad():
        apart = (model(changed) - model(one)).abs().amax(dim=1).view(8, 8)
    matters = apart > 1e-6
    rows, columns = matters.any(dim=1).sum().item(), matters.any(dim=0).sum().item()
    assert rows == 8, (
        f"only {rows} of 8 rows matter for the output; take the LSTM's output after "
        "the last row"
    )
    assert columns == 8, f"only {columns} of 8 columns matter for the output"
    with torch.no_grad():
        turned = (model(one.flip(2)) - model(one)).abs().max()
    assert turned > 1e-6, (
        "the rows in reverse order give the same output: they are not read one by one"
    )
    assert matters.all(), f"{64 - int(matters.sum())} of 64 pixels don't matter"


RATES = {0.006: 0.7, 3.0: 950.0, 1.0: math.nan, 0.3: math.inf, 0.03: 0.5, 0.1: 1.5}
RATES |= {0.003: 0.9, 0.01: 0.2, 0.0003: 2.1, 0.02: 0.4}
MORE = {0.02: 0.4, 0.2: math.nan, 0.03: 1.5, 0.5: 3.9, 0.05: 1.9, 0.1: 2.0}
MORE |= {0.04: 2.2, 0.004: 1.0, 0.01: 0.3}  # 0.04 fails between two that pass


@lesson.question("15.6")
def largest_rate(answer) -> None:
    """The largest rate that passes, whatever its loss; None where none does."""
    judge_rate(answer, 2.3, RATES, 0.03)
    judge_rate(answer, 4.0, MORE, 0.05)
    bad = {0.1: math.nan, 0.01: 2.0, 0.001: 2.2}
    result = answer(2.3, bad.__getitem__, list(bad))
    assert result is None, (
        f"no rate brings 2.3 below its half here: return None, got {brief(result)}"
    )
    judge_rate(answer, 2.3, {0.2: 1.1, 0.1: 0.3, 0.01: 0.2}, 0.2)


def judge_rate(answer, start: float, table: dict, right: float) -> None:
    """Raise AssertionError unless the right one of the table's rates comes back."""
    rates = list(table)
    good = [rate for rate in rates if table[rate] < start / 2]
    if callable(answer) and not is_empty(answer):
        assert answer(start, table.__getitem__, list(rates)) is not None, (
            f"{len(good)} of {len(rates)} rates pass, and you return None: does it "
            "stop too early, or is a `return` missing?"
        )
    got = number(ask(answer, start, table.__getitem__, rates))
    assert rates == list(table), "the list of rates that you were given is changed"
    rows = pairwise(sorted(rates))
    wrong = {
        "that is the rate with the smallest loss; a larger one also passes": min(
            good, key=table.get
        ),
        "that is the smallest rate that passes": min(good),
        "that rate's loss is nan, and `not loss >= …` lets it in": max(
            rate for rate in rates if not table[rate] >= start / 2
        ),
        "that is the largest rate of all; what is its loss?": max(rates),
        "its loss is below start, but not below half of it": max(
            rate for rate in rates if table[rate] < start
        ),
        "exactly half of start is not below half": max(
            rate for rate in rates if table[rate] <= start / 2
        ),
        f"half of start is {start / 2:.4g} here, not 1.15": max(
            [rate for rate in rates if table[rate] < 1.15], default=right
        ),
        "start // 2 rounds down; half of it is start / 2": max(
            [rate for rate in rates if table[rate] < start // 2], default=right
        ),
        "that is the first rate that passes; a later one is larger": good[0],
        "that is the last rate that passes; an earlier one is larger": good[-1],
        "the next rate fails, but a larger one passes again; ask them all": next(
            (a for a, b in rows if a in good and b not in good), right
        ),
        "that is a loss; return the rate that gives it": table[right],
        "that is a place in the list; return the rate itself": rates.index(right),
    }
    for words, value in wrong.items():
        assert value == right or not math.isclose(got, value), words
    assert math.isclose(got, right), f"expected the rate {right}, got {got:.4g}"
