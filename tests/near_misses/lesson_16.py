"""Answers to the exercises of lesson 16: wrong as learners write them, and right."""

import copy
import random
import warnings

import numpy as np
import torch
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import Dataset, TensorDataset

from course_utils.metrics import accuracy
from course_utils.runtime import pick_device
from course_utils.training import evaluate, train_one_epoch

loss_of = nn.CrossEntropyLoss()

# 16.1


def measured(model, loader, loss_fn, eval_mode=True):
    model.train(not eval_mode)
    with torch.no_grad():
        pairs = [(loss_fn(model(x), y).item(), len(y)) for x, y in loader]
    return [v for v, _ in pairs], [n for _, n in pairs]


def loss_right(model, loader, loss_fn):
    values, sizes = measured(model, loader, loss_fn)
    return sum(v * n for v, n in zip(values, sizes, strict=True)) / sum(sizes)


def loss_by_helper(model, loader, loss_fn):
    return evaluate(model, loader, loss_fn)["loss"]


def loss_at_once(model, loader, loss_fn):
    model.eval()
    with torch.inference_mode():
        logits, targets = zip(*[(model(x), y) for x, y in loader], strict=True)
        return loss_fn(torch.cat(logits), torch.cat(targets))


def loss_by_numpy(model, loader, loss_fn):
    return np.average(
        *measured(model, loader, loss_fn)[:1],
        weights=measured(model, loader, loss_fn)[1],
    )


def loss_broken(model, loader, loss_fn):
    return sum(measured(model, loader, loss_fn)[0]) / len(loader.dataset)


def loss_broken_counting(model, loader, loss_fn):
    values, sizes = measured(model, loader, loss_fn)
    return sum(values) / sum(sizes)


def loss_of_batches(model, loader, loss_fn):
    values, _ = measured(model, loader, loss_fn)
    return sum(values) / len(loader)


def loss_by_dataset(model, loader, loss_fn):
    values, sizes = measured(model, loader, loss_fn)
    total = sum(v * n for v, n in zip(values, sizes, strict=True))
    return total / len(loader.dataset)


def loss_times_size(model, loader, loss_fn):
    values, sizes = measured(model, loader, loss_fn)
    return sum(v * n for v, n in zip(values, sizes, strict=True)) / len(loader)


def loss_summed(model, loader, loss_fn):
    values, sizes = measured(model, loader, loss_fn)
    return sum(v * n for v, n in zip(values, sizes, strict=True))


def loss_in_train(model, loader, loss_fn):
    values, sizes = measured(model, loader, loss_fn, eval_mode=False)
    return sum(v * n for v, n in zip(values, sizes, strict=True)) / sum(sizes)


def loss_batch_size(model, loader, loss_fn):
    return (
        sum(measured(model, loader, loss_fn)[0])
        * loader.batch_size
        / len(loader.dataset)
    )


def loss_as_if_full(model, loader, loss_fn):
    values, sizes = measured(model, loader, loss_fn)
    total = sum(v * n for v, n in zip(values, sizes, strict=True))
    return total / (len(loader) * loader.batch_size)


def loss_halving(model, loader, loss_fn):
    values, _ = measured(model, loader, loss_fn)
    average = values[0]
    for value in values[1:]:
        average = (average + value) / 2
    return average


def loss_rightly_in_train(model, loader, loss_fn):
    model.train()
    return evaluate(model, loader, loss_fn)["loss"]


def loss_of_samples(model, loader, loss_fn):
    model.eval()
    each = copy.copy(loss_fn)
    each.reduction = "none"
    with torch.no_grad():
        return torch.cat([each(model(x), y).double() for x, y in loader]).mean()


# 16.2


def answers_of(model, images, size):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(part).argmax(dim=1) for part in images.split(size)])


def acc_right(model, images, labels, batch_size):
    hits = answers_of(model, images, batch_size) == labels
    return hits.float().mean()


def acc_ceil(model, images, labels, batch_size):
    model.eval()
    right = 0
    for k in range(-(-len(images) // batch_size)):
        part = slice(k * batch_size, (k + 1) * batch_size)
        right += (model(images[part]).argmax(dim=1) == labels[part]).sum().item()
    return np.float64(right / len(labels))


def acc_by_helper(model, images, labels, batch_size):
    dataset = TensorDataset(images, labels)
    loader = torch.utils.data.DataLoader(dataset, batch_size)
    return evaluate(model, loader, loss_of, right=accuracy)["right"]


def acc_broken(model, images, labels, batch_size):
    full = len(images) // batch_size * batch_size
    hits = answers_of(model, images, batch_size)[:full] == labels[:full]
    return hits.sum().item() / full


def acc_lost_over_all(model, images, labels, batch_size):
    full = len(images) // batch_size * batch_size
    hits = answers_of(model, images, batch_size)[:full] == labels[:full]
    return hits.sum().item() / len(images)


def acc_of_batches(model, images, labels, batch_size):
    hits = (answers_of(model, images, batch_size) == labels).float()
    parts = hits.split(batch_size)
    return sum(part.mean().item() for part in parts) / len(parts)


def acc_count(model, images, labels, batch_size):
    return (answers_of(model, images, batch_size) == labels).sum()


def acc_in_train(model, images, labels, batch_size):
    return (model.train()(images).argmax(dim=1) == labels).float().mean()


def acc_as_if_full(model, images, labels, batch_size):
    hits = (answers_of(model, images, batch_size) == labels).sum().item()
    return hits / (-(-len(images) // batch_size) * batch_size)


def acc_zero_when_empty(model, images, labels, batch_size):
    if batch_size > len(images):
        return 0.0
    return acc_right(model, images, labels, batch_size)


def acc_short_range(model, images, labels, batch_size):
    model.eval()
    right, count = 0, 0
    for k in range(0, len(images) - 1, batch_size):
        part = slice(k, k + batch_size)
        right += (model(images[part]).argmax(dim=1) == labels[part]).sum().item()
        count += len(labels[part])
    return right / count


def acc_whole_when_empty(model, images, labels, batch_size):
    if batch_size > len(images):
        return acc_right(model, images, labels, batch_size)
    return acc_broken(model, images, labels, batch_size)


def acc_along_the_batch(model, images, labels, batch_size):
    model.eval()
    right = 0
    for part, names in zip(
        images.split(batch_size), labels.split(batch_size), strict=True
    ):
        right += (model(part).argmax(dim=0)[: len(names)] == names[:4]).sum().item()
    return right / len(images)


def acc_floored(model, images, labels, batch_size):
    hits = answers_of(model, images, batch_size) == labels
    return hits.sum().item() // len(images)


def acc_one_by_one(model, images, labels, batch_size):
    model.eval()
    hits = [model(x[None]).argmax() == y for x, y in zip(images, labels, strict=True)]
    return np.mean([hit.item() for hit in hits])


# 16.3


def stepping(order):
    def answer(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        loss = None
        for letter in order:
            if letter == "f":
                loss = loss_fn(model(inputs), targets)
            elif letter == "b":
                loss.backward()
            elif letter == "s":
                optimizer.step()
            elif letter == "z":
                optimizer.zero_grad()
        return loss.item()

    return answer


def step_after(model, batch, loss_fn, optimizer):
    stepping("zfbs")(model, batch, loss_fn, optimizer)
    return loss_fn(model(batch[0]), batch[1]).item()


def step_silent(model, batch, loss_fn, optimizer):
    stepping("zfbs")(model, batch, loss_fn, optimizer)


def step_by_module(model, batch, loss_fn, optimizer):
    model.zero_grad()
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    optimizer.step()
    return loss.detach()


def step_closure(model, batch, loss_fn, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = loss_fn(model(batch[0]), batch[1])
        loss.backward()
        return loss

    return optimizer.step(closure)


def step_by_hand(model, batch, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= optimizer.param_groups[0]["lr"] * p.grad
    return loss.item()


def step_detached(model, batch, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(batch[0]), batch[1]).detach().requires_grad_()
    loss.backward()
    optimizer.step()
    return loss.item()


def step_on_a_copy(model, batch, loss_fn, optimizer):
    return stepping("zfbs")(copy.deepcopy(model), batch, loss_fn, optimizer)


def step_by_grad(model, batch, loss_fn, optimizer):
    loss = loss_fn(model(batch[0]), batch[1])
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    for p, gradient in zip(parameters, gradients, strict=True):
        p.grad = gradient
    optimizer.step()
    return np.float32(loss.item())


# 16.4


def sgd(parameters, lr=0.5):
    return torch.optim.SGD(parameters, lr=lr)


def opt_unfrozen(model):
    model.requires_grad_(True)
    return sgd(model.parameters())


def opt_thawed_too(model):
    model.body.requires_grad_(True)
    return sgd(model.head.parameters())


def opt_frozen_copy(model):
    return sgd(copy.deepcopy(model.head).parameters())


def opt_uphill(model):
    return torch.optim.SGD(model.head.parameters(), lr=0.5, maximize=True)


def opt_new_head(model):
    model.head = nn.Linear(
        model.head.in_features, model.head.out_features, device=pick_device()
    )
    return sgd(model.head.parameters())


def opt_stepped(model):
    optimizer = sgd(model.head.parameters())
    inputs = torch.ones(4, 9, device=pick_device())
    model(inputs).logsumexp(dim=1).sum().backward()
    optimizer.step()
    return optimizer


def opt_per_layer(model):
    parts = [{"params": model.body.parameters(), "lr": 0.0}]
    parts += [{"params": model.head.parameters(), "lr": 0.1}]
    return torch.optim.RMSprop(parts, lr=0.01)


# 16.5


class ReaderRight(nn.Module):
    def __init__(self):
        super().__init__()
        self.strokes = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, 10)

    def forward(self, inputs):
        return self.head(self.strokes(inputs))


class ReaderByLayers(ReaderRight):
    def forward(self, inputs):
        for layer in (*self.strokes, self.head):
            inputs = layer(inputs)
        return inputs


class ReaderOther(ReaderRight):
    def __init__(self):
        super().__init__()
        self.strokes = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.Tanh())
        self.head = nn.Linear(20, 10)


class ReaderCheckpointing(ReaderRight):
    def forward(self, inputs):
        return self.head(checkpoint(self.strokes, inputs, use_reentrant=False))


class ReaderDetachedInputs(ReaderRight):
    def forward(self, inputs):
        return self.head(self.strokes(inputs.detach()))


class ReaderBroken(ReaderRight):
    def forward(self, inputs):
        with torch.no_grad():
            strokes = self.strokes(inputs)
        return self.head(strokes)


class ReaderDetach(ReaderRight):
    def forward(self, inputs):
        return self.head(self.strokes(inputs).detach())


class ReaderData(ReaderRight):
    def forward(self, inputs):
        return self.head(self.strokes(inputs).data.requires_grad_())


class ReaderNumpy(ReaderRight):
    def forward(self, inputs):
        strokes = self.strokes(inputs).detach().cpu().numpy()
        return self.head(torch.from_numpy(strokes).to(inputs.device))


class ReaderNoGrad(ReaderRight):
    @torch.no_grad()
    def forward(self, inputs):
        return self.head(self.strokes(inputs))


class ReaderGradInTrain(ReaderRight):
    def forward(self, inputs):
        with torch.set_grad_enabled(self.training):
            strokes = self.strokes(inputs)
        return self.head(strokes) if self.training else self.head(strokes).detach()


class ReaderSoftmax(ReaderRight):
    def forward(self, inputs):
        return self.head(self.strokes(inputs)).softmax(dim=1)


class ReaderHeadless(ReaderRight):
    def forward(self, inputs):
        return self.strokes(inputs)


class ReaderFlattening(ReaderRight):
    def __init__(self):
        super().__init__()
        self.strokes = self.strokes[1:]

    def forward(self, inputs):
        return self.head(self.strokes(inputs.flatten(1)))


class ReaderSkipping(ReaderRight):
    def forward(self, inputs):
        return self.head(self.strokes[1](inputs.flatten(1)))


class ReaderFrozen(ReaderRight):
    def __init__(self):
        super().__init__()
        self.strokes.requires_grad_(False)


class ReaderInference(ReaderRight):
    def forward(self, inputs):
        with torch.inference_mode():
            strokes = self.strokes(inputs)
        return self.head(strokes)


class ReaderMadeAnew(ReaderRight):
    def forward(self, inputs):
        strokes = torch.tensor(self.strokes(inputs).tolist(), device=inputs.device)
        return self.head(strokes)


class ReaderFrozenInForward(ReaderRight):
    def forward(self, inputs):
        for p in self.strokes.parameters():
            p.requires_grad_(False)
        return self.head(self.strokes(inputs))


class ReaderByFunctions(ReaderRight):
    def forward(self, inputs):
        layer = self.strokes[1]
        strokes = nn.functional.linear(inputs.flatten(1), layer.weight, layer.bias)
        return nn.functional.linear(strokes.relu(), self.head.weight, self.head.bias)


class ReaderRenamed(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = ReaderRight().strokes, nn.Linear(32, 10)

    def forward(self, inputs):
        return self.head(self.body(inputs))


# 16.6


def accumulating(
    start=1, tail=True, divide=True, clear=True, own=False, count=None, late=False
):
    def answer(model, loader, loss_fn, optimizer, every):
        steps, n = 0, len(loader)
        optimizer.zero_grad()
        for index, (inputs, targets) in enumerate(loader):
            parts = every if index < n // every * every or not own else n % every
            loss = loss_fn(model(inputs), targets)
            (loss / parts if divide else loss).backward()
            full = (index + start) % every == 0 and (index > 0 or not late)
            if full or (tail and index + 1 == n):
                optimizer.step()
                steps += 1
                if clear:
                    optimizer.zero_grad()
        return steps if count is None else count(steps, n, every)

    return answer


def acc_by_chunks(model, loader, loss_fn, optimizer, every):
    batches, steps = list(loader), 0
    for k in range(0, len(batches), every):
        optimizer.zero_grad()
        for inputs, targets in batches[k : k + every]:
            (loss_fn(model(inputs), targets) / every).backward()
        optimizer.step()
        steps += 1
    return steps


def acc_joined(model, loader, loss_fn, optimizer, every):
    batches = list(loader)
    groups = [batches[k : k + every] for k in range(0, len(batches), every)]
    for group in groups:
        inputs, targets = (torch.cat(parts) for parts in zip(*group, strict=True))
        optimizer.zero_grad()
        loss_fn(model(inputs), targets).backward()
        optimizer.step()
    return torch.tensor(len(groups))


def acc_after_loop(model, loader, loss_fn, optimizer, every):
    steps, waiting = 0, 0
    optimizer.zero_grad()
    for inputs, targets in loader:
        (loss_fn(model(inputs), targets) / every).backward()
        waiting += 1
        if waiting == every:
            optimizer.step()
            optimizer.zero_grad()
            steps, waiting = steps + 1, 0
    if waiting:
        optimizer.step()
        optimizer.zero_grad()
        steps += 1
    return steps


def acc_clearing_each(model, loader, loss_fn, optimizer, every):
    steps = 0
    for index, (inputs, targets) in enumerate(loader, start=1):
        optimizer.zero_grad()
        (loss_fn(model(inputs), targets) / every).backward()
        if index % every == 0 or index == len(loader):
            optimizer.step()
            steps += 1
    return steps


def acc_by_all(model, loader, loss_fn, optimizer, every):
    def smaller(logits, targets):
        return loss_fn(logits, targets) * every / len(loader)

    return accumulating()(model, loader, smaller, optimizer, every)


def acc_cleared_before(model, loader, loss_fn, optimizer, every):
    for inputs, targets in loader:
        loss_fn(model(inputs), targets).backward()
        optimizer.zero_grad()
        optimizer.step()
    return -(-len(loader) // every)


def acc_every_batch(model, loader, loss_fn, optimizer, every):
    for inputs, targets in loader:
        optimizer.zero_grad()
        (loss_fn(model(inputs), targets) / every).backward()
        optimizer.step()
    return -(-len(loader) // every)


def acc_never_full(model, loader, loss_fn, optimizer, every):
    return accumulating(start=0.5)(model, loader, loss_fn, optimizer, every)


def acc_divided_late(model, loader, loss_fn, optimizer, every):
    def late(logits, targets):
        loss = loss_fn(logits, targets)
        loss.backward(retain_graph=True)
        return 0 * loss

    return accumulating()(model, loader, late, optimizer, every)


def acc_by_rest(model, loader, loss_fn, optimizer, every):
    rest = len(loader) % every or every

    def weighted(logits, targets):
        return loss_fn(logits, targets) * every / rest

    return accumulating()(model, loader, weighted, optimizer, every)


def acc_clearing_first(model, loader, loss_fn, optimizer, every):
    for index, (inputs, targets) in enumerate(loader):
        if index % every == 0:
            optimizer.zero_grad(set_to_none=False)
        (loss_fn(model(inputs), targets) / every).backward()
        if index % every == every - 1 or index == len(loader) - 1:
            optimizer.step()
    return np.ceil(len(loader) / every)


def acc_last_again(model, loader, loss_fn, optimizer, every):
    steps = accumulating(tail=False)(model, loader, loss_fn, optimizer, every)
    optimizer.step()
    optimizer.zero_grad()
    return steps + 1


# 16.7


class ShiftsRight(Dataset):
    def __init__(self, images, labels, seed):
        self.images, self.labels, self.seed = images, labels, seed
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self):
        return len(self.labels)

    def draw(self, index):
        return torch.randint(-1, 2, (2,), generator=self.generator).tolist()

    def __getitem__(self, index):
        down, right = self.draw(index)
        return self.images[index].roll((down, right), dims=(1, 2)), self.labels[index]


class ShiftsByRandom(ShiftsRight):
    def __init__(self, images, labels, seed):
        super().__init__(images, labels, seed)
        self.random = random.Random(seed)

    def draw(self, index):
        return self.random.choices((-1, 0, 1), k=2)


class ShiftsByCounting(ShiftsRight):
    def __init__(self, images, labels, seed):
        super().__init__(images, labels, seed)
        self.asked = 0

    def draw(self, index):
        self.asked += 1
        seeds = np.random.default_rng([self.seed, self.asked])
        return seeds.integers(-1, 2, size=2).tolist()


class ShiftsBlank(ShiftsRight):
    def __getitem__(self, index):
        down, right = self.draw(index)
        padded = nn.functional.pad(self.images[index], (1, 1, 1, 1))
        height, width = self.images.shape[2:]
        top, left = 1 - down, 1 - right
        return padded[:, top : top + height, left : left + width], self.labels[index]


class ShiftsBroken(ShiftsRight):
    def draw(self, index):
        self.generator.manual_seed(self.seed)
        return super().draw(index)


class ShiftsByIndex(ShiftsRight):
    def draw(self, index):
        self.generator.manual_seed(self.seed + 17 * index)
        return super().draw(index)


class ShiftsDrawnOnce(ShiftsRight):
    def __init__(self, images, labels, seed):
        super().__init__(images, labels, seed)
        size = (len(labels), 2)
        self.moves = torch.randint(-1, 2, size, generator=self.generator).tolist()

    def draw(self, index):
        return self.moves[index]


class ShiftsUnseeded(ShiftsRight):
    def draw(self, index):
        return torch.randint(-1, 2, (2,)).tolist()


class ShiftsGlobalSeed(ShiftsUnseeded):
    def __init__(self, images, labels, seed):
        super().__init__(images, labels, seed)
        torch.manual_seed(seed)


class ShiftsSharedGenerator(ShiftsRight):
    shared = torch.Generator()

    def __init__(self, images, labels, seed):
        super().__init__(images, labels, seed)
        self.generator = self.shared.manual_seed(seed)


class ShiftsOneSeed(ShiftsRight):
    def __init__(self, images, labels, seed):
        super().__init__(images, labels, 0)


class ShiftsOnlyUp(ShiftsRight):
    def draw(self, index):
        return torch.randint(-1, 1, (2,), generator=self.generator).tolist()


class ShiftsDiagonal(ShiftsRight):
    def draw(self, index):
        return super().draw(index)[:1] * 2


class ShiftsDown(ShiftsRight):
    def draw(self, index):
        return super().draw(index)[0], 0


class ShiftsFar(ShiftsRight):
    def draw(self, index):
        return torch.randint(-2, 3, (2,), generator=self.generator).tolist()


class ShiftsInPlace(ShiftsRight):
    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        self.images[index] = image
        return image, label


class ShiftsWithoutLabel(ShiftsRight):
    def __getitem__(self, index):
        return super().__getitem__(index)[0]


class ShiftsFromTheStart(ShiftsRight):
    def draw(self, index):
        if index == 0:  # an epoch begins
            self.generator.manual_seed(self.seed)
        return super().draw(index)


class ShiftsByNumpy(ShiftsRight):
    def draw(self, index):
        return np.random.default_rng(self.seed).integers(-1, 2, size=2).tolist()


class ShiftsThirdRow(ShiftsRight):
    def draw(self, index):
        return torch.randint(3, (2,), generator=self.generator).tolist()


class ShiftsByFractions(ShiftsRight):
    def draw(self, index):
        drawn = torch.rand(2, generator=self.generator)
        return [int(number) for number in (3 * drawn).floor() - 1]


# 16.8


def digit_broken(place):
    place += 1
    place %= 10
    return place


def digit_half(place):
    place += 1
    return place % 10


def digit_methods(place):
    return place.add_(1).remainder_(10)


def digit_detached(place):
    return digit_broken(place.detach())


def digit_shell(place):
    return digit_broken(place.view(()))


def digit_given_back(place):
    digit = (place + 1) % 10
    place.copy_(digit)
    return digit.clone()


def digit_cloned(place):
    return digit_broken(place.clone())


def digit_where(place):
    return torch.where(place == 9, torch.zeros_like(place), place + 1)


def digit_typed(place):
    return int("1234567890"[place])


def digit_table(place):
    return torch.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 0])[place.cpu()].to(torch.uint8)


# 16.9
# 16.9


def one_pass(model, loader, loss_fn, optimizer, after=lambda: None):
    total = []
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
        after()
        total.append(loss.item())
    return sum(total) / len(total)


def fitting(before=None, each=None, measure=None, after=None):
    def answer(model, loader, val_loader, loss_fn, optimizer, epochs):
        losses = []
        if before:
            before(model)
        for _ in range(epochs):
            if each:
                each(model)
            one_pass(model, loader, loss_fn, optimizer)
            if measure:
                measure(model)
            with torch.no_grad():
                values = [loss_fn(model(x), y).item() for x, y in val_loader]
            losses.append(sum(values) / len(values))
            if after:
                after(model)
        return losses

    return answer


def to_train(model):
    model.train()


def to_eval(model):
    model.eval()


def norms_to_train(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.train()


def flag_train(model):
    model.training = True


def flag_eval(model):
    model.training = False


def fit_by_helpers(model, loader, val_loader, loss_fn, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        train_one_epoch(model, loader, loss_fn, optimizer)
        losses.append(evaluate(model, val_loader, loss_fn)["loss"])
    return losses


def fit_last_only(model, loader, val_loader, loss_fn, optimizer, epochs):
    run = fitting(each=to_train, measure=to_eval)
    return run(model, loader, val_loader, loss_fn, optimizer, epochs)[-1]


def fit_measure_once(model, loader, val_loader, loss_fn, optimizer, epochs):
    for _ in range(epochs):
        model.train()
        one_pass(model, loader, loss_fn, optimizer)
    return [evaluate(model, val_loader, loss_fn)["loss"]] * epochs


def fit_by_batch(model, loader, val_loader, loss_fn, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        for batch in loader:
            train_one_epoch(model.train(), [batch], loss_fn, optimizer)
        figures = evaluate(model, val_loader, loss_fn)
        losses.append(torch.tensor(figures["loss"]))
    return tuple(losses)


def fit_without_clearing(model, loader, val_loader, loss_fn, optimizer, epochs):
    optimizer.zero_grad = lambda: None
    run = fitting(each=to_train, measure=to_eval)
    return run(model, loader, val_loader, loss_fn, optimizer, epochs)


def fit_first_apart(model, loader, val_loader, loss_fn, optimizer, epochs):
    def wake(model):
        model.train(wake.epoch > 0)
        wake.epoch += 1

    wake.epoch = 0
    run = fitting(each=wake, measure=to_eval)
    return run(model, loader, val_loader, loss_fn, optimizer, epochs)


def fit_both_parts(model, loader, val_loader, loss_fn, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        train_one_epoch(model, loader, loss_fn, optimizer)
        losses.append(train_one_epoch(model, val_loader, loss_fn, optimizer)["loss"])
    return losses


def fit_training_losses(model, loader, val_loader, loss_fn, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        losses.append(train_one_epoch(model, loader, loss_fn, optimizer)["loss"])
        evaluate(model, val_loader, loss_fn)
    return losses


def fit_on_a_copy(model, loader, val_loader, loss_fn, optimizer, epochs):
    losses = []
    model.train()
    for _ in range(epochs):
        one_pass(model, loader, loss_fn, optimizer)
        twin = copy.deepcopy(model).eval()
        with torch.no_grad():
            values = [loss_fn(twin(x), y) for x, y in val_loader]
        losses.append(torch.stack(values).mean())
    return torch.stack(losses)


# 16.10


def scheduling(batch=False, early=False, late=True, last=False):
    def answer(model, loader, loss_fn, optimizer, scheduler, epochs):
        losses = []
        for _ in range(epochs):
            if early:
                optimizer._opt_called = True  # so that the scheduler does not warn
                scheduler.step()
            after = scheduler.step if batch else (lambda: None)
            losses.append(one_pass(model, loader, loss_fn, optimizer, after))
            if late:
                scheduler.step()
        if last:
            scheduler.step()
        return losses

    return answer


def schedule_at_last_batch(model, loader, loss_fn, optimizer, scheduler, epochs):
    losses = []
    for _ in range(epochs):
        total = 0.0
        for index, (inputs, targets) in enumerate(loader, start=1):
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
            if index == len(loader):
                scheduler.step()
        losses.append(total / len(loader))
    return losses


def schedule_at_next_start(model, loader, loss_fn, optimizer, scheduler, epochs):
    losses = []
    for epoch in range(epochs):
        if epoch > 0:
            scheduler.step()
        figures = train_one_epoch(model, loader, loss_fn, optimizer)
        losses.append(figures["loss"])
    return losses


def schedule_at_first_batch(model, loader, loss_fn, optimizer, scheduler, epochs):
    losses = []
    for _ in range(epochs):
        total = 0.0
        for index, (inputs, targets) in enumerate(loader):
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
            if index == 0:
                scheduler.step()
        losses.append(total / len(loader))
    return losses


def schedule_first_skipped(model, loader, loss_fn, optimizer, scheduler, epochs):
    losses = []
    for epoch in range(epochs):
        losses.append(one_pass(model, loader, loss_fn, optimizer))
        if epoch > 0:
            scheduler.step()
    return losses


def schedule_by_samples(model, loader, loss_fn, optimizer, scheduler, epochs):
    losses = []
    for _ in range(epochs):
        total = 0.0
        for inputs, targets in loader:
            total += train_one_epoch(model, [(inputs, targets)], loss_fn, optimizer)[
                "loss"
            ] * len(targets)
        scheduler.step()
        losses.append(total / len(loader.dataset))
    return np.array(losses)


def schedule_last_loss(model, loader, loss_fn, optimizer, scheduler, epochs):
    run = scheduling()
    return run(model, loader, loss_fn, optimizer, scheduler, epochs)[-1]


def schedule_every_third(model, loader, loss_fn, optimizer, scheduler, epochs):
    losses = []
    for epoch in range(epochs):
        losses.append(one_pass(model, loader, loss_fn, optimizer))
        if (epoch + 1) % 3 == 0:
            scheduler.step()
    return losses


def schedule_twice(model, loader, loss_fn, optimizer, scheduler, epochs):
    losses = []
    for _ in range(epochs):
        losses.append(one_pass(model, loader, loss_fn, optimizer))
        scheduler.step()
        scheduler.step()
    return losses


def schedule_summed(model, loader, loss_fn, optimizer, scheduler, epochs):
    losses = scheduling()(model, loader, loss_fn, optimizer, scheduler, epochs)
    return [loss * len(loader) for loss in losses]


def schedule_batched(model, loader, loss_fn, optimizer, scheduler, epochs):
    losses = torch.zeros(epochs, len(loader), dtype=torch.float64)
    for step in range(epochs * len(loader)):
        epoch, index = divmod(step, len(loader))
        if index == 0:
            batches = iter(loader)
        figures = train_one_epoch(model, [next(batches)], loss_fn, optimizer)
        losses[epoch, index] = figures["loss"]
        if index == len(loader) - 1:
            scheduler.step()
    return losses.mean(dim=1)


# 16.11


def body_of():
    return [nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU()]


def pair_from(first, second):
    def answer(classes, other_classes):
        one, two = first(), second
        two = second(one)
        return (
            nn.Sequential(*one, nn.Linear(32, classes)).to(pick_device()),
            nn.Sequential(*two, nn.Linear(32, other_classes)).to(pick_device()),
        )

    return answer


def norm_kept(body):
    return [nn.Flatten(), nn.Linear(64, 32), body[2], nn.ReLU()]


def linear_kept(body):
    return [nn.Flatten(), body[1], nn.BatchNorm1d(32), nn.ReLU()]


def statistics_kept(body):
    other = copy.deepcopy(body)
    other[2].running_mean = body[2].running_mean
    other[2].running_var = body[2].running_var
    return other


def frozen_too(body):
    for layer in body:
        layer.requires_grad_(False)
    return body


def pair_frozen(classes, other_classes):
    first, second = pair_from(body_of, lambda body: body_of())(classes, other_classes)
    first[1].requires_grad_(False)
    return first, second


ONE_BODY = body_of()


def pair_nested(classes, other_classes):
    body = nn.Sequential(*body_of())
    first = nn.Sequential(copy.deepcopy(body), nn.Linear(32, classes))
    return [first, nn.Sequential(body, nn.Linear(32, other_classes))]


def pair_same_start(classes, other_classes):
    first, second = pair_from(body_of, lambda body: body_of())(classes, other_classes)
    second[1].load_state_dict(first[1].state_dict())
    return first, second


def pair_without_norm(classes, other_classes):
    def made(n):
        return nn.Sequential(
            nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, n)
        )

    return made(classes), made(other_classes)


def pair_narrow(classes, other_classes):
    first, _ = pair_from(body_of, lambda body: body_of())(classes, other_classes)
    body = [nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU()]
    return first, nn.Sequential(*body, nn.Linear(16, other_classes))


def same_weight(body):
    other = body_of()
    other[1].weight = body[1].weight
    return other


def data_kept(body):
    other = body_of()
    for layer, given in zip(other[1:3], body[1:3], strict=True):
        layer.weight.data = given.weight.data
    return other


class Own(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.body, self.head = nn.Sequential(*body_of()), nn.Linear(32, outputs)

    def forward(self, inputs):
        return self.head(self.body(inputs))


def pair_one_size(classes, other_classes):
    return pair_from(body_of, lambda body: body_of())(classes, classes)


def pair_shell(classes, other_classes):
    first = nn.Sequential(*body_of(), nn.Linear(32, classes))
    second = copy.copy(first)  # a new shell around the same layers
    second[4] = nn.Linear(32, other_classes)
    return first, second


def pair_twice(classes, other_classes):
    return (nn.Sequential(*body_of(), nn.Linear(32, classes)),) * 2


# 16.12


def split_right(groups, test_fraction, seed):
    generator = torch.Generator().manual_seed(seed)
    kinds = groups.unique()
    order = torch.randperm(len(kinds), generator=generator)
    count = round(test_fraction * len(kinds))
    in_test = torch.isin(groups, kinds[order[:count]])
    return (~in_test).nonzero()[:, 0], in_test.nonzero()[:, 0]


def split_by_library(groups, test_fraction, seed):
    splitter = GroupShuffleSplit(1, test_size=test_fraction, random_state=seed)
    return next(splitter.split(groups, groups=groups))


def split_lists(groups, test_fraction, seed):
    kinds = sorted(set(groups.tolist()))
    drawn = random.Random(seed).sample(kinds, round(test_fraction * len(kinds)))
    rows = range(len(groups))
    test = [row for row in rows if groups[row].item() in drawn]
    return [row for row in rows if row not in test], test


def split_masks(groups, test_fraction, seed):
    test = split_right(groups, test_fraction, seed)[1]
    mask = torch.zeros(len(groups), dtype=torch.bool)
    mask[test] = True
    return ~mask, mask


def split_broken(groups, test_fraction, seed):
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(groups), generator=generator)
    count = round(test_fraction * len(groups))
    return order[count:], order[:count]


def split_sorted(groups, test_fraction, seed):
    count = round(test_fraction * len(groups)) + 1
    return groups.argsort()[count:], groups.argsort()[:count]


def split_swapped(groups, test_fraction, seed):
    return split_right(groups, test_fraction, seed)[::-1]


def split_numbers(groups, test_fraction, seed):
    known, test = split_right(groups, test_fraction, seed)
    return groups[known].unique(), groups[test].unique()


def split_unseeded(groups, test_fraction, seed):
    return split_right(groups, test_fraction, torch.randint(10**6, ()).item())


def split_one_seed(groups, test_fraction, seed):
    return split_right(groups, test_fraction, 0)


def split_one_each(groups, test_fraction, seed):
    known, test = split_right(groups, test_fraction, seed)
    first = {groups[row].item(): row.item() for row in test.flip(0)}
    return known, torch.tensor(sorted(first.values()))


def split_overlap(groups, test_fraction, seed):
    return torch.arange(len(groups)), split_right(groups, test_fraction, seed)[1]


def split_with_repeats(groups, test_fraction, seed):
    generator = torch.Generator().manual_seed(seed)
    kinds = groups.unique()
    places = torch.randint(len(kinds), (len(kinds) // 2,), generator=generator)
    test = torch.isin(groups, kinds[places])
    return (~test).nonzero(), test.nonzero()


def split_whole_groups(groups, test_fraction, seed):
    kinds = groups.unique()
    test = torch.isin(groups, kinds[: round(test_fraction * len(kinds))])
    return (~test).nonzero()[:, 0], test.nonzero()[:, 0]


def split_by_rows(groups, test_fraction, seed):
    known, test = split_broken(groups, test_fraction, seed)
    apart = ~torch.isin(groups[known], groups[test])
    return known[apart], test


def split_by_all_rows(groups, test_fraction, seed):
    _, test = split_broken(groups, test_fraction, seed)
    inside = torch.isin(groups, groups[test])
    return (~inside).nonzero()[:, 0], inside.nonzero()[:, 0]


def split_by_remainder(groups, test_fraction, seed):
    test = (groups + seed) % round(1 / test_fraction) == 0
    return (~test).nonzero()[:, 0], test.nonzero()[:, 0]


def split_one_by_one(groups, test_fraction, seed):
    kinds = groups.unique().tolist()
    np.random.default_rng(seed).shuffle(kinds)
    test = set()
    while len(test) < test_fraction * len(groups):
        kind = kinds.pop()
        test |= {row for row in range(len(groups)) if groups[row] == kind}
    return set(range(len(groups))) - test, test


def split_half(groups, test_fraction, seed):
    return split_right(groups, 0.5, seed)


# 16.13


def preparing(scale="known", choose="known", constant=True, whole=True, biased=False):
    def answer(inputs, targets, known, keep):
        rows = {"known": known, "all": torch.ones_like(known), "others": ~known}
        fitted, chosen = inputs[rows[scale]], inputs[rows[choose]]
        spread = fitted.std(dim=0, correction=0 if biased else 1)
        if constant:
            spread = torch.where(spread > 0, spread, 1.0)
        scaled = (inputs - fitted.mean(dim=0)) / spread
        own = chosen - chosen.mean(dim=0)
        deviation = own.std(dim=0)
        own = own / torch.where(deviation > 0, deviation, 1.0)
        signs = 2.0 * targets[rows[choose]] - 1
        agreement = (signs.unsqueeze(1) * own).mean(dim=0).abs()
        best = scaled[:, agreement.topk(keep).indices]
        return best if whole else best[known]

    return answer


def prepare_means(inputs, targets, known, keep):
    spread = inputs[known].std(dim=0)
    scaled = (inputs - inputs[known].mean(dim=0)) / (spread + 1e-9)
    signs = 2.0 * targets[known] - 1
    agreement = (signs @ scaled[known]).abs()
    return scaled[:, agreement.argsort(descending=True)[:keep]].double()


def prepare_by_library(inputs, targets, known, keep):
    inputs, targets, known = (part.cpu().numpy() for part in (inputs, targets, known))
    chosen = SelectKBest(f_classif, k=keep)
    steps = make_pipeline(StandardScaler(), chosen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a column that is constant
        return steps.fit(inputs[known], targets[known]).transform(inputs)


def prepare_sorted(inputs, targets, known, keep):
    rows = preparing()(inputs, targets, known, keep)
    return rows[:, rows[-1].argsort()]


def prepare_apart(inputs, targets, known, keep):
    rows = preparing()(inputs, targets, known, keep)
    others = rows[~known]
    rows[~known] = (others - others.mean(dim=0)) / others.std(dim=0)
    return rows


def prepare_raw(inputs, targets, known, keep):
    signs = 2.0 * targets[known] - 1
    own = inputs[known] - inputs[known].mean(dim=0)
    spread = own.std(dim=0)
    agreement = (signs @ (own / torch.where(spread > 0, spread, 1.0))).abs()
    return inputs[:, agreement.topk(keep).indices]


def prepare_signed(inputs, targets, known, keep):
    spread = inputs[known].std(dim=0)
    spread = torch.where(spread > 0, spread, 1.0)
    scaled = (inputs - inputs[known].mean(dim=0)) / spread
    signs = 2.0 * targets[known] - 1
    return scaled[:, (signs @ scaled[known]).topk(keep).indices]


def prepare_by(scale):
    def answer(inputs, targets, known, keep):
        centred = inputs - inputs[known].mean(dim=0)
        scaled = scale(centred, inputs[known].std(dim=0))
        signs = 2.0 * targets[known] - 1
        return scaled[:, (signs @ scaled[known]).abs().topk(keep).indices]

    return answer


prepare_nan_to_num = prepare_by(lambda rows, spread: (rows / spread).nan_to_num())
prepare_clamped = prepare_by(lambda rows, spread: rows / spread.clamp(min=1))


def prepare_variance(inputs, targets, known, keep):
    spread = inputs[known].std(dim=0)
    spread = torch.where(spread > 0, spread, 1.0)
    scaled = (inputs - inputs[known].mean(dim=0)) / spread
    return scaled[:, inputs[known].std(dim=0).topk(keep).indices]


def prepare_least(inputs, targets, known, keep):
    spread = inputs[known].std(dim=0)
    scaled = (inputs - inputs[known].mean(dim=0)) / torch.where(spread > 0, spread, 1.0)
    agreement = ((2.0 * targets[known] - 1) @ scaled[known]).abs()
    return scaled[:, agreement.topk(keep, largest=False).indices]


def prepare_centred(inputs, targets, known, keep):
    centred = inputs - inputs[known].mean(dim=0)
    spread = inputs[known].std(dim=0)
    signs = 2.0 * targets[known] - 1
    agreement = (signs @ (centred / torch.where(spread > 0, spread, 1.0))[known]).abs()
    return centred[:, agreement.topk(keep).indices]


def prepare_by_differences(inputs, targets, known, keep):
    rows, names = inputs.cpu().double().numpy(), targets.cpu().numpy()
    learned = known.cpu().numpy()
    spread = rows[learned].std(axis=0)
    spread[spread < 1e-9] = 1
    scaled = (rows - rows[learned].mean(axis=0)) / spread
    ones = (names[learned] == 1) - (names[learned] == 1).mean()
    order = np.argsort(-np.abs(ones @ scaled[learned]))
    return scaled[:, order[:keep]]


def prepare_in_place(inputs, targets, known, keep):
    inputs -= inputs[known].mean(dim=0)
    return preparing()(inputs, targets, known, keep)


# 16.14


def share_on(loader):
    return lambda model: evaluate(model, loader, loss_of, right=accuracy)["right"]


def report_right(candidates, val_loader, test_loader):
    shares = [share_on(val_loader)(model) for model in candidates]
    best = shares.index(max(shares))
    return best, share_on(test_loader)(candidates[best])


def report_numpy(candidates, val_loader, test_loader):
    best = np.argmax([share_on(val_loader)(model) for model in candidates])
    share = torch.tensor(share_on(test_loader)(candidates[best]), dtype=torch.float64)
    return [best, share]


def report_by_loss(candidates, val_loader, test_loader):
    losses = [evaluate(m, val_loader, loss_of)["loss"] for m in candidates]
    best = min(range(len(losses)), key=losses.__getitem__)
    return best, share_on(test_loader)(candidates[best])


def report_broken(candidates, val_loader, test_loader):
    shares = [share_on(test_loader)(model) for model in candidates]
    return shares.index(max(shares)), max(shares)


def report_validation(candidates, val_loader, test_loader):
    shares = [share_on(val_loader)(model) for model in candidates]
    return shares.index(max(shares)), max(shares)


def report_all_tested(candidates, val_loader, test_loader):
    best, _ = report_validation(candidates, val_loader, test_loader)
    return best, [share_on(test_loader)(model) for model in candidates][best]


def report_both(candidates, val_loader, test_loader):
    shares = [share_on(val_loader)(m) + share_on(test_loader)(m) for m in candidates]
    best = shares.index(max(shares))
    return best, share_on(test_loader)(candidates[best])


def report_last(candidates, val_loader, test_loader):
    return len(candidates) - 1, share_on(test_loader)(candidates[-1])


def report_best_figures(candidates, val_loader, test_loader):
    best, _ = report_validation(candidates, val_loader, test_loader)
    return best, max(share_on(test_loader)(model) for model in candidates)


def report_model(candidates, val_loader, test_loader):
    best, share = report_right(candidates, val_loader, test_loader)
    return candidates[best], share


def report_worst(candidates, val_loader, test_loader):
    losses = [evaluate(m, val_loader, loss_of)["loss"] for m in candidates]
    best = losses.index(max(losses))
    return best, share_on(test_loader)(candidates[best])


def report_counting_from_one(candidates, val_loader, test_loader):
    best, share = report_right(candidates, val_loader, test_loader)
    return best + 1, share


def report_mean(candidates, val_loader, test_loader):
    best, share = report_right(candidates, val_loader, test_loader)
    return best, (share + share_on(val_loader)(candidates[best])) / 2


def report_twice(candidates, val_loader, test_loader):
    best, share = report_right(candidates, val_loader, test_loader)
    loss = evaluate(candidates[best], test_loader, loss_of)["loss"]
    return best, share + 0 * loss


def report_by_hand(candidates, val_loader, test_loader):
    def share(model, loader):
        with torch.no_grad():
            hits = [(model.eval()(x).argmax(dim=1) == y).cpu() for x, y in loader]
        return torch.cat(hits).double().mean()

    ranked = sorted(
        range(len(candidates)), key=lambda k: share(candidates[k], val_loader)
    )
    return np.int64(ranked[-1]), share(candidates[ranked[-1]], test_loader)


def report_share_alone(candidates, val_loader, test_loader):
    return report_right(candidates, val_loader, test_loader)[1]


NEAR_MISSES = {
    "mean_loss": [
        (loss_broken, "still far too small"),
        (loss_broken_counting, "still far too small"),
        (loss_of_batches, "count as much as a batch of 5"),
        (loss_by_dataset, "count those that do"),
        (loss_times_size, "not by the batches"),
        (loss_summed, "that is a sum over the samples"),
        (loss_in_train, "train mode"),
        (lambda m, dl, f: sum(measured(m, dl, f)[0]), "a sum of the batches' means"),
        (lambda m, dl, f: measured(m, dl, f)[0][-1], "the last batch alone"),
        (lambda m, dl, f: loss_right(m, dl, loss_of), "plain cross-entropy"),
        (lambda m, dl, f: measured(m, dl, f)[0], "expected one number"),
        (lambda m, dl, f: measured(m, dl, f)[0][0], "a return in the loop"),
        (loss_batch_size, "and is counted as 5"),
        (loss_as_if_full, "the last batch of 3 is divided by 5"),
        (loss_halving, "expected"),
    ],
    "accuracy_of": [
        (acc_broken, "3 at the end are still not measured"),
        (acc_lost_over_all, "counted, but not measured"),
        (acc_of_batches, "counts too much"),
        (acc_count, "divide by the number of images"),
        (acc_in_train, "train mode"),
        (lambda m, x, y, b: 100 * acc_right(m, x, y, b), "yours is in percent"),
        (acc_as_if_full, "as if it were full"),
        (acc_zero_when_empty, "in batches of 30: expected 0.0909, got 0"),
        (lambda m, x, y, b: 1 - acc_right(m, x, y, b), "share of wrong answers"),
        (acc_short_range, "1 at the end are still not measured"),
        (acc_whole_when_empty, "3 at the end are still not measured"),
        (acc_floored, "expected 0.6087, got 0"),
        (acc_along_the_batch, "expected"),
    ],
    "take_step": [
        (stepping("fszb"), "leaves a gradient unused"),
        (stepping("szfb"), "leaves a gradient unused"),
        (stepping("fsbz"), "no gradient is left"),
        (stepping("zfbzs"), "no gradient is left"),
        (stepping("zfs"), "no gradient is left"),
        (stepping("fbs"), "still carries the first batch's gradient"),
        (stepping("zfbss"), "how often"),
        (stepping("zfbsfs"), "got other weights"),
        (step_after, "that after the step"),
        (step_silent, "is a `return` missing"),
        (step_by_hand, "after batch 2 what one step gives"),
        (step_detached, "or never made"),
        (step_on_a_copy, "still moves nothing"),
    ],
    "make_optimizer": [
        (lambda m: sgd(m.body.parameters()), "the head still doesn't move"),
        (opt_frozen_copy, "the head still doesn't move"),
        (opt_unfrozen, "moves now"),
        (opt_thawed_too, "no longer frozen"),
        (lambda m: sgd([m.head.weight]), "the head has two parameters"),
        (lambda m: sgd(m.head.parameters(), lr=1e-7), "what is the rate?"),
        (lambda m: sgd(m.head.parameters(), lr=1000), "is the rate too high?"),
        (opt_uphill, "rate and direction?"),
        (opt_new_head, "only make an optimizer"),
        (lambda m: sgd([m.head.bias]), "'head.weight'} still doesn't move"),
        (lambda m: sgd(m.head.parameters(), lr=0.0), "what is the rate?"),
        (
            lambda m: [p for p in m.parameters() if p.requires_grad],
            "return an optimizer",
        ),
        (lambda m: sgd([]), "your code raised ValueError"),
        (opt_stepped, "only make an optimizer"),
        (lambda m: torch.optim.Adam(m.head.parameters(), lr=30), "rate too high"),
        (lambda m: (sgd(m.head.parameters()), 0.5), "return an optimizer"),
    ],
    "reader": [
        (ReaderBroken, "still get no gradient"),
        (ReaderDetach, "strokes.1.weight, strokes.1.bias still get no gradient"),
        (ReaderData, "still get no gradient"),
        (ReaderNumpy, "still get no gradient"),
        (ReaderNoGrad, "in train mode the logits take part in no graph"),
        (ReaderGradInTrain, "in eval mode the logits take part in no graph"),
        (ReaderSoftmax, "those are probabilities"),
        (ReaderHeadless, "still go to the head"),
        (ReaderSkipping, "no longer head(strokes(inputs))"),
        (ReaderFrozen, "frozen now"),
        (ReaderRenamed, "expected the parts strokes and head"),
        (ReaderRight(), "expected the class itself"),
        (ReaderInference, "inference mode still cuts the graph"),
        (ReaderMadeAnew, "still get no gradient"),
        (ReaderFrozenInForward, "frozen now"),
    ],
    "accumulate": [
        (accumulating(start=0, tail=False, late=True), "still has a batch too many"),
        (accumulating(start=0, late=True), "the rest steps now"),
        (accumulating(start=0, tail=False), "after the first batch, alone"),
        (accumulating(start=0), "after the first batch"),
        (accumulating(tail=False), "left over at the end make no step"),
        (accumulating(divide=False), "divide by `every`"),
        (accumulating(clear=False), "nothing is cleared"),
        (accumulating(start=2), "one batch too early"),
        (accumulating(count=lambda s, n, e: n), "are 2 steps"),
        (accumulating(count=lambda s, n, e: n // e), "10 batches, every 4, are 3"),
        (acc_last_again, "are 2 steps"),
        (acc_clearing_each, "others are cleared"),
        (acc_by_all, "divided by all batches"),
        (lambda m, dl, f, o, e: 2, "no weight moves"),
        (acc_cleared_before, "no weight moves"),
        (acc_every_batch, "when are your steps"),
        (acc_never_full, "when are your steps"),
        (acc_divided_late, "divide by `every`"),
        (acc_by_rest, "what divides each loss"),
    ],
    "shifts": [
        (ShiftsBroken, "still moved alike"),
        (ShiftsByIndex, "still repeats the first"),
        (ShiftsDrawnOnce, "still repeats the first"),
        (ShiftsUnseeded, "the same seed draw differently"),
        (ShiftsGlobalSeed, "asked in turn"),
        (ShiftsSharedGenerator, "asked in turn"),
        (ShiftsOneSeed, "another seed gives the same draws"),
        (ShiftsOnlyUp, "never moved by (down, right) [(-1, 1), (0, 1)"),
        (ShiftsDiagonal, "draw two"),
        (ShiftsDown, "never moved by (down, right) [(-1, -1), (-1, 1)"),
        (ShiftsFar, "at most one pixel"),
        (ShiftsInPlace, "handed over are changed"),
        (ShiftsWithoutLabel, "return the image and its label"),
        (ShiftsFromTheStart, "still repeats the first"),
        (ShiftsByNumpy, "still moved alike"),
        (ShiftsThirdRow, "at most one pixel"),
    ],
    "to_digit": [
        (digit_broken, "asked three times, still becomes [7, 8, 9]"),
        (digit_half, "asked three times, still becomes"),
        (digit_methods, "asked three times, still becomes"),
        (digit_detached, "asked three times, still becomes"),
        (digit_shell, "asked three times, still becomes"),
        (digit_given_back, "asked three times, still becomes"),
        (lambda place: place + 1, "the last key, at place 9, is 0"),
        (lambda place: place % 10 + 1, "the last key, at place 9, is 0"),
        (lambda place: place, "the place comes back"),
        (lambda place: (place - 1) % 10, "moved the other way"),
        (lambda place: (place + 1) % 9, "lies the 9, you say 0"),
        (lambda place: (place + 1) % 10 / 1, "a class is a whole number"),
        (lambda place: ((place + 1) % 10).unsqueeze(0), "got shape (1,)"),
        (lambda place: str((place.item() + 1) % 10), "expected one number"),
        (lambda place: place.add_(1) and None, "is a `return` missing"),
    ],
    "fit": [
        (fitting(before=to_train, measure=to_eval), "from the second epoch on"),
        (fitting(each=to_train), "it measures in train mode"),
        (fitting(each=to_eval, measure=to_eval), "every batch is learned in eval mode"),
        (fitting(before=to_train, each=flag_train, measure=to_eval), "reaches no part"),
        (fitting(each=to_train, measure=flag_eval), "it measures in train mode"),
        (fitting(measure=to_eval, after=to_train), "in which mode did the model come"),
        (
            fitting(before=to_eval, each=norms_to_train, measure=to_eval),
            "one of BatchNorm and Dropout",
        ),
        (fit_measure_once, "validation batches"),
        (fit_last_only, "one loss for each epoch"),
        (fit_without_clearing, "are zero_grad"),
        (fit_first_apart, "batches of the first epoch"),
        (fit_both_parts, "it measures in train mode"),
        (fit_training_losses, "the run is healthy; expected the losses"),
    ],
    "fit_scheduled": [
        (scheduling(batch=True, late=False), "still changes within an epoch"),
        (scheduling(batch=True), "still changes within an epoch"),
        (scheduling(late=False), "the rate never changes"),
        (scheduling(late=False, last=True), "the rate never changes"),
        (scheduling(early=True, late=False), "one epoch early"),
        (scheduling(early=True), "expected the rates"),
        (schedule_first_skipped, "one epoch late"),
        (schedule_at_first_batch, "still changes within an epoch"),
        (schedule_last_loss, "one loss for each epoch"),
        (schedule_every_third, "the rate never changes"),
        (schedule_twice, "expected the rates"),
        (schedule_summed, "the run is healthy; expected the losses"),
    ],
    "pair": [
        (pair_from(body_of, lambda body: body), "both still hold the same 1.weight"),
        (pair_from(body_of, copy.copy), "both still hold the same 1.weight"),
        (
            pair_from(body_of, lambda b: [copy.copy(k) for k in b]),
            "still hold the same",
        ),
        (pair_from(body_of, norm_kept), "both still hold the same 2.weight, 2.bias"),
        (pair_from(body_of, linear_kept), "both still hold the same 1.weight, 1.bias"),
        (pair_from(body_of, statistics_kept), "statistics are still shared"),
        (pair_from(lambda: ONE_BODY, copy.deepcopy), "two calls share"),
        (pair_from(body_of, frozen_too), "still hold the same"),
        (pair_frozen, "some parameters are frozen"),
        (pair_without_norm, "the layers are to stay"),
        (pair_one_size, "expected 2 outputs"),
        (pair_twice, "one and the same network"),
        (pair_shell, "both still hold the same 1.weight"),
        (lambda a, b: nn.Linear(64, a), "return two networks"),
        (pair_narrow, "keep their sizes"),
        (pair_from(body_of, same_weight), "both still hold the same 1.weight"),
        (pair_from(body_of, data_kept), "both still hold the same 1.weight, 2.weight"),
    ],
    "split": [
        (split_broken, "still on both sides"),
        (split_sorted, "still on both sides: 1 of"),
        (split_swapped, "the test comes second"),
        (split_numbers, "those are the groups' numbers"),
        (split_unseeded, "the same seed gave two"),
        (split_one_seed, "every seed gives the same"),
        (split_one_each, "on neither side"),
        (split_overlap, "some rows are on both sides"),
        (split_half, "expected about 25%"),
        (split_with_repeats, "rows for the test, got"),
        (split_whole_groups, "every seed gives the same"),
        (lambda g, f, s: split_right(g, f, s)[1], "return two lists"),
        (split_by_rows, "on neither side"),
        (split_by_all_rows, "rows for the test, got"),
        (split_by_remainder, "for the test, got"),
    ],
    "prepare": [
        (preparing("all", "all"), "still taken from all rows"),
        (preparing("known", "all"), "the columns are still chosen by all"),
        (preparing("all", "known"), "the scale still is from all rows"),
        (preparing("others", "others"), "the wrong way round"),
        (preparing(whole=False), "only the known rows come back"),
        (preparing(constant=False), "becomes nan or inf"),
        (prepare_apart, "the scale that the known rows gave"),
        (prepare_raw, "not standardised"),
        (prepare_signed, "other columns go more closely"),
        (prepare_nan_to_num, "too much to be squared"),
        (prepare_clamped, "got others"),
        (prepare_in_place, "handed over are changed"),
        (lambda x, y, k, n: preparing()(x, y, k, n).T, "expected shape"),
        (prepare_variance, "other columns go more closely"),
        (prepare_least, "other columns go more closely"),
        (prepare_centred, "got others"),
    ],
    "report": [
        (report_broken, "still chosen on the test part"),
        (report_validation, "is that on validation"),
        (report_all_tested, "gone through 5 times"),
        (report_both, "both parts choose together"),
        (report_last, "the last candidate"),
        (report_best_figures, "another candidate's"),
        (report_model, "the place of the best candidate"),
        (report_worst, "the best on validation"),
        (report_share_alone, "return the place of the best and its accuracy"),
        (report_counting_from_one, "expected candidate 1, the best on validation"),
        (report_mean, "expected the accuracy"),
        (report_twice, "gone through 2 times"),
    ],
}

RIGHT = {
    "mean_loss": [
        loss_right,
        loss_by_helper,
        loss_at_once,
        loss_by_numpy,
        loss_rightly_in_train,
        loss_of_samples,
    ],
    "accuracy_of": [acc_right, acc_ceil, acc_by_helper, acc_one_by_one],
    "take_step": [
        stepping("zfbs"),
        stepping("fbsz"),
        step_by_module,
        step_closure,
        step_by_grad,
    ],
    "make_optimizer": [
        lambda m: torch.optim.AdamW(m.head.parameters(), lr=1e-3),
        opt_per_layer,
        lambda m: sgd([p for p in m.parameters() if p.requires_grad], lr=0.01),
        lambda m: torch.optim.Adam(m.parameters(), weight_decay=0.1),
        lambda m: sgd([{"params": m.head.weight}, {"params": m.head.bias, "lr": 0.1}]),
    ],
    "reader": [
        ReaderRight,
        ReaderByLayers,
        ReaderCheckpointing,
        ReaderOther,
        ReaderDetachedInputs,
        ReaderFlattening,
        ReaderByFunctions,
    ],
    "accumulate": [
        accumulating(),
        accumulating(own=True),
        acc_by_chunks,
        acc_joined,
        acc_after_loop,
        acc_clearing_first,
    ],
    "shifts": [
        ShiftsRight,
        ShiftsByRandom,
        ShiftsByCounting,
        ShiftsBlank,
        ShiftsByFractions,
    ],
    "to_digit": [
        lambda place: (place + 1) % 10,
        digit_cloned,
        digit_where,
        digit_typed,
        digit_table,
    ],
    "fit": [
        fitting(each=to_train, measure=to_eval),
        fitting(before=to_train, measure=to_eval, after=to_train),
        fit_by_helpers,
        fit_by_batch,
        fit_on_a_copy,
    ],
    "fit_scheduled": [
        scheduling(),
        schedule_at_last_batch,
        schedule_at_next_start,
        schedule_by_samples,
        schedule_batched,
    ],
    "pair": [
        pair_from(body_of, lambda body: body_of()),
        pair_from(body_of, copy.deepcopy),
        pair_nested,
        pair_same_start,
        lambda a, b: (Own(a), Own(b)),
    ],
    "split": [
        split_right,
        split_by_library,
        split_lists,
        split_masks,
        split_one_by_one,
    ],
    "prepare": [
        preparing(),
        preparing(biased=True),
        prepare_means,
        prepare_sorted,
        prepare_by_library,
        prepare_by_differences,
    ],
    "report": [report_right, report_numpy, report_by_loss, report_by_hand],
}
