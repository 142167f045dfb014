"""Checks for notebooks/10_tensorboard.ipynb."""

import copy
import math
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.tensorboard import SummaryWriter

from course_utils.checks import Lesson
from course_utils.checks.answers import StillOpen, ask, brief, number

lesson = Lesson()
progress = lesson.progress


def points_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return {tag: [(step, value), …]} of one run."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    points = {
        tag: [(point.step, point.value) for point in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }
    for tag in events.Tags()["tensors"]:  # add_scalar(…, new_style=True), or a text
        points[tag] = [
            (point.step, make_ndarray(point.tensor_proto).tolist())
            for point in events.Tensors(tag)
        ]
    return points


@lesson.question("10.1")
def write_run(answer) -> None:
    """One point a batch, one validation point an epoch, on one axis."""
    judge_run(answer, [([3.0, 2.0], 2.25), ([1.0, 0.75, 0.5], 1.5), ([0.125], 1.125)])
    judge_run(answer, [([2.5, 2.0, 1.5], 1.75), ([0.75, 0.5], 0.875), ([0.25], 0.625)])


def judge_run(answer, epochs: list[tuple[list[float], float]]) -> None:
    """Raise AssertionError unless this run is written down rightly."""
    given = [(list(losses), value) for losses, value in epochs]
    with tempfile.TemporaryDirectory() as folder:
        writer = SummaryWriter(folder)
        try:
            result = ask(answer, writer, given)
            writer.flush()
            runs = [path for path in Path(folder).iterdir() if path.is_dir()]
            points = points_of(Path(folder))
            files = len(list(Path(folder).glob("events.*")))
            writer.add_scalar("open", 1.0, 1)  # a closed writer begins another file
            writer.flush()
            begun = len(list(Path(folder).glob("events.*"))) - files
        finally:
            writer.close()
    assert not runs, (
        "add_scalars makes a run of its own for each name; call add_scalar for each tag"
    )
    wanted = {"loss/training", "loss/validation"}
    for tag in sorted(wanted):
        assert tag in points, f"no point has the tag {tag}; the tags are {list(points)}"
    assert set(points) == wanted, f"two tags are enough; you wrote {brief(set(points))}"
    training, validation = points["loss/training"], points["loss/validation"]
    judge_points(training, validation, epochs)
    judge_count(result, epochs)
    assert given == epochs, "right, but the list that you were given is changed"
    assert files == 1, (
        "right, but you opened a writer of your own; write with the one you were given"
    )
    assert not begun, "right, but you closed the writer; whoever opened it closes it"


def judge_points(training, validation, epochs) -> None:
    """Raise AssertionError unless steps and values are those of these epochs."""
    lengths = [len(losses) for losses, _ in epochs]
    ends = [sum(lengths[: k + 1]) for k in range(len(lengths))]
    losses = [loss for some, _ in epochs for loss in some]
    steps, values = [s for s, _ in training], [v for _, v in training]
    means = [sum(some) / len(some) for some, _ in epochs]
    assert values != means, "loss/training has one point an epoch; write each batch"
    assert values == losses, (
        f"loss/training holds {brief(values)}; the losses were {brief(losses)}"
    )
    assert any(steps), "every training step is 0: hand the step to add_scalar"
    restarts = [k for n in lengths for k in range(n)]
    assert steps not in (restarts, [k + 1 for k in restarts]), (
        "the training step starts again with each epoch: count through the whole run"
    )
    assert steps != list(range(len(losses))), (
        "the first batch has step 0; after it one step is taken, so it gets 1"
    )
    for own in (True, False):  # the epoch's own length, or that of the first
        products = [
            e * (n if own else lengths[0]) + k
            for e, n in enumerate(lengths)
            for k in range(n)
        ]
        assert steps not in (products, [k + 1 for k in products]), (
            "epoch * length is right only for epochs of one length; keep a counter"
        )
    closed = [end for end, n in zip(ends, lengths, strict=True) for _ in range(n)]
    begun = [end - n for end, n in zip(ends, lengths, strict=True) for _ in range(n)]
    assert steps not in (closed, begun), (
        "all batches of an epoch have one step: count in the inner loop"
    )
    epoch_of = [epoch for epoch, n in enumerate(lengths) for _ in range(n)]
    assert steps != [k + 1 + epoch for k, epoch in enumerate(epoch_of)], (
        "each epoch adds one step too many; only a batch is a step, validation is not"
    )
    assert steps == list(range(1, len(losses) + 1)), (
        f"expected training steps 1 to {len(losses)}, got {brief(steps)}"
    )
    judge_validation(validation, epochs, ends)


def judge_validation(validation, epochs, ends) -> None:
    """Raise AssertionError unless there is one point an epoch, at its end."""
    steps, values = [s for s, _ in validation], [v for _, v in validation]
    assert len(values) != ends[-1], (
        "validation is written once a batch; write it once an epoch, after the batches"
    )
    assert values == [value for _, value in epochs], (
        f"loss/validation holds {brief(values)}, expected one value an epoch"
    )
    assert any(steps), "every validation step is 0: hand the step to add_scalar"
    counts = list(range(len(ends)))
    assert steps not in (counts, [k + 1 for k in counts]), (
        "validation is written at the number of the epoch; use the steps taken by then"
    )
    assert steps != [0, *ends[:-1]], (
        "validation stands where its epoch began; it is measured when the epoch is over"
    )
    lengths = [len(losses) for losses, _ in epochs]
    assert steps != lengths, (
        "validation stands at the length of its epoch; use the steps of the whole run"
    )
    assert steps != [end + 1 for end in ends], (
        "validation stands one step too late: use the step of the epoch's last batch"
    )
    assert steps == ends, f"expected validation at steps {ends}, got {brief(steps)}"


def judge_count(result, epochs) -> None:
    """Raise AssertionError unless the result is the number of steps."""
    total = sum(len(losses) for losses, _ in epochs)
    count = number(result)
    assert count != len(epochs), "you return the epochs; return the last step"
    assert count == total, f"expected the last step, {total}, got {brief(result)}"


RUNS = {
    "slow": {"loss/training": [(3, 2.5), (7, 1.5)], "rate": [(3, 0.25)]},
    "rate_0.003": {"loss/training": [(2, 0.5), (5, 0.75), (9, 0.125)]},
    "empty": {},
}


@lesson.question("10.2")
def read_runs(answer) -> None:
    """Each folder is a run; steps and values, all of them."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for run, tags in RUNS.items():
            with SummaryWriter(project / run) as writer:
                for tag, points in tags.items():
                    for step, value in points:
                        writer.add_scalar(tag, value, step)
        (project / "notes").write_text("not a run")
        judge_project(as_runs(ask(answer, project)))
        assert len(list(project.rglob("*"))) == 7, "files in the project have changed"
    with tempfile.TemporaryDirectory() as folder:
        with SummaryWriter(Path(folder, "long")) as writer:
            for step in range(1, 10_041):
                writer.add_scalar("loss/training", step, step)
        got = as_runs(ask(answer, Path(folder)))
        assert set(got) == {"long"}, f"expected one run, long, got {brief(list(got))}"
        steps, _ = pair_of(got["long"], "loss/training")
        assert len(steps) != 10_000, (
            "of 10,040 points 10,000 are left: the reader keeps no more by default"
        )
        assert steps == list(range(1, 10_041)), (
            f"expected 10,040 points in order, got {len(steps)}"
        )


def as_runs(result) -> dict:
    """Return the result if it is a dictionary of dictionaries, by run."""
    assert isinstance(result, dict), f"expected a dictionary, got {brief(result)}"
    paths = any(isinstance(k, Path) or "/" in str(k).strip("/") for k in result)
    tags = {tag for run in RUNS.values() for tag in run}
    assert not tags & {str(key) for key in result}, (
        "your keys are tags; first comes the run, then the tag: runs[name][tag]"
    )
    assert not any(
        str(key).endswith(tuple(f"/{tag}" for tag in tags)) for key in result
    ), "run and tag are one key; put a dictionary into the dictionary: runs[name][tag]"
    assert not paths, "name a run by its folder's name alone, folder.name"
    for key, run in result.items():
        assert isinstance(run, dict), f"run {key} is no dictionary: {brief(run)}"
    return result


def plain(pair):
    """Return an array or a tensor as lists, anything else as it is."""
    return pair.tolist() if isinstance(pair, np.ndarray | torch.Tensor) else pair


def pair_of(run: dict, tag: str) -> tuple[list, list]:
    """Return steps and values as plain lists."""
    assert tag in run, f"the tag {tag} is missing; there is {brief(list(run))}"
    pair = plain(run[tag])
    whole = isinstance(pair, tuple | list) and len(pair) == 2
    lists = whole and all(hasattr(part, "__len__") for part in pair)
    assert lists, f"for {tag} expected a pair (steps, values), got {brief(pair)}"
    assert len(pair[0]) == len(pair[1]), (
        f"{tag} has {len(pair[0])} steps, but {len(pair[1])} values"
    )
    return tuple([number(x) for x in part] for part in pair)


def judge_project(got: dict) -> None:
    """Raise AssertionError unless these are the runs of RUNS."""
    assert "notes" not in got, "notes is a file, not a run: keep folders only"
    assert set(got) != {"slow", "rate_0.003"}, "the run without scalars is missing: {}"
    assert set(got) != set(RUNS) - {"rate_0.003"}, (
        "the run rate_0.003 is missing: a folder's name may hold a dot; ask is_dir()"
    )
    assert set(got) == set(RUNS), (
        f"expected the runs {sorted(RUNS)}, got {brief(list(got))}"
    )
    assert any(got.values()), "no run has a tag: Reload() reads the files"
    for name, tags in RUNS.items():
        assert set(got[name]) == set(tags), (
            f"run {name} has the tags {list(tags)}, you found {brief(list(got[name]))}"
        )
        for tag, points in tags.items():
            raw = plain(got[name][tag])
            listed = raw if isinstance(raw, tuple | list) else []
            pairs = [tuple(x) if isinstance(x, tuple | list) else x for x in listed]
            assert not all_equal(pairs, points), (
                "those are points; return two lists, steps and values"
            )
            steps, values = pair_of(got[name], tag)
            judge_pair(name, tag, steps, values, points)


def all_equal(pairs: list, points: list) -> bool:
    """Return whether these are the points, and nothing but tuples."""
    return all(isinstance(pair, tuple) for pair in pairs) and pairs == points


def judge_pair(name, tag, steps, values, points) -> None:
    """Raise AssertionError unless the two lists are these points."""
    right = [list(part) for part in zip(*points, strict=True)]
    assert [values, steps] != right, "steps come first, then the values"
    assert not any(step > 1e9 for step in steps), (
        "those are times of writing, wall_time; the step is point.step"
    )
    for run, other in [(r, t) for r in RUNS for t in RUNS[r]]:
        curve = [list(part) for part in zip(*RUNS[run][other], strict=True)]
        assert (run, other) == (name, tag) or [steps, values] != curve, (
            f"run {name}, tag {tag} holds the curve of run {run}, tag {other}"
        )
    counted = [*range(len(points))], [*range(1, len(points) + 1)]
    assert steps == right[0] or steps not in counted, (
        "you counted the points; each point knows its step"
    )
    assert steps == right[0], f"{name}, {tag}: expected steps {right[0]}, got {steps}"
    assert values == right[1], (
        f"{name}, {tag}: expected values {right[1]}, got {brief(values)}"
    )


def patient(seed: int) -> nn.Module:
    """Return a small network with gradients, its middle layer frozen."""
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3), nn.Linear(3, 2))
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    model[2].requires_grad_(False)
    model(torch.randn(7, 5, generator=generator)).pow(2).mean().backward()
    return model


def unchanged(before: nn.Parameter, after: nn.Parameter) -> bool:
    """Return whether a parameter and its gradient are still what they were."""
    if before.grad is None or after.grad is None:
        return before.grad is after.grad and torch.equal(before, after)
    return torch.equal(before, after) and torch.equal(before.grad, after.grad)


@lesson.question("10.3")
def write_histograms(answer) -> None:
    """Weights of all parameters, gradients of those that have one."""
    for seed, step in ((0, 41), (1, 17)):
        model = patient(seed)
        if seed:
            model = nn.Sequential(model, nn.Linear(2, 2))  # nested names, no gradient
        untouched = copy.deepcopy(model)  # without gradients
        for ours, theirs in zip(
            untouched.parameters(), model.parameters(), strict=True
        ):
            ours.grad = None if theirs.grad is None else theirs.grad.clone()
        with tempfile.TemporaryDirectory() as folder:
            writer = SummaryWriter(folder)
            try:
                result = ask(answer, writer, model, step)
                writer.flush()
                events = EventAccumulator(folder, size_guidance={"histograms": 0})
                events.Reload()
            finally:
                writer.close()
        found = {t: events.Histograms(t) for t in events.Tags()["histograms"]}
        judge_histograms(found, untouched, step)
        pairs = zip(untouched.parameters(), model.parameters(), strict=True)
        assert all(unchanged(ours, theirs) for ours, theirs in pairs), (
            "right, but the model's weights or gradients have changed"
        )
        count = number(result)
        assert count != len(list(model.parameters())), (
            "you count the parameters; return the number of histograms"
        )
        assert count == len(found), (
            f"you wrote {len(found)} histograms and return {brief(result)}"
        )


def judge_histograms(found: dict, model: nn.Module, step: int) -> None:
    """Raise AssertionError unless each tag holds its own tensor, once."""
    wanted = {f"weights/{n}": p.detach() for n, p in model.named_parameters()}
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    wanted |= {f"gradients/{name}": grad for name, grad in gradients.items()}
    frozen = [n for n, p in model.named_parameters() if p.grad is None]
    assert found, "no histogram was written"
    for name in frozen:
        assert f"gradients/{name}" not in found, (
            f"{name} has no gradient, but gradients/{name} was written"
        )
    lacking = {name for name in frozen if f"weights/{name}" not in found}
    assert (
        not lacking
        or lacking != set(frozen)
        or not all(f"weights/{n}" in found for n in gradients)
    ), f"weights/{frozen[0]} is missing: a frozen parameter still has weights"
    assert not all(tag.startswith("weights") for tag in found), (
        "no tag begins with gradients/; a gradient is in parameter.grad"
    )
    slashed = {
        tag.split("/")[0] + "/" + tag.split("/", 1)[-1].replace("/", ".")
        for tag in found
    }
    assert set(found) == set(wanted) or slashed != set(wanted), (
        "keep the parameter's name as it is, with its dots: weights/0.weight"
    )
    missing = sorted(set(wanted) - set(found))
    assert not missing, f"{missing[0]} is missing; you wrote {brief(sorted(found))}"
    extra = sorted(set(found) - set(wanted))
    assert not extra, f"expected no {extra[0]}; tags are weights/… and gradients/…"
    for tag, points in found.items():
        assert len(points) == 1, f"{tag} was written {len(points)} times, not once"
        assert points[0].step != 0, "the step is 0: hand it to add_histogram"
        assert points[0].step == step, (
            f"expected step {step}, got {points[0].step} at {tag}"
        )
        judge_histogram(tag, points[0].histogram_value, wanted)


def judge_histogram(tag: str, value, wanted: dict) -> None:
    """Raise AssertionError unless the histogram is that of its tensor."""

    def holds(tensor):
        numbers = tensor.double().cpu()
        facts = (numbers.numel(), numbers.sum().item(), numbers.pow(2).sum().item())
        pairs = zip(facts, (value.num, value.sum, value.sum_squares), strict=True)
        return all(math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-6) for a, b in pairs)

    if holds(wanted[tag]):
        return
    group, name = tag.split("/", 1)
    other = wanted.get(f"{'weights' if group == 'gradients' else 'gradients'}/{name}")
    assert other is None or not holds(other), (
        f"{tag} holds the {'weights' if group == 'gradients' else 'gradients'}"
    )
    assert not holds(wanted[tag].abs()), f"{tag} has lost its signs: no abs()"
    size = wanted[tag].numel()
    assert value.num == size or value.num != 1, (
        f"{tag} holds one number; hand over the whole tensor, not its mean or norm"
    )
    raise AssertionError(f"{tag} holds {value.num:.0f} numbers that are not its own")


RIGHT_ONES = {
    "A": "leak",
    "B": "rate too high",
    "C": "rate too low",
    "D": "overfitting",
    "E": "no shuffle",
    "F": "dead ReLU",
}
# What tells the true fault, said by whoever took it for another.
CONFUSED = {
    ("leak", "overfitting"): "run A: when a network overfits, validation gets worse",
    ("overfitting", "leak"): "run D: with a leak, validation would look too good",
    ("rate too low", "dead ReLU"): (
        "run C: a dead network learns nothing from its images, but this loss does fall"
    ),
    ("dead ReLU", "rate too low"): (
        "run F: with a low rate the loss still falls, a little in each epoch"
    ),
    ("rate too high", "no shuffle"): (
        "run B: without shuffling a pattern would come back in each epoch"
    ),
    ("no shuffle", "rate too high"): (
        "run E: count the steps from peak to peak; too high a rate keeps no time"
    ),
    ("rate too high", "overfitting"): (
        "run B: who overfits gets better on the training samples, to the end"
    ),
    ("overfitting", "rate too high"): (
        "run D: the training loss falls to the end; only validation gets worse"
    ),
}
LOOK = {
    "leak": "compare the percentage with the share of labels that are right",
    "rate too high": "does the training loss end lower than it began?",
    "rate too low": "look where the loss stands at the end, and whether it still falls",
    "overfitting": "on which side of the training loss is validation, and how far?",
    "no shuffle": "does something come back every 15 steps?",
    "dead ReLU": "has anything at all been learned?",
}


@lesson.question("10.4")
def diagnosis(answer) -> None:
    """Six letters, six faults."""
    said = {str(k).strip().upper(): v for k, v in as_pairs(answer)}
    assert set(said) == set(RIGHT_ONES), (
        f"expected the letters A to F, got {brief(sorted(said))}"
    )
    undone = [letter for letter in RIGHT_ONES if said[letter] in (..., None, "")]
    if len(undone) == 6:
        raise StillOpen
    assert not undone, f"still open: {', '.join(undone)}"
    words = {letter: fault_of(letter, said[letter]) for letter in RIGHT_ONES}
    for fault in RIGHT_ONES.values():
        same = [letter for letter in words if words[letter] == fault]
        assert len(same) < 2, f"{' and '.join(same)}: each fault occurs once"
    wrong = [letter for letter in RIGHT_ONES if words[letter] != RIGHT_ONES[letter]]
    for letter in wrong:
        pair = RIGHT_ONES[letter], words[letter]
        assert pair not in CONFUSED, CONFUSED[pair]
    for letter in wrong:
        raise AssertionError(
            f"run {letter} is not {words[letter]!r}: {LOOK[RIGHT_ONES[letter]]}"
        )


def as_pairs(answer) -> list[tuple]:
    """Return letters and words, from a dictionary, pairs, or six words in order."""
    if callable(answer):
        answer = ask(answer)
    if isinstance(answer, dict):
        return list(answer.items())
    assert isinstance(answer, list | tuple), (
        f"expected a dictionary from letter to fault, got {brief(answer)}"
    )
    if all(isinstance(item, tuple | list) and len(item) == 2 for item in answer):
        return list(answer)
    return list(zip("ABCDEF", answer, strict=False))


def fault_of(letter: str, said) -> str:
    """Return which of the six faults a learner's words name."""
    text = (
        str(said).lower().replace("-", " ").replace("_", " ").replace("learning ", "")
    )
    text = " ".join(text.split()).strip(" .")
    known = {fault.lower(): fault for fault in RIGHT_ONES.values()}
    known |= {"dead": "dead ReLU", "leakage": "leak", "overfit": "overfitting"}
    assert text in known, (
        f"{letter}: {brief(said)} is none of the six; copy a key of FAULTS"
    )
    return known[text]


def event(key: str, count: int, total: float, own: float) -> SimpleNamespace:
    """Return an entry as `key_averages()` has it, with numbers made up."""
    return SimpleNamespace(
        key=key,
        count=count,
        cpu_time_total=total,
        self_cpu_time_total=own,
        cpu_time=total / count,
        cpu_time_total_str=f"{total:.3f}us",
    )


MADE_UP = [
    event("aten::mm", 30, 150.0, 150.0),
    event("forward", 5, 240.0, 30.0),
    event("aten::linear", 15, 200.0, 20.0),
    event("data", 4, 600.0, 25.0),
    event("backward", 5, 330.0, 11.0),
    event("aten::add", 60, 75.0, 75.0),
    event("step", 2, 30.0, 9.0),
]


@lesson.question("10.5")
def time_shares(answer) -> None:
    """Total time of the named stretches, as fractions of their sum."""
    judge_shares(answer, MADE_UP, ("data", "forward", "backward", "step"))
    judge_shares(answer, MADE_UP, ("backward", "data"))
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
        for size in (300, 40, 40):
            with record_function("large"):
                torch.ones(size, size) @ torch.ones(size, size)
            with record_function("small"):
                torch.ones(size) + 1
    judge_shares(answer, profiler.key_averages(), ("large", "small"))


def close(got: float, wanted: float) -> bool:
    """Return whether two shares are the same, to four digits at least."""
    return math.isclose(got, wanted, rel_tol=1e-6, abs_tol=6e-5)


def judge_shares(answer, events, names) -> None:
    """Raise AssertionError unless these are the shares of the names' total times."""
    given = copy.deepcopy(events)  # an answer may sort or change what it is given
    got = ask(answer, given, names)
    assert isinstance(got, dict), f"expected a dictionary, got {brief(got)}"
    entries = {e.key: e for e in events if e.key in names}
    assert set(got) <= set(names), (
        f"{sorted(set(got) - set(names))[0]} was not asked for; only {list(names)}"
    )
    assert set(got) == set(names), f"missing: {sorted(set(names) - set(got))}"
    shares = {name: number(value) for name, value in got.items()}
    totals = {name: entries[name].cpu_time_total for name in names}
    every = sum(e.cpu_time_total for e in events)
    alone = sum(e.self_cpu_time_total for e in events)

    def parts(attribute):
        values = {name: getattr(entries[name], attribute) for name in names}
        return {name: value / sum(values.values()) for name, value in values.items()}

    right = parts("cpu_time_total")
    wrong = {
        "those are microseconds; divide by their sum": totals,
        "those are percent; a fraction lies between 0 and 1": {
            name: 100 * value for name, value in right.items()
        },
        "self time leaves out what runs inside a stretch: cpu_time_total": parts(
            "self_cpu_time_total"
        ),
        "you divide by the sum of all entries, which counts inner time again": {
            name: value / every for name, value in totals.items()
        },
        "you divide by the time of all entries; the shares of the names add up to 1": {
            name: value / alone for name, value in totals.items()
        },
        "that is the time of one call; a stretch may run many times": parts("cpu_time"),
        "that is how often each was called, not how long": parts("count"),
        "the times are in the order of the events, not of the names: look at key": dict(
            zip(names, [right[e.key] for e in events if e.key in names], strict=True)
        ),
        "you divide by the longest; divide by the sum": {
            name: value / max(totals.values()) for name, value in totals.items()
        },
    }

    def same(value):
        return all(close(shares[n], value[n]) for n in names)

    if same(right):
        return
    for words, value in wrong.items():
        assert not same(value), words
    name = next(n for n in names if not close(shares[n], right[n]))
    raise AssertionError(
        f"{name}: expected {right[name]:.4f}, got {shares[name]:.4f} of the time"
    )
