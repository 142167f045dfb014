"""Run by test_checkpoint_kills.py, where two disks of 1 MB are mounted."""

import os
import subprocess
import warnings
from pathlib import Path

import pytest
import torch

from course_utils.checkpoint import Checkpoints

DISKS = Path(os.environ.get("SMALL_DISKS", "nowhere"))
KEPT = 200_000  # bytes of one state; three of them fit


def state(step, size=KEPT):
    return {"weights": torch.full((size // 4,), float(step))}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def remounted(folder, how):
    subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True)


@pytest.fixture
def local():
    yield from emptied("local")


@pytest.fixture
def drive():
    yield from emptied("drive")


def emptied(name):
    folder = DISKS / name
    yield folder
    remounted(folder, "rw")
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize("background", [False, True])
def test_a_full_disk_costs_one_save_and_leaves_nothing_behind(local, background):
    checkpoints = Checkpoints(local, keep_last=9)
    for step in (1, 2, 3):
        checkpoints.save(state(step), step)
    before = names(local)
    for size in (600_000, 450_000, 5_000_000):
        with pytest.raises(OSError, match="No space left on device: nothing was") as e:
            checkpoints.save(state(4, size), 4, background=background)
            checkpoints.wait()
        assert "free some space or lower keep_last" in str(e.value)
        assert names(local) == before
    assert checkpoints.latest().state["weights"].eq(3).all()
    checkpoints.keep_last = 1
    checkpoints.save(state(5, 100_000), 5)
    assert checkpoints.latest().step == 5 and len(names(local)) == 2


def test_a_disk_filled_to_the_last_byte(local):
    checkpoints = Checkpoints(local)
    checkpoints.save(state(1), 1)
    with pytest.raises(OSError, match="No space left"), open(local / "x", "wb") as file:
        while True:
            file.write(bytes(1000))
            file.flush()
    with pytest.raises(OSError, match="No space left on device: nothing was saved"):
        checkpoints.save({}, 2)
    assert names(local) == ["step-000001.json", "step-000001.pt", "x"]
    assert checkpoints.latest().step == 1


def test_a_read_only_folder(local):
    checkpoints = Checkpoints(local)
    checkpoints.save(state(1), 1)
    remounted(local, "ro")
    with pytest.raises(OSError, match="Read-only file system: nothing was saved"):
        checkpoints.save(state(2), 2)
    assert checkpoints.latest().step == 1
    with pytest.raises(OSError, match="Read-only"):
        Checkpoints(local / "new")
    assert Checkpoints(local).latest().step == 1


@pytest.mark.parametrize("background", [False, True])
def test_a_full_mirror_costs_a_warning(tmp_path, drive, background):
    checkpoints = Checkpoints(tmp_path, mirror=drive)
    for step in (1, 2):
        checkpoints.save(state(step), step, metric=step)
    before = names(drive)
    (drive / "films").write_bytes(bytes(500_000))
    with pytest.warns(UserWarning, match=r"not up to date: it is full.*empty Drive's"):
        checkpoints.save(state(3), 3, metric=3, background=background)
        checkpoints.wait()
    assert names(drive) == ["films", *before]
    assert checkpoints.latest().step == 3
    (drive / "films").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checkpoints.save(state(4), 4, metric=4)
    found = Checkpoints(tmp_path / "new", mirror=drive)
    assert (found.latest().step, found.best().step) == (4, 1)
    assert len(names(drive)) == 6  # 1, 3 and 4


def test_a_read_only_mirror_costs_a_warning(tmp_path, drive):
    checkpoints = Checkpoints(tmp_path, mirror=drive)
    checkpoints.save(state(1), 1)
    remounted(drive, "ro")
    with pytest.warns(UserWarning, match="can only be read; mount Drive again without"):
        checkpoints.save(state(2), 2)
    assert checkpoints.latest().step == 2
    found = Checkpoints(tmp_path / "new", mirror=drive).latest()
    assert found.step == 1  # reading goes on
