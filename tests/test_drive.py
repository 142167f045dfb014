import errno
import re
import time
import warnings
from pathlib import Path

import pytest
import torch

from course_utils import checkpoint_folder, drive
from course_utils.checkpoint import Checkpoints
from course_utils.drive import project_folder
from drive_stand_in import MessageError, pretend_colab

REPEATED = 200_000  # bytes of a state


@pytest.fixture
def colab(monkeypatch, tmp_path):
    return pretend_colab(monkeypatch, tmp_path)


@pytest.fixture(autouse=True)
def no_unexpected_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def state(step):
    return {"weights": torch.full((REPEATED // 4,), float(step))}


# --- project_folder ---------------------------------------------------------------


def test_in_colab_drive_is_mounted_and_the_folder_made(colab):
    folder = project_folder("run")
    assert folder == colab.root / "MyDrive" / "run" and folder.is_dir()
    assert project_folder("run") == folder and colab.asked == 1


def test_a_drive_mounted_before_is_used_without_asking(colab):
    colab.mount(str(colab.root))
    assert project_folder("run") == colab.root / "MyDrive" / "run"
    assert colab.asked == 1


def test_on_a_laptop_the_folder_is_in_the_current_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drive, "ROOT", tmp_path / "no such drive")
    monkeypatch.setattr(drive, "where", lambda: "local")
    monkeypatch.chdir(tmp_path)
    assert project_folder("run") == tmp_path / "run" and (tmp_path / "run").is_dir()
    assert capsys.readouterr().out == ""
    assert not drive.ROOT.exists()


def test_kaggle_has_no_drive_although_it_looks_like_colab(colab, monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert project_folder("run") == Path.cwd() / "run" and colab.asked == 0


REFUSALS = [
    (
        MessageError("Error: credential propagation was unsuccessful"),
        "the permission was not given; run this cell again.*tick every box",
    ),
    (
        ValueError(
            "The domain policy has disabled Drive File Stream: "
            "https://support.google.com/a/answer/7496409"
        ),
        "school or company behind this account does not allow Drive",
    ),
    (
        ValueError(
            "mount failed: timeout during initial read of root folder; for more info: "
            "https://research.google.com/colaboratory/faq.html#drive-timeout"
        ),
        "Drive did not answer in time",
    ),
    (ValueError("mount failed"), "Drive did not start; run this cell again"),
    (ValueError("mount failed: invalid oauth code"), "the permission was not given"),
    (NotImplementedError("Mounting drive is unsupported"), "from a notebook in Colab"),
    (AttributeError("'NoneType' object has no attribute"), "from a notebook in Colab"),
    (RuntimeError("something new"), "mounting it failed: something new"),
]


@pytest.mark.parametrize(("refusal", "sentence"), REFUSALS)
def test_each_refusal_is_explained_and_work_goes_on_here(
    colab, capsys, refusal, sentence
):
    colab.refusal = refusal
    folder = project_folder("run")
    assert folder == colab.root.parent / "run" and folder.is_dir()
    assert not colab.root.exists()
    said = capsys.readouterr().out
    assert said.startswith("Drive is not used: ") and str(folder) in said
    assert re.search(sentence, said)


def test_files_in_the_way_of_the_mount_stay_and_are_named(colab, capsys):
    (colab.root / "MyDrive.old").mkdir(parents=True)
    (colab.root / "MyDrive.old" / "weights").write_text("precious")
    folder = project_folder("run")
    assert folder == colab.root.parent / "run"
    said = capsys.readouterr().out
    assert f"{colab.root} holds files although Drive is not mounted" in said
    assert f"!mv {colab.root} {colab.root}_found" in said
    assert (colab.root / "MyDrive.old" / "weights").read_text() == "precious"
    assert [path.name for path in colab.root.iterdir()] == ["MyDrive.old"]


def test_a_lost_connection_is_mounted_again(colab):
    project_folder("run")
    colab.calls_left = 0
    folder = project_folder("run")
    assert folder == colab.root / "MyDrive" / "run" and colab.asked == 2


def test_a_lost_connection_that_stays_lost_means_this_disk(colab, capsys):
    project_folder("run")
    colab.calls_left, colab.refusal = 0, ValueError("mount failed")
    assert project_folder("run") == colab.root.parent / "run"
    assert "Drive did not start" in capsys.readouterr().out


@pytest.mark.parametrize("calls", range(1, 6))
def test_a_connection_lost_between_two_calls_is_no_traceback(colab, capsys, calls):
    project_folder("other")
    colab.calls_left = calls
    colab.refusal = ValueError("mount failed")
    folder = project_folder("run")
    assert folder.name == "run"
    if folder == colab.root.parent / "run":
        assert "Drive is not used: Drive" in capsys.readouterr().out


def test_a_read_only_drive_is_not_for_writing(colab, capsys):
    project_folder("run")
    colab.read_only = True
    for name in ("run", "new"):
        assert project_folder(name) == colab.root.parent / name
        assert "without readonly=True" in capsys.readouterr().out


def test_a_current_folder_on_the_unmounted_drive_is_left(colab, monkeypatch):
    monkeypatch.setattr(drive.Path, "cwd", lambda: colab.root / "MyDrive" / "x")
    colab.refusal = ValueError("mount failed")
    assert project_folder("run") == colab.root.parent / "run"
    assert not colab.root.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/content/drive/x", "a\\b"])
def test_a_name_is_the_name_of_one_folder(colab, name):
    with pytest.raises(ValueError, match="the name of one folder"):
        project_folder(name)


# --- checkpoints with a mirror on Drive -------------------------------------------


@pytest.fixture
def mirror(colab):
    return project_folder("run") / "checkpoints"


def new_machine(mirror, tmp_path):
    """Return what a machine finds that has nothing but Drive."""
    return Checkpoints(tmp_path / "another machine", mirror=mirror)


def test_a_new_machine_goes_on_from_drive(mirror, tmp_path):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    for step, metric in enumerate([3.0, 1.0, 2.0, 4.0, 5.0]):
        checkpoints.save(state(step), step, metric)
    kept = sorted(path.name for path in mirror.iterdir())
    assert kept == sorted(path.name for path in (tmp_path / "local").iterdir())
    assert len(kept) == 6
    other = new_machine(mirror, tmp_path)
    assert (other.latest().step, other.best().step) == (4, 1)
    other.save(state(3), 3, 6.0)  # the same step, computed again
    assert (other.latest().metric, other.best().step) == (6.0, 1)
    other.save(state(4), 4, 7.0)
    names = sorted(path.name for path in mirror.glob("*.pt"))
    assert names == ["step-000001.pt", "step-000003-2.pt", "step-000004-2.pt"]


@pytest.mark.slow
def test_each_call_to_drive_may_be_the_last(colab, mirror, tmp_path, monkeypatch):
    """The connection breaks after 0, 1, 2 … calls, until a save needs no more."""
    monkeypatch.setattr(checkpoint_folder, "ABANDONED", 0)
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    for calls in range(200):
        good, cut = 2 * calls, 2 * calls + 1
        checkpoints.save({"step": good}, good, metric=good)
        colab.calls_left = calls
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            checkpoints.save({"step": cut}, cut, metric=cut)
        colab.calls_left = float("inf")
        if not said:
            break
        (text,) = [str(warning.message) for warning in said]
        assert "Drive has lost its connection; drive.mount(" in text
        assert f"step-{cut:06d}.pt is in {tmp_path / 'local'}" in text
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # half a checkpoint may be named
            assert checkpoints.latest().state["step"] == cut
            found = new_machine(mirror, tmp_path)
            assert found.latest().state["step"] in (good, cut)
            assert found.best().metric == 0
    assert 10 < calls < 199
    assert len(list(mirror.glob("*.pt"))) == 3
    assert not list(mirror.glob("*.tmp"))


def test_once_drive_is_back_it_gets_what_it_lacks(colab, mirror, tmp_path):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    checkpoints.save(state(0), 0, 3.0)
    colab.unmount()
    for step, metric in [(1, 1.0), (2, 2.0), (3, 4.0)]:
        with pytest.warns(UserWarning, match="not there; is Drive still mounted"):
            checkpoints.save(state(step), step, metric)
    assert list(colab.root.iterdir()) == []  # nothing below the unmounted Drive
    colab.mount(str(colab.root))
    checkpoints.save(state(4), 4, 5.0)
    found = new_machine(mirror, tmp_path)
    assert (found.latest().step, found.best().step) == (4, 1)
    assert len(list(mirror.glob("*.pt"))) == 3


def test_a_new_machine_that_cannot_reach_drive_does_not_start_anew(
    colab, mirror, tmp_path
):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    checkpoints.save(state(0), 0)
    colab.calls_left = 0
    with (
        pytest.warns(UserWarning, match="not read: Drive has lost its connection"),
        pytest.raises(OSError, match=r"lost its connection.*No good checkpoint is in"),
    ):
        new_machine(mirror, tmp_path).latest()
    with pytest.warns(UserWarning, match="lost its connection"):
        assert checkpoints.latest().step == 0  # this one has its own


@pytest.mark.parametrize("asks", [True, False])
def test_a_clock_that_was_ahead_elsewhere_changes_nothing(
    mirror, tmp_path, monkeypatch, asks
):
    now = time.time_ns
    with monkeypatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: now() + 3600 * 10**9)
        first = Checkpoints(tmp_path / "local", mirror=mirror)
        for step in (1, 2, 3):
            first.save({"step": step}, step)
    second = new_machine(mirror, tmp_path)
    if asks:
        assert second.latest().step == 3
    for step in (4, 5, 6):
        second.save({"step": step}, step)
    assert second.latest().step == 6
    assert Checkpoints(tmp_path / "third", mirror=mirror).latest().step == 6


def test_files_that_drive_shows_late_are_not_deleted(colab, mirror, tmp_path):
    old = Checkpoints(tmp_path / "local", mirror=mirror)
    for step in (100, 110):
        old.save(state(step), step)
    colab.late = {path.name for path in mirror.iterdir()}
    again = new_machine(mirror, tmp_path)
    assert again.latest() is None  # as a first run would find it
    again.save(state(1), 1)
    colab.late = set()
    for step in (2, 3):
        again.save(state(step), step)
    names = {path.name for path in mirror.glob("*.pt")}
    assert {"step-000100.pt", "step-000110.pt"} < names
    assert again.latest().step == 3
    again.save(state(4), 4)  # now that they have been listed
    assert {path.name for path in mirror.glob("*.pt")} == {
        "step-000003.pt",
        "step-000004.pt",
    }


@pytest.mark.parametrize("end", [".json", ".pt"])
def test_half_a_checkpoint_is_passed_over_until_the_rest_comes(
    colab, mirror, tmp_path, end
):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    for step in (1, 2):
        checkpoints.save(state(step), step)
    colab.late = {f"step-000002{end}"}
    found = new_machine(mirror, tmp_path)
    if end == ".json":
        with pytest.warns(UserWarning, match="is not there, or not yet"):
            assert found.latest().step == 1
    else:
        assert found.latest().step == 1
    colab.late = set()
    assert found.latest().step == 2


def test_a_file_that_vanishes_when_it_is_opened_is_passed_over(colab, mirror, tmp_path):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    for step in (1, 2):
        checkpoints.save(state(step), step)
    colab.vanished = {"step-000002.pt"}
    with pytest.warns(UserWarning, match="step-000002.pt was passed over: .*No such"):
        assert new_machine(mirror, tmp_path).latest().step == 1


def test_a_half_copied_file_is_passed_over(mirror, tmp_path):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    for step in (1, 2):
        checkpoints.save(state(step), step)
    half = mirror / "step-000002.pt"
    half.write_bytes(half.read_bytes()[:50_000])
    with pytest.warns(UserWarning, match="step-000002.pt was passed over: expected"):
        assert new_machine(mirror, tmp_path).latest().step == 1
    checkpoints.save(state(3), 3)
    assert half.exists()  # it may be on its way


def test_a_copy_that_differs_is_not_kept(colab, mirror, tmp_path):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    checkpoints.save(state(1), 1)
    colab.damage = True
    with pytest.warns(UserWarning, match="another hash than the original.*tries again"):
        checkpoints.save(state(2), 2)
    assert {path.name for path in mirror.iterdir()} == {
        "step-000001.pt",
        "step-000001.json",
    }
    colab.damage = False
    checkpoints.save(state(3), 3)
    assert new_machine(mirror, tmp_path).latest().step == 3


def test_a_damaged_file_here_does_not_keep_others_from_drive(mirror, tmp_path, colab):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    colab.read_only = True
    with pytest.warns(UserWarning, match="can only be read"):
        checkpoints.save(state(1), 1, 1.0)
    path = tmp_path / "local" / "step-000001.pt"
    path.write_bytes(bytes(path.stat().st_size))
    colab.read_only = False
    with pytest.warns(UserWarning, match="another hash"):
        checkpoints.save(state(2), 2, 2.0)
    assert new_machine(mirror, tmp_path).latest().step == 2


def test_a_full_drive_keeps_what_it_has(colab, mirror, tmp_path):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    for step in (1, 2):
        checkpoints.save(state(step), step)
    before = colab.names("run/checkpoints")
    colab.quota = colab.used() + REPEATED // 2
    with pytest.warns(UserWarning, match="full; delete files there, and empty Drive's"):
        checkpoints.save(state(3), 3)
    assert colab.names("run/checkpoints") == before
    assert checkpoints.latest().step == 3
    colab.quota = float("inf")
    checkpoints.save(state(4), 4)
    assert new_machine(mirror, tmp_path).latest().step == 4


def test_the_bin_does_not_fill_drive(colab, mirror, tmp_path):
    """Room for four states; twenty are saved, and all but two deleted."""
    colab.quota = 4 * (REPEATED + 20_000)
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    for step in range(20):
        checkpoints.save(state(step), step)
    assert new_machine(mirror, tmp_path).latest().step == 19
    assert colab.bin < 20 * 500  # the notes alone


def test_nothing_is_ever_made_below_an_unmounted_drive(colab, tmp_path):
    colab.root.mkdir()
    folder = colab.root / "MyDrive" / "run"
    (tmp_path / "link").symlink_to(colab.root)
    around = tmp_path / "link" / ".." / colab.root.name / "run"
    for place in (folder, tmp_path / "link" / "run", around):
        with pytest.raises(OSError, match="Drive is not mounted"):
            Checkpoints(place)
    checkpoints = Checkpoints(tmp_path / "local", mirror=folder)
    with pytest.warns(UserWarning, match="is Drive still mounted"):
        checkpoints.save(state(1), 1)
    assert list(colab.root.iterdir()) == []
    colab.mount(str(colab.root))  # and so it can still be mounted


def test_drive_in_the_background_reports_with_the_next_call(colab, mirror, tmp_path):
    checkpoints = Checkpoints(tmp_path / "local", mirror=mirror)
    colab.calls_left = 7
    checkpoints.save(state(1), 1, background=True)
    with pytest.warns(UserWarning, match="lost its connection") as said:
        checkpoints.wait()
    assert said[0].filename == __file__
    colab.calls_left = float("inf")
    checkpoints.save(state(2), 2, background=True)
    checkpoints.wait()
    assert new_machine(mirror, tmp_path).latest().step == 2


def test_every_known_error_has_advice():
    for code in (errno.ENOTCONN, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EPERM):
        assert ";" in drive.advice(OSError(code, "x"))
    assert drive.advice(OSError(errno.EIO, "odd")) == f"[Errno {errno.EIO}] odd"
