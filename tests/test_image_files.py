"""Images become one tensor; those that can't be read are named."""

import numpy as np
import pytest
from PIL import Image

from course_utils.class_folder import BadFolder
from course_utils.image_files import load_images
from test_class_folder import put


@pytest.fixture
def paths(tmp_path):
    """Twenty-four small images."""
    return [put(tmp_path / f"{k:02}.png", value=k) for k in range(24)]


def unread(paths, **arguments):
    with pytest.raises(BadFolder) as caught:
        load_images(paths, **arguments)
    words = str(caught.value)
    assert words.startswith("expected ") and " got " in words
    return words


def test_broken_images_are_named_and_counted(paths):
    for k, path in enumerate(paths[1:5]):
        noise = np.random.default_rng(k).integers(256, size=(64, 64), dtype=np.uint8)
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    paths[5].write_bytes(b"")
    paths[6].write_text("a note")
    words = unread(paths, size=8)
    assert "expected 24 images that can be read, got 18" in words
    assert "01.png (" in words and "and 3 more" in words
    assert "06.png (no image)" in unread(paths[6:])


def test_unequal_sizes_and_modes(paths):
    put(paths[15], size=(20, 12))
    words = unread(paths)
    assert "(8, 8) (23 of 24) and (20, 12)" in words
    assert "15.png" in words and "size=32" in words
    assert load_images(paths, size=8).shape == (24, 1, 8, 8)
    put(paths[15], mode="RGB")
    words = unread(paths)
    assert "L (23 of 24) and RGB" in words and "mode='RGB'" in words
    assert load_images(paths, mode="RGB").shape == (24, 3, 8, 8)
    assert load_images(paths, mode="L")[15].unique().tolist() == [7]


def test_transparent_palette_and_deep_images(tmp_path):
    paths = [put(tmp_path / "a.png", mode="RGB")]
    Image.new("RGBA", (8, 8), (1, 2, 3, 4)).save(tmp_path / "b.png")
    Image.new("P", (8, 8), 0).save(tmp_path / "c.png")
    paths += [tmp_path / "b.png", tmp_path / "c.png"]
    assert load_images(paths, mode="RGB").shape == (3, 3, 8, 8)
    assert "give mode='RGB'" in unread([tmp_path / "c.png"])
    Image.fromarray(np.full((8, 8), 40_000, dtype=np.uint16)).save(tmp_path / "d.png")
    assert "more than 8 bits" in unread([tmp_path / "d.png"], mode="L")


def test_a_photograph_is_turned_as_its_camera_noted(tmp_path):
    image = Image.new("L", (4, 8))
    image.putpixel((0, 0), 255)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    image.save(tmp_path / "turned.png", exif=exif)
    loaded = load_images([tmp_path / "turned.png"])
    assert loaded.shape == (1, 1, 4, 8) and loaded[0, 0, 0, 7] == 255


def test_the_middle_is_kept(tmp_path):
    image = Image.new("L", (30, 10))
    image.paste(200, (10, 0, 20, 10))
    image.save(tmp_path / "wide.png")
    assert load_images([tmp_path / "wide.png"], size=10).unique().tolist() == [200]


def test_arguments_are_checked(paths):
    with pytest.raises(ValueError, match="got 'CMYK'"):
        load_images(paths, mode="CMYK")
    with pytest.raises(ValueError, match="got 0"):
        load_images(paths, size=0)
    with pytest.raises(BadFolder, match="got 0"):
        load_images([])
    assert load_images([paths[3], paths[3]]).shape == (2, 1, 8, 8)
    for size in ((8, 8), 8.0, "8"):
        with pytest.raises(ValueError, match="a number like 32, got"):
            load_images(paths, size=size)
    for one in (paths[0], str(paths[0])):
        with pytest.raises(TypeError, match="got one path"):
            load_images(one)


def test_grey_with_alpha(tmp_path):
    Image.new("LA", (8, 8), (9, 0)).save(tmp_path / "a.png")
    assert "got LA: give mode='L'" in unread([tmp_path / "a.png"])
    assert load_images([tmp_path / "a.png"], mode="L").unique().tolist() == [9]


def test_one_pixel_is_enough(tmp_path):
    path = put(tmp_path / "a.png", size=(1, 1))
    assert load_images([path]).tolist() == [[[[7]]]]
    assert load_images([path], size=5).unique().tolist() == [7]


def test_of_an_animation_the_first_picture_is_taken(tmp_path):
    first, *more = (Image.new("L", (8, 8), value) for value in (10, 90, 200))
    first.save(tmp_path / "a.gif", save_all=True, append_images=more)
    loaded = load_images([tmp_path / "a.gif"], mode="L")
    assert loaded.shape == (1, 1, 8, 8) and loaded.unique().tolist() == [10]


def test_a_file_that_is_gone_or_closed(paths, monkeypatch):
    paths[3].unlink()
    assert "03.png (No such file or directory)" in unread(paths)

    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", closed)
    assert "00.png (Permission denied)" in unread(paths[:1])
