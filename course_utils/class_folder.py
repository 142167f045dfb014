"""Find images in a folder that holds a folder a class, and say what is wrong with it.

Built by hand in notebooks/17_your_own_run.ipynb, section 1. What is added here: the
parts train, validation and test, and an error for each way in which a folder can be
other than expected. To read the images: course_utils.image_files.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

import torch
from torch import Tensor

KINDS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
PARTS |= dict.fromkeys(("val", "valid", "validation"), "validation")
# Left in folders by Windows and macOS; names in lower case.
CLUTTER = {"desktop.ini", "thumbs.db", "ehthumbs.db", "icon\r", "__macosx"}


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
        """Return the indices of one part, (M,) int64; ValueError for another word."""
        if part not in ("", *PARTS.values()):
            names = sorted(set(PARTS.values()))
            raise ValueError(f"expected one of {names}, or '', got {part!r}")
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
        there = next(path for path in folder.absolute().parents if path.is_dir())
        kind = "a file" if folder.exists() else f"nothing: only {there} is there"
        home = "; write Path.home() for ~" if str(folder).startswith("~") else ""
        raise BadFolder(
            f"expected a folder of class folders at {folder}, got {kind}{home}"
        )
    inside = folders_in(folder)
    known = [part for part in inside if part.name.lower() in PARTS]
    names = listed(part.name for part in known)
    if known and len(known) < len(inside):
        others = listed(p.name for p in inside if p not in known)
        raise BadFolder(
            f"expected parts alone in {folder}, since it holds {names}, got also "
            f"{others}: move them; or, where {names} is a class, give it another name"
        )
    tops = {PARTS[part.name.lower()]: part for part in known} or {"": folder}
    if known and ("train" not in tops or len(tops) < len(known)):
        wanted = "each part once" if "train" in tops else "a part train"
        raise BadFolder(f"expected {wanted} in {folder}, got {names}")
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
            raise BadFolder(
                f"expected at least {wanted} images of each class in {tops[part]}, "
                f"got {listed(few)}"
            )
    firsts = [paths[0] for by_class in found.values() for paths in by_class.values()]
    if len({path.parent.resolve() for path in firsts}) < len(firsts):
        raise BadFolder(
            f"expected parts of {folder} that differ, got links to one folder: what is "
            "trained on can't judge"
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
        raise BadFolder(
            f"expected a folder a class in {folder}, got no folder and "
            f"{len(seen(folder))} files: put each image into a folder with the name "
            "of its class"
        )
    if len(inside) == 1:
        within = len(folders_in(inside[0]))
        alone = "with one class there is nothing to tell apart"
        deeper = f"it holds {within} folders, is it the one that is meant?"
        raise BadFolder(
            f"expected at least two classes in {folder}, got one, {inside[0].name}: "
            f"{deeper if within else alone}"
        )
    if len(inside) > most:
        raise BadFolder(
            f"expected at most {most:,} classes in {folder}, got {len(inside):,} "
            f"folders, {listed(p.name for p in inside)}: a class is a folder of many "
            "images; if these are classes, raise `most`"
        )
    names = [normalize("NFC", path.name) for path in inside]
    places = [path.resolve() for path in inside]
    for keys, what in ((names, "one name"), (places, "links to one folder")):
        if len(set(keys)) < len(keys):
            twice = [n for n, k in zip(names, keys, strict=True) if keys.count(k) > 1]
            raise BadFolder(
                f"expected classes that differ in {folder}, got {what}: {listed(twice)}"
            )
    return {name: files_of(path) for name, path in zip(names, inside, strict=True)}


def files_of(folder: Path) -> list[Path]:
    """Return the files of one class; raise BadFolder unless all look like images."""
    paths = seen(folder)
    if not paths:
        raise BadFolder(f"expected images in each class folder, got none in {folder}")
    if deeper := [path.name for path in paths if path.is_dir()]:
        raise BadFolder(
            f"expected images alone in {folder}, got folders: {listed(deeper)}; if "
            "these are the classes, the folder that holds them is meant"
        )
    if others := [path.name for path in paths if path.suffix.lower() not in KINDS]:
        raise BadFolder(
            f"expected images in {folder}, got {listed(others)}: move or convert "
            f"what is none of {', '.join(sorted(KINDS))}"
        )
    return paths


def folders_in(folder: Path) -> list[Path]:
    """Return the folders that are to be seen; raise BadFolder for links to nothing."""
    inside = seen(folder)
    if dead := [p.name for p in inside if p.is_symlink() and not p.exists()]:
        raise BadFolder(f"expected folders in {folder}, got dead links: {listed(dead)}")
    return [path for path in inside if path.is_dir()]


def seen(folder: Path) -> list[Path]:
    """Return what is in a folder, by name, without clutter."""
    try:
        inside = [path for path in folder.iterdir() if not is_clutter(path)]
        # One order on every system: labels are places in it. é has two spellings.
        return sorted(inside, key=lambda path: normalize("NFC", path.name))
    except OSError as why:
        reason = why.strerror or why
        raise BadFolder(f"expected to read the folder {folder}, got {reason}") from why


def is_clutter(path: Path) -> bool:
    """Return whether a file or folder is hidden, or left there by a system."""
    return path.name.startswith(".") or path.name.lower() in CLUTTER


def listed(names: Iterable[str], most: int = 3) -> str:
    """Return the first names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
