"""Answers to the exercises of lesson 00: wrong as learners write them, and right."""

import math

import torch

F = torch.nn.functional


def same(predictions, targets):
    return predictions == targets


def no_return(predictions, targets):
    (predictions == targets).sum() / len(targets)


def no_zero_grad(model, inputs, targets, loss_fn, optimizer):
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def no_step(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    return loss.item()


def no_backward(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets)
    optimizer.step()
    return loss.item()


def step_first(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets)
    optimizer.step()
    loss.backward()
    return loss.item()


def cleared_too_late(model, inputs, targets, loss_fn, optimizer):
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def graph_returned(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss


def loss_after(model, inputs, targets, loss_fn, optimizer):
    no_zero_grad(model, inputs, targets, loss_fn, optimizer)
    optimizer.zero_grad()
    return loss_fn(model(inputs), targets).item()


def two_steps(model, inputs, targets, loss_fn, optimizer):
    loss = no_zero_grad(model, inputs, targets, loss_fn, optimizer)
    optimizer.step()
    return loss


def step_forgets_return(model, inputs, targets, loss_fn, optimizer):
    no_zero_grad(model, inputs, targets, loss_fn, optimizer)


def step_clearing_last(model, inputs, targets, loss_fn, optimizer):
    loss = no_zero_grad(model, inputs, targets, loss_fn, optimizer)
    optimizer.zero_grad()
    return loss


def step_without_optimizer(model, inputs, targets, loss_fn, optimizer):
    loss = loss_fn(model(inputs), targets)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter -= optimizer.param_groups[0]["lr"] * gradient
    return float(loss.detach())


def best_of_all(probabilities, targets):
    return probabilities.max(dim=1).values.argmax()


def its_probability(probabilities, targets):
    sure, predicted = probabilities.max(dim=1)
    return sure[predicted != targets].max()


def place_in_the_list(probabilities, targets):
    sure, predicted = probabilities.max(dim=1)
    return sure[predicted != targets].argmax()


def least_sure(probabilities, targets):
    sure, predicted = probabilities.max(dim=1)
    sure[predicted == targets] = 2
    return sure.argmin()


def all_mistakes(probabilities, targets):
    return (probabilities.argmax(dim=1) != targets).nonzero()


def surest_by_list(probabilities, targets):
    best = None
    for i, (row, target) in enumerate(zip(probabilities, targets, strict=True)):
        wrong = row.argmax() != target
        if wrong and (best is None or row.max() > probabilities[best].max()):
            best = i
    return best


def surest_by_index(probabilities, targets):
    sure, predicted = probabilities.max(dim=1)
    wrong = (predicted != targets).nonzero().flatten()
    return wrong[sure[wrong].argmax()]


def no_batch(model, image):
    model.eval()
    return model(image).argmax().item()


def training_mode(model, image):
    return model(image.unsqueeze(0)).argmax(dim=1).item()


def no_grad_only(model, image):
    with torch.no_grad():
        return model(image[None]).argmax().item()


def logits(model, image):
    return model.eval()(image[None])


def largest_logit(model, image):
    return model.eval()(image[None]).max().item()


def largest_probability(model, image):
    return model.eval()(image[None]).softmax(dim=1).max().item()


def wrong_dimension(model, image):
    return model.eval()(image[None]).argmax(dim=0)


def from_one(model, image):
    return model.eval()(image[None]).argmax().item() + 1


def predict_by_list(model, image):
    with torch.inference_mode():
        scores = model.eval()(image.reshape(1, 1, 8, 8)).squeeze().tolist()
    return scores.index(max(scores))


def predict_tensor(model, image):
    return F.softmax(model.train(False)(torch.stack([image])), dim=1).argmax(dim=1)


NEAR_MISSES = {
    "share_right": [
        (lambda p, t: (p == t).sum(), "how many are right"),
        (lambda p, t: 100 * (p == t).float().mean(), "percentage"),
        (lambda p, t: (p != t).float().mean(), "share that is wrong"),
        (lambda p, t: (p == t).sum() // len(t), "round it down"),
        (lambda p, t: (p == t).sum() / 4, "not by a fixed one"),
        (same, "one True or False for each image"),
        (no_return, "is a `return` missing?"),
        (0.75, "without calling it"),
    ],
    "steps_per_epoch": [
        (lambda n, size: n // size, "11 are left over"),
        (lambda n, size: round(n / size), "11 are left over"),
        (lambda n, size: n / size, "can't run 2.344 times"),
        (lambda n, size: n // size + 1, "nothing left over"),
        (lambda n, size: n % size, "the size of the last batch"),
        (lambda n, size: print(math.ceil(n / size)), "is a `return` missing?"),
    ],
    "training_step": [
        (no_zero_grad, "the first batch's gradients"),
        (no_step, "step() is missing"),
        (step_first, "before backward()"),
        (no_backward, "backward() never ran"),
        (cleared_too_late, "cleared before step()"),
        (graph_returned, "use .item()"),
        (loss_after, "the loss before it was"),
        (two_steps, "how often"),
        (step_forgets_return, "is a `return` missing?"),
    ],
    "surest_mistake": [
        (best_of_all, "among the mistakes only"),
        (its_probability, "return the image's index"),
        (place_in_the_list, "its index among all images"),
        (least_sure, "least sure"),
        (all_mistakes, "expected one number"),
        (lambda p, t: 2, "in another order"),
    ],
    "predict": [
        (no_batch, "add a dimension in front"),
        (training_mode, "still in training mode"),
        (no_grad_only, "still in training mode"),
        (logits, "expected one digit"),
        (wrong_dimension, "expected one digit"),
        (largest_logit, "return its place"),
        (largest_probability, "return its place"),
        (from_one, "this model says 7"),
    ],
}

RIGHT = {
    "share_right": [
        lambda p, t: (p == t).float().mean(),
        lambda p, t: sum(a == b for a, b in zip(p, t, strict=True)) / t.numel(),
        lambda p, t: 1 - (p != t).double().mean().item(),
    ],
    "steps_per_epoch": [
        lambda n, size: -(-n // size),
        lambda n, size: len(range(0, n, size)),
        lambda n, size: n // size + bool(n % size),
        lambda n, size: torch.tensor(n / size).ceil(),
    ],
    "training_step": [step_clearing_last, step_without_optimizer],
    "surest_mistake": [surest_by_list, surest_by_index],
    "predict": [predict_by_list, predict_tensor],
}
