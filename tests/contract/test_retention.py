"""What is past its days goes with all that tells of it, and nothing else goes."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from memory import asks, policy, recall, shelf
from memory.agents import identity_id
from memory.audience import own
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.forget import leftovers, retention
from memory.forget.retention import Retention
from memory.policy import Rules
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.search import reads
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
from memory.words import query_terms

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ANA = Identity(platform="slack", space="T", user="U", name="安娜")
PERSON = identity_id("slack", "T", "U")
ROOMS: Mapping[Audience, str] = {"person": "slack/T/D", "room": "slack/T/C"}
ELSEWHERE: Mapping[Audience, str] = {"person": "slack/T2/D", "room": "slack/T2/C"}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A database with an agent of a person, one of a room, and one with a name, which hears both.

    said: how many turns of an agent there were."""

    store: Store
    said: Counter[str]

    async def turn(
        self, agent: str, days: float, text: str, audience: Audience = "person", *,
        open_: bool = False, sent: bool = True, asked: bool = False,
        fleeting: bool = False, rooms: Mapping[Audience, str] = ROOMS,
    ) -> int:  # fmt: skip
        """Somebody said something so many days ago, and was answered; the number of the turn."""
        at = NOW - timedelta(days=days)
        room = rooms[audience]
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
        platform, space, channel = room.split("/")
        target = {"address": {"platform": platform, "space": space, "channel": channel}}
        for role, words in (("user", text), ("assistant", f"heard: {text}"), ("tool", "done")):
            draft.messages.append(
                Message(
                    seq=draft.seq(), role=role, text=words, at=at, origin=origin, turn=claim.turn,  # type: ignore[arg-type]
                    event=claim.items[0].dedup if role == "user" else "", fleeting=fleeting,
                )
            )  # fmt: skip
            at += timedelta(seconds=1)
            if role == "user" and asked:
                payload = {"text": text}
                draft.asks.append(
                    Ask(
                        id=draft.seq(), kind="reply", person=PERSON, target=target,
                        payload=payload, at=at,
                    )
                )  # fmt: skip
        draft.replies.append(Reply(key=f"{claim.turn}:0:0", target=target, text=f"heard: {text}"))
        await self.store.commit(draft.change(claim=claim, done=not open_))
        for reply in await self.store.unsent(agent) if sent else ():
            await self.store.sent(reply, "r")
        return claim.turn

    async def sweep(self, *, person: int = 0, room: int = 0) -> Counter[str]:
        return await Retention(self.store.database, Rules(person=person, room=room)).sweep(NOW)

    async def texts(self, agent: str) -> list[str]:
        rows = await self.store.database.read(lambda conn: recall.page(conn, agent))
        return [row.text for row in rows if row.role == "user"]

    async def found(self, agent: str, words: str) -> int:
        number = (await self.store.agent(agent)).number
        return len(
            await self.store.database.read(
                lambda conn: reads.by_words(conn, "messages", number, query_terms(words), 10)
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
    house: House, days: dict[str, int], left: list[Audience]
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
    days = Retention(house.store.database, Rules(person=30))
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


# --- other rules in other workspaces --------------------------------------------------------------


@pytest.mark.parametrize(
    ("default", "own", "left"),
    [
        (0, {"slack/T2": 30}, ["here"]),
        (0, {"slack/T": 30}, ["there"]),
        (30, {"slack/T2": 0}, ["there"]),
        (30, {"slack/T2": 60}, ["there"]),
        (60, {"slack/T2": 30}, ["here"]),
        (0, {"slack/T": 30, "slack/T2": 30}, []),
        (60, {"slack/T3": 30}, ["here", "there"]),
        (30, {}, []),
    ],
)
@pytest.mark.parametrize("audience", ["person", "room"])
async def test_each_workspace_has_its_days(
    house: House,
    audience: Literal["person", "room"],
    default: int,
    own: Mapping[str, int],
    left: list[str],
) -> None:
    agent = PERSON if audience == "person" else "scout"
    for text, rooms in (("here", ROOMS), ("there", ELSEWHERE)):
        await house.turn(agent, 40, text, audience, rooms=rooms, asked=True)

    def choose(conn: Connection) -> None:
        for workspace, days in own.items():
            policy.choose(conn, workspace, audience, days, NOW)

    await house.store.database.write(choose)
    await house.sweep(**{audience: default})
    assert await house.texts(agent) == left
    sent = [reply.text for turn in (1, 2) for reply in await outgoing(house, agent, turn)]
    assert [text for text in sent if text] == [f"heard: {text}" for text in left]
    asked = [ask.payload["text"] for _, ask in await house.store.unasked()]
    assert asked == left


async def test_another_rule_holds_at_once_and_not_only_tomorrow(house: House) -> None:
    await house.turn(PERSON, 40, "old 旧")
    days = Retention(house.store.database, Rules())
    assert not (await days.sweep(NOW)).total()
    await house.store.database.write(lambda conn: policy.choose(conn, "slack/T", "person", 30, NOW))
    assert (await days.sweep(NOW))["messages"] == 3


async def test_how_much_would_go_is_known_before(house: House) -> None:
    await house.turn(PERSON, 40, "a")
    await house.turn(PERSON, 20, "b")
    await house.turn(PERSON, 40, "c", rooms=ELSEWHERE)
    await house.turn("hall", 40, "d", "room")

    def count(days: int) -> Callable[[Connection], int]:
        before = retention.day_before(days, NOW)
        return lambda conn: retention.count_older(conn, "slack/T", "person", before)

    found = [await house.store.database.read(count(days)) for days in (60, 30, 10)]
    assert found == [0, 2, 4]  # what was said, and what was answered


# --- what was said in passing ---------------------------------------------------------------------


async def test_what_was_asked_in_passing_goes_with_it(house: House) -> None:
    await house.turn(PERSON, 0.1, "kept 留下", asked=True)
    await house.turn(PERSON, 0.1, "hush 嘘", asked=True, fleeting=True)
    [_, (_, ask)] = await house.store.unasked()
    said = Reply(key=f"ask:{ask.id}", target=ask.target, text="hush 嘘")  # the person chose that
    await house.store.say(PERSON, said)
    [reply] = await house.store.unsent(PERSON)
    await house.store.sent(reply, "r")
    await house.store.database.write(lambda conn: retention.pause(conn, PERSON, paused=False))
    assert await house.texts(PERSON) == ["kept 留下"]
    asked = await house.store.unasked()
    assert [ask.payload["text"] for _, ask in asked] == ["kept 留下"]
    rows = await house.store.database.read(lambda conn: conn.all("SELECT text FROM outbox"))
    assert [row["text"] for row in rows] == ["heard: kept 留下", "", ""]


async def test_an_answer_that_is_not_sent_yet_is_sent_first_and_given_up_after_a_day(
    house: House,
) -> None:
    turn = await house.turn(PERSON, 0.5, "hush 嘘", fleeting=True, sent=False)
    await house.store.database.write(lambda conn: retention.pause(conn, PERSON, paused=False))
    assert [reply.text for reply in await house.store.unsent(PERSON)] == ["heard: hush 嘘"]
    days = Retention(house.store.database, Rules())
    assert not (await days.sweep(NOW)).total()
    assert (await days.sweep(NOW + DAY))["messages"] == 3
    assert await house.store.unsent(PERSON) == []
    assert [reply.text for reply in await outgoing(house, PERSON, turn)] == [""]


async def test_what_is_removed_is_noted_to_be_swept(house: House) -> None:
    await house.turn(PERSON, 40, "old 旧")
    await house.turn("hall", 5, "new 新", "room")
    assert await house.store.database.read(leftovers.page) == []
    await house.sweep(person=30)
    left = await house.store.database.read(leftovers.page)
    assert {row["agent_id"] for row in left} == {PERSON}
    await house.store.database.write(lambda conn: leftovers.swept(conn, left))
    assert await house.store.database.read(leftovers.page) == []
