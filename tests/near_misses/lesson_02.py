"""Answers to the exercises of lesson 02: wrong as learners write them, and right."""

import math
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler


def pieces(order, batch_size, drop_last):
    batches = [piece.tolist() for piece in order.split(batch_size)]
    return [b for b in batches if len(b) == batch_size] if drop_last else batches


def order_of(n, generator):
    if generator is None:
        return torch.arange(n)
    return torch.randperm(n, generator=generator)


def cut_right(n, batch_size, drop_last, generator=None):
    return pieces(order_of(n, generator), batch_size, drop_last)


def cut_by_library(n, batch_size, drop_last, generator=None):
    indices = range(n)
    sampler = SequentialSampler(indices)
    if generator:
        sampler = RandomSampler(indices, generator=generator)
    return list(BatchSampler(sampler, batch_size, drop_last))


def cut_tensors(n, batch_size, drop_last, generator=None):
    batches = order_of(n, generator).split(batch_size)
    return batches[: n // batch_size] if drop_last else batches


def cut_always_shuffled(n, batch_size, drop_last, generator=None):
    return pieces(torch.randperm(n, generator=generator), batch_size, drop_last)


def cut_without_tail(n, batch_size, drop_last, generator=None):
    return pieces(order_of(n, generator), batch_size, True)


def cut_with_tail(n, batch_size, drop_last, generator=None):
    return pieces(order_of(n, generator), batch_size, False)


def cut_last_off(n, batch_size, drop_last, generator=None):
    batches = pieces(order_of(n, generator), batch_size, False)
    return batches[:-1] if drop_last else batches


def cut_never_shuffled(n, batch_size, drop_last, generator=None):
    return pieces(torch.arange(n), batch_size, drop_last)


def cut_globally(n, batch_size, drop_last, generator=None):
    order = torch.randperm(n) if generator else torch.arange(n)
    return pieces(order, batch_size, drop_last)


def cut_by_random(n, batch_size, drop_last, generator=None):
    order = list(range(n))
    if generator:
        random.shuffle(order)
    return pieces(torch.tensor(order), batch_size, drop_last)


def cut_reseeded(n, batch_size, drop_last, generator=None):
    if generator:
        generator.manual_seed(0)
    return pieces(order_of(n, generator), batch_size, drop_last)


def cut_batches_shuffled(n, batch_size, drop_last, generator=None):
    batches = pieces(torch.arange(n), batch_size, drop_last)
    if generator:
        order = torch.randperm(len(batches), generator=generator)
        batches = sorted((batches[k] for k in order), key=len, reverse=True)
    return batches


def cut_shuffled_within(n, batch_size, drop_last, generator=None):
    batches = pieces(torch.arange(n), batch_size, drop_last)
    if generator:
        for batch in batches:
            order = torch.randperm(len(batch), generator=generator)
            batch[:] = [batch[k] for k in order]
    return batches


def cut_tail_first(n, batch_size, drop_last, generator=None):
    n = n - n % batch_size if drop_last else n
    return pieces(order_of(n, generator), batch_size, drop_last)


def cut_with_empty(n, batch_size, drop_last, generator=None):
    order = order_of(n, generator).tolist()
    starts = range(0, batch_size * (n // batch_size + 1), batch_size)
    batches = [order[k : k + batch_size] for k in starts]
    return [b for b in batches if len(b) == batch_size] if drop_last else batches


def cut_flat(n, batch_size, drop_last, generator=None):
    return order_of(n, generator).tolist()


def cut_by_yielding(n, batch_size, drop_last, generator=None):
    order = order_of(n, generator).numpy()
    for k in range(0, n, batch_size):
        batch = order[k : k + batch_size]
        if len(batch) == batch_size or not drop_last:
            yield batch


def cut_by_loader(n, batch_size, drop_last, generator=None):
    shuffle = generator is not None
    settings = {"batch_size": batch_size, "drop_last": drop_last}
    return list(DataLoader(range(n), shuffle=shuffle, generator=generator, **settings))


def cut_ranges(n, batch_size, drop_last, generator=None):
    if generator is not None:
        return cut_right(n, batch_size, drop_last, generator)
    end = n - n % batch_size if drop_last else n
    return [range(k, min(k + batch_size, end)) for k in range(0, end, batch_size)]


def cut_first_off(n, batch_size, drop_last, generator=None):
    order = order_of(n, generator)
    return pieces(order[n % batch_size :] if drop_last else order, batch_size, False)


def cut_filled_up(n, batch_size, drop_last, generator=None):
    batches = pieces(order_of(n, generator), batch_size, drop_last)
    batches[-1] += batches[0][: batch_size - len(batches[-1])]
    return batches


def cut_into_so_many(n, batch_size, drop_last, generator=None):
    return [part.tolist() for part in order_of(n, generator).chunk(batch_size)]


def cut_with_replacement(n, batch_size, drop_last, generator=None):
    order = torch.arange(n)
    if generator is not None:
        order = torch.randint(n, (n,), generator=generator)
    return pieces(order, batch_size, drop_last)


def cut_repeating_when_dropping(n, batch_size, drop_last, generator=None):
    batches = cut_right(n, batch_size, False, generator)
    if drop_last and generator is not None:
        batches = cut_with_replacement(n, batch_size, True, generator)
    return batches[: n // batch_size] if drop_last else batches


def cut_tail_joined(n, batch_size, drop_last, generator=None):
    batches = pieces(order_of(n, generator), batch_size, False)
    if len(batches[-1]) < batch_size:
        tail = batches.pop()
        batches[-1] += [] if drop_last else tail
    return batches


def cut_floats(n, batch_size, drop_last, generator=None):
    order = torch.linspace(0, n - 1, n)
    if generator is not None:
        order = order[torch.randperm(n, generator=generator)]
    return pieces(order, batch_size, drop_last)


def cut_by_seed(n, batch_size, drop_last, generator=None):
    order = np.arange(n)
    if generator is not None:
        np.random.default_rng(generator.initial_seed()).shuffle(order)
    return pieces(torch.tensor(order), batch_size, drop_last)


def cut_seeding_all(n, batch_size, drop_last, generator=None):
    if generator is not None:
        torch.manual_seed(generator.initial_seed())
    return cut_globally(n, batch_size, drop_last, generator)


def pad(samples, **change):
    """Collate rightly, but for what `change` says."""
    ids, labels = zip(*samples, strict=True)
    lengths = torch.tensor([len(one) for one in ids])
    padded = nn.utils.rnn.pad_sequence(list(ids), batch_first=True)
    mask = torch.arange(padded.shape[1]) < lengths.unsqueeze(1)
    parts = {"ids": padded, "lengths": lengths, "mask": mask, "labels": labels}
    parts["labels"] = torch.tensor(labels)
    for name, new in change.items():
        parts[name] = new(parts)
    return tuple(parts.values())


def pad_by_hand(samples):
    width = max(len(ids) for ids, _ in samples)
    ids = torch.zeros(len(samples), width, dtype=torch.int64)
    mask = torch.zeros(len(samples), width, dtype=torch.bool)
    for row, (one, _) in enumerate(samples):
        ids[row, : len(one)] = one
        mask[row, : len(one)] = True
    return [ids, mask.sum(dim=1), mask, torch.as_tensor([k for _, k in samples])]


def wide(parts):
    return nn.functional.pad(parts["ids"], (0, 5))


def square(parts):
    return parts["ids"][:, : len(parts["ids"])]


def to_the_left(parts):
    rows = zip(parts["ids"], parts["lengths"], strict=True)
    return torch.stack([row.roll(row.numel() - int(n)) for row, n in rows])


def pad_sorted(samples):
    return pad(sorted(samples, key=lambda sample: -len(sample[0])))


def pad_growing(samples):
    width = max(len(ids) for ids, _ in samples)
    collated = pad(samples)
    for ids, _ in samples:
        ids.resize_(width)
    return collated


def pad_squeezed(samples):
    return tuple(part.squeeze() for part in pad(samples))


def pad_by_numpy(samples):
    ids, labels = zip(*samples, strict=True)
    lengths = np.array([len(one) for one in ids])
    mask = np.arange(lengths.max())[None] < lengths[:, None]
    padded = np.zeros(mask.shape, dtype=np.int64)
    padded[mask] = np.concatenate([one.numpy() for one in ids])
    return tuple(map(torch.from_numpy, (padded, lengths, mask, np.array(labels))))


def filled_with_one(parts):
    return parts["ids"].masked_fill(~parts["mask"], 1)


def known_words(parts):
    return parts["ids"] > 1


def one_too_many(parts):
    return torch.arange(parts["ids"].shape[1]) <= parts["lengths"].unsqueeze(1)


def mean_of_first(vectors, mask):
    lengths = mask.sum(dim=1).tolist()
    pairs = zip(vectors, lengths, strict=True)
    return torch.stack([vector[:n].mean(dim=0) for vector, n in pairs])


def mean_by_library(vectors, mask):
    return torch.masked.mean(vectors, dim=1, mask=mask.unsqueeze(2).expand_as(vectors))


def mean_by_product(vectors, mask):
    weights = mask.to(vectors.dtype)
    sums = (weights.unsqueeze(1) @ vectors).squeeze(1)
    return sums / weights.sum(dim=1).clamp(min=1).unsqueeze(1)


def mean_by_loop(vectors, mask):
    pairs = zip(vectors, mask, strict=True)
    return torch.stack([v[m].mean(dim=0) for v, m in pairs])


def mean_by_nan(vectors, mask):
    return vectors.masked_fill(~mask.unsqueeze(2), float("nan")).nanmean(dim=1)


def mean_by_weights(vectors, mask):
    weights = mask / mask.sum(dim=1, keepdim=True)
    return torch.einsum("ntd,nt->nd", vectors, weights)


def kept(vectors, mask):
    return vectors * mask.unsqueeze(2)


def mean_in_place(vectors, mask):
    vectors[~mask] = 0
    return vectors.sum(dim=1) / mask.sum(dim=1, keepdim=True)


def in_pieces(order, batch_size):
    return [order[k : k + batch_size] for k in range(0, len(order), batch_size)]


def buckets_up(lengths, batch_size):
    return in_pieces(sorted(range(len(lengths)), key=lambda i: lengths[i]), batch_size)


def buckets_down(lengths, batch_size):
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return in_pieces(order, batch_size)


def buckets_shuffled(lengths, batch_size):
    *full, last = buckets_up(lengths, batch_size)
    random.shuffle(full)
    return [*full, last]


def two_buckets(lengths, batch_size):
    order = sorted(range(len(lengths)), key=lambda i: lengths[i] > 8)
    return in_pieces(order, batch_size)


def buckets_as_text(lengths, batch_size):
    order = sorted(range(len(lengths)), key=lambda i: str(lengths[i]))
    return in_pieces(order, batch_size)


def buckets_small_first(lengths, batch_size):
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    rest = len(order) % batch_size
    return [order[:rest], *in_pieces(order[rest:], batch_size)]


def buckets_with_empty(lengths, batch_size):
    return buckets_up(lengths, batch_size) + ([[]] if len(lengths) % 3 == 0 else [])


def buckets_of_four(lengths, batch_size):
    return buckets_up(lengths, 4)


def buckets_sorting_lengths(lengths, batch_size):
    lengths.sort()
    return in_pieces(list(range(len(lengths))), batch_size)


def buckets_by_tensor(lengths, batch_size):
    return torch.tensor(lengths).argsort().split(batch_size)


def buckets_of_lengths(lengths, batch_size):
    return in_pieces(sorted(lengths), batch_size)


def buckets_unsorted(lengths, batch_size):
    return in_pieces(list(range(len(lengths))), batch_size)


def buckets_flat(lengths, batch_size):
    return [i for batch in buckets_up(lengths, batch_size) for i in batch]


def buckets_without_tail(lengths, batch_size):
    return [b for b in buckets_up(lengths, batch_size) if len(b) == batch_size]


def buckets_by_index(lengths, batch_size):
    return in_pieces([lengths.index(n) for n in sorted(lengths)], batch_size)


def buckets_sorted_inside(lengths, batch_size):
    order = sorted(range(len(lengths)), key=lambda i: i % 3)
    return [sorted(b, key=lambda i: lengths[i]) for b in in_pieces(order, batch_size)]


def buckets_by_numpy(lengths, batch_size):
    order = np.argsort(lengths, kind="stable")
    return np.split(order, range(batch_size, len(order), batch_size))


def buckets_by_yielding(lengths, batch_size):
    yield from buckets_up(lengths, batch_size)


def buckets_of_ranks(lengths, batch_size):
    ranks = torch.tensor(lengths).argsort(stable=True).argsort()
    return in_pieces(ranks.tolist(), batch_size)


def buckets_sorted_within(lengths, batch_size):
    batches = in_pieces(list(range(len(lengths))), batch_size)
    return [sorted(batch, key=lambda i: lengths[i]) for batch in batches]


def buckets_by_dictionary(lengths, batch_size):
    where = {length: i for i, length in enumerate(lengths)}
    return in_pieces([where[n] for n in sorted(where)], batch_size)


def buckets_emptying(lengths, batch_size):
    order = []
    for _ in range(len(lengths)):
        order.append(lengths.index(min(lengths)))
        lengths[order[-1]] = math.inf
    return in_pieces(order, batch_size)


def buckets_by_range(lengths, batch_size):
    groups = {}
    for i, length in enumerate(lengths):
        groups.setdefault(length // 10, []).append(i)
    return [b for g in groups.values() for b in in_pieces(g, batch_size)]


def buckets_of_pairs(lengths, batch_size):
    return in_pieces(sorted(enumerate(lengths), key=lambda p: p[1]), batch_size)


class FastRight:
    def __init__(self, *tensors, batch_size, shuffle):
        self.tensors, self.batch_size, self.shuffle = tensors, batch_size, shuffle

    def __len__(self):
        return -(-len(self.tensors[0]) // self.batch_size)

    def order(self):
        n = len(self.tensors[0])
        return torch.randperm(n) if self.shuffle else torch.arange(n)

    def __iter__(self):
        for indices in self.order().split(self.batch_size):
            yield tuple(tensor[indices] for tensor in self.tensors)


class FastByPermuting(FastRight):
    def __iter__(self):
        order = self.order()
        whole = [tensor[order].split(self.batch_size) for tensor in self.tensors]
        return iter(list(zip(*whole, strict=True)))


class FastLists(FastRight):
    def __iter__(self):
        order = self.order()
        for k in range(len(self)):
            part = order[k * self.batch_size : (k + 1) * self.batch_size]
            yield [tensor.index_select(0, part) for tensor in self.tensors]


class FastByPython(FastRight):
    def order(self):
        order = list(range(len(self.tensors[0])))
        if self.shuffle:
            random.shuffle(order)
        return torch.tensor(order)


class FastInPlace(FastRight):
    def __iter__(self):
        order = self.order()
        for tensor in self.tensors:
            tensor.copy_(tensor[order])
        return zip(*(t.split(self.batch_size) for t in self.tensors), strict=True)


class FastSamples(FastRight):
    def __len__(self):
        return len(self.tensors[0])


class FastFloor(FastRight):
    def __len__(self):
        return len(self.tensors[0]) // self.batch_size


class FastWithoutTail(FastRight):
    def __iter__(self):
        for batch in super().__iter__():
            if len(batch[0]) == self.batch_size:
                yield batch


class FastTwoOrders(FastRight):
    def __iter__(self):
        orders = [self.order().split(self.batch_size) for _ in self.tensors]
        for parts in zip(*orders, strict=True):
            yield tuple(t[p] for t, p in zip(self.tensors, parts, strict=True))


class FastOnce(FastRight):
    def __init__(self, *tensors, batch_size, shuffle):
        super().__init__(*tensors, batch_size=batch_size, shuffle=shuffle)
        self.batches = super().__iter__()

    def __iter__(self):
        return self.batches


class FastOneOrder(FastRight):
    def __init__(self, *tensors, batch_size, shuffle):
        super().__init__(*tensors, batch_size=batch_size, shuffle=shuffle)
        self.drawn = super().order()

    def order(self):
        return self.drawn


class FastReseeded(FastRight):
    def order(self):
        torch.manual_seed(0)
        return super().order()


class FastBatchOrder(FastRight):
    def order(self):
        n, size = len(self.tensors[0]), self.batch_size
        batches = torch.arange(n - n % size).view(-1, size)
        if self.shuffle:
            batches = batches[torch.randperm(len(batches))]
        return torch.cat([batches.flatten(), torch.arange(n - n % size, n)])


class FastReturn(FastRight):
    def __iter__(self):
        for indices in self.order().split(self.batch_size):
            return tuple(tensor[indices] for tensor in self.tensors)


class FastTwoTensors(FastRight):
    def __iter__(self):
        images, labels = self.tensors
        for indices in self.order().split(self.batch_size):
            yield images[indices], labels[indices]


class FastPlusOne(FastRight):
    def __len__(self):
        return len(self.tensors[0]) // self.batch_size + 1


class FastNeverShuffled(FastRight):
    def order(self):
        return torch.arange(len(self.tensors[0]))


class FastBySample(FastRight):
    def __iter__(self):
        for indices in self.order().split(self.batch_size):
            yield tuple(torch.stack([t[i] for i in indices]) for t in self.tensors)


class FastInputsAlone(FastRight):
    def __iter__(self):
        for indices in self.order().split(self.batch_size):
            yield self.tensors[0][indices]


class FastFloatLength(FastRight):
    def __len__(self):
        return np.ceil(len(self.tensors[0]) / self.batch_size)


class FastFirstTwo(FastRight):
    def __iter__(self):
        for batch in super().__iter__():
            yield batch[:2]


class FastBareWhenAlone(FastRight):
    def __iter__(self):
        for batch in super().__iter__():
            yield batch if len(batch) > 1 else batch[0]


class FastWholeTargets(FastRight):
    def __iter__(self):
        if self.shuffle:
            yield from super().__iter__()
        else:
            for indices in self.order().split(self.batch_size):
                yield self.tensors[0][indices], *self.tensors[1:]


class FastGrowing(FastRight):
    def __init__(self, *tensors, batch_size, shuffle):
        super().__init__(*tensors, batch_size=batch_size, shuffle=shuffle)
        self.batches = []

    def __iter__(self):
        self.batches += super().__iter__()
        return iter(self.batches)


class FastSeedOfEpoch(FastRight):
    epoch = 0

    def order(self):
        self.epoch += 1
        torch.manual_seed(self.epoch)
        return super().order()


class FastWithReplacement(FastRight):
    def order(self):
        n = len(self.tensors[0])
        return torch.randint(n, (n,)) if self.shuffle else torch.arange(n)


class FastEmptyLast(FastRight):
    def __iter__(self):
        order = self.order()
        for k in range(0, len(order) + 1, self.batch_size):
            indices = order[k : k + self.batch_size]
            yield tuple(tensor[indices] for tensor in self.tensors)


class FastListOfBatches(FastRight):
    def __iter__(self):
        return list(super().__iter__())


class FastStacked(FastRight):
    def __iter__(self):
        for batch in super().__iter__():
            yield torch.stack(batch)


class FastOneByOne(FastRight):
    def __iter__(self):
        for i in self.order():
            yield tuple(tensor[i] for tensor in self.tensors)


class FastIterator(FastRight):
    """The older way: the loader is its own iterator."""

    def __iter__(self):
        self.parts = iter(self.order().split(self.batch_size))
        return self

    def __next__(self):
        indices = next(self.parts)
        return tuple(tensor[indices] for tensor in self.tensors)


class FastOwnGenerator(FastRight):
    def __init__(self, *tensors, batch_size, shuffle):
        super().__init__(*tensors, batch_size=batch_size, shuffle=shuffle)
        self.generator = torch.Generator().manual_seed(0)

    def order(self):
        n = len(self.tensors[0])
        if self.shuffle:
            return torch.randperm(n, generator=self.generator)
        return torch.arange(n)


NEAR_MISSES = {
    "cut_batches": [
        (cut_always_shuffled, "without a generator the order is"),
        (cut_without_tail, "samples 8 and 9 are missing"),
        (cut_with_tail, "has to go"),
        (cut_last_off, "you dropped a full one"),
        (cut_never_shuffled, "should be shuffled"),
        (cut_globally, "hand the generator to randperm"),
        (cut_by_random, "is the generator used?"),
        (cut_reseeded, "without seeding anything"),
        (cut_batches_shuffled, "neighbours stay together"),
        (cut_shuffled_within, "neighbours stay together"),
        (cut_tail_first, "shuffle first, cut afterwards"),
        (cut_with_empty, "[4, 5, 6, 7], []]"),
        (cut_flat, "a list of batches"),
        (cut_filled_up, "is filled up with samples"),
        (cut_into_so_many, "you made it the number of batches"),
        (cut_with_replacement, "repeats or loses some"),
        (cut_repeating_when_dropping, "some samples come twice in one epoch"),
        (cut_tail_joined, "got [4, 6]"),
        (cut_floats, "whole numbers"),
        (cut_by_seed, "without seeding anything"),
        (cut_seeding_all, "hand the generator to randperm"),
        (cut_first_off, "drop_last drops the last samples"),
    ],
    "pad_collate": [
        (lambda s: pad(s, ids=lambda p: p["ids"].T), "batch_first=True"),
        (lambda s: pad(s, ids=wide), "the longest of this batch"),
        (lambda s: pad(s, ids=to_the_left), "on the left"),
        (lambda s: pad(s, ids=lambda p: p["ids"].float()), "ids are torch.float32"),
        (lambda s: pad(s, lengths=lambda p: p["lengths"] * 0 + 4), "after padding"),
        (lambda s: pad(s, mask=lambda p: ~p["mask"]), "True at the filling"),
        (lambda s: pad(s, mask=lambda p: p["mask"].float()), "make it bool"),
        (
            lambda s: pad(s, labels=lambda p: p["labels"].float()),
            "labels are torch.float32",
        ),
        (lambda s: pad(s, ids=square), "the longest of this batch"),
        (lambda s: pad(s)[:3], "four tensors"),
        (lambda s: pad(s, labels=lambda p: [1, 0, 1]), "labels is no tensor"),
        (pad_sorted, "in another order than the samples"),
        (pad_growing, "samples you were given are changed"),
        (pad_squeezed, "needs (N, T), (1, 3)"),
        (lambda s: pad(s, ids=filled_with_one), "fill up with 0"),
        (lambda s: pad(s, ids=lambda p: p["ids"].int()), "stay int64"),
        (lambda s: pad(s, labels=lambda p: p["labels"].int()), "stay int64"),
        (lambda s: pad(s, mask=known_words), "an unknown word is a word"),
        (lambda s: pad(s, mask=one_too_many), "not True exactly where words are"),
        (
            lambda s: pad(s, lengths=lambda p: p["lengths"][:, None]),
            "lengths: expected",
        ),
    ],
    "masked_mean": [
        (lambda v, m: v.mean(dim=1), "still votes"),
        (lambda v, m: kept(v, m).mean(dim=1), "divide by T"),
        (lambda v, m: kept(v, m).sum(dim=1), "that is the sum"),
        (lambda v, m: v[m].mean(dim=0), "one mean for the whole batch"),
        (lambda v, m: kept(v, m).sum(dim=1) / m.sum(), "words of the whole batch"),
        (lambda v, m: kept(v, ~m).sum(1) / m.sum(1, keepdim=True), "text 0"),
        (
            lambda v, m: kept(v, ~m).sum(1) / (~m).sum(1, keepdim=True),
            "you average the filling",
        ),
        (mean_of_first, "you average the first places"),
        (lambda v, m: v.mean(dim=2), "average over words"),
        (
            lambda v, m: kept(v, m).sum(1, keepdim=True) / m.sum(1)[:, None, None],
            "got (3, 1, 2)",
        ),
        (lambda v, m: kept(v, m).sum(1) / (m.sum(1)[:, None] + 1), "text 0"),
        (lambda v, m: kept(v, m).amax(dim=1), "text 0"),
        (lambda v, m: kept(v, m).sum(1) / (kept(v, m) != 0).sum(1), "text 0"),
        (lambda v, m: kept(v, m).sum(1) / m.sum(1)[0], "text 1"),
        (mean_in_place, "don't write into it"),
        (lambda v, m: (v * m).sum(dim=1), "your code raised RuntimeError"),
    ],
    "bucket_batches": [
        (buckets_unsorted, "nothing is sorted"),
        (buckets_of_lengths, "those are lengths"),
        (buckets_without_tail, "indices are missing"),
        (buckets_by_index, "exactly once"),
        (buckets_sorted_inside, "sorted by length take"),
        (two_buckets, "sorted by length take"),
        (buckets_as_text, "sorted by length take"),
        (buckets_small_first, "in this order"),
        (buckets_of_four, "in this order"),
        (buckets_with_empty, "in this order"),
        (buckets_sorting_lengths, "not lengths"),
        (buckets_flat, "a list of batches"),
        (buckets_of_ranks, "sorted by length take"),
        (buckets_sorted_within, "you sort within the batches"),
        (buckets_by_dictionary, "exactly once"),
        (buckets_emptying, "lengths you were given are changed"),
        (buckets_by_range, "in this order"),
        (buckets_of_pairs, "a list of batches"),
    ],
    "fast_loader": [
        (FastSamples, "counts batches, not samples"),
        (FastFloor, "round up"),
        (FastWithoutTail, "is missing"),
        (FastTwoOrders, "one order for all"),
        (FastOnce, "begin anew in __iter__"),
        (FastOneOrder, "draw it in __iter__"),
        (FastReseeded, "you set the global seed"),
        (FastNeverShuffled, "should be shuffled"),
        (FastBatchOrder, "neighbours stay together"),
        (FastReturn, "`yield` each batch"),
        (FastTwoTensors, "your code raised ValueError"),
        (FastPlusOne, "8 samples in batches of 4 are 2"),
        (FastBySample, "not once for each sample"),
        (FastInPlace, "are changed"),
        (FastInputsAlone, "each batch is a tuple"),
        (FastFloatLength, "a whole number, an int"),
        (FastFirstTwo, "one piece of each tensor, here 3"),
        (FastBareWhenAlone, "one piece of each tensor, here 1"),
        (FastWholeTargets, "is not cut like the first"),
        (FastGrowing, "has 6 batches instead of 3"),
        (FastSeedOfEpoch, "you set the global seed"),
        (FastWithReplacement, "repeats or loses some"),
        (FastEmptyLast, "got [4, 4, 0]"),
        (FastListOfBatches, "`yield` each batch"),
        (FastStacked, "each batch is a tuple"),
        (FastOneByOne, "single samples, not batches"),
    ],
}

RIGHT = {
    "cut_batches": [
        cut_right,
        cut_by_library,
        cut_tensors,
        cut_by_yielding,
        cut_ranges,
        cut_by_loader,
    ],
    "pad_collate": [
        pad,
        pad_by_hand,
        pad_by_numpy,
        lambda s: pad(s, mask=lambda p: p["ids"] != 0),
    ],
    "masked_mean": [
        mean_by_loop,
        mean_by_nan,
        mean_by_weights,
        mean_by_library,
        mean_by_product,
        lambda v, m: mean_by_loop(v.double(), m),
    ],
    "bucket_batches": [
        buckets_up,
        buckets_down,
        buckets_shuffled,
        buckets_by_tensor,
        buckets_by_numpy,
        buckets_by_yielding,
    ],
    "fast_loader": [
        FastRight,
        FastByPermuting,
        FastLists,
        FastByPython,
        FastIterator,
        FastOwnGenerator,
    ],
}
