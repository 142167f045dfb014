"""Checks for notebooks/08_checkpoints.ipynb."""

import contextlib
import copy
import hashlib
import io
import math
import os
import pickle
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import nn

from course_utils.checks import Lesson
from course_utils.checks.answers import (
    StillOpen,
    a_class,
    ask,
    brief,
    global_states,
    is_empty,
    number,
    yes_or_no,
)

lesson = Lesson()
progress = lesson.progress


def through_a_file(state):
    """Return a state as torch.load brings it back, as it is by default."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file)


# ---------------------------------------------------------------- 8.1


def same(one, two) -> bool:
    """Return whether two values agree in type, shape and every number."""
    if isinstance(one, dict):  # an OrderedDict is as good
        both = isinstance(two, dict) and list(one) == list(two)
        return both and all(same(one[key], two[key]) for key in one)
    if type(one) is not type(two):
        return False
    if isinstance(one, torch.Tensor | np.ndarray):
        equal = one.dtype == two.dtype
        return equal and torch.equal(torch.as_tensor(one), torch.as_tensor(two))
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def cases() -> list[tuple]:
    """Return (name, value, plain value), simple ones first."""
    place, ones = Path("runs") / "a", np.array([[0.5, 1.5, 2.5]])
    single = np.array([0.5])
    deep = defaultdict(list, a=[(np.int64(7), {"b": np.array([3, 4])})], p=[place])
    return [
        ("the tensor", torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0])),
        ("a tensor of whole numbers", torch.tensor([3, 4]), torch.tensor([3, 4])),
        ("a tensor of one element", torch.tensor(2.5), torch.tensor(2.5)),
        ("None", None, None),
        ("0.25", 0.25, 0.25),
        ("17", 17, 17),
        ("True", True, True),
        ("'adam'", "adam", "adam"),
        ("np.float64(0.97)", np.float64(0.97), 0.97),
        ("np.float64(0.0)", np.float64(0), 0.0),
        ("np.float32(0.5)", np.float32(0.5), 0.5),
        ("np.int64(3)", np.int64(3), 3),
        ("np.bool_(True)", np.bool_(True), True),
        ("the array", ones, torch.tensor([[0.5, 1.5, 2.5]], dtype=torch.float64)),
        ("the array of one number", single, torch.from_numpy(single)),
        ("the Path", place, str(place)),
        ("the list", [1, [np.int64(2)]], [1, [2]]),
        ("the tuple", (np.float64(0.5), "x"), (0.5, "x")),
        ("the dictionary", {"a": {"b": np.float64(2)}}, {"a": {"b": 2.0}}),
        ("the dictionary", {0: np.float64(2), 1: {3: "x"}}, {0: 2.0, 1: {3: "x"}}),
        (
            "the defaultdict",
            deep,
            {"a": [(7, {"b": torch.tensor([3, 4])})], "p": [str(place)]},
        ),
        ("the empty list", [], []),
    ]


class Odd:
    """Nothing that anybody should save."""


@lesson.question("8.1")
def plain(answer) -> None:
    """What torch.load takes stays, what has a plain twin becomes it."""
    ask(answer, 17)
    for name, value, right in cases():
        given = copy.deepcopy(value)
        got = answer(given)
        if value is not None:
            assert got is not None, f"{name} became None; is a `return` missing?"
        assert same(given, value), (
            f"{name} that you were given is changed; build a new one"
        )
        judge_plain(name, value, right, got)
    judge_refusal(answer, Odd(), "Odd")
    judge_refusal(answer, {"deep": [Odd()]}, "Odd")
    judge_refusal(answer, {1.5, 2.5}, "set")


def judge_plain(name: str, value, right, got) -> None:
    """Raise AssertionError unless one value became its plain twin."""
    if type(value) is type(got) is np.float64:
        raise AssertionError(
            "np.float64 stays np.float64: isinstance calls it a float, so ask for "
            "np.generic first"
            if value
            else "np.float64(0.0) stays one: is it skipped?"
        )
    if isinstance(value, torch.Tensor):
        assert isinstance(got, torch.Tensor), f"{name} should stay a tensor"
    if isinstance(value, bool | np.bool_):
        assert got is True, f"{name} became {brief(got)}; it is a boolean"
    if isinstance(value, np.integer):
        assert not isinstance(got, float), f"{name} became {got}; it is a whole number"
    if isinstance(value, np.ndarray):
        assert isinstance(got, torch.Tensor), f"{name} should become a tensor"
        assert got.dtype == right.dtype, (
            f"{name} of {value.dtype} became a tensor of {got.dtype}"
        )
    if isinstance(value, tuple):
        assert not isinstance(got, list), "the tuple became a list; keep it a tuple"
    loads = True
    try:
        through_a_file(got)
    except (pickle.PicklingError, pickle.UnpicklingError, TypeError, AttributeError):
        loads = False
    if isinstance(value, dict) and isinstance(got, dict):
        assert list(got) == list(value), (
            f"the keys {brief(list(value))} became {brief(list(got))}; keys stay"
        )
    inside = isinstance(value, list | tuple | dict)
    assert loads or not inside, f"inside {name} something is left that is refused"
    assert loads, f"{name} became {brief(got)}, which torch.load refuses"
    assert type(got) is not defaultdict, "a defaultdict should become a plain dict"
    assert same(got, right), f"expected {brief(right)} for {name}, got {brief(got)}"


def judge_refusal(answer, value, kind: str) -> None:
    """Raise AssertionError unless the value is refused by naming its type."""
    thing = "a set" if kind == "set" else "an object of a class of my own"
    thing += " inside a dictionary" * isinstance(value, dict)
    try:
        got = answer(value)
    except TypeError as problem:
        words = str(problem)
    except Exception as problem:
        raised = type(problem).__name__
        raise AssertionError(f"{thing} should raise TypeError, not {raised}") from None
    else:
        raise AssertionError(
            f"{thing} came back as {brief(got)[:40]}: raise a TypeError"
        )
    assert kind in words, (
        f"your TypeError says {brief(words)}; it should name the type, {kind}"
    )


# ---------------------------------------------------------------- 8.2


def draws() -> dict[str, list]:
    """Return a few random numbers of each kind, normal ones among them."""
    return {
        "Python's": [random.random(), random.gauss(0, 1), random.randrange(10**6)],
        "NumPy's": [np.random.rand(), np.random.randn(), np.random.rand()],
        "torch's": torch.rand(3).tolist(),
    }


def seed_all(seed: int) -> None:
    """Seed all three, and draw an odd number of normal ones, so that one is kept."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    random.gauss(0, 1), np.random.randn(), torch.rand(seed)


@lesson.question("8.2")
def random_states(answer) -> None:
    """Saved, loaded on a new object: the same numbers follow."""
    a_class(answer)
    for seed in (5, 23):
        judge_random(answer, seed)


def judge_random(answer, seed: int) -> None:
    """Raise AssertionError unless the numbers go on where the state was taken."""
    one, other = answer(), answer()
    for part in (one.state_dict, one.load_state_dict):
        if is_empty(part):
            raise StillOpen
    seed_all(seed)
    random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
    anew = draws()
    seed_all(seed)
    right = draws()
    seed_all(seed)
    state = ask(one.state_dict)
    after = draws()
    for name in right:
        assert after[name] == right[name], (
            f"state_dict() itself moves {name} random numbers; it should only look"
        )
    try:
        state = through_a_file(state)
    except pickle.UnpicklingError as problem:
        left = "something of NumPy is left in it"
        if "numpy" not in str(problem):
            left = "it is to hold plain values, no function or object"
        raise AssertionError(f"torch.load refuses your state: {left}") from None
    try:
        second = through_a_file(one.state_dict())  # must not change the first
    except Exception:
        raise AssertionError("a second call of state_dict() fails") from None
    later = draws()
    seed_all(seed + 1)
    unmoved = draws()
    seed_all(seed + 1)
    try:
        other.load_state_dict(state)
    except AttributeError:
        raise AssertionError(
            "load_state_dict fails on a new object: what it needs has to be in the "
            "state, not in self"
        ) from None
    got = draws()
    other.load_state_dict(second)
    got_second = draws()
    mistakes = {
        "{} random numbers are not restored": unmoved,
        "the state of a later checkpoint came back for {} numbers: in another "
        "session nothing is left but the state itself": later,
        "{} random numbers begin again: that is the seed, not the state": anew,
        "whatever state is loaded, the same {} numbers follow: a seed, or not the "
        "whole state at the time of state_dict()": got_second,
    }
    for words, wrong in mistakes.items():
        for name in right:
            assert got[name] != wrong[name], words.format(name)
    assert (
        got["NumPy's"][0] != right["NumPy's"][0] or got["NumPy's"] == right["NumPy's"]
    ), "NumPy's normal number that was already drawn is lost: keep the tuple's rest"
    for name in right:
        assert got[name] == right[name], (
            f"expected {name} next numbers to be {brief(right[name])}, "
            f"got {brief(got[name])}"
        )


# ---------------------------------------------------------------- 8.3


def epoch_of(answer, n=53, size=8, seed=0, epoch=0, skip=0) -> list[list[int]]:
    """Return the batches of one pass as lists of whole numbers."""
    sampler = answer(n, size, seed)
    sampler.epoch, sampler.skip = epoch, skip
    batches = batches_of(sampler)
    assert (sampler.epoch, sampler.skip) == (epoch, skip), (
        "you change skip or epoch; the loop does that"
    )
    return batches


def batches_of(sampler) -> list[list[int]]:
    """Return what one pass over a sampler gives."""
    iterator = ask(sampler.__iter__)
    assert hasattr(iterator, "__next__"), (
        "__iter__ gives back one thing; `yield` each batch instead of `return`"
    )
    batches = list(iterator)
    kinds = list | tuple | torch.Tensor | np.ndarray
    lists = all(isinstance(batch, kinds) for batch in batches)
    assert lists, f"each batch is a list of indices; got {brief(batches[:1])}"
    return [[int(number(i)) for i in batch] for batch in batches]


def other_hash(thing) -> int:
    """Return what hash() gives in another session: for texts, something else."""
    if isinstance(thing, tuple):
        return hash(tuple(map(other_hash, thing)))
    return hash(f"{thing}, elsewhere" if isinstance(thing, str | bytes) else thing)


@lesson.question("8.3")
def resumable_batches(answer) -> None:
    """The order is that of seed and epoch; skipping leaves out the first batches."""
    a_class(answer)
    before = global_states()
    first = epoch_of(answer)
    moved = global_states() != before
    torch.rand(1), random.random(), np.random.rand()
    assert epoch_of(answer) == first, (
        "a new session gets another order: it may depend on seed and epoch only"
    )
    names = getattr(answer.__iter__, "__globals__", {})
    with mock.patch.dict(names, {"hash": names.get("hash", other_hash)}):
        assert epoch_of(answer) == first, (
            "Python's hash() of a text is another one in each session: compute with "
            "the numbers instead"
        )
    assert not moved, "you move the global random numbers: use a generator of your own"
    judge_epoch(first, 53, 8)
    judge_epoch(epoch_of(answer, 24, 6), 24, 6)
    judge_orders(answer, first)
    judge_skipping(answer, first)


def judge_epoch(batches: list[list[int]], n: int, size: int) -> None:
    """Raise AssertionError unless one epoch holds each sample once, mixed."""
    flat = [i for batch in batches for i in batch]
    sizes = [len(batch) for batch in batches]
    assert len(flat) != n - size, (
        f"with skip=0 one batch of {size} is missing: the first is number 0"
    )
    assert len(flat) != n - n % size or n % size == 0, (
        f"the last batch, of {n % size} samples, is missing"
    )
    assert sorted(flat) == list(range(n)), (
        f"an epoch of {n} samples holds each index once; yours gave {brief(flat)}"
    )
    assert flat != list(range(n)), "nothing is shuffled"
    assert sizes == [size] * (n // size) + [n % size] * (n % size > 0), (
        f"expected batches of {size}, the last of {n % size or size}, got {sizes}"
    )
    runs = [max(batch) - min(batch) == len(batch) - 1 for batch in batches]
    assert not all(runs), "only the batches change places: shuffle the samples"


def judge_orders(answer, first: list) -> None:
    """Raise AssertionError unless each pair of seed and epoch has its own order."""
    orders = {}
    pairs = [(seed, epoch) for seed in range(3) for epoch in range(4)]
    for seed, epoch in [*pairs, (0, 12), (1, 11), (11, 1)]:
        orders[seed, epoch] = str(epoch_of(answer, seed=seed, epoch=epoch))
    assert orders[0, 0] != orders[0, 1], (
        "epochs 0 and 1 have the same order: the epoch does not count, or is read "
        "before the loop sets it"
    )
    assert orders[0, 0] != orders[1, 0], (
        "seeds 0 and 1 have the same order: the seed does not count"
    )
    known = {}
    for pair, order in orders.items():
        assert order not in known, (
            f"seed {pair[0]}, epoch {pair[1]} has the order of seed "
            f"{known[order][0]}, epoch {known[order][1]}: make one number of both, "
            "another for each pair"
        )
        known[order] = pair
    sampler = answer(53, 8, 0)
    batches_of(sampler)
    assert batches_of(sampler) == first, (
        "with the same epoch a second pass gives another order: seed anew in __iter__"
    )
    sampler.epoch = 3
    assert str(batches_of(sampler)) == orders[0, 3], (
        "the second epoch of one object has not its own order: is the first kept in "
        "self?"
    )


def judge_skipping(answer, first: list) -> None:
    """Raise AssertionError unless skipping gives the tail of the same epoch."""
    flat = [i for batch in first for i in batch]
    for skip in (3, 5):
        got = epoch_of(answer, skip=skip)
        assert got != first, "skip changes nothing: leave out the first batches"
        left = [i for batch in got for i in batch]
        assert left != flat[skip:], (
            f"you skip {skip} samples; skip counts batches, of 8 samples each"
        )
        assert got != first[: len(first) - skip], "you leave out the last batches"
        assert got != first[skip + 1 :] and got != first[skip - 1 :], (
            f"off by one: with skip={skip} the first batch is number {skip}, from 0"
        )
        assert sorted(left) != sorted(flat[8 * skip :]) or got == first[skip:], (
            "the right samples in other batches: cut the whole epoch first, then skip"
        )
        assert sorted(left) != list(range(8 * skip, 53)), (
            "you leave out samples before shuffling: shuffle all, then skip batches"
        )
        assert got == first[skip:], (
            f"expected the epoch's batches from number {skip} on, "
            f"{brief(first[skip][:4])}…, got {brief(got[0][:4] if got else got)}…"
        )
    assert epoch_of(answer, skip=7) == [], (
        "of 7 batches all 7 are skipped, and yet something came"
    )


# ---------------------------------------------------------------- 8.4


@contextlib.contextmanager
def watched(path: Path, names: dict):
    """Give the list of each os.fsync, and each move to `path`, that happens inside.

    `names` are the globals of the learner, who may write `from os import replace`.
    """
    old, events = path.read_bytes(), []
    real = {name: getattr(os, name) for name in ("fsync", "replace", "rename")}

    def fsync(file) -> None:
        status = os.fstat(file if isinstance(file, int) else file.fileno())
        events.append(("fsync", status.st_ino, status.st_size))
        real["fsync"](file)

    def mover(name: str):
        def move(source, target, **kwargs) -> None:
            if Path(target) == path:
                intact = path.exists() and path.read_bytes() == old
                events.append(("move", Path(source), intact))
            real[name](source, target, **kwargs)

        return move

    ours = {"fsync": fsync, "replace": mover("replace"), "rename": mover("rename")}
    known = {
        k: ours[name] for name in ours for k, v in names.items() if v is real[name]
    }
    with mock.patch.multiple(os, **ours), mock.patch.dict(names, known):
        yield events


class FullDisk:
    """Something that can't be saved, in the middle of a state."""

    def __reduce__(self):
        """Fail as a full disk does."""
        raise OSError(28, "No space left on device")


@lesson.question("8.4")
def safe_save(answer) -> None:
    """The old file or the new one, whole; a hash beside it."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "first.pt"
        beside = path, path.with_suffix(".sha256")
        state = {"weight": torch.ones(3), "epoch": 1}
        try:
            ask(answer, copy.deepcopy(state), path)
        except FileNotFoundError as problem:
            if str(problem.filename) not in map(str, beside):
                raise
            raise AssertionError(
                "with no old file there yours fails: the first save has none"
            ) from None
        judge_file(path, state)
    for name, size in {"step-7.pt": 3_000, "last.pt": 70_000}.items():
        with tempfile.TemporaryDirectory() as scratch:
            judge_saving(answer, Path(scratch) / name, size)
            judge_failure(answer, Path(scratch) / name)


def judge_saving(answer, path: Path, size: int) -> None:
    """Raise AssertionError unless one save over an old file is safe."""
    torch.save({"weight": torch.zeros(5)}, path)
    old = path.read_bytes()
    path.with_suffix(".sha256").write_text(hashlib.sha256(old).hexdigest())
    state = {"weight": torch.arange(float(size)), "epoch": 3}
    with watched(path, getattr(answer, "__globals__", {})) as events:
        result = ask(answer, copy.deepcopy(state), path)
    assert not path.exists() or path.read_bytes() != old, (
        "the file at path is still the old one"
    )
    judge_file(path, state)
    judge_order(path, events)
    judge_hash(path, result, old)
    there = {file.name for file in path.parent.iterdir()}
    extra = there - {path.name, path.with_suffix(".sha256").name}
    assert not extra, f"left over beside the checkpoint: {brief(sorted(extra))}"


def judge_failure(answer, path: Path) -> None:
    """Raise AssertionError unless a save that fails leaves the old file."""
    old = path.read_bytes()
    try:
        answer({"weight": torch.zeros(50_000), "note": FullDisk()}, path)
    except OSError:
        pass
    else:
        raise AssertionError(
            "the disk was full, and you say nothing: let the error through"
        )
    assert path.exists() and path.read_bytes() == old, (
        "the disk was full in the middle, and the old file is gone or destroyed: "
        "touch path only when the new one is whole"
    )


def judge_file(path: Path, state: dict) -> None:
    """Raise AssertionError unless the file holds the new state."""
    assert path.exists(), "afterwards there is no file at path"
    try:
        held = torch.load(path)
    except Exception:
        raise AssertionError("the file at path can't be read afterwards") from None
    assert same(held, state), f"the file holds {brief(held)}, not the state"


def judge_order(path: Path, events: list[tuple]) -> None:
    """Raise AssertionError unless it was written aside, synced and then moved."""
    kinds = [kind for kind, *_ in events]
    assert "move" in kinds, (
        "the new file did not come by os.replace: at some moment path is half written"
    )
    first = kinds.index("move")
    _, source, intact = events[first]
    assert intact, "when the new file was moved, the old one was already gone"
    assert source.parent.resolve() == path.parent.resolve(), (
        "your temporary file is in another folder: os.replace works within one file "
        "system, so put it beside path"
    )
    status = path.stat()
    sizes = [size for _, inode, size in events[:first] if inode == status.st_ino]
    late = [inode for _, inode, _ in events[first:] if inode == status.st_ino]
    assert sizes or not late, (
        "os.fsync comes after os.replace: the name may be there before the bytes are"
    )
    assert sizes, (
        "os.fsync was never asked for the new file: without it a power cut may leave "
        "an empty one"
    )
    assert status.st_size in sizes, (
        f"at os.fsync {max(sizes):,} of {status.st_size:,} bytes were written: "
        "flush() first"
    )


def judge_hash(path: Path, result, old: bytes) -> None:
    """Raise AssertionError unless the hash is the file's, written and returned."""
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    beside = path.with_suffix(".sha256")
    assert beside.exists(), f"there is no {beside.name} beside {path.name}"
    written = beside.read_text(errors="replace").strip()
    mistakes = {
        "the hash of the old file": hashlib.sha256(old),
        "the hash of the path's name": hashlib.sha256(str(path).encode()),
        "the hash of nothing": hashlib.sha256(b""),
        "MD5": hashlib.md5(path.read_bytes()),
    }
    for words, wrong in mistakes.items():
        assert wrong.hexdigest() not in (written, result), (
            f"that is {words}; asked for is the SHA-256 of the new file's bytes"
        )
    assert written[:64].lower() == right, (
        f"expected {right[:12]}… in {beside.name}, got {brief(written[:12])}…"
    )
    assert isinstance(result, str), (
        f"return the hash as text, from hexdigest(); got {brief(result)}"
    )
    assert result.strip().lower() == right, (
        f"expected {right[:12]}… as result, got {brief(result[:12])}…"
    )


# ---------------------------------------------------------------- 8.5


def write_step(folder: Path, step: int, beside: bool = True) -> Path:
    """Write a small checkpoint, with its hash beside it or not."""
    path = folder / f"step-{step}.pt"
    torch.save({"step": step, "weight": torch.full((50,), float(step))}, path)
    if beside:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_suffix(".sha256").write_text(digest)
    return path


def flip(path: Path) -> None:
    """Change one bit in the numbers of a file, so that it still loads."""
    raw = bytearray(path.read_bytes())
    step = int(path.stem.split("-")[1])
    place = raw.index(torch.full((50,), float(step)).numpy().tobytes())
    raw[place + 41] ^= 4
    path.write_bytes(raw)


@lesson.question("8.5")
def newest_good(answer) -> None:
    """By step, not by text or date; whole by hash, not by loading."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        paths = {step: write_step(folder, step) for step in (120, 90, 1000, 7)}
        lesser = [write_step(folder, step) for step in (101, 103, 112, 118)]
        for age, step in enumerate((90, 1000, 7, 120)):  # 90 has the newest date
            os.utime(paths[step], (2e9 - age, 2e9 - age))
        (folder / "notes.txt").write_text("rate 0.1")
        (folder / "step-5000.half").write_bytes(b"half")
        (folder / "best.pt").write_bytes(b"another kind")
        judge_newest(answer, folder, paths, lesser)
    with tempfile.TemporaryDirectory() as scratch:
        judge_none(answer, Path(scratch))


def found(answer, folder: Path, expected: Path | None, wrong: dict[str, str]) -> list:
    """Judge what is found in a folder, which must not change; return what was loaded.

    `wrong` holds names of files, and what to say when such a one comes.
    """
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    loads = []
    real = torch.load

    def load(file, *args, **kwargs):
        loads.append(Path(file).name if isinstance(file, str | Path) else "a file")
        return real(file, *args, **kwargs)

    try:
        with mock.patch.object(torch, "load", load):
            got = answer(folder)
    except FileNotFoundError as problem:
        raise AssertionError(
            f"{Path(str(problem.filename)).name} is missing, and your search ends "
            "there: such a checkpoint is passed over"
        ) from None
    if got is ... or (got is None and is_empty(answer)):
        raise StillOpen
    assert got is not None or expected is None, (
        f"None came back, but {expected and expected.name} is good: is its hash read, "
        "and is there a `return`?"
    )
    after = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert after == before, "you changed or removed a file; only look"
    if expected is None:
        assert got is None, f"nothing here is good: return None, not {brief(str(got))}"
        return loads
    assert not isinstance(got, int), f"return the Path, not the step {got}"
    assert isinstance(got, str | Path), f"return the file's Path, got {brief(got)}"
    name = Path(got).name
    assert name not in wrong, wrong.get(name)
    assert Path(got).resolve() == expected.resolve(), (
        f"expected {expected.name} in the folder, got {brief(str(got))}"
    )
    return loads


def judge_newest(answer, folder: Path, paths: dict[int, Path], lesser: list) -> None:
    """Raise AssertionError unless the newest good one is found, as damage grows."""
    wrong = {
        "step-1000.sha256": "that is the file with the hash",
        "step-90.pt": "you took step-90.pt: by date or as text it is the newest, by "
        "number step-1000",
        "step-7.pt": "you took step-7.pt: sort by number, highest first",
        "best.pt": "best.pt is no step-*.pt",
    }
    found(answer, folder, paths[1000], wrong)
    flip(paths[1000])
    wrong = {
        "step-1000.pt": "one bit of step-1000.pt is flipped; it loads, but its hash is "
        "another",
        "step-90.pt": "after step-1000 comes 120; 90 is far below",
    }
    found(answer, folder, paths[120], wrong)
    paths[1000].write_bytes(paths[1000].read_bytes()[:300])
    for path in (paths[120], *lesser):
        path.with_suffix(".sha256").unlink()
    wrong = {
        "step-120.pt": "step-120.pt has no hash beside it: nobody knows whether it is "
        "whole",
    }
    loads = found(answer, folder, paths[90], wrong)
    assert not [name for name in loads if name != "step-90.pt"], (
        f"you loaded {brief(loads)}: a damaged file is not to be loaded"
    )
    paths[90].with_suffix(".sha256").write_text("")  # cut off while it was written
    found(answer, folder, paths[7], {})


def judge_none(answer, folder: Path) -> None:
    """Raise AssertionError unless None comes for a folder without a good file."""
    for name in ("an empty folder", "a folder with one damaged file"):
        try:
            found(answer, folder, None, {})
        except (IndexError, ValueError) as problem:
            raise AssertionError(
                f"for {name} return None; yours raises {type(problem).__name__}"
            ) from None
        flip(write_step(folder, 12))


# ---------------------------------------------------------------- 8.6


def small_model() -> nn.Module:
    """Return a model with parameters and buffers."""
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def mark(model: nn.Module, value: float) -> None:
    """Write one number into all parameters and buffers."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.fill_(value)


def marks(tensors: Iterable[torch.Tensor]) -> set[float]:
    """Return the numbers that were written into some tensors."""
    return {float(tensor.detach().flatten()[0]) for tensor in tensors}


def played(answer, patience: int, losses: list[float]) -> tuple:
    """Return what is said to each loss, and the stopper and the model, once restored.

    The k-th call finds a model full of k + 1; like a loop, it ends with the first
    True.
    """
    stopper, model, said = answer(patience), small_model(), []
    for k, loss in enumerate(losses):
        mark(model, k + 1)
        said.append(yes_or_no(ask(stopper.update, loss, model)))
        kept = marks(model.state_dict().values())
        assert kept == {k + 1.0}, "update changes the model that it is given"
        if said[-1]:
            break
    mark(model, 99)
    stopper.restore(model)
    return said, stopper, model


@lesson.question("8.6")
def early_stopping(answer) -> None:
    """Stops in time, and restores the weights and buffers of the best."""
    a_class(answer)
    empty = [is_empty(getattr(answer, name, None)) for name in ("update", "restore")]
    if any(empty) or is_empty(answer.__init__):
        raise StillOpen
    judge_first(answer)
    judge_stopping(answer)
    judge_restoring(answer)


def judge_first(answer) -> None:
    """Raise AssertionError unless the first loss is a best, however large."""

    def restored(loss):
        try:
            return marks(played(answer, 3, [loss])[2].parameters())
        except Exception:  # comes again, and is told, where a loss is small
            return None

    assert restored(-1e6) != {1.0} or restored(1e6) == {1.0}, (
        "a first loss of 1,000,000 is no best: start with float('inf')"
    )


def judge_stopping(answer) -> None:
    """Raise AssertionError unless it stops after `patience` calls without a best."""
    runs = [
        (3, [3.0, 2.0, 1.9, 2.5, 2.2, 1.0, 1.5, 1.2, 1.1, 1.3, 0.5]),
        (2, [5.0, 4.0, 6.0, 4.0, 7.0, 1.0]),
        (1, [2.0, 1.0, 1.0, 3.0]),
        (2, [2.0, 2.0 - 1e-6, 3.0, 2.0 - 2e-6, 4.0, 5.0]),
    ]

    def lower(loss, low, _):
        return loss < low

    for patience, losses in runs:
        said, *_ = played(answer, patience, losses)
        right = stops(patience, losses, lower)
        wrong = {
            "a loss equal to the best is no new best": stops(
                patience, losses, lambda loss, low, last: loss <= low
            ),
            "you count all calls without a best, not those since the last best": stops(
                patience, losses, lower, reset=False
            ),
            "you look for the largest; a loss is best when it is smallest": stops(
                patience, [-loss for loss in losses], lower
            ),
            "a loss lower by ever so little is a new best": stops(
                patience, losses, lambda loss, low, last: loss < low - 1e-5
            ),
            "you compare with the loss before, not with the lowest": stops(
                patience, losses, lambda loss, low, last: loss < last
            ),
            "you stop one call too early": stops(patience - 1, losses, lower),
            "you stop one call too late": stops(patience + 1, losses, lower),
        }
        for words, value in wrong.items():
            assert said != value or said == right, (
                f"{words}: patience {patience}, losses up to "
                f"{losses[len(said) - 1]}, and you say {said[-1]}"
            )
        assert said == right, (
            f"patience {patience}, losses {brief(losses[: len(right)])}: expected "
            f"True to the last and no other, got {said}"
        )
    said, *_ = played(answer, 2, [5.0, 4.0, math.nan, math.nan])
    assert said == [False, False, False, True], (
        f"losses 5, 4, nan, nan with patience 2: nan is never a best; you say {said}"
    )
    said, *_ = played(answer, 2, [math.nan, 4.0, 3.0, 5.0])
    assert said == [False] * 4, (
        f"losses nan, 4, 3, 5 with patience 2: 4 and 3 are new bests; you say {said}"
    )


def stops(patience: int, losses: list[float], better, reset=True) -> list[bool]:
    """Return what is said to each loss, up to the first True."""
    lowest = last = math.inf
    waited, said = 0, []
    for loss in losses:
        if not better(loss, lowest, last):
            waited += 1
        elif reset:
            waited = 0
        lowest, last = min(lowest, loss), loss
        said.append(waited >= patience)
        if said[-1]:
            break
    return said


def judge_restoring(answer) -> None:
    """Raise AssertionError unless the best weights and buffers come back."""
    _, stopper, model = played(answer, 3, [5.0, 2.0, 3.0, 4.0, 9.0])
    weights, buffers = marks(model.parameters()), marks(model.buffers())
    other = small_model()
    mark(other, 77)
    stopper.restore(other)
    assert marks(other.parameters()) != {77.0}, (
        "restore(model) leaves the model as it was: load the kept weights into it"
    )
    assert weights != {99.0}, (
        "restore brings back the present weights: state_dict() is no copy; keep a "
        "deep copy"
    )
    assert weights != {5.0}, "restore brings back the last weights, not the best"
    assert weights != {1.0}, "restore brings back the first weights, not the best"
    assert weights == {2.0}, (
        f"the second of five was the best; restore brings back number {brief(weights)}"
    )
    assert buffers == {2.0}, (
        "the weights are back, BatchNorm's running statistics are not: keep the "
        "state_dict, with its buffers"
    )
    mark(model, 7)
    stopper.restore(model)
    assert marks(model.state_dict().values()) == {2.0}, (
        "after a restore the model trained on, and took the kept weights along"
    )
    _, _, second = played(answer, 3, [1.0])
    assert marks(second.parameters()) == {1.0}, (
        "restore does nothing when the last loss was the best: the model may have "
        "changed since"
    )
    stopper.restore(model)
    assert marks(model.state_dict().values()) == {2.0}, (
        "two EarlyStoppings share one memory: keep the weights in self, not in the "
        "class or in one file"
    )
