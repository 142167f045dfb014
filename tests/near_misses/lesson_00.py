"""Answers to the exercises of lesson 00: wrong as learners write them, and right."""

import copy
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


def stepped_by_hand(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= optimizer.param_groups[0]["lr"] * parameter.grad
    return loss.item()


def trained_in_eval(model, inputs, targets, loss_fn, optimizer):
    loss = left_in_eval(model, inputs, targets, loss_fn, optimizer)
    model.train()
    return loss


def number_too_early(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets).item()
    loss.backward()
    optimizer.step()
    return loss


def classes_for_logits(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs).argmax(dim=1), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def scaled_step(change):
    """Return a step whose loss is changed before backward()."""

    def step(model, inputs, targets, loss_fn, optimizer):
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        change(loss, targets).backward()
        optimizer.step()
        return loss.item()

    return step


def backward_twice(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets)
    loss.backward(retain_graph=True)
    loss.backward()
    optimizer.step()
    return loss.item()


def step_before_and_after(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    optimizer.step()
    return no_zero_grad(model, inputs, targets, loss_fn, optimizer)


def targets_turned(model, inputs, targets, loss_fn, optimizer):
    return step_clearing_last(model, inputs, targets.flip(0), loss_fn, optimizer)


def backward_after(model, inputs, targets, loss_fn, optimizer):
    loss = step_clearing_last(model, inputs, targets, loss_fn, optimizer)
    loss_fn(model(inputs), targets).backward()
    return loss


def image_by_image(model, inputs, targets, loss_fn, optimizer):
    for one, target in zip(inputs, targets, strict=True):
        optimizer.zero_grad()
        batch = one.unsqueeze(0), target.unsqueeze(0)
        loss = no_zero_grad(model, *batch, loss_fn, optimizer)
    return loss


def clipped(model, inputs, targets, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()
    return loss.item()


def loss_divided(model, inputs, targets, loss_fn, optimizer):
    return step_clearing_last(model, inputs, targets, loss_fn, optimizer) / len(targets)


def accuracy_returned(model, inputs, targets, loss_fn, optimizer):
    right = (model(inputs).argmax(dim=1) == targets).float().mean().item()
    step_clearing_last(model, inputs, targets, loss_fn, optimizer)
    return right


def step_with_closure(model, inputs, targets, loss_fn, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        return loss

    return optimizer.step(closure).item()


def step_then_accuracy(model, inputs, targets, loss_fn, optimizer):
    loss = step_clearing_last(model.train(), inputs, targets, loss_fn, optimizer)
    model.eval()
    with torch.no_grad():
        model(inputs)
    model.train()
    return torch.tensor(loss)


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


def longest_lead(probabilities, targets):
    first, second = probabilities.topk(2, dim=1).values.T
    wrong = probabilities.argmax(dim=1) != targets
    return ((first - second) * wrong).argmax()


def least_entropy(probabilities, targets):
    entropy = -(probabilities * probabilities.log()).sum(dim=1)
    entropy[probabilities.argmax(dim=1) == targets] = 9
    return entropy.argmin()


def last_mistake(probabilities, targets):
    for i, (row, target) in enumerate(zip(probabilities, targets, strict=True)):
        if row.argmax() != target:
            best = i
    return best


def written_over(probabilities, targets):
    probabilities[probabilities.argmax(dim=1) == targets] = 0
    return probabilities.max(dim=1).values.argmax().item()


def surest_in_numpy(probabilities, targets):
    wrong = np.flatnonzero(probabilities.numpy().argmax(axis=1) != targets.numpy())
    return max(wrong, key=lambda i: probabilities[i].double().max())


def above_half(model, image):
    return model.eval()((image[None] > 0.5).float()).argmax().item()


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


def in_place(model, image):
    return model.eval()(image.unsqueeze_(0)).argmax().item()


def toggled(model, image):
    return model.train(not model.training)(image[None]).argmax().item()


def standardised(model, image):
    image = (image - image.mean()) / image.std()
    return model.eval()(image[None]).argmax().item()


def copy_in_training(model, image):
    return copy.deepcopy(model)(image[None]).argmax().item()


def predict_and_restore(model, image):
    was_training = model.training
    with torch.no_grad():
        digit = model.eval()(image[None]).max(dim=1).indices
    model.train(was_training)
    return digit[0].numpy(force=True)


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
        (lambda p, t: (p != t).float().mean(), "predictions that are wrong"),
        (lambda p, t: (p == t).sum() // len(t), "// rounds down"),
        (lambda p, t: np.mean(p == t), "not NumPy's"),
        (lambda p, t: (p == t).mean(), "`.float()`"),
        (lambda p, t: (p == t).sum() / 7, "not by a fixed one"),
        (lambda p, t: 1 - (p != t).sum() / 7, "not by a fixed one"),
        (lambda p, t: (p != t).sum(), "predictions that are wrong"),
        (lambda p, t: (p == t).float(), "one value for each image"),
        (lambda p, t: (p - t).mean(), "Got: Long"),
        (torch.equal, ".all() wants every one"),
        (lambda p, t: (p >= t).float().mean(), "4 of 7 are right"),
        (lambda p, t: str((p == t).float().mean().item()), "expected one number"),
        (same, "one value for each image"),
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
        (lambda n, size: int(n / size + 0.999), "for 10001 images"),
        (lambda n, size: round(n / size + 0.5), "nothing left over"),
        (lambda n, size: 34, "the notebook's loader"),
        (lambda n, size: divmod(n, size), "expected one number, got (2, 11)"),
        (lambda n, size: print(math.ceil(n / size)), "is a `return` missing?"),
    ],
    "training_step": [
        (no_zero_grad, "the first batch's gradients"),
        (no_step, "step() is missing"),
        (step_first, "step() comes before backward()"),
        (no_backward, "backward() never ran"),
        (cleared_too_late, "cleared before step()"),
        (graph_returned, "loss.item() is the number"),
        (loss_after, "computed the loss again after the step"),
        (two_steps, "backward() 1 and step() 2 times"),
        (step_before_and_after, "backward() 1 and step() 2 times"),
        (targets_turned, "inputs, logits, loss"),
        (backward_after, "leave anything behind"),
        (backward_twice, "backward() 2 and step() 1 times"),
        (image_by_image, "backward() 5 and step() 5 times"),
        (own_loss, "not by the loss_fn you are given"),
        (own_optimizer, "the very optimizer you are given"),
        (stepped_by_hand, "the very optimizer you are given"),
        (softmax_first, "wants logits"),
        (scaled_step(lambda loss, t: loss * len(t)), "don't multiply it"),
        (scaled_step(lambda loss, t: loss / len(t)), "don't divide it"),
        (scaled_step(lambda loss, t: -loss), "uphill"),
        (clipped, "loss or gradients on the way"),
        (number_too_early, "a bare number has no way back"),
        (classes_for_logits, "the classes that argmax makes"),
        (trained_in_eval, "in eval mode"),
        (loss_divided, "neither multiply nor divide"),
        (accuracy_returned, "and you return 0.0000"),
        (inputs_as_logits, "no way back to the parameters"),
        (loss_times_size, "neither multiply nor divide"),
        (left_in_eval, "in eval mode"),
        (targets_first, "the logits first"),
        (loss_as_text, "expected one number, got '"),
        (step_forgets_return, "is a `return` missing?"),
    ],
    "surest_mistake": [
        (best_of_all, "among the mistakes only"),
        (its_probability, "0.7 is no index"),
        (place_in_the_list, "the index among all images"),
        (least_sure, "least sure"),
        (all_mistakes, "expected one number"),
        (highest_loss, "gives its true class the least"),
        (largest_margin, "the longest lead"),
        (longest_lead, "the longest lead"),
        (least_entropy, "the last mistake"),
        (last_mistake, "the last mistake"),
        (written_over, "you wrote into probabilities"),
        (lambda p, t: surest_by_list(p, t) + 1, "index 0, not 1"),
        (lambda p, t: (p.argmax(dim=1) != t).sum(), "the number of mistakes"),
        (lambda p, t: p.max(dim=0).values.argmax(), "the wrong dim"),
        (lambda p, t: p.max(dim=1).values.max(dim=0), "return the place"),
        (lambda p, t: p.max(), "0.95 is no index"),
        (its_class, "taken for"),
        (lambda p, t: (p.argmax(dim=1) != t).nonzero()[0], "the first mistake"),
        (lambda p, t: p.argmax(), "only 13 images here"),
        (lambda p, t: 10, "in another order"),
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
        (in_place, "a call with _ at its end"),
        (toggled, "still in training mode"),
        (above_half, "the image as it is"),
        (standardised, "this image is faint"),
        (copy_in_training, "this image is faint"),
        (
            lambda model, image: model.eval()(image[None]).argmin(),
            "the smallest output",
        ),
        (lambda m, image: m.eval()(image[None]).softmax(0).argmax(), "along dim=0"),
        (lambda m, image: m.eval()(image[None]).max(dim=1), "return the place"),
    ],
}

RIGHT = {
    "share_right": [
        lambda p, t: (p == t).float().mean(),
        lambda p, t: sum(a == b for a, b in zip(p, t, strict=True)) / t.numel(),
        lambda p, t: 1 - (p != t).double().mean().item(),
        lambda p, t: np.mean(p.numpy() == t.numpy()),
    ],
    "steps_per_epoch": [
        lambda n, size: -(-n // size),
        lambda n, size: len(range(0, n, size)),
        lambda n, size: n // size + bool(n % size),
        lambda n, size: torch.tensor(n / size).ceil(),
    ],
    "training_step": [
        step_clearing_last,
        step_by_the_long_way,
        step_with_closure,
        step_then_accuracy,
    ],
    "surest_mistake": [surest_by_list, surest_by_index, surest_in_numpy],
    "predict": [predict_by_list, predict_tensor, predict_and_restore],
}
