"""Load what a checkpoint holds into the objects of a run: into all, or into none.

Built by hand in notebooks/08_checkpoints.ipynb, section 2. What is added here: names,
shapes and classes are checked before the first object is changed.
"""

import copy
import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from course_utils.checkpoint_state import Buffer, plain

# The parts of an optimizer's state that have the shape of their parameter.
SHAPED = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg"}


@dataclass(frozen=True)
class Checkpoint:
    """One saved moment of a run; the tensors in `state` lie on the CPU."""

    step: int
    metric: float | None
    path: Path
    state: dict = field(repr=False)
    kinds: dict = field(repr=False)  # the class of each object with a state_dict
    random: dict = field(repr=False)

    def restore(self, **objects) -> dict:
        """Load the state into the objects, set the random states, return the rest.

        All objects are checked before the first is changed. An object that is not
        named stays as it is. It can be done again, from the same checkpoint.

        Raises: ValueError or TypeError that says what does not fit; nothing has
                changed then.
        """
        load(self.state, self.kinds, objects)
        set_random_states(self.random)
        rest = {key: v for key, v in self.state.items() if key not in self.kinds}
        return copy.deepcopy(rest)


def load(data: dict, kinds: dict, objects: dict) -> None:
    """Load the data into the objects: into all of them, or into none.

    Raises: ValueError or TypeError that names the object and what does not fit.
    """
    for name, thing in objects.items():
        check(name, thing, data, kinds)
    before = {
        name: plain(thing.state_dict(), name, Buffer().keep)
        for name, thing in objects.items()
    }
    try:
        for name, thing in objects.items():
            # A copy, since an optimizer goes on to change the tensors that it is given.
            thing.load_state_dict(copy.deepcopy(data[name]))
    except BaseException as problem:
        for other, thing in objects.items():
            thing.load_state_dict(before[other])
        if not isinstance(problem, Exception):  # Ctrl-C
            raise
        raise ValueError(f"{name}: {problem}; nothing was changed") from problem


def check(name: str, thing, data: dict, kinds: dict) -> None:
    """Raise ValueError or TypeError unless the data fit this object."""
    if name not in data:
        raise ValueError(f"expected names out of {list(data)}, got {name!r}")
    if name not in kinds:
        raise ValueError(
            f"{name} was saved as a plain value: take it from what restore() returns"
        )
    if not callable(getattr(thing, "load_state_dict", None)):
        raise TypeError(
            f"expected an object with load_state_dict() for {name}, "
            f"got {type(thing).__name__}"
        )
    kind = type(thing).__name__
    if isinstance(thing, Optimizer | LRScheduler) and kind != kinds[name]:
        raise ValueError(f"{name}: the checkpoint is of {kinds[name]}, this is {kind}")
    if isinstance(thing, nn.Module):
        check_model(name, thing.state_dict(), data[name])
    if isinstance(thing, Optimizer):
        check_optimizer(name, thing, data[name])


def check_model(name: str, mine: dict, saved: dict) -> None:
    """Raise ValueError unless names and shapes are the same."""
    start = f"{name}: the checkpoint is of another model: "
    if missing := [key for key in mine if key not in saved]:
        raise ValueError(f"{start}it lacks {', '.join(missing[:3])}")
    if extra := [key for key in saved if key not in mine]:
        raise ValueError(f"{start}it also has {', '.join(extra[:3])}")
    for key, value in mine.items():
        tensors = isinstance(value, Tensor) and isinstance(saved[key], Tensor)
        if tensors and value.shape != saved[key].shape:
            raise ValueError(
                f"{start}{key} has shape {tuple(saved[key].shape)} there, "
                f"{tuple(value.shape)} here"
            )


def check_optimizer(name: str, optimizer: Optimizer, saved: dict) -> None:
    """Raise ValueError unless the groups and the shapes of the state are the same."""
    groups = [len(group["params"]) for group in optimizer.param_groups]
    theirs = [len(group["params"]) for group in saved["param_groups"]]
    if groups != theirs:
        raise ValueError(
            f"{name}: the checkpoint has groups of {theirs} parameters, this {groups}"
        )
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    order = [i for group in saved["param_groups"] for i in group["params"]]
    for index, parameter in zip(order, parameters, strict=True):
        for key, value in saved["state"].get(index, {}).items():
            if key in SHAPED and value is not None and value.shape != parameter.shape:
                raise ValueError(
                    f"{name}: the checkpoint is of another model: its parameter "
                    f"{index} has shape {tuple(value.shape)} there, "
                    f"{tuple(parameter.shape)} here"
                )


def set_random_states(states: dict) -> None:
    """Set them again; those of GPUs that are not there are left out."""
    kind, words, *rest = states["numpy"]
    random.setstate(states["python"])
    np.random.set_state((kind, words.numpy().view(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    for number, state in enumerate(states.get("cuda", [])):
        if number < torch.cuda.device_count():
            torch.cuda.set_rng_state(state, number)
