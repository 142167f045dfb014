"""Answers to the exercises of lesson 08: wrong as learners write them, and right."""

import copy
import hashlib
import io
import os
import pickle
import random
import shutil
import tempfile
from collections import OrderedDict, defaultdict
from functools import singledispatch
from os import fsync, replace
from pathlib import Path

import numpy as np
import torch


def plain_right(value):
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {key: plain_right(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain_right(one) for one in value)
    if value is None or isinstance(value, torch.Tensor | str | int | float | bool):
        return value
    raise TypeError(f"can't save a {type(value).__name__}")


@singledispatch
def plain_dispatched(value):
    raise TypeError(f"{type(value)} is not plain")


for kind in (type(None), torch.Tensor, str, int, float, bool):
    plain_dispatched.register(kind, lambda value: value)
plain_dispatched.register(np.generic, lambda value: value.item())
plain_dispatched.register(np.float64, lambda value: float(value))
plain_dispatched.register(np.ndarray, lambda value: torch.tensor(value))
plain_dispatched.register(Path, lambda value: value.as_posix())
plain_dispatched.register(list, lambda value: [plain_dispatched(v) for v in value])
plain_dispatched.register(
    tuple, lambda value: tuple(plain_dispatched(v) for v in value)
)
plain_dispatched.register(
    dict, lambda value: {k: plain_dispatched(v) for k, v in value.items()}
)


def plain_match(value):
    match value:
        case np.generic():
            return value.tolist()
        case np.ndarray():
            return torch.as_tensor(value)
        case Path():
            return os.fspath(value)
        case dict():
            return dict(zip(value, map(plain_match, value.values()), strict=True))
        case list():
            return list(map(plain_match, value))
        case tuple():
            return tuple(map(plain_match, value))
        case None | bool() | int() | float() | str() | torch.Tensor():
            return value
    raise TypeError("not plain: " + repr(type(value)))


def plain_float_first(value):
    if value is None or isinstance(value, torch.Tensor | str | int | float | bool):
        return value
    return plain_right(value)


def plain_shallow(value):
    if isinstance(value, dict | list | tuple):
        return value
    return plain_right(value)


def plain_tensor_first(value):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return plain_right(value)


def plain_items(value):
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return value.item()
    return plain_right(value)


def plain_item_of_tensor(value):
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return value.item()
    return plain_right(value)


def plain_lists(value):
    if isinstance(value, list | tuple):
        return [plain_lists(one) for one in value]
    return plain_right(value)


def plain_array_list(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    return plain_right(value)


def plain_array_float(value):
    if isinstance(value, np.ndarray):
        return torch.Tensor(value)
    return plain_right(value)


def plain_text(value):
    try:
        return plain_right(value)
    except TypeError:
        return str(value)


def plain_returning(value):
    try:
        return plain_right(value)
    except TypeError as problem:
        return problem


def plain_value_error(value):
    try:
        return plain_right(value)
    except TypeError as problem:
        raise ValueError(str(problem)) from None


def plain_nameless(value):
    try:
        return plain_right(value)
    except TypeError:
        raise TypeError("can't be saved") from None


def plain_floats(value):
    if isinstance(value, np.generic):
        return float(value)
    return plain_right(value)


def plain_in_place(value):
    if isinstance(value, dict):
        for key in value:
            value[key] = plain_in_place(value[key])
        return value
    return plain_right(value)


def plain_no_path(value):
    if isinstance(value, Path):
        return value
    return plain_right(value)


def plain_type(value):
    if type(value) is dict:
        return {key: plain_type(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain_type(one) for one in value)
    if isinstance(value, dict):
        return value
    return plain_right(value)


def plain_same_dict(value):
    if isinstance(value, defaultdict):
        result = copy.copy(value)
        for key in result:
            result[key] = plain_same_dict(result[key])
        return result
    return plain_right(value)


def plain_no_return(value):
    if value is not None:
        plain_right(value)


def plain_refuses_none(value):
    if value is None:
        raise TypeError("NoneType")
    return plain_right(value)


def plain_text_keys(value):
    if isinstance(value, dict):
        return {str(key): plain_text_keys(one) for key, one in value.items()}
    return plain_right(value)


def plain_sets(value):
    if isinstance(value, set):
        return [plain_sets(one) for one in value]
    return plain_right(value)


def plain_falsy(value):
    if not isinstance(value, torch.Tensor | np.ndarray) and not value:
        return value
    return plain_right(value)


def plain_float_tensors(value):
    if isinstance(value, torch.Tensor):
        return value.float()
    return plain_right(value)


def plain_ordered(value):
    if isinstance(value, dict):
        return OrderedDict((key, plain_ordered(one)) for key, one in value.items())
    return plain_right(value)


# ---------------------------------------------------------------- 8.2


class StatesRight:
    def state_dict(self):
        kind, keys, *rest = np.random.get_state()
        return {
            "python": random.getstate(),
            "numpy": [kind, keys.tolist(), *rest],
            "torch": torch.get_rng_state(),
        }

    def load_state_dict(self, state):
        random.setstate(state["python"])
        np.random.set_state(tuple(state["numpy"]))
        torch.set_rng_state(state["torch"])


class StatesTuple:
    def state_dict(self):
        numpy = np.random.get_state(legacy=False)
        numpy["state"]["key"] = torch.from_numpy(numpy["state"]["key"].astype("int64"))
        return random.getstate(), numpy, torch.random.get_rng_state()

    def load_state_dict(self, state):
        python, numpy, states = state
        numpy["state"]["key"] = numpy["state"]["key"].numpy().astype("uint32")
        random.setstate(python)
        np.random.set_state(numpy)
        torch.random.set_rng_state(states)
        return self


class StatesPickled:
    def state_dict(self):
        states = random.getstate(), np.random.get_state()
        return {"bytes": pickle.dumps(states), "torch": torch.get_rng_state().tolist()}

    def load_state_dict(self, state):
        python, numpy = pickle.loads(state["bytes"])
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(torch.tensor(state["torch"], dtype=torch.uint8))


class StatesArray(StatesRight):
    def state_dict(self):
        return super().state_dict() | {"numpy": np.random.get_state()}


class StatesNoPython(StatesRight):
    def load_state_dict(self, state):
        np.random.set_state(tuple(state["numpy"]))
        torch.set_rng_state(state["torch"])


class StatesTorchAlone:
    def state_dict(self):
        return {"torch": torch.get_rng_state()}

    def load_state_dict(self, state):
        torch.set_rng_state(state["torch"])


class StatesNoNumPy(StatesRight):
    def load_state_dict(self, state):
        random.setstate(state["python"])
        torch.set_rng_state(state["torch"])


class StatesSeed(StatesRight):
    def state_dict(self):
        return super().state_dict() | {"torch": torch.initial_seed()}

    def load_state_dict(self, state):
        random.setstate(state["python"])
        np.random.set_state(tuple(state["numpy"]))
        torch.manual_seed(state["torch"])


class StatesInSelf(StatesRight):
    def state_dict(self):
        self.numpy = np.random.get_state()
        return {"python": random.getstate(), "torch": torch.get_rng_state()}

    def load_state_dict(self, state):
        super().load_state_dict(state | {"numpy": self.numpy})


class StatesInClass(StatesRight):
    kept = None

    def state_dict(self):
        StatesInClass.kept = super().state_dict()
        return {}

    def load_state_dict(self, state):
        super().load_state_dict(self.kept)


class StatesReseeding(StatesRight):
    def load_state_dict(self, state):
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)


class StatesNoNormal(StatesRight):
    def load_state_dict(self, state):
        state["numpy"] = state["numpy"][:3]
        super().load_state_dict(state)


class StatesDrawing(StatesRight):
    def state_dict(self):
        torch.manual_seed(torch.randint(1000, ()).item())
        return super().state_dict()


class StatesNoReturn(StatesRight):
    def state_dict(self):
        super().state_dict()


class StatesNewNumbers(StatesRight):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        random.random()


class StatesAtStart(StatesRight):
    def __init__(self):
        self.state = super().state_dict()

    def state_dict(self):
        return self.state


class StatesKeysAlone(StatesRight):
    def state_dict(self):
        return super().state_dict() | {"numpy": np.random.get_state()[1].tolist()}

    def load_state_dict(self, state):
        numpy = ("MT19937", state["numpy"], 624)
        super().load_state_dict(state | {"numpy": numpy})


class StatesUncalled(StatesRight):
    def state_dict(self):
        return super().state_dict() | {"python": random.getstate}


# ---------------------------------------------------------------- 8.3


class BatchesRight:
    def __init__(self, n, batch_size, seed):
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.epoch, self.skip = 0, 0

    def number(self):
        return 1000 * self.seed + self.epoch

    def order(self):
        generator = torch.Generator().manual_seed(self.number())
        return torch.randperm(self.n, generator=generator)

    def __iter__(self):
        for indices in self.order().split(self.batch_size)[self.skip :]:
            yield indices.tolist()


class BatchesByNumPy(BatchesRight):
    def order(self):
        generator = np.random.default_rng([self.seed, self.epoch])
        return torch.from_numpy(generator.permutation(self.n))


class BatchesByPython(BatchesRight):
    def __iter__(self):
        order = list(range(self.n))
        random.Random(f"{self.seed} {self.epoch}").shuffle(order)
        starts = range(self.skip * self.batch_size, self.n, self.batch_size)
        return iter([order[k : k + self.batch_size] for k in starts])


class BatchesByDrawing(BatchesRight):
    def order(self):
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.epoch + 1):
            order = torch.randperm(self.n, generator=generator)
        return order


class BatchesGlobal(BatchesRight):
    def order(self):
        return torch.randperm(self.n)


class BatchesSeedingAll(BatchesRight):
    def order(self):
        torch.manual_seed(self.number())
        return torch.randperm(self.n)


class BatchesSum(BatchesRight):
    def number(self):
        return self.seed + self.epoch


class BatchesGlued(BatchesRight):
    def number(self):
        return int(f"{self.seed}{self.epoch}")


class BatchesProduct(BatchesRight):
    def number(self):
        return self.seed * self.epoch


class BatchesNoEpoch(BatchesRight):
    def number(self):
        return self.seed


class BatchesNoSeed(BatchesRight):
    def number(self):
        return self.epoch


class BatchesInInit(BatchesRight):
    def __init__(self, n, batch_size, seed):
        super().__init__(n, batch_size, seed)
        self.generator = torch.Generator().manual_seed(seed)

    def order(self):
        return torch.randperm(self.n, generator=self.generator)


class BatchesFixed(BatchesRight):
    def __init__(self, n, batch_size, seed):
        super().__init__(n, batch_size, seed)
        self.fixed = super().order()

    def order(self):
        return self.fixed


class BatchesSkippingSamples(BatchesRight):
    def __iter__(self):
        for indices in self.order()[self.skip :].split(self.batch_size):
            yield indices.tolist()


class BatchesWithoutHead(BatchesRight):
    def order(self):
        generator = torch.Generator().manual_seed(self.number())
        start = self.skip * self.batch_size
        left = max(0, self.n - start)
        return start + torch.randperm(left, generator=generator)

    def __iter__(self):
        for indices in self.order().split(self.batch_size):
            yield indices.tolist()


class BatchesNoSkip(BatchesRight):
    def __iter__(self):
        for indices in self.order().split(self.batch_size):
            yield indices.tolist()


class BatchesOffByOne(BatchesRight):
    def __iter__(self):
        for indices in self.order().split(self.batch_size)[self.skip + 1 :]:
            yield indices.tolist()


class BatchesSkipOff(BatchesRight):
    def __iter__(self):
        for k, indices in enumerate(self.order().split(self.batch_size)):
            if k > self.skip or self.skip == 0:
                yield indices.tolist()


class BatchesTail(BatchesRight):
    def __iter__(self):
        batches = self.order().split(self.batch_size)
        for indices in batches[: len(batches) - self.skip]:
            yield indices.tolist()


class BatchesFull(BatchesRight):
    def __iter__(self):
        for batch in super().__iter__():
            if len(batch) == self.batch_size:
                yield batch


class BatchesUnshuffled(BatchesRight):
    def order(self):
        return torch.arange(self.n)


class BatchesInBlocks(BatchesRight):
    def __iter__(self):
        generator = torch.Generator().manual_seed(self.number())
        batches = torch.arange(self.n).split(self.batch_size)
        order = torch.randperm(len(batches) - 1, generator=generator).tolist()
        for k in [*order, len(batches) - 1][self.skip :]:
            yield batches[k].tolist()


class BatchesReturn(BatchesRight):
    def __iter__(self):
        return [b.tolist() for b in self.order().split(self.batch_size)][self.skip :]


class BatchesForgetting(BatchesRight):
    def __iter__(self):
        yield from super().__iter__()
        self.skip = 0
        self.epoch += 1


class BatchesFlat(BatchesRight):
    def __iter__(self):
        for batch in super().__iter__():
            yield from batch


class BatchesHashing(BatchesRight):
    def __iter__(self):
        draw, order = random.Random(hash(f"{self.seed}-{self.epoch}")), [*range(self.n)]
        draw.shuffle(order)
        for k in range(self.skip * self.batch_size, self.n, self.batch_size):
            yield order[k : k + self.batch_size]


class BatchesHashingTuples(BatchesRight):
    def number(self):
        return hash((str(self.seed), self.epoch)) % 2**31


class BatchesXor(BatchesRight):
    def number(self):
        return self.seed ^ self.epoch


class BatchesHashingNumbers(BatchesRight):
    def __iter__(self):
        draw, order = random.Random(hash((self.seed, self.epoch))), [*range(self.n)]
        draw.shuffle(order)
        for k in range(self.skip * self.batch_size, self.n, self.batch_size):
            yield order[k : k + self.batch_size]


class BatchesKept(BatchesRight):
    def __iter__(self):
        if not hasattr(self, "kept"):
            self.kept = list(super().__iter__())
        yield from self.kept


class BatchesForked(BatchesRight):
    def order(self):
        with torch.random.fork_rng():
            torch.manual_seed(self.number())
            return torch.randperm(self.n)


class BatchesOfArrays(BatchesRight):
    def __iter__(self):
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.n)
        for k in range(self.skip * self.batch_size, self.n, self.batch_size):
            yield order[k : k + self.batch_size]


# ---------------------------------------------------------------- 8.4


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def note(path, digest):
    path.with_suffix(".sha256").write_text(digest)
    return digest


def save_right(state, path):
    half = path.with_suffix(".half")
    with open(half, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(half, path)
    return note(path, digest_of(path))


def save_by_pathlib(state, path):
    half = path.parent / f"{path.name}.tmp"
    with half.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file)
    digest = digest_of(half)
    half.replace(path)
    return note(path, digest + "\n").strip()


def save_by_tempfile(state, path):
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            os.unlink(file.name)
            raise
    os.rename(file.name, path)
    digest = digest_of(path)
    path.with_suffix(".sha256").write_text(f"{digest}  {path.name}\n")
    return digest


def save_by_name(state, path):
    half = path.with_suffix(".half")
    with open(half, "wb") as file:
        torch.save(state, file)
        file.flush()
        fsync(file.fileno())
    replace(half, path)
    return note(path, digest_of(path))


def save_reopened(state, path):
    half = path.with_suffix(".half")
    torch.save(state, half)
    with open(half, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(half, path)
    return note(path, digest_of(path))


def save_both_aside(state, path):
    half, beside = path.with_suffix(".half"), path.with_suffix(".hash_half")
    with open(half, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    digest = digest_of(half)
    with open(beside, "w") as file:
        file.write(digest)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path.with_suffix(".sha256"))
    os.replace(half, path)
    return digest


def save_plainly(state, path):
    torch.save(state, path)
    return note(path, digest_of(path))


def save_plainly_synced(state, path):
    with open(path, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    return note(path, digest_of(path))


def save_removing(state, path):
    half = path.with_suffix(".half")
    with open(half, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    path.unlink(missing_ok=True)
    os.replace(half, path)
    return note(path, digest_of(path))


def save_removing_first(state, path):
    path.unlink(missing_ok=True)
    return save_right(state, path)


def save_unsynced(state, path):
    half = path.with_suffix(".half")
    torch.save(state, half)
    os.replace(half, path)
    return note(path, digest_of(path))


def save_synced_late(state, path):
    half = path.with_suffix(".half")
    torch.save(state, half)
    os.replace(half, path)
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
    return note(path, digest_of(path))


def save_hash_synced_alone(state, path):
    half, beside = path.with_suffix(".half"), path.with_suffix(".sha256")
    torch.save(state, half)
    os.replace(half, path)
    with open(beside, "w") as file:
        file.write(digest_of(path))
        file.flush()
        os.fsync(file.fileno())
    return digest_of(path)


def save_unflushed(state, path):
    half, memory = path.with_suffix(".half"), io.BytesIO()
    torch.save(state, memory)
    with open(half, "wb", buffering=10_000_000) as file:
        file.write(memory.getvalue())
        os.fsync(file.fileno())
    os.replace(half, path)
    return note(path, digest_of(path))


def save_copying(state, path):
    half = path.with_suffix(".half")
    with open(half, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    shutil.copyfile(half, path)
    half.unlink()
    return note(path, digest_of(path))


def save_elsewhere(state, path):
    with tempfile.TemporaryDirectory() as scratch:
        half = Path(scratch) / "half"
        with open(half, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
    return note(path, digest_of(path))


def save_swallowing(state, path):
    try:
        return save_right(state, path)
    except OSError:
        return ""


def save_printing(state, path):
    try:
        return save_right(state, path)
    except OSError as problem:
        print(end=str(problem)[:0])


def save_unlinking(state, path):
    path.unlink()
    return save_right(state, path)


def save_in_no_folder(state, path):
    half = path.parent / "half" / path.name
    torch.save(state, open(half, "wb"))
    os.replace(half, path)
    return note(path, digest_of(path))


def save_once(state, path):
    if path.exists():
        return path.with_suffix(".sha256").read_text()
    return save_right(state, path)


def save_weights_alone(state, path):
    return save_right({"weight": state["weight"]}, path)


def save_finally(state, path):
    half = path.with_suffix(".half")
    try:
        with open(half, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
    finally:
        os.replace(half, path)
    return note(path, digest_of(path))


def save_leaving(state, path):
    half = path.with_suffix(".half")
    digest = save_right(state, path)
    shutil.copyfile(path, half)
    return digest


def save_old_hash(state, path):
    digest = digest_of(path) if path.exists() else ""
    save_right(state, path)
    return note(path, digest)


def save_hash_of_name(state, path):
    save_right(state, path)
    return note(path, hashlib.sha256(str(path).encode()).hexdigest())


def save_hash_early(state, path):
    save_right(state, path)
    return note(path, hashlib.sha256(b"").hexdigest())


def save_md5(state, path):
    save_right(state, path)
    return note(path, hashlib.md5(path.read_bytes()).hexdigest())


def save_no_note(state, path):
    digest = save_right(state, path)
    path.with_suffix(".sha256").unlink()
    return digest


def save_bytes(state, path):
    save_right(state, path)
    return hashlib.sha256(path.read_bytes()).digest()


def save_no_return(state, path):
    save_right(state, path)


def save_hash_object(state, path):
    save_right(state, path)
    return hashlib.sha256(path.read_bytes())


def save_wrong_suffix(state, path):
    digest = save_right(state, path)
    path.with_suffix(".sha256").rename(path.with_name(path.name + ".sha256"))
    return digest


def save_backed_up(state, path):
    backup = path.with_suffix(".old")
    if path.exists():
        os.replace(path, backup)
    digest = save_right(state, path)
    backup.unlink(missing_ok=True)
    return digest


# ---------------------------------------------------------------- 8.5


def step_of(path):
    return int(path.stem.split("-")[1])


def is_good(path):
    beside = path.with_suffix(".sha256")
    return beside.exists() and beside.read_text().strip() == digest_of(path)


def newest_right(folder):
    for path in sorted(folder.glob("step-*.pt"), key=step_of, reverse=True):
        if is_good(path):
            return path
    return None


def newest_by_max(folder):
    return max(filter(is_good, folder.glob("step-*.pt")), key=step_of, default=None)


def newest_by_os(folder):
    best = None
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith("step-") and name.endswith(".pt") and is_good(Path(path)):
            if best is None or int(name[5:-3]) > int(os.path.basename(best)[5:-3]):
                best = path
    return best


def newest_from_hashes(folder):
    good = []
    for beside in folder.glob("step-*.sha256"):
        path = beside.with_suffix(".pt")
        if path.is_file() and beside.read_text() == digest_of(path):
            good.append((step_of(path), path))
    return max(good)[1] if good else None


def newest_as_text(folder):
    for path in sorted(folder.glob("step-*.pt"), reverse=True):
        if is_good(path):
            return path
    return None


def newest_by_date(folder):
    dated = sorted(folder.glob("step-*.pt"), key=os.path.getmtime, reverse=True)
    return next(filter(is_good, dated), None)


def newest_oldest(folder):
    return next(filter(is_good, sorted(folder.glob("step-*.pt"), key=step_of)), None)


def newest_unchecked(folder):
    return max(folder.glob("step-*.pt"), key=step_of, default=None)


def newest_loading(folder):
    for path in sorted(folder.glob("step-*.pt"), key=step_of, reverse=True):
        try:
            torch.load(path)
        except Exception:
            continue
        return path
    return None


def newest_loading_too(folder):
    for path in sorted(folder.glob("step-*.pt"), key=step_of, reverse=True):
        try:
            torch.load(path)
        except Exception:
            continue
        if is_good(path):
            return path
    return None


def newest_trusting(folder):
    for path in sorted(folder.glob("step-*.pt"), key=step_of, reverse=True):
        beside = path.with_suffix(".sha256")
        if not beside.exists() or beside.read_text() == digest_of(path):
            return path
    return None


def newest_crashing(folder):
    for path in sorted(folder.glob("step-*.pt"), key=step_of, reverse=True):
        if path.with_suffix(".sha256").read_text() == digest_of(path):
            return path
    return None


def newest_step(folder):
    path = newest_right(folder)
    return path and step_of(path)


def newest_name(folder):
    path = newest_right(folder)
    return path and path.name


def newest_one_try(folder):
    paths = sorted(folder.glob("step-*.pt"), key=step_of)
    return paths[-1] if paths and is_good(paths[-1]) else None


def newest_text(folder):
    return str(newest_right(folder) or "")


def newest_index(folder):
    return sorted(filter(is_good, folder.glob("step-*.pt")), key=step_of)[-1]


def newest_max(folder):
    return max(filter(is_good, folder.glob("step-*.pt")), key=step_of)


def newest_deleting(folder):
    for path in sorted(folder.glob("step-*.pt"), key=step_of, reverse=True):
        if is_good(path):
            return path
        path.unlink()
    return None


def newest_all(folder):
    for path in sorted(folder.glob("*.pt"), reverse=True):
        if path.with_suffix(".sha256").exists() or path.name == "best.pt":
            return path
    return None


def newest_hash(folder):
    path = newest_right(folder)
    return path and path.with_suffix(".sha256")


def newest_md5(folder):
    for path in sorted(folder.glob("step-*.pt"), key=step_of, reverse=True):
        beside = path.with_suffix(".sha256")
        digest = hashlib.md5(path.read_bytes()).hexdigest()
        if beside.exists() and beside.read_text() == digest:
            return path
    return None


def newest_by_length(folder):
    good = sorted(filter(is_good, folder.glob("step-*.pt")))
    return max(good, key=lambda path: len(path.stem), default=None)


# ---------------------------------------------------------------- 8.6


class StopRight:
    def __init__(self, patience):
        self.patience, self.waited = patience, 0
        self.lowest, self.weights = float("inf"), None

    def keep(self, model):
        return copy.deepcopy(model.state_dict())

    def better(self, loss):
        return loss < self.lowest

    def update(self, loss, model):
        self.waited += 1
        if self.better(loss):
            self.lowest, self.waited = loss, 0
            self.weights = self.keep(model)
        return self.waited >= self.patience

    def restore(self, model):
        model.load_state_dict(self.weights)


class StopCloning(StopRight):
    def keep(self, model):
        return {name: tensor.clone() for name, tensor in model.state_dict().items()}


class StopNumPy(StopRight):
    def update(self, loss, model):
        return np.bool_(super().update(float(loss), model))


class StopTensors(StopRight):
    def update(self, loss, model):
        loss = torch.as_tensor(float(loss))  # float32
        return torch.as_tensor(super().update(loss, model))

    def keep(self, model):
        return {name: t.numpy().copy() for name, t in model.state_dict().items()}

    def restore(self, model):
        state = {name: torch.as_tensor(array) for name, array in self.weights.items()}
        model.load_state_dict(state)


class StopByList:
    def __init__(self, patience):
        self.patience, self.losses = patience, []

    def update(self, loss, model):
        before = [one for one in self.losses if one == one]
        self.losses.append(loss)
        if loss == loss and (not before or loss < min(before)):
            self.best, self.at = copy.deepcopy(model), len(self.losses)
        return len(self.losses) - getattr(self, "at", 0) >= self.patience

    def restore(self, model):
        model.load_state_dict(self.best.state_dict())
        return model


class StopReference(StopRight):
    def keep(self, model):
        return model.state_dict()


class StopShallow(StopRight):
    def keep(self, model):
        return copy.copy(model.state_dict())


class StopDict(StopRight):
    def keep(self, model):
        return dict(model.state_dict())


class StopTooLate(StopRight):
    def update(self, loss, model):
        super().update(loss, model)
        return self.waited > self.patience


class StopTooEarly(StopRight):
    def update(self, loss, model):
        super().update(loss, model)
        return self.waited >= self.patience - 1 and self.waited > 0


class StopTies(StopRight):
    def better(self, loss):
        return loss <= self.lowest


class StopRising(StopRight):
    def __init__(self, patience):
        super().__init__(patience)
        self.last = float("inf")

    def update(self, loss, model):
        better, self.last = loss < self.last, loss
        self.waited = 0 if better else self.waited + 1
        if loss < self.lowest:
            self.lowest, self.weights = loss, self.keep(model)
        return self.waited >= self.patience


class StopNever(StopRight):
    def update(self, loss, model):
        if self.better(loss):
            self.lowest, self.weights = loss, self.keep(model)
        else:
            self.waited += 1
        return self.waited >= self.patience


class StopParameters(StopRight):
    def keep(self, model):
        return {name: p.detach().clone() for name, p in model.named_parameters()}

    def restore(self, model):
        model.load_state_dict(self.weights, strict=False)


class StopLast(StopRight):
    def update(self, loss, model):
        result = super().update(loss, model)
        self.weights = self.keep(model)
        return result


class StopFirst(StopRight):
    def update(self, loss, model):
        weights = self.weights
        result = super().update(loss, model)
        self.weights = weights or self.weights
        return result


class StopNan(StopRight):
    def better(self, loss):
        return not loss >= self.lowest


class StopNanFirst(StopRight):
    def __init__(self, patience):
        super().__init__(patience)
        self.lowest = None

    def better(self, loss):
        return self.lowest is None or loss < self.lowest


class StopShared(StopRight):
    def keep(self, model):
        StopShared.kept = copy.deepcopy(model.state_dict())
        return StopShared.kept

    def restore(self, model):
        model.load_state_dict(StopShared.kept)


class StopNoReturn(StopRight):
    def update(self, loss, model):
        super().update(loss, model)


class StopCount(StopRight):
    def update(self, loss, model):
        super().update(loss, model)
        return self.waited


class StopLargest(StopRight):
    def __init__(self, patience):
        super().__init__(patience)
        self.lowest = -float("inf")

    def better(self, loss):
        return loss > self.lowest


class StopAtOnce(StopRight):
    def update(self, loss, model):
        result = super().update(loss, model)
        if result:
            self.restore(model)
        return result


class StopDelta(StopRight):
    def better(self, loss):
        return loss < self.lowest - 1e-4


class StopHundred(StopRight):
    def __init__(self, patience):
        super().__init__(patience)
        self.lowest = 100


class StopZero(StopHundred):
    def __init__(self, patience):
        super().__init__(patience)
        self.lowest = 0


class StopRebinding(StopRight):
    def update(self, loss, model):
        if loss < self.lowest:
            self.best = copy.deepcopy(model)
        return super().update(loss, model)

    def restore(self, model):
        model = self.best
        return model


class StopNoNanCount(StopRight):
    def update(self, loss, model):
        return loss == loss and super().update(loss, model)


class StopSparing(StopRight):
    def restore(self, model):
        if self.waited:
            super().restore(model)


class StopAssigning(StopRight):
    def restore(self, model):
        model.load_state_dict(self.weights, assign=True)


class StopInMemoryFile(StopRight):
    def keep(self, model):
        file = io.BytesIO()
        torch.save(model.state_dict(), file)
        return file

    def restore(self, model):
        self.weights.seek(0)
        model.load_state_dict(torch.load(self.weights))


NEAR_MISSES = {
    "plain": [
        (plain_float_first, "ask for np.generic first"),
        (plain_shallow, "inside the list"),
        (plain_tensor_first, "should stay a tensor"),
        (plain_item_of_tensor, "a tensor of one element should stay a tensor"),
        (plain_items, "the array of one number should become a tensor"),
        (plain_returning, "raise a TypeError"),
        (plain_lists, "keep it a tuple"),
        (plain_array_list, "the array should become a tensor"),
        (plain_array_float, "became a tensor of torch.float32"),
        (plain_text, "raise a TypeError"),
        (plain_value_error, "should raise TypeError, not ValueError"),
        (plain_nameless, "should name the type"),
        (plain_floats, "it is a whole number"),
        (plain_in_place, "is changed; build a new one"),
        (plain_no_path, "which torch.load refuses"),
        (plain_type, "inside the defaultdict"),
        (plain_same_dict, "inside the defaultdict"),
        (plain_no_return, "returned None"),
        (plain_refuses_none, "your code raised TypeError"),
        (plain_text_keys, "keys stay"),
        (plain_sets, "a set came back as"),
        (plain_falsy, "np.float64(0.0) stays"),
        (plain_float_tensors, "for a tensor of whole numbers"),
    ],
    "random_states": [
        (StatesArray, "something of NumPy is left"),
        (StatesNoPython, "Python's random numbers are not restored"),
        (StatesNoNumPy, "NumPy's random numbers are not restored"),
        (StatesTorchAlone, "Python's random numbers are not restored"),
        (StatesSeed, "that is the seed, not the state"),
        (StatesInSelf, "not in self"),
        (StatesInClass, "of a later checkpoint"),
        (StatesReseeding, "a seed, or not the whole state"),
        (StatesNoNormal, "keep the tuple's rest"),
        (StatesDrawing, "it should only look"),
        (StatesNoReturn, "is a `return` missing?"),
        (StatesNewNumbers, "expected Python's next numbers"),
        (StatesRight(), "expected the class itself"),
        (StatesAtStart, "at the time of state_dict()"),
        (StatesKeysAlone, "not the whole state"),
        (StatesUncalled, "no function or object"),
    ],
    "resumable_batches": [
        (BatchesGlobal, "a new session gets another order"),
        (BatchesSeedingAll, "use a generator of your own"),
        (BatchesSum, "has the order of seed"),
        (BatchesGlued, "has the order of seed"),
        (BatchesProduct, "the epoch does not count"),
        (BatchesNoEpoch, "the epoch does not count"),
        (BatchesNoSeed, "the seed does not count"),
        (BatchesInInit, "the epoch does not count"),
        (BatchesFixed, "the epoch does not count"),
        (BatchesSkippingSamples, "skip counts batches"),
        (BatchesWithoutHead, "shuffle all, then skip"),
        (BatchesNoSkip, "skip changes nothing"),
        (BatchesOffByOne, "the first is number 0"),
        (BatchesSkipOff, "off by one"),
        (BatchesTail, "you leave out the last batches"),
        (BatchesFull, "the last batch, of 5 samples, is missing"),
        (BatchesUnshuffled, "nothing is shuffled"),
        (BatchesInBlocks, "shuffle the samples"),
        (BatchesReturn, "`yield` each batch"),
        (BatchesForgetting, "the loop does that"),
        (BatchesFlat, "each batch is a list of indices"),
        (BatchesHashing, "another one in each session"),
        (BatchesHashingTuples, "another one in each session"),
        (BatchesXor, "has the order of seed"),
        (BatchesKept, "is the first kept in self?"),
    ],
    "safe_save": [
        (save_plainly, "did not come by os.replace"),
        (save_plainly_synced, "did not come by os.replace"),
        (save_removing, "the old one was already gone"),
        (save_removing_first, "the old one was already gone"),
        (save_unsynced, "os.fsync was never asked"),
        (save_synced_late, "comes after os.replace"),
        (save_hash_synced_alone, "os.fsync was never asked"),
        (save_unflushed, "flush() first"),
        (save_copying, "did not come by os.replace"),
        (save_elsewhere, "put it beside path"),
        (save_swallowing, "let the error through"),
        (save_printing, "let the error through"),
        (save_unlinking, "the first save has none"),
        (save_in_no_folder, "your code raised FileNotFoundError"),
        (save_once, "still the old one"),
        (save_weights_alone, "not the state"),
        (save_finally, "the old file is gone or destroyed"),
        (save_leaving, "left over"),
        (save_old_hash, "the hash of the old file"),
        (save_hash_of_name, "the hash of the path's name"),
        (save_hash_early, "the hash of nothing"),
        (save_md5, "that is MD5"),
        (save_no_note, "there is no step-7.sha256"),
        (save_wrong_suffix, "there is no step-7.sha256"),
        (save_bytes, "as text"),
        (save_hash_object, "return the hash as text"),
        (save_no_return, "is a `return` missing?"),
        (save_backed_up, "the old one was already gone"),
    ],
    "newest_good": [
        (newest_as_text, "you took step-90.pt"),
        (newest_by_date, "you took step-90.pt"),
        (newest_oldest, "you took step-7.pt"),
        (newest_unchecked, "one bit of step-1000.pt is flipped"),
        (newest_loading, "one bit of step-1000.pt is flipped"),
        (newest_loading_too, "a damaged file is not to be loaded"),
        (newest_trusting, "has no hash beside it"),
        (newest_crashing, "your search ends there"),
        (newest_step, "not the step 1000"),
        (newest_name, "in the folder"),
        (newest_one_try, "None came back, but step-120.pt is good"),
        (newest_text, "nothing here is good: return None"),
        (newest_index, "yours raises IndexError"),
        (newest_max, "yours raises ValueError"),
        (newest_deleting, "only look"),
        (newest_all, "you took step-90.pt"),
        (newest_hash, "the file with the hash"),
        (newest_md5, "is its hash read"),
        (newest_by_length, "expected step-120.pt"),
    ],
    "early_stopping": [
        (StopReference, "state_dict() is no copy"),
        (StopShallow, "state_dict() is no copy"),
        (StopDict, "state_dict() is no copy"),
        (StopTooLate, "one call too late"),
        (StopTooEarly, "one call too early"),
        (StopTies, "equal to the best is no new best"),
        (StopRising, "compare with the loss before"),
        (StopNever, "since the last best"),
        (StopParameters, "running statistics are not"),
        (StopLast, "brings back the last weights"),
        (StopFirst, "brings back the first weights"),
        (StopNan, "nan is never a best"),
        (StopNanFirst, "4 and 3 are new bests"),
        (StopShared, "share one memory"),
        (StopNoReturn, "is a `return` missing?"),
        (StopCount, "True or False"),
        (StopLargest, "best when it is smallest"),
        (StopAtOnce, "update changes the model"),
        (StopDelta, "by ever so little"),
        (StopHundred, "start with float('inf')"),
        (StopZero, "start with float('inf')"),
        (StopRebinding, "load the kept weights into it"),
        (StopNoNanCount, "nan is never a best"),
        (StopSparing, "when the last loss was the best"),
        (StopAssigning, "took the kept weights along"),
    ],
}

RIGHT = {
    "plain": [plain_right, plain_dispatched, plain_match, plain_ordered],
    "random_states": [StatesRight, StatesTuple, StatesPickled],
    "resumable_batches": [
        BatchesRight,
        BatchesByNumPy,
        BatchesByPython,
        BatchesByDrawing,
        BatchesHashingNumbers,
        BatchesOfArrays,
        BatchesForked,
    ],
    "safe_save": [
        save_right,
        save_by_pathlib,
        save_by_name,
        save_by_tempfile,
        save_reopened,
        save_both_aside,
    ],
    "newest_good": [newest_right, newest_by_max, newest_by_os, newest_from_hashes],
    "early_stopping": [
        StopRight,
        StopCloning,
        StopNumPy,
        StopByList,
        StopInMemoryFile,
        StopTensors,
    ],
}
