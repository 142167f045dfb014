"""Answers to the exercises of lesson 01: wrong as learners write them, and right."""

import functools
import math
import random
import re
import string
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch.utils.data import Dataset


class SoundFiles(Dataset):
    """What the starter of 1.1 gives."""

    def __init__(self, folder, read):
        self.paths = sorted(Path(folder).glob("*/*.wav"))
        self.classes = sorted({path.parent.name for path in self.paths})
        self.read = read

    def __len__(self):
        return len(self.paths)


class SoundRight(SoundFiles):
    def __getitem__(self, index):
        path = self.paths[index]
        return self.read(path), self.classes.index(path.parent.name)


class SoundByDictionary(SoundFiles):
    def __init__(self, folder, read):
        super().__init__(folder, read)
        self.number = {name: k for k, name in enumerate(self.classes)}

    def __getitem__(self, index):
        label = torch.tensor(self.number[self.paths[index].parts[-2]])
        return [self.read(self.paths[index]), label]


class SoundByFolder:
    """No subclass of Dataset, and none is needed."""

    def __init__(self, folder, read):
        self.read = read
        classes = sorted(one for one in folder.iterdir() if one.is_dir())
        numbered = enumerate(classes)
        self.files = [(p, k) for k, one in numbered for p in sorted(one.iterdir())]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        path, label = self.files[index]
        return self.read(path), label


class SoundEager(SoundRight):
    def __init__(self, folder, read):
        super().__init__(folder, read)
        self.samples = [self.read(path) for path in self.paths]


class SoundClasses(SoundRight):
    def __len__(self):
        return len(self.classes)


class SoundName(SoundFiles):
    def __getitem__(self, index):
        return self.read(self.paths[index]), self.paths[index].parent.name


class SoundPath(SoundFiles):
    def __getitem__(self, index):
        path = self.paths[index]
        return path, self.classes.index(path.parent.name)


class SoundIndex(SoundFiles):
    def __getitem__(self, index):
        return self.read(self.paths[index]), index


class SoundAlone(SoundFiles):
    def __getitem__(self, index):
        return self.read(self.paths[index])


class SoundNoReturn(SoundFiles):
    def __getitem__(self, index):
        self.read(self.paths[index])


class SoundOwnReader(SoundFiles):
    def __getitem__(self, index):
        label = self.classes.index(self.paths[index].parent.name)
        return torch.zeros(3), label


class SoundScaled(SoundRight):
    def __getitem__(self, index):
        sound, label = super().__getitem__(index)
        return sound / 2**15, label


class SoundCut(SoundRight):
    def __getitem__(self, index):
        sound, label = super().__getitem__(index)
        return sound[:1600], label


class SoundAllPaths(SoundRight):
    def __getitem__(self, index):
        return self.read(self.paths), 0


class SoundHardCoded(SoundRight):
    def __getitem__(self, index):
        return self.read(self.paths[index]), index // 10


class SoundByString(SoundFiles):
    def __getitem__(self, index):
        path = self.paths[index]
        return self.read(str(path)), self.classes.index(path.parent.name)


class SoundFirst(SoundFiles):
    def __getitem__(self, index):
        label = self.classes.index(self.paths[index].parent.name)
        return self.read(self.paths[0]), label


def sound_with(change):
    """Return an otherwise right dataset whose samples went through `change`."""

    class Changed(SoundRight):
        def __getitem__(self, index):
            return change(*super().__getitem__(index))

    return Changed


class SoundTwice(SoundRight):
    def __getitem__(self, index):
        print(self.read(self.paths[index]).shape)
        return super().__getitem__(index)


class SoundNeighbour(SoundRight):
    def __getitem__(self, index):
        return super().__getitem__(index - 1)


class CacheRight(Dataset):
    def __init__(self, dataset):
        self.dataset = dataset
        self.kept = {}

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.dataset[index]
        return self.kept[index]


class CacheByTry(CacheRight):
    def __getitem__(self, index):
        try:
            return self.kept[index]
        except KeyError:
            return self.kept.setdefault(index, self.dataset[index])


class CacheInList(CacheRight):
    def __init__(self, dataset):
        self.dataset = dataset
        self.kept = [None] * len(dataset)

    def __getitem__(self, index):
        if self.kept[index] is None:
            self.kept[index] = self.dataset[index]
        return self.kept[index]


class CacheEager(CacheRight):
    def __init__(self, dataset):
        self.dataset = dataset
        self.kept = {i: dataset[i] for i in range(len(dataset))}


class CacheNothing(CacheRight):
    def __getitem__(self, index):
        return self.dataset[index]


class CacheTruth(CacheRight):
    def __getitem__(self, index):
        if not self.kept.get(index):
            self.kept[index] = self.dataset[index]
        return self.kept[index]


class CacheLast(CacheRight):
    def __getitem__(self, index):
        if "sample" not in self.kept:
            self.kept["sample"] = self.dataset[index]
        return self.kept["sample"]


class CacheLength(CacheRight):
    def __len__(self):
        return len(self.kept)


class CacheAll(CacheRight):
    def __getitem__(self, index):
        if not self.kept:
            self.kept = {i: self.dataset[i] for i in range(len(self.dataset))}
        return self.kept[index]


class CacheShared(CacheRight):
    def __init__(self, dataset, kept={}):  # noqa: B006 - the mistake itself
        self.dataset = dataset
        self.kept = kept


class CacheBounded(CacheRight):
    @functools.lru_cache  # noqa: B019 - keeps 128 samples, the mistake itself
    def __getitem__(self, index):
        return self.dataset[index]


class CacheUnbounded(CacheRight):
    @functools.cache  # noqa: B019 - unusual, and right
    def __getitem__(self, index):
        return self.dataset[index]


class CacheNewest(CacheRight):
    def __getitem__(self, index):
        if index not in self.kept:
            self.kept = {index: self.dataset[index]}
        return self.kept[index]


class CacheEnumerate(CacheRight):
    def __init__(self, dataset):
        self.dataset = dataset
        self.kept = dict(enumerate(dataset))


class CacheCounts(CacheRight):
    def __len__(self):
        return len(list(self.dataset))


class CacheIndex(CacheRight):
    def __getitem__(self, index):
        return self.kept.setdefault(index, index)


class CacheDefault(CacheRight):
    def __getitem__(self, index):
        return self.kept.setdefault(index, self.dataset[index])


class CacheNoReturn(CacheRight):
    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.dataset[index]


def bare(text):
    return " ".join(re.findall(r"\w+", text.lower()))


def subtract_in_place(x):
    mean, std = x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3))
    x -= mean.view(-1, 1, 1)
    return mean, std


def repeats_by(form):
    def repeats(train_texts, test_texts):
        seen = {form(text) for text in train_texts}
        return [i for i, text in enumerate(test_texts) if form(text) in seen]

    return repeats


def places_and_twins(train_texts, test_texts):
    pairs = ((i, k) for i, t in enumerate(test_texts) for k in train_texts)
    return [(i, k) for i, k in pairs if bare(test_texts[i]) == bare(k)]


def first_twins(train_texts, test_texts):
    known = [bare(text) for text in train_texts]
    return [known.index(bare(t)) for t in repeated_texts(train_texts, test_texts)]


def one_of_each(train_texts, test_texts):
    found = repeats_by(bare)(train_texts, test_texts)
    return list({bare(test_texts[i]): i for i in found}.values())


def one_by_one(train_texts, test_texts):
    yield from repeats_by(bare)(train_texts, test_texts)


def without_punctuation(text):
    return text.lower().translate(str.maketrans("", "", string.punctuation)).split()


def repeated_texts(train_texts, test_texts):
    return [t for t in test_texts if bare(t) in {bare(k) for k in train_texts}]


def repeated_flags(train_texts, test_texts):
    return [bare(t) in {bare(k) for k in train_texts} for t in test_texts]


def places_in_training(train_texts, test_texts):
    return repeats_by(bare)(test_texts, train_texts)


def contained(train_texts, test_texts):
    known = [bare(text) for text in train_texts]
    found = [any(k in bare(text) for k in known) for text in test_texts]
    return [i for i, yes in enumerate(found) if yes]


def part_of(train_texts, test_texts):
    known = " ".join(map(bare, train_texts))
    return [i for i, text in enumerate(test_texts) if bare(text) in known]


def by_pairs(train_texts, test_texts):
    pairs = ((i, t, k) for i, t in enumerate(test_texts) for k in train_texts)
    return [i for i, text, known in pairs if bare(text) == bare(known)]


def by_first_place(train_texts, test_texts):
    return [test_texts.index(t) for t in repeated_texts(train_texts, test_texts)]


def written_into(train_texts, test_texts):
    for i, text in enumerate(train_texts):
        train_texts[i] = bare(text)
    return [i for i, text in enumerate(test_texts) if bare(text) in train_texts]


def by_characters(train_texts, test_texts):
    def key(text):
        kept = (c for c in text.casefold() if c.isalnum() or c.isspace())
        return "".join(kept).split()

    known = [key(text) for text in train_texts]
    return {i for i, text in enumerate(test_texts) if key(text) in known}


def as_tensor(train_texts, test_texts):
    return torch.tensor(repeated_flags(train_texts, test_texts)).nonzero().flatten()


def split_by(draw, whole=round):
    """Return a split that lets `draw` put the members of a class in order."""

    def split(labels, fraction, seed):
        generator = torch.Generator().manual_seed(seed)
        train, test = [], []
        for label in labels.unique():
            members = draw((labels == label).nonzero().flatten(), generator, seed)
            count = whole(fraction * len(members))
            test += members[:count].tolist()
            train += members[count:].tolist()
        return train, test

    return split


def shuffled(members, generator, seed):
    return members[torch.randperm(len(members), generator=generator)]


def shuffled_globally(members, generator, seed):
    torch.manual_seed(seed)
    return members[torch.randperm(len(members))]


def shuffled_by_numpy(members, generator, seed):
    np.random.seed(seed)
    return members[np.random.permutation(len(members))]


def shuffled_anyhow(members, generator, seed):
    generator.seed()
    return members[torch.randperm(len(members), generator=generator)]


def shuffled_without_seed(members, generator, seed):
    return members[torch.randperm(len(members), generator=torch.Generator())]


def shuffled_by_python(members, generator, seed):
    members = members.tolist()
    random.Random(seed).shuffle(members)
    return np.array(members)


def shuffled_by_global_python(members, generator, seed):
    random.seed(seed)
    return torch.tensor(random.sample(members.tolist(), len(members)))


def first_class_shuffled(members, generator, seed):
    return shuffled(members, generator, seed) if 0 in members else members


def rolled(members, generator, seed):
    return members.roll(seed % 2)


def forked_split(labels, fraction, seed):
    with torch.random.fork_rng():
        return split_by(shuffled_globally)(labels, fraction, seed)


def mask_split(labels, fraction, seed):
    _, test = split_by(shuffled)(labels, fraction, seed)
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[test] = True
    return ~chosen, chosen


def labels_themselves(labels, fraction, seed):
    train, test = split_by(shuffled)(labels, fraction, seed)
    return labels[train].tolist(), labels[test].tolist()


def counted_from_one(labels, fraction, seed):
    train, test = split_by(shuffled)(labels, fraction, seed)
    return [i + 1 for i in train], [i + 1 for i in test]


def one_too_many(labels, fraction, seed):
    train, test = split_by(shuffled)(labels, fraction, seed)
    return [*train, len(labels)], test


def three_classes(labels, fraction, seed):
    train, test = split_by(shuffled)(labels, fraction, seed)
    named = [i for i in train + test if labels[i] < 3]
    return [i for i in train if i in named], [i for i in test if i in named]


def same_count(labels, fraction, seed):
    share = fraction * len(labels) / len(labels.unique())
    return split_by(shuffled, lambda _: round(share))(labels, fraction, seed)


def written_labels(labels, fraction, seed):
    parts = split_by(shuffled)(labels, fraction, seed)
    labels.fill_(0)
    return parts


def plain_split(labels, fraction, seed):
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    count = round(fraction * len(labels))
    return order[count:].tolist(), order[:count].tolist()


def swapped_split(labels, fraction, seed):
    return split_by(shuffled)(labels, fraction, seed)[::-1]


def leaking_split(labels, fraction, seed):
    _, test = split_by(shuffled)(labels, fraction, seed)
    return list(range(len(labels))), test


def only_test(labels, fraction, seed):
    return split_by(shuffled)(labels, fraction, seed)[1]


def losing_split(labels, fraction, seed):
    train, test = split_by(shuffled)(labels, fraction, seed)
    return train[:-2], test


def sklearn_split(labels, fraction, seed):
    everything = range(len(labels))
    return train_test_split(
        everything, test_size=fraction, stratify=labels.numpy(), random_state=seed
    )


MOMENTS = (torch.mean, torch.std)

NEAR_MISSES = {
    "sounds": [
        (SoundEager, "before anybody asked"),
        (SoundClasses, "the number of classes"),
        (SoundName, "is a name"),
        (SoundPath, "the first of the pair is the waveform"),
        (SoundIndex, "the sample's own index"),
        (SoundAlone, "a sample is a pair"),
        (SoundNoReturn, "is a `return` missing?"),
        (SoundFirst, "for it you read falling/00.wav"),
        (SoundOwnReader, "use self.read"),
        (SoundScaled, "unchanged"),
        (SoundCut, "unchanged"),
        (SoundAllPaths, "one path, not the list"),
        (SoundHardCoded, "your label is 0"),
        (SoundTwice, "called self.read 2 times"),
        (SoundNeighbour, "for it you read rising/02.wav"),
        (sound_with(lambda sound, k: (sound / sound.abs().max(), k)), "other values"),
        (sound_with(lambda sound, k: (sound.int(), k)), "other values"),
        (sound_with(lambda sound, k: (sound[None], k)), "shape (1, 5000)"),
        (sound_with(lambda sound, k: (k, sound)), "the first of the pair is the"),
        (sound_with(lambda sound, k: (sound, float(k))), "one whole number"),
        (sound_with(lambda sound, k: (sound, torch.tensor([k]))), "one whole number"),
        (sound_with(lambda sound, k: (sound, k + 1)), "counts classes from 0"),
        (sound_with(lambda sound, k: {"sound": sound, "label": k}), "is a pair"),
        (lambda folder, read: SoundRight(folder, read), "expected the class itself"),
    ],
    "cached": [
        (CacheEager, "at construction"),
        (CacheNothing, "what is kept?"),
        (CacheTruth, "not whether the sample is true"),
        (CacheLast, "under its own index"),
        (CacheLength, "what is kept so far"),
        (CacheAll, "three samples were wanted"),
        (CacheShared, "keep them in self"),
        (CacheNoReturn, "is a `return` missing?"),
        (CacheBounded, "nothing may drop out"),
        (CacheNewest, "what is kept?"),
        (CacheEnumerate, "at construction"),
        (CacheCounts, "__len__ read the samples"),
        (CacheIndex, "under its own index"),
        (CacheDefault, "what is kept?"),
    ],
    "mean_and_std": [
        (lambda x: (x.mean(dim=(0, 2, 3)), x.std(dim=(2, 3)).mean(0)), "own std"),
        (lambda x: (x.mean(dim=(2, 3)), x.std(dim=(2, 3))), "for each image"),
        (lambda x: (x.mean(), x.std()), "for all channels together"),
        (lambda x: (x.std(dim=(0, 2, 3)), x.mean(dim=(0, 2, 3))), "wrong order"),
        (lambda x: (x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3))), "the variance"),
        (lambda x: x.mean(dim=(0, 2, 3)), "return two things"),
        (lambda x: x.mean(), "return two things"),
        (lambda x: (x.mean(dim=(0, 2, 3)), None), "expected a tensor"),
        (lambda x: (x[0].mean(dim=(1, 2)), x[0].std(dim=(1, 2))), "the first image"),
        (lambda x: (x.mean((0, 2, 3)), x.std(0).mean((1, 2))), "each pixel's own std"),
        (lambda x: (x.mean((0, 2, 3)), x.std().expand(x.shape[1])), "has its own"),
        (lambda x: (x.mean((0, 2, 3)), (x**2).mean((0, 2, 3)).sqrt()), "around 0"),
        (lambda x: [f(x.reshape(x.shape[1], -1), 1) for f in MOMENTS], "across images"),
        (lambda x: (x.mean((0, 2, 3)), x.mean((2, 3)).std(0)), "stds should be"),
        (subtract_in_place, "don't write into them"),
        (lambda x: 2 * [x.mean((0, 2, 3), keepdim=True)], "of shape (1, 3"),
    ],
    "repeats": [
        (repeats_by(str), "lower case"),
        (repeats_by(str.lower), "punctuation does not count"),
        (repeats_by(lambda t: re.sub(r"[^\w ]", "", t.lower())), "a tab and a comma"),
        (repeats_by(lambda t: " ".join(re.findall("[a-z]+", t.lower()))), "Bus 14"),
        (repeats_by(lambda t: tuple(sorted(bare(t).split()))), "in another order"),
        (contained, "one word more"),
        (part_of, "only a part"),
        (by_pairs, "each index once"),
        (by_first_place, "only the first of two equal texts"),
        (written_into, "make new strings"),
        (repeats_by(lambda t: re.sub(r"\W", "", t.lower())), "a space between words"),
        (lambda a, b: [i + 1 for i in repeats_by(bare)(a, b)], "counts from 0"),
        (lambda a, b: len(repeats_by(bare)(a, b)), "a list of indices"),
        (repeated_texts, "you return the texts"),
        (repeated_flags, "True or False"),
        (places_in_training, "places of the training texts"),
        (first_twins, "places of the training texts"),
        (places_and_twins, "a flat list"),
        (lambda a, b: torch.tensor(repeated_flags(a, b)).nonzero(), "a flat list"),
        (lambda a, b: dict.fromkeys(repeats_by(bare)(a, b)), "a list of indices"),
        (lambda a, b: torch.tensor(len(repeats_by(bare)(a, b))), "a list of indices"),
        (repeats_by(lambda t: bare(t)[:9]), "goes on where"),
        (one_of_each, "each of them is a repeat"),
        (lambda a, b: [float(i) for i in repeats_by(bare)(a, b)], "whole numbers"),
        (repeats_by(lambda t: frozenset(bare(t).split())), "in another order"),
    ],
    "stratified_split": [
        (plain_split, "draw from each class by itself"),
        (split_by(lambda members, *_: members), "draw at random"),
        (split_by(shuffled_globally), "a torch.Generator of your own"),
        (split_by(shuffled_by_numpy), "a torch.Generator of your own"),
        (split_by(shuffled, math.floor), "you cut off"),
        (split_by(shuffled, math.ceil), "you rounded up"),
        (split_by(shuffled, lambda n: max(1, round(n))), "is none, not one"),
        (same_count, "each class's own size"),
        (three_classes, "in neither part; their classes: [3, 7]"),
        (split_by(first_class_shuffled), "never came into the test part"),
        (split_by(rolled), "never came into the test part"),
        (split_by(shuffled_without_seed), "made from `seed`"),
        (lambda y, f, s: split_by(shuffled)(y, f, 0), "made from `seed`"),
        (split_by(shuffled_by_global_python), "a torch.Generator of your own"),
        (mask_split, "True or False"),
        (labels_themselves, "no index into labels?"),
        (counted_from_one, "examples [0] are in neither part"),
        (one_too_many, "28 is no index"),
        (written_labels, "labels you were given are changed"),
        (lambda y, f, s: (len(y) - 6, 6), "a list of indices"),
        (lambda y, f, s: split_by(shuffled)(y, 1 - f, s), "`fraction` is for test"),
        (lambda y, f, s: (list(range(21)), [0] * 7), "stands twice"),
        (split_by(shuffled_anyhow), "the same seed gave another split"),
        (swapped_split, "train comes first"),
        (leaking_split, "in both parts"),
        (losing_split, "in neither part"),
        (only_test, "return two lists"),
    ],
}

RIGHT = {
    "sounds": [
        SoundRight,
        SoundByDictionary,
        SoundByFolder,
        SoundByString,
        sound_with(lambda sound, k: (sound.double(), np.int64(k))),
    ],
    "cached": [CacheRight, CacheByTry, CacheInList, CacheUnbounded],
    "mean_and_std": [
        lambda x: (x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3), correction=0)),
        lambda x: (x.double().mean((0, 2, 3)), x.double().std((0, 2, 3))),
        lambda x: torch.std_mean(x.transpose(0, 1).flatten(1), dim=1)[::-1],
        lambda x: [[f(y) for y in x.unbind(1)] for f in MOMENTS],
        lambda x: np.stack([f(x.numpy(), axis=(0, 2, 3)) for f in (np.mean, np.std)]),
    ],
    "repeats": [
        repeats_by(bare),
        by_characters,
        as_tensor,
        one_by_one,
        repeats_by(lambda text: str(without_punctuation(text))),
        lambda a, b: np.array(repeats_by(bare)(a, b)),
    ],
    "stratified_split": [
        split_by(shuffled),
        split_by(shuffled, lambda share: int(share + 0.5)),
        split_by(shuffled_by_python),
        forked_split,
        sklearn_split,
        lambda y, f, s: [torch.tensor(part) for part in split_by(shuffled)(y, f, s)],
    ],
}
