"""Time images from files: decoded each time, or once."""

import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchmarks.loaders import DEFAULT, Cached, FastLoader, speed, walked
from benchmarks.measure import Table
from course_utils.data import find_textures


class Photographs(Dataset):
    """Images from files, decoded each time."""

    def __init__(self, paths: list[Path]) -> None:
        """Keep the paths."""
        self.paths = paths

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        """Return an image (1, H, W) from 0 to 1."""
        with Image.open(self.paths[index]) as image:
            return torch.from_numpy(np.array(image)).unsqueeze(0).float() / 255


def rows_of(rounds: int, folder: Path, count: int) -> list[list[str]]:
    """Return the rows of images from files: small PNG, and JPEG 256 pixels wide."""
    small = sorted(find_textures("train").glob("*/*.png"))[:count]
    large = []
    for path in small[: count // 2]:
        large.append(folder / f"{path.parent.name}-{path.stem}.jpg")
        with Image.open(path) as image:
            image.resize((256, 256)).save(large[-1])
    columns = [photograph_columns(rounds, paths) for paths in (small, large)]
    return [[name, *(column[name] for column in columns)] for name in columns[0]]


def photograph_columns(rounds: int, paths: list[Path]) -> dict[str, str]:
    """Return the ratio of each way to read these files."""
    options = {"batch_size": 64, "shuffle": True}
    files = Photographs(paths)
    cached = Cached(files)
    stacked = torch.stack([files[index] for index in range(len(files))])
    ways = {
        DEFAULT: DataLoader(files, **options),
        "2 workers": DataLoader(files, num_workers=2, **options),
        "2 workers, persistent": DataLoader(
            files, num_workers=2, persistent_workers=True, **options
        ),
        "decoded once, kept (`Cached` of lesson 01)": DataLoader(cached, **options),
        "kept, and 2 workers": DataLoader(cached, num_workers=2, **options),
        "stacked once, **ours**, FastLoader": FastLoader(stacked, **options),
    }
    times = walked(ways, rounds, 1)
    found = {name: speed(times, name) for name in ways}
    found[DEFAULT] = f"1 ({1e3 * median(times[DEFAULT]):.0f} ms)"
    return found


def photographs(rounds: int, tiny: bool) -> Table:
    """Return the table of small and larger images."""
    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(rounds, Path(folder), 40 if tiny else 480)
    return Table(
        "Images from files",
        ["loader", "480 PNG of 32×32", "240 JPEG of 256×256"],
        rows,
        "As above, batch 64, the files in the page cache; what is kept was kept "
        "in the round that is not counted.",
        "a slow disk, augmentation, and more cores than two, where workers gain "
        "more. What is cached in a worker that ends with the epoch is lost.",
    )
