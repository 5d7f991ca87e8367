"""Rules of workspaces: what was chosen holds there alone, until the default is taken again."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from memory import agents, changes, policy
from memory.births import ensure_agent
from memory.database.sqlite import SqliteConnection
from memory.policy import NAMES, Name, Rules
from memory.schema import MIGRATIONS
from memory.types import Birth

T0 = datetime(2026, 3, 31, tzinfo=UTC)
WORKSPACES = ("slack/T1", "slack/T10", "discord/团队")


def opened() -> SqliteConnection:
    raw = sqlite3.connect(":memory:")
    raw.executescript(MIGRATIONS[0])
    return SqliteConnection(raw)


class Workspaces(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.conn = opened()
        self.at = T0
        self.defaults = Rules(opt_in=0, person=90, room=0)
        self.chosen: dict[tuple[str, Name], tuple[int, datetime]] = {}

    @rule(
        workspace=st.sampled_from(WORKSPACES),
        name=st.sampled_from(NAMES),
        value=st.sampled_from([None, 0, 1, 30]),
    )
    def choose(self, workspace: str, name: Name, value: int | None) -> None:
        self.at += timedelta(seconds=1)
        policy.choose(self.conn, workspace, name, value, self.at)
        self.chosen.pop((workspace, name), None)
        if value is not None:
            self.chosen[workspace, name] = value, self.at

    @rule(person=st.integers(0, 9))
    def set_another_default(self, person: int) -> None:
        """Whoever runs the program starts it with other settings."""
        self.defaults = replace(self.defaults, person=person)

    @invariant()
    def each_workspace_has_its_own(self) -> None:
        everywhere = policy.everywhere(self.conn, self.defaults)
        assert {*everywhere} == {workspace for workspace, _ in self.chosen}
        for workspace in WORKSPACES:
            own = {name: row for (where, name), row in self.chosen.items() if where == workspace}
            expected = replace(self.defaults, **{name: row[0] for name, row in own.items()})
            assert policy.in_force(self.conn, workspace, self.defaults) == expected
            assert everywhere.get(workspace, self.defaults) == expected
            assert policy.chosen(self.conn, workspace) == {n: row[1] for n, row in own.items()}


TestWorkspaces = Workspaces.TestCase
TestWorkspaces.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_rooms_that_are_off_limits_are_listed_by_workspace() -> None:
    conn = opened()
    for name, workspace, mode in (
        ("人事", "slack/T1", "off"),
        ("general", "slack/T1", "off"),
        ("open", "slack/T1", "open"),
        ("other", "slack/T10", "off"),
    ):
        where = {"workspace": workspace, "room": "public"}
        ensure_agent(conn, Birth(id=name, name=name, kind="room", persona="I.", settings=where))
        agent = changes.require(conn, name)
        agents.set_settings(conn, name, {**agent.settings, "mode": mode})
    assert policy.off_limits(conn, "slack/T1") == [("general", "general"), ("人事", "人事")]
    assert policy.off_limits(conn, "slack/T10") == [("other", "other")]
    assert policy.off_limits(conn, "slack/T") == []
