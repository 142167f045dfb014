"""Run the lessons under nbval as a learner's Jupyter would, two at a time."""

import os
from collections import Counter

import pytest
from xdist.scheduler import LoadScopeScheduling

from lesson_kernels import patient

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # outputs are frozen on the CPU
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two busy threads wait for each other

try:
    from nbval import kernel
    from nbval.kernel import RunningKernel
    from nbval.plugin import IPyNbFile
except ImportError:  # unit tests alone need no nbval
    RunningKernel = IPyNbFile = None


def execute_with_history(self, source, allow_stdin=None):
    """Keep history as Jupyter does, so that `Out[]` and a final `;` work."""
    return self.kc.execute(
        source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
    )


if RunningKernel:
    RunningKernel.execute_cell_input = execute_with_history
    kernel.start_new_kernel = patient(kernel.start_new_kernel)


def pytest_collection_modifyitems(items):
    for item in items:
        if IPyNbFile and isinstance(item.parent, IPyNbFile):
            item.add_marker(pytest.mark.lesson)
            item.add_marker(pytest.mark.slow)
            if "stderr" not in item.parent.skip_compare:  # warnings vary by version
                item.parent.skip_compare += ("stderr",)


class FilesWhole(LoadScopeScheduling):
    """Keep a file on one worker, a notebook with its kernel above all."""

    def _split_scope(self, nodeid):
        """Return what stays together; lessons being solved need not."""
        file = nodeid.split("::")[0]
        return nodeid if file.endswith("test_solutions.py") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return FilesWhole(config, log)


seconds = Counter()  # by notebook


def pytest_runtest_logreport(report):
    name = report.nodeid.split("::")[0]
    if name.endswith(".ipynb"):
        seconds[name] += report.duration


def pytest_terminal_summary(terminalreporter):
    if seconds:
        terminalreporter.section("seconds of each lesson")
        for name, spent in sorted(seconds.items()):
            terminalreporter.write_line(f"{spent:6.1f}  {name}")
        terminalreporter.write_line(f"{sum(seconds.values()):6.1f}  together")
