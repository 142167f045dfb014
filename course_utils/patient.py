"""Copies of a training run that can be tried out while the run itself stays as it is.

Built by hand in notebooks/15_clinic_method.ipynb, section 8. What is added here: notes
of what each step of a copy shows.
"""

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader

MOST = 512  # samples


def ordinary_step(model, batch, loss_fn, optimizer):
    """Train on one batch, as `train_one_epoch` does."""
    inputs, targets = batch
    model.train()
    optimizer.zero_grad()
    loss_fn(model(inputs), targets).backward()
    optimizer.step()


class Run:
    """A model, its loss and optimizer, a step, and the first batches of a loader."""

    def __init__(
        self,
        model: nn.Module,
        loader: Iterable,
        loss_fn: Callable,
        optimizer: Optimizer,
        step: Callable | None = None,
    ) -> None:
        """Take up to 512 samples; raise ValueError for batches of another kind."""
        if isinstance(loader, Iterator):
            raise ValueError("expected a loader that can be gone through again")
        if isinstance(loader, DataLoader):
            loader = copy.copy(loader)
            loader._iterator = None  # persistent workers stay with whom they serve
        self.parts = model, optimizer, loss_fn
        self.step = step or ordinary_step
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        self.batches, count = [], 0
        for batch in loader:
            pair = isinstance(batch, tuple | list) and len(batch) == 2
            if not pair or not all(isinstance(part, Tensor) for part in batch):
                kind = [type(b) for b in batch] if pair else type(batch)
                raise ValueError(f"expected (inputs, targets), two tensors, got {kind}")
            shapes = [tuple(part.shape) for part in batch]
            if not all(part.ndim and len(part) for part in batch):
                raise ValueError(f"expected samples in both tensors, got {shapes}")
            if shapes[0][0] == shapes[1][0]:
                batch = tuple(part[:MOST] for part in batch)
            self.batches.append(tuple(part.to(device) for part in batch))
            count += len(batch[1])
            if count >= MOST:
                break
        if not self.batches:
            raise ValueError("expected at least one batch, got an empty loader")

    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        """Return a copy of a batch; after the last one the first comes again."""
        return tuple(part.clone() for part in self.batches[index % len(self.batches)])


class Copy:
    """One copy of a run, and what the last call of its step showed in `seen`.

    `seen` holds the inputs of the model and whether they are one tensor (`only`),
    outputs and targets as the loss got them, the loss, the number of optimizer steps,
    how many of them found the gradients of the one before (`again`), each parameter's
    gradient at the last of them (`used`) and after the call (`left`), and whether the
    model was in train mode.
    """

    def __init__(self, run: Run, rate: float | None = None) -> None:
        """Copy model, optimizer and loss together; with `rate` use a new AdamW."""
        self.run, self.seen = run, SimpleNamespace()
        self.model, self.optimizer, self.loss_fn = copy.deepcopy(run.parts)
        self.names = {p: name for name, p in self.model.named_parameters()}
        self.held = [p for g in self.optimizer.param_groups for p in g["params"]]
        if rate is not None:
            trained = [p for p in self.held if p.requires_grad]
            self.optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0)
        for group in self.optimizer.param_groups:
            if not group["lr"]:  # a warm-up starts at 0
                group["lr"] = group.get("initial_lr", 0) / 10
        self.optimizer.register_step_pre_hook(self._note_step)
        self.model.register_forward_pre_hook(self._note_inputs, with_kwargs=True)
        self.known = self.loss_fn  # the loss without our notes
        self.of_loss: set[nn.Parameter] = set()  # parameters of its own
        if isinstance(self.loss_fn, nn.Module):
            self.known = self.loss_fn.forward
            self.of_loss = set(self.loss_fn.parameters())
            self.loss_fn.register_forward_pre_hook(self._note_call, with_kwargs=True)
            self.loss_fn.register_forward_hook(lambda *_: self._note_loss(_[-1]))
        else:
            self.loss_fn = self._loss

    def take(self, batch: tuple[Tensor, Tensor]) -> SimpleNamespace:
        """Let the run's step work on a batch, from a fixed seed; return `seen`."""
        nothing = dict.fromkeys(("inputs", "outputs", "targets", "loss", "train"))
        self.seen = SimpleNamespace(**nothing, only=True, steps=0, again=0, used={})
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        self.run.step(self.model, batch, self.loss_fn, self.optimizer)
        self.seen.left = self._gradients()
        return self.seen

    def _gradients(self) -> dict[str, Tensor | None]:
        """Return what each parameter that is also in the optimizer has."""
        held = set(self.held)
        return {
            name: None if p.grad is None else p.grad.detach().clone().to_dense()
            for p, name in self.names.items()
            if p in held and p.requires_grad
        }

    def _loss(self, *args, **kwargs):
        self._note_call(None, args, kwargs)
        loss = self.known(*args, **kwargs)
        self._note_loss(loss)
        return loss

    def _note_call(self, _, args, kwargs) -> None:
        given = [*args, *kwargs.values()]
        if len(given) == 2 and all(isinstance(part, Tensor) for part in given):
            self.seen.outputs, self.seen.targets = (part.detach() for part in given)

    def _note_loss(self, loss) -> None:
        self.seen.loss = loss.detach().float().mean().item()

    def _note_inputs(self, model, args, kwargs) -> None:
        first = first_tensor((args, kwargs))
        self.seen.only = len(args) == 1 and not kwargs
        self.seen.inputs = None if first is None else first.detach()
        self.seen.train = model.training

    def _note_step(self, *_) -> None:
        before, self.seen.used = self.seen.used, self._gradients()
        self.seen.again += self.seen.steps > 0 and all(
            torch.equal(a, b)
            if isinstance(a, Tensor) and isinstance(b, Tensor)
            else a is b
            for a, b in zip(before.values(), self.seen.used.values(), strict=True)
        )
        self.seen.steps += 1


def first_tensor(tree) -> Tensor | None:
    """Return the first tensor in what a model is given, or gives."""
    return next((leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)), None)
