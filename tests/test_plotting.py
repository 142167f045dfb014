from itertools import pairwise

import matplotlib.pyplot as plt
import pytest
import torch

from course_utils.history import History
from course_utils.plotting import draw_confusion, draw_curves, draw_images


@pytest.fixture(autouse=True)
def no_figure_is_left_open():
    yield
    plt.close("all")


def curves():
    history = History()
    for value in (3.0, 2.0, 1.0):
        history.add(train_loss=value, val_loss=value + 1)
    return history


def labelled(axes):
    return all([axes.get_title(), axes.get_xlabel(), axes.get_ylabel()])


def test_curves_are_drawn_by_epoch_and_can_be_told_apart():
    axes = draw_curves(curves(), "train_loss", "val_loss", unit="mean loss of a sample")
    first, second = axes.get_lines()
    assert list(first.get_xdata()) == [1, 2, 3]
    assert list(second.get_ydata()) == [4.0, 3.0, 2.0]
    assert first.get_color() != second.get_color()
    assert first.get_marker() != second.get_marker()
    assert labelled(axes)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [
        "train loss",
        "val loss",
    ]


def test_the_eighth_curve_differs_from_the_first():
    history, names = History(), [f"loss_{k}" for k in range(9)]
    history.add(**dict.fromkeys(names, 1.0))
    lines = draw_curves(history, *names, unit="loss").get_lines()
    looks = {(x.get_color(), x.get_marker(), x.get_linestyle()) for x in lines}
    assert len(looks) == len(names)


def test_what_is_drawn_lands_on_the_axes_given():
    _, (left, middle, right) = plt.subplots(1, 3)
    assert draw_curves(curves(), "val_loss", unit="loss", axes=left) is left
    assert draw_images(torch.rand(3, 1, 4, 4), axes=middle) is middle
    assert draw_confusion(torch.eye(2), axes=right) is right
    assert len(plt.get_fignums()) == 1


def test_every_image_is_drawn_under_its_title():
    axes = draw_images(torch.rand(13, 1, 8, 8), titles=range(13), columns=5)
    assert len(axes.get_images()) == 13
    assert [t.get_text() for t in axes.texts] == [str(k) for k in range(13)]
    assert len(draw_images(torch.rand(2, 3, 8, 6)).get_images()) == 2


def test_the_matrix_shows_its_counts_and_shades_each_row_by_its_share():
    axes = draw_confusion(torch.tensor([[8, 2], [0, 0]]), names=["well", "ill"])
    assert [t.get_text() for t in axes.texts] == ["8", "2"]
    assert axes.get_images()[0].get_array().tolist() == [[0.8, 0.2], [0.0, 0.0]]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["well", "ill"]
    assert labelled(axes)


def test_long_names_of_classes_do_not_overlap():
    names = [f"golden_retriever_{k}" for k in range(12)]
    axes = draw_confusion(torch.eye(12), names=names)
    axes.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(one.x1 <= other.x0 for one, other in pairwise(boxes))


@pytest.mark.parametrize(
    "draw, words",
    [
        (lambda: draw_curves(curves(), unit="loss"), "at least one column"),
        (lambda: draw_images(torch.rand(8, 8)), r"got \(8, 8\)"),
        (lambda: draw_images(torch.rand(2, 1, 8, 8), titles=[1]), "2 titles, got 1"),
        (lambda: draw_confusion(torch.zeros(2, 3)), r"got \(2, 3\)"),
        (lambda: draw_confusion(torch.eye(2), names=["a"]), "2 names, got 1"),
    ],
)
def test_bad_input_is_named(draw, words):
    with pytest.raises(ValueError, match=words):
        draw()
