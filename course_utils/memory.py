"""Follow the bytes of live tensors through a training run, on any machine.

Built by hand in notebooks/11_out_of_memory.ipynb, sections 1 and 2; added here are the
kinds, the budget and the drawing.
"""

import re
import weakref
from types import SimpleNamespace
from typing import Any, Self

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn
from torch.optim import optimizer as optimizers
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_utils.plotting import COLOURS

KINDS = ("parameters", "buffers", "gradients")
KINDS += ("optimizer state", "activations", "temporaries")


class memory_budget(TorchDispatchMode):
    """Count the bytes of live tensors while the block runs; raise when it is full.

    `live` and `by_kind` are what lives now, `peak` and `at_peak` what did when it was
    most, `timeline` is the total at the start and after each operation. Counted are
    `modules`; tensors made inside the block, until they die, even after it; parameters
    from their first use, optimizer state from a step. What else was made outside is the
    host's; with modules, so are other devices. Activations are made while a graph is
    recorded, temporaries are the rest. Not seen: kernels' scratch space, the CUDA
    context, gaps between blocks, compiled code, checkpointing's random states. With 32
    samples on one thread a tiny MLP takes 5 times as long, ResNet-18 1.1.

    Unit:    bytes, on CUDA in steps of 512 as its allocator does; MB is 2**20.
    Raises:  ValueError for a size such as "60"; RuntimeError when used again; inside
             the block, after the operation that did not fit, torch.OutOfMemoryError.

    >>> with memory_budget("1MB") as memory:
    ...     total = (torch.zeros(1000) + 1).sum()
    >>> memory.peak, memory.live
    (8000, 4)
    """

    def __init__(self, size: str | None = None, *modules: nn.Module) -> None:
        """Take a size such as "60MB", or none, and what lies on the GPU already."""
        super().__init__()
        parts = re.fullmatch(r"(\d+\.?\d*) ?([KMG])B", size or "0KB")
        if not parts:
            raise ValueError(f'expected a size such as "60MB" or "1.5GB", got {size!r}')
        unit = 2 ** (10 * " KMG".index(parts[2]))
        self.size = float(parts[1]) * unit if size else float("inf")
        first = next((p for module in modules for p in module.parameters()), None)
        self.device = None if first is None else first.device.type
        self.live, self.timeline, self.hooks = 0, list[int](), []
        self.known, self.past = {}, []  # records of storages: living by id, and dead
        for module in modules:
            self._label(list(module.buffers()), "buffers")
            self._meet(list(module.parameters()))

    @property
    def by_kind(self) -> dict[str, int]:
        """Return the bytes that live now."""
        return self._split(len(self.timeline))

    @property
    def peak(self) -> int:
        """Return the largest total so far."""
        return max(self.timeline, default=0)

    @property
    def at_peak(self) -> dict[str, int]:
        """Return the bytes that lived when the total was largest."""
        return self._split(self.timeline.index(self.peak) if self.timeline else 0)

    def __enter__(self) -> Self:
        """Follow every operation from here on."""
        if self.timeline:
            raise RuntimeError("expected a new memory_budget, got one used before")
        for when in ("pre", "post"):
            register = getattr(optimizers, f"register_optimizer_step_{when}_hook")
            self.hooks.append(register(self._meet_optimizer))
        self.timeline.append(self.live)
        return super().__enter__()

    def __exit__(self, *problem: Any) -> None:
        """Remove the hooks; deaths are noticed all the same."""
        for hook in self.hooks:
            hook.remove()
        super().__exit__(*problem)

    def __torch_dispatch__(self, func: Any, types: Any, args=(), kwargs=None) -> Any:
        """Run one operation, and count the storages that it made."""
        given, before = self._meet((args, kwargs)), self.live
        graph = torch.is_grad_enabled() and any(t.requires_grad for t in given)
        result = func(*args, **(kwargs or {}))
        self._label(result, "activations" if graph else "temporaries", force=False)
        if self.live > self.size:
            result, tried = None, self.live - before  # no traceback may keep it
            used = [f"{k} {n / 2**20:.2f}" for k, n in self.by_kind.items() if n]
            raise torch.OutOfMemoryError(
                f"Simulated GPU out of memory: tried to allocate {tried / 2**20:.2f} "
                f"of {self.size / 2**20:.2f} MB. In use: {', '.join(used)}"
            )
        self.timeline.append(self.live)
        return result

    def _meet(self, tree: Any) -> list[Tensor]:
        """Return the tensors in arguments; what is new among them was made outside."""
        given = self._label(tree, None, force=False)
        for p in [t for t in given if isinstance(t, nn.Parameter) and not t.is_sparse]:
            if id(p) not in (met := self.known[id(p.untyped_storage())].met):
                met.add(id(p))  # one storage may hold several
                self._label(p, "parameters")
                self._meet_gradient(p)
                if p.requires_grad:
                    add = p.register_post_accumulate_grad_hook
                    self.hooks.append(add(self._meet_gradient))
        return given

    def _meet_gradient(self, parameter: Tensor) -> None:
        self._label(parameter.grad, "gradients")

    def _meet_optimizer(self, optimizer: optimizers.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            self._label([p.grad for p in group["params"]], "gradients")
        self._label(list(optimizer.state.values()), "optimizer state")

    def _label(self, tree: Any, kind: str | None, force: bool = True) -> list[Tensor]:
        """Count tensors as this kind since their birth; without force, new ones."""
        found = [t for t in tree_leaves(tree) if isinstance(t, Tensor)]
        found = [t for t in found if self.device in (None, t.device.type)]
        dense = [t.untyped_storage() for t in found if t.layout == torch.strided]
        for storage in dense:
            key = id(storage)
            if key not in self.known:
                ref = weakref.ref(storage, lambda _, key=key: self._bury(key))
                self.known[key] = SimpleNamespace(kind=kind, size=0, ref=ref, met=set())
            record, step = self.known[key], 512 if storage.is_cuda else 1
            record.kind = kind if force else record.kind
            size = -(-storage.nbytes() // step) * step if record.kind else 0
            if size != record.size:  # new, or resized
                self.live += size - record.size
                record.size, record.birth = size, len(self.timeline)
        return found

    def _bury(self, key: int) -> None:
        record = self.known.pop(key)
        if record.size:
            self.live -= record.size
            record.death = len(self.timeline)
            self.past.append(record)

    def _split(self, time: int) -> dict[str, int]:
        total = dict.fromkeys(KINDS, 0)
        alive = [r for r in self.known.values() if r.size and r.birth <= time]
        for record in alive + [r for r in self.past if r.birth <= time < r.death]:
            total[record.kind] += record.size
        return total

    def draw(self, axes: Axes | None = None) -> Axes:
        """Draw what lived, by kind, operation after operation, and the budget."""
        axes = plt.subplots(figsize=(6, 3))[1] if axes is None else axes
        splits = [self._split(time).values() for time in range(len(self.timeline))]
        heights = [[n / 2**20 for n in kind] for kind in zip(*splits, strict=True)]
        axes.stackplot(range(len(splits)), heights, labels=KINDS, colors=COLOURS)
        if self.size < float("inf"):
            axes.axhline(self.size / 2**20, color="black", ls="--", label="budget")
        axes.set(title="Live tensors", xlabel="operation", ylabel="MB (2**20 bytes)")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return axes
