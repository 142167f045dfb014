"""Checks for notebooks/00_start_here.ipynb."""

import copy

import torch
from torch import nn

from course_utils.checks import Lesson
from course_utils.checks.answers import ask, brief, number
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress


@lesson.question("0.1")
def share_right(answer) -> None:
    """A fraction of all predictions, neither a count nor a percentage."""
    predictions = torch.tensor([3, 1, 1, 4, 9, 0, 2])
    targets = torch.tensor([3, 1, 4, 1, 9, 5, 2])
    try:
        result = ask(answer, predictions.clone(), targets.clone())
    except (TypeError, RuntimeError) as problem:
        averaging = "mean()" in str(problem) or "sum()" in str(problem)
        assert not averaging, (
            "True and False have no mean: turn them into numbers, `.float()`, and "
            "use the tensor's own methods, not NumPy's"
        )
        raise
    assert getattr(result, "shape", ()) != targets.shape, (
        "that is one True or False for each image; sum them up to a single number"
    )
    got = number(result)
    assert got != 4, "that is how many are right; divide by how many there are"
    assert abs(got - 400 / 7) > 0.5, "that is a percentage; a fraction is at most 1"
    assert abs(got - 3 / 7) > 1e-6, "that is the share that is wrong; count the rest"
    assert got != 0, (
        "you got 0 where 4 of 7 are right; // rounds down, .all() wants every one"
    )
    assert abs(got - 4 / 7) < 1e-6, f"4 of 7 are right: expected 0.5714, got {got:.4g}"
    got = number(ask(answer, predictions[:2].clone(), targets[:2].clone()))
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
    for examples, batch_size, expected in [(5, 32, 1), (257, 128, 3), (7, 1, 7)]:
        got = number(ask(answer, examples, batch_size))
        assert got == expected, (
            f"for {examples} images in batches of {batch_size} expected {expected}, "
            f"got {got:.4g}; use both arguments, and round up"
        )


def one_step(model, optimizer, inputs, targets, clear=True, softmax=False) -> float:
    """Take the step that 0.3 asks for, or one with a mistake; return its loss."""
    if clear:
        optimizer.zero_grad()
    logits = model(inputs)
    logits = logits.softmax(dim=1) if softmax else logits
    loss = nn.functional.cross_entropy(logits, targets, label_smoothing=0.1)
    loss.backward()
    optimizer.step()
    return loss.item()


def watched_loss() -> tuple:
    """Return a loss of our own, and a list that grows when it is walked backwards."""
    backwards = []

    def loss_fn(logits, targets):
        loss = nn.functional.cross_entropy(logits, targets, label_smoothing=0.1)
        if loss.requires_grad:
            loss.register_hook(backwards.append)
        return loss

    return loss_fn, backwards


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    """Return an optimizer that nobody would guess from outside."""
    return torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)


@lesson.question("0.3")
def training_step(answer) -> None:
    """Clear, forward, backward, step; on two batches, so that leftovers show."""
    torch.manual_seed(0)
    device = pick_device()
    batches = [
        (torch.randn(5, 4, device=device), torch.tensor(targets, device=device))
        for targets in ([0, 1, 2, 1, 0], [2, 2, 1, 0, 1])
    ]
    model = nn.Linear(4, 3).to(device)
    start = model.weight.detach().clone()
    right, leftover, softmaxed = (copy.deepcopy(model) for _ in range(3))
    expected = one_step(right, rightly := sgd(right), *batches[0])
    one_step(leftover, heaping := sgd(leftover), *batches[0])
    one_step(softmaxed, sgd(softmaxed), *batches[0], softmax=True)
    optimizer = sgd(model)
    loss_fn, backwards = watched_loss()
    try:
        result = ask(answer, model, *batches[0], loss_fn, optimizer)
    except RuntimeError as problem:
        assert "does not require grad" not in str(problem), (
            "the loss has no way back to the parameters: give loss_fn the model's "
            "output, computed outside no_grad"
        )
        assert "'Long'" not in str(problem), (
            "loss_fn wants the logits first and the targets second"
        )
        raise
    if torch.equal(model.weight, start):
        explain_no_movement(model, backwards)
    assert not torch.allclose(model.weight, softmaxed.weight, atol=1e-6), (
        "this loss wants logits, and you gave it softmax's probabilities"
    )
    assert torch.allclose(model.weight, right.weight, atol=1e-6), (
        "the parameters moved, but not by one step down this batch's gradient; "
        "call backward() and step() once, on the loss_fn and optimizer you are given"
    )
    one_step(right, rightly, *batches[1])
    one_step(leftover, heaping, *batches[1], clear=False)
    ask(answer, model, *batches[1], loss_fn, optimizer)
    assert not torch.allclose(model.weight, leftover.weight, atol=1e-6), (
        "the first step is right; the second one used the first batch's gradients "
        "as well. What clears them?"
    )
    assert torch.allclose(model.weight, right.weight, atol=1e-6), (
        "the first step is right, the second is not: "
        "use the very optimizer you are given, it remembers the steps before"
    )
    assert not (isinstance(result, torch.Tensor) and result.requires_grad), (
        "the step is right; but you return a tensor that keeps the whole computation "
        "in memory: loss.item() is the number alone"
    )
    assert model.training, (
        "the step is right; but you left the model in eval mode, and training goes on"
    )
    got = number(result)
    assert abs(got - 5 * expected) > 1e-4, (
        "the step is right; the loss is the batch's mean, not times its size"
    )
    assert abs(got - expected) < 1e-4, (
        f"the step is right; the loss it was taken from is {expected:.4f}, you "
        f"got {got:.4f}: was it computed again after the step?"
    )


def explain_no_movement(model: nn.Module, backwards: list) -> None:
    """Raise the reason why a step changed no parameter."""
    assert backwards, (
        "no parameter moved, and backward() never ran: nothing computed a gradient"
    )
    assert model.weight.grad is not None and model.weight.grad.any(), (
        "no parameter moved: the gradients were cleared before step() could use them"
    )
    raise AssertionError(
        "no parameter moved, though the gradients are there: "
        "step() is missing, or it comes before backward()"
    )


# Images 0 to 4 are right, 5 to 9 are mistakes; no index of a mistake is a class.
GUESSES = torch.tensor(
    [
        [0.60, 0.20, 0.10, 0.10],
        [0.10, 0.80, 0.05, 0.05],
        [0.10, 0.10, 0.60, 0.20],
        [0.70, 0.10, 0.10, 0.10],
        [0.02, 0.02, 0.01, 0.95],
        [0.55, 0.35, 0.05, 0.05],
        [0.01, 0.09, 0.60, 0.30],
        [0.10, 0.19, 0.01, 0.70],
        [0.30, 0.20, 0.40, 0.10],
        [0.10, 0.50, 0.20, 0.20],
    ]
)
TRUE = torch.tensor([0, 1, 2, 0, 3, 1, 0, 1, 0, 2])


@lesson.question("0.4")
def surest_mistake(answer) -> None:
    """The largest winning probability among the wrong predictions alone."""
    got = number(ask(answer, GUESSES.clone(), TRUE.clone()))
    assert abs(got - 0.7) > 1e-6, "that is the probability; return the image's index"
    told = {
        4: "image 4 has the largest probability of all, but it is right; "
        "look among the mistakes only",
        2: "image 7 is at place 2 in the list of mistakes; "
        "return its index among all images",
        3: "that is the class that the image was taken for; return the image's index",
        1: "that is the image's true class; return the image's index",
        5: "image 5 is the first mistake, not the surest",
        6: "image 6 gives its true class the least probability; "
        "the question is where the wrong one gets the most",
        8: "image 8 is the least sure of the mistakes; you want the surest",
    }
    assert got < 10, (
        f"there are only 10 images here, and you got {got:.4g}: use the arguments, "
        "not the notebook's variables, and dim=1"
    )
    assert got not in told, told[int(got)]
    assert got == 7, f"expected image 7, got {got:.4g}"
    order = torch.tensor([7, 0, 9, 5, 4, 6, 1, 8, 2, 3])
    got = number(ask(answer, GUESSES[order], TRUE[order]))
    assert got == 0, f"in another order the surest mistake is image 0, got {got:.4g}"


def row_reader() -> nn.Module:
    """Return a model that reads the row with the ink: 9 if it is faint, 8 if strong."""
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 10))
    with torch.no_grad():
        weight = torch.zeros(10, 8, 8)
        for row in range(8):
            weight[row, row] = 1
        weight[8] = 2
        model[2].weight.copy_(weight.flatten(1))
        model[2].bias.zero_()
        model[2].bias[9] = 4
        model[2].bias[8] = -8
    return model.to(pick_device())


@lesson.question("0.5")
def predict(answer) -> None:
    """One image in eval mode, with a batch dimension, and a digit back."""
    for row in (7, 2):
        model = row_reader().train()
        image = torch.zeros(1, 8, 8, device=pick_device())
        image[0, row] = 0.8
        try:
            result = ask(answer, model, image)
        except ValueError as problem:
            assert "expected 4D" not in str(problem), (
                "the model wants a batch, 4 dimensions: (1, 1, 8, 8). "
                f"Yours was refused: {problem}"
            )
            raise
        judge_digit(result, model, expected=row)


def judge_digit(result, model: nn.Module, expected: int) -> None:
    """Raise AssertionError unless the model was left alone and read `expected`."""
    assert model[0].num_batches_tracked == 0, (
        "the model was still in training mode: BatchNorm used this one image's own "
        "mean, and the statistics it keeps have moved"
    )
    size = result.numel() if isinstance(result, torch.Tensor) else 1
    assert size == 1, (
        f"expected one digit, got {brief(result)}; "
        "which place along dim=1 holds the largest logit?"
    )
    got = number(result)
    assert got == int(got), (
        f"{got:.4g} is a size; return the place of the largest output, from 0 to 9"
    )
    assert got == expected, (
        f"this model reads {expected} in this image, you got {got:.4g}; "
        "do you use the model and the image you are given, the image as it is?"
    )
