"""Wrong answers to lesson 17 as people write them, and unusual right ones."""

import copy
import hashlib
import json
import math
import random

import numpy as np
import torch

from course_utils.training import modes_restored

# ---------------------------------------------------------------- 17.1


def indices(groups, chosen):
    held = torch.isin(groups, torch.tensor(chosen))
    return (~held).nonzero().flatten().tolist(), held.nonzero().flatten().tolist()


def take(labels, groups, fraction, seed, enough, shuffle=True):
    """Take groups in each class until `enough(taken, groups taken, members, kinds)`."""
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for label in labels.unique():
        members = groups[labels == label]
        kinds, sizes = members.unique(return_counts=True)
        order = torch.randperm(len(kinds), generator=generator)
        taken = count = 0
        for k in order if shuffle else range(len(kinds)):
            if enough(taken, count, len(members), len(kinds)):
                break
            chosen.append(kinds[k].item())
            taken, count = taken + sizes[k].item(), count + 1
    return indices(groups, chosen)


def split_right(labels, groups, fraction, seed):
    return take(labels, groups, fraction, seed, lambda t, c, n, k: t >= fraction * n)


def split_by_cumsum(labels, groups, fraction, seed):
    draw, held = np.random.default_rng(seed), np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        kinds, sizes = np.unique(groups[labels == label], return_counts=True)
        order = draw.permutation(len(kinds))
        before = np.cumsum(sizes[order]) - sizes[order]
        held |= np.isin(groups, kinds[order][before < fraction * sizes.sum()])
    return np.flatnonzero(~held), np.flatnonzero(held)


def split_by_sets(labels, groups, fraction, seed):
    draw, held = random.Random(seed), set()
    pairs = list(zip(labels.tolist(), groups.tolist(), strict=True))
    for label in sorted(set(labels.tolist())):
        kinds = sorted({g for c, g in pairs if c == label})
        draw.shuffle(kinds)
        n = sum(c == label for c, _ in pairs)
        while sum(c == label and g in held for c, g in pairs) < fraction * n:
            held.add(kinds.pop())
    val = {k for k, (_, g) in enumerate(pairs) if g in held}
    return torch.tensor(sorted(set(range(len(pairs))) - val)), torch.tensor(list(val))


def split_images(labels, groups, fraction, seed):
    generator = torch.Generator().manual_seed(seed)
    train, val = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        count = math.ceil(fraction * len(members))
        val += members[:count].tolist()
        train += members[count:].tolist()
    return train, val


def split_not_by_class(labels, groups, fraction, seed):
    kinds = groups.unique()
    generator = torch.Generator().manual_seed(seed)
    kinds = kinds[torch.randperm(len(kinds), generator=generator)]
    chosen = []
    for kind in kinds.tolist():
        if torch.isin(groups, torch.tensor(chosen)).sum() >= fraction * len(groups):
            break
        chosen.append(kind)
    return indices(groups, chosen)


def split_counting_groups(labels, groups, fraction, seed):
    return take(
        labels, groups, fraction, seed, lambda t, c, n, k: c >= round(fraction * k)
    )


def split_one_more(labels, groups, fraction, seed):
    return take(labels, groups, fraction, seed, lambda t, c, n, k: t > fraction * n)


def split_unshuffled(labels, groups, fraction, seed):
    def enough(t, c, n, k):
        return t >= fraction * n

    return take(labels, groups, fraction, seed, enough, shuffle=False)


def split_globally(labels, groups, fraction, seed):
    return split_right(labels, groups, fraction, torch.randint(9999, ()).item())


def split_seeding_globally(labels, groups, fraction, seed):
    torch.manual_seed(seed)
    return split_right(labels, groups, fraction, seed)


def split_swapped(labels, groups, fraction, seed):
    return split_right(labels, groups, fraction, seed)[::-1]


def split_names(labels, groups, fraction, seed):
    return tuple(
        groups[k].unique() for k in split_right(labels, groups, fraction, seed)
    )


def split_masks(labels, groups, fraction, seed):
    held = torch.zeros(len(labels), dtype=torch.bool)
    held[split_right(labels, groups, fraction, seed)[1]] = True
    return ~held, held


def split_two_seeds(labels, groups, fraction, seed):
    return split_right(labels, groups, fraction, seed % 2)


def split_below(labels, groups, fraction, seed):
    held = split_right(labels, groups, fraction, seed)[1]
    last = {c: groups[held][labels[held] == c][-1] for c in labels[held].tolist()}
    held = [k for k in held if groups[k] != last[labels[k].item()]]
    return sorted(set(range(len(labels))) - set(held)), held


def split_val_alone(labels, groups, fraction, seed):
    return split_right(labels, groups, fraction, seed)[1]


def split_train_is_all(labels, groups, fraction, seed):
    return list(range(len(labels))), split_right(labels, groups, fraction, seed)[1]


def split_with(draw_order):
    """Return an answer that orders the groups of a class by `draw_order(kinds)`."""

    def answer(labels, groups, fraction, seed):
        chosen, order = [], draw_order(seed)
        for label in labels.unique():
            own, taken = groups[labels == label], 0
            for kind in order(own.unique().tolist()):
                if taken < fraction * len(own):
                    chosen.append(kind)
                    taken += (own == kind).sum().item()
        return indices(groups, chosen)

    return answer


def by_pythons_global(seed):
    random.seed(seed)
    return lambda kinds: random.sample(kinds, len(kinds))


def by_numpys_global(seed):
    np.random.seed(seed)
    return lambda kinds: np.random.permutation(kinds).tolist()


def by_forgotten_generator(seed):
    torch.Generator().manual_seed(seed)
    return lambda kinds: [kinds[k] for k in torch.randperm(len(kinds))]


def by_a_generator_each(seed):
    def order(kinds):
        generator = torch.Generator().manual_seed(seed)
        return [kinds[k] for k in torch.randperm(len(kinds), generator=generator)]

    return order


def by_a_drawn_start(seed):
    generator = torch.Generator().manual_seed(seed)

    def order(kinds):
        start = torch.randint(len(kinds), (), generator=generator).item()
        return kinds[start:] + kinds[:start]

    return order


def by_turning(seed):
    return lambda kinds: kinds[seed % len(kinds) :] + kinds[: seed % len(kinds)]


def by_one_swap(seed):
    def order(kinds):
        k = random.Random(seed).randrange(len(kinds))
        kinds[0], kinds[k] = kinds[k], kinds[0]
        return kinds

    return order


def split_list_masks(labels, groups, fraction, seed):
    return [part.tolist() for part in split_masks(labels, groups, fraction, seed)]


def split_columns(labels, groups, fraction, seed):
    return [p.nonzero() for p in split_masks(labels, groups, fraction, seed)]


def split_sorting_in_place(labels, groups, fraction, seed):
    groups.copy_(groups.sort().values)
    return split_right(labels, groups, fraction, seed)


def split_with_fork(labels, groups, fraction, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return split_with(by_forgotten_generator)(labels, groups, fraction, seed)


# ---------------------------------------------------------------- 17.2


def train_right(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    for epoch in range(len(losses) + 1, epochs + 1):
        losses.append(one_epoch(run))
        keeper.save(run | {"losses": losses}, step=epoch, metric=losses[-1])
    return losses


def train_by_step(epochs, run, keeper, one_epoch):
    losses, latest = [], keeper.latest()
    if latest is not None:
        losses = latest.restore(**run)["history"]["valid"]
    epoch = latest.step if latest else 0
    while epoch < epochs:
        losses.append(np.float64(one_epoch(run)))
        epoch += 1
        history = {"valid": losses}
        keeper.save({**run, "history": history}, epoch, losses[-1], background=True)
    keeper.wait()
    return torch.tensor(losses, dtype=torch.float64)


def train_recursively(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    if len(losses) >= epochs:
        return losses
    loss = one_epoch(run)
    state = run | {"losses": [*losses, loss]}
    keeper.save(state, step=len(losses) + 1, metric=loss)
    return train_recursively(epochs, run, keeper, one_epoch)


def train_by_states(epochs, run, keeper, one_epoch):
    losses, latest = [], keeper.latest()
    if latest:
        losses = latest.restore()["losses"]
        for name, part in run.items():
            part.load_state_dict(latest.state[name])
    for epoch in range(len(losses), epochs):
        losses.append(one_epoch(run))
        states = {name: part.state_dict() for name, part in run.items()}
        keeper.save(states | {"losses": losses}, step=epoch + 1, metric=losses[-1])
    return losses


def train_from_nothing(epochs, run, keeper, one_epoch):
    losses = []
    for epoch in range(1, epochs + 1):
        losses.append(one_epoch(run))
        keeper.save(run, step=epoch, metric=losses[-1])
    return losses


def train_saving_last(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    for _ in range(len(losses), epochs):
        losses.append(one_epoch(run))
    keeper.save(run | {"losses": losses}, step=epochs, metric=min(losses))
    return losses


def train_saving_at_the_end(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    start = len(losses)
    for _ in range(start, epochs):
        losses.append(one_epoch(run))
    best = min(range(epochs), key=losses.__getitem__) + 1
    for epoch in (best, epochs) if start < epochs else ():
        keeper.save(run | {"losses": losses}, step=epoch, metric=losses[epoch - 1])
    return losses


def train_that_many_more(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    for _ in range(epochs):
        losses.append(one_epoch(run))
        keeper.save(run | {"losses": losses}, step=len(losses), metric=losses[-1])
    return losses


def train_repeating_one(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    for epoch in range(max(len(losses), 1), epochs + 1):
        losses.append(one_epoch(run))
        keeper.save(run | {"losses": losses}, step=epoch, metric=losses[-1])
    return losses


def train_without_metric(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    for epoch in range(len(losses) + 1, epochs + 1):
        losses.append(one_epoch(run))
        keeper.save(run | {"losses": losses}, step=epoch)
    return losses


def train_with(metric=lambda losses: losses[-1], step=0, named=(), first=False):
    """Return an answer that is right but for what the arguments change."""

    def answer(epochs, run, keeper, one_epoch):
        latest, losses = keeper.latest(), []
        if latest:
            losses = latest.restore(**{k: run[k] for k in named or run})["losses"]
        for epoch in range(len(losses) + 1, epochs + 1):
            if first:
                losses.append(math.nan)
                keeper.save(run | {"losses": losses}, step=epoch, metric=epoch == 4)
                losses[-1] = one_epoch(run)
            else:
                losses.append(one_epoch(run))
                state = run | {"losses": losses}
                keeper.save(state, step=epoch + step, metric=metric(losses))
        return losses

    return answer


def train_forgetting_losses(epochs, run, keeper, one_epoch):
    latest, losses = keeper.latest(), []
    if latest:
        latest.restore(**run)
    for epoch in range(latest.step if latest else 0, epochs):
        losses.append(one_epoch(run))
        keeper.save(run, step=epoch + 1, metric=losses[-1])
    return losses


def train_reseeding(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    torch.manual_seed(0)
    for epoch in range(len(losses) + 1, epochs + 1):
        losses.append(one_epoch(run))
        keeper.save(run | {"losses": losses}, step=epoch, metric=losses[-1])
    return losses


def train_stepping_the_scheduler(epochs, run, keeper, one_epoch):
    def one_more(run):
        loss = one_epoch(run)
        run["scheduler"].step()
        return loss

    return train_right(epochs, run, keeper, one_more)


def train_by_scheduler(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else {}
    while (epoch := run["scheduler"].last_epoch) < epochs:
        losses[str(epoch)] = one_epoch(run)
        state = run | {"losses": losses}
        keeper.save(state, step=epoch + 1, metric=losses[str(epoch)])
    return list(losses.values())


def train_from_best(epochs, run, keeper, one_epoch):
    best = keeper.best()
    losses = best.restore(**run)["losses"] if best else []
    for epoch in range(len(losses) + 1, epochs + 1):
        losses.append(one_epoch(run))
        keeper.save(run | {"losses": losses}, step=epoch, metric=losses[-1])
    return losses


def train_ending_with_best(epochs, run, keeper, one_epoch):
    losses = train_right(epochs, run, keeper, one_epoch)
    keeper.best().restore(**run)
    return losses


def train_saving_some(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    for epoch in range(len(losses) + 1, epochs + 1):
        losses.append(one_epoch(run))
        if epoch % 2 == 0:
            keeper.save(run | {"losses": losses}, step=epoch, metric=losses[-1])
    return losses


def train_saving_list_too_early(epochs, run, keeper, one_epoch):
    latest = keeper.latest()
    losses = latest.restore(**run)["losses"] if latest else []
    for epoch in range(latest.step + 1 if latest else 1, epochs + 1):
        loss = one_epoch(run)
        keeper.save(run | {"losses": losses}, step=epoch, metric=loss)
        losses.append(loss)
    return losses


def train_saving_a_start(epochs, run, keeper, one_epoch):
    if keeper.latest() is None:
        keeper.save(run | {"losses": []}, step=0, metric=math.inf)
    return np.array(train_right(epochs, run, keeper, one_epoch))


def train_swallowing(epochs, run, keeper, one_epoch):
    try:
        return train_right(epochs, run, keeper, one_epoch)
    except Exception:
        return []


def train_returning_last(epochs, run, keeper, one_epoch):
    return train_right(epochs, run, keeper, one_epoch)[-1]


# ---------------------------------------------------------------- 17.3


def pass_right(model, loader):
    device = next(model.parameters()).device
    said, truth = [], []
    with modes_restored(model), torch.inference_mode():
        model.eval()
        for inputs, targets in loader:
            said.append(model(inputs.to(device)).argmax(dim=1).cpu())
            truth.append(targets.cpu())
    return torch.cat(said), torch.cat(truth)


@torch.no_grad()
def pass_by_lists(model, loader):
    device, said, truth = next(model.parameters()).device, [], []
    modes = {module: module.training for module in model.modules()}
    model.eval()
    for inputs, targets in loader:
        said += model(inputs.to(device)).max(dim=1).indices.tolist()
        truth += targets.tolist()
    for module, mode in modes.items():
        module.training = mode
    return said, truth


def pass_by_samples(model, loader):
    device, pairs = next(model.parameters()).device, []
    with modes_restored(model), torch.no_grad():
        model.eval()
        for inputs, targets in loader:
            for one, target in zip(inputs, targets, strict=True):
                logits = model(one.unsqueeze(0).to(device))
                pairs.append((logits.argmax().item(), target.item()))
    said, truth = np.array(pairs).T
    return [said, truth]


def pass_with(eval_mode=True, restore=True, grad=False, keep="classes", change=None):
    """Return an answer that is right but for what the arguments change."""

    def answer(model, loader):
        device, said, truth = next(model.parameters()).device, [], []
        modes = {module: module.training for module in model.modules()}
        if eval_mode:
            model.eval()
        with torch.set_grad_enabled(grad):
            for inputs, targets in loader:
                logits = model(inputs.to(device)).detach().cpu()
                classes = {
                    "classes": lambda x: x.argmax(dim=1),
                    "logits": lambda x: x,
                    "smallest": lambda x: x.argmin(dim=1),
                    "floats": lambda x: x.argmax(dim=1).float(),
                }
                said.append(classes[keep](logits))
                truth.append(targets)
        if restore == "train":
            model.train()
        elif restore:
            for module, mode in modes.items():
                module.training = mode
        result = torch.cat(said), torch.cat(truth)
        return change(*result) if change else result

    return answer


def pass_twice(model, loader):
    truth = torch.cat([targets for _, targets in loader])
    return pass_right(model, loader)[0], truth


def pass_full_batches(model, loader):
    size = len(next(iter(loader.targets.split(loader.size))))
    batches = [pair for pair in loader if len(pair[1]) == size]
    return pass_right(model, batches)


def pass_lists_of_batches(model, loader):
    device, said, truth = next(model.parameters()).device, [], []
    with modes_restored(model), torch.no_grad():
        model.eval()
        for inputs, targets in loader:
            said.append(model(inputs.to(device)).argmax(dim=1).tolist())
            truth.append(targets.tolist())
    return [s[0] for s in said], [t[0] for t in truth]


def pass_first_batch(model, loader):
    return pass_right(model, [next(iter(loader))])


def pass_sorted(model, loader):
    said, truth = pass_right(model, loader)
    return said, truth.sort().values


def pass_stacked(model, loader):
    return torch.stack(pass_right(model, loader))


def pass_by_copy(model, loader):
    twin = copy.deepcopy(model).eval()
    said, truth = pass_by_lists(twin, loader)
    return tuple(said), tuple(truth)


def pass_in_one_batch(model, loader):
    device = next(model.parameters()).device
    inputs, targets = map(torch.cat, zip(*loader, strict=True))
    with modes_restored(model), torch.no_grad():
        return model.eval()(inputs.to(device)).argmax(dim=-1).cpu(), targets


# ---------------------------------------------------------------- 17.4


def wilson_right(right, n, z=1.96):
    q = right / n
    middle, half = q + z**2 / (2 * n), math.sqrt(q * (1 - q) / n + z**2 / (4 * n**2))
    return (middle - z * half) / (1 + z**2 / n), (middle + z * half) / (1 + z**2 / n)


def wilson_by_trying(right, n):
    p = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    kept = p[(right / n - p) ** 2 <= 1.96**2 * p * (1 - p) / n]
    return kept.min(), kept.max()


def wilson_by_roots(right, n):
    a = 1.96**2 / n
    return np.sort(np.roots([1 + a, -(2 * right / n + a), (right / n) ** 2]).real)


def wilson_exact_z(right, n):
    return list(wilson_right(right, n, z=1.959964))


def wald(right, n):
    q = right / n
    half = 1.96 * math.sqrt(q * (1 - q) / n)
    return q - half, q + half


def wald_clipped(right, n):
    low, high = wald(right, n)
    return max(low, 0), min(high, 1)


def wilson_undivided(right, n):
    return tuple(end * (1 + 1.96**2 / n) for end in wilson_right(right, n))


def wilson_half(right, n):
    low, high = wilson_right(right, n)
    return (low + high) / 2, (high - low) / 2


def wilson_percent(right, n):
    return tuple(100 * end for end in wilson_right(right, n))


def wilson_backwards(right, n):
    return wilson_right(right, n)[::-1]


def wilson_coarse(right, n):
    p = torch.linspace(0, 1, 101)
    kept = p[(right / n - p) ** 2 <= 1.96**2 * p * (1 - p) / n]
    return kept.min(), kept.max()


def wilson_counts(right, n):
    return tuple(n * end for end in wilson_right(right, n))


def wilson_squared(right, n):
    q, z = right / n, 1.96
    half = (q * (1 - q) / n + z**2 / (4 * n**2)) * z
    middle = q + z**2 / (2 * n)
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


# ---------------------------------------------------------------- 17.5


def card_with(drop=None, refuse=ValueError, **change):
    """Return an answer that is right but for what the arguments change."""

    def make_card(path, data, right, limits):
        if refuse and not limits:
            raise refuse("expected at least one limit, got none")
        hits, n = right.sum().item(), len(right)
        card = {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "data": data,
            "test_samples": n,
            "test_accuracy": hits / n,
            "interval": list(wilson_right(hits, n)),
            "limits": list(limits),
        }
        for name, new in change.items():
            card[name] = new(path, data, right, limits)
        card.pop(drop, None)
        return card

    return make_card


def card_by_stream(path, data, right, limits):
    if len(limits) == 0:
        raise ValueError("no limits")
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    low, high = wilson_by_trying(int(right.sum()), right.numel())
    card = {"limits": limits, "data": data, "sha256": digest, "by": "me"}
    card |= {"interval": (low.item(), high.item()), "test_samples": right.numel()}
    return card | {"test_accuracy": right.double().mean().item()}


def card_through_json(path, data, right, limits):
    card = card_with()(path, data, right, limits)
    return json.loads(json.dumps(card))


def card_not_returned(path, data, right, limits):
    card_with()(path, data, right, limits)


def card_as_text(path, data, right, limits):
    return json.dumps(card_with()(path, data, right, limits))


def of_bytes(data):
    return hashlib.sha256(data).hexdigest()


def card_float32(path, data, right, limits):
    card = card_with()(path, data, right, limits)
    return card | {"test_accuracy": right.float().mean().item()}


NEAR_MISSES = {
    "split_groups": [
        (split_images, "a group is moved as a whole"),
        (split_not_by_class, "of class"),
        (split_counting_groups, "images, not groups"),
        (split_one_more, "stop as soon as"),
        (split_unshuffled, "the same groups of a class"),
        (split_globally, "global random numbers"),
        (split_seeding_globally, "global random numbers"),
        (split_swapped, "the parts are swapped"),
        (split_names, "names of groups"),
        (split_masks, "those are masks"),
        (split_list_masks, "those are masks"),
        (split_columns, "stand in a column"),
        (split_sorting_in_place, "that you were given are changed"),
        (split_with(by_a_drawn_start), "a drawn start or a swap is not enough"),
        (split_with(by_turning), "a drawn start or a swap is not enough"),
        (split_with(by_one_swap), "a drawn start or a swap is not enough"),
        (split_two_seeds, "or nearly"),
        (split_below, "go on until that share"),
        (split_with(by_pythons_global), "global random numbers"),
        (split_with(by_numpys_global), "global random numbers"),
        (split_with(by_forgotten_generator), "global random numbers"),
        (split_val_alone, "return two lists"),
        (split_train_is_all, "is in both parts"),
        (lambda la, g, f, s: split_right(la, g, f, 3), "the same groups of a class"),
    ],
    "train_to": [
        (train_from_nothing, "began again from nothing"),
        (train_saving_last, "best() gives epoch"),
        (train_saving_at_the_end, "left no checkpoint"),
        (train_that_many_more, "count those before"),
        (train_repeating_one, "you trained"),
        (train_without_metric, "no metric was saved"),
        (train_with(metric=lambda losses: -losses[-1]), "is its sign turned"),
        (train_with(step=-1), "the number of epochs done"),
        (train_with(named=("model",)), "the optimizer was not restored"),
        (train_with(named=("model", "optimizer")), "the scheduler was not restored"),
        (train_with(first=True), "older than the last epoch"),
        (train_with(metric=min), "its own validation loss was"),
        (train_saving_list_too_early, "before you save the list"),
        (lambda *a: sorted(train_right(*a)), "in the order of the epochs"),
        (train_forgetting_losses, "those before count too"),
        (train_reseeding, "random numbers"),
        (train_stepping_the_scheduler, "one_epoch does that"),
        (train_from_best, "from latest(), the newest"),
        (train_ending_with_best, "changed the model after its last epoch"),
        (train_saving_some, "older than the last epoch"),
        (train_swallowing, "swallows the error"),
        (train_returning_last, "return the list of validation losses"),
        (lambda e, run, keeper, one: [one(run) for _ in range(e)], "no checkpoint was"),
    ],
    "answers": [
        (pass_twice, "once is the rule"),
        (pass_with(eval_mode=False), "in train mode"),
        (pass_with(restore=False), "give each module its mode back"),
        (pass_with(restore="train"), "modes_restored helps"),
        (pass_with(grad=True), "the graph is recorded"),
        (pass_with(keep="logits"), "those are logits"),
        (pass_with(keep="smallest"), "smallest logit"),
        (pass_with(keep="floats"), "whole numbers"),
        (pass_with(change=lambda said, truth: (said, truth.float())), "targets too"),
        (pass_with(change=lambda said, truth: (truth, said)), "swapped"),
        (pass_with(change=lambda said, truth: said == truth), "two tensors"),
        (pass_with(change=lambda said, truth: said), "two tensors"),
        (pass_full_batches, "smaller batch is missing"),
        (pass_lists_of_batches, "torch.cat joins them"),
        (
            pass_with(change=lambda said, truth: (said.split(6), truth.split(6))),
            "list of batches",
        ),
        (
            pass_with(
                change=lambda said, truth: [
                    [part.tolist() for part in column.split(5)]
                    for column in (said, truth)
                ]
            ),
            "list of batches",
        ),
        (pass_first_batch, "expected two tensors"),
        (pass_sorted, "not those of the pass"),
    ],
    "wilson": [
        (wald, "the spread is that of p"),
        (wald_clipped, "the spread is that of p"),
        (wilson_undivided, "divide both ends"),
        (wilson_half, "not middle and half width"),
        (wilson_percent, "per cent"),
        (wilson_counts, "numbers of answers"),
        (wilson_backwards, "low first"),
        (lambda right, n: wilson_right(right, n, z=2), "for 2 spreads"),
        (lambda right, n: wilson_right(right, n, z=1.645), "for 90 %"),
        (lambda right, n: wilson_right(right, n, z=1), "one spread is not"),
        (lambda right, n: wilson_right(right, n, z=1.4), "1.96 is squared, too"),
        (lambda right, n: right / n, "return two numbers"),
        (lambda right, n: (right / n, right / n), "no width"),
        (wilson_coarse, "expected 0."),
        (wilson_squared, "expected 0."),
    ],
    "make_card": [
        (card_with(drop="limits"), "the card lacks limits"),
        (card_with(drop="interval"), "the card lacks interval"),
        (card_with(refuse=None), "raise a ValueError"),
        (card_with(refuse=TypeError), "not TypeError"),
        (card_with(sha256=lambda p, *_: of_bytes(str(p).encode())), "hashes the name"),
        (
            card_with(sha256=lambda p, *_: of_bytes(p.read_bytes())[:12]),
            "the whole hash",
        ),
        (card_with(sha256=lambda p, *_: hash(p.read_bytes())), "expected sha256"),
        (
            card_with(sha256=lambda p, *_: of_bytes(p.read_text().encode())),
            "UnicodeDecodeError",
        ),
        (
            card_with(test_accuracy=lambda p, d, r, li: 100 * r.double().mean().item()),
            "per cent",
        ),
        (
            card_with(test_accuracy=lambda p, d, r, li: r.float().mean()),
            "no plain number",
        ),
        (
            card_with(test_accuracy=lambda p, d, r, li: r.sum().item()),
            "divide by n",
        ),
        (
            card_with(test_samples=lambda p, d, r, li: r.sum().item()),
            "counts all samples",
        ),
        (
            card_with(interval=lambda p, d, r, li: wald(r.sum().item(), len(r))),
            "the spread is that of p",
        ),
        (
            card_with(
                interval=lambda p, d, r, li: torch.tensor(
                    wilson_right(r.sum().item(), len(r))
                )
            ),
            "no plain number",
        ),
        (
            card_with(
                interval=lambda p, d, r, li: [
                    torch.tensor(x) for x in wilson_right(r.sum().item(), len(r))
                ]
            ),
            "json.dumps refuses",
        ),
        (
            card_with(test_accuracy=lambda p, d, r, li: (~r).double().mean().item()),
            "that is right, not wrong",
        ),
        (
            card_with(
                test_accuracy=lambda p, d, r, li: round(r.double().mean().item(), 2)
            ),
            "not rounded",
        ),
        (
            card_with(test_samples=lambda p, d, r, li: str(len(r))),
            "test_samples: expected a number",
        ),
        (card_with(limits=lambda p, d, r, li: " ".join(li)), "limits: expected"),
        (card_with(data=lambda p, d, r, li: list(d)), "data: expected"),
        (card_as_text, "return a dictionary"),
        (card_not_returned, "is a `return` missing"),
    ],
}

RIGHT = {
    "split_groups": [
        split_right,
        split_by_cumsum,
        split_by_sets,
        split_with_fork,
        split_with(by_a_generator_each),
    ],
    "train_to": [
        train_right,
        train_by_step,
        train_recursively,
        train_by_states,
        train_by_scheduler,
        train_saving_a_start,
    ],
    "answers": [
        pass_right,
        pass_by_lists,
        pass_by_samples,
        pass_with(),
        pass_stacked,
        pass_by_copy,
        pass_in_one_batch,
    ],
    "wilson": [wilson_right, wilson_by_trying, wilson_by_roots, wilson_exact_z],
    "make_card": [
        card_with(),
        card_by_stream,
        card_through_json,
        card_float32,
        card_with(test_accuracy=lambda p, d, r, li: r.numpy().mean()),
    ],
}
