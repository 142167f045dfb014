"""Wrong and unusual answers to the exercises of lesson 10."""

import os
from pathlib import Path

import numpy as np
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter


def run(writer, epochs, **change):
    """Write a run rightly, but for what `change` says."""
    step, seen = 0, 0
    for epoch, (losses, val_loss) in enumerate(epochs):
        for batch, loss in enumerate(losses):
            step += 1
            place = {"step": step, "epoch": epoch, "batch": batch, "n": len(losses)}
            at = change.get("at", lambda p: p["step"])(place)
            writer.add_scalar(change.get("tag", "loss/training"), loss, at)
        place = {"step": step, "epoch": epoch, "began": seen}
        at = change.get("val_at", lambda p: p["step"])(place)
        writer.add_scalar("loss/validation", val_loss, at)
        seen = step
    return change.get("result", lambda step, epochs: step)(step, epochs)


def run_flat(writer, epochs):
    flat = [(loss, "loss/training") for losses, _ in epochs for loss in losses]
    for step, (loss, tag) in enumerate(flat, start=1):
        writer.add_scalar(tag, loss, step)
    lengths = np.cumsum([len(losses) for losses, _ in epochs])
    for step, (_, val_loss) in zip(lengths, epochs, strict=True):
        writer.add_scalar("loss/validation", val_loss, step)
    return lengths[-1]


def run_and_close(writer, epochs):
    result = torch.tensor(run(writer, epochs))
    writer.close()
    return result


def run_of_sums(writer, epochs):
    for k, (losses, val_loss) in enumerate(epochs):
        before = sum(len(some) for some, _ in epochs[:k])
        for batch, loss in enumerate(losses):
            writer.add_scalar("loss/training", torch.tensor(loss), before + batch + 1)
        writer.add_scalar("loss/validation", val_loss, before + len(losses))
    return float(before + len(losses))


def run_validating_each_batch(writer, epochs):
    step = 0
    for losses, val_loss in epochs:
        for loss in losses:
            step += 1
            writer.add_scalar("loss/training", loss, step)
            writer.add_scalar("loss/validation", val_loss, step)
    return step


def run_of_means(writer, epochs):
    for epoch, (losses, val_loss) in enumerate(epochs, start=1):
        writer.add_scalar("loss/training", sum(losses) / len(losses), epoch)
        writer.add_scalar("loss/validation", val_loss, epoch)
    return epoch


def run_with_scalars(writer, epochs):
    step = 0
    for losses, val_loss in epochs:
        for loss in losses:
            step += 1
            writer.add_scalars("loss", {"training": loss}, step)
        writer.add_scalars("loss", {"validation": val_loss}, step)
    return step


def run_swapped(writer, epochs):
    step = 0
    for losses, val_loss in epochs:
        for loss in losses:
            step += 1
            writer.add_scalar("loss/training", step, loss)
        writer.add_scalar("loss/validation", val_loss, step)
    return step


def run_with_epoch_tag(writer, epochs):
    for epoch, (losses, _) in enumerate(epochs):
        for loss in losses:
            writer.add_scalar("epoch", epoch, 0 * loss)
    return run(writer, epochs)


def run_by_epochs(writer, epochs):
    step = 0
    for losses, val_loss in epochs:
        step += len(losses)
        for loss in losses:
            writer.add_scalar("loss/training", loss, step)
        writer.add_scalar("loss/validation", val_loss, step)
    return step


def run_validation_first(writer, epochs):
    step = 0
    for losses, val_loss in epochs:
        writer.add_scalar("loss/validation", np.float64(val_loss), step + len(losses))
        for k, loss in enumerate(losses, start=1):
            writer.add_scalar("loss/training", np.float32(loss), step + k)
        step += len(losses)
    return step


def run_popping(writer, epochs):
    step = 0
    while epochs:
        losses, val_loss = epochs.pop(0)
        for loss in losses:
            step += 1
            writer.add_scalar("loss/training", loss, step)
        writer.add_scalar("loss/validation", val_loss, step)
    return step


def run_silent(writer, epochs):
    run(writer, epochs)


def read_one(folder, limit=0, reload=True, step=lambda p: p.step):
    events = EventAccumulator(str(folder), size_guidance={"scalars": limit})
    if reload:
        events.Reload()
    found = {}
    for tag in events.Tags()["scalars"]:
        points = events.Scalars(tag)
        found[tag] = [step(p) for p in points], [p.value for p in points]
    return found


def read(project, name=lambda folder: folder.name, **change):
    folders = [entry for entry in Path(project).iterdir() if entry.is_dir()]
    return {name(folder): read_one(folder, **change) for folder in folders}


def read_by_glob(project):
    files = Path(project).glob("*/events.out.tfevents.*")
    return {file.parent.name: read_one(file.parent) for file in files}


def read_as_tensors(project):
    return {
        run: {tag: [torch.tensor(part) for part in pair] for tag, pair in tags.items()}
        for run, tags in read(project).items()
    }


def read_as_arrays(project):
    return {
        run: {tag: tuple(map(np.asarray, pair)) for tag, pair in reversed(tags.items())}
        for run, tags in reversed(read(project).items())
    }


def read_by_listing(project):
    found = {}
    for name in os.listdir(project):
        if os.path.isdir(os.path.join(project, name)):
            events = EventAccumulator(f"{project}/{name}", {"scalars": 0}).Reload()
            found[name] = {
                tag: list(
                    zip(*[(p.step, p.value) for p in events.Scalars(tag)], strict=True)
                )
                for tag in events.Tags()["scalars"]
            }
    return found


def read_from_name(project):
    return {
        run: dict.fromkeys(tags, ([0], [0.0])) for run, tags in read(project).items()
    }


def read_as_floats(project):
    return {
        run: {t: pair[0] + pair[1] for t, pair in tags.items()}
        for run, tags in read(project).items()
    }


def read_with_all_entries(project):
    return {entry.name: read_one(entry) for entry in Path(project).iterdir()}


def read_full_runs(project):
    return {name: tags for name, tags in read(project).items() if tags}


def read_points(project):
    return {
        run: {tag: list(zip(*pair, strict=True)) for tag, pair in tags.items()}
        for run, tags in read(project).items()
    }


def read_values(project):
    return {
        run: {tag: pair[1] for tag, pair in tags.items()}
        for run, tags in read(project).items()
    }


def read_swapped(project):
    return {
        run: {tag: pair[::-1] for tag, pair in tags.items()}
        for run, tags in read(project).items()
    }


def read_counted(project):
    return {
        run: {tag: (list(range(len(v))), v) for tag, (_, v) in tags.items()}
        for run, tags in read(project).items()
    }


def read_by_tag(project):
    found = {}
    for run_name, tags in read(project).items():
        for tag, pair in tags.items():
            found.setdefault(tag, {})[run_name] = pair
    return found


def read_last(project):
    tags = {}
    found = {}
    for folder in sorted(Path(project).iterdir()):
        if folder.is_dir():
            tags.update(read_one(folder))
            found[folder.name] = tags
    return found


def read_fixed_tag(project):
    return {
        run: {tag: pair for tag, pair in tags.items() if tag == "loss/training"}
        for run, tags in read(project).items()
    }


def histograms(writer, model, step, **change):
    """Write histograms rightly, but for what `change` says."""
    weight = change.get("weight", lambda p: p)
    gradient = change.get("gradient", lambda p: p.grad)
    name_of = change.get("name", lambda name: name)
    count = 0
    for name, parameter in model.named_parameters():
        name = name_of(name)
        if change.get("weights", True):
            writer.add_histogram(f"weights/{name}", weight(parameter), step)
            count += 1
        if parameter.grad is not None and change.get("gradients", True):
            tag = change.get("tag", "gradients")
            writer.add_histogram(f"{tag}/{name}", gradient(parameter), step)
            count += 1
    return change.get("result", lambda model, count: count)(model, count)


def histograms_in_two_passes(writer, model, step):
    named = dict(model.named_parameters())
    some = {f"weights/{name}": p.detach().numpy() for name, p in named.items()}
    some |= {f"gradients/{n}": p.grad for n, p in named.items() if p.grad is not None}
    for tag, values in some.items():
        writer.add_histogram(tag, values, global_step=step)
    return np.int64(len(some))


def histograms_of_state(writer, model, step):
    for name, tensor in model.state_dict().items():
        writer.add_histogram("weights/" + name, tensor.flatten(), step, bins="auto")
    with_gradient = [(n, p) for n, p in model.named_parameters() if p.grad is not None]
    for name, parameter in with_gradient:
        writer.add_histogram("gradients/" + name, parameter.grad.double(), step)
    return float(len(model.state_dict()) + len(with_gradient))


def histograms_without_asking(writer, model, step):
    for name, parameter in model.named_parameters():
        writer.add_histogram(f"weights/{name}", parameter, step)
        writer.add_histogram(f"gradients/{name}", parameter.grad, step)
    return 2 * len(list(model.parameters()))


def histograms_skipping_frozen(writer, model, step):
    count = 0
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            continue
        writer.add_histogram(f"weights/{name}", parameter, step)
        writer.add_histogram(f"gradients/{name}", parameter.grad, step)
        count += 2
    return count


def histograms_of_zeros(writer, model, step):
    count = 0
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        gradient = torch.zeros_like(parameter) if gradient is None else gradient
        writer.add_histogram(f"weights/{name}", parameter, step)
        writer.add_histogram(f"gradients/{name}", gradient, step)
        count += 2
    return count


def histograms_and_clear(writer, model, step):
    count = histograms(writer, model, step)
    model.zero_grad()
    return count


def histograms_without_step(writer, model, step):
    return histograms(writer, model, None)


def histograms_twice(writer, model, step):
    histograms(writer, model, step)
    return histograms(writer, model, step)


def histograms_of_first_names(writer, model, step):
    return histograms(writer, model, step, name=lambda name: name.split(".")[-1])


GOOD = {
    "A": "leak",
    "B": "rate too high",
    "C": "rate too low",
    "D": "overfitting",
    "E": "no shuffle",
    "F": "dead ReLU",
}


def swap(first, second):
    return {**GOOD, first: GOOD[second], second: GOOD[first]}


def shares(events, names, of="cpu_time_total", all_of=None, scale=1):
    """Return the shares rightly, but for what is said."""
    times = {e.key: getattr(e, of) for e in events if e.key in names}
    whole = sum(times.values())
    if all_of:
        whole = sum(getattr(e, all_of) for e in events)
    return {name: scale * times[name] / whole for name in names}


def shares_by_numpy(events, names):
    found = {e.key: e.cpu_time_total for e in events}
    times = np.array([found[name] for name in names])
    return dict(zip(names, times / times.sum(), strict=True))


def shares_by_tensor(events, names):
    found = {e.key: e.cpu_time_total for e in events}
    times = torch.tensor([found[n] for n in sorted(names)], dtype=torch.float64)
    return dict(zip(sorted(names), times / times.sum(), strict=True))


def shares_in_loops(events, names):
    total = 0.0
    for entry in events:
        if entry.key in names:
            total += entry.cpu_time_total
    result = {}
    for name in names:
        for entry in events:
            if entry.key == name:
                result[name] = entry.cpu_time_total / total
    return result


def shares_rounded(events, names):
    return {name: round(share, 4) for name, share in shares(events, names).items()}


def shares_by_position(events, names):
    chosen = [e.cpu_time_total for e in events if e.key in names]
    return {n: t / sum(chosen) for n, t in zip(names, chosen, strict=True)}


def shares_in_quarters(events, names):
    return {name: 1 / len(names) for name in names}


def shares_of_everything(events, names):
    total = sum(e.cpu_time_total for e in events)
    return {e.key: e.cpu_time_total / total for e in events}


def shares_of_longest(events, names):
    times = {e.key: e.cpu_time_total for e in events if e.key in names}
    return {name: times[name] / max(times.values()) for name in names}


def times_alone(events, names):
    return {e.key: e.cpu_time_total for e in events if e.key in names}


def shares_without_last(events, names):
    return shares(events, list(names)[:-1])


def run_with_own_writer(writer, epochs):
    with SummaryWriter(writer.log_dir) as another:
        return run(another, epochs)


def run_counting_validation(writer, epochs):
    step = 0
    for losses, val_loss in epochs:
        for loss in losses:
            step += 1
            writer.add_scalar("loss/training", loss, step)
        step += 1
        writer.add_scalar("loss/validation", val_loss, step)
    return step


def run_of_tensors(writer, epochs):
    step = 0
    for losses, val_loss in epochs:
        for loss in losses:
            step += 1
            writer.add_scalar("loss/training", loss, step, new_style=True)
        writer.add_scalar("loss/validation", val_loss, step, new_style=True)
    return step


def read_without_dots(project):
    folders = [entry for entry in Path(project).iterdir() if "." not in entry.name]
    return {folder.name: read_one(folder) for folder in folders if folder.is_dir()}


def run_by_first_length(writer, epochs):
    length = len(epochs[0][0])
    for epoch, (losses, val_loss) in enumerate(epochs):
        for batch, loss in enumerate(losses, start=1):
            writer.add_scalar("loss/training", loss, epoch * length + batch)
        writer.add_scalar("loss/validation", val_loss, (epoch + 1) * length)
    return (epoch + 1) * length


def run_with_text(writer, epochs):
    writer.add_text("note", "the run begins")
    return run(writer, epochs)


def read_one_curve(project):
    return {
        run: {tag: tags["loss/training"] for tag in tags}
        for run, tags in read(project).items()
    }


def shares_sorting(events, names):
    events.sort(key=lambda entry: -entry.cpu_time_total)
    return shares(events, names)


def shares_dividing_in_place(events, names):
    total = sum(e.cpu_time_total for e in events if e.key in names)
    for entry in events[:]:
        if type(entry).__name__ == "SimpleNamespace":
            entry.cpu_time_total /= total
    return shares(events, names)


def shares_removing(events, names):
    for entry in list(events):
        if entry.key not in names:
            events.remove(entry)
    return shares(events, names)


def read_flat(project):
    return {
        f"{r}/{t}": pair
        for r, tags in read(project).items()
        for t, pair in tags.items()
    }


def read_as_tables(project):
    return {
        r: {t: np.array(pair) for t, pair in tags.items()}
        for r, tags in read(project).items()
    }


def histograms_of_numbers(writer, model, step):
    count = 0
    for number, parameter in enumerate(model.parameters()):
        writer.add_histogram(f"weights/{number}", parameter, step)
        count += 1
        if parameter.grad is not None:
            writer.add_histogram(f"gradients/{number}", parameter.grad, step)
            count += 1
    return count


NEAR_MISSES = {
    "write_run": [
        (lambda w, e: run(w, e, at=lambda p: p["batch"]), "starts again"),
        (lambda w, e: run(w, e, at=lambda p: p["batch"] + 1), "starts again"),
        (lambda w, e: run(w, e, at=lambda p: p["step"] - 1), "has step 0"),
        (
            lambda w, e: run(w, e, at=lambda p: p["epoch"] * p["n"] + p["batch"] + 1),
            "keep a counter",
        ),
        (lambda w, e: run(w, e, at=lambda p: None), "every training step is 0"),
        (lambda w, e: run(w, e, tag="train/loss"), "no point has the tag"),
        (lambda w, e: run(w, e, val_at=lambda p: p["epoch"]), "number of the epoch"),
        (
            lambda w, e: run(w, e, val_at=lambda p: p["epoch"] + 1),
            "number of the epoch",
        ),
        (lambda w, e: run(w, e, val_at=lambda p: p["began"]), "its epoch began"),
        (lambda w, e: run(w, e, val_at=lambda p: p["step"] + 1), "one step too late"),
        (run_validating_each_batch, "once an epoch"),
        (run_of_means, "write each batch"),
        (run_with_scalars, "add_scalars makes a run of its own"),
        (run_with_epoch_tag, "two tags are enough"),
        (run_swapped, "loss/training holds"),
        (lambda w, e: run(w, e, result=lambda s, e: len(e)), "return the epochs"),
        (lambda w, e: run(w, e, result=lambda s, e: s + 1), "expected the last step"),
        (run_by_epochs, "all batches of an epoch"),
        (run_popping, "is changed"),
        (run_and_close, "you closed the writer"),
        (run_with_own_writer, "a writer of your own"),
        (run_counting_validation, "validation is not"),
        (run_by_first_length, "keep a counter"),
        (lambda w, e: run(w, e, val_at=lambda p: None), "every validation step is 0"),
        (run_with_text, "two tags are enough"),
        (
            lambda w, e: run(w, e, val_at=lambda p: p["step"] - p["began"]),
            "length of its",
        ),
        (run_silent, "is a `return` missing?"),
    ],
    "read_runs": [
        (lambda p: read(p, reload=False), "Reload() reads the files"),
        (lambda p: read(p, limit=10_000), "keeps no more by default"),
        (lambda p: read(p, name=str), "folder.name"),
        (lambda p: read(p, name=lambda folder: folder), "folder.name"),
        (lambda p: read(p, step=lambda point: point.wall_time), "times of writing"),
        (read_with_all_entries, "keep folders only"),
        (read_without_dots, "may hold a dot"),
        (read_flat, "run and tag are one key"),
        (read_full_runs, "without scalars is missing"),
        (read_points, "those are points"),
        (read_values, "a pair (steps, values)"),
        (read_swapped, "steps come first"),
        (read_counted, "each point knows its step"),
        (read_by_tag, "first comes the run"),
        (read_fixed_tag, "run slow has the tags"),
        (read_last, "you found"),
        (lambda p: list(read(p).items()), "expected a dictionary"),
        (read_from_name, "expected steps"),
        (read_as_floats, "a pair (steps, values)"),
        (read_one_curve, "tag rate holds the curve of run slow, tag loss/training"),
    ],
    "write_histograms": [
        (histograms_without_asking, "your code raised"),
        (histograms_skipping_frozen, "a frozen parameter still has weights"),
        (histograms_of_zeros, "has no gradient, but"),
        (histograms_without_step, "hand it to add_histogram"),
        (histograms_twice, "not once"),
        (histograms_and_clear, "gradients have changed"),
        (histograms_of_first_names, "is missing; you wrote"),
        (histograms_of_numbers, "is missing; you wrote"),
        (lambda *a: histograms(*a, gradient=lambda p: p), "holds the weights"),
        (lambda *a: histograms(*a, weight=lambda p: p.detach().abs()), "its signs"),
        (
            lambda *a: histograms(*a, gradient=lambda p: p.grad.norm()),
            "the whole tensor",
        ),
        (lambda *a: histograms(*a, gradients=False), "no tag begins with gradients/"),
        (lambda *a: histograms(*a, tag="weights"), "no tag begins with gradients/"),
        (lambda *a: histograms(*a, tag="grads"), "gradients/0.bias is missing"),
        (
            lambda *a: histograms(*a, name=lambda n: n.replace(".", "/")),
            "with its dots",
        ),
        (
            lambda *a: histograms(*a, result=lambda m, c: len(list(m.parameters()))),
            "you count the parameters",
        ),
        (lambda *a: histograms(*a, result=lambda m, c: c + 1), "and return"),
    ],
    "diagnosis": [
        (swap("A", "D"), "when a network overfits"),
        (swap("C", "F"), "but this loss does fall"),
        (swap("B", "E"), "would come back in each epoch"),
        (swap("B", "D"), "gets better on the training samples"),
        (swap("A", "E"), "compare the percentage"),
        ({**GOOD, "A": "overfitting", "D": "dead ReLU", "F": "leak"}, "overfits"),
        ({**GOOD, "C": "dead ReLU"}, "each fault occurs once"),
        ({**GOOD, "E": "exploding gradients"}, "copy a key of FAULTS"),
        ({**GOOD, "E": ...}, "still open: E"),
        ({"A": "leak"}, "expected the letters A to F"),
        (swap("E", "F"), "every 15 steps"),
        ("leak", "expected a dictionary"),
    ],
    "time_shares": [
        (times_alone, "those are microseconds"),
        (lambda e, n: shares(e, n, scale=100), "those are percent"),
        (lambda e, n: shares(e, n, of="self_cpu_time_total"), "self time leaves out"),
        (lambda e, n: shares(e, n, all_of="cpu_time_total"), "counts inner time again"),
        (lambda e, n: shares(e, n, all_of="self_cpu_time_total"), "add up to 1"),
        (lambda e, n: shares(e, n, of="cpu_time"), "the time of one call"),
        (lambda e, n: shares(e, n, of="count"), "how often each was called"),
        (shares_of_longest, "divide by the sum"),
        (shares_of_everything, "was not asked for"),
        (shares_without_last, "missing"),
        (shares_by_position, "in the order of the events"),
        (shares_in_quarters, "expected 0.5000"),
        (lambda e, n: list(shares(e, n).values()), "expected a dictionary"),
    ],
}

RIGHT = {
    "write_run": [run, run_flat, run_of_tensors, run_of_sums, run_validation_first],
    "read_runs": [
        read,
        read_by_glob,
        read_as_tensors,
        read_as_arrays,
        read_by_listing,
        read_as_tables,
    ],
    "write_histograms": [histograms, histograms_in_two_passes, histograms_of_state],
    "diagnosis": [
        GOOD,
        {letter.lower(): fault.upper() for letter, fault in reversed(GOOD.items())},
        list(GOOD.items()),
        {**GOOD, "B": "Learning rate too high", "F": "dead", "D": "overfit"},
    ],
    "time_shares": [
        shares,
        shares_by_numpy,
        shares_by_tensor,
        shares_in_loops,
        shares_rounded,
        shares_sorting,
        shares_dividing_in_place,
        shares_removing,
    ],
}
