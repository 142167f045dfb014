import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

import freeze
import stamp

pytestmark = pytest.mark.slow


@pytest.fixture
def lesson(tmp_path):
    """Return a function that writes a lesson with one more cell; and its path."""
    path = tmp_path / "notebooks" / "98_example.ipynb"
    path.parent.mkdir()

    def write(source):
        cells = [
            nbformat.v4.new_markdown_cell(
                "# 98\n\n[![Open in Colab]](/notebooks/x)\n\n**Time** about 1 minutes."
            ),
            nbformat.v4.new_code_cell("pass"),
            nbformat.v4.new_code_cell(source, metadata={"scrolled": True}),
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path

    return write


def test_a_lesson_is_run_stamped_and_normalised(lesson, capsys):
    path = lesson("import sys\nprint(1)\nsys.stdout.flush()\nprint(2)")
    freeze.freeze(path)
    frozen = nbformat.read(path, as_version=4)
    assert frozen.cells[1].source == stamp.first_cell()
    assert stamp.badges(path.name) in frozen.cells[0].source
    assert [output.text for output in frozen.cells[2].outputs] == ["1\n2\n"]
    assert frozen.cells[2].metadata == {} and frozen.cells[2].execution_count == 2
    assert frozen.metadata["language_info"] == {"name": "python"}
    before = path.read_bytes()
    freeze.freeze(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_lesson_that_fails_is_left_as_it_was(lesson):
    path = lesson("1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        freeze.freeze(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_lesson_that_is_not_there_is_named():
    with pytest.raises(SystemExit, match=r"one notebooks/97_\*.ipynb, found 0"):
        freeze.lesson_path("97")
