"""Answers to the exercises of lesson 07: wrong as learners write them, and right."""

import math
import random

import numpy as np
import torch
from sklearn import metrics as sk


def matrix_right(predictions, targets, classes):
    matrix = torch.zeros(classes, classes, dtype=torch.int64)
    for true, predicted in zip(targets.tolist(), predictions.tolist(), strict=True):
        matrix[true, predicted] += 1
    return matrix


def matrix_by_library(predictions, targets, classes):
    labels = list(range(classes))
    return sk.confusion_matrix(targets, predictions, labels=labels)


def matrix_by_lists(predictions, targets, classes):
    pairs = list(zip(targets.tolist(), predictions.tolist(), strict=True))
    return [[pairs.count((i, j)) for j in range(classes)] for i in range(classes)]


def matrix_by_one_hot(predictions, targets, classes):
    eye = torch.eye(classes)
    return eye[targets].T @ eye[predictions]


def matrix_without_adding(predictions, targets, classes):
    matrix = torch.zeros(classes, classes, dtype=torch.int64)
    matrix[targets, predictions] += 1
    return matrix


def matrix_of_seen(predictions, targets, classes):
    return torch.tensor(sk.confusion_matrix(targets, predictions))


def matrix_off_by_rows(predictions, targets, classes):
    matrix = matrix_right(predictions, targets, classes)
    return matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1)


def matrix_of_mistakes(predictions, targets, classes):
    matrix = matrix_right(predictions, targets, classes)
    return matrix - matrix.diagonal().diag()


def matrix_from_ones(predictions, targets, classes):
    return matrix_right(predictions, targets, classes) + 1


class Table:
    """What pandas' tables do: numbers as an array, names where one iterates."""

    def __init__(self, rows):
        self.rows = np.asarray(rows)

    def __array__(self, dtype=None, copy=None):
        return self.rows.astype(dtype or self.rows.dtype)

    def __iter__(self):
        return iter(range(len(self.rows)))


def matrix_as_a_table(predictions, targets, classes):
    return Table(matrix_by_lists(predictions, targets, classes))


def counts(matrix):
    return matrix.diagonal().double(), matrix.sum(dim=0), matrix.sum(dim=1)


def classes_right(matrix):
    right, predicted, true = counts(matrix)
    precision, recall = right / predicted.clamp(min=1), right / true.clamp(min=1)
    f1 = 2 * precision * recall / (precision + recall)
    return precision, recall, f1.nan_to_num(0)


def classes_with_epsilon(matrix):
    right, predicted, true = counts(matrix)
    precision, recall = right / (predicted + 1e-9), right / (true + 1e-9)
    return precision, recall, 2 * precision * recall / (precision + recall + 1e-9)


def classes_by_lists(matrix):
    result = [[], [], []]
    for k in range(len(matrix)):
        right = matrix[k][k].item()
        predicted, true = matrix[:, k].sum().item(), matrix[k].sum().item()
        result[0].append(right / predicted if predicted else 0.0)
        result[1].append(right / true if true else 0.0)
        result[2].append(2 * right / (predicted + true) if right else 0.0)
    return result


def classes_by_numpy(matrix):
    return [part.numpy() for part in classes_right(matrix)]


def classes_swapped(matrix):
    precision, recall, f1 = classes_right(matrix)
    return recall, precision, f1


def classes_with_nan(matrix):
    right, predicted, true = counts(matrix)
    return right / predicted, right / true, 2 * right / (predicted + true)


def classes_mean(matrix):
    precision, recall, _ = classes_right(matrix)
    return precision, recall, (precision + recall) / 2


def classes_half(matrix):
    precision, recall, f1 = classes_right(matrix)
    return precision, recall, f1 / 2


def classes_plus_one(matrix):
    right, predicted, true = counts(matrix)
    return (
        right / (predicted + 1),
        right / (true + 1),
        2 * right / (predicted + true + 1),
    )


def classes_of_all(matrix):
    right, *_ = counts(matrix)
    share = right / matrix.sum()
    return share, share, share


def classes_macro(matrix):
    return tuple(part.mean() for part in classes_right(matrix))


def classes_f1_nan(matrix):
    precision, recall, _ = classes_right(matrix)
    return precision, recall, 2 * precision * recall / (precision + recall)


def classes_in_the_matrix_type(matrix):
    result = torch.zeros(3, len(matrix), dtype=matrix.dtype)
    for row, values in zip(result, classes_right(matrix), strict=True):
        row[:] = values
    return result


def classes_without_f1(matrix):
    return classes_right(matrix)[:2]


def gap(scores, targets):
    return scores[targets].unsqueeze(1) - scores[~targets]


def area_by_loops(scores, targets):
    points = pairs = 0
    for sick in scores[targets].tolist():
        for healthy in scores[~targets].tolist():
            points += (sick > healthy) + (sick == healthy) / 2
            pairs += 1
    return points / pairs


def area_by_ranks(scores, targets):
    from scipy.stats import rankdata

    ranks, sick = rankdata(scores.numpy()), int(targets.sum())
    healthy = len(scores) - sick
    points = ranks[targets.numpy()].sum() - sick * (sick + 1) / 2
    return points / (sick * healthy)


def area_by_sign(scores, targets):
    return (gap(scores, targets).sign().mean() + 1) / 2


def area_by_all_pairs(scores, targets):
    difference = gap(scores, targets)
    return ((difference > 0).sum() + (difference == 0).sum() / 2) / len(scores) ** 2


def area_by_combinations(scores, targets):
    return area_by_all_pairs(scores, targets) * 2 * len(scores) / (len(scores) - 1)


def area_in_place(scores, targets):
    area = area_by_loops(scores, targets)
    targets.logical_not_()
    return area


def area_sorted_pairs(scores, targets):
    pairs = zip(scores[targets], scores[~targets], strict=False)
    return sum(float(sick > healthy) for sick, healthy in pairs) / int(targets.sum())


def price(scores, targets, threshold, miss, alarm):
    alarms = scores >= threshold
    return miss * (targets & ~alarms).sum() + alarm * (~targets & alarms).sum()


def threshold_right(scores, targets, miss, alarm):
    candidates = [*scores.tolist(), math.inf]
    return min(candidates, key=lambda t: price(scores, targets, t, miss, alarm))


def threshold_between(scores, targets, miss, alarm):
    ordered = scores.unique()
    middle = (ordered[1:] + ordered[:-1]) / 2
    candidates = torch.cat([ordered[:1] - 1, middle, ordered[-1:] + 1])
    costs = [price(scores, targets, t, miss, alarm) for t in candidates]
    return candidates[torch.stack(costs).argmin()]


def threshold_by_sorting(scores, targets, miss, alarm):
    order = np.argsort(-scores.numpy())
    sick = targets.numpy()[order]
    costs = miss * (sick.sum() - np.cumsum(sick)) + alarm * np.cumsum(~sick)
    values = scores.numpy()[order]
    costs[:-1][values[1:] == values[:-1]] = np.iinfo(costs.dtype).max  # in a tie
    if miss * sick.sum() <= costs.min():
        return np.float64(np.inf)
    return scores.numpy()[order][costs.argmin()]


def threshold_ignoring_ties(scores, targets, miss, alarm):
    order = scores.argsort(descending=True)
    sick = targets[order]
    costs = miss * (sick.sum() - sick.cumsum(0)) + alarm * (~sick).cumsum(0)
    if miss * sick.sum() <= costs.min():
        return math.inf
    return scores[order][costs.argmin()].item()


def threshold_on_a_grid(scores, targets, miss, alarm):
    grid = [*torch.linspace(scores.min(), scores.max(), 1000).tolist(), math.inf]

    def cost(t):
        alarms = scores >= t
        return miss * (targets & ~alarms).sum() + alarm * (~targets & alarms).sum()

    return min(grid, key=cost)


def threshold_in_place(scores, targets, miss, alarm):
    best = threshold_right(scores, targets, miss, alarm)
    scores.zero_()
    return best


def threshold_by_roc(scores, targets, miss, alarm):
    false, true, values = sk.roc_curve(targets, scores, drop_intermediate=False)
    sick, healthy = int(targets.sum()), int((~targets).sum())
    return values[np.argmin(miss * (1 - true) * sick + alarm * false * healthy)]


def threshold_strict(scores, targets, miss, alarm):
    def strict(t):
        alarms = scores > t
        return miss * (targets & ~alarms).sum() + alarm * (~targets & alarms).sum()

    return min(scores.tolist(), key=strict)


def threshold_never_silent(scores, targets, miss, alarm):
    return min(scores.tolist(), key=lambda t: price(scores, targets, t, miss, alarm))


def threshold_cost(scores, targets, miss, alarm):
    candidates = [*scores.tolist(), math.inf]
    return min(price(scores, targets, t, miss, alarm) for t in candidates)


def threshold_index(scores, targets, miss, alarm):
    return scores.tolist().index(threshold_never_silent(scores, targets, miss, alarm))


def threshold_dearest(scores, targets, miss, alarm):
    candidates = [*scores.tolist(), math.inf]
    return max(candidates, key=lambda t: price(scores, targets, t, miss, alarm))


def threshold_by_shares(scores, targets, miss, alarm):
    sick, healthy = targets.sum(), (~targets).sum()
    return threshold_right(scores, targets, miss / sick, alarm / healthy)


def threshold_by_grid(scores, targets, miss, alarm):
    grid = torch.linspace(0, 1, 11).tolist()
    return min(grid, key=lambda t: price(scores, targets, t, miss, alarm))


def dcg(grades, discount):
    return (grades / discount).sum()


def logs(grades, first=2):
    return torch.log2(torch.arange(first, len(grades) + first))


def high_to_low(grades):
    return grades.sort(descending=True).values


def ndcg_with(grades, change=lambda g: g, first=2, best=high_to_low):
    discount, gains = logs(grades, first), change(grades.float())
    divisor = dcg(best(gains), discount)
    return float(dcg(gains, discount) / divisor) if divisor else 0.0


def ndcg_by_python(grades):
    def total(values):
        return sum(g / math.log(k + 2) for k, g in enumerate(values))

    values = [int(g) for g in grades]
    best = total(sorted(values, reverse=True))
    return total(values) / best if best > 0 else 0


def ndcg_by_library(grades):
    listed = grades.numpy()[None]
    return sk.ndcg_score(listed, -np.arange(len(grades), dtype=float)[None])


def ndcg_tensor(grades):
    best = dcg(high_to_low(grades), logs(grades))
    return dcg(grades, logs(grades)) / best.clamp(min=1e-9)


def ndcg_without_zero(grades):
    return dcg(grades, logs(grades)) / dcg(high_to_low(grades), logs(grades))


def ndcg_by_place(grades):
    places = torch.arange(1, len(grades) + 1)
    best = dcg(high_to_low(grades), places)
    return dcg(grades, places) / best if best else 0.0


def ndcg_sorting_in_place(grades):
    value = ndcg_with(grades)
    grades.copy_(high_to_low(grades))
    return value


def ndcg_of_places(grades):
    return grades / logs(grades) / dcg(high_to_low(grades), logs(grades)).clamp(min=1)


def means_of(right, repeats, generator, size=None):
    n = len(right)
    size = size or n
    draws = [torch.randint(n, (size,), generator=generator) for _ in range(repeats)]
    return torch.stack([right[drawn].float().mean() for drawn in draws])


def cut(means, low=0.025, high=0.975):
    return means.quantile(low).item(), means.quantile(high).item()


def interval_right(right, repeats, generator):
    return cut(means_of(right, repeats, generator))


def interval_at_once(right, repeats, generator):
    drawn = torch.randint(len(right), (repeats, len(right)), generator=generator)
    return (
        right.double()[drawn]
        .mean(dim=1)
        .quantile(torch.tensor([0.025, 0.975]).double())
    )


def interval_by_multinomial(right, repeats, generator):
    weights = torch.ones(len(right))
    draws = [
        torch.multinomial(weights, len(right), replacement=True, generator=generator)
        for _ in range(repeats)
    ]
    means = [right[drawn].float().mean().item() for drawn in draws]
    return list(np.percentile(means, [2.5, 97.5]))


def interval_of_halves(right, repeats, generator):
    n = len(right)
    draws = [torch.randperm(n, generator=generator) for _ in range(repeats)]
    return cut(torch.stack([right[drawn[: n // 2]].float().mean() for drawn in draws]))


def interval_normal_cut_off(right, repeats, generator):
    low, high = interval_normal(right, repeats, generator)
    return low.clamp(min=0), high.clamp(max=1)


def interval_by_binomial(right, repeats, generator):
    n, share = float(len(right)), right.float().mean().item()
    of_all = torch.full((repeats,), n), torch.full((repeats,), share)
    return cut(torch.binomial(*of_all, generator=generator) / n)


def interval_by_sorting(right, repeats, generator):
    means = means_of(right, repeats, generator).sort().values
    return means[int(0.025 * repeats)], means[min(int(0.975 * repeats), repeats - 1)]


def interval_permuted(right, repeats, generator):
    n = len(right)
    draws = [torch.randperm(n, generator=generator) for _ in range(repeats)]
    return cut(torch.stack([right[drawn].float().mean() for drawn in draws]))


def interval_of_one_deviation(right, repeats, generator):
    means = means_of(right, repeats, generator)
    return means.mean() - means.std(), means.mean() + means.std()


def interval_normal(right, repeats, generator):
    means = means_of(right, repeats, generator)
    spread = 1.96 * means.std(correction=0)
    return means.mean() - spread, means.mean() + spread


def interval_of_ninety(right, repeats, generator):
    return cut(means_of(right, repeats, generator), 0.05, 0.95)


def interval_of_extremes(right, repeats, generator):
    means = means_of(right, repeats, generator)
    return means.min(), means.max()


def interval_of_repeats(right, repeats, generator):
    return cut(means_of(right, len(right), generator, size=repeats))


def interval_global(right, repeats, generator):
    return cut(means_of(right, repeats, None))


def interval_by_random(right, repeats, generator):
    values = right.float().tolist()
    means = [sum(random.choices(values, k=len(values))) for _ in range(repeats)]
    return cut(torch.tensor(means) / len(values))


def interval_reseeded(right, repeats, generator):
    return cut(means_of(right, repeats, generator.manual_seed(0)))


def interval_of_samples(right, repeats, generator):
    return cut(right.float())


def interval_reversed(right, repeats, generator):
    return cut(means_of(right, repeats, generator), 0.975, 0.025)


def interval_in_percent(right, repeats, generator):
    return cut(100 * means_of(right, repeats, generator))


def interval_of_thousand(right, repeats, generator):
    return cut(means_of(right, 1000, generator))


def interval_as_mean(right, repeats, generator):
    return means_of(right, repeats, generator).mean()


NEAR_MISSES = {
    "confusion_matrix": [
        (lambda p, t, c: matrix_right(p, t, c).T, "rows and columns are swapped"),
        (matrix_without_adding, "counts once"),
        (matrix_of_seen, "absent ones included"),
        (lambda p, t, c: matrix_right(p, t, c) / len(t), "those are shares; return"),
        (matrix_off_by_rows, "shares of each row"),
        (
            lambda p, t, c: matrix_right(p, t, c).diagonal().diag(),
            "only what was right",
        ),
        (
            lambda p, t, c: matrix_right(p, t, c) / matrix_right(p, t, c).sum(dim=0),
            "shares of each column",
        ),
        (
            lambda p, t, c: (
                matrix_right(p, t, c) / matrix_right(p, t, c).sum(dim=1, keepdim=True)
            ),
            "shares of each row",
        ),
        (matrix_of_mistakes, "the diagonal counts, too"),
        (matrix_from_ones, "expected 1 in row 0, column 0"),
        (lambda p, t, c: (p == t).sum(), "has shape ()"),
    ],
    "precision_recall_f1": [
        (classes_swapped, "are swapped"),
        (classes_with_nan, "holds nan"),
        (classes_f1_nan, "f1 holds nan"),
        (classes_mean, "not the plain mean"),
        (classes_half, "half of what it should be"),
        (classes_plus_one, "add 1 to every divisor"),
        (classes_of_all, "divide by all samples"),
        (classes_macro, "return one for each class"),
        (classes_without_f1, "three tensors"),
        (lambda matrix: classes_right(matrix)[2].mean(), "three tensors"),
        (lambda matrix: [100 * part for part in classes_right(matrix)], "percentage"),
        (classes_in_the_matrix_type, "whole numbers only"),
    ],
    "area_under_roc": [
        (lambda s, t: 1 - area_by_loops(s, t), "in the wrong order"),
        (lambda s, t: (gap(s, t) > 0).float().mean(), "get nothing"),
        (lambda s, t: (gap(s, t) >= 0).float().mean(), "count whole"),
        (lambda s, t: area_by_loops(s, t) * gap(s, t).numel(), "a number of pairs"),
        (area_by_all_pairs, "one sick, one healthy"),
        (area_by_combinations, "sick with sick"),
        (lambda s, t: ((s >= 0.5) == t).float().mean(), "accuracy at 0.5"),
        (lambda s, t: gap(s, t).sign().mean(), "right minus wrong"),
        (
            lambda s, t: max(area_by_loops(s, t), 1 - area_by_loops(s, t)),
            "an area below 0.5 is allowed",
        ),
        (lambda s, t: sk.roc_auc_score(t, s >= 0.5), "you score alarms at 0.5"),
        (area_in_place, "you were given are changed"),
        (
            lambda s, t: (
                ((gap(s, t) > 0).sum() + (gap(s, t) == 0).sum() // 2)
                / gap(s, t).numel()
            ),
            "get nothing",
        ),
        (area_sorted_pairs, "expected 0."),
        (lambda s, t: gap(s, t).mean(), "expected 0."),
    ],
    "best_threshold": [
        (threshold_ignoring_ties, "costs"),
        (threshold_on_a_grid, "costs only"),
        (threshold_in_place, "you were given are changed"),
        (lambda s, t, miss, alarm: threshold_right(s, t, 50, 1), "or a miss by 50"),
        (lambda s, t, m, a: threshold_right(s, t, a, m), "costs are swapped"),
        (threshold_strict, "at score >= threshold"),
        (threshold_never_silent, "above every score"),
        (threshold_cost, "you return a cost"),
        (threshold_index, "is an index"),
        (threshold_dearest, "the dearest"),
        (threshold_by_shares, "costs count patients"),
        (lambda s, t, m, a: threshold_right(s, t, 1, 1), "use the two costs"),
        (lambda s, t, m, a: 0.5, "costs only"),
        (threshold_by_grid, "costs only"),
        (lambda s, t, m, a: threshold_right(s, t, 0, 1), "costs only"),
        (lambda s, t, m, a: a / (m + a), "costs only"),
    ],
    "ndcg": [
        (lambda g: dcg(g, logs(g)), "that is DCG"),
        (lambda g: dcg(high_to_low(g), logs(g)), "it is the divisor"),
        (lambda g: ndcg_with(g, lambda gains: 2**gains - 1), "2^grade - 1"),
        (ndcg_by_place, "you divide by the place"),
        (lambda g: ndcg_with(g, first=3), "log2(k + 2)"),
        (lambda g: ndcg_with(g, first=1), "log2(1) or log2(0)"),
        (
            lambda g: ndcg_with(g, best=lambda gains: gains.sort().values),
            "from low to high",
        ),
        (lambda g: ndcg_with(high_to_low(g)), "always 1"),
        (
            lambda g: ndcg_with(g, best=lambda gains: gains.max().expand(len(g))),
            "not the highest everywhere",
        ),
        (lambda g: ndcg_with(g, lambda gains: (gains > 0).float()), "like a 1"),
        (ndcg_without_zero, "from 0 / 0"),
        (ndcg_sorting_in_place, "in place"),
        (ndcg_of_places, "add up the places"),
        (lambda g: ndcg_with(g.flip(0)), "from its end"),
        (
            lambda g: sk.ndcg_score(g.numpy()[None], np.arange(len(g))[None]),
            "from its end",
        ),
        (lambda g: dcg(g, logs(g)) / g.sum(), "by the sum of the grades"),
    ],
    "bootstrap_interval": [
        (interval_permuted, "draw with replacement"),
        (interval_of_one_deviation, "one standard deviation"),
        (interval_of_ninety, "middle 90 %"),
        (interval_of_extremes, "smallest and largest mean"),
        (interval_of_repeats, "yours has `repeats`"),
        (interval_global, "hand the generator to randint"),
        (interval_by_random, "hand the generator to randint"),
        (interval_reseeded, "don't seed the generator"),
        (interval_of_samples, "take those of the means"),
        (interval_normal, "above 1"),
        (interval_reversed, "low comes first"),
        (interval_in_percent, "not percentages"),
        (interval_of_thousand, "use `repeats`"),
        (interval_as_mean, "two numbers"),
        (lambda r, k, g: np.mean(means_of(r, k, g).numpy()), "two numbers"),
        (
            lambda r, k, g: cut(means_of(r, k, g, size=len(r) - 1)),
            "as many as the sample",
        ),
        (interval_of_halves, "as many as the sample"),
        (lambda r, k, g: cut(means_of(r, k, g), 0.05), "for 9 of 16 right"),
        (interval_normal_cut_off, "for 9 of 16 right"),
        (lambda r, k, g: cut(1 - means_of(r, k, g)), "is not inside"),
        (lambda r, k, g: cut(means_of(r, k, g), 0.5, 0.5), "take two quantiles"),
    ],
}

RIGHT = {
    "confusion_matrix": [
        matrix_right,
        matrix_by_library,
        matrix_by_lists,
        matrix_by_one_hot,
        matrix_as_a_table,
    ],
    "precision_recall_f1": [
        classes_right,
        classes_with_epsilon,
        classes_by_lists,
        classes_by_numpy,
        lambda matrix: (part for part in classes_right(matrix)),
    ],
    "area_under_roc": [
        area_by_loops,
        area_by_ranks,
        area_by_sign,
        lambda s, t: sk.roc_auc_score(t.numpy(), s.numpy()),
    ],
    "best_threshold": [
        threshold_right,
        threshold_between,
        threshold_by_sorting,
        threshold_by_roc,
    ],
    "ndcg": [ndcg_with, ndcg_by_python, ndcg_by_library, ndcg_tensor],
    "bootstrap_interval": [
        interval_right,
        interval_at_once,
        interval_by_multinomial,
        interval_by_sorting,
        interval_by_binomial,
    ],
}
