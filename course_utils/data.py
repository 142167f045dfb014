"""Reach the small data sets that travel with the course.

Plumbing, so it is not built in a lesson. data/README.md says where each file comes
from and what its licence is; tools/build_data.py builds it.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

SHA256 = {
    "digits.npz": "38a1be46b7bc1cea395f510f0af3ed1f83baa2aa29ec99248f3a4cc64bf5b906",
}
PARTS = ("train", "validation", "test")


class DamagedData(RuntimeError):
    """A data file is not, byte for byte, the one that the course ships."""


def data_folder() -> Path:
    """Return the folder of the data: in the installed package, or in the clone."""
    package = Path(__file__).parent
    inside = package / "_data"
    return inside if inside.is_dir() else package.parent / "data"


def read_verified(name: str) -> bytes:
    """Return the bytes of one data file, after comparing its SHA-256.

    Raises: ValueError for a name that the course does not ship; FileNotFoundError
            when the file is missing; DamagedData when its bytes have changed.
    """
    if name not in SHA256:
        raise ValueError(f"expected one of {sorted(SHA256)}, got {name!r}")
    path = data_folder() / name
    repair = "get it back with `git checkout data`, or install the course again"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {repair}")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[name]:
        raise DamagedData(
            f"{path} is damaged: expected SHA-256 {SHA256[name][:12]}…, "
            f"got {found[:12]}… ({len(content)} bytes): {repair}"
        )
    return content


def load_digits(part: str) -> tuple[Tensor, Tensor]:
    """Return the images and labels of one part of the handwritten digits.

    The split is fixed and stratified: 1,078 train, 359 validation, 360 test.

    Shapes: images (N, 1, 8, 8) float32, labels (N,) int64 holding 0 … 9.
    Unit:   ink, from 0 (paper) to 1 (full).
    Raises: ValueError unless `part` is "train", "validation" or "test"; as
            `read_verified` when the file is missing or damaged.
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits,
            UCI Machine Learning Repository 1998, as scikit-learn ships it.

    >>> images, labels = load_digits("test")
    >>> images.shape, labels.shape
    (torch.Size([360, 1, 8, 8]), torch.Size([360]))
    """
    if part not in PARTS:
        raise ValueError(f"expected one of {PARTS}, got {part!r}")
    with np.load(io.BytesIO(read_verified("digits.npz"))) as file:
        chosen = file["part"] == PARTS.index(part)
        images, labels = file["images"][chosen], file["labels"][chosen]
    images = torch.from_numpy(images).unsqueeze(1).float() / 16
    return images, torch.from_numpy(labels).long()
