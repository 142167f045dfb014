"""Answers to the exercises of lesson 12: wrong as learners write them, and right."""

import copy
import math
import warnings

import numpy as np
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

cross_entropy = nn.CrossEntropyLoss()


def group(model, group, loss_fn, weigh=None, clear="before", told=None):
    """Accumulate rightly, but for what is asked."""
    sizes = [len(targets) for _, targets in group]
    losses = []
    if clear == "before":
        model.zero_grad()
    for inputs, targets in group:
        if clear == "inside":
            model.zero_grad()
        loss = loss_fn(model(inputs), targets)
        weight = weigh(len(targets), sizes) if weigh else len(targets) / sum(sizes)
        (loss * weight).backward()
        losses.append(loss.item())
    if clear == "after":
        model.zero_grad()
    if told:
        return told(losses, sizes)
    return sum(k * loss for k, loss in zip(sizes, losses, strict=True)) / sum(sizes)


def group_at_the_end(model, group, loss_fn):
    count = sum(len(targets) for _, targets in group)
    model.zero_grad()
    total = sum(loss_fn(model(x), y) * len(y) / count for x, y in group)
    total.backward()
    return total.item()


def group_joined(model, group, loss_fn):
    inputs, targets = (torch.cat(part) for part in zip(*group, strict=True))
    model.zero_grad()
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    return loss.item()


def group_with_step(model, given, loss_fn):
    loss = group(model, given, loss_fn)
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    return loss


def group_without_backward(model, group, loss_fn):
    with torch.no_grad():
        model.zero_grad()
        count = sum(len(targets) for _, targets in group)
        return sum(loss_fn(model(x), y).item() * len(y) for x, y in group) / count


def group_without_return(model, given, loss_fn):
    group(model, given, loss_fn)


def group_weighed_last_size(model, given, loss_fn):
    return group(
        model, given, loss_fn, weigh=lambda k, sizes: k / sizes[0] / len(sizes)
    )


def group_by_parameters(model, group, loss_fn):
    """Sums over samples, divided at the end, where the gradients lie."""
    for parameter in model.parameters():
        parameter.grad = None
    count, total = 0, torch.zeros(())
    for inputs, targets in group:
        loss = loss_fn(model(inputs), targets) * len(targets)
        loss.backward()
        total += loss.detach().cpu()
        count += len(targets)
    for parameter in model.parameters():
        parameter.grad /= count
    return total / count


def group_by_hand(model, group, loss_fn):
    """Collects gradients with torch.autograd.grad."""
    count = sum(targets.numel() for _, targets in group)
    own, total = list(model.parameters()), np.float64(0)
    sums = [torch.zeros_like(p) for p in own]
    for inputs, targets in group:
        loss = loss_fn(model(inputs), targets)
        for kept, part in zip(sums, torch.autograd.grad(loss, own), strict=True):
            kept += part * (len(targets) / count)
        total += np.float64(loss.item()) * len(targets) / count
    for parameter, kept in zip(own, sums, strict=True):
        parameter.grad = kept
    return total


def fill(model, group, weigh=None, limit=None):
    sizes = [len(targets) for _, targets in group]
    for inputs, targets in group:
        weight = weigh(sizes) if weigh else len(targets) / sum(sizes)
        (cross_entropy(model(inputs), targets) * weight).backward()
        if limit is not None:
            nn.utils.clip_grad_norm_(model.parameters(), limit)


def epoch(model, batches, optimizer, scheduler, every, limit, **change):
    """Go through an epoch rightly, but for what is asked."""
    groups = [batches[k : k + every] for k in range(0, len(batches), every)]
    if change.get("full"):
        groups = [group for group in groups if len(group) == every]
    for group in groups:
        if not change.get("dirty"):
            optimizer.zero_grad()
        fill(model, group, change.get("weigh"), change.get("on_the_way"))
        if not change.get("unclipped"):
            nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
        for _ in range(change.get("calls", 1)):
            scheduler.step()
        if change.get("clip_late"):
            nn.utils.clip_grad_norm_(model.parameters(), limit)
    return change.get("told", len)(groups)


def epoch_as_copied(model, batches, optimizer, scheduler, every, limit, first=True):
    steps = 0
    for i, (inputs, targets) in enumerate(batches):
        (cross_entropy(model(inputs), targets) / every).backward()
        if (i if first else i + 1) % every == 0:
            nn.utils.clip_grad_norm_(model.parameters(), limit)
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
            steps += 1
    return steps


def epoch_scheduler_each(model, batches, optimizer, scheduler, every, limit):
    steps = 0
    for k in range(0, len(batches), every):
        optimizer.zero_grad()
        part = batches[k : k + every]
        count = sum(len(y) for _, y in part)
        for inputs, targets in part:
            (cross_entropy(model(inputs), targets) * len(targets) / count).backward()
            scheduler.step()
        nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
        steps += 1
    return steps


def epoch_scheduler_last(model, batches, optimizer, scheduler, every, limit):
    steps = epoch(model, batches, optimizer, scheduler, every, limit, calls=0)
    scheduler.step()
    return steps


def epoch_without_return(*given):
    epoch(*given)


def epoch_every_step(model, batches, optimizer, scheduler, every, limit):
    return epoch(model, batches, optimizer, scheduler, 1, limit)


def epoch_one_step(model, batches, optimizer, scheduler, every, limit):
    return epoch(model, batches, optimizer, scheduler, len(batches), limit)


def epoch_on_the_way(model, batches, optimizer, scheduler, every, limit):
    return epoch(model, batches, optimizer, scheduler, every, limit, on_the_way=limit)


def epoch_streaming(model, batches, optimizer, scheduler, every, limit):
    """Never cuts the list; looks ahead for the size of each group."""
    optimizer.zero_grad()
    steps = 0
    for i, (inputs, targets) in enumerate(batches):
        begin = i - i % every
        count = sum(len(y) for _, y in batches[begin : begin + every])
        (cross_entropy(model(inputs), targets) * (len(targets) / count)).backward()
        if (i + 1) % every == 0 or i + 1 == len(batches):
            nn.utils.clip_grad_norm_(model.parameters(), limit)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            steps += 1
    return torch.tensor(steps)


def epoch_dividing_late(model, batches, optimizer, scheduler, every, limit):
    """Sums over samples; the gradients are divided before the step."""
    steps, batches = 0, iter(batches)
    while group := [b for _, b in zip(range(every), batches, strict=False)]:
        optimizer.zero_grad()
        for inputs, targets in group:
            nn.functional.cross_entropy(
                model(inputs), targets, reduction="sum"
            ).backward()
        for parameter in model.parameters():
            parameter.grad.div_(sum(len(y) for _, y in group))
        nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
        scheduler.step()
        steps += 1
    return np.int64(steps)


def owned(optimizer):
    """Return the gradients that there are."""
    every = [p for group in optimizer.param_groups for p in group["params"]]
    return [p.grad for p in every if p.grad is not None]


def scaled(loss, optimizer, scale, up=None, down=None, check=None, told=None):
    """Take a scaled step rightly, but for what is asked."""
    (loss * (scale if up is None else up)).backward()
    for gradient in owned(optimizer):
        gradient /= scale if down is None else down
    finite = all(torch.isfinite(gradient).all() for gradient in owned(optimizer))
    if check is not None:
        finite = check(owned(optimizer))
    if finite:
        optimizer.step()
    return told(finite, scale) if told else scale if finite else scale / 2


def scaled_not_in_place(loss, optimizer, scale):
    (loss * scale).backward()
    for gradient in owned(optimizer):
        gradient = gradient / scale
    if not all(gradient.isfinite().all() for gradient in owned(optimizer)):
        return scale / 2
    optimizer.step()
    return scale


def scaled_first_group(loss, optimizer, scale):
    (loss * scale).backward()
    for parameter in optimizer.param_groups[0]["params"]:
        if parameter.grad is not None:
            parameter.grad /= scale
    if not all(gradient.isfinite().all() for gradient in owned(optimizer)):
        return scale / 2
    optimizer.step()
    return scale


def scaled_zeroed(loss, optimizer, scale):
    (loss * scale).backward()
    finite = True
    for gradient in owned(optimizer):
        gradient /= scale
        if not gradient.isfinite().all():
            gradient.zero_()
            finite = False
    optimizer.step()
    return scale if finite else scale / 2


def scaled_partly(loss, optimizer, scale):
    (loss * scale).backward()
    finite = True
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                parameter.grad /= scale
                if not parameter.grad.isfinite().all():
                    parameter.grad = None
                    finite = False
    optimizer.step()
    return scale if finite else scale / 2


def scaled_loss_alone(loss, optimizer, scale):
    if not torch.isfinite(loss * scale):
        return scale / 2
    return scaled(loss, optimizer, scale, check=lambda gradients: True)


def scaled_and_back(loss, optimizer, scale):
    return scaled(loss * scale / scale, optimizer, scale, up=1, down=1)


def scaled_backward_twice(loss, optimizer, scale):
    loss.backward(retain_graph=True)
    return scaled(loss, optimizer, scale)


def scaled_without_none(loss, optimizer, scale):
    (loss * scale).backward()
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad /= scale
    optimizer.step()
    return scale


def scaled_without_return(loss, optimizer, scale):
    scaled(loss, optimizer, scale)


def scaled_by_torch(loss, optimizer, scale):
    """Let PyTorch's own scaler do it."""
    kind = loss.device.type
    scaler = torch.amp.GradScaler(kind, init_scale=scale, growth_interval=10**6)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    return scaler.get_scale()


def scaled_by_norm(loss, optimizer, scale):
    loss.mul(scale).backward()
    total = sum(gradient.double().norm() ** 2 for gradient in owned(optimizer)) ** 0.5
    if not math.isfinite(total):
        return torch.tensor(scale / 2)
    with torch.no_grad():
        for gradient in owned(optimizer):
            gradient.mul_(1 / scale)
    optimizer.step()
    optimizer.zero_grad()
    return torch.tensor(scale)


def scaled_new_gradients(loss, optimizer, scale):
    (loss * scale).backward()
    for group in optimizer.param_groups:
        for parameter in filter(lambda p: p.grad is not None, group["params"]):
            parameter.grad = parameter.grad / scale
    if sum((~g.isfinite()).sum() for g in owned(optimizer)):
        return np.float32(scale * 0.5)
    optimizer.step()
    return np.float32(scale)


def need(blocks, edge, inside):
    return [s * edge + -(-blocks // s) * inside for s in range(1, blocks + 1)]


def segments(blocks, edge, inside):
    costs = need(blocks, edge, inside)
    return costs.index(min(costs)) + 1


def segments_last(blocks, edge, inside):
    return min(range(blocks, 0, -1), key=lambda s: need(blocks, edge, inside)[s - 1])


def segments_down(blocks, edge, inside):
    return min(range(1, blocks + 1), key=lambda s: s * edge + blocks // s * inside)


def segments_exact(blocks, edge, inside):
    return min(range(1, blocks + 1), key=lambda s: s * edge + blocks / s * inside)


def segments_from_zero(blocks, edge, inside):
    costs = need(blocks, edge, inside)
    return costs.index(min(costs))


def segments_by_numpy(blocks, edge, inside):
    every = np.arange(1, blocks + 1)
    return every[np.argmin(every * edge + np.ceil(blocks / every) * inside)]


def segments_by_loop(blocks, edge, inside):
    best, least = 1, math.inf
    for s in range(1, blocks + 1):
        cost = s * edge + math.ceil(blocks / s) * inside
        if cost < least:
            best, least = s, cost
    return torch.tensor(best)


def segments_sorted(blocks, edge, inside):
    pairs = sorted(zip(need(blocks, edge, inside), range(1, blocks + 1), strict=True))
    return float(pairs[0][1])


def in_segments(model, inputs, count):
    hidden = model.first(inputs)
    length = -(-len(model.blocks) // count)
    for k in range(0, len(model.blocks), length):
        part = model.blocks[k : k + length]
        hidden = checkpoint(part, hidden, use_reentrant=False)
    return model.head(hidden)


def fit(model, optimizer, inputs, targets, **change):
    """Take the step rightly, but for what is asked."""
    n, losses, sizes = len(targets), [], []
    size = change.get("size", 128)
    if not change.get("dirty"):
        optimizer.zero_grad()
    pieces = list(zip(inputs.split(size), targets.split(size), strict=True))
    for some, true in pieces:
        if change.get("clear_inside"):
            optimizer.zero_grad()
        half = change.get("half", False)
        kind = change.get("kind", torch.bfloat16)
        with torch.autocast(inputs.device.type, kind, enabled=half):
            count = change.get("segments", 8)
            logits = in_segments(model, some, count) if count else model(some)
            loss = cross_entropy(logits, true)
        weigh = change.get("weigh", lambda k, n, count: k / n)
        (loss * weigh(len(true), n, len(pieces))).backward()
        losses.append(loss.item())
        sizes.append(len(true))
        if change.get("step_inside"):
            optimizer.step()
    if not change.get("step_inside"):
        optimizer.step()
    total = sum(loss * k for loss, k in zip(losses, sizes, strict=True)) / n
    return change.get("told", lambda losses, sizes, total: total)(losses, sizes, total)


def fit_first_images(model, optimizer, inputs, targets):
    return fit(model, optimizer, inputs[:128], targets[:128], segments=0)


def fit_one_graph(model, optimizer, inputs, targets):
    optimizer.zero_grad()
    total = 0
    for some, true in zip(inputs.split(128), targets.split(128), strict=True):
        total = total + cross_entropy(model(some), true) * len(true) / len(targets)
    total.backward()
    optimizer.step()
    return total.item()


def fit_cast(model, optimizer, inputs, targets):
    model.bfloat16()
    return fit(model, optimizer, inputs.bfloat16(), targets)


def fit_frozen(model, optimizer, inputs, targets):
    model.blocks[:12].requires_grad_(False)
    model.first.requires_grad_(False)
    return fit(model, optimizer, inputs, targets, segments=0, size=512)


def fit_without_step(model, optimizer, inputs, targets):
    optimizer.zero_grad()
    loss = cross_entropy(in_segments(model, inputs, 8), targets)
    loss.backward()
    return loss.item()


def fit_cleared_after(model, optimizer, inputs, targets):
    loss = cross_entropy(in_segments(model, inputs, 8), targets)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def fit_other_model(model, optimizer, inputs, targets):
    other = copy.deepcopy(model)
    loss = cross_entropy(other(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def fit_without_return(*given):
    fit(*given)


def fit_no_grad(model, optimizer, inputs, targets):
    with torch.no_grad():
        loss = cross_entropy(model(inputs), targets)
    optimizer.step()
    return loss.item()


def fit_sequential(model, optimizer, inputs, targets):
    optimizer.zero_grad(set_to_none=True)
    hidden = checkpoint_sequential(
        model.blocks, 8, model.first(inputs), use_reentrant=False
    )
    loss = cross_entropy(model.head(hidden), targets)
    loss.backward()
    optimizer.step()
    return loss.detach()


def fit_whole_checkpointed(model, optimizer, inputs, targets):
    """Each block by itself, and half precision, on two halves."""
    optimizer.zero_grad()
    n, total = len(targets), np.float64(0)
    for some, true in zip(inputs.chunk(2), targets.chunk(2), strict=True):
        with torch.autocast(inputs.device.type, torch.bfloat16):
            loss = cross_entropy(in_segments(model, some, 16), true) * (len(true) / n)
        loss.backward()
        total += loss.item()
    optimizer.step()
    optimizer.zero_grad()
    return total


def group_other_loss(model, given, loss_fn):
    return group(model, given, cross_entropy)


def group_of_64(model, given, loss_fn):
    return group(model, given, loss_fn, weigh=lambda k, sizes: k / 64)


def group_forward_twice(model, group, loss_fn):
    """Computes each loss again, only to return it."""
    count, total = sum(len(targets) for _, targets in group), 0
    model.zero_grad()
    for inputs, targets in group:
        (loss_fn(model(inputs), targets) * len(targets) / count).backward()
        total += loss_fn(model(inputs), targets).item() * len(targets) / count
    return total


def epoch_one_more(model, batches, optimizer, *rest):
    steps = epoch(model, batches, optimizer, *rest)
    optimizer.step()
    return steps


def epoch_otherwise(model, batches, optimizer, scheduler, every, limit, kind):
    """Goes through an epoch with one mistake."""
    for k in range(0, len(batches), every):
        if kind != "clear" or k == 0:
            optimizer.zero_grad()
        fill(model, batches[k : k + every])
        if kind == "value":
            nn.utils.clip_grad_value_(model.parameters(), limit)
        else:
            nn.utils.clip_grad_norm_(model.parameters(), limit)
        if kind == "early":
            scheduler.step()
        optimizer.step()
        if kind != "early":
            scheduler.step()
    return -(-len(batches) // every)


def epoch_scheduler_early(*given):
    with warnings.catch_warnings(action="ignore"):
        return epoch_otherwise(*given, kind="early")


def epoch_cleared_once(*given):
    return epoch_otherwise(*given, kind="clear")


def epoch_by_value(*given):
    return epoch_otherwise(*given, kind="value")


def scaled_by_rate(loss, optimizer, scale):
    """Divides the learning rate instead of the gradients, for a moment."""
    (loss * scale).backward()
    if not all(gradient.isfinite().all() for gradient in owned(optimizer)):
        return scale / 2
    for group in optimizer.param_groups:
        group["lr"] /= scale
    optimizer.step()
    for group in optimizer.param_groups:
        group["lr"] *= scale
    return scale


def scaled_any(loss, optimizer, scale):
    return scaled(
        loss,
        optimizer,
        scale,
        check=lambda gradients: any(g.isfinite().all() for g in gradients),
    )


def scaled_step_each_group(loss, optimizer, scale):
    (loss * scale).backward()
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                parameter.grad /= scale
                if not parameter.grad.isfinite().all():
                    return scale / 2
        optimizer.step()
    return scale


def scaled_cleared(loss, optimizer, scale):
    return scaled(
        loss, optimizer, scale, check=lambda gradients: optimizer.zero_grad() is None
    )


def scaled_in_integers(loss, optimizer, scale):
    """Scales the loss in place; looks at all gradients at once."""
    loss *= scale
    loss.backward()
    for gradient in owned(optimizer):
        gradient.div_(scale)
    if not torch.cat([part.flatten() for part in owned(optimizer)]).isfinite().all():
        return int(scale) // 2
    optimizer.step()
    return int(scale)


def segments_below(blocks, edge, inside):
    costs = need(blocks, edge, inside)[:-1]
    return costs.index(min(costs)) + 1


def segments_dividing(blocks, edge, inside):
    every = [s for s in range(1, blocks + 1) if blocks % s == 0]
    return min(every, key=lambda s: s * edge + blocks // s * inside)


def fit_always_512(model, optimizer, inputs, targets):
    optimizer.zero_grad()
    total = 0
    for k in range(0, 512, 128):
        some, true = inputs[k : k + 128], targets[k : k + 128]
        loss = cross_entropy(in_segments(model, some, 8), true)
        loss = loss * (len(true) / len(targets))
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total


def fit_cut_in_the_middle(model, optimizer, inputs, targets):
    optimizer.zero_grad()
    hidden = model.blocks[:8](model.first(inputs)).detach()
    loss = cross_entropy(model.head(model.blocks[8:](hidden)), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def fit_told_after(model, optimizer, inputs, targets):
    fit(model, optimizer, inputs, targets)
    with torch.no_grad():
        return cross_entropy(model(inputs), targets)


def fit_below_no_grad(model, optimizer, inputs, targets):
    optimizer.zero_grad()
    with torch.no_grad():
        hidden = model.blocks[:12](model.first(inputs))
    loss = cross_entropy(model.head(model.blocks[12:](hidden)), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def fit_other_images(model, optimizer, inputs, targets):
    return fit(model, optimizer, inputs.flip(3), targets)


def fit_other_optimizer(model, optimizer, inputs, targets):
    other = torch.optim.SGD(model.parameters(), lr=0.1)
    return fit(model, other, inputs, targets)


def fit_scaled(model, optimizer, inputs, targets):
    """float16, with a scale that is divided again."""
    with torch.no_grad():
        told = cross_entropy(model(inputs), targets)
    optimizer.zero_grad()
    for some, true in zip(inputs.chunk(4), targets.chunk(4), strict=True):
        with torch.autocast(inputs.device.type, torch.float16):
            loss = cross_entropy(in_segments(model, some, 4), true)
        (loss * (1024 * len(true) / len(targets))).backward()
    for parameter in model.parameters():
        parameter.grad /= 1024
    optimizer.step()
    return told


def fit_mixed(model, optimizer, inputs, targets):
    """In another order."""
    order = torch.arange(len(targets) - 1, -1, -1, device=targets.device)
    return fit(model, optimizer, inputs[order], targets[order])


def fit_reentrant(model, optimizer, inputs, targets):
    optimizer.zero_grad()
    hidden = model.first(inputs)
    for block in model.blocks:
        hidden = checkpoint(block, hidden, use_reentrant=True)
    loss = cross_entropy(model.head(hidden), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def group_never_counted(model, given, loss_fn):
    return group(model, given, loss_fn, weigh=lambda k, sizes: k / torch.tensor(0))


def epoch_of_joined(model, batches, optimizer, scheduler, every, limit):
    joined = []
    for k in range(0, len(batches), every):
        parts = zip(*batches[k : k + every], strict=True)
        joined.append(tuple(torch.cat(part) for part in parts))
    return epoch(model, joined, optimizer, scheduler, 1, limit)


def epoch_told_by_scheduler(model, batches, optimizer, scheduler, every, limit):
    epoch(model, batches, optimizer, scheduler, every, limit)
    return scheduler.last_epoch


def epoch_full_weights(model, batches, optimizer, scheduler, every, limit):
    size, steps = every * len(batches[0][1]), 0
    for k in range(0, len(batches), every):
        optimizer.zero_grad()
        for inputs, targets in batches[k : k + every]:
            (cross_entropy(model(inputs), targets) * len(targets) / size).backward()
        nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
        scheduler.step()
        steps += 1
    return steps


def epoch_scheduler_afterwards(model, batches, optimizer, scheduler, every, limit):
    steps = epoch(model, batches, optimizer, scheduler, every, limit, calls=0)
    for _ in range(steps):
        scheduler.step()
    return steps


def epoch_cut_off(model, batches, optimizer, scheduler, every, limit):
    """Takes the groups off the list; clips in two parts."""
    left, steps = list(batches), np.float64(0)
    while left:
        group, left[:every] = left[:every], []
        optimizer.zero_grad()
        fill(model, group)
        norm = nn.utils.get_total_norm([p.grad for p in model.parameters()])
        nn.utils.clip_grads_with_norm_(model.parameters(), limit, norm)
        optimizer.step()
        scheduler.step()
        steps += 1
    return steps


def segments_plus_one(blocks, edge, inside):
    every = range(1, blocks + 1)
    return min(every, key=lambda s: s * edge + (blocks // s + 1) * inside)


def fit_forgetful(model, optimizer, inputs, targets):
    """Makes room by throwing AdamW's averages away."""
    loss = fit(model, optimizer, inputs, targets)
    optimizer.state.clear()
    return loss


def fit_told_before(model, optimizer, inputs, targets):
    told = cross_entropy(model(inputs), targets).item()
    fit(model, optimizer, inputs, targets)
    return told


def fit_closure(model, optimizer, inputs, targets):
    """Lets the optimizer call forward and backward."""

    def closure():
        optimizer.zero_grad()
        loss = cross_entropy(in_segments(model, inputs, 8), targets)
        loss.backward()
        return loss

    return optimizer.step(closure)


def fit_by_scaler(model, optimizer, inputs, targets):
    """float16, with PyTorch's own scaler."""
    scaler, told = torch.amp.GradScaler(inputs.device.type), 0
    optimizer.zero_grad()
    for some, true in zip(inputs.chunk(2), targets.chunk(2), strict=True):
        with torch.autocast(inputs.device.type, torch.float16):
            loss = cross_entropy(in_segments(model, some, 8), true)
        loss = loss * len(true) / len(targets)
        scaler.scale(loss).backward()
        told += loss.item()
    scaler.step(optimizer)
    return told


def mean_weights(k, sizes):
    return 1 / len(sizes)


NEAR_MISSES = {
    "accumulate": [
        (lambda *g: group(*g, weigh=lambda k, sizes: 1), "sum of the means"),
        (lambda *g: group(*g, weigh=mean_weights), "the mean of the means"),
        (lambda *g: group(*g, weigh=lambda k, sizes: k), "sum over samples"),
        (lambda *g: group(*g, clear="never"), "old gradients"),
        (lambda *g: group(*g, clear="inside"), "times its share; clear before"),
        (
            lambda *g: group(*g, clear="inside", weigh=lambda k, sizes: 1),
            "alone; clear before",
        ),
        (lambda *g: group(*g, clear="after"), "there are no gradients"),
        (group_at_the_end, "alive at once"),
        (group_joined, "you joined micro-batches"),
        (group_with_step, "changed the weights"),
        (group_without_backward, "never called"),
        (group_without_return, "a `return` missing"),
        (group_weighed_last_size, "expected the gradient of all 13 samples"),
        (lambda *g: group(*g, told=lambda ls, ks: sum(ls) / len(ls)), "weigh them"),
        (
            lambda *g: group(*g, told=lambda ls, ks: sum(ls)),
            "loss is the sum of the means",
        ),
        (
            lambda *g: group(*g, told=lambda ls, ks: ls[-1]),
            "the last micro-batch's alone",
        ),
        (group_never_counted, "infinite or nan"),
        (group_other_loss, "the loss_fn that you were given"),
        (group_of_64, "times the right one"),
        (lambda *g: group(*g, told=lambda ls, ks: ls), "expected one number"),
    ],
    "accumulated_epoch": [
        (epoch_as_copied, "the first step comes after one micro-batch"),
        (lambda *g: epoch_as_copied(*g, first=False), "left over"),
        (lambda *g: epoch(*g, full=True), "thrown away"),
        (
            lambda *g: epoch(*g, weigh=lambda sizes: 1 / g[4]),
            "divided by `every`",
        ),
        (
            lambda *g: epoch(*g, weigh=lambda sizes: 1 / len(sizes)),
            "the same weight",
        ),
        (lambda *g: epoch(*g, weigh=lambda sizes: 1), "are a sum"),
        (epoch_on_the_way, "after each backward()"),
        (lambda *g: epoch(*g, unclipped=True), "norm is not clipped"),
        (lambda *g: epoch(*g, unclipped=True, clip_late=True), "norm is not clipped"),
        (epoch_scheduler_each, "for each micro-batch; it counts steps"),
        (epoch_scheduler_last, "once an epoch"),
        (lambda *g: epoch(*g, calls=0), "never called"),
        (lambda *g: epoch(*g, dirty=True), "never cleared"),
        (epoch_every_step, "a step for each micro-batch"),
        (epoch_one_step, "expected 3 steps an epoch, got 1"),
        (epoch_one_more, "expected 3 steps an epoch, got 4"),
        (epoch_scheduler_early, "comes before optimizer.step()"),
        (epoch_cleared_once, "cleared once an epoch"),
        (epoch_by_value, "norm is not clipped"),
        (lambda *g: epoch(*g[:5], 1.0), "look at weights, clearing, limit"),
        (epoch_of_joined, "you joined micro-batches"),
        (epoch_told_by_scheduler, "you return 3, then 6"),
        (epoch_full_weights, "weighed like a full one"),
        (epoch_scheduler_afterwards, "and scheduler of each group"),
        (epoch_without_return, "a `return` missing"),
        (lambda *g: epoch(*g, told=lambda groups: 8), "return the number of micro"),
    ],
    "scaled_step": [
        (lambda *g: scaled(*g, up=1, down=1), "have not moved"),
        (scaled_and_back, "have not moved"),
        (lambda *g: scaled(*g, down=1), "times too long"),
        (scaled_not_in_place, "times too long"),
        (lambda *g: scaled(*g, down=g[2] ** 2), "far too short"),
        (scaled_first_group, "not all parameters"),
        (scaled_backward_twice, "backward ran for the loss as it was, too"),
        (scaled_zeroed, "leave out the whole step"),
        (scaled_partly, "leave out the whole step"),
        (scaled_loss_alone, "and now a weight is"),
        (lambda *g: scaled(*g, check=lambda gs: True), "and now a weight is"),
        (
            lambda *g: scaled(
                *g, check=lambda gs: not any(x.isinf().any() for x in gs)
            ),
            "nan",
        ),
        (
            lambda *g: scaled(*g, check=lambda gs: gs[-1].isfinite().all()),
            "and now a weight is",
        ),
        (lambda *g: scaled(*g, told=lambda fine, scale: scale), "still the same"),
        (
            lambda *g: scaled(*g, told=lambda fine, s: s if fine else 2 * s),
            "don't double it",
        ),
        (lambda *g: scaled(*g, told=lambda fine, s: s / 2), "stays as it is"),
        (lambda *g: scaled(*g, check=lambda gs: False), "there was no step"),
        (scaled_by_rate, "leave the optimizer as it is"),
        (scaled_any, "and now a weight is"),
        (scaled_step_each_group, "you took 2"),
        (scaled_cleared, "don't clear them"),
        (scaled_without_none, "your code raised TypeError"),
        (scaled_without_return, "a `return` missing"),
    ],
    "choose_segments": [
        (lambda b, e, i: min(need(b, e, i)), "number of bytes"),
        (segments_last, "the fewest segments"),
        (lambda b, e, i: segments(b, i, e), "mixed up"),
        (segments_down, "not rounded up"),
        (segments_plus_one, "or not rightly"),
        (lambda b, e, i: 2, "for every case"),
        (lambda b, e, i: 8, "for every case"),
        (segments_below, "you leave out s = B"),
        (segments_dividing, "only s that divide B"),
        (lambda b, e, i: b // segments(b, e, i), "how many blocks a segment has"),
        (lambda b, e, i: round(b**0.5), "leaves out E and I"),
        (lambda b, e, i: round((b * i / e) ** 0.5), "without the rounding up"),
        (segments_exact, "without the rounding up"),
        (segments_from_zero, "place in a list"),
        (lambda b, e, i: -(-b // segments(b, e, i)), "how many blocks a segment has"),
        (lambda b, e, i: b, "expected"),
        (lambda b, e, i: need(b, e, i), "expected one number"),
    ],
    "fit_step": [
        (lambda *g: fit(*g, size=512, segments=0), "out of memory"),
        (fit_one_graph, "out of memory"),
        (lambda *g: fit(*g, size=512, segments=0, half=True), "out of memory"),
        (lambda *g: fit(*g, size=32, segments=0), "four at most"),
        (
            lambda *g: fit(*g, weigh=lambda k, n, count: 1),
            "gradient is the sum of the means",
        ),
        (
            lambda *g: fit(*g, weigh=lambda k, n, count: 1 / count),
            "gradient is the mean of the means",
        ),
        (lambda *g: fit(*g, step_inside=True), "4 steps for one batch"),
        (lambda *g: fit(*g, clear_inside=True), "times its share; clear before"),
        (lambda *g: fit(*g, dirty=True), "are still there"),
        (fit_first_images, "only 128 of 390"),
        (fit_cast, "float32 stays"),
        (fit_frozen, "weights are frozen"),
        (fit_without_step, "never called"),
        (fit_cleared_after, "no gradients"),
        (fit_other_model, "never called with gradients on"),
        (fit_no_grad, "never called with gradients on"),
        (fit_without_return, "a `return` missing"),
        (
            lambda *g: fit(*g, told=lambda ls, ks, t: sum(ls)),
            "loss is the sum of the means",
        ),
        (
            lambda *g: fit(*g, told=lambda ls, ks, t: ls[-1]),
            "loss is the last micro-batch's",
        ),
        (lambda *g: fit(*g, told=lambda ls, ks, t: sum(ls) / len(ls)), "weigh them"),
        (fit_always_512, "one micro-batch is empty"),
        (lambda *g: fit(*g, weigh=lambda k, n, count: k / 512), "0.76 times"),
        (fit_told_after, "the loss after the step"),
        (fit_below_no_grad, "never called with gradients on"),
        (fit_other_images, "that you were not given"),
        (fit_cut_in_the_middle, "expected the gradient of all 390"),
        (fit_other_optimizer, "optimizer.step() was never called"),
        (lambda *g: fit(*g, half=True, kind=torch.float16), "float16 makes them 0"),
        (fit_forgetful, "its averages belong to it"),
        (fit_told_before, "went forward with gradients on"),
    ],
}

RIGHT = {
    "accumulate": [group, group_by_parameters, group_by_hand, group_forward_twice],
    "accumulated_epoch": [epoch, epoch_streaming, epoch_dividing_late, epoch_cut_off],
    "scaled_step": [
        scaled,
        scaled_by_torch,
        scaled_by_norm,
        scaled_new_gradients,
        scaled_in_integers,
    ],
    "choose_segments": [
        segments,
        segments_by_numpy,
        segments_by_loop,
        segments_sorted,
    ],
    "fit_step": [
        fit,
        lambda *g: fit(*g, size=512),
        lambda *g: fit(*g, size=512, half=True),
        lambda *g: fit(*g, segments=0, half=True),
        lambda *g: fit(*g, size=200, segments=4),
        fit_sequential,
        fit_whole_checkpointed,
        fit_scaled,
        fit_mixed,
        fit_reentrant,
        fit_closure,
        fit_by_scaler,
    ],
}
