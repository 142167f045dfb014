"""Get a machine ready for a lesson: install what is missing, change nothing else.

Called by the first cell of every lesson. Imports nothing heavy, so that it also
works where torch does not.
"""

import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

# Never installed from a notebook: a second torch or numpy breaks the first, and
# Colab and Kaggle bring a Jupyter of their own.
LEFT_ALONE = {"torch", "torchvision", "numpy", "setuptools", "jupyter", "nbval"}
# A notebook can't do without these.
NEEDED = {"torch", "torchvision", "numpy"}


def requirements() -> list[Requirement]:
    """Return what the lessons need, as requirements.txt lists it."""
    try:
        lines = metadata.requires("course-utils") or []
    except metadata.PackageNotFoundError:  # a clone that is not installed
        text = (Path(__file__).parents[1] / "requirements.txt").read_text()
        lines = re.findall(r"^[^#\s].*$", text, re.MULTILINE)
    return [Requirement(line) for line in lines]


def installed() -> dict[str, str]:
    """Return the version of every installed distribution, by lower-case name."""
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:  # a broken installation has none
            found.setdefault(name.lower().replace("_", "-"), distribution.version)
    return found


def missing(versions: dict[str, str]) -> list[Requirement]:
    """Return the requirements that are absent and that pip may install here."""
    names = versions.keys() | LEFT_ALONE
    return [need for need in requirements() if need.name.lower() not in names]


def too_old(versions: dict[str, str]) -> list[str]:
    """Return a phrase for each installed package below the course's lower bound."""
    return [
        f"{need.name} {versions[need.name.lower()]} (the course needs {need.specifier})"
        for need in requirements()
        if need.name.lower() in versions
        and not need.specifier.contains(versions[need.name.lower()], prereleases=True)
    ]


def install(needs: list[Requirement], versions: dict[str, str]) -> str:
    """Install `needs` and keep every other version; return pip's errors, or ''."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "keep-these.txt")
        pins.write_text("".join(f"{n}=={v}\n" for n, v in versions.items()))
        command = [sys.executable, "-m", "pip", "install", "-q", "-c", str(pins)]
        names = [f"{need.name}{need.specifier}" for need in needs]
        done = subprocess.run([*command, *names], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def prepare() -> None:
    """Install what the lessons import and this machine lacks; say what was done.

    Raises: RuntimeError when torch, torchvision or numpy is not there, because
            putting them in place from a notebook can break a working machine.
    """
    versions = installed()
    absent = sorted(NEEDED - versions.keys())
    if absent:
        raise RuntimeError(
            f"{', '.join(absent)} not found: run `make learn`, or "
            "`pip install -r requirements.txt`, in the folder of the course"
        )
    for phrase in too_old(versions):
        print(f"Too old: {phrase}. In Colab, choose a newer runtime version.")
    needs = missing(versions)
    names = ", ".join(need.name for need in needs)
    if not needs:
        print("The course is ready. Nothing had to be installed.")
    elif errors := install(needs, versions):
        last = (errors.strip().splitlines() or ["no reason given"])[-1]
        print(f"The course is here, but pip could not install {names}: {last}")
        print("Lessons that use them will stop there. Run this cell again to retry.")
    else:
        print(f"The course is ready. Installed: {names}. Nothing else was changed.")
