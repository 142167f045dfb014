"""The shipped backbone is what its card in data/README.md says."""

import pytest
import torch
from torch import nn

from course_utils.data import find_backbone, load_crops


@pytest.fixture(scope="module")
def build():
    pytest.importorskip("skimage", reason="only the maintainers' environment has it")
    import build_backbone

    return build_backbone


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_it_is_a_small_state_dict_of_tensors():
    weights = torch.load(find_backbone(), weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())
    running = [value for name, value in weights.items() if "running" in name]
    trained = [v for n, v in weights.items() if n.endswith((".weight", ".bias"))]
    assert len(running) == 6 and sum(v.numel() for v in trained) == 23_408
    assert find_backbone().stat().st_size < 1_000_000


def test_the_script_has_the_network_that_the_weights_fit(build):
    network = build.backbone()
    network.load_state_dict(torch.load(find_backbone(), weights_only=True))
    assert network(torch.zeros(2, 1, 16, 16)).shape == (2, 64)


def test_the_task_is_as_the_card_says(build):
    found = build.regions()
    assert len(found) == 71 and len(build.PICTURES) == 12
    assert not {"brick", "grass", "gravel"} & set(build.PICTURES)
    for upper, lower in found:
        assert upper.shape[0] >= 2 * lower.shape[0] and min(lower.shape) >= build.CROP


def test_each_picture_states_that_it_is_free(build):
    for name in build.PICTURES:
        text = getattr(build.skimage_data, name).__doc__
        assert "CC0" in text or "public domain" in text


@pytest.mark.slow
def test_a_head_on_it_gets_the_accuracy_of_the_card(build):
    """A fresh linear layer for the regions, on the frozen shipped weights."""
    network = build.backbone()
    network.load_state_dict(torch.load(find_backbone(), weights_only=True))
    network.eval()
    random = build.np.random.default_rng(0)
    known, held_out = zip(*build.regions(), strict=True)
    torch.manual_seed(0)
    head = nn.Linear(64, len(known))
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2)
    with torch.no_grad():
        epochs = [build.crops(known, 20, random) for _ in range(10)]
        epochs = [(network(inputs), targets) for inputs, targets in epochs]
        inputs, targets = build.crops(held_out, 50, random)
        features = network(inputs)
    for _ in range(10):
        for inputs, labels in epochs:
            optimizer.zero_grad()
            nn.functional.cross_entropy(head(inputs), labels).backward()
            optimizer.step()
    right = (head(features).argmax(dim=1) == targets).float().mean()
    assert 0.15 < right < 0.3


@pytest.mark.slow
def test_a_short_rebuild_learns_the_task(build):
    """Ten epochs of eighty: the recipe runs; bits differ between processors."""
    network, regions, right = build.train(epochs=10)
    shipped = torch.load(find_backbone(), weights_only=True)
    assert network.state_dict().keys() == shipped.keys()
    assert regions == 71 and right > 0.12


def crops(part):
    inputs, targets = load_crops(part)
    return (inputs - 0.4) / 0.3, targets


def turned(inputs, step):
    inputs = inputs.rot90(step % 4, (2, 3))
    return inputs.flip(3) if step // 4 % 2 else inputs


def scored(build, seed, number, rate, steps, pretrained):
    """Train on `number` crops of each class; return the share right on the others."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    (inputs, targets), (others, classes) = crops("train"), crops("test")
    order = torch.randperm(len(targets), generator=generator)
    chosen = [order[targets[order] == c][:number] for c in range(3)]
    inputs, targets = inputs[torch.cat(chosen)], targets[torch.cat(chosen)]
    network, head = build.backbone(), nn.Linear(64, 3)
    learning = nn.Sequential(network, head)
    if pretrained:
        network.load_state_dict(torch.load(find_backbone(), weights_only=True))
        network.requires_grad_(False)
        learning = head
    optimizer = torch.optim.AdamW(learning.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    network.train(not pretrained)
    for step in range(steps):
        optimizer.zero_grad()
        logits = head(network(turned(inputs, step)))
        nn.functional.cross_entropy(logits, targets).backward()
        optimizer.step()
        schedule.step()
    network.eval()
    with torch.inference_mode():
        return (head(network(others)).argmax(dim=1) == classes).float().mean().item()


@pytest.mark.slow
@pytest.mark.parametrize("number, gain", [(1, 0.08), (3, 0.02)])
def test_it_beats_the_best_tuned_start_from_scratch(build, number, gain):
    """The best of three rates, chosen on the very crops that it is scored on."""
    seeds = range(5)

    def mean(rate, steps, pretrained):
        runs = [scored(build, s, number, rate, steps, pretrained) for s in seeds]
        return sum(runs) / len(runs)

    best = max(mean(rate, 120, False) for rate in (1e-3, 1e-2, 3e-2))
    assert mean(1e-2, 100, True) > best + gain
