"""Memory as it stood at a time, and what becomes of lines that were made of facts."""

import json
from datetime import datetime

from bot.testing.fakes import ScriptedLLM
from memory import core, unsaid
from memory.draft import Draft
from memory.store import Store
from memory.types import Fact, Message, now
from tests.scenario.heart_house import DAY, House, human_of
from tests.scenario.world import says


async def stood(store: Store, at: datetime) -> list[str]:
    blocks = await store.as_of("ana", at)
    return [fact.text for block in blocks if block.label == "human" for fact in block.facts]


async def test_blocks_as_they_stood(store: Store) -> None:
    house = House(store)
    began = house.at
    rest = ["我有一只猫", "I play chess"]
    await house.tell("I live in Berlin", "我喜欢茶", *rest)
    house.at += DAY
    await house.tell("I live in Oslo")
    house.at += DAY
    await house.beat()  # Oslo takes the place of Berlin
    house.at += 100 * DAY
    await house.beat()  # and one is put away
    end = house.at
    assert await stood(store, began - DAY) == []
    assert await stood(store, began) == ["I live in Berlin", "我喜欢茶", *rest]
    assert await stood(store, began + 1.5 * DAY) == [
        "I live in Berlin", "我喜欢茶", *rest, "I live in Oslo",
    ]  # fmt: skip
    later = ["我喜欢茶", *rest, "I live in Oslo"]
    assert await stood(store, began + 3 * DAY) == later
    assert await stood(store, end) == await human_of(store) == [*rest, "I live in Oslo"]
    await store.undo("ana", None, actor="person")
    assert await stood(store, end) == later  # it was never put away

    def forget(draft: Draft) -> None:
        draft.at = house.at
        draft.forget(
            [fact for fact in draft.blocks["human"].facts if "Oslo" in fact.text], action="forget"
        )

    await store.edit("ana", forget, actor="person")
    assert await stood(store, began + 3 * DAY) == later
    assert await stood(store, now() + 1000 * DAY) == later[:-1]


async def test_an_edited_fact_stood_until_it_was_edited(store: Store) -> None:
    house = House(store)
    await house.tell("likes tea")
    (tea,) = (await house.human()).facts
    await store.edit("ana", lambda draft: draft.edit(tea, "喜欢茶", action="edit"), actor="person")
    facts = {fact.text: fact for fact in await store.database.read(
        lambda conn: core.all_facts(conn, "ana")) if fact.label == "human"}  # fmt: skip
    old, new = facts["likes tea"], facts["喜欢茶"]
    assert old.valid_to is not None
    assert old.valid_from <= old.valid_to
    assert new.valid_to is None


async def test_what_was_joined_goes_when_a_message_of_it_is_deleted(store: Store) -> None:
    house = House(store)
    topics = [f"topic {n}" for n in range(8)]
    await house.tell("likes tea", "likes coffee", *topics)
    first, second = (await house.human()).facts[:2]
    line = {"text": "likes tea, coffee", "from": [first.seq, second.seq]}
    house.llm = ScriptedLLM([says(json.dumps({"lines": [line], "facts": []}))])
    house.heart.llm = house.llm
    house.at += DAY
    await house.beat()
    assert (await human_of(store))[0] == "likes tea, coffee"
    for gone, stays in ((first, second), (second, first)):
        source = gone.origin.source
        assert source is not None
        learned = await store.database.read(
            lambda conn, seq=source: core.facts_from(conn, "ana", seq)  # type: ignore[misc]
        )
        message = Message(seq=source, role="user", text=gone.text, at=house.at, origin=gone.origin)
        draft = Draft.of(await store.agent("ana"), await store.blocks("ana"), at=house.at)
        unsaid.revise(draft, message, "", learned)
        after = {d.after.seq: d.after for d in draft.entries[0].diffs if isinstance(d.after, Fact)}
        assert after[stays.seq].state == "active"
        assert gone.seq not in after
        assert sum(fact.state == "superseded" for fact in after.values()) == 1
