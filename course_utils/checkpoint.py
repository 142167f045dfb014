"""Keep checkpoints of a run in a folder, and find the newest good one or the best.

Built by hand in notebooks/08_checkpoints.ipynb, sections 2 to 5. What is added here is
saving in the background. The parts: what a checkpoint may hold (checkpoint_state,
checkpoint_restore), how one file is written (checkpoint_file), which files of a folder
are kept and copied to Drive (checkpoint_folder).
"""

import operator
import sys
import time
import warnings
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import torch

from course_utils import checkpoint_folder as folders
from course_utils import drive
from course_utils.checkpoint_file import Damaged, Entry, claim, explained, write
from course_utils.checkpoint_restore import Checkpoint
from course_utils.checkpoint_state import Buffer, packed, random_states


class Checkpoints:
    """The checkpoints of one run: the newest `keep_last` and the best are kept.

    `folder` is on this machine's disk. `mirror`, on Drive for instance, gets a copy of
    each that is kept; when it fails, a warning says what to do, training goes on, and
    the next save copies what is missing. The best has the smallest metric, or with
    `largest=True` the largest; nan is never the best.
    """

    def __init__(
        self,
        folder: Path | str,
        keep_last: int = 2,
        mirror: Path | str | None = None,
        largest: bool = False,
    ) -> None:
        """Make the folder; nothing in it is changed.

        Raises: ValueError for keep_last below 1 and a mirror that is the folder;
                OSError when the folder cannot be made.
        """
        if keep_last < 1:
            raise ValueError(f"expected keep_last of at least 1, got {keep_last}")
        self.keep_last, self.largest = keep_last, largest
        self.folder = Path(folder).absolute()  # wherever the current folder moves
        self.mirror = None if mirror is None else Path(mirror).absolute()
        if self.mirror and self.mirror.resolve() == self.folder.resolve():
            raise ValueError(f"expected a mirror elsewhere, got the folder {folder}")
        drive.make_folder(self.folder)
        self._buffer, self._writer, self._writing = Buffer(), None, None
        self._known: set[str] = set()  # hashes of what may be deleted in the mirror
        self._warnings: list[str] = []
        self._failures: list[Exception] = []
        weakref.finalize(self, last_words, self._warnings, self._failures)

    def save(
        self,
        state: Mapping,
        step: int,
        metric: float | None = None,
        background: bool = False,
    ) -> Path:
        """Save a state under this step; return the path of its data.

        `state` gives names to objects with a state_dict (model, optimizer, scheduler)
        and to numbers, strings, tensors, and lists and dicts of them. The random
        states travel along. With `background=True` a copy is taken, and written while
        training goes on; an error then comes with the next save() or wait().

        Raises: TypeError naming the key of a value that cannot be saved; ValueError
                for a step that is no count; OSError when the disk fails. The earlier
                checkpoints are untouched then.
        """
        self._join()
        self._raise()
        step = operator.index(step)
        if step < 0:
            raise ValueError(f"expected a step from 0 on, got {step}")
        metric = None if metric is None else float(metric)
        self._buffer.restart()
        data, kinds = packed(state, self._buffer.keep if background else None)
        payload = {"format": 1, "step": step, "metric": metric, "state": data}
        payload |= {"kinds": kinds, "random": random_states()}
        note = {"step": step, "metric": metric, "torch": str(torch.__version__)}
        path = explained(self.folder, claim, self.folder, step)
        work = (payload, path, note)
        if background:
            # One thread that stays: starting one takes as long as copying 10 MB.
            self._writer = self._writer or ThreadPoolExecutor(max_workers=1)
            try:
                self._writing = self._writer.submit(self._in_background, *work)
            except BaseException:  # it may be on its way: leave it its memory
                self._buffer = Buffer()
                raise
        else:
            self._write(*work)
        self._warn()
        return path

    def wait(self) -> None:
        """Wait for the save in the background; raise its error, if it had one."""
        self._join()
        self._warn()
        self._raise()

    def latest(self) -> Checkpoint | None:
        """Return the newest good checkpoint, from the folder or the mirror, or None.

        The newest is the one saved last, whatever its step. A damaged one is passed
        over with a warning.

        Raises: OSError when there is none in the folder and the mirror can't be read.
        """
        try:
            return self._first(folders.age)
        finally:
            self._warn()

    def best(self) -> Checkpoint | None:
        """Return the good checkpoint with the best metric, or None.

        Raises: as `latest`.
        """
        try:
            return self._first(folders.rank(self.largest))
        finally:
            self._warn()

    def _first(self, key: Callable) -> Checkpoint | None:
        """Return the first readable checkpoint in the order of `key`."""
        self._join()
        said, tried = {}, set()  # a dict keeps the order, and each text once
        try:
            while True:
                # Listed anew each time: another process may keep this folder too.
                found, unread = self._listed(said)
                found = [e for e in found if e.path not in tried and key(e) is not None]
                if not found:
                    break
                entry = min(found, key=key)
                tried.add(entry.path)
                try:
                    payload = folders.read(entry)
                except (Damaged, OSError) as problem:
                    said[f"{entry.path} was passed over: {problem}"] = None
                else:
                    parts = payload["state"], payload["kinds"], payload["random"]
                    step, metric = payload["step"], payload["metric"]
                    return Checkpoint(step, metric, entry.path, *parts)
        finally:
            self._warnings += said
        if unread:
            raise OSError(f"{unread}. No good checkpoint is in {self.folder} either")
        return None

    def _listed(self, said: dict) -> tuple[list[Entry], str]:
        """Return what looks whole in both folders, and why the mirror wasn't read."""
        unread = ""
        drive.make_folder(self.folder)  # somebody may have deleted it
        found, problems = folders.entries(self.folder)
        if self.mirror:
            try:
                drive.make_folder(self.mirror)
                there, more = folders.entries(self.mirror)
                found, problems = found + there, problems + more
                self._known |= {entry.note["sha256"] for entry in there}
            except OSError as problem:
                unread = f"{self.mirror} was not read: {drive.advice(problem)}"
                problems.append(unread)
        said.update(dict.fromkeys(problems))
        return found, unread

    def _in_background(self, *work) -> None:
        """Write, and keep an error for the next call."""
        time.sleep(0.005)  # save() returns before two threads want the interpreter
        try:
            self._write(*work)
        except Exception as problem:
            self._failures.append(problem)

    def _write(self, payload: dict, path: Path, note: dict) -> None:
        """Write one checkpoint, delete what is not kept, update the mirror."""
        before = folders.entries(self.folder)[0]
        # Microseconds, but later than the last even when the clock was set back, or
        # was ahead on the machine that filled the mirror.
        newest = folders.newest(before, self.mirror)
        note["saved"] = max(time.time_ns() // 1000, newest + 1)
        payload["saved"] = note["saved"]  # two equal states are two checkpoints
        self._known.add(explained(path, write, payload, path, note))
        self._known |= {entry.note["sha256"] for entry in before}
        rule = self.keep_last, self.largest
        try:
            folders.prune(self.folder, *rule)
        except OSError as problem:
            self._warnings.append(f"old checkpoints could not be deleted: {problem}")
        try:
            if self.mirror:
                folders.update(self.mirror, self.folder, *rule, self._known)
        except (OSError, Damaged) as problem:
            self._warnings.append(
                f"{self.mirror} is not up to date: {drive.advice(problem)}. Training "
                f"goes on, {path.name} is in {self.folder}, the next save tries again"
            )

    def _join(self) -> None:
        """Wait until nothing is being written."""
        if self._writing:
            wait([self._writing])
            self._writing = None

    def _raise(self) -> None:
        """Raise the error of a save in the background, once."""
        if self._failures:
            raise self._failures.pop()

    def _warn(self) -> None:
        """Give the warnings that have gathered, in the thread of who called."""
        while self._warnings:
            warnings.warn(self._warnings.pop(0), stacklevel=3)


def last_words(warned: list[str], failures: list[Exception]) -> None:
    """Print what a save in the background had to say and nobody asked for."""
    for line in [*warned, *failures]:
        print(f"checkpoint: {line}", file=sys.stderr)
