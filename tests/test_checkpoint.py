import json
import random
import shutil
import statistics
import subprocess
import sys
import time
import warnings
from collections import OrderedDict, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from checkpoint_run import STEPS, Run, Tiny
from course_utils import checkpoint_file, checkpoint_folder
from course_utils.checkpoint import Checkpoints
from course_utils.runtime import seed_everything
from lesson_files import ROOT

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(autouse=True)
def no_unexpected_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def value(step):
    return {"weights": torch.full((1000,), float(step)), "count": step}


def filled(folder, steps=(10, 20, 30), **options):
    checkpoints = Checkpoints(folder, keep_last=len(steps), **options)
    for step in steps:
        checkpoints.save(value(step), step)
    return checkpoints


def data_of(folder, step):
    return Path(folder) / f"step-{step:06d}.pt"


def weights_of(path):
    entry = checkpoint_file.Entry(path, checkpoint_folder.noted(path))
    return checkpoint_folder.read(entry)["state"]["weights"]


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= 4
    path.write_bytes(data)


# --- what is kept -----------------------------------------------------------------


def test_the_newest_and_the_best_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step, metric in enumerate([3.0, 1.0, 4.0, float("nan"), 9.0, None]):
        path = checkpoints.save({"epoch": step}, step, metric)
        assert path == data_of(tmp_path, step) and path.exists()
    ends = (".json", ".pt")
    assert names(tmp_path) == [f"step-{n:06d}{e}" for n in (1, 4, 5) for e in ends]
    assert (checkpoints.latest().step, checkpoints.latest().metric) == (5, None)
    assert (checkpoints.best().step, checkpoints.best().metric) == (1, 1.0)


@pytest.mark.parametrize(("largest", "step"), [(False, 2), (True, 1)])
def test_the_best_is_the_first_of_equals_on_the_side_asked_for(tmp_path, largest, step):
    checkpoints = Checkpoints(tmp_path, keep_last=9, largest=largest)
    for number, metric in enumerate([0.5, 0.9, 0.1, 0.9, 0.1, 0.4]):
        checkpoints.save({}, number, torch.tensor(metric))
    assert checkpoints.best().step == step


def test_an_empty_folder_and_one_without_metrics(tmp_path):
    checkpoints = Checkpoints(tmp_path / "new" / "run")
    assert checkpoints.latest() is None and checkpoints.best() is None
    checkpoints.save({}, 1)
    assert checkpoints.best() is None and checkpoints.latest().step == 1


def test_after_rolling_back_the_newest_is_the_one_saved_last(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (100, 120, 140):
        checkpoints.save({"try": 1}, step, 1.0 / step if step < 140 else 9.0)
    checkpoints.best().restore()
    for step in (130, 140):
        checkpoints.save({"try": 2}, step)
    assert checkpoints.latest().step == 140
    assert checkpoints.latest().state["try"] == 2
    kept = {name for name in names(tmp_path) if name.endswith(".pt")}
    assert kept == {"step-000120.pt", "step-000130.pt", "step-000140-2.pt"}


def test_a_step_saved_again_replaces_nothing(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep_last=3)
    for number in range(3):
        checkpoints.save({"try": number}, step=7)
    kept = {name for name in names(tmp_path) if name.endswith(".pt")}
    assert kept == {"step-000007.pt", "step-000007-2.pt", "step-000007-3.pt"}
    assert checkpoints.latest().state["try"] == 2


def test_a_clock_set_back_changes_nothing(tmp_path, monkeypatch):
    checkpoints = filled(tmp_path, (1, 2))
    monkeypatch.setattr(time, "time_ns", lambda: 10**9)
    checkpoints.save(value(3), 3)
    assert checkpoints.latest().step == 3


def test_the_note_tells_what_is_in_it(tmp_path):
    path = Checkpoints(tmp_path).save({}, step=np.int64(4), metric=np.float32(0.5))
    note = json.loads(path.with_suffix(".json").read_text())
    assert (note["step"], note["metric"]) == (4, 0.5)
    assert note["bytes"] == path.stat().st_size
    assert note["sha256"] == checkpoint_file.sha256_of(path)
    assert note["torch"] == torch.__version__


def test_arguments_that_make_no_sense_are_named(tmp_path):
    with pytest.raises(ValueError, match="keep_last of at least 1, got 0"):
        Checkpoints(tmp_path, keep_last=0)
    with pytest.raises(ValueError, match="a mirror elsewhere"):
        Checkpoints(tmp_path, mirror=str(tmp_path))
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(ValueError, match="a step from 0 on, got -1"):
        checkpoints.save({}, -1)
    with pytest.raises(TypeError):
        checkpoints.save({}, 1.5)
    with pytest.raises(TypeError, match="a dict of names and values"):
        checkpoints.save(nn.Linear(1, 1), 1)
    assert names(tmp_path) == []


# --- what may be saved ------------------------------------------------------------


def test_plain_values_come_back_as_they_were(tmp_path):
    state = {
        "epoch": 3,
        "rate": np.float64(0.5),
        "history": [{"loss": np.float32(0.25), "accuracy": np.int64(1)}],
        "flags": (True, None, np.bool_(False)),
        "text": "a – b",
        "labels": {1: "one", (2, 3): "more", np.int64(4): 5},
        "tensor": torch.arange(3, dtype=torch.int8),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "kinds": [torch.float16, torch.device("cpu"), torch.Size([2])],
        "set": {1, 2},
        "bytes": b"\x00\xff",
        "complex": 1 + 2j,
    }
    for background in (False, True):
        checkpoints = Checkpoints(tmp_path / str(background))
        checkpoints.save(state, 1, background=background)
        back = checkpoints.latest().restore()
        assert torch.equal(back.pop("tensor"), state["tensor"])
        assert torch.equal(back.pop("half"), state["half"])
        expected = {name: state[name] for name in back}
        assert back == expected and list(back) == list(expected)
        assert type(back["rate"]) is float and type(back["flags"][2]) is bool
        assert type(back["history"][0]["accuracy"]) is int


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": np.ones(2)}, r"a cannot be saved.*numpy.ndarray.*torch.from_numpy"),
        ({"a": {"b": [1, Path("x")]}}, r"a\['b'\]\[1\] cannot be saved.*Path"),
        ({"when": datetime(2026, 1, 1)}, "when cannot be saved.*datetime"),
        ({"d": defaultdict(list)}, "d cannot be saved.*defaultdict"),
        ({"g": torch.Generator()}, r"g cannot be saved.*save its get_state\(\)"),
        ({"nets": [nn.Linear(1, 1)]}, r"nets\[0\] cannot.*a name of its own"),
        ({"m": torch.ones(2, device="meta")}, "m cannot be saved.*no values"),
        ({"f": len}, "f cannot be saved.*builtin"),
        ({"long": np.longdouble(1)}, "long cannot be saved.*longdouble"),
        ({"day": np.datetime64("2026-01-01")}, "day cannot be saved.*date"),
        ({"d": {Path("x"): 1}}, "the name in d.*cannot be saved"),
        ({3: 1}, "names that are strings, got 3"),
    ],
)
def test_what_is_not_data_is_refused_by_name_and_nothing_is_written(
    tmp_path, state, message
):
    checkpoints = filled(tmp_path, (1,))
    before = names(tmp_path)
    for background in (False, True):
        with pytest.raises(TypeError, match=message):
            checkpoints.save(state, 2, background=background)
    assert names(tmp_path) == before


def test_a_folder_that_is_gone_is_named(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run")
    (tmp_path / "run").rmdir()
    with pytest.raises(FileNotFoundError, match=r"was the folder deleted\?.*run"):
        checkpoints.save({}, 1)


def test_a_deleted_folder_holds_no_checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run", mirror=tmp_path / "mirror")
    assert checkpoints.latest() is None
    checkpoints.save(value(3), 3)
    shutil.rmtree(tmp_path / "run")
    assert checkpoints.latest().step == 3  # from the mirror


def test_a_numpy_number_inside_a_scheduler_is_no_trouble(tmp_path):
    run = Tiny()
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(run.optimizer)
    plateau.step(np.float64(0.5))
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"scheduler": plateau}, 1)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(Tiny().optimizer)
    checkpoints.latest().restore(scheduler=other)
    assert other.best == 0.5


def test_a_model_keeps_the_version_of_its_state(tmp_path):
    model = nn.BatchNorm1d(3)
    Checkpoints(tmp_path).save({"model": model}, 1)
    saved = Checkpoints(tmp_path).latest().state["model"]
    assert isinstance(saved, OrderedDict)
    assert saved._metadata == model.state_dict()._metadata


# --- restoring --------------------------------------------------------------------


def run_with_checkpoint(folder, steps=3):
    run = Run().train(until=steps)
    checkpoints = Checkpoints(folder)
    checkpoints.save(run.state(), run.step)
    return run, checkpoints.latest()


def test_it_can_be_restored_twice_from_one_checkpoint(tmp_path):
    run, checkpoint = run_with_checkpoint(tmp_path)
    for _ in range(2):
        run.losses = checkpoint.restore(**run.objects())["losses"]
        run.step = checkpoint.step
        run.train()
    assert run.same_as(Run().train())


def test_only_what_is_named_changes(tmp_path):
    run, checkpoint = run_with_checkpoint(tmp_path)
    other = Run(seed=1)
    checkpoint.restore(model=other.model)
    assert torch.equal(other.model[0].weight, run.model[0].weight)
    assert not other.optimizer.state


def test_random_numbers_of_all_three_go_on(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    seed_everything(3)
    random.gauss(0, 1), np.random.randn()
    checkpoints.save({}, 1)
    drawn = [random.random(), random.gauss(0, 1), np.random.randn(), torch.rand(3)]
    seed_everything(4)
    checkpoints.latest().restore()
    again = [random.random(), random.gauss(0, 1), np.random.randn(), torch.rand(3)]
    assert drawn[:3] == again[:3] and torch.equal(drawn[3], again[3])


def other_optimizer(run):
    return {"optimizer": torch.optim.SGD(run.model.parameters(), lr=1.0)}


def fewer_parameters(run):
    return {"optimizer": torch.optim.AdamW(run.model[0].parameters())}


def wider(run):
    return {"model": nn.Sequential(nn.Linear(6, 9), *list(run.model)[1:])}


def wider_optimizer(run):
    return {"optimizer": torch.optim.AdamW(wider(run)["model"].parameters())}


def shorter(run):
    return {"model": run.model[:4]}


def longer(run):
    return {"model": nn.Sequential(*run.model, nn.Linear(3, 3))}


def other_scheduler(run):
    return {"scheduler": torch.optim.lr_scheduler.StepLR(run.optimizer, 1)}


@pytest.mark.parametrize(
    ("strangers", "message"),
    [
        (
            wider,
            r"model: .* another model: 0.weight has shape \(8, 6\) there, \(9, 6\)",
        ),
        (shorter, "model: .* another model: it also has 4.weight, 4.bias"),
        (longer, "model: .* another model: it lacks 5.weight, 5.bias"),
        (other_optimizer, "optimizer: the checkpoint is of AdamW, this is SGD"),
        (fewer_parameters, r"optimizer: .* groups of \[6\] parameters, this \[2\]"),
        (wider_optimizer, r"optimizer: .* parameter 0 has shape \(8, 6\) there"),
        (other_scheduler, "scheduler: the checkpoint is of OneCycleLR, this is StepLR"),
        (lambda run: {"sheduler": run.scheduler}, r"names out of .*, got 'sheduler'"),
        (lambda run: {"losses": run.losses}, "losses was saved as a plain value"),
        (lambda run: {"model": 3}, r"load_state_dict\(\) for model, got int"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_changes(tmp_path, strangers, message):
    _, checkpoint = run_with_checkpoint(tmp_path)
    untouched = Run(seed=1).train()
    run = Run(seed=1).train(until=2)
    with torch.random.fork_rng():
        objects = run.objects() | strangers(run)
    with pytest.raises((ValueError, TypeError), match=message):
        checkpoint.restore(**objects)
    assert run.train().same_as(untouched)


class Moody:
    """Accepts nothing but what it has itself."""

    def __init__(self, mood):
        self.mood = mood

    def state_dict(self):
        return {"mood": self.mood}

    def load_state_dict(self, state):
        if state["mood"] != self.mood:
            raise RuntimeError(f"not in the mood for {state['mood']}")


def test_an_object_that_refuses_at_the_last_moment_puts_all_back(tmp_path):
    run = Run().train(until=2)
    Checkpoints(tmp_path).save(run.state() | {"moody": Moody("good")}, 1)
    untouched = Run(seed=1).train()
    other = Run(seed=1).train(until=3)
    with pytest.raises(ValueError, match="moody: not in the mood for good; nothing"):
        Checkpoints(tmp_path).latest().restore(**other.objects(), moody=Moody("bad"))
    assert other.train().same_as(untouched)


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("cut", [STEPS, STEPS + 2, 2 * STEPS - 1])
def test_a_run_cut_and_resumed_is_the_run_never_cut(tmp_path, cut, background):
    first = Run().train(until=cut)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(first.state(), first.step, background=background)
    first.train(until=cut + 1)  # the copy must not follow
    resumed = Run(seed=7)
    checkpoint = checkpoints.latest()
    resumed.losses = checkpoint.restore(**resumed.objects())["losses"]
    resumed.step = checkpoint.step
    assert resumed.train().same_as(Run().train())


@pytest.mark.slow
@pytest.mark.parametrize("cut", [STEPS, STEPS + 2])
def test_the_same_with_noise_made_in_two_workers(tmp_path, cut):
    first = Run().train(until=cut, workers=2)
    Checkpoints(tmp_path).save(first.state(), first.step)
    resumed = Run(seed=7)
    checkpoint = Checkpoints(tmp_path).latest()
    resumed.losses = checkpoint.restore(**resumed.objects())["losses"]
    resumed.step = checkpoint.step
    assert resumed.train(workers=2).same_as(Run().train(workers=0))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("background", [False, True])
def test_a_run_on_a_gpu_goes_on_there_or_on_the_cpu(tmp_path, background):
    def on_gpu():
        model = nn.Sequential(nn.Linear(4, 4), nn.Dropout()).cuda()
        return model, torch.optim.AdamW(model.parameters())

    def step(model, optimizer):
        inputs = torch.rand(3, 4, device=next(model.parameters()).device)
        model(inputs).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        return model[0].weight.detach().clone()

    model, optimizer = on_gpu()
    step(model, optimizer)
    checkpoints = Checkpoints(tmp_path)
    state = {"model": model, "optimizer": optimizer}
    checkpoints.save(state, 1, background=background)
    expected = step(model, optimizer)
    model, optimizer = on_gpu()
    checkpoints.latest().restore(model=model, optimizer=optimizer)
    assert torch.equal(step(model, optimizer), expected)
    model, _ = on_gpu()
    model.cpu()
    checkpoints.latest().restore(model=model)
    assert model[0].weight.device.type == "cpu"


# --- damage -----------------------------------------------------------------------


def truncated(path):
    path.write_bytes(path.read_bytes()[:-1])


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeroed(path):
    path.write_bytes(bytes(path.stat().st_size))


def emptied(path):
    path.write_bytes(b"")


def made_text(path):
    path.write_text("epoch 3, loss 0.5\n")


def without_note(path):
    path.with_suffix(".json").unlink()


def emptied_note(path):
    path.with_suffix(".json").write_bytes(b"")


def list_as_note(path):
    path.with_suffix(".json").write_text("[1]")


def made_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncated, r"expected \d+ bytes, got \d+"),
        (halved, r"expected \d+ bytes, got \d+"),
        (zeroed, "it is damaged, its hash is not the one noted"),
        (emptied, r"expected \d+ bytes, got 0"),
        (made_text, r"expected \d+ bytes, got 18"),
        (without_note, "the .json with its hash is not there, or not yet"),
        (emptied_note, "the .json beside it is damaged"),
        (list_as_note, "the .json beside it is damaged"),
        (made_folder, r"expected \d+ bytes|directory"),
    ],
)
def test_damage_is_named_and_the_one_before_is_taken(tmp_path, damage, reason):
    checkpoints = filled(tmp_path)
    damage(data_of(tmp_path, 30))
    with pytest.warns(UserWarning, match=rf"step-000030.pt was passed over: {reason}"):
        assert checkpoints.latest().state["count"] == 20
    checkpoints.save(value(40), 40)
    assert data_of(tmp_path, 20).exists() and data_of(tmp_path, 40).exists()


def test_each_flipped_bit_is_found(tmp_path):
    checkpoints = filled(tmp_path, (1, 2))
    path = data_of(tmp_path, 2)
    for end in (".pt", ".json"):
        file = path.with_suffix(end)
        good = file.read_bytes()
        for position in np.random.default_rng(0).integers(0, len(good), 60):
            flip(file, position)
            with pytest.warns(UserWarning, match="damaged"):
                assert checkpoints.latest().state["count"] == 1
            file.write_bytes(good)
    assert checkpoints.latest().state["count"] == 2


def test_when_all_are_damaged_there_is_none(tmp_path):
    checkpoints = filled(tmp_path, (1, 2))
    for step in (1, 2):
        flip(data_of(tmp_path, step), 500)
    with pytest.warns(UserWarning) as said:
        assert checkpoints.latest() is None
    assert len(said) == 2
    assert all(Path(warning.filename) == Path(__file__) for warning in said)


def test_the_next_best_is_taken_when_the_best_is_damaged(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep_last=3)
    for step, metric in enumerate([0.3, 0.2, 0.1]):
        checkpoints.save(value(step), step, metric)
    flip(data_of(tmp_path, 2), 500)
    with pytest.warns(UserWarning, match="step-000002.pt was passed over"):
        assert checkpoints.best().metric == 0.2


def test_a_note_from_another_checkpoint_does_not_vouch(tmp_path):
    checkpoints = filled(tmp_path, (1, 2))
    shutil.copy(tmp_path / "step-000002.json", tmp_path / "step-000001.json")
    with pytest.warns(UserWarning, match="step-000001.pt was passed over"):
        assert checkpoints.latest().state["count"] == 2
    checkpoints.save(value(3), 3)
    assert data_of(tmp_path, 2).exists()


class Stranger:
    """Unpickled, it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (exec, (f"open({str(self.path)!r}, 'w').write('I was here')",))


def with_note(path, step):
    """Write the note that a cunning stranger would write."""
    note = {"step": step, "metric": None, "saved": 2**60, "torch": "2.15.0"}
    note |= {"sha256": checkpoint_file.sha256_of(path), "bytes": path.stat().st_size}
    note = checkpoint_file.checked(note)
    path.with_suffix(".json").write_text(json.dumps(note))


def test_a_strangers_pickle_is_refused_and_its_code_does_not_run(tmp_path):
    trace = tmp_path / "trace"
    run = tmp_path / "run"
    checkpoints = filled(run, (1,))
    path = data_of(run, 2)
    torch.save({"format": 1, "step": 2, "state": Stranger(trace)}, path)
    with_note(path, 2)
    with pytest.warns(UserWarning, match="more than data, and its code was not run"):
        assert checkpoints.latest().step == 1
    assert not trace.exists()
    torch.load(path, weights_only=False)  # it would have
    assert trace.exists()


@pytest.mark.parametrize("content", [{"model": torch.ones(2)}, [1, 2], torch.ones(1)])
def test_a_file_that_torch_saved_but_not_we_is_passed_over(tmp_path, content):
    checkpoints = filled(tmp_path, (1,))
    torch.save(content, data_of(tmp_path, 2))
    with_note(data_of(tmp_path, 2), 2)
    with pytest.warns(UserWarning, match="was not written by this version"):
        assert checkpoints.latest().step == 1


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    for name in ("notes.txt", "model.pt", "step-1.pt", "step-000001-best.pt"):
        (tmp_path / name).write_text("mine")
    checkpoints = filled(tmp_path, (1, 2, 3))
    checkpoints.keep_last = 1
    checkpoints.save(value(4), 4)
    assert checkpoints.latest().step == 4
    assert len(names(tmp_path)) == 4 + 2


def test_what_a_killed_save_left_is_deleted_when_it_is_old(tmp_path, monkeypatch):
    checkpoints = filled(tmp_path, (1, 2))
    for name in ("step-000009.json", "step-000009.tmp", "step-000008.json"):
        (tmp_path / name).touch()
    checkpoints.save(value(3), 3)
    assert "step-000009.tmp" in names(tmp_path)  # perhaps another process writes it
    monkeypatch.setattr(checkpoint_folder, "ABANDONED", 0)
    checkpoints.save(value(4), 4)
    assert {name[:11] for name in names(tmp_path)} == {"step-000003", "step-000004"}


# --- versions of torch ------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.11", "2.15"])
def test_a_checkpoint_of_another_torch_goes_on_the_same(version, tmp_path):
    folder = shutil.copytree(FIXTURES / f"torch-{version}", tmp_path / "copy")
    checkpoint = Checkpoints(folder).latest()
    note = json.loads(checkpoint.path.with_suffix(".json").read_text())
    assert note["torch"].startswith(version) and checkpoint.step == 120
    tiny = Tiny(seed=1)
    rest = checkpoint.restore(**vars(tiny))
    assert rest == {"name": "tiny", "epoch": 1, "rows": [{"loss": 0.5}]}
    drawn = (torch.rand(()), np.random.rand(), random.random())
    seed_everything(8)
    assert drawn == (torch.rand(()), np.random.rand(), random.random())
    # 2 - 0.5 * 0.01 * 2 - 0.5 from the first step, then the same with half the rate.
    assert tiny.model.weight.item() == pytest.approx(1.49)
    assert tiny.optimizer.param_groups[0]["lr"] == 0.25
    tiny.one_step()
    assert tiny.model.weight.item() == pytest.approx(1.49 * (1 - 0.25 * 0.01) - 0.25)


def test_the_fixtures_stay_small():
    sizes = [path.stat().st_size for path in FIXTURES.rglob("*.*") if path.is_file()]
    assert len(sizes) == 4 and max(sizes) < 20_000


# --- in the background ------------------------------------------------------------


def test_a_second_save_waits_for_the_first_and_order_holds(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep_last=20)
    weights = torch.zeros(200_000)
    for step in range(12):
        weights.fill_(step)
        path = checkpoints.save({"weights": weights}, step, background=True)
        assert path == data_of(tmp_path, step)
        weights.fill_(-1)  # what training does meanwhile
    assert checkpoints.latest().step == 11
    for step in range(12):
        assert weights_of(data_of(tmp_path, step)).eq(step).all()


def test_states_of_changing_shape_share_no_memory(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep_last=9)
    shapes = [(3,), (5, 2), (0,), (), (3,)]
    for step, shape in enumerate(shapes):
        pair = torch.full(shape, 1.0), torch.full((2,), 2.0)
        checkpoints.save({"a": pair[0], "b": pair[1]}, step, background=True)
        state = checkpoints.latest().state
        assert state["a"].shape == shape
        assert state["a"].eq(1).all() and state["b"].eq(2).all()


class Fresh:
    """Its state_dict makes a new tensor each time, as many wrappers do."""

    def __init__(self, number):
        self.number = number

    def state_dict(self):
        return {"state": torch.full((5000,), self.number)}

    def load_state_dict(self, state):
        self.number = int(state["state"][0])


def test_states_made_on_the_spot_are_not_taken_for_each_other(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in range(5):
        state = {f"part {k}": Fresh(k) for k in range(6)}
        checkpoints.save(state, step, background=True)
        saved = checkpoints.latest().state
        assert [saved[name]["state"].unique().tolist() for name in state] == [
            [k] for k in range(6)
        ]


def fused_run(seed):
    """A convolution in channels_last under a fused optimizer, five steps on."""
    torch.manual_seed(seed)
    model = nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
    return step_on(model, optimizer, 5)


def step_on(model, optimizer, steps):
    torch.manual_seed(7)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.rand(4, 3, 6, 6)).square().mean().backward()
        optimizer.step()
    return model, optimizer


@pytest.mark.parametrize("background", [False, True])
def test_the_order_in_memory_stays_as_fused_steps_need_it(tmp_path, background):
    model, optimizer = fused_run(0)
    checkpoints = Checkpoints(tmp_path)
    state = {"model": model, "optimizer": optimizer}
    checkpoints.save(state, 5, background=background)
    again, its_optimizer = fused_run(1)
    with pytest.raises(ValueError, match="nothing was changed"):
        checkpoints.save(state | {"moody": Moody("good")}, 6)
        objects = {"model": model, "optimizer": optimizer, "moody": Moody("bad")}
        checkpoints.latest().restore(**objects)
    checkpoints.latest().restore(model=again, optimizer=its_optimizer)
    one, other = (
        step_on(*run, 2)[0] for run in ((model, optimizer), (again, its_optimizer))
    )
    assert torch.equal(one.weight, other.weight)


def test_numbers_under_one_address_are_told_apart(tmp_path):
    numbers, square = torch.tensor([1 + 2j, 3 - 1j]), torch.arange(9.0).view(3, 3)
    state = {"a": numbers, "b": numbers.conj(), "c": square, "d": square.T}
    state |= {"e": torch.view_as_real(numbers)[:, 1], "f": numbers.conj().imag}
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state, 1, background=True)
    saved = checkpoints.latest().state
    assert all(torch.equal(saved[name], state[name]) for name in state)


@contextmanager
def quiet():
    """Let torch say what it thinks of rare kinds of tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Fruit(torch.Tensor):
    pass


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize(
    "stranger",
    [
        lambda: torch.ones(2).as_subclass(Fruit),
        lambda: torch.eye(2).to_sparse_csr(),
        lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
        lambda: nn.LazyLinear(2),
        lambda: b"",
        lambda: 1 << 3000,
    ],
    ids=["subclass", "csr", "nested", "quantized", "lazy", "no bytes", "huge"],
)
def test_what_no_file_gives_back_is_refused_by_name(tmp_path, stranger, background):
    checkpoints = filled(tmp_path, (1, 2))
    with quiet():
        fruit = stranger()
    with pytest.raises(TypeError, match=r"fruit.* cannot be saved: it "):
        checkpoints.save({"fruit": fruit}, 3, background=background)
    assert checkpoints.latest().step == 2


def test_a_sparse_tensor_is_saved_in_the_background_too(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"a": torch.eye(3).to_sparse()}, 1, background=True)
    with quiet():  # torch says that reading a large one takes its time
        saved = checkpoints.latest().state["a"]
    assert torch.equal(saved.to_dense(), torch.eye(3))


def test_an_interrupt_as_the_writer_starts_spoils_nothing(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, keep_last=9)
    submit = ThreadPoolExecutor.submit

    def interrupted(*arguments):
        submit(*arguments)
        raise KeyboardInterrupt

    weights = torch.ones(200_000)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ThreadPoolExecutor, "submit", interrupted)
        checkpoints.save({"weights": weights}, 1, background=True)
    checkpoints.save({"weights": weights * 2}, 2, background=True)
    checkpoints.wait()
    for step in (1, 2):
        assert weights_of(data_of(tmp_path, step)).eq(step).all()


def test_an_interrupted_restore_changes_nothing(tmp_path):
    class Interrupted(Moody):
        def load_state_dict(self, state):
            if state["mood"] != self.mood:
                raise KeyboardInterrupt

    model = nn.Linear(2, 2)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"model": model, "moody": Moody("good")}, 1)
    other = nn.Linear(2, 2)
    before = other.weight.clone()
    with pytest.raises(KeyboardInterrupt):
        checkpoints.latest().restore(model=other, moody=Interrupted("bad"))
    assert torch.equal(other.weight, before)


def test_equal_states_are_different_checkpoints(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run", mirror=tmp_path / "mirror")
    random_before = torch.get_rng_state()
    for step in (1, 2, 3):
        checkpoints.save({"step": step}, step)
    for _ in range(5):  # rolled back to step 1, and saved at once
        torch.set_rng_state(random_before)
        checkpoints.save({"step": 1}, 1)
    assert checkpoints.latest().step == 1
    assert Checkpoints(tmp_path / "new", mirror=tmp_path / "mirror").latest().step == 1
    assert len(list((tmp_path / "run").glob("*.pt"))) == 2


def test_a_relative_folder_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoints = Checkpoints("run")
    checkpoints.save({"a": 1}, 1)
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    checkpoints.save({"a": 2}, 2)
    assert checkpoints.latest().step == 2 and not list((tmp_path / "sub").iterdir())


def test_a_mirror_that_is_the_folder_by_a_link_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "run")
    for mirror in (tmp_path / "link", tmp_path / "x" / ".." / "run"):
        with pytest.raises(ValueError, match="a mirror elsewhere"):
            Checkpoints(tmp_path / "run", mirror=mirror)


def test_views_and_tied_weights_survive_the_copy(tmp_path):
    model = nn.Sequential(nn.Embedding(4, 3), nn.Linear(3, 4, bias=False))
    model[1].weight = model[0].weight
    matrix = torch.arange(12.0).view(3, 4)
    state = {"model": model, "row": matrix[1], "turned": matrix.T}
    checkpoints = Checkpoints(tmp_path)
    with torch.inference_mode():
        checkpoints.save(state, 1, background=True)
    checkpoints.save(state, 2, background=True)
    loaded = checkpoints.latest().state
    assert torch.equal(loaded["turned"], matrix.T)
    assert torch.equal(loaded["row"], matrix[1])
    assert torch.equal(loaded["model"]["1.weight"], model[0].weight)
    tied = [loaded["model"][f"{k}.weight"].data_ptr() for k in (0, 1)]
    assert tied[0] == tied[1]


def test_an_error_in_the_background_comes_once_with_the_next_call(
    tmp_path, monkeypatch
):
    checkpoints = filled(tmp_path, (1,))

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        checkpoints.save(value(2), 2, background=True)
        with pytest.raises(OSError, match="No space left on device: nothing was saved"):
            checkpoints.wait()
    checkpoints.wait()
    assert names(tmp_path) == ["step-000001.json", "step-000001.pt"]
    checkpoints.save(value(2), 2, background=True)
    checkpoints.wait()
    assert checkpoints.latest().step == 2


@pytest.mark.slow
def test_a_program_that_ends_finishes_its_save_and_reports_an_error(tmp_path):
    program = (
        "import sys, torch\n"
        "from course_utils.checkpoint import Checkpoints\n"
        "c = Checkpoints(sys.argv[1])\n"
        "c.save({'x': torch.ones(2_000_000)}, 1, background=True)\n"
        "c.wait()\n"
        "torch.save = None\n"
        "c.save({'x': torch.ones(2_000_000)}, 2, background=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "checkpoint: 'NoneType' object is not callable" in done.stderr
    assert names(tmp_path) == ["step-000001.json", "step-000001.pt"]


def test_the_background_returns_long_before_torch_save_would(tmp_path):
    """Measured: 4 to 25 %. It is a copy in memory, so memory and load decide."""
    state = {f"layer {number}": torch.randn(250_000) for number in range(24)}  # 24 MB
    checkpoints = Checkpoints(tmp_path, keep_last=1)
    plain, ours = [], []
    for step in range(8):
        start = time.perf_counter()
        torch.save(state, tmp_path / "plain")
        plain.append(time.perf_counter() - start)
        start = time.perf_counter()
        checkpoints.save(state, step, background=True)
        ours.append(time.perf_counter() - start)
        checkpoints.wait()
    # The first save takes the memory that the others use again.
    assert statistics.median(ours[1:]) < 0.5 * statistics.median(plain[1:])
