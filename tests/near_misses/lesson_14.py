"""Answers to the exercises of lesson 14: wrong as learners write them, and right."""

import itertools
import math
import random

import numpy as np
import torch
from sklearn.model_selection import ParameterGrid


def draw(low, high, n, generator):
    return low * (high / low) ** torch.rand(n, generator=generator)


def draw_by_log(low, high, n, generator):
    ends = math.log(low), math.log(high)
    share = torch.rand(n, generator=generator, dtype=torch.float64)
    return (ends[0] + (ends[1] - ends[0]) * share).exp()


def draw_by_ten(low, high, n, generator):
    shares = torch.empty(n).uniform_(
        math.log10(low), math.log10(high), generator=generator
    )
    return [10**x for x in shares.tolist()]


def draw_array(low, high, n, generator):
    return np.exp(draw_by_log(low, high, n, generator).log().numpy())


def draw_even(low, high, n, generator):
    return low + (high - low) * torch.rand(n, generator=generator)


def draw_power(low, high, n, generator):
    return 10 ** draw_even(low, high, n, generator)


def draw_exponents(low, high, n, generator):
    return draw_by_log(low, high, n, generator).log10()


def draw_mixed(low, high, n, generator):
    return draw_exponents(low, high, n, generator).exp()


def draw_mixed_back(low, high, n, generator):
    return 10 ** draw_by_log(low, high, n, generator).log()


def draw_globally(low, high, n, generator):
    return draw(low, high, n, None)


def draw_by_random(low, high, n, generator):
    return [low * (high / low) ** random.random() for _ in range(n)]


def draw_reseeded(low, high, n, generator):
    return draw(low, high, n, torch.Generator().manual_seed(0))


def draw_powers_of_ten(low, high, n, generator):
    shares = torch.randint(6, (n,), generator=generator) / 5
    return low * (high / low) ** shares


def draw_one(low, high, n, generator):
    return draw(low, high, 1, generator).item()


def draw_by_sum(low, high, n, generator):
    return low * high ** torch.rand(n, generator=generator)


def draw_spaced(low, high, n, generator):
    return torch.logspace(math.log10(low), math.log10(high), n)


def draw_normal(low, high, n, generator):
    share = torch.randn(n, generator=generator) / 6 + 0.5
    return low * (high / low) ** share.clamp(0, 1)


def draw_from_list(low, high, n, generator):
    places = torch.randint(100, (n,), generator=generator)
    return torch.logspace(math.log10(low), math.log10(high), 100)[places]


def draw_shuffled(low, high, n, generator):
    order = torch.randperm(n, generator=generator)
    return torch.logspace(math.log10(low), math.log10(high), n)[order]


def draw_logs_to_base_2(low, high, n, generator):
    share = torch.rand(n, generator=generator)
    return math.log2(low) + math.log2(high / low) * share


def draw_five_decades(low, high, n, generator):
    return 10 ** (-5 * torch.rand(n, generator=generator))


def draw_downwards(low, high, n, generator):
    return high * (low / high) ** torch.rand(n, generator=generator).double().numpy()


def grid(choices):
    return [dict(zip(choices, v)) for v in itertools.product(*choices.values())]  # noqa: B905


def grid_by_hand(choices):
    configs = [{}]
    for name, values in choices.items():
        configs = [{**config, name: value} for config in configs for value in values]
    return configs


def grid_yielded(choices):
    yield from grid(choices)


def grid_mesh(choices):
    lists = np.meshgrid(*map(np.array, choices.values()), indexing="ij")
    return [dict(zip(choices, v)) for v in zip(*map(np.ravel, lists))]  # noqa: B905


def grid_zip(choices):
    return [dict(zip(choices, v)) for v in zip(*choices.values())]  # noqa: B905


def grid_two(choices):
    return [{"rate": r, "width": w} for r in choices["rate"] for w in choices["width"]]


def grid_aliased(choices):
    config, configs = {}, []
    for values in itertools.product(*choices.values()):
        config.update(zip(choices, values))  # noqa: B905
        configs.append(config)
    return configs


def grid_first_two(choices):
    first, *rest = choices
    return [
        {first: a, **{name: choices[name][k % len(choices[name])] for name in rest}}
        for a in choices[first]
        for k in range(len(choices[rest[0]]) if rest else 1)
    ]


def grid_singles(choices):
    return [{name: value} for name, values in choices.items() for value in values]


def grid_listed(choices):
    return [
        {name: [value] for name, value in config.items()} for config in grid(choices)
    ]


def grid_emptied(choices):
    configs = [{}]
    while choices:
        name, values = choices.popitem()
        configs = [{**config, name: value} for config in configs for value in values]
    return configs


def halve(runs, rungs, factor, sign=-1, least=1, value=None, total=True, peak=False):
    left, scores, done, spent = list(range(len(runs))), {}, 0, 0
    for rung in rungs:
        for k in left:
            for _ in range(rung - (done if total else 0)):
                score = next(runs[k])
                scores[k] = max(score, scores.get(k, 0)) if peak else score
                spent += 1
        left = sorted(left, key=lambda k: sign * scores[k])
        left = left[: max(least, len(left) // factor)]
        done = rung
    return (value(scores, left) if value else left[0]), spent


def halve_pairs(runs, rungs, factor):
    left, done, spent = list(enumerate(runs)), 0, torch.tensor(0)
    for rung in rungs:
        scored = []
        for index, run in left:
            *_, score = itertools.islice(run, rung - done)
            scored.append((score, index, run))
            spent += rung - done
        scored.sort(key=lambda item: item[0])
        left = [(i, r) for _, i, r in scored[-max(len(scored) // factor, 1) :]]
        done = rung
    return [torch.tensor(left[-1][0]), spent]


def halve_arrays(runs, rungs, factor):
    index, latest, count = np.arange(len(runs)), np.zeros(len(runs)), 0
    for before, rung in zip((0, *rungs), rungs):  # noqa: B905
        for _ in range(before, rung):
            for k in index:
                latest[k] = next(runs[k])
                count += 1
        order = np.argsort(-latest[index])
        index = index[order][: max(1, len(index) // factor)]
    return index[0], np.int64(count)


def halve_not(runs, rungs, factor):
    last = [[next(run) for _ in range(rungs[-1])][-1] for run in runs]
    return last.index(max(last)), len(runs) * rungs[-1]


def halve_places(runs, rungs, factor):
    left, done, spent = list(runs), 0, 0
    for rung in rungs:
        scores = [[next(run) for _ in range(rung - done)][-1] for run in left]
        spent += len(left) * (rung - done)
        order = sorted(range(len(left)), key=lambda k: -scores[k])
        place = order[0]
        left = [left[k] for k in sorted(order[: max(1, len(left) // factor)])]
        done = rung
    return place, spent


def halve_up(runs, rungs, factor):
    left, done, spent = list(range(len(runs))), 0, 0
    for rung in rungs:
        scores = {k: [next(runs[k]) for _ in range(rung - done)][-1] for k in left}
        spent += len(left) * (rung - done)
        left = sorted(left, key=lambda k: -scores[k])[: -(-len(left) // factor)]
        done = rung
    return left[0], spent


def halve_smallest(runs, rungs, factor):
    return halve(runs, rungs, factor, value=lambda scores, left: min(left))


def halve_largest(runs, rungs, factor):
    return halve(runs, rungs, factor, value=lambda scores, left: max(left))


def halve_best_of_all(runs, rungs, factor):
    return halve(runs, rungs, factor, value=lambda s, left: max(s, key=s.get))


def halve_uncut(runs, rungs, factor):
    left, scores, done, spent = list(range(len(runs))), {}, 0, 0
    for rung in rungs:
        for k in left:
            scores[k] = [next(runs[k]) for _ in range(rung - done)][-1]
            spent += rung - done
        done = rung
        if rung != rungs[-1]:
            left.sort(key=scores.get, reverse=True)
            left = left[: max(1, len(left) // factor)]
    return left[0], spent


def halve_counting_last(runs, rungs, factor):
    winner, _ = halve(runs, rungs, factor)
    return winner, rungs[-1]


def halve_counting_rungs(runs, rungs, factor):
    counts, n = [], len(runs)
    for rung in rungs:
        counts.append(n * rung)
        n = max(1, n // factor)
    return halve(runs, rungs, factor)[0], sum(counts)


def ahead_by(right, chosen_on):
    return right[:, chosen_on].float().mean(dim=1), right[:, ~chosen_on].float().mean(1)


def optimism(right, chosen_on):
    seen, fresh = ahead_by(right, chosen_on)
    return (seen - fresh)[seen.argmax()]


def optimism_by_row(right, chosen_on):
    best = max(right.tolist(), key=lambda r: sum(itertools.compress(r, chosen_on)))
    seen = [x for x, c in zip(best, chosen_on) if c]  # noqa: B905
    fresh = [x for x, c in zip(best, chosen_on) if not c]  # noqa: B905
    return np.float64(sum(seen) / len(seen) - sum(fresh) / len(fresh))


def optimism_by_weights(right, chosen_on):
    right, weight = right.double(), chosen_on.double()
    seen = right @ weight / weight.sum()
    winner = seen.topk(1).indices
    return seen[winner] - right[winner] @ (1 - weight) / (1 - weight).sum()


def optimism_abs(right, chosen_on):
    return abs(optimism(right, chosen_on))


def optimism_of_counts(right, chosen_on):
    seen, fresh = right[:, chosen_on].sum(dim=1), right[:, ~chosen_on].sum(dim=1)
    return (seen - fresh)[seen.argmax()]


def optimism_in_place(right, chosen_on):
    answer = optimism(right, chosen_on)
    right &= chosen_on
    return answer


def means(trials):
    return {name: sum(scores) / len(scores) for name, scores in trials.items()}


def best(scores):
    return max(scores, key=scores.get)


def report(trials, test):
    name = best(means(trials))
    return name, means(trials)[name], test(name)


def report_by_tensor(trials, test):
    names = list(trials)
    scores = torch.tensor([np.mean(trials[name]) for name in names])
    place = scores.argmax()
    return [names[place], scores[place], torch.tensor(test(names[place]))]


def report_sorted(trials, test):
    mean, name = sorted((mean, name) for name, mean in means(trials).items())[-1]
    return name, np.float64(mean), test(name)


def report_by_test(trials, test):
    tested = {name: test(name) for name in trials}
    return best(tested), means(trials)[best(tested)], tested[best(tested)]


def report_all(trials, test):
    tested = {name: test(name) for name in trials}
    name = best(means(trials))
    return name, means(trials)[name], tested[name]


def report_twice(trials, test):
    name = best(means(trials))
    print(end=str(test(name))[:0])
    return name, means(trials)[name], test(name)


def report_by_peak(trials, test):
    name = best({name: max(scores) for name, scores in trials.items()})
    return name, means(trials)[name], test(name)


def report_by_sum(trials, test):
    name = best({name: sum(scores) for name, scores in trials.items()})
    return name, means(trials)[name], test(name)


def report_by(rule):
    def report_so(trials, test):
        name = best({name: rule(scores) for name, scores in trials.items()})
        return name, means(trials)[name], test(name)

    return report_so


def report_peak(trials, test):
    name, _, tested = report(trials, test)
    return name, max(trials[name]), tested


def report_swapped(trials, test):
    name, mean, tested = report(trials, test)
    return name, tested, mean


def report_mean_twice(trials, test):
    name, mean, _ = report(trials, test)
    return name, mean, mean


def report_untested(trials, test):
    name = best(means(trials))
    return name, means(trials)[name], means(trials)[name]


def report_worst(trials, test):
    name = min(means(trials), key=means(trials).get)
    return name, means(trials)[name], test(name)


def report_top_two(trials, test):
    names = sorted(means(trials), key=means(trials).get)[-2:]
    tested = {name: test(name) for name in names}
    name = best(tested)
    return name, means(trials)[name], tested[name]


def seen_of(right, chosen_on):
    return ahead_by(right, chosen_on)[0]


def fresh_of(right, chosen_on):
    return ahead_by(right, chosen_on)[1]


NEAR_MISSES = {
    "log_uniform": [
        (draw_even, "even in the value"),
        (draw_power, "never taken"),
        (draw_exponents, "those are logarithms"),
        (draw_mixed, "is undone by 10 ** x"),
        (draw_mixed_back, "by the same base"),
        (draw_globally, "hand the generator to torch.rand"),
        (draw_by_random, "is it used?"),
        (draw_reseeded, "don't seed the generator again"),
        (draw_powers_of_ten, "6 of them different"),
        (
            lambda low, high, n, g: low * (high - low) ** torch.rand(n, generator=g),
            "are both ends right?",
        ),
        (draw_one, "one number came"),
        (draw_from_list, "100 of them different"),
        (draw_shuffled, "only shuffled"),
        (draw_logs_to_base_2, "those are logarithms"),
        (draw_five_decades, "from 1e-05 to 0.5, you drew"),
        (draw_by_sum, "are both ends right?"),
        (
            lambda low, high, n, g: [draw_one(low, high, n, g)] * n,
            "1 of them different",
        ),
        (draw_spaced, "don't seed the generator again"),
        (draw_normal, "of the draws below"),
        (lambda low, high, n, g: draw(low, high, n, g)[:-1], "numbers, shape"),
        (lambda low, high, n, g: draw(high, low * low, n, g), "you drew"),
        (lambda low, high, n, g: print(end=""), "is a `return` missing?"),
    ],
    "make_grid": [
        (grid_zip, "every combination is wanted"),
        (grid_two, "raised KeyError"),
        (grid_aliased, "one and the same dictionary"),
        (grid_first_two, "expected 18 configs, got 9"),
        (grid_singles, "each config has every name"),
        (grid_listed, "holds one value, not the list"),
        (grid_emptied, "is changed"),
        (lambda c: list(itertools.product(*c.values())), "without their names"),
        (lambda c: grid(c)[0], "return a list of them"),
        (lambda c: grid(c)[:-1], "expected 6 configs, got 5"),
        (lambda c: grid(c) + grid(c)[:1], "appears twice"),
        (lambda c: [], "the list is empty"),
    ],
    "successive_halving": [
        (halve_not, "nothing was stopped"),
        (lambda r, g, f: halve(r, g, f, total=False), "a rung counts all epochs"),
        (lambda r, g, f: halve(r, g, f, sign=1), "you keep the worst"),
        (lambda r, g, f: halve(r, g, f, peak=True), "its latest one counts"),
        (lambda r, g, f: halve(r, g, f, least=0), "raised IndexError"),
        (halve_places, "a list that got shorter"),
        (halve_up, "to go on after the first rung"),
        (halve_smallest, "has the higher accuracy there"),
        (halve_largest, "has the higher accuracy there"),
        (halve_best_of_all, "was stopped earlier"),
        (halve_uncut, "has the higher accuracy there"),
        (lambda r, g, f: halve(r, g, f)[::-1], "the other way round"),
        (halve_counting_last, "the winner alone"),
        (halve_counting_rungs, "expected 16 epochs in all"),
        (
            lambda r, g, f: halve(r, g, f, value=lambda s, left: s[left[0]]),
            "the winner's accuracy; its index",
        ),
        (lambda r, g, f: halve(r, g, f)[0], "return two things"),
        (lambda r, g, f: (r[halve(r, g, f)[0]], 16), "you return the run"),
        (lambda r, g, f: halve(r, g, f + 1), "to go on after the first rung"),
        (lambda r, g, f: halve(r, g, 99), "to go on after the first rung"),
        (lambda r, g, f: (0, 16), "no run was advanced"),
    ],
    "optimism": [
        (lambda r, c: -optimism(r, c), "choosing images come first"),
        (lambda r, c: seen_of(r, c).max() - fresh_of(r, c).max(), "of another run"),
        (lambda r, c: optimism(r, ~c), "chosen_on is True where to choose"),
        (lambda r, c: -optimism(r, ~c), "you choose by the fresh images"),
        (lambda r, c: seen_of(r, c).max() - seen_of(r, c).mean(), "the lead over"),
        (
            lambda r, c: seen_of(r, c).max() - fresh_of(r, c).mean(),
            "take the winner's own",
        ),
        (lambda r, c: seen_of(r, c).max(), "less the fresh one"),
        (lambda r, c: 100 * optimism(r, c), "not points"),
        (
            lambda r, c: (
                seen_of(r, c).max() - r.float().mean(dim=1)[seen_of(r, c).argmax()]
            ),
            "not all",
        ),
        (lambda r, c: (seen_of(r, c) - fresh_of(r, c)).mean(), "no run was chosen"),
        (lambda r, c: seen_of(r, c) - fresh_of(r, c), "expected one number"),
        (lambda r, c: (seen_of(r, c) - fresh_of(r, c)).max(), "expected"),
        (optimism_abs, "no abs, no max"),
        (lambda r, c: max(optimism(r, c), 0), "no abs, no max"),
        (optimism_of_counts, "you subtract counts"),
        (lambda r, c: optimism_of_counts(r, c) / c.numel(), "its own number"),
        (optimism_in_place, "is changed"),
    ],
    "honest_report": [
        (report_by_test, "that is the trap"),
        (report_all, "only the chosen one"),
        (report_top_two, "only the chosen one"),
        (report_twice, "measure once"),
        (report_by_peak, "one lucky seed"),
        (report_by_sum, "take the mean"),
        (report_by(lambda scores: scores[0]), "by the first seed"),
        (report_by(lambda scores: scores[-1]), "one lucky seed"),
        (report_by(np.median), "by the median"),
        (report_by(min), "best worst seed"),
        (report_by(lambda scores: np.mean(scores) - np.std(scores)), "the higher mean"),
        (report_by(list), "by the first seed"),
        (report_peak, "the best seed"),
        (report_swapped, "second comes the validation mean"),
        (report_mean_twice, "as the test accuracy"),
        (report_untested, "never measured"),
        (report_worst, "expected 'steady'"),
        (lambda t, test: report(t, test)[0], "three things"),
        (lambda t, test: report(t, test)[::-1], "the chosen name"),
    ],
}

RIGHT = {
    "log_uniform": [draw, draw_downwards, draw_by_log, draw_by_ten, draw_array],
    "make_grid": [
        grid,
        grid_by_hand,
        grid_yielded,
        grid_mesh,
        ParameterGrid,
        lambda c: tuple(grid(c)[::-1]),
    ],
    "successive_halving": [halve, halve_pairs, halve_arrays],
    "optimism": [optimism, optimism_by_row, optimism_by_weights],
    "honest_report": [report, report_by_tensor, report_sorted],
}
