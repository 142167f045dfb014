"""Take a trained network over: choose what trains, and give it another last layer.

Built by hand in notebooks/09_transfer_learning.ipynb, sections 2 and 4. What is added
here are the error messages.
"""

from numbers import Integral

from torch import nn
from torch.nn.parameter import is_lazy


def freeze(model: nn.Module, *names: str) -> list[str]:
    """Let parameters have no gradients, old ones neither; return their names.

    A name is that of a parameter or of a module, which stands for all parameters
    inside it. Without names it is every parameter. BatchNorm's running statistics are
    no parameters: they still move in train mode, unless the frozen part is kept in
    eval mode.

    Raises: ValueError when a name matches nothing; then nothing has changed.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> freeze(model, "0")
    ['0.weight', '0.bias']
    >>> len(trainable_parameters(model))
    2
    """
    return set_requires_grad(model, names, False)


def unfreeze(model: nn.Module, *names: str) -> list[str]:
    """Let parameters have gradients again; otherwise as `freeze`."""
    return set_requires_grad(model, names, True)


def trainable_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that want gradients: all that an optimizer needs.

    Raises: ValueError when there are none.
    """
    found = [p for p in model.parameters() if p.requires_grad]
    if not found:
        raise ValueError(
            "expected at least one parameter that trains, got none: unfreeze a part, "
            "or replace the head"
        )
    return found


def replace_head(model: nn.Module, classes: int) -> str:
    """Put a new linear layer in place of the model's last one; return its name.

    The new layer has as many inputs as the old one, a bias if that had one, and its
    device and dtype. The last one is the last that was registered, which in
    torchvision's classifiers is the one that gives the logits; heads beside it, such as
    Inception's auxiliary one, stay as they are. One that has several names is replaced
    under each; the last is returned.

    Raises: ValueError when the model has no nn.Linear inside it, or a lazy one, or
            `classes` is not a whole number above 0; then nothing has changed.

    >>> model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1000))
    >>> replace_head(model, 3)
    '2'
    >>> model[2]
    Linear(in_features=16, out_features=3, bias=True)
    """
    whole = isinstance(classes, Integral) and not isinstance(classes, bool)
    if not whole or classes < 1:
        raise ValueError(f"expected a number of classes above 0, got {classes!r}")
    linear = [
        (name, module)
        for name, module in model.named_modules(remove_duplicate=False)
        if isinstance(module, nn.Linear) and name
    ]
    if not linear:
        raise ValueError(
            f"expected a model with an nn.Linear inside it, got {type(model).__name__} "
            "without one: put a linear layer on top instead"
        )
    name, old = linear[-1]
    if is_lazy(old.weight):
        raise ValueError(f"expected a last layer with inputs, got {name}: {old}")
    new = nn.Linear(
        old.in_features,
        int(classes),
        bias=old.bias is not None,
        device=old.weight.device,
        dtype=old.weight.dtype,
    )
    new.train(old.training)
    for full in [full for full, module in linear if module is old]:
        parent, _, last = full.rpartition(".")
        setattr(model.get_submodule(parent), last, new)
    return name


def set_requires_grad(model: nn.Module, names: tuple, wanted: bool) -> list[str]:
    """Set `requires_grad` of the parameters that the names stand for."""
    chosen = {}
    for name in names or ("",):
        matched = {
            full: parameter
            for full, parameter in model.named_parameters(remove_duplicate=False)
            if not names or is_inside(full, name)
        }
        if not matched:
            known = [child for child, _ in model.named_children()]
            raise ValueError(
                f"expected a module or parameter, at the top one of {known}, "
                f"got {name!r}, which matches no parameter"
            )
        chosen.update(matched)
    for parameter in chosen.values():
        parameter.requires_grad_(wanted)
        if not wanted:
            parameter.grad = None  # an old one would count in clip_grad_norm_
    return list(chosen)


def is_inside(full: str, name: object) -> bool:
    """Return whether a parameter has this name, or is inside the module of it."""
    return isinstance(name, str) and (full == name or full.startswith(f"{name}."))
