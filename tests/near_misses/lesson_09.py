"""Answers to the exercises of lesson 09: wrong as learners write them, and right."""

import copy
import re
from fractions import Fraction

import numpy as np
import torch
from torch import nn


def matches(model, name):
    return [
        full
        for full, _ in model.named_parameters()
        if full == name or full.startswith(name + ".")
    ]


def froze(model, names):
    parameters = dict(model.named_parameters())
    for name in names:
        parameters[name].requires_grad = False
    return list(names)


def freeze_right(model, *names):
    found = [matches(model, name) for name in names]
    if not all(found):
        raise ValueError(names)
    return froze(model, dict.fromkeys(full for one in found for full in one))


def freeze_by_parts(model, *names):
    chosen = set()
    for name in names:
        parts = name.split(".")
        found = {
            full
            for full, _ in model.named_parameters()
            if full.split(".")[: len(parts)] == parts
        }
        if not found:
            raise ValueError("no " + name)
        chosen |= found
    froze(model, chosen)
    return chosen


def freeze_by_module(model, *names):
    done = []
    for name in names:
        if name in dict(model.named_modules()):
            module = model.get_submodule(name)
            module.requires_grad_(False)
            done += [f"{name}.{n}" for n, _ in module.named_parameters()]
        elif name in dict(model.named_parameters()):
            model.get_parameter(name).requires_grad_(False)
            done.append(name)
        else:
            raise ValueError(f"unknown: {name}")
    return tuple(done)


def freezing(matched, raising=ValueError, each=True):
    """Return an answer that freezes by the rule `matched(full, name)`."""

    def answer(model, *names):
        chosen = []
        for name in names:
            found = [n for n, _ in model.named_parameters() if matched(n, name)]
            if each and raising and not found:
                raise raising(name)
            chosen += [n for n in found if n not in chosen]
        if raising and not chosen:
            raise raising(names)
        return froze(model, chosen)

    return answer


def whole(full, name):
    return full == name or full.startswith(name + ".")


def freeze_names_alone(model, *names):
    result = freeze_right(model, *names)
    for name in result:
        model.get_parameter(name).requires_grad_(True)
    return result


def freeze_typo(model, *names):
    for name in names:
        for full in matches(model, name):
            model.get_parameter(full).require_grad = False
    return [full for name in names for full in matches(model, name)]


def freeze_all(model, *names):
    model.requires_grad_(False)
    return [full for name in names for full in matches(model, name)]


def freeze_rest_trains(model, *names):
    result = freeze_right(model, *names)
    for full, parameter in model.named_parameters():
        parameter.requires_grad_(full not in result)
    return result


def freeze_others(model, *names):
    found = freeze_right(copy.deepcopy(model), *names)
    return froze(model, [n for n, _ in model.named_parameters() if n not in found])


def freeze_given(model, *names):
    freeze_right(model, *names)
    return list(names)


def freeze_count(model, *names):
    return len(freeze_right(model, *names))


def freeze_no_return(model, *names):
    freeze_right(model, *names)


def freeze_by_attribute(model, *names):
    for name in names:
        model.get_submodule(name).requires_grad_(False)
    return [full for name in names for full in matches(model, name)]


def freeze_first(model, *names):
    return freeze_right(model, names[0])


def freeze_only_trainable(model, *names):
    chosen = []
    for name in names:
        found = [
            n for n in matches(model, name) if model.get_parameter(n).requires_grad
        ]
        if not found:
            raise ValueError(name)
        chosen += found
    return froze(model, chosen)


def freeze_by_yield(model, *names):
    for name in names:
        yield from freeze_right(model, name)


def freeze_lists_in_a_list(model, *names):
    return [freeze_right(model, name) for name in names]


def freeze_local_names(model, *names):
    freeze_right(model, *names)
    modules, result = dict(model.named_modules()), []
    for name in names:
        inside = modules[name].named_parameters() if name in modules else [(name, 0)]
        result += [own for own, _ in inside]
    return result


def freeze_with_assert(model, *names):
    chosen = []
    for name in names:
        assert matches(model, name), f"{name} not found"
        chosen += matches(model, name)
    return froze(model, chosen)


def freeze_and_eval(model, *names):
    result = freeze_right(model, *names)
    model.eval()
    return result


def freeze_all_frozen(model, *names):
    freeze_right(model, *names)
    return [n for n, p in model.named_parameters() if not p.requires_grad]


def freeze_dict(model, *names):
    return {name: model.get_parameter(name) for name in freeze_right(model, *names)}


def freeze_state_names(model, *names):
    freeze_right(model, *names)
    return [n for name in names for n in model.state_dict() if whole(n, name)]


def freeze_last_names(model, *names):
    for name in names:
        result = freeze_right(model, name)
    return result


def freeze_detached(model, *names):
    found = [model.get_parameter(name) for name in freeze_right(model, *names)]
    chosen = [n for n, p in model.named_parameters() if any(p is q for q in found)]
    for parameter in found:
        parameter.detach_()
    return frozenset(chosen)


def freeze_by_regex(model, *names):
    chosen = []
    for name in names:
        pattern = re.compile(re.escape(name) + r"(\.|$)")
        found = [n for n, _ in model.named_parameters() if pattern.match(n)]
        if not found:
            raise UnicodeError(name)
        chosen += found
    return sorted(froze(model, chosen))


def cost(model, trains=4, frozen=1, size=torch.Tensor.element_size):
    factors = {True: trains, False: frozen}
    return sum(
        p.numel() * size(p) * factors[p.requires_grad] for p in model.parameters()
    )


def cost_by_numpy(model):
    total = np.int64(0)
    for p in model.parameters():
        total += p.detach().cpu().numpy().nbytes * (1 + 3 * p.requires_grad)
    return total


def cost_by_training(model):
    optimizer = torch.optim.AdamW(model.parameters())
    for p in model.parameters():
        p.grad = torch.zeros_like(p) if p.requires_grad else None
    optimizer.step()
    held = list(model.parameters()) + [p.grad for p in model.parameters()]
    for state in optimizer.state.values():
        held += [state["exp_avg"], state["exp_avg_sq"]]
    return torch.tensor(sum(t.nbytes for t in held if t is not None))


def cost_by_modules(model):
    return sum(
        p.numel() * p.element_size() * (4 if p.requires_grad else 1)
        for module in model.modules()
        for p in module.parameters(recurse=False)
    )


def cost_with_buffers(model):
    return cost(model) + sum(b.numel() * b.element_size() for b in model.buffers())


def cost_by_gradient(model):
    return sum(p.nbytes * (1 + 3 * (p.grad is not None)) for p in model.parameters())


def cost_by_first(model):
    trains = next(model.parameters()).requires_grad
    return sum(p.nbytes for p in model.parameters()) * (4 if trains else 1)


def cost_of_state(model):
    values = model.state_dict().values()
    return sum(v.nbytes * (4 if v.requires_grad else 1) for v in values)


def cost_of_one_number(model):
    return sum(
        p.element_size() * (4 if p.requires_grad else 1) for p in model.parameters()
    )


def cost_by_storage(model):
    return torch.tensor(
        [
            sum(
                p.untyped_storage().nbytes() * (4 if p.requires_grad else 1)
                for p in model.parameters()
            )
        ]
    )


def cost_of_tensors(model):
    return sum(4 if p.requires_grad else 1 for p in model.parameters())


def freeze_returns_error(model, *names):
    if not all(matches(model, name) for name in names):
        return ValueError(names)
    return freeze_right(model, *names)


class Base(nn.Module):
    def __init__(self, backbone, head):
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, inputs):
        return self.head(self.backbone(inputs))


class FrozenRight(Base):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self


class FrozenInOneLine(Base):
    def train(self, mode=True):
        self.backbone = self.backbone.eval()
        self.training = mode
        self.head.train(mode)
        return self


class FrozenByFlags(Base):
    def train(self, mode=True):
        result = super().train(mode)
        for module in self.backbone.modules():
            module.training = False
        return result


class FrozenByKeyword(Base):
    def train(self, mode=True):
        nn.Module.train(self, mode=mode)
        self.backbone.train(mode=False)
        return self


class FrozenByChildren(Base):
    def train(self, mode=True):
        self.training = mode
        for name, child in self.named_children():
            child.train(mode and name != "backbone")
        return self


class FrozenByApply(Base):
    def train(self, mode=True):
        same = super().train(mode)
        same.backbone.apply(lambda module: setattr(module, "training", False))
        return same


class FrozenNotCalled(Base):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval  # noqa: B018
        return self


class FrozenWhenEval(Base):
    def train(self, mode=True):
        super().train(mode)
        if not mode:
            self.backbone.eval()
        return self


class FrozenReturnsMode(Base):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return mode


class FrozenNormsOnly(Base):
    def train(self, mode=True):
        super().train(mode)
        for module in self.backbone.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
        return self


class FrozenAskedToTrain(Base):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        self.training = True
        return self


class FrozenParameters(Base):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.requires_grad_(False).eval()
        return self


class FrozenNot(Base):
    def train(self, mode=True):
        return super().train(mode)


class FrozenNoReturn(Base):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()


class FrozenReturnsBackbone(Base):
    def train(self, mode=True):
        super().train(mode)
        return self.backbone.eval()


class FrozenNoMode(Base):
    def train(self, mode=True):
        super().train()
        self.backbone.eval()
        return self


class FrozenRecursive(Base):
    def train(self, mode=True):
        self.train(mode)
        self.backbone.eval()
        return self


class FrozenEvalRecursive(Base):
    def train(self, mode=True):
        super().train(mode)
        super().eval()
        return self


class FrozenNoSuper(Base):
    def train(self, mode=True):
        self.backbone.eval()
        return self


class FrozenWrongOrder(Base):
    def train(self, mode=True):
        self.backbone.eval()
        return super().train(mode)


class FrozenTopOnly(Base):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.training = False
        return self


class FrozenGradients(Base):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.requires_grad_(False)
        return self


class FrozenHeadToo(Base):
    def train(self, mode=True):
        super().train(mode)
        for module in self.children():
            module.eval()
        return self


class FrozenHeadAlone(Base):
    def train(self, mode=True):
        self.head.train(mode)
        self.backbone.eval()
        return self


class FrozenFromTheStart(Base):
    def __init__(self, backbone, head):
        super().__init__(backbone, head)
        self.backbone.eval()


class FrozenInForward(Base):
    def forward(self, inputs):
        self.backbone.eval()
        return super().forward(inputs)


class FrozenBothMethods(Base):
    def train(self, mode=True):
        self.head.train()
        self.backbone.eval()
        return self

    def eval(self):
        self.head.eval()
        self.backbone.eval()
        return self


class FrozenOpposite(Base):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.train(not mode)
        return self


def last_linear(model, place=-1):
    found = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)]
    return found[place]


def put(model, name, layer):
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, layer)
    return name


def head_right(model, classes):
    name, old = last_linear(model)
    return put(
        model, name, nn.Linear(old.in_features, classes, device=old.weight.device)
    )


def head_by_set(model, classes):
    name, old = last_linear(model)
    new = nn.Linear(old.in_features, classes).to(old.weight.device)
    model.set_submodule(name, new)
    return name


def head_by_loop(model, classes):
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            last = name
    *path, leaf = last.split(".")
    parent = model
    for part in path:
        parent = getattr(parent, part)
    old = getattr(parent, leaf)
    with torch.device(old.weight.device):
        parent.add_module(leaf, nn.Linear(old.in_features, classes, bias=False))
    return last


def head_new_weights(model, classes):
    name, old = last_linear(model)
    old.weight = nn.Parameter(old.weight.detach().new_zeros(classes, old.in_features))
    old.bias = nn.Parameter(old.bias.detach().new_zeros(classes))
    old.out_features = classes
    return name


def head_subclass(model, classes):
    name, old = last_linear(model)
    new = old.__class__(old.in_features, classes, dtype=old.weight.dtype)
    return np.str_(put(model, name, new.to(old.weight.device)))


def head_first_point(model, classes):
    name, old = last_linear(model)
    new = nn.Linear(old.in_features, classes, device=old.weight.device)
    parent, _, rest = name.partition(".")
    setattr(model.get_submodule(parent) if rest else model, rest or parent, new)
    return name


def head_widest(model, classes):
    linear = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)]
    name, old = max(linear, key=lambda pair: pair[1].out_features)
    return put(
        model, name, nn.Linear(old.in_features, classes, device=old.weight.device)
    )


def head_cut(model, classes):
    name, old = last_linear(model)
    old.weight = nn.Parameter(old.weight.detach()[:classes])
    old.bias = nn.Parameter(old.bias.detach()[:classes])
    old.out_features = classes
    return name


def head_turned(model, classes):
    name, old = last_linear(model)
    return put(
        model, name, nn.Linear(classes, old.in_features, device=old.weight.device)
    )


def head_always_three(model, classes):
    return head_right(model, 3)


def head_appended(model, classes):
    name, old = last_linear(model)
    new = nn.Linear(old.out_features, classes, device=old.weight.device)
    model.get_submodule(name.rpartition(".")[0]).add_module("last", new)
    return name


def head_first(model, classes):
    name, old = last_linear(model, 0)
    return put(
        model, name, nn.Linear(old.in_features, classes, device=old.weight.device)
    )


def head_everywhere(model, classes):
    for name, old in list(model.named_modules()):
        if isinstance(old, nn.Linear):
            device = old.weight.device
            put(model, name, nn.Linear(old.in_features, classes, device=device))
    return last_linear(model)[0]


def head_note(model, classes):
    name, old = last_linear(model)
    old.out_features = classes
    return name


def head_from_outputs(model, classes):
    name, old = last_linear(model)
    return put(
        model, name, nn.Linear(old.out_features, classes, device=old.weight.device)
    )


def head_local(model, classes):
    name, old = last_linear(model)
    layer = model.get_submodule(name)
    layer = nn.Linear(old.in_features, classes)
    return name if layer is not None else ""


def head_at_the_top(model, classes):
    name, old = last_linear(model)
    new = nn.Linear(old.in_features, classes, device=old.weight.device)
    setattr(model, name.rpartition(".")[2], new)
    return name


def head_with_points(model, classes):
    name, old = last_linear(model)
    setattr(model, name, nn.Linear(old.in_features, classes, device=old.weight.device))
    return name


def head_on_cpu(model, classes):
    name, old = last_linear(model)
    return put(model, name, nn.Linear(old.in_features, classes, device="cpu"))


def head_lazy(model, classes):
    name, old = last_linear(model)
    return put(model, name, nn.LazyLinear(classes, device=old.weight.device))


def head_old_bias(model, classes):
    name, old = last_linear(model)
    old.weight = nn.Parameter(old.weight.detach().new_zeros(classes, old.in_features))
    old.out_features = classes
    return name


def head_and_eval(model, classes):
    name = head_right(model, classes)
    model.eval()
    return name


def head_weight_name(model, classes):
    return head_right(model, classes) + ".weight"


def head_with_dropout(model, classes):
    name, old = last_linear(model)
    new = nn.Linear(old.in_features, classes, device=old.weight.device)
    return put(model, name, nn.Sequential(nn.Dropout(0.2), new))


def head_appended_by_index(model, classes):
    name, old = last_linear(model)
    parent = model.get_submodule(name.rpartition(".")[0])
    parent[-1] = nn.Linear(old.in_features, classes, device=old.weight.device)
    return name


def head_layer(model, classes):
    name = head_right(model, classes)
    return model.get_submodule(name)


def head_leaf_name(model, classes):
    return head_right(model, classes).rpartition(".")[2]


def head_copied(model, classes):
    return head_right(copy.deepcopy(model), classes)


def head_on_top(model, classes):
    name, old = last_linear(model)
    new = nn.Sequential(old, nn.Linear(old.out_features, classes))
    return put(model, name, new)


def head_fc(model, classes):
    model.fc = nn.Linear(model.fc.in_features, classes)
    return "fc"


def head_frozen(model, classes):
    name = head_right(model, classes)
    model.get_submodule(name).requires_grad_(False)
    return name


def head_freezing(model, classes):
    model.requires_grad_(False)
    return head_right(model, classes)


def held(parts):
    return [[p for p in part.parameters() if p.requires_grad] for part in parts]


def groups_right(parts, rate, factor):
    kept = [parameters for parameters in held(parts) if parameters]
    return [{"params": p, "lr": rate * factor**k} for k, p in enumerate(reversed(kept))]


def groups_forward(parts, rate, factor):
    kept = [parameters for parameters in held(parts) if parameters]
    last = len(kept) - 1
    return tuple(
        {"params": iter(p), "lr": np.float64(rate * factor ** (last - k))}
        for k, p in enumerate(kept)
    )


def groups_single(parts, rate, factor):
    result = []
    for part in reversed(parts):
        trains = [p for p in part.parameters() if p.requires_grad]
        result += [{"params": p, "lr": rate} for p in trains]
        rate = rate * factor if trains else rate
    return result


def groups_by(exponent, chosen=bool):
    """Return an answer with `exponent(k, n)` for the k-th of n lists from the input."""

    def answer(parts, rate, factor):
        kept = [parameters for parameters in held(parts) if chosen(parameters)]
        return [
            {"params": p, "lr": rate * factor ** exponent(k, len(kept))}
            for k, p in enumerate(kept)
        ]

    return answer


def groups_counting(parts, rate, factor):
    numbered = enumerate(reversed(held(parts)))
    return [{"params": p, "lr": rate * factor**k} for k, p in numbered if p]


def groups_counting_frozen(parts, rate, factor):
    parts = [part for part in parts if list(part.parameters())]
    return groups_counting(parts, rate, factor)


def groups_frozen_in(parts, rate, factor):
    kept = [list(part.parameters()) for part in parts]
    kept = reversed([parameters for parameters in kept if parameters])
    return [{"params": p, "lr": rate * factor**k} for k, p in enumerate(kept)]


def groups_times(parts, rate, factor):
    kept = [parameters for parameters in held(parts) if parameters]
    return [
        {"params": p, "lr": rate * factor * k} for k, p in enumerate(reversed(kept))
    ]


def groups_falling_first(parts, rate, factor):
    result = []
    for parameters in reversed(held(parts)):
        rate *= factor
        if parameters:
            result.append({"params": parameters, "lr": rate})
    return result


def groups_of_tensors(parts, rate, factor):
    kept = groups_right(parts, rate, factor)
    return [{**group, "lr": torch.tensor(group["lr"])} for group in kept]


def groups_no_rate(parts, rate, factor):
    return [{"params": group["params"]} for group in groups_right(parts, rate, factor)]


def groups_whole_parts(parts, rate, factor):
    kept = [p for p in parts if list(p.parameters())]
    kept = [p for p in kept if all(q.requires_grad for q in p.parameters())]
    return groups_right(kept, rate, factor)


def groups_of_an_optimizer(parts, rate, factor):
    optimizer = torch.optim.AdamW(groups_right(parts, rate, factor), lr=1.0)
    return optimizer.param_groups


def groups_turning_the_list(parts, rate, factor):
    parts.reverse()
    return groups_right(parts[::-1], rate, factor)


def groups_by_first_tensor(parts, rate, factor):
    kept = [p for p in parts if list(p.parameters())]
    kept = [p for p in kept if next(p.parameters()).requires_grad]
    return groups_right(kept, rate, factor)


def groups_unfreezing(parts, rate, factor):
    for part in parts:
        part.requires_grad_(True)
    return groups_right(parts, rate, factor)


def groups_modules(parts, rate, factor):
    kept = [
        part for part, parameters in zip(parts, held(parts), strict=True) if parameters
    ]
    return [{"params": p, "lr": rate * factor**k} for k, p in enumerate(reversed(kept))]


def groups_copies(parts, rate, factor):
    kept = groups_right(parts, rate, factor)
    return [
        {**g, "params": [p.detach().clone().requires_grad_() for p in g["params"]]}
        for g in kept
    ]


def groups_pairs(parts, rate, factor):
    return [(g["params"], g["lr"]) for g in groups_right(parts, rate, factor)]


def groups_last_only(parts, rate, factor):
    return groups_right(parts, rate, factor)[:1]


def groups_read_before(parts, rate, factor):
    result = []
    for part in reversed(parts):
        trains = (p for p in part.parameters() if p.requires_grad)
        if list(trains):
            result.append({"params": trains, "lr": rate * factor ** len(result)})
    return result


def groups_optimizer(parts, rate, factor):
    return torch.optim.AdamW(groups_right(parts, rate, factor))


def groups_one_tensor(parts, rate, factor):
    kept = groups_right(parts, rate, factor)
    return [{**group, "params": group["params"][0]} for group in kept]


def groups_power_of_both(parts, rate, factor):
    kept = [parameters for parameters in held(parts) if parameters]
    numbered = enumerate(reversed(kept))
    return [{"params": p, "lr": (rate * factor) ** k} for k, p in numbered]


def groups_rates_of_all(parts, rate, factor):
    kept = [parameters for parameters in held(parts) if parameters]
    rates = [rate * factor**k for k in range(len(parts))]
    return [{"params": p, "lr": r} for p, r in zip(kept, rates[::-1], strict=False)]


def groups_as_sets(parts, rate, factor):
    kept = groups_right(parts, rate, factor)
    return [{**group, "params": set(group["params"])} for group in kept]


def groups_of_pairs(parts, rate, factor):
    named = [
        [(name, p) for name, p in part.named_parameters() if p.requires_grad]
        for part in parts
    ]
    kept = enumerate(pairs for pairs in reversed(named) if pairs)
    return [{"params": p, "lr": rate * factor**k, "name": f"part {k}"} for k, p in kept]


def groups_each_tensor(parts, rate, factor):
    trains = [p for parameters in reversed(held(parts)) for p in parameters]
    return [{"params": [p], "lr": rate * factor**k} for k, p in enumerate(trains)]


NEAR_MISSES = {
    "freeze_named": [
        (freezing(str.startswith), "a name ends there, or a point follows"),
        (freezing(lambda full, name: name in full), "froze heads.bias, too"),
        (freezing(str.__eq__), "you raised ValueError"),
        (freezing(whole, raising=None), "matches nothing; raise a ValueError"),
        (freezing(whole, each=False), "ask for each name by itself"),
        (freezing(whole, raising=KeyError), "yours is KeyError"),
        (
            freezing(lambda full, name: whole(full, name) or full.endswith("." + name)),
            "the end of some names",
        ),
        (freeze_names_alone, "nothing is frozen"),
        (freeze_typo, "nothing is frozen"),
        (freeze_all, "froze the whole model"),
        (freeze_rest_trains, "header was frozen before"),
        (freeze_others, "turned round"),
        (freeze_given, "as it came"),
        (freeze_count, "a list of strings"),
        (freeze_returns_error, "raise ValueError"),
        (freeze_no_return, "is a `return` missing?"),
        (freeze_by_attribute, "your code raised AttributeError"),
        (freeze_first, "left head.bias trainable"),
        (freeze_only_trainable, "you raised ValueError"),
        (freeze_with_assert, "yours is AssertionError"),
        (freeze_and_eval, "you changed the mode"),
        (freeze_all_frozen, "all that is frozen now"),
        (freeze_dict, "a dict holds more"),
        (freeze_state_names, "got also 'backbone.01.num_batches_tracked'"),
        (freeze_last_names, "expected 'backbone.0.bias' among the names"),
        (freeze_by_yield, "a list of strings; got <generator"),
        (freeze_lists_in_a_list, "a list of strings; got [["),
        (freeze_local_names, "expected 'head.bias' among the names"),
    ],
    "training_bytes": [
        (lambda m: cost(m, frozen=4), "as if they trained"),
        (lambda m: cost(m, frozen=0), "frozen parameters take room"),
        (lambda m: cost(m, size=lambda p: 1), "element_size() bytes"),
        (lambda m: cost(m, size=lambda p: 4), "some are float64"),
        (cost_of_tensors, "counts tensors"),
        (lambda m: cost(m, trains=3), "three times what trains"),
        (lambda m: cost(m, trains=3, frozen=0), "themselves are missing"),
        (lambda m: cost(m, trains=2), "are missing for what trains"),
        (lambda m: cost(m, trains=1), "the parameters alone"),
        (lambda m: cost(m, trains=2, frozen=0), "means alone"),
        (lambda m: cost(m, trains=1, frozen=4), "turned round"),
        (
            lambda m: sum(4 * value.nbytes for value in m.state_dict().values()),
            "a state_dict has buffers",
        ),
        (cost_with_buffers, "buffers were to be left out"),
        (cost_by_modules, "you count it twice"),
        (lambda m: cost(m) / 1024, "expected"),
        (cost_by_gradient, "None before a run"),
        (cost_by_first, "as if they trained"),
        (cost_of_state, "in a state_dict nothing has requires_grad"),
        (cost_of_one_number, "is that of one number"),
        (lambda m: 8 * cost(m), "not bits"),
        (lambda m: cost(m, frozen=2), "twice what is frozen"),
        (lambda m: cost(m, trains=5), "five times"),
        (lambda m: cost(m, size=len) / 4, "expected 1076 bytes"),
        (lambda m: (cost(m, trains=1), cost(m, frozen=0)), "expected one number"),
        (lambda m: str(cost(m)), "expected one number"),
        (lambda m: sum(p.nbytes for p in m._parameters.values()), "got 0:"),
        (lambda m: cost(m, trains=0), "got 196:"),
    ],
    "frozen": [
        (FrozenNot, "the backbone is in train mode"),
        (FrozenNoReturn, "is a `return` missing?"),
        (FrozenReturnsBackbone, "return the module itself"),
        (FrozenNoMode, "hand `mode` on"),
        (FrozenRecursive, "without end"),
        (FrozenEvalRecursive, "without end"),
        (FrozenNoSuper, "after model.eval() the head is in train mode"),
        (FrozenWrongOrder, "the backbone is in train mode"),
        (FrozenTopOnly, "the layers inside are in train mode"),
        (FrozenGradients, "the backbone is in train mode"),
        (FrozenParameters, "about the mode alone"),
        (FrozenHeadToo, "the head is in eval mode, too"),
        (FrozenHeadAlone, "own mode"),
        (FrozenOpposite, "puts the backbone to train"),
        (FrozenFromTheStart, "the backbone is in train mode"),
        (FrozenInForward, "the backbone is in train mode"),
        (FrozenBothMethods, "own mode is train"),
        (FrozenNotCalled, "the backbone is in train mode"),
        (FrozenWhenEval, "the backbone is in train mode"),
        (FrozenReturnsMode, "return the module itself"),
        (FrozenNormsOnly, "the backbone is in train mode"),
        (FrozenAskedToTrain, "own mode is train"),
        (FrozenRight(nn.ReLU(), nn.ReLU()), "the class itself"),
    ],
    "new_head": [
        (head_first, "the first nn.Linear"),
        (head_everywhere, "you replaced ['stem'], too"),
        (head_note, "which is a note"),
        (head_from_outputs, "your new layer takes"),
        (head_local, "still has its old fc"),
        (head_at_the_top, "hangs at the top"),
        (head_with_points, "setattr takes one name"),
        (head_on_cpu, "the old one was on"),
        (head_layer, "return the name, a string"),
        (head_leaf_name, "the whole name"),
        (head_copied, "still has its old fc"),
        (head_on_top, "no nn.Linear any more"),
        (head_fc, "your code raised AttributeError"),
        (head_frozen, "the new layer is frozen"),
        (head_freezing, "other layers, too"),
        (head_first_point, "cut 'b.0.fc' at its last point"),
        (head_widest, "you replaced stem"),
        (head_cut, "rows of the old weight"),
        (head_turned, "your new layer takes"),
        (head_always_three, "expected 5 classes"),
        (head_appended, "as before, got"),
        (head_lazy, "has no weight before its first batch"),
        (head_old_bias, "the bias of fc still has 6 numbers"),
        (head_and_eval, "you changed the mode, too"),
        (head_weight_name, "the whole name"),
        (head_with_dropout, "no nn.Linear any more"),
        (head_appended_by_index, "as before, got"),
    ],
    "rate_groups": [
        (groups_by(lambda k, n: k), "turned round"),
        (groups_by(lambda k, n: 0), "all have one rate"),
        (groups_by(lambda k, n: n - k), "gets rate itself"),
        (groups_by(lambda k, n: k - n + 1), "you divide by the factor"),
        (groups_by(lambda k, n: int(k < n - 1)), "each part multiplies again"),
        (groups_by(lambda k, n: n - 1 - k, lambda p: True), "a group is empty"),
        (groups_counting, "skip them"),
        (groups_read_before, "make lists"),
        (groups_each_tensor, "of one part have different rates"),
        (groups_counting_frozen, "you count a frozen part"),
        (groups_frozen_in, "only what trains"),
        (groups_times, "taken to a power"),
        (groups_falling_first, "and the last part's rate"),
        (groups_no_rate, "name it in each group"),
        (groups_whole_parts, "are in no group"),
        (groups_last_only, "are in no group"),
        (groups_pairs, "a list of groups"),
        (groups_turning_the_list, "you changed the list"),
        (groups_by_first_tensor, "are in no group"),
        (groups_unfreezing, "only ask for requires_grad"),
        (groups_modules, "no optimizer takes it"),
        (groups_copies, "a group holds copies"),
        (groups_optimizer, "return a list of groups"),
        (groups_one_tensor, "are in no group"),
        (groups_power_of_both, "expected the rates"),
        (groups_rates_of_all, "expected the rates"),
        (groups_as_sets, "no optimizer takes it"),
    ],
}

RIGHT = {
    "freeze_named": [
        freeze_right,
        freeze_by_parts,
        freeze_by_module,
        freeze_by_regex,
        freeze_detached,
        lambda model, *names: dict.fromkeys(freeze_right(model, *names)).keys(),
        lambda model, *names: np.array(freeze_right(model, *names)),
    ],
    "training_bytes": [
        cost,
        cost_by_numpy,
        cost_by_training,
        cost_by_storage,
        lambda m: Fraction(cost(m)),
    ],
    "frozen": [
        FrozenRight,
        FrozenInOneLine,
        FrozenByFlags,
        FrozenByKeyword,
        FrozenByChildren,
        FrozenByApply,
    ],
    "new_head": [
        head_right,
        head_by_set,
        head_by_loop,
        head_new_weights,
        head_subclass,
    ],
    "rate_groups": [
        groups_right,
        groups_forward,
        groups_single,
        groups_of_tensors,
        groups_of_an_optimizer,
        groups_of_pairs,
    ],
}
