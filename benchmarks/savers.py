"""The ways to save that are killed: a class each, with save, newest and another.

`newest` loads as the documentation of that way says; `another` tries what else lies
there. Both return one number of the weights and one of the optimizer's state.
"""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from course_utils.checkpoint import Checkpoints

MEGABYTES = 12


class Saver:
    """A model and its AdamW, whose numbers are all the step."""

    span = 0.0  # seconds within which to kill, unless those that save() takes

    def __init__(self, folder: Path) -> None:
        """Build both."""
        self.folder, width = folder, int((MEGABYTES * 2**20 / 12) ** 0.5)
        self.model = nn.Linear(width, width, bias=False)
        self.optimizer = torch.optim.AdamW(self.model.parameters())
        self.model.weight.grad = torch.ones_like(self.model.weight)
        self.optimizer.step()

    def prepare(self, step: int) -> None:
        """Set all numbers."""
        state = self.optimizer.state[self.model.weight]
        with torch.no_grad():
            self.model.weight.fill_(step)
            state["exp_avg"].fill_(step)
            state["exp_avg_sq"].fill_(step)

    def run(self, before: Callable, after: Callable) -> None:
        """Save step after step, for ever."""
        for step in itertools.count(1):
            self.prepare(step)
            before()
            self.save(step)
            after()

    def states(self) -> dict:
        """Return both state dicts."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    @classmethod
    def another(cls, folder: Path) -> list[float]:
        """Fail: there is nothing else."""
        raise FileNotFoundError


def numbers(states: dict) -> list[float]:
    """Return the distinct numbers in two state dicts."""
    averages = states["optimizer"]["state"][0]
    tensors = states["model"]["weight"], averages["exp_avg"], averages["exp_avg_sq"]
    return torch.cat([tensor.unique() for tensor in tensors]).tolist()


class Ours(Saver):
    """Checkpoints of course_utils."""

    background = False

    def __init__(self, folder: Path) -> None:
        """Open the folder."""
        super().__init__(folder)
        self.checkpoints = Checkpoints(folder)

    def save(self, step: int) -> None:
        """Save model and optimizer."""
        state = {"model": self.model, "optimizer": self.optimizer}
        self.checkpoints.save(state, step, background=self.background)

    @classmethod
    def newest(cls, folder: Path) -> list[float]:
        """Load the latest."""
        return numbers(Checkpoints(folder).latest().state)


class OursInBackground(Ours):
    """The same, written while the training goes on."""

    background, span = True, 0.05


class Plain(Saver):
    """torch.save into the same file again and again."""

    def save(self, step: int) -> None:
        """Overwrite the file."""
        torch.save(self.states(), self.folder / "last.pt")

    @classmethod
    def newest(cls, folder: Path) -> list[float]:
        """Load the file."""
        return numbers(torch.load(folder / "last.pt"))


class Distributed(Saver):
    """torch.distributed.checkpoint on one process, the same folder again and again."""

    def place(self, step: int) -> Path:
        """Return the folder of a step."""
        return self.folder / "state"

    def save(self, step: int) -> None:
        """Save both state dicts."""
        import torch.distributed.checkpoint as dcp

        dcp.save(self.states(), checkpoint_id=self.place(step), no_dist=True)

    @classmethod
    def newest(cls, folder: Path) -> list[float]:
        """Load the folder."""
        return cls.read(folder / "state")

    @classmethod
    def read(cls, place: Path) -> list[float]:
        """Return the numbers of one folder."""
        import torch.distributed.checkpoint as dcp

        states = cls(place).states()
        dcp.load(states, checkpoint_id=place, no_dist=True)
        return numbers(states)


class DistributedEach(Distributed):
    """A folder for each step; those with .metadata are whole; two are kept."""

    def place(self, step: int) -> Path:
        """Return the folder of a step."""
        return self.folder / f"{step:06d}"

    def save(self, step: int) -> None:
        """Save, then delete the one before the last."""
        super().save(step)
        shutil.rmtree(self.place(step - 2), ignore_errors=True)

    @classmethod
    def newest(cls, folder: Path) -> list[float]:
        """Load the newest that has its .metadata, written last."""
        return cls.read(max(folder.glob("*/.metadata")).parent)
