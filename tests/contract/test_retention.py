"""What is past its days goes with all that tells of it, and nothing else goes."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory import asks, recall, retention, shelf
from memory.agents import identity_id
from memory.audience import own
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.ports import Connection
from memory.retention import Retention
from memory.schema import MIGRATIONS
from memory.store import Store
from memory.types import (
    Ask,
    Audience,
    Birth,
    Identity,
    Message,
    Origin,
    Outgoing,
    Reply,
    Summary,
)

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NEVER = timedelta()
ANA = Identity(platform="slack", space="T", user="U", name="安娜")
PERSON = identity_id("slack", "T", "U")
ROOMS = {"person": "slack/T/D", "room": "slack/T/C"}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A database with an agent of a person, one of a room, and one with a name, which hears both.

    said: how many turns of an agent there were."""

    store: Store
    said: Counter[str]

    async def turn(
        self, agent: str, days: float, text: str, audience: Audience = "person", *,
        open_: bool = False,
    ) -> int:  # fmt: skip
        """Somebody said something so many days ago, and was answered; the number of the turn."""
        at = NOW - timedelta(days=days)
        room = ROOMS[audience]
        self.said[agent] += 1
        birth = Birth(id=agent, name=agent, kind="named", persona="I am here.")
        await self.store.receive(
            birth, ANA, dedup=f"{self.said[agent]}", room=room, payload={"text": text}, at=at
        )
        claim = await self.store.claim(agent, NOW)
        assert claim
        view = await self.store.view(agent, room)
        draft = Draft.of(view.agent, view.blocks, at=at)
        origin = Origin(audience=audience, person=PERSON, room=room)
        for role, words in (("user", text), ("assistant", f"heard: {text}"), ("tool", "done")):
            draft.messages.append(
                Message(
                    seq=draft.seq(), role=role, text=words, at=at, origin=origin, turn=claim.turn,  # type: ignore[arg-type]
                    event=claim.items[0].dedup if role == "user" else "",
                )
            )  # fmt: skip
            at += timedelta(seconds=1)
        draft.replies.append(Reply(key=f"{claim.turn}:0:0", target={}, text=f"heard: {text}"))
        await self.store.commit(draft.change(claim=claim, done=not open_))
        for reply in await self.store.unsent(agent):
            await self.store.sent(reply, "r")
        return claim.turn

    async def sweep(self, *, person: float = 0, room: float = 0) -> Counter[str]:
        days = {"person": timedelta(days=person), "room": timedelta(days=room)}
        return await Retention(self.store.database, **days).sweep(NOW)

    async def texts(self, agent: str) -> list[str]:
        rows = await self.store.database.read(lambda conn: recall.page(conn, agent))
        return [row.text for row in rows if row.role == "user"]

    async def found(self, agent: str, words: str) -> int:
        number = (await self.store.agent(agent)).number
        return len(
            await self.store.database.read(
                lambda conn: shelf.by_words(conn, "messages", number, words, 10)
            )
        )

    async def count(self, table: str, agent: str) -> int:
        def work(conn: Connection) -> int:
            row = conn.one(f"SELECT count(*) AS n FROM {table} WHERE agent_id = :id", id=agent)
            return int(row["n"]) if row else 0

        return await self.store.database.read(work)

    async def summarised(self, agent: str, audience: Audience, upto: int) -> None:
        summary = Summary(room=ROOMS[audience], upto=upto, text="früher 以前", audience=audience)
        await self.store.database.write(lambda conn: recall.put_summary(conn, agent, summary, NOW))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    database = SqliteDatabase(tmp_path / "r.db")
    database.start(MIGRATIONS)
    store = Store(database)
    workspace = {"room": "public", "workspace": "slack/T"}
    await store.ensure(Birth(id=PERSON, name="安娜", kind="person", persona="I am here."), ANA)
    await store.ensure(
        Birth(id="hall", name="hall", kind="room", persona="I am here.", settings=workspace)
    )
    await store.ensure(Birth(id="scout", name="scout", kind="named", persona="I am here."))
    yield House(store=store, said=Counter())
    await store.close()


async def outgoing(house: House, agent: str, turn: int) -> list[Outgoing]:
    return await house.store.replies_of(agent, turn)


@pytest.mark.parametrize("text", ["Zanzibar is my harbour", "桑给巴尔岛是我的港口"])
async def test_old_messages_go_with_words_vectors_summary_and_reply(
    house: House, text: str
) -> None:
    old = await house.turn(PERSON, 40, text)
    new = await house.turn(PERSON, 5, "green tea 绿茶")

    def embedded(conn: Connection) -> None:
        shelf.put_vectors(conn, "messages", PERSON, "e", dict.fromkeys(range(20), b"v"))

    await house.store.database.write(embedded)
    await house.summarised(PERSON, "person", 100)
    vectors = await house.count("vectors", PERSON)
    assert await house.found(PERSON, text) == 2
    counts = await house.sweep(person=30)
    assert counts == Counter(messages=3, summaries=1, replies=1)
    assert await house.texts(PERSON) == ["green tea 绿茶"]
    assert await house.found(PERSON, text) == 0
    assert await house.found(PERSON, "绿茶") == 2
    assert await house.count("vectors", PERSON) == vectors - 2 == 2
    assert await house.count("summaries", PERSON) == 0
    assert [row.text for row in await outgoing(house, PERSON, old)] == [""]
    assert [row.text for row in await outgoing(house, PERSON, new)] == ["heard: green tea 绿茶"]


async def test_for_ever_is_for_ever(house: House) -> None:
    await house.turn(PERSON, 9000, "an old hat 旧帽子")
    assert not (await house.sweep()).total()
    assert await house.texts(PERSON) == ["an old hat 旧帽子"]


@pytest.mark.parametrize(
    ("days", "left"),
    [({"person": 30}, ["room"]), ({"room": 30}, ["person"]), ({"person": 30, "room": 30}, [])],
)
async def test_each_audience_has_its_days(
    house: House, days: dict[str, float], left: list[Audience]
) -> None:
    await house.turn("scout", 40, "person", "person")
    await house.turn("scout", 40, "room", "room")
    await house.turn("hall", 40, "room", "room")
    await house.turn(PERSON, 40, "person", "person")
    await house.sweep(**days)
    assert await house.texts("scout") == left
    assert await house.texts("hall") == [one for one in left if one == "room"]
    assert await house.texts(PERSON) == [one for one in left if one == "person"]


async def test_facts_and_passages_stay(house: House) -> None:
    await house.turn(PERSON, 40, "I like tea")
    agent = await house.store.agent(PERSON)

    def learn(draft: Draft) -> None:
        draft.append("human", "likes tea 喜欢茶")
        draft.insert("a passage 一段", [])

    origin = replace(own(agent), source=agent.last_seq - 2)
    await house.store.edit(PERSON, learn, actor="agent", origin=origin)
    await house.sweep(person=30)
    assert await house.texts(PERSON) == []
    blocks = {block.label: block.text for block in await house.store.blocks(PERSON)}
    assert blocks["human"] == "likes tea 喜欢茶"
    assert await house.count("passages", PERSON) == 1


async def test_a_turn_goes_whole(house: House) -> None:
    midnight = NOW.replace(hour=0) - 30 * DAY
    days = (NOW - midnight + timedelta(seconds=1)) / DAY  # its answer is past midnight
    await house.turn(PERSON, days, "午夜 midnight")
    counts = await house.sweep(person=30)
    assert counts["messages"] == 3
    assert await house.count("messages", PERSON) == 0


async def test_a_turn_that_is_worked_on_is_left_alone(house: House) -> None:
    await house.turn(PERSON, 40, "waiting 等着", open_=True)
    assert (await house.sweep(person=30))["messages"] == 0
    assert await house.texts(PERSON) == ["waiting 等着"]


async def test_what_was_drafted_on_what_is_gone_is_refused(house: House) -> None:
    await house.turn(PERSON, 40, "old 旧")
    before = (await house.store.agent(PERSON)).version
    await house.sweep(person=30)
    assert (await house.store.agent(PERSON)).version == before + 1


async def test_it_is_the_whole_day_that_counts_and_once_a_day(house: House) -> None:
    await house.turn(PERSON, 30.4, "the same day 同一天")
    days = Retention(house.store.database, person=30 * DAY, room=NEVER)
    assert not (await days.sweep(NOW)).total()
    assert not (await days.sweep(NOW + timedelta(hours=11))).total()
    assert (await days.sweep(NOW + DAY))["messages"] == 3


async def test_many_go_in_small_batches(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 4)
    for number in range(9):
        await house.turn("hall" if number % 2 else "scout", 40, f"{number}", "room")
    assert (await house.sweep(room=30))["messages"] == 27
    assert await house.count("messages", "hall") == await house.count("messages", "scout") == 0


async def test_questions_that_nobody_answered_are_closed(house: House) -> None:
    def put(conn: Connection) -> None:
        for number, kind in enumerate(("notice", "reply", "memory")):
            asks.put(
                conn,
                PERSON,
                [
                    Ask(
                        id=number, kind=kind, person=PERSON, target={}, payload={"text": "绝密"},
                        at=NOW - 40 * DAY,
                    )
                ],
            )  # fmt: skip

    await house.store.database.write(put)
    assert (await house.sweep(room=30))["questions"] == 2
    left = await house.store.unasked()
    assert [(ask.kind, ask.payload["text"]) for _, ask in left] == [("notice", "绝密")]
