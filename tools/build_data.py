"""Build the files in data/ from their sources, and print each one's SHA-256.

    python tools/build_data.py

Needs scikit-learn. The files are committed; run this only to change them.
"""

import hashlib
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

DATA = Path(__file__).parents[1] / "data"
PARTS = {"train": 0, "validation": 1, "test": 2}


def split(labels: np.ndarray) -> np.ndarray:
    """Return a part for each example: 60 / 20 / 20 %, equal shares of each class."""
    part = np.full(len(labels), PARTS["train"], dtype=np.uint8)
    everything = np.arange(len(labels))
    _, held_out = train_test_split(
        everything, test_size=0.4, stratify=labels, random_state=0
    )
    validation, test = train_test_split(
        held_out, test_size=0.5, stratify=labels[held_out], random_state=0
    )
    part[validation], part[test] = PARTS["validation"], PARTS["test"]
    return part


def digits() -> dict[str, np.ndarray]:
    """Return scikit-learn's digits with our split, in scikit-learn's order."""
    source = load_digits()
    return {
        "images": source.images.astype(np.uint8),  # (1797, 8, 8), 0 … 16
        "labels": source.target.astype(np.uint8),  # (1797,)
        "part": split(source.target),  # (1797,)
    }


def main() -> None:
    """Write every file and print its hash, to be copied into course_utils/data.py."""
    path = DATA / "digits.npz"
    np.savez_compressed(path, **digits())
    print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
