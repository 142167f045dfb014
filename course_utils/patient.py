"""Copies of a training run that can be tried out while the run itself stays as it is.

Built by hand in notebooks/15_clinic_method.ipynb, section 8.
What is added here: random numbers and the loader's order are put back as well.
"""

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_leaves


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
        if iter(loader) is loader:
            raise ValueError("expected a loader that can be gone through again")
        self.parts = model, optimizer, loss_fn
        self.step = step or ordinary_step
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        self.batches, count = [], 0
        for batch in loader:
            pair = isinstance(batch, tuple | list) and len(batch) == 2
            if not pair or not all(isinstance(part, Tensor) for part in batch):
                kind = [type(b) for b in batch] if pair else type(batch)
                raise ValueError(f"expected (inputs, targets), two tensors, got {kind}")
            self.batches.append(tuple(part.to(device) for part in batch))
            count += len(batch[1])
            if count >= 512:
                break
        if not self.batches:
            raise ValueError("expected at least one batch, got an empty loader")

    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        """Return a copy of a batch; after the last one the first comes again."""
        return tuple(part.clone() for part in self.batches[index % len(self.batches)])


class Copy:
    """One copy of a run, and what the last call of its step showed in `seen`.

    `seen` holds the inputs of the model, outputs and targets as the loss got them, the
    loss, the number of optimizer steps, how many of them found the gradients of the one
    before (`again`), each parameter's gradient at the last of them (`used`) and after
    the call (`left`), and whether the model was in train mode.
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
        self.optimizer.register_step_pre_hook(self._note_step)
        self.model.register_forward_pre_hook(self._note_inputs)
        self.known = self.loss_fn
        if isinstance(self.loss_fn, nn.Module):
            self.loss_fn.register_forward_pre_hook(lambda _, args: self._note(args))
            self.loss_fn.register_forward_hook(lambda *_: self._note_loss(_[-1]))
        else:
            self.loss_fn = self._loss

    def take(self, batch: tuple[Tensor, Tensor]) -> SimpleNamespace:
        """Let the run's step work on a batch, from a fixed seed; return `seen`."""
        nothing = dict.fromkeys(("inputs", "outputs", "targets", "loss", "train"))
        self.seen = SimpleNamespace(**nothing, steps=0, again=0, used={})
        torch.manual_seed(0)
        self.run.step(self.model, batch, self.loss_fn, self.optimizer)
        self.seen.left = self._gradients()
        return self.seen

    def _gradients(self) -> dict[str, Tensor | None]:
        """Return what each parameter that is also in the optimizer has."""
        held = set(self.held)
        return {
            name: None if p.grad is None else p.grad.detach().clone()
            for p, name in self.names.items()
            if p in held and p.requires_grad
        }

    def _loss(self, *args, **kwargs):
        self._note((*args, *kwargs.values()))
        loss = self.known(*args, **kwargs)
        self._note_loss(loss)
        return loss

    def _note(self, args) -> None:
        tensors = [a.detach() for a in args if isinstance(a, Tensor)]
        if len(tensors) > 1:
            self.seen.outputs, self.seen.targets = tensors[:2]

    def _note_loss(self, loss) -> None:
        self.seen.loss = loss.detach().float().mean().item()

    def _note_inputs(self, model, args) -> None:
        first = first_tensor(args)
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


@contextmanager
def nothing_changed(model, loader, optimizer) -> Iterator[None]:
    """Put random numbers and the loader's generators back; stop a step that strays."""

    def stop(thing, *_):
        if thing is model or thing is optimizer:  # a copy carries the hook as well
            raise RuntimeError(
                "your step uses a model or an optimizer from outside; it has to use "
                "its arguments: step(model, batch, loss_fn, optimizer)"
            )

    hooks = [model.register_forward_pre_hook(stop)]
    hooks.append(optimizer.register_step_pre_hook(stop))
    python, numpy_state = random.getstate(), np.random.get_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    cpu, kept = torch.get_rng_state(), [(g, g.get_state()) for g in generators(loader)]
    groups = [dict(group) for group in optimizer.param_groups]
    try:
        with torch.enable_grad():
            yield
    finally:
        for hook in hooks:
            hook.remove()
        random.setstate(python)
        np.random.set_state(numpy_state)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        for generator, state in kept:
            generator.set_state(state)
        for group, values in zip(optimizer.param_groups, groups, strict=True):
            group.update(values)


def generators(loader) -> list[torch.Generator]:
    """Return the torch generators that the loader, its samplers and dataset keep."""
    found, owners = {}, [loader]
    while owners:
        owner = owners.pop()
        for name, value in vars(owner).items() if hasattr(owner, "__dict__") else ():
            if isinstance(value, torch.Generator):
                found[id(value)] = value
            elif name in {"sampler", "batch_sampler", "dataset"}:
                owners.append(value)
    return list(found.values())
