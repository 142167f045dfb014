"""Draw what the lessons draw again and again, labelled and safe for the colour-blind.

Built by hand in notebooks/00_start_here.ipynb, section 2 (`draw_images`),
04_training_loop.ipynb, section 5 (`draw_curves`), and 07_metrics.ipynb, section 1
(`draw_confusion`). Each draws on the axes given, or on new ones, and returns them.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes

from course_utils.history import History

# Okabe and Ito 2008, Color Universal Design; markers differ as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"
LINES = ("-", "--", ":", "-.")  # for the eighth curve and those after it


def draw_curves(
    history: History, *names: str, unit: str, axes: Axes | None = None
) -> Axes:
    """Draw columns of a history by epoch; `unit` labels the vertical axis.

    Raises: KeyError for a column that the history has not; ValueError without a name.
    """
    if not names:
        raise ValueError("expected the name of at least one column, got none")
    columns = {name: history[name] for name in names}
    if axes is None:
        axes = plt.subplots(figsize=(5, 3))[1]
    for k, (name, values) in enumerate(columns.items()):
        turn, k = divmod(k, len(COLOURS))
        look = {"color": COLOURS[k], "marker": MARKERS[k]}
        look |= {"ls": LINES[turn % len(LINES)], "label": name.replace("_", " ")}
        axes.plot(history["epoch"], values, **look)
    axes.set(title="By epoch", xlabel="epoch", ylabel=unit)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    return axes


def draw_images(
    images: torch.Tensor,
    titles: Sequence | None = None,
    columns: int = 10,
    axes: Axes | None = None,
) -> Axes:
    """Draw images in rows, each under its title, as one picture.

    Shapes:  images (N, 1, H, W) or (N, 3, H, W), N > 0; N titles.
    Unit:    0 is paper and 1 full ink for one channel; 0 to 1 for three.
    Raises:  ValueError for other shapes, or another number of titles.
    """
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[0] == 0 or shape[1] not in (1, 3):
        raise ValueError(f"expected images (N, 1 or 3, H, W), N > 0, got {shape}")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"expected {len(images)} titles, got {len(titles)}")
    number, _, height, width = shape
    columns = min(columns, number)
    rows = -(-number // columns)
    cell_height, cell_width = height * 1.4, width * 1.1  # room for title and gap
    if axes is None:
        size = (0.9 * columns, 0.9 * rows * cell_height / cell_width + 0.4)
        axes = plt.subplots(figsize=size)[1]
    for k, image in enumerate(images.detach().cpu().movedim(1, -1).numpy()):
        left, top = k % columns * cell_width, k // columns * cell_height
        box = (left, left + width, top + height, top)
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, extent=box)
        if titles is not None:
            place = left + width / 2, top - height * 0.05
            axes.text(*place, str(titles[k]), ha="center", fontsize=9)
    axes.set(xlim=(0, columns * cell_width), ylim=(rows * cell_height, -height * 0.4))
    axes.set(title=f"{number} images", aspect="equal")
    axes.axis("off")
    return axes


def draw_confusion(
    matrix: torch.Tensor | np.ndarray,
    names: Sequence[str] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw a confusion matrix with its counts; the diagonal is what was right.

    Shapes:  matrix (C, C) of counts, row = true class, column = predicted; C names.
    Raises:  ValueError for other shapes, or another number of names.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"expected a matrix (C, C), C > 0, got {counts.shape}")
    classes = len(counts)
    names = [str(c) for c in range(classes)] if names is None else list(names)
    if len(names) != classes:
        raise ValueError(f"expected {classes} names, got {len(names)}")
    if axes is None:
        size = 1.6 + 0.42 * classes
        axes = plt.subplots(figsize=(size, size))[1]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        ink = "white" if shares[row, column] > 0.5 else "black"
        text = f"{counts[row, column]:.0f}"
        axes.text(column, row, text, ha="center", va="center", color=ink)
    axes.set(title="Confusion matrix", xlabel="predicted class", ylabel="true class")
    upright = max(len(str(name)) for name in names) > 3
    axes.set_xticks(range(classes), names, rotation=90 if upright else 0)
    axes.set_yticks(range(classes), names)
    return axes
