"""Train the small backbone of lesson 09 and write data/backbone.pt.

    python tools/build_backbone.py

Needs scikit-image, for its pictures, and half a minute. The file is committed; run
this only to change it, and copy the printed figures into course_utils/data.py and
data/README.md. The task: twelve pictures are cut into regions, nine at most; from
which region of which picture does a crop of 16 by 16 pixels come?
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data as skimage_data
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from course_utils.data import sha256_of  # noqa: E402

# Those of scikit-image's bundled pictures whose docstring states CC0 or the public
# domain; data/README.md names them. Brick, grass and gravel are what comes after.
PICTURES = (
    "astronaut",
    "camera",
    "cell",
    "chelsea",
    "clock",
    "coffee",
    "horse",
    "hubble_deep_field",
    "microaneurysms",
    "retina",
    "rocket",
    "text",
)
CROP = 16  # pixels
REGION = 96  # pixels, at least, where the picture is that large
MOST = 3  # regions side by side, and one below another
FLAT = 5  # grey levels; a crop that varies less shows nothing
MEAN, STD = 0.4, 0.3  # of such crops, rounded, from 0, black, to 1, white
EPOCHS = 80
CROPS = 20  # of each region in each epoch
BATCH_SIZE = 64
RATE = 1e-2


def block(inputs: int, outputs: int) -> nn.Sequential:
    """Return a convolution with what follows it; half the height and width."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def backbone() -> nn.Sequential:
    """Return the network, untrained: crops (N, 1, 16, 16) to features (N, 64)."""
    blocks = block(1, 16), block(16, 32), block(32, 64)
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def pictures() -> list[np.ndarray]:
    """Return the pictures as grey levels, (H, W) uint8."""
    grey = []
    for name in PICTURES:
        with warnings.catch_warnings():  # some files hold metadata that PIL dislikes
            warnings.simplefilter("ignore")
            picture = np.asarray(getattr(skimage_data, name)())
        picture = picture.astype(np.uint8) * (255 if picture.dtype == bool else 1)
        grey.append(np.asarray(Image.fromarray(picture).convert("L")))
    return grey


def varies(region: np.ndarray) -> bool:
    """Return whether a tenth of the crops of a region show something."""
    tops, lefts = (range(0, size - CROP + 1, CROP) for size in region.shape)
    flat = [
        region[t : t + CROP, k : k + CROP].std() < FLAT for t in tops for k in lefts
    ]
    return np.mean(flat) <= 0.9


def regions() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the upper three quarters of each region, to train, and the rest."""
    found = []
    for picture in pictures():
        rows, columns = (min(MOST, max(1, size // REGION)) for size in picture.shape)
        for band in np.array_split(picture, rows, axis=0):
            for region in np.array_split(band, columns, axis=1):
                cut = len(region) * 3 // 4
                parts = region[:cut], region[cut:]
                if all(map(varies, parts)):
                    found.append(parts)
    return found


def crops(
    places: list[np.ndarray], number: int, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Return crops of each place, mirrored and turned at random, and whose they are.

    Shapes: crops (N, 1, 16, 16) float32, classes (N,) int64.
    Unit:   mean near 0, standard deviation near 1.
    """
    taken, classes = [], []
    for label, place in enumerate(places):
        height, width = place.shape
        while len(taken) < (label + 1) * number:
            top = random.integers(height - CROP + 1)
            left = random.integers(width - CROP + 1)
            crop = place[top : top + CROP, left : left + CROP]
            if crop.std() < FLAT:
                continue
            crop = np.rot90(crop, random.integers(4))
            taken.append(crop[:, ::-1] if random.integers(2) else crop)
            classes.append(label)
    stacked = torch.from_numpy(np.stack(taken)).unsqueeze(1).float() / 255
    return (stacked - MEAN) / STD, torch.tensor(classes)


def train(epochs: int = EPOCHS, seed: int = 0) -> tuple[nn.Sequential, int, float]:
    """Return the trained backbone, the number of regions, the validation accuracy."""
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    known, held_out = zip(*regions(), strict=True)
    network = nn.Sequential(backbone(), nn.Linear(64, len(known)))
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    steps = -(-CROPS * len(known) // BATCH_SIZE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=epochs * steps
    )
    for _ in range(epochs):
        inputs, targets = crops(known, CROPS, random)
        for batch in torch.randperm(len(inputs)).split(BATCH_SIZE):
            optimizer.zero_grad()
            logits = network(inputs[batch])
            nn.functional.cross_entropy(logits, targets[batch]).backward()
            optimizer.step()
            schedule.step()

    inputs, targets = crops(held_out, 50, np.random.default_rng(seed + 1))
    network.eval()
    with torch.inference_mode():
        right = (network(inputs).argmax(dim=1) == targets).float().mean().item()
    return network[0], len(known), right


def main() -> None:
    """Train, write the weights, print what the card says."""
    torch.set_num_threads(1)
    trained, number, accuracy = train()
    path = ROOT / "data" / "backbone.pt"
    torch.save(trained.state_dict(), path)
    print(f"{number} regions, accuracy {accuracy:.0%}, {path.stat().st_size} bytes")
    print(f'    "{path.name}": "{sha256_of(path)}",')


if __name__ == "__main__":
    main()
