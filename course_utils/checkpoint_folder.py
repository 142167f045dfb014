"""Know the checkpoints in a folder: list, read, keep, mirror them.

Built by hand in notebooks/08_checkpoints.ipynb, sections 3 to 5.
"""

import contextlib
import hashlib
import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import torch

from course_utils import drive
from course_utils.checkpoint_file import NAME, Damaged, Entry, checked, copy

ABANDONED = 600  # seconds without a write, after which a save is no longer going on


def entries(folder: Path) -> tuple[list[Entry], list[str]]:
    """Return the checkpoints that look whole, and what is wrong with the others.

    Raises: OSError when the folder itself cannot be read.
    """
    found, problems = [], []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".pt") and NAME.fullmatch(name):
            path = folder / name
            try:
                found.append(Entry(path, noted(path)))
            except (Damaged, OSError) as problem:
                problems.append(f"{path} was passed over: {problem}")
    return found, problems


def noted(path: Path) -> dict:
    """Return the note beside a checkpoint; raise Damaged unless both look whole."""
    try:
        note = json.loads(path.with_suffix(".json").read_bytes())
        whole = checked(note) == note
    except FileNotFoundError:
        raise Damaged("the .json with its hash is not there, or not yet") from None
    except (ValueError, AttributeError):
        whole = False
    if not whole:
        raise Damaged("the .json beside it is damaged")
    if (size := path.stat().st_size) != note["bytes"]:
        raise Damaged(f"expected {note['bytes']} bytes, got {size}")
    return note


def read(entry: Entry) -> dict:
    """Return the data of a checkpoint, after comparing its hash.

    Raises: Damaged when the bytes are not those written, or not those of a
            checkpoint; OSError when they cannot be read. No code in it ever runs.
    """
    with open(entry.path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != entry.note["sha256"]:
            raise Damaged("it is damaged, its hash is not the one noted")
        file.seek(0)
        try:
            payload = torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:
            raise Damaged("it holds more than data, and its code was not run") from None
        except Exception as problem:
            raise Damaged(f"torch cannot read it: {problem}") from problem
    if not isinstance(payload, dict) or payload.get("format") != 1:
        raise Damaged("it was not written by this version of course_utils.checkpoint")
    return payload


def age(entry: Entry) -> int:
    """Return a key that is smallest for the newest: the one saved last."""
    return -entry.note["saved"]


def rank(largest: bool) -> Callable[[Entry], tuple | None]:
    """Return a key that is smallest for the best, None without a metric or for nan."""

    def key(entry: Entry) -> tuple | None:
        metric = entry.note["metric"]
        if metric is None or metric != metric:
            return None
        return (-metric if largest else metric, entry.note["saved"])

    return key


def kept(found: list[Entry], keep_last: int, largest: bool) -> list[Entry]:
    """Return the newest `keep_last`, the newest first, and then the best."""
    key = rank(largest)
    once = {entry.note["sha256"]: entry for entry in found}.values()
    ranked = sorted((entry for entry in once if key(entry)), key=key)
    chosen = sorted(once, key=age)[:keep_last] + ranked[:1]
    hashes = [entry.note["sha256"] for entry in chosen]
    copies = [entry for entry in found if entry.note["sha256"] in hashes]
    return sorted(copies, key=lambda entry: hashes.index(entry.note["sha256"]))


def newest(found: list[Entry], mirror: Path | None) -> int:
    """Return when the newest of these and the mirror's was saved; 0 without one."""
    with contextlib.suppress(OSError):
        found = found + (entries(mirror)[0] if mirror else [])
    return max((entry.note["saved"] for entry in found), default=0)


def prune(folder: Path, keep_last: int, largest: bool) -> None:
    """Delete what is not kept, and what killed saves have left behind."""
    found = entries(folder)[0]
    wanted = kept(found, keep_last, largest)
    for entry in found:
        if entry not in wanted:
            remove(entry.path)
    remove_abandoned(folder)


def update(
    mirror: Path, folder: Path, keep_last: int, largest: bool, known: set[str]
) -> None:
    """Copy to the mirror what it lacks, the newest first, then delete what is not kept.

    `known` holds the hashes that may be deleted, those that this run has listed or
    copied: files that Drive shows late, after a run began anew without them, stay.

    Raises: Damaged or OSError when a copy failed; nothing has been deleted then.
    """
    drive.make_folder(mirror)
    there = entries(mirror)[0]
    hashes = {entry.note["sha256"] for entry in there}
    ours = [e for e in entries(folder)[0] if e.note["sha256"] not in hashes]
    wanted = kept(there + ours, keep_last, largest)
    damaged = None
    for entry in wanted:
        if entry in ours:
            try:
                copy(entry, mirror)
            except Damaged as problem:
                damaged = problem
    if damaged:
        raise damaged
    for entry in there:
        if entry not in wanted and entry.note["sha256"] in known:
            remove(entry.path, empty_first=True)
    remove_abandoned(mirror)


def remove(path: Path, empty_first: bool = False) -> None:
    """Delete a checkpoint: it is gone with the name of its .pt, the note follows.

    `empty_first` is for Drive, whose bin counts against the space that one has.
    """
    if empty_first:
        path = path.replace(path.with_suffix(".tmp"))
        os.truncate(path, 0)
    path.unlink(missing_ok=True)
    path.with_suffix(".json").unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> None:
    """Delete what a killed save has left: notes and temporary files without data."""
    names = {name for name in os.listdir(folder) if NAME.fullmatch(name)}
    for stem in {Path(name).stem for name in names}:
        parts = [folder / f"{stem}{end}" for end in (".json", ".tmp")]
        parts = [part for part in parts if part.name in names]
        if parts and f"{stem}.pt" not in names:
            with contextlib.suppress(OSError):
                newest = max(part.stat().st_mtime for part in parts)
                if time.time() - newest > ABANDONED:
                    for part in parts:
                        part.unlink(missing_ok=True)
