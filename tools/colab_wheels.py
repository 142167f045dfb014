"""Gather, as wheels, what a lesson's first cell installs on Colab, and install it.

    python tools/colab_wheels.py FOLDER

Run by `make colab` in an environment with Colab's own versions. The folder lets the
test of the first cell install for real without a network.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from course_utils import bootstrap  # noqa: E402

ADDED = ROOT / "constraints" / "colab-added.txt"


def pip(*arguments: str) -> None:
    """Run pip, or stop with its exit status."""
    command = [sys.executable, "-m", "pip", *arguments, "--quiet"]
    subprocess.run([*command, "--disable-pip-version-check"], check=True)


def main(folder: Path) -> None:
    """Install what is missing at pinned versions; keep a wheel of each new package."""
    before = bootstrap.installed()
    needs = [need.name for need in bootstrap.missing(before)]
    folder.mkdir(parents=True, exist_ok=True)
    pins = bootstrap.write_pins(before, folder / "image.txt")
    pip("install", "-c", str(ADDED), "-c", str(pins), *needs)
    after = bootstrap.installed()
    new = [f"{n}=={v}" for n, v in after.items() if before.get(n) != v]
    # setuptools builds the course itself, in an environment of its own.
    pip("wheel", "--no-deps", "--wheel-dir", str(folder), *new, "setuptools")
    print("first cells install on Colab:", ", ".join(new))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
