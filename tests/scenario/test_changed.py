"""Messages that are edited or deleted: what was learned from them goes, or is learned anew."""

import asyncio
from pathlib import Path

import pytest

from bot.testing.fakes import ScriptedLLM, wish
from bot.types import Completion, Prompt
from memory.audience import operator
from memory.types import Message
from tests.scenario.world import ANA, World, calls, says, world


def keeps(prompt: Prompt) -> Completion:
    """Saves what the person says, a day's event in the archive, and answers."""
    last = prompt.messages[-1]
    if last.role != "user":
        return says("I read it.")
    if "replace:" in last.text:
        _, old, new = last.text.split(":")
        call = wish("core_memory_replace", section="human", old_content=old, new_content=new)
        return calls(call)
    tool = "archival_memory_insert" if "yesterday" in last.text or "昨天" in last.text else ""
    if tool:
        return calls(wish(tool, content=last.text))
    return calls(wish("core_memory_append", section="human", content=last.text))


async def tell(w: World, text: str, event: str) -> None:
    had = len(w.adapter.posts)
    await w.adapter.say(text, event=event)
    await w.adapter.sent(had + 1)
    await w.settled()


async def passages(w: World) -> list[str]:
    answer = await w.app.store.database.read(
        lambda conn: conn.all("SELECT text FROM passages WHERE agent_id = :a", a=ANA)
    )
    return [row["text"] for row in answer]


@pytest.mark.parametrize(
    ("old", "new"),
    [("I live in Berlin", "I live in Munich"), ("我住在北京", "我住在上海")],
)
async def test_an_edit_is_learned_anew_without_an_answer(
    tmp_path: Path, old: str, new: str
) -> None:
    async with world(tmp_path, keeps) as w:
        await tell(w, old, "1")
        assert await w.human() == old
        assert await w.adapter.change("1", new)
        posts = await w.settled()
        assert await w.human() == new
        [said] = [row for row in await w.recall() if row.role == "user"]
        assert said.text == new
        found, _ = await w.app.search.find(operator(ANA), "messages", new, page=0, size=5)
        assert found[0].text == new
        word = old.split()[-1]
        gone, _ = await w.app.search.find(operator(ANA), "messages", word, page=0, size=5)
        assert old not in [hit.text for hit in gone]
    assert len(posts) == 1


async def test_what_the_new_text_still_says_stays(tmp_path: Path) -> None:
    async with world(tmp_path, keeps) as w:
        await tell(w, "I like tea", "1")
        [before] = (await w.app.store.blocks(ANA))[1].facts
        await w.adapter.change("1", "I like tea and coffee, 也喜欢茶")
        await w.settled()
        facts = (await w.app.store.blocks(ANA))[1].facts
    assert [fact.text for fact in facts] == ["I like tea", "I like tea and coffee, 也喜欢茶"]
    assert facts[0].seq == before.seq


@pytest.mark.parametrize("text", ["I saw a fox yesterday", "我昨天看见一只狐狸"])
async def test_a_deleted_message_is_forgotten_and_can_be_brought_back(
    tmp_path: Path, text: str
) -> None:
    async with world(tmp_path, keeps) as w:
        await tell(w, text, "1")
        assert await passages(w) == [text]
        asked = len(w.llm.shown)
        assert await w.adapter.change("1", None)
        await w.settled()
        assert await passages(w) == []
        assert len(w.llm.shown) == asked
        assert text not in [row.text for row in await w.recall()]
        [entry, *_] = await w.app.store.history(ANA, 0, 1)
        assert (entry.actor, entry.action) == ("person", "message_deleted")
        await w.app.store.undo(ANA, None, actor="person")
        assert await passages(w) == [text]


async def test_a_fact_gives_its_place_back(tmp_path: Path) -> None:
    async with world(tmp_path, keeps) as w:
        await tell(w, "I live in Berlin", "1")
        await tell(w, "replace:Berlin:Munich", "2")
        assert await w.human() == "I live in Munich"
        await w.adapter.change("2", None)
        await w.settled()
        assert await w.human() == "I live in Berlin"


async def test_an_edit_before_the_turn_is_simply_read(tmp_path: Path) -> None:
    gate, asked = asyncio.Event(), asyncio.Event()

    class Slow(ScriptedLLM):
        async def complete(self, prompt: Prompt) -> Completion:
            asked.set()
            await gate.wait()
            return says(f"You said: {prompt.messages[-1].text}")

    async with world(tmp_path, llm=Slow(())) as w:
        await w.adapter.say("one", event="1")
        await asked.wait()
        await w.adapter.say("tow", event="2")
        await w.adapter.say("never mind", event="3")
        assert await w.adapter.change("2", "two")
        assert await w.adapter.change("3", None)
        gate.set()
        posts = await w.settled()
    assert posts == ["You said: one", "You said: two"]


async def test_what_was_never_ours_is_no_concern(tmp_path: Path) -> None:
    async with world(tmp_path, keeps) as w:
        assert not await w.adapter.change("1", "hello")
        await tell(w, "hello", "1")
        assert not await w.adapter.change("1", "hi", channel="elsewhere")


async def test_a_later_turn_sees_that_a_message_is_gone(tmp_path: Path) -> None:
    async with world(tmp_path, keeps) as w:
        await tell(w, "my password is Zanzibar", "1")
        await w.adapter.change("1", None)
        await tell(w, "hello", "2")
        shown: list[Message] = list(w.llm.shown[-1].messages)
    assert all("Zanzibar" not in row.text for row in shown if row.role == "user")
    assert any("deleted" in row.text for row in shown)
