import random
import signal
import threading
import time

import numpy as np
import pytest
import torch

from course_utils.checks import Lesson, guard, outcome
from course_utils.checks.answers import (
    ask,
    brief,
    is_empty,
    number,
    preserved,
    yes_or_no,
)


def judge(answer):
    got = ask(answer, 2)
    if got != 4:  # pytest would add to the message of an assert
        raise AssertionError(f"expected 4, got {got}")


def grade(answer):
    return Lesson().question("9.1")(judge).grade(answer)


def untouched(x):
    """Return the square."""
    ...


def untouched_and_annotated(x: int = 3) -> int: ...


def no_return(x):
    x * x


def only_a_local(x):
    y = 3  # noqa: F841


@pytest.mark.parametrize(
    "starter", [..., untouched, untouched_and_annotated, lambda x: ...]
)
def test_an_untouched_starter_is_open(starter):
    assert str(grade(starter)) == "○ 9.1: replace the ... and run this again"


@pytest.mark.parametrize("answer", [no_return, only_a_local, lambda x: print(end="")])
def test_a_forgotten_return_hears_that(answer):
    expected = "your function returned None; is a `return` missing?"
    assert grade(answer).message == expected


def test_empty_bodies_are_known_in_every_python():
    assert is_empty(untouched) and is_empty(untouched_and_annotated)
    assert not is_empty(no_return) and not is_empty(print)


def stop(problem):
    def answer(x):
        raise problem

    return answer


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Rude(Exception):
    def __str__(self):
        raise SystemExit


@pytest.mark.parametrize(
    "problem, words",
    [
        (KeyError("name"), "your code raised KeyError: 'name'"),
        (SystemExit("bye"), "your code raised SystemExit: bye"),
        (RecursionError("deep"), "your code raised RecursionError: deep"),
        (AssertionError(), "an assert in your code failed"),
        (KeyboardInterrupt(), "stopped before your code had finished"),
        (Speechless(), "your code raised RuntimeError while it was judged"),
        (Rude(), "your code raised SystemExit while it was judged"),
        (ValueError("two\nlines"), "your code raised ValueError: two lines"),
    ],
)
def test_a_check_never_raises(problem, words):
    assert grade(stop(problem)).message == words


def test_a_check_prints_one_line(capsys):
    check = Lesson().question("9.1")(judge)
    check(lambda x: x + 1)
    check(lambda x: x * x)
    assert capsys.readouterr().out == "✗ 9.1: expected 4, got 3\n✓ 9.1: correct\n"


def endless(x):
    while True:
        try:
            time.sleep(0.001)
        except Exception:
            pass


def endless_and_greedy(x):
    while True:
        try:
            time.sleep(0.001)
        except:  # noqa: E722 - what a learner may write
            pass


def late_and_greedy(x):
    try:
        time.sleep(0.5)
    except:  # noqa: E722
        pass
    return 4


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="no SIGALRM on Windows")
@pytest.mark.parametrize("answer", [endless, endless_and_greedy, late_and_greedy])
def test_an_endless_answer_is_stopped(monkeypatch, answer):
    monkeypatch.setattr("course_utils.checks.SECONDS", 0.2)
    before = signal.getsignal(signal.SIGALRM)
    start = time.perf_counter()
    assert "does your loop ever end?" in grade(answer).message
    assert time.perf_counter() - start < 2
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_where_there_is_no_time_limit_the_check_says_so_once(capsys):
    check = Lesson().question("9.1")(judge)
    thread = threading.Thread(target=lambda: [check(lambda x: 4), check(lambda x: 4)])
    thread.start()
    thread.join()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "No time limit here: stop an endless answer by hand."
    assert lines[1:] == ["✓ 9.1: correct"] * 2


def state():
    return [
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.is_anomaly_enabled(),
        torch.is_anomaly_check_nan_enabled(),
        torch.get_deterministic_debug_mode(),
    ]


def test_global_state_survives_the_wildest_answer():
    def wild(x):
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.autograd.set_detect_anomaly(True)
        torch.use_deterministic_algorithms(True)
        raise ValueError

    before = state()
    grade(wild)
    assert state() == before


def test_an_answer_is_judged_on_clean_ground_whatever_the_learner_has_set():
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.autograd.set_detect_anomaly(True, check_nan=False)
    try:
        before = state()

        def curious(x):
            one = torch.ones(1)
            assert (one.dtype, one.device.type) == (torch.float32, "cpu")
            assert torch.is_grad_enabled() and not torch.is_anomaly_enabled()
            assert not torch.are_deterministic_algorithms_enabled()
            return 4

        assert grade(curious).state == "right"
        assert state() == before
        with torch.inference_mode():
            assert grade(curious).state == "right"
            assert torch.is_inference_mode_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
        torch.autograd.set_detect_anomaly(False)
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


def test_a_seed_that_waits_for_the_gpu_is_kept():
    if torch.cuda.is_initialized():
        pytest.skip("the GPU is in use; its state is restored as a whole")
    torch.manual_seed(7)
    grade(lambda x: torch.manual_seed(0) and 4)
    waiting = torch.cuda._lazy_seed_tracker.get_calls()  # no public way to look
    seeds = [cell.cell_contents for cell in waiting[-1][0].__closure__]
    assert 7 in seeds


@pytest.mark.parametrize(
    "answer",
    [torch.zeros(3), [torch.zeros(3)], torch.nn.Linear(2, 2), np.zeros(3)],
    ids=["tensor", "list", "model", "array"],
)
def test_a_judge_cannot_change_the_learners_object(answer):
    def values():
        if isinstance(answer, torch.nn.Module):
            return answer.weight.tolist()
        return np.asarray(answer[0] if isinstance(answer, list) else answer).tolist()

    def careless(got):
        with torch.no_grad():
            held = got[0] if isinstance(got, list) else got
            held = held.weight if isinstance(held, torch.nn.Module) else held
            held += 1

    before = values()
    assert outcome(careless, answer) == ("right", "correct")
    assert values() == before


def test_what_cannot_be_copied_is_judged_as_it_is():
    inside_a_graph = torch.ones(2, requires_grad=True) * 2
    assert preserved(inside_a_graph) is inside_a_graph


def test_progress_counts_what_is_right(capsys):
    lesson = Lesson()
    first, second, _ = (lesson.question(f"9.{k}")(judge) for k in (1, 2, 3))
    first.grade(lambda x: 4)
    second.grade(lambda x: 5)
    lesson.progress()
    assert capsys.readouterr().out == "1 of 3 done:  ✓ 9.1  ✗ 9.2  ○ 9.3\n"
    first.grade(lambda x: 5)  # the last answer counts
    lesson.progress()
    assert capsys.readouterr().out == "0 of 3 done:  ✗ 9.1  ✗ 9.2  ○ 9.3\n"


def test_numbers_are_read_however_they_come():
    ones = torch.tensor(1), torch.tensor([1.0]), np.float32(1), np.ones((1, 1))
    for one in (1, 1.0, True, *ones):
        assert number(one) == 1.0
    no_numbers = [1], {}, "1", float("nan"), float("inf"), 10**400
    for none in (*no_numbers, torch.ones(2), np.ones(2), np.array("1")):
        with pytest.raises(AssertionError, match="expected one number, got"):
            number(none)


def test_values_are_shown_briefly():
    assert brief(torch.zeros(3, 4)) == "a tensor of shape (3, 4)"
    assert brief(torch.tensor([1, 2])) == "tensor([1, 2])"
    assert len(brief("x" * 500)) == 60


def test_no_time_limit_outside_the_main_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(guard.has_time_limit()))
    thread.start()
    thread.join()
    assert found == [False]


def test_an_answer_that_switches_gradients_off_for_good_is_told_so():
    def careless(x):
        torch.set_grad_enabled(False)
        return x

    assert "switched off for everything" in grade(careless).message
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("result", [True, np.True_, torch.tensor([True])])
def test_a_yes_is_read_however_it_comes(result):
    assert yes_or_no(result) is True


@pytest.mark.parametrize("result", [1, "True", None, torch.tensor([True, False])])
def test_what_is_no_yes_or_no_is_named(result):
    with pytest.raises(AssertionError, match="return True or False"):
        yes_or_no(result)
