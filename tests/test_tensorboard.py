"""A real TensorBoard serves all that lesson 10 writes, and its page shows it."""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from lesson_files import ROOT, read
from lesson_kernels import run_cells
from test_browser import CHROMIUM, keep_for_review

pytestmark = pytest.mark.slow

LESSON = ROOT / "notebooks" / "10_tensorboard.ipynb"
# Page, and the name under which it asks for the data of one tag.
PAGES = {
    "scalars": "scalars",
    "images": "images",
    "histograms": "histograms",
    "pr_curves": "pr_curves",
    "mesh": "meshes",
    "text": "text",
}
# How each kind of record names the page it belongs to, where it does not itself.
OLD_KINDS = {"simple_value": "scalars", "image": "images", "histo": "histograms"}
# What TensorBoard adds to the name of a mesh and of a text.
PART = re.compile(r"_(VERTEX|FACE|COLOR)$|/text_summary$")


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    """Run the lesson; return the folder in which its projects are."""
    folder = tmp_path_factory.mktemp("temporary")
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        run_cells(read(LESSON), folder)
    return folder


@pytest.fixture(scope="module")
def project(temporary):
    found = temporary.glob("tensorboard_lesson_*")
    (only,) = [path for path in found if "wandb" not in path.name]
    return only


@contextmanager
def serving(folder, log):
    """Serve a project on a free port of this machine; give the block its address."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    command += ["--host", "127.0.0.1", "--port", "0", "--load_fast", "false"]
    with log.open("w") as stream:
        server = subprocess.Popen(
            command,
            env=os.environ | {"TMPDIR": str(log.parent)},  # it notes itself there
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        address = wait_for_address(server, log)
        wait_until_read(address, folder)
        yield address
    finally:
        server.kill()
        server.wait(timeout=20)


@pytest.fixture(scope="module")
def address(project, tmp_path_factory):
    with serving(project, tmp_path_factory.mktemp("server") / "log") as address:
        yield address


def wait_for_address(server, log):
    for _ in range(300):
        said = log.read_text(encoding="utf-8")
        if found := re.search(r"http://127\.0\.0\.1:\d+/", said):
            return found[0]
        assert server.poll() is None, said
        time.sleep(0.1)
    raise AssertionError(f"no address after 30 s:\n{said}")


def ask(address, route, **query):
    """Return what the server answers, as JSON."""
    asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    with urlopen(f"{address}data/{route}?{asked}", timeout=20) as answer:
        return json.load(answer)


def written(project):
    """Return {page: {(run, name)}} as the files say, and the runs with a graph."""
    records, graphs = {}, set()
    for file in sorted(project.rglob("events.out.tfevents.*")):
        run = file.parent.relative_to(project).as_posix()
        for event in LegacyEventFileLoader(str(file)).Load():
            if event.WhichOneof("what") == "graph_def":
                graphs.add(run)
            for value in event.summary.value:
                name = value.metadata.plugin_data.plugin_name
                page = name or OLD_KINDS[value.WhichOneof("value")]
                records.setdefault(page, set()).add((run, PART.sub("", value.tag)))
    return records, graphs


def served(address, page):
    """Return {(run, tag)} that the server has for a page."""
    answer = ask(address, f"plugin/{page}/tags")
    return {(run, tag) for run, tags in answer.items() for tag in tags}


def names(address, page):
    """Return {(run, name)} that the server has for a page, as `written` does."""
    return {(run, PART.sub("", tag)) for run, tag in served(address, page)}


def wait_until_read(address, project):
    """Wait until the server has read each tag: it takes one run after the other."""
    wanted = written(project)[0]
    for _ in range(300):
        lacking = {
            page
            for page in PAGES.keys() & wanted.keys()
            if not names(address, page) >= wanted[page]
        }
        if not lacking:
            return
        time.sleep(0.1)
    raise AssertionError(f"after 30 s the server has not read all of {lacking}")


def test_the_server_has_every_tag_that_the_lesson_wrote(address, project):
    records, graphs = written(project)
    assert records.keys() >= PAGES.keys() and graphs
    for page, data in PAGES.items():
        assert names(address, page) == records[page], page
        for run, tag in served(address, page):
            query = {"run": run, "tag": tag, "sample": "0"}
            answer = ask(address, f"plugin/{page}/{data}", **query)
            assert answer[run] if page == "pr_curves" else answer, (page, run, tag)
            if page == "scalars":
                assert all(len(point) == 3 for point in answer)  # time, step, value
    groups = {tag.split("/")[0] for _, tag in records["histograms"]}
    assert groups == {"weights", "gradients"}
    assert set(ask(address, "plugin/graphs/info")) >= graphs
    assert ask(address, "plugin/projector/runs") == ["records"]
    (embedding,) = ask(address, "plugin/projector/info", run="records")["embeddings"]
    assert embedding["tensorShape"] == [359, 64] and "sprite" in embedding


def settings(address):
    """Return the names of the hyperparameters and the runs in their table."""
    json_in = {"Content-Type": "application/json"}
    columns = Request(
        f"{address}data/plugin/hparams/experiment", b'{"experimentName": ""}', json_in
    )
    with urlopen(columns, timeout=20) as answer:
        names = {column["name"] for column in json.load(answer)["hparamInfos"]}
    asked = {"experimentName": "", "startIndex": 0, "sliceSize": 100, "colParams": []}
    states = ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")
    asked["allowedStatuses"] = [f"STATUS_{state}" for state in states]
    wanted = json.dumps(asked).encode()
    rows = Request(f"{address}data/plugin/hparams/session_groups", wanted, json_in)
    with urlopen(rows, timeout=20) as answer:
        return names, len(json.load(answer)["sessionGroups"])


def test_each_run_has_its_settings(address, temporary, tmp_path):
    assert settings(address) == ({"rate"}, 2)
    (budget,) = temporary.glob("tensorboard_budget_*")
    with serving(budget, tmp_path / "log") as other:
        assert settings(other) == ({"rate", "width", "epochs"}, 30)


def test_the_opening_curve_restarts_and_the_others_never_do(address, project):
    for run, tag in served(address, "scalars"):
        points = ask(address, "plugin/scalars/scalars", run=run, tag=tag)
        steps = [step for _, step, _ in points]
        if run not in ("opening", "flushed"):
            assert steps == sorted(set(steps)), (run, tag)
        elif run == "opening":
            assert max(steps) == 33 and steps.count(33) == 10


def most(page, selector, measure):
    """Return the largest measure of what a selector finds, once it stays the same."""
    before, now = None, 0
    for _ in range(60):
        page.wait_for_timeout(500)
        found = page.locator(selector).all()
        before, now = now, max((one.evaluate(measure) for one in found), default=0)
        if 0 < now == before:
            break
    return now


@pytest.mark.skipif(
    not CHROMIUM, reason="no Chromium on this machine; see CONTRIBUTING"
)
def test_the_pages_of_scalars_and_images_render(address, project, tmp_path):
    from playwright.sync_api import sync_playwright

    outside = []

    def note(request):
        if request.url.startswith("http") and "127.0.0.1" not in request.url:
            outside.append(request.url)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.on("request", note)
            page.goto(f"{address}#scalars")
            page.get_by_text("tag: loss/training").first.wait_for()
            curves = most(
                page, "vz-line-chart2 path", "e => e.getAttribute('d').length"
            )
            page.screenshot(path=tmp_path / "tensorboard_scalars.png")
            page.goto(f"{address}#images")
            page.reload()
            page.get_by_text("mistakes").first.wait_for()
            pictures = most(page, "tf-image-loader img", "e => e.naturalWidth")
            shown = page.locator("tf-image-loader img").count()
            page.screenshot(path=tmp_path / "tensorboard_images.png")
        finally:
            browser.close()
    for picture in tmp_path.glob("*.png"):
        keep_for_review(picture)
    assert curves > 1000  # characters of the longest path
    assert pictures > 100  # pixels of the widest
    assert shown == len(written(project)[0]["images"])
    assert outside == []
