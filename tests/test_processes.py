"""Processes that talk, fail, die and hang; and that none of them stays."""

import os
import signal
import threading
import time

import psutil
import pytest
import torch
import torch.distributed as dist

from course_utils import processes
from course_utils.processes import ProcessFailed, run_processes
from course_utils.runtime import pick_device

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Fail when a child of this process is alive after a test, or a zombie."""
    before = children()
    yield
    assert children() <= before


def children():
    return {child.pid for child in psutil.Process().children()}


def waiting(rank):
    """Wait for a sum that the other processes never join."""
    dist.all_reduce(torch.ones(1))


def test_results_come_back_by_rank():
    def work(rank, offset):
        total = torch.tensor([rank + offset])
        dist.all_reduce(total)
        return rank, dist.get_world_size(), total, torch.get_num_threads()

    for count in (1, 2, 3):
        results = run_processes(work, 10, count=count)
        total = sum(range(10, 10 + count))
        assert results == [
            (rank, count, torch.tensor([total]), 1) for rank in range(count)
        ]


def test_a_parent_with_threads_and_gradients_can_fork():
    def work(rank):
        inputs = torch.randn(64, 64, requires_grad=True)
        (inputs @ inputs).relu().sum().backward()
        return inputs.grad.shape

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        work(0)
        assert run_processes(work, seconds=30) == [(64, 64), (64, 64)]
    finally:
        torch.set_num_threads(threads)


def test_what_a_process_changes_stays_there():
    weights = torch.zeros(2)

    def work(rank):
        weights.add_(1)
        return weights

    assert run_processes(work, count=1)[0].tolist() == [1, 1]
    assert weights.tolist() == [0, 0]


def test_the_processes_see_no_gpu_even_where_the_parent_does(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)

    def work(rank):
        return pick_device(), torch.cuda.device_count()

    assert pick_device().type == "cuda"
    assert run_processes(work) == [(torch.device("cpu"), 0)] * 2


def test_nobody_begins_before_all_have_joined(monkeypatch):
    join, joined = dist.init_process_group, []

    def slow_for_one(*args, rank, **options):
        join(*args, rank=rank, **options)
        time.sleep(0.5 * (rank == 1))
        joined.append(time.monotonic())

    monkeypatch.setattr(dist, "init_process_group", slow_for_one)
    times = run_processes(lambda rank: (*joined, time.monotonic()), count=3)
    assert min(begun for _, begun in times) >= max(joined for joined, _ in times)


@pytest.mark.parametrize("at", [0, 1])
def test_an_error_arrives_with_its_rank_while_the_other_waits(at):
    def work(rank):
        if rank == at:
            raise ValueError("no such batch")
        waiting(rank)

    start = time.monotonic()
    with pytest.raises(ProcessFailed, match="no such batch") as caught:
        run_processes(work)
    assert time.monotonic() - start < 20
    assert caught.value.rank == at
    assert caught.value.reason == "ValueError: no such batch"
    assert "test_processes.py" in str(caught.value)  # the child's own traceback


@pytest.mark.parametrize("at", [0, 1])
def test_a_killed_process_is_named_and_not_the_one_that_waits_for_it(at):
    def work(rank):
        if rank == at:
            os.kill(os.getpid(), signal.SIGKILL)
        waiting(rank)

    with pytest.raises(ProcessFailed, match=f"rank {at}: .*SIGKILL"):
        run_processes(work)


def test_an_exit_is_an_error_too():
    def leave(rank):
        os._exit(3)

    with pytest.raises(ProcessFailed, match="code 3"):
        run_processes(leave)
    with pytest.raises(ProcessFailed, match="SystemExit"):
        run_processes(lambda rank: exit(1), count=1)


def test_a_result_that_cannot_travel_is_an_error():
    with pytest.raises(ProcessFailed, match=r"pickle|local"):
        run_processes(lambda rank: lambda: rank, count=1)


def test_a_process_that_hangs_is_killed_when_the_time_is_up():
    def work(rank):
        if rank == 1:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(100)

    start = time.monotonic()
    with pytest.raises(TimeoutError, match=r"after 3 s: rank 1\. Does every"):
        run_processes(work, seconds=3)
    assert time.monotonic() - start < 10


@pytest.fixture
def interruptible():
    """A shell's background job is started deaf to SIGINT; hear it, as a kernel does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_them_all():
    timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run_processes(lambda rank: time.sleep(100), seconds=20)
    timer.join()


def test_a_child_ends_itself_when_its_parent_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 1)

    def work(rank):
        (tmp_path / str(os.getpid())).touch()
        time.sleep(100)

    parent = os.fork()
    if parent == 0:
        try:
            run_processes(work, seconds=4)
        finally:
            os._exit(1)  # or a second pytest would go on from here
    end = time.monotonic() + 20
    while len(pids := [int(file.name) for file in tmp_path.iterdir()]) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert all(map(alive, pids))
    while any(map(alive, pids)):
        assert time.monotonic() < end
        time.sleep(0.1)


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_without_fork_a_sentence_says_so(monkeypatch):
    monkeypatch.delattr(processes.os, "fork")
    with pytest.raises(OSError, match="expected a system with fork, got Windows"):
        run_processes(waiting)
