"""Read image files into one tensor, and name those that can't be read.

Built by hand in notebooks/17_your_own_run.ipynb, section 1. What is added here: any
size and mode, and an error that names the files.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from course_utils.class_folder import BadFolder, listed

MODES = ("L", "RGB")


def load_images(
    paths: Iterable[Path | str], size: int | None = None, mode: str | None = None
) -> Tensor:
    """Return images as one tensor, cut to squares of `size` and converted to `mode`.

    The middle of an image is kept and scaled; `size=None` and `mode=None` want them
    equal as they are. A photograph is turned as its camera noted, transparency is
    dropped, and of an animation the first picture is taken.

    Shapes:  (N, 1, H, W) uint8 for mode "L", grey, (N, 3, H, W) for "RGB".
    Raises:  BadFolder naming files that can't be read or that differ in size or mode;
             ValueError for another size or mode; TypeError for one path alone.
    """
    if isinstance(paths, str | Path):
        raise TypeError(f"expected a list of paths, got one path, {paths}")
    if mode is not None and mode not in MODES:
        raise ValueError(f"expected the mode 'L' or 'RGB', got {mode!r}")
    if size is not None and not (isinstance(size, int) and size > 0):
        raise ValueError(f"expected a size in pixels, a number like 32, got {size!r}")
    paths, images, bad = [Path(path) for path in paths], [], []
    for path in paths:
        try:
            images.append(read_image(path, size, mode))
        except Image.UnidentifiedImageError:
            bad.append(f"{path} (no image)")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as why:
            bad.append(f"{path} ({getattr(why, 'strerror', None) or why})")
    if bad or not images:
        raise BadFolder(
            f"expected {max(len(paths), 1)} images that can be read, got {len(images)}"
            f"{': not ' if bad else ''}{listed(bad)}"
        )
    judge_equal([image.size for image in images], paths, "size", "size=32")
    judge_equal([image.mode for image in images], paths, "mode", "mode='RGB'")
    if images[0].mode not in MODES:
        kind = images[0].mode
        cure = "mode='L'" if kind in ("1", "LA") else "mode='RGB'"
        raise BadFolder(f"expected the mode L or RGB, got {kind}: give {cure}")
    arrays = [torch.from_numpy(np.array(image)) for image in images]
    return torch.stack([a.view(*a.shape[:2], -1).movedim(-1, 0) for a in arrays])


def read_image(path: Path, size: int | None, mode: str | None) -> Image.Image:
    """Return one image, turned, cut and converted."""
    with Image.open(path) as file:
        if file.mode[0] in "IF":  # converted, it would be clipped
            raise ValueError(f"mode {file.mode}, more than 8 bits a channel")
        image = ImageOps.exif_transpose(file)
        if size and image.size != (size, size):
            image = ImageOps.fit(image.convert(mode or image.mode), (size, size))
        return image.convert(mode) if mode else image.copy()


def judge_equal(values: list, paths: list[Path], what: str, cure: str) -> None:
    """Raise BadFolder, naming the rarest, unless all values are equal."""
    counts = Counter(values).most_common()
    if len(counts) > 1:
        usual, odd = counts[0], counts[-1]
        where = paths[values.index(odd[0])]
        raise BadFolder(
            f"expected images of one {what}, got {usual[0]} ({usual[1]} of "
            f"{len(values)}) and {odd[0]} in {where}: give for instance {cure}"
        )
