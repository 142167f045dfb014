"""Answers to the exercises of lesson 03: wrong as learners write them, and right."""

import torch


def error(w, b, x, y):
    return w * x + b - y


def line_by_autograd(w, b, x, y):
    w = torch.tensor(float(w), requires_grad=True)
    b = torch.tensor(float(b), requires_grad=True)
    error(w, b, x, y).pow(2).mean().backward()
    return [w.grad, b.grad]


def line_by_trying(w, b, x, y):
    def loss(w, b):
        return error(w, b, x.double(), y.double()).pow(2).mean().item()

    step = 1e-5
    return (
        (loss(w + step, b) - loss(w - step, b)) / (2 * step),
        (loss(w, b + step) - loss(w, b - step)) / (2 * step),
    )


def line_by_python(w, b, x, y):
    errors = [w * a + b - c for a, c in zip(x.tolist(), y.tolist(), strict=True)]
    dw = sum(2 * e * a for e, a in zip(errors, x.tolist(), strict=True)) / len(errors)
    return torch.tensor([dw, 2 * sum(errors) / len(errors)])


def line_by_matrix(w, b, x, y):
    return 2 / len(x) * torch.stack([x, torch.ones_like(x)]) @ error(w, b, x, y)


def line_by_generator(w, b, x, y):
    for factor in (x, 1):
        yield (2 * error(w, b, x, y) * factor).mean()


def line_for_each_man(w, b, x, y):
    return torch.stack([2 * error(w, b, x, y) * x, 2 * error(w, b, x, y)])


def walk(loss, first_only=False, seen_links=True, links=False, most=None):
    waiting, seen, found = [loss.grad_fn], set(), []
    while waiting and most != 0:
        most = most and most - 1
        link = waiting.pop()
        if link is None or (seen_links and link in seen):
            continue
        seen.add(link)
        if hasattr(link, "variable"):
            found.append(link if links else link.variable)
        before = [f for f, _ in link.next_functions]
        waiting += before[:1] if first_only else before
    return found


def behind_by_recursion(loss):
    found, seen = {}, set()

    def visit(link):
        if link is None or link in seen:
            return
        seen.add(link)
        if hasattr(link, "variable"):
            found[id(link.variable)] = link.variable
        for before, _ in link.next_functions:
            visit(before)

    visit(loss.grad_fn)
    return found


def behind_by_value(loss):
    found = []
    for p in walk(loss):
        if not any(p.shape == q.shape and torch.equal(p, q) for q in found):
            found.append(p)
    return found


def behind_by_depth(loss):
    level, found = [loss.grad_fn], {}
    for _ in range(8):
        level = {f for link in level for f, _ in link.next_functions if f}
        found |= {id(f.variable): f.variable for f in level if hasattr(f, "variable")}
    return list(found.values())


def behind_parameters_only(loss):
    return [p for p in walk(loss) if isinstance(p, torch.nn.Parameter)]


def behind_generator(loss):
    yield from walk(loss)


def behind_by_sets(loss):
    level, links = {loss.grad_fn}, set()
    while level:
        links |= level
        level = {f for link in level for f, _ in link.next_functions if f} - links
    return {f.variable for f in links if "AccumulateGrad" in f.name()}


def behind_and_backward(loss):
    loss.backward()
    return walk(loss)


def behind_all_calls(loss, found=[]):  # noqa: B006
    found += walk(loss)
    return found


def behind_up_to_a_none(loss):
    waiting, seen, found = [loss.grad_fn], set(), []
    while waiting:
        link = waiting.pop(0)
        if link is None:
            break
        if link not in seen:
            found += [link.variable] if hasattr(link, "variable") else []
            waiting += [f for f, _ in link.next_functions]
        seen.add(link)
    return found


def behind_copies(loss):
    return [p.detach().clone() for p in walk(loss)]


def pieces(model, batches, loss_fn, scale, clear=True, between=False, add=0):
    total = sum(len(targets) for _, targets in batches)
    if clear:
        model.zero_grad()
    for inputs, targets in batches:
        if between:
            model.zero_grad()
        loss = loss_fn(model(inputs), targets)
        (loss * scale(len(targets), total, len(batches))).backward()
    return total + add


def share(n, total, k):
    return n / total


def pieces_by_rescaling(model, batches, loss_fn):
    model.zero_grad()
    count = torch.tensor(0)
    for inputs, targets in batches:
        (loss_fn(model(inputs), targets) * len(targets)).backward()
        count += len(targets)
    for p in model.parameters():
        p.grad /= count
    return count


def pieces_by_one_backward(model, batches, loss_fn):
    n = sum(len(y) for _, y in batches)
    model.zero_grad(set_to_none=False)
    sum(loss_fn(model(x), y) * len(y) / n for x, y in batches).backward()
    return n


def pieces_by_forward(model, batches, loss_fn):
    n = sum(len(y) for _, y in batches)
    model.zero_grad()
    for x, y in batches:
        loss = loss_fn(model.forward(x), y)
        loss.backward(torch.full_like(loss, len(y) / n))
    return n


def pieces_by_layer(model, batches, loss_fn):
    n = sum(len(y) for _, y in batches)
    model.zero_grad()
    for x, y in batches:
        for layer in model:
            x = layer(x)
        (loss_fn(x, y) * len(y) / n).backward()
    return n


def pieces_without_backward(model, batches, loss_fn):
    n = sum(len(y) for _, y in batches)
    model.zero_grad()
    loss = sum(loss_fn(model(x), y).item() * len(y) / n for x, y in batches)
    torch.tensor(loss, requires_grad=True).backward()
    return n


def pieces_of_a_growing_number(model, batches, loss_fn):
    model.zero_grad()
    n = 0
    for x, y in batches:
        n += len(y)
        (loss_fn(model(x), y) * len(y) / n).backward()
    return n


def pieces_rescaled_each_time(model, batches, loss_fn):
    n = sum(len(y) for _, y in batches)
    model.zero_grad()
    for x, y in batches:
        loss_fn(model(x), y).backward()
        for p in model.parameters():
            p.grad *= len(y) / n
    return n


def pieces_together(model, batches, loss_fn):
    inputs, targets = map(torch.cat, zip(*batches, strict=True))
    model.zero_grad()
    loss_fn(model(inputs), targets).backward()
    return len(targets)


def pieces_of_one_parameter(model, batches, loss_fn):
    n = sum(len(y) for _, y in batches)
    w = next(model.parameters())
    parts = [
        torch.autograd.grad(loss_fn(model(x), y), w)[0] * len(y) / n for x, y in batches
    ]
    model.zero_grad()
    w.grad = sum(parts)
    return n


def pieces_scaling_one(model, batches, loss_fn):
    n = pieces(model, batches, loss_fn, lambda n, t, k: n)
    next(model.parameters()).grad /= n
    return n


def pieces_of_one_loss(model, batches, loss_fn):
    return pieces(model, batches, torch.nn.functional.cross_entropy, share)


def pieces_naive(model, batches, loss_fn):
    for inputs, targets in batches:
        loss_fn(model(inputs), targets).backward()
    return sum(len(y) for _, y in batches)


def pieces_with_step(model, batches, loss_fn):
    n = pieces(model, batches, loss_fn, share)
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
    return n


def pieces_cleared_at_the_end(model, batches, loss_fn):
    n = pieces(model, batches, loss_fn, share)
    model.zero_grad()
    return n


class Right:
    """The printed solution, in parts that a mistake can replace."""

    sign = -1.0

    def __init__(self, parameters, lr, momentum=0.0, weight_decay=0.0):
        self.parameters = list(parameters)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.velocities = {}

    def zero_grad(self):
        for p in self.parameters:
            p.grad = None

    def gradient(self, p):
        return p.grad + self.weight_decay * p

    def velocity(self, p, g):
        old = self.velocities.get(p)
        return g if old is None else self.momentum * old + g

    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                v = self.velocities[p] = self.velocity(p, self.gradient(p))
                p += self.sign * self.lr * v


class Uphill(Right):
    sign = 1.0


class Averaged(Right):
    def velocity(self, p, g):
        old = self.velocities.get(p, torch.zeros_like(p))
        return self.momentum * old + (1 - self.momentum) * g


class AveragedLater(Right):
    def velocity(self, p, g):
        old = self.velocities.get(p)
        return g if old is None else self.momentum * old + (1 - self.momentum) * g


class FirstDamped(Right):
    def velocity(self, p, g):
        old = self.velocities.get(p)
        return (
            self.momentum * g
            if old is None and self.momentum
            else super().velocity(p, g)
        )


class Turned(Right):
    def gradient(self, p):
        return p.grad - self.weight_decay * p


class NoMomentum(Right):
    def velocity(self, p, g):
        return g


class NoDecay(Right):
    def gradient(self, p):
        return p.grad.clone()


class SharedVelocity(Right):
    def gradient(self, p):
        return p.grad + self.weight_decay * p if self.weight_decay else p.grad


class SharedInPlace(SharedVelocity):
    def velocity(self, p, g):
        old = self.velocities.get(p)
        return g if old is None else old.mul_(self.momentum).add_(g)


class Nesterov(Right):
    def velocity(self, p, g):
        return g + self.momentum * super().velocity(p, g)


class RateInVelocity(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                old = self.velocities.get(p, 0)
                v = self.momentum * old + self.lr * self.gradient(p)
                self.velocities[p] = v
                p -= v


class OnParameter(Right):
    def step(self):
        for p in filter(lambda p: p.grad is not None, self.parameters):
            g = p.grad.double() + self.weight_decay * p.detach()
            p.velocity = self.momentum * getattr(p, "velocity", 0) + g
            p.detach().sub_(self.lr * p.velocity)


class DecayUnscaled(Right):
    def gradient(self, p):
        return p.grad + self.weight_decay * p / self.lr


class Forgotten(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                g = self.gradient(p)
                p -= self.lr * self.velocity(p, g)
                self.velocities[p] = g


class InGrad(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                p.grad += self.weight_decay * p
                v = self.velocities[p] = self.velocity(p, p.grad)
                p -= self.lr * v


class Rebound(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                p = p - self.lr * p.grad


class NoneAsZero(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            grad = torch.zeros_like(p) if p.grad is None else p.grad
            g = grad + self.weight_decay * p
            v = self.velocities[p] = self.velocity(p, g)
            p -= self.lr * v


class WithNotes(Right):
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                p -= self.lr * p.grad


class NoSkip(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            p -= self.lr * self.velocity(p, self.gradient(p))


class NoRate(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                p -= self.velocity(p, self.gradient(p))


class ZeroesParameters(Right):
    @torch.no_grad()
    def zero_grad(self):
        for p in self.parameters:
            p.zero_()


class ClearsVelocities(Right):
    def zero_grad(self):
        super().zero_grad()
        self.velocities.clear()


class ClearsNothing(Right):
    def zero_grad(self):
        self.cleared = True


class Decoupled(NoDecay):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                p -= self.lr * self.weight_decay * p
        super().step()


class DecayLater(NoDecay):
    @torch.no_grad()
    def step(self):
        super().step()
        for p in self.parameters:
            if p.grad is not None:
                p -= self.lr * self.weight_decay * p


class OnlyFirst(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                v = self.velocities[p] = self.velocity(p, self.gradient(p))
                p -= self.lr * v
                return


class StopsAtNone(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is None:
                return
            v = self.velocities[p] = self.velocity(p, self.gradient(p))
            p -= self.lr * v


class ByShape(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                old, g = self.velocities.get(p.shape), self.gradient(p)
                v = g if old is None else self.momentum * old + g
                self.velocities[p.shape] = v
                p -= self.lr * v


class NoWish(Right):
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                p.requires_grad_(False)
                v = self.velocities[p] = self.velocity(p, self.gradient(p))
                p -= self.lr * v


class SwitchedOff(Right):
    def step(self):
        torch.set_grad_enabled(False)
        super().step()
        torch.set_grad_enabled(False)


class OnMomentum(Right):
    @torch.no_grad()
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                self.velocities[p] = self.velocity(p, self.gradient(p))
            if p in self.velocities:
                p -= self.lr * self.velocities[p]


class ClearsInStep(Right):
    def step(self):
        super().step()
        self.zero_grad()


class ByData(Right):
    def zero_grad(self):
        for p in self.parameters:
            if p.grad is not None:
                p.grad.zero_()

    def step(self):
        for p in self.parameters:
            if p.grad is None:
                continue
            g = p.grad.detach() + self.weight_decay * p.detach()
            if self.momentum:
                v = self.velocities.setdefault(id(p), torch.zeros_like(g))
                g = v.mul_(self.momentum).add_(g)
            p.data = p.data - self.lr * g


class ByTorch(torch.optim.SGD):
    pass


class ByAlpha(Right):
    @torch.no_grad()
    def step(self):
        for place, p in enumerate(self.parameters):
            if p.grad is None:
                continue
            g = p.grad.add(p, alpha=self.weight_decay)
            v = self.velocities.get(place)
            v = g.clone() if v is None else v.mul_(self.momentum).add_(g)
            self.velocities[place] = v
            p.add_(v, alpha=-self.lr)


def average_right(average, parameter, decay):
    with torch.no_grad():
        return average.mul_(decay).add_(parameter, alpha=1 - decay)


def average_by_copy(average, parameter, decay):
    average.copy_(decay * average + (1 - decay) * parameter.detach())
    return average


def average_by_lerp(average, parameter, decay):
    return average.lerp_(parameter.detach(), 1 - decay)


@torch.no_grad()
def average_by_slice(average, parameter, decay):
    average[...] = average * decay + parameter.data * (1 - decay)
    return average


def average_out(average, parameter, decay):
    with torch.no_grad():
        return torch.lerp(parameter, average, decay, out=average)


def average_by_difference(average, parameter, decay):
    average -= (1 - decay) * (average - parameter.detach())
    return average


def average_returning_the_parameter(average, parameter, decay):
    average_right(average, parameter, decay)
    return parameter


def average_scaled_last(average, parameter, decay):
    with torch.no_grad():
        average += (1 - decay) * parameter
        average *= decay
    return average


def average_new(average, parameter, decay):
    with torch.no_grad():
        average = decay * average + (1 - decay) * parameter
    return average


def average_with_notes(average, parameter, decay):
    average *= decay
    average += (1 - decay) * parameter
    return average


def average_swapped(average, parameter, decay):
    with torch.no_grad():
        return average.mul_(1 - decay).add_(parameter, alpha=decay)


def average_sum(average, parameter, decay):
    with torch.no_grad():
        return average.mul_(decay).add_(parameter)


def average_scaling_the_parameter(average, parameter, decay):
    average.mul_(decay).add_(parameter.detach().mul_(1 - decay))
    return average


def average_copies(average, parameter, decay):
    with torch.no_grad():
        return average.copy_(parameter)


def average_into_parameter(average, parameter, decay):
    with torch.no_grad():
        parameter.mul_(1 - decay).add_(average, alpha=decay)
    return average


def average_shared(average, parameter, decay):
    average.data = parameter.data
    return average


def average_new_memory(average, parameter, decay):
    average.data = decay * average + (1 - decay) * parameter.detach()
    return average


def average_returning_another(average, parameter, decay):
    new = decay * average + (1 - decay) * parameter.detach()
    average.copy_(new)
    return new


def average_freezing(average, parameter, decay):
    parameter.requires_grad_(False)
    return average.mul_(decay).add_(parameter, alpha=1 - decay)


def average_switching_off(average, parameter, decay):
    torch.set_grad_enabled(False)
    return average.mul_(decay).add_(parameter, alpha=1 - decay)


def average_half_in_place(average, parameter, decay):
    average = average.mul_(decay) + (1 - decay) * parameter.detach()
    return average


def average_unmoved(average, parameter, decay):
    with torch.no_grad():
        average.mul(decay).add_(parameter, alpha=1 - decay)
    return average


NEAR_MISSES = {
    "line_gradients": [
        (lambda *a: ((error(*a) * a[2]).mean(), error(*a).mean()), "factor 2"),
        (lambda *a: ((2 * error(*a) * a[2]).sum(), (2 * error(*a)).sum()), "a mean"),
        (lambda *a: [-g for g in line_by_python(*a)], "sign is turned"),
        (lambda *a: line_by_autograd(*a)[::-1], "first the gradient of w"),
        (lambda *a: (line_by_python(*a)[0], line_by_python(*a)[0]), "falls away"),
        (
            lambda *a: (line_by_python(*a)[1], line_by_python(*a)[1]),
            "w needs the factor",
        ),
        (lambda *a: (2 * error(*a) * a[2], 2 * error(*a)), "for each sample"),
        (lambda *a: line_by_python(*a)[0], "return two numbers"),
        (lambda *a: (error(*a).pow(2).mean(),) * 2, "that is the loss"),
        (
            lambda *a: ((2 * error(*a)).mean() * a[2].mean(), (2 * error(*a)).mean()),
            "not the mean of e·x",
        ),
        (lambda w, b, x, y: (2 * w * x.mean(), 2 * b), "expected"),
        (line_for_each_man, "for each sample"),
        (
            lambda *a: ((2 * error(*a) * a[2]).mean(), error(*a).mean()),
            "d loss / db: expected",
        ),
    ],
    "parameters_behind": [
        (lambda loss: walk(loss, first_only=True), "to its end"),
        (lambda loss: walk(loss, seen_links=False, most=2_000), "listed twice"),
        (behind_by_value, "is missing"),
        (behind_by_depth, "is missing"),
        (behind_parameters_only, "is missing"),
        (lambda loss: walk(loss, links=True), "those are the links"),
        (behind_copies, "no parameters"),
        (lambda loss: [p.shape for p in walk(loss)], "should hold tensors"),
        (lambda loss: len(walk(loss)), "return a list of tensors"),
        (lambda loss: [], "is missing"),
        (lambda loss: [loss, *walk(loss)], "no parameters"),
        (lambda loss: walk(loss)[:2], "is missing"),
        (behind_up_to_a_none, "go on after a None"),
        (behind_and_backward, "without calling backward"),
        (behind_all_calls, "from an earlier call"),
    ],
    "whole_gradient": [
        (lambda m, b, f: pieces(m, b, f, lambda n, t, k: 1), "sum of the batches'"),
        (lambda m, b, f: pieces(m, b, f, lambda n, t, k: 1 / k), "the same weight"),
        (lambda m, b, f: pieces(m, b, f, share, clear=False), "older gradient"),
        (lambda m, b, f: pieces(m, b, f, share, between=True), "last batch alone"),
        (
            lambda m, b, f: pieces(m, b, f, lambda n, t, k: 1, between=True),
            "last batch alone",
        ),
        (lambda m, b, f: pieces(m, b, f, lambda n, t, k: n), "never divide"),
        (lambda m, b, f: pieces(m, b, f, lambda n, t, k: 1 / t), "multiplied by"),
        (pieces_with_step, "parameters have moved"),
        (pieces_together, "you put the batches together"),
        (pieces_of_one_parameter, "all of the model's"),
        (pieces_scaling_one, "another gradient"),
        (pieces_of_one_loss, "another gradient"),
        (pieces_naive, "count by its share"),
        (pieces_cleared_at_the_end, "cleared at the end"),
        (lambda m, b, f: pieces(m, b, f, share, add=1), "return the number of samples"),
        (lambda m, b, f: pieces(m, b, f, lambda n, t, k: n / 7), "another gradient"),
        (pieces_without_backward, "no backward() at all"),
        (pieces_of_a_growing_number, "met so far"),
        (pieces_rescaled_each_time, "scale .grad after each batch"),
    ],
    "hand_sgd": [
        (Uphill, "against the gradient"),
        (Averaged, "1 − momentum"),
        (AveragedLater, "1 − momentum"),
        (FirstDamped, "without the factor momentum"),
        (Turned, "wrong sign"),
        (NoMomentum, "momentum changes nothing"),
        (NoDecay, "weight_decay changes nothing"),
        (DecayUnscaled, "learning rate scales it"),
        (Forgotten, "velocity is forgotten"),
        (InGrad, "step has changed .grad"),
        (Rebound, "have not moved"),
        (NoneAsZero, "skip it"),
        (WithNotes, "your code raised RuntimeError: a leaf"),
        (NoSkip, "your code raised TypeError"),
        (NoRate, "learning rate is missing"),
        (ZeroesParameters, "set the parameters themselves"),
        (ClearsVelocities, "cleared the velocities"),
        (ClearsNothing, "still gradients"),
        (DecayLater, "before momentum and step"),
        (Decoupled, "before momentum and step"),
        (OnlyFirst, "go on after a None"),
        (StopsAtNone, "go on after a None"),
        (ByShape, "with lr=0.1, momentum=0.9"),
        (NoWish, "no longer wants gradients"),
        (SwitchedOff, "switched off for everything"),
        (OnMomentum, "went on by its momentum"),
        (ClearsInStep, "step has changed .grad"),
        (SharedVelocity, "store a copy"),
        (SharedInPlace, "step has changed .grad"),
        (Nesterov, "after one step expected"),
    ],
    "update_average": [
        (average_new, "you return a new tensor"),
        (average_with_notes, "keeps notes"),
        (average_swapped, "decay belongs to the average"),
        (average_sum, "multiplied by 1 − decay"),
        (average_scaling_the_parameter, "the parameter itself has changed"),
        (average_copies, "a copy of the parameter"),
        (average_into_parameter, "the parameter itself has changed"),
        (average_shared, "share one memory"),
        (average_new_memory, "you return a new tensor"),
        (average_returning_another, "not a copy"),
        (average_freezing, "lost its wish"),
        (average_switching_off, "switched off for everything"),
        (average_half_in_place, "you return a new tensor"),
        (average_unmoved, "has not moved"),
        (lambda a, p, d: [average_right(a, p, d)], "return the average"),
        (lambda a, p, d: average_right(a, p, d) and None, "raised RuntimeError"),
        (lambda a, p, d: average_right(a, p, d).add_(0.5), "expected"),
        (average_returning_the_parameter, "you return the parameter"),
        (average_scaled_last, "expected"),
    ],
}

RIGHT = {
    "line_gradients": [
        line_by_autograd,
        line_by_trying,
        line_by_python,
        lambda *a: line_by_python(*a).numpy(),
        lambda *a: line_by_python(*a)[:, None],
        line_by_matrix,
        line_by_generator,
    ],
    "parameters_behind": [
        walk,
        behind_by_recursion,
        behind_generator,
        behind_by_sets,
        lambda loss: behind_by_recursion(loss).values(),
        lambda loss: dict.fromkeys(walk(loss)),
    ],
    "whole_gradient": [
        lambda m, b, f: pieces(m, b, f, share),
        pieces_by_rescaling,
        pieces_by_one_backward,
        pieces_by_forward,
        pieces_by_layer,
    ],
    "hand_sgd": [Right, ByData, ByTorch, ByAlpha, RateInVelocity, OnParameter],
    "update_average": [
        average_right,
        average_by_copy,
        average_by_lerp,
        average_by_slice,
        average_out,
        average_by_difference,
    ],
}
