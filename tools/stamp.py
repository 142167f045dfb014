"""Write the course's public address, and the lessons' minutes, where they are shown.

    python tools/stamp.py                                # as pyproject.toml says
    python tools/stamp.py --repo owner/name --ref v1     # change it there first

`make address REPO=owner/name REF=v1` calls this. [tool.course] in pyproject.toml is
the one place that names owner, repository and ref; everything else is stamped: badges,
first cells and README. The minutes are counted from a lesson's text and code.
"""

import argparse
import re
import tomllib
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
NOTEBOOKS = "notebooks/[0-9][0-9]_*.ipynb"

FIRST_CELL = """\
# Get the course where it is missing. Safe to run twice; torch and numpy stay.
import importlib.util
import subprocess
import sys

sys.path.append("..")  # a clone that is not installed
COURSE = "git+https://github.com/{repo}@{ref}"
PIP = [sys.executable, "-m", "pip", "install", "-q", "--no-input", "--no-deps", COURSE]
if importlib.util.find_spec("course_utils") is None:
    pip = subprocess.run(PIP, capture_output=True, text=True)
    if pip.returncode:
        print(pip.stderr[-800:])
        sys.exit("{sorry}")
from course_utils import bootstrap

bootstrap.prepare()"""
SORRY = "Turn the internet on (Kaggle: Settings) and run this cell again."
BADGES = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repo}/blob/{ref}/notebooks/{file}) "
    "[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]"
    "(https://kaggle.com/kernels/welcome?src="
    "https://github.com/{repo}/blob/{ref}/notebooks/{file})"
)
BADGE_LINE = re.compile(r"\[!\[Open in Colab\]\S* ?.*?/notebooks/\S+\)(?= \||$)", re.M)
TIME = re.compile(r"(?<=\*\*Time\*\* about )\d+(?= minutes)")
WORDS_A_MINUTE, LINES_A_MINUTE = 150, 20  # README names both
ROW = re.compile(r"(?<=^\| )(\d\d)( \| [^|]* \| [^|]* \| )\d*(?= \| \[)", re.M)
CLONE = re.compile(r"(?<=https://github\.com/)[\w.-]+/[\w.-]+(?=\.git$)", re.M)
FOLDER = re.compile(r"(?<=^cd )[\w.-]+$", re.M)


def address() -> tuple[str, str]:
    """Return repository ("owner/name") and ref from pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    course = tomllib.loads(text)["tool"]["course"]
    return course["repository"], course["ref"]


def write(path: Path, text: str) -> None:
    """Write a file only if it changes, so that `make` has nothing to do again."""
    if path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8", newline="\n")


def set_address(repo: str, ref: str) -> None:
    """Write another address into pyproject.toml."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+(?<!\.git)", repo, re.ASCII):
        raise SystemExit(f"expected REPO=owner/name, got {repo!r}")
    if not re.fullmatch(r"[\w.][\w./-]*", ref):
        raise SystemExit(f"expected REF as a branch, tag or commit, got {ref!r}")
    path = ROOT / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'^repository = ".*"', f'repository = "{repo}"', text, flags=re.M)
    write(path, re.sub(r'^ref = ".*"', f'ref = "{ref}"', text, flags=re.M))


def first_cell() -> str:
    """Return the code that every lesson starts with."""
    repo, ref = address()
    return FIRST_CELL.format(repo=repo, ref=ref, sorry=SORRY)


def badges(file: str) -> str:
    """Return the Colab and Kaggle badges of one notebook, as Markdown."""
    repo, ref = address()
    return BADGES.format(repo=repo, ref=ref, file=file)


def shown(text: str) -> str:
    """Return what a reader sees of a text cell: no folded help, no addresses."""
    unfolded = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    return re.sub(r"\]\([^)]*\)", "]", unfolded)


def words(text: str) -> int:
    """Return how many words a text has."""
    return len(re.findall(r"\w+", text))


def minutes_of(notebook: NotebookNode) -> int:
    """Return the minutes to read a lesson and do its exercises, to the nearest five."""
    texts = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    count = sum(words(shown(text)) for text in texts)
    lines = sum(bool(line.strip()) for cell in code for line in cell.splitlines())
    said = re.findall(r"^About (\d+) minutes?\.", "\n".join(texts), re.MULTILINE)
    reading = count / WORDS_A_MINUTE + lines / LINES_A_MINUTE
    return 5 * round((reading + sum(map(int, said))) / 5)


def stamped(notebook: NotebookNode, file: str) -> NotebookNode:
    """Put badges, minutes and the first code cell in place; keep the rest."""
    title = notebook.cells[0]
    title.source, found = BADGE_LINE.subn(lambda _: badges(file), title.source)
    if found != 1:
        raise SystemExit(f"{file}: expected one line of badges in its title cell")
    minutes = str(minutes_of(notebook))
    title.source, found = TIME.subn(minutes, title.source)
    if found != 1:
        raise SystemExit(f"{file}: expected **Time** about … minutes in its title cell")
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code.source = first_cell()
    return notebook


def text_of(notebook: NotebookNode) -> str:
    """Return a notebook as it is stored: sorted keys, one space of indent."""
    return nbformat.writes(notebook) + "\n"


def stamp_readme(path: Path, minutes: dict[str, int]) -> None:
    """Rewrite badges and minutes of the lesson table, and the address to clone."""

    def own_badges(match: re.Match) -> str:
        return badges(re.search(r"([^/]+\.ipynb)\)", match[0])[1])

    text = BADGE_LINE.sub(own_badges, path.read_text(encoding="utf-8"))
    text = ROW.sub(lambda row: f"{row[1]}{row[2]}{minutes[row[1]]}", text)
    repo, _ = address()
    text = FOLDER.sub(repo.split("/")[1], CLONE.sub(repo, text))
    write(path, text)


def main() -> None:
    """Stamp everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repo", help="owner/name on GitHub")
    parser.add_argument("--ref", help="branch, tag or commit")
    asked = parser.parse_args()
    repo, ref = address()
    if asked.repo or asked.ref:
        set_address(asked.repo or repo, asked.ref or ref)
    minutes = {}
    for path in sorted(ROOT.glob(NOTEBOOKS)):
        notebook = stamped(nbformat.read(path, as_version=4), path.name)
        minutes[path.name[:2]] = minutes_of(notebook)
        write(path, text_of(notebook))
    stamp_readme(ROOT / "README.md", minutes)
    print("stamped:", *address())


if __name__ == "__main__":
    main()
