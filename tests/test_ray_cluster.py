"""The script of lesson 14 on a real Ray cluster: two nodes on this machine."""

import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from contextlib import contextmanager

import psutil
import pytest

from free_ports import free_ports
from lesson_files import ROOT, code, read, written_files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray"),
    pytest.mark.skipif(os.name != "posix", reason="needs process groups"),
]
LESSON = ROOT / "notebooks" / "14_hyperparameters.ipynb"
RATES = 8
TOKEN = secrets.token_hex(16)  # shared by the nodes and the script


def environment():
    """Return one in which the script finds the course and Ray keeps to itself."""
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


def family(process):
    """Return a process and all that came from it."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def stop(nodes):
    """End the nodes, politely at first; never anybody else's Ray."""
    members = [member for node in nodes for member in family(node)]
    for node in reversed(nodes):
        node.send_signal(signal.SIGTERM)
    for node in nodes:
        try:
            node.wait(20)
        except subprocess.TimeoutExpired:
            node.kill()
    _, alive = psutil.wait_procs(members, timeout=10)
    for member in alive:
        member.kill()
    _, alive = psutil.wait_procs(alive, timeout=10)
    assert not alive, f"still running: {alive}"


def start_node(*options):
    """Start `ray start` in the foreground, in a process group of its own."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
    command += ["--num-cpus=1", "--num-gpus=0", "--object-store-memory=100000000"]
    command += ["--disable-usage-stats", *options]
    return subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for(port, node, seconds=120):
    """Return when the head listens on its port."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert node.poll() is None, "the head node ended"
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the head node never listened")


@contextmanager
def two_nodes():
    """Run a cluster of two nodes; give its address, and stop it whatever happens."""
    ports = free_ports(2)
    address = f"127.0.0.1:{ports[0]}"
    nodes = []
    # Short, since a socket's path has to fit into 107 bytes.
    with tempfile.TemporaryDirectory(
        prefix="ray", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        try:
            head = ["--head", f"--port={ports[0]}", "--node-ip-address=127.0.0.1"]
            head += ["--include-dashboard=false", f"--temp-dir={folder}"]
            head += [f"--ray-client-server-port={ports[1]}"]
            nodes.append(start_node(*head))
            wait_for(ports[0], nodes[0])
            nodes.append(start_node(f"--address={address}"))
            yield address, nodes
        finally:
            stop(nodes)


def wait_for_two(address, folder):
    """Return when both nodes are in the cluster."""
    look = (
        "import ray, sys, time\n"
        "for _ in range(300):\n"
        "    try:\n"
        "        ray.init(sys.argv[1], log_to_driver=False, ignore_reinit_error=True)\n"
        "        if sum(node['Alive'] for node in ray.nodes()) == 2: sys.exit(0)\n"
        "    except ConnectionError: pass  # the head listens before it answers\n"
        "    time.sleep(0.2)\n"
        "sys.exit('one node alone')\n"
    )
    run([sys.executable, "-c", look, address], folder)


def run(command, folder):
    """Return what a command prints; fail with its words when it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def test_the_script_runs_trials_on_both_nodes(tmp_path):
    for name, text in written_files(read(LESSON)).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    shared = tmp_path / "shared"
    with two_nodes() as (address, nodes):
        wait_for_two(address, tmp_path)
        printed = run([sys.executable, "digits_ray.py", address, str(shared)], tmp_path)
        members = [member for node in nodes for member in family(node)]
        assert len(members) > 4
    assert not any(member.is_running() for member in members)

    rows = [line.split() for line in printed.splitlines()]
    trials = [row for row in rows if len(row) == 5 and row[0].isdigit()]
    assert len(trials) == RATES, printed
    assert len({node for *_, node in trials}) == 2, printed
    assert max(int(epoch) for _, _, epoch, _, _ in trials) == 9
    assert len(list(shared.glob("digits/*/events.out.tfevents.*"))) >= RATES


def test_a_failure_leaves_nothing_running():
    with pytest.raises(RuntimeError, match="on purpose"), two_nodes() as (_, nodes):
        members = [member for node in nodes for member in family(node)]
        raise RuntimeError("on purpose")
    assert all(node.poll() is not None for node in nodes)
    assert not any(member.is_running() for member in members)


def test_the_lesson_waits_for_the_thread_in_which_ray_writes_its_state():
    syncer = pytest.importorskip("ray.train._internal.syncer")
    cell = next(c.source for c in code(read(LESSON)) if "thread.join()" in c.source)
    wait = cell[: cell.index("thread.join()") + len("thread.join()")]
    wait = wait[wait.rindex("\n", 0, wait.index("for thread in")) :]
    written = []

    def write():
        time.sleep(0.5)
        written.append("the state")

    syncer._BackgroundProcess(write).start()
    exec(textwrap.dedent(wait), {"threading": threading})
    assert written == ["the state"]
