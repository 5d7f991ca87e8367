"""What the command line tells by day: memory as it was, and what model calls took."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from tests.scenario.conftest import Cli, Ran

Memory = Callable[..., Ran]


def test_memory_as_it_was(cli: Cli, ada: Memory) -> None:
    known = {one.get("text"): one.get("number") for one in ada("show", "--json").records}
    ada("edit", str(known["likes tea"]), "爱喝咖啡")
    today = datetime.now(UTC).date()
    shown = ada("show", "--as-of", f"{today + timedelta(days=1)}").out
    assert "爱喝咖啡" in shown
    assert "likes tea" not in shown
    assert "knew nothing" in ada("show", "--as-of", "2020年1月31日").out
    ahead = {record["text"] for record in ada("show", "--json", "--as-of", "2999-12-31").records
             if record["type"] == "fact"}  # fmt: skip
    assert ahead == {"I am Ada.", "我叫张三", "爱喝咖啡"}
    told = cli.refused("memory", "show", "--as-of", "last week")
    assert "`reverie memory show --as-of 2026-10-01`" in told


def test_usage(cli: Cli, ada: Memory) -> None:
    assert "No model was called in the last 7 days" in cli.ok("usage").out
    today = datetime.now(UTC).date()
    with closing(sqlite3.connect(cli.home / "reverie.db")) as raw, raw:
        [agent] = raw.execute("SELECT agent_id FROM agents").fetchone()
        rows = [
            (agent, f"{today}", "turn", 3, 1000, 200, 0),
            (agent, f"{today}", "heartbeat", 1, 30, 4, 1500),
            (agent, f"{today - timedelta(days=9)}", "turn", 1, 5, 5, 0),
        ]
        raw.executemany("INSERT INTO usage VALUES(?, ?, ?, ?, ?, ?, ?)", rows)
    lines = cli.ok("usage", "--agent", "Ada").out.splitlines()
    assert lines[1:] == [
        f"{today}\tturns\t3 calls\t1,200 tokens",
        f"{today}\theartbeats\t1 call\t34 tokens\t0.0015 in money",
        "Together: 4 calls, 1,234 tokens, 0.0015 in money",
    ]
    records = cli.ok("usage", "--days", "10", "--json").records
    assert [(one["for"], one["calls"], one["money"]) for one in records] == [
        ("turn", 3, 0), ("heartbeat", 1, 0.0015), ("turn", 1, 0),
    ]  # fmt: skip
    assert "Agents: Ada" in cli.refused("usage", "--agent", "Nobody")
    assert cli("usage", "--days", "0").code == 2
