"""Run a learner's answer on a clean ground, and leave nothing of it behind."""

import random
import signal
import sys
import threading
from contextlib import contextmanager

import numpy as np
import torch

# Code that tidies up after an answer and must not be interrupted itself.
OURS = {__name__, "course_utils.checks", "contextlib"}


class TimeIsUp(BaseException):
    """The answer ran too long; not an Exception, so that few answers catch it."""


def default_device() -> torch.device | None:
    """Return the device that `torch.set_default_device` was given, if any."""
    device = torch.get_default_device()
    return None if device == torch.device("cpu") else device


def anomaly_mode() -> tuple[bool, bool]:
    """Return whether anomalies are looked for, and nan among them."""
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


# What an answer, or the learner's own cells, may have set: how to read it, and how
# to write it back.
GLOBAL_STATE = [
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (default_device, torch.set_default_device),
    (torch.get_num_threads, torch.set_num_threads),
    (anomaly_mode, lambda mode: torch.autograd.set_detect_anomaly(*mode)),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
]


@contextmanager
def clean_state():
    """Give the block PyTorch's defaults; put the learner's settings back after it.

    Restored: random states (a GPU's too), and what GLOBAL_STATE lists.
    """
    before = [(write, read()) for read, write in GLOBAL_STATE]
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(gpus), torch.inference_mode(False):
            torch.set_grad_enabled(True)
            torch.set_deterministic_debug_mode(0)
            torch.autograd.set_detect_anomaly(False)
            torch.set_default_dtype(torch.float32)
            torch.set_default_device(None)
            yield
    finally:
        for write, value in before:
            write(value)
        if not torch.cuda.is_initialized():  # a seed waits for the GPU's first use
            torch.cuda.manual_seed_all(torch.initial_seed())


def has_time_limit() -> bool:
    """Return whether an endless answer can be stopped: a Unix main thread only."""
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "SIGALRM")


@contextmanager
def time_limit(seconds: float):
    """Raise TimeIsUp when the block takes longer, where the platform can do it.

    One call into compiled code is not interrupted before it returns.
    """
    if not has_time_limit():
        yield
        return
    expired = False

    def trace(frame, event, _):
        if event == "line" and frame.f_globals.get("__name__") not in OURS:
            raise TimeIsUp
        return trace

    def stop(_, frame):
        nonlocal expired
        if frame.f_globals.get("__name__") not in OURS:
            if expired:  # a bare `except:` swallowed it: raise in its body as well
                frame.f_trace = trace
                sys.settrace(trace)
            expired = True
            raise TimeIsUp

    before, tracer = signal.signal(signal.SIGALRM, stop), sys.gettrace()
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)
    try:
        yield
        if expired:
            raise TimeIsUp
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.settrace(tracer)
