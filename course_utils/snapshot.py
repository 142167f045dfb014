"""A snapshot of a training run: what an examination touches is put back at its end.

Built by hand in notebooks/15_clinic_method.ipynb, section 8. What is added here: random
numbers, wherever the loader keeps them, and a stop for a step that strays.
"""

import copy
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from types import FunctionType, ModuleType

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

GENERATORS = torch.Generator, np.random.Generator, np.random.RandomState, random.Random
OTHERS = Tensor, type, ModuleType, FunctionType  # that keep no generator of a loader


@contextmanager
def nothing_changed(
    model: nn.Module, loader: Iterable, optimizer: Optimizer
) -> Iterator[None]:
    """Put gradients, modes, rates and random numbers back at the end.

    Raises: RuntimeError when the model or the optimizer is used in the block itself,
            not as a copy; its parameters have not changed then.
    """

    def stop(thing, *_):
        if thing is model or thing is optimizer:  # a copy carries the hook as well
            raise RuntimeError(
                "your step uses a model or an optimizer from outside; it has to use "
                "its arguments: step(model, batch, loss_fn, optimizer)"
            )

    put_back = [*of_run(model, optimizer), *of_process()]
    put_back += [of_generator(found) for found in generators(loader)]
    hooks = [model.register_forward_pre_hook(stop)]
    hooks.append(optimizer.register_step_pre_hook(stop))
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for hook in hooks:
            hook.remove()
        for action in put_back:
            action()


def of_run(model: nn.Module, optimizer: Optimizer) -> Iterator[Callable]:
    """Set the gradients aside; yield what puts them, modes and groups back."""
    held = [p for group in optimizer.param_groups for p in group["params"]]
    for parameter in {*model.parameters(), *held}:
        yield partial(setattr, parameter, "grad", parameter.grad)
        parameter.grad = None
    for module in model.modules():
        yield partial(setattr, module, "training", module.training)
    for group in optimizer.param_groups:
        yield partial(group.update, dict(group))


def of_process() -> Iterator[Callable]:
    """Yield what puts the random numbers of this process back."""
    yield partial(random.setstate, random.getstate())
    yield partial(np.random.set_state, np.random.get_state())
    yield partial(torch.set_rng_state, torch.get_rng_state())
    if torch.cuda.is_initialized():
        yield partial(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())


def of_generator(generator) -> Callable:
    """Return what puts one generator back to where it is now."""
    if isinstance(generator, random.Random):
        return partial(generator.setstate, generator.getstate())
    if isinstance(generator, np.random.Generator):
        bits = generator.bit_generator
        return partial(setattr, bits, "state", copy.deepcopy(bits.state))
    return partial(generator.set_state, generator.get_state())


def generators(loader: Iterable) -> list:
    """Return those that a loader keeps, in its samplers, dataset and transforms too."""
    found, known, owners = [], set(), deque([loader])
    while owners and len(known) < 10_000:  # a dataset may hold anything
        owner = owners.popleft()
        if id(owner) in known:
            continue
        known.add(id(owner))
        if isinstance(owner, GENERATORS):
            if not isinstance(owner, random.SystemRandom):  # has no state
                found.append(owner)
        elif isinstance(owner, list | tuple):
            owners += owner[:100]
        elif isinstance(owner, dict):
            owners += islice(owner.values(), 100)
        elif hasattr(owner, "__dict__") and not isinstance(owner, OTHERS):
            owners += vars(owner).values()
    return found
