import hashlib
import re
import shutil
import wave

import pytest
import torch
from PIL import Image

from course_utils import data
from lesson_files import ROOT

CLASSES = ["brick", "grass", "gravel"]


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


def test_the_readme_names_every_file_with_its_hash():
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    shipped = {path.name for path in (ROOT / "data").iterdir()} - {"README.md"}
    assert shipped == set(data.SHA256)
    for name, digest in data.SHA256.items():
        assert f"## {name}" in readme and digest in readme


def test_textures_are_class_folders_of_grey_crops():
    for part, count in [("train", 160), ("test", 96)]:
        folder = data.find_textures(part)
        assert sorted(path.name for path in folder.iterdir()) == CLASSES
        for name in CLASSES:
            files = sorted((folder / name).glob("*.png"))
            assert len(files) == count
            with Image.open(files[0]) as image:
                assert (image.mode, image.size) == ("L", (32, 32))


def test_no_texture_is_in_both_parts():
    crops = {
        part: {path.read_bytes() for path in data.find_textures(part).glob("*/*.png")}
        for part in ("train", "test")
    }
    assert len(crops["train"]) == 480 and len(crops["test"]) == 288
    assert not crops["train"] & crops["test"]


def test_crops_are_the_quarters_of_the_textures():
    for part, number in [("train", 1920), ("test", 1152)]:
        crops, labels = data.load_crops(part)
        assert crops.shape == (number, 1, 16, 16) and crops.dtype == torch.float32
        assert labels.bincount().tolist() == [number // 3] * 3
        assert 0 <= crops.min() < 0.1 and 0.9 < crops.max() <= 1
        with Image.open(data.find_textures(part) / "grass" / "003.png") as image:
            tile = torch.tensor(list(image.tobytes())).view(32, 32) / 255
        index = number // 12 + 3  # in each quarter of the list: bricks, then grass
        quarters = crops[index :: number // 4, 0]
        whole = torch.cat([torch.cat([*quarters[:2]]), torch.cat([*quarters[2:]])], 1)
        assert torch.equal(whole, tile) and labels[index] == 1


def test_sounds_are_short_and_of_unequal_length():
    lengths = []
    for path in data.find_sounds().glob("*/*.wav"):
        with wave.open(str(path)) as file:
            form = file.getnchannels(), file.getsampwidth(), file.getframerate()
            assert form == (1, 2, 8000)
            lengths.append(file.getnframes())
    assert len(lengths) == 30 and 1600 <= min(lengths) < max(lengths) <= 4000


def bare(text):
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))


def test_texts_are_many_balanced_and_of_very_different_length():
    everything = []
    for part, size in [("train", 245), ("test", 122)]:
        texts, labels = data.load_texts(part)
        assert len(texts) == len(labels) == size
        assert 0.45 < labels.float().mean() < 0.55
        everything += texts
    words = sorted(len(text.split()) for text in everything)
    assert words[0] == 1 and words[-1] > 80 and words[len(words) // 2] < 20


def test_just_the_planted_repeats_cross_the_split():
    train, test = (data.load_texts(part)[0] for part in ("train", "test"))
    known = {bare(text) for text in train}
    assert len(known) == len(train)
    found = {i for i, text in enumerate(test) if bare(text) in known}
    assert found == set(data.planted_in_texts("test")) and len(found) == 10
    assert set(data.planted_in_texts("train").values()) == {"label"}
    assert len(data.planted_in_texts("train")) == 12


@pytest.mark.parametrize("load", [data.find_textures, data.load_crops, data.load_texts])
def test_there_is_no_validation_part_of_these(load):
    with pytest.raises(ValueError, match=r"'train', 'test'.*got 'validation'"):
        load("validation")


@pytest.mark.parametrize("change", ["content", "lost", "added", "renamed"])
def test_a_changed_folder_is_noticed(own_copy, change):
    path = own_copy / "textures" / "train" / "brick" / "007.png"
    if change == "content":
        path.write_bytes(path.read_bytes()[:-1])
    elif change == "added":
        shutil.copy(path, path.with_name("999.png"))
    elif change == "renamed":
        path.rename(path.with_name("999.png"))
    else:
        path.unlink()
    with pytest.raises(data.DamagedData, match="textures is damaged"):
        data.find_textures("test")


def test_a_lost_folder_says_how_to_get_it_back(own_copy):
    shutil.rmtree(own_copy / "sounds")
    with pytest.raises(FileNotFoundError, match="is missing: get it back"):
        data.find_sounds()


@pytest.mark.parametrize("part", ["val", "Train", "", None, 0])
def test_a_wrong_part_is_told_the_right_ones(part):
    with pytest.raises(ValueError, match="'train', 'validation', 'test'") as caught:
        data.load_digits(part)
    assert f"got {part!r}" in str(caught.value)


def test_a_file_that_the_course_does_not_ship_is_named():
    with pytest.raises(ValueError, match=r"expected one of .*, got 'mnist.npz'"):
        data.verified("mnist.npz")


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
    for part in (str(path), hashlib.sha256(bad).hexdigest()[:12]):
        assert part in str(caught.value)
