import pytest
import torch

from course_utils.metrics import accuracy


def test_accuracy_is_the_share_of_largest_logits_at_the_target():
    logits = torch.tensor([[0.1, 0.9], [2.0, 1.0], [0.0, -1.0]])
    assert accuracy(logits, torch.tensor([1, 1, 0])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("shape, size", [((0, 3), 0), ((4, 3), 5), ((4,), 4)])
def test_accuracy_names_the_shapes_it_cannot_use(shape, size):
    with pytest.raises(ValueError, match=r"got \("):
        accuracy(torch.zeros(shape), torch.zeros(size, dtype=torch.int64))
