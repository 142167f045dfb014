import json
import multiprocessing
import os
import socket
import ssl
import statistics
import sys
import threading
import time
import types
import urllib.error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from course_utils import message
from course_utils.message import Messenger, reason
from free_ports import free_ports

SECRET = "T000-B000-do-not-show"


@pytest.fixture(autouse=True)
def no_address_of_this_machine(monkeypatch):
    monkeypatch.delenv(message.NAME, raising=False)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def service():
    """A webhook on this machine; `answer` is a status, "hang" or "close"."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.path, json.loads(body), dict(self.headers)))
            if server.answer == "hang":
                server.released.wait(10)
            elif server.answer != "close":
                self.send_response(server.answer)
                self.send_header("Location", server.url.replace(SECRET, "elsewhere"))
                self.end_headers()
                self.wfile.write(b"ok" if server.answer == 200 else b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.got, server.answer, server.released = [], 200, threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/{SECRET}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def usual_seconds(messenger, count=3):
    """Return the median time of a send(): one of them may meet a busy machine."""
    return statistics.median(
        seconds_of(messenger.send, f"epoch {number}") for number in range(count)
    )


def seconds_of(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def shows_the_secret(messenger, capsys):
    said = capsys.readouterr()
    kept = repr(messenger) + str(messenger) + "".join(messenger.failures)
    return SECRET in said.out + said.err + kept


@pytest.mark.parametrize("status", [200, 204])
def test_messages_arrive_in_order(service, status):
    service.answer = status
    messenger = Messenger(service.url)
    for epoch in range(5):
        messenger.send(f"epoch {epoch}: loss fell – “good”")
    messenger.wait()
    assert messenger.failures == [] and messenger.sent == 5
    path, body, headers = service.got[3]
    assert path == f"/{SECRET}" and body == {"text": "epoch 3: loss fell – “good”"}
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("hooks.slack.com", {"text": "hello"}),
        ("discord.com", {"content": "hello"}),
        ("canary.discord.com", {"content": "hello"}),
        ("discordapp.com", {"content": "hello"}),
        ("notdiscord.com", {"text": "hello"}),
        ("example.org/discord.com", {"text": "hello"}),
    ],
)
def test_each_service_gets_its_own_form(monkeypatch, host, expected):
    asked = []

    def answer(_, request, timeout):
        asked.append((request, timeout))
        return types.SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(message.urllib.request.OpenerDirector, "open", answer)
    messenger = Messenger(f"https://{host}/api/{SECRET}", timeout=2.5)
    messenger.send("hello")
    messenger.wait()
    ((request, timeout),) = asked
    assert json.loads(request.data) == expected and timeout == 2.5
    assert request.get_header("User-agent") == "course-utils"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (302, "the service refused (HTTP 302)"),
        (400, "the message was not understood (HTTP 400)"),
        (403, "the address was refused (HTTP 403)"),
        (404, "there is no such webhook; was it deleted? (HTTP 404)"),
        (429, "too many messages; send fewer (HTTP 429)"),
        (500, "the service refused (HTTP 500)"),
        ("close", "no connection (RemoteDisconnected)"),
        ("hang", "no answer within 0.2 seconds"),
    ],
)
def test_a_failure_is_kept_as_text_and_training_goes_on(
    service, capsys, answer, expected
):
    service.answer = answer
    messenger = Messenger(service.url, timeout=0.2)
    assert usual_seconds(messenger) < 0.05
    messenger.wait()
    assert messenger.failures == [expected] * 3 and messenger.sent == 0
    service.answer = 200
    messenger.send("epoch 2")
    messenger.wait()
    assert messenger.sent == 1
    assert not shows_the_secret(messenger, capsys)


def test_nobody_listens(capsys):
    [port] = free_ports(1)
    messenger = Messenger(f"http://127.0.0.1:{port}/{SECRET}")
    assert usual_seconds(messenger) < 0.05
    messenger.wait()
    assert messenger.failures == ["no connection (ConnectionRefusedError)"] * 3
    assert not shows_the_secret(messenger, capsys)


def test_no_network(monkeypatch, capsys):
    def no_network(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    messenger = Messenger(f"https://hooks.slack.com/services/{SECRET}")
    messenger.send("hello")
    messenger.wait()
    assert messenger.failures == ["the service was not reached; is there a network?"]
    assert not shows_the_secret(messenger, capsys)


@pytest.mark.parametrize(
    "url",
    [
        f"htps://hooks.slack.com/{SECRET}",
        f"hooks.slack.com/{SECRET}",
        f"https://hooks.slack.com/a b/{SECRET}",
        f"http://127.0.0.1:port/{SECRET}",
        f"https://[::1/{SECRET}",
        f"https:///{SECRET}",
        f"file:///etc/{SECRET}",
    ],
)
def test_an_address_that_is_none_is_a_failure_without_it(url, capsys):
    messenger = Messenger(url)
    messenger.send("hello")
    messenger.wait()
    assert len(messenger.failures) == 1 and messenger.sent == 0
    assert not shows_the_secret(messenger, capsys)


def test_sending_never_waits_for_a_service_that_hangs(service):
    service.answer = "hang"
    messenger = Messenger(service.url, timeout=5)
    assert usual_seconds(messenger, 150) < 0.05
    assert 0.2 < seconds_of(messenger.wait, 0.2) < 2
    dropped = messenger.failures.count("100 messages are waiting; this one was dropped")
    assert 45 <= dropped <= 50 and dropped == len(messenger.failures)


def test_whatever_is_sent_nothing_is_raised(service):
    messenger = Messenger(service.url)

    class Unprintable:
        def __str__(self):
            raise RuntimeError(SECRET)

    for thing in (3, None, "\ud800", "x" * 10_000, Unprintable()):
        messenger.send(thing)
    messenger.wait()
    assert messenger.sent == 4
    assert messenger.failures == ["not sent: RuntimeError"]


def test_without_an_address_nothing_happens(capsys):
    messenger = Messenger()
    messenger.send("hello")
    messenger.wait()
    assert messenger.failures == [] and messenger.sent == 0
    assert capsys.readouterr() == ("", "")
    assert messenger._thread is None


def test_the_address_comes_from_the_environment(service, monkeypatch):
    monkeypatch.setenv("TRAINING_WEBHOOK", f" {service.url}\n")
    messenger = Messenger()
    messenger.send("hello")
    messenger.wait()
    assert messenger.sent == 1


@pytest.mark.parametrize("stored", [True, False])
def test_the_address_comes_from_colabs_secrets(service, monkeypatch, stored):
    class SecretNotFoundError(Exception):
        pass

    def get(name):
        if not stored:
            raise SecretNotFoundError(name)
        return {"TRAINING_WEBHOOK": service.url}[name]

    google, colab = types.ModuleType("google"), types.ModuleType("google.colab")
    google.colab, colab.userdata = colab, types.SimpleNamespace(get=get)
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    messenger = Messenger()
    messenger.send("hello")
    messenger.wait()
    assert messenger.sent == stored and messenger.failures == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_sends_its_own_messages_alone(service):
    service.answer = "hang"  # so that two still wait when the child is made
    messenger = Messenger(service.url)
    for k in range(3):
        messenger.send(f"parent {k}")
    child = multiprocessing.get_context("fork").Process(
        target=lambda: (messenger.send("child"), messenger.wait())
    )
    child.start()
    service.released.set()
    child.join()
    messenger.wait()
    texts = [body["text"] for _, body, _ in service.got]
    assert sorted(texts) == ["child", "parent 0", "parent 1", "parent 2"]


def test_a_refused_certificate_is_told():
    problem = urllib.error.URLError(ssl.SSLCertVerificationError(1, "self-signed"))
    assert "certificate was refused" in reason(problem, 3.0)


def test_no_reason_ever_names_the_address():
    problems = [
        urllib.error.HTTPError(SECRET, 403, SECRET, {}, None),
        urllib.error.URLError(SECRET),
        ValueError(f"unknown url type: {SECRET!r}"),
        OSError(SECRET),
        TimeoutError(SECRET),
    ]
    assert not any(SECRET in reason(problem, 3.0) for problem in problems)
