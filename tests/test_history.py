import math

import pytest
import torch

from course_utils.history import History


def filled():
    history = History()
    history.add(loss=torch.tensor(3.0), accuracy=0.5)
    history.add(loss=math.nan, accuracy=0.7)
    history.add(loss=1, accuracy=0.7)
    return history


def test_columns_are_plain_numbers_and_epochs_count_from_one():
    history = filled()
    assert history["epoch"] == [1, 2, 3] and len(history) == 3
    assert history["accuracy"] == [0.5, 0.7, 0.7]
    assert all(type(value) is float for value in history["loss"])


def test_the_best_epoch_is_the_first_of_equals_and_never_nan():
    history = filled()
    assert history.best("loss") == {"epoch": 3, "loss": 1.0, "accuracy": 0.7}
    assert history.best("accuracy", largest=True)["epoch"] == 2
    lost = History()
    lost.add(loss=math.nan)
    with pytest.raises(ValueError, match="got only nan"):
        lost.best("loss")


def test_it_goes_on_from_saved_rows_without_changing_them():
    rows = filled().rows
    history = History(rows)
    history.add(loss=0.5, accuracy=0.9)
    history.rows[0]["loss"] = 7.0
    assert history["epoch"] == [1, 2, 3, 4]
    assert len(rows) == 3 and rows[0]["loss"] == 3.0


def test_bad_figures_are_named_and_nothing_is_added():
    history = filled()
    with pytest.raises(
        TypeError, match=r"one number for loss, got tensor\(\[1., 2.\]\)"
    ):
        history.add(loss=torch.tensor([1.0, 2.0]), accuracy=1.0)
    with pytest.raises(
        ValueError, match=r"expected the columns .* got \['epoch', 'loss'"
    ):
        history.add(loss=1.0)
    assert len(history) == 3
    with pytest.raises(KeyError, match="expected one of the columns"):
        history["lost"]
    with pytest.raises(KeyError, match="none yet"):
        History()["loss"]


def test_part_of_a_history_goes_on_counting_where_it_ends():
    history = History([{"epoch": 3, "loss": 0.3}, {"epoch": 4, "loss": 0.2}])
    history.add(loss=0.1)
    assert history["epoch"] == [3, 4, 5]
    assert [row["loss"] for row in History(history)] == [0.3, 0.2, 0.1]
    with pytest.raises(ValueError, match="another name"):
        history.add(epoch=7, loss=0.1)
