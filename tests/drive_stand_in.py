"""A stand-in for google.colab and for the Drive that it mounts, with their failures.

What it does follows what is known of Colab: mount() asks the browser first, refuses a
mount point that holds files, and has its own exceptions; on the mounted Drive, files
come late or vanish, the connection breaks between two calls, the space is counted
together with the bin, and what is deleted goes to the bin.
"""

import builtins
import errno
import io
import os
import sys
import types
from pathlib import Path

from course_utils import drive


class MessageError(Exception):
    """What google.colab raises when the browser answers with an error."""


class Drive:
    """A folder that comes and goes; faults are set as attributes."""

    def __init__(self, root: Path, patch):
        self.root, self.cloud = root, root.parent / "the cloud"
        self.cloud.mkdir(parents=True)
        self.bin = 0  # bytes in it
        self.quota = float("inf")
        self.late: set[str] = set()  # names that don't show yet
        self.vanished: set[str] = set()  # names that show and cannot be opened
        self.calls_left = float("inf")  # until the connection breaks
        self.read_only = False
        self.damage = False  # what is written arrives changed
        self.refusal: Exception | None = None
        self.asked = 0
        self._install(patch)

    # --- google.colab.drive

    def mount(self, mountpoint, force_remount=False, timeout_ms=120000, readonly=False):
        self.asked += 1
        assert mountpoint == str(self.root)
        if self.refusal:
            raise self.refusal
        if self.mounted:
            if not force_remount:
                return print("Drive already mounted")
            self.calls_left = float("inf")
            self.unmount()
        if self.root.is_dir() and any(self.root.iterdir()):
            raise ValueError("Mountpoint must not already contain files")
        self.root.mkdir(exist_ok=True)
        self.calls_left, self.read_only = float("inf"), readonly
        self._link().symlink_to(self.cloud)
        print(f"Mounted at {mountpoint}")

    @property
    def mounted(self):
        return os.path.islink(self._link())

    def unmount(self):
        os.unlink(self._link())

    def _link(self):
        return self.root / "MyDrive"

    # --- the file system

    def names(self, folder):
        return sorted(path.name for path in (self.cloud / folder).iterdir())

    def used(self):
        files = [path for path in self.cloud.rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in files) + self.bin

    def _ours(self, path):
        if isinstance(path, int | None):
            return False
        return Path(os.path.abspath(path)).is_relative_to(self.root)

    def _reach(self, path, writes=False):
        """Fail as Drive would when this path is touched."""
        if not self.mounted:
            return
        self.calls_left -= 1
        if self.calls_left < 0:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", path)
        if writes and self.read_only:
            raise OSError(errno.EROFS, "Read-only file system", path)
        if Path(path).name in self.late | self.vanished and not writes:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    def _install(self, patch):
        for name in ("stat", "mkdir", "replace", "truncate", "unlink", "access"):
            patch.setattr(os, name, self._wrapped(getattr(os, name), name))
        patch.setattr(os, "listdir", self._listed(os.listdir))
        patch.setattr(os, "open", self._opened_low(os.open))
        for module in (builtins, io):
            patch.setattr(module, "open", self._opened(open))

    def _wrapped(self, original, name):
        changes = name in {"mkdir", "replace", "truncate", "unlink"}

        def call(path, *rest, **options):
            if self._ours(path):
                if name == "access" and self.read_only:
                    return False
                self._reach(path, writes=changes)
                if name == "unlink" and self.mounted and Path(path) != self._link():
                    self.bin += os.path.getsize(os.path.realpath(path))
            return original(path, *rest, **options)

        return call

    def _listed(self, original):
        def listdir(path="."):
            if self._ours(path):
                self._reach(path)
                return [name for name in original(path) if name not in self.late]
            return original(path)

        return listdir

    def _opened_low(self, original):
        def low(path, flags, *rest, **options):
            if self._ours(path):
                self._reach(path, writes=bool(flags & os.O_CREAT))
            return original(path, flags, *rest, **options)

        return low

    def _opened(self, original):
        def opened(path, mode="r", *rest, **options):
            if not self._ours(path):
                return original(path, mode, *rest, **options)
            self._reach(path, writes=mode[0] in "wxa")
            file = original(path, mode, *rest, **options)
            return Written(file, self, path) if mode[0] in "wxa" else file

        return opened


class Written:
    """A file on Drive that is being written."""

    def __init__(self, file, drive, path):
        self.file, self.drive, self.path = file, drive, path

    def write(self, data):
        self.drive._reach(self.path, writes=True)
        quota = self.drive.quota
        if quota < float("inf") and self.drive.used() + len(data) > quota:
            raise OSError(errno.ENOSPC, "No space left on device", self.path)
        if self.drive.damage and isinstance(data, bytes):
            data = data[:-1] + b"?"
        count = self.file.write(data)
        self.file.flush()
        return count

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def pretend_colab(patch, tmp_path: Path) -> Drive:
    """Make this process look like a Colab notebook with Drive not yet mounted."""
    content = tmp_path / "content"
    content.mkdir()
    root = content / "drive"
    patch.setattr(drive, "ROOT", root)
    patch.chdir(content)
    patch.setenv("COLAB_RELEASE_TAG", "release-colab")
    patch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    stand_in = Drive(root, patch)
    google, colab = types.ModuleType("google"), types.ModuleType("google.colab")
    google.__path__, colab.__path__ = [], []
    module = types.ModuleType("google.colab.drive")
    module.mount = stand_in.mount
    google.colab, colab.drive = colab, module
    for part in (google, colab, module):
        patch.setitem(sys.modules, part.__name__, part)
    return stand_in
