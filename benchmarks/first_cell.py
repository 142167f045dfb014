"""Time the first cell on the bare machine of tests/test_first_cell.py.

Run with pytest in the environment of `make colab`, by benchmarks/course.py.
"""

import time

import stamp
from test_first_cell import (  # noqa: F401, the fixtures
    bare_python,
    kernel,
    repository,
    wheels,
)


def test_seconds(kernel):  # noqa: F811
    """Run the first cell once, and print how long it took."""
    start = time.perf_counter()
    said, status = kernel(stamp.first_cell())
    print(f"\nseconds of the first cell: {time.perf_counter() - start:.2f}")
    assert status == "ok", said
