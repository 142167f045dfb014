"""The textures are as hard as data/README.md says: patterns, not single pixels."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from torch import nn

from course_utils.data import find_textures

pytestmark = pytest.mark.slow


def load(part):
    paths = sorted(find_textures(part).glob("*/*.png"))
    classes = sorted({path.parent.name for path in paths})
    images = np.stack([np.asarray(Image.open(path)) for path in paths])
    labels = torch.tensor([classes.index(path.parent.name) for path in paths])
    return torch.from_numpy(images).float().unsqueeze(1), labels


@pytest.fixture(scope="module")
def crops():
    (train, labels), (test, answers) = load("train"), load("test")
    mean, std = train.mean(), train.std()
    return (train - mean) / std, labels, (test - mean) / std, answers


def test_a_linear_model_on_the_pixels_gets_little_more_than_half(crops):
    train, labels, test, answers = crops
    model = LogisticRegression(max_iter=2000).fit(train.flatten(1), labels)
    assert 0.5 < model.score(test.flatten(1), answers) < 0.65


def block(inputs, outputs):
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
    return nn.Sequential(
        convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_small_cnn_gets_nearly_all(crops, seed):
    train, labels, test, answers = crops
    torch.manual_seed(seed)
    blocks = block(1, 16), block(16, 32), block(32, 64)
    model = nn.Sequential(
        *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 3)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=225)
    for _ in range(15):
        for batch in torch.randperm(len(train)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(train[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        right = (model(test).argmax(dim=1) == answers).float().mean()
    assert right >= 0.98
