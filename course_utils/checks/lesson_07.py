"""Checks for notebooks/07_metrics.ipynb."""

import math

import numpy as np
import torch

from course_utils import metrics
from course_utils.checks import Lesson
from course_utils.checks.answers import ask, brief, number

lesson = Lesson()
progress = lesson.progress


def as_tensor(result, what: str) -> torch.Tensor:
    """Return numbers as a float64 tensor: a tensor, an array, or nested lists."""
    try:
        if not isinstance(result, torch.Tensor):
            table = hasattr(result, "__array__")
            result = torch.as_tensor(np.array(result if table else [*result]))
        return result.detach().cpu().double()
    except (TypeError, ValueError, RuntimeError):
        raise AssertionError(f"expected {what}, got {brief(result)}") from None


def near(got: float, wanted: float, by: float = 1e-4) -> bool:
    """Return whether two numbers are the same but for rounding."""
    return abs(got - wanted) < by


def same(got: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Return whether two tensors are the same but for rounding."""
    return got.shape == wanted.shape and torch.allclose(got, wanted, atol=1e-4)


def several(result) -> list:
    """Return the parts of what came back, none for a single number."""
    try:
        return [*result]
    except TypeError:
        return []


@lesson.question("7.1")
def confusion_matrix(answer) -> None:
    """Rows are the truth, pairs that repeat are counted, absent classes stay."""
    judge_matrix(answer, [2, 1, 1, 1, 0, 2, 0, 2, 1], [2, 0, 2, 1, 0, 2, 2, 2, 2], 5)
    judge_matrix(answer, [1, 0, 1, 1, 1], [1, 0, 0, 1, 0], 2)


def judge_matrix(answer, predictions: list, targets: list, classes: int) -> None:
    """Raise AssertionError unless these are counted rightly."""
    given = torch.tensor(predictions), torch.tensor(targets)
    right = metrics.confusion_matrix(*given, classes).double()
    copies = [one.clone() for one in given]
    got = as_tensor(ask(answer, *copies, classes), "a matrix of counts")
    assert got.shape == right.shape, (
        f"with {classes} classes the matrix is ({classes}, {classes}), "
        f"absent ones included; yours has shape {tuple(got.shape)}"
    )
    wrong = {
        "rows and columns are swapped: the row is the true class": right.T,
        "a pair that comes twice counts once: repeated places don't add up": (
            right > 0
        ).double(),
        "those are shares; return counts": right / len(targets),
        "those are shares of each row; return counts": right
        / right.sum(dim=1, keepdim=True).clamp(min=1),
        "those are shares of each column; return counts": right
        / right.sum(dim=0).clamp(min=1),
        "only what was right is counted": right.diagonal().diag(),
        "what was right is missing: the diagonal counts, too": right
        - right.diagonal().diag(),
    }
    for words, value in wrong.items():
        assert not same(got.nan_to_num(), value), words
    for row, column in (got != right).nonzero().tolist():
        raise AssertionError(
            f"expected {right[row, column]:.0f} in row {row}, column {column}, got "
            f"{got[row, column]:.4g}, for targets {targets}, predictions {predictions}"
        )
    assert all(map(torch.equal, copies, given)), (
        "right, but the tensors you were given are changed: don't write into them"
    )


@lesson.question("7.2")
def precision_recall_f1(answer) -> None:
    """Columns for precision, rows for recall, 0 for empty classes."""
    judge_classes(answer, [[6, 2], [1, 3]])
    judge_classes(answer, [[5, 2, 0, 1], [1, 3, 0, 0], [2, 0, 0, 2], [0, 0, 0, 0]])
    judge_classes(answer, [[4, 0, 1], [0, 0, 0], [2, 0, 5]])


def judge_classes(answer, rows: list) -> None:
    """Raise AssertionError unless the three are right for every class."""
    matrix = torch.tensor(rows)
    given = matrix.clone()
    result = ask(answer, given)
    parts = several(result)
    assert torch.equal(given, matrix), "the matrix you were given is changed"
    assert len(parts) == 3, (
        f"expected precision, recall and F1, three tensors, got {brief(result)}"
    )
    names = ("precision", "recall", "f1")
    got = [
        as_tensor(value, f"{name} with one number a class")
        for name, value in zip(names, parts, strict=True)
    ]
    right = metrics.precision_recall_f1(matrix)
    precision, recall, f1 = right
    for name, value in zip(names, got, strict=True):
        assert value.ndim, f"{name} is one number; return one for each class"
        assert value.shape == f1.shape, (
            f"{name} has shape {tuple(value.shape)}; each class has one number"
        )
        assert not value.isnan().any(), (
            f"{name} holds nan, from 0 / 0: a class with nothing to count gets 0"
        )
        assert value.max() < 1.001, (
            f"{name} reaches {value.max():.4g}, but is a fraction from 0 to 1: "
            "neither a percentage nor something / 0"
        )
    assert not (same(got[0], recall) and same(got[1], precision)), (
        "precision and recall are swapped: columns hold what was predicted"
    )
    for name, value in zip(names, got, strict=True):
        shares = matrix.diagonal() / matrix.sum()
        assert not same(value, shares.double()), (
            f"{name}: you divide by all samples; divide by those of each class"
        )
    assert not same(got[2], (precision + recall) / 2), (
        "F1 is not the plain mean of the two: it is 2PR / (P + R)"
    )
    assert not same(got[2], f1 / 2), "F1 is half of what it should be: 2PR / (P + R)"
    added = matrix.diagonal() / (matrix.sum(dim=0) + 1)
    assert not same(got[0], added.double()), (
        "you add 1 to every divisor; only a divisor of 0 needs help"
    )
    for name, value, wanted in zip(names, got, right, strict=True):
        assert not same(value, wanted.floor()), (
            f"{name} holds whole numbers only; fractions need a float tensor"
        )
        assert same(value, wanted), (
            f"expected {name} {[round(v, 4) for v in wanted.tolist()]}, got "
            f"{[round(v, 4) for v in value.tolist()]}"
        )


@lesson.question("7.3")
def area_under_roc(answer) -> None:
    """The share of pairs, ties counting one half."""
    scores = [0.9, 0.8, 0.8, 0.6, 0.3, 0.3, 0.1, 0.2, 0.05]
    judge_area(answer, scores, [1, 0, 1, 1, 0, 1, 0, 0, 0])
    judge_area(answer, [-3.0, 2.0, 0.5, 7.0, 0.5], [0, 1, 1, 0, 0])
    judge_area(answer, [4.0, 1.0, 2.0, 3.0, 0.5, 3.5], [0, 1, 1, 0, 1, 0])


def judge_area(answer, scores: list, truth: list) -> None:
    """Raise AssertionError unless the share of pairs is right."""
    given, targets = torch.tensor(scores), torch.tensor(truth).bool()
    copies = given.clone(), targets.clone()
    got = number(ask(answer, *copies))
    right = metrics.area_under_roc(given, targets)
    difference = given[targets].unsqueeze(1) - given[~targets]
    above, level = difference > 0, difference == 0
    n = len(scores)
    points = above.sum().item() + 0.5 * level.sum().item()
    wrong = {
        "an area below 0.5 is allowed: leave it as it is": max(right, 1 - right),
        "that is the share of pairs in the wrong order: sick minus healthy": 1 - right,
        "that is right minus wrong pairs; a pair in the wrong order counts 0": (
            2 * right - 1
        ),
        "pairs with equal scores get nothing; each counts one half": above,
        "pairs with equal scores count whole; each counts one half": above | level,
        "that is a number of pairs; divide by how many there are": points,
        "you divide by all pairs of patients; count pairs of one sick, one healthy": (
            points / n**2
        ),
        "you divide by every pair of patients, also by sick with sick": (
            2 * points / (n * (n - 1))
        ),
        "that is the accuracy at 0.5; the area needs no threshold": (
            (given >= 0.5) == targets
        ),
        "you score alarms at 0.5, so most pairs are level; compare the scores": (
            metrics.area_under_roc((given >= 0.5).float(), targets)
        ),
    }
    for words, value in wrong.items():
        if isinstance(value, torch.Tensor):
            value = value.double().mean().item()
        assert near(got, right) or not near(got, value), words
    assert near(got, right), (
        f"expected {right:.4f} for scores {scores} and targets {truth}, got {got:.4f}"
    )
    assert torch.equal(copies[0], given) and torch.equal(copies[1], targets), (
        "right, but the scores or targets you were given are changed"
    )


@lesson.question("7.4")
def best_threshold(answer) -> None:
    """No other threshold is cheaper, on the scores that were given."""
    for seed, n, miss, alarm in ((16, 61, 5, 2), (15, 40, 7, 2), (4, 57, 9, 2)):
        generator = torch.Generator().manual_seed(seed)
        targets = torch.arange(n) % 4 == 1
        scores = 2 * torch.randn(n, generator=generator) + 1.5 * targets - 0.3
        judge_threshold(answer, scores, targets, miss, alarm)
    scores = torch.tensor([2.5, -1.0, 1.5, 0.25, 3.5])
    targets = torch.tensor([False, False, True, False, False])
    judge_threshold(answer, scores, targets, 1, 3)
    tied = torch.tensor([0.9, 0.5, 0.5, 0.5, 0.1])
    judge_threshold(answer, tied, torch.arange(5) == 1, 3, 2)
    ends = torch.tensor([0.3, 0.7, 0.2, 0.9, 0.4])
    judge_threshold(answer, ends, torch.arange(5) == 3, 5, 2)  # the highest alone
    judge_threshold(answer, ends, torch.arange(5) == 2, 50, 2)  # alarm everybody
    far = torch.tensor([1000.0, -3000.0, 200.00, 200.01, -1000.0, 2500.0])
    judge_threshold(answer, far, torch.tensor([1, 0, 0, 1, 0, 1]).bool(), 5, 2)


def cost_of(scores, targets, threshold: float, miss: float, alarm: float) -> float:
    """Return what the mistakes of one threshold cost."""
    alarms = scores >= threshold
    missed, false = targets & ~alarms, ~targets & alarms
    return miss * int(missed.sum()) + alarm * int(false.sum())


def judge_threshold(answer, scores, targets, miss: float, alarm: float) -> None:
    """Raise AssertionError, with a reason where one fits, unless it is cheapest."""
    given = scores.clone(), targets.clone()
    result = ask(answer, *given, miss, alarm)
    assert torch.equal(given[0], scores) and torch.equal(given[1], targets), (
        "the scores or targets you were given are changed"
    )
    try:
        got = float(result)
    except (TypeError, ValueError, RuntimeError):
        got = math.nan
    assert got == got, f"expected one threshold, a number, got {brief(result)}"
    candidates = [*scores.tolist(), math.inf]

    def lowest(miss, alarm):
        return min(cost_of(scores, targets, t, miss, alarm) for t in candidates)

    best, paid = lowest(miss, alarm), cost_of(scores, targets, got, miss, alarm)
    if paid == best:
        return
    values = [cost_of(scores, targets, t, miss, alarm) for t in candidates]
    assert got not in (best, max(values)), (
        f"you return a cost, {got:.4g}; return the threshold that has it"
    )
    ordered = [cost_of(scores, targets, t, miss, alarm) for t in sorted(candidates)]
    assert got not in (values.index(best), ordered.index(best)), (
        f"{got:.4g} is an index; return the score at that place"
    )
    assert paid != max(values), (
        f"threshold {got:.4g} is the dearest, not the cheapest: look for the minimum"
    )
    listed = any(near(got, score) for score in scores.tolist())
    assert not listed or cost_of(scores, targets, got, alarm, miss) != lowest(
        alarm, miss
    ), "the two costs are swapped: a miss is a sick patient without an alarm"
    assert best != values[-1], (
        f"{got:.4g} costs {paid:.4g}; never an alarm costs {best:.4g}, so return "
        "a threshold above every score"
    )
    above = math.nextafter(got, math.inf)
    stricter = cost_of(scores, targets, above, miss, alarm)
    stricter = min(stricter, cost_of(scores, targets, got + 1e-5, miss, alarm))
    assert stricter != best, (
        f"alarms at score > {got:.4g} would be the cheapest, but here alarms "
        "are at score >= threshold"
    )
    sick, healthy = int(targets.sum()), int((~targets).sum())
    by_share = miss / sick, alarm / healthy
    shared = cost_of(scores, targets, got, *by_share)
    assert not (listed and near(shared, lowest(*by_share))), (
        "you weigh shares of the sick and of the healthy, or a miss by 50: costs count "
        "patients, at cost_miss and cost_alarm"
    )
    assert not listed or cost_of(scores, targets, got, 1, 1) != lowest(1, 1), (
        "that is cheapest where both mistakes cost the same; use the two costs"
    )
    cheap = candidates[values.index(best)]
    raise AssertionError(
        f"threshold {got:.4g} costs {paid:.4g}, but {cheap:.4g} costs only {best:.4g}"
    )


@lesson.question("7.5")
def ndcg(answer) -> None:
    """DCG divided by that of the best order, 0 where nothing is useful."""
    for grades in ([0, 3, 1, 0, 2, 2], [1, 0, 2], [0, 1, 0, 0]):
        judge_ndcg(answer, grades)
    result = ask(answer, torch.zeros(4, dtype=torch.int64))
    try:
        nothing = float(result)
    except (TypeError, ValueError, RuntimeError):
        nothing = number(result)
    assert nothing == nothing, "a list of zeros gives nan, from 0 / 0; it gets 0"
    assert nothing == 0, f"expected 0 for a list without any useful, got {nothing:.4g}"


def judge_ndcg(answer, listed: list) -> None:
    """Raise AssertionError unless the NDCG of these grades is right."""
    grades = torch.tensor(listed)
    given = grades.clone()
    result = ask(answer, given)
    n = len(listed)
    gains, places = grades.double(), torch.arange(1, n + 1)
    discount = torch.log2(places + 1.0)

    def ratio(gains, discount, best=None):
        best = gains.sort(descending=True).values if best is None else best
        return ((gains / discount).sum() / (best / discount).sum()).item()

    assert not isinstance(result, torch.Tensor) or result.numel() == 1, (
        f"expected one number for the list, got {brief(result)}; add up the places"
    )
    broken = isinstance(result, float | torch.Tensor) and not math.isfinite(result)
    assert not broken, (
        "something is divided by log2(1) or log2(0): place k = 1, 2, … is divided by "
        "log2(k + 1)"
    )
    got, right = number(result), ratio(gains, discount)
    wrong = {
        "that is DCG; divide it by the DCG of the best order": (gains / discount)
        .sum()
        .item(),
        "that is the DCG of the best order; it is the divisor": (
            gains.sort(descending=True).values / discount
        )
        .sum()
        .item(),
        "you take 2^grade - 1 for the gain; here the gain is the grade": ratio(
            2**gains - 1, discount
        ),
        "you divide by the place; divide by log2(place + 1)": ratio(gains, places),
        "log2(k) + 1 is not log2(k + 1)": ratio(gains, torch.log2(places.double()) + 1),
        "you divide by log2(k + 2); place 1 is divided by log2(2) = 1": ratio(
            gains, discount=torch.log2(places + 2.0)
        ),
        "the best order is sorted from high to low, yours from low to high": ratio(
            gains, discount, gains.sort().values
        ),
        "always 1: the best order is sorted, the list itself is not": 1.0,
        "the best order has the same grades, not the highest everywhere": ratio(
            gains, discount, gains.max().expand(n)
        ),
        "a grade of 2 counts like a 1; the gain is the grade": ratio(
            (gains > 0).double(), discount
        ),
        "you read the list from its end: the first grade has the first place": ratio(
            gains.flip(0), discount
        ),
        "you divide by the sum of the grades, not by the DCG of the best order": (
            (gains / discount).sum() / gains.sum()
        ).item(),
    }
    for words, value in wrong.items():
        assert near(got, right) or not near(got, value), words
    assert near(got, right), f"expected {right:.4f} for {listed}, got {got:.4f}"
    assert torch.equal(given, grades), (
        "right, but the grades you were given are changed: don't sort them in place"
    )


@lesson.question("7.6")
def bootstrap_interval(answer) -> None:
    """The middle 95 % of the means, drawn with replacement from the generator."""
    right = torch.arange(1000) % 5 > 0  # 80 % right
    error = (0.8 * 0.2 / 1000) ** 0.5  # standard deviation of such a mean
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(3)
    low, high = ends(answer, right, 2000, generator)
    untouched = torch.equal(before, torch.get_rng_state())
    assert (low, high) != (0, 1), (
        "0 and 1 are quantiles of the single samples; take those of the means"
    )
    assert low <= high, f"low comes first; you return {low:.4f} and {high:.4f}"
    wide = [(0.8 - low) / error, (high - 0.8) / error]  # 1.96 is right
    assert max(wide) > 0.01, (
        "low and high are both the sample's own mean: draw with replacement, with "
        "randint, and take two quantiles of the means"
    )
    assert min(wide) > 0, (
        f"from {low:.3f} to {high:.3f}: the sample's own mean, 0.8, is not inside"
    )
    for words, size in {
        "that is one standard deviation each way; take the 2.5 and 97.5 % quantiles": (
            1.0
        ),
        "that is the middle 90 %; for 95 % cut off 2.5 % at each end": 1.645,
        "a redrawn sample has as many as the sample; yours has `repeats`": (
            1.96 * (1000 / 2000) ** 0.5
        ),
        "that is the range of single samples: redraw and take means": (
            1.96 * 1000**0.5
        ),
    }.items():
        assert max(abs(value - size) for value in wide) > 0.1 * size, words
    assert not all(2.9 < value < 4.6 for value in wide), (
        f"from {low:.3f} to {high:.3f} is too wide: the 2.5 % and 97.5 % quantiles, "
        "not the smallest and largest mean"
    )
    assert all(1.7 < value < 2.25 for value in wide), (
        f"expected about {0.8 - 1.96 * error:.3f} to {0.8 + 1.96 * error:.3f} "
        f"for 800 of 1000 right, got {low:.3f} to {high:.3f}"
    )
    judge_drawing(answer, untouched)


def judge_drawing(answer, untouched: bool) -> None:
    """Raise AssertionError unless the generator draws, `repeats` times, anew."""
    right = torch.arange(37) % 4 > 0
    first = ends(answer, right.clone(), 30, torch.Generator().manual_seed(8))
    again = ends(answer, right.clone(), 30, torch.Generator().manual_seed(8))
    assert untouched and first == again, (
        "equal generators gave two intervals, or the global seed was used: hand the "
        "generator to randint"
    )
    one = torch.Generator().manual_seed(8)
    unused = one.get_state()
    series = {ends(answer, right.clone(), 30, one) for _ in range(6)}
    assert not torch.equal(unused, one.get_state()), (
        "nothing was drawn: redraw the sample with the generator, again and again"
    )
    assert len(series) > 1, (
        "drawn anew, the interval is the very same: don't seed the generator yourself, "
        "and use what it draws"
    )
    low, high = ends(answer, right.clone(), 1, torch.Generator().manual_seed(2))
    assert low == high, "with repeats=1 there is one mean, so low = high: use `repeats`"
    assert near(37 * low, round(37 * low), 1e-3), (
        "a redrawn sample has as many as the sample; one of 37 has a mean of k / 37, "
        f"yours {low:.4f}"
    )
    for few in (torch.arange(20) > 0, torch.arange(20) < 19):
        judge_few(answer, few)
    nine = torch.arange(16) < 9  # of 16 redrawn, 5 to 13 are right in 95 % of cases
    low, high = ends(answer, nine, 4000, torch.Generator().manual_seed(1))
    assert near(low, 5 / 16) and near(high, 13 / 16), (
        f"expected {5 / 16} to {13 / 16} for 9 of 16 right, the 2.5 % and 97.5 % "
        f"quantiles of the means, got {low:.4f} to {high:.4f}"
    )


def judge_few(answer, few: torch.Tensor) -> None:
    """Raise AssertionError unless one wrong of 20 is drawn as often as it should."""
    low, high = ends(answer, few, 500, torch.Generator().manual_seed(1))
    assert high <= 1 + 1e-6, (
        f"19 of 20 right, and your high is {high:.3f}, above 1: take quantiles of the "
        "means, not mean + 1.96 standard deviations"
    )
    assert near(low, 0.85, 0.06) and near(high, 1, 1e-6), (
        f"expected about 0.85 to 1 for 19 of 20 right, got {low:.3f} to {high:.3f}"
    )


def ends(answer, right: torch.Tensor, repeats: int, generator) -> tuple[float, float]:
    """Return what the learner's function returns, as two numbers."""
    given = right.clone()
    result = ask(answer, given, repeats, generator)
    pair = [] if isinstance(result, dict) else several(result)
    assert len(pair) == 2, f"expected two numbers, low and high, got {brief(result)}"
    assert torch.equal(given, right), "the samples you were given are changed"
    low, high = (number(end) for end in pair)
    assert max(abs(low), abs(high)) < 5, (
        f"expected fractions from 0 to 1, not percentages, got {low:.4g}, {high:.4g}"
    )
    return low, high
