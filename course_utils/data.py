"""Reach the small data sets that travel with the course.

Plumbing, so it is not built in a lesson. data/README.md says where each file comes
from and what its licence is; tools/build_data.py builds it.
"""

import csv
import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SHA256 = {
    "backbone.pt": "419ea9b89542349569630e85fbf06dda12b97ee7ef1ba2d520be3d19b8c5c6d6",
    "digits.npz": "38a1be46b7bc1cea395f510f0af3ed1f83baa2aa29ec99248f3a4cc64bf5b906",
    "sounds": "3b4e56058b277ed8509b08643b61f16a8b34ec882c24ac1416bec8cf482ea791",
    "texts.csv": "661629e2e828e6d714640920e5c3be232327168ce8474e19ba089a465dd9fcc4",
    "textures": "7a514356cc24c3134454219dd5a734437a07b7608cfaeec01418513f59b3852c",
}
PARTS = ("train", "validation", "test")


class DamagedData(RuntimeError):
    """A data file is not, byte for byte, the one that the course ships."""


def data_folder() -> Path:
    """Return the folder of the data: in the installed package, or in the clone."""
    package = Path(__file__).parent
    inside = package / "_data"
    return inside if inside.is_dir() else package.parent / "data"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents in a folder."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted(p for p in path.rglob("*.*") if p.suffix in {".png", ".wav"})
    lines = [f"{p.relative_to(path).as_posix()} {sha256_of(p)}\n" for p in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def verified(name: str) -> Path:
    """Return the path of one data file or folder, after comparing its SHA-256.

    Raises: ValueError for a name that the course does not ship; FileNotFoundError
            when it is missing; DamagedData when its bytes have changed.
    """
    if name not in SHA256:
        raise ValueError(f"expected one of {sorted(SHA256)}, got {name!r}")
    path = data_folder() / name
    repair = "get it back with `git checkout data`, or install the course again"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: {repair}")
    found = sha256_of(path)
    if found != SHA256[name]:
        raise DamagedData(
            f"{path} is damaged: expected SHA-256 {SHA256[name][:12]}…, "
            f"got {found[:12]}…: delete it, then {repair}"
        )
    return path


def one_of(parts: tuple[str, ...], part: str) -> str:
    """Return `part`; raise ValueError unless it is one of `parts`."""
    if part not in parts:
        raise ValueError(f"expected one of {parts}, got {part!r}")
    return part


def load_digits(part: str) -> tuple[Tensor, Tensor]:
    """Return the images and labels of one part of the handwritten digits.

    The split is fixed and stratified: 1,078 train, 359 validation, 360 test.

    Shapes: images (N, 1, 8, 8) float32, labels (N,) int64 holding 0 … 9.
    Unit:   ink, from 0 (paper) to 1 (full).
    Raises: ValueError unless `part` is "train", "validation" or "test"; as
            `verified` when the file is missing or damaged.
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits,
            UCI Machine Learning Repository 1998, as scikit-learn ships it.

    >>> images, labels = load_digits("test")
    >>> images.shape, labels.shape
    (torch.Size([360, 1, 8, 8]), torch.Size([360]))
    """
    number = PARTS.index(one_of(PARTS, part))
    with np.load(verified("digits.npz")) as file:
        chosen = file["part"] == number
        images, labels = file["images"][chosen], file["labels"][chosen]
    images = torch.from_numpy(images).unsqueeze(1).float() / 16
    return images, torch.from_numpy(labels).long()


def find_textures(part: str) -> Path:
    """Return the folder of one part of the texture photographs.

    It holds a folder a class, brick, grass and gravel, with 160 (train) or 96 (test)
    grey PNG files of 32 by 32 pixels. Both parts come from the same three
    photographs, from regions that don't overlap.

    Raises: ValueError unless `part` is "train" or "test"; as `verified` when a file
            is missing or damaged.
    Source: scikit-image's brick, grass and gravel, CC0.

    >>> sorted(folder.name for folder in find_textures("train").iterdir())
    ['brick', 'grass', 'gravel']
    """
    return verified("textures") / one_of(("train", "test"), part)


def load_crops(part: str) -> tuple[Tensor, Tensor]:
    """Return the textures of one part as small crops, four of each file.

    1,920 train, 1,152 test; class 0 is brick, 1 grass, 2 gravel.

    Shapes: crops (N, 1, 16, 16) float32, labels (N,) int64.
    Unit:   light, from 0 (black) to 1 (white).
    Raises: as `find_textures`.

    >>> crops, labels = load_crops("test")
    >>> crops.shape, labels.bincount()
    (torch.Size([1152, 1, 16, 16]), tensor([384, 384, 384]))
    """
    paths = sorted(find_textures(part).glob("*/*.png"))
    classes = sorted({path.parent.name for path in paths})
    tiles = []
    for path in paths:
        with Image.open(path) as image:
            tiles.append(torch.from_numpy(np.array(image)))  # (32, 32) uint8
    rows = torch.cat(torch.stack(tiles).unsqueeze(1).split(16, dim=2))
    crops = torch.cat(rows.split(16, dim=3)).float() / 255
    labels = torch.tensor([classes.index(path.parent.name) for path in paths])
    return crops, labels.repeat(4)


def find_backbone() -> Path:
    """Return the file with the weights of the small backbone.

    A state dict for crops (N, 1, 16, 16) to features (N, 64), grey levels from 0 to 1,
    less 0.4, divided by 0.3. data/README.md holds its card.

    Raises: as `verified` when the file is missing or damaged.

    >>> len(torch.load(find_backbone(), weights_only=True))
    18
    """
    return verified("backbone.pt")


def find_sounds() -> Path:
    """Return the folder of 30 short tones, a folder a class, as WAV files.

    Unit:   16-bit samples, 8,000 a second, one channel, 0.2 to 0.5 seconds.
    Raises: as `verified` when a file is missing or damaged.

    >>> sorted(folder.name for folder in find_sounds().iterdir())
    ['falling', 'rising', 'steady']
    """
    return verified("sounds")


def load_texts(part: str) -> tuple[list[str], Tensor]:
    """Return the short texts of one part and their sentiment.

    Shapes: N strings, labels (N,) int64: 1 positive, 0 negative.
    Raises: ValueError unless `part` is "train" or "test"; as `verified` when the file
            is missing or damaged.
    """
    rows = text_rows(part)
    return [row["text"] for row in rows], torch.tensor([int(r["label"]) for r in rows])


def planted_in_texts(part: str) -> dict[int, str]:
    """Return what is wrong on purpose: index of the text and "label" or "repeat"."""
    rows = enumerate(text_rows(part))
    return {index: row["planted"] for index, row in rows if row["planted"]}


def text_rows(part: str) -> list[dict[str, str]]:
    """Return the rows of texts.csv that belong to one part."""
    one_of(("train", "test"), part)
    text = verified("texts.csv").read_bytes().decode("utf-8")
    return [row for row in csv.DictReader(io.StringIO(text)) if row["part"] == part]
