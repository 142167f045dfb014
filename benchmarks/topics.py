"""Run each topic in a process of its own, so that it meets no other's imports."""

import importlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from benchmarks.measure import Table

TOPICS = ("step", "imports", "loading", "checkpoints", "kills", "resume")
TOPICS += ("memory", "course")


def tables_of(topic: str, tiny: bool) -> list[Table]:
    """Return the tables of one topic."""
    # The pool's method would be inherited, and a DataLoader would spawn its workers.
    multiprocessing.set_start_method(None, force=True)
    return importlib.import_module(f"benchmarks.{topic}").tables(tiny)


def in_a_new_process(topic: str, tiny: bool) -> list[Table]:
    """Return the tables of one topic, measured in a new process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(tables_of, topic, tiny).result()
