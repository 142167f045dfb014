import random
import sys
import types

import numpy as np
import pytest
import torch

from course_utils import runtime


@pytest.fixture
def nowhere(monkeypatch):
    for name in ("KAGGLE_KERNEL_RUN_TYPE", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    return monkeypatch


def test_an_own_machine_is_local(nowhere):
    assert runtime.where() == "local"


def test_a_colab_notebook_and_a_colab_script_are_colab(nowhere):
    nowhere.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert runtime.where() == "colab"
    nowhere.delitem(sys.modules, "google.colab")
    nowhere.setenv("COLAB_RELEASE_TAG", "release-colab_20260819")
    assert runtime.where() == "colab"


def test_kaggle_is_not_taken_for_colab(nowhere):
    nowhere.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    nowhere.setenv("COLAB_RELEASE_TAG", "release-colab_20260819")
    nowhere.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert runtime.where() == "kaggle"


def test_without_a_gpu_the_device_is_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert runtime.pick_device() == torch.device("cpu")
    assert "GPU     none found" in runtime.describe()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_with_a_gpu_the_device_is_the_gpu():
    assert runtime.pick_device().type == "cuda"
    assert torch.cuda.get_device_name() in runtime.describe()


def draw():
    return random.random(), float(np.random.rand()), torch.rand(1).item()


def test_one_seed_fixes_all_three_sources():
    runtime.seed_everything(7)
    first = draw()
    assert draw() != first
    runtime.seed_everything(7)
    assert draw() == first
    runtime.seed_everything(8)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", None, True])
def test_a_seed_that_not_all_accept_is_refused(seed):
    with pytest.raises(ValueError, match="expected a whole number from 0") as caught:
        runtime.seed_everything(seed)
    assert repr(seed) in str(caught.value)


def test_one_thread():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        runtime.use_one_thread()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_gputil_imports_on_this_python():
    import GPUtil  # needs distutils, which setuptools brings back from Python 3.12 on

    assert isinstance(GPUtil.getGPUs(), list)
