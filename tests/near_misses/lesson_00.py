"""Answers to the exercises of lesson 00: wrong as learners write them, and right."""

import math

import numpy as np
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


def loss_times_size(model, inputs, targets, loss_fn, optimizer):
    loss = no_zero_grad(model, inputs, targets, loss_fn, optimizer)
    optimizer.zero_grad()
    return loss * len(targets)


def left_in_eval(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    return no_zero_grad(model.eval(), inputs, targets, loss_fn, optimizer)


def targets_first(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss_fn(targets, model(inputs)).backward()
    optimizer.step()


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


def step_by_the_long_way(model, inputs, targets, loss_fn, optimizer):
    with torch.no_grad():
        before = loss_fn(model(inputs), targets)
    loss = loss_fn(model(inputs), targets)
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()
    return before


def own_loss(model, inputs, targets, loss_fn, optimizer):
    return no_zero_grad(model, inputs, targets, F.cross_entropy, optimizer)


def own_optimizer(model, inputs, targets, loss_fn, optimizer):
    fresh = torch.optim.SGD(model.parameters(), lr=0.3)
    fresh.zero_grad()
    return no_zero_grad(model, inputs, targets, loss_fn, fresh)


def softmax_first(model, inputs, targets, loss_fn, optimizer):
    loss = loss_fn(model(inputs).softmax(dim=1), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def inputs_as_logits(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(inputs, targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def loss_as_text(model, inputs, targets, loss_fn, optimizer):
    loss = no_zero_grad(model, inputs, targets, loss_fn, optimizer)
    optimizer.zero_grad()
    return f"{loss:.4f}"


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


def highest_loss(probabilities, targets):
    return F.nll_loss(probabilities.log(), targets, reduction="none").argmax()


def largest_margin(probabilities, targets):
    sure = probabilities.max(dim=1).values
    true = probabilities[range(len(targets)), targets]
    return (sure - true).argmax()


def its_class(probabilities, targets):
    return probabilities[surest_by_list(probabilities, targets)].argmax()


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


def scaled(model, image):
    return model.eval()(image[None] / 16).argmax().item()


def zeros(model, image):
    return model.eval()(torch.zeros_like(image[None])).argmax().item()


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
        (lambda p, t: (p == t).sum() // len(t), "// rounds down"),
        (lambda p, t: np.mean(p == t), "not NumPy's"),
        (lambda p, t: (p == t).mean(), "`.float()`"),
        (lambda p, t: (p == t).sum() / 7, "not by a fixed one"),
        (torch.equal, ".all() wants every one"),
        (lambda p, t: (p >= t).float().mean(), "4 of 7 are right"),
        (lambda p, t: str((p == t).float().mean().item()), "expected one number"),
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
        (lambda n, size: math.ceil(n / 32), "use both arguments"),
        (lambda n, size: print(math.ceil(n / size)), "is a `return` missing?"),
    ],
    "training_step": [
        (no_zero_grad, "the first batch's gradients"),
        (no_step, "step() is missing"),
        (step_first, "before backward()"),
        (no_backward, "backward() never ran"),
        (cleared_too_late, "cleared before step()"),
        (graph_returned, "loss.item() is the number"),
        (loss_after, "computed again after the step"),
        (two_steps, "call backward() and step() once"),
        (own_loss, "on the loss_fn and optimizer you are given"),
        (own_optimizer, "the very optimizer you are given"),
        (softmax_first, "wants logits"),
        (inputs_as_logits, "no way back to the parameters"),
        (loss_times_size, "not times its size"),
        (left_in_eval, "in eval mode"),
        (targets_first, "the logits first"),
        (loss_as_text, "expected one number, got '"),
        (step_forgets_return, "is a `return` missing?"),
    ],
    "surest_mistake": [
        (best_of_all, "among the mistakes only"),
        (its_probability, "return the image's index"),
        (place_in_the_list, "its index among all images"),
        (least_sure, "least sure"),
        (all_mistakes, "expected one number"),
        (highest_loss, "least probability"),
        (largest_margin, "least probability"),
        (its_class, "taken for"),
        (lambda p, t: (p.argmax(dim=1) != t).nonzero()[0], "the first mistake"),
        (lambda p, t: p.argmax(), "only 10 images here"),
        (lambda p, t: 7, "in another order"),
    ],
    "predict": [
        (no_batch, "(got 3D input)"),
        (lambda model, image: model(image[None, None]), "(got 5D input)"),
        (lambda model, image: 7, "do you use the model and the image"),
        (scaled, "the image as it is"),
        (lambda model, image: model.eval()(16 * image[None]).argmax(), "as it is"),
        (training_mode, "still in training mode"),
        (no_grad_only, "still in training mode"),
        (logits, "expected one digit"),
        (wrong_dimension, "expected one digit"),
        (largest_logit, "the place of the largest output"),
        (largest_probability, "the place of the largest output"),
        (from_one, "this model reads 7 in this image, you got 8"),
        (zeros, "do you use the model and the image"),
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
    "training_step": [step_clearing_last, step_by_the_long_way],
    "surest_mistake": [surest_by_list, surest_by_index],
    "predict": [predict_by_list, predict_tensor],
}
