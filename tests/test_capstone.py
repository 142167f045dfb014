"""The capstone stands with the printed solutions, on the textures and on other folders.

Lesson 17 runs a reference path beside the exercises. Here its printed solutions take
the place of that path, as the lesson invites the learner to do.
"""

import os
import re

import numpy as np
import pytest
from nbformat.v4 import new_code_cell
from PIL import Image
from sklearn.datasets import load_digits

from lesson_files import LESSONS, ROOT, code, printed, read, solutions, starters
from lesson_kernels import run_cells

pytestmark = pytest.mark.slow
LESSON = LESSONS[[path.name[:2] for path in LESSONS].index("17")]

# The start of a given cell, and what a learner would put after it.
OWN_WAY = {
    "def split_off(": """
def split_off(pool, fraction, seed):
    rest, taken = split_groups(labels[pool], groups[pool], fraction, seed)
    return pool[rest], pool[taken]
""",
    "def go_on(": "go_on = train_to",
    "class Counted": """
test_loader = Counted(DataLoader(test_data, batch_size=100))
predictions, targets = answers(final["model"], test_loader)
""",
    "def interval(": "interval = wilson",
    "share = project": """
about = card["data"], right, card["limits"]
own = make_card(share / "model.pt", *about)
print("own card agrees:", own == {name: card[name] for name in own})
(share / "card.json").write_text(json.dumps(card | own))
""",
}
KEPT = [
    "look: every file was read",
    "split: no twin, no group in two parts",
    "run: a cut leaves no trace",
    "run: its curve is on disk",
    "search: best checkpoint by validation",
    "test: used once",
    "test: an interval around the share",
    "card: the hash fits",
    "card: data and limits",
]


def run(tmp_path, monkeypatch, own_way=True, **settings):
    """Run the lesson with its solutions and some settings; return what it printed."""
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    )
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    lesson, answers = read(LESSON), solutions(read(LESSON))
    for number, cell in starters(lesson).items():
        cell.source = answers[number]
    for start, more in OWN_WAY.items() if own_way else ():
        found = [cell for cell in code(lesson) if cell.source.startswith(start)]
        assert len(found) == 1, start
        place = lesson.cells.index(found[0])
        lesson.cells.insert(place + 1, new_code_cell(more))
    first = next(cell for cell in code(lesson) if cell.source.startswith("OURS ="))
    first.source += "\n" + "\n".join(f"{k} = {v}" for k, v in settings.items())
    run_cells(lesson, tmp_path)
    said = printed(lesson)
    left = [path.name for path in (tmp_path / "tmp").iterdir()]
    assert [name for name in left if not name.startswith("torchinductor_")] == []
    assert "5 of 5 done" in said
    assert [line for line in KEPT if f"✓ {line}" not in said] == []
    if own_way:
        assert "own card agrees: True" in said
    return said


@pytest.fixture
def digits(tmp_path):
    """Write 400 digits, 40 of them twice, into ten class folders; return the folder."""
    bunch = load_digits()
    for k, (image, label) in enumerate(zip(bunch.images, bunch.target, strict=True)):
        if k < 400:
            folder = tmp_path / "digits" / f"digit {label}"
            folder.mkdir(parents=True, exist_ok=True)
            pixels = (255 - image * 255 / 16).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{k:04}.png")
            if k < 40:
                Image.fromarray(pixels // 2).save(folder / f"{k:04} darker.png")
    return tmp_path / "digits"


def test_on_the_textures_each_point_of_the_rubric_is_kept(tmp_path, monkeypatch):
    said = run(tmp_path, monkeypatch)
    assert "✗" not in said
    assert "equal tensors: 20 of 20" in said
    assert [path.name for path in tmp_path.iterdir()] == ["tmp"]


def test_on_a_folder_without_parts(tmp_path, monkeypatch, digits):
    said = run(
        tmp_path,
        monkeypatch,
        FOLDER=f"Path({str(digits)!r})",
        SIZE=16,
        TRIALS=4,
        EPOCHS=5,
    )
    assert "digit 9" in said
    assert int(re.search(r"^ours: (\d+)$", said, re.MULTILINE)[1]) >= 40  # twins
    assert "groups in two parts: 0  twins in two parts: 0" in said


def test_on_photographs_in_colour_of_many_sizes(tmp_path, monkeypatch):
    draw = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 6)):
        for place, name in enumerate(("red", "green", "blue")):
            folder = tmp_path / "colours" / part / name
            folder.mkdir(parents=True)
            for k in range(count):
                size = draw.integers(20, 60, size=2)
                pixels = draw.integers(0, 120, size=(*size, 3), dtype=np.uint8)
                pixels[..., place] += 100
                Image.fromarray(pixels).save(folder / f"{k}.jpg")
    settings = {"SIZE": 24, "MODE": "'RGB'", "TRIALS": 3, "EPOCHS": 4}
    folder = f"Path({str(tmp_path / 'colours')!r})"
    said = run(tmp_path, monkeypatch, FOLDER=folder, **settings)
    assert "test        18: [6, 6, 6]" in said
