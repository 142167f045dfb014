"""Answers to the exercises of lesson 04: wrong as learners write them, and right."""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def device_of(model):
    return next(model.parameters()).device


def pairs(model, loader):
    for inputs, targets in loader:
        yield inputs.to(device_of(model)), targets.to(device_of(model))


def epoch(
    model, loader, loss_fn, optimizer, leave_out=(), figure="mean", step_first=False
):
    if "train" not in leave_out:
        model.train()
    noted = []
    for inputs, targets in pairs(model, loader):
        if "zero_grad" not in leave_out:
            optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        if step_first:
            optimizer.step()
        if "backward" not in leave_out:
            loss.backward()
        if "step" not in leave_out and not step_first:
            optimizer.step()
        noted.append((loss.item(), len(targets)))
    total, count = sum(a * n for a, n in noted), sum(n for _, n in noted)
    return {
        "mean": total / count,
        "batches": sum(a for a, _ in noted) / len(noted),
        "sum": sum(a for a, _ in noted),
        "total": total,
        "last": noted[-1][0],
        "by batches": total / len(noted),
        "by samples": sum(a for a, _ in noted) / count,
        "count overwritten": total / noted[-1][1],
        "sum overwritten": noted[-1][0] * noted[-1][1] / count,
    }[figure]


def epoch_with(**settings):
    return lambda *args: epoch(*args, **settings)


def epoch_measured_afterwards(model, loader, loss_fn, optimizer):
    epoch(model, loader, loss_fn, optimizer)
    return measured(model, loader, loss_fn)[0]


def epoch_as_tensor(model, loader, loss_fn, optimizer):
    model.train()
    total, count = 0, 0
    for inputs, targets in pairs(model, loader):
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total = total + loss * len(targets)
        count += len(targets)
    return total / count


def epoch_twice(model, loader, loss_fn, optimizer):
    epoch(model, loader, loss_fn, optimizer)
    return epoch(model, loader, loss_fn, optimizer)


def epoch_returning_inside(model, loader, loss_fn, optimizer):
    first = next(iter(loader))
    return epoch(model, [first], loss_fn, optimizer)


def epoch_first_noted(model, loader, loss_fn, optimizer):
    sizes = [len(targets) for _, targets in loader]
    seen = []

    def noting(outputs, targets):
        seen.append(loss_fn(outputs, targets))
        return seen[-1]

    epoch(model, loader, noting, optimizer)
    assert len(sizes) == len(seen)
    return seen[0].item()


def epoch_of_one_step(model, loader, loss_fn, optimizer):
    optimizer.zero_grad()
    model.train()
    noted = []
    for inputs, targets in pairs(model, loader):
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        noted.append(loss.item() * len(targets))
    optimizer.step()
    return sum(noted) / sum(len(targets) for _, targets in loader)


def epoch_stepping_afterwards(model, loader, loss_fn, optimizer):
    result = epoch(model, loader, loss_fn, optimizer, leave_out=["step"])
    optimizer.step()
    return result


def epoch_with_sums(model, loader, loss_fn, optimizer):
    def by_size(outputs, targets):
        return loss_fn(outputs, targets) * len(targets)

    return epoch(model, loader, by_size, optimizer, figure="by samples")


def epoch_of_two_passes(model, loader, loss_fn, optimizer):
    model.train()
    total, count = 0.0, 0
    for inputs, targets in pairs(model, loader):
        optimizer.zero_grad()
        model(inputs)
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
        count += len(targets)
    return total / count


def epoch_by_dataset(model, loader, loss_fn, optimizer):
    total = epoch(model, loader, loss_fn, optimizer, figure="total")
    return total / len(loader.dataset)


def epoch_by_batch_size(model, loader, loss_fn, optimizer):
    total = epoch(model, loader, loss_fn, optimizer, figure="sum") * loader.batch_size
    return total / sum(len(targets) for _, targets in loader)


def epoch_by_full_batches(model, loader, loss_fn, optimizer):
    total = epoch(model, loader, loss_fn, optimizer, figure="total")
    return total / (len(loader) * loader.batch_size)


def epoch_clearing_last(model, loader, loss_fn, optimizer):
    model.train()
    total, count = 0.0, 0
    for inputs, targets in pairs(model, loader):
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item() * len(targets)
        count += len(targets)
    return total / count


def epoch_silent(model, loader, loss_fn, optimizer):
    epoch(model, loader, loss_fn, optimizer)


def epoch_by_model_zero_grad(model, loader, loss_fn, optimizer):
    model.train(True)
    sums = torch.zeros(2, dtype=torch.float64)
    for inputs, targets in pairs(model, loader):
        model.zero_grad(set_to_none=False)
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
        sums += torch.tensor([loss.item() * len(targets), len(targets)])
    return sums[0] / sums[1]


def epoch_by_lists(model, loader, loss_fn, optimizer):
    model.train()
    losses = []
    for inputs, targets in pairs(model, loader):
        loss = loss_fn(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses += [loss.detach().cpu()] * len(targets)
    return torch.stack(losses).mean()


def epoch_by_average(model, loader, loss_fn, optimizer):
    model.train()
    losses, sizes = [], []
    for inputs, targets in pairs(model, loader):
        loss = loss_fn(model(inputs), targets)
        for p in model.parameters():
            p.grad = None
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
        sizes.append(targets.shape[0])
    return np.average(losses, weights=sizes)


def scaled(layer, inputs, mean, variance):
    z = (inputs - mean) / (variance + layer.eps).sqrt()
    return z * layer.weight + layer.bias


def statistics(layer, inputs, unbiased=False):
    if layer.training:
        return inputs.mean(dim=0), inputs.var(dim=0, unbiased=unbiased)
    return layer.running_mean, layer.running_var


def norm_right(layer, inputs):
    return scaled(layer, inputs, *statistics(layer, inputs))


def norm_always_batch(layer, inputs):
    return scaled(layer, inputs, inputs.mean(dim=0), inputs.var(dim=0, unbiased=False))


def norm_always_running(layer, inputs):
    return scaled(layer, inputs, layer.running_mean, layer.running_var)


def norm_turned(layer, inputs):
    training = not layer.training
    used = norm_always_batch if training else norm_always_running
    return used(layer, inputs)


def norm_unbiased(layer, inputs):
    return scaled(layer, inputs, *statistics(layer, inputs, unbiased=True))


def norm_bare(layer, inputs):
    mean, variance = statistics(layer, inputs)
    return (inputs - mean) / (variance + layer.eps).sqrt()


def norm_without_eps(layer, inputs):
    mean, variance = statistics(layer, inputs)
    return (inputs - mean) / variance.sqrt() * layer.weight + layer.bias


def norm_eps_outside(layer, inputs):
    mean, variance = statistics(layer, inputs)
    return (inputs - mean) / (variance.sqrt() + layer.eps) * layer.weight + layer.bias


def norm_without_root(layer, inputs):
    mean, variance = statistics(layer, inputs)
    return (inputs - mean) / (variance + layer.eps) * layer.weight + layer.bias


def norm_all(layer, inputs):
    if not layer.training:
        return norm_right(layer, inputs)
    return scaled(layer, inputs, inputs.mean(), inputs.var(unbiased=False))


def norm_by_sample(layer, inputs):
    if not layer.training:
        return norm_right(layer, inputs)
    mean = inputs.mean(dim=1, keepdim=True)
    return scaled(layer, inputs, mean, inputs.var(dim=1, keepdim=True, unbiased=False))


def norm_with_known_eps(layer, inputs):
    mean, variance = statistics(layer, inputs)
    return (inputs - mean) / (variance + 1e-5).sqrt() * layer.weight + layer.bias


def norm_bias_first(layer, inputs):
    z = (norm_right(layer, inputs) - layer.bias) / layer.weight
    return (z + layer.bias) * layer.weight


def norm_running_half(layer, inputs):
    mean, variance = statistics(layer, inputs)
    return scaled(layer, inputs, mean, 0.9 * layer.running_var + 0.1 * variance)


def norm_calling(layer, inputs):
    return layer(inputs)


def norm_in_place(layer, inputs):
    mean, variance = statistics(layer, inputs)
    inputs -= mean
    return inputs / (variance + layer.eps).sqrt() * layer.weight + layer.bias


def norm_switching(layer, inputs):
    result = norm_right(layer, inputs)
    layer.eval()
    return result


def norm_by_copy(layer, inputs):
    return copy.deepcopy(layer)(inputs)


def norm_by_function(layer, inputs):
    mean, variance = statistics(layer, inputs)
    return nn.functional.batch_norm(
        inputs, mean, variance, layer.weight, layer.bias, eps=layer.eps
    )


def norm_by_restoring(layer, inputs):
    kept = copy.deepcopy(layer.state_dict())
    result = layer(inputs)
    layer.load_state_dict(kept)
    return result


def norm_in_doubles(layer, inputs):
    return norm_right(layer, inputs.double())


def norm_by_columns(layer, inputs):
    mean, variance = statistics(layer, inputs)
    columns = []
    for c in range(inputs.shape[1]):
        z = (inputs[:, c] - mean[c]) * (variance[c] + layer.eps) ** -0.5
        columns.append(z * layer.weight[c] + layer.bias[c])
    return torch.stack(columns, dim=1)


def measured(
    model, loader, loss_fn, mode=True, quiet=True, restore="each", figure=None
):
    modes = [(module, module.training) for module in model.modules()]
    if mode:
        model.eval()
    noted = []
    with torch.set_grad_enabled(not quiet):
        for inputs, targets in pairs(model, loader):
            logits = model(inputs)
            right = (logits.argmax(dim=1) == targets).sum().item()
            noted.append((loss_fn(logits, targets).item(), right, len(targets)))
    if restore == "train":
        model.train()
    if restore == "each":
        for module, training in modes:
            module.training = training
    n = sum(size for *_, size in noted)
    loss = sum(a * size for a, _, size in noted) / n
    share = sum(right for _, right, _ in noted) / n
    return figure(loss, share, noted) if figure else (loss, share)


def measured_with(**settings):
    return lambda *args: measured(*args, **settings)


def measure_top_only(model, loader, loss_fn):
    was_training = model.training
    result = measured(model, loader, loss_fn, restore="none")
    model.train(was_training)
    return result


def measure_children_only(model, loader, loss_fn):
    modes = {child: child.training for child in model.children()}
    result = measure_top_only(model, loader, loss_fn)
    for child, training in modes.items():
        child.train(training)
    return result


def measure_restoring_a_list(model, loader, loss_fn):
    quiet = [module for module in model.modules() if not module.training]
    result = measured(model, loader, loss_fn, restore="none")
    model.train()
    for module in quiet:
        module.eval()
    return result


def measure_restoring_backwards(model, loader, loss_fn):
    modes = [(module, module.training) for module in model.modules()]
    result = measured(model, loader, loss_fn, restore="none")
    for module, training in reversed(modes):
        module.train(training)
    return result


def measure_restoring_by_name(model, loader, loss_fn):
    modes = {name: module.training for name, module in model.named_modules()}
    try:
        return measured(model, loader, loss_fn, restore="none")
    finally:
        for name, module in model.named_modules():
            module.train(modes[name])  # a part comes after what holds it


def losses_only(noted):
    return [loss for loss, *_ in noted]


def measure_frozen(model, loader, loss_fn):
    model.requires_grad_(False)
    return measured(model, loader, loss_fn)


def measure_by_forward(model, loader, loss_fn):
    return np.array(measured(model, loader, loss_fn))


def measure_by_cat(model, loader, loss_fn):
    modes = {module: module.training for module in model.modules()}
    with torch.inference_mode():
        parts = [(model.eval()(x), y) for x, y in pairs(model, loader)]
    for module in modes:
        module.training = modes[module]
    logits, targets = map(torch.cat, zip(*parts, strict=True))
    right = (logits.argmax(dim=1) == targets).double()
    return torch.stack([loss_fn(logits, targets).double(), right.mean()])


@torch.no_grad()
def measure_on_a_copy(model, loader, loss_fn):
    twin = copy.deepcopy(model).eval()
    loss, share = 0.0, 0.0
    n = sum(len(targets) for _, targets in loader)
    for inputs, targets in pairs(twin, loader):
        logits = twin(inputs)
        loss += loss_fn(logits, targets) * len(targets) / n
        share += (logits.argmax(1) == targets).sum() / n
    return [loss, share]


def measure_learning(model, loader, loss_fn):
    result = measured(model, loader, loss_fn)
    with torch.no_grad():
        next(model.parameters()).sub_(0.1)
    return result


def measure_clearing(model, loader, loss_fn):
    model.zero_grad()
    return measured(model, loader, loss_fn)


def shares_of(logits):
    return logits.softmax(dim=1)[0]


def read(model, image, scale=16, mode=True, use=shares_of):
    if mode:
        model.eval()
    batch = (image.float() / scale).reshape(1, 1, 8, 8)
    with torch.no_grad():
        values = use(model(batch.to(device_of(model))))
    return values.argmax().item(), values.max().item()


def read_with(**settings):
    return lambda model, image: read(model, image, **settings)


def read_in_shape(*shape):
    """Return a reader that hands the model one image of another shape."""

    def reading(model, image):
        batch = image.reshape(shape).to(device_of(model)) / 16
        shares = shares_of(model.eval()(batch))
        return shares.argmax(), shares.max()

    return reading


def read_wrong_dim(model, image):
    return read(model, image, use=lambda logits: logits.softmax(dim=0)[0])


def read_number_two(model, image):
    digit, probability = read(model, image)
    return (digit + 1) % 10, probability


def read_by_own_ink(model, image):
    return read(model, image, scale=image.max())


def read_in_doubles(model, image):
    model.double().eval()
    batch = image.double()[None, None].to(device_of(model)) / 16
    shares = shares_of(model(batch))
    return shares.argmax(), shares.max()


def read_in_place(model, image):
    result = read(model, image)
    image //= 16
    return result


def read_by_topk(model, image):
    model.train(False)
    x = torch.stack([image]).unsqueeze(1).double() / 16
    best = model(x.float().to(device_of(model))).softmax(-1).topk(1)
    return best.indices[0], best.values[0]


def read_by_hand(model, image):
    logits = copy.deepcopy(model).eval()((image / 16)[None, None].to(device_of(model)))
    powers = (logits - logits.max()).exp()
    return [logits.argmax(), powers.max() / powers.sum()]


def read_as_array(model, image):
    digit, probability = read(model, image)
    return torch.tensor(digit).numpy(), torch.tensor(probability).numpy()


def read_as_pair(model, image):
    return torch.tensor(read(model, image))


class Reader(nn.Module):
    """The printed solution; `summary` is what a mistake replaces."""

    def __init__(self, words, size=32):
        super().__init__()
        self.embedding = nn.Embedding(words, size)
        self.lstm = nn.LSTM(size, size, batch_first=True)
        self.head = nn.Linear(size, 2)

    def packed(self, ids):
        lengths = (ids != 0).sum(dim=1).cpu()
        return pack_padded_sequence(
            self.embedding(ids), lengths, batch_first=True, enforce_sorted=False
        )

    def forward(self, ids):
        return self.head(self.summary(ids))

    def summary(self, ids):
        return self.lstm(self.packed(ids))[1][0][0]


class ReaderThrough(Reader):
    def summary(self, ids):
        return self.lstm(self.embedding(ids))[1][0][0]


class ReaderLastPlace(Reader):
    def summary(self, ids):
        return self.lstm(self.embedding(ids))[0][:, -1]


class ReaderToFirstZero(Reader):
    def summary(self, ids):
        lengths = (ids == 0).int().argmax(dim=1).cpu()
        packed = pack_padded_sequence(
            self.embedding(ids), lengths, batch_first=True, enforce_sorted=False
        )
        return self.lstm(packed)[1][0][0]


class ReaderSoftmax(Reader):
    def forward(self, ids):
        return super().forward(ids).softmax(dim=1)


class ReaderInDoubles(Reader):
    def forward(self, ids):
        return super().forward(ids).double()


class ReaderMean(Reader):
    def summary(self, ids):
        outputs, lengths = pad_packed_sequence(
            self.lstm(self.packed(ids))[0], batch_first=True
        )
        return outputs.sum(dim=1) / lengths.unsqueeze(1).to(outputs)


class ReaderUnpacked(Reader):
    def summary(self, ids):
        outputs, _ = self.lstm(self.packed(ids))
        return pad_packed_sequence(outputs, batch_first=True)[0][:, -1]


class ReaderSorted(Reader):
    def summary(self, ids):
        lengths = (ids != 0).sum(dim=1).cpu()
        order = lengths.argsort(descending=True)
        packed = pack_padded_sequence(
            self.embedding(ids[order]), lengths[order], batch_first=True
        )
        return self.lstm(packed)[1][0][0]


class ReaderRectified(Reader):
    def summary(self, ids):
        return super().summary(ids).relu()


class ReaderWithoutChain(Reader):
    @torch.no_grad()
    def forward(self, ids):
        return super().forward(ids)


class ReaderMeanOfAll(Reader):
    def summary(self, ids):
        return self.lstm(self.embedding(ids))[0].mean(dim=1)


class ReaderCell(Reader):
    def summary(self, ids):
        return self.lstm(self.packed(ids))[1][1][0]


class ReaderOneLayerMore(Reader):
    def summary(self, ids):
        return self.lstm(self.packed(ids))[1][0]


class ReaderEveryWord(Reader):
    def summary(self, ids):
        return self.lstm(self.embedding(ids))[0]


class ReaderFirst(Reader):
    def summary(self, ids):
        return self.lstm(self.embedding(ids))[0][:, 0]


class ReaderSqueezed(Reader):
    def summary(self, ids):
        return self.lstm(self.packed(ids))[1][0].squeeze()


class ReaderDetached(Reader):
    def summary(self, ids):
        return super().summary(ids).detach()


class ReaderSilent(Reader):
    def forward(self, ids):
        self.head(self.summary(ids))


class ReaderRenamed(nn.Module):
    def __init__(self, words, size=32):
        super().__init__()
        self.inner = Reader(words, size)

    def forward(self, ids):
        return self.inner(ids)


class ReaderByIndex(Reader):
    def summary(self, ids):
        outputs, _ = self.lstm(self.embedding(ids))
        last = (ids != 0).sum(dim=1) - 1
        return outputs[torch.arange(len(ids), device=ids.device), last]


class ReaderByMask(Reader):
    def summary(self, ids):
        outputs, lengths = pad_packed_sequence(
            self.lstm(self.packed(ids))[0], batch_first=True
        )
        places = torch.arange(ids.shape[1]).expand(ids.shape)
        last = (places == lengths.unsqueeze(1) - 1).to(ids.device)
        return (outputs * last.unsqueeze(2)).sum(dim=1)


class ReaderStepByStep(Reader):
    def summary(self, ids):
        pair, states = None, []
        for words in self.embedding(ids).split(1, dim=1):
            _, pair = self.lstm(words, pair)
            states.append(pair[0][0])
        last = (ids != 0).sum(dim=1) - 1
        return torch.stack(states)[last, torch.arange(len(ids), device=ids.device)]


class ReaderByLoop(Reader):
    def forward(self, ids):
        rows = [row[row != 0] for row in ids]
        return torch.cat(
            [self.head(self.lstm(self.embedding(row)[None])[1][0][0]) for row in rows]
        )


class ReaderBySorting(Reader):
    def summary(self, ids):
        lengths = (ids != 0).sum(dim=1)
        order = lengths.argsort(descending=True)
        packed = pack_padded_sequence(
            self.embedding(ids[order]), lengths[order].cpu(), batch_first=True
        )
        return self.lstm(packed)[1][0][-1][order.argsort()]


NEAR_MISSES = {
    "train_epoch": [
        (epoch_with(figure="batches"), "every batch has the same weight"),
        (epoch_with(figure="sum"), "the sum of the batches' losses"),
        (epoch_with(figure="total"), "divide by their number"),
        (epoch_with(figure="last"), "last batch alone"),
        (epoch_with(figure="by batches"), "number of batches"),
        (epoch_with(figure="by samples"), "already a mean"),
        (epoch_with(leave_out=["zero_grad"]), "before each backward"),
        (epoch_with(leave_out=["step"]), "have not moved at all"),
        (epoch_with(leave_out=["backward"]), "have not moved at all"),
        (epoch_with(step_first=True), "have not moved at all"),
        (epoch_with(leave_out=["train"]), "call model.train() first"),
        (epoch_clearing_last, "the first one too"),
        (epoch_measured_afterwards, "before its step"),
        (epoch_of_one_step, "one step for the whole epoch"),
        (epoch_of_two_passes, "one forward pass each"),
        (epoch_by_dataset, "drop_last leaves out"),
        (epoch_by_batch_size, "smaller than batch_size"),
        (epoch_as_tensor, "with its chain"),
        (epoch_twice, "once for each batch"),
        (epoch_first_noted, "is the return inside the loop?"),
        (epoch_returning_inside, "is the return inside the loop?"),
        (epoch_stepping_afterwards, "gradients of the last batch"),
        (epoch_with_sums, "once for each batch"),
        (epoch_by_full_batches, "not every batch has batch_size"),
        (epoch_with(figure="count overwritten"), "count += len(targets)"),
        (epoch_with(figure="sum overwritten"), "in the sum of the losses: +="),
        (epoch_silent, "is a `return` missing?"),
    ],
    "normalise": [
        (norm_always_batch, "in eval mode you use the statistics of the other"),
        (norm_always_running, "in train mode you use the statistics of the other"),
        (norm_turned, "in train mode you use the statistics of the other"),
        (norm_unbiased, "unbiased=False"),
        (norm_bare, "weight and bias are missing"),
        (norm_without_eps, "eps is missing"),
        (norm_eps_outside, "outside the root"),
        (norm_without_root, "not by the variance"),
        (norm_all, "each has its own"),
        (norm_by_sample, "each feature has its mean: dim=0"),
        (norm_with_known_eps, "layer.eps"),
        (norm_bias_first, "first times weight"),
        (lambda n, x: norm_right(n, x) - n.bias, "bias is missing"),
        (lambda n, x: norm_bare(n, x) + n.bias, "weight is missing"),
        (norm_running_half, "in train mode expected"),
        (norm_calling, "have moved"),
        (norm_in_place, "don't write into them"),
        (norm_switching, "in another mode"),
    ],
    "measure": [
        (measured_with(mode=False), "measured in train mode"),
        (measured_with(quiet=False), "notes for backward"),
        (measured_with(restore="train"), "every module is in train mode"),
        (measured_with(restore="none"), "every module is in eval mode"),
        (measure_restoring_a_list, "every module is in eval mode"),
        (measure_restoring_backwards, "every module is in train mode"),
        (measure_top_only, "every module is in train mode"),
        (measure_children_only, "every module is in train mode"),
        (measure_frozen, "no longer want gradients"),
        (lambda m, b, f: (0.5, 0.5), "never asked"),
        (lambda m, b, f: torch.set_grad_enabled(False), "switched off for everything"),
        (measured_with(figure=lambda a, s, noted: (s, a)), "first the loss"),
        (
            measured_with(
                figure=lambda a, s, noted: (sum(x for x, *_ in noted) / len(noted), s)
            ),
            "every batch has the same weight in that mean",
        ),
        (
            measured_with(
                figure=lambda a, s, noted: (
                    a,
                    sum(right / n for _, right, n in noted) / len(noted),
                )
            ),
            "your accuracy gives every batch",
        ),
        (measured_with(figure=lambda a, s, noted: (a, 100 * s)), "not a percentage"),
        (
            measured_with(figure=lambda a, s, noted: (a, sum(r for _, r, _ in noted))),
            "number of right answers",
        ),
        (
            measured_with(
                figure=lambda a, s, noted: (a * sum(n for *_, n in noted), s)
            ),
            "the sum over samples",
        ),
        (measured_with(figure=lambda a, s, noted: (a, 1 - s)), "share of wrong"),
        (
            measured_with(figure=lambda a, s, noted: (sum(losses_only(noted)), s)),
            "the sum of the batches' losses",
        ),
        (
            measured_with(figure=lambda a, s, noted: (losses_only(noted)[0], s)),
            "is the return inside the loop?",
        ),
        (
            measured_with(
                figure=lambda a, s, noted: (a, sum(r for _, r, _ in noted) / len(noted))
            ),
            "not of batches",
        ),
        (measured_with(figure=lambda a, s, noted: s), "return two numbers"),
        (measure_learning, "has changed the model"),
        (measure_clearing, "gradients have changed"),
        (
            lambda m, b, f: measured(m, b, nn.CrossEntropyLoss()),
            "expected a mean loss",
        ),
    ],
    "read_image": [
        (read_with(scale=1), "forgot the scale"),
        (read_with(scale=255), "for photographs"),
        (read_with(mode=False), "read in train mode"),
        (lambda m, i: read(m, i.T), "look at scale"),
        (read_in_shape(1, 8, 8), "not (1, 8, 8)"),
        (read_in_shape(1, 64), "not (1, 64)"),
        (read_by_own_ink, "the darkest place"),
        (read_in_doubles, "reading has changed the model"),
        (lambda m, i: read(m, i // 16, scale=1), "divide with /"),
        (lambda m, i: (read(m, i)[0], 100 * read(m, i)[1]), "not a percentage"),
        (read_wrong_dim, "a probability of 1"),
        (read_with(use=lambda logits: logits[0]), "that is a logit"),
        (read_with(use=lambda logits: logits[0].sigmoid()), "sigmoid looks at"),
        (lambda m, i: read(m, i)[::-1], "first the digit"),
        (lambda m, i: read(m, i)[0], "return two things"),
        (lambda m, i: (read(m, i)[0], torch.rand(10)), "got shape (10,)"),
        (read_number_two, "the digit should be"),
        (read_in_place, "don't write into it"),
        (lambda m, i: (i.sum().item() % 10, 0.5), "never asked"),
        (lambda m, i: m(i), "your code raised"),
    ],
    "text_reader": [
        (ReaderThrough, "through the padding"),
        (ReaderLastPlace, "through the padding"),
        (ReaderToFirstZero, "your code raised RuntimeError: Length of all samples"),
        (ReaderSoftmax, "those are probabilities"),
        (ReaderMean, "the mean over the words"),
        (ReaderMeanOfAll, "words and padding"),
        (ReaderCell, "that is the cell"),
        (ReaderOneLayerMore, "state[0]"),
        (ReaderEveryWord, "not each word"),
        (ReaderFirst, "after the first word"),
        (ReaderUnpacked, "end in zeros"),
        (ReaderSorted, "keep their order"),
        (ReaderRectified, "after a text's last word"),
        (ReaderSqueezed, "a batch with one text"),
        (ReaderDetached, "is something detached?"),
        (ReaderWithoutChain, "no detach, no no_grad"),
        (ReaderSilent, "is a `return` missing?"),
        (ReaderRenamed, "keep the three layers"),
        (Reader(30), "hand over its bare name"),
    ],
}

RIGHT = {
    "train_epoch": [
        epoch,
        epoch_by_model_zero_grad,
        epoch_by_lists,
        epoch_by_average,
    ],
    "normalise": [
        norm_right,
        norm_by_copy,
        norm_by_function,
        norm_by_columns,
        norm_by_restoring,
        norm_in_doubles,
    ],
    "measure": [
        measured,
        measure_by_cat,
        measure_on_a_copy,
        measure_by_forward,
        measure_restoring_by_name,
    ],
    "read_image": [
        read,
        read_by_topk,
        read_by_hand,
        read_as_array,
        read_as_pair,
        read_in_shape(1, 1, 8, 8),
    ],
    "text_reader": [
        Reader,
        ReaderByIndex,
        ReaderByLoop,
        ReaderBySorting,
        ReaderByMask,
        ReaderStepByStep,
        ReaderInDoubles,
    ],
}
