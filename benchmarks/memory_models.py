"""The models whose memory is measured."""

from torch import nn


def mlp() -> nn.Module:
    """Return an MLP for rows of 64 numbers."""
    return nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 10))


def tiny_mlp() -> nn.Module:
    """Return the smallest of the models, for the cost."""
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def cnn() -> nn.Module:
    """Return a CNN for grey images of 28 by 28."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 14 * 14, 10)),
    )


def transformer() -> nn.Module:
    """Return two encoder layers and a head, for 32 tokens of 64 numbers."""
    layer = nn.TransformerEncoderLayer(64, 4, 256, batch_first=True, dropout=0.0)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    return nn.Sequential(encoder, nn.Flatten(), nn.Linear(32 * 64, 10))


def resnet() -> nn.Module:
    """Return torchvision's ResNet-18, untrained."""
    from torchvision.models import resnet18

    return resnet18()


MODELS = {
    "MLP 64-1024-10": (mlp, (256, 64)),
    "CNN, 28×28": (cnn, (128, 1, 28, 28)),
    "transformer": (transformer, (64, 32, 64)),
    "ResNet-18, 112×112": (resnet, (8, 3, 112, 112)),
}
