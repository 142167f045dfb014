"""Read lessons as data: their starters, checks, solutions and headings."""

import re
import shutil
import subprocess
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
LESSONS = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))
SOLUTION = re.compile(
    r"<summary>Solution (\d+\.\d+)</summary>\s+```python\n(.*?)```\s*\n(.*?)</details>",
    re.DOTALL,
)


def copy_course(folder):
    """Copy what git tracks, or would, into a folder: what a stranger gets."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(lambda name: (ROOT / name).is_file(), listed.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def read(path):
    return nbformat.read(path, as_version=4)


def texts(notebook):
    return [c.source for c in notebook.cells if c.cell_type == "markdown"]


def code(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def headings(notebook):
    """Return (level, text) of every heading outside code blocks."""
    prose = re.sub(r"```.*?```", "", "\n".join(texts(notebook)), flags=re.DOTALL)
    found = re.findall(r"^(#+) (.*)$", prose, re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


def exercises(notebook):
    """Return the number of every exercise, from its heading, in order."""
    titles = [text for _, text in headings(notebook)]
    found = [re.match(r"Exercise (\d+\.\d+) · \S", title) for title in titles]
    return [match[1] for match in found if match]


def solutions(notebook):
    """Map each exercise number to the code inside its collapsed solution."""
    return {
        number: code
        for source in texts(notebook)
        for number, code, _ in SOLUTION.findall(source)
    }


def starters(notebook):
    """Map each exercise number to the cell the learner fills in."""
    return {
        match[1]: cell
        for cell in code(notebook)
        if (match := re.match(r"# Exercise (\d+\.\d+)\n", cell.source))
    }


def check_after(notebook, starter):
    """Return the cell that follows a starter."""
    return notebook.cells[notebook.cells.index(starter) + 1]


def solved(notebook):
    """Put every printed solution where its starter was."""
    answers = solutions(notebook)
    for number, cell in starters(notebook).items():
        cell.source = answers[number]
    return notebook


def written_files(notebook):
    """Map each name that %%writefile cells write to, or append to, to its text."""
    files = {}
    for cell in code(notebook):
        first, _, text = cell.source.partition("\n")
        if first.startswith("%%writefile"):
            name = first.split()[-1]
            files[name] = files.get(name, "") + text + "\n"
    return files


def printed(notebook):
    """Return everything that the code cells wrote to the standard output."""
    return "".join(
        output.text
        for cell in code(notebook)
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stdout"
    )
