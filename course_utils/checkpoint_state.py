"""Turn models, optimizers and plain values into data that a file may hold.

Built by hand in notebooks/08_checkpoints.ipynb, sections 1 and 2. What is added here:
a value that cannot be saved is named, and copies for a save in the background.
"""

import copy
import random
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

# What torch.load(weights_only=True) accepts besides tensors.
SINGLE = {type(None), bool, int, float, complex, str, bytes}
SINGLE |= {torch.dtype, torch.device, torch.Size}
LISTS = {list, tuple, set}
DICTS = {dict, OrderedDict, Counter}


def packed(state: Mapping, keep: Callable | None = None) -> tuple[dict, dict]:
    """Return the data of each value, and the class of each that has a state_dict.

    `keep` receives each tensor and returns what stands for it: a copy, for instance.

    Raises: TypeError, naming the key, for a value that is neither plain nor has a
            state_dict.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"expected a dict of names and values, got {type(state)}")
    keep, data, kinds, alive = keep or Tensor.detach, {}, {}, []
    for name, value in state.items():
        if not isinstance(name, str):
            raise TypeError(f"expected names that are strings, got {name!r}")
        if callable(getattr(value, "state_dict", None)) and not isinstance(value, type):
            kinds[name] = type(value).__name__
            value = value.state_dict()
        alive.append(value)  # or the next one's tensors might take its addresses
        data[name] = plain(value, name, keep)
    return data, kinds


def plain(value, key: str, keep: Callable = Tensor.detach):
    """Return `value` with NumPy's numbers as Python's; refuse what is not data.

    Raises: TypeError that names the key.

    >>> plain({"loss": np.float64(0.5), "epoch": 3}, "history")
    {'loss': 0.5, 'epoch': 3}
    """
    if isinstance(value, Tensor):
        if reason := unfit(value):
            raise TypeError(f"{key} cannot be saved: {reason}")
        return keep(value)
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in SINGLE and not too_long(value):
        return value
    if type(value) in LISTS:
        return type(value)(plain(v, f"{key}[{i}]", keep) for i, v in enumerate(value))
    if type(value) in DICTS:
        result = copy.copy(value)  # a model's state_dict carries its version along
        result.clear()
        for name, item in value.items():
            inside = f"{key}[{name!r}]"
            result[plain(name, f"the name in {inside}")] = plain(item, inside, keep)
        return result
    advice = {
        np.ndarray: "; torch.from_numpy() makes a tensor of it",
        torch.Generator: "; save its get_state()",
    }.get(type(value), "; save the numbers, strings or tensors that it holds")
    if callable(getattr(value, "state_dict", None)):
        advice = "; give it a name of its own in the state, not inside another value"
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise TypeError(f"{key} cannot be saved: it is a {kind}{advice}")


def unfit(tensor: Tensor) -> str:
    """Return why a tensor would not come back from a file, or ""."""
    if tensor.is_meta:
        return "on the meta device it has no values"
    if is_lazy(tensor):
        return "it has no shape yet; let the model compute once"
    if type(tensor.detach()) is not Tensor:
        return f"it is a {type(tensor).__name__}; save a plain tensor"
    if tensor.is_quantized or tensor.layout not in (torch.strided, torch.sparse_coo):
        return f"it is {tensor.layout} of {tensor.dtype}; save a dense tensor"
    return "it is a nested tensor; save its parts" if tensor.is_nested else ""


def too_long(value) -> bool:
    """Return whether weights_only refuses to read this value: b"", or 2**2040."""
    return value == b"" or (isinstance(value, int) and value.bit_length() > 2000)


class Buffer:
    """Copies of tensors in the CPU's memory, which the next round uses again."""

    def __init__(self) -> None:
        """Start without memory; the first round takes what it needs."""
        self.tensors: list[Tensor] = []
        self.restart()

    def restart(self) -> None:
        """Begin a round; the copies of the round before are overwritten."""
        self.position, self.seen = 0, {}

    def keep(self, tensor: Tensor) -> Tensor:
        """Return a copy; two names for one tensor get one copy.

        All tensors of a round have to live until its end: they are known by address.
        """
        if tensor.layout != torch.strided:
            return tensor.detach().cpu().clone()
        key = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        key += (tensor.is_conj(), tensor.is_neg())
        if tensor.numel() and key in self.seen:
            return self.seen[key]
        with torch.inference_mode(False), torch.no_grad():
            place = self.place(tensor)
            place.copy_(tensor.detach())
        self.seen[key] = place
        return place

    def place(self, tensor: Tensor) -> Tensor:
        """Return memory for a copy, that of the round before where it fits."""
        index, self.position = self.position, self.position + 1
        # The same order in memory, channels_last for instance: fused steps go by it.
        form = torch.empty_like(tensor, device="meta")
        if index < len(self.tensors):
            old = self.tensors[index]
            same = old.shape == form.shape and old.stride() == form.stride()
            if same and old.dtype == tensor.dtype:
                return old
        new = torch.empty_strided(
            form.shape,
            form.stride(),
            dtype=tensor.dtype,
            device="cpu",
            pin_memory=tensor.is_cuda,
        )
        self.tensors[index:] = [new]  # what follows does not fit either
        return new


def random_states() -> dict:
    """Return the states of Python's, NumPy's, torch's and CUDA's random numbers."""
    kind, words, *rest = np.random.get_state()
    states = {
        "python": random.getstate(),
        "numpy": plain([kind, torch.from_numpy(words.view(np.int32)), *rest], "numpy"),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_initialized():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states
