"""Lesson 09's optional cells, with weights from a server on this machine."""

import hashlib
import http.server
import io
import socket
import threading
import types
import warnings

import pytest
import torch
from torch import nn
from torchvision import models

from free_ports import free_ports
from lesson_files import LESSONS, code, read

WEIGHTS = models.ResNet18_Weights.IMAGENET1K_V1
LESSON = next(path for path in LESSONS if path.name.startswith("09"))


def cell_with(words):
    """Return the source of the one code cell of the lesson that holds these words."""
    (source,) = [cell.source for cell in code(read(LESSON)) if words in cell.source]
    return source


@pytest.fixture(scope="module")
def random_weights():
    """Return a state dict of random numbers and its file: no real weights."""
    torch.manual_seed(0)
    state = models.resnet18().state_dict()
    file = io.BytesIO()
    torch.save(state, file)
    return state, file.getvalue()


@pytest.fixture
def server(tmp_path, monkeypatch, random_weights):
    """Serve the file under the name that its hash asks for; count the requests."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    content, asked = random_weights[1], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if "missing" in self.path:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{running.server_port}"
        digest = hashlib.sha256(content).hexdigest()[:8]
        names = {
            "right": f"{address}/resnet18-{digest}.pth",
            "wrong": f"{address}/resnet18-deadbeef.pth",
            "missing": f"{address}/missing/resnet18-{digest}.pth",
        }
        yield types.SimpleNamespace(asked=asked, **names)
        running.shutdown()


@pytest.fixture
def load(monkeypatch):
    """Return the lesson's own function, told where to look for the weights."""
    names = {"models": models, "socket": socket, "device": torch.device("cpu")}
    source = cell_with("def load_resnet18")
    assert "\nGO_BIGGER = False\n" in f"\n{source}", "the network is asked by default"
    exec(source, names)
    assert names["loaded"] is None

    def load(url):
        monkeypatch.setattr(WEIGHTS.value, "url", url)
        return names["load_resnet18"]()

    return load


def test_the_right_hash_loads_and_the_second_time_needs_no_server(
    server, load, random_weights
):
    for _ in range(2):
        model, transforms = load(server.right)
        for name, value in model.state_dict().items():
            assert torch.equal(value, random_weights[0][name])
        assert transforms.crop_size == [224]
    assert len(server.asked) == 1


def test_a_wrong_hash_is_never_loaded(server, load):
    with pytest.raises(RuntimeError, match="invalid hash value"):
        load(server.wrong)


def test_missing_weights_are_told_in_one_sentence(server, load, capsys):
    assert load(server.missing) is None
    printed = capsys.readouterr().out
    assert (
        printed.count("fetched now") == 1
        and "can't be fetched now (HTTP Error 404" in printed
    )


def test_without_a_network_the_lesson_goes_on(server, load, capsys):
    [port] = free_ports(1)
    assert load(f"http://127.0.0.1:{port}/resnet18-00000000.pth") is None
    printed = capsys.readouterr().out
    assert printed.count("fetched now") == 1 and "go on without them" in printed
    assert socket.getdefaulttimeout() is None


def test_a_server_that_never_answers_is_given_up(server, load, capsys, monkeypatch):
    patient = socket.setdefaulttimeout
    monkeypatch.setattr(socket, "setdefaulttimeout", lambda s: patient(s and s / 50))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert load(f"http://127.0.0.1:{port}/resnet18-00000000.pth") is None
    assert "timed out" in capsys.readouterr().out


def test_pretrained_true_only_warns_and_loads_the_same(
    server, monkeypatch, random_weights
):
    monkeypatch.setattr(WEIGHTS.value, "url", server.right)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = models.resnet18(pretrained=True, progress=False)
    assert "'pretrained' is deprecated since 0.13" in str(caught[0].message)
    assert torch.equal(model.fc.weight, random_weights[0]["fc.weight"])


@pytest.mark.parametrize("offline", [False, True])
def test_the_last_cell_runs_with_the_weights_and_without(offline, capsys):
    fitted = []
    names = {
        "torch": torch,
        "nn": nn,
        "device": torch.device("cpu"),
        "check": types.SimpleNamespace(progress=lambda: print("progress")),
        "loaded": None if offline else (models.resnet18(), WEIGHTS.transforms()),
        "val_inputs": torch.rand(24, 1, 16, 16),
        "val_labels": torch.arange(24) % 3,
        "few_of": lambda number, seed: (torch.rand(6, 1, 16, 16), torch.arange(6) % 3),
        "fit": lambda head, optimizer, views, labels: fitted.append(views.shape),
        "share_right": lambda head, features, labels: head(features).shape[0] / 8,
    }
    exec(cell_with("def as_photographs"), names)
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == "progress"
    assert ("ResNet-18, head alone, 3 labels a class: 0.50" in printed) != offline
    assert fitted == ([] if offline else [(1, 6, 512)])
