"""Checks for notebooks/02_dataloaders.ipynb."""

import operator
import time
from collections.abc import Iterable

import torch
from torch.utils.data import DataLoader, TensorDataset

from course_utils.checks import Lesson
from course_utils.checks.answers import a_class, ask, brief, drawn

lesson = Lesson()
progress = lesson.progress


def as_lists(result) -> list[list[int]]:
    """Return batches of indices, of whatever kind, as lists of whole numbers."""
    batches = list(result) if isinstance(result, Iterable) else [result]
    try:
        return [[operator.index(i) for i in batch] for batch in batches]
    except TypeError:
        raise AssertionError(
            "return a list of batches, each a list of indices, whole numbers; "
            f"got {brief(batches)}"
        ) from None


@lesson.question("2.1")
def cut_batches(answer) -> None:
    """In order or shuffled, whole or without the short tail."""
    got = as_lists(ask(answer, 10, 4, False))
    flat = [i for batch in got for i in batch]
    assert flat != list(range(8)), (
        "samples 8 and 9 are missing: without drop_last they count"
    )
    assert flat[:10] != list(range(10)) or len(flat) != 12, (
        "the last batch is filled up with samples it should not have: it may be smaller"
    )
    assert sorted(flat) == list(range(10)), f"of 10 samples you gave {brief(flat)}"
    assert flat == list(range(10)), "without a generator the order is 0, 1, 2, …"
    sizes = [len(batch) for batch in got]
    assert len(sizes) != 4 or not all(sizes), (
        "4 is how many samples a batch has; you made it the number of batches"
    )
    assert sizes == [4, 4, 2], f"expected batches of 4, 4 and 2, got {sizes}"
    got = as_lists(ask(answer, 10, 4, True))
    sizes = [len(batch) for batch in got]
    assert sizes != [4, 4, 2], "with drop_last the batch of 2 has to go"
    assert sizes == [4, 4], f"with drop_last expected batches of 4 and 4, got {sizes}"
    assert got == [[0, 1, 2, 3], [4, 5, 6, 7]], (
        f"drop_last drops the last samples, here 8 and 9; you keep {brief(got)}"
    )
    for drop_last in (True, False):
        got = as_lists(ask(answer, 8, 4, drop_last))
        assert not drop_last or len(got) != 1, (
            "8 samples make two full batches of 4; you dropped a full one"
        )
        assert got == [[0, 1, 2, 3], [4, 5, 6, 7]], (
            f"8 samples in batches of 4: expected 0 to 3 and 4 to 7, got {brief(got)}"
        )
    judge_shuffle(answer)


def judge_shuffle(answer) -> None:
    """Raise AssertionError unless the order comes from the generator alone."""
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(3)
    first = as_lists(ask(answer, 50, 8, False, generator))
    second = as_lists(ask(answer, 50, 8, False, generator))
    short = [as_lists(ask(answer, 50, 8, True, generator)) for _ in range(8)]
    again = as_lists(ask(answer, 50, 8, False, torch.Generator().manual_seed(3)))
    untouched = torch.equal(before, torch.get_rng_state())
    judge_mixing(first, 50, 8, whose="with a generator")
    assert untouched, "you shuffle with the global seed: hand the generator to randperm"
    assert first == again, "equal generators gave two orders: is the generator used?"
    assert first != second, (
        "both epochs had one order: draw from the generator, without seeding anything"
    )
    assert all([len(batch) for batch in batches] == [8] * 6 for batches in short), (
        "with a generator, too, drop_last drops the batch of 2 and no other"
    )
    seen = [{i for batch in batches for i in batch} for batches in short]
    assert all(len(one) == 48 for one in seen), (
        "with a generator and drop_last, some samples come twice in one epoch"
    )
    assert len(set.union(*seen)) == 50, (
        "with drop_last the same samples are left out in every epoch: shuffle first, "
        "cut afterwards"
    )


def judge_mixing(batches: list[list[int]], n: int, size: int, whose: str) -> None:
    """Raise AssertionError unless one shuffled epoch holds n samples, well mixed."""
    flat = [i for batch in batches for i in batch]
    assert sorted(flat) == list(range(n)), (
        "shuffled, an epoch still holds every sample once; yours repeats or loses some"
    )
    assert flat != list(range(n)), f"{whose} the order should be shuffled"
    sizes = [len(batch) for batch in batches]
    assert sizes == [size] * (n // size) + [n % size] * (n % size > 0), (
        f"shuffled, the batches have {brief(sizes)} samples; only the last may be small"
    )
    runs = [sorted(b) == list(range(min(b), min(b) + len(b))) for b in batches]
    assert not all(runs), (
        "neighbours stay together in one batch: shuffle the samples, not the batches, "
        "and not within them"
    )


@lesson.question("2.2")
def pad_collate(answer) -> None:
    """Four tensors, padded on the right to the longest text of the batch."""
    judge_padding(answer, [[8], [5, 6, 1, 2], [9, 4]], [1, 0, 1])
    judge_padding(answer, [[3, 9], [1]], [0, 1])
    judge_padding(answer, [[6, 1, 5]], [1])


def judge_padding(answer, texts: list[list[int]], targets: list[int]) -> None:
    """Raise AssertionError unless these texts are collated rightly."""
    samples = [(torch.tensor(t), k) for t, k in zip(texts, targets, strict=True)]
    result = ask(answer, samples)
    assert isinstance(result, tuple | list) and len(result) == 4, (
        f"return ids, lengths, mask and labels, four tensors; got {brief(result)}"
    )
    for name, value in zip(("ids", "lengths", "mask", "labels"), result, strict=True):
        assert isinstance(value, torch.Tensor), f"{name} is no tensor: {brief(value)}"
        assert name == "mask" or value.dtype == torch.int64, (
            f"{name} are {value.dtype}; whole numbers stay int64"
        )
    ids, lengths, mask, labels = result
    width = max(map(len, texts))
    padded = torch.tensor([text + [0] * (width - len(text)) for text in texts])
    assert ids.shape != padded.T.shape or not torch.equal(ids, padded.T), (
        "ids came out (T, N); a batch is (N, T): batch_first=True"
    )
    assert ids.ndim == 2 and len(ids) == len(texts), (
        f"ids have shape {tuple(ids.shape)}; this batch of {len(texts)} needs (N, T), "
        f"{(len(texts), width)}"
    )
    assert ids.shape[1] == width, (
        f"ids have shape {tuple(ids.shape)}; pad to the longest of this batch, {width}"
    )
    left = torch.tensor([[0] * (width - len(text)) + text for text in texts])
    same = torch.equal(ids, padded)
    rows = sorted(ids.tolist()) == sorted(padded.tolist())
    words_right = torch.equal(ids * (padded > 0), padded)
    assert same or not torch.equal(ids, left), (
        "you fill up on the left; words come first"
    )
    assert same or not rows, (
        "the rows come in another order than the samples: keep theirs"
    )
    assert same or not words_right, (
        "the words are right, the filling is not: fill up with 0"
    )
    assert same, f"ids: expected {brief(padded.tolist())}, got {brief(ids.tolist())}"
    right = [len(text) for text in texts]
    full = [width] * len(texts)
    got = lengths.tolist()
    assert got == right or got != full, "those are lengths after padding"
    assert got == right, f"lengths: expected {right}, got {brief(lengths)}"
    words = padded != 0
    assert mask.shape == words.shape, (
        f"the mask has shape {tuple(mask.shape)}; it needs a place for each of ids"
    )
    assert not torch.equal(mask.bool(), ~words), "the mask is True at the filling"
    assert mask.dtype == torch.bool, f"the mask is {mask.dtype}; make it bool"
    known = padded > 1
    assert torch.equal(mask, words) or not torch.equal(mask, known), (
        "the mask leaves out the number 1: an unknown word is a word, too"
    )
    assert torch.equal(mask, words), "the mask is not True exactly where words are"
    assert labels.tolist() == targets, (
        f"labels: expected {targets}, got {brief(labels)}"
    )
    assert [one.tolist() for one, _ in samples] == texts, (
        "right, but the samples you were given are changed"
    )


@lesson.question("2.3")
def masked_mean(answer) -> None:
    """Filling counts neither in the sum nor in the number."""
    judge_mean(answer, [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], 2)
    anywhere = [[1, 1, 0, 0, 0], [0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [1, 0, 0, 1, 0]]
    judge_mean(answer, anywhere, 3)


def judge_mean(answer, places: list[list[int]], width: int) -> None:
    """Raise AssertionError unless vectors of this width are averaged where 1 stands."""
    mask = torch.tensor(places).bool()
    vectors = drawn(*mask.shape, width)
    vectors[0, 1] = 0  # a word may have a vector of zeros
    pairs = list(zip(vectors, mask, strict=True))
    right = torch.stack([v[m].mean(dim=0) for v, m in pairs])
    kept, lost = vectors * mask.unsqueeze(2), vectors * ~mask.unsqueeze(2)
    wrong = {
        "the filling still votes: that is the plain mean": vectors.mean(dim=1),
        "you divide by T; divide by the number of words of each text": kept.mean(dim=1),
        "that is the sum; divide by the number of words": kept.sum(dim=1),
        "you divide by the words of the whole batch": kept.sum(dim=1) / mask.sum(),
        "one mean for the whole batch; each text has one": vectors[mask].mean(dim=0),
        "you average the filling; the mask is True at the words": lost.sum(dim=1)
        / (~mask).sum(dim=1, keepdim=True),
        "you average over the D numbers of a word; average over words, dim=1": (
            vectors.mean(dim=2)
        ),
        "you average the first places; take those where the mask is True": (
            torch.stack([v[: m.sum()].mean(dim=0) for v, m in pairs])
        ),
    }
    given, given_mask = vectors.clone(), mask.clone()
    got = ask(answer, given, given_mask)
    assert isinstance(got, torch.Tensor), f"expected a tensor, got {brief(got)}"
    got = got.detach().cpu().float()
    for words, value in wrong.items():
        same = got.shape == value.shape and torch.allclose(got, value, atol=1e-5)
        assert not same or torch.equal(value, right), words
    assert got.shape == right.shape, (
        f"expected one mean for each text, shape {tuple(right.shape)}, "
        f"got {tuple(got.shape)}"
    )
    for k, (mean, expected) in enumerate(zip(got, right, strict=True)):
        assert torch.allclose(mean, expected, atol=1e-5), (
            f"text {k} has {mask[k].sum()} words and {mask.shape[1]} places; "
            f"its mean is {brief(expected)}, you got {brief(mean)}"
        )
    assert torch.equal(given, vectors) and torch.equal(given_mask, mask), (
        "right, but what you were given is changed: don't write into it"
    )


LENGTHS = [9, 2, 7, 1, 8, 2, 30, 3, 9, 1]


@lesson.question("2.4")
def bucket_batches(answer) -> None:
    """Every index once, and as little filling as sorting gives."""
    judge_buckets(answer, LENGTHS, 4)
    judge_buckets(answer, [12, 100, 9, 31, 8, 7, 25], 3)
    judge_buckets(answer, [12, 100, 9, 31, 8, 7], 3)


def judge_buckets(answer, lengths: list[int], size: int) -> None:
    """Raise AssertionError unless the batches are cut from sorted indices."""
    given = list(lengths)
    got = as_lists(ask(answer, given, size))
    flat = [i for batch in got for i in batch]
    n = len(lengths)
    assert sorted(flat) != sorted(lengths), (
        "those are lengths; return indices into them"
    )
    tail = [n % size] if n % size else []
    assert not tail or len(flat) != n - n % size, (
        "indices are missing: the last batch counts, too"
    )
    assert sorted(flat) == list(range(n)), (
        f"every index from 0 to {n - 1} exactly once; you hand out {brief(flat)}"
    )
    wanted = [size] * (n // size) + tail
    sizes = [len(batch) for batch in got]
    assert sizes == wanted, (
        f"batches of {wanted} were wanted, in this order, got {sizes}"
    )

    def cost(batches):
        return sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)

    def cut(order):
        return [list(order)[k : k + size] for k in range(0, n, size)]

    order = sorted(range(n), key=lengths.__getitem__)
    order = order if max(lengths) in [lengths[i] for i in got[-1]] else order[::-1]
    assert flat != list(range(n)), (
        "nothing is sorted, indices come in their old order: sort them, not lengths"
    )
    unsorted = [set(batch) for batch in cut(range(n))]
    assert [set(batch) for batch in got] != unsorted, (
        "you sort within the batches: sort all indices by length before you cut"
    )
    assert cost(got) <= cost(cut(order)), (
        f"your batches take {cost(got)} positions, filling and all; "
        f"indices sorted by length take {cost(cut(order))}"
    )
    assert given == lengths, (
        "right, but the lengths you were given are changed: sort a copy"
    )


def epoch_seconds(loader) -> float:
    """Return the shortest of five passes."""
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        for _batch in loader:
            pass
        spent.append(time.perf_counter() - start)
    return min(spent)


def length(loader) -> int:
    """Return what len(loader) is; raise AssertionError where len would refuse."""
    steps = ask(loader.__len__)
    try:
        return operator.index(steps)
    except TypeError:
        raise AssertionError(
            f"__len__ has to return a whole number, an int; got {brief(steps)}"
        ) from None


def epoch(batches: Iterable, count: int) -> list:
    """Return one pass as a list, each batch a tuple of so many tensors."""
    passed = list(batches)
    for batch in passed:
        pieces = batch if isinstance(batch, tuple | list) else ()
        tensors = [piece for piece in pieces if isinstance(piece, torch.Tensor)]
        assert len(tensors) == len(pieces) == count, (
            f"each batch is a tuple with one piece of each tensor, here {count}; "
            f"got {brief(batch)}"
        )
        assert all(piece.ndim for piece in tensors), (
            f"you hand out single samples, not batches of them: {brief(batch)}"
        )
    return passed


@lesson.question("2.5")
def fast_loader(answer) -> None:
    """The batches of the default loader, faster."""
    inputs = torch.arange(10.0)
    plain = a_class(answer)(inputs, 2 * inputs, batch_size=4, shuffle=False)
    steps = length(plain)
    assert steps != 10, "__len__ counts batches, not samples"
    assert steps != 2, "10 samples in batches of 4 are 3 batches: round up"
    assert steps == 3, f"10 samples in batches of 4 are 3 batches, you say {steps}"
    even = answer(inputs[:8], batch_size=4, shuffle=False)
    steps = length(even)
    assert steps == 2, f"8 samples in batches of 4 are 2 batches, you say {steps}"
    iterator = ask(plain.__iter__)
    assert hasattr(iterator, "__next__"), (
        "__iter__ gives back one thing; `yield` each batch instead of `return`"
    )
    first = epoch(iterator, 2)
    sizes = [len(x) for x, _ in first]
    assert sizes != [4, 4], "the last batch, of 2 samples, is missing"
    assert sizes == [4, 4, 2], f"expected batches of 4, 4 and 2, got {sizes}"
    assert torch.equal(torch.cat([x for x, _ in first]), inputs), (
        "with shuffle=False the order is that of the tensors"
    )
    assert all(torch.equal(y, 2 * x) for x, y in first), (
        "with shuffle=False the second tensor is not cut like the first"
    )
    sizes = [len(x) for (x,) in epoch(even, 1)]
    assert sizes == [4, 4], f"of 8 samples expected batches of 4 and 4, got {sizes}"
    count = len(list(plain))
    assert count == 3, (
        f"the second epoch has {count} batches instead of 3: begin anew in __iter__"
    )
    judge_order(answer)
    images, labels = torch.rand(3000, 1, 8, 8), torch.zeros(3000)
    fast = epoch_seconds(answer(images, labels, batch_size=64, shuffle=True))
    dataset = TensorDataset(images, labels)
    slow = epoch_seconds(DataLoader(dataset, batch_size=64, shuffle=True))
    assert slow > 3 * fast, (
        f"right, but only {slow / fast:.1f} times as fast as the default loader: "
        "index a tensor once for each batch, not once for each sample"
    )


def judge_order(answer) -> None:
    """Raise AssertionError unless each epoch is a new order of whole samples."""
    torch.manual_seed(987_654)
    inputs = torch.arange(50)
    given = inputs.clone()
    loader = answer(given, 2 * inputs, 3 * inputs, batch_size=8, shuffle=True)
    epochs = [epoch(loader, 3) for _ in range(4)]
    for batches in epochs:
        for x, y, z in batches:
            assert torch.equal(y, 2 * x) and torch.equal(z, 3 * x), (
                "inputs and targets no longer belong together: use one order for all"
            )
    assert torch.equal(given, inputs), "the tensors you were given are changed"
    assert torch.initial_seed() == 987_654, (
        "you set the global seed, for all that comes after: draw the order unseeded"
    )
    orders = [[x.tolist() for x, *_ in batches] for batches in epochs]
    for order in orders:
        judge_mixing(order, 50, 8, whose="with shuffle=True")
    assert all(order != orders[0] for order in orders[1:]), (
        "two epochs have the same order: draw it in __iter__, anew and unseeded"
    )
