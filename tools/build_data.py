"""Build the files in data/ from their sources, and print the SHA-256 of each.

    python tools/build_data.py

Needs scikit-learn and scikit-image. The files are committed; run this only to change
them, and copy the printed hashes into course_utils/data.py and data/README.md.
data/texts.csv has no script: it was written by hand and is its own source.
tools/build_backbone.py trains data/backbone.pt.
"""

import sys
import wave
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data as skimage_data
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from course_utils.data import PARTS, SHA256, sha256_of  # noqa: E402

DATA = ROOT / "data"
CROP = 32  # pixels
TRAIN_COLUMNS = 10  # of the 16 columns of crops in a photograph
RATE = 8000  # samples per second
SOUNDS = {"falling": (1500, 500), "rising": (500, 1500), "steady": (1000, 1000)}


def split(labels: np.ndarray) -> np.ndarray:
    """Return a part for each example: 60 / 20 / 20 %, equal shares of each class."""
    part = np.full(len(labels), PARTS.index("train"), dtype=np.uint8)
    everything = np.arange(len(labels))
    _, held_out = train_test_split(
        everything, test_size=0.4, stratify=labels, random_state=0
    )
    validation, test = train_test_split(
        held_out, test_size=0.5, stratify=labels[held_out], random_state=0
    )
    part[validation], part[test] = PARTS.index("validation"), PARTS.index("test")
    return part


def digits() -> dict[str, np.ndarray]:
    """Return scikit-learn's digits with our split, in scikit-learn's order."""
    source = load_digits()
    return {
        "images": source.images.astype(np.uint8),  # (1797, 8, 8), 0 … 16
        "labels": source.target.astype(np.uint8),  # (1797,)
        "part": split(source.target),  # (1797,)
    }


def textures() -> dict[str, np.ndarray]:
    """Return each crop of the three photographs, by its path below data/textures."""
    crops = {}
    for name in ("brick", "grass", "gravel"):
        photograph = getattr(skimage_data, name)()  # (512, 512) uint8
        count = {"train": 0, "test": 0}
        for top in range(0, photograph.shape[0], CROP):
            for column in range(photograph.shape[1] // CROP):
                part = "train" if column < TRAIN_COLUMNS else "test"
                left = column * CROP
                crop = photograph[top : top + CROP, left : left + CROP]
                crops[f"{part}/{name}/{count[part]:03}.png"] = crop
                count[part] += 1
    return crops


def sounds() -> dict[str, np.ndarray]:
    """Return ten tones of each kind as int16 samples, by path below data/sounds."""
    random = np.random.default_rng(0)
    tones = {}
    for kind, (first, last) in SOUNDS.items():
        for k in range(10):
            seconds = random.uniform(0.2, 0.5)
            time = np.arange(int(RATE * seconds)) / RATE
            shift = random.uniform(0.8, 1.25)
            pitch = shift * (first + (last - first) * time / seconds)  # hertz
            wave_ = np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
            wave_ = 0.5 * wave_ + 0.05 * random.standard_normal(len(time))
            tones[f"{kind}/{k:02}.wav"] = (wave_ * 2**15).clip(-(2**15), 2**15 - 1)
    return {path: tone.astype("<i2") for path, tone in tones.items()}


def write_sound(path: Path, samples: np.ndarray) -> None:
    """Write one channel of 16-bit samples."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def main() -> None:
    """Write every file and print the hashes."""
    np.savez_compressed(DATA / "digits.npz", **digits())
    for name, crop in textures().items():
        path = DATA / "textures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(path, optimize=True)
    for name, samples in sounds().items():
        path = DATA / "sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sound(path, samples)
    for name in SHA256:
        print(f'    "{name}": "{sha256_of(DATA / name)}",')


if __name__ == "__main__":
    main()
