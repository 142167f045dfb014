"""Run the lessons under nbval as a learner's Jupyter would, two at a time."""

import os
from collections import Counter

import pytest

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # outputs are frozen on the CPU
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two busy threads wait for each other

try:
    from nbval.kernel import RunningKernel
    from nbval.plugin import IPyNbFile
except ImportError:  # unit tests alone need no nbval
    RunningKernel = IPyNbFile = None

seconds = Counter()  # by notebook


if RunningKernel:

    def execute_with_history(self, source, allow_stdin=None):
        """Keep history as Jupyter does, so that `Out[]` and a final `;` work."""
        return self.kc.execute(
            source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
        )

    RunningKernel.execute_cell_input = execute_with_history


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    for item in items:
        if IPyNbFile and isinstance(item.parent, IPyNbFile):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.lesson)
            if "stderr" not in item.parent.skip_compare:  # warnings vary by version
                item.parent.skip_compare += ("stderr",)
        if not item.get_closest_marker("xdist_group"):
            # A file stays on one worker, a notebook with its kernel above all.
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))


def pytest_runtest_logreport(report):
    name = report.nodeid.split("::")[0]
    if name.endswith(".ipynb") and report.when != "collect":
        seconds[name] += report.duration


def pytest_terminal_summary(terminalreporter):
    if seconds:
        terminalreporter.section("seconds of each lesson")
        for name, spent in sorted(seconds.items()):
            terminalreporter.write_line(f"{spent:6.1f}  {name}")
        terminalreporter.write_line(f"{sum(seconds.values()):6.1f}  together")
