"""Models whose memory is followed, their training, and what the allocator recorded.

For tests/test_memory.py and for benchmarks/memory.py.
"""

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

loss_fn = nn.CrossEntropyLoss()


def make_mlp():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def make_cnn():
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 14 * 14, 10)),
    )


def make_transformer():
    layer = nn.TransformerEncoderLayer(64, 4, 256, batch_first=True, dropout=0.0)
    return nn.Sequential(
        nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
        *(nn.Flatten(), nn.Linear(32 * 64, 10)),
    )


def make_resnet():
    from torchvision.models import resnet18

    return resnet18()


def batch(*shape, device="cpu"):
    inputs = torch.rand(shape, device=device)
    return inputs, torch.zeros(shape[0], dtype=torch.int64, device=device)


def train(model, optimizer, inputs, targets, steps=2):
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()


def allocator_peak(model, make_optimizer, inputs, targets):
    """Return the peak by the allocator's own record, parameters included."""
    optimizer = make_optimizer(model.parameters(), lr=0.01)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        train(model, optimizer, inputs, targets)
    live, peak = 0, 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            live += event.nbytes()
            peak = max(peak, live)
    own = [*model.parameters(), *model.buffers()]
    return peak + sum(tensor.nbytes for tensor in own)
