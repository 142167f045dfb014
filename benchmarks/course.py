"""Time the course itself: lessons, a first model, the first cell on a bare machine."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks import ROOT
from benchmarks.measure import Table, installed

TRAINS = "= train(model, optimizer)"  # in the cell of lesson 00 that trains
SHOWN = "seconds of the first cell:"  # what first_cell.py prints


def run_lesson(path: Path) -> float:
    """Return the seconds of a lesson, the start of its kernel included."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    start = time.perf_counter()
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=where
    ).execute()
    return time.perf_counter() - start


def lessons(folder: Path) -> Table:
    """Return the table of the lessons in a clone, two run at a time."""
    paths = sorted(folder.glob("notebooks/[0-9][0-9]_*.ipynb"))
    sizes = [path.stat().st_size for path in paths]
    start = time.perf_counter()
    with ThreadPoolExecutor(max_workers=2) as pool:
        spent = list(pool.map(run_lesson, paths))
    total = time.perf_counter() - start
    rows = [
        [path.stem, f"{seconds:.1f}", f"{size / 1024:.0f}"]
        for path, seconds, size in zip(paths, spent, sizes, strict=True)
    ]
    last = ["**all**, on the clock", f"{total:.0f}", f"{sum(sizes) / 1024:.0f}"]
    return Table(
        "Lessons",
        ["lesson", "seconds", "kB"],
        [*rows, last],
        "Run all, on two cores, two lessons at a time, each with one thread; the start "
        "of the kernel and the import of torch included. One run.",
        "the minutes of a reader. A lesson alone on the machine is faster.",
    )


def clone(folder: Path) -> None:
    """Clone the course, or copy it where there is no repository."""
    done = subprocess.run(["git", "clone", "-q", ROOT, folder], capture_output=True)
    if done.returncode:  # no repository here
        kept = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")
        shutil.copytree(ROOT, folder, dirs_exist_ok=True, ignore=kept)


def first_model(python: str, folder: Path) -> float:
    """Return the seconds until lesson 00 in a clone has trained its model."""
    code = (
        "import nbformat, sys; from nbclient import NotebookClient\n"
        "n = nbformat.read(sys.argv[1], as_version=4)\n"
        "at = next(i for i, c in enumerate(n.cells)"
        f" if c.cell_type == 'code' and {TRAINS!r} in c.source)\n"
        "n.cells = n.cells[:at + 1]\n"
        "NotebookClient(n, timeout=300, kernel_name='python3').execute()\n"
    )
    start = time.perf_counter()
    lesson = next(folder.glob("notebooks/00_*.ipynb")).name
    alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [python, "-c", code, lesson]
    subprocess.run(command, cwd=folder / "notebooks", env=alone, check=True)
    return time.perf_counter() - start


def beginning(course: Path, cloned: float, rounds: int) -> list[list[str]]:
    """Return the rows of a clone, a set-up and a first model."""
    trained = [first_model(sys.executable, course) for _ in range(rounds)]
    whole = cloned + median(trained)
    rows = [["clone, lesson 00 to its trained model", f"{whole:.1f}", f"{rounds} runs"]]
    name = "the same, `make learn`'s set-up included"
    if os.environ.get("BENCH_SETUP") != "1":
        return [*rows, [name, "not measured", "`BENCH_SETUP=1 make benchmark` does"]]
    start = time.perf_counter()
    env = course.parent / "env"
    subprocess.run(["make", "-s", env / "learn.done", f"VENV={env}"], cwd=course)
    first_model(str(env / "bin" / "python"), course)
    spent = cloned + time.perf_counter() - start
    return [*rows, [name, f"{spent:.0f}", "one run, with its downloads"]]


def first_cell(rounds: int) -> list[str]:
    """Return the row of the first cell on a bare machine, where `make colab` ran."""
    name = "first cell on a bare machine like Colab's"
    env = Path(os.environ.get("COLAB_VENV", ROOT / ".venv-colab")).resolve()
    if not (env / "colab.done").exists():
        return [name, "not measured", "needs the environment of `make colab`"]
    command = [env / "bin" / "python", "-m", "pytest", "-q", "-s", "-p", "no:xdist"]
    command += ["-m", "slow or not slow", "benchmarks/first_cell.py"]
    found = []
    for _ in range(rounds):
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"COLAB_WHEELS": str(env / "wheels")},
            capture_output=True,
            text=True,
        )
        said = re.search(rf"{SHOWN} (\d+\.\d+)", done.stdout)
        if not said:
            return [name, "not measured", f"it failed: {done.stdout[-200:]!r}"]
        found.append(float(said[1]))
    note = f"{rounds} machines; packages from a folder, the course from a local clone"
    return [name, f"{median(found):.1f}", note]


def tables(tiny: bool = False) -> list[Table]:
    """Return the tables of the lessons and of the beginning."""
    found = []
    names = ["clone to a first model", "first cell on a bare machine"]
    rows = [[name, "not measured"] for name in names]
    if installed("nbclient") and not tiny:
        with tempfile.TemporaryDirectory() as place:
            course, start = Path(place, "course"), time.perf_counter()
            clone(course)
            cloned = time.perf_counter() - start
            rows = [*beginning(course, cloned, 3), first_cell(3)]
            found = [lessons(course)]
    begun = Table(
        "From nothing",
        ["what", "seconds", "how"],
        rows,
        "Medians. `BENCH_SETUP=1 make benchmark` measures the set-up too, which takes "
        "minutes and 6 GB.",
        "a slow line: what the set-up and Colab's first cell have to download.",
    )
    return [*found, begun]
