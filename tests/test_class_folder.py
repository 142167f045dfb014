"""A good folder is read as it is; a bad one is told what was expected and what came."""

from unicodedata import normalize

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.class_folder import BadFolder, find_images
from course_utils.data import find_textures
from course_utils.image_files import load_images


def put(path, size=(8, 8), mode="L", value=7):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value, value, value)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes of twelve images."""
    for name in ("cat", "dog"):
        for k in range(12):
            put(tmp_path / "pets" / name / f"{k:02}.png", value=k)
    return tmp_path / "pets"


def refused(folder, **arguments):
    with pytest.raises(BadFolder) as caught:
        find_images(folder, **arguments)
    words = str(caught.value)
    assert words.startswith("expected ") and " got " in words
    assert len(words) < 400 + 2 * len(str(folder))
    return words


def test_class_folders_give_paths_labels_and_classes(folder):
    found = find_images(folder)
    assert found.classes == ["cat", "dog"]
    assert found.labels.tolist() == [0] * 12 + [1] * 12
    assert found.paths[13].relative_to(folder).as_posix() == "dog/01.png"
    assert found.parts == [""] * 24 and len(found.of("")) == 24
    assert load_images(found.paths).shape == (24, 1, 8, 8)


def test_the_textures_keep_their_own_parts():
    found = find_images(find_textures("train").parent)
    assert found.classes == ["brick", "grass", "gravel"]
    assert len(found.of("train")) == 480 and len(found.of("test")) == 288
    assert len(found.of("validation")) == 0
    images = load_images([found.paths[k] for k in found.of("test")])
    assert images.shape == (288, 1, 32, 32) and images.dtype == torch.uint8
    path = found.paths[found.of("test")[5]]
    assert np.array_equal(images[5, 0].numpy(), np.asarray(Image.open(path)))


def test_parts_may_have_other_names_and_small_tests(tmp_path):
    for part, count in (("Training", 10), ("val", 1), ("test", 2)):
        for name in ("a", "b"):
            for k in range(count):
                put(tmp_path / part / name / f"{k}.png")
    found = find_images(tmp_path)
    assert {p: len(found.of(p)) for p in ("train", "validation", "test")} == {
        "train": 20,
        "validation": 2,
        "test": 4,
    }


def test_hidden_files_and_what_systems_leave_are_passed_over(folder):
    (folder / ".git").mkdir()
    (folder / "__MACOSX").mkdir()
    (folder / "README.txt").write_text("pets")
    (folder / "cat" / ".DS_Store").write_bytes(b"\0")
    (folder / "cat" / "._00.png").write_bytes(b"\0")
    for name in ("Thumbs.db", "ehthumbs.db", "Icon\r"):
        (folder / "cat" / name).write_bytes(b"\0")
    (folder / "cat" / ".ipynb_checkpoints").mkdir()
    found = find_images(folder)
    assert found.classes == ["cat", "dog"] and len(found.paths) == 24


def test_the_order_of_classes_is_that_of_every_system(tmp_path):
    for spelling in ("NFC", "NFD"):  # Linux and Windows, and a zip made on macOS
        for name in ("école", "forêt", "eau"):
            inside = tmp_path / spelling / normalize(spelling, name)
            inside.mkdir(parents=True)
            for k in range(10):
                (inside / f"{k}.png").touch()
    one, other = (find_images(tmp_path / spelling) for spelling in ("NFC", "NFD"))
    assert one.classes == other.classes == ["eau", "forêt", "école"]
    assert one.labels.equal(other.labels)


def test_a_part_that_is_a_link_to_another_is_refused(tmp_path, folder):
    (tmp_path / "both").mkdir()
    for part in ("train", "test"):
        (tmp_path / "both" / part).symlink_to(folder)
    assert "can't judge" in refused(tmp_path / "both")


def test_a_class_with_too_few_images_is_named_with_its_place(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "Training" / name).mkdir(parents=True)
        (tmp_path / "Training" / name / "0.png").touch()
    assert str(tmp_path / "Training") in refused(tmp_path)


def test_a_part_is_asked_for_by_its_name(folder):
    found = find_images(folder)
    assert len(found.of("validation")) == 0
    assert found.of("validation").dtype == torch.int64
    with pytest.raises(ValueError, match=r"'validation'.*got 'val'"):
        found.of("val")


def test_no_folder(tmp_path, folder):
    assert "got nothing" in refused(tmp_path / "gone")
    assert "got a file" in refused(folder / "cat" / "00.png")


def test_no_class(tmp_path, folder):
    assert "got no folder and 12 files" in refused(folder / "cat")
    (tmp_path / "empty").mkdir()
    assert "got no folder and 0 files" in refused(tmp_path / "empty")


def test_one_class(folder):
    for path in (folder / "dog").iterdir():
        path.unlink()
    (folder / "dog").rmdir()
    assert "got one, cat" in refused(folder)


def test_an_empty_class(folder):
    (folder / "empty").mkdir()
    assert "got none in" in refused(folder)
    (folder / "empty" / ".DS_Store").write_bytes(b"\0")
    words = refused(folder)
    assert "got none in" in words and "empty" in words


def test_two_images(tmp_path):
    put(tmp_path / "cat" / "1.png")
    put(tmp_path / "dog" / "1.png")
    words = refused(tmp_path)
    assert "at least 10 images of each class" in words
    assert "got 1 in cat, 1 in dog" in words
    assert len(find_images(tmp_path, least=1).paths) == 2


def test_ten_thousand_classes_worth_of_names(tmp_path):
    for k in range(10_000):
        (tmp_path / f"{k:05}").mkdir()
    words = refused(tmp_path)
    assert "at most 1,000 classes" in words
    assert "10,000 folders, 00000, 00001, 00002 and 9,997 more" in words


def test_a_file_that_is_no_image(folder):
    (folder / "dog" / "notes.txt").write_text("good dog")
    words = refused(folder)
    assert "notes.txt" in words and ".png" in words


def test_folders_within_a_class(folder):
    put(folder / "dog" / "puppies" / "1.png")
    assert "got folders: puppies" in refused(folder)


def test_parts_beside_classes_twice_or_without_training(folder, tmp_path):
    put(folder / "train" / "cat" / "1.png")
    words = refused(folder)
    assert "train" in words and "got also cat, dog" in words
    twice = tmp_path / "twice"
    for part in ("train", "val", "valid"):
        put(twice / part / "cat" / "1.png")
    assert "each part once" in refused(twice)
    put(tmp_path / "untrained" / "test" / "cat" / "1.png")
    assert "a part train" in refused(tmp_path / "untrained")


def test_parts_with_other_classes(folder, tmp_path):
    split = tmp_path / "split"
    split.mkdir()
    folder.rename(split / "train")
    put(split / "test" / "cat" / "1.png")
    put(split / "test" / "cow" / "1.png")
    words = refused(split)
    assert "the same classes" in words and "cow, dog" in words


def test_a_folder_around_the_folder_that_is_meant(folder, tmp_path):
    words = refused(tmp_path)
    assert "got one, pets: it holds 2 folders, is it the one" in words


def test_a_path_that_is_wrong_from_some_place_on(tmp_path):
    words = refused(tmp_path / "gone" / "further")
    assert words.endswith(f"nothing: only {tmp_path} is there")
    assert "Path.home() for ~" in refused("~/no/such/folder")


def test_a_class_that_is_called_train(folder):
    (folder / "cat").rename(folder / "Train")
    words = refused(folder)
    assert "got also dog" in words and "give it another name" in words


def test_names_with_accents_spaces_and_capitals(folder, tmp_path):
    (folder / "cat").rename(folder / "e\u0301 two words")
    (folder / "dog" / "00.png").rename(folder / "dog" / "00.PNG")
    assert find_images(folder).classes == ["dog", "\u00e9 two words"]
    put(folder / "\u00e9 two words" / "1.png")
    assert "got one name: \u00e9 two" in refused(folder)


def test_links(folder, tmp_path):
    (tmp_path / "alias").symlink_to(folder)
    assert find_images(tmp_path / "alias").classes == ["cat", "dog"]
    (folder / "cow").symlink_to(folder / "cat")
    assert "got links to one folder: cat, cow" in refused(folder)
    (folder / "cow").unlink()
    (folder / "cow").symlink_to(folder / "gone")
    assert "got dead links: cow" in refused(folder)


def test_a_folder_that_is_closed(folder, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(folder), "iterdir", closed)
    assert "got Permission denied" in refused(folder)
