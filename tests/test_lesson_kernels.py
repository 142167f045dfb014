import pytest

from lesson_kernels import TRIES, patient


def failing(times, words):
    """Return a start that fails some times, and a list of its calls."""
    calls = []

    def start(name):
        calls.append(name)
        if len(calls) <= times:
            raise RuntimeError(words)
        return "started"

    return patient(start), calls


def test_a_kernel_without_its_port_is_started_again():
    start, calls = failing(TRIES - 1, "Kernel died before replying to kernel_info")
    assert start("python3") == "started"
    assert calls == ["python3"] * TRIES


@pytest.mark.parametrize(
    "times, words, tries",
    [
        (TRIES, "Kernel died before replying to kernel_info", TRIES),
        (1, "Kernel didn't respond in 60 seconds", 1),
    ],
)
def test_any_other_failure_comes_out(times, words, tries):
    start, calls = failing(times, words)
    with pytest.raises(RuntimeError, match=words):
        start("python3")
    assert len(calls) == tries
