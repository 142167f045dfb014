"""Checks for notebooks/09_transfer_learning.ipynb."""

import math
import operator
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor, nn

from course_utils.checks import Lesson
from course_utils.checks.answers import a_class, ask, brief, number
from course_utils.runtime import pick_device

lesson = Lesson()
progress = lesson.progress


def named_network() -> nn.ModuleDict:
    """Return modules with names that begin alike; its header is frozen already."""
    layers = {"0": nn.Linear(3, 4), "01": nn.BatchNorm1d(4), "2": nn.Linear(4, 5)}
    network = nn.ModuleDict(
        {
            "backbone": nn.Sequential(OrderedDict(layers)),
            "head": nn.Linear(5, 2),
            "header": nn.Linear(2, 2),
            "heads": nn.Linear(2, 3),
        }
    )
    network["header"].requires_grad_(False)
    return network.to(pick_device())


def inside(network: nn.Module, names: tuple[str, ...]) -> set[str]:
    """Return the names of the parameters that the names stand for."""
    return {
        full
        for full, _ in network.named_parameters()
        if any(full == name or full.startswith(f"{name}.") for name in names)
    }


@lesson.question("9.1")
def freeze_named(answer) -> None:
    """Whole names, of modules or parameters; an error for each that is misspelt."""
    judge_freezing(answer, "head")
    judge_freezing(answer, "backbone.0")
    judge_freezing(answer, "backbone.2.bias")
    judge_freezing(answer, "backbone", "head.bias")
    judge_freezing(answer, "header")
    judge_refusal(answer, "haed")
    judge_refusal(answer, "bias")
    judge_refusal(answer, "head", "haed")
    judge_refusal(answer, "haed", "head")


def judge_freezing(answer, *names: str) -> None:
    """Raise AssertionError unless just what the names stand for is frozen."""
    network = named_network()
    before = {n for n, p in network.named_parameters() if not p.requires_grad}
    everything = {n for n, _ in network.named_parameters()}
    wanted, called = inside(network, names), ", ".join(map(repr, names))
    try:
        result = ask(answer, network, *names)
    except ValueError as problem:
        raise AssertionError(
            f"{called} can be found in the model, and you raised ValueError: "
            f"{brief(str(problem))}"
        ) from None
    assert not isinstance(result, Mapping), (
        "return the names alone, a list of strings; a dict holds more"
    )
    strings = isinstance(result, Collection) and not isinstance(result, str | bytes)
    strings = strings and all(isinstance(name, str) for name in result)
    assert strings, f"return the names, a list of strings; got {brief(result)}"
    assert modes(network) == {True}, (
        "you changed the mode, too (eval); freezing is about requires_grad alone"
    )
    frozen = {n for n, p in network.named_parameters() if not p.requires_grad}
    assert before <= frozen, (
        "header was frozen before, and you made it train; only freeze"
    )
    assert frozen != before or wanted <= before, (
        f"after {called} nothing is frozen: set requires_grad of each parameter"
    )
    assert frozen != everything, f"{called} froze the whole model"
    assert frozen - before != everything - before - wanted or len(names) > 1, (
        f"turned round: {called} froze everything else"
    )
    alike = {n for n in everything if any(n.startswith(name) for name in names)}
    more = sorted(alike - wanted - before)
    assert frozen != before | alike or not more, (
        f"{called} froze {more[0]}, too; a name ends there, or a point follows"
    )
    extra, missing = frozen - before - wanted, wanted - frozen
    assert not extra, f"{called} froze {sorted(extra)[0]}, too"
    assert not missing, f"{called} left {sorted(missing)[0]} trainable"
    assert set(result) != set(names) or set(names) == wanted, (
        f"you return {called} as it came; return the names of the parameters"
    )
    named = set(map(str, result))
    assert named != frozen or frozen == wanted, (
        "you return all that is frozen now; header was frozen before and not asked for"
    )
    assert len(result) == len(named), f"a name comes twice: {brief(result)}"
    assert wanted <= named, (
        f"for {called} expected {sorted(wanted - named)[0]!r} among the names, got "
        f"{brief(result)}"
    )
    assert named == wanted, (
        f"for {called} expected the {len(wanted)} names of parameters, got also "
        f"{sorted(named - wanted)[0]!r}"
    )


def without_assert(answer, wrong: str) -> Callable:
    """Return the answer, with words for an AssertionError of its own."""

    def called(*args):
        try:
            return answer(*args)
        except AssertionError:
            raise AssertionError(
                f"for the name {wrong!r} raise a ValueError; yours is AssertionError"
            ) from None

    return called


def judge_refusal(answer, *names: str) -> None:
    """Raise AssertionError unless ValueError is raised for these names."""
    wrong = next(name for name in names if name != "head")
    try:
        result = ask(without_assert(answer, wrong), named_network(), *names)
    except ValueError:
        return
    except (KeyError, AttributeError, TypeError, RuntimeError, LookupError) as problem:
        kind = type(problem).__name__
        raise AssertionError(
            f"for the name {wrong!r} raise a ValueError; yours is {kind}"
        ) from None
    assert not isinstance(result, BaseException), (
        f"you return the error, and nobody hears it: raise {type(result).__name__}"
    )
    assert wrong != "bias", (
        "'bias' is the end of some names, and no name; expected a ValueError"
    )
    assert len(names) == 1, (
        f"of the names {names} only 'head' matches, and you raised nothing: ask for "
        "each name by itself"
    )
    raise AssertionError(f"{wrong!r} matches nothing; raise a ValueError")


def costs(network: nn.Module, count: Callable[[Tensor], float]) -> tuple[float, float]:
    """Return the sums of `count` over what trains and over what is frozen."""
    sums = {True: 0.0, False: 0.0}
    for parameter in network.parameters():
        sums[parameter.requires_grad] += count(parameter)
    return sums[True], sums[False]


def of_bytes(tensor: Tensor) -> float:
    """Return the bytes of a tensor."""
    return tensor.numel() * tensor.element_size()


@lesson.question("9.2")
def training_bytes(answer) -> None:
    """Once for what is frozen, four times for what trains."""
    network = nn.Sequential(
        nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Linear(7, 3).double()
    )
    network[0].bias.requires_grad_(False)
    network[2].weight.requires_grad_(False)
    judge_costs(answer, network)
    tied = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.Linear(6, 4))
    tied[2].weight = tied[0].weight
    tied[3].requires_grad_(False)
    judge_costs(answer, tied)


def judge_costs(answer, network: nn.Module) -> None:
    """Raise AssertionError unless the bytes are those of training this network."""
    network = network.to(pick_device())
    trains, frozen = costs(network, of_bytes)
    fours = costs(network, lambda tensor: 4 * tensor.numel())
    numbers = costs(network, Tensor.numel)
    tensors = costs(network, lambda tensor: 1)
    sizes = costs(network, Tensor.element_size)
    twice = [0.0, 0.0]
    for _, parameter in network.named_parameters(remove_duplicate=False):
        twice[not parameter.requires_grad] += of_bytes(parameter)
    buffers = sum(map(of_bytes, network.buffers()))
    got = number(ask(answer, network))
    right = 4 * trains + frozen
    wrong = {
        "you count frozen parameters as if they trained": 4 * (trains + frozen),
        "frozen parameters take room, too: once each": 4 * trains,
        "those are numbers; each takes element_size() bytes": 4 * numbers[0]
        + numbers[1],
        "4 bytes for each number; some are float64: element_size()": 4 * fours[0]
        + fours[1],
        "that counts tensors; each has numel() numbers": 4 * tensors[0] + tensors[1],
        "element_size() is that of one number; a tensor has numel() of them": 4
        * sizes[0]
        + sizes[1],
        "bytes, not bits": 8 * right,
        "twice what is frozen; it has no gradient": 4 * trains + 2 * frozen,
        "five times what trains; AdamW has two means for it": 5 * trains + frozen,
        "three times what trains; it is itself, gradient and two means": 3 * trains
        + frozen,
        "the parameters themselves are missing": 3 * trains,
        "gradient or both means are missing for what trains": 2 * trains + frozen,
        "the gradients alone; AdamW and the parameters count, too": trains,
        "the parameters alone; add gradients and AdamW's means for each with "
        "requires_grad (.grad is None before a run)": trains + frozen,
        "AdamW's means alone; add parameters and gradients": 2 * trains,
        "turned round: frozen ones are there once, others four times": trains
        + 4 * frozen,
        "buffers were to be left out": right + buffers,
        "a state_dict has buffers in it, and can't tell what trains": 4
        * (trains + frozen + buffers),
        "in a state_dict nothing has requires_grad, and it has buffers in it": trains
        + frozen
        + buffers,
        "a shared parameter is there once, and you count it twice": 4 * twice[0]
        + twice[1],
    }
    for words, value in wrong.items():
        assert value == right or not math.isclose(got, value), words
    assert math.isclose(got, right), (
        f"expected {right:.0f} bytes, got {got:.10g}: {trains:.0f} bytes "
        f"train, {frozen:.0f} are frozen"
    )


def small_parts() -> tuple[nn.Sequential, nn.Sequential]:
    """Return a backbone and a head in which the mode matters."""
    backbone = nn.Sequential(
        nn.Linear(3, 6), nn.Sequential(nn.BatchNorm1d(6), nn.Dropout(0.5))
    )
    head = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 2))
    return backbone.to(pick_device()), head.to(pick_device())


def modes(module: nn.Module) -> set[bool]:
    """Return the modes of a module and of all inside."""
    return {each.training for each in module.modules()}


@lesson.question("9.3")
def frozen(answer) -> None:
    """The head follows the mode, the backbone does not."""
    torch.manual_seed(2)
    backbone, head = small_parts()
    model = a_class(answer)(backbone, head)
    try:
        result = ask(model.train)
        ask(model.train, False)
        model.eval()
    except RecursionError:
        raise AssertionError(
            "train calls itself without end (eval() calls train, too): the original "
            "is super().train(mode)"
        ) from None
    assert result is model, f"return the module itself, self; got {brief(result)}"
    model.train()
    assert not backbone.training, "after model.train() the backbone is in train mode"
    assert modes(backbone) == {False}, (
        "the backbone says eval, the layers inside are in train mode: call its eval()"
    )
    assert model.training, "after model.train() the model's own mode is still eval"
    assert head.training, "after model.train() the head is in eval mode, too"
    assert modes(head) == {True}, "layers inside the head are not in train mode"
    judge_modes(model)
    assert all(p.requires_grad for p in model.parameters()), (
        "train changed requires_grad, too; it is about the mode alone"
    )
    inputs = torch.randn(7, 3, device=pick_device())
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    model.train()
    model(inputs)
    same = [torch.equal(v, before[n]) for n, v in backbone.state_dict().items()]
    assert all(same), "a forward pass in train mode still changes the backbone"
    model.eval()
    outputs = model(inputs)
    same = isinstance(outputs, Tensor) and torch.equal(outputs, head(backbone(inputs)))
    assert same, (
        "the outputs are no longer those of the head on the backbone's features"
    )


def judge_modes(model: nn.Module) -> None:
    """Raise AssertionError unless the mode is handed on, by whichever call."""
    head, backbone = model.head, model.backbone
    model.eval()
    assert modes(head) == {False}, (
        "after model.eval() the head is in train mode: hand `mode` on"
    )
    assert not model.training, "after model.eval() the model's own mode is train"
    model.train().train(False)
    assert modes(head) == {False}, "after model.train(False) the head is in train mode"
    assert modes(backbone) == {False}, "model.train(False) puts the backbone to train"
    outer = nn.Sequential(model)
    outer.train()
    assert modes(backbone) == {False} and modes(head) == {True}, (
        "inside another module, outer.train() no longer does the right thing"
    )


class Classifier(nn.Module):
    """Two linear layers in a classifier, the last one followed by something."""

    def __init__(self) -> None:
        """Build features (N, 5) and a classifier with 9 classes."""
        super().__init__()
        self.features = nn.Sequential(nn.Linear(4, 5), nn.ReLU())
        self.classifier = nn.Sequential(
            nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 9), nn.Dropout(0.0)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (N, 9)."""
        return self.classifier(self.features(inputs))


def direct() -> nn.Sequential:
    """Return a network whose last layer hangs at the top, and is not the widest."""
    layers = {"stem": nn.Linear(4, 7), "act": nn.ReLU(), "fc": nn.Linear(7, 6)}
    return nn.Sequential(OrderedDict(layers))


@lesson.question("9.4")
def new_head(answer) -> None:
    """The last one, where it was, as wide as before at its input."""
    judge_head(answer, direct().to(pick_device()), "fc", 3)
    judge_head(answer, Classifier().to(pick_device()), "classifier.2", 5)
    deep = nn.ModuleDict({"a": Classifier(), "b": nn.Sequential(direct())})
    judge_head(answer, deep.to(pick_device()), "b.0.fc", 2)
    judge_head(answer, Classifier().requires_grad_(False), "classifier.2", 3)
    with torch.device("meta"):
        elsewhere = Classifier()
    judge_head(answer, elsewhere, "classifier.2", 3)


def linear_layers(model: nn.Module) -> dict[str, nn.Linear]:
    """Return the linear layers by name."""
    return {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear)}


def judge_head(answer, model: nn.Module, name: str, classes: int) -> None:
    """Raise AssertionError unless the layer of this name alone is replaced."""
    old = linear_layers(model)
    width, height = old[name].in_features, old[name].out_features
    place = old[name].weight.device
    values = {n: p.clone() for n, p in model.named_parameters()}
    known = set(values)
    training = {n for n, p in model.named_parameters() if p.requires_grad}
    result = ask(answer, model, classes)
    now = linear_layers(model)
    pointed = [
        child
        for module in model.modules()
        for child, _ in module.named_children()
        if "." in child
    ]
    assert not pointed, (
        f"setattr takes one name: {brief(pointed[0])} became a new attribute; cut "
        f"{name!r} at its last point and set the end of it, on the parent"
    )
    assert name in now, f"{name} is no nn.Linear any more"
    first = next(iter(old))
    new = now[name]
    assert new is not old[name] or now[first] is old[first] or first == name, (
        f"you replaced {first}, the first nn.Linear; the last one is {name}"
    )
    also = [n for n in old if n != name and n in now and now[n] is not old[n]]
    assert not also, f"you replaced {brief(also)}, too; only {name} is the last one"
    top = name.rpartition(".")[2]
    assert top == name or top not in dict(model.named_children()), (
        f"the new layer hangs at the top of the model; {name} belongs to "
        f"{name.rpartition('.')[0]}"
    )
    assert set(now) == set(old), (
        f"the model should have the linear layers {brief(list(old))} as before, got "
        f"{brief(list(now))}"
    )
    assert not nn.parameter.is_lazy(new.weight), (
        "a LazyLinear has no weight before its first batch; take the old in_features"
    )
    columns = tuple(new.weight.shape)
    assert new.out_features != classes or columns[0] == classes, (
        f"you changed out_features, which is a note; the weight is still {columns}"
    )
    old_rows = values[f"{name}.weight"][:classes]
    assert place.type == "meta" or not torch.equal(new.weight, old_rows), (
        f"you keep the first {classes} rows of the old weight; they are other classes"
    )
    assert new.in_features == width and columns[1] == width, (
        f"{name} has {width} inputs; your new layer takes {columns[1]}"
    )
    assert new is not old[name] or columns[0] != height, (
        f"the model still has its old {name}: put the new one there with setattr"
    )
    assert columns[0] == classes, (
        f"expected {classes} classes in {name}, got {columns[0]}"
    )
    assert new.bias is None or len(new.bias) == classes, (
        f"the bias of {name} still has {len(new.bias)} numbers; a new nn.Linear brings "
        "its own"
    )
    assert modes(model) == {True}, "you changed the mode, too; only replace the layer"
    assert new.weight.device == place, (
        f"the new layer is on {new.weight.device}, the old one was on {place}"
    )
    assert new.weight.requires_grad, "the new layer is frozen; it is what should train"
    others = known - {f"{name}.weight", f"{name}.bias"}
    rest = dict(model.named_parameters())
    assert all(n in rest for n in others), "parameters other than the head's are gone"
    assert all(rest[n].requires_grad == (n in training) for n in others), (
        "you froze or unfroze other layers, too; only replace the last one"
    )
    if place.type != "meta":
        same = all(torch.equal(rest[n], values[n]) for n in others)
        assert same, "parameters other than the head's have changed"
    if not isinstance(model, nn.ModuleDict):
        shape = tuple(model(torch.zeros(8, 4, device=place)).shape)
        assert shape == (8, classes), f"the outputs have shape {shape} now"
    assert isinstance(result, str), f"return the name, a string; got {brief(result)}"
    assert result == name, f"return the whole name, {name!r}; got {result!r}"


@lesson.question("9.5")
def rate_groups(answer) -> None:
    """A power of the factor for each part that trains, counted from the output."""
    parts = [
        nn.Linear(3, 4),
        nn.ReLU(),
        nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5)),
        nn.BatchNorm1d(5),
        nn.Flatten(),
        nn.Linear(5, 2),
    ]
    parts[3].requires_grad_(False)
    parts[2][0].weight.requires_grad_(False)
    judge_rates(answer, parts, rate=0.02, factor=0.3)
    parts = [nn.Linear(k, k + 1) for k in range(2, 7)]
    parts[4].requires_grad_(False)
    judge_rates(answer, parts, rate=0.5, factor=0.1)


def judge_rates(answer, parts: list[nn.Module], rate: float, factor: float) -> None:
    """Raise AssertionError unless each parameter that trains has its rate."""
    parts = [part.to(pick_device()) for part in parts]
    given, before = list(parts), [p.requires_grad for p in parameters_of(parts)]
    result = ask(answer, given, rate, factor)
    assert len(given) == len(parts) and all(map(operator.is_, given, parts)), (
        "you changed the list that was given to you; reversed(parts) leaves it alone"
    )
    assert before == [p.requires_grad for p in parameters_of(parts)], (
        "you froze or unfroze parameters; only ask for requires_grad"
    )
    form = isinstance(result, list | tuple) and all(
        isinstance(group, dict) and "params" in group for group in result
    )
    assert form, (
        f'return a list of groups, {{"params": …, "lr": …}}; got {brief(result)}'
    )
    assert all("lr" in group for group in result), (
        'a group without "lr" gets the rate of the optimizer: name it in each group'
    )
    try:
        optimizer = torch.optim.SGD([dict(group) for group in result], lr=1.0)
    except (TypeError, ValueError) as problem:
        raise AssertionError(f"no optimizer takes it: {brief(str(problem))}") from None
    groups = optimizer.param_groups
    assert any(group["params"] for group in groups) or not groups, (
        "all groups are empty: a generator gives its items once, and they were read "
        "before the optimizer came; make lists"
    )
    assert all(group["params"] for group in groups), (
        "a group is empty: a part in which nothing trains makes no group"
    )
    got = {id(p): number(group["lr"]) for group in groups for p in group["params"]}
    judge_membership(got, parts)
    held = [[p for p in part.parameters() if p.requires_grad] for part in parts]
    kept = [k for k, parameters in enumerate(held) if parameters]
    with_any = [k for k, part in enumerate(parts) if list(part.parameters())]

    def powers(exponent: Callable[[int], float]) -> list[float]:
        return [rate * factor ** exponent(k) for k in kept]

    last = len(kept) - 1
    right = powers(lambda k: last - kept.index(k))
    found = [got[id(held[k][0])] for k in kept]
    wrong = {
        "turned round: the largest rate belongs to the output": powers(kept.index),
        "all have one rate; use the factor": powers(lambda k: 0),
        "the last part that trains gets rate itself, not rate * factor": powers(
            lambda k: last - kept.index(k) + 1
        ),
        "you count parts without parameters or frozen ones; skip them": powers(
            lambda k: len(parts) - 1 - k
        ),
        "parts in which nothing trains are counted, and the last part's rate is not "
        "rate itself": powers(lambda k: len(parts) - k),
        "you count a frozen part; skip it": powers(
            lambda k: len(with_any) - 1 - with_any.index(k)
        ),
        "you divide by the factor; a part lower down is slower": powers(
            lambda k: kept.index(k) - last
        ),
        "rate * factor for all below the last; each part multiplies again": powers(
            lambda k: float(kept.index(k) != last)
        ),
        "rate * factor * k falls to 0 or grows; the factor is taken to a power": [
            rate * factor * (last - kept.index(k)) for k in kept
        ],
    }
    for words, values in wrong.items():
        same = all(map(close, found, values)) and values != right
        assert not same, words
    whole = all(close(got[id(p)], got[id(held[k][0])]) for k in kept for p in held[k])
    assert whole, "the parameters of one part have different rates"
    expected, came = ([float(f"{r:.6g}") for r in rates] for rates in (right, found))
    assert all(map(close, found, right)), (
        f"from input to output expected the rates {brief(expected)}, got {brief(came)}"
    )


def parameters_of(parts: list[nn.Module]) -> list[nn.Parameter]:
    """Return the parameters of all parts, in order."""
    return [p for part in parts for p in part.parameters()]


def close(rate: float, other: float) -> bool:
    """Return whether two rates are the same, a float32 being one of them perhaps."""
    return math.isclose(rate, other, rel_tol=1e-6)


def judge_membership(got: dict[int, float], parts: list[nn.Module]) -> None:
    """Raise AssertionError unless just the parameters that train have a rate."""
    everything = parameters_of(parts)
    assert all(p.requires_grad for p in everything if id(p) in got), (
        "a frozen parameter is in a group; give the optimizer only what trains"
    )
    assert set(got) <= {id(p) for p in everything}, (
        "a group holds copies, not the parts'"
    )
    missing = [p for p in everything if p.requires_grad and id(p) not in got]
    assert not missing, (
        f"{len(missing)} tensors that train are in no group; the last part counts, a "
        "frozen tensor does not freeze its part"
    )
