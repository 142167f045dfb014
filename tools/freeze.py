"""Run one lesson from top to bottom and write it back with its outputs.

    python tools/freeze.py 04

`make freeze LESSON=04` calls this, with the versions of constraints/ci.txt. It runs
on the CPU, stamps badges and first cell, and normalises the file: sorted keys, one
space of indent, counts from 1, ids kept, no metadata but what a lesson needs.
"""

import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lesson_kernels import run_cells
from stamp import ROOT, stamped, text_of

KEPT_TAGS = {"nbval-ignore-output", "raises-exception"}


def lesson_path(number: str) -> Path:
    """Return the notebook whose two digits are `number`."""
    found = sorted(ROOT.glob(f"notebooks/{number}_*.ipynb"))
    if len(found) != 1:
        raise SystemExit(f"expected one notebooks/{number}_*.ipynb, found {len(found)}")
    return found[0]


def joined(outputs: list) -> list:
    """Return the outputs with neighbouring pieces of one stream put together."""
    kept = []
    for output in outputs:
        same = kept and output.output_type == kept[-1].output_type == "stream"
        if same and output.name == kept[-1].name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Drop what differs between machines and runs and says nothing to a reader."""
    metadata = notebook.metadata
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        }
    )
    for wanted in ("accelerator", "colab"):
        if wanted in metadata:
            notebook.metadata[wanted] = metadata[wanted]
    notebook.nbformat_minor = 5
    for cell in notebook.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag in KEPT_TAGS]
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
            for output in cell.outputs:
                if "metadata" in output:
                    output.metadata = nbformat.from_dict({})
                if "text" in output:  # %%writefile over the file of an earlier run
                    output.text = re.sub(r"(?m)^Overwriting ", "Writing ", output.text)
    return notebook


def freeze(path: Path) -> None:
    """Run the lesson and write it back, whole, and only if every cell ran."""
    notebook = stamped(nbformat.read(path, as_version=4), path.name)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    start = time.perf_counter()
    run_cells(notebook, path.parent)
    half = path.with_suffix(".half")
    half.write_text(text_of(normalise(notebook)), encoding="utf-8", newline="\n")
    half.replace(path)
    print(f"{path.name}: frozen in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("expected one lesson number, as in: make freeze LESSON=04")
    freeze(lesson_path(sys.argv[1]))
