"""`make learn` serves JupyterLab, and lesson 00 runs in a real browser."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from lesson_files import ROOT, code, copy_course, read

pytestmark = pytest.mark.slow

LESSON = ROOT / "notebooks" / "00_start_here.ipynb"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM = CHROMIUM or shutil.which("google-chrome")
RUN_ALL = """async () => {
    const session = window.jupyterapp.shell.currentWidget.sessionContext;
    await session.ready;
    await session.session.kernel.info;
    await window.jupyterapp.commands.execute('notebook:run-all-cells');
}"""
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code')
    .map(cell => ({count: cell.model.executionCount,
                   outputs: cell.model.outputs.toJSON()}))"""


@pytest.fixture
def clone(tmp_path):
    return copy_course(tmp_path)


@pytest.fixture
def address(clone, tmp_path_factory):
    """Run `make learn` in the clone, with this environment; return its address."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "PYTHONPATH": str(clone),
    }
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):  # as on a machine without a screen
        environment.pop(name, None)
    arguments = "--expose-app-in-browser --ServerApp.port=0 --ip=127.0.0.1"
    done = f"{sys.prefix}/learn.done"  # set up already, from the real clone
    log = home / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            ["make", "learn", "-o", done, f"VENV={sys.prefix}", f"ARGS={arguments}"],
            cwd=clone,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield wait_for_address(server, log)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)


def answers(address: str) -> bool:
    """Return whether the server listens already: the address is printed before."""
    try:
        urlopen(address, timeout=10).close()
    except OSError:
        return False
    return True


def wait_for_address(server, log: Path) -> str:
    for _ in range(300):
        said = log.read_text(encoding="utf-8")
        found = re.search(r"http://127\.0\.0\.1:\d+/lab/tree/\S+token=\w+", said)
        if found and answers(found[0]):
            return found[0]
        assert server.poll() is None, said
        time.sleep(0.1)
    raise AssertionError(f"no address after 30 s:\n{said}")


@pytest.mark.skipif(
    not CHROMIUM, reason="no Chromium on this machine; see CONTRIBUTING"
)
def test_lesson_00_runs_in_the_browser(address, tmp_path):
    from playwright.sync_api import sync_playwright

    assert "/lab/tree/00_start_here.ipynb" in address
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1600})
        outside = []
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("http:", "https:"))
                and "127.0.0.1" not in request.url
                and outside.append(request.url)
            ),
        )
        page.goto(address)
        page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")
        page.evaluate(RUN_ALL)
        cells = page.evaluate(CELLS)
        picture = tmp_path / "lesson_00.png"
        page.locator("img[src^='data:image/png']").nth(2).scroll_into_view_if_needed()
        page.locator(
            ".jp-OutputArea", has_text="○ 0.3"
        ).first.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        seen = {
            "plots": page.locator("img[src^='data:image/png']:visible").count(),
            "checks": page.locator("text=replace the ... and run this again").count(),
        }
        page.screenshot(path=picture)
        browser.close()
    keep_for_review(picture)
    frozen = code(read(LESSON))
    assert [cell["count"] for cell in cells] == list(range(1, len(frozen) + 1))
    kinds = [output["output_type"] for cell in cells for output in cell["outputs"]]
    assert "error" not in kinds
    shown = sum("image/png" in str(cell["outputs"]) for cell in cells)
    assert shown == sum("image/png" in str(cell.outputs) for cell in frozen)
    assert seen["plots"] and seen["checks"], seen
    assert [url for url in outside if "badge" not in url and "kaggle" not in url] == []


def keep_for_review(picture: Path) -> None:
    """Copy the screenshot where SCREENSHOTS says, for a person to look at."""
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, folder)


def test_the_server_asks_for_its_token(address):
    with urlopen(address) as answer:
        assert answer.status == 200
    with urlopen(address.split("?")[0]) as answer:
        assert "login" in answer.url
