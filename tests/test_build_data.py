"""The files in data/ hold what the script builds from its sources."""

import wave

import numpy as np
import pytest
from PIL import Image

from course_utils.data import data_folder

pytest.importorskip("skimage", reason="only the maintainers' environment builds data")
import build_data


def test_digits():
    fresh = build_data.digits()
    with np.load(data_folder() / "digits.npz") as shipped:
        assert set(shipped.files) == set(fresh)
        for name in fresh:
            assert np.array_equal(shipped[name], fresh[name])


def test_textures():
    fresh = build_data.textures()
    folder = data_folder() / "textures"
    shipped = {p.relative_to(folder).as_posix(): p for p in folder.glob("*/*/*.png")}
    assert shipped.keys() == fresh.keys()
    for name, path in shipped.items():
        assert np.array_equal(np.asarray(Image.open(path)), fresh[name])


def test_sounds():
    fresh = build_data.sounds()
    folder = data_folder() / "sounds"
    shipped = {p.relative_to(folder).as_posix(): p for p in folder.glob("*/*.wav")}
    assert shipped.keys() == fresh.keys()
    for name, path in shipped.items():
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        # a sine may round another way on another processor
        assert np.abs(samples.astype(int) - fresh[name].astype(int)).max() <= 1
