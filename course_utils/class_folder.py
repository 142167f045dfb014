"""Find images in a folder that holds a folder a class, and say what is wrong with it.

Built by hand in notebooks/17_your_own_run.ipynb, section 1. What is added here: the
parts train, validation and test, and an error for each way in which a folder can be
other than expected. To read the images: course_utils.image_files.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

KINDS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
PARTS |= dict.fromkeys(("val", "valid", "validation"), "validation")
CLUTTER = {"desktop.ini", "thumbs.db", "__macosx"}  # what systems leave in folders


class BadFolder(ValueError):
    """A folder is not what was expected; the message says what came instead."""


@dataclass(frozen=True)
class ClassFolder:
    """The images of a folder: sample k is `paths[k]`, of class `classes[labels[k]]`."""

    folder: Path
    classes: list[str]
    paths: list[Path]
    labels: Tensor  # (N,) int64
    parts: list[str]  # "train", "validation", "test", or "" where nothing tells

    def of(self, part: str) -> Tensor:
        """Return the indices of one part, (M,) int64."""
        return torch.tensor([k for k, p in enumerate(self.parts) if p == part]).long()


def find_images(folder: Path | str, least: int = 10, most: int = 1_000) -> ClassFolder:
    """Find the images below folder/class, or below folder/train/class and so on.

    Files and folders are taken by name; what begins with a dot is passed over. Names
    alone are looked at, no file is opened.

    Raises: BadFolder unless there are at least two classes and at most `most`, the
            same in each part, with at least `least` images each to train on, and
            nothing but images in them.
    """
    folder = Path(folder)
    if not folder.is_dir():
        kind = "a file" if folder.exists() else "nothing"
        raise BadFolder(f"expected a folder of class folders at {folder}, got {kind}")
    inside = folders_in(folder)
    known = [part for part in inside if part.name.lower() in PARTS]
    if known and len(known) < len(inside):
        others = listed(p.name for p in inside if p not in known)
        raise BadFolder(
            f"expected {listed(p.name for p in known)} in {folder} beside other parts, "
            f"or classes alone, got also {others}"
        )
    tops = {PARTS[part.name.lower()]: part for part in known} or {"": folder}
    if known and "train" not in tops:
        raise BadFolder(f"expected a part train in {folder}, got {listed(tops)}")
    if len(tops) < len(known):
        twice = listed(p.name for p in known)
        raise BadFolder(f"expected each part once in {folder}, got {twice}")
    found = {part: classes_of(top, most) for part, top in tops.items()}
    classes = list(found.get("train") or next(iter(found.values())))
    for part, by_class in found.items():
        if differing := sorted(set(classes) ^ set(by_class)):
            raise BadFolder(
                f"expected the same classes in each part of {folder}, got "
                f"{listed(differing)} not in all of them (looked at: {part})"
            )
        wanted = least if part in ("", "train") else 1
        few = [f"{len(p)} in {name}" for name, p in by_class.items() if len(p) < wanted]
        if few:
            where = f"{folder / part}" if part else f"{folder}"
            raise BadFolder(
                f"expected at least {wanted} images of each class in {where}, "
                f"got {listed(few)}"
            )
    rows = [
        (path, classes.index(name), part)
        for part, by_class in found.items()
        for name, paths in by_class.items()
        for path in paths
    ]
    paths, labels, parts = (list(column) for column in zip(*rows, strict=True))
    return ClassFolder(folder, classes, paths, torch.tensor(labels), parts)


def classes_of(folder: Path, most: int) -> dict[str, list[Path]]:
    """Return the files of each class; raise BadFolder for what is not expected."""
    inside = folders_in(folder)
    if not inside:
        files = sum(not is_clutter(path) for path in folder.iterdir())
        raise BadFolder(
            f"expected a folder a class in {folder}, got no folder and {files} files: "
            "put each image into a folder with the name of its class"
        )
    if len(inside) == 1:
        raise BadFolder(
            f"expected at least two classes in {folder}, got one, {inside[0].name}: "
            "with one class there is nothing to tell apart"
        )
    if len(inside) > most:
        raise BadFolder(
            f"expected at most {most:,} classes in {folder}, got {len(inside):,} "
            f"folders, {listed(p.name for p in inside)}: a class is a folder of many "
            "images; if these are classes, raise `most`"
        )
    return {path.name: files_of(path) for path in inside}


def files_of(folder: Path) -> list[Path]:
    """Return the files of one class; raise BadFolder unless all look like images."""
    paths = sorted(path for path in folder.iterdir() if not is_clutter(path))
    if not paths:
        raise BadFolder(f"expected images in each class folder, got none in {folder}")
    if deeper := [path.name for path in paths if path.is_dir()]:
        raise BadFolder(
            f"expected images in {folder}, got folders: {listed(deeper)}; is this the "
            "folder above the one that is meant?"
        )
    if others := [path.name for path in paths if path.suffix.lower() not in KINDS]:
        raise BadFolder(
            f"expected images in {folder}, got {listed(others)}: move or convert "
            f"what is none of {', '.join(sorted(KINDS))}"
        )
    return paths


def folders_in(folder: Path) -> list[Path]:
    """Return the folders that are to be seen, by name."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not is_clutter(p))


def is_clutter(path: Path) -> bool:
    """Return whether a file or folder is hidden, or left there by a system."""
    return path.name.startswith(".") or path.name.lower() in CLUTTER


def listed(names: Iterable[str], most: int = 3) -> str:
    """Return the first names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
