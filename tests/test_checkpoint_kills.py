"""Real kills, real full and read-only disks, two real processes."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch

from checkpoint_run import EPOCHS, STEPS, Run
from course_utils import checkpoint_folder
from course_utils.checkpoint import Checkpoints
from lesson_files import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]
MEGABYTES = 3


@pytest.fixture(autouse=True)
def one_thread_and_quick_tidying(monkeypatch):
    torch.set_num_threads(1)
    # A forked child inherits it: what a killed save left goes after a second.
    monkeypatch.setattr(checkpoint_folder, "ABANDONED", 1.0)


def process(function, *arguments):
    child = multiprocessing.get_context("fork").Process(
        target=function, args=arguments, daemon=True
    )
    child.start()
    return child


def save_until_killed(folder, mirror, background, pipe):
    """Save one step after another; say of each when its save has ended."""
    checkpoints = Checkpoints(folder, mirror=mirror)
    newest = checkpoints.latest()
    step = newest.step if newest else 0
    weights = torch.empty(MEGABYTES * 2**18)
    while True:
        step += 1
        checkpoints.save({"weights": weights.fill_(step)}, step, background=background)
        weights.fill_(-1)
        os.write(pipe, step.to_bytes(8, "big"))  # in the background: of the one before


def killed_once(folder, mirror, background, seconds):
    """Let a child save and kill it; return the last step that it said it saved."""
    reading, writing = os.pipe()
    child = process(save_until_killed, folder, mirror, background, writing)
    os.close(writing)
    said = os.read(reading, 8)  # it is under way
    time.sleep(seconds)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL
    while piece := os.read(reading, 8):
        said = piece
    os.close(reading)
    return int.from_bytes(said, "big")


def newest_is_whole(checkpoints, at_least):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a kill leaves nothing that looks damaged
        newest = checkpoints.latest()
    if newest is None:
        assert at_least == 0
        return
    assert at_least <= newest.step <= at_least + 2
    assert newest.state["weights"].eq(newest.step).all()


@pytest.mark.parametrize(
    ("background", "mirrored", "kills"),
    [(False, False, 100), (True, False, 25), (False, True, 25)],
)
def test_after_each_kill_the_newest_is_whole(tmp_path, background, mirrored, kills):
    folder, mirror = tmp_path / "local", tmp_path / "mirror" if mirrored else None
    waits = random.Random(0)
    in_the_middle, leftovers = 0, set()
    for _ in range(kills):
        step = killed_once(folder, mirror, background, waits.uniform(0, 0.03))
        newest_is_whole(Checkpoints(folder), step - background)
        if mirrored:
            newest_is_whole(Checkpoints(tmp_path / "none", mirror=mirror), step - 1)
        before, leftovers = (
            leftovers,
            {(path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.tmp")},
        )
        in_the_middle += bool(leftovers - before)
    print(f"{in_the_middle} of {kills} kills came in the middle of a save")
    assert in_the_middle > kills / 4
    time.sleep(1.1)
    Checkpoints(folder, mirror=mirror).save({}, 10**6)
    assert not list(tmp_path.rglob("*.tmp"))


def train_until_killed(folder):
    run = Run(seed=9)
    checkpoints = Checkpoints(folder)
    if checkpoint := checkpoints.latest():
        run.losses = checkpoint.restore(**run.objects())["losses"]
        run.step = checkpoint.step
    else:
        run = Run()

    def save(run):
        checkpoints.save(run.state(), run.step)
        time.sleep(0.01)

    run.train(after_step=save)


def test_a_run_killed_again_and_again_ends_as_the_run_never_killed(tmp_path):
    never_killed = Run().train()
    waits, kills, newest = random.Random(1), 0, None
    while newest is None or newest.step < EPOCHS * STEPS:
        child = process(train_until_killed, tmp_path)
        child.join(waits.uniform(0.05, 0.2) * (1 + kills / 20))  # or none would end
        if child.exitcode is None:
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.join()
        newest = Checkpoints(tmp_path).latest()
        assert kills < 200
    assert kills >= 2
    run = Run(seed=5)
    run.losses = newest.restore(**run.objects())["losses"]
    assert run.same_as(never_killed)


def save_some(folder, mark, count):
    checkpoints = Checkpoints(folder, mirror=Path(folder).with_name("mirror"))
    for step in range(1, count + 1):
        weights = torch.full((50_000,), float(mark))
        checkpoints.save({"weights": weights, "mark": mark}, step, metric=step)


@pytest.mark.filterwarnings("ignore:.*mirror.*:UserWarning")
def test_two_processes_on_one_folder_lose_nothing(tmp_path):
    folder = tmp_path / "local"
    children = [process(save_some, folder, mark, 40) for mark in (1, 2)]
    seen = []
    watcher = Checkpoints(folder)
    while any(child.is_alive() for child in children):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one may be pruned while it is read
            newest = watcher.latest()
        if newest:
            assert newest.state["weights"].eq(newest.state["mark"]).all()
            seen.append(newest.step)
        else:
            assert not seen
    assert [child.exitcode for child in children] == [0, 0]
    assert watcher.latest().step == 40 and len(seen) > 10
    assert watcher.best().metric == 1
    assert not list(folder.glob("*.tmp"))
    assert len(list(folder.glob("*.pt"))) == len(list(folder.glob("*.json"))) <= 4


def test_really_full_and_really_read_only_disks(tmp_path):
    """tests/small_disks.py in a namespace of its own, in which it may mount."""
    inside = (
        'mkdir "$0/local" "$0/drive" && '
        'mount -t tmpfs -o size=1m none "$0/local" && '
        'mount -t tmpfs -o size=1m none "$0/drive" && exec "$@"'
    )
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        probe = subprocess.run(
            [*alone, "sh", "-c", inside, str(tmp_path), "true"], capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("needs unshare, of Linux")
    if probe.returncode:
        pytest.skip(f"this machine forbids mounting: {probe.stderr.decode()[:100]}")
    for folder in ("local", "drive"):
        (tmp_path / folder).rmdir()
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA"]
    done = subprocess.run(
        [*alone, "sh", "-c", inside, str(tmp_path), *test, "tests/small_disks.py"],
        cwd=ROOT,
        env=os.environ | {"SMALL_DISKS": str(tmp_path), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout and "skipped" not in done.stdout
