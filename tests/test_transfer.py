import copy

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models

from course_utils.transfer import (
    freeze,
    replace_head,
    trainable_parameters,
    unfreeze,
)

HEADS = {
    "resnet18": "fc",
    "vgg11_bn": "classifier.6",
    "efficientnet_b0": "classifier.1",
    "vit_b_16": "heads.head",
    "mobilenet_v3_small": "classifier.3",
    "convnext_tiny": "classifier.2",
    "densenet121": "classifier",
    "swin_t": "head",
}


def network():
    torch.manual_seed(0)
    layers = {f"layer{k}": nn.Linear(4, 4) for k in (1, 10)}
    return nn.Sequential(nn.ModuleDict(layers), nn.ReLU(), nn.Linear(4, 2))


def training(model):
    return [name for name, p in model.named_parameters() if p.requires_grad]


def test_without_names_it_is_everything():
    model = network()
    everything = [name for name, _ in model.named_parameters()]
    assert freeze(model) == everything and training(model) == []
    assert unfreeze(model) == everything and training(model) == everything


@pytest.mark.parametrize(
    "names, frozen",
    [
        (("0.layer1",), ["0.layer1.weight", "0.layer1.bias"]),
        (("2.bias",), ["2.bias"]),
        (("2.bias", "2"), ["2.bias", "2.weight"]),
        (("2", "0.layer10.weight"), ["2.weight", "2.bias", "0.layer10.weight"]),
    ],
)
def test_a_name_is_a_whole_name(names, frozen):
    model = network()
    assert freeze(model, *names) == frozen
    everything = [name for name, _ in model.named_parameters()]
    assert training(model) == [name for name in everything if name not in frozen]


@pytest.mark.parametrize("name", ["head", "0.layer", "", "layer1", None, ["2"], "1"])
@pytest.mark.parametrize("function", [freeze, unfreeze])
def test_a_name_that_matches_nothing_changes_nothing(function, name):
    model = network()
    freeze(model, "0.layer1")
    before = training(model)
    with pytest.raises(ValueError, match=r"expected a .*\['0', '1', '2'\], got") as e:
        function(model, "2", name)
    assert repr(name) in str(e.value)
    assert training(model) == before


def test_a_shared_parameter_has_two_names_and_one_fate():
    model = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})
    model["b"].weight = model["a"].weight
    assert freeze(model, "b") == ["b.weight", "b.bias"]
    assert training(model) == ["a.bias"]


def test_what_trains_is_what_an_optimizer_gets():
    model = network()
    freeze(model)
    with pytest.raises(ValueError, match=r"expected at least one .* got none"):
        trainable_parameters(model)
    unfreeze(model, "2")
    assert trainable_parameters(model) == [model[2].weight, model[2].bias]
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.AdamW(trainable_parameters(model), lr=0.1)
    model[2](torch.ones(1, 4)).sum().backward()
    optimizer.step()
    moved = [n for n, v in model.state_dict().items() if not torch.equal(v, before[n])]
    assert moved == ["2.weight", "2.bias"]


@pytest.mark.parametrize("name", HEADS)
def test_the_heads_of_torchvision_are_found(name):
    with torch.device("meta"):
        model = getattr(models, name)()
        inputs = torch.zeros(2, 3, 224, 224)
    assert replace_head(model, 3) == HEADS[name]
    assert model.eval()(inputs).shape == (2, 3)


def test_the_new_head_resembles_the_old_one_and_leaves_the_rest():
    model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 6, bias=False)).double()
    first = model[0].weight.clone()
    freeze(model)
    replace_head(model, 7)
    assert model[1].weight.shape == (7, 5) and model[1].bias is None
    assert model[1].weight.dtype == torch.float64
    assert torch.equal(model[0].weight, first)
    assert training(model) == ["1.weight"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_new_head_is_on_the_device_of_the_old_one():
    model = network().to("cuda")
    replace_head(model, 3)
    assert model[2].weight.device.type == "cuda"


@pytest.mark.parametrize("classes", [0, -1, 2.0, "3", None, True])
def test_a_number_of_classes_is_a_whole_one_above_zero(classes):
    with pytest.raises(ValueError, match=f"above 0, got {classes!r}"):
        replace_head(network(), classes)


def test_a_number_of_classes_may_come_from_numpy():
    model = network()
    replace_head(model, np.int64(7))
    assert model[2].out_features == 7


def test_a_head_under_two_names_is_replaced_under_both():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.out, self.body = nn.Linear(4, 10), nn.Linear(4, 4)
            self.net = nn.Sequential(self.body, self.out)

        def forward(self, inputs):
            return self.net(inputs) + self.out(inputs)

    model = Net().eval()
    assert replace_head(model, 3) == "net.1"
    assert model.out is model.net[1] and not model.out.training
    assert model(torch.zeros(1, 4)).shape == (1, 3)


def test_old_gradients_go_with_the_freezing():
    model = network()
    sum(p.sum() for p in model.parameters()).backward()
    freeze(model, "0")
    without = {n for n, p in model.named_parameters() if p.grad is None}
    assert without == {n for n, _ in model.named_parameters() if n.startswith("0.")}


def test_a_lazy_last_layer_is_told():
    with pytest.raises(ValueError, match="got 1: LazyLinear"):
        replace_head(nn.Sequential(nn.Linear(4, 5), nn.LazyLinear(6)), 3)


@pytest.mark.parametrize("model", [nn.Conv2d(1, 2, 3), nn.Linear(2, 2), nn.ReLU()])
def test_a_model_without_a_linear_layer_inside_is_told(model):
    with pytest.raises(ValueError, match=f"got {type(model).__name__} without one"):
        replace_head(model, 3)
