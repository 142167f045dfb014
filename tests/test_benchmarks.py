"""The benchmarks run where no peer is installed; no timing is tested."""

import doctest
import os

import pytest

from benchmarks import measure, report
from benchmarks.measure import MISSING, Table, interleaved
from benchmarks.topics import TOPICS, in_a_new_process, tables_of

PEERS = {"ignite", "skorch", "torchtnt", "accelerate", "lightning", "fastai", "keras"}
SLOW = {"loading", "memory", "resume"}
TABLE = Table("Speed", ["who", "ratio"], [["us", "1.00"], ["them"]], "So.", "That.")


@pytest.fixture(autouse=True)
def no_peer(monkeypatch):
    there = measure.installed
    for name in TOPICS:
        topic = __import__(f"benchmarks.{name}", fromlist=[name])
        if hasattr(topic, "installed"):
            monkeypatch.setattr(
                topic, "installed", lambda name: name not in PEERS and there(name)
            )


def test_a_table_is_whole_and_says_what_it_does_not_show():
    lines = str(TABLE).splitlines()
    assert lines[0] == "### Speed"
    assert lines[4:8] == [
        "| who | ratio |",
        "|---|---|",
        "| us | 1.00 |",
        "| them |  |",
    ]
    assert lines[-1] == "Not shown: That."


def test_the_examples_in_measure_are_true():
    assert doctest.testmod(measure).failed == 0


def test_the_order_turns_round_and_the_first_round_is_thrown_away():
    asked = []
    found = interleaved(
        {name: lambda name=name: asked.append(name) or len(asked) for name in "ab"}, 2
    )
    assert "".join(asked) == "baabba"
    assert found == {"a": [3, 6], "b": [4, 5]}


def test_the_page_names_versions_and_machine():
    page = report.report({"step": [TABLE]}, {"step": 61.0}, "0.1")
    assert "## Step" in page and "### Speed" in page and "step 61 s" in page
    for fact in ("Date: 2", "Processor: ", "Threads: ", "torch 2", f"keras {MISSING}"):
        assert fact in page or "keras 3" in page


def test_a_topic_runs_in_a_process_of_its_own():
    assert in_a_new_process("course", True)[0].title == "From nothing"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize(
    "topic",
    [
        pytest.param(topic, marks=[pytest.mark.slow] if topic in SLOW else [])
        for topic in TOPICS
    ],
)
def test_each_topic_runs_without_peers(topic):
    for table in tables_of(topic, tiny=True):
        text = str(table)
        assert table.how and table.not_shown and len(table.rows) > 1
        assert all(len(row) <= len(table.columns) for row in table.rows), text
        if topic in ("step", "imports", "kills"):
            assert MISSING in text and "ours" in text
