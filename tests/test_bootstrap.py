import os
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

    def pretend(versions, error="", seen=True):
        now = dict(versions)

        def install(needs, _):
            asked.extend(needs)
            if seen and not error:
                now.update({need.name.lower(): "999" for need in needs})
            return error

        monkeypatch.setattr(bootstrap, "installed", lambda: dict(now))
        monkeypatch.setattr(bootstrap, "install", install)
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


def test_what_python_does_not_find_yet_wants_a_new_kernel(machine, capsys):
    machine(without("torchinfo"), seen=False)  # pip chose a folder made just now
    bootstrap.prepare()
    said = capsys.readouterr().out
    assert "Installed: torchinfo. Restart the kernel" in said and "ready" not in said


def test_only_the_requirements_of_a_clone_are_read(monkeypatch, tmp_path):
    (tmp_path / "requirements.txt").write_text("flask>=3\n")  # of who knows whom
    monkeypatch.setattr(bootstrap, "__file__", str(tmp_path / "course_utils" / "b.py"))
    monkeypatch.setattr(bootstrap.metadata, "requires", lambda _: ["torch>=2.9"])
    assert [str(need) for need in bootstrap.requirements()] == ["torch>=2.9"]


def test_a_failed_installation_says_so_and_the_lesson_goes_on(machine, capsys):
    machine(without("optuna"), error="ERROR: No matching distribution")
    bootstrap.prepare()
    said = capsys.readouterr().out
    assert "pip could not install optuna: ERROR: No matching" in said
    assert "Run this cell again to retry." in said


def test_without_torch_it_says_what_to_run(machine):
    machine(without("torch", "numpy"))
    with pytest.raises(RuntimeError, match="numpy, torch not found: run `make learn`"):
        bootstrap.prepare()


def test_an_old_torch_is_named_and_nothing_is_called_ready(machine, capsys):
    machine(PRESENT | {"torch": "2.6.0+cu124", "setuptools": "65.5"})
    bootstrap.prepare()
    said = capsys.readouterr().out
    assert "too old for it: torch 2.6.0+cu124 (needs >=2.9)." in said
    assert "ready" not in said


def test_pip_keeps_versions_and_says_why_it_failed(tmp_path):
    versions = bootstrap.installed()
    assert versions["torch"]
    wanted = [bootstrap.Requirement("no-such-package-of-ours>=1")]
    os.environ["PIP_NO_INDEX"] = "1"
    try:
        error = bootstrap.install(wanted, versions)
    finally:
        del os.environ["PIP_NO_INDEX"]
    assert error == (
        "ERROR: Could not find a version that satisfies the requirement "
        "no-such-package-of-ours>=1 (from versions: none)"
    )


def test_a_conflict_is_told_by_the_line_that_names_the_package(monkeypatch):
    said = "ERROR: Cannot install ours==1 and ours==9\nERROR: ResolutionImpossible"
    done = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *_, **__: done)
    assert bootstrap.install([], {}) == "ERROR: Cannot install ours==1 and ours==9"


class Odd:
    """A distribution as a half-removed or a Debian package leaves it."""

    def __init__(self, name, version):
        self.metadata, self.version = {"Name": name}, version


def test_odd_installations_do_not_block_pip(monkeypatch):
    odd = [Odd("a", "1.1build1"), Odd("b", None), Odd("C_d", "1.0+local")]
    monkeypatch.setattr(bootstrap.metadata, "distributions", lambda: odd)
    assert bootstrap.installed() == {"c-d": "1.0+local"}
