"""Small runs of both campaigns; and with a broken part, each of their counts goes up."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot import heartbeat
from memory import consolidate, core, heartbeats, journal, recall
from memory.draft import Draft
from memory.ports import Connection
from memory.types import Diff, Entry, Fact
from tests.trust import consolidation, idle

RUNS = 25
KNOWN = heartbeats.known


class Careless(consolidate.Run):
    """Removes what it should put away."""

    def _put_away(self, fact: Fact) -> None:
        self._gone(fact, core.ended(fact, "removed", self.draft.at))


class Greedy(consolidate.Run):
    """Knows no measure, and no pins, and puts away what is a week old."""

    def __init__(self, draft: Draft, stale_after: timedelta, kept: frozenset[int]) -> None:
        super().__init__(draft, timedelta(days=7), kept)

    def _may_leave(self, fact: Fact) -> bool:
        return True


class Trusting(consolidate.Run):
    """Believes every line of a model that names facts."""

    def rewrite(self, lines: object) -> bool:
        facts = {fact.seq: fact for fact in self.draft.blocks["human"].facts}
        assert isinstance(lines, tuple)
        for line in lines:
            some = [facts[number] for number in line.of if number in facts]
            if some and line.text:
                self._join(line, some)
        return True


async def test_a_year_loses_nothing(tmp_path: Path) -> None:
    report = await consolidation.campaign(RUNS, 3, tmp_path)
    assert report.failures == 0, list(report.lines())
    assert report.runs == RUNS
    assert {"merged", "superseded", "joined", "learned", "put away"} <= report.done.keys()


@pytest.mark.parametrize(
    ("policy", "counts"),
    [
        (Careless, ["unrecoverable"]),
        (Greedy, ["unpinned", "over_share"]),
        (Trusting, ["invented", "distorted"]),
    ],
)
async def test_a_broken_policy_is_caught(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    policy: type[consolidate.Run],
    counts: list[str],
) -> None:
    monkeypatch.setattr(heartbeat, "Run", policy)
    report = await consolidation.campaign(RUNS, 3, tmp_path)
    assert [name for name in counts if getattr(report, name) == 0] == []


async def test_a_broken_undo_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = journal.reversed_diffs

    def all_but_one(entry: Entry) -> tuple[Diff, ...]:
        return whole(entry)[1:]

    monkeypatch.setattr(journal, "reversed_diffs", all_but_one)
    report = await consolidation.campaign(10, 3, tmp_path)
    assert report.not_undone > 0


async def test_idle_agents_cost_nothing(tmp_path: Path) -> None:
    report = await idle.week(60, 4, tmp_path, every=1800)
    assert report.failures == 0, list(report.lines())
    assert (report.calls["idle"], report.tokens["idle"]) == (0, 0)
    assert report.beats["idle"] == 2  # facts of two went stale
    assert report.beats["busy"] >= 3 * idle.BUSY
    assert report.queries == report.calm > 100


async def test_a_sweep_that_takes_everybody_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = "SELECT agent_id FROM agents WHERE mused_at <= :before"
    monkeypatch.setattr(heartbeats, "DUE", heartbeats.DUE.replace(heartbeats.CHANGED, everybody))
    monkeypatch.setattr(heartbeats, "known", _as_if_new)
    report = await idle.week(12, 3, tmp_path, every=3600)
    assert report.calls["idle"] > 0


def _as_if_new(conn: Connection, agent_id: str, at: datetime) -> heartbeats.Known:
    """A heartbeat that reads all that was ever said, as if it were new."""
    said = recall.own_words(conn, agent_id, 0, 500)
    return replace(KNOWN(conn, agent_id, at), said=tuple(said))
