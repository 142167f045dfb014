"""A small run with everything that makes resuming hard; and what writes the fixtures.

`python tests/checkpoint_run.py tests/fixtures/torch-2.11`, with the torch of that
name, wrote the folders that tests/test_checkpoint.py reads.
"""

import random
import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

from course_utils.checkpoint import Checkpoints
from course_utils.runtime import seed_everything

SAMPLES, BATCH, EPOCHS = 22, 4, 3
STEPS = -(-SAMPLES // BATCH)  # of one epoch; the last batch is smaller


class Noisy(Dataset):
    """Each sample gets noise of its own in each epoch, in a worker or not."""

    def __getitem__(self, place):
        index, epoch = place
        own = torch.Generator().manual_seed(epoch * 100_003 + index)
        inputs = torch.linspace(-1, 1, 6) * (index + 1) / SAMPLES
        return inputs + 0.1 * torch.randn(6, generator=own), index % 3

    def __len__(self):
        return SAMPLES


class ResumableBatches(Sampler):
    """The order of an epoch follows from its number; `skip` batches are left out."""

    def __init__(self, samples=SAMPLES, batch_size=BATCH):
        self.samples, self.batch_size = samples, batch_size
        self.epoch = self.skip = 0

    def __iter__(self):
        own = torch.Generator().manual_seed(self.epoch)
        order = torch.randperm(self.samples, generator=own).tolist()
        for start in range(self.skip * self.batch_size, self.samples, self.batch_size):
            batch = order[start : start + self.batch_size]
            yield [(index, self.epoch) for index in batch]


class Run:
    """A model in training: dropout, BatchNorm, AdamW, OneCycle, noise, shuffling."""

    def __init__(self, seed=0):
        seed_everything(seed)
        self.model = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3)
        )
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=0.1, total_steps=EPOCHS * STEPS
        )
        self.step = 0
        self.losses = []

    def objects(self):
        return {name: vars(self)[name] for name in ("model", "optimizer", "scheduler")}

    def state(self):
        return self.objects() | {"losses": self.losses}

    def train(self, until=EPOCHS * STEPS, workers=0, after_step=lambda run: None):
        batches = ResumableBatches()
        while self.step < until:
            batches.epoch, batches.skip = divmod(self.step, STEPS)
            loader = DataLoader(
                Noisy(),
                batch_sampler=batches,
                num_workers=workers,
                generator=torch.Generator().manual_seed(batches.epoch),
            )
            for inputs, targets in loader:
                self.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.model(inputs), targets)
                loss.backward()
                self.optimizer.step()
                self.scheduler.step()
                # Drawn from the global states, so that they matter as well.
                self.losses.append(loss.item() + random.random() + np.random.rand())
                self.step += 1
                after_step(self)
                if self.step == until:
                    break
        return self

    def same_as(self, other):
        """Return whether all weights, statistics and losses are equal, bit for bit."""
        mine, theirs = self.model.state_dict(), other.model.state_dict()
        equal = all(torch.equal(mine[name], theirs[name]) for name in mine)
        return equal and self.losses == other.losses


class Tiny:
    """One weight, one step taken, known numbers: what the fixtures hold."""

    def __init__(self, seed=0):
        seed_everything(seed)
        self.model = nn.Linear(1, 1, bias=False)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.5)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, 1, 0.5)

    def one_step(self):
        self.optimizer.zero_grad()
        self.model(torch.tensor([[3.0]])).sum().backward()
        self.optimizer.step()
        self.scheduler.step()


if __name__ == "__main__":
    tiny = Tiny()
    with torch.no_grad():
        tiny.model.weight.fill_(2.0)
    tiny.one_step()
    seed_everything(8)
    note = {"name": "tiny", "epoch": 1, "rows": [{"loss": np.float64(0.5)}]}
    Checkpoints(sys.argv[1]).save(vars(tiny) | note, step=120, metric=0.25)
