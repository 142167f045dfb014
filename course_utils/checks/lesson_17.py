"""Checks for notebooks/17_your_own_run.ipynb."""

import hashlib
import json
import math
import random
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.checkpoint import Checkpoints
from course_utils.checks import Lesson
from course_utils.checks.answers import ask, brief, number
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress


# ---------------------------------------------------------------- 17.1


def grouped(sizes: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Return labels and groups, mixed; a list of group sizes for each class."""
    rows, name = [], 1000
    for label, own in enumerate(sizes):
        for size in own:
            name += 37
            rows += [(label, name)] * size
    generator = torch.Generator().manual_seed(5)
    order = torch.randperm(len(rows), generator=generator)
    labels, groups = torch.tensor(rows)[order].T
    return labels.contiguous(), groups.contiguous()


@lesson.question("17.1")
def split_groups(answer) -> None:
    """Whole groups, in each class, until the share of images is reached."""
    uneven = [[3, 5, 4, 2, 6, 1], [1, 2, 8, 3, 4, 5, 9], [2, 2, 3, 1, 4, 1]]
    even = [[5] * 6, [5] * 4, [5] * 8]
    for sizes, fraction in ((uneven, 0.3), (even, 0.5)):
        labels, groups = grouped(sizes)
        splits = [judge_split(answer, labels, groups, fraction, k) for k in range(24)]
        for label in labels.unique().tolist():
            own = set(groups[labels == label].tolist())
            seen = {frozenset(held & own) for held in splits}
            assert len(seen) > 2, (
                "24 seeds hold out the same groups of a class, or nearly: shuffle "
                "them, with a generator made from `seed`"
            )
    # The last class: 4 of 8 groups, in 70 ways. A drawn start knows 8 of them.
    assert len(seen) > len(own), (
        f"24 seeds hold out 4 of 8 groups in {len(seen)} ways: shuffle all of them, a "
        "drawn start or a swap is not enough"
    )


def judge_split(
    answer, labels: Tensor, groups: Tensor, fraction: float, seed: int
) -> set:
    """Raise AssertionError unless one split is right; return the groups held out."""
    given, n = (labels.clone(), groups.clone()), len(labels)
    torch.manual_seed(1)
    result = ask(answer, *given, fraction, seed)
    train, val = two_parts(result, n, groups)
    torch.manual_seed(2), random.seed(2), np.random.seed(2)
    before = global_randomness()
    again = two_parts(ask(answer, *given, fraction, seed), n, groups)
    moved = before != global_randomness()
    same = torch.equal(given[0], labels) and torch.equal(given[1], groups)
    assert same, "the labels or groups that you were given are changed"
    whole = sorted(train + val) == list(range(n))
    if whole and held_rightly(labels, groups, fraction, train):
        right = held_rightly(labels, groups, fraction, val)
        assert right, "the parts are swapped: return train first, then validation"
    both = sorted(set(train) & set(val))
    assert not both, f"image {(both or [0])[0]} is in both parts"
    assert whole, (
        f"{n} images went in, {len(set(train + val))} came out: each has one place"
    )
    cut = sorted(set(groups[train].tolist()) & set(groups[val].tolist()))
    assert not cut, (
        f"group {(cut or [0])[0]} has images in both parts: a group is moved as a whole"
    )
    for label in labels.unique().tolist():
        judge_share(labels, groups, fraction, val, label)
    assert not moved, "you use the global random numbers; make a generator from `seed`"
    assert (sorted(train), sorted(val)) == tuple(map(sorted, again)), (
        "the same seed gave two splits: does each draw use your generator?"
    )
    return set(groups[val].tolist())


def global_randomness() -> tuple:
    """Return the global random states of Python, NumPy and PyTorch, to be compared."""
    _, keys, place, *_ = np.random.get_state()
    torch_state = torch.get_rng_state().numpy().tobytes()
    return random.getstate(), keys.tobytes(), place, torch_state


def two_parts(result, n: int, groups: Tensor) -> tuple[list[int], list[int]]:
    """Return two lists of indices; raise AssertionError for anything else."""
    pair = isinstance(result, tuple | list) and len(result) == 2
    assert pair, f"return two lists, train and validation; got {brief(result)}"
    kinds = list | tuple | set | Tensor | np.ndarray
    assert all(isinstance(part, kinds) for part in result), (
        f"return two lists of indices; got {brief(result)}"
    )
    assert all(getattr(part, "ndim", 1) == 1 for part in result), (
        "the indices stand in a column: `.nonzero().flatten()` makes a row of them"
    )
    masks = all(np.asarray(list(part)).dtype == bool for part in result)
    assert not masks, "those are masks; `.nonzero().flatten().tolist()` has the indices"
    train, val = ([int(number(k)) for k in part] for part in result)
    names = set(groups.tolist())
    assert not (train + val and set(train + val) <= names), (
        "those are names of groups; return the indices of their images"
    )
    outside = [k for k in train + val if not 0 <= k < n]
    assert not outside, f"expected indices from 0 to {n - 1}, got {outside[:3]}"
    return train, val


def held_rightly(labels, groups, fraction, part: list[int]) -> bool:
    """Return whether a part would do for validation."""
    try:
        for label in labels.unique().tolist():
            judge_share(labels, groups, fraction, part, label)
    except AssertionError:
        return False
    return True


def judge_share(labels, groups, fraction, val: list[int], label: int) -> None:
    """Raise AssertionError unless as much of a class is held out as was asked."""
    members = int((labels == label).sum())
    held = [k for k in val if labels[k] == label]
    said = f"of class {label} {len(held)} of {members} images are held out"
    assert held, f"{said}: choose groups in each class by itself"
    assert len(held) >= fraction * members, (
        f"{said}, fewer than {fraction:.0%}: go on until that share of the images is "
        "taken (images, not groups)"
    )
    largest = max(Counter(groups[held].tolist()).values())
    assert len(held) - largest < fraction * members, (
        f"{said}, more groups than {fraction:.0%} needs: stop as soon as the share of "
        "images is reached"
    )


# ---------------------------------------------------------------- 17.2

BUMPS = [0.9, 0.5, 0.7, 0.3, 0.6, 0.4, 0.8, 0.45]  # validation losses: 4 is the best


class Cut(Exception):
    """The machine is gone."""


class Session:
    """A small run, and a one_epoch that notes what it was given."""

    def __init__(self, seed: int, dies_in: int | None = None) -> None:
        """Build the run from a seed; it may die in one of its epochs."""
        torch.manual_seed(seed)
        device, self.dies_in = pick_device(), dies_in
        model = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.3), nn.Linear(5, 2))
        model.to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.7)
        self.run = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
        self.losses, self.started, self.random = [], None, None

    def state(self) -> dict:
        """Return a copy of all that decides how the run goes on."""
        optimizer = self.run["optimizer"]
        slots = optimizer.state.values()
        return {
            "model": [p.detach().clone() for p in self.run["model"].parameters()],
            "optimizer": [slot["momentum_buffer"].clone() for slot in slots],
            "scheduler": [torch.tensor(self.run["scheduler"].last_epoch)],
            "random": [torch.get_rng_state()],
        }

    def one_epoch(self, run: dict) -> float:
        """Train for four batches of random numbers; return the validation loss."""
        if self.started is None:
            self.started = self.state()
        dies = run["scheduler"].last_epoch + 1 == self.dies_in
        model = run["model"].train()
        for _ in range(2 if dies else 4):
            run["optimizer"].zero_grad()
            batch = torch.randn(6, 3).to(pick_device())
            model(batch).square().mean().backward()
            run["optimizer"].step()
        if dies:
            raise Cut
        run["scheduler"].step()
        epoch = run["scheduler"].last_epoch
        self.losses.append(BUMPS[(epoch - 1) % len(BUMPS)] + epoch / 1024)
        self.ended = self.state()
        return self.losses[-1]


def equal(one: list, two: list) -> bool:
    """Return whether two lists of tensors are equal, bit for bit."""
    return len(one) == len(two) and all(map(torch.equal, one, two))


@lesson.question("17.2")
def train_to(answer) -> None:
    """Uncut, cut and resumed, and called again when all is done."""
    for epochs, dies_in in ((7, 4), (5, 2)):
        with tempfile.TemporaryDirectory() as folder:
            judge_run(answer, epochs, dies_in, Path(folder))


def judge_run(answer, epochs: int, dies_in: int, folder: Path) -> None:
    """Raise AssertionError unless a cut leaves no trace."""
    whole, keeper = Session(0), Checkpoints(folder / "whole")
    got = ask(answer, epochs, whole.run, keeper, whole.one_epoch)
    judge_uncut(got, epochs, whole, keeper)

    first, keeper = Session(0, dies_in), Checkpoints(folder / "cut")
    try:
        ask(answer, epochs, first.run, keeper, first.one_epoch)
    except Cut:
        swallowed = False
    else:
        swallowed = True
    keeper.wait()
    assert not swallowed, "your function swallows the error of a run that dies"
    done = dies_in - 1
    assert Checkpoints(folder / "cut").latest() is not None, (
        f"the run died in epoch {dies_in} and left no checkpoint: save after each epoch"
    )
    second, keeper = Session(5), Checkpoints(folder / "cut")
    got = ask(answer, epochs, second.run, keeper, second.one_epoch)
    judge_resumed(second, first, epochs, done)
    judge_losses(got, whole.losses, done)
    assert equal(second.state()["model"], whole.state()["model"]), (
        "resumed, the run ends with other weights than the run that was never cut"
    )
    last = keeper.latest()
    assert last.step == epochs, (
        f"after a cut the last step is {last.step}; expected {epochs}, counted on"
    )
    third, keeper = Session(6), Checkpoints(folder / "cut")
    got = ask(answer, epochs, third.run, keeper, third.one_epoch)
    assert not third.losses, (
        f"all {epochs} epochs were done, and you trained {len(third.losses)} more"
    )
    judge_losses(got, whole.losses, epochs)
    assert equal(third.state()["model"], whole.state()["model"]), (
        "with nothing left to train, the run still has to be restored"
    )


def judge_uncut(got, epochs: int, session: Session, keeper: Checkpoints) -> None:
    """Raise AssertionError unless a run without a cut went well and was saved."""
    count = len(session.losses)
    assert count == epochs, f"{epochs} epochs were asked for, you trained {count}"
    judge_losses(got, session.losses, 0)
    steps = session.run["scheduler"].last_epoch
    assert steps <= epochs, (
        f"{epochs} epochs, and the scheduler stepped {steps} times: one_epoch does that"
    )
    last, best = keeper.latest(), keeper.best()
    assert last is not None, "no checkpoint was saved: keeper.save(…) after each epoch"
    assert equal(session.state()["model"], session.ended["model"]), (
        "your function changed the model after its last epoch: leave it as trained"
    )
    saved = last.state.get("model")
    if isinstance(saved, dict) and all(isinstance(v, Tensor) for v in saved.values()):
        trained = [p.cpu() for p in session.ended["model"]]
        assert equal([v.cpu() for v in saved.values()], trained), (
            "the last checkpoint is older than the last epoch: save after each, when "
            "it is trained"
        )
    assert last.step != epochs - 1, (
        f"the last step is {epochs - 1} after {epochs} epochs: `step` is the number of "
        "epochs done"
    )
    assert last.step == epochs, f"the last step is {last.step}, expected {epochs}"
    assert best is not None, "no metric was saved: give the validation loss as `metric`"
    lowest = 1 + min(range(epochs), key=session.losses.__getitem__)
    highest = 1 + max(range(epochs), key=session.losses.__getitem__)
    assert best.step != highest, (
        f"best() gives epoch {highest}, of the highest loss: is its sign turned?"
    )
    assert best.step == lowest and best.metric is not None, (
        f"best() gives epoch {best.step}; the lowest validation loss is of {lowest}"
    )
    for saved in (best, last):
        loss = session.losses[saved.step - 1]
        assert saved.metric is not None and math.isclose(
            saved.metric, loss, rel_tol=1e-6
        ), (
            f"the metric of epoch {saved.step} is {brief(saved.metric)}; its own "
            f"validation loss was {loss:.4g}"
        )


def judge_resumed(second: Session, first: Session, epochs: int, done: int) -> None:
    """Raise AssertionError unless the second session began where the first ended."""
    count, begun = len(second.losses), second.started
    assert begun is not None, f"after a cut in epoch {done + 1} nothing was trained"
    kept = {name: equal(begun[name], first.ended[name]) for name in begun}
    if not kept["model"] and not kept["scheduler"]:
        start = int(begun["scheduler"][0])
        assert start, (
            "after the cut the run began again from nothing: restore keeper.latest()"
        )
        raise AssertionError(
            f"{done} epochs were done, and the run went on from epoch {start}: go on "
            "from latest(), the newest; best() is for later"
        )
    for name in ("model", "optimizer", "scheduler"):
        assert kept[name], f"after the cut the {name} was not restored"
    assert kept["random"], "after the cut the random numbers are not those of the save"
    assert count != epochs, (
        f"{done} epochs were done, and you trained {epochs} more: count those before"
    )
    assert count == epochs - done, (
        f"{done} of {epochs} epochs were done: expected {epochs - done} more, you "
        f"trained {count}"
    )


def judge_losses(got, right: list[float], done: int) -> None:
    """Raise AssertionError unless these are the losses of all epochs."""
    assert isinstance(got, list | tuple | Tensor | np.ndarray), (
        f"return the list of validation losses; got {brief(got)}"
    )
    values = [number(value) for value in got]
    assert not (0 < done < len(right) and len(values) == len(right) - done), (
        f"only the {len(values)} epochs after the cut came back; those before count too"
    )
    assert not (0 < done and len(values) == len(right) - 1), (
        f"{len(right)} epochs, {len(values)} losses: put an epoch's loss into the list "
        "before you save the list"
    )
    same = len(values) == len(right) and np.allclose(values, right, rtol=1e-5)
    lost = len(values) == len(right) and not same
    assert not (lost and np.allclose(np.sort(values), np.sort(right))), (
        "the losses are not in the order of the epochs"
    )
    assert same, f"expected the {len(right)} losses {brief(right)}, got {brief(values)}"


# ---------------------------------------------------------------- 17.3


class Passes:
    """A loader that shuffles anew each time and counts how often it is gone through."""

    def __init__(self, inputs: Tensor, targets: Tensor, size: int) -> None:
        """Hold the samples, to be cut into batches of this size."""
        self.inputs, self.targets, self.size = inputs, targets, size
        self.orders: list[Tensor] = []

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self.targets) // self.size)

    def __iter__(self):
        """Give the batches in a new order, and note it."""
        generator = torch.Generator().manual_seed(len(self.orders))
        self.orders.append(torch.randperm(len(self.targets), generator=generator))
        for rows in self.orders[-1].split(self.size):
            yield self.inputs[rows].clone(), self.targets[rows].clone()


@lesson.question("17.3")
def answers(answer) -> None:
    """All answers from one pass, and a model that is as it was."""
    for n, size, seed in ((23, 6, 0), (17, 5, 1)):
        judge_pass(answer, n, size, seed)


def judge_pass(answer, n: int, size: int, seed: int) -> None:
    """Raise AssertionError unless one pass gave everything and changed nothing."""
    torch.manual_seed(seed)
    device = pick_device()
    layers = [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5)]
    model = nn.Sequential(*layers, nn.Linear(8, 5)).to(device)
    with torch.no_grad():
        model[1].running_mean.uniform_(-1, 1)
        model[4].weight.mul_(4)
    model.train()
    model[2].eval()
    modes = [module.training for module in model.modules()]
    before = {name: v.clone() for name, v in model.state_dict().items()}
    recorded, trained = [], []

    def note(module, _) -> None:
        recorded.append(torch.is_grad_enabled())
        trained.append(module[1].training or module[3].training)

    model.register_forward_pre_hook(note)
    loader = Passes(torch.randn(n, 4), torch.randint(5, (n,)), size)
    got = ask(answer, model, loader)
    passes = len(loader.orders)
    assert passes < 2, f"you went {passes} times through the loader: once is the rule"
    assert passes == 1, "you never went through the loader"
    assert not any(trained), (
        "the model was in train mode: Dropout drew lots (lesson 04)"
    )
    seen, after = len(recorded), [module.training for module in model.modules()]
    model.eval()
    order = loader.orders[0]
    with torch.no_grad():
        logits = model(loader.inputs[order].to(device)).cpu()
    judge_answers(got, logits, loader.targets[order], size)
    assert not any(recorded[:seen]), (
        "the graph is recorded: torch.inference_mode() or no_grad()"
    )
    now = model.state_dict()
    assert all(torch.equal(now[name], v) for name, v in before.items()), (
        "the model was changed by being measured"
    )
    assert after != [False] * len(after), (
        "afterwards all of the model is in eval mode: give each module its mode back"
    )
    assert after == modes, "a module has another mode than before: modes_restored helps"


def judge_answers(got, logits: Tensor, truth: Tensor, size: int) -> None:
    """Raise AssertionError unless these are the predictions and targets."""
    several = isinstance(got, tuple | list) or getattr(got, "ndim", 0) > 0
    pair = several and len(got) == 2
    assert pair, f"return predictions and targets, two tensors; got {brief(got)}"
    for value in got:
        assert isinstance(value, Tensor | list | tuple | np.ndarray), (
            f"return two tensors (N,); got {brief(got)}"
        )
        batches = isinstance(value, list | tuple) and any(
            np.ndim(part) or isinstance(part, list | tuple) for part in value
        )
        assert not batches, "a list of batches came back: torch.cat joins them to (N,)"
        on_cpu = not isinstance(value, Tensor) or value.device.type == "cpu"
        assert on_cpu, (
            f"a result lies on {getattr(value, 'device', '')}; bring it to cpu"
        )
    right, n = logits.argmax(dim=1), len(truth)
    shape = tuple(np.shape(got[0]))
    assert shape != logits.shape, (
        "those are logits: argmax(dim=1) makes classes of them"
    )
    lengths = [len(value) if np.ndim(value) else 0 for value in got]
    whole = n - n % size
    assert lengths != [whole, whole], "the last, smaller batch is missing"
    batches = -(-n // size)
    assert lengths != [batches, batches], (
        f"{batches} results for {batches} batches: torch.cat joins them to (N,)"
    )
    assert lengths == [n, n] and len(shape) == 1, (
        f"expected two tensors of shape ({n},), got {shape} and "
        f"{tuple(np.shape(got[1]))}"
    )
    first, second = (torch.as_tensor(value) for value in got)
    swapped = torch.equal(first, truth) and torch.equal(second, right)
    assert not swapped, "the two are swapped: predictions first, then targets"
    assert torch.equal(second, truth), (
        "the targets are not those of the pass, in its order"
    )
    worst = torch.equal(first, logits.argmin(dim=1))
    assert not worst, "that is the class with the smallest logit"
    assert torch.equal(first, right), (
        f"{int((first != right).sum())} of {n} predictions are others than the model's"
    )
    floats = first.is_floating_point() or second.is_floating_point()
    assert not floats, "classes are whole numbers, int64, targets too"


# ---------------------------------------------------------------- 17.4


def wilson_ends(right: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's interval.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical
            inference.
    """
    q = right / n
    middle, half = q + z**2 / (2 * n), math.sqrt(q * (1 - q) / n + z**2 / (4 * n**2))
    return (middle - z * half) / (1 + z**2 / n), (middle + z * half) / (1 + z**2 / n)


def plain_ends(right: float, n: int) -> tuple[float, float]:
    """Return the interval with the spread of the observed share."""
    q = right / n
    half = 1.96 * math.sqrt(q * (1 - q) / n)
    return q - half, q + half


def near(one: tuple, two: tuple, within: float = 6e-4) -> bool:
    """Return whether two pairs agree."""
    return all(abs(a - b) <= within for a, b in zip(one, two, strict=True))


def mistaken(right: int, n: int) -> dict[str, tuple]:
    """Return what comes out of the usual mistakes, by what to say to them."""
    q, (low, high) = right / n, wilson_ends(right, n)
    half = 1.96 * math.sqrt(q * (1 - q) / n)
    plain = q - half, q + half
    clipped = max(plain[0], 0.0), min(plain[1], 1.0)
    middle = (low + high) / 2
    numerators = (low * (1 + 1.96**2 / n), high * (1 + 1.96**2 / n))
    spread = "the spread is that of p, of each p you try, not of the observed share"
    return {
        "one spread is not 1.96 of them": wilson_ends(right, n, 1.0),
        "that is for 2 spreads, or another number; here it is 1.96": wilson_ends(
            right, n, 2.0
        ),
        "that is for 90 %: 1.645 spreads; here it is 1.96": wilson_ends(
            right, n, 1.645
        ),
        "return the ends, low and high, not middle and half width": (
            middle,
            (high - low) / 2,
        ),
        "1.96 is squared, too: (q − p)² ≤ 1.96² · p(1−p)/n": wilson_ends(
            right, n, math.sqrt(1.96)
        ),
        "the ends are swapped: low first": (high, low),
        "those are per cent; return fractions": (100 * low, 100 * high),
        "those are numbers of answers; return fractions": (n * low, n * high),
        "divide both ends by 1 + z²/n": numerators,
        spread: plain,
        f"{spread} (clipping does not help)": clipped,
    }


@lesson.question("17.4")
def wilson(answer) -> None:
    """In the middle, at the edges, for few and for many."""
    for right, n in ((17, 24), (4, 4), (0, 7), (285, 288), (1, 3), (530, 1000)):
        got = ask(answer, right, n)
        pair = isinstance(got, tuple | list | Tensor | np.ndarray) and len(got) == 2
        assert pair, f"return two numbers, low and high; got {brief(got)}"
        ends = number(got[0]), number(got[1])
        expected = wilson_ends(right, n)
        if near(ends, expected):
            continue
        for words, value in mistaken(right, n).items():
            assert not near(ends, value, 1e-4), f"{right} of {n}: {words}"
        assert ends[0] != ends[1], f"{right} of {n}: your interval has no width"
        raise AssertionError(
            f"expected {expected[0]:.4f} to {expected[1]:.4f} for {right} of {n}, got "
            f"{ends[0]:.4f} to {ends[1]:.4f}"
        )


# ---------------------------------------------------------------- 17.5

KEYS = {"sha256", "data", "test_samples", "test_accuracy", "interval", "limits"}


@lesson.question("17.5")
def make_card(answer) -> None:
    """Hash, data, numbers with their interval, limits; and no card without limits."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        path.write_bytes(bytes(range(256)) * 13)
        judge_card(answer, path, 19, 23, ["Three photographs.", "No colour."])
        path.write_bytes(bytes(range(255, 0, -1)) * 11)
        judge_card(answer, path, 11, 11, ["By day alone."])
        try:
            card = answer(path, {"classes": ["a"]}, torch.tensor([True, False]), [])
        except ValueError:
            return
        except Exception as problem:
            raise AssertionError(
                f"without a limit a ValueError is wanted, not {type(problem).__name__}"
            ) from problem
        raise AssertionError(
            f"limits=[] was accepted: raise a ValueError; got {brief(card)}"
        )


def judge_card(answer, path: Path, hits: int, n: int, limits: list[str]) -> None:
    """Raise AssertionError unless the card says what is so."""
    data = {"classes": ["brick", "grass"], "train": 360, "from": {"walls": 3}}
    generator = torch.Generator().manual_seed(n)
    right = torch.randperm(n, generator=generator) < hits
    given = json.loads(json.dumps(data)), right.clone(), list(limits)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    card = ask(answer, path, *given)
    assert isinstance(card, dict), f"return a dictionary, got {brief(card)}"
    missing = sorted(KEYS - set(card))
    assert not missing, f"the card lacks {', '.join(missing)}"
    assert given[0] == data and torch.equal(given[1], right) and given[2] == limits, (
        "what you were given is changed"
    )
    tensors = [
        k
        for k, v in card.items()
        if isinstance(v, Tensor | np.generic) and not isinstance(v, float)
    ]
    assert not tensors, f"{tensors[0]} is no plain number: .item() (json refuses it)"
    try:
        card = json.loads(json.dumps(card))
    except (TypeError, ValueError) as problem:
        raise AssertionError(f"json.dumps refuses the card: {problem}") from problem
    of_name = {hashlib.sha256(t.encode()).hexdigest() for t in (str(path), path.name)}
    assert card["sha256"] not in of_name, "that hashes the name; hash the file's bytes"
    short = isinstance(card["sha256"], str) and len(card["sha256"]) < 64
    assert not (short and digest.startswith(card["sha256"])), "give the whole hash"
    assert str(card["sha256"]).lower() == digest, (
        f"expected sha256 {digest[:12]}…, got {brief(card['sha256'])}"
    )
    assert card["data"] == data, f"data: expected what was given, {brief(card['data'])}"
    judge_numbers(card, hits, n)
    assert card["limits"] == limits, (
        f"limits: expected the list that was given, got {brief(card['limits'])}"
    )


def judge_numbers(card: dict, hits: int, n: int) -> None:
    """Raise AssertionError unless count, share and interval are right."""
    for key in ("test_samples", "test_accuracy"):
        plain = isinstance(card[key], int | float)
        assert plain, f"{key}: expected a number, got {brief(card[key])}"
    count, share = number(card["test_samples"]), number(card["test_accuracy"])
    assert count != hits or hits == n, "test_samples counts all samples, not the right"
    assert count == n, f"test_samples: expected {n}, got {count:.4g}"
    assert not math.isclose(share, 100 * hits / n), "that is per cent; give a fraction"
    assert share != hits or hits == n == 1, "test_accuracy is a share: divide by n"
    wrong = math.isclose(share, 1 - hits / n, abs_tol=1e-6) and hits != n - hits
    assert not wrong, "test_accuracy is the share that is right, not wrong"
    rounded = ", not rounded" if abs(share - hits / n) < 0.05 else ""
    assert abs(share - hits / n) < 1e-6, (
        f"test_accuracy: expected {hits / n:.6f}{rounded}, got {share}"
    )
    ends = card["interval"]
    pair = isinstance(ends, list) and len(ends) == 2
    assert pair, f"interval: two numbers, low and high; got {brief(ends)}"
    ends = number(ends[0]), number(ends[1])
    if not near(ends, wilson_ends(hits, n)):
        for words, value in mistaken(hits, n).items():
            assert not near(ends, value, 1e-4), f"interval: {words}"
        assert ends[0] != ends[1], "interval: no width at all; take Wilson's"
        raise AssertionError(
            f"interval: expected {brief(wilson_ends(hits, n))}, got {brief(ends)}"
        )
