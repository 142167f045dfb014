"""Checks for notebooks/02_dataloaders.ipynb."""

import time

import torch
from torch.utils.data import DataLoader, TensorDataset

from course_utils.checks import Lesson
from course_utils.checks.answers import ask, brief, number

lesson = Lesson()
progress = lesson.progress


def as_lists(result) -> list[list[int]]:
    """Return batches of indices as lists of whole numbers."""
    lists = isinstance(result, list | tuple) and all(
        isinstance(batch, list | tuple | torch.Tensor) for batch in result
    )
    assert lists, (
        f"return a list of batches, each a list of indices; got {brief(result)}"
    )
    return [[int(number(i)) for i in batch] for batch in result]


@lesson.question("2.1")
def cut_batches(answer) -> None:
    """In order or shuffled, whole or without the short tail."""
    got = as_lists(ask(answer, 10, 4, False))
    flat = [i for batch in got for i in batch]
    assert len(flat) != 8, "samples 8 and 9 are missing: without drop_last they count"
    assert sorted(flat) == list(range(10)), f"of 10 samples you gave {brief(flat)}"
    assert flat == list(range(10)), "without a generator the order is 0, 1, 2, …"
    sizes = [len(batch) for batch in got]
    assert sizes == [4, 4, 2], f"expected batches of 4, 4 and 2, got {sizes}"
    sizes = [len(batch) for batch in as_lists(ask(answer, 10, 4, True))]
    assert sizes != [4, 4, 2], "with drop_last the batch of 2 has to go"
    assert sizes == [4, 4], f"with drop_last expected batches of 4 and 4, got {sizes}"
    sizes = [len(batch) for batch in as_lists(ask(answer, 8, 4, True))]
    assert sizes != [4], "8 samples make two full batches of 4; you dropped a full one"
    assert sizes == [4, 4], f"8 samples in batches of 4: expected 4 and 4, got {sizes}"
    judge_shuffle(answer)


def judge_shuffle(answer) -> None:
    """Raise AssertionError unless the order comes from the generator alone."""
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(3)
    first = [i for b in as_lists(ask(answer, 50, 8, False, generator)) for i in b]
    second = [i for b in as_lists(ask(answer, 50, 8, False, generator)) for i in b]
    fresh = torch.Generator().manual_seed(3)
    again = [i for b in as_lists(ask(answer, 50, 8, False, fresh)) for i in b]
    untouched = torch.equal(before, torch.get_rng_state())
    assert sorted(first) == list(range(50)), (
        "shuffled, an epoch still holds every sample once; yours repeats or loses some"
    )
    assert first != list(range(50)), "with a generator the order should be shuffled"
    assert untouched, "you shuffle with the global seed: hand the generator to randperm"
    assert first == again, "equal generators gave two orders: is the generator used?"
    assert first != second, "both epochs had one order: don't seed the generator again"


@lesson.question("2.2")
def pad_collate(answer) -> None:
    """Four tensors, padded on the right to the longest text of the batch."""
    texts = [[5, 6, 7], [8], [9, 4]]
    samples = [(torch.tensor(t), k) for t, k in zip(texts, (1, 0, 1), strict=True)]
    result = ask(answer, samples)
    assert isinstance(result, tuple | list) and len(result) == 4, (
        f"return ids, lengths, mask and labels, four tensors; got {brief(result)}"
    )
    for name, value in zip(("ids", "lengths", "mask", "labels"), result, strict=True):
        assert isinstance(value, torch.Tensor), f"{name} is no tensor: {brief(value)}"
    ids, lengths, mask, labels = result
    padded = torch.tensor([[5, 6, 7], [8, 0, 0], [9, 4, 0]])
    assert not torch.equal(ids, padded.T), (
        "ids came out (T, N); a batch is (N, T): batch_first=True"
    )
    left = torch.tensor([[5, 6, 7], [0, 0, 8], [0, 9, 4]])
    assert not torch.equal(ids, left), "you fill up on the left; words come first"
    assert ids.ndim == 2 and ids.shape[1] <= 3, (
        f"ids have shape {tuple(ids.shape)}; pad to the longest of this batch, 3"
    )
    assert not ids.is_floating_point(), "ids became floats; word numbers stay int64"
    assert torch.equal(ids, padded), f"ids: {brief(ids.tolist())} is not the batch"
    assert lengths.tolist() != [3, 3, 3], "those lengths are those after padding"
    assert lengths.tolist() == [3, 1, 2], f"lengths: not 3, 1, 2: {brief(lengths)}"
    words = padded != 0
    assert mask.shape == words.shape, (
        f"the mask has shape {tuple(mask.shape)}; it needs a place for each of ids"
    )
    assert not torch.equal(mask.bool(), ~words), "the mask is True at the filling"
    assert mask.dtype == torch.bool, f"the mask is {mask.dtype}; make it bool"
    assert torch.equal(mask, words), "the mask is not True exactly where words are"
    assert labels.tolist() == [1, 0, 1], f"labels: not 1, 0, 1: {brief(labels)}"
    zero = ask(answer, [(torch.tensor([0, 2]), 1), (torch.tensor([3]), 1)])[2]
    assert zero[0, 0], "a word with the number 0 is a word: build the mask from lengths"


@lesson.question("2.3")
def masked_mean(answer) -> None:
    """Filling counts neither in the sum nor in the number."""
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(3, 4, 2, generator=generator)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]]).bool()
    right = torch.stack([v[m].mean(dim=0) for v, m in zip(vectors, mask, strict=True)])
    kept = vectors * mask.unsqueeze(2)
    wrong = {
        "the filling still votes: that is the plain mean": vectors.mean(dim=1),
        "you divide by T; divide by the number of words of each text": kept.mean(dim=1),
        "that is the sum; divide by the number of words": kept.sum(dim=1),
        "you divide by the words of the whole batch": kept.sum(dim=1) / mask.sum(),
        "one mean for the whole batch; each text has one": vectors[mask].mean(dim=0),
    }
    got = ask(answer, vectors.clone(), mask.clone())
    assert isinstance(got, torch.Tensor), f"expected a tensor, got {brief(got)}"
    for words, value in wrong.items():
        same = got.shape == value.shape and torch.allclose(got, value, atol=1e-5)
        assert not same, words
    assert got.shape == right.shape, (
        f"expected one mean for each text, shape (3, 2), got {tuple(got.shape)}"
    )
    assert torch.allclose(got, right, atol=1e-5), (
        f"the mean of text 2, one word long, is {brief(right[2])}, got {brief(got[2])}"
    )


LENGTHS = [9, 2, 7, 1, 8, 2, 30, 3, 9, 1]


def cost(batches: list[list[int]]) -> int:
    """Return how many positions the padded batches take."""
    return sum(len(batch) * max(LENGTHS[i] for i in batch) for batch in batches)


@lesson.question("2.4")
def bucket_batches(answer) -> None:
    """Every index once, and as little filling as sorting gives."""
    got = as_lists(ask(answer, list(LENGTHS), 4))
    flat = sorted(i for batch in got for i in batch)
    assert flat != sorted(LENGTHS), "those are the lengths; return indices into them"
    assert len(flat) != 8, "two indices are missing: the last, smaller batch counts"
    assert flat == list(range(10)), (
        f"every index from 0 to 9 exactly once; you hand out {brief(flat)}"
    )
    sizes = sorted(len(batch) for batch in got)
    assert sizes == [2, 4, 4], f"batches of 4, 4 and 2 were wanted, got {sizes}"
    ascending = sorted(range(10), key=LENGTHS.__getitem__)
    best = max(
        cost([order[k : k + 4] for k in range(0, 10, 4)])
        for order in (ascending, ascending[::-1])
    )
    plain = cost([list(range(k, min(k + 4, 10))) for k in range(0, 10, 4)])
    assert cost(got) != plain, "nothing is sorted: texts come together as they lie"
    assert cost(got) <= best, (
        f"your batches take {cost(got)} positions, sorting by length takes {best}"
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


@lesson.question("2.5")
def fast_loader(answer) -> None:
    """The batches of the default loader, faster."""
    assert isinstance(answer, type), (
        f"expected the class itself, got {brief(answer)}; hand over its bare name"
    )
    inputs = torch.arange(10.0)
    plain = answer(inputs, 2 * inputs, batch_size=4, shuffle=False)
    steps = number(ask(plain.__len__))
    assert steps != 10, "__len__ counts batches, not samples"
    assert steps != 2, "10 samples in batches of 4 are 3 batches: round up"
    assert steps == 3, f"10 samples in batches of 4 are 3 batches, you say {steps:.4g}"
    first = list(ask(plain.__iter__))
    pair = first and isinstance(first[0], tuple | list) and len(first[0]) == 2
    assert pair, "each batch is a tuple with one piece of each tensor, here two"
    sizes = [len(batch[0]) for batch in first]
    assert sizes != [4, 4], "the last batch, of 2 samples, is missing"
    assert sizes == [4, 4, 2], f"expected batches of 4, 4 and 2, got {sizes}"
    assert torch.equal(torch.cat([x for x, _ in first]), inputs), (
        "with shuffle=False the order is that of the tensors"
    )
    assert len(list(plain)) == 3, "the second epoch is empty: begin anew in __iter__"
    judge_order(answer(inputs, 2 * inputs, batch_size=4, shuffle=True), inputs)
    images, labels = torch.rand(3000, 1, 8, 8), torch.zeros(3000)
    fast = epoch_seconds(answer(images, labels, batch_size=64, shuffle=True))
    dataset = TensorDataset(images, labels)
    slow = epoch_seconds(DataLoader(dataset, batch_size=64, shuffle=True))
    assert slow > 3 * fast, (
        f"right, but only {slow / fast:.1f} times as fast as the default loader: "
        "index a tensor once for each batch, not once for each sample"
    )


def judge_order(loader, inputs) -> None:
    """Raise AssertionError unless each epoch is a new order of whole samples."""
    epochs = [list(loader) for _ in range(4)]
    for batches in epochs:
        for x, y in batches:
            assert torch.equal(y, 2 * x), (
                "inputs and targets no longer belong together: use one order for both"
            )
    orders = [torch.cat([x for x, _ in batches]) for batches in epochs]
    assert all(torch.equal(order.sort().values, inputs) for order in orders), (
        "shuffled, an epoch still holds every sample exactly once"
    )
    assert not all(torch.equal(order, inputs) for order in orders), (
        "with shuffle=True the order should be random"
    )
    assert any(not torch.equal(order, orders[0]) for order in orders), (
        "every epoch has the same order: draw it in __iter__, not in __init__"
    )
