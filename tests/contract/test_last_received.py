"""Where to catch up from: the latest message of a channel, whoever answers there."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from adapters.base import Address
from memory import queue
from memory.agents import identity_id
from memory.database.sqlite import SqliteDatabase
from memory.ports import Connection
from memory.store import Store
from memory.types import Birth, Identity

T0 = datetime(2026, 3, 1, tzinfo=UTC)
ANA = identity_id("discord", "dm", "ana")


async def hears(
    store: Store, room: str, event: str, *, second: int, agent: str = "hall", kind: str = "message"
) -> None:
    platform, space, _ = room.split("/", 2)
    person = agent == ANA
    await store.receive(
        Birth(id=agent, name=agent, kind="person" if person else "room", persona="I am kind."),
        Identity(platform=platform, space=space, user="ana", name="Ana"),
        kind=kind, dedup=f"{platform}:{event}", room=room, payload={"text": "喝茶"},
        at=T0 + timedelta(seconds=second),
    )  # fmt: skip


async def test_a_channel_holds_its_threads_and_nothing_else(store: Store) -> None:
    await hears(store, "slack/T1/C1", "1", second=1)
    await hears(store, "slack/T1/C1/9.1", "2", second=2)
    for other in ("slack/T1/C12", "slack/T1/C1%2F9", "slack/T2/C1", "discord/T1/C1"):
        await hears(store, other, "7", second=7, agent=other)
    assert await store.last_received("slack/T1/C1") == "slack:2"
    assert await store.last_received("slack/T1/C3") is None


async def test_it_is_the_latest_said_not_the_last_that_came(store: Store) -> None:
    await hears(store, "slack/T1/C1", "5", second=5, kind="heard")
    await hears(store, "slack/T1/C1", "3", second=3)  # Slack delivered it again
    assert await store.last_received("slack/T1/C1") == "slack:5"


async def test_a_timer_is_no_message(store: Store) -> None:
    await hears(store, "slack/T1/C1", "5", second=5)
    await hears(store, "slack/T1/C1", "8", second=8, kind="heartbeat")
    assert await store.last_received("slack/T1/C1") == "slack:5"


async def test_one_agent_may_hear_two_platforms(store: Store) -> None:
    await hears(store, "discord/dm/77", "1", second=1, agent=ANA)
    await hears(store, "slack/T1/D1", "2", second=2, agent=ANA)
    assert await store.last_received("discord/dm/77") == "discord:1"
    assert await store.last_received("slack/T1/D1") == "slack:2"
    assert await store.channels("discord") == ["discord/dm/77"]
    assert await store.channels("slack") == ["slack/T1/D1"]


async def test_the_channels_of_a_platform(store: Store) -> None:
    await hears(store, "discord/1/5/6", "1", second=1)
    await hears(store, "discord/1/5", "2", second=2)
    await hears(store, "discord/dm/77/78", "3", second=3, agent=ANA)
    assert await store.channels("discord") == ["discord/1/5", "discord/dm/77"]
    assert await store.channels("disc") == []


@pytest.mark.parametrize("channel", ["C/1", "C%1", "频道", "C%2F1"])
async def test_names_of_any_kind(store: Store, channel: str) -> None:
    thread = Address(platform="slack", space="T/1", channel=channel, thread="t/%")
    whole = Address(platform="slack", space="T/1", channel=channel)
    await hears(store, thread.room, "1", second=1, agent=ANA)
    assert await store.last_received(whole.room) == "slack:1"
    assert [Address.of(room) for room in await store.channels("slack")] == [whole]


class Explained:
    """A connection that tells how a statement would be run."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.steps: list[str] = []

    def one(self, sql: str, /, **values: object) -> None:
        rows = self._conn.all(f"EXPLAIN QUERY PLAN {sql}", **values)
        self.steps += [row["detail"] for row in rows]


async def test_it_costs_one_look_into_an_index(database: SqliteDatabase) -> None:
    def work(conn: Connection) -> list[str]:
        explained = Explained(conn)
        queue.newest(cast(Connection, explained), "slack/T1/C1")
        return explained.steps

    steps = await database.read(work)
    assert steps == ["SEARCH inbox USING INDEX inbox_channel (channel=?)"]
