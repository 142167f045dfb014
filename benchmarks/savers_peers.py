"""Lightning's and Accelerate's ways to save. As in savers.py."""

from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.savers import Saver, numbers


class Lightning(Saver):
    """Trainer.fit with a ModelCheckpoint after every step."""

    def run(self, before: Callable, after: Callable) -> None:
        """Fit for ever; ModelCheckpoint is the last callback, after the numbers."""
        from lightning import Callback, LightningModule, Trainer
        from lightning.pytorch.callbacks import ModelCheckpoint

        saver = self

        class Module(LightningModule):
            def __init__(self):
                super().__init__()
                self.model = saver.model

            def training_step(self, batch, index):
                return self.model.weight.sum()

            def configure_optimizers(self):
                return saver.optimizer

        class Numbers(Callback):
            def on_train_batch_start(self, trainer, *rest):
                if trainer.global_step:
                    after()

            def on_train_batch_end(self, trainer, *rest):
                saver.prepare(trainer.global_step)
                before()

        every_step = ModelCheckpoint(self.folder, every_n_train_steps=1, save_last=True)
        trainer = Trainer(
            accelerator="cpu",
            logger=False,
            callbacks=[Numbers(), every_step],
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(Module(), range(10**6))

    @classmethod
    def newest(cls, folder: Path) -> list[float]:
        """Load last.ckpt."""
        return cls.read(folder / "last.ckpt")

    @classmethod
    def another(cls, folder: Path) -> list[float]:
        """Load any other that can be read."""
        for path in sorted(folder.glob("*.ckpt"), reverse=True):
            try:
                return cls.read(path)
            except Exception:
                continue
        raise FileNotFoundError

    @staticmethod
    def read(path: Path) -> list[float]:
        """Return the numbers of one file."""
        found = torch.load(path, weights_only=False)
        states = {"weight": found["state_dict"]["model.weight"]}
        return numbers({"model": states, "optimizer": found["optimizer_states"][0]})


class Accelerate(Saver):
    """save_state into the same folder again and again."""

    named = False

    def __init__(self, folder: Path) -> None:
        """Prepare model and optimizer."""
        super().__init__(folder)
        from accelerate import Accelerator
        from accelerate.utils import ProjectConfiguration

        project = ProjectConfiguration(
            str(folder), automatic_checkpoint_naming=self.named, total_limit=2
        )
        self.accelerator = Accelerator(cpu=True, project_config=project)
        self.model, self.optimizer = self.accelerator.prepare(
            self.model, self.optimizer
        )
        self.optimizer = self.optimizer.optimizer

    def place(self) -> str | None:
        """Return the folder, unless Accelerate names it."""
        return None if self.named else str(self.folder / "state")

    def save(self, step: int) -> None:
        """Save the state."""
        self.accelerator.save_state(self.place())

    @classmethod
    def newest(cls, folder: Path) -> list[float]:
        """Load the state."""
        return cls.read(folder, cls(folder).place())

    @classmethod
    def read(cls, folder: Path, place: str | None) -> list[float]:
        """Return the numbers of one folder."""
        saver = cls(folder)
        saver.accelerator.load_state(place)
        return numbers(saver.states())


class AccelerateNamed(Accelerate):
    """save_state with automatic naming, of which two are kept."""

    named = True

    @classmethod
    def another(cls, folder: Path) -> list[float]:
        """Load any folder that can be read."""
        for place in sorted((folder / "checkpoints").iterdir(), reverse=True):
            try:
                return cls.read(folder, str(place))
            except Exception:
                continue
        raise FileNotFoundError
