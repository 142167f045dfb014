"""Run a learner's answer so that nothing of it stays behind and it always ends."""

import random
import signal
import threading
from contextlib import contextmanager

import numpy as np
import torch

# Code that tidies up after an answer and must not be interrupted itself.
OURS = {__name__, "course_utils.checks", "contextlib"}


class TimeIsUp(BaseException):
    """The answer ran too long; not an Exception, so that no answer catches it."""


@contextmanager
def unchanged_state():
    """Put torch's, NumPy's and Python's global state back after the block.

    Restored: the random states (a GPU's too, once it is in use), whether gradients
    are recorded, the default dtype and the number of threads.
    """
    python, numpy = random.getstate(), np.random.get_state()
    grad, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    threads = torch.get_num_threads()
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(gpus):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_grad_enabled(grad)
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)


def has_time_limit() -> bool:
    """Return whether an endless answer can be stopped: a Unix main thread only."""
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "SIGALRM")


@contextmanager
def time_limit(seconds: float):
    """Raise TimeIsUp in the block after `seconds`, where the platform can do it."""
    if not has_time_limit():
        yield
        return

    def stop(_, frame):
        if frame.f_globals.get("__name__") not in OURS:
            raise TimeIsUp

    before = signal.signal(signal.SIGALRM, stop)
    # Again and again, because a bare `except:` in the answer swallows the first one.
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.005)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
