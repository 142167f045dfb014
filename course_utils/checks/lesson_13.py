"""Checks for notebooks/13_many_devices.ipynb."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from course_utils.checks import Lesson
from course_utils.checks.answers import (
    StillOpen,
    ask,
    brief,
    global_states,
    is_empty,
    number,
)
from course_utils.processes import ProcessFailed, run_processes

SECONDS = 10  # for a few sums in a few processes; one that hangs takes them all

lesson = Lesson()
progress = lesson.progress


@lesson.question("13.1")
def idle_share(answer) -> None:
    """(p - 1) / (m + p - 1)."""
    for stages, parts in ((3, 5), (4, 7), (6, 1), (9, 90)):
        slots = parts + stages - 1
        right = (stages - 1) / slots
        got = number(ask(answer, stages, parts))
        wrong = {
            "that is the share in which the devices work": 1 - right,
            "that is idle time by working time; divide by all slots, the idle ones "
            "too": (stages - 1) / parts,
            "that is the share with one micro-batch; more of them shorten it": 1
            - 1 / stages,
            "one slot too many: the first part needs a slot in each stage, each other "
            "part comes out one slot later": (stages - 1) / (parts + stages),
            "stages and micro-batches are exchanged": (parts - 1) / slots,
            "those are the idle slots; divide by all slots": stages - 1,
            "those are the idle slots of all stages; divide by all slots of all": stages
            * (stages - 1),
            "that is a percentage; return a share from 0 to 1": 100 * right,
            "that divides the idle slots of one stage by the slots of all": (stages - 1)
            / (slots * stages),
            "that divides the idle slots of all stages by the slots of one": stages
            * (stages - 1)
            / slots,
            "that is one corner of the drawing; stages wait at both ends": (stages - 1)
            / (2 * slots),
            "each stage waits one slot less than there are stages": stages / slots,
        }
        for words, value in wrong.items():
            same = abs(got - value) < 1e-4 and abs(value - right) > 1e-4
            assert not same, f"{stages} stages, {parts} micro-batches: {words}"
        assert abs(got - right) < 1e-4, (
            f"expected {right:.4f} for {stages} stages and {parts} micro-batches, "
            f"got {got:.4f}"
        )
    got = number(ask(answer, 1, 4))
    assert abs(got) < 1e-4, (
        f"expected 0 for a single stage, which never waits, got {got}"
    )


def together(answer, work: Callable, *args, count: int) -> list:
    """Return what work(rank, answer, …) returned in each process.

    Raises: StillOpen or AssertionError, in the learner's words.
    """
    assert callable(answer), f"expected a function, got {brief(answer)}"
    if is_empty(answer):
        raise StillOpen
    try:
        return run_processes(work, answer, *args, count=count, seconds=SECONDS)
    except TimeoutError:
        raise AssertionError(
            "the processes wait for each other for ever: does every one of them join "
            "every collective, in the same order?"
        ) from None
    except ProcessFailed as problem:
        reason = " ".join(problem.reason.split())
        if reason.startswith("StillOpen"):
            raise StillOpen from None
        if reason.startswith("AssertionError: "):
            raise AssertionError(reason[len("AssertionError: ") :]) from None
        gone = "Connection closed", "Read error", "reset by peer", "Broken pipe"
        assert not any(words in reason for words in gone), (
            f"process {problem.rank} waited for one that had already finished: does "
            "every one of them join every collective?"
        )
        assert "SIGABRT" not in reason, (
            f"process {problem.rank} was aborted in a collective: do all processes "
            "hand over tensors of the same shape?"
        )
        hint = NONE[work] if "NoneType" in reason else ""
        raise AssertionError(
            f"in process {problem.rank} your code raised {reason[:90]}{hint}"
        ) from None


FACTORS = (1.0, 4.0, 13.0)  # by which the gradients of the ranks differ


def small_model() -> nn.Module:
    """Return a model whose second of three layers has no gradients.

    Its weight is frozen; its bias is not, it only was not used.
    """
    torch.manual_seed(13)
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    model[1].weight.requires_grad_(False)
    for parameter in (*model[0].parameters(), *model[2].parameters()):
        parameter.grad = torch.randn(parameter.shape) + 3
    return model


def averaged(rank: int, answer) -> tuple[list, list]:
    """Return the gradients and the weights after the answer, in a process."""
    model = small_model()
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad *= FACTORS[rank]
    answer(model)
    gradients = [
        None if p.grad is None else p.grad.detach().clone() for p in model.parameters()
    ]
    return gradients, [p.detach().clone() for p in model.parameters()]


@lesson.question("13.2")
def average_gradients(answer) -> None:
    """The mean over all ranks, everywhere, of what has a gradient."""
    for count in (2, 3):
        results = together(answer, averaged, count=count)
        for rank, (gradients, weights) in reversed(list(enumerate(results))):
            judge_gradients(rank, count, gradients, weights)


def judge_gradients(rank: int, count: int, gradients: list, weights: list) -> None:
    """Raise AssertionError unless these are the gradients of the joint batch."""
    model = small_model()
    start = [parameter.detach() for parameter in model.parameters()]
    base = [parameter.grad for parameter in model.parameters()]
    for one, other in zip(weights, start, strict=True):
        assert torch.equal(one, other), (
            "the weights have changed: agree on the gradients, the optimizer does the "
            "rest"
        )
    total = sum(FACTORS[:count])
    wrong = {
        "it still has its own gradient": FACTORS[rank],
        "it has divided its own gradient; nobody has added": FACTORS[rank] / count,
        "you multiply the sum; divide it": total * count,
        "that is the sum; the joint loss is a mean over all samples": total,
        "you divide by 2; there may be another number of processes": total / 2,
        "that is the gradient of rank 0; everybody's counts": FACTORS[0],
        "you divide twice": total / count**2,
        "that is the gradient of the last rank alone": FACTORS[count - 1],
        "one of the ranks is missing in the sum": (total - FACTORS[rank]) / count,
    }
    for place, (got, unit) in enumerate(zip(gradients, base, strict=True)):
        if unit is None:
            assert got is None, "a parameter without a gradient got one; leave it None"
            continue
        assert got is not None, f"rank {rank}: parameter {place} has lost its gradient"
        assert got.shape == unit.shape, (
            f"gradient {place} has shape {tuple(got.shape)}, not {tuple(unit.shape)}"
        )
        right = unit * total / count
        for words, factor in wrong.items():
            same = abs(factor - total / count) > 1e-3 and close(got, unit * factor)
            where = ", after one that has none" if place > 2 else ""
            assert not same, (
                f"rank {rank} of {count}, parameter {place}{where}: {words}"
            )
        assert close(got, right), (
            f"expected the mean over {count} processes, {right.flatten()[0]:.3f} "
            f"first, got {got.flatten()[0]:.3f} (rank {rank}, parameter {place})"
        )


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Return whether two tensors of one shape are equal but for rounding."""
    return torch.allclose(one.float(), other, rtol=1e-4, atol=1e-5)


@lesson.question("13.3")
def share_of_epoch(answer) -> None:
    """Equal shares of one shuffled order, another one in each epoch."""
    for n, world_size in ((11, 2), (21, 4), (30, 3)):
        states = seeded(1)
        epochs = [shares(answer, n, world_size, epoch) for epoch in range(4)]
        moved = states != global_states()
        seeded(2)
        again = [shares(answer, n, world_size, epoch) for epoch in range(4)]
        assert not moved or epochs == again, (
            "the order hangs on the global random numbers, which differ between "
            "processes: give randperm a generator seeded by the epoch"
        )
        assert epochs == again, "asked twice for one epoch, you gave two orders"
        for epoch in epochs:
            judge_shares(epoch, n, world_size)
        judge_epochs(epochs, n)
        assert not moved, (
            "right, but the global random numbers have moved: seed a torch.Generator "
            "of your own"
        )


def seeded(seed: int) -> list:
    """Seed every global source of random numbers; return their states."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    return global_states()


def shares(answer, n: int, world_size: int, epoch: int) -> list[list[int]]:
    """Return the indices of every rank."""
    found = []
    for rank in range(world_size):
        result = ask(answer, n, rank, world_size, epoch)
        try:
            found.append([int(number(index)) for index in result])
        except TypeError:
            raise AssertionError(
                f"return a list of indices, got {brief(result)}"
            ) from None
    return found


def judge_shares(found: list[list[int]], n: int, world_size: int) -> None:
    """Raise AssertionError unless the ranks share one epoch as they should."""
    case = f"{n} samples, {world_size} ranks"
    read = {index for share in found for index in share}
    outside = sorted(read - set(range(n)))
    assert not outside, f"{case}: you hand out index {outside[0]}; they end at {n - 1}"
    sizes = [len(share) for share in found]
    full = -(-n // world_size)
    assert set(sizes) != {n}, f"{case}: every rank reads all samples; cut the order"
    assert len(set(sizes)) == 1, (
        f"{case}: shares of {sizes}; the larger ones would wait for ever. Fill up"
    )
    assert sizes[0] >= full, (
        f"{case}: shares of {sizes[0]}, so some samples are read by nobody; fill up "
        "instead of dropping"
    )
    assert read == set(range(n)), (
        f"{case}: some samples are read by nobody, others by several ranks; all ranks "
        "must cut one and the same order"
    )
    assert sizes[0] == full, (
        f"{case}: {full} samples a rank are enough, you hand out {sizes[0]}"
    )
    often, times = Counter(index for one in found for index in one).most_common(1)[0]
    assert times <= 2, (
        f"{case}: sample {often} is given out {times} times; fill up with "
        "different ones"
    )


def judge_epochs(epochs: list[list[list[int]]], n: int) -> None:
    """Raise AssertionError unless the order changes with the epoch."""
    firsts = [epoch[0] for epoch in epochs]
    rising = all(share == sorted(share) for epoch in epochs for share in epoch[:-1])
    if firsts[0] == firsts[1]:
        assert not rising, "nothing is shuffled: the indices come in their old order"
        assert any(one != firsts[0] for one in firsts), (
            "every epoch has the same order: the epoch must enter the seed"
        )
        raise AssertionError("epochs 0 and 1 have the same order")
    assert not rising, "each share comes sorted; leave it in the shuffled order"
    for k, epoch in enumerate(epochs):
        steps = Counter((b - a) % n for share in epoch for a, b in pairwise(share))
        assert steps.most_common(1)[0][1] < 0.7 * steps.total(), (
            f"epoch {k} is not shuffled: its indices follow each other at equal steps"
        )
    assert len({tuple(sorted(set(share))) for share in firsts}) > 1, (
        "a rank reads the same samples in every epoch: shuffle first, cut afterwards"
    )
    orders = {tuple(map(tuple, epoch)) for epoch in epochs}
    assert len(orders) == len(epochs), "some epochs have the same order"


# For each process its number of samples, and how many of them are right.
GROUPS = (((6, 5), (3, 2)), ((5, 2), (0, 0), (7, 6)))


def outputs(samples: int, right: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits of 3 classes and targets, so that the first `right` are right."""
    targets = torch.arange(samples) % 3
    guesses = (targets + (torch.arange(samples) >= right)) % 3
    return nn.functional.one_hot(guesses, 3).float() * 4 - 1.5, targets


def measured(rank: int, answer, group: tuple) -> tuple:
    """Return the answer's result in a process, and whether its inputs are unchanged."""
    logits, targets = outputs(*group[rank])
    given = logits.clone(), targets.clone()
    result = ask(answer, *given)
    unchanged = torch.equal(given[0], logits) and torch.equal(given[1], targets)
    return result, unchanged


# What may be None in the learner's code, for each kind of work.
NONE = {
    averaged: "; a parameter may have no gradient, and a collective returns None",
    measured: "; a collective returns None, it works in place",
}


@lesson.question("13.4")
def joint_accuracy(answer) -> None:
    """All right ones by all samples, in every process."""
    for group in GROUPS:
        results = together(answer, measured, group, count=len(group))
        for rank, (result, unchanged) in enumerate(results):
            judge_accuracy(rank, group, result)
            assert unchanged, "right, but you have changed the logits or the targets"


def judge_accuracy(rank: int, group: tuple, result) -> None:
    """Raise AssertionError unless this rank's result is the accuracy over all."""
    samples, rights = [one for one, _ in group], [one for _, one in group]
    everyone, correct, world = sum(samples), sum(rights), len(group)
    right = correct / everyone
    if 0 in samples:
        assert "nan" not in str(result), (
            "nan, since one process has no samples: add up counts, then divide"
        )
    got = number(result)
    own = [r / n for n, r in group if n]
    wrong = {
        "that is the sum of the accuracies; add up counts instead": sum(own),
        "that is the mean of the accuracies, but the shares are unequal: add up "
        "counts, then divide": sum(own) / world,
        "that is the mean over those that have samples; add up counts": sum(own)
        / len(own),
        "that is the number of right ones; divide by all samples": correct,
        "that is a percentage; return a share from 0 to 1": 100 * right,
        "the sum of the right ones is divided by the number of processes": correct
        / world,
        "that is the share of wrong ones": 1 - right,
        "a process without samples counts as one that has one": correct
        / (everyone + samples.count(0)),
    }
    if samples[rank]:
        mine = rights[rank] / samples[rank]
        wrong |= {
            "that is its own accuracy; the others' samples count too": mine,
            "all right ones are divided by its own samples; add those up too": correct
            / samples[rank],
            "you take it that all have equally many samples; add those up too": correct
            / (world * samples[rank]),
            "its own right ones are divided by all samples; add them up too": rights[
                rank
            ]
            / everyone,
        }
    for words, value in wrong.items():
        same = abs(got - value) < 1e-4 and abs(value - right) > 1e-4
        assert not same, f"rank {rank}: {words}"
    assert abs(got - right) < 1e-4, (
        f"expected {right:.4f} on rank {rank}, {correct} of {everyone}, got {got:.4f}"
    )
