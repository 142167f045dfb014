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
        words = str(problem)
        averaging = "mean()" in words or "sum()" in words
        assert not averaging or "Long" in words, (
            "True and False have no mean: turn them into numbers, `.float()`, and "
            "use the tensor's own methods, not NumPy's"
        )
        raise
    assert getattr(result, "shape", ()) != targets.shape, (
        "that is one value for each image; sum them up to a single number"
    )
    got = number(result)
    assert got != 4, "that is how many are right; divide by how many there are"
    assert abs(got - 400 / 7) > 0.5, "that is a percentage; a fraction is at most 1"
    assert min(abs(got - 3), abs(got - 3 / 7)) > 1e-6, (
        "that counts the predictions that are wrong; count the others"
    )
    assert got != 0, (
        "you got 0 where 4 of 7 are right; // rounds down, .all() wants every one"
    )
    assert abs(got - 4 / 7) < 1e-6, f"4 of 7 are right: expected 0.5714, got {got:.4g}"
    got = number(ask(answer, predictions[:3].clone(), targets[:3].clone()))
    assert abs(got - 2 / 3) < 1e-6, (
        f"4 of 7 is right, but for 2 of 3 expected 0.6667, got {got:.4g}; "
        "divide by the number of targets, not by a fixed one"
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
    assert got != 34, "34 is the notebook's loader; use the arguments: 75 in 32s"
    assert got == 3, f"for 75 images in batches of 32 expected 3, got {got:.4g}"
    got = number(ask(answer, 96, 32))
    assert got != 4, "96 is 3 times 32 with nothing left over, and you count 4 steps"
    assert got == 3, f"for 96 images in batches of 32 expected 3, got {got:.4g}"
    others = [(5, 32, 1), (257, 128, 3), (7, 1, 7), (10_001, 10_000, 2)]
    for examples, batch_size, expected in others:
        got = number(ask(answer, examples, batch_size))
        assert got == expected, (
            f"for {examples} images in batches of {batch_size} expected {expected}, "
            f"got {got:.4g}; use both arguments, and round up"
        )


def one_step(model, optimizer, batch, clear=True, softmax=False, times=1) -> float:
    """Take the step that 0.3 asks for, or one with a mistake; return its loss."""
    if clear:
        optimizer.zero_grad()
    loss = loss_of(model, batch, softmax)
    (times * loss).backward()
    optimizer.step()
    return loss.item()


def loss_of(model: nn.Module, batch: tuple, softmax: bool = False) -> torch.Tensor:
    """Return the loss of a batch, smoothed, so that no loss of one's own equals it."""
    inputs, targets = batch
    logits = model(inputs)
    logits = logits.softmax(dim=1) if softmax else logits
    return nn.functional.cross_entropy(logits, targets, label_smoothing=0.1)


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    """Return an optimizer that nobody would guess from outside."""
    return torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)


def watched(model: nn.Module) -> tuple:
    """Return a loss, an optimizer, and a list of what is done with them, in order."""
    log = []

    def loss_fn(logits, targets):
        loss = nn.functional.cross_entropy(logits, targets, label_smoothing=0.1)
        if loss.requires_grad:
            loss.register_hook(lambda gradient: log.append("backward"))
        return loss

    def forward(module, inputs, logits):
        if logits.requires_grad and not module.training:
            log.append("eval")

    optimizer = sgd(model)
    optimizer.register_step_post_hook(lambda *_: log.append("step"))
    model.register_forward_hook(forward)
    return loss_fn, optimizer, log


def alike(model: nn.Module, other: nn.Module) -> bool:
    """Return whether two models have the same parameters, as far as float32 tells."""
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    return all(torch.allclose(a.float(), b, atol=1e-6) for a, b in pairs)


@lesson.question("0.3")
def training_step(answer) -> None:
    """Clear, forward, backward, step; on two batches, so that leftovers show."""
    torch.manual_seed(0)
    device = pick_device()
    first, second = (
        (torch.randn(5, 4, device=device), torch.tensor(targets, device=device))
        for targets in ([0, 1, 2, 1, 1], [2, 2, 1, 0, 1])
    )
    model = nn.Linear(4, 3).to(device)
    start, right, leftover = (copy.deepcopy(model) for _ in range(3))
    expected = one_step(right, rightly := sgd(right), first)
    one_step(leftover, heaping := sgd(leftover), first)
    after = loss_of(right, first).item()
    loss_fn, optimizer, log = watched(model)
    result = call_step(answer, model, first, loss_fn, optimizer)
    if not (alike(model, right) and log.count("step") == 1):
        explain_step(model, start, first, log)
    one_step(right, rightly, second)
    one_step(leftover, heaping, second, clear=False)
    call_step(answer, model, second, loss_fn, optimizer)
    assert not alike(model, leftover), (
        "the first step is right; the second one used the first batch's gradients "
        "as well. What clears them?"
    )
    assert alike(model, right), (
        "the first step is right, the second is not: does your function leave "
        "anything behind for the next call, gradients for instance?"
    )
    assert model.training and "eval" not in log, (
        "the step is right; but you put the model in eval mode, in which some layers "
        "behave differently, and training goes on"
    )
    judge_loss(result, expected, after)


def call_step(answer, model: nn.Module, batch: tuple, loss_fn, optimizer):
    """Return what the answer returns; raise in plain words where it can't run."""
    try:
        return ask(answer, model, *(part.clone() for part in batch), loss_fn, optimizer)
    except (RuntimeError, AttributeError) as problem:
        told = {
            "does not require grad": "the loss has no way back to the parameters: "
            "give loss_fn the model's output, computed outside no_grad",
            "'Long'": "loss_fn wants the logits first and the targets second",
            "class probabilities": "loss_fn wants the logits themselves, "
            "not the classes that argmax makes of them",
            "'float' object has no attribute 'backward'": "a bare number has no way "
            "back: call backward() on the loss, and item() for the return alone",
        }
        for words, message in told.items():
            assert words not in str(problem), message
        raise


def explain_step(model: nn.Module, start: nn.Module, batch: tuple, log: list) -> None:
    """Raise the reason why the first step did not end where it should."""
    moved = not alike(model, start)
    backwards, steps = log.count("backward"), log.count("step")
    assert backwards or moved, (
        "no parameter moved, and backward() never ran: nothing computed a gradient"
    )
    assert backwards, "the parameters moved, but not by the loss_fn you are given"
    assert steps or moved, "no parameter moved: the optimizer's step() is missing"
    assert steps, (
        "the parameters moved, but not by the very optimizer you are given: "
        "its step() is missing"
    )
    assert moved or log.index("step") > log.index("backward"), (
        "no parameter moved: step() comes before backward(), with no gradient to use"
    )
    assert moved, (
        "no parameter moved: the gradients were cleared before step() could use them, "
        "or belong to another model"
    )
    assert backwards == steps == 1, (
        f"one step is one backward() and one step(); you called backward() {backwards} "
        f"and step() {steps} times"
    )
    for mistake, message in [
        ({"softmax": True}, "loss_fn wants logits, and you gave it probabilities"),
        ({"times": 5}, "the loss is the batch's mean; don't multiply it by the size"),
        ({"times": 1 / 5}, "the loss is the batch's mean already; don't divide it"),
        ({"times": -1}, "the step went uphill: leave the sign of the loss as it is"),
    ]:
        one_step(other := copy.deepcopy(start), sgd(other), batch, **mistake)
        assert not alike(model, other), message
    raise AssertionError(
        "backward() and step() ran once, but the step is another: is anything done to "
        "inputs, logits, loss or gradients on the way?"
    )


def judge_loss(result, expected: float, after: float) -> None:
    """Raise AssertionError unless the loss of a right step came back as a number."""
    assert not (isinstance(result, torch.Tensor) and result.requires_grad), (
        "the step is right; but you return a tensor that keeps the whole computation "
        "in memory: loss.item() is the number alone"
    )
    got = number(result)
    assert min(abs(got - 5 * expected), abs(got - expected / 5)) > 1e-4, (
        "the step is right; the loss is the batch's mean already, "
        "neither multiply nor divide it by the size"
    )
    assert abs(got - after) > 1e-4, (
        "the step is right; but you computed the loss again after the step, and "
        "return that one"
    )
    assert abs(got - expected) < 1e-4, (
        f"the step is right; it was taken from a loss of {expected:.4f}, "
        f"and you return {got:.4f}"
    )


# Images 0 to 6 are right, 7 to 12 are mistakes. Image 10 is the surest of them: not
# the one with the longest lead (8), nor the one with the least entropy (12).
GUESSES = torch.tensor(
    [
        [0.80, 0.05, 0.05, 0.05, 0.05],
        [0.10, 0.60, 0.10, 0.10, 0.10],
        [0.10, 0.10, 0.50, 0.20, 0.10],
        [0.60, 0.10, 0.10, 0.10, 0.10],
        [0.10, 0.10, 0.10, 0.60, 0.10],
        [0.01, 0.01, 0.95, 0.02, 0.01],
        [0.05, 0.05, 0.10, 0.75, 0.05],
        [0.50, 0.30, 0.05, 0.05, 0.10],
        [0.01, 0.08, 0.67, 0.12, 0.12],
        [0.30, 0.20, 0.40, 0.05, 0.05],
        [0.04, 0.19, 0.04, 0.03, 0.70],
        [0.15, 0.10, 0.10, 0.55, 0.10],
        [0.30, 0.67, 0.01, 0.01, 0.01],
    ]
)
TRUE = torch.tensor([0, 1, 2, 0, 3, 2, 3, 1, 0, 1, 1, 0, 0])
ORDER = torch.tensor([9, 0, 10, 3, 8, 5, 12, 1])  # fewer images, the surest is third


@lesson.question("0.4")
def surest_mistake(answer) -> None:
    """The largest winning probability among the wrong predictions alone."""
    result = ask(answer, guesses := GUESSES.clone(), TRUE.clone())
    refuse_both(result)
    got = number(result)
    assert got == int(got), (
        f"{got:.4g} is no index but a probability; return the place of the image"
    )
    told = {
        5: "image 5 has the largest probability of all, but it is right; "
        "look among the mistakes only",
        3: "that is a place in the list of mistakes; return the index among all images",
        4: "that is the class that the image was taken for; return the image's index",
        1: "that is the image's true class; return the image's index",
        2: "that is the class with the largest probability of all, the wrong dim; "
        "look along dim=1, among the mistakes only",
        6: "that is the number of mistakes; return the index of one of them",
        7: "image 7 is the first mistake, not the surest",
        8: "image 8 has the longest lead and gives its true class the least; "
        "but another mistake's largest probability is higher",
        9: "image 9 is the least sure of the mistakes; you want the surest",
        11: "the first image has index 0, not 1",
        12: "image 12 is the last mistake, not the surest",
    }
    assert got < len(TRUE), (
        f"there are only {len(TRUE)} images here, and you got {got:.4g}: use the "
        "arguments, not the notebook's variables, and dim=1"
    )
    assert got not in told, told[int(got)]
    assert got == 10, f"expected image 10, got {got:.4g}"
    assert torch.equal(guesses, GUESSES), (
        "the index is right; but you wrote into probabilities, which others still "
        "need: write into a tensor of your own"
    )
    got = number(ask(answer, GUESSES[ORDER], TRUE[ORDER]))
    assert got == 2, (
        "image 10 of 13 is right, but with other images in another order "
        f"expected image 2, got {got:.4g}"
    )


def refuse_both(result) -> None:
    """Raise AssertionError for all that max along a dimension returns."""
    assert isinstance(result, torch.Tensor) or not hasattr(result, "indices"), (
        "max along a dim gives two tensors, the largest and its place; return the place"
    )


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
        model[2].bias[8] = -7.5
        model[2].bias[5] = -9  # the least of all, for whoever takes the least
    return model.to(pick_device())


@lesson.question("0.5")
def predict(answer) -> None:
    """One image in eval mode, with a batch dimension, and a digit back."""
    for row, ink, training in [(7, 0.8, True), (2, 0.8, False), (4, 0.3, True)]:
        model = row_reader().train(training)
        image = torch.zeros(1, 8, 8, device=pick_device())
        image[0, row] = ink
        try:
            result = ask(answer, model, given := image.clone())
        except ValueError as problem:
            assert "expected 4D" not in str(problem), (
                "the model wants a batch, 4 dimensions: (1, 1, 8, 8). "
                f"Yours was refused: {problem}"
            )
            raise
        judge_digit(result, model, expected=row if ink > 0.5 else 9)
        assert torch.equal(given, image), (
            "the digit is right; but the image itself is changed: a call with _ at "
            "its end works in place"
        )


def judge_digit(result, model: nn.Module, expected: int) -> None:
    """Raise AssertionError unless the model was left alone and read `expected`."""
    assert model[0].num_batches_tracked == 0, (
        "the model was still in training mode: BatchNorm used this one image's own "
        "mean, and the statistics it keeps have moved"
    )
    refuse_both(result)
    size = result.numel() if isinstance(result, torch.Tensor) else 1
    assert size == 1, (
        f"expected one digit, got {brief(result)}; "
        "which place along dim=1 holds the largest logit?"
    )
    got = number(result)
    assert got == int(got), (
        f"{got:.4g} is a size; return the place of the largest output, from 0 to 9"
    )
    assert got != 5, "5 has the smallest output here; you want the largest"
    assert got != 0, (
        f"this model reads {expected} in this image, you got 0: "
        "does softmax or argmax run along dim=0, the batch, instead of dim=1?"
    )
    assert expected != 9 or got == 9, (
        f"this image is faint, and the model reads 9 in it, you got {got:.4g}; give "
        "it the image as it is, not rescaled, in eval mode"
    )
    assert got == expected, (
        f"this model reads {expected} in this image, you got {got:.4g}; "
        "do you use the model and the image you are given, the image as it is?"
    )
