"""Checks for notebooks/03_gradients.ipynb."""

import numpy as np
import torch
from torch import nn

from course_utils.checks import Lesson
from course_utils.checks.answers import (
    StillOpen,
    a_class,
    ask,
    brief,
    drawn,
    is_empty,
    number,
)
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress


def close(a, b, tolerance: float = 1e-5) -> bool:
    """Return whether two tensors have one shape and nearly the same numbers."""
    return a.shape == b.shape and torch.allclose(
        a.detach().cpu().double(), b.detach().cpu().double(), atol=tolerance
    )


def detached(part):
    """Return a tensor without its history, and anything else as it is."""
    return part.detach().cpu() if isinstance(part, torch.Tensor) else part


@lesson.question("3.1")
def line_gradients(answer) -> None:
    """Both derivatives of the mean squared error."""
    judge_line(answer, drawn(5) + 0.7, drawn(5, seed=1), 0.5, -0.3)
    judge_line(answer, drawn(8, seed=2) - 0.4, drawn(8, seed=3), -1.5, 2.0)


def judge_line(answer, x, y, w: float, b: float) -> None:
    """Raise AssertionError unless both derivatives are right for this line."""
    given = x.clone(), y.clone()
    result = ask(answer, w, b, *given)
    if isinstance(result, torch.Tensor | np.ndarray):
        result = list(np.atleast_1d(np.squeeze(np.asarray(detached(result)))))
    elif isinstance(result, dict) or hasattr(result, "__next__"):
        result = list(result.values() if isinstance(result, dict) else result)
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return two numbers, d loss / dw and d loss / db; got {brief(result)}"
    )
    assert torch.equal(given[0], x) and torch.equal(given[1], y), (
        "x or y have changed: don't write into what you are given"
    )
    per_sample = any(np.size(np.asarray(detached(part))) > 1 for part in result)
    assert not per_sample, (
        "that is one gradient for each sample; the loss is their mean, so take the mean"
    )
    got = [number(part) for part in result]
    e, n = w * x + b - y, len(x)
    right = [(2 * e * x).mean().item(), (2 * e).mean().item()]
    wrong = {
        "the derivative of e² is 2·e: the factor 2 is missing": [r / 2 for r in right],
        "those are sums over the samples; the loss is a mean": [r * n for r in right],
        "the sign is turned: the gradient points to where the loss grows": [
            -r for r in right
        ],
        "first the gradient of w, then that of b": right[::-1],
        "for b the factor x falls away: when b grows by 1, so does e": [right[0]] * 2,
        "w needs the factor x: when w grows by 1, e grows by x": [right[1]] * 2,
        "that is the loss; how fast does it change?": [e.pow(2).mean().item()] * 2,
        "the mean of e times the mean of x is not the mean of e·x": [
            (2 * e).mean().item() * x.mean().item(),
            right[1],
        ],
    }
    for words, value in wrong.items():
        same = all(abs(a - b) < 1e-4 for a, b in zip(got, value, strict=True))
        assert not same, words
    for name, a, b in zip(("dw", "db"), got, right, strict=True):
        assert abs(a - b) < 1e-3 * max(1, abs(b)), (
            f"d loss / {name}: expected {b:.4f}, got {a:.4f}"
        )


class Shared(nn.Module):
    """One layer used twice, one not at all, one behind a cut, one frozen."""

    def __init__(self):
        """Make four layers of one size."""
        super().__init__()
        self.twice, self.unused = nn.Linear(3, 3), nn.Linear(3, 3)
        self.cut, self.frozen = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, inputs):
        """Split and meet again."""
        side = self.cut(inputs).detach()
        return self.frozen(self.twice(self.twice(inputs)) + side)


@lesson.question("3.2")
def parameters_behind(answer) -> None:
    """Every leaf at an end of the chain, once."""
    device = pick_device()
    line = nn.Linear(3, 2).to(device)
    loss = line(drawn(4, 3).to(device)).pow(2).mean()
    judge_found(answer, loss, dict(line.named_parameters()), {})
    model = Shared().to(device)
    model.frozen.requires_grad_(False)
    factors = [torch.ones(3, device=device, requires_grad=True) for _ in range(2)]
    outputs = model(drawn(4, 3).to(device)) * factors[0] + factors[1]
    for _ in range(12):
        outputs = outputs.tanh() + outputs  # a long chain that splits and meets again
    named = dict(model.named_parameters())
    named |= {"the factor": factors[0], "the summand": factors[1]}
    reached = {k: p for k, p in named.items() if k.startswith(("twice", "the"))}
    judge_found(answer, outputs.sum(), reached, named)


def judge_found(answer, loss, reached: dict, named: dict) -> None:
    """Raise AssertionError unless exactly these tensors are found."""
    found = ask(answer, loss)
    if isinstance(found, dict):
        found = (
            found if isinstance(next(iter(found), 0), torch.Tensor) else found.values()
        )
    listed = not isinstance(found, torch.Tensor | str) and hasattr(found, "__iter__")
    assert listed, f"return a list of tensors, got {brief(found)}"
    found = list(found)
    links = [f for f in found if type(f).__name__ == "AccumulateGrad"]
    assert not links, "those are the links; each has its parameter in .variable"
    assert all(isinstance(f, torch.Tensor) for f in found), (
        f"the list should hold tensors, yours holds {brief(found)}"
    )
    found = list(map(id, found))
    names = {id(p): name for name, p in (named | reached).items()}
    assert not set(found) - set(names), (
        "some of your tensors are no parameters behind this loss: copies, results in "
        "between, or left from an earlier call?"
    )
    assert all(p.grad is None for p in reached.values()), (
        "a .grad has been filled: only look back, without calling backward()"
    )
    unreached = [names[f] for f in found if names[f] not in reached]
    assert not unreached, f"no gradient reaches {unreached[0]}, yet you list it"
    assert len(set(found)) == len(found), (
        "a parameter is listed twice: remember which links you have seen"
    )
    missing = [name for name, p in reached.items() if id(p) not in found]
    assert not missing, (
        f"{missing[0]} is missing: follow every entry of next_functions to its end, "
        "go on after a None, and remember links, not names or numbers"
    )


@lesson.question("3.3")
def whole_gradient(answer) -> None:
    """The gradient of one large batch, from uneven pieces."""
    judge_pieces(answer, (5, 2, 4), nn.CrossEntropyLoss())
    judge_pieces(answer, (3, 7), lambda logits, y: (logits[:, 0] - y).abs().mean())


def judge_pieces(answer, sizes: tuple[int, ...], loss_fn) -> None:
    """Raise AssertionError unless pieces of these sizes give the whole gradient."""
    device = pick_device()
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).to(device)
    inputs, n = drawn(sum(sizes), 4).to(device), sum(sizes)
    targets = torch.arange(n, device=device) * 2 % 3
    batches = list(zip(inputs.split(sizes), targets.split(sizes), strict=True))
    parameters = list(model.parameters())
    before = [p.detach().clone() for p in parameters]

    def gradient(x, y):
        grads = torch.autograd.grad(loss_fn(model(x), y), parameters)
        return torch.cat([g.flatten() for g in grads])

    each, whole = [gradient(x, y) for x, y in batches], gradient(inputs, targets)
    for p in parameters:
        p.grad = torch.full_like(p, 0.5)  # left by an earlier step
    seen, given = [], [(x.clone(), y.clone()) for x, y in batches]
    model[0].register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    count = ask(answer, model, given, loss_fn)
    same = all(torch.equal(p, q) for p, q in zip(parameters, before, strict=True))
    assert same, "the parameters have moved; only .grad was to be filled"
    assert any(p.grad is not None for p in parameters), (
        "afterwards every .grad is None: cleared at the end, or no backward() at all?"
    )
    assert all(p.grad is not None for p in parameters), (
        "some parameters have no gradient: all of the model's were wanted"
    )
    name_pieces(torch.cat([p.grad.flatten() for p in parameters]), each, whole, sizes)
    assert max(seen, default=0) <= max(sizes), (
        "you put the batches together; one at a time"
    )
    assert len(given) == len(sizes), "the list of batches has changed"
    reduction = getattr(loss_fn, "reduction", "mean")
    assert reduction == "mean", "the loss function has changed: leave its reduction"
    assert number(count) == n, f"return the number of samples, {n}, not {brief(count)}"


def name_pieces(got, each: list, whole, sizes: tuple[int, ...]) -> None:
    """Raise AssertionError unless the gradient is the whole one."""
    total, n, k = torch.stack(each).sum(dim=0), sum(sizes), len(sizes)
    met, growing, rescaled = 0, 0, 0
    for g, size in zip(each, sizes, strict=True):
        met += size
        growing = growing + g * size / met
        rescaled = (rescaled + g) * size / n
    old = "an older gradient is still in there: clear once, before the first batch"
    weights = "and each batch's loss should count by its share of all samples"
    wrong = [
        (old, [whole + 0.5, whole + 0.5 / n]),
        (f"{old}; {weights}", [total + 0.5, total / k + 0.5, (total + 0.5) / k]),
        (
            "that is the sum of the batches' gradients; each of them is a mean over "
            "its own samples",
            [total],
        ),
        (
            f"every batch has the same weight in yours; a batch of {max(sizes)} should "
            f"count more than one of {min(sizes)}",
            [total / k],
        ),
        (
            "that is the gradient of the last batch alone: you clear in between",
            [each[-1], each[-1] * sizes[-1] / n, each[-1] * sizes[-1]],
        ),
        (
            "you weight by the batch's size and never divide by the number of all "
            "samples",
            [whole * n, whole * n / k],
        ),
        (
            "you divide by the number of all samples; each loss also has to be "
            "multiplied by its batch's size",
            [total / n],
        ),
        (
            "you divide by the samples met so far; their number has to be known before "
            "the first batch",
            [growing],
        ),
        (
            "you scale .grad after each batch, and with it what lay there from earlier "
            "ones; scale the loss",
            [rescaled],
        ),
    ]
    for words, values in wrong:
        assert not any(close(got, value) for value in values), words
    place = int((got - whole).abs().argmax())
    assert close(got, whole), (
        "one batch of all samples has another gradient: somewhere expected "
        f"{whole[place].item():.4f}, got {got[place].item():.4f}"
    )


SETTINGS = [
    {"lr": 0.1},
    {"lr": 0.1, "weight_decay": 0.2},
    {"lr": 0.1, "momentum": 0.9},
    {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.3},
]


@lesson.question("3.4")
def hand_sgd(answer) -> None:
    """The same weights as torch.optim.SGD, step for step."""
    a_class(answer)
    methods = [vars(answer).get(name) for name in ("zero_grad", "step")]
    if any(method is not None and is_empty(method) for method in methods):
        raise StillOpen
    for settings in SETTINGS:
        judge_steps(answer, settings)
    judge_clearing(answer)


def start() -> list[nn.Parameter]:
    """Return three parameters that learn and, second, one without a gradient."""
    shapes = [(3, 2), (4,), (3, 2), (2,)]
    return [
        nn.Parameter(drawn(*shape, seed=5 * k + 5).to(pick_device()))
        for k, shape in enumerate(shapes)
    ]


def give_gradients(parameters, k: int) -> None:
    """Write the gradients of step k, into the old ones where there are any."""
    for place, p in enumerate(parameters):
        if place != 1:  # the second has none
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            p.grad.copy_(drawn(*p.shape, seed=10 + k + 7 * place))


def by_torch(settings: dict, steps: int, **change) -> list[list[torch.Tensor]]:
    """Return copies of all parameters after each step of torch.optim.SGD."""
    parameters, path = start(), []
    optimizer = torch.optim.SGD(parameters, **(settings | change))
    for k in range(steps):
        give_gradients(parameters, k)
        optimizer.step()
        path.append([p.detach().clone() for p in parameters])
    return path


def by_mistake(settings: dict, kind: str) -> torch.Tensor:
    """Return the first parameter after three steps with a mistake that shows late."""
    lr, m = settings["lr"], settings.get("momentum", 0)
    wd = settings.get("weight_decay", 0)
    p, v = start()[0].detach(), 0
    for k in range(3):
        g = drawn(3, 2, seed=10 + k).to(p.device)
        if kind == "decoupled":
            p = p * (1 - lr * wd)
        else:
            g = g + wd * p
        if kind == "shared" and k == 1:
            v = g
        v = m * v + (1 - m if kind == "averaged" and k else 1) * g
        p = p - lr * v
        v = g if kind == "forgotten" else v
    return p


MISTAKES = {
    "averaged": "you mix with 1 − momentum; here the new gradient counts in full",
    "decoupled": "weight decay belongs to the gradient, before momentum and step",
    "forgotten": "the velocity is forgotten: store the new v, not the gradient alone",
    "shared": "the first velocity is p.grad itself, and changes with it: store a copy",
}


def judge_steps(answer, settings: dict) -> None:
    """Raise AssertionError unless three steps equal those of torch.optim.SGD."""
    parameters = start()
    optimizer = answer(iter(parameters), **settings)
    told = ", ".join(f"{name}={value}" for name, value in settings.items())
    path = by_torch(settings, 3)
    for k in range(3):
        give_gradients(parameters, k)
        before = [p.grad if p.grad is None else p.grad.clone() for p in parameters]
        optimizer.step()
        for p, g in zip(parameters, before, strict=True):
            kept = (p.grad is None) == (g is None) and (g is None or p.grad.equal(g))
            assert kept, "step has changed .grad; it should only read it"
        judge_wishes(parameters)
        if k == 0 and not close(parameters[0], path[0][0]):
            name_first(parameters[0], settings, told)
        idle, first = parameters[1], parameters[0]
        assert torch.equal(idle, start()[1]), (
            "a parameter whose .grad is None has moved: skip it"
        )
    assert not close(first, start()[0]), (
        "the parameters have not moved: change p in place"
    )
    name_later(first, path[-1][0], settings, told)
    for place in (2, 3):
        moved = not close(parameters[place], start()[place])
        assert moved, "only the first parameters have moved: go on after a None"
        assert close(parameters[place], path[-1][place]), (
            "the first parameter is right, another is not: each has its own velocity"
        )


def judge_wishes(parameters) -> None:
    """Raise AssertionError unless all parameters still want gradients."""
    assert all(p.requires_grad for p in parameters), (
        "a parameter no longer wants gradients: requires_grad has to stay True"
    )
    assert torch.is_grad_enabled(), "gradients are now switched off for everything"
    assert all(p.grad_fn is None for p in parameters), (
        "the step left notes: put it under torch.no_grad()"
    )


def name_later(got, right, settings: dict, told: str) -> None:
    """Raise AssertionError about three steps, by the mistake that leads there."""
    for kind, words in MISTAKES.items():
        wrong = by_mistake(settings, kind)
        assert close(wrong, right) or not close(got, wrong), f"with {told}: {words}"
    for name in ("momentum", "weight_decay"):
        if settings.get(name):
            without = by_torch(settings, 3, **{name: 0.0})[-1][0]
            assert not close(got, without), f"{name} changes nothing: is it used?"
    assert close(got, right), (
        f"with {told}, after three steps expected {right[0, 0].item():.4f} at the "
        f"first place, got {got[0, 0].item():.4f}"
    )


def name_first(got, settings: dict, told: str) -> None:
    """Raise AssertionError about the first step, in which v is the gradient."""
    p, lr = start()[0].detach(), settings["lr"]
    g = drawn(3, 2, seed=10).to(p.device)
    m, wd = settings.get("momentum", 0), settings.get("weight_decay", 0)
    assert not close(got, p), "the parameters have not moved: change p in place"
    assert not close(got, p + lr * (g + wd * p)), (
        "you add: that climbs. A step goes against the gradient"
    )
    assert not close(got, p - (g + wd * p)), "the learning rate is missing"
    assert not (m and close(got, p - lr * (1 - m) * (g + wd * p))), MISTAKES["averaged"]
    assert not (m and close(got, p - lr * m * (g + wd * p))), (
        "the first velocity is g itself, without the factor momentum"
    )
    assert not (wd and close(got, p - lr * g)), "weight_decay changes nothing yet"
    assert not (wd and close(got, p - lr * (g - wd * p))), (
        "the decay has the wrong sign: it pushes away from zero"
    )
    later = close(got, (p - lr * g) * (1 - lr * wd))
    assert not (wd and later), MISTAKES["decoupled"]
    assert not (wd and close(got, p - lr * g - wd * p)), (
        "the decay is added to the gradient, so the learning rate scales it as well"
    )
    raise AssertionError(
        f"with {told}, after one step expected "
        f"{(p - lr * (g + wd * p))[0, 0].item():.4f} at the first place, "
        f"got {got[0, 0].item():.4f}"
    )


def judge_clearing(answer) -> None:
    """Raise AssertionError unless zero_grad clears gradients and nothing else."""
    parameters = start()
    optimizer = answer(parameters, lr=0.1, momentum=0.9)
    give_gradients(parameters, 0)
    optimizer.step()
    before = [p.detach().clone() for p in parameters]
    optimizer.zero_grad()
    judge_wishes(parameters)
    same = all(torch.equal(p, q) for p, q in zip(parameters, before, strict=True))
    assert same, "zero_grad set the parameters themselves; only .grad is cleared"
    cleared = all(p.grad is None or not p.grad.any() for p in parameters)
    assert cleared, "after zero_grad there are still gradients"
    give_gradients(parameters, 1)
    optimizer.step()
    right = by_torch({"lr": 0.1, "momentum": 0.9}, 2)[-1]
    assert close(parameters[0], right[0]), "zero_grad has cleared the velocities, too"
    for p in parameters:
        p.grad = None
    optimizer.step()
    assert close(parameters[0], right[0]), (
        "without a gradient a parameter went on by its momentum: None is skipped"
    )


@lesson.question("3.5")
def update_average(answer) -> None:
    """In place, without history, and the parameter as it was."""
    judge_average(answer, 0.9, (3, 2))
    judge_average(answer, 0.25, (5,))


def judge_average(answer, decay: float, shape: tuple[int, ...]) -> None:
    """Raise AssertionError unless the average moves as it should."""
    device = pick_device()
    average = drawn(*shape, seed=1).to(device)
    parameter = nn.Parameter(drawn(*shape, seed=2).to(device))
    start, now = average.clone(), parameter.detach().clone()
    right = decay * start + (1 - decay) * now
    loss = parameter.pow(2).sum()  # its notes hold the parameter
    parameter.grad = torch.full_like(parameter, 0.5)
    view = average.flatten()  # shares the memory
    result = ask(answer, average, parameter, decay)
    assert parameter.requires_grad and parameter.grad is not None, (
        "the parameter has lost its wish for gradients, or its gradient"
    )
    assert torch.equal(parameter.grad, torch.full_like(parameter, 0.5)), (
        "the parameter's .grad has changed"
    )
    assert torch.equal(parameter, now), (
        "the parameter itself has changed: it only lends its numbers"
    )
    assert isinstance(result, torch.Tensor), f"return the average, not {brief(result)}"
    assert average.data_ptr() != parameter.data_ptr(), (
        "average and parameter now share one memory: copy the numbers"
    )
    assert result.data_ptr() != parameter.data_ptr(), (
        "you return the parameter; return the average"
    )
    assert not (result.requires_grad or average.requires_grad), (
        "the average keeps notes, a chain back to the parameter: use torch.no_grad()"
    )
    swapped = (1 - decay) * start + decay * now
    assert not close(average, swapped), (
        "decay belongs to the average, not the parameter"
    )
    moved = "you return a new tensor; the one you were given must change, in place"
    assert not close(result, right) or close(average, right), moved
    assert close(view, average.flatten()), moved
    assert not close(average, start), "the average has not moved"
    assert not close(average, decay * start + now), (
        "the parameter has to be multiplied by 1 − decay"
    )
    assert not close(average, now), "that is a copy of the parameter, not an average"
    assert close(average, right), (
        f"expected {right.flatten()[0].item():.4f} at the first place, "
        f"got {average.flatten()[0].item():.4f}"
    )
    assert close(result, right), "average is right; return it as well"
    assert result.data_ptr() == average.data_ptr(), "return average itself, not a copy"
    loss.backward()
    assert close(parameter.grad, 2 * now + 0.5), (
        "the parameter's next gradient is now another one"
    )
