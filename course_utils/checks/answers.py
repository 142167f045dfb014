"""Call what a learner wrote and read what comes back."""

import copy
import dis
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

TRIVIAL = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "CACHE"}


class StillOpen(Exception):
    """The starter code has not been filled in yet."""


def is_empty(function: Callable) -> bool:
    """Return whether a Python function's body is nothing but a docstring and `...`."""
    code = getattr(function, "__code__", None)
    return code is not None and all(
        step.opname in TRIVIAL for step in dis.get_instructions(code)
    )


def ask(answer: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call the learner's function and return its result.

    Raises: StillOpen when its body is still `...`; AssertionError when it is no
            function, or returns nothing although it has been filled in.
    """
    assert callable(answer), (
        f"expected a function, got {brief(answer)}; "
        "hand over its name, without calling it"
    )
    result = answer(*args, **kwargs)
    assert torch.is_grad_enabled(), (
        "after your function gradients are switched off for everything: "
        "use `with torch.no_grad():`"
    )
    if result is ... or (result is None and is_empty(answer)):
        raise StillOpen
    assert result is not None, "your function returned None; is a `return` missing?"
    return result


def a_class(answer: Any) -> type:
    """Return `answer`; raise AssertionError unless it is a class."""
    assert isinstance(answer, type), (
        f"expected the class itself, got {brief(answer)}; hand over its bare name"
    )
    return answer


def number(result: Any) -> float:
    """Return a result as a float: a number, or a tensor or array of one element.

    Raises: AssertionError, in the learner's words, for anything else.
    """
    try:
        if isinstance(result, torch.Tensor):
            result = result.detach()
        if isinstance(result, np.ndarray) and result.size == 1:
            result = result.item()
        value = float("nan" if isinstance(result, str | bytes) else result)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        value = math.nan
    assert math.isfinite(value), f"expected one number, got {brief(result)}"
    return value


def yes_or_no(result: Any) -> bool:
    """Return a result as a bool: Python's, NumPy's or a tensor with one element.

    Raises: AssertionError, in the learner's words, for anything else.
    """
    tensor = isinstance(result, torch.Tensor)
    if tensor and result.numel() == 1 and result.dtype is torch.bool:
        result = result.item()
    assert isinstance(result, bool | np.bool_), (
        f"return True or False, got {brief(result)}"
    )
    return bool(result)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    """Return normal random numbers that depend on nothing but the seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def global_states() -> list:
    """Return the states of Python's, NumPy's and torch's random numbers, to compare."""
    numpy = [np.asarray(part).tolist() for part in np.random.get_state()]
    return [random.getstate(), numpy, torch.get_rng_state().tolist()]


def brief(value: Any) -> str:
    """Return `value` on one short line: a number as it is, a large tensor by shape."""
    if isinstance(value, torch.Tensor) and value.numel() > 8:
        return f"a tensor of shape {tuple(value.shape)}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def preserved(answer: Any) -> Any:
    """Return a copy for the judge to work on, or `answer` where none can be made.

    A function is its own copy. So is what cannot be copied, a tensor in the middle of
    a graph for instance: a judge must never change what it is given.
    """
    try:
        return copy.deepcopy(answer)
    except Exception:
        return answer
