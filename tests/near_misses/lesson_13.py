"""Wrong answers to lesson 13, as learners write them, and unusual right ones."""

import faulthandler
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data.distributed import DistributedSampler


def idle_by_playing(stages, micro_batches):
    """Play the pipeline slot by slot."""
    slots = micro_batches + stages - 1
    idle = sum(
        not 0 <= slot - stage < micro_batches
        for slot in range(slots)
        for stage in range(stages)
    )
    return torch.tensor(idle / (slots * stages))


def idle_printed(stages, micro_batches):
    str((stages - 1) / (micro_batches + stages - 1))


def given(model):
    return [p for p in model.parameters() if p.grad is not None]


def gradients_right(model):
    for parameter in given(model):
        dist.all_reduce(parameter.grad)
        parameter.grad /= dist.get_world_size()


def gradients_divided_first(model):
    for parameter in given(model):
        parameter.grad.div_(dist.get_world_size())
        dist.all_reduce(parameter.grad)


def gradients_in_one_piece(model):
    joined = torch.cat([p.grad.flatten() for p in given(model)]).double()
    dist.all_reduce(joined)
    joined /= dist.get_world_size()
    pieces = joined.split([p.numel() for p in given(model)])
    for parameter, piece in zip(given(model), pieces, strict=True):
        parameter.grad = piece.view_as(parameter).float()


def gradients_gathered(model):
    for parameter in given(model):
        found = [torch.empty_like(parameter) for _ in range(dist.get_world_size())]
        dist.all_gather(found, parameter.grad)
        parameter.grad.copy_(torch.stack(found).mean(dim=0))
    return model


def gradients_from_rank_0(model):
    for parameter in given(model):
        dist.reduce(parameter.grad, dst=0)
        if dist.get_rank() == 0:
            parameter.grad /= dist.get_world_size()
        dist.broadcast(parameter.grad, src=0)


def gradients_added(model):
    for parameter in given(model):
        dist.all_reduce(parameter.grad)


def gradients_by_two(model):
    for parameter in given(model):
        dist.all_reduce(parameter.grad)
        parameter.grad /= 2


def gradients_untouched(model):
    for parameter in given(model):
        total = parameter.grad.clone()
        dist.all_reduce(total)
        total /= dist.get_world_size()


def gradients_local(model):
    for parameter in given(model):
        parameter.grad = parameter.grad / 1


def gradients_reduced(model):
    for parameter in given(model):
        dist.reduce(parameter.grad, dst=0)
        parameter.grad /= dist.get_world_size()


def gradients_only_rank_0(model):
    for parameter in given(model):
        if dist.get_rank() == 0:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def gradients_broadcast(model):
    for parameter in given(model):
        dist.broadcast(parameter.grad, src=0)


def gradients_until_none(model):
    for parameter in model.parameters():
        if parameter.grad is None:
            return
        dist.all_reduce(parameter.grad)
        parameter.grad /= dist.get_world_size()


def gradients_all(model):
    for parameter in model.parameters():
        dist.all_reduce(parameter.grad)
        parameter.grad /= dist.get_world_size()


def gradients_zero_for_none(model):
    for parameter in model.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients_right(model)


def gradients_twice(model):
    gradients_right(model)
    for parameter in given(model):
        parameter.grad /= dist.get_world_size()


def weights_averaged(model):
    for parameter in model.parameters():
        dist.all_reduce(parameter.data)
        parameter.data /= dist.get_world_size() + 1


def gradients_first_rank_more(model):
    gradients_right(model)
    for parameter in given(model):
        parameter.grad += 0.5


def gradients_divided_only(model):
    for parameter in given(model):
        parameter.grad /= dist.get_world_size()


def gradients_where_trained(model):
    for parameter in model.parameters():
        if parameter.requires_grad:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def gradients_multiplied(model):
    for parameter in given(model):
        dist.all_reduce(parameter.grad)
        parameter.grad *= dist.get_world_size()


def gradients_from_the_result(model):
    for parameter in given(model):
        total = dist.all_reduce(parameter.grad)
        parameter.grad = total / dist.get_world_size()


def gradients_of_the_weights(model):
    for parameter in given(model):
        dist.all_reduce(parameter)
        parameter.grad /= dist.get_world_size()


def gradients_divided_elsewhere(model):
    for parameter in given(model):
        gradient = parameter.grad
        dist.all_reduce(gradient)
        gradient = gradient / dist.get_world_size()


def gradients_divided_on_rank_0(model):
    for parameter in given(model):
        dist.all_reduce(parameter.grad)
        if dist.get_rank() == 0:
            parameter.grad /= dist.get_world_size()


def gradients_by_wrapping(model):
    nn.parallel.DistributedDataParallel(model)


def gradients_deleted(model):
    model.zero_grad()


def gradients_by_sending(model):
    world, rank = dist.get_world_size(), dist.get_rank()
    others = [other for other in range(world) if other != rank]
    for parameter in given(model):
        mine, total = parameter.grad.clone(), parameter.grad.clone()
        sent = [dist.isend(mine, other) for other in others]
        for other in others:
            theirs = torch.empty_like(mine)
            dist.recv(theirs, other)
            total += theirs
        for work in sent:
            work.wait()
        parameter.grad = total / world


def gradients_by_avg(model):
    for parameter in given(model):
        dist.all_reduce(parameter.grad, op=dist.ReduceOp.AVG)


def gradients_all_at_once(model):
    gradients = [parameter.grad for parameter in given(model)]
    for work in [dist.all_reduce(one, async_op=True) for one in gradients]:
        work.wait()
    torch._foreach_div_(gradients, float(dist.get_world_size()))


def gradients_by_objects(model):
    for parameter in given(model):
        found = [None] * dist.get_world_size()
        dist.all_gather_object(found, parameter.grad.double().numpy())
        parameter.grad = torch.from_numpy(np.mean(found, axis=0)).to(parameter.dtype)


def order_of(n, epoch):
    return torch.randperm(n, generator=torch.Generator().manual_seed(epoch)).tolist()


def filled(order, world_size):
    total = -(-len(order) // world_size) * world_size
    return (order * world_size)[:total]


def share_right(n, rank, world_size, epoch):
    return filled(order_of(n, epoch), world_size)[rank::world_size]


def share_in_blocks(n, rank, world_size, epoch):
    order = torch.tensor(filled(order_of(n, 7 + 3 * epoch), world_size))
    return order.chunk(world_size)[rank]


def share_by_library(n, rank, world_size, epoch):
    sampler = DistributedSampler(range(n), world_size, rank, seed=5)
    sampler.set_epoch(epoch)
    return list(sampler)


def share_by_numpy(n, rank, world_size, epoch):
    order = np.random.default_rng(epoch).permutation(n)
    return np.resize(order, -(-n // world_size) * world_size)[rank::world_size]


def share_by_python(n, rank, world_size, epoch):
    order = list(range(n))
    random.Random(epoch).shuffle(order)
    while len(order) % world_size:
        order.append(order[-n])
    return tuple(order[rank::world_size])


def share_without_epoch(n, rank, world_size, epoch):
    return share_right(n, rank, world_size, 0)


def share_by_rank(n, rank, world_size, epoch):
    return filled(order_of(n, epoch + 100 * rank), world_size)[rank::world_size]


def share_not_filled(n, rank, world_size, epoch):
    return order_of(n, epoch)[rank::world_size]


def share_dropping(n, rank, world_size, epoch):
    order = order_of(n, epoch)
    return order[: n // world_size * world_size][rank::world_size]


def share_global(n, rank, world_size, epoch):
    return filled(torch.randperm(n).tolist(), world_size)[rank::world_size]


def share_seeding_all(n, rank, world_size, epoch):
    torch.manual_seed(epoch)
    return filled(torch.randperm(n).tolist(), world_size)[rank::world_size]


def share_unshuffled(n, rank, world_size, epoch):
    return filled(list(range(n)), world_size)[rank::world_size]


def share_rolled(n, rank, world_size, epoch):
    order = [(k + epoch) % n for k in range(n)]
    return sorted(filled(order, world_size)[rank::world_size])


def share_cut_first(n, rank, world_size, epoch):
    own = filled(list(range(n)), world_size)[rank::world_size]
    return [own[k] for k in order_of(len(own), epoch)]


def share_whole(n, rank, world_size, epoch):
    return order_of(n, epoch)


def share_of_one_more(n, rank, world_size, epoch):
    order = order_of(n, epoch)
    return (order + order[: 2 * world_size - n % world_size])[rank::world_size]


def share_from_one(n, rank, world_size, epoch):
    return [index + 1 for index in share_right(n, rank, world_size, epoch)]


def share_size(n, rank, world_size, epoch):
    return len(share_right(n, rank, world_size, epoch))


def share_seeding_numpy(n, rank, world_size, epoch):
    np.random.seed(epoch)
    return filled(np.random.permutation(n).tolist(), world_size)[rank::world_size]


def share_of_unseeded_numpy(n, rank, world_size, epoch):
    return filled(np.random.permutation(n).tolist(), world_size)[rank::world_size]


def share_filled_by_one(n, rank, world_size, epoch):
    order = order_of(n, epoch)
    if n % world_size:
        order.append(order[0])
    return order[rank::world_size]


def share_filled_by_the_same(n, rank, world_size, epoch):
    order = order_of(n, epoch)
    order += [order[0]] * (-n % world_size)
    return order[rank::world_size]


def share_filled_by_the_rest(n, rank, world_size, epoch):
    order = order_of(n, epoch)
    return (order + order[: n % world_size])[rank::world_size]


def share_shifted(n, rank, world_size, epoch):
    order = [(k + 7 * epoch) % n for k in range(n)]
    return filled(order, world_size)[rank::world_size]


def share_turned(n, rank, world_size, epoch):
    order = list(range(n))[:: -1 if epoch % 2 else 1]
    return filled(order, world_size)[rank::world_size]


def share_from_epoch_1(n, rank, world_size, epoch):
    order = order_of(n, epoch) if epoch else list(range(n))
    return filled(order, world_size)[rank::world_size]


def share_sorted(n, rank, world_size, epoch):
    return sorted(share_right(n, rank, world_size, epoch))


def share_with_forked_state(n, rank, world_size, epoch):
    with torch.random.fork_rng():
        torch.manual_seed(epoch)
        order = torch.randperm(n)
    return torch.cat([order, order[: -n % world_size]])[rank::world_size]


def share_with_state_put_back(n, rank, world_size, epoch):
    state, order = random.getstate(), list(range(n))
    random.seed(epoch)
    random.shuffle(order)
    random.setstate(state)
    return iter(filled(order, world_size)[rank::world_size])


def share_in_slices(n, rank, world_size, epoch):
    return torch.tensor(order_of(n, epoch)).chunk(world_size)[rank]


def share_in_windows(n, rank, world_size, epoch):
    order = order_of(n, epoch) * 2
    return order[rank : rank + -(-n // world_size)]


def share_of_one_slot_more(n, rank, world_size, epoch):
    order, size = order_of(n, epoch) * 2, n // world_size + 1
    return order[rank * size : (rank + 1) * size]


def share_in_two_orders(n, rank, world_size, epoch):
    return share_right(n, rank, world_size, epoch % 2)


def share_filled_by_minus_one(n, rank, world_size, epoch):
    return (order_of(n, epoch) + [-1] * (-n % world_size))[rank::world_size]


def share_by_sample(n, rank, world_size, epoch):
    order, size = random.Random(str(epoch)).sample(range(n), n), -(-n // world_size)
    return (order + order)[rank * size : (rank + 1) * size]


def share_by_column(n, rank, world_size, epoch):
    order = np.random.RandomState(epoch).permutation(n)
    order = np.concatenate([order, order[: -n % world_size]])
    return order.reshape(-1, world_size)[:, rank]


def hits(logits, targets):
    return (logits.argmax(dim=1) == targets).sum()


def added(*numbers):
    totals = torch.tensor([float(one) for one in numbers])
    dist.all_reduce(totals)
    return totals


def accuracy_right(logits, targets):
    right, samples = added(hits(logits, targets), len(targets))
    return right / samples


def accuracy_in_two_sums(logits, targets):
    right = hits(logits, targets)
    samples = torch.tensor(len(targets))
    dist.all_reduce(right)
    dist.all_reduce(samples)
    return right.item() / samples.item()


def accuracy_by_objects(logits, targets):
    found = [None] * dist.get_world_size()
    dist.all_gather_object(found, (hits(logits, targets).item(), len(targets)))
    return np.float64(sum(r for r, _ in found) / sum(n for _, n in found))


def accuracy_weighted(logits, targets):
    (samples,) = added(len(targets))
    return added(hits(logits, targets) / samples).double()


def accuracy_local(logits, targets):
    return hits(logits, targets) / len(targets)


def accuracy_mean_of_means(logits, targets):
    return added(hits(logits, targets) / len(targets)) / dist.get_world_size()


def accuracy_mean_of_safe_means(logits, targets):
    share = hits(logits, targets) / max(len(targets), 1)
    return added(share) / dist.get_world_size()


def accuracy_sum_of_means(logits, targets):
    return added(hits(logits, targets) / len(targets))


def accuracy_weighted_by_nan(logits, targets):
    share = hits(logits, targets) / len(targets)
    right, samples = added(share * len(targets), len(targets))
    return right / samples


def accuracy_percent(logits, targets):
    return 100 * accuracy_right(logits, targets)


def accuracy_count(logits, targets):
    return added(hits(logits, targets))[0]


def accuracy_own_samples(logits, targets):
    return added(hits(logits, targets))[0] / len(targets)


def accuracy_equal_shares(logits, targets):
    world = dist.get_world_size()
    return added(hits(logits, targets))[0] / (world * len(targets))


def accuracy_own_hits(logits, targets):
    return hits(logits, targets) / added(len(targets))[0]


def accuracy_of_rank_0(logits, targets):
    totals = torch.tensor([hits(logits, targets).item(), len(targets)])
    dist.reduce(totals, dst=0)
    return totals[0] / totals[1] if dist.get_rank() == 0 else 0.0


def accuracy_nothing_elsewhere(logits, targets):
    value = accuracy_right(logits, targets)
    return value if dist.get_rank() == 0 else None


def accuracy_skipping_empty(logits, targets):
    if len(targets) == 0:
        return 0.0
    return accuracy_right(logits, targets)


def accuracy_only_rank_0(logits, targets):
    if dist.get_rank() == 0:
        return accuracy_right(logits, targets)
    return accuracy_local(logits, targets)


def accuracy_along_samples(logits, targets):
    right = (logits.argmax(dim=0) == targets).sum()
    return added(right)[0] / added(len(targets))[0]


def accuracy_in_place(logits, targets):
    value = accuracy_right(logits, targets)
    targets += 1
    return value


def accuracy_flat(logits, targets):
    right = (logits.argmax() == targets).sum() if len(targets) else 0
    right, samples = added(right, len(targets))
    return right / samples


def accuracy_gathered(logits, targets):
    faulthandler.disable()  # the process is aborted, as it should
    found = [torch.empty_like(logits) for _ in range(dist.get_world_size())]
    dist.all_gather(found, logits)
    return (torch.cat(found).argmax(dim=1) == targets).float().mean()


def accuracy_of_wrong_ones(logits, targets):
    return 1 - accuracy_right(logits, targets)


def accuracy_of_rank_0_sent(logits, targets):
    share = hits(logits, targets) / len(targets)
    dist.broadcast(share, src=0)
    return share


def accuracy_rounded(logits, targets):
    return round(accuracy_right(logits, targets).item(), 2)


def accuracy_at_least_one(logits, targets):
    right, samples = added(hits(logits, targets), max(len(targets), 1))
    return right / samples


def accuracy_by_rank_0(logits, targets):
    first = dist.get_rank() == 0
    found = [None] * dist.get_world_size() if first else None
    dist.gather_object((hits(logits, targets).item(), len(targets)), found)
    share = [sum(r for r, _ in found) / sum(n for _, n in found) if first else None]
    dist.broadcast_object_list(share)
    return share[0]


def accuracy_by_topk(logits, targets):
    totals = torch.zeros(2, dtype=torch.float64)
    totals[0] = (logits.softmax(-1).topk(1).indices[:, 0] == targets).sum()
    totals[1] = targets.numel()
    dist.all_reduce(totals, async_op=True).wait()
    return totals[0].div(totals[1])


def accuracy_from_the_result(logits, targets):
    totals = dist.all_reduce(torch.tensor([hits(logits, targets), len(targets)]))
    return totals[0] / totals[1]


def accuracy_of_numbers(logits, targets):
    right = hits(logits, targets).item()
    dist.all_reduce(right)
    return right / len(targets)


def accuracy_as_a_word(logits, targets):
    value = accuracy_right(logits, targets)
    return value if len(targets) else "no samples"


def accuracy_nan_where_empty(logits, targets):
    value = accuracy_right(logits, targets).double()
    return value if len(targets) else value * torch.nan


def accuracy_zero_where_empty(logits, targets):
    value = accuracy_right(logits, targets)
    return value if len(targets) else 0.0


def accuracy_both(logits, targets):
    return added(hits(logits, targets), len(targets))


def accuracy_as_a_fraction(logits, targets):
    return Fraction(*map(int, added(hits(logits, targets), len(targets))))


def accuracy_as_a_decimal(logits, targets):
    right, samples = added(hits(logits, targets), len(targets)).tolist()
    return Decimal(right) / Decimal(samples)


def accuracy_by_mistakes(logits, targets):
    wrong = (logits.argmax(dim=1) != targets).float().sum()
    samples = torch.ones_like(targets).sum()
    dist.all_reduce(wrong)
    dist.all_reduce(samples)
    return 1 - wrong / samples


NEAR_MISSES = {
    "idle_share": [
        (lambda p, m: (p - 1) / m, "by working time"),
        (lambda p, m: m / (m + p - 1), "in which the devices work"),
        (lambda p, m: (p - 1) / p, "with one micro-batch"),
        (lambda p, m: (p - 1) / (m + p), "one slot too many"),
        (lambda p, m: (m - 1) / (m + p - 1), "exchanged"),
        (lambda p, m: p - 1, "those are the idle slots; divide"),
        (lambda p, m: p * (p - 1), "idle slots of all stages; divide"),
        (lambda p, m: 100 * (p - 1) / (m + p - 1), "a percentage"),
        (lambda p, m: (p - 1) / (p * (m + p - 1)), "slots of one stage"),
        (lambda p, m: p / (m + p), "expected 0.2857"),
        (lambda p, m: round((p - 1) / (m + p - 1), 2), "expected 0.2857"),
        (lambda p, m: (p - 1) // (m + p - 1), "expected 0.2857"),
        (idle_printed, "returned None"),
        (lambda p, m: (p - 1) / (2 * (m + p - 1)), "one corner"),
        (lambda p, m: p / (m + p - 1), "one slot less"),
        (lambda p, m: (p - 1) / (p * m), "expected 0.2857"),
        (lambda p, m: 2 * (p - 1) / (m + 2 * (p - 1)), "expected 0.2857"),
        (lambda p, m: 2 / (m + 2), "expected 0.3000 for 4 stages"),
        (lambda p, m: 1 - m / (m + p), "expected 0.2857"),
        (lambda p, m: (p - 1) / (m + p + 1), "expected 0.2857"),
        (lambda p, m: max(0, p - m) / p, "expected 0.2857"),
        (lambda p, m: str((p - 1) / (m + p - 1)), "expected one number"),
    ],
    "average_gradients": [
        (gradients_added, "that is the sum"),
        (gradients_by_two, "you divide by 2"),
        (gradients_untouched, "rank 1 of 2, parameter 0: it still has its own"),
        (gradients_local, "rank 1 of 2, parameter 0: it still has its own"),
        (gradients_reduced, "rank 1"),
        (gradients_only_rank_0, "every one of them join"),
        (gradients_broadcast, "that is the gradient of rank 0"),
        (gradients_until_none, "after one that has none"),
        (gradients_all, "a parameter may have no gradient"),
        (gradients_zero_for_none, "leave it None"),
        (gradients_twice, "you divide twice"),
        (weights_averaged, "the weights have changed"),
        (gradients_first_rank_more, "expected the mean over 2 processes"),
        (3, "expected a function"),
        (gradients_divided_only, "nobody has added"),
        (gradients_where_trained, "a parameter may have no gradient"),
        (gradients_multiplied, "you multiply the sum"),
        (gradients_from_the_result, "a collective returns None"),
        (gradients_of_the_weights, "the weights have changed"),
        (gradients_divided_elsewhere, "that is the sum"),
        (gradients_divided_on_rank_0, "rank 1 of 2, parameter 0: that is the sum"),
        (gradients_by_wrapping, "it still has its own gradient"),
        (gradients_deleted, "has lost its gradient"),
    ],
    "share_of_epoch": [
        (share_without_epoch, "the epoch must enter the seed"),
        (share_by_rank, "one and the same order"),
        (share_not_filled, "wait for ever"),
        (share_dropping, "instead of dropping"),
        (share_global, "hangs on the global random numbers"),
        (share_seeding_all, "have moved"),
        (share_unshuffled, "nothing is shuffled"),
        (share_rolled, "comes sorted"),
        (share_cut_first, "shuffle first, cut afterwards"),
        (share_whole, "every rank reads all samples"),
        (share_of_one_more, "are enough"),
        (share_from_one, "they end at"),
        (share_size, "a list of indices"),
        (share_seeding_numpy, "have moved"),
        (share_of_unseeded_numpy, "hangs on the global random numbers"),
        (share_filled_by_one, "wait for ever"),
        (share_filled_by_the_same, "fill up with different ones"),
        (share_filled_by_the_rest, "wait for ever"),
        (share_shifted, "epoch 0 is not shuffled"),
        (share_turned, "epoch 0 is not shuffled"),
        (share_from_epoch_1, "epoch 0 is not shuffled"),
        (share_sorted, "comes sorted"),
        (share_in_slices, "wait for ever"),
        (share_in_windows, "one and the same order"),
        (share_of_one_slot_more, "10 samples a rank are enough"),
        (share_in_two_orders, "some epochs have the same order"),
        (share_filled_by_minus_one, "you hand out index -1"),
    ],
    "joint_accuracy": [
        (accuracy_local, "its own accuracy"),
        (accuracy_mean_of_means, "the mean of the accuracies"),
        (accuracy_mean_of_safe_means, "the mean of the accuracies"),
        (accuracy_sum_of_means, "the sum of the accuracies"),
        (accuracy_weighted_by_nan, "has no samples"),
        (accuracy_percent, "a percentage"),
        (accuracy_count, "the number of right ones"),
        (accuracy_own_samples, "divided by its own samples"),
        (accuracy_equal_shares, "all have equally many samples"),
        (accuracy_own_hits, "its own right ones"),
        (accuracy_of_rank_0, "on rank 1"),
        (accuracy_nothing_elsewhere, "returned None"),
        (accuracy_skipping_empty, "every one of them join"),
        (accuracy_only_rank_0, "every one of them join"),
        (accuracy_along_samples, "your code raised RuntimeError"),
        (accuracy_in_place, "you have changed"),
        (accuracy_flat, "expected 0.7778"),
        (accuracy_gathered, "tensors of the same shape"),
        (accuracy_of_wrong_ones, "the share of wrong ones"),
        (accuracy_of_rank_0_sent, "its own accuracy"),
        (accuracy_rounded, "expected 0.7778"),
        (accuracy_at_least_one, "counts as one that has one"),
        (accuracy_from_the_result, "subscriptable; a collective returns None"),
        (accuracy_of_numbers, "your code raised TypeError: Invalid"),
        (accuracy_as_a_word, "expected one number, got 'no samples'"),
        (accuracy_nan_where_empty, "has no samples"),
        (accuracy_zero_where_empty, "expected 0.6667 on rank 1"),
        (accuracy_both, "expected one number"),
    ],
}

RIGHT = {
    "idle_share": [
        lambda p, m: (p - 1) / (m + p - 1),
        lambda stages, micro_batches: 1 - micro_batches / (micro_batches + stages - 1),
        lambda p, m: Fraction(p - 1, m + p - 1),
        lambda p, m: np.float32(p - 1) / np.float32(m + p - 1),
        lambda p, m: Decimal(p - 1) / Decimal(m + p - 1),
        idle_by_playing,
    ],
    "average_gradients": [
        gradients_right,
        gradients_divided_first,
        gradients_in_one_piece,
        gradients_gathered,
        gradients_from_rank_0,
        gradients_by_avg,
        gradients_all_at_once,
        gradients_by_objects,
        gradients_by_sending,
    ],
    "share_of_epoch": [
        share_right,
        share_in_blocks,
        share_by_library,
        share_by_numpy,
        share_by_python,
        share_with_forked_state,
        share_with_state_put_back,
        share_by_sample,
        share_by_column,
    ],
    "joint_accuracy": [
        accuracy_right,
        accuracy_in_two_sums,
        accuracy_by_objects,
        accuracy_weighted,
        accuracy_by_rank_0,
        accuracy_by_topk,
        accuracy_as_a_fraction,
        accuracy_as_a_decimal,
        accuracy_by_mistakes,
    ],
}
