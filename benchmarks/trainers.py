"""The trainers whose steps are timed: loops by hand, ours, and light peers.

Each function takes (model, loader, epochs) and returns the training as a function
without arguments. All take AdamW's steps on the same batches with the same loss.
"""

from torch import nn
from torch.optim import AdamW

from course_utils.metrics import accuracy
from course_utils.training import train_one_epoch

LR = 1e-3
loss_fn = nn.CrossEntropyLoss()


def optimizer_of(model):
    """Return the optimizer that all trainers use, unless said otherwise."""
    return AdamW(model.parameters(), lr=LR)


def loop(model, loader, epochs):
    """Return the five lines, without any figures."""
    optimizer = optimizer_of(model)

    def run():
        model.train()
        for _ in range(epochs):
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = loss_fn(model(inputs), targets)
                loss.backward()
                optimizer.step()

    return run


def loop_with_loss(model, loader, epochs):
    """Return the loop with the mean loss of each epoch."""
    optimizer = optimizer_of(model)

    def run():
        for _ in range(epochs):
            model.train()
            total, count = 0.0, 0
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = loss_fn(model(inputs), targets)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(targets)
                count += len(targets)
            run.figures = {"loss": total / count}

    return run


def loop_with_accuracy(model, loader, epochs):
    """Return the loop with the mean loss and the accuracy of each epoch."""
    optimizer = optimizer_of(model)

    def run():
        for _ in range(epochs):
            model.train()
            total, correct, count = 0.0, 0, 0
            for inputs, targets in loader:
                optimizer.zero_grad()
                logits = model(inputs)
                loss = loss_fn(logits, targets)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(targets)
                correct += (logits.argmax(dim=1) == targets).sum().item()
                count += len(targets)
            run.figures = {"loss": total / count, "accuracy": correct / count}

    return run


def ours(model, loader, epochs, **metrics):
    """Return train_one_epoch."""
    optimizer = optimizer_of(model)

    def run():
        for _ in range(epochs):
            run.figures = train_one_epoch(model, loader, loss_fn, optimizer, **metrics)

    return run


def ours_with_accuracy(model, loader, epochs):
    """Return train_one_epoch with the course's accuracy."""
    return ours(model, loader, epochs, accuracy=accuracy)


def ignite(model, loader, epochs):
    """Return Ignite's Engine, whose step returns the loss as a number."""
    from ignite.engine import create_supervised_trainer

    trainer = create_supervised_trainer(model, optimizer_of(model), loss_fn)
    return lambda: trainer.run(loader, max_epochs=epochs)


def ignite_with_accuracy(model, loader, epochs):
    """Return Ignite's Engine with its metrics Loss and Accuracy."""
    from ignite.engine import create_supervised_trainer
    from ignite.metrics import Accuracy, Loss

    trainer = create_supervised_trainer(
        model,
        optimizer_of(model),
        loss_fn,
        output_transform=lambda x, y, logits, loss: (logits, y),
    )
    Loss(loss_fn).attach(trainer, "loss")
    Accuracy().attach(trainer, "accuracy")
    return lambda: trainer.run(loader, max_epochs=epochs)


def accelerate(model, loader, epochs):
    """Return Accelerate's loop, with the mean loss."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer_of(model), loader)

    def run():
        for _ in range(epochs):
            model.train()
            total, count = 0.0, 0
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = loss_fn(model(inputs), targets)
                accelerator.backward(loss)
                optimizer.step()
                total += loss.item() * len(targets)
                count += len(targets)

    return run
