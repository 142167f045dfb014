"""The ways to resume, each as its documentation says: (task, folder, stop).

Each loads what lies in the folder, if something does, and trains to the end, or to
step `stop`, where it saves.
"""

from pathlib import Path

import torch

from course_utils.checkpoint import Checkpoints


def train(task, first: int, stop: int | None, save) -> None:
    """Train by hand from step `first`; what the epoch has had is passed over."""
    step = first
    task.model.train()
    for epoch in range(first // task.steps, task.epochs):
        skip = first % task.steps if epoch == first // task.steps else 0
        if task.batches:
            task.batches.epoch, task.batches.skip, skip = epoch, skip, 0
        for index, (inputs, targets) in enumerate(task.loader):
            if index < skip:
                continue
            task.step(inputs, targets)
            step += 1
            if step == stop:
                save(step)
                return


def ours(task, folder: Path, stop: int | None) -> None:
    """Resume with the course's Checkpoints."""
    checkpoints, first = Checkpoints(folder), 0
    if newest := checkpoints.latest():
        newest.restore(**task.parts())
        first = newest.step
    train(task, first, stop, lambda step: checkpoints.save(task.parts(), step))


def plain(task, folder: Path, stop: int | None) -> None:
    """Resume with torch.save and torch.load, as PyTorch's tutorial does."""
    path, first = folder / "last.pt", 0
    if path.exists():
        found = torch.load(path)
        first = found.pop("step")
        for name, part in task.parts().items():
            part.load_state_dict(found[name])

    def save(step):
        states = {name: part.state_dict() for name, part in task.parts().items()}
        torch.save(states | {"step": step}, path)

    train(task, first, stop, save)


def distributed(task, folder: Path, stop: int | None) -> None:
    """Resume with torch.distributed.checkpoint, on one process."""
    import torch.distributed.checkpoint as dcp
    from torch.distributed.checkpoint.state_dict import (
        get_state_dict,
        set_state_dict,
    )

    def states(step):
        model, optimizer = get_state_dict(task.model, task.optimizer)
        scheduler = task.scheduler.state_dict()
        parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
        return parts | {"step": step}

    place, first = folder / "state", 0
    if place.exists():
        found = states(0)
        dcp.load(found, checkpoint_id=place, no_dist=True)
        set_state_dict(
            task.model,
            task.optimizer,
            model_state_dict=found["model"],
            optim_state_dict=found["optimizer"],
        )
        task.scheduler.load_state_dict(found["scheduler"])
        first = found["step"]
    train(
        task,
        first,
        stop,
        lambda step: dcp.save(states(step), checkpoint_id=place, no_dist=True),
    )
