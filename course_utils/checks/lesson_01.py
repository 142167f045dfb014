"""Checks for notebooks/01_datasets.ipynb."""

import math
import tempfile
from pathlib import Path

import numpy as np
import torch

from course_utils.checks import Lesson
from course_utils.checks.answers import (
    a_class,
    ask,
    brief,
    drawn,
    global_states,
    number,
)
from course_utils.data import find_sounds

lesson = Lesson()
progress = lesson.progress


def indices(result) -> list[int]:
    """Return a list, a flat array or a flat tensor of whole numbers as a list."""
    found = result.tolist() if hasattr(result, "tolist") else result
    assert hasattr(found, "__iter__") and not isinstance(found, str | dict), (
        f"return a list of indices, not {brief(result)}"
    )
    found = list(found)
    assert not any(isinstance(one, str) for one in found), (
        "you return the texts; return their indices"
    )
    assert not any(isinstance(one, bool | np.bool_) for one in found), (
        "you return one True or False for each example; return the indices"
    )
    nested = [one for one in found if isinstance(one, tuple | list)]
    assert not nested, f"return a flat list of indices; yours holds {brief(nested[0])}"
    assert not any(isinstance(one, float) for one in found), (
        f"indices are whole numbers, and yours are {brief(found)}"
    )
    return [int(number(one)) for one in found]


SAMPLES = 5000  # longer than any real sound here, to show a cut
OWN_SOUNDS = "calm/a.wav calm/b.wav loud/c.wav odd/d.wav odd/e.wav".split()


@lesson.question("1.1")
def sounds(answer) -> None:
    """One file a sample, read when asked, with the number of its class."""
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        for file in OWN_SOUNDS:
            (own / file).parent.mkdir(exist_ok=True)
            (own / file).touch()
        judge_sounds(a_class(answer), find_sounds(), 30, {13: "rising", 29: "steady"})
        judge_sounds(a_class(answer), own, 5, {2: "loud", 4: "odd"})


def judge_sounds(answer: type, folder: Path, size: int, classes: dict) -> None:
    """Raise AssertionError unless a folder becomes the right samples."""
    asked = []

    def read(path):
        asked.append(path)
        return drawn(SAMPLES, seed=len(asked)) / 3

    paths = sorted(folder.glob("*/*.wav"))
    names = sorted({path.parent.name for path in paths})
    dataset = answer(folder, read)
    assert not asked, (
        f"{len(asked)} files were read before anybody asked: read in __getitem__"
    )
    length = number(ask(dataset.__len__))
    assert length != len(names), f"{length:.4g} is the number of classes, not of files"
    assert length == size, f"there are {size} files, your __len__ says {length:.4g}"
    for index, name in classes.items():
        asked.clear()
        sample = ask(dataset.__getitem__, index)
        paths_asked = [Path(p) for p in asked if isinstance(p, str | Path)]
        assert len(paths_asked) == len(asked), "give self.read one path, not the list"
        judge_sound(sample, index, names.index(name), bool(asked))
        assert len(asked) == 1, (
            f"for sample {index} you called self.read {len(asked)} times; call it once"
        )
        sound = sample[0].cpu()
        whole = sound.shape == (SAMPLES,)
        assert whole and torch.equal(sound.float(), drawn(SAMPLES, seed=1) / 3), (
            "the waveform should be what self.read returns, (T,), unchanged; yours has "
            f"{'other values' if whole else f'shape {tuple(sound.shape)}'}"
        )
        assert paths_asked == [paths[index]], (
            f"sample {index} is {paths[index].name} of {name}; for it you read "
            f"{', '.join(f'{p.parent.name}/{p.name}' for p in paths_asked[:3])}"
        )


def judge_sound(sample, index: int, place: int, was_read: bool) -> None:
    """Raise AssertionError unless `sample` is a tensor and its class number."""
    assert isinstance(sample, tuple | list) and len(sample) == 2, (
        f"a sample is a pair, (waveform, label); you return {brief(sample)}"
    )
    sound, label = sample
    assert not isinstance(label, str), (
        f"the label {label!r} is a name; give its place in self.classes"
    )
    assert isinstance(sound, torch.Tensor), (
        f"the first of the pair is the waveform, a tensor; you return {brief(sound)}"
    )
    assert was_read, "no file was read: use self.read, not read_sound"
    got = number(label)
    whole = not torch.as_tensor(label).is_floating_point()
    assert np.ndim(label) == 0 and whole, (
        f"the label is one whole number, such as {place}; you return {brief(label)}"
    )
    assert got != index, "the label is the sample's own index; give its class instead"
    assert got != place + 1, f"Python counts classes from 0: not {got:.4g}, {place}"
    assert got == place, f"sample {index} is of class {place}, your label is {got:.4g}"


@lesson.question("1.2")
def cached(answer) -> None:
    """Each sample from the inner dataset once, and only when wanted."""
    judge_cache(a_class(answer), 5, before=0)
    judge_cache(answer, 300, before=5)


def judge_cache(answer: type, size: int, before: int) -> None:
    """Raise AssertionError unless a fresh cache asks for each sample once."""
    asked = []

    class Inner(torch.utils.data.Dataset):
        def __len__(self):
            return size

        def __getitem__(self, index):
            if not 0 <= index < size:
                raise IndexError(f"no sample {index}")
            asked.append(index)
            return size * index

    dataset = answer(Inner())
    assert not asked, "samples were read at construction; wait until one is wanted"
    length = number(ask(dataset.__len__))
    assert not asked, "__len__ read the samples; len(self.dataset) needs none"
    assert length != 0, "__len__ counts what is kept so far; ask the inner dataset"
    assert length == size, f"the inner dataset has {size} samples, you say {length:.4g}"
    for index in (3, 3, 0, 0, 4, 3):
        got = ask(dataset.__getitem__, index)
        assert asked or not before or got != before * index, (
            "a second dataset found the samples of the first: keep them in self"
        )
        assert got == size * index, (
            f"sample {index} should be {size * index}, you return {brief(got)}; "
            "is every sample kept under its own index?"
        )
    assert len(set(asked)) == 3, (
        f"three samples were wanted, and you asked the inner dataset for {brief(asked)}"
    )
    assert asked.count(3) == 1, (
        "sample 3 was wanted three times, and you asked the inner dataset "
        f"{asked.count(3)} times; what is kept?"
    )
    assert asked.count(0) == 1, (
        "sample 0 is the number 0, and you read it again: ask whether the index is "
        "in the dictionary, not whether the sample is true"
    )
    for index in 2 * [*range(size)]:
        ask(dataset.__getitem__, index)
    again = len(asked) - size
    assert not again, (
        f"in two epochs {again} of {size} samples were read again: nothing may drop out"
    )


@lesson.question("1.3")
def mean_and_std(answer) -> None:
    """One mean and one deviation a channel, over images, rows and columns."""
    generator = torch.Generator().manual_seed(0)
    for channels in (3, 1):
        images = torch.randn(4, channels, 5, 6, generator=generator)
        images = images * torch.arange(1.0, channels + 1).view(-1, 1, 1)
        images = images + torch.arange(0.0, 60 * channels, 60).view(-1, 1, 1)
        images = images + torch.tensor([0.0, 5.0, -5.0, 20.0]).view(4, 1, 1, 1)
        judge_moments(answer, images)


def judge_moments(answer, images: torch.Tensor) -> None:
    """Raise AssertionError unless mean and std are those of each channel."""
    given, channels = images.clone(), images.shape[1]
    result = ask(answer, given)
    sized = isinstance(result, tuple | list) or np.ndim(result)
    assert sized and len(result) == 2, (
        f"return two things, mean and std; you return {brief(result)}"
    )
    mean, std = (moments(value) for value in result)
    each_image = {(4, channels), (4,), (4, channels, 1, 1)}
    for name, value in (("mean", mean), ("std", std)):
        shape = tuple(value.shape)
        whose = "for all channels together" if shape == () else f"of shape {shape}"
        whose = "for each image" if shape in each_image else whose
        assert shape == (channels,), (
            f"each channel has one {name}, shape ({channels},); yours is {whose}"
        )
    right = images.double().mean((0, 2, 3)), images.double().std((0, 2, 3))
    assert not torch.allclose(std, right[0], rtol=0.01), (
        "mean and std are in the wrong order; the mean comes first"
    )
    pieces = images.double().reshape(channels, -1)
    assert channels == 1 or not torch.allclose(mean, pieces.mean(dim=1), rtol=0.01), (
        "reshape cut the batch into pieces across images and channels; "
        "average over dim=(0, 2, 3) instead"
    )
    assert not torch.allclose(mean, images[0].double().mean((1, 2)), rtol=0.01), (
        "those are the numbers of the first image; take all images together"
    )
    assert torch.allclose(mean, right[0], rtol=0.01), (
        f"the means should be {brief(right[0])}, you return {brief(mean)}"
    )
    assert not torch.allclose(std, right[1] ** 2, rtol=0.01), (
        "that is the variance; std is its square root"
    )
    one_by_one = {
        "each image's own std; it misses that one image is brighter than another": (
            images.double().std(dim=(2, 3)).mean(dim=0)
        ),
        "each pixel's own std; one image differs within itself, too": (
            images.double().std(dim=0).mean(dim=(1, 2))
        ),
    }
    for words, each in one_by_one.items():
        assert not torch.allclose(std, each, rtol=0.01), f"that is the mean of {words}"
    from_zero = images.double().square().mean(dim=(0, 2, 3)).sqrt()
    assert not torch.allclose(std, from_zero, rtol=0.01), (
        "that is the spread around 0: subtract the mean before you square"
    )
    assert channels == 1 or not torch.allclose(
        std, images.double().std().expand(channels), rtol=0.01
    ), "that is one std for all channels together; each channel has its own"
    assert torch.allclose(std, right[1], rtol=0.01), (
        f"the stds should be {brief(right[1])}, you return {brief(std)}"
    )
    assert torch.equal(given, images), (
        "right, but the images you were given are changed: don't write into them"
    )


def moments(value) -> torch.Tensor:
    """Return what a learner gives for the means or the stds as a float64 tensor."""
    try:
        return torch.as_tensor(value).detach().double()
    except (TypeError, ValueError, RuntimeError):
        raise AssertionError(f"expected a tensor, got {brief(value)}") from None


KNOWN = [
    "The food was cold.",
    "Loved it",
    "Bus 12 was late, again",
    "good, not bad",
    "loved it.",
]
ASKED = [
    "the food was cold.",  # 0: case
    "A new one",
    "Loved it!!",  # 2: punctuation
    "  bus 12\twas late again",  # 3: spaces, and all the rest
    "Bus 14 was late, again",
    "bad, not good",
    "Loved it so",
    "Bus 12 was late, again",  # 7: exactly
    "Loved",
    '"Loved it"?',  # 9: more punctuation
    "Loved it!!",  # 10: the same as 2
    "lovedit",
    "The food was cold but cheap",
]
REPEATED = [0, 2, 3, 7, 9, 10]
NO_REPEATS = {
    4: "'Bus 12' and 'Bus 14' differ: numbers are words too",
    5: "'good, not bad' and 'bad, not good' have the same words in another order",
    6: "'Loved it so' has one word more than 'Loved it'",
    12: "'The food was cold but cheap' goes on where 'The food was cold.' ends",
    8: "'Loved' is only a part of 'Loved it'",
    11: "'lovedit' is one word and 'Loved it' are two: keep a space between words",
    1: "'A new one' is new",
}
REPEATS = {
    0: "'the food was cold.' repeats 'The food was cold.': lower case",
    2: "'Loved it!!' repeats 'Loved it': punctuation does not count",
    9: "'\"Loved it\"?' repeats 'Loved it': all punctuation goes, quotes too",
    3: "'  bus 12 was late again' repeats a text, but for spaces, a tab and a comma",
    7: "text 7 stands in the training part letter for letter",
    10: "text 10 repeats, too; does .index() find only the first of two equal texts?",
}


@lesson.question("1.4")
def repeats(answer) -> None:
    """The same words in the same order; nothing less and nothing more."""
    known, asked = list(KNOWN), list(ASKED)
    result = ask(answer, known, asked)
    listed = indices(result)
    places = set(listed)
    assert places != {place + 1 for place in REPEATED}, "Python counts from 0"
    assert places not in ({0, 1, 2}, {0, 1, 2, 4}), (
        "those are the places of the training texts; return those in the test part"
    )
    twins = [places & same for same in ({0}, {3, 7}, {2, 9, 10})]
    assert len(places) != 3 or not all(twins), (
        "2, 9 and 10 have the same words; each of them is a repeat, give all three"
    )
    for place, words in NO_REPEATS.items():
        assert place not in places, words
    for place, words in REPEATS.items():
        assert place in places, words
    assert sorted(listed) == REPEATED, f"each index once: you gave {brief(listed)}"
    assert known == KNOWN and asked == ASKED, (
        "right, but the texts you were given are changed: make new strings beside them"
    )


LABELS = [0, 1, 0, 2, 0, 1, 0] * 4  # 16 of 0, 8 of 1, 4 of 2
GAPS = [3, 1, 3, 7, 3, 1, 3, 1, 3, 3, 7, 1, 3, 1, 3, 3, 1]  # 6 of 1, 9 of 3, 2 of 7
SEEDS = 60


@lesson.question("1.5")
def stratified_split(answer) -> None:
    """Shares kept, nothing lost, the same for the same seed, no global seed."""
    before = global_states()
    first = judge_split(answer, LABELS, 0.2, seed=0)
    tests = [judge_split(answer, LABELS, 0.2, seed) for seed in range(SEEDS)]
    judge_split(answer, LABELS, 0.1, seed=0)
    judge_split(answer, GAPS, 0.3, seed=0)
    assert tests[0] == first, "the same seed gave another split"
    assert any(test != first for test in tests), (
        "every seed gives the same split: draw at random, with a generator that was "
        "made from `seed`"
    )
    never = set(range(len(LABELS))) - set().union(*tests)
    assert not never, (
        f"in {SEEDS} seeds examples {brief(sorted(never))} never came into the test "
        "part: shuffle each class as a whole"
    )
    assert global_states() == before, (
        "the split is right, but it moved the global random numbers: "
        "use a torch.Generator of your own"
    )


def judge_split(answer, listed: list, fraction: float, seed: int) -> set[int]:
    """Return the test part; raise AssertionError unless the split is stratified."""
    labels, given = torch.tensor(listed), torch.tensor(listed)
    result = ask(answer, given, fraction, seed)
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return two lists, train and test indices; you return {brief(result)}"
    )
    train, test = (indices(part) for part in result)
    twice = len(set(train)) < len(train) or len(set(test)) < len(test)
    assert not twice, "a number stands twice: drawn twice, or no index into labels?"
    assert not set(train) & set(test), (
        f"example {min(set(train) & set(test), default=0)} is in both parts: a leak"
    )
    lost = set(range(len(labels))) - set(train) - set(test)
    assert not lost, (
        f"examples {brief(sorted(lost))} are in neither part; "
        f"their classes: {brief(labels[sorted(lost)].unique().tolist())}"
    )
    assert len(train) + len(test) == len(labels), (
        f"{max(train + test)} is no index: the {len(labels)} examples count from 0"
    )
    assert len(test) < len(train), (
        "the test part is the larger one: train comes first, and `fraction` is for test"
    )
    judge_shares(labels, test, fraction)
    assert torch.equal(given, labels), (
        "right, but the labels you were given are changed"
    )
    return set(test)


def judge_shares(labels: torch.Tensor, test: list[int], fraction: float) -> None:
    """Raise AssertionError unless the test part holds its share of each class."""
    sizes = labels.bincount()[labels.unique()].tolist()
    shares = labels[test].bincount(minlength=8)[labels.unique()].tolist()
    exact = [fraction * size for size in sizes]
    right = [round(share) for share in exact]
    if shares == right:
        return
    rule = f"{fraction:.0%} of {sizes} examples rounds to {right}; you took {shares}"
    assert shares != [math.floor(share) for share in exact], (
        f"{rule}: you cut off what is behind the point; use round()"
    )
    assert shares != [max(1, share) for share in right], (
        f"{rule}: a share below a half is none, not one"
    )
    assert shares != [math.ceil(share) for share in exact], (
        f"{rule}: you rounded up; use round()"
    )
    assert len(set(shares)) > 1, (
        f"{rule}: `fraction` is a share of each class's own size"
    )
    raise AssertionError(f"{rule}: draw from each class by itself")
