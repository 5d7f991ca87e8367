"""The short form of the campaign against heartbeats; and that its judge is no pushover."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.heartbeats import Campaign, campaign

OF_ONE = "WHERE agent_id = 'agent0' AND label = 'human'"


async def test_runs_are_whole_or_not_at_all(tmp_path: Path) -> None:
    report = await campaign(kills=3, agents=8, seed=3, folder=tmp_path)
    assert report.failures == 0, list(report.lines())
    assert report.kills == 3
    assert report.runs > 2 * 8
    assert report.told > 100


@pytest.mark.parametrize(
    ("harm", "halves", "lost"),
    [
        ("SELECT 1", 0, False),
        (f"UPDATE facts SET state = 'archived' {OF_ONE}", 1, True),
        (f"UPDATE facts SET text = '' {OF_ONE}", 1, True),
        (f"DELETE FROM facts {OF_ONE}", 1, True),
        (f"UPDATE facts SET pinned = 1 - pinned {OF_ONE}", 1, False),
        (
            "INSERT INTO journal SELECT agent_id, 9999, at, 'person', action, summary, source,"
            " '[]', undoes, undone_by FROM journal LIMIT 1", 1, False,
        ),
    ],
)  # fmt: skip
async def test_harm_is_seen(tmp_path: Path, harm: str, halves: int, lost: bool) -> None:
    run = Campaign(tmp_path, 2, 1)
    await run.told()
    with closing(sqlite3.connect(run.path)) as raw, raw:
        raw.execute(harm)
    run.judge()
    assert run.report.halves == halves
    assert (run.lost() > 0) == lost
