import subprocess
import sys

import pytest

from course_utils import bootstrap
from lesson_files import ROOT

PRESENT = {need.name.lower(): "999" for need in bootstrap.requirements()}


def without(*names):
    return {name: v for name, v in PRESENT.items() if name not in names}


@pytest.fixture
def machine(monkeypatch):
    """Pretend that a machine has some packages; collect what would be installed."""
    asked = []

    def pretend(versions, errors=""):
        monkeypatch.setattr(bootstrap, "installed", lambda: versions)
        monkeypatch.setattr(
            bootstrap, "install", lambda needs, _: asked.extend(needs) or errors
        )
        return asked

    return pretend


def test_it_imports_nothing_heavy():
    code = (
        "import sys, course_utils.bootstrap; "
        "print(sorted({'torch', 'numpy', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_it_reads_what_requirements_txt_lists():
    names = {need.name for need in bootstrap.requirements()}
    assert {"torch", "torchvision", "matplotlib", "jupyter", "nbval", "GPUtil"} <= names


def test_a_complete_machine_is_left_alone(machine, capsys):
    asked = machine(PRESENT)
    bootstrap.prepare()
    assert asked == []
    said = capsys.readouterr().out
    assert said == "The course is ready. Nothing had to be installed.\n"


def test_only_what_is_missing_is_installed_and_never_jupyter(machine, capsys):
    asked = machine(without("torchinfo", "gputil", "jupyter", "nbval", "setuptools"))
    bootstrap.prepare()
    assert [need.name for need in asked] == ["torchinfo", "GPUtil"]
    assert "Installed: torchinfo, GPUtil. Nothing else" in capsys.readouterr().out


def test_a_failed_installation_says_so_and_the_lesson_goes_on(machine, capsys):
    machine(without("optuna"), errors="noise\nERROR: No matching distribution")
    bootstrap.prepare()
    said = capsys.readouterr().out
    assert "could not install optuna: ERROR: No matching distribution" in said
    assert "Run this cell again to retry." in said


def test_without_torch_it_says_what_to_run(machine):
    machine(without("torch", "numpy"))
    with pytest.raises(RuntimeError, match="numpy, torch not found: run `make learn`"):
        bootstrap.prepare()


def test_an_old_torch_is_named(machine, capsys):
    machine(PRESENT | {"torch": "2.6.0+cu124"})
    bootstrap.prepare()
    said = capsys.readouterr().out
    assert "Too old: torch 2.6.0+cu124 (the course needs >=2.9)" in said
