"""Find the project's folder, on Google Drive or on this machine's disk.

Plumbing around notebooks/08_checkpoints.ipynb, section 5. Drive is used to keep
finished files; nothing here trains or logs on it.
"""

import errno
import importlib
import os
from pathlib import Path

from course_utils.runtime import where

ROOT = Path("/content/drive")  # where Colab mounts Drive

REASONS = {  # part of what google.colab says: what it means, and what to do
    "already contain files": (
        "{root} holds files although Drive is not mounted; rename that folder "
        "(!mv {root} {root}_found) and run this cell again"
    ),
    "credential propagation": (
        "the permission was not given; run this cell again, choose the account that "
        "you use in Colab and tick every box"
    ),
    "domain policy": (
        "the school or company behind this account does not allow Drive here; use a "
        "private account, or download the folder at the end"
    ),
    "oauth": "the permission was not given; run this cell again and allow it",
    "timeout": (
        "Drive did not answer in time; run this cell again, and move files from the "
        "top level of Drive into folders if there are hundreds"
    ),
    "mount failed": "Drive did not start; run this cell again, or restart the runtime",
}
ADVICE = {
    errno.ENOTCONN: (
        "Drive has lost its connection; "
        "drive.mount('/content/drive', force_remount=True) brings it back"
    ),
    errno.ENOSPC: "it is full; delete files there, and empty Drive's bin, which counts",
    errno.EROFS: "it can only be read; mount Drive again without readonly=True",
    errno.EACCES: "it may not be written to; choose another folder",
    errno.ENOENT: "it is not there; is Drive still mounted?",
}
ADVICE[errno.EDQUOT] = ADVICE[errno.ENOSPC]
ADVICE[errno.EPERM] = ADVICE[errno.EACCES]


def project_folder(name: str) -> Path:
    """Return the folder of this project, made if it was not there.

    On Drive, MyDrive/name, when Drive is mounted or can be mounted from this Colab
    notebook; otherwise `name` in the current folder, and in Colab a line that says
    why. Nothing is made below /content/drive while Drive is not mounted.

    Raises: ValueError unless `name` is the name of one folder.
    """
    if not name or name in {".", ".."} or {"/", "\\"} & set(name):
        raise ValueError(f"expected the name of one folder, got {name!r}")
    reason, mounted = None, is_mounted()
    try:
        if not mounted and where() == "colab":
            reason = mount()
            mounted = reason is None
        if mounted:
            folder = ROOT / "MyDrive" / name
            folder.mkdir(exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
            reason = ADVICE[errno.EROFS]
    except OSError as problem:
        reason = advice(problem)
    folder = here() / name
    folder.mkdir(parents=True, exist_ok=True)
    if reason:
        print(
            f"Drive is not used: {reason}.\n"
            f"Until then files go to {folder}, which is lost with this machine."
        )
    return folder


def is_mounted() -> bool:
    """Return whether Drive can be seen."""
    try:
        return (ROOT / "MyDrive").is_dir()
    except OSError:  # mounted, and no longer connected
        return False


def mount() -> str | None:
    """Ask Colab to mount Drive; return None, or why that did not work."""
    try:
        drive = importlib.import_module("google.colab.drive")
        drive.mount(str(ROOT), force_remount=lost())
    except (ImportError, NotImplementedError, AttributeError):
        return "it can be mounted from a notebook in Colab alone"
    except Exception as problem:  # each failure has its own class in google.colab
        for part, reason in REASONS.items():
            if part in str(problem):
                return reason.format(root=ROOT)
        return f"mounting it failed: {problem}"
    return None if is_mounted() else "it was mounted, but MyDrive is not to be seen"


def lost() -> bool:
    """Return whether Drive is mounted but no longer connected."""
    try:
        os.listdir(ROOT)
    except OSError as problem:
        return problem.errno == errno.ENOTCONN
    return False


def here() -> Path:
    """Return the current folder, or the one beside Drive if that is on a lost Drive."""
    try:
        folder = Path.cwd()
    except OSError:
        return ROOT.parent
    return ROOT.parent if folder.is_relative_to(ROOT) else folder


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, but none below an unmounted Drive.

    Raises: OSError when it cannot be made, or Drive is not mounted.
    """
    real = Path(os.path.realpath(folder))  # through links, and without ".."
    if real.is_relative_to(os.path.realpath(ROOT)) and not is_mounted():
        code = errno.ENOTCONN if lost() else errno.ENOENT
        raise OSError(code, "Drive is not mounted", str(folder))
    folder.mkdir(parents=True, exist_ok=True)


def advice(problem: Exception) -> str:
    """Return what went wrong with a folder on Drive, and what to do."""
    return ADVICE.get(getattr(problem, "errno", None), str(problem))
