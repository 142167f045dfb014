"""Answers to the exercises of lesson 15: wrong as learners write them, and right."""

import copy
import random

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


def pairs_right(images, labels):
    order = torch.randperm(len(images))
    return images[order], labels[order]


def pairs_by_sorting(images, labels):
    order = torch.rand(len(labels)).argsort().to(images.device)
    return [images.index_select(0, order), labels.index_select(0, order)]


def pairs_by_loader(images, labels):
    data = TensorDataset(images, labels)
    return next(iter(DataLoader(data, batch_size=len(images), shuffle=True)))


def pairs_by_stacking(images, labels):
    order = torch.randperm(len(images)).tolist()
    return torch.stack([images[i] for i in order]), torch.stack(
        [labels[i] for i in order]
    )


def pairs_of_images(images, labels):
    return images[torch.randperm(len(images))], labels


def pairs_of_labels(images, labels):
    return images, labels[torch.randperm(len(images))]


def pairs_two_orders(images, labels):
    return images[torch.randperm(len(images))], labels[torch.randperm(len(images))]


def pairs_inverted(images, labels):
    order = torch.randperm(len(images))
    return images[order], labels[order.argsort()]


def pairs_drawn(images, labels):
    order = torch.randint(len(images), (len(images),))
    return images[order], labels[order]


def pairs_unshuffled(images, labels):
    return images.clone(), labels.clone()


def pairs_seeded(images, labels):
    torch.manual_seed(0)
    return pairs_right(images, labels)


def pairs_by_python(images, labels):
    order = list(range(len(images)))
    random.shuffle(order)
    return images[order], labels[order]


def pairs_in_place(images, labels):
    order = torch.randperm(len(images))
    images[:], labels[:] = images[order], labels[order]
    return images, labels


def pairs_turned(images, labels):
    return pairs_right(images, labels)[::-1]


def pairs_of_pixels(images, labels):
    order = torch.randperm(images.numel())
    return images.flatten()[order].view(images.shape), labels


def pairs_cut(images, labels):
    order = torch.randperm(len(images))[: len(images) // 32 * 32]
    return images[order], labels[order]


def pairs_in_halves(images, labels):
    half = len(labels) // 2
    first, second = torch.randperm(half), torch.randperm(len(labels) - half) + half
    order = torch.cat([first, second])
    return images[order], labels[order]


def pairs_almost_still(images, labels):
    order = torch.arange(len(labels))
    if len(labels) > 6 or torch.rand(1) > 0.5:
        order = torch.randperm(len(labels))
    return images[order], labels[order]


def pairs_rolled(images, labels):
    places = int(torch.randint(1, len(images), ()))
    return images.roll(places, 0), labels.roll(places, 0)


def log_pair(network):
    model = nn.Sequential(network, nn.LogSoftmax(dim=1))
    return model, nn.NLLLoss(), torch.exp


def share_pair(network):
    def loss_fn(shares, targets):
        return functional.nll_loss(shares.clamp(min=1e-9).log(), targets)

    return nn.Sequential(network, nn.Softmax(dim=1)), loss_fn, lambda shares: shares


def function_pair(network):
    return [network, functional.cross_entropy, lambda logits: logits.softmax(-1)]


def wide_pair(network):
    return network, nn.CrossEntropyLoss(), lambda x: x.double().softmax(dim=1)


def numpy_pair(network):
    return (
        network,
        nn.CrossEntropyLoss(),
        lambda x: x.detach().cpu().softmax(dim=1).numpy(),
    )


def head_right(model, classes, lr):
    new = nn.Linear(model[-1].in_features, classes).to(model[-1].weight.device)
    model[-1] = new
    return torch.optim.AdamW(model.parameters(), lr=lr)


def head_added(model, classes, lr):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model[-1] = nn.Linear(model[-1].in_features, classes).to(model[-1].weight.device)
    optimizer.add_param_group({"params": model[-1].parameters()})
    return optimizer


def head_in_groups(model, classes, lr):
    device = model[-1].weight.device
    model[len(model) - 1] = nn.LazyLinear(classes).to(device)
    model(torch.zeros(2, next(model.parameters()).shape[1], device=device))
    groups = [{"params": model[:-1].parameters()}, {"params": model[-1].parameters()}]
    return torch.optim.AdamW(groups, lr=lr)


def head_of_zeros(model, classes, lr):
    head_right(model, classes, lr)
    nn.init.zeros_(model[-1].weight)
    return torch.optim.AdamW(model.parameters(), lr=torch.tensor(lr), weight_decay=0)


def head_with(model, classes, lr, last):
    head_right(model, classes, lr)
    model[-1] = nn.Sequential(model[-1], last)
    return torch.optim.AdamW(model.parameters(), lr=lr)


def head_with_softmax(model, classes, lr):
    return head_with(model, classes, lr, nn.Softmax(dim=1))


def head_with_relu(model, classes, lr):
    return head_with(model, classes, lr, nn.ReLU())


def head_too_late(model, classes, lr):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model[-1] = nn.Linear(model[-1].in_features, classes).to(model[-1].weight.device)
    return optimizer


def head_alone(model, classes, lr):
    head_right(model, classes, lr)
    return torch.optim.AdamW(model[-1].parameters(), lr=lr)


def head_frozen_rest(model, classes, lr):
    model.requires_grad_(False)
    return head_right(model, classes, lr)


def head_default_rate(model, classes, lr):
    head_right(model, classes, lr)
    return torch.optim.AdamW(model.parameters())


def head_appended(model, classes, lr):
    device = model[-1].weight.device
    model.append(nn.Linear(model[-1].out_features, classes).to(device))
    return torch.optim.AdamW(model.parameters(), lr=lr)


def head_on_top(model, classes, lr):
    new = nn.Linear(model[-1].out_features, classes).to(model[-1].weight.device)
    model[-1] = nn.Sequential(model[-1], new)
    return torch.optim.AdamW(model.parameters(), lr=lr)


def head_of_new_parameters(model, classes, lr):
    shape, device = (classes, model[-1].in_features), model[-1].weight.device
    model[-1].weight = nn.Parameter(torch.randn(shape, device=device) / 9)
    model[-1].bias = nn.Parameter(torch.zeros(classes, device=device))
    return torch.optim.AdamW(model.parameters(), lr=lr)


def head_on_a_copy(model, classes, lr):
    return head_right(copy.deepcopy(model), classes, lr)


def head_in_a_new_model(model, classes, lr):
    new = nn.Linear(model[-1].in_features, classes).to(model[-1].weight.device)
    model = nn.Sequential(*model[:-1], new)
    return torch.optim.AdamW(model.parameters(), lr=lr)


def head_and_model(model, classes, lr):
    return model, head_right(model, classes, lr)


def head_forgetful(model, classes, lr):
    optimizer = head_right(model, classes, lr)
    for layer in model:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    return optimizer


def head_then_copied(model, classes, lr):
    head_right(model, classes, lr)
    return torch.optim.AdamW(copy.deepcopy(model).parameters(), lr=lr)


def head_by_sgd(model, classes, lr):
    head_right(model, classes, lr)
    return torch.optim.SGD(model.parameters(), lr=lr)


def head_of_ten(model, classes, lr):
    return head_right(model, 10, lr)


def step_right(model, batch, loss_fn, optimizer):
    inputs, targets = batch
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def step_clearing_after(model, batch, loss_fn, optimizer):
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    optimizer.step()
    model.zero_grad(set_to_none=False)
    return loss.detach()


def step_by_grad(model, batch, loss_fn, optimizer):
    trained = [p for p in model.parameters() if p.requires_grad]
    loss = loss_fn(model(batch[0]), batch[1])
    for p, gradient in zip(trained, torch.autograd.grad(loss, trained), strict=True):
        p.grad = gradient
    optimizer.step()
    return float(loss.detach())


def step_by_closure(model, batch, loss_fn, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = loss_fn(model(batch[0]), batch[1])
        loss.backward()
        return loss

    return optimizer.step(closure).item()


def step_hasty(model, batch, loss_fn, optimizer):
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()


def step_cleared_too_late(model, batch, loss_fn, optimizer):
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def step_first(model, batch, loss_fn, optimizer):
    optimizer.step()
    optimizer.zero_grad()
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    return loss.item()


def step_between(model, batch, loss_fn, optimizer):
    loss = loss_fn(model(batch[0]), batch[1])
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


def step_first_uncleared(model, batch, loss_fn, optimizer):
    optimizer.step()
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    return loss.item()


def step_missing(model, batch, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    return loss.item()


def step_before_any_gradient(model, batch, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(batch[0]), batch[1])
    optimizer.step()
    loss.backward()
    return loss.item()


def step_with_graph(model, batch, loss_fn, optimizer):
    optimizer.zero_grad()
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    optimizer.step()
    return loss


def step_measured_after(model, batch, loss_fn, optimizer):
    step_right(model, batch, loss_fn, optimizer)
    return loss_fn(model(batch[0]), batch[1]).item()


def step_with_its_own_loss(model, batch, loss_fn, optimizer):
    return step_right(model, batch, functional.cross_entropy, optimizer)


def step_with_a_new_optimizer(model, batch, loss_fn, optimizer):
    fresh = torch.optim.SGD(model.parameters(), lr=0.2)
    return step_right(model, batch, loss_fn, fresh)


def step_without_return(model, batch, loss_fn, optimizer):
    step_right(model, batch, loss_fn, optimizer)


def step_twice(model, batch, loss_fn, optimizer):
    step_right(model, batch, loss_fn, optimizer)
    return step_right(model, batch, loss_fn, optimizer)


class Rows(nn.Module):
    """Reads rows; the others change one thing."""

    def __init__(self, **options):
        super().__init__()
        self.reader, self.head = nn.LSTM(8, 32, **options), nn.Linear(32, 10)

    def forward(self, inputs):
        outputs, _ = self.reader(inputs[:, 0].permute(1, 0, 2))
        return self.head(outputs[-1])


class RowsBatchFirst(Rows):
    def __init__(self):
        super().__init__(batch_first=True)

    def forward(self, inputs):
        _, (last, _) = self.reader(inputs.squeeze(1))
        return self.head(last[0])


class RowsByLoop(Rows):
    def forward(self, inputs):
        return torch.cat([self.head(self.reader(one[0])[0][-1:]) for one in inputs])


class RowsTransposed(Rows):
    def forward(self, inputs):
        return self.head(self.reader(inputs.squeeze(1).transpose(0, 1))[0].mean(dim=0))


class RowsBothWays(Rows):
    def __init__(self):
        super().__init__(bidirectional=True)
        self.head = nn.Linear(64, 10)


class RowsSqueezed(Rows):
    def forward(self, inputs):
        return self.head(self.reader(inputs.squeeze().transpose(0, 1))[0][-1])


class RowsReshaped(Rows):
    def forward(self, inputs):
        return self.head(self.reader(inputs.reshape(8, -1, 8))[0][-1])


class RowsViewed(Rows):
    def forward(self, inputs):
        return self.head(self.reader(inputs[:, 0].reshape(8, len(inputs), 8))[0][-1])


class RowsUnswapped(Rows):
    def forward(self, inputs):
        return self.head(self.reader(inputs[:, 0])[0][-1])


class RowsAcross(Rows):
    def forward(self, inputs):
        return self.head(self.reader(inputs[:, 0])[0][:, -1])


class RowsFirst(Rows):
    def forward(self, inputs):
        return self.head(self.reader(inputs[:, 0].permute(1, 0, 2))[0][0])


class RowsAll(Rows):
    def forward(self, inputs):
        return self.head(self.reader(inputs[:, 0].permute(1, 0, 2))[0])


class RowsBatchFirstLastSample(Rows):
    def __init__(self):
        super().__init__(batch_first=True)

    def forward(self, inputs):
        return self.head(self.reader(inputs[:, 0])[0][-1])


class RowsDetached(Rows):
    def forward(self, inputs):
        outputs, _ = self.reader(inputs[:, 0].permute(1, 0, 2))
        return self.head(outputs[-1].detach())


class RowsCentred(Rows):
    def forward(self, inputs):
        return super().forward(inputs - inputs.mean(dim=0))


class RowsFive(Rows):
    def forward(self, inputs):
        return super().forward(inputs[:, :, :5])


class RowsShares(Rows):
    def forward(self, inputs):
        return super().forward(inputs).softmax(dim=1)


class RowsAveraged(Rows):
    def forward(self, inputs):
        return super().forward(inputs.mean(dim=2, keepdim=True))


class RowsInDouble(Rows):
    def __init__(self):
        super().__init__()
        self.double()

    def forward(self, inputs):
        return super().forward(inputs.double())


class RowsSilent(Rows):
    def forward(self, inputs):
        self.head(self.reader(inputs[:, 0].permute(1, 0, 2))[0][-1])


def rate_right(start, loss_after, rates):
    return max((r for r in rates if loss_after(r) < start / 2), default=None)


def rate_from_the_top(start, loss_after, rates):
    for rate in sorted(rates, reverse=True):
        if 2 * loss_after(rate) < start:
            return rate
    return None


def rate_by_tensor(start, loss_after, rates):
    rates = torch.tensor(rates, dtype=torch.float64)
    losses = torch.tensor([loss_after(rate.item()) for rate in rates])
    good = rates[losses < start / 2]
    return good.max() if len(good) else None


def rate_of_smallest_loss(start, loss_after, rates):
    good = [r for r in rates if loss_after(r) < start / 2]
    return min(good, key=loss_after, default=None)


def rate_with_nan(start, loss_after, rates):
    return max((r for r in rates if not loss_after(r) >= start / 2), default=None)


def rate_below_start(start, loss_after, rates):
    return max((r for r in rates if loss_after(r) < start), default=None)


def rate_up_to_half(start, loss_after, rates):
    return max((r for r in rates if loss_after(r) <= start / 2), default=None)


def rate_first(start, loss_after, rates):
    return next((r for r in rates if loss_after(r) < start / 2), None)


def rate_last(start, loss_after, rates):
    return ([r for r in rates if loss_after(r) < start / 2] or [None])[-1]


def rate_smallest(start, loss_after, rates):
    return min((r for r in rates if loss_after(r) < start / 2), default=None)


def rate_fixed_half(start, loss_after, rates):
    return max((r for r in rates if loss_after(r) < 1.15), default=None)


def rate_loss(start, loss_after, rates):
    best = rate_right(start, loss_after, rates)
    return None if best is None else loss_after(best)


def rate_index(start, loss_after, rates):
    best = rate_right(start, loss_after, rates)
    return None if best is None else rates.index(best)


def rate_or_smallest(start, loss_after, rates):
    return max((r for r in rates if loss_after(r) < start / 2), default=min(rates))


def rate_in_place(start, loss_after, rates):
    rates.sort(reverse=True)
    return rate_from_the_top(start, loss_after, rates)


def rate_half_rounded_down(start, loss_after, rates):
    return max((r for r in rates if loss_after(r) < start // 2), default=None)


def rate_until_the_first_fails(start, loss_after, rates):
    best = None
    for rate in sorted(rates):
        if not loss_after(rate) < start / 2:
            break
        best = rate
    return best


def rate_where_the_first_row_ends(start, loss_after, rates):
    best = None
    for rate in sorted(rates):
        if loss_after(rate) < start / 2:
            best = rate
        elif best is not None:
            break
    return best


def rate_until_it_fails(start, loss_after, rates):
    best = None
    for rate in sorted(rates):
        if loss_after(rate) < start / 2:
            best = rate
        elif best is None:
            return rate
    return best


NEAR_MISSES = {
    "prepare": [
        (pairs_of_images, "the labels stayed where they were"),
        (pairs_of_labels, "the images stayed where they were"),
        (pairs_two_orders, "have two orders"),
        (pairs_inverted, "have two orders"),
        (pairs_drawn, "randperm has each index once"),
        (pairs_unshuffled, "nothing is shuffled"),
        (pairs_rolled, "still follow their old neighbour"),
        (pairs_in_halves, "never came to one of the places"),
        (pairs_almost_still, "stays in its place too often"),
        (pairs_seeded, "without a seed of your own"),
        (pairs_by_python, "draw from torch's generator"),
        (pairs_in_place, "are changed"),
        (pairs_turned, "the other way round"),
        (pairs_of_pixels, "pixels of different images"),
        (pairs_cut, "and now (32, 1, 3, 2)"),
        (lambda images, labels: images, "two tensors"),
    ],
    "repaired": [
        (
            lambda n: (
                nn.Sequential(n, nn.Softmax(1)),
                nn.CrossEntropyLoss(),
                lambda shares: shares,
            ),
            "is the least for 4 classes",
        ),
        (
            lambda n: (
                nn.Sequential(n, nn.Softmax(1)),
                nn.CrossEntropyLoss(),
                nn.Softmax(1),
            ),
            "softmax was applied twice",
        ),
        (lambda n: (n, nn.CrossEntropyLoss(), nn.Softmax(0)), "over the samples"),
        (lambda n: (n, nn.CrossEntropyLoss(), lambda x: x), "those are logits"),
        (lambda n: (n, nn.CrossEntropyLoss(), nn.LogSoftmax(1)), "take exp"),
        (lambda n: (n, nn.CrossEntropyLoss(), torch.sigmoid), "sigmoid takes each"),
        (lambda n: (n, nn.NLLLoss(), nn.Softmax(1)), "below 0; NLLLoss wants"),
        (
            lambda n: (nn.Sequential(n, nn.Softmax(1)), nn.NLLLoss(), lambda x: x),
            "below 0; NLLLoss wants",
        ),
        (
            lambda n: (
                nn.Sequential(n, nn.LogSoftmax(1)),
                nn.NLLLoss(),
                lambda x: x,
            ),
            "take exp",
        ),
        (lambda n: (n, nn.CrossEntropyLoss), "return model, loss_fn"),
        (
            lambda n: (n, nn.CrossEntropyLoss, nn.Softmax(1)),
            "one of the three is a class",
        ),
        (
            lambda n: (copy.deepcopy(n), nn.CrossEntropyLoss(), nn.Softmax(1)),
            "has not the parameters",
        ),
        (
            lambda n: (n, nn.CrossEntropyLoss(), lambda inputs: n(inputs).softmax(1)),
            "outputs alone, (15, 4), no inputs",
        ),
        (
            lambda n: (n, nn.Softmax(1), nn.CrossEntropyLoss()),
            "outputs alone, (15, 4), no inputs",
        ),
        (
            lambda n: (n, nn.CrossEntropyLoss(label_smoothing=0.3), nn.Softmax(1)),
            "the loss ends at",
        ),
    ],
    "clean_step": [
        (step_hasty, "are 1, 2 and 3 long"),
        (step_cleared_too_late, "is zero_grad() between"),
        (step_first, "the gradient of the batch before"),
        (step_between, "step() comes after backward()"),
        (step_first_uncleared, "the first call moves nothing"),
        (step_missing, "is step() missing"),
        (step_before_any_gradient, "does it come before backward()?"),
        (step_with_graph, "loss.item()"),
        (step_measured_after, "expected the loss before each step"),
        (step_with_its_own_loss, "one backward() of loss_fn"),
        (step_with_a_new_optimizer, "one backward() of loss_fn"),
        (step_twice, "one backward() of loss_fn"),
        (step_without_return, "is a `return` missing?"),
    ],
    "adapt": [
        (head_too_late, "the new head does not move"),
        (head_alone, "or not handed over?"),
        (head_frozen_rest, "are they frozen"),
        (head_default_rate, "was handed over"),
        (head_appended, "replace the last one"),
        (head_on_top, "the old last layer is still there"),
        (head_on_a_copy, "still ends in the old layer"),
        (head_in_a_new_model, "still ends in the old layer"),
        (head_and_model, "the optimizer alone"),
        (head_forgetful, "lost what they knew"),
        (head_then_copied, "no parameter of the model moves"),
        (head_by_sgd, "expected an AdamW"),
        (head_with_softmax, "is not linear"),
        (head_with_relu, "is not linear"),
        (head_of_ten, "expected 5 outputs"),
    ],
    "own_rows": [
        (RowsReshaped, "5 of 5 samples get another output"),
        (RowsViewed, "5 of 5 samples get another output"),
        (RowsUnswapped, "which axis of outputs is the batch?"),
        (RowsBatchFirstLastSample, "which axis of outputs is the batch?"),
        (RowsAcross, "samples get another output"),
        (RowsSqueezed, "removes the axis of the batch"),
        (RowsFirst, "only 1 of 8 rows matter"),
        (RowsAll, "expected logits (5, 10)"),
        (RowsDetached, "no gradient reaches reader"),
        (RowsCentred, "samples get another output"),
        (RowsFive, "only 5 of 8 rows matter"),
        (RowsShares, "those are probabilities"),
        (RowsAveraged, "not read one by one"),
        (RowsSilent, "is a `return` missing?"),
        (Rows(), "expected the class itself"),
    ],
    "largest_rate": [
        (rate_of_smallest_loss, "the smallest loss"),
        (rate_with_nan, "lets it in"),
        (rate_below_start, "not below half of it"),
        (rate_up_to_half, "exactly half of start"),
        (rate_first, "the first rate that passes"),
        (rate_last, "the last rate that passes"),
        (rate_smallest, "the smallest rate that passes"),
        (rate_fixed_half, "half of start is 2 here"),
        (rate_loss, "that is a loss"),
        (rate_index, "a place in the list"),
        (rate_or_smallest, "return None"),
        (rate_in_place, "is changed"),
        (rate_half_rounded_down, "rounds down"),
        (rate_until_the_first_fails, "too early, or is"),
        (rate_until_it_fails, "expected the rate 0.03"),
        (rate_where_the_first_row_ends, "a larger one passes again"),
        (lambda start, loss_after, rates: max(rates), "the largest rate of all"),
    ],
}

RIGHT = {
    "prepare": [pairs_right, pairs_by_sorting, pairs_by_loader, pairs_by_stacking],
    "repaired": [log_pair, share_pair, function_pair, wide_pair, numpy_pair],
    "clean_step": [step_right, step_clearing_after, step_by_grad, step_by_closure],
    "adapt": [
        head_right,
        head_added,
        head_in_groups,
        head_of_zeros,
        head_of_new_parameters,
    ],
    "own_rows": [
        Rows,
        RowsBatchFirst,
        RowsByLoop,
        RowsTransposed,
        RowsBothWays,
        RowsInDouble,
    ],
    "largest_rate": [rate_right, rate_from_the_top, rate_by_tensor],
}
