"""Answers to the exercises of lesson 06: wrong as learners write them, and right."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def picked(logs, targets):
    return logs[torch.arange(len(targets), device=logs.device), targets]


def entropy_stable(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    return (shifted.exp().sum(dim=1).log() - picked(shifted, targets)).mean()


def entropy_by_logsumexp(logits, targets):
    return (logits.logsumexp(1) - picked(logits, targets)).double().mean().item()


def entropy_by_numpy(logits, targets):
    logits, targets = logits.cpu().numpy().astype("float64"), targets.cpu().numpy()
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(targets)), targets].mean()


def entropy_by_loop(logits, targets):
    losses = []
    for row, target in zip(logits.tolist(), targets.tolist(), strict=True):
        largest = max(row)
        total = math.log(sum(math.exp(one - largest) for one in row))
        losses.append(total + largest - row[target])
    return sum(losses) / len(losses)


def entropy_formula(logits, targets):
    powers = logits.exp()
    return -picked(powers / powers.sum(dim=1, keepdim=True), targets).log().mean()


def entropy_late_log(logits, targets):
    return -picked(logits.softmax(dim=1), targets).log().mean()


def entropy_padded_log(logits, targets):
    return -(picked(logits.softmax(dim=1), targets) + 1e-9).log().mean()


def entropy_one_maximum(logits, targets):
    shifted = logits - logits.max()
    return (shifted.exp().sum(dim=1).log() - picked(shifted, targets)).mean()


def entropy_sum(logits, targets):
    return entropy_stable(logits, targets) * len(targets)


def entropy_each(logits, targets):
    return functional.cross_entropy(logits, targets, reduction="none")


def entropy_all_classes(logits, targets):
    return -logits.log_softmax(dim=1).mean()


def entropy_along_batch(logits, targets):
    return -picked(logits.log_softmax(dim=0), targets).mean()


def entropy_in_place(logits, targets):
    logits -= logits.max(dim=1, keepdim=True).values
    return (logits.exp().sum(dim=1).log() - picked(logits, targets)).mean()


def entropy_half_shifted(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    return (shifted.exp().sum(dim=1).log() - picked(logits, targets)).mean()


def entropy_crossed(logits, targets):
    logs = logits.log_softmax(dim=1)
    return -logs[:, targets].mean()


def entropy_by_single_floats(logits, targets):
    return np.float32(entropy_late_log(logits, targets).item())


def entropy_in_brackets(logits, targets):
    return np.array([functional.cross_entropy(logits, targets).item()])


def smooth_right(targets, classes, epsilon):
    hard = functional.one_hot(targets, classes).float()
    return hard * (1 - epsilon) + epsilon / classes


def smooth_by_filling(targets, classes, epsilon):
    rows = torch.full((len(targets), classes), epsilon / classes, dtype=torch.float64)
    rows[torch.arange(len(targets)), targets.cpu()] = 1 - epsilon + epsilon / classes
    return rows


def smooth_by_lists(targets, classes, epsilon):
    share = epsilon / classes
    return [
        [1 - epsilon + share if k == target else share for k in range(classes)]
        for target in targets.tolist()
    ]


def smooth_by_numpy(targets, classes, epsilon):
    return np.eye(classes)[targets.cpu().numpy()] * (1 - epsilon) + epsilon / classes


def hot(targets, classes):
    return functional.one_hot(targets, classes).float()


def smooth_others(targets, classes, epsilon):
    hard = hot(targets, classes)
    return hard * (1 - epsilon) + (1 - hard) * epsilon / (classes - 1)


def smooth_short(targets, classes, epsilon):
    hard = hot(targets, classes)
    return hard * (1 - epsilon) + (1 - hard) * epsilon / classes


def smooth_undivided(targets, classes, epsilon):
    hard = hot(targets, classes)
    return hard * (1 - epsilon) + (1 - hard) * epsilon


def smooth_seen_classes(targets, classes, epsilon):
    hard = functional.one_hot(targets).float()
    return hard * (1 - epsilon) + epsilon / classes


def smooth_crossed(targets, classes, epsilon):
    rows = torch.full((len(targets), classes), epsilon / classes)
    rows[:, targets.cpu()] += 1 - epsilon
    return rows


def smooth_by_arrays(targets, classes, epsilon):
    rows = smooth_by_numpy(targets, classes, epsilon)
    return [row for row in rows]


def smooth_whole_numbers(targets, classes, epsilon):
    rows = functional.one_hot(targets, classes)
    rows[rows == 1] = 1
    return rows


def binary(logits, targets):
    return functional.binary_cross_entropy_with_logits(
        logits, targets, reduction="none"
    )


def focal(logits, targets, alpha, gamma, **change):
    losses = binary(logits, targets)
    p = torch.exp(-losses)
    weights = alpha * targets + (1 - alpha) * (1 - targets)
    return change.get("end", torch.mean)(weights * (1 - p) ** gamma * losses)


def focal_by_where(logits, targets, alpha, gamma):
    yes = targets == 1
    log_p = torch.where(
        yes, functional.logsigmoid(logits), functional.logsigmoid(-logits)
    )
    weight = torch.where(yes, alpha, 1 - alpha)
    return (weight * (1 - log_p.exp()) ** gamma * -log_p).mean().double()


def focal_by_loop(logits, targets, alpha, gamma):
    total = 0.0
    for logit, target in zip(logits.tolist(), targets.tolist(), strict=True):
        signed = logit if target == 1 else -logit
        loss = math.log1p(math.exp(-abs(signed))) + max(-signed, 0)
        weight = alpha if target == 1 else 1 - alpha
        total += weight * (1 - math.exp(-loss)) ** gamma * loss
    return np.float64(total / len(logits))


def focal_unsafe(logits, targets, alpha, gamma):
    p = torch.where(targets == 1, logits.sigmoid(), 1 - logits.sigmoid())
    weights = torch.where(targets == 1, alpha, 1 - alpha)
    return (weights * (1 - p) ** gamma * -p.log()).mean()


def focal_clamped(logits, targets, alpha, gamma):
    p = torch.where(targets == 1, logits.sigmoid(), 1 - logits.sigmoid())
    p = p.clamp(1e-7, 1 - 1e-7)
    weights = torch.where(targets == 1, alpha, 1 - alpha)
    return (weights * (1 - p) ** gamma * -p.log()).mean()


def focal_after_sigmoid(logits, targets, alpha, gamma):
    losses = functional.binary_cross_entropy(
        logits.sigmoid(), targets, reduction="none"
    )
    weights = torch.where(targets == 1, alpha, 1 - alpha)
    return (weights * (1 - torch.exp(-losses)) ** gamma * losses).mean()


def focal_one_alpha(logits, targets, alpha, gamma):
    losses = binary(logits, targets)
    return (alpha * (1 - torch.exp(-losses)) ** gamma * losses).mean()


def focal_p_of_yes(logits, targets, alpha, gamma):
    weights = alpha * targets + (1 - alpha) * (1 - targets)
    return (weights * (1 - logits.sigmoid()) ** gamma * binary(logits, targets)).mean()


def focal_easy(logits, targets, alpha, gamma):
    losses = binary(logits, targets)
    weights = alpha * targets + (1 - alpha) * (1 - targets)
    return (weights * torch.exp(-losses) ** gamma * losses).mean()


def focal_of_mean(logits, targets, alpha, gamma):
    loss = binary(logits, targets).mean()
    weights = alpha * targets + (1 - alpha) * (1 - targets)
    return (weights * (1 - torch.exp(-loss)) ** gamma * loss).mean()


def focal_in_place(logits, targets, alpha, gamma):
    loss = focal(logits, targets, alpha, gamma)
    targets.mul_(2).sub_(1)
    return loss


def adam(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - rate * m_hat / (v_hat.sqrt() + eps), m, v


def adam_by_lerp(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v = m.lerp(g, 1 - beta1), v.lerp(g.square(), 1 - beta2)
    size = rate / (1 - beta1**t)
    return [w - size * m / ((v / (1 - beta2**t)) ** 0.5 + eps), m, v]


def adam_double(w, g, m, v, *rest, **named):
    parts = (one.double() for one in (w, g, m, v))
    return adam(*parts, *rest, **named)


def adam_by_library(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    parameter = nn.Parameter(w.clone())
    parameter.grad = g.clone()
    optimizer = torch.optim.Adam([parameter], lr=rate, betas=(beta1, beta2), eps=eps)
    optimizer.state[parameter] = {
        "step": torch.tensor(float(t - 1)),
        "exp_avg": m.clone(),
        "exp_avg_sq": v.clone(),
    }
    optimizer.step()
    state = optimizer.state[parameter]
    return parameter, state["exp_avg"], state["exp_avg_sq"]


def adam_unrepaired(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return w - rate * m / (v.sqrt() + eps), m, v


def adam_half_repaired(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return w - rate * m / (1 - beta1**t) / (v.sqrt() + eps), m, v


def adam_returns_hats(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    v = (beta2 * v + (1 - beta2) * g**2) / (1 - beta2**t)
    return w - rate * m / (v.sqrt() + eps), m, v


def adam_no_square(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g
    return w - rate * m / (v.abs().sqrt() + eps), m, v


def adam_no_root(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return w - rate * (m / (1 - beta1**t)) / (v / (1 - beta2**t) + eps), m, v


def adam_heavy(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + g
    v = beta2 * v + (1 - beta2) * g**2
    return w - rate * m / ((v / (1 - beta2**t)).sqrt() + eps), m, v


def adam_uphill(w, g, m, v, t, rate, **named):
    new, m, v = adam(w, g, m, v, t, rate, **named)
    return 2 * w - new, m, v


def adam_late(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    _, new_m, new_v = adam(w, g, m, v, t, rate, beta1, beta2, eps)
    m_hat, v_hat = new_m / (1 - beta1 ** (t + 1)), new_v / (1 - beta2 ** (t + 1))
    return w - rate * m_hat / (v_hat.sqrt() + eps), new_m, new_v


def adam_inside(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = adam(w, g, m, v, t, rate, beta1, beta2, eps)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - rate * m_hat / (v_hat + eps).sqrt(), m, v


def adam_without_epsilon(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = adam(w, g, m, v, t, rate, beta1, beta2)
    return w - rate * m / (1 - beta1**t) / (v / (1 - beta2**t)).sqrt(), m, v


def adam_moving(move):
    def answer(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
        _, m, v = adam(w, g, m, v, t, rate, beta1, beta2, eps)
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return w - rate * move(g, m_hat, v_hat.sqrt(), eps), m, v

    return answer


def adam_own_default(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=0.0):
    return adam(w, g, m, v, t, rate, beta1, beta2, eps)


def adam_without_brackets(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = adam(w, g, m, v, t, rate, beta1, beta2, eps)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - rate * m_hat / v_hat.sqrt() + eps, m, v


def adam_early_epsilon(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = adam(w, g, m, v, t, rate, beta1, beta2, eps)
    rate = rate * math.sqrt(1 - beta2**t) / (1 - beta1**t)
    return w - rate * m / (v.sqrt() + eps), m, v


def adam_power_of_all(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = adam(w, g, m, v, t, rate, beta1, beta2, eps)
    m_hat, v_hat = m / (1 - beta1) ** t, v / (1 - beta2) ** t
    return w - rate * m_hat / (v_hat.sqrt() + eps), m, v


def adam_times_repair(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = adam(w, g, m, v, t, rate, beta1, beta2, eps)
    m_hat, v_hat = m * (1 - beta1**t), v * (1 - beta2**t)
    return w - rate * m_hat / (v_hat.sqrt() + eps), m, v


def adam_mean_square(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    new, m, _ = adam(w, g, m, v, t, rate, beta1, beta2, eps)
    return new, m, beta2 * v + (1 - beta2) * (g**2).mean()


def adam_by_numpy(w, g, m, v, *rest, **named):
    parts = (torch.from_numpy(one.cpu().numpy()) for one in (w, g, m, v))
    return [one.numpy() for one in adam(*parts, *rest, **named)]


def adam_stacked(*inputs, **named):
    return torch.stack(adam(*inputs, **named))


def adam_fixed_betas(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam(w, g, m, v, t, rate)


def adam_in_place(w, g, m, v, t, rate, **named):
    new, new_m, new_v = adam(w, g, m, v, t, rate, **named)
    return w.copy_(new), new_m, new_v


def adam_old_state(w, g, m, v, t, rate, **named):
    return adam(w, g, m, v, t, rate, **named)[0], m, v


def adam_product(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = adam(w, g, m, v, t, rate, beta1, beta2, eps)
    m_hat, v_hat = m / (1 - beta1 * t), v / (1 - beta2 * t)
    return w - rate * m_hat / (v_hat.sqrt() + eps), m, v


def adam_exchanged(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam(w, g, m, v, t, rate, 1 - beta1, 1 - beta2, eps)


def adam_without_rate(w, g, m, v, t, rate, **named):
    return adam(w, g, m, v, t, 1.0, **named)


def adam_weight_alone(*inputs, **named):
    return adam(*inputs, **named)[0]


def norm_of(gradients):
    return torch.cat([one.flatten() for one in gradients]).norm()


def scaled(gradients, factor):
    return [one * factor for one in gradients]


def clip_right(gradients, limit):
    norm = norm_of(gradients)
    return scaled(gradients, limit / norm if norm > limit else 1)


def clip_by_library(gradients, limit):
    parameters = [nn.Parameter(torch.zeros_like(one)) for one in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    nn.utils.clip_grad_norm_(parameters, limit)
    return tuple(parameter.grad for parameter in parameters)


def clip_double(gradients, limit):
    norm = math.sqrt(sum(float((one.double() ** 2).sum()) for one in gradients))
    return scaled([one.double() for one in gradients], min(1.0, limit / (norm + 1e-12)))


def clip_yielding(gradients, limit):
    norm = norm_of(gradients)
    return (one * (limit / norm.clamp(min=limit)) for one in gradients)


def clip_each(gradients, limit):
    return [one * (limit / (one.norm() + 1e-12)).clamp(max=1) for one in gradients]


def clip_values(gradients, limit):
    return [one.clamp(-limit, limit) for one in gradients]


def clip_always(gradients, limit):
    return scaled(gradients, limit / (norm_of(gradients) + 1e-12))


def clip_by_zero(gradients, limit):
    factor = limit / norm_of(gradients)
    return scaled(gradients, factor * (factor < 1) + 1.0 * (factor >= 1))


def clip_sum_of_norms(gradients, limit):
    return scaled(gradients, min(1, limit / (sum(g.norm() for g in gradients) + 1e-12)))


def clip_without_root(gradients, limit):
    return scaled(gradients, min(1, limit / (norm_of(gradients) ** 2 + 1e-12)))


def clip_to_one(gradients, limit):
    norm = norm_of(gradients)
    return scaled(gradients, 1 / norm if norm > limit else 1)


def clip_in_place(gradients, limit):
    factor = min(1, limit / (norm_of(gradients) + 1e-12))
    return [one.mul_(factor) for one in gradients]


def clip_by_largest(gradients, limit):
    return scaled(gradients, min(1, limit / (max(g.norm() for g in gradients) + 1e-12)))


def clip_if(condition):
    def clip(gradients, limit):
        factor = limit / norm_of(gradients) if condition(gradients, limit) else 1.0
        return [one * factor for one in gradients]

    return clip


def clip_given(gradients, limit):
    long = norm_of(gradients) > limit
    return clip_right(gradients, limit) if long else gradients


def clip_by_first(gradients, limit):
    factor = (limit / gradients[0].norm()).clamp(max=1)
    return [one * factor for one in gradients]


def clip_upside_down(gradients, limit):
    norm = norm_of(gradients)
    return scaled(gradients, norm / limit if norm > limit else 1)


def clip_only_long_ones(gradients, limit):
    factor = limit / (norm_of(gradients) + 1e-12)
    return [one * factor if one.norm() > limit else one.clone() for one in gradients]


def clip_joined(gradients, limit):
    return torch.cat([one.flatten() for one in clip_right(gradients, limit)])


def clip_norm_alone(gradients, limit):
    return norm_of(gradients)


def cosine(share):
    return (1 + math.cos(math.pi * share)) / 2


def warm_right(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return cosine((step - warmup_steps) / (total_steps - warmup_steps))


def warm_tensor(step, warmup_steps, total_steps):
    return torch.tensor(warm_right(step, warmup_steps, total_steps))


def warm_by_sine(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return np.float32((step + 1) / warmup_steps)
    share = (step - warmup_steps) / (total_steps - warmup_steps)
    return np.cos(np.pi / 2 * share) ** 2


def warm_by_minimum(step, warmup_steps, total_steps):
    rise = (step + 1) / max(1, warmup_steps)
    share = max(0, step - warmup_steps) / (total_steps - warmup_steps)
    return min(1, rise) * cosine(share)


def warm_from_zero(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return step / warmup_steps
    return warm_right(step, warmup_steps, total_steps)


def warm_all_steps(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return cosine(step / total_steps)


def warm_other(change):
    def answer(step, warmup_steps, total_steps):
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return change((step - warmup_steps) / (total_steps - warmup_steps))

    return answer


def warm_dividing(step, warmup_steps, total_steps):
    rise = (step + 1) / warmup_steps
    if step < warmup_steps:
        return rise
    return warm_right(step, warmup_steps, total_steps)


def warm_too_long(step, warmup_steps, total_steps):
    if warmup_steps and step <= warmup_steps:
        return min(1, (step + 1) / (warmup_steps + 1))
    return warm_right(step, warmup_steps, total_steps)


def warm_share_of_all(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return cosine((step - warmup_steps) / total_steps)


def warm_no_warmup(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return 1.0
    return warm_right(step, warmup_steps, total_steps)


def warm_one_more(step, warmup_steps, total_steps):
    if warmup_steps and step <= warmup_steps:
        return (step + 1) / warmup_steps
    return warm_right(step, warmup_steps, total_steps)


def warm_to_last_step(step, warmup_steps, total_steps):
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return cosine((step - warmup_steps) / (total_steps - 1 - warmup_steps))


NEAR_MISSES = {
    "cross_entropy": [
        (entropy_formula, "from a logit of 1000"),
        (entropy_late_log, "keep logs apart"),
        (entropy_padded_log, "expected 1000 from logits of 1000"),
        (entropy_one_maximum, "of each row, not of the batch"),
        (entropy_sum, "that is the sum"),
        (entropy_each, "return one number, the mean"),
        (entropy_all_classes, "only the target's counts"),
        (entropy_along_batch, "along the batch"),
        (lambda x, y: -entropy_stable(x, y), "the sign"),
        (lambda x, y: entropy_stable(x.softmax(1), y), "the softmax is there twice"),
        (lambda x, y: picked(x.softmax(1), y).mean(), "the logarithm is missing"),
        (lambda x, y: -picked(x, y).mean(), "log of the sum is missing"),
        (lambda x, y: -picked(x.softmax(1), y).log10().mean(), "the natural one"),
        (entropy_in_place, "don't write into them"),
        (entropy_half_shifted, "from the target's logit as well"),
        (entropy_crossed, "pair rows with targets"),
        (entropy_by_single_floats, "from a logit of 1000"),
        (lambda x, y: functional.nll_loss(x.softmax(1), y), "minus a mean of prob"),
    ],
    "smooth_targets": [
        (smooth_short, "keeps ε/K too"),
        (smooth_others, "K counts the right one, too"),
        (smooth_undivided, "divide it by K"),
        (lambda t, k, e: hot(t, k), "nothing is smoothed"),
        (lambda t, k, e: hot(t, k) + e / k, "more than 1"),
        (smooth_seen_classes, "may not appear among the targets"),
        (lambda t, k, e: smooth_right(t, k, e).T, "are exchanged"),
        (smooth_whole_numbers, "has no fractions"),
        (smooth_crossed, "the targets of all rows"),
        (lambda t, k, e: smooth_right(t, k, e).flatten(), "got (15,)"),
        (lambda t, k, e: t * (1 - e) + e / k, "one number a sample"),
    ],
    "focal_loss": [
        (focal_one_alpha, "yours get α"),
        (focal_p_of_yes, "of what is true"),
        (focal_easy, "lets the easy samples count"),
        (focal_of_mean, "is for each sample"),
        (focal_unsafe, "log(sigmoid) breaks there"),
        (focal_clamped, "logit 100, target 0"),
        (lambda x, y, a, g: focal(x, y, a, g, end=torch.sum), "that is the sum"),
        (lambda x, y, a, g: focal(x, y, 1 - a, g), "have changed places"),
        (lambda x, y, a, g: focal(x, y, a, 0), "the factor (1 − p)^γ is missing"),
        (lambda x, y, a, g: 2 * focal(x, y, 0.5, g), "α is missing"),
        (lambda x, y, a, g: binary(x, y).mean(), "plain cross-entropy"),
        (lambda x, y, a, g: focal(x, y, a, g, end=torch.neg), "the mean"),
        (lambda x, y, a, g: focal(x, y, 0.25, 2), "as they are given"),
        (lambda x, y, a, g: (y * focal(x, y, a, g, end=lambda e: e)).mean(), "nothing"),
        (focal_after_sigmoid, "safe for all logits"),
        (focal_in_place, "the targets you were given are changed"),
    ],
    "adam_step": [
        (adam_unrepaired, "m̂ and v̂ are missing"),
        (adam_half_repaired, "divide by 1 − β₂ᵗ"),
        (adam_returns_hats, "go on without the repair"),
        (adam_no_square, "square the gradient"),
        (adam_no_root, "the root is missing"),
        (adam_heavy, "taken times 1 − β₁"),
        (adam_uphill, "against the gradient"),
        (adam_late, "no t + 1"),
        (adam_inside, "add it after the root"),
        (adam_without_epsilon, "ε is missing"),
        (adam_fixed_betas, "as they are given"),
        (adam_product, "βᵗ is a power"),
        (adam_exchanged, "most of m is the old m"),
        (adam_without_rate, "multiplied by the rate"),
        (adam_in_place, "are changed"),
        (adam_old_state, "comes back as it was"),
        (adam_weight_alone, "three tensors"),
        (adam_moving(lambda g, m, root, eps: g / (root + eps)), "it takes m̂"),
        (adam_moving(lambda g, m, root, eps: m), "nothing is divided by √v̂"),
        (adam_moving(lambda g, m, root, eps: m / root + eps), "brackets"),
        (adam_without_brackets, "brackets"),
        (adam_own_default, "where is ε?"),
        (adam_early_epsilon, "ε comes before the repair"),
        (adam_power_of_all, "the power belongs to β alone"),
        (adam_times_repair, "not multiplied"),
        (adam_mean_square, "v should be"),
        (adam_moving(lambda g, m, root, eps: m / root.clamp(min=eps)), "ε is missing"),
    ],
    "clip_by_norm": [
        (clip_each, "tensor by tensor"),
        (clip_values, "another direction"),
        (clip_always, "was made longer"),
        (clip_by_zero, "became nan"),
        (clip_sum_of_norms, "you add up norms"),
        (clip_without_root, "the root is missing"),
        (clip_to_one, "the limit is missing"),
        (clip_in_place, "return new tensors"),
        (clip_by_largest, "the longest tensor's norm"),
        (clip_by_first, "the first tensor's norm"),
        (clip_given, "return new ones"),
        (clip_upside_down, "upside down"),
        (clip_only_long_ones, "one factor for all"),
        (clip_if(lambda g, limit: norm_of(g) > 1), "below the limit of 5"),
        (clip_if(lambda g, limit: norm_of(g) ** 2 > limit), "below the limit of 5"),
        (clip_if(lambda g, limit: any(x.norm() > limit for x in g)), "is clipped"),
        (clip_joined, "return a list of tensors"),
        (clip_norm_alone, "return a list of tensors"),
        (lambda g, limit: [one.clone() for one in g], "nothing is clipped"),
    ],
    "warmup_cosine": [
        (warm_from_zero, "the step is lost"),
        (warm_all_steps, "the cosine counts the warm-up too"),
        (warm_share_of_all, "divide by total_steps − warmup_steps"),
        (warm_other(lambda s: math.cos(math.pi * s)), "a factor below 0"),
        (warm_other(lambda s: 1 + math.cos(math.pi * s)), "starts at 2"),
        (warm_other(lambda s: 1 - s), "a straight line"),
        (warm_other(lambda s: cosine(1 - s)), "it should fall"),
        (warm_other(lambda s: (1 + math.cos(s)) / 2), "π is missing"),
        (warm_other(lambda s: cosine(2 * s)), "a whole cosine"),
        (warm_other(lambda s: math.cos(math.pi * s / 2)), "a quarter"),
        (warm_dividing, "you divide by 0"),
        (warm_too_long, "one step too late"),
        (warm_no_warmup, "the warm-up has no steps"),
        (warm_one_more, "a factor above 1"),
        (warm_to_last_step, "a step too early"),
        (lambda *s: round(warm_right(*s)), "got 0"),
    ],
}

RIGHT = {
    "cross_entropy": [
        entropy_stable,
        entropy_by_logsumexp,
        entropy_by_numpy,
        entropy_by_loop,
        entropy_in_brackets,
        functional.cross_entropy,
    ],
    "smooth_targets": [
        smooth_right,
        smooth_by_filling,
        smooth_by_lists,
        smooth_by_numpy,
        smooth_by_arrays,
    ],
    "focal_loss": [focal, focal_by_where, focal_by_loop],
    "adam_step": [
        adam,
        adam_by_lerp,
        adam_double,
        adam_by_library,
        adam_by_numpy,
        adam_stacked,
    ],
    "clip_by_norm": [clip_right, clip_by_library, clip_double, clip_yielding],
    "warmup_cosine": [warm_right, warm_tensor, warm_by_sine, warm_by_minimum],
}
