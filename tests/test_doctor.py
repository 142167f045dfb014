"""The doctor finds what behaviour shows, is silent otherwise, and changes nothing."""

import copy
import random
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
)

from broken_runs import BROKEN, CE, HEALTHY, INVISIBLE, cnn, digits, drops, mlp, run
from course_utils.doctor import Finding, examine
from course_utils.runtime import pick_device, use_one_thread


@pytest.fixture(autouse=True)
def one_thread():
    use_one_thread()


SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]


def examined(make, seed):
    torch.manual_seed(seed)
    arguments = make()
    start = time.process_time()
    findings = examine(*arguments)
    return findings, time.process_time() - start


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", BROKEN, ids=lambda make: make.__name__)
def test_each_fault_is_found_and_nothing_else(make, seed):
    findings, seconds = examined(make, seed)
    assert [found.kind for found in findings] == [BROKEN[make]]
    assert "\n" not in findings[0].seen and findings[0].advice
    assert seconds < 2


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", HEALTHY, ids=lambda make: make.__name__)
def test_a_healthy_run_gives_an_empty_list(make, seed):
    findings, seconds = examined(make, seed)
    assert findings == []
    assert seconds < 2


def test_there_are_enough_of_each():
    assert len(HEALTHY) >= 12
    assert all(INVISIBLE.values())


def state_of(model, optimizer, loader):
    python, numpy_state = random.getstate(), np.random.get_state()
    return {
        "parameters and buffers": copy.deepcopy(model.state_dict()),
        "gradients": [
            None if p.grad is None else p.grad.clone() for p in model.parameters()
        ],
        "wanted": [p.requires_grad for p in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "hooks": [len(m._forward_pre_hooks) for m in model.modules()],
        "optimizer": copy.deepcopy(optimizer.state_dict()),
        "step hooks": len(optimizer._optimizer_step_pre_hooks),
        "held": [id(p) for g in optimizer.param_groups for p in g["params"]],
        "random": [python, numpy_state[1].tolist(), torch.get_rng_state()],
        "order": loader.generator.get_state(),
        "switches": [
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
        ],
    }


def equal(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            equal(v, other[k]) for k, v in one.items()
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


def test_nothing_changes():
    torch.manual_seed(0)
    model, _, _, optimizer, _ = run(cnn())
    images, labels = next(iter(digits()))
    data = TensorDataset(*digits().dataset.tensors)
    generator = torch.Generator().manual_seed(1)
    loader = DataLoader(data, batch_size=32, shuffle=True, generator=generator)
    images, labels = images.to(pick_device()), labels.to(pick_device())
    CE(model(images), labels).backward()
    optimizer.step()  # state, gradients and running statistics to lose
    model[1].eval()
    model[0].bias.requires_grad_(False)
    given = [data.tensors[0].clone(), data.tensors[1].clone()]
    before = state_of(model, optimizer, loader)
    assert examine(model, loader, CE, optimizer) == []
    for name, value in state_of(model, optimizer, loader).items():
        assert equal(value, before[name]), name
    assert equal(given, list(data.tensors))
    twin = DataLoader(
        data, batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(1)
    )
    assert equal(list(next(iter(loader))), list(next(iter(twin))))


def test_an_order_without_a_generator_stays_as_well():
    model, loader, loss_fn, optimizer, _ = run(mlp())
    torch.manual_seed(5)
    expected = next(iter(loader))
    torch.manual_seed(5)
    examine(model, loader, loss_fn, optimizer)
    assert equal(list(next(iter(loader))), list(expected))


def test_what_a_step_does_to_the_outside_is_undone():
    model, loader, loss_fn, optimizer, _ = run(mlp())
    images, labels = next(iter(loader))
    CE(model(images.to(pick_device())), labels.to(pick_device())).backward()

    def step(copied, batch, loss_fn, copied_optimizer):
        optimizer.zero_grad()
        model.eval()
        copied_optimizer.zero_grad()
        outer = 1e-3 * sum(p.square().sum() for p in model.parameters())
        (loss_fn(copied(batch[0]), batch[1]) + outer).backward()
        copied_optimizer.step()

    loader = DataLoader(loader.dataset, batch_size=32, shuffle=True)
    gradients = [p.grad.clone() for p in model.parameters()]
    examine(model, loader, loss_fn, optimizer, step)
    assert equal([p.grad for p in model.parameters()], gradients)
    assert model.training


class Noisy(Dataset):
    """Digits with noise from generators that it, and its transform, keep."""

    def __init__(self):
        self.data, self.transform = digits().dataset, [Noise()]
        self.numpy, self.python = np.random.default_rng(1), random.Random(2)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        image, label = self.data[index]
        noise = self.numpy.random() + self.python.random()
        return self.transform[0](image) + noise / 100, label


class Noise:
    def __init__(self):
        self.generator = torch.Generator().manual_seed(3)

    def __call__(self, image):
        return image + torch.rand((), generator=self.generator) / 100


def test_generators_anywhere_in_the_loader_are_put_back():
    noisy = Subset(Noisy(), range(300))
    loader = DataLoader(ConcatDataset([noisy]), batch_size=32)
    expected = [images for images, _ in copy.deepcopy(loader)]
    model, _, loss_fn, optimizer, _ = run(mlp())
    assert examine(model, loader, loss_fn, optimizer) == []
    assert equal([images for images, _ in loader], expected)


def test_a_run_through_persistent_workers_goes_on():
    model, loader, loss_fn, optimizer, _ = run(mlp())
    loader = DataLoader(
        loader.dataset, batch_size=256, num_workers=1, persistent_workers=True
    )
    batches = iter(loader)
    next(batches)
    examine(model, loader, loss_fn, optimizer)
    assert len(list(batches)) == len(loader) - 1


def test_of_one_huge_batch_512_samples_are_used():
    images, labels = digits().dataset.tensors
    given = [(images.repeat(20, 1, 1, 1), labels.repeat(20))]
    model, _, loss_fn, optimizer, _ = run(mlp())
    seen = set()

    def step(model, batch, loss_fn, optimizer):
        seen.add(len(batch[1]))
        optimizer.zero_grad()
        loss_fn(model(batch[0]), batch[1]).backward()
        optimizer.step()

    assert examine(model, given, loss_fn, optimizer, step) == []
    assert max(seen) <= 1024  # once twice over, for the question about sums


def test_an_error_without_words_in_a_probe_is_told():
    class Unready(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = mlp()

        def forward(self, inputs):
            if not self.training:
                raise NotImplementedError
            return self.network(inputs)

    [found] = examine(*run(Unready()))
    assert found.kind == "error" and found.seen.endswith("NotImplementedError")


def test_two_examinations_agree():
    torch.manual_seed(0)
    arguments = drops()
    arguments[3].param_groups[0]["lr"] = 30.0
    first, second = examine(*arguments), examine(*arguments)
    assert first and first == second


@pytest.mark.parametrize("which", ["model", "optimizer"])
def test_a_step_that_uses_what_is_outside_is_stopped(which):
    outside = {}

    def step(model, batch, loss_fn, optimizer):
        parts = {"model": model, "optimizer": optimizer, **outside}
        parts["optimizer"].zero_grad()
        loss_fn(parts["model"](batch[0]), batch[1]).backward()
        parts["optimizer"].step()

    model, loader, loss_fn, optimizer, _ = run(mlp())
    outside[which] = {"model": model, "optimizer": optimizer}[which]
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(RuntimeError, match="has to use its arguments"):
        examine(model, loader, loss_fn, optimizer, step)
    assert equal(model.state_dict(), before)
    assert not model._forward_pre_hooks


@pytest.mark.parametrize(
    "loader, words",
    [
        ([], "empty loader"),
        (iter([(torch.zeros(2, 64), torch.zeros(2))]), "gone through again"),
        ([torch.zeros(2, 64)], "two tensors"),
        ([(torch.zeros(2, 64), ["a", "b"])], "two tensors"),
        ([(torch.zeros(2, 64), torch.zeros(2), torch.zeros(2))], "two tensors"),
        ([(torch.zeros(2, 64), torch.zeros(()))], "samples in both"),
        ([(torch.zeros(0, 64), torch.zeros(0))], "samples in both"),
    ],
)
def test_other_loaders_are_refused(loader, words):
    model, _, loss_fn, optimizer, _ = run(mlp())
    with pytest.raises(ValueError, match=words):
        examine(model, loader, loss_fn, optimizer)


def test_a_model_that_cannot_be_copied_is_told():
    model, loader, loss_fn, optimizer, _ = run(mlp())
    model.kept = model[1].weight * 2  # in the middle of a graph
    [found] = examine(model, loader, loss_fn, optimizer)
    assert found.kind == "error" and "making a copy" in found.seen


def test_findings_come_in_the_order_of_suspicion():
    model = mlp(nn.Softmax(dim=1))
    optimizer = torch.optim.SGD(model[3].parameters(), lr=0.1)

    def step(model, batch, loss_fn, optimizer):
        loss_fn(model(batch[0]), batch[1]).backward()
        optimizer.step()

    found = examine(*run(model, optimizer=optimizer)[:4], step)
    assert [f.kind for f in found] == ["softmax", "leftover", "left out"]


def test_a_finding_prints_on_two_lines():
    found = Finding("rate", "the rate is 0 in every group", "set lr")
    assert str(found).splitlines() == [
        "rate: the rate is 0 in every group",
        "    try: set lr",
    ]


def test_it_works_where_gradients_are_off():
    model, loader, loss_fn, optimizer, _ = run(mlp())
    for switch in (torch.no_grad, torch.inference_mode):
        with switch():
            assert examine(model, loader, loss_fn, optimizer) == []
            assert not torch.is_grad_enabled()


def test_the_loader_may_have_a_single_batch_or_a_sample():
    model, loader, loss_fn, optimizer, _ = run(mlp())
    images, labels = next(iter(loader))
    for n in (1, 5, 32):
        batches = [(images[:n], labels[:n])]
        assert examine(model, batches, loss_fn, optimizer) == []
