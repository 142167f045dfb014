"""Open JupyterLab at lesson 00, or print its address where there is no screen.

`make learn` calls this. Arguments are handed on to `jupyter lab`.
"""

import os
import subprocess
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def options() -> list[str]:
    """Return what `jupyter lab` needs on this machine."""
    found = []
    unix = hasattr(os, "geteuid")
    if unix and os.geteuid() == 0:  # a container: Jupyter wants to be told
        found.append("--allow-root")
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not screen:
        found.append("--no-browser")
        print("No screen here: open the address with ?token= that appears below.")
    return found


if __name__ == "__main__":
    command = [
        *(sys.executable, "-m", "jupyter", "lab"),
        f"--ServerApp.root_dir={NOTEBOOKS}",
        "--LabApp.default_url=/lab/tree/00_start_here.ipynb",
        # Jupyter's own checks for news and updates would reach for the network.
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
    ]
    jupyter = subprocess.Popen([*command, *options(), *sys.argv[1:]])
    while True:
        try:
            raise SystemExit(jupyter.wait())
        except KeyboardInterrupt:
            pass  # Jupyter has heard Ctrl-C as well: it asks, and ends in order
