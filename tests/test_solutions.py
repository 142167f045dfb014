"""The printed solutions, put in place of their starters, solve the lesson."""

import os

import pytest

from lesson_files import LESSONS, ROOT, printed, read, solutions, solved
from lesson_kernels import run_cells


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_printed_solutions_pass_and_the_lesson_runs_on(path, tmp_path, monkeypatch):
    monkeypatch.setenv(  # found from a folder outside the clone, too
        "PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    )
    lesson = solved(read(path))
    run_cells(lesson, tmp_path)
    lines = printed(lesson).splitlines()
    for number in solutions(lesson):
        assert f"✓ {number}: correct" in lines
    count = len(solutions(lesson))
    assert any(line.startswith(f"{count} of {count} done:") for line in lines)
