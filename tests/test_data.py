import hashlib
import shutil

import numpy as np
import pytest
import torch

import build_data
from course_utils import data
from lesson_files import ROOT


@pytest.fixture
def own_copy(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    shutil.copytree(data.data_folder(), folder)
    monkeypatch.setattr(data, "data_folder", lambda: folder)
    return folder


def test_shapes_types_and_scale_are_as_documented():
    for part, size in [("train", 1078), ("validation", 359), ("test", 360)]:
        images, labels = data.load_digits(part)
        assert images.shape == (size, 1, 8, 8) and images.dtype == torch.float32
        assert labels.shape == (size,) and labels.dtype == torch.int64
        assert images.min() == 0 and images.max() == 1


def test_the_parts_are_stratified_and_share_no_image():
    parts = [data.load_digits(part) for part in data.PARTS]
    everything = torch.cat([images.flatten(1) for images, _ in parts])
    assert len(everything.unique(dim=0)) == len(everything) == 1797
    for _, labels in parts:
        shares = labels.bincount(minlength=10) / len(labels)
        assert (shares - 0.1).abs().max() < 0.005


def test_the_file_holds_what_the_script_builds():
    fresh = build_data.digits()
    with np.load(data.data_folder() / "digits.npz") as shipped:
        assert set(shipped.files) == set(fresh)
        for name in fresh:
            assert np.array_equal(shipped[name], fresh[name])


def test_the_readme_names_every_file_with_its_hash():
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    shipped = {path.name for path in (ROOT / "data").iterdir()} - {"README.md"}
    assert shipped == set(data.SHA256)
    for name, digest in data.SHA256.items():
        assert f"## {name}" in readme and digest in readme


@pytest.mark.parametrize("part", ["val", "Train", "", None, 0])
def test_a_wrong_part_is_told_the_right_ones(part):
    with pytest.raises(ValueError, match="'train', 'validation', 'test'") as caught:
        data.load_digits(part)
    assert f"got {part!r}" in str(caught.value)


def test_a_file_that_the_course_does_not_ship_is_named():
    with pytest.raises(ValueError, match=r"expected one of .*, got 'mnist.npz'"):
        data.read_verified("mnist.npz")


def test_a_missing_file_says_how_to_get_it_back(own_copy):
    (own_copy / "digits.npz").unlink()
    with pytest.raises(FileNotFoundError, match="is missing: get it back"):
        data.load_digits("train")


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "replaced"])
def test_a_damaged_file_is_never_read(own_copy, damage):
    path = own_copy / "digits.npz"
    good = path.read_bytes()
    flipped = bytes([good[1000] ^ 1])
    bad = {
        "flipped": good[:1000] + flipped + good[1001:],
        "cut": good[:-1],
        "empty": b"",
        "replaced": b"<html>Not found</html>",
    }[damage]
    path.write_bytes(bad)
    with pytest.raises(data.DamagedData) as caught:
        data.load_digits("train")
    for part in (str(path), hashlib.sha256(bad).hexdigest()[:12], f"{len(bad)} bytes"):
        assert part in str(caught.value)
