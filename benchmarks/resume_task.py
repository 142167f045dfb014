"""The task that is stopped and resumed: all that makes resuming hard."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from checkpoint_run import ResumableBatches
from course_utils.data import load_digits
from course_utils.runtime import seed_everything

SAMPLES, BATCH, EPOCHS = 150, 32, 3
STEPS = -(-SAMPLES // BATCH)  # of an epoch


class Noisy(Dataset):
    """Digits with noise: from the worker's random numbers, or seeded by the sample."""

    def __init__(self) -> None:
        """Keep a few digits."""
        self.images, self.labels = (part[:SAMPLES] for part in load_digits("train"))

    def __len__(self) -> int:
        """Return the number of samples."""
        return SAMPLES

    def __getitem__(self, place):
        """Return an image and its label; place is an index, or (index, epoch)."""
        own, index = None, place
        if isinstance(place, tuple):
            index, epoch = place
            own = torch.Generator().manual_seed(epoch * 100_003 + index)
        noise = 0.1 * torch.randn(1, 8, 8, generator=own)
        return self.images[index] + noise, self.labels[index]


class Resumable(ResumableBatches):
    """Lesson 08's batches, with what Lightning and Accelerate ask for."""

    def __init__(self) -> None:
        """Begin with epoch 0."""
        super().__init__(SAMPLES, BATCH)

    def set_epoch(self, epoch: int) -> None:
        """Take the epoch: this is how Lightning and Accelerate tell it."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of batches of a whole epoch."""
        return STEPS


class Task:
    """What every script begins with: seed, model, optimizer, scheduler, loader."""

    steps, epochs = STEPS, EPOCHS

    def __init__(self, resumable: bool) -> None:
        """Build all, from one seed."""
        seed_everything(0)
        self.model = nn.Sequential(
            *(nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU()),
            *(nn.Dropout(), nn.Linear(32, 10)),
        )
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.003)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=0.01, total_steps=EPOCHS * STEPS
        )
        self.loss_fn = nn.CrossEntropyLoss()
        self.batches = Resumable() if resumable else None
        if resumable:
            own = torch.Generator().manual_seed(0)  # leaves the global numbers alone
            options = {"batch_sampler": self.batches, "generator": own}
        else:
            options = {"batch_size": BATCH, "shuffle": True}
        self.loader = DataLoader(Noisy(), num_workers=2, **options)

    def parts(self) -> dict:
        """Return what has a state."""
        names = ("model", "optimizer", "scheduler")
        return {name: getattr(self, name) for name in names}

    def step(self, inputs, targets, backward=torch.Tensor.backward) -> None:
        """Take one step, of the scheduler too."""
        self.optimizer.zero_grad()
        backward(self.loss_fn(self.model(inputs), targets))
        self.optimizer.step()
        self.scheduler.step()
