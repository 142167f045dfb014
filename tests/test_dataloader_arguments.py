"""Lesson 02 shows every argument that the installed DataLoader has."""

import inspect
import re

import pytest
from torch.utils.data import DataLoader

from lesson_files import LESSONS, code, read, texts

NAMES = list(inspect.signature(DataLoader.__init__).parameters)[1:]
LESSON = read(next(path for path in LESSONS if path.name.startswith("02_")))
NOT_CALLED = {
    "dataset": "the first argument, never written by its name",
    "pin_memory_device": "deprecated and ignored",
}


def calls():
    """Return the text between the brackets of every DataLoader call, less nesting."""
    source = "\n".join(cell.source for cell in code(LESSON))
    return "\n".join(re.findall(r"DataLoader\((?:[^()]|\([^()]*\)|\n)*\)", source))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_CALLED])
def test_each_argument_is_used_in_a_cell(name):
    assert re.search(rf"\b{name}=", calls())


@pytest.mark.parametrize("name", NOT_CALLED)
def test_the_others_are_at_least_named(name):
    assert name in " ".join(texts(LESSON)).lower()


def test_the_lesson_counts_them_rightly():
    words = {17: "seventeen", 18: "eighteen"}
    assert f"It has {words[len(NAMES)]} arguments" in texts(LESSON)[0]
