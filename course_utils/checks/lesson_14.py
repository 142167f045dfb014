"""Checks for notebooks/14_hyperparameters.ipynb."""

import math

import torch

from course_utils.checks import Lesson
from course_utils.checks.answers import ask, brief, number

lesson = Lesson()
progress = lesson.progress


def as_tensor(result, n: int) -> torch.Tensor:
    """Return n numbers as float64; raise AssertionError for anything else."""
    try:
        values = torch.as_tensor(result).detach().cpu().double()
    except (TypeError, ValueError, RuntimeError):
        values = torch.zeros(0)
    assert values.ndim or n == 1, f"one number came; you were asked for {n} values"
    assert values.shape == (n,), (
        f"expected {n} numbers, shape ({n},), got {brief(result)}"
    )
    return values


@lesson.question("14.1")
def log_uniform(answer) -> None:
    """Spread evenly over the logarithm, in range, from the generator."""
    judge_draws(answer, 1e-5, 0.5, 4000)  # not 1, whose logarithm is 0
    judge_draws(answer, 8.0, 512.0, 3000)
    judge_generator(answer)
    logs = as_tensor(ask(answer, 1e-5, 1.0, 900, torch.Generator()), 900).log().sort()
    steps = logs.values.diff()
    assert steps.std() > 0.3 * steps.mean(), (
        "your values are evenly spaced and only shuffled: draw each by itself"
    )


def judge_draws(answer, low: float, high: float, n: int) -> None:
    """Raise AssertionError unless each factor of ten is equally likely."""
    generator = torch.Generator().manual_seed(5)
    values = as_tensor(ask(answer, low, high, n, generator), n)
    span = f"from {low:g} to {high:g}"
    assert values.isfinite().all(), f"{span}, some values are nan or infinite"
    assert high > 1 or values.min() < 1 or values.max() > 10.001, (
        "you undo a logarithm that was never taken: draw between log(low) and log(high)"
    )
    for base in (math.e, 10, 2):
        ends = math.log(low, base), math.log(high, base)
        inside = ends[0] - 1e-3 <= values.min() and values.max() <= ends[1] + 1e-3
        wide = values.max() - values.min() > 0.9 * (ends[1] - ends[0])
        assert not (inside and wide and values.min() < low), (
            "those are logarithms; the last step is missing, back to rates"
        )
    for end, got in ((low, values.min()), (high, values.max())):
        assert not math.isclose(got, math.exp(math.log10(end)), rel_tol=0.02), (
            f"{span}, one end is {got:.2g}: a logarithm to base 10 is undone by "
            "10 ** x, not by exp"
        )
    within = (values >= low * (1 - 1e-4)) & (values <= high * (1 + 1e-4))
    assert within.all(), (
        f"{span}, you drew {brief(values[~within][0].item())}: is the logarithm undone "
        "by the same base, and are both ends right?"
    )
    different = len(values.unique())
    assert different > n / 3, (
        f"{n} draws, and {different} of them different: the values between count, too"
    )
    middle = math.sqrt(low * high)
    below = (values < middle).double().mean().item()
    even = (values < (low + high) / 2).double().mean().item()
    assert not (abs(even - 0.5) < 0.04 and below < 0.3), (
        f"only {below:.0%} lie below {middle:.2g}: that is even in the value, not in "
        "its logarithm"
    )
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        place = low * (high / low) ** share
        got = (values < place).double().mean().item()
        assert abs(got - share) < 0.05, (
            f"{span}, expected {share:.0%} of the draws below {place:.2g}, "
            f"got {got:.0%}"
        )


def judge_generator(answer) -> None:
    """Raise AssertionError unless all randomness comes from the generator."""
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(3)
    first = as_tensor(ask(answer, 1e-4, 0.1, 7, generator), 7)
    second = as_tensor(ask(answer, 1e-4, 0.1, 7, generator), 7)
    again = as_tensor(ask(answer, 1e-4, 0.1, 7, torch.Generator().manual_seed(3)), 7)
    assert torch.equal(before, torch.get_rng_state()), (
        "you draw from the global seed: hand the generator to torch.rand"
    )
    assert torch.equal(first, again), "equal generators gave two results: is it used?"
    assert not torch.equal(first, second), (
        "two calls gave the same values: don't seed the generator again"
    )


@lesson.question("14.2")
def make_grid(answer) -> None:
    """Every combination once, for any number of names."""
    judge_grid(answer, {"rate": [0.01, 0.1], "width": [16, 32, 64]})
    judge_grid(
        answer, {"a": [1, 2, 3], "b": ["x", "y", "z"], "c": [True, None], "d": [0.5]}
    )
    judge_grid(answer, {"decay": [0.0, 0.1, 0.3, 0.9]})


def plain(config: dict) -> dict[str, str]:
    """Return a config in a form that can be compared; NumPy's 0.1 is Python's."""
    return {
        name: repr(getattr(value, "tolist", lambda v=value: v)())
        for name, value in config.items()
    }


def judge_grid(answer, choices: dict) -> None:
    """Raise AssertionError unless the grid of these choices is complete."""
    names = list(choices)
    given = {name: list(values) for name, values in choices.items()}
    result = ask(answer, given)
    assert given == choices, "the dictionary that you were given is changed"
    assert not isinstance(result, dict), "one dictionary came; return a list of them"
    assert hasattr(result, "__iter__"), f"expected a list, got {brief(result)}"
    got = list(result)
    total = math.prod(len(values) for values in choices.values())
    assert got, "the list is empty"
    assert not all(isinstance(c, tuple | list) for c in got), (
        "values without their names: make each combination a dictionary"
    )
    assert all(isinstance(c, dict) for c in got), (
        f"expected a list of dictionaries, got {brief(got)}"
    )
    for config in got:
        assert set(config) == set(names), (
            f"with the names {names} you gave {brief(config)}: each config has every "
            "name, and there may be any number of them"
        )
        for name, value in config.items():
            assert not isinstance(value, list), (
                f"{name} is {brief(value)}: a config holds one value, not the list"
            )
    seen = [plain(config) for config in got]
    zipped = list(zip(*choices.values(), strict=False))
    pairs = [plain(dict(zip(names, values, strict=True))) for values in zipped]
    assert len(names) == 1 or seen != pairs, (
        "you pair the first with the first, the second with the second: every "
        "combination is wanted"
    )
    assert total == 1 or len(got) == 1 or len({id(c) for c in got}) > 1, (
        "all entries are one and the same dictionary: make a new one for each"
    )
    assert all(seen.count(one) == 1 for one in seen), "some combination appears twice"
    assert len(got) == total, f"expected {total} configs, got {len(got)}"
    lists = {name: [repr(v) for v in values] for name, values in choices.items()}
    assert all(one[n] in lists[n] for one in seen for n in names), (
        "some value was not among the choices for its name"
    )


class Run:
    """A run that counts its epochs and fails when it is asked for too many."""

    def __init__(self, scores: list[float]) -> None:
        """Prepare one score an epoch."""
        self.scores, self.done = scores, 0

    def __iter__(self):
        """Return itself, as a generator does."""
        return self

    def __next__(self) -> float:
        """Return the score of the next epoch."""
        if self.done == len(self.scores):
            raise StopIteration
        self.done += 1
        return self.scores[self.done - 1]


# Run 4 leads early and is overtaken by 6, which ends below where 4 was stopped; 2 falls
# back after a lucky epoch; 5 would win but is behind at the first rung.
FIRST = [
    [0.10, 0.12, 0.13, 0.14, 0.15, 0.16],
    [0.30, 0.45, 0.46, 0.47, 0.48, 0.49],
    [0.55, 0.99, 0.20, 0.21, 0.22, 0.23],
    [0.20, 0.22, 0.23, 0.24, 0.25, 0.26],
    [0.60, 0.58, 0.56, 0.50, 0.98, 0.40],
    [0.05, 0.06, 0.97, 0.96, 0.95, 0.94],
    [0.50, 0.57, 0.58, 0.66, 0.60, 0.52],
]


@lesson.question("14.3")
def successive_halving(answer) -> None:
    """The winner's index and the epochs, from runs that count for themselves."""
    judge_halving(answer, FIRST, (1, 3, 6), 2)
    scores = [
        [((7 * k + 3 * e) % 11 + 0.5 * (k == 7) * e) / 40 for e in range(8)]
        for k in range(10)
    ]
    judge_halving(answer, scores, (2, 8), 3)
    judge_halving(answer, FIRST[:2], [1, 2, 4, 6], 3)
    judge_halving(answer, FIRST, (1,), 3)  # two are left: 4, and 2 behind it
    judge_halving(answer, FIRST, (3,), 3)  # 5, and 6 behind it


def halved(scores, rungs, factor, up=True, more=False, peak=False) -> tuple:
    """Return winner, epochs of each run, and who was left at each rung."""
    left, epochs, history = list(range(len(scores))), [0] * len(scores), []
    for rung in rungs:
        for k in left:
            epochs[k] = min(epochs[k] + rung if more else rung, len(scores[k]))

        def score(k):
            past = scores[k][: epochs[k]]
            return max(past) if peak else past[-1]

        left = sorted(left, key=score, reverse=up)
        left = left[: max(1, len(left) // factor)]
        history.append(list(left))
    return left[0], epochs, history


def judge_halving(answer, scores: list, rungs, factor: int) -> None:
    """Raise AssertionError unless the runs are halved as told."""
    spare = [one + [0.0] * 30 for one in scores]  # enough for those who do too much
    runs = [Run(list(one)) for one in spare]
    result = ask(answer, list(runs), rungs, factor)
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return two things, the winner's index and the epochs; got {brief(result)}"
    )
    assert not isinstance(result[0], Run), "you return the run; its index is wanted"
    done = [run.done for run in runs]
    winner, epochs, history = halved(spare, rungs, factor)
    words = f"with {len(scores)} runs, rungs {tuple(rungs)}, factor {factor}, "
    full = rungs[-1]
    every = [full] * len(scores)
    assert any(done), "no run was advanced: next(run) trains an epoch"
    assert done != every or epochs == every, (
        "every run was trained to the end: nothing was stopped"
    )
    assert done == epochs or done != halved(spare, rungs, factor, more=True)[1], (
        f"{words}you train {max(done)} epochs: a rung counts all epochs, also those "
        "before it"
    )
    assert done == epochs or done != halved(spare, rungs, factor, up=False)[1], (
        f"{words}you keep the worst: the higher accuracy is the better"
    )
    assert done == epochs or done != halved(spare, rungs, factor, peak=True)[1], (
        f"{words}you go by the best accuracy of a run; its latest one counts"
    )
    alive, kept = sum(d > rungs[0] for d in done), len(history[0])
    assert len(rungs) == 1 or alive == kept, (
        f"{words}expected {kept} to go on after the first rung, got {alive}"
    )
    assert done == epochs, (
        f"{words}the runs were trained for {done} epochs, expected {epochs}"
    )
    index = number(result[0])
    value = spare[winner][epochs[winner] - 1]
    assert index == winner or not math.isclose(index, value), (
        "you return the winner's accuracy; its index in runs is wanted"
    )
    best_ever = max(range(len(scores)), key=lambda k: max(spare[k][: epochs[k]]))
    assert index == winner or index != best_ever, (
        f"{words}run {best_ever} once had the best accuracy, not at the last rung"
    )
    before = history[-2] if len(history) > 1 else []
    places = [0, before.index(winner), sorted(before).index(winner)] if before else []
    assert index == winner or index not in places, (
        f"{words}you return {index:g}, a place in a list that got shorter; the index "
        f"in runs is {winner}"
    )
    assert index == winner or (index, number(result[1])) != (sum(epochs), winner), (
        "first the winner's index, then the epochs; yours are the other way round"
    )
    known = index in range(len(scores))
    assert not known or epochs[int(index)] == rungs[-1], (
        f"{words}run {index:g} was stopped earlier; one that reached the last rung wins"
    )
    assert index == winner or not known, (
        f"{words}run {index:g} reached the last rung, but run {winner} has the higher "
        "accuracy there"
    )
    assert index == winner, f"{words}expected winner {winner}, got {index:g}"
    spent, right = number(result[1]), sum(epochs)
    assert spent == right or spent != rungs[-1], (
        f"{words}the winner alone trained {spent:g} epochs; all together {right}"
    )
    assert spent == right, f"{words}expected {right} epochs in all, got {spent:g}"


@lesson.question("14.4")
def optimism(answer) -> None:
    """Two accuracies of one run, chosen on the choosing images."""
    judge_optimism(answer, 0, 9, 151, 53)
    judge_optimism(answer, 1, 14, 127, 83)
    judge_optimism(answer, 2, 6, 90, 41)
    judge_optimism(answer, 3, 3, 83, 37, sign=-1)


def judge_optimism(
    answer, seed: int, runs: int, images: int, few: int, sign: int = 1
) -> None:
    """Raise AssertionError unless this is the winner's seen less fresh accuracy."""
    generator = torch.Generator().manual_seed(seed)
    while True:  # until the winner is one, and no mistake meets the right number
        right = torch.rand(runs, images, generator=generator) < 0.7
        chosen_on = torch.zeros(images, dtype=torch.bool)
        chosen_on[torch.randperm(images, generator=generator)[:few]] = True
        expected, wrong = optimisms(right, chosen_on)
        top = right[:, chosen_on].sum(dim=1).sort().values
        apart = all(abs(value - expected) > 1e-3 for value in wrong.values())
        if top[-1] > top[-2] and apart and sign * expected > 0:
            break
    given, mask = right.clone(), chosen_on.clone()
    got = number(ask(answer, given, mask))
    assert sign > 0 or (got != 0 and not math.isclose(got, -expected, abs_tol=1e-5)), (
        "with luck the fresh accuracy is the higher one and the optimism negative: "
        "leave it so, no abs, no max"
    )
    for words, value in wrong.items():
        assert not math.isclose(got, value, abs_tol=1e-5), words
    assert math.isclose(got, expected, abs_tol=1e-5), (
        f"expected {expected:.4f}, got {got:.4f}: the accuracy of one run on the "
        "choosing images, minus that of the same run on the others"
    )
    assert torch.equal(given, right) and torch.equal(mask, chosen_on), (
        "right, but what you were given is changed: don't write into it"
    )


def optimisms(right, chosen_on) -> tuple[float, dict[str, float]]:
    """Return the optimism, and what the usual mistakes give."""
    seen = right[:, chosen_on].double().mean(dim=1)
    fresh = right[:, ~chosen_on].double().mean(dim=1)
    everywhere = right.double().mean(dim=1)
    k, lucky, overall = seen.argmax(), fresh.argmax(), everywhere.argmax()
    wrong = {
        "that is negative optimism: the choosing images come first": fresh[k] - seen[k],
        "you take the best fresh accuracy, of another run: one run, chosen once": (
            seen[k] - fresh[lucky]
        ),
        "you choose on the fresh images; chosen_on is True where to choose": (
            fresh[lucky] - seen[lucky]
        ),
        "you choose by the fresh images": seen[lucky] - fresh[lucky],
        "you choose by all images; only those of chosen_on may choose": (
            seen[overall] - fresh[overall]
        ),
        "that is the lead over the other runs; compare the winner with itself": (
            seen[k] - seen.mean()
        ),
        "the fresh images are those that did not choose, not all": (
            seen[k] - everywhere[k]
        ),
        "you compare with the mean of all runs; take the winner's own": (
            seen[k] - fresh.mean()
        ),
        "no run was chosen: that is the mean over all of them": (
            seen.mean() - fresh.mean()
        ),
        "that is the winner's accuracy where it was chosen; less the fresh one": (
            seen[k]
        ),
        "a fraction is wanted, not points": 100 * (seen[k] - fresh[k]),
        "you divide both by the number of all images; each part has its own number": (
            everywhere[k] - 2 * right[k, ~chosen_on].sum() / right.shape[1]
        ),
        "you subtract counts; divide each by the number of its images": (
            right[k].sum() - 2 * right[k, ~chosen_on].sum()
        ),
    }
    return (seen[k] - fresh[k]).item(), {w: float(v) for w, v in wrong.items()}


@lesson.question("14.5")
def honest_report(answer) -> None:
    """Chosen by the mean on validation; measured once."""
    judge_report(
        answer,
        {
            "plain": [0.78, 0.77, 0.79],
            "lucky": [0.70, 0.97, 0.74],
            "steady": [0.88, 0.87, 0.90],
            "last": [0.86, 0.85, 0.88],
        },
        {"plain": 0.93, "lucky": 0.79, "steady": 0.84, "last": 0.77},
        "steady",
    )
    judge_report(
        answer,
        {
            "many": [0.60, 0.61, 0.59, 0.62, 0.58, 0.63],
            "few": [0.71, 0.75],
            "high": [0.50, 0.78, 0.52],
        },
        {"many": 0.66, "few": 0.69, "high": 0.72},
        "few",
    )
    judge_report(
        answer,
        {
            "early": [0.90, 0.70, 0.71],
            "middle": [0.60, 0.85, 0.86],
            "better": [0.80, 0.92, 0.84],
            "even": [0.83, 0.83, 0.84],
            "late": [0.70, 0.72, 0.93],
        },
        {"early": 0.75, "middle": 0.74, "better": 0.82, "even": 0.88, "late": 0.76},
        "better",
    )


def judge_report(answer, trials: dict, truth: dict, best: str) -> None:
    """Raise AssertionError unless the report is honest."""
    calls = []

    def test(name):
        calls.append(name)
        return truth[name]

    given = {name: list(scores) for name, scores in trials.items()}
    result = ask(answer, given, test)
    assert given == trials, "the trials that you were given are changed"
    assert isinstance(result, tuple | list) and len(result) == 3, (
        f"return three things: name, validation mean, test; got {brief(result)}"
    )
    name, mean, tested = result
    assert calls, "the test part was never measured: call test(name)"
    peak = max(trials, key=lambda n: max(trials[n]))
    total = max(trials, key=lambda n: sum(trials[n]))
    assert len(set(calls)) < len(trials) or name != max(truth, key=truth.get), (
        f"you measured all {len(trials)} on the test part and chose by it: that is the "
        "trap"
    )
    assert len(set(calls)) == 1, (
        f"you measured {len(set(calls))} of them on the test part; only the chosen one"
    )
    assert len(calls) == 1, (
        f"you called test {len(calls)} times: measure once and keep the number"
    )
    assert isinstance(name, str), f"the first is the chosen name, got {brief(name)}"
    assert name == best or name != peak, (
        f"{peak!r} has one lucky seed; choose by the mean over seeds"
    )
    assert name == best or name != total, (
        "you choose by the sum, and the one with more seeds wins; take the mean"
    )
    rules = {
        "first seed alone": lambda scores: scores[0],
        "last seed alone": lambda scores: scores[-1],
        "median": lambda scores: sorted(scores)[len(scores) // 2],
    }
    for words, rule in rules.items():
        chosen = max(trials, key=lambda n: rule(trials[n]))
        assert name == best or name != chosen, (
            f"you choose {chosen!r}, the best by the {words}; take the mean over seeds"
        )
    steadiest = max(trials, key=lambda n: min(trials[n]))
    assert name == best or name != steadiest, (
        f"{steadiest!r} has the best worst seed, but {best!r} the higher mean; choose "
        "by the mean"
    )
    assert name == best, f"expected {best!r}, got {brief(name)}"
    assert calls == [best], f"you chose {best!r} and measured {calls[0]!r}"
    right = sum(trials[best]) / len(trials[best])
    got = number(mean)
    assert not math.isclose(got, max(trials[best])), (
        "second you give the best seed; the mean over seeds is wanted"
    )
    assert not math.isclose(got, truth[best]), (
        "second comes the validation mean, third the test accuracy"
    )
    assert math.isclose(got, right, abs_tol=1e-6), (
        f"expected the validation mean {right:.4f}, got {got:.4f}"
    )
    assert not math.isclose(number(tested), right, abs_tol=1e-6), (
        "you report the validation mean as the test accuracy"
    )
    assert math.isclose(number(tested), truth[best], abs_tol=1e-6), (
        f"expected the test accuracy {truth[best]}, got {brief(tested)}"
    )
