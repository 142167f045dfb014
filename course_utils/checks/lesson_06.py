"""Checks for notebooks/06_loss_and_optimizer.ipynb."""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_utils.checks import Lesson
from course_utils.checks.answers import ask, brief, number
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress


def plain_number(result, where: str) -> float:
    """Return one number; raise AssertionError, with `where`, for nan and infinity."""
    if isinstance(result, Tensor | np.ndarray | np.floating | float):
        result = torch.as_tensor(result).detach()
        assert result.numel() == 1, (
            f"return one number, the mean; got numbers of shape {tuple(result.shape)}"
        )
        assert result.isfinite().all(), f"you got {result.item()} {where}"
    return number(result)


def close(got: float, value: float) -> bool:
    """Return whether two numbers agree to rounding."""
    return math.isclose(got, value, rel_tol=1e-4, abs_tol=1e-6)


def not_one_of(got: float, wrong: dict[str, float], right: float) -> None:
    """Raise AssertionError with the words of the mistake that gives `got`."""
    for words, value in wrong.items():
        assert close(value, right) or not close(got, value), words
    assert close(got, right), f"expected {right:.4f}, got {got:.4f}"


def random(*shape: int, seed: int, scale: float = 1.0) -> Tensor:
    """Return normal random numbers on the device of the lesson."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(*shape, generator=generator) * scale).to(pick_device())


def unchanged(given: Tensor, before: Tensor, name: str) -> None:
    """Raise AssertionError when the answer wrote into what it was given."""
    assert torch.equal(given, before), (
        f"right, but the {name} you were given are changed: don't write into them"
    )


@lesson.question("6.1")
def cross_entropy(answer) -> None:
    """The mean of minus log softmax, finite for every logit."""
    device = pick_device()
    for seed, targets in enumerate(([4, 0, 2, 3, 0, 1, 2], [2, 1, 2])):
        targets = torch.tensor(targets, device=device)
        logits = random(len(targets), 5, seed=seed, scale=2.0)
        given = logits.clone()
        where = "from ordinary logits"
        got = plain_number(ask(answer, given, targets.clone()), where)
        judge_cross_entropy(got, logits, targets)
        unchanged(given, logits, "logits")
    extreme = torch.tensor([[1000.0, 0.0, -1000.0], [0.0, 1000.0, -1000.0]])
    for row, target, size in ((0, 0, 0), (0, 1, 1000), (1, 2, 2000)):
        logits = extreme[row : row + 1].to(device)
        target = torch.tensor([target], device=device)
        where = "from a logit of 1000: subtract the largest, and keep logs apart"
        got = plain_number(ask(answer, logits, target), where)
        assert close(got, size), f"expected {size} from logits of 1000, got {got:.4g}"
    far = torch.tensor([[1000.0, 998.0], [0.0, -1.0], [-999.0, -1000.0]], device=device)
    targets = torch.tensor([0, 1, 0], device=device)
    where = "from rows far apart: subtract the largest of each row, not of the batch"
    got = plain_number(ask(answer, far, targets), where)
    right = functional.cross_entropy(far, targets).item()
    assert close(got, right), f"rows far apart: expected {right:.4f}, got {got:.4f}"


def judge_cross_entropy(got: float, logits: Tensor, targets: Tensor) -> None:
    """Raise AssertionError unless this is the loss of ordinary logits."""
    classes = logits.shape[1]
    each = functional.cross_entropy(logits, targets, reduction="none")
    columns = functional.log_softmax(logits, dim=0)
    mean = each.mean().item()
    twice = functional.cross_entropy(logits.softmax(dim=1), targets).item()
    chosen = columns.gather(1, targets[:, None]).mean().item()
    picked = logits.gather(1, targets[:, None]).mean().item()
    logs = functional.log_softmax(logits, dim=1)
    top = logs.max(dim=1).values.mean().item()
    crossed = logs[:, targets].mean().item()
    largest = logits.max(dim=1).values.mean().item()
    chance = (-each).exp().mean().item()
    wrong = {
        "the sign: a loss is minus the logarithm": -mean,
        "that is the sum; divide by the number of samples": each.sum().item(),
        "you divide by samples and classes": mean / classes,
        "that is a mean over all classes; only the target's counts": (
            -logs.mean().item()
        ),
        "the softmax runs along the batch; classes are dimension 1": -chosen,
        "the softmax is there twice, as in the opening": twice,
        "that is a mean of probabilities; the logarithm is missing": chance,
        "that is minus a mean of probabilities; the logarithm is missing": -chance,
        "minus the logit of the target: the log of the sum is missing": -picked,
        "you take the largest class of each row; take the target's": -top,
        "each row is read at all targets; pair rows with targets, see hint b": -crossed,
        "subtract the largest from the target's logit as well": mean - largest,
        "you use log base 10; the loss uses the natural one": mean / math.log(10),
        "you use log base 2; the loss uses the natural one": mean / math.log(2),
    }
    not_one_of(got, wrong, mean)


@lesson.question("6.2")
def smooth_targets(answer) -> None:
    """Rows 1 - ε + ε/K on the class and ε/K elsewhere."""
    for targets, classes, epsilon in (([2, 0, 2], 5, 0.1), ([1, 3, 0, 0], 7, 0.25)):
        targets = torch.tensor(targets, device=pick_device())
        given = targets.clone()
        got = rows_of(ask(answer, given, classes, epsilon), len(targets), classes)
        hard = functional.one_hot(targets, classes).double().cpu()
        others, share = epsilon / (classes - 1), epsilon / classes
        wrong = {
            "nothing is smoothed: those are rows of 0 and 1": hard,
            "those rows don't add up to 1: the right class keeps ε/K too": (
                hard * (1 - epsilon) + (1 - hard) * share
            ),
            "you share among the other classes alone; K counts the right one, too": (
                hard * (1 - epsilon) + (1 - hard) * others
            ),
            "each other class gets all of ε; divide it by K": (
                hard * (1 - epsilon) + (1 - hard) * epsilon
            ),
            "the right class is more than 1: take ε from it first": hard + share,
            "right class and others have changed places": (
                (1 - hard) * (1 - epsilon) + share
            ),
            "each row has the targets of all rows; pair rows with targets": (
                hard.amax(dim=0).expand_as(hard) * (1 - epsilon) + share
            ),
        }
        right = hard * (1 - epsilon) + share
        for words, value in wrong.items():
            assert not torch.allclose(got, value, atol=1e-5), words
        row = [round(value, 4) for value in got[0].tolist()]
        assert torch.allclose(got, right, atol=1e-5), (
            f"class {targets[0].item()} of {classes}, ε = {epsilon}: expected "
            f"{1 - epsilon + share:.4f} there and {share:.4f} elsewhere, got {row}"
        )
        unchanged(given, targets, "targets")


def rows_of(result, samples: int, classes: int) -> Tensor:
    """Return the rows as a tensor (N, K); raise AssertionError for other shapes."""
    try:
        if isinstance(result, list | tuple):
            result = torch.stack([torch.as_tensor(row) for row in result])
        rows = torch.as_tensor(result).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise AssertionError(f"expected a tensor, got {brief(result)}") from None
    assert rows.is_floating_point(), f"{rows.dtype} has no fractions; make it float"
    shape = tuple(rows.shape)
    assert shape != (classes, samples), (
        f"rows and columns are exchanged: a row a sample, got {shape}"
    )
    assert shape != (samples,), (
        f"one number a sample; each needs {classes}, a class each"
    )
    unseen = len(shape) == 2 and shape[1] < classes
    assert shape == (samples, classes), (
        f"expected shape {(samples, classes)}, got {shape}"
        + (": some classes may not appear among the targets" if unseen else "")
    )
    return rows.double()


@lesson.question("6.3")
def focal_loss(answer) -> None:
    """As torchvision's sigmoid_focal_loss with a mean, and safe."""
    device = pick_device()
    for seed, (size, alpha, gamma) in enumerate(((9, 0.3, 2.0), (14, 0.8, 1.5))):
        logits = random(size, seed=seed, scale=2.0)
        targets = (random(size, seed=seed + 5) > 0.4).float()
        given, answers = logits.clone(), targets.clone()
        result = ask(answer, given, answers, alpha, gamma)
        got = plain_number(result, "from ordinary logits")
        judge_focal(got, logits, targets, alpha, gamma)
        unchanged(given, logits, "logits")
        unchanged(answers, targets, "targets")
    pairs = (100.0, 1.0), (-100.0, 0.0), (100.0, 0.0), (-100.0, 1.0), (50.0, 0.0)
    for logit, target in (*pairs, (-50.0, 1.0)):
        pair = torch.full((2,), logit, device=device)
        truth = torch.full((2,), target, device=device)
        weight = 0.3 if target else 0.7
        right = 0.0 if (logit > 0) == (target == 1) else abs(logit) * weight
        where = "from a logit of ±100: log(sigmoid) breaks there, see hint a"
        got = plain_number(ask(answer, pair, truth, 0.3, 2.0), where)
        assert close(got, right), (
            f"logit {logit:.0f}, target {target:.0f}: expected {right:.1f}, "
            f"got {got:.4g}; hint a has a −ln p that is safe for all logits"
        )


def judge_focal(got, logits: Tensor, targets: Tensor, alpha: float, gamma: float):
    """Raise AssertionError unless this is the loss of ordinary logits."""
    losses = functional.binary_cross_entropy_with_logits(
        logits, targets, reduction="none"
    )
    true = torch.exp(-losses)
    yes = logits.sigmoid()
    weights = alpha * targets + (1 - alpha) * (1 - targets)
    swapped = (1 - alpha) * targets + alpha * (1 - targets)
    hard = (1 - true) ** gamma
    each = weights * hard * losses
    wrong = {
        "that is the sum; divide by the number of samples": each.sum(),
        "that is plain cross-entropy": losses.mean(),
        "α is missing": (hard * losses).mean(),
        "γ is an exponent, not a factor": (
            weights * gamma * (1 - true) * losses
        ).mean(),
        "(1 − p)^γ, not 1 − p^γ": (weights * (1 - true**gamma) * losses).mean(),
        "divide by the number of samples, not by the sum of the weights": (
            each.sum() / weights.sum()
        ),
        "the no samples get 1 − α, yours get α": (alpha * hard * losses).mean(),
        "α and 1 − α have changed places; α is for yes": (
            swapped * hard * losses
        ).mean(),
        "the factor (1 − p)^γ is missing": (weights * losses).mean(),
        "you multiply by p^γ, which lets the easy samples count": (
            (weights * true**gamma * losses).mean()
        ),
        "p is the probability of what is true: for no it is 1 − sigmoid": (
            (weights * (1 - yes) ** gamma * losses).mean()
        ),
        "you use the sigmoid as p for no samples as well": (
            (weights * (1 - yes) ** gamma * -yes.log()).mean()
        ),
        "the weights come too late: weigh each sample, then take the mean": (
            (weights * hard).mean() * losses.mean()
        ),
        "the weights come too late: α was left until after the mean": (
            weights.mean() * (hard * losses).mean()
        ),
        "you take the mean cross-entropy first; (1 − p)^γ is for each sample": (
            weights.mean() * (1 - torch.exp(-losses.mean())) ** gamma * losses.mean()
        ),
        "you take the mean cross-entropy first, and α for all": (
            alpha * (1 - torch.exp(-losses.mean())) ** gamma * losses.mean()
        ),
        "the no samples count nothing: their weight is 1 − α": (
            (alpha * targets * hard * losses).mean()
        ),
        "use alpha and gamma as they are given, not 0.25 and 2": (
            ((0.25 * targets + 0.75 * (1 - targets)) * (1 - true) ** 2 * losses).mean()
        ),
        "the sign: the loss has −ln p": -each.mean(),
        "you take the mean over the yes samples alone": each.sum() / targets.sum(),
    }
    values = {words: value.item() for words, value in wrong.items()}
    not_one_of(got, values, each.mean().item())


@lesson.question("6.4")
def adam_step(answer) -> None:
    """Several steps as torch.optim.Adam makes them, and its m and v."""
    for seed, shape, rate, betas in (
        (0, (3,), 0.1, {}),
        (1, (2, 4), 0.03, {"beta1": 0.8, "beta2": 0.95, "eps": 1e-3}),
    ):
        weight = random(*shape, seed=seed)
        m, v = random(*shape, seed=seed + 20), random(*shape, seed=seed + 30) ** 2
        for t in (3, 1, 2, 3):  # in the middle of a run first: no mistake hides there
            if t == 1:
                m, v = torch.zeros_like(weight), torch.zeros_like(weight)
            gradient = random(*shape, seed=10 * seed + t, scale=0.3)
            given = [weight.clone(), gradient.clone(), m.clone(), v.clone()]
            result = ask(answer, *given, t, rate, **betas)
            right = adam_right(weight, gradient, m, v, t, rate, **betas)
            got = three_of(result, weight)
            judge_adam(got, right, (weight, gradient, m, v, t, rate), betas)
            pairs = zip(given, (weight, gradient, m, v), strict=True)
            for one, before in pairs:
                unchanged(one, before, "tensors")
            weight, m, v = right
    zero = torch.zeros(2, device=pick_device())
    still = ask(answer, zero + 1, zero.clone(), zero.clone(), zero.clone(), 1, 0.1)
    still = three_of(still, zero)
    assert torch.equal(still[0], zero + 1), (
        f"with m, v and gradient 0 a weight of 1 becomes {brief(still[0])}: where is ε?"
    )


def adam_right(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    """Return one step of Adam."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - rate * m_hat / (v_hat.sqrt() + eps), m, v


def adam_mistakes(right, inputs, beta1=0.9, beta2=0.999, eps=1e-8):
    """Return pairs: the words of a mistake, and the weight that it gives."""
    (_, m, v), (w, g, old_m, old_v, t, rate) = right, inputs
    first, second = 1 - beta1**t, 1 - beta2**t
    m_hat, v_hat = m / first, v / second
    root = v_hat.sqrt()
    late = m / (1 - beta1 ** (t + 1)), v / (1 - beta2 ** (t + 1))
    product = m / (1 - beta1 * t), v / (1 - beta2 * t)
    brackets = "brackets are missing: divide by all of (√v̂ + ε)"
    moves = [
        ("m and v are not repaired: m̂ and v̂ are missing", m / (v.sqrt() + eps)),
        ("m is not repaired: divide by 1 − β₁ᵗ", m / (root + eps)),
        ("v is not repaired: divide by 1 − β₂ᵗ", m_hat / (v.sqrt() + eps)),
        (
            "m̂ is m divided by 1 − β₁ᵗ, not multiplied; v̂ too",
            m * first / ((v * second).sqrt() + eps),
        ),
        ("the sign: the step goes against the gradient", -m_hat / (root + eps)),
        ("the step takes the gradient; it takes m̂", g / (root + eps)),
        ("nothing is divided by √v̂", m_hat),
        ("the root is missing: divide by √v̂", m_hat / (v_hat + eps)),
        (
            "ε stands inside the root; add it after the root",
            m_hat / (v_hat + eps) ** 0.5,
        ),
        ("ε is missing, or not the one given as eps", m_hat / root),
        (
            "ε comes before the repair; it belongs to √v̂",
            m_hat * second**0.5 / (v.sqrt() + eps),
        ),
        (brackets, m_hat / root + eps),
        (brackets, m_hat / root - eps / rate),
        (
            "the step uses the old m and v; use the new ones",
            old_m / first / ((old_v / second).sqrt() + eps),
        ),
        (
            "βᵗ is a power, `beta1**t`, not a product",
            product[0] / (product[1].sqrt() + eps),
        ),
        (
            "the power belongs to β alone: 1 − β₁ᵗ, not (1 − β₁)ᵗ",
            m / (1 - beta1) ** t / ((v / (1 - beta2) ** t).sqrt() + eps),
        ),
        ("the step is not multiplied by the rate", m_hat / (root + eps) / rate),
        (
            "t is 1 at the first step already: no t + 1",
            late[0] / (late[1].sqrt() + eps),
        ),
    ]
    return [(words, w - rate * move) for words, move in moves]


def three_of(result, weight: Tensor) -> list[Tensor]:
    """Return weight, m and v like the weight; raise AssertionError for other shapes."""
    try:
        parts = [torch.as_tensor(one).detach() for one in result]
    except (TypeError, ValueError, RuntimeError):
        parts = []
    shapes = [tuple(one.shape) for one in parts]
    assert shapes == [tuple(weight.shape)] * 3, (
        f"return the weight, m and v, three tensors of shape {tuple(weight.shape)}; "
        f"got {f'shapes {shapes}' if parts else brief(result)}"
    )
    return [one.to(weight) for one in parts]


def judge_adam(got, right, inputs, betas) -> None:
    """Raise AssertionError unless weight, m and v are those of one step."""
    w, g, m, v, t, rate = inputs
    (got_w, got_m, got_v), (right_w, right_m, right_v) = got, right
    beta1, beta2 = betas.get("beta1", 0.9), betas.get("beta2", 0.999)

    def same(a, b):
        return torch.allclose(a, b, rtol=1e-4, atol=1e-7, equal_nan=True)

    hats = right_m / (1 - beta1**t), right_v / (1 - beta2**t)
    assert not (same(got_m, hats[0]) or same(got_v, hats[1])), (
        "you return the repaired m̂ or v̂: m and v go on without the repair"
    )
    assert not (same(got_m, right_v) and same(got_v, right_m)), (
        "m and v have changed places"
    )
    assert not same(got_m, beta1 * m + g), "m: the gradient is taken times 1 − β₁"
    assert not same(got_v, beta2 * v + (1 - beta2) * g), "v: square the gradient"
    assert not same(got_m, (1 - beta1) * m + beta1 * g), (
        "β₁ and 1 − β₁ have changed places: most of m is the old m"
    )
    assert t == 1 or not (same(got_m, m) or same(got_v, v)), (
        "m or v comes back as it was: return the new one"
    )
    if betas:
        defaults = adam_right(w, g, m, v, t, rate)
        assert not same(got_m, defaults[1]), (
            "use beta1, beta2 and eps as they are given"
        )
    for name, mine, wanted in (("m", got_m, right_m), ("v", got_v, right_v)):
        assert same(mine, wanted), (
            f"step {t}: {name} should be {brief(wanted)}, yours is off by up to "
            f"{(mine - wanted).abs().max():.2g}"
        )
    for words, mistake in adam_mistakes(right, inputs, **betas):
        assert same(mistake, right_w) or not same(got_w, mistake), words
    assert not same(got_w, w), "the weight has not moved"
    finite = torch.isfinite(got_w).all()
    assert finite, f"the weight became {brief(got_w)} at step {t}"
    assert same(got_w, right_w), (
        f"m and v are right, the weight is not: at step {t} it is off by up to "
        f"{(got_w - right_w).abs().max():.2g}"
    )


@lesson.question("6.5")
def clip_by_norm(answer) -> None:
    """One factor for all tensors, as clip_grad_norm_ takes it."""
    for seed, limit in ((0, 1.0), (1, 2.5)):
        gradients = [
            random(4, seed=seed + 7),
            random(3, 2, seed=seed, scale=3.0),
            random(5, seed=seed + 9, scale=0.02),
        ]
        judge_clip(answer, gradients, limit)
    small = [random(3, seed=3, scale=0.1), random(2, 2, seed=4, scale=0.1)]
    got = clipped(answer, small, 5.0)
    norm = joint_norm(small)
    longer = [g * 5.0 / norm for g in small]
    assert not alike(got, longer), "a short gradient was made longer; leave it alone"
    assert alike(got, small), f"a norm of {norm:.2f} is below the limit of 5: no change"
    edge = [random(3, seed=5), random(3, seed=6)]
    edge = [one * 3 / one.norm() for one in edge]  # a joint norm of 4.243
    got = clipped(answer, edge, 5.0)
    assert alike(got, edge), (
        "a joint norm of 4.24 is below the limit of 5, and yet you change something: "
        "compare the same norm with the limit that you divide by"
    )
    judge_clip(answer, edge, 4.0)
    none = [torch.zeros(3, device=pick_device())]
    got = clipped(answer, none, 1.0)
    assert not any(one.isnan().any() for one in got), (
        "a gradient of zeros became nan: you divide by a norm of 0"
    )
    assert alike(got, none), "a gradient of zeros should stay one"


def clipped(answer, gradients: list[Tensor], limit: float) -> list[Tensor]:
    """Return what the answer makes of copies; raise AssertionError for no tensors."""
    copies = [gradient.clone() for gradient in gradients]
    result = ask(answer, copies, limit)
    listed = isinstance(result, list | tuple) or hasattr(result, "__next__")
    assert listed, f"return a list of tensors, the new gradients; got {brief(result)}"
    result = list(result)
    tensors = all(isinstance(one, Tensor) for one in result)
    shapes = tensors and [one.shape for one in result]
    assert shapes == [one.shape for one in gradients], (
        "return one tensor for each gradient, of its shape"
    )
    for copy, gradient in zip(copies, gradients, strict=True):
        assert torch.equal(copy, gradient), (
            "the gradients you were given are changed: return new tensors"
        )
    shared = {one.data_ptr() for one in copies} & {one.data_ptr() for one in result}
    assert not shared, "you return the tensors you were given; return new ones"
    return [one.detach() for one in result]


def joint_norm(gradients: list[Tensor]) -> float:
    """Return the norm of all tensors taken as one vector."""
    return torch.cat([one.flatten() for one in gradients]).norm().item()


def alike(left: list[Tensor], right: list[Tensor]) -> bool:
    """Return whether all tensors agree to rounding."""
    pairs = zip(left, right, strict=True)
    return all(torch.allclose(a.to(b), b, rtol=1e-4, atol=1e-7) for a, b in pairs)


def judge_clip(answer, gradients: list[Tensor], limit: float) -> None:
    """Raise AssertionError unless a long gradient is scaled to the limit."""
    got = clipped(answer, gradients, limit)
    copies = [nn.Parameter(torch.zeros_like(one)) for one in gradients]
    for parameter, gradient in zip(copies, gradients, strict=True):
        parameter.grad = gradient.clone()
    nn.utils.clip_grad_norm_(copies, limit)
    right = [parameter.grad for parameter in copies]
    norms = [one.norm() for one in gradients]
    joined = torch.cat([one.flatten() for one in gradients])
    total = joined.norm()

    def scaled(norm):
        return [one * (limit / norm).clamp(max=1) for one in gradients]

    wrong = {
        "nothing is clipped": gradients,
        "you clip tensor by tensor: all share one norm and one factor": [
            one * (limit / norm).clamp(max=1)
            for one, norm in zip(gradients, norms, strict=True)
        ],
        "you bring every tensor to the limit: all share one norm and one factor": [
            one * limit / norm for one, norm in zip(gradients, norms, strict=True)
        ],
        "you clip each value; that turns the step in another direction": [
            one.clamp(-limit, limit) for one in gradients
        ],
        "you add up norms; add up squares, then take the root": scaled(sum(norms)),
        "the root is missing: that is the square of the norm": scaled(total**2),
        "you add up absolute values; the norm adds up squares": scaled(
            joined.abs().sum()
        ),
        "you take the longest tensor's norm; all count": scaled(max(norms)),
        "you take the first tensor's norm; all count": scaled(norms[0]),
        "you divide by the norm, but the limit is missing": [
            one / total for one in gradients
        ],
        "you multiply by the limit; the norm is missing": [
            one * limit for one in gradients
        ],
        "the fraction is upside down: limit / norm": [
            one * total / limit for one in gradients
        ],
    }
    for words, value in wrong.items():
        assert alike(value, right) or not alike(got, value), words
    factors = [
        (a.norm() / b.norm()).item() for a, b in zip(got, gradients, strict=True)
    ]
    differ = (
        f"; one factor for all: yours go from {min(factors):.3g} to {max(factors):.3g}"
    )
    assert alike(got, right), (
        f"a norm of {total:.3f} should become {limit}, yours became "
        f"{joint_norm(got):.3f}{'' if close(min(factors), max(factors)) else differ}"
    )


@lesson.question("6.6")
def warmup_cosine(answer) -> None:
    """Each factor, from the first step to the one after the last."""
    for warmup, total in ((7, 40), (4, 23), (0, 9), (1, 12)):
        got = [factor_of(answer, step, warmup, total) for step in range(total + 1)]
        judge_factors(got, warmup, total)


def factor_of(answer, step: int, warmup: int, total: int) -> float:
    """Return one factor; raise AssertionError where it can't be computed."""
    try:
        return number(ask(answer, step, warmup, total))
    except ZeroDivisionError:
        raise AssertionError(
            f"with warmup_steps = {warmup} you divide by 0 at step {step}"
        ) from None


def judge_factors(got: list[float], warmup: int, total: int) -> None:
    """Raise AssertionError unless these are all factors of one run."""

    def cosine(share):
        return (1 + math.cos(math.pi * share)) / 2

    rest = total - warmup
    rising = [(step + 1) / warmup for step in range(warmup)]
    falling = [(step - warmup) / rest for step in range(warmup, total + 1)]
    right = rising + [cosine(share) for share in falling]

    def same(a, b):
        return all(math.isclose(x, y, abs_tol=1e-5) for x, y in zip(a, b, strict=True))

    early = {
        "the first factor is 0, and the step is lost: it should be 1/warmup_steps": [
            step / warmup for step in range(warmup)
        ],
        "the warm-up has no steps: it rises from 1/warmup_steps to 1": [1.0] * warmup,
        "the warm-up falls; it should rise": rising[::-1],
        "the warm-up rises to 1 one step too late": [
            (step + 1) / (warmup + 1) for step in range(warmup)
        ],
    }
    for words, values in early.items():
        if values and not same(values, rising):
            assert not same(got[:warmup], values), words
    late = {
        "the rate stays at 1 after the warm-up; let it fall": [1.0 for _ in falling],
        "that is a straight line; half a cosine was wanted": [1 - s for s in falling],
        "the cosine counts the warm-up too: begin its share at step warmup_steps": [
            cosine(step / total) for step in range(warmup, total + 1)
        ],
        "the share is off: divide by total_steps − warmup_steps": [
            cosine((step - warmup) / total) for step in range(warmup, total + 1)
        ],
        "a factor below 0: add 1 to the cosine and halve it": [
            math.cos(math.pi * share) for share in falling
        ],
        "the factor starts at 2: halve 1 + cos": [2 * cosine(s) for s in falling],
        "halve all of 1 + cos, not only the cosine": [
            1 + math.cos(math.pi * s) / 2 for s in falling
        ],
        "the cosine rises; it should fall": [1 - cosine(s) for s in falling],
        "π is missing in the cosine": [(1 + math.cos(share)) / 2 for share in falling],
        "that is a whole cosine; half a one, π times the share, was wanted": [
            cosine(2 * share) for share in falling
        ],
        "that is a quarter of a cosine; 1 + cos, halved, was wanted": [
            math.cos(math.pi * share / 2) for share in falling
        ],
        "the cosine is one step early: at step warmup_steps its share is 0": [
            cosine((step - warmup + 1) / rest) for step in range(warmup, total + 1)
        ],
    }
    late["the share is 1 a step too early: divide by total_steps − warmup_steps"] = [
        cosine((step - warmup) / (rest - 1)) for step in range(warmup, total + 1)
    ]
    late["a factor above 1: step warmup_steps is on the cosine already"] = [
        1 + 1 / max(1, warmup),
        *right[warmup + 1 :],
    ]
    for words, values in late.items():
        if not same(values, right[warmup:]):
            assert not same(got[warmup:], values), words
    for step, (mine, wanted) in enumerate(zip(got, right, strict=True)):
        assert math.isclose(mine, wanted, abs_tol=1e-5), (
            f"warm-up {warmup}, total {total}: at step {step} expected "
            f"{wanted:.4f}, got {mine:.4f}"
        )
