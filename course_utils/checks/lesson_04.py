"""Checks for notebooks/04_training_loop.ipynb."""

import copy

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_utils.checks import Lesson
from course_utils.checks.answers import (
    StillOpen,
    a_class,
    ask,
    brief,
    drawn,
    is_empty,
    number,
)
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress


def near(a: float, b: float, tolerance: float = 2e-5) -> bool:
    """Return whether two numbers are equal but for rounding."""
    return abs(a - b) < tolerance * max(1.0, abs(b))


def same(first: list, second: list) -> bool:
    """Return whether two lists of tensors hold nearly the same numbers."""
    return all(
        torch.allclose(a.float(), b.float(), atol=1e-5)
        for a, b in zip(first, second, strict=True)
    )


def widest_gap(got: torch.Tensor, right: torch.Tensor) -> str:
    """Return what stands, and should stand, where two matrices differ most."""
    row, column = divmod(int((got - right).abs().argmax()), right.shape[1])
    wanted, found = right[row, column].item(), got[row, column].item()
    return f"expected {wanted:.4f} at [{row}, {column}], got {found:.4f}"


def small_model(outputs: int) -> nn.Sequential:
    """Return a network (N, 3) -> (N, outputs), always with the same weights."""
    torch.manual_seed(7)
    layers = [nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, outputs)]
    return nn.Sequential(*layers).to(pick_device())


def state(model: nn.Module) -> list[torch.Tensor]:
    """Return copies of all parameters and buffers."""
    return [value.detach().clone() for value in model.state_dict().values()]


def one_epoch(model, loader, loss_fn, optimizer, kind: str = "") -> list:
    """Train as the printed solution, or with one mistake; return losses and sizes."""
    model.train(kind != "eval")
    noted, batches = [], list(loader)[: 1 if kind == "one batch" else None]
    for inputs, targets in batches:
        inputs, targets = inputs.to(pick_device()), targets.to(pick_device())
        if kind != "not cleared" and not (kind == "one step" and noted):
            optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        noted.append((loss.item(), len(targets)))
        at_the_end = kind in ("one step", "last step")
        if kind != "no step" and (len(noted) == len(batches) or not at_the_end):
            optimizer.step()
    return noted


MISTAKES = {
    "not cleared": "old gradients are still in there: zero_grad before each backward, "
    "the first one too",
    "no step": "the parameters have not moved at all: backward, then step, and no "
    "zero_grad in between",
    "one batch": "only the first batch was learned: is the return inside the loop?",
    "one step": "you take one step for the whole epoch; each batch has its own",
    "last step": "you take one step after the loop, with the gradients of the last "
    "batch; each batch has its own",
    "eval": "the model was in eval mode while it learned: call model.train() first",
}


@lesson.question("4.1")
def train_epoch(answer) -> None:
    """The weights and the mean of the plain loop."""
    targets = torch.arange(10) * 3 % 4
    data = TensorDataset(drawn(10, 3), targets)
    judge_epoch(answer, 4, DataLoader(data, batch_size=4), nn.CrossEntropyLoss())
    data = TensorDataset(drawn(9, 3, seed=1), drawn(9, 2, seed=2) * 3)
    judge_epoch(answer, 2, DataLoader(data, batch_size=7), nn.MSELoss())
    shorter = DataLoader(data, batch_size=4, drop_last=True)
    judge_epoch(answer, 2, shorter, nn.MSELoss())


def judge_epoch(answer, outputs: int, loader, loss_fn) -> None:
    """Raise AssertionError unless one epoch is trained and noted right."""

    def prepared():
        model = small_model(outputs).eval()
        return model, torch.optim.SGD(model.parameters(), lr=0.3)

    model, optimizer = prepared()
    for p in model.parameters():
        p.grad = torch.full_like(p, 0.5)  # left by an earlier run
    got = ask(answer, model, loader, loss_fn, optimizer)
    after, noted, reference = {}, {}, None
    for kind in ("", *MISTAKES):
        other, its_optimizer = prepared()
        noted[kind] = one_epoch(other, loader, loss_fn, its_optimizer, kind)
        after[kind] = [p.detach() for p in other.parameters()]
        reference = other if kind == "" else reference
    own = [p.detach() for p in model.parameters()]
    if isinstance(got, torch.Tensor):
        assert got.grad_fn is None, (
            "you return a tensor with its chain; note the number, loss.item()"
        )
    for kind, words in MISTAKES.items():
        assert not same(own, after[kind]), words
    cleared = same(own, after[""])
    assert cleared or not left_over(own, prepared, loader, loss_fn), MISTAKES[
        "not cleared"
    ]
    assert cleared, (
        "after the epoch the parameters are not those of the plain loop: zero_grad, "
        "loss, backward, step, once for each batch"
    )
    assert same(state(model), state(reference)), (
        "BatchNorm has seen the batches more or less than once: one forward pass each"
    )
    judge_mean(number(got), noted[""], loader, ": that of each batch before its step")


def left_over(own, prepared, loader, loss_fn) -> bool:
    """Return whether the old gradient of 0.5 was never cleared."""
    model, optimizer = prepared()
    for p in model.parameters():
        p.grad = torch.full_like(p, 0.5)
    one_epoch(model, loader, loss_fn, optimizer, "not cleared")
    piled = same(own, [p.detach() for p in model.parameters()])
    model, optimizer = prepared()
    for p in model.parameters():
        p.grad = torch.full_like(p, 0.5)
    first, *rest = list(loader)
    one_epoch(model, [first], loss_fn, optimizer, "not cleared")
    one_epoch(model, rest, loss_fn, optimizer)
    return piled or same(own, [p.detach() for p in model.parameters()])


def judge_mean(got: float, noted: list, loader, which: str = "") -> None:
    """Raise AssertionError unless this is the mean loss of a sample."""
    samples, batch_size = len(loader.dataset), loader.batch_size
    losses, sizes = zip(*noted, strict=True)
    total = sum(loss * size for loss, size in noted)
    count, batches = sum(sizes), len(sizes)
    wrong = {
        "every batch has the same weight in that mean; the last one is smaller": (
            sum(losses) / batches
        ),
        "that is the sum of the batches' losses": sum(losses),
        "that is the sum over samples; divide by their number": total,
        "that is the loss of the last batch alone": losses[-1],
        "that is the first batch alone: is the return inside the loop?": losses[0],
        "you divide by the number of batches, but each loss was multiplied by its "
        "size": total / batches,
        "with = only the last batch is counted: count += len(targets)": (
            total / sizes[-1]
        ),
        "with = only the last batch is in the sum of the losses: +=": (
            losses[-1] * sizes[-1] / count
        ),
        "not every batch has batch_size samples: count len(targets)": (
            total / (batches * batch_size)
        ),
        "you divide by the number of samples, but each loss is already a mean: times "
        "its size first": sum(losses) / count,
    }
    full = sum(losses) * batch_size
    wrong["the last batch is smaller than batch_size: len(targets)"] = full / count
    if samples != count:
        words = (
            "len(loader.dataset) also counts what drop_last leaves out: count yourself"
        )
        wrong[words] = total / samples
    for words, value in wrong.items():
        assert near(value, total / count) or not near(got, value), words
    assert near(got, total / count), (
        f"expected a mean loss of {total / count:.4f}, got {got:.4f}{which}"
    )


@lesson.question("4.2")
def normalise(answer) -> None:
    """Batch statistics in train mode, running ones in eval mode."""
    for seed, n, c in ((0, 6, 3), (5, 9, 4)):
        for training in (True, False):
            judge_norm(answer, seed, n, c, training)


def judge_norm(answer, seed: int, n: int, c: int, training: bool) -> None:
    """Raise AssertionError unless the outputs are those of the layer in this mode."""
    device = pick_device()
    layer = nn.BatchNorm1d(c, eps=1e-2).to(device)
    with torch.no_grad():
        layer.weight.copy_(drawn(c, seed=seed + 1) + 2)
        layer.bias.copy_(drawn(c, seed=seed + 2))
        layer.running_mean.copy_(drawn(c, seed=seed + 3))
        layer.running_var.copy_(drawn(c, seed=seed + 4).abs() + 0.5)
    layer.train(training)
    x = drawn(n, c, seed=seed).to(device) * 0.4 + 1
    right = copy.deepcopy(layer)(x.clone()).detach()
    before, given = state(layer), x.clone()
    got = ask(answer, layer, given)
    mode = "train" if training else "eval"
    assert same(state(layer), before), (
        f"in {mode} mode the layer's running statistics have moved; compute without it"
    )
    assert layer.training == training, "the layer is now in another mode"
    assert torch.equal(given, x), "the inputs have changed: don't write into them"
    assert isinstance(got, torch.Tensor) and got.shape == x.shape, (
        f"expected a tensor of shape {tuple(x.shape)}, got {brief(got)}"
    )

    def by(mean, variance, eps=layer.eps, weight=layer.weight, bias=layer.bias):
        return ((x - mean) / (variance + eps).sqrt() * weight + bias).detach()

    batch = x.mean(dim=0), x.var(dim=0, unbiased=False)
    running = layer.running_mean, layer.running_var
    used, other = (batch, running) if training else (running, batch)
    wrong = {
        f"in {mode} mode you use the statistics of the other mode": by(*other),
        "weight and bias are missing: the last two parts of the formula": by(
            *used, weight=1, bias=0
        ),
        "bias is missing: the last part of the formula": by(*used, bias=0),
        "weight is missing: times layer.weight, then plus layer.bias": by(
            *used, weight=1
        ),
        "first times weight, then plus bias": by(*used, bias=layer.bias * layer.weight),
        "eps is missing under the root": by(*used, eps=0.0),
        "not every layer has 1e-5 under the root: layer.eps": by(*used, eps=1e-5),
        "eps stands outside the root": by(
            used[0], (used[1].sqrt() + layer.eps).square(), eps=0.0
        ),
        "the variance of the batch is divided by N: unbiased=False": by(
            used[0], x.var(dim=0)
        ),
        "divide by the root of the variance, not by the variance": by(
            used[0], (used[1] + layer.eps).square(), eps=0.0
        ),
        "one mean and variance for all features; each has its own: dim=0": by(
            x.mean(), x.var(unbiased=False)
        ),
        "dim=1 takes each sample by itself; each feature has its mean: dim=0": by(
            x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, unbiased=False)
        ),
        "there is no mean subtracted": by(torch.zeros_like(used[0]), used[1]),
    }
    for words, value in wrong.items():
        assert not torch.allclose(got.float(), value, atol=1e-5), words
    assert torch.allclose(got.float(), right, atol=1e-4), (
        f"in {mode} mode {widest_gap(got.float(), right)}"
    )


@lesson.question("4.3")
def measure(answer) -> None:
    """Right figures, and no trace."""
    targets = torch.arange(10) * 3 % 4
    judge_measure(answer, drawn(10, 3), targets, 4, nn.CrossEntropyLoss(), True)
    smooth = nn.CrossEntropyLoss(label_smoothing=0.3)
    judge_measure(answer, drawn(9, 3, seed=5), targets[:9], 6, smooth, False)


def judge_measure(answer, inputs, targets, size: int, loss_fn, train: bool) -> None:
    """Raise AssertionError unless this model is measured right and left as it was.

    One layer is in the other mode than all the rest.
    """
    inner = small_model(4)
    model, noted = nn.Sequential(nn.Sequential(inner)).train(train), []
    inner[2].train(not train)
    with torch.no_grad():
        inner[1].running_mean += 0.7
    inner[1].register_forward_pre_hook(
        lambda layer, _: noted.append((torch.is_grad_enabled(), layer.training))
    )
    for p in model.parameters():
        p.grad = torch.full_like(p, 0.5)
    modes, before = [module.training for module in model.modules()], state(model)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=size)
    result = ask(answer, model, loader, loss_fn)
    if isinstance(result, torch.Tensor | np.ndarray):
        result = result.tolist()
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return two numbers, the mean loss and the accuracy; got {brief(result)}"
    )
    assert noted, "the model was never asked for its logits"
    wanted = all(p.requires_grad for p in model.parameters())
    assert wanted, "the parameters no longer want gradients: use inference_mode instead"
    graded, training = (any(column) for column in zip(*noted, strict=True))
    assert not training, "the model was measured in train mode: model.eval() first"
    assert not graded, "notes for backward were kept: torch.inference_mode() or no_grad"
    now = [module.training for module in model.modules()]
    assert now != [True] * len(now), (
        "afterwards every module is in train mode; not all were before"
    )
    assert now != [False] * len(now), (
        "afterwards every module is in eval mode; not all were before"
    )
    assert now == modes, "some modules are in another mode than before"
    kept = all(p.grad is not None and (p.grad == 0.5).all() for p in model.parameters())
    assert kept, "the gradients have changed; measuring should not touch them"
    assert same(state(model), before), "measuring has changed the model"
    judge_figures([number(part) for part in result], model, loader, loss_fn)


def judge_figures(got: list[float], model, loader, loss_fn) -> None:
    """Raise AssertionError unless these are the mean loss and the accuracy."""
    model, noted, right = copy.deepcopy(model).eval(), [], []
    for inputs, targets in loader:
        logits = model(inputs.to(pick_device())).detach().cpu()
        noted.append((loss_fn(logits, targets).item(), len(targets)))
        right.append((logits.argmax(dim=1) == targets).sum().item())
    sizes = [size for _, size in noted]
    mean = sum(loss * size for loss, size in noted) / sum(sizes)
    share = sum(right) / sum(sizes)
    assert not (near(got[0], share) and near(got[1], mean)), (
        "first the loss, then the accuracy"
    )
    judge_mean(got[0], noted, loader)
    wrong = {
        "your accuracy gives every batch the same weight; count the right answers": (
            sum(r / n for r, n in zip(right, sizes, strict=True)) / len(sizes)
        ),
        "that is the number of right answers": sum(right),
        "divide the right answers by the number of samples, not of batches": (
            sum(right) / len(sizes)
        ),
        "that is the share of wrong answers": 1 - share,
        "the share, from 0 to 1, not a percentage": 100 * share,
    }
    for words, value in wrong.items():
        assert not near(got[1], value), words
    assert near(got[1], share), f"expected an accuracy of {share:.4f}, got {got[1]:.4f}"


@lesson.question("4.4")
def read_image(answer) -> None:
    """The scale, the dimensions, the mode."""
    device = pick_device()
    generator = torch.Generator().manual_seed(0)
    for seed, kind in ((1, torch.int64), (2, torch.uint8)):
        torch.manual_seed(seed)
        layers = [nn.Linear(64, 12), nn.Tanh(), nn.Dropout(0.5), nn.Linear(12, 10)]
        model = nn.Sequential(nn.Flatten(), *layers).to(device).train()
        with torch.no_grad():
            model[4].weight *= 4
        image = torch.randint(3, 12, (8, 8), generator=generator).to(kind)
        judge_reading(answer, model, image)


def judge_reading(answer, model, image) -> None:
    """Raise AssertionError unless digit and probability are those of this image."""
    before, given = state(model), image.clone()
    quiet, noted = copy.deepcopy(model).eval(), []
    model[0].register_forward_pre_hook(
        lambda layer, args: noted.append((layer.training, tuple(args[0].shape)))
    )

    def logits(scale, ink=image):
        batch = (ink.float() / scale)[None, None]
        return quiet(batch.to(pick_device()))[0].detach()

    result = ask(answer, model, given)
    if isinstance(result, torch.Tensor | np.ndarray):
        result = result.tolist()
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return two things, the digit and its probability; got {brief(result)}"
    )
    assert torch.equal(given, image), "the image has changed: don't write into it"
    kinds = {p.dtype for p in model.parameters()}
    assert same(state(model), before) and kinds == {torch.float32}, (
        "reading has changed the model"
    )
    shapes = [
        tuple(p.shape) for p in result if isinstance(p, torch.Tensor) and p.numel() > 1
    ]
    assert not shapes, f"one digit and one number were wanted; got shape {shapes[0]}"
    assert noted, "the model was never asked for its logits"
    for training, shape in noted:
        assert not training, "the model read in train mode: model.eval() first"
        assert shape[1:] == (1, 8, 8), (
            f"the model was trained on shape (N, 1, 8, 8), not {shape}; N is 1 here"
        )
    digit, probability = map(number, result)
    right = logits(16).softmax(dim=0)
    best = int(right.argmax())
    assert not (near(digit, right.max()) and near(probability, best)), (
        "first the digit, then its probability"
    )
    wrong = {
        "you forgot the scale: the model knows ink from 0 to 1": logits(1),
        "255 is for photographs; full ink is 16 here": logits(255),
        "the model knows ink from 0 to 1, and full ink is 16": logits(15),
        "full ink is 16, whatever the darkest place of this image": logits(image.max()),
        "// cuts off to 0 or 1; divide with /": logits(1, image // 16),
    }
    for words, value in wrong.items():
        assert not near(probability, value.softmax(dim=0).max()), words
    assert not near(probability, logits(16).max()), "that is a logit, no probability"
    assert not near(probability, logits(16).sigmoid().max()), (
        "sigmoid looks at one logit; softmax shares 1 among all ten"
    )
    assert not near(probability, 100 * right.max()), (
        "a probability from 0 to 1, not a percentage"
    )
    assert probability < 0.9999, (
        "a probability of 1: softmax over the ten logits, dim=1 for a batch"
    )
    assert near(digit, best) or not near(probability, right.max()), (
        f"the probability fits, the digit should be {best}, got {digit:.0f}"
    )
    assert near(probability, right.max()) and digit == best, (
        f"expected {best} with {right.max():.4f}, got {digit:.0f} with "
        f"{probability:.4f}: look at scale and softmax"
    )


@lesson.question("4.5")
def text_reader(answer) -> None:
    """A padded text gives the logits of the text alone."""
    a_class(answer)
    if is_empty(vars(answer).get("forward", answer.forward)):
        raise StillOpen
    judge_reader(answer, 30, 8, [[5, 9, 2], [7], [3, 3, 8, 29, 4]])
    judge_reader(answer, 12, 5, [[5, 6], [1, 2, 3, 4]])


def judge_reader(answer, words: int, size: int, texts: list) -> None:
    """Raise AssertionError unless each text gets the logits it gets alone."""
    torch.manual_seed(3)
    reader = answer(words, size).to(pick_device()).eval()
    parts = [getattr(reader, name, None) for name in ("embedding", "lstm", "head")]
    assert None not in parts, "keep the three layers of the starter, under their names"
    embed, lstm, head = parts
    width = max(map(len, texts))
    ids = torch.tensor([text + [0] * (width - len(text)) for text in texts])
    ids = ids.to(pick_device())
    given = ids.clone()
    got = ask(reader.forward, given)
    assert torch.equal(given, ids), "the ids have changed: don't write into them"
    n = len(texts)
    assert isinstance(got, torch.Tensor), f"expected logits, got {brief(got)}"
    assert got.shape != (n, width, 2), "one pair of logits for each text, not each word"
    assert got.shape != (1, n, 2), "the state has shape (1, N, size): state[0]"
    assert got.shape == (n, 2), f"expected logits {(n, 2)}, got {tuple(got.shape)}"
    got = got.float()

    def alone(use):
        rows = []
        for row, text in zip(ids, texts, strict=True):
            vectors = embed(row[: len(text)])[None]
            rows.append(use(*lstm(vectors), vectors)[0])
        return torch.stack(rows).detach()

    outputs, (last, _) = lstm(embed(ids))
    right = alone(lambda o, s, v: head(s[0][0]))
    nothing = head(torch.zeros(size, device=ids.device))
    by_length = (ids != 0).sum(dim=1).argsort(descending=True)
    wrong = {
        "the LSTM has read on through the padding: pack the batch": head(last[0]),
        "that is the mean over the words; the last state was wanted": alone(
            lambda o, s, v: head(o.mean(dim=1))
        ),
        "that is a mean over words and padding": head(outputs.mean(dim=1)),
        "that is the cell; the state is the first of the pair": alone(
            lambda o, s, v: head(s[1][0])
        ),
        "unpacked outputs end in zeros where a text is shorter: take the state": (
            torch.where(ids[:, -1:] == 0, nothing, right)
        ),
        "the texts come out sorted by length; keep their order": right[by_length],
        "that is the state after the first word": head(outputs[:, 0]),
        "the last vector goes past the LSTM to the head": alone(
            lambda o, s, v: head(v[:, -1])
        ),
        "those are probabilities; the loss wants logits": alone(
            lambda o, s, v: head(s[0][0]).softmax(dim=-1)
        ),
    }
    for said, value in wrong.items():
        assert not torch.allclose(got, value.detach(), atol=1e-5), said
    assert torch.allclose(got, right, atol=1e-5), (
        "that is not what the head makes of the state after a text's last word: "
        f"{widest_gap(got, right)}"
    )
    single = reader(ids[:1, : len(texts[0])]).float()
    assert single.shape == (1, 2) and torch.allclose(single, right[:1], atol=1e-5), (
        "a batch with one text must give logits (1, 2), the same as before"
    )
    assert got.requires_grad, "the logits have no chain: no detach, no no_grad here"
    got.sum().backward()
    silent = [name for name, p in reader.named_parameters() if p.grad is None]
    assert not silent, f"no gradient reaches {silent[0]}: is something detached?"
