"""Know the machine: where a lesson runs, on which device, from which seed."""

import os
import platform
import random
import sys

import numpy as np
import torch


def where() -> str:
    """Return "colab", "kaggle" or "local".

    Kaggle's image is built from Colab's and carries Colab's marks as well, so
    Kaggle's own mark is looked for first.

    Source: Kaggle/kagglehub issue 230.
    """
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ:
        return "kaggle"
    if "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ:
        return "colab"
    return "local"


def pick_device() -> torch.device:
    """Return the CUDA device when torch sees one, the CPU otherwise.

    Apple's mps is left out: it has no float64, which some lessons need, and the
    small models of this course are no faster there.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and torch's random numbers, those of a GPU included.

    Raises: ValueError when `seed` is not a whole number from 0 to 2**32 - 1,
            the range that all three accept.
    """
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**32:
        raise ValueError(f"expected a whole number from 0 to 2**32 - 1, got {seed!r}")
    random.seed(int(seed))
    np.random.seed(seed)
    torch.manual_seed(int(seed))


def use_one_thread() -> None:
    """Let torch compute on one CPU thread.

    A small model gains nothing from a second one, waits for it when the machine
    is busy, and rounds its sums differently with it, so printed digits change.
    """
    torch.set_num_threads(1)


def describe() -> str:
    """Return a line each for the place, the versions and the device."""
    device = pick_device()
    gpu = torch.cuda.get_device_name() if device.type == "cuda" else "none found"
    facts = {
        "place": where(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device.type,
        "GPU": gpu,
    }
    return "\n".join(f"{name:8}{fact}" for name, fact in facts.items())
