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
from packaging.version import InvalidVersion, Version

# Never installed from a notebook: a second torch or numpy breaks the first, and
# Colab and Kaggle bring a Jupyter of their own.
LEFT_ALONE = {"torch", "torchvision", "numpy", "setuptools", "jupyter", "nbval"}
# A notebook can't do without these.
NEEDED = {"torch", "torchvision", "numpy"}


def requirements() -> list[Requirement]:
    """Return what the lessons need, as requirements.txt lists it."""
    listed = Path(__file__).parents[1] / "requirements.txt"
    if listed.is_file() and listed.with_name("pyproject.toml").is_file():  # a clone
        text = listed.read_text(encoding="utf-8")
        lines = re.findall(r"^[^#\s].*$", text, re.MULTILINE)
    else:
        lines = metadata.requires("course-utils") or []
    return [Requirement(line) for line in lines]


def installed() -> dict[str, str]:
    """Return the version of every installed distribution, by lower-case name."""
    found = {}
    for distribution in metadata.distributions():
        try:
            name, version = distribution.metadata["Name"], distribution.version
            Version(version)
        except (InvalidVersion, TypeError, KeyError):
            continue  # a broken or unusual installation, which pip would trip over
        found.setdefault(name.lower().replace("_", "-"), version)
    return found


def missing(versions: dict[str, str]) -> list[Requirement]:
    """Return the requirements that are absent and that pip may install here."""
    names = versions.keys() | LEFT_ALONE
    return [need for need in requirements() if need.name.lower() not in names]


def too_old(versions: dict[str, str]) -> list[str]:
    """Return a phrase for each package that is below the course's lower bound."""
    return [
        f"{need.name} {versions[need.name.lower()]} (needs {need.specifier})"
        for need in requirements()
        if need.name.lower() in versions.keys() - (LEFT_ALONE - NEEDED)
        and not need.specifier.contains(versions[need.name.lower()], prereleases=True)
    ]


def write_pins(versions: dict[str, str], path: Path) -> Path:
    """Write constraints that keep these versions; return their path."""
    path.write_text("".join(f"{n}=={v}\n" for n, v in versions.items()))
    return path


def install(needs: list[Requirement], versions: dict[str, str]) -> str:
    """Install `needs` and keep every other version; return pip's error, or ''."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-input"]
    command += ["--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        pins = write_pins(versions, Path(folder, "keep-these.txt"))
        names = [f"{need.name}{need.specifier}" for need in needs]
        done = subprocess.run(
            [*command, "-c", str(pins), *names], capture_output=True, text=True
        )
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines() or [f"pip stopped with {done.returncode}"]
    return next((line for line in said if "ERROR" in line), said[-1])


def prepare() -> None:
    """Install what the lessons import and this machine lacks; say what was done.

    Raises: RuntimeError when torch, torchvision or numpy is not there, because
            putting them in place from a notebook can break a working machine.
    """
    versions = installed()
    if absent := sorted(NEEDED - versions.keys()):
        raise RuntimeError(
            f"{', '.join(absent)} not found: run `make learn`, or "
            "`pip install -r requirements.txt`, in the folder of the course"
        )
    needs = missing(versions)
    names = ", ".join(need.name for need in needs)
    if error := install(needs, versions) if needs else "":
        print(f"pip could not install {names}: {error}")
        print("Lessons that use them will stop there. Run this cell again to retry.")
    elif needs and missing(installed()):  # in a folder that Python did not know
        print(f"Installed: {names}. Restart the kernel, then run this cell again.")
    elif old := ", ".join(too_old(versions)):
        print(f"The course is here, but these are too old for it: {old}.")
        print("In Colab, choose a newer runtime version; elsewhere, upgrade them.")
    elif needs:
        print(f"The course is ready. Installed: {names}. Nothing else was changed.")
    else:
        print("The course is ready. Nothing had to be installed.")
