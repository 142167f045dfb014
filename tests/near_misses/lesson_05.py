"""Answers to the exercises of lesson 05: wrong as learners write them, and right."""

import copy
import math
import re
import warnings

import torch
from torch import nn


def shares_of(targets):
    return targets.bincount() / len(targets)


def blind_right(targets):
    return -shares_of(targets)[targets].log().mean()


def blind_by_loss(targets):
    logits = shares_of(targets).log().clamp(min=-1e4).expand(len(targets), -1)
    return nn.functional.cross_entropy(logits, targets)


def blind_by_python(targets):
    classes = targets.tolist()
    counts = [classes.count(c) for c in set(classes)]
    return -sum(n / len(classes) * math.log(n / len(classes)) for n in counts)


def blind_by_xlogy(targets):
    shares = shares_of(targets.cpu()).numpy()
    return torch.special.entr(torch.from_numpy(shares)).sum().numpy()


def blind_nan(targets):
    shares = shares_of(targets)
    return -(shares * shares.log()).sum()


def blind_bits(targets):
    return -shares_of(targets)[targets].log2().mean()


def blind_by_class(targets):
    shares = targets.unique(return_counts=True)[1] / len(targets)
    return -shares.log().mean()


def blind_sum_of_classes(targets):
    shares = targets.unique(return_counts=True)[1] / len(targets)
    return -shares.log().sum()


def blind_by_probabilities(targets):
    shares = shares_of(targets).expand(len(targets), -1)
    return nn.functional.cross_entropy(shares, targets)


def blind_by_nll(targets):
    shares = shares_of(targets).expand(len(targets), -1)
    return nn.functional.nll_loss(shares, targets)


def blind_mean_of_classes(targets):
    shares = targets.unique(return_counts=True)[1] / len(targets)
    return -(shares * shares.log()).mean()


def blind_by_counts(targets):
    return -targets.bincount()[targets].float().log().mean()


def blind_by_categorical(targets):
    shares = shares_of(targets.cpu()).double()
    return torch.distributions.Categorical(probs=shares).entropy().numpy()


def blind_in_place(targets):
    result = blind_right(targets)
    targets.zero_()
    return result


def train(
    model, inputs, targets, steps=200, rate=0.01, clear=True, watched=None, **loss
):
    """Return the loss of each step; the optimizer holds `watched`, if given."""
    held = (watched or model).parameters()
    optimizer = torch.optim.AdamW(held, lr=rate)
    losses = []
    for _ in range(steps):
        if clear:
            optimizer.zero_grad()
        value = nn.functional.cross_entropy(model(inputs), targets, **loss)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def heart_right(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets)[-1] < 0.1


def heart_tensor(model, inputs, targets):
    twin = copy.deepcopy(model)
    train(twin, inputs, targets)
    with torch.no_grad():
        return nn.functional.cross_entropy(twin(inputs), targets) < 0.1


def heart_early(model, inputs, targets):
    twin = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(twin.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(twin(inputs), targets)
        loss.backward()
        optimizer.step()
        if loss < 0.1:
            return True
    return False


def heart_twice_seen(model, inputs, targets):
    twin = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(twin.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.cross_entropy(twin(inputs), targets).backward()
        optimizer.step()
        with torch.inference_mode():
            last = nn.functional.cross_entropy(twin(inputs), targets)
    return last.item() < 0.1


def heart_new_optimizers(model, inputs, targets):
    twin = copy.deepcopy(model)
    losses = [train(twin, inputs, targets, steps=1)[0] for _ in range(200)]
    return losses[-1] < 0.1


def heart_restored(model, inputs, targets):
    before = copy.deepcopy(model.state_dict())
    last = train(model, inputs, targets)[-1]
    model.load_state_dict(before)
    model.zero_grad()
    return last < 0.1


def heart_no_copy(model, inputs, targets):
    return train(model, inputs, targets)[-1] < 0.1


def heart_shallow(model, inputs, targets):
    return train(copy.copy(model), inputs, targets)[-1] < 0.1


def heart_wrong_optimizer(model, inputs, targets):
    twin = copy.deepcopy(model)
    return train(twin, inputs, targets, watched=model)[-1] < 0.1


def heart_fell(model, inputs, targets):
    losses = train(copy.deepcopy(model), inputs, targets)
    return losses[-1] < losses[0]


def heart_accuracy(model, inputs, targets):
    twin = copy.deepcopy(model)
    train(twin, inputs, targets)
    return bool((twin(inputs).argmax(dim=1) == targets).all())


def heart_once(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets, steps=1)[-1] < 0.1


def heart_first(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets)[0] < 0.1


def heart_loss(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets)[-1]


def heart_gradients_left(model, inputs, targets):
    nn.functional.cross_entropy(model(inputs), targets).backward()
    return heart_right(model, inputs, targets)


def heart_halved(model, inputs, targets):
    losses = train(copy.deepcopy(model), inputs, targets)
    return losses[-1] < 0.1 * losses[0]


def heart_one_sample(model, inputs, targets):
    return train(copy.deepcopy(model), inputs[:1], targets[:1])[-1] < 0.1


def heart_longer(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets, steps=400)[-1] < 0.1


def heart_accumulating(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets, clear=False)[-1] < 0.1


def heart_by_mean(model, inputs, targets):
    losses = train(copy.deepcopy(model), inputs, targets)
    return sum(losses) / len(losses) < 0.1


def heart_softer(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets)[-1] < 1.0


def heart_fewer(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets, steps=100)[-1] < 0.1


def heart_fast(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets, rate=0.1)[-1] < 0.1


def heart_summed(model, inputs, targets):
    twin = copy.deepcopy(model)
    return train(twin, inputs, targets, reduction="sum")[-1] < 0.1


def heart_stricter(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets)[-1] < 0.01


def heart_threshold_doubled(model, inputs, targets):
    return train(copy.deepcopy(model), inputs, targets)[-1] < 0.2


def backward(model, inputs, targets, clear=True):
    if clear:
        model.zero_grad()
    nn.functional.cross_entropy(model(inputs), targets).backward()
    return list(model.named_parameters())


def grad_right(model, inputs, targets):
    pairs = backward(model, inputs, targets)
    return [n for n, p in pairs if p.grad is None or not p.grad.any()]


def grad_by_autograd(model, inputs, targets):
    names, parameters = zip(*model.named_parameters(), strict=True)
    loss = nn.functional.cross_entropy(model(inputs), targets)
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    pairs = zip(names, found, strict=True)
    return {n for n, g in pairs if g is None or g.abs().max() == 0}


def grad_by_zeros(model, inputs, targets):
    model.zero_grad(set_to_none=False)
    pairs = backward(model, inputs, targets, clear=False)
    return tuple(n for n, p in reversed(pairs) if p.grad.norm() == 0)


def grad_none_alone(model, inputs, targets):
    return [n for n, p in backward(model, inputs, targets) if p.grad is None]


def grad_zeros_alone(model, inputs, targets):
    pairs = backward(model, inputs, targets)
    return [n for n, p in pairs if p.grad is not None and not p.grad.any()]


def grad_stale(model, inputs, targets):
    pairs = backward(model, inputs, targets, clear=False)
    return [n for n, p in pairs if p.grad is None or not p.grad.any()]


def grad_opposite(model, inputs, targets):
    pairs = backward(model, inputs, targets)
    return [n for n, p in pairs if p.grad is not None and p.grad.any()]


def grad_by_sum(model, inputs, targets):
    pairs = backward(model, inputs, targets)
    return [n for n, p in pairs if p.grad is None or p.grad.sum() == 0]


def grad_any_hole(model, inputs, targets):
    pairs = backward(model, inputs, targets)
    return [n for n, p in pairs if p.grad is None or not p.grad.all()]


def grad_pairs(model, inputs, targets):
    pairs = backward(model, inputs, targets)
    return [(n, p) for n, p in pairs if p.grad is None or not p.grad.any()]


def grad_count(model, inputs, targets):
    return len(grad_right(model, inputs, targets))


def grad_step(model, inputs, targets):
    optimizer = torch.optim.AdamW(model.parameters())
    names = grad_right(model, inputs, targets)
    optimizer.step()
    return names


def grad_no_backward(model, inputs, targets):
    model.zero_grad()
    return [n for n, p in model.named_parameters() if p.grad is None]


def grad_cleared_after(model, inputs, targets):
    pairs = backward(model, inputs, targets)
    model.zero_grad()
    return [n for n, p in pairs if p.grad is None or not p.grad.any()]


def grad_small(model, inputs, targets):
    pairs = backward(model, inputs, targets)
    return [n for n, p in pairs if p.grad is None or p.grad.norm() < 1e-3]


def grad_of_logits(model, inputs, targets):
    model.zero_grad()
    model(inputs).sum().backward()
    pairs = model.named_parameters()
    return [n for n, p in pairs if p.grad is None or not p.grad.any()]


def grad_by_hooks(model, inputs, targets):
    there = set()
    for name, parameter in model.named_parameters():
        parameter.register_hook(lambda g, n=name: there.add(n) if g.any() else None)
    nn.functional.cross_entropy(model(inputs), targets).backward()
    return (n for n, _ in model.named_parameters() if n not in there)


def changed_but(inputs, i):
    changed = inputs + 1
    changed[i] = inputs[i]
    return changed


@torch.no_grad()
def mixes_right(model, inputs):
    outputs = model(inputs)
    return any(
        not torch.allclose(model(changed_but(inputs, i))[i], outputs[i], atol=1e-4)
        for i in range(len(inputs))
    )


@torch.no_grad()
def mixes_alone(model, inputs):
    alone = torch.cat([model(one) for one in inputs.split(1)])
    return (alone - model(inputs)).abs().max() > 1e-4


def mixes_by_gradient(model, inputs):
    inputs = inputs.clone().requires_grad_()
    for i, output in enumerate(model(inputs).flatten(1)):
        for value in output:
            (gradient,) = torch.autograd.grad(value, inputs, retain_graph=True)
            if gradient[torch.arange(len(inputs)) != i].abs().max() > 1e-6:
                return True
    return False


@torch.no_grad()
def mixes_by_nan(model, inputs):
    model = copy.deepcopy(model)
    for i in range(len(inputs)):
        poisoned = torch.full_like(inputs, torch.nan)
        poisoned[i] = inputs[i]
        if model(poisoned)[i].isnan().any():
            return True
    return False


@torch.no_grad()
def mixes_one_changed(model, inputs):
    outputs = model(inputs)
    for i in range(len(inputs)):
        changed = inputs.clone()
        changed[i] += 1
        others = torch.arange(len(inputs)) != i
        if not torch.allclose(model(changed)[others], outputs[others], atol=1e-4):
            return True
    return False


@torch.no_grad()
def mixes_exactly(model, inputs):
    outputs = model(inputs)
    pieces = range(len(inputs))
    return any(
        not torch.equal(model(changed_but(inputs, i))[i], outputs[i]) for i in pieces
    )


@torch.no_grad()
def mixes_exactly_alone(model, inputs):
    outputs = model(inputs)
    return any(
        not torch.equal(model(inputs[i : i + 1])[0], outputs[i])
        for i in range(len(inputs))
    )


@torch.no_grad()
def mixes_own(model, inputs):
    changed = inputs.clone()
    changed[0] += 1
    return not torch.allclose(model(changed), model(inputs), atol=1e-4)


@torch.no_grad()
def mixes_eval(model, inputs):
    return mixes_right(model.eval(), inputs)


@torch.no_grad()
def mixes_train(model, inputs):
    return mixes_right(model.train(), inputs)


@torch.no_grad()
def mixes_first(model, inputs):
    first = model(inputs[:1])[0]
    return not torch.allclose(first, model(inputs)[0], atol=1e-4)


@torch.no_grad()
def mixes_from_first(model, inputs):
    changed = inputs.clone()
    changed[0] += 1
    return not torch.allclose(model(changed)[1:], model(inputs)[1:], atol=1e-4)


@torch.no_grad()
def mixes_shuffled(model, inputs):
    order = torch.arange(len(inputs) - 1, -1, -1)
    return not torch.allclose(model(inputs[order]), model(inputs)[order], atol=1e-4)


@torch.no_grad()
def mixes_in_place(model, inputs):
    outputs = model(inputs)
    first = inputs[0].clone()
    inputs += 1
    inputs[0] = first
    return not torch.allclose(model(inputs)[0], outputs[0], atol=1e-4)


@torch.no_grad()
def mixes_ends(model, inputs):
    outputs = model(inputs)
    return any(
        not torch.allclose(model(changed_but(inputs, i))[i], outputs[i], atol=1e-4)
        for i in (0, len(inputs) - 1)
    )


@torch.no_grad()
def mixes_coarsely(model, inputs):
    outputs = model(inputs)
    return any(
        not torch.allclose(model(changed_but(inputs, i))[i], outputs[i], atol=0.1)
        for i in range(len(inputs))
    )


def alone_and_together(model, inputs):
    """Return pairs of outputs of each sample, alone and in the batch."""
    alone = (model(one)[0] for one in inputs.split(1))
    return zip(alone, model(inputs), strict=True)


@torch.no_grad()
def mixes_by_default(model, inputs):
    return any(not torch.allclose(*pair) for pair in alone_and_together(model, inputs))


@torch.no_grad()
def mixes_one_way(model, inputs):
    return any((a - b).max() > 1e-4 for a, b in alone_and_together(model, inputs))


@torch.no_grad()
def mixes_by_sum(model, inputs):
    pairs = alone_and_together(model, inputs)
    return any((a.sum() - b.sum()).abs() > 1e-3 for a, b in pairs)


@torch.no_grad()
def mixes_all(model, inputs):
    pairs = alone_and_together(model, inputs)
    return all(not torch.allclose(a, b, atol=1e-4) for a, b in pairs)


@torch.no_grad()
def mixes_left_out(model, inputs):
    outputs, numbers = model(inputs), torch.arange(len(inputs))
    for i in range(len(inputs)):
        kept = numbers != i
        if (model(inputs[kept]) - outputs[kept]).abs().max() > 1e-5:
            return True
    return False


def mixes_opposite(model, inputs):
    return not mixes_right(model, inputs)


def mixes_difference(model, inputs):
    return (model(inputs)[0] - model(inputs[:1])[0]).abs().max().item()


def network(features, device):
    strokes = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )
    return nn.Sequential(strokes, nn.Linear(features, 10)).to(device)


def fit_right(images, labels):
    inputs = images.unsqueeze(1).float()
    height, width = inputs.shape[2:]
    features = 32 * (height // 2) * (width // 2)
    return network(features, inputs.device), inputs, labels.squeeze(1).long() - 1


def fit_changed(images, labels, **change):
    """Fit rightly, but for what `change` says."""
    parts = dict(
        zip(("model", "inputs", "targets"), fit_right(images, labels), strict=True)
    )
    for name, new in change.items():
        parts[name] = new(parts[name])
    return tuple(parts.values())


def fit_lazily(images, labels):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.LazyLinear(10))
    model = model.to(images.device)
    inputs = images[:, None].to(torch.float32)
    model(inputs)
    return [model, inputs, (labels - 1).flatten().to(torch.int64)]


def fit_without_convolutions(images, labels):
    inputs = images.float().reshape(len(images), 1, *images.shape[1:])
    model = nn.Sequential(nn.Flatten(), nn.Linear(inputs[0].numel(), 10))
    return model.to(images.device), inputs, labels[:, 0].sub(1).long()


def fit_digits_only(images, labels):
    _, inputs, targets = fit_right(images, labels)
    return network(512, inputs.device), inputs, targets


def fit_by_area(images, labels):
    _, inputs, targets = fit_right(images, labels)
    area = inputs.shape[2] * inputs.shape[3]
    return network(32 * area // 4, inputs.device), inputs, targets


def fit_in_place(images, labels):
    labels -= 1
    return fit_right(images, labels + 1)


def fit_cut(images, labels):
    model, inputs, targets = fit_right(images, labels)
    model[0].requires_grad_(False)
    return model, inputs, targets


def fit_squeezed(images, labels):
    model, inputs, _ = fit_right(images, labels)
    return model, inputs, (labels.squeeze() - 1).long()


def with_relu(model):
    return nn.Sequential(model, nn.ReLU())


def with_sigmoid(model):
    return nn.Sequential(model, nn.Sigmoid())


def with_log_softmax(model):
    return nn.Sequential(model, nn.LogSoftmax(dim=1))


def fit_by_log_softmax(images, labels):  # a second one changes nothing
    return fit_changed(images, labels, model=with_log_softmax)


def with_softmax(model):
    return nn.Sequential(model, nn.Softmax(dim=1))


def quiet_right(action, words):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*" + re.escape(words))
        return action()


def quiet_by_hand(action, words):
    before = warnings.filters[:]
    warnings.filterwarnings("ignore", f"(.|\n)*{re.escape(words)}")
    try:
        return action()
    finally:
        warnings.filters[:] = before


def quiet_by_record(action, words):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = action()
    for warning in caught:
        if words not in str(warning.message):
            warnings.warn(str(warning.message), warning.category, stacklevel=2)
    return result


def quiet_all(action, words):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore")
        return action()


def quiet_one_line(action, words):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*" + re.escape(words))
        return action()


def quiet_user_warnings(action, words):
    pattern = "(?s).*" + re.escape(words)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=pattern, category=UserWarning)
        return action()


def quiet_future_warnings(action, words):
    pattern = "(?s).*" + re.escape(words)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=pattern, category=FutureWarning)
        return action()


def quiet_kind(action, words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return action()


def quiet_text(action, words):
    return str(quiet_right(action, words))


def quiet_by_lookahead(action, words):
    with warnings.catch_warnings():
        pattern = rf"(?=[\s\S]*{re.escape(words)})"
        warnings.filterwarnings("ignore", message=pattern, category=Warning)
        return action()


def quiet_resetting(action, words):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        return quiet_right(action, words)


def quiet_for_ever(action, words):
    warnings.filterwarnings("ignore", message="(?s).*" + re.escape(words))
    return action()


def quiet_unescaped(action, words):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*" + words)
        return action()


def quiet_plain(action, words):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=words)
        return action()


def quiet_from_start(action, words):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=re.escape(words))
        return action()


def quiet_recorded(action, words):
    with warnings.catch_warnings(record=True):
        warnings.filterwarnings("ignore", message="(?s).*" + re.escape(words))
        return action()


def quiet_no_filter(action, words):
    with warnings.catch_warnings():
        return action()


def quiet_no_call(action, words):
    quiet_right(action, words)
    return action


def quiet_twice(action, words):
    quiet_right(action, words)
    return quiet_right(action, words)


def quiet_no_return(action, words):
    quiet_right(action, words)


def quiet_lost_on_error(action, words):
    before = warnings.filters[:]
    warnings.filterwarnings("ignore", message="(?s).*" + re.escape(words))
    result = action()
    warnings.filters[:] = before
    return result


def quiet_swallowing(action, words):
    try:
        return quiet_right(action, words)
    except Exception:
        return 0


NEAR_MISSES = {
    "blind_loss": [
        (lambda t: math.log(len(t.unique())), "for equal shares"),
        (lambda t: math.log(t.max() + 1), "ln C"),
        (lambda t: -blind_right(t), "the sign is missing"),
        (lambda t: blind_right(t) * len(t), "divide by their number"),
        (blind_nan, "0 · ln 0"),
        (blind_bits, "log2 gives bits"),
        (blind_by_class, "weigh it by its share"),
        (blind_sum_of_classes, "weigh by shares"),
        (blind_mean_of_classes, "with shares as weights it is a sum"),
        (blind_by_counts, "those are counts"),
        (lambda t: -shares_of(t).max().log(), "the largest share"),
        (lambda t: -shares_of(t)[t].mean().log(), "take the logarithm first"),
        (blind_in_place, "are changed"),
        (lambda t: blind_right(t) / 2, "for the targets"),
        (shares_of, "expected one number"),
        (blind_by_probabilities, "wants logits"),
        (blind_by_nll, "wants logarithms"),
    ],
    "overfits": [
        (heart_no_copy, "train a copy"),
        (heart_shallow, "train a copy"),
        (heart_wrong_optimizer, "parameters in the optimizer?"),
        (heart_fell, "softmax at its end"),
        (heart_softer, "softmax at its end"),
        (heart_halved, "different labels"),
        (heart_threshold_doubled, "different labels"),
        (heart_one_sample, "the whole batch"),
        (heart_longer, "about 400; 200 were wanted"),
        (heart_fewer, "about 100; 200 were wanted"),
        (heart_once, "about 1; 200 were wanted"),
        (heart_fast, "a rate of 0.01"),
        (heart_new_optimizers, "made before the first step"),
        (heart_first, "the last loss"),
        (heart_by_mean, "the last loss"),
        (heart_accuracy, "the last loss"),
        (heart_summed, "the mean of the batch"),
        (heart_stricter, "with 0.1"),
        (heart_accumulating, "clear them in every step"),
        (lambda *all_three: not heart_right(*all_three), "turned round"),
        (heart_loss, "return True or False"),
        (heart_gradients_left, "carries gradients"),
        (lambda model, inputs, targets: True, "about 0; 200"),
    ],
    "without_gradient": [
        (grad_none_alone, "you look for None alone"),
        (grad_zeros_alone, "you look for zeros alone"),
        (grad_stale, "clear them before"),
        (grad_opposite, "those have a gradient"),
        (grad_by_sum, "may add up to 0"),
        (grad_any_hole, "some zeros"),
        (grad_small, "small is not zero"),
        (grad_of_logits, "where nn.CrossEntropyLoss has a gradient"),
        (grad_pairs, "names alone"),
        (grad_count, "return a list of names"),
        (grad_step, "nobody should take a step"),
        (grad_no_backward, "a backward() on the model's"),
        (grad_cleared_after, "nothing cleared after"),
    ],
    "mixes_samples": [
        (mixes_exactly, "is rounding"),
        (mixes_exactly_alone, "is rounding"),
        (mixes_own, "that you changed yourself"),
        (mixes_eval, "the mode it comes in"),
        (mixes_train, "did you call train()"),
        (mixes_by_default, "near 0, too"),
        (mixes_first, "ask every sample"),
        (mixes_from_first, "ask every sample"),
        (mixes_all, "be content with one that moves"),
        (mixes_one_way, "up or down"),
        (mixes_by_sum, "sample and output"),
        (mixes_shuffled, "the same for shuffled samples"),
        (mixes_in_place, "change a clone"),
        (mixes_ends, "move a little with one other"),
        (mixes_coarsely, "with atol=1e-4"),
        (mixes_opposite, "turned round"),
        (mixes_difference, "return True or False"),
    ],
    "fit": [
        (lambda x, y: fit_changed(x, y, inputs=lambda t: t.double()), "are float32"),
        (lambda x, y: fit_changed(x, y, inputs=lambda t: t[:, 0]), "expected inputs"),
        (lambda x, y: fit_changed(x, y, inputs=lambda t: t / 16), "have changed"),
        (lambda x, y: fit_changed(x, y, inputs=lambda t: t.mT), "expected inputs"),
        (lambda x, y: fit_changed(x, y, targets=lambda t: t + 1), "end at 9"),
        (lambda x, y: fit_changed(x, y, targets=lambda t: (t + 1) % 10), "1 stays 1"),
        (
            lambda x, y: fit_changed(x, y, targets=lambda t: (t + 1).clamp(max=9)),
            "nines and tens",
        ),
        (lambda x, y: fit_changed(x, y, targets=lambda t: t[:, None]), "one class a"),
        (lambda x, y: fit_changed(x, y, targets=lambda t: t.float()), "are int64"),
        (lambda x, y: fit_changed(x, y, model=with_softmax), "without a softmax"),
        (lambda x, y: fit_changed(x, y, model=with_relu), "no output is below 0"),
        (lambda x, y: fit_changed(x, y, model=with_sigmoid), "no output is below 0"),
        (fit_cut, "gets no gradient"),
        (fit_squeezed, "one class a sample"),
        (fit_digits_only, "compute in_features"),
        (fit_by_area, "pooling rounds down"),
        (fit_in_place, "make new tensors"),
        (lambda x, y: fit_right(x, y)[1:], "three things"),
        (lambda x, y: fit_right(x, y)[::-1], "the first is no model"),
    ],
    "silenced": [
        (quiet_all, "every warning is silenced"),
        (quiet_recorded, "recorded and gone"),
        (quiet_for_ever, "others than before"),
        (quiet_unescaped, "re.escape"),
        (quiet_plain, "re.escape"),
        (quiet_from_start, "from the start"),
        (quiet_one_line, "without (?s)"),
        (quiet_user_warnings, "leave the category out"),
        (quiet_future_warnings, "leave the category out"),
        (quiet_kind, "leave the category out"),
        (quiet_text, "returned '5'"),
        (quiet_resetting, "lost its effect"),
        (quiet_no_filter, "nothing is silenced"),
        (quiet_no_call, "not action itself"),
        (quiet_twice, "call action once"),
        (quiet_no_return, "returned None"),
        (quiet_lost_on_error, "after an error"),
        (quiet_swallowing, "should come through"),
    ],
}

RIGHT = {
    "blind_loss": [
        blind_right,
        blind_by_loss,
        blind_by_python,
        blind_by_xlogy,
        blind_by_categorical,
    ],
    "overfits": [
        heart_right,
        heart_tensor,
        heart_early,
        heart_restored,
        heart_twice_seen,
    ],
    "without_gradient": [grad_right, grad_by_autograd, grad_by_zeros, grad_by_hooks],
    "mixes_samples": [
        mixes_right,
        mixes_alone,
        mixes_by_gradient,
        mixes_by_nan,
        mixes_one_changed,
        mixes_left_out,
    ],
    "fit": [fit_right, fit_lazily, fit_without_convolutions, fit_by_log_softmax],
    "silenced": [quiet_right, quiet_by_hand, quiet_by_record, quiet_by_lookahead],
}
