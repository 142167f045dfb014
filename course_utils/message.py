"""Send a line to a Slack or Discord channel while training goes on.

Built by hand in notebooks/08_checkpoints.ipynb, section 6. What is added here: lines
wait in a queue, so that sending never takes the training loop's time.
"""

import http.client
import json
import os
import queue
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

NAME = "TRAINING_WEBHOOK"  # of the environment variable and of Colab's secret
MEANINGS = {
    400: "the message was not understood",
    401: "the address was refused",
    403: "the address was refused",
    404: "there is no such webhook; was it deleted?",
    429: "too many messages; send fewer",
}


class Messenger:
    """Sends texts to a webhook, one after another, in a thread of its own.

    Without a `url` it is taken from the environment variable TRAINING_WEBHOOK or from
    Colab's secret of that name; without either, nothing is sent. The address is a
    password: it never appears in what is printed or kept here.

    Unit: `timeout` in seconds, for each time that the other side is waited for.
    """

    def __init__(self, url: str | None = None, timeout: float = 3.0) -> None:
        """Look for the address; nothing is sent yet."""
        self.failures: list[str] = []
        self.sent = 0
        self._url = (found_url() if url is None else url).strip()
        self._timeout = timeout
        self._waiting: queue.Queue[str] = queue.Queue(maxsize=100)
        self._thread: threading.Thread | None = None
        if self._url and not self._url.lower().startswith(("https://", "http://")):
            self._url = ""
            self.failures.append("the address does not start with https://")
        if self._url:
            self._start()  # here, since it may take its time on a busy machine

    def send(self, text: str) -> None:
        """Put a text on its way and return at once; never raises."""
        if not self._url:
            return
        try:
            if not self._thread.is_alive():  # in a forked process
                self._waiting = queue.Queue(maxsize=100)  # the old one is the parent's
                self._start()
            self._waiting.put_nowait(str(text))
        except queue.Full:
            self.failures.append("100 messages are waiting; this one was dropped")
        except Exception as problem:
            self.failures.append(f"not sent: {type(problem).__name__}")

    def wait(self, seconds: float = 5.0) -> None:
        """Wait until all is sent or has failed, at most so many seconds."""
        end = time.monotonic() + seconds
        while self._waiting.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.01)

    def _start(self) -> None:
        """Start the thread that sends; it ends with the program."""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        """Send what waits, for as long as the program runs."""
        while True:
            text = self._waiting.get()
            try:
                self._post(text)
                self.sent += 1
            except Exception as problem:
                self.failures.append(reason(problem, self._timeout))
            self._waiting.task_done()

    def _post(self, text: str) -> None:
        """Post one text in the form that the service expects."""
        host = urlsplit(self._url).hostname or ""
        discord = f".{host}".endswith((".discord.com", ".discordapp.com"))
        body = {"content": text[:2000]} if discord else {"text": text}
        request = urllib.request.Request(
            self._url,
            data=json.dumps(body).encode(),
            # Discord refuses Python's own name.
            headers={"Content-Type": "application/json", "User-Agent": "course-utils"},
        )
        urllib.request.build_opener(NoRedirect).open(
            request, timeout=self._timeout
        ).close()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Counts a webhook that sends us elsewhere as a refusal: the text would be lost."""

    def redirect_request(self, *_) -> None:
        """Follow no redirect."""


def found_url() -> str:
    """Return the address from the environment or Colab's secrets, or ""."""
    if NAME in os.environ or "google.colab" not in sys.modules:
        return os.environ.get(NAME, "")
    try:
        from google.colab import userdata

        return userdata.get(NAME) or ""
    except Exception:  # no such secret, or not open to this notebook
        return ""


def reason(problem: Exception, timeout: float) -> str:
    """Return why a message was not sent, without the address."""
    if isinstance(problem, urllib.error.HTTPError):
        meaning = MEANINGS.get(problem.code, "the service refused")
        return f"{meaning} (HTTP {problem.code})"
    cause = getattr(problem, "reason", problem)
    if isinstance(cause, TimeoutError):
        return f"no answer within {timeout:g} seconds"
    if isinstance(cause, ssl.SSLError):
        return "its certificate was refused; are the clock and Python's roots right?"
    if isinstance(cause, ConnectionError | http.client.HTTPException):
        return f"no connection ({type(cause).__name__})"
    if isinstance(cause, OSError):
        return "the service was not reached; is there a network?"
    return f"not sent ({type(problem).__name__})"
