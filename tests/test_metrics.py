import pytest
import torch
from sklearn import metrics as sk

from course_utils.metrics import (
    accuracy,
    area_under_roc,
    bootstrap_interval,
    confusion_matrix,
    precision_recall_f1,
)


def test_accuracy_is_the_share_of_largest_logits_at_the_target():
    logits = torch.tensor([[0.1, 0.9], [2.0, 1.0], [0.0, -1.0]])
    assert accuracy(logits, torch.tensor([1, 1, 0])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("shape, size", [((0, 3), 0), ((4, 3), 5), ((4,), 4)])
def test_accuracy_names_the_shapes_it_cannot_use(shape, size):
    with pytest.raises(ValueError, match=r"got \("):
        accuracy(torch.zeros(shape), torch.zeros(size, dtype=torch.int64))


def test_confusion_matrix_counts_by_true_row_and_predicted_column():
    predictions = torch.tensor([0, 2, 2, 1, 2])
    targets = torch.tensor([0, 1, 1, 1, 2])
    matrix = confusion_matrix(predictions, targets, 4)
    assert matrix.tolist() == [[1, 0, 0, 0], [0, 1, 2, 0], [0, 0, 1, 0], [0] * 4]


def test_confusion_matrices_of_batches_add_up():
    generator = torch.Generator().manual_seed(0)
    predictions, targets = torch.randint(5, (2, 37), generator=generator)
    batches = zip(predictions.split(8), targets.split(8), strict=True)
    total = sum(confusion_matrix(*batch, 5) for batch in batches)
    assert torch.equal(total, confusion_matrix(predictions, targets, 5))
    assert total.tolist() == sk.confusion_matrix(targets, predictions).tolist()


def test_confusion_matrix_takes_booleans_and_nothing():
    yes = torch.tensor([True, False])
    assert confusion_matrix(yes, yes, 2).tolist() == [[1, 0], [0, 1]]
    none = torch.zeros(0, dtype=torch.int64)
    assert confusion_matrix(none, none, 2).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    "predictions, targets, words",
    [
        ([0, 1], [0, 1, 1], r"got \(2,\) and \(3,\)"),
        ([[0, 1]], [[0, 1]], r"got \(1, 2\)"),
        ([0, 3], [0, 1], "predictions from 0 to 2, got 3"),
        ([0, 1], [0, -1], "targets from 0 to 2, got -1"),
        ([0.0, 0.9], [0, 1], "got torch.float32"),
    ],
)
def test_confusion_matrix_names_what_it_cannot_count(predictions, targets, words):
    with pytest.raises(ValueError, match=words):
        confusion_matrix(torch.tensor(predictions), torch.tensor(targets), 3)


def test_precision_recall_and_f1_of_each_class():
    precision, recall, f1 = precision_recall_f1(torch.tensor([[6, 2], [1, 3]]))
    assert precision.tolist() == pytest.approx([6 / 7, 3 / 5])
    assert recall.tolist() == pytest.approx([6 / 8, 3 / 4])
    assert f1.tolist() == pytest.approx([12 / 15, 6 / 9])


def test_a_class_without_samples_or_predictions_scores_zero():
    matrix = torch.tensor([[2, 0, 1], [4, 0, 0], [0, 0, 0]])
    precision, recall, f1 = precision_recall_f1(matrix)
    assert precision.tolist() == pytest.approx([2 / 6, 0, 0])
    assert recall.tolist() == pytest.approx([2 / 3, 0, 0])
    assert f1.tolist() == pytest.approx([4 / 9, 0, 0])


@pytest.mark.parametrize("shape", [(2, 3), (4,), (0, 0)])
def test_precision_recall_f1_names_a_matrix_that_is_not_square(shape):
    with pytest.raises(ValueError, match=r"got \("):
        precision_recall_f1(torch.zeros(shape))


def test_area_under_roc_counts_pairs_and_halves_ties():
    scores = torch.tensor([0.1, 0.4, 0.4, 0.8])
    assert area_under_roc(scores, torch.tensor([0, 0, 1, 1])) == 3.5 / 4
    assert area_under_roc(scores, torch.tensor([1, 1, 0, 0])) == 0.5 / 4
    assert area_under_roc(scores, torch.tensor([True, False, False, True])) == 0.5


@pytest.mark.parametrize("seed", range(3))
def test_area_under_roc_agrees_with_scikit_learn(seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(9, (50,), generator=generator).float()
    targets = torch.rand(50, generator=generator) < 0.3
    expected = sk.roc_auc_score(targets, scores)
    assert area_under_roc(scores, targets) == pytest.approx(expected)


@pytest.mark.parametrize(
    "scores, targets, words",
    [
        ([0.1, 0.2], [1, 1], r"got \[1\]"),
        ([0.1, 0.2], [1, 2], r"got \[1, 2\]"),
        ([0.1, 0.2], [1, 0, 0], r"got \(2,\) and \(3,\)"),
        ([0.1, float("nan")], [1, 0], "without nan"),
    ],
)
def test_area_under_roc_names_what_it_cannot_order(scores, targets, words):
    with pytest.raises(ValueError, match=words):
        area_under_roc(torch.tensor(scores), torch.tensor(targets))


def test_bootstrap_interval_is_about_two_standard_errors_wide_each_way():
    right = torch.arange(200) < 180
    low, high = bootstrap_interval(right, generator=torch.Generator().manual_seed(0))
    error = (0.9 * 0.1 / 200) ** 0.5
    assert low == pytest.approx(0.9 - 1.96 * error, abs=0.01)
    assert high == pytest.approx(0.9 + 1.96 * error, abs=0.01)


def test_a_lower_level_gives_a_narrower_interval():
    errors = torch.linspace(-3, 5, 40)
    wide = bootstrap_interval(errors, generator=torch.Generator().manual_seed(1))
    narrow = bootstrap_interval(
        errors, generator=torch.Generator().manual_seed(1), level=0.5
    )
    assert wide[0] < narrow[0] < 1 < narrow[1] < wide[1]


def test_equal_generators_give_equal_intervals_and_touch_no_global_state():
    right = torch.arange(30) % 4 > 0
    before = torch.get_rng_state()
    first, second = (
        bootstrap_interval(right, 100, torch.Generator().manual_seed(2))
        for _ in range(2)
    )
    assert first == second
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "size, repeats, level", [(0, 10, 0.95), (5, 0, 0.95), (5, 10, 95)]
)
def test_bootstrap_interval_names_what_it_cannot_use(size, repeats, level):
    with pytest.raises(ValueError, match=rf"got \({size},\), {repeats} and {level}"):
        bootstrap_interval(torch.zeros(size), repeats, level=level)
