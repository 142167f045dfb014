"""Checks for notebooks/00_start_here.ipynb."""

import torch
from torch import nn

from course_utils.checks import Lesson
from course_utils.checks.answers import ask, brief, number

lesson = Lesson()
progress = lesson.progress


@lesson.question("0.1")
def share_right(answer) -> None:
    """A fraction of all predictions, neither a count nor a percentage."""
    predictions, targets = torch.tensor([3, 1, 4, 1]), torch.tensor([3, 1, 4, 9])
    result = ask(answer, predictions, targets)
    assert getattr(result, "shape", ()) != targets.shape, (
        "that is one True or False for each image; sum them up to a single number"
    )
    got = number(result)
    assert got != 3, "that is how many are right; divide by how many there are"
    assert got != 75, "that is a percentage; a fraction lies between 0 and 1"
    assert got != 0.25, "that is the share that is wrong; count the equal ones"
    assert got != 0, "you got 0 where 3 of 4 are right; does // round it down?"
    assert abs(got - 0.75) < 1e-6, f"3 of 4 are right: expected 0.75, got {got:.4g}"
    got = number(ask(answer, predictions[:2], targets[:2]))
    assert abs(got - 1) < 1e-6, (
        "2 of 2 are right and you got "
        f"{got:.4g}; divide by the number of targets, not by a fixed one"
    )


@lesson.question("0.2")
def steps_per_epoch(answer) -> None:
    """Full batches, and one more for what is left over."""
    got = number(ask(answer, 75, 32))
    assert abs(got - 75 / 32) > 1e-6, (
        f"a loop can't run {75 / 32:.4g} times: the last batch is small, but a step"
    )
    assert got != 2, (
        "75 images fill 2 batches of 32, and 11 are left over; they are a batch too"
    )
    assert got != 11, "that is the size of the last batch; count the batches"
    assert got == 3, f"for 75 images in batches of 32 expected 3, got {got:.4g}"
    got = number(ask(answer, 96, 32))
    assert got != 4, "96 is 3 times 32 with nothing left over, and you count 4 steps"
    assert got == 3, f"for 96 images in batches of 32 expected 3, got {got:.4g}"
    got = number(ask(answer, 5, 32))
    assert got == 1, f"5 images are one small batch of 32: expected 1, got {got:.4g}"


def watched_loss() -> tuple:
    """Return cross-entropy, and a list that grows when `backward()` runs through it."""
    backwards = []

    def loss_fn(logits, targets):
        loss = nn.functional.cross_entropy(logits, targets)
        loss.register_hook(backwards.append)
        return loss

    return loss_fn, backwards


def two_steps() -> tuple:
    """Return a small model, two batches, and its weights after one and two steps."""
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    batches = [(torch.randn(5, 4), torch.randint(3, (5,))) for _ in range(2)]
    weight, bias = (p.detach().clone() for p in (model.weight, model.bias))
    after = []
    for inputs, targets in batches:
        weight.requires_grad_(), bias.requires_grad_()
        loss = nn.functional.cross_entropy(inputs @ weight.T + bias, targets)
        down, shift = torch.autograd.grad(loss, (weight, bias))
        weight, bias = (weight - 0.5 * down).detach(), (bias - 0.5 * shift).detach()
        after.append((loss.item(), weight))
    return model, batches, after


@lesson.question("0.3")
def training_step(answer) -> None:
    """Clear, forward, backward, step; on two batches, so that leftovers show."""
    model, batches, after = two_steps()
    start = model.weight.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    loss_fn, backwards = watched_loss()
    result = ask(answer, model, *batches[0], loss_fn, optimizer)
    if torch.equal(model.weight, start):
        assert backwards, (
            "no weight moved, and backward() never ran: nothing computed a gradient"
        )
        assert model.weight.grad is not None and model.weight.grad.any(), (
            "no weight moved: the gradients were cleared before step() could use them"
        )
        raise AssertionError(
            "no weight moved, though the gradients are there: "
            "step() is missing, or it comes before backward()"
        )
    assert torch.allclose(model.weight, after[0][1], atol=1e-6), (
        "the weights moved, but not by one step down this batch's gradient; "
        "how often do you call backward() and step()?"
    )
    ask(answer, model, *batches[1], loss_fn, optimizer)
    assert torch.allclose(model.weight, after[1][1], atol=1e-6), (
        "the first step is right; the second one used the first batch's gradients "
        "as well. What clears them?"
    )
    assert not (isinstance(result, torch.Tensor) and result.requires_grad), (
        "the step is right; the loss you return still carries its graph: use .item()"
    )
    got, expected = number(result), after[0][0]
    assert abs(got - expected) < 1e-4, (
        f"the step is right; the loss before it was {expected:.4f}, you got {got:.4f}"
    )


@lesson.question("0.4")
def surest_mistake(answer) -> None:
    """The largest winning probability among the wrong predictions alone."""
    probabilities = torch.tensor(
        [[0.9, 0.1, 0.0], [0.3, 0.6, 0.1], [0.1, 0.2, 0.7], [0.2, 0.3, 0.5]]
    )
    targets = torch.tensor([0, 0, 0, 1])  # images 1, 2 and 3 are mistakes
    got = number(ask(answer, probabilities, targets))
    assert got != 0, (
        "image 0 has the largest probability of all, but it is right; "
        "look among the mistakes only"
    )
    assert abs(got - 0.7) > 1e-6, "that is the probability; return the image's index"
    assert got != 3, "image 3 is the least sure of the mistakes; you want the surest"
    assert got != 1, (
        "you got 1: image 2 is at place 1 in the list of mistakes; "
        "return its index among all images"
    )
    assert got == 2, f"expected image 2, got {got:.4g}"
    order = torch.tensor([2, 0, 3, 1])
    got = number(ask(answer, probabilities[order], targets[order]))
    assert got == 0, f"in another order the surest mistake is image 0, got {got:.4g}"


def shifted_model() -> nn.Module:
    """Return a model whose class shows its mode: 7 in eval mode, 2 in train mode."""
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 10))
    with torch.no_grad():
        model[0].running_mean.fill_(-9.0)  # in eval mode the input looks large
        model[2].weight.zero_()
        model[2].weight[7] = 0.01
        model[2].bias.zero_()
        model[2].bias[2] = 1.0
    return model


@lesson.question("0.5")
def predict(answer) -> None:
    """One image in eval mode, with a batch dimension, and a digit back."""
    model = shifted_model().train()
    image = torch.linspace(0, 1, 64).reshape(1, 8, 8)
    try:
        result = ask(answer, model, image)
    except ValueError as problem:
        assert "4D" not in str(problem), (
            "the model wants a batch (N, 1, 8, 8) and got one image (1, 8, 8): "
            "add a dimension in front"
        )
        raise
    assert model[0].num_batches_tracked == 0, (
        "the model was still in training mode: BatchNorm used this one image's own "
        "mean, and its running statistics moved"
    )
    size = result.numel() if isinstance(result, torch.Tensor) else 1
    assert size == 1, (
        f"expected one digit, got {brief(result)}; "
        "which place along dim=1 holds the largest logit?"
    )
    got = number(result)
    assert got == int(got) and 0 <= got <= 9, (
        f"{got:.4g} is how large the largest output is; return its place, from 0 to 9"
    )
    assert got == 7, f"this model says 7 for this image, you got {got:.4g}"
