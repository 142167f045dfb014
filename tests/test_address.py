import re

import nbformat
import pytest

import stamp
from lesson_files import LESSONS, ROOT


def test_readme_has_the_badges_of_every_lesson_and_of_no_other():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in LESSONS:
        assert readme.count(stamp.badges(path.name)) == 1
    assert readme.count(".ipynb)") == 2 * len(LESSONS)


def test_no_other_address_of_the_course_is_left():
    repo, _ = stamp.address()
    _, name = repo.split("/")
    for path in [*LESSONS, ROOT / "README.md"]:
        found = re.findall(
            rf"github(?:\.com)?/([\w.-]+/{name})", path.read_text(encoding="utf-8")
        )
        assert set(found) == {repo}, path


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of all that is stamped, for a fork to rewrite."""
    for path in [*LESSONS, ROOT / "README.md", ROOT / "pyproject.toml"]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    monkeypatch.setattr(stamp, "ROOT", tmp_path)
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*.*")}


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["stamp.py", *arguments])
    stamp.main()


def test_one_command_moves_everything_to_a_fork(copy, monkeypatch):
    run(monkeypatch, "--repo", "ada/loop.fork", "--ref", "v1")
    assert stamp.address() == ("ada/loop.fork", "v1")
    for path in [*copy.glob("notebooks/*.ipynb"), copy / "README.md"]:
        text = path.read_text(encoding="utf-8")
        assert "OWNER" not in text and "/blob/main/" not in text
        assert "ada/loop.fork/blob/v1/notebooks/" in text
    readme = (copy / "README.md").read_text(encoding="utf-8")
    assert "git clone https://github.com/ada/loop.fork.git\ncd loop.fork\n" in readme
    first = nbformat.read(next(copy.glob("notebooks/00_*")), 4).cells[1].source
    assert '"git+https://github.com/ada/loop.fork@v1"' in first


def test_stamping_again_changes_nothing(copy, monkeypatch):
    before = contents(copy)
    run(monkeypatch)
    assert contents(copy) == before


@pytest.mark.parametrize("fork", [("ada/fork", "v1"), ("ada/notebooks", "notebooks/v")])
def test_a_fork_and_back_restores_every_byte(copy, monkeypatch, fork):
    before = contents(copy)
    repo, ref = stamp.address()
    run(monkeypatch, "--repo", fork[0], "--ref", fork[1])
    moved = contents(copy)
    run(monkeypatch)
    assert contents(copy) == moved
    run(monkeypatch, "--repo", repo, "--ref", ref)
    assert contents(copy) == before


@pytest.mark.parametrize(
    "repo", ["fork", "a/b/c", 'a/b"', "https://github.com/a/b", "a/b.git", "ü/b"]
)
def test_an_address_that_is_none_is_refused(copy, monkeypatch, repo):
    before = (copy / "pyproject.toml").read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="expected REPO=owner/name, got"):
        run(monkeypatch, "--repo", repo)
    assert (copy / "pyproject.toml").read_text(encoding="utf-8") == before
