"""Lesson 13's own script on two nodes, and with a worker killed in the middle."""

import os
import subprocess
import sys
import time
from textwrap import dedent

import psutil
import pytest
import torch

from course_utils.checkpoint import Checkpoints
from free_ports import free_ports
from lesson_files import ROOT, code, read, written_files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs Linux"),
]
LESSON = ROOT / "notebooks" / "13_many_devices.ipynb"
SECONDS = 120
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(ROOT),
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "GLOO_SOCKET_IFNAME": "lo",
}
# Without it restarted processes read the addresses of the dead: PyTorch issue 135712.
FRESH_STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}


@pytest.fixture
def folder(tmp_path):
    """Write the lesson's script into a folder, as its cells do."""
    for name, text in written_files(read(LESSON)).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert (tmp_path / "train_many.py").exists()
    return tmp_path


@pytest.fixture
def start(folder):
    """Return a function that starts torchrun; end what is left of it afterwards."""
    agents = []

    def start(*options, **variables):
        command = [sys.executable, "-m", "torch.distributed.run", *options]
        agents.append(
            subprocess.Popen(
                command,
                cwd=folder,
                env=ENVIRONMENT | variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return agents[-1]

    yield start
    workers = [worker for agent in agents for worker in children(agent)]
    for agent in agents:
        agent.terminate()
        try:
            agent.wait(20)
        except subprocess.TimeoutExpired:
            agent.kill()
            agent.wait()
    left = [worker for worker in workers if worker.is_running()]
    for worker in left:
        worker.kill()
    assert not left


def children(agent):
    """Return the processes that an agent has started."""
    try:
        return psutil.Process(agent.pid).children()
    except psutil.NoSuchProcess:
        return []


def output(*agents):
    """Return the lines that agents print; the words of the first that fails."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and {None} <= {a.poll() for a in agents} <= {None, 0}:
        time.sleep(0.1)  # the others of a failed one would wait for minutes
    for failed in filter(lambda agent: agent.poll(), agents):
        pytest.fail(failed.communicate()[1][-3000:])
    printed = [agent.communicate(timeout=1)[0] for agent in agents]
    return sorted(line for text in printed for line in text.splitlines())


def weights(folder, epochs):
    """Return the model that the last checkpoint holds, after so many epochs."""
    saved = Checkpoints(folder).latest()
    assert saved.step == epochs
    return saved.state["model"]


def same(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) for name in one
    )


def shown(option):
    """Return whether the lesson shows an option where it prints its commands."""
    cells = code(read(LESSON))
    return any("torchrun" in cell.source and option in cell.source for cell in cells)


NODES = {
    "static": ("--node-rank={node}", "--master-addr={host}", "--master-port={port}"),
    "elastic": (
        "--rdzv-backend=c10d",
        "--rdzv-endpoint={host}:{port}",
        "--rdzv-id=digits",
        "--max-restarts=3",
    ),
}


def test_two_agents_on_this_machine_are_two_nodes(folder, start):
    output(start("--standalone", "--nproc-per-node=2", "train_many.py", "alone", "2"))
    for kind, options in NODES.items():
        place = {"host": "127.0.0.1", "port": free_ports(1)[0]}
        agents = [
            start(
                "--nnodes=2" if kind == "static" else "--nnodes=2:2",
                "--nproc-per-node=1",
                *(option.format(node=node, **place) for option in options),
                *("train_many.py", kind, "2"),
            )
            for node in (0, 1)
        ]
        assert output(*agents) == [f"rank {k} of 2 starts at epoch 0" for k in (0, 1)]
        assert same(weights(folder / kind, 2), weights(folder / "alone", 2))
        assert all(
            shown(f"{option.split('=')[0]}=") for option in ("--nnodes", *options)
        )


def test_a_killed_worker_is_restarted_and_changes_nothing(folder, start):
    epochs, path = 60, folder / "checkpoints"
    script = ("train_many.py", "checkpoints", str(epochs))
    options = ("--standalone", "--nproc-per-node=2", "--max-restarts=3")
    agent = start(*options, *script, **FRESH_STORE)
    saved, end = Checkpoints(path), time.monotonic() + SECONDS
    while not ((last := saved.latest()) and last.step >= 3):
        assert agent.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    victims = [w for w in children(agent) if "train_many.py" in w.cmdline()]
    assert len(victims) == 2
    victims[1].kill()
    lines = output(agent)

    starts = [int(line.split()[-1]) for line in lines]
    assert starts[0] == 0 and len(lines) == 4  # two processes, each started twice
    second = sorted(starts)[2:]
    assert second[0] == second[1] and 3 <= second[0] < epochs
    calm = start(*options[:2], "train_many.py", "calm", str(epochs))
    assert len(output(calm)) == 2
    assert same(weights(path, epochs), weights(folder / "calm", epochs))
    assert shown("--max-restarts=") and shown(
        "export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"
    )


def test_no_thread_of_the_group_outlives_it(folder, start):
    """One that works while Python shuts down takes the process with it, at times."""
    script = (folder / "train_many.py").read_text()
    count = """
        import pathlib
        names = [p.read_text() for p in pathlib.Path("/proc/self/task").glob("*/comm")]
        sys.stdout.write(f"{sum('gloo' in name for name in names)}\\n")
    """
    left = {}
    for name in ("as it is", "wrapper kept"):
        kept = (
            script.replace("del wrapped", "pass") if name == "wrapper kept" else script
        )
        (folder / "counts.py").write_text(kept + dedent(count))
        options = ("--standalone", "--nproc-per-node=2", "counts.py", name, "1")
        left[name] = [int(line) for line in output(start(*options)) if line.isdigit()]
    assert left["as it is"] == [0, 0]
    assert min(left["wrapper kept"]) > 0 and len(left["wrapper kept"]) == 2


def test_nothing_is_left_of_a_run_that_is_stopped(folder, start):
    agent = start(
        "--standalone", "--nproc-per-node=2", "train_many.py", "stopped", "9999"
    )
    saved, end = Checkpoints(folder / "stopped"), time.monotonic() + SECONDS
    while not saved.latest():
        assert agent.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    assert len(children(agent)) >= 2  # and `start` looks for them afterwards
