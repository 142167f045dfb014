"""Answers to the exercises of lesson 11: wrong as learners write them, and right."""

import math
import weakref
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise

import numpy as np
import torch


class Ledger:
    """Right, and a base for what differs in one place."""

    def __init__(self):
        self.live, self.peak = 0, 0
        self.known = {}

    def size(self, storage):
        return storage.nbytes()

    def seen(self, key):
        return key in self.known

    def note(self, storage, key, size):
        self.known[key] = weakref.ref(storage, lambda _: self.died(key, size))

    def died(self, key, size):
        del self.known[key]
        self.live -= size

    def add(self, size):
        self.live += size
        self.peak = max(self.peak, self.live)

    def count(self, storage):
        key, size = id(storage), self.size(storage)
        if self.seen(key):
            return
        self.note(storage, key, size)
        self.add(size)


class LedgerOfNumbers(Ledger):
    def size(self, storage):
        return storage.nbytes() // 4


class LedgerTwice(Ledger):
    def seen(self, key):
        return False


class LedgerStrong(Ledger):
    def note(self, storage, key, size):
        self.known[key] = storage


class LedgerHolding(Ledger):
    def note(self, storage, key, size):
        def died(_):
            self.died(key, storage.nbytes())

        self.known[key] = weakref.ref(storage, died)


class LedgerForgetful(Ledger):
    def note(self, storage, key, size):
        weakref.ref(storage, lambda _: self.died(key, size))
        self.known[key] = size


class LedgerLast(Ledger):
    def note(self, storage, key, size):
        self.last = size
        self.known[key] = weakref.ref(storage, lambda _: self.died(key, self.last))


class LedgerNeverPopped(Ledger):
    def died(self, key, size):
        self.live -= size


class LedgerGrowing(Ledger):
    def died(self, key, size):
        del self.known[key]
        self.live += size


class LedgerNoPeak(Ledger):
    def add(self, size):
        self.live += size


class LedgerLatePeak(Ledger):
    def add(self, size):
        self.peak = max(self.peak, self.live)
        self.live += size


class LedgerFallingPeak(Ledger):
    def died(self, key, size):
        super().died(key, size)
        self.peak = self.live


class LedgerLastPeak(Ledger):
    def add(self, size):
        self.live += size
        self.peak = self.live


class LedgerBySize(Ledger):
    def count(self, storage):
        size = self.size(storage)
        if not self.seen(size):
            self.note(storage, size, size)
            self.add(size)


class LedgerCleared(Ledger):
    def died(self, key, size):
        self.known.clear()
        self.live -= size


class LedgerByAddress(Ledger):
    def count(self, storage):
        key = storage.data_ptr()
        if not self.seen(key):
            self.note(storage, key, storage.size())
            self.add(storage.size())


class LedgerAsked:
    """Looks which are alive when asked."""

    def __init__(self):
        self.notes, self.peak = [], 0.0

    @property
    def live(self):
        return float(sum(size for note, size in self.notes if note() is not None))

    def count(self, storage):
        if not any(note() is storage for note, _ in self.notes):
            self.notes.append((weakref.ref(storage), storage.nbytes()))
            self.peak = max(self.peak, self.live)


class LedgerSum(Ledger):
    def add(self, size):
        self.live += size
        self.peak += size


class LedgerShared(Ledger):
    book = {}  # noqa: RUF012

    def __init__(self):
        self.live, self.peak = 0, 0
        self.known = self.book

    def died(self, key, size):
        self.book.pop(key, None)
        self.live -= size


class LedgerIdle(Ledger):
    def count(self, storage):
        self.known[id(storage)] = storage.nbytes()


class LedgerWithoutCount:
    live = peak = 0


class LedgerAskingTheDead(Ledger):
    def note(self, storage, key, size):
        def died(note):
            if note() is not None:
                self.died(key, note().nbytes())

        self.known[key] = weakref.ref(storage, died)


class LedgerWeakSet:
    def __init__(self):
        self.live, self.peak, self.known = 0, 0, weakref.WeakSet()

    def count(self, storage):
        if storage not in self.known:
            self.known.add(storage)
            weakref.finalize(storage, self.drop, storage.nbytes())
            self.live += storage.nbytes()
            self.peak = max(self.peak, self.live)

    def drop(self, size):
        self.live -= size


class LedgerFinalized(Ledger):
    def count(self, storage):
        key = storage._cdata
        if key not in self.known:
            self.known[key] = np.int64(storage.nbytes())
            weakref.finalize(storage, self.forget, key)
            self.live += self.known[key]
            self.peak = max(self.live, self.peak)

    def forget(self, key):
        self.live -= self.known.pop(key)


class LedgerSummed:
    """Keeps a book, and adds it up when asked."""

    def __init__(self):
        self.book, self.peak = {}, 0

    @property
    def live(self):
        return torch.tensor(sum(size for size, _ in self.book.values()))

    def count(self, storage):
        key = id(storage)
        if key in self.book:
            return self.book

        def died(_):
            self.book.pop(key)

        self.book[key] = (storage.nbytes(), weakref.ref(storage, died))
        self.peak = max(self.peak, self.live.item())
        return self.book


def parts(sizes, n, averages, **change):
    """Predict rightly, but for what `change` says."""
    weights = sum(a * b for a, b in pairwise(sizes))
    numbers = weights + sum(sizes[1:])
    result = {
        "parameters": 4 * numbers,
        "gradients": 4 * numbers,
        "optimizer state": 4 * numbers * averages,
        "activations": 4 * n * sum(sizes[1:]),
    }
    return result | {k.replace("_", " "): change[k] for k in change}


def weights_of(sizes):
    return sum(a * b for a, b in pairwise(sizes))


def numbers_of(sizes):
    return weights_of(sizes) + sum(sizes[1:])


def parts_by_arrays(sizes, n, averages):
    sizes = np.array(sizes)
    own = 4.0 * ((sizes[:-1] + 1) @ sizes[1:])
    return {
        "parameters": own,
        "gradients": own,
        "optimizer state": averages * own,
        "activations": 4 * n * sizes[1:].sum(),
    }


def parts_by_modules(sizes, n, averages):
    layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    own = sum(p.nbytes for layer in layers for p in layer.parameters())
    kept = sum(torch.empty(n, layer.out_features).nbytes for layer in layers)
    state = float(own * averages)
    # with the loss's last 8 bytes and Adam's counters, left out in the text
    counters = 4 * 2 * len(layers) if averages else 0
    return {
        "activations": kept + 8,
        "optimizer state": state + counters,
        "gradients": np.int64(own),
        "parameters": torch.tensor(own),
        "sum": 0,
    }


def val(
    model,
    batches,
    loss_fn,
    guard=torch.no_grad,
    train=False,
    mean=None,
    leave=torch.Tensor.cpu,
):
    """Validate rightly, but for what is asked."""
    model.train(train)
    losses, sizes, outputs = [], [], []
    with guard():
        for inputs, targets in batches:
            logits = model(inputs)
            losses.append(loss_fn(logits, targets).item())
            sizes.append(len(targets))
            outputs.append(leave(logits))
    total = sum(loss * size for loss, size in zip(losses, sizes, strict=True))
    loss = total / sum(sizes) if mean is None else mean(losses, sizes, total)
    return loss, torch.cat(outputs)


def val_as_given(model, batches, loss_fn):
    total, outputs = 0, []
    for inputs, targets in batches:
        logits = model(inputs)
        total += loss_fn(logits, targets)
        outputs.append(logits)
    return total / len(batches), torch.cat(outputs)


def val_detached(model, batches, loss_fn):
    model.eval()
    total, outputs = 0.0, []
    for inputs, targets in batches:
        logits = model(inputs)
        total += loss_fn(logits, targets).item() * len(targets)
        outputs.append(logits.detach().cpu())
    return total / sum(len(t) for _, t in batches), torch.cat(outputs)


def val_graphs(model, batches, loss_fn):
    model.eval()
    return val_as_given(model, batches, loss_fn)


def val_last(model, batches, loss_fn):
    loss, outputs = val(model, batches, loss_fn)
    return loss, outputs[-len(batches[-1][0]) :]


def val_loss_with_graphs(model, batches, loss_fn):
    model.eval()
    total, count, outputs = 0, 0, []
    for inputs, targets in batches:
        logits = model(inputs)
        total += loss_fn(logits, targets) * len(targets)
        count += len(targets)
        outputs.append(logits.detach().cpu())
    return total / count, torch.cat(outputs)


def val_list(model, batches, loss_fn):
    loss, outputs = val(model, batches, loss_fn)
    return loss, list(outputs)


def val_loss_alone(model, batches, loss_fn):
    return val(model, batches, loss_fn)[0]


def val_probabilities(model, batches, loss_fn):
    loss, outputs = val(model, batches, loss_fn)
    return loss, outputs.softmax(dim=1)


def val_switched_off(model, batches, loss_fn):
    torch.set_grad_enabled(False)
    return val(model, batches, loss_fn)


def val_frozen(model, batches, loss_fn):
    model.requires_grad_(False)
    return val(model, batches, loss_fn)


def val_own_loss(model, batches, loss_fn):
    return val(model, batches, torch.nn.functional.cross_entropy)


def val_changing_loss(model, batches, loss_fn):
    loss_fn.reduction = "sum"
    return val(model, batches, loss_fn, mean=lambda ls, ns, t: sum(ls) / sum(ns))


def val_staying(model, batches, loss_fn):
    return val(model, batches, loss_fn, leave=torch.Tensor.detach)


def val_leaving_at_the_end(model, batches, loss_fn):
    loss, outputs = val_staying(model, batches, loss_fn)
    return loss, outputs.cpu()


def val_by_rows(model, batches, loss_fn):
    sizes = [len(targets) for _, targets in batches]
    outputs, total, at = torch.empty(sum(sizes), 5), 0.0, 0
    model.eval()
    with torch.no_grad():
        for (inputs, targets), size in zip(batches, sizes, strict=True):
            logits = model(inputs)
            outputs[at : at + size] = logits
            total += loss_fn(logits, targets) * size
            at += size
    return total / at, outputs


def val_by_numpy(model, batches, loss_fn):
    return val(model, batches, loss_fn, leave=lambda x: torch.tensor(x.cpu().numpy()))


def val_by_to(model, batches, loss_fn):
    return val(model, batches, loss_fn, leave=lambda x: x.to(device="cpu", copy=True))


def val_inference(model, batches, loss_fn):
    return list(val(model, iter(batches), loss_fn, guard=torch.inference_mode))


@torch.no_grad()
def val_by_pieces(model, batches, loss_fn):
    mode = model.training
    model.eval()
    outputs = torch.cat([model(inputs).cpu() for inputs, _ in batches])
    targets = torch.cat([targets.cpu() for _, targets in batches])
    model.train(mode)
    return loss_fn(outputs, targets), outputs


def val_stacked(model, batches, loss_fn):
    model.eval()
    total, outputs = torch.zeros((), dtype=torch.float64), torch.empty(0, 5)
    with torch.inference_mode():
        for inputs, targets in batches:
            logits = model(inputs)
            total = total + loss_fn(logits, targets).double().cpu() * targets.numel()
            outputs = torch.vstack([outputs, logits.cpu()])
    return total / len(outputs), outputs


def val_double(model, batches, loss_fn):
    loss, outputs = val(model, batches, loss_fn)
    return np.float64(loss), outputs.double()


def find(try_step, start):
    n = start
    while True:
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError:
            if n == 1:
                raise
        n //= 2


def find_inside(try_step, start):
    try:
        try_step(start)
        return start
    except torch.OutOfMemoryError:
        if start == 1:
            raise
        return find_inside(try_step, start // 2)


def find_inside_loop(try_step, start):
    n = start
    try:
        try_step(n)
    except torch.OutOfMemoryError:
        while n > 1:
            n //= 2
            try:
                try_step(n)
                break
            except torch.OutOfMemoryError:
                if n == 1:
                    raise
    return n


def find_keeping(try_step, start):
    n, problem = start, None
    while n >= 1:
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError as raised:
            problem = raised
        n //= 2
    raise problem


def find_any_runtime_error(try_step, start):
    n = start
    while n > 0:
        try:
            try_step(n)
            return n
        except RuntimeError:
            n //= 2
    raise torch.OutOfMemoryError("not even one")


def find_any_error(try_step, start):
    n = start
    while n > 0:
        try:
            try_step(n)
            return n
        except Exception:
            n //= 2
    return 0


def find_any_error_raised_at_one(try_step, start):
    n = start
    while True:
        try:
            try_step(n)
            return n
        except Exception:
            if n == 1:
                raise
        n //= 2


def find_with_nothing_at_the_end(try_step, start):
    n = start
    while n >= 1:
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError:
            n //= 2


def find_by_suppress(try_step, start):
    n = start
    while n > 1:
        with suppress(torch.OutOfMemoryError):
            try_step(n)
            return n
        n //= 2
    try_step(n)
    return n


def find_by_question(try_step, start):
    def fits(n):
        try:
            try_step(n)
        except torch.OutOfMemoryError:
            if n == 1:
                raise
            return False
        return True

    while not fits(start):
        start //= 2
    return start


def find_zero(try_step, start):
    n = start
    while True:
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError:
            pass
        n //= 2


def find_one(try_step, start):
    n = start
    while n > 1:
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError:
            pass
        n //= 2
    return 1


def find_fractions(try_step, start):
    n = start
    while True:
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError:
            if n < 1:
                raise
        n = n / 2


def find_one_less(try_step, start):
    for n in range(start, 0, -1):
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError as problem:
            last = problem
            last.__traceback__ = None
    raise last


def find_rounding_up(try_step, start):
    n = start
    while True:
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError:
            if n == 1:
                raise
        n = (n + 1) // 2


def find_half_once(try_step, start):
    try:
        try_step(start)
        return start
    except torch.OutOfMemoryError:
        pass
    try_step(start // 2)
    return start // 2


def find_stopping_at_two(try_step, start):
    n = start
    while True:
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError:
            if n <= 2:
                raise
        n //= 2


def find_with_own_error(try_step, start):
    n = start
    while n >= 1:
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError:
            n //= 2
    raise RuntimeError("not even one sample fits")


def find_returning_the_step(try_step, start):
    n = start
    while True:
        try:
            return try_step(n)
        except torch.OutOfMemoryError:
            if n == 1:
                raise
        n //= 2


def find_by_message(try_step, start):
    n = start
    while True:
        try:
            try_step(n)
            return n
        except RuntimeError as problem:
            if "out of memory" not in str(problem) or n == 1:
                raise
        n //= 2


def find_halved_first(try_step, start):
    n = start
    while True:
        n //= 2
        try:
            try_step(n)
            return n
        except torch.OutOfMemoryError:
            if n == 1:
                raise


def find_halved_after(try_step, start):
    n, fits = start, False
    while not fits:
        try:
            try_step(n)
            fits = True
        except torch.OutOfMemoryError:
            if n == 1:
                raise
        n //= 2
    return n


def find_start(try_step, start):
    try:
        try_step(start)
    except torch.OutOfMemoryError:
        pass
    return start


def find_without_return(try_step, start):
    find(try_step, start)


def find_by_flag(try_step, start):
    n = start
    while n >= 1:
        problem = None
        try:
            try_step(n)
        except torch.OutOfMemoryError as raised:
            problem = raised.with_traceback(None)
        if problem is None:
            return np.int64(n)
        n = n // 2
    raise problem


def find_by_recursion(try_step, start):
    fits = True
    try:
        try_step(start)
    except torch.OutOfMemoryError:
        if start == 1:
            raise
        fits = False
    return start if fits else find_by_recursion(try_step, start // 2)


def find_by_cuda_name(try_step, start):
    sizes = [start >> k for k in range(start.bit_length())]
    for n in sizes:
        try:
            try_step(n)
        except torch.cuda.OutOfMemoryError:
            if n == 1:
                raise
            continue
        return torch.tensor(n)


def line(small, large, budget):
    (n1, peak1), (n2, peak2) = small, large
    each = (peak2 - peak1) / (n2 - n1)
    return each, peak1 - n1 * each


def fit(small, large, budget):
    each, fixed = line(small, large, budget)
    return max(0, int((budget - fixed) // each))


def fit_by_rule_of_three(small, large, budget):
    return int(budget // (large[1] / large[0]))


def fit_without_network(small, large, budget):
    return int(budget // line(small, large, budget)[0])


def fit_rounded(small, large, budget):
    each, fixed = line(small, large, budget)
    return max(0, round((budget - fixed) / each))


def fit_up(small, large, budget):
    each, fixed = line(small, large, budget)
    return max(0, math.ceil((budget - fixed) / each))


def fit_exact(small, large, budget):
    each, fixed = line(small, large, budget)
    return max(0, (budget - fixed) / each)


def fit_below(small, large, budget):
    each, fixed = line(small, large, budget)
    return max(0, math.ceil((budget - fixed) / each) - 1)


def fit_negative(small, large, budget):
    each, fixed = line(small, large, budget)
    return int((budget - fixed) // each)


def fit_more(small, large, budget):
    each, _ = line(small, large, budget)
    return max(0, int((budget - large[1]) // each))


def fit_swapped(small, large, budget):
    each = (large[0] - small[0]) / (large[1] - small[1])
    return int(budget / each)


def fit_at_least_one(small, large, budget):
    return max(1, fit(small, large, budget))


def fit_with_reserve(small, large, budget):
    return fit(small, large, 0.7 * budget)


def fit_by_fractions(small, large, budget):
    each = Fraction(large[1] - small[1], large[0] - small[0])
    return max(0, math.floor(small[0] + (budget - small[1]) / each))


def fit_by_steps(small, large, budget):
    each, fixed = line(small, large, budget)
    n = 0
    while fixed + (n + 1) * each <= budget:
        n += 1
    return n


def fit_by_numpy(small, large, budget):
    slope, start = np.polyfit([small[0], large[0]], [small[1], large[1]], 1)
    return np.floor(np.clip((budget - start) / slope + 1e-6, 0, None))


def fit_from_large(small, large, budget):
    each = (large[1] - small[1]) // (large[0] - small[0])
    return torch.tensor(max(large[0] + (budget - large[1]) // each, 0))


def fixed_change(**functions):
    """Return an answer to 11.2 that is wrong in the parts named."""

    def answer(sizes, n, averages):
        new = {name: make(sizes, n, averages) for name, make in functions.items()}
        return parts(sizes, n, averages, **new)

    return answer


NEAR_MISSES = {
    "ledger": [
        (LedgerOfNumbers, "live counts numbers"),
        (LedgerTwice, "counts once"),
        (LedgerStrong, "keeps the storage alive"),
        (LedgerHolding, "keeps the storage alive"),
        (LedgerForgetful, "is the weak reference kept"),
        (LedgerAskingTheDead, "does its function subtract"),
        (LedgerLast, "the size of the last storage"),
        (LedgerNeverPopped, "take the dead"),
        (LedgerGrowing, "subtract"),
        (LedgerNoPeak, "peak is still 0"),
        (LedgerLatePeak, "compare it with live, after"),
        (LedgerFallingPeak, "peak never falls"),
        (LedgerLastPeak, "keep the larger of peak and live"),
        (LedgerBySize, "by their id"),
        (LedgerCleared, "only the dead one"),
        (LedgerShared, "share one book"),
        (LedgerSum, "not a sum of births"),
        (LedgerIdle, "live is still 0"),
        (LedgerWithoutCount, "no method count"),
        (Ledger(), "expected the class itself"),
    ],
    "predict_bytes": [
        (fixed_change(parameters=lambda s, n, k: 4 * weights_of(s)), "biases"),
        (fixed_change(parameters=lambda s, n, k: numbers_of(s)), "takes 4 bytes"),
        (
            fixed_change(parameters=lambda s, n, k: 4 * (weights_of(s) + sum(s[:-1]))),
            "not for each it comes from",
        ),
        (fixed_change(gradients=lambda s, n, k: numbers_of(s)), "takes 4 bytes"),
        (
            fixed_change(gradients=lambda s, n, k: 4 * weights_of(s)),
            "biases have gradients",
        ),
        (
            fixed_change(activations=lambda s, n, k: 4 * n * sum(s[:-1])),
            "what goes into each layer",
        ),
        (
            fixed_change(parameters=lambda s, n, k: 4 * (weights_of(s) + sum(s))),
            "no biases",
        ),
        (
            fixed_change(optimizer_state=lambda s, n, k: 4 * k * weights_of(s)),
            "the biases have averages",
        ),
        (fixed_change(parameters=lambda s, n, k: 8 * numbers_of(s)), "float64"),
        (fixed_change(gradients=lambda s, n, k: 0), "a gradient of its own"),
        (
            fixed_change(gradients=lambda s, n, k: 4 * n * numbers_of(s)),
            "summed over the batch",
        ),
        (
            fixed_change(optimizer_state=lambda s, n, k: 4 * numbers_of(s)),
            "that is 1 for each parameter",
        ),
        (
            fixed_change(optimizer_state=lambda s, n, k: 4 * (k + 1) * numbers_of(s)),
            "that is 3 for each parameter",
        ),
        (fixed_change(optimizer_state=lambda s, n, k: 4 * k), "its own averages"),
        (fixed_change(activations=lambda s, n, k: 4 * sum(s[1:])), "one row"),
        (fixed_change(activations=lambda s, n, k: 4 * n * sum(s)), "the inputs"),
        (
            fixed_change(activations=lambda s, n, k: 4 * n * (2 * sum(s[1:]) - s[-1])),
            "hidden is kept once",
        ),
        (fixed_change(activations=lambda s, n, k: 8 * n * sum(s[1:])), "not twice"),
        (fixed_change(activations=lambda s, n, k: 4 * n * sum(s[1:-1])), "classes"),
        (fixed_change(activations=lambda s, n, k: 4 * n * s[-1]), "hidden layers"),
        (fixed_change(activations=lambda s, n, k: 12), "expected 35200 bytes"),
        (lambda s, n, k: list(parts(s, n, k).values()), "return a dict"),
        (lambda s, n, k: {"parameters": 4 * numbers_of(s)}, "is missing"),
        (lambda s, n, k: parts(s, n, k).clear(), "a `return` missing"),
    ],
    "validate": [
        (val_as_given, "train mode"),
        (val_graphs, "graph of every batch"),
        (val_detached, "nobody needs it"),
        (val_loss_with_graphs, "the mean loss holds the graph"),
        (lambda m, b, f: val(m, b, f, train=True), "train mode"),
        (
            lambda m, b, f: val(m, b, f, mean=lambda ls, ns, t: sum(ls) / len(ls)),
            "the same weight",
        ),
        (
            lambda m, b, f: val(m, b, f, mean=lambda ls, ns, t: sum(ls)),
            "sum of the batches' means",
        ),
        (lambda m, b, f: val(m, b, f, mean=lambda ls, ns, t: t), "sum over samples"),
        (lambda m, b, f: val(m, b, f, mean=lambda ls, ns, t: ls[-1]), "last batch's"),
        (
            lambda m, b, f: val(m, b, f, mean=lambda ls, ns, t: sum(ls) / sum(ns)),
            "never weigh",
        ),
        (
            lambda m, b, f: val(m, b, f, mean=lambda ls, ns, t: t / len(ls)),
            "not by batches",
        ),
        (val_frozen, "you froze the model"),
        (val_last, "only the last batch"),
        (val_list, "torch.cat"),
        (val_loss_alone, "return two things"),
        (val_probabilities, "got others"),
        (val_switched_off, "gradients are switched off"),
        (val_own_loss, "use the loss_fn"),
        (val_changing_loss, "you changed the loss_fn"),
        (val_staying, "the logits are on the GPU"),
        (val_leaving_at_the_end, "before they leave it"),
    ],
    "find_batch_size": [
        (find_inside, "inside the except"),
        (find_inside_loop, "inside the except"),
        (find_keeping, "keep the error in a variable"),
        (find_any_runtime_error, "swallowed"),
        (find_any_error, "swallowed"),
        (find_any_error_raised_at_one, "come out at once"),
        (find_with_nothing_at_the_end, "so the error should come out; got None"),
        (find_zero, "a batch of 0"),
        (find_one, "never tried"),
        (find_fractions, "halve with //"),
        (find_one_less, "halves were asked for"),
        (find_halved_first, "you tried 18 first"),
        (find_halved_after, "return before you halve"),
        (find_start, "did not fit"),
        (find_without_return, "a `return` missing"),
        (lambda try_step, start: start, "never called"),
        (find_rounding_up, "expected 12, got 13"),
        (find_half_once, "the error came out"),
        (find_stopping_at_two, "1 would fit"),
        (find_with_own_error, "so the error should come out"),
        (find_returning_the_step, "never tried"),
    ],
    "largest_batch": [
        (fit_by_rule_of_three, "take a line"),
        (fit_without_network, "does not depend on the batch"),
        (fit_rounded, "round down"),
        (fit_up, "round down"),
        (fit_exact, "round 71.7143 down"),
        (fit_below, "not above it"),
        (fit_negative, "return 0, not"),
        (fit_more, "what more would fit"),
        (fit_with_reserve, "keep nothing more back"),
        (fit_swapped, "expected 71"),
        (fit_at_least_one, "does not fit"),
    ],
}

RIGHT = {
    "ledger": [
        Ledger,
        LedgerFinalized,
        LedgerSummed,
        LedgerByAddress,
        LedgerAsked,
        LedgerWeakSet,
    ],
    "predict_bytes": [
        parts,
        parts_by_modules,
        parts_by_arrays,
        lambda *given: parts(*given, extra=1),
    ],
    "validate": [
        *(val, val_inference, val_by_pieces, val_double, val_stacked),
        *(val_by_rows, val_by_numpy, val_by_to),
    ],
    "find_batch_size": [
        *(find, find_by_flag, find_by_recursion, find_by_cuda_name, find_by_message),
        *(find_by_suppress, find_by_question),
    ],
    "largest_batch": [
        fit,
        fit_by_steps,
        fit_by_numpy,
        fit_from_large,
        fit_by_fractions,
    ],
}
