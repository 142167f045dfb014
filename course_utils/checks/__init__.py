"""Tell a learner whether an answer is right and, if not, where to look.

Plumbing, so it is not built in a lesson. Each `lesson_NN.py` beside this file holds
one judge an exercise: a function that calls the learner's answer and raises
AssertionError, with words for the learner, when the answer is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from course_utils.checks.answers import StillOpen, preserved
from course_utils.checks.guard import TimeIsUp, clean_state, has_time_limit, time_limit

SYMBOLS = {"right": "✓", "wrong": "✗", "open": "○"}
SECONDS = 20  # longest time for one answer


@dataclass(frozen=True)
class Verdict:
    """Outcome of one check; printing it gives the single line a learner sees."""

    number: str
    state: str  # "right", "wrong" or "open"
    message: str

    def __str__(self) -> str:
        """Return for instance '✗ 4.1: expected 1.0, got 1.33'."""
        return f"{SYMBOLS[self.state]} {self.number}: {self.message}"


class Lesson:
    """The checks of one lesson, and what became of each in this session."""

    def __init__(self) -> None:
        """Start with no questions."""
        self.verdicts: dict[str, Verdict | None] = {}
        self.warned = False

    def question(self, number: str) -> Callable:
        """Turn a judge into a check that prints one line and never raises."""
        self.verdicts[number] = None

        def decorate(judge: Callable[[Any], None]) -> Callable[[Any], None]:
            def grade(answer: Any) -> Verdict:
                verdict = Verdict(number, *outcome(judge, answer))
                self.verdicts[number] = verdict
                return verdict

            @wraps(judge)
            def check(answer: Any) -> None:
                if not (has_time_limit() or self.warned):
                    print("No time limit here: stop an endless answer by hand.")
                    self.warned = True
                print(grade(answer))

            check.grade = grade
            check.number = number
            return check

        return decorate

    def progress(self) -> None:
        """Print which exercises of the lesson are done in this session."""
        states = {n: v.state if v else "open" for n, v in self.verdicts.items()}
        done = list(states.values()).count("right")
        marks = "  ".join(f"{SYMBOLS[state]} {n}" for n, state in states.items())
        print(f"{done} of {len(states)} done:  {marks}")


def outcome(judge: Callable[[Any], None], answer: Any) -> tuple[str, str]:
    """Return the state and the message for one answer, whatever it does."""
    try:
        with clean_state(), time_limit(SECONDS):
            return judged(judge, answer)
    except TimeIsUp:
        return "wrong", f"no result after {SECONDS} s; does your loop ever end?"
    except BaseException as problem:  # raised by an error's own message, say
        return "wrong", f"your code raised {type(problem).__name__} while it was judged"


def judged(judge: Callable[[Any], None], answer: Any) -> tuple[str, str]:
    """Return what the judge says, in a learner's words."""
    try:
        if answer is ...:
            raise StillOpen
        judge(preserved(answer))
    except StillOpen:
        return "open", "replace the ... and run this again"
    except TimeIsUp:
        raise
    except AssertionError as problem:
        return "wrong", words_of(problem) or "an assert in your code failed"
    except KeyboardInterrupt:
        return "wrong", "stopped before your code had finished"
    except BaseException as problem:  # SystemExit too: the lesson goes on
        kind = type(problem).__name__
        return "wrong", f"your code raised {kind}: {words_of(problem)}"
    return "right", "correct"


def words_of(problem: BaseException) -> str:
    """Return an exception's message on one line of at most 300 characters."""
    words = " ".join(str(problem).split())
    return words if len(words) <= 300 else words[:297] + "..."
