"""Checks for notebooks/01_datasets.ipynb."""

import random
import tempfile
from pathlib import Path

import numpy as np
import torch

from course_utils.checks import Lesson
from course_utils.checks.answers import a_class, ask, brief, number
from course_utils.data import find_sounds

lesson = Lesson()
progress = lesson.progress


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
        judge_sounds(a_class(answer), find_sounds(), 30, {12: "rising", 29: "steady"})
        judge_sounds(a_class(answer), own, 5, {2: "loud", 4: "odd"})


def judge_sounds(answer: type, folder: Path, size: int, classes: dict) -> None:
    """Raise AssertionError unless a folder becomes the right samples."""
    asked = []

    def read(path):
        asked.append(path)
        return torch.full((SAMPLES,), float(len(asked)))

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
        judge_sound(sample, index, names.index(name), len(asked))
        assert paths_asked == [paths[index]], (
            f"sample {index} is {paths[index].name} of {name}; for it you read "
            f"{', '.join(f'{p.parent.name}/{p.name}' for p in paths_asked[:3])}"
        )


def judge_sound(sample, index: int, place: int, reads: int) -> None:
    """Raise AssertionError unless `sample` is a waveform and its class number."""
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
    assert reads, "no file was read: use self.read, not read_sound"
    assert sound.shape == (SAMPLES,) and reads in sound, (
        f"the waveform should be what self.read returns, (T,), unchanged; "
        f"yours has shape {tuple(sound.shape)}"
    )
    got = number(label)
    assert got != index, "the label is the sample's own index; give its class instead"
    assert got == place, f"sample {index} is of class {place}, your label is {got:.4g}"


@lesson.question("1.2")
def cached(answer) -> None:
    """Each sample from the inner dataset once, and only when wanted."""
    for size in (5, 7):
        judge_cache(a_class(answer), size)


def judge_cache(answer: type, size: int) -> None:
    """Raise AssertionError unless a fresh cache asks for each sample once."""
    asked = []

    class Inner(torch.utils.data.Dataset):
        def __len__(self):
            return size

        def __getitem__(self, index):
            asked.append(index)
            return size * index

    dataset = answer(Inner())
    assert not asked, "every sample was read at construction; wait until it is wanted"
    length = number(ask(dataset.__len__))
    assert length != 0, "__len__ counts what is kept so far; ask the inner dataset"
    assert length == size, f"the inner dataset has {size} samples, you say {length:.4g}"
    for index in (3, 3, 0, 0, 4, 3):
        got = ask(dataset.__getitem__, index)
        assert asked or index != 3, (
            "a second dataset found the samples of the first: keep them in self"
        )
        assert got == size * index, (
            f"sample {index} should be {size * index}, you return {brief(got)}; "
            "is every sample kept under its own index?"
        )
    assert len(set(asked)) == 3, (
        f"three samples were wanted, and you asked the inner dataset for {asked}"
    )
    assert asked.count(3) == 1, (
        "sample 3 was wanted three times, and you asked the inner dataset "
        f"{asked.count(3)} times; what is kept?"
    )
    assert asked.count(0) == 1, (
        "sample 0 is the number 0, and you read it again: ask whether the index is "
        "in the dictionary, not whether the sample is true"
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
    pair = isinstance(result, tuple | list | torch.Tensor) and len(result) == 2
    assert pair, f"return two things, mean and std; you return {brief(result)}"
    mean, std = (torch.as_tensor(value).double() for value in result)
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
    assert torch.allclose(mean, right[0], rtol=0.01), (
        f"the means should be {brief(right[0])}, you return {brief(mean)}"
    )
    each = images.double().std(dim=(2, 3)).mean(dim=0)
    assert not torch.allclose(std, each, rtol=0.01), (
        "that is the mean of each image's own std; it misses that one image is "
        "brighter than another"
    )
    assert not torch.allclose(std, right[1] ** 2, rtol=0.01), (
        "that is the variance; std is its square root"
    )
    assert torch.allclose(std, right[1], rtol=0.01), (
        f"the stds should be {brief(right[1])}, you return {brief(std)}"
    )
    assert torch.equal(given, images), (
        "right, but the images you were given are changed: don't write into them"
    )


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
]
REPEATED = [0, 2, 3, 7, 9, 10]
NO_REPEATS = {
    4: "'Bus 12' and 'Bus 14' differ: numbers are words too",
    5: "'good, not bad' and 'bad, not good' have the same words in another order",
    6: "'Loved it so' has one word more than 'Loved it'",
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
    assert hasattr(result, "__iter__"), f"return a list of indices, not {brief(result)}"
    found = result.tolist() if hasattr(result, "tolist") else list(result)
    assert not any(isinstance(one, str) for one in found), (
        "you return the texts; return their places in the test part"
    )
    assert len(found) != len(ASKED) or not {number(one) for one in found} <= {0, 1}, (
        "you return one True or False for each test text; return the indices"
    )
    listed = [int(number(one)) for one in found]
    places = set(listed)
    assert places != {place + 1 for place in REPEATED}, "Python counts from 0"
    assert places != {0, 1, 2, 4}, (
        "those are the places of the training texts; return those in the test part"
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
SHARES = {0.2: [3, 2, 1], 0.25: [4, 2, 1]}  # unlike rounding up or down


def globals_drawn_from() -> list:
    """Return the state of all three global sources of random numbers."""
    return [
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
    ]


@lesson.question("1.5")
def stratified_split(answer) -> None:
    """Shares kept, nothing lost, the same for the same seed, no global seed."""
    before = globals_drawn_from()
    first = judge_split(answer, 0.25, seed=0)
    tests = [judge_split(answer, 0.25, seed) for seed in range(5)]
    judge_split(answer, 0.2, seed=0)
    assert tests[0] == first, "the same seed gave another split"
    assert any(test != first for test in tests), (
        "five seeds gave the same split: nothing is drawn at random"
    )
    assert globals_drawn_from() == before, (
        "the split is right, but it moved the global random numbers: "
        "use a torch.Generator of your own"
    )


def judge_split(answer, fraction: float, seed: int) -> set[int]:
    """Return the test part; raise AssertionError unless the split is stratified."""
    labels = torch.tensor(LABELS)
    result = ask(answer, labels.clone(), fraction, seed)
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return two lists, train and test indices; you return {brief(result)}"
    )
    train, test = ([int(number(i)) for i in part] for part in result)
    twice = len(set(train)) < len(train) or len(set(test)) < len(test)
    assert not twice, "a number stands twice: drawn twice, or no index into labels?"
    assert not set(train) & set(test), (
        f"example {min(set(train) & set(test), default=0)} is in both parts: a leak"
    )
    lost = set(range(len(LABELS))) - set(train) - set(test)
    assert not lost, f"examples {brief(sorted(lost))} are in neither part"
    assert len(test) < len(train), "the test part is the larger one: train comes first"
    shares = labels[test].bincount(minlength=3).tolist()
    assert shares == SHARES[fraction], (
        f"of 16, 8 and 4 examples, {fraction:.0%} rounds to {SHARES[fraction]}; your "
        f"test part has {shares}: draw from each class by itself, and round()"
    )
    return set(test)
