"""The trainers that bring a framework of their own along. As in trainers.py."""

import tempfile
from functools import partial

from torch import nn
from torch.optim import AdamW

from benchmarks.measure import silence
from benchmarks.trainers import LR, loss_fn, optimizer_of
from course_utils.metrics import accuracy


def skorch(model, loader, epochs, callbacks="disable"):
    """Return skorch's NeuralNet, which always follows the loss."""
    from skorch import NeuralNet

    net = NeuralNet(
        model,
        criterion=nn.CrossEntropyLoss,
        optimizer=AdamW,
        lr=LR,
        max_epochs=epochs,
        batch_size=loader.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=callbacks,
        verbose=0,
    )
    net.initialize()
    return lambda: net.partial_fit(loader.dataset)


def skorch_default(model, loader, epochs):
    """Return skorch's NeuralNet with the callbacks that it has by default."""
    return skorch(model, loader, epochs, callbacks=None)


def lightning_module(model, figures):
    """Return a LightningModule around the model; with figures it logs both."""
    from lightning import LightningModule

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.model = model

        def training_step(self, batch, index):
            inputs, targets = batch
            logits = self.model(inputs)
            loss = loss_fn(logits, targets)
            if figures:
                self.log("loss", loss, on_epoch=True, prog_bar=True)
                self.log("accuracy", accuracy(logits, targets), on_epoch=True)
            return loss

        def configure_optimizers(self):
            return optimizer_of(self.model)

    return Module()


def lightning(model, loader, epochs):
    """Return Lightning's Trainer with everything switched off."""
    from lightning import Trainer

    with silence():
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=epochs,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    return quietly(trainer.fit, lightning_module(model, False), loader)


def lightning_default(model, loader, epochs):
    """Return Lightning's Trainer as it comes, with loss and accuracy logged."""
    from lightning import Trainer

    folder = tempfile.TemporaryDirectory()
    with silence():
        trainer = Trainer(
            accelerator="cpu", max_epochs=epochs, default_root_dir=folder.name
        )
    run = quietly(trainer.fit, lightning_module(model, True), loader)
    run.folder = folder  # which is there as long as the function
    return run


def quietly(function, *arguments):
    """Return the call as a function that prints nothing."""

    def run():
        with silence():
            function(*arguments)

    return run


def fastai(model, loader, epochs):
    """Return fastai's Learner without bar, printing and validation."""
    from fastai.callback import progress  # noqa: F401, gives a Learner no_bar
    from fastai.callback.core import Callback, CancelValidException
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    class NoValidation(Callback):
        def before_validate(self):
            raise CancelValidException

    optimizer = partial(OptimWrapper, opt=AdamW)
    learner = Learner(
        DataLoaders(loader, loader),
        model,
        loss_func=loss_fn,
        opt_func=optimizer,
        lr=LR,
        cbs=NoValidation(),
    )

    def run():
        with learner.no_bar(), learner.no_logging():
            learner.fit(epochs)

    return run


def keras(model, loader, epochs, metrics=()):
    """Return Keras on torch: the same torch model, Keras's own AdamW and loss."""
    import keras

    wrapped = keras.Sequential([keras.layers.TorchModuleWrapper(model)])
    wrapped.compile(
        optimizer=keras.optimizers.AdamW(LR, weight_decay=0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=list(metrics),
    )
    return quietly(
        partial(wrapped.fit, loader, epochs=epochs, verbose=0, shuffle=False)
    )


def keras_with_accuracy(model, loader, epochs):
    """Return Keras with its accuracy."""
    return keras(model, loader, epochs, metrics=["sparse_categorical_accuracy"])


def torchtnt(model, loader, epochs):
    """Return torchtnt's train() with a unit that follows no figures."""
    with silence():  # it imports pkg_resources
        from torchtnt.framework.train import train
        from torchtnt.framework.unit import TrainUnit

    class Unit(TrainUnit):
        def __init__(self):
            super().__init__()
            self.model, self.optimizer = model, optimizer_of(model)

        def train_step(self, state, data):
            inputs, targets = data
            self.optimizer.zero_grad()
            loss = loss_fn(self.model(inputs), targets)
            loss.backward()
            self.optimizer.step()

    return quietly(partial(train, max_epochs=epochs), Unit(), loader)
