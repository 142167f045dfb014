"""Checks for notebooks/01_datasets.ipynb."""

import torch

from course_utils.checks import Lesson
from course_utils.checks.answers import ask, brief, number
from course_utils.data import find_sounds

lesson = Lesson()
progress = lesson.progress


def a_class(answer) -> type:
    """Return `answer`; raise AssertionError unless it is a class."""
    assert isinstance(answer, type), (
        f"expected the class itself, got {brief(answer)}; hand over its bare name"
    )
    return answer


@lesson.question("1.1")
def sounds(answer) -> None:
    """One file a sample, read when asked, with the number of its class."""
    asked = []

    def read(path):
        asked.append(path)
        return torch.full((3,), float(len(asked)))

    folder = find_sounds()
    dataset = a_class(answer)(folder, read)
    assert not asked, (
        f"{len(asked)} files were read before anybody asked: read in __getitem__"
    )
    length = number(ask(dataset.__len__))
    assert length != 3, "3 is the number of classes; count the files"
    assert length == 30, f"there are 30 files, your __len__ says {length:.4g}"
    for index, name, place in [(12, "rising/02.wav", 1), (29, "steady/09.wav", 2)]:
        asked.clear()
        sample = ask(dataset.__getitem__, index)
        judge_sound(sample, index, place)
        assert asked == [folder / name], (
            f"sample {index} is {name}; for it you read "
            f"{', '.join(f'{p.parent.name}/{p.name}' for p in asked[:3])}"
        )


def judge_sound(sample, index: int, place: int) -> None:
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
    assert sound.shape == (3,), (
        "the waveform has another shape than self.read returned; "
        "is the first of the pair the waveform, the second the label?"
    )
    got = number(label)
    assert got != index, "the label is the sample's own index; give its class instead"
    assert got == place, f"sample {index} is of class {place}, your label is {got:.4g}"


@lesson.question("1.2")
def cached(answer) -> None:
    """Each sample from the inner dataset once, and only when wanted."""
    asked = []

    class Inner(torch.utils.data.Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            asked.append(index)
            return 10 * index

    dataset = a_class(answer)(Inner())
    assert not asked, "every sample was read at construction; wait until it is wanted"
    length = number(ask(dataset.__len__))
    assert length != 0, "__len__ counts what is kept so far; ask the inner dataset"
    assert length == 5, f"the inner dataset has 5 samples, your __len__ says {length}"
    for index in (3, 3, 0, 0, 4, 3):
        got = ask(dataset.__getitem__, index)
        assert got == 10 * index, (
            f"sample {index} should be {10 * index}, you return {brief(got)}; "
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
    images = torch.randn(4, 3, 5, 6, generator=generator)
    images = images * torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)
    images = images + torch.tensor([0.0, 5.0, -5.0, 20.0]).view(4, 1, 1, 1)
    result = ask(answer, images.clone())
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return two things, mean and std; you return {brief(result)}"
    )
    mean, std = (torch.as_tensor(value).squeeze() for value in result)
    if mean.shape != (3,):
        told = {(4, 3): "for each image", (): "for all channels together"}
        shape = tuple(mean.shape)
        raise AssertionError(
            "3 channels need 3 means; yours is "
            f"{told.get(shape, 'something else')}, of shape {shape}"
        )
    right = images.mean(dim=(0, 2, 3)), images.std(dim=(0, 2, 3))
    assert not torch.allclose(std, right[0], rtol=0.01), (
        "mean and std are in the wrong order; the mean comes first"
    )
    assert torch.allclose(mean, right[0], rtol=0.01), (
        f"the means should be {brief(right[0])}, you return {brief(mean)}"
    )
    assert std.shape == (3,), f"3 channels need 3 stds, yours have {tuple(std.shape)}"
    each = images.std(dim=(2, 3)).mean(dim=0)
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


KNOWN = ["The food was cold.", "Loved it", "Bus 12 was late, again", "good, not bad"]
ASKED = [
    "the food was cold.",  # 0: case
    "A new one",
    "Loved it!!",  # 2: punctuation
    "bus 12  was late again",  # 3: spaces, and all the rest
    "Bus 14 was late, again",
    "bad, not good",
    "Loved it so",
    "Bus 12 was late, again",  # 7: exactly
]


@lesson.question("1.4")
def repeats(answer) -> None:
    """The same words in the same order; nothing less and nothing more."""
    result = ask(answer, list(KNOWN), list(ASKED))
    found = list(result.tolist() if isinstance(result, torch.Tensor) else result)
    assert not any(isinstance(one, str) for one in found), (
        "you return the texts; return their places in the test part"
    )
    assert len(found) != len(ASKED) or not all(
        isinstance(one, bool) for one in found
    ), "you return one True or False for each test text; return the indices"
    places = {int(number(one)) for one in found}
    assert 4 not in places, "'Bus 12' and 'Bus 14' differ: numbers are words too"
    assert 5 not in places, (
        "'good, not bad' and 'bad, not good' have the same words in another order"
    )
    assert 6 not in places, "'Loved it so' has one word more than 'Loved it'"
    assert places != {0, 1, 2}, (
        "those are the places of the training texts; return those in the test part"
    )
    assert 0 in places, "'the food was cold.' repeats 'The food was cold.': lower case"
    assert 2 in places, "'Loved it!!' repeats 'Loved it': punctuation does not count"
    assert 3 in places, (
        "'bus 12  was late again' repeats a training text, but for spaces and comma"
    )
    assert 7 in places, "text 7 stands in the training part letter for letter"
    assert places == {0, 2, 3, 7}, f"expected [0, 2, 3, 7], got {sorted(places)}"


@lesson.question("1.5")
def stratified_split(answer) -> None:
    """Shares kept, nothing lost, the same for the same seed, no global seed."""
    labels = torch.tensor([0, 1, 0, 2, 0, 1] * 4)  # 12 of 0, 8 of 1, 4 of 2
    torch.manual_seed(1)
    before = torch.get_rng_state()
    result = ask(answer, labels.clone(), 0.25, 0)
    untouched = torch.equal(torch.get_rng_state(), before)
    assert isinstance(result, tuple | list) and len(result) == 2, (
        f"return two lists, train and test indices; you return {brief(result)}"
    )
    train, test = ([int(i) for i in part] for part in result)
    assert not set(train) & set(test), (
        f"example {min(set(train) & set(test), default=0)} is in both parts: a leak"
    )
    lost = set(range(24)) - set(train) - set(test)
    assert not lost, f"examples {brief(sorted(lost))} are in neither part"
    assert len(train) + len(test) == 24, (
        "the parts hold other numbers than the indices 0 to 23, or some of them twice"
    )
    assert len(test) < len(train), "the test part is the larger one: train comes first"
    assert len(test) == 6, f"a quarter of 24 is 6, your test part has {len(test)}"
    tests = [
        [int(i) for i in ask(answer, labels.clone(), 0.25, s)[1]] for s in range(5)
    ]
    for drawn in [test, *tests]:
        shares = labels[drawn].bincount(minlength=3).tolist()
        assert shares == [3, 2, 1], (
            "a quarter of 12, 8 and 4 is 3, 2 and 1; a test part of yours has "
            f"{shares} of the three classes: draw from each class by itself"
        )
    assert set(tests[0]) == set(test), "the same seed gave another split"
    assert any(set(other) != set(test) for other in tests), (
        "five seeds gave the same split: nothing is drawn at random"
    )
    assert untouched, (
        "the split is right, but it moved torch's global random numbers: "
        "use a torch.Generator of your own"
    )
