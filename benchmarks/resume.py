"""Stop a training and resume it in a new process: are the weights those of one run?"""

import hashlib
import tempfile
from pathlib import Path

import torch
from torch import nn

from benchmarks import resumers, resumers_peers
from benchmarks.measure import MISSING, Table, from_a_child, installed, silence
from benchmarks.resume_task import STEPS, Task
from course_utils.runtime import use_one_thread

CUTS = {"at an epoch's end": STEPS, "in mid-epoch": STEPS + 2}
RESUMERS = {
    "**ours**, Checkpoints": ("", resumers.ours),
    "`torch.save` of model, optimizer, scheduler": ("", resumers.plain),
    "Lightning, `ckpt_path`": ("lightning", resumers_peers.lightning),
    "Accelerate, `load_state`, `skip_first_batches`": (
        "accelerate",
        resumers_peers.accelerate,
    ),
    "`torch.distributed.checkpoint`": ("", resumers.distributed),
}


def script(resume, resumable: bool, folder: Path, stop: int | None, pipe) -> None:
    """Run the script from its top: build, load if there is something, train."""
    use_one_thread()
    with silence():
        task = Task(resumable)
        resume(task, folder, stop)
    weights = nn.utils.parameters_to_vector(task.model.parameters())
    pipe.send(hashlib.sha256(weights.detach().numpy().tobytes()).hexdigest())


def run(*arguments) -> str:
    """Run the script in a new process; return the hash of the weights."""
    return from_a_child(script, *arguments)


def verdicts(resume, resumable: bool) -> list[str]:
    """Return whether the resumed weights are equal, for each cut."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder, name) for name in "abcd"]
        for place in places:
            place.mkdir()
        never = run(resume, resumable, places[0], None)
        if run(resume, resumable, places[1], None) != never:
            return ["two whole runs differ"] * len(CUTS)
        for cut, place in zip(CUTS.values(), places[2:], strict=True):
            run(resume, resumable, place, cut)
            again = run(resume, resumable, place, None)
            found.append("equal" if again == never else "not equal")
    return found


def tables(tiny: bool = False) -> list[Table]:
    """Return the table of exactness."""
    use_one_thread()
    torch.optim.AdamW(nn.Linear(1, 1).parameters())  # imported once, not in each child
    chosen = list(RESUMERS.items())[: 2 if tiny else None]
    rows = []
    for name, (package, resume) in chosen:
        if installed(package):
            cells = verdicts(resume, False) if not tiny else ["", ""]
            rows.append([name, *cells, *verdicts(resume, True)])
        else:
            rows.append([name, MISSING])
    columns = [f"usual loader, {cut}" for cut in CUTS]
    columns += [f"loader of lesson 08, {cut}" for cut in CUTS]
    return [
        Table(
            "Resuming exactly",
            ["way", *columns],
            rows,
            "Weights of a run that was stopped and resumed in a new process, against "
            "the run never stopped, bit for bit; a script seeds itself at its top both "
            "times. Digits, dropout, BatchNorm, OneCycleLR, two workers. Usual loader: "
            "`shuffle=True`, noise from the worker's random numbers. Lesson 08's: "
            "order and noise follow from epoch and index.",
            "whether a difference matters, several processes, and a GPU, on which two "
            "whole runs may differ already.",
        )
    ]
