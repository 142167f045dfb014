"""Every check tells right from wrong, and in words that fit the mistake."""

from importlib import import_module

import pytest
import torch

from lesson_files import LESSONS, exercises, read

NUMBERS = [path.name[:2] for path in LESSONS]


def modules(number):
    return (
        import_module(f"course_utils.checks.lesson_{number}"),
        import_module(f"near_misses.lesson_{number}"),
    )


def cases(kind):
    """Return each answer of one kind beside the check that it is for."""
    return [
        pytest.param(getattr(check, name), case, id=f"{number}-{name}-{place}")
        for number in NUMBERS
        for check, answers in [modules(number)]
        for name, listed in getattr(answers, kind).items()
        for place, case in enumerate(listed)
    ]


@pytest.mark.parametrize("check, case", cases("NEAR_MISSES"))
def test_a_near_miss_is_told_what_went_wrong(check, case):
    answer, words = case
    verdict = check.grade(answer)
    assert verdict.state == "wrong"
    assert words in verdict.message
    assert "\n" not in verdict.message and len(verdict.message) < 200


@pytest.mark.parametrize("check, answer", cases("RIGHT"))
def test_an_unusual_right_answer_is_right(check, answer):
    assert str(check.grade(answer)) == f"✓ {check.number}: correct"


@pytest.mark.parametrize("check, case", cases("NEAR_MISSES"))
def test_a_check_leaves_random_numbers_alone(check, case):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    check.grade(case[0])
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_exercise_has_its_check_and_three_different_near_misses(number):
    check, answers = modules(number)
    lesson = read(LESSONS[NUMBERS.index(number)])
    assert list(check.lesson.verdicts) == exercises(lesson)
    judged = {
        name
        for name, value in vars(check).items()
        if getattr(value, "number", None) in check.lesson.verdicts
    }
    assert judged == set(answers.NEAR_MISSES) == set(answers.RIGHT)
    for name, misses in answers.NEAR_MISSES.items():
        told = {getattr(check, name).grade(answer).message for answer, _ in misses}
        named = {message for message in told if not message.startswith("expected")}
        assert len(named) >= 3, name
        assert len(answers.RIGHT[name]) >= 2, name
