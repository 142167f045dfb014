"""Write one checkpoint so that it is whole or absent, and read only what is whole.

Built by hand in notebooks/08_checkpoints.ipynb, section 3. A checkpoint is two files:
step-000120.pt holds the data, step-000120.json its SHA-256 and what is in it. The .json
is there first; the checkpoint exists from the moment that the .pt gets its name, and
no name is used twice while it exists.
"""

import contextlib
import errno
import hashlib
import itertools
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

NAME = re.compile(r"step-\d{6,}(-\d+)?\.(pt|json|tmp)")


class Damaged(Exception):
    """A checkpoint file that cannot be trusted; says why."""


@dataclass(frozen=True)
class Entry:
    """A checkpoint in a folder: the path of its data, and its note."""

    path: Path
    note: dict


def claim(folder: Path, step: int) -> Path:
    """Return a path that is now ours alone: its .json is made, and was not there."""
    for count in itertools.count(1):
        path = folder / f"step-{step:06d}{'' if count == 1 else f'-{count}'}.pt"
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                path.with_suffix(".json").touch(exist_ok=False)
                return path


def write(payload: dict, path: Path, note: dict) -> str:
    """Write the data, then the note, then give the data their name; return the hash.

    Raises: what the disk raises, after taking away what was half written.
    """

    def fill(file) -> dict:
        writer = HashingWriter(file)
        torch.save(payload, writer)
        return {"sha256": writer.finished(), "bytes": file.tell()}

    return finish(path, fill, note)


def copy(entry: Entry, folder: Path) -> None:
    """Copy a checkpoint to another folder under a free name, and compare the hash.

    Raises: Damaged when the copy is not the original; what the disk raises. No half
            copy stays behind where it can be taken away.
    """

    def fill(file) -> dict:
        with open(entry.path, "rb") as original:
            shutil.copyfileobj(original, file)
        file.flush()
        if sha256_of(Path(file.name)) != entry.note["sha256"]:
            raise Damaged(
                f"the copy of {entry.path} has another hash than the original"
            )
        return {}

    finish(claim(folder, entry.note["step"]), fill, entry.note)


def finish(path: Path, fill: Callable, note: dict) -> str:
    """Fill a temporary file, write the note, and rename, in this order.

    `fill` writes the data, and returns what it adds to the note. Returns the hash.
    """
    temporary, beside = path.with_suffix(".tmp"), path.with_suffix(".json")
    try:
        with open(temporary, "wb") as file:
            note = note | fill(file)
            file.flush()
            os.fsync(file.fileno())
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(checked(note), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        for leftover in (temporary, beside):
            with contextlib.suppress(OSError):
                if not path.exists():
                    leftover.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # the new name reaches the disk as well
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return note["sha256"]


class HashingWriter:
    """A file for torch.save that hashes what passes, and keeps the disk's error.

    torch reports a full disk as "unexpected pos", so the first OSError is kept here
    and raised once torch is done.
    """

    def __init__(self, file) -> None:
        """Write to an open file."""
        self.file, self.hash, self.problem = file, hashlib.sha256(), None

    def write(self, data) -> int:
        """Write and hash some bytes."""
        if self.problem is None:
            try:
                self.file.write(data)
                self.hash.update(data)
            except BaseException as problem:  # Ctrl-C as well
                self.problem = problem
        return len(data)

    def flush(self) -> None:
        """Leave flushing to the end."""

    def finished(self) -> str:
        """Return the SHA-256; raise the disk's error if there was one."""
        if self.problem is not None:
            raise self.problem
        return self.hash.hexdigest()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read piece by piece."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked(note: dict) -> dict:
    """Return the note with a hash of its own under "check"."""
    rest = {key: value for key, value in note.items() if key != "check"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
    return rest | {"check": digest[:16]}


def explained(path: Path, function: Callable, *arguments):
    """Call the function; say of an OSError where it came, and what is still good."""
    try:
        return function(*arguments)
    except OSError as problem:
        advice = {
            errno.ENOSPC: "; free some space or lower keep_last",
            errno.EDQUOT: "; free some space or lower keep_last",
            errno.ENOENT: "; was the folder deleted?",
        }.get(problem.errno, "")
        raise OSError(
            problem.errno,
            f"{problem.strerror or problem}: nothing was saved, the checkpoints before "
            f"are untouched{advice}",
            str(path),
        ) from problem
