"""Training runs for the doctor: each broken in one way, or healthy.

A function of the seed returns the arguments of `examine`. What no behaviour of one
run on one loader can show stands in `INVISIBLE`, with the reason.
"""

import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from course_utils.data import load_digits
from course_utils.runtime import pick_device

CE = nn.CrossEntropyLoss()


def digits(change=None, size=32, samples=1078):
    images, labels = (part[:samples] for part in load_digits("train"))
    if change:
        images, labels = change(images, labels)
    return DataLoader(TensorDataset(images, labels), batch_size=size, shuffle=True)


def mlp(*more, outputs=10):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, outputs), *more
    )


def cnn(normal=nn.BatchNorm2d):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        normal(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        normal(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


class TwoParts(nn.Module):
    """A backbone, a head, and a way from one to the other."""

    def __init__(self, way=lambda features: features, outputs=10):
        super().__init__()
        self.backbone = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, outputs)
        self.way = way

    def forward(self, inputs):
        return self.head(self.way(self.backbone(inputs)))


class Rows(nn.Module):
    """An LSTM that reads the rows of an image; `mixed` plants a reshape."""

    def __init__(self, mixed=False):
        super().__init__()
        self.reader, self.head, self.mixed = nn.LSTM(8, 32), nn.Linear(32, 10), mixed

    def forward(self, inputs):
        rows = inputs[:, 0]  # (N, 8, 8)
        n = len(rows)
        rows = rows.reshape(8, n, 8) if self.mixed else rows.permute(1, 0, 2)
        return self.head(self.reader(rows)[0][-1])


def run(model, loader=None, loss_fn=CE, optimizer=None, step=None):
    model = model.to(pick_device())
    if optimizer is None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    return model, loader or digits(), loss_fn, optimizer, step


def one_step(loss_of):
    """Return a step whose loss is loss_of(model, inputs, targets, loss_fn)."""

    def step(model, batch, loss_fn, optimizer):
        optimizer.zero_grad()
        loss_of(model, *batch, loss_fn).backward()
        optimizer.step()

    return step


def plain(model, inputs, targets, loss_fn):
    return loss_fn(model(inputs), targets)


# --- broken in the data or the loss


def shuffled_inputs():
    def shuffle(images, labels):
        return images[torch.randperm(len(images))], labels

    return run(mlp(), digits(shuffle))


def labels_out_of_range():
    return run(mlp(), digits(lambda images, labels: (images, labels + 1)))


def labels_from_one():
    return run(mlp(outputs=11), digits(lambda images, labels: (images, labels + 1)))


def pixels_to_255():
    return run(mlp(), digits(lambda images, labels: (images * 255, labels)))


def nan_in_inputs():
    def spoil(images, labels):
        images[::7, 0, 3, 3] = torch.nan
        return images, labels

    return run(cnn(), digits(spoil))


def one_sample_for_all():
    return run(
        mlp(), digits(lambda images, labels: (images[:1].expand_as(images), labels))
    )


def softmax_twice():
    return run(mlp(nn.Softmax(dim=1)))


def softmax_twice_in_the_step():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        optimizer.zero_grad()
        loss_fn(model(inputs).softmax(dim=1), targets).backward()
        optimizer.step()

    return run(mlp(), step=step)


def summed_loss():
    return run(mlp(), loss_fn=nn.CrossEntropyLoss(reduction="sum"))


def all_pairs():
    images, labels = load_digits("train")
    data = TensorDataset(images, labels.float() / 10)
    return run(mlp(outputs=1), DataLoader(data, batch_size=32), nn.MSELoss())


def one_class():
    return run(mlp(), digits(lambda images, labels: (images, labels * 0 + 3)))


def logits_to_nll():
    return run(mlp(), loss_fn=nn.NLLLoss())


def a_minus_too_many():
    return run(mlp(), loss_fn=lambda logits, labels: -CE(logits, labels))


def labels_rolled_by_the_loss():
    return run(mlp(), loss_fn=lambda logits, labels: CE(logits, labels.roll(1)))


# --- broken in the step


def no_zero_grad():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        loss_fn(model(inputs), targets).backward()
        optimizer.step()

    return run(mlp(), step=step)


def no_zero_grad_but_clipping():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        loss_fn(model(inputs), targets).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return run(mlp(), step=step)


def step_before_backward():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        loss = loss_fn(model(inputs), targets)
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()

    return run(mlp(), step=step)


def cleared_before_step():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        loss_fn(model(inputs), targets).backward()
        optimizer.zero_grad()
        optimizer.step()

    return run(mlp(), step=step)


def no_step():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        optimizer.zero_grad()
        loss_fn(model(inputs), targets).backward()

    return run(mlp(), step=step)


def two_steps_for_one_backward():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        optimizer.zero_grad()
        loss_fn(model(inputs), targets).backward()
        optimizer.step()
        optimizer.step()

    return run(mlp(), step=step)


def eval_mode_left_on():
    return run(cnn().eval(), step=one_step(plain))


def accumulating(when, clear="after"):
    def step(model, batch, loss_fn, optimizer):
        model.train()
        inputs, targets = batch
        pieces = list(zip(inputs.chunk(4), targets.chunk(4), strict=True))
        for i, (some, some_targets) in enumerate(pieces):
            if clear == "each":
                optimizer.zero_grad()
            (loss_fn(model(some), some_targets) / 4).backward()
            if when(i):
                optimizer.step()
                if clear == "after":
                    optimizer.zero_grad()
        if clear == "end":
            optimizer.zero_grad()

    return step


def reader_with_dropout_in_eval():
    model = Rows()
    model.reader = nn.LSTM(8, 32, num_layers=2, dropout=0.5)
    return run(model.eval(), step=one_step(plain))


def accumulation_off_by_one():
    return run(mlp(), step=accumulating(lambda i: i % 4 == 0))


def accumulation_off_by_one_and_cleared():
    return run(mlp(), step=accumulating(lambda i: i % 4 == 0, clear="end"))


def accumulation_cleared_each_time():
    return run(mlp(), step=accumulating(lambda i: i % 4 == 3, clear="each"))


def accumulation_without_the_tail():
    return run(mlp(), step=accumulating(lambda i: i == 2))


def losses_kept():
    kept = []

    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
        kept.append(loss)

    return run(mlp(), step=step)


def detached_in_the_step():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        optimizer.zero_grad()
        loss_fn(model(inputs).detach(), targets).backward()
        optimizer.step()

    return run(mlp(), step=step)


# --- broken in the model or the optimizer


def head_replaced_too_late():
    model = TwoParts(outputs=3).to(pick_device())
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.head = nn.Linear(32, 10)
    return run(model, optimizer=optimizer)


def another_model():
    optimizer = torch.optim.AdamW(mlp().parameters(), lr=3e-3)
    return run(mlp(), optimizer=optimizer)


def frozen_in_trained_out():
    model = TwoParts()
    model.backbone.requires_grad_(False)
    return run(model, optimizer=torch.optim.AdamW(model.backbone.parameters(), lr=3e-3))


def half_left_out():
    model = TwoParts()
    return run(model, optimizer=torch.optim.SGD(model.head.parameters(), lr=0.1))


def detached():
    return run(TwoParts(torch.Tensor.detach))


def dead():
    model = mlp()
    nn.init.constant_(model[1].bias, -100)
    return run(model)


def mixed_samples():
    return run(Rows(mixed=True))


def random_in_eval():
    return run(TwoParts(functional.dropout))


# --- broken in the rate


def rate_a_thousand_times_too_high():
    model = cnn()
    return run(model, optimizer=torch.optim.AdamW(model.parameters(), lr=3.0))


def rate_a_thousand_times_too_high_without_batchnorm():
    model = mlp()
    return run(model, optimizer=torch.optim.AdamW(model.parameters(), lr=3.0))


def rate_too_high_for_sgd():
    model = mlp()
    return run(model, optimizer=torch.optim.SGD(model.parameters(), lr=100.0))


def rate_beyond_all_measure():
    model = mlp()
    return run(model, optimizer=torch.optim.SGD(model.parameters(), lr=1e6))


def huge_weights():
    model = mlp()
    for layer in (model[1], model[3]):
        nn.init.normal_(layer.weight, std=10)
    return run(model)


def sigmoid_before_cross_entropy():
    return run(mlp(nn.Sigmoid()))


def rate_of_zero():
    model = mlp()
    return run(model, optimizer=torch.optim.SGD(model.parameters(), lr=0.0))


def rate_a_million_times_too_low():
    model = mlp()
    return run(model, optimizer=torch.optim.AdamW(model.parameters(), lr=3e-9))


def clipped_to_nothing():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        optimizer.zero_grad()
        loss_fn(model(inputs), targets).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e-6)
        optimizer.step()

    model = mlp()
    return run(model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), step=step)


def uphill():
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, maximize=True)
    return run(model, optimizer=optimizer)


def pairs_of_images_under_mixed_targets():
    model, loader, loss_fn, optimizer, _ = siamese()
    inputs, targets = loader.dataset.tensors
    data = TensorDataset(inputs, targets[torch.randperm(len(targets))])
    loader = DataLoader(data, batch_size=32, shuffle=True)
    return model, loader, loss_fn, optimizer, None


BROKEN = {
    shuffled_inputs: "pairs",
    labels_out_of_range: "error",
    labels_from_one: "labels",
    pixels_to_255: "inputs",
    nan_in_inputs: "inputs",
    one_sample_for_all: "inputs",
    softmax_twice: "softmax",
    softmax_twice_in_the_step: "softmax",
    summed_loss: "sum",
    one_class: "labels",
    logits_to_nll: "logs",
    a_minus_too_many: "reward",
    labels_rolled_by_the_loss: "reward",
    all_pairs: "shapes",
    no_zero_grad: "leftover",
    no_zero_grad_but_clipping: "leftover",
    step_before_backward: "order",
    cleared_before_step: "order",
    no_step: "step",
    two_steps_for_one_backward: "again",
    eval_mode_left_on: "mode",
    reader_with_dropout_in_eval: "mode",
    accumulation_off_by_one: "unused",
    accumulation_off_by_one_and_cleared: "unused",
    accumulation_cleared_each_time: "unused",
    accumulation_without_the_tail: "unused",
    losses_kept: "memory",
    detached_in_the_step: "error",
    head_replaced_too_late: "strange",
    another_model: "strange",
    frozen_in_trained_out: "left out",
    half_left_out: "left out",
    detached: "gradient",
    dead: "gradient",
    mixed_samples: "mixing",
    random_in_eval: "random",
    rate_a_thousand_times_too_high: "rate",
    rate_a_thousand_times_too_high_without_batchnorm: "rate",
    rate_too_high_for_sgd: "rate",
    rate_beyond_all_measure: "rate",
    huge_weights: "start",
    sigmoid_before_cross_entropy: "one batch",
    rate_of_zero: "rate",
    rate_a_million_times_too_low: "rate",
    clipped_to_nothing: "rate",
    uphill: "uphill",
    pairs_of_images_under_mixed_targets: "pairs",
}

# Faults that lie outside what one run on one loader does, and where to look instead.
INVISIBLE = {
    "eval mode never set": "it is a fault of the validation, which examine never calls",
    "labels shifted in a circle": "a consistent renaming is learned as well as any",
    "scheduler stepped per batch": "a rate by step is right for some schedulers; it "
    "shows in the list of rates",
    "loss averaged wrongly over an epoch": "it is a fault of the report, not the steps",
    "training data in the test set": "one loader holds one of the two",
    "normalisation computed on all data": "the numbers arrive already normalised",
    "augmentation that repeats": "a loader without augmentation repeats as well",
    "a metric that loses the last batch": "it is a fault of the report, not the steps",
    "best checkpoint chosen on the test set": "it is a choice between finished runs",
    "two models that share weights": "each alone behaves as it should",
    "a frozen head": "layers that don't want gradients are taken to be meant so",
    "half of the targets mixed": "the other half still tells; it may be noise",
    "a weight decay far too high": "it acts slowly, and the right one is not known",
}


# --- healthy


def accumulates():
    return run(mlp(), step=accumulating(lambda i: i % 4 == 3))


def casts():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        model.train()
        optimizer.zero_grad()
        with torch.autocast(inputs.device.type, dtype=torch.bfloat16):
            loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()

    return run(cnn(), step=step)


def clips():
    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return run(mlp(), step=step)


def drops():
    return run(TwoParts(nn.Dropout(0.5)))


def frozen_backbone():
    model = cnn()
    for layer in model[:7]:
        layer.requires_grad_(False)

    def step(model, batch, loss_fn, optimizer):
        inputs, targets = batch
        model.train()
        model[:7].eval()  # its running statistics stay, too
        optimizer.zero_grad()
        loss_fn(model(inputs), targets).backward()
        optimizer.step()

    return run(
        model, optimizer=torch.optim.AdamW(model[8].parameters(), lr=3e-3), step=step
    )


def frozen_in_the_optimizer():
    model = cnn()
    model[:7].requires_grad_(False)
    return run(model)


def frozen_and_all_in_eval():
    arguments = frozen_backbone()
    return run(arguments[0].eval(), optimizer=arguments[3])


def regression():
    from sklearn.datasets import load_diabetes

    inputs, targets = load_diabetes(return_X_y=True)
    inputs = torch.from_numpy(inputs).float() * 20
    targets = torch.from_numpy(targets).float()
    targets = ((targets - targets.mean()) / targets.std()).unsqueeze(1)
    data = TensorDataset(inputs, targets)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    return run(model, DataLoader(data, batch_size=32, shuffle=True), nn.MSELoss())


class Sentences(nn.Module):
    """An embedding and an LSTM; the class is which of two words came first."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 16)
        self.reader, self.head = nn.LSTM(16, 32, batch_first=True), nn.Linear(32, 4)

    def forward(self, inputs):
        return self.head(self.reader(self.embedding(inputs))[0][:, -1])


def sequence():
    ids = torch.randint(4, 20, (640, 6))
    targets = torch.randint(4, (640,))
    ids[torch.arange(640), torch.randint(4, 6, (640,))] = targets
    data = TensorDataset(ids, targets)
    return run(Sentences(), DataLoader(data, batch_size=32, shuffle=True))


def rows():
    return run(Rows())


def transformer():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.lift = nn.Linear(8, 32)
            self.block = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
            self.head = nn.Linear(32, 10)

        def forward(self, inputs):
            return self.head(self.block(self.lift(inputs[:, 0])).flatten(2).mean(dim=1))

    return run(Reader())


def groups():
    model = TwoParts()
    optimizer = torch.optim.AdamW(
        [
            {"params": model.backbone.parameters(), "lr": 1e-4},
            {"params": model.head.weight, "lr": 3e-3},
            {"params": [model.head.bias], "lr": 3e-3, "weight_decay": 0},
        ]
    )
    return run(model, optimizer=optimizer)


def decays():
    model = mlp()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01
    )
    return run(model, optimizer=optimizer)


class Tied(nn.Module):
    """An autoencoder whose way back uses the weight of the way in."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(64, 24), nn.Linear(24, 64, bias=False)
        self.back = nn.Linear(64, 24)
        self.back.weight = self.encoder.weight

    def forward(self, inputs):
        hidden = self.encoder(inputs).relu() + self.back(inputs)
        return hidden @ self.encoder.weight + self.decoder(hidden)


def tied():
    images, _ = load_digits("train")
    data = TensorDataset(images.flatten(1), images.flatten(1))
    return run(Tied(), DataLoader(data, batch_size=32, shuffle=True), nn.MSELoss())


def zero_head():
    model = TwoParts()
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    return run(model)


def warm_up():
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 10))
    return run(model, optimizer=optimizer)


def smooth_and_weighted():
    weight = torch.linspace(0.5, 2, 10, device=pick_device())
    return run(mlp(), loss_fn=nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1))


def log_softmax():
    return run(mlp(nn.LogSoftmax(dim=1)), loss_fn=nn.NLLLoss())


def two_classes():
    images, labels = load_digits("train")
    data = TensorDataset(images, (labels > 4).float().unsqueeze(1))
    loader = DataLoader(data, batch_size=32, shuffle=True)
    return run(mlp(outputs=1), loader, nn.BCEWithLogitsLoss())


def rare_class():
    keep = torch.cat([torch.arange(1078)[load_digits("train")[1] != 3]])
    images, labels = (part[keep] for part in load_digits("train"))
    data = TensorDataset(images, (labels == 7).long())
    return run(mlp(outputs=2), DataLoader(data, batch_size=50))


def half_trained():
    model, loader, loss_fn, optimizer, _ = run(cnn())
    for inputs, targets in loader:
        inputs, targets = inputs.to(pick_device()), targets.to(pick_device())
        optimizer.zero_grad()
        loss_fn(model(inputs), targets).backward()
        optimizer.step()
    return model, loader, loss_fn, optimizer, None


def loss_as_a_function():
    return run(mlp(), loss_fn=lambda logits, y: functional.cross_entropy(logits, y))


def in_double():
    def widen(images, labels):
        return images.double(), labels

    return run(mlp().double(), digits(widen))


def group_norm():
    return run(cnn(lambda channels: nn.GroupNorm(4, channels)))


def few_samples():
    return run(mlp(), digits(samples=40))


def raw_pixels():
    return run(cnn(), digits(lambda images, labels: (images * 16, labels)))


class Siamese(nn.Module):
    """The same network for two images; far apart means different digits."""

    def __init__(self):
        super().__init__()
        self.network = mlp(outputs=16)  # its last bias cancels, and has no gradient
        self.scale, self.shift = (nn.Parameter(torch.tensor([v])) for v in (1.0, 0.0))

    def forward(self, inputs):
        apart = self.network(inputs[:, 0]) - self.network(inputs[:, 1])
        return self.shift - self.scale * apart.square().sum(dim=1)


def siamese():
    images, labels = load_digits("train")
    by_class = [(labels == k).nonzero().flatten() for k in range(10)]
    one = torch.randint(len(images), (800,))
    other = torch.randint(len(images), (800,))
    for i in range(0, 800, 2):
        same = by_class[labels[one[i]]]
        other[i] = same[torch.randint(len(same), ())]
    inputs = torch.cat([images[one], images[other]], dim=1)
    data = TensorDataset(inputs, (labels[one] == labels[other]).float())
    loader = DataLoader(data, batch_size=32, shuffle=True)
    return run(Siamese(), loader, nn.BCEWithLogitsLoss())


def several_labels():
    images, labels = load_digits("train")
    targets = torch.stack([labels % 2 == 0, labels > 4, labels == 7], dim=1).float()
    loader = DataLoader(TensorDataset(images, targets), batch_size=32, shuffle=True)
    return run(mlp(outputs=3), loader, nn.BCEWithLogitsLoss())


def noisy_targets():
    inputs = torch.randn(400, 10)
    targets = 0.5 * inputs[:, :1] + torch.randn(400, 1)  # a fifth can be known
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=32, shuffle=True)
    return run(model, loader, nn.MSELoss())


def each_pixel():
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1)
    )
    return run(
        model, digits(lambda images, labels: (images, (images[:, 0] * 2.99).long()))
    )


def slow_sgd():
    model = mlp()
    return run(model, optimizer=torch.optim.SGD(model.parameters(), lr=1e-4))


def sum_divided_by_the_step():
    step = one_step(lambda model, x, y, loss_fn: loss_fn(model(x), y) / len(y))
    return run(mlp(), loss_fn=nn.CrossEntropyLoss(reduction="sum"), step=step)


def loss_by_keyword():
    step = one_step(lambda model, x, y, loss_fn: loss_fn(input=model(x), target=y))
    return run(mlp(), step=step)


def mixed_by_numpy():
    def mixed(model, inputs, targets, loss_fn):
        share, order = np.random.beta(0.4, 0.4), torch.randperm(len(inputs))
        outputs = model(share * inputs + (1 - share) * inputs[order])
        other = (1 - share) * loss_fn(outputs, targets[order])
        return share * loss_fn(outputs, targets) + other

    return run(mlp(), step=one_step(mixed))


def shifted_by_python():
    def shifted(model, inputs, targets, loss_fn):
        moved = inputs.roll(1, -1) if random.random() < 0.5 else inputs
        return loss_fn(model(moved), targets)

    return run(mlp(), step=one_step(shifted))


class Masked(nn.Module):
    """The mean of the embeddings of those words that are there."""

    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(20, 16), nn.Linear(16, 3)

    def forward(self, words, mask):
        there = mask.unsqueeze(-1)
        return self.head((self.embedding(words) * there).sum(1) / there.sum(1))


def two_inputs():
    words, lengths = torch.randint(1, 20, (600, 8)), torch.randint(3, 9, (600,))
    words[torch.arange(8) >= lengths[:, None]] = 0
    targets = (words == 5).any(1).long() + (words == 7).any(1).long()
    loader = DataLoader(TensorDataset(words, targets), batch_size=32, shuffle=True)
    step = one_step(lambda m, x, y, loss_fn: loss_fn(m(x, (x != 0).float()), y))
    return run(Masked(), loader, step=step)


class Remembering(nn.Module):
    """A reader of rows that goes on where the batch before it ended."""

    def __init__(self):
        super().__init__()
        self.reader, self.head = nn.GRU(8, 32, batch_first=True), nn.Linear(32, 10)
        self.state = None

    def forward(self, inputs):
        fits = self.state is not None and self.state.shape[1] == len(inputs)
        outputs, state = self.reader(inputs[:, 0], self.state if fits else None)
        self.state = state.detach()
        return self.head(outputs[:, -1])


def keeps_a_state():
    return run(Remembering())


def normalised_by_the_model():
    model = nn.Sequential(nn.BatchNorm2d(1), cnn())
    return run(model, digits(lambda images, labels: (images * 255, labels)))


def scaled_by_the_model():
    class Scaled(TwoParts):
        def forward(self, inputs):
            return super().forward(inputs / 255)

    return run(Scaled(), digits(lambda images, labels: (images * 255, labels)))


def zero_head_and_warm_up():
    arguments = zero_head()
    torch.optim.lr_scheduler.LambdaLR(arguments[3], lambda step: min(1.0, step / 10))
    return arguments


def much_smoothing():
    return run(mlp(), loss_fn=nn.CrossEntropyLoss(label_smoothing=0.4))


def a_line():
    inputs = torch.randn(400, 1)
    data = TensorDataset(inputs, 0.7 * inputs + torch.randn(400, 1))
    loader = DataLoader(data, batch_size=32, shuffle=True)
    return run(nn.Linear(1, 1), loader, nn.MSELoss())


class Centres(nn.Module):
    """A loss with parameters of its own: a centre for each class."""

    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.randn(10, 16))

    def forward(self, features, targets):
        return CE(-torch.cdist(features, self.centres).square(), targets)


def a_loss_that_learns():
    model, loss_fn = mlp(outputs=16), Centres().to(pick_device())
    held = [*model.parameters(), *loss_fn.parameters()]
    return run(model, None, loss_fn, torch.optim.AdamW(held, lr=3e-3))


def penalty_from_outside():
    model = mlp()

    def loss_fn(logits, labels):
        return CE(logits, labels) + 1e-4 * sum(
            p.abs().sum() for p in model.parameters()
        )

    return run(model, loss_fn=loss_fn)


def cast_by_the_loss():
    images, labels = load_digits("train")
    loader = DataLoader(TensorDataset(images, labels > 4), batch_size=32, shuffle=True)
    return run(mlp(outputs=2), loader, lambda logits, y: CE(logits, y.long()))


HEALTHY = [
    lambda: run(mlp()),
    lambda: run(cnn()),
    drops,
    frozen_backbone,
    frozen_in_the_optimizer,
    frozen_and_all_in_eval,
    regression,
    sequence,
    rows,
    transformer,
    accumulates,
    casts,
    clips,
    groups,
    decays,
    tied,
    zero_head,
    warm_up,
    smooth_and_weighted,
    log_softmax,
    two_classes,
    rare_class,
    half_trained,
    loss_as_a_function,
    in_double,
    group_norm,
    few_samples,
    raw_pixels,
    siamese,
    several_labels,
    noisy_targets,
    each_pixel,
    slow_sgd,
    sum_divided_by_the_step,
    loss_by_keyword,
    mixed_by_numpy,
    shifted_by_python,
    two_inputs,
    keeps_a_state,
    normalised_by_the_model,
    scaled_by_the_model,
    zero_head_and_warm_up,
    much_smoothing,
    a_line,
    a_loss_that_learns,
    penalty_from_outside,
    cast_by_the_loss,
]
