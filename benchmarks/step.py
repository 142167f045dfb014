"""Time one step of each trainer over the same loop by hand; and their imports."""

from statistics import median

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks import trainers, trainers_large
from benchmarks.measure import (
    MISSING,
    Table,
    installed,
    interleaved,
    seconds,
    silence,
    spread,
)
from course_utils.data import load_digits
from course_utils.runtime import seed_everything, use_one_thread

NONE, LOSS, BOTH = "nothing", "loss", "loss and accuracy"
LOOPS = {
    NONE: trainers.loop,
    LOSS: trainers.loop_with_loss,
    BOTH: trainers.loop_with_accuracy,
}
# name: (package, figures that it follows, function)
TRAINERS = {
    "**ours**, train_one_epoch": ("", LOSS, trainers.ours),
    "**ours**, with accuracy": ("", BOTH, trainers.ours_with_accuracy),
    "Ignite": ("ignite", LOSS, trainers.ignite),
    "Ignite, with accuracy": ("ignite", BOTH, trainers.ignite_with_accuracy),
    "skorch, callbacks off": ("skorch", LOSS, trainers_large.skorch),
    "skorch, default": ("skorch", LOSS, trainers_large.skorch_default),
    "torchtnt": ("torchtnt", NONE, trainers_large.torchtnt),
    "Accelerate": ("accelerate", LOSS, trainers.accelerate),
    "Lightning, all off": ("lightning", NONE, trainers_large.lightning),
    "Lightning, default": ("lightning", BOTH, trainers_large.lightning_default),
    "fastai": ("fastai", LOSS, trainers_large.fastai),
    "Keras on torch": ("keras", LOSS, trainers_large.keras),
    "Keras, with accuracy": ("keras", BOTH, trainers_large.keras_with_accuracy),
}


def mlp() -> nn.Module:
    """Return a tiny model, 64 to 32 to 10."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def cnn() -> nn.Module:
    """Return a small model of two convolutions."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 10)),
    )


def per_step(make_trainer, make_model, data, short: int, long: int):
    """Return a function that measures: the long training less the short, a step."""

    def measure() -> float:
        spent = []
        for epochs in (short, long):
            seed_everything(0)
            loader = DataLoader(data, batch_size=64, shuffle=True)
            with silence():
                run = make_trainer(make_model(), loader, epochs)
            spent.append(seconds(run))
        return (spent[1] - spent[0]) / (long - short) / len(loader)

    return measure


def weights_after(make_trainer, make_model, data) -> torch.Tensor:
    """Return all weights after two epochs from one seed."""
    seed_everything(0)
    model = make_model()
    loader = DataLoader(data, batch_size=64, shuffle=True)
    with silence():
        run = make_trainer(model, loader, 2)
    seed_everything(1)
    run()
    return nn.utils.parameters_to_vector(model.parameters()).detach()


def measured(chosen: dict, make_model, data, rounds: int, long: int) -> dict:
    """Return the seconds a step of the loops and of trainers, round by round."""
    contestants = {
        name: per_step(trainer, make_model, data, 1, long)
        for name, trainer in (LOOPS | chosen).items()
    }
    return interleaved(contestants, rounds)


def race(make_model, data, rounds: int, long: int) -> dict[str, list[str]]:
    """Return the cells of each row: first all together, then the close ones alone."""
    there = {
        name: trainer
        for name, (package, _, trainer) in TRAINERS.items()
        if installed(package)
    }
    close = {name: there[name] for name in there if "ours" in name}
    everyone = measured(there, make_model, data, rounds, long)
    alone = measured(close, make_model, data, 3 * rounds - 2, long)
    found = {name: bare(alone[name]) for name in LOOPS}
    for name, (_, figures, _) in TRAINERS.items():
        found[name] = cells(name, figures, alone if name in close else everyone)
    return found


def cells(name: str, figures: str, times: dict[str, list[float]]) -> list[str]:
    """Return the ratio over the loop that follows the same, and microseconds more."""
    if name not in times:
        return [MISSING, ""]
    pairs = zip(times[name], times[figures], strict=True)
    more = median(mine - bare for mine, bare in pairs)
    return [spread(times[name], times[figures]), f"{1e6 * more:+.0f}"]


def tables(tiny: bool = False) -> list[Table]:
    """Return the table of the step overhead."""
    use_one_thread()
    data = TensorDataset(*load_digits("train"))
    small = race(mlp, data, 1 if tiny else 7, 2 if tiny else 15)
    large = race(cnn, data, 1 if tiny else 5, 2 if tiny else 5)
    by_hand = weights_after(trainers.loop, mlp, data)
    rows = [
        [f"loop by hand, {name}", name, *small[name], *large[name], "yes"]
        for name in LOOPS
    ]
    for name, (package, figures, trainer) in TRAINERS.items():
        row = [name, figures, *small[name], *large[name]]
        if installed(package):
            same = torch.equal(weights_after(trainer, mlp, data), by_hand)
            row.append("yes" if same else "no")
        rows.append(row)
    columns = ["trainer", "follows", "MLP: ratio", "µs more a step"]
    return [
        Table(
            "Step overhead",
            [*columns, "CNN: ratio", "µs more a step", "same weights"],
            rows,
            "Time of one training step over that of a loop by hand that follows the "
            "same figures: median over the rounds, and the middle half; ours and the "
            "loops once more alone, for they are close. The 1,078 "
            "digits in batches of 64 from one default `DataLoader(shuffle=True)`, "
            "AdamW, one thread; MLP 64-32-10 and a CNN of two convolutions. A long "
            "training less a short one, so that starting does not count. Same weights: "
            "after two epochs the MLP's are the loop's, bit for bit. Keras wraps the "
            "same torch model, with its own AdamW and loss; fastai wraps torch's "
            "AdamW; Lightning's default keeps its bar, logger and checkpoints.",
            "a GPU, several processes, and what the peers do besides a step. The CNN's "
            "rounds spread by 5 % and more: smaller differences are chance there. With "
            "a model that computes for 10 ms a step, none of this matters.",
        )
    ]


def bare(times: list[float]) -> list[str]:
    """Return the ratio 1, and the microseconds of a step by hand."""
    return ["1", f"({1e6 * median(times):.0f} in all)"]
