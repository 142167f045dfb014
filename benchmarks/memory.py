"""Compare the peak that memory_budget finds with what the allocator recorded."""

import gc
from contextlib import nullcontext

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.measure import MISSING, Table, installed, interleaved, seconds, spread
from course_utils.memory import memory_budget
from course_utils.runtime import use_one_thread
from memory_runs import (
    allocator_peak,
    batch,
    make_cnn,
    make_mlp,
    make_resnet,
    make_transformer,
    train,
)

MB = 2**20


def mlp() -> nn.Module:
    """Return an MLP for rows of 64 numbers."""
    return nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 10))


COLUMNS = ["model", "**ours** over the allocator's record", "**ours** over a GPU's"]
COLUMNS += ["torchinfo's estimate", "Lightning's estimate", "record, MB"]
MODELS = {
    "MLP 64-1024-10": (mlp, (256, 64)),
    "CNN, 28×28": (make_cnn, (128, 1, 28, 28)),
    "transformer": (make_transformer, (64, 32, 64)),
    "ResNet-18, 112×112": (make_resnet, (8, 3, 112, 112)),
}


def budget_peak(make, shape: tuple, device: str = "cpu") -> int:
    """Return the peak by memory_budget."""
    model, data = make().to(device), batch(*shape, device=device)
    optimizer = torch.optim.Adam(model.parameters())
    with memory_budget(None, model) as memory:
        train(model, optimizer, *data)
    return memory.peak


def gpu_peak(make, shape: tuple) -> int:
    """Return what a real GPU's allocator counts, with the model."""
    budget_peak(make, shape, "cuda")  # lasting workspaces of the kernels
    gc.collect()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    model, data = make().cuda(), batch(*shape, device="cuda")
    train(model, torch.optim.Adam(model.parameters()), *data)
    of_the_batch = sum(-(-tensor.nbytes // 512) * 512 for tensor in data)
    return torch.cuda.max_memory_allocated() - before - of_the_batch


def torchinfo_estimate(make, shape: tuple) -> int:
    """Return torchinfo's "Estimated Total Size", less the input."""
    from torchinfo import summary

    found = summary(make(), input_size=shape, verbose=0)
    return found.total_output_bytes + found.total_param_bytes


def lightning_estimate(make, shape: tuple) -> int:
    """Return Lightning's "Total estimated model params size"."""
    from lightning import LightningModule
    from lightning.pytorch.utilities.model_summary import ModelSummary

    module = LightningModule()
    module.model = make()
    return int(ModelSummary(module).model_size * 1e6)


def peaks(models: dict) -> Table:
    """Return the table of the peaks."""
    gpu = torch.cuda.is_available()
    rows = []
    for name, (make, shape) in models.items():
        record = allocator_peak(make(), torch.optim.Adam, *batch(*shape))
        found = [budget_peak(make, shape)]
        for package, estimate in (
            ("torchinfo", torchinfo_estimate),
            ("lightning", lightning_estimate),
        ):
            found.append(estimate(make, shape) if installed(package) else None)
        cells = [MISSING if n is None else f"{n / record:.3f}" for n in found]
        real = "no GPU"
        if gpu:
            real = f"{budget_peak(make, shape, 'cuda') / gpu_peak(make, shape):.3f}"
        rows.append([name, cells[0], real, *cells[1:], f"{record / MB:.2f}"])
    return Table(
        "Peak memory",
        COLUMNS,
        rows,
        "The most bytes alive in two steps with Adam: `memory_budget` over what "
        "`torch.profiler` has recorded of the CPU's allocator, and over "
        "`torch.cuda.max_memory_allocated`, less the batch. Beside it, over the same "
        "record, what torchinfo calls the estimated total size and Lightning the "
        "params size. 1 is exact; deterministic, so measured once.",
        "what the peers' numbers are meant for: neither claims to hold gradients or "
        "Adam's state. A kernel's scratch space is in the record, not in ours.",
    )


def cost(models: dict, rounds: int) -> Table:
    """Return the table of the slow-down."""
    columns = {}
    for name, (make, shape) in models.items():
        model, data = make(), batch(*shape)
        optimizer = torch.optim.Adam(model.parameters())
        steps = 20 if shape[0] == 32 else 2

        def timed(context, model=model, data=data, optimizer=optimizer, steps=steps):
            def work():
                with context(model):
                    train(model, optimizer, *data, steps=steps)

            return lambda: seconds(work)

        times = interleaved(
            {
                "outside": timed(lambda model: nullcontext()),
                "**ours**, memory_budget": timed(lambda m: memory_budget(None, m)),
                "torch.profiler, profile_memory": timed(
                    lambda model: profile(
                        activities=[ProfilerActivity.CPU], profile_memory=True
                    )
                ),
            },
            rounds,
        )
        columns[name] = {n: spread(t, times["outside"]) for n, t in times.items()}
    ways = list(next(iter(columns.values())))[1:]
    return Table(
        "Cost of following the memory",
        ["with", *columns],
        [[way, *(column[way] for column in columns.values())] for way in ways],
        "Time of training steps inside over outside, one thread, Adam: median over "
        "the rounds, and the middle half. The profiler's includes starting it and "
        "gathering its events, and leaves out reading them.",
        "a GPU, where the host's work hides behind the kernels, or does not.",
    )


def tables(tiny: bool = False) -> list[Table]:
    """Return the tables of peaks and cost."""
    use_one_thread()
    models = dict(list(MODELS.items())[:2]) if tiny else MODELS
    timed = {"MLP 64-32-10, batch 32": (make_mlp, (32, 64))}
    timed |= {} if tiny else MODELS
    return [peaks(models), cost(timed, 1 if tiny else 7)]
