"""The form that all lessons share; the reasons stand in CONTRIBUTING.md."""

import re
from itertools import pairwise
from statistics import median

import pytest

import stamp
from freeze import normalise
from lesson_files import (
    LESSONS,
    check_after,
    code,
    exercises,
    headings,
    read,
    solutions,
    starters,
    texts,
)
from stamp import shown, words

CELLS = range(40, 71)
WORDS = range(1_500, 3_501)  # all text, help included
LONGEST_CELL = 25  # lines
LONGEST_TEXT = 120  # words outside the folded help
LONGEST_CODE_RUN = 2  # cells
EXERCISES = range(4, 7)
MOST_BYTES = 500_000
# Lesson 16 is a clinic: each of its fourteen cases is an exercise with a broken run
# before the starter, six cells in all. So it may have 100 cells, words in proportion,
# and an exercise for every case.
CLINIC = "16_clinic_cases"
CLINIC_CELLS = 100
CLINIC_EXERCISES = range(12, 16)
OPEN = "○ {}: replace the ... and run this again\n"

# A cell whose output is not compared, or that may raise: lesson and start of the
# cell, with the reason. At most two a lesson.
EXCEPTIONS: dict[tuple[str, str], str] = {}


def without(pattern, text):
    return re.sub(pattern, "", text, flags=re.DOTALL)


def most(usual, path):
    """Return an upper limit: the usual one, or in proportion for the clinic."""
    return usual * CLINIC_CELLS // CELLS[-1] if path.stem == CLINIC else usual


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def lesson(path):
    return read(path)


def test_there_are_lessons():
    assert LESSONS[0].name == "00_start_here.ipynb"


def test_outputs_come_from_one_run_from_top_to_bottom(lesson):
    counts = [cell.execution_count for cell in code(lesson)]
    assert counts == list(range(1, len(counts) + 1))


def test_the_file_is_as_make_freeze_writes_it(path, lesson):
    assert stamp.text_of(normalise(read(path))) == path.read_text(encoding="utf-8")
    assert len({cell.id for cell in lesson.cells}) == len(lesson.cells)


def test_the_lesson_is_neither_thin_nor_endless(path, lesson):
    assert CELLS[0] <= len(lesson.cells) <= most(CELLS[-1], path)
    assert words(" ".join(map(shown, texts(lesson)))) <= most(WORDS[-1], path)
    assert words(" ".join(texts(lesson))) >= WORDS[0]
    assert path.stat().st_size <= MOST_BYTES


def test_code_cells_fit_on_a_screen(lesson):
    lengths = [len(lines(cell)) for cell in code(lesson)]
    assert max(lengths) <= LONGEST_CELL
    assert median(lengths) <= 8


def test_texts_stay_short_and_calm(lesson):
    for text in texts(lesson):
        assert words(shown(text)) <= LONGEST_TEXT, text[:80]
        prose = without(r"```.*?```|`[^`]*`|!\[", text)
        assert "!" not in prose, text[:80]


def test_code_never_runs_on_without_a_word(lesson):
    kinds = "".join(cell.cell_type[0] for cell in lesson.cells)
    assert "c" * (LONGEST_CODE_RUN + 1) not in kinds


def test_headings_start_at_one_title_and_skip_no_level(path, lesson):
    levels = [level for level, _ in headings(lesson)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert headings(lesson)[0][1].startswith(f"{int(path.name[:2])} · ")


def test_text_holds_only_what_colab_shows(lesson):
    for text in texts(lesson):
        prose = without(r"```.*?```|`[^`]*`", text)
        assert set(re.findall(r"</?(\w+)", prose)) <= {"details", "summary", "img"}
        assert "```mermaid" not in text
        for target in re.findall(r"\]\(([^)]*)\)", prose):
            assert target.startswith("https://"), f"relative link: {target}"


def test_each_exercise_has_all_its_parts_in_order(path, lesson):
    numbers = exercises(lesson)
    lesson_number = int(path.name[:2])
    assert numbers == [f"{lesson_number}.{k}" for k in range(1, len(numbers) + 1)]
    assert len(numbers) in (CLINIC_EXERCISES if path.stem == CLINIC else EXERCISES)
    assert list(starters(lesson)) == numbers
    assert list(solutions(lesson)) == numbers
    everything = "\n".join(texts(lesson))
    for number in numbers:
        assert f"<summary>Hint {number} a · " in everything
        heading = rf"### Exercise {number} .*\n\nAbout \d+ minutes"
        assert len(re.findall(heading, everything)) == 1
        marks = (heading, f"# Exercise {number}\n", f"<summary>Hint {number} a")
        marks += (f"<summary>Solution {number}<",)
        sources = [cell.source for cell in lesson.cells]
        found = [[bool(re.search(m, s)) for s in sources].index(True) for m in marks]
        assert found == sorted(found)
    assert everything.count("<details>") == everything.count("</details>")


def test_outputs_hold_no_error_and_no_warning(path, lesson):
    outputs = [output for cell in code(lesson) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    warned = [output.text for output in outputs if output.get("name") == "stderr"]
    assert not warned or path.name.startswith("14")  # Ray's table differs by machine


def test_untouched_starters_are_open(lesson):
    for number, starter in starters(lesson).items():
        assert "..." in starter.source
        check = check_after(lesson, starter)
        assert re.fullmatch(r"check\.\w+\(\w+\)", check.source)
        assert [output.text for output in check.outputs] == [OPEN.format(number)]


def test_exceptions_from_strict_comparison_are_few_and_explained(path, lesson):
    tagged = [cell for cell in code(lesson) if cell.metadata.get("tags")]
    assert len(tagged) <= 2
    for cell in tagged:
        start = cell.source.splitlines()[0]
        assert EXCEPTIONS.get((path.stem, start)), f"no reason given for: {start}"


def test_every_lesson_starts_with_the_same_cell(lesson):
    assert code(lesson)[0].source == stamp.first_cell()


def test_badges_open_their_own_notebook(path, lesson):
    assert texts(lesson)[0].count(stamp.badges(path.name)) == 1
    assert texts(lesson)[0].count(".ipynb)") == 2
