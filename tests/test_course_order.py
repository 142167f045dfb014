"""Nothing is used before it is taught, and the lessons agree with one another."""

import ast
import re
from pathlib import Path

import pytest

from lesson_files import LESSONS, ROOT, code, exercises, headings, read, texts

# What the learner may take as given; CONTRIBUTING.md says why.
PLUMBING = {"runtime", "bootstrap", "data", "drive", "checks"}
MODULES = {
    path.stem: path
    for path in sorted((ROOT / "course_utils").glob("*.py"))
    if path.stem not in PLUMBING | {"__init__"}
}
# 04_training_loop.ipynb, section 5 (`accuracy`)
ORIGIN = re.compile(
    r"\b(\d\d)_\w+\.ipynb(?:,\s+sections?\s[\d, toand\n]*)?(\([^)]*\))?"
)


def number(path: Path) -> int:
    """Return the number of a lesson, from its file name."""
    return int(path.name[:2])


def origins(docstring: str) -> dict[str, int]:
    """Map each name that a module docstring credits to a lesson to its number.

    The name "" stands for everything else in the module.

    >>> origins("Built in notebooks/04_loop.ipynb, section 5 (`a`), and 07_m.ipynb.")
    {'a': 4, '': 7}
    """
    found = {}
    for lesson, words in ORIGIN.findall(docstring):
        for name in re.findall(r"`(\w+)`", words) or [""]:
            found[name] = int(lesson)
    return found


def built_in(module: str, name: str) -> int:
    """Return the lesson that builds one name of a helper module."""
    known = origins(ast.get_docstring(ast.parse(MODULES[module].read_text("utf-8"))))
    return known.get(name, known.get("", min(known.values())))


def imported(source: str) -> list[tuple[str, str]]:
    """Return (module, name) of what a piece of code imports from the helpers.

    >>> imported("from course_utils import data; import course_utils.metrics")
    [('metrics', '')]
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "course_utils":
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            package, _, module = node.module.partition(".")
            if package == "course_utils":
                found += [(module.split(".")[0], alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            parts = [alias.name.split(".") for alias in node.names]
            found += [(p[1], "") for p in parts if p[0] == "course_utils" and p[1:]]
    return [(module, name) for module, name in found if module not in PLUMBING]


def python(cell) -> str:
    """Return a cell without magics, which only IPython reads."""
    return re.sub(r"^([ \t]*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE)


@pytest.fixture(params=LESSONS[1:], ids=lambda path: path.stem)
def path(request):
    return request.param


def test_no_lesson_imports_a_helper_before_a_lesson_has_built_it(path):
    for cell in code(read(path)):
        for module, name in imported(python(cell)):
            assert built_in(module, name) <= number(path), f"{module}.{name}"


@pytest.mark.parametrize("module", MODULES)
def test_a_helper_says_in_which_lesson_it_was_built(module):
    known = origins(ast.get_docstring(ast.parse(MODULES[module].read_text("utf-8"))))
    assert known, "no notebook is named in the module docstring"
    assert set(known.values()) <= set(map(number, LESSONS))


@pytest.mark.parametrize("module", MODULES)
def test_a_helper_imports_none_of_a_later_lesson(module):
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    known = origins(ast.get_docstring(tree))
    inside = {node.name for node in tree.body if hasattr(node, "name")}
    assert set(known) - {""} <= inside, "the docstring credits what is not there"
    for other, name in imported(ast.unparse(tree)):
        assert built_in(other, name) <= max(known.values()), f"{other}.{name}"


@pytest.mark.parametrize("path", LESSONS[:-1], ids=lambda path: path.stem)
def test_each_lesson_names_the_next_one(path):
    *_, last = texts(read(path))
    assert f"**Next:** lesson {number(path) + 1:02}" in last


def test_each_lesson_needs_only_earlier_ones(path):
    needs = re.search(r"\*\*You need\*\*([^*]*)", texts(read(path))[0])[1]
    named = [int(n) for n in re.findall(r"\d+", needs)]
    assert named and max(named) < number(path), needs


def test_readme_gives_the_title_and_the_minutes_of_each_lesson():
    rows = re.findall(
        r"^\| (\d\d) \| ([^|]*) \| [^|]* \| (\d+) \|",
        (ROOT / "README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    expected = []
    for path in LESSONS:
        lesson = read(path)
        minutes = re.search(r"\*\*Time\*\* about (\d+) minutes", texts(lesson)[0])[1]
        title = headings(lesson)[0][1].split(" · ", 1)[1]
        expected.append((f"{number(path):02}", title, minutes))
    assert rows == expected


def test_the_instructors_page_knows_every_lesson_and_names_real_exercises():
    page = (ROOT / "TEACHING.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d\d) \|(.*)$", page, re.MULTILINE)
    assert [int(row[0]) for row in rows] == [number(path) for path in LESSONS]
    for (_, row), path in zip(rows, LESSONS, strict=True):
        live = re.search(r"(\d+\.\d+), [^|]*\|$", row)[1]
        assert live in exercises(read(path)), row
