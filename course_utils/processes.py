"""Run a function in several processes that can talk to each other, on this machine.

Built by hand in notebooks/13_many_devices.ipynb, section 1. What is added here: an
error, a death or a time-out in one process ends them all, and says which it was.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any
from warnings import catch_warnings

import torch
import torch.distributed as dist

GRACE = 5  # seconds after which a child whose parent is gone ends itself


class ProcessFailed(RuntimeError):
    """One process failed; `rank` says which, `reason` why."""

    def __init__(self, rank: int, reason: str, details: str = "") -> None:
        """Put the child's own traceback into the message."""
        super().__init__(f"rank {rank}: {reason}\n{details}".strip())
        self.rank, self.reason = rank, reason


def run_processes(
    function: Callable, *args: Any, count: int = 2, seconds: float = 60
) -> list:
    """Call function(rank, *args) in `count` processes; return the results by rank.

    The processes are copies of this one (fork), form a gloo group and compute on one
    CPU thread each; they see no GPU. What they change, they change in their copy: only
    what they return comes back. None is left running afterwards, whatever happens.
    Once this process has computed gradients with a GPU in sight, its copies can't: set
    CUDA_VISIBLE_DEVICES="" before, as the lesson does.

    Unit:    `seconds` for all of it; after that the processes are killed.
    Raises:  ProcessFailed for an error or a death in a process, TimeoutError when the
             time is up, OSError where there is no fork (Windows).
    """
    if not hasattr(os, "fork"):
        raise OSError("expected a system with fork, got Windows: use WSL or Colab")
    context, processes, pipes = multiprocessing.get_context("fork"), [], []
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        try:
            for rank in range(count):
                mine, theirs = context.Pipe(duplex=False)
                pipes.append(mine)
                place = (rank, count, f"{folder}/store", seconds, theirs)
                child = context.Process(target=serve, args=(place, function, args))
                processes.append(child)
                with catch_warnings(action="ignore", category=DeprecationWarning):
                    child.start()  # Python warns of forking with threads
                theirs.close()  # or the end of the child would go unnoticed
            return collected(processes, pipes, end, seconds)
        finally:
            for child in filter(lambda child: child.pid, processes):
                child.kill()
                child.join()


def collected(processes: list, pipes: list, end: float, seconds: float):
    """Return what every process sent; raise at the first that failed or is late."""
    results: dict[int, Any] = {}
    while waited_for := [pipe for k, pipe in enumerate(pipes) if k not in results]:
        ready = wait(waited_for, timeout=max(0, end - time.monotonic()))
        if not ready:
            late = ", ".join(str(pipes.index(pipe)) for pipe in waited_for)
            raise TimeoutError(
                f"not done after {seconds:g} s: rank {late}. "
                "Does every process join every all_reduce, send and recv?"
            )
        for pipe in ready:
            rank = pipes.index(pipe)
            try:
                reason, value = pickle.loads(pipe.recv_bytes())
            except EOFError:
                reason, value = "ended without a result", ""
            if reason:
                # Another's death is felt here as a broken connection: name the cause.
                for other, process in enumerate(processes):
                    process.join(0.1)
                    if code := process.exitcode:
                        how = signal.Signals(-code).name if code < 0 else f"code {code}"
                        raise ProcessFailed(other, f"the process ended ({how})")
                raise ProcessFailed(rank, reason, value)
            results[rank] = value
    return [results[rank] for rank in range(len(pipes))]


def serve(place: tuple, function: Callable, args: tuple) -> None:
    """Run in the child: join the group, call, send back the result or the error."""
    rank, count, store, seconds, pipe = place
    torch.set_num_threads(1)  # first of all: OpenMP's other threads stayed behind
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us, or else:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(seconds) + GRACE)
    torch.cuda.is_available, torch.cuda.device_count = (lambda: False), (lambda: 0)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # and for its own children
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # no name look-up
    try:
        dist.init_process_group("gloo", f"file://{store}", rank=rank, world_size=count)
        dist.barrier()  # who is done at once must not leave while others still connect
        message = pickle.dumps(("", function(rank, *args)))
        dist.destroy_process_group()
    except BaseException as problem:
        reason = f"{type(problem).__name__}: {problem}"
        pipe.send_bytes(pickle.dumps((reason, traceback.format_exc())))
        signal.pause()  # an exit would break the others' connections: noise
    pipe.send_bytes(message)
