"""A model that never searches is shown what it needs, before the words that need it."""

from pathlib import Path

import pytest

from bot.errors import ModelUnavailable
from bot.llm.offline.model import OfflineModel
from bot.testing.fakes import ScriptedLLM, wish
from bot.types import Completion, Prompt
from memory.agents import named_id
from tests.scenario.world import ANA, World, calls, in_turn, says, world

TOLD = {
    "en": ("I left the bike at Jonas's workshop", "where did I leave my bike?", "ok, thanks!"),
    "zh": ("自行车我放在老周的修车铺了", "我的自行车放哪儿了？", "好的,谢谢!"),
}
CHATTER = (
    "the tram was late",
    "今天下雨了",
    "the soup was too hot",
    "会议改到四点了",
    "it is dark",
)


def weak(_: Prompt) -> Completion:
    """A model that uses no tool."""
    return says("I see.")


async def tell(w: World, text: str, thread: str | None, **more: str) -> None:
    w._said += 1
    assert await w.adapter.say(text, event=f"{w._said}", thread=thread, **more)  # type: ignore[arg-type]
    await w.settled()


async def long_ago(w: World, told: str) -> None:
    """Something told in one conversation, and chatter in another."""
    await tell(w, told, "old")
    for text in CHATTER:
        await tell(w, text, "new")


@pytest.mark.parametrize("language", TOLD)
async def test_it_sees_the_right_memory_and_the_same_beginning(
    tmp_path: Path, language: str
) -> None:
    told, question, thanks = TOLD[language]
    async with world(tmp_path, weak) as w:
        await long_ago(w, told)
        for text in (thanks, question, thanks, "hello"):
            await tell(w, text, "new")
        before, asked, after, last = w.llm.shown[-4:]
        assert f"Ana said: {told}" in (asked.recalled or "")
        assert len((asked.recalled or "").splitlines()) == 5
        assert not any(told in row.text for row in asked.messages)
        assert (before.recalled, after.recalled, last.recalled) == ("", "", "")
        assert before.system == asked.system == after.system == last.system
        assert last.messages[: len(asked.messages)] == asked.messages
        assert not any("<recalled>" in row.text for row in await w.recall())


async def test_it_can_be_turned_off(tmp_path: Path) -> None:
    told, question, _ = TOLD["en"]
    async with world(tmp_path, weak, settings={"recall": False}) as w:
        await long_ago(w, told)
        await tell(w, question, "new")
        assert [prompt.recalled for prompt in w.llm.shown] == [None] * len(w.llm.shown)


async def test_what_is_in_view_is_not_said_twice(tmp_path: Path) -> None:
    told, question, _ = TOLD["zh"]
    async with world(tmp_path, weak) as w:
        await tell(w, told, "new")
        await tell(w, question, "new")
        assert w.llm.shown[-1].recalled == ""


async def test_it_stays_through_the_steps_of_a_turn_and_a_restart(tmp_path: Path) -> None:
    told, question, _ = TOLD["en"]
    steps = in_turn(
        calls(wish("conversation_search", query="x")),
        calls(wish("conversation_search", query="y")),
        ModelUnavailable("It is away."),
        says("At Jonas's."),
    )
    llm = ScriptedLLM([*[says("ok")] * (1 + len(CHATTER)), *steps])
    async with world(tmp_path, llm=llm) as w:
        await long_ago(w, told)
        await tell(w, question, "new")
        assert w.adapter.posts[-1].text == "At Jonas's."
    shown = [prompt.recalled for prompt in llm.shown[-4:]]
    assert told in (shown[0] or "")
    assert len(set(shown)) == 1
    async with world(tmp_path, weak) as w:
        w._said = 100
        await tell(w, question, "newer")
        assert told in (w.llm.shown[-1].recalled or "")


@pytest.mark.parametrize(
    ("old", "new", "question"),
    [
        ("I live in Berlin", "I live in Lyon", "Where do I live?"),
        ("我住在北京", "我住在上海", "我住在哪里？"),
    ],
)
async def test_what_was_replaced_or_forgotten_does_not_come_back(
    tmp_path: Path, old: str, new: str, question: str
) -> None:
    replaces = wish("core_memory_replace", section="human", old_content=old, new_content=new)

    def script(prompt: Prompt) -> Completion:
        said = prompt.messages[-1].text
        if said == old:
            return says("Noted.", wish("core_memory_append", section="human", content=old))
        return says("Noted.", replaces) if said == new else says("I see.")

    async with world(tmp_path, script) as w:
        await long_ago(w, old)
        w.llm.shown.clear()
        await tell(w, new, "old")
        await tell(w, question, "new")
        assert new in w.llm.shown[-1].system
        assert old not in str(w.llm.shown[-1].recalled)
        human = next(b for b in await w.app.store.blocks(ANA) if b.label == "human")
        await w.app.store.edit(ANA, lambda draft: draft.forget(human.facts, action="forget"),
                               actor="person")  # fmt: skip
        await tell(w, question, "newer")
        assert old not in str(w.llm.shown[-1])
        assert new not in str(w.llm.shown[-1])


async def test_nobody_is_shown_what_another_told(tmp_path: Path) -> None:
    told, question, _ = TOLD["en"]
    async with world(tmp_path, weak) as w:
        await tell(w, told, "old", agent="Ada")
        await tell(w, question, "new", agent="Ada", user="bo")
        assert w.llm.shown[-1].recalled == ""
        await tell(w, question, "new", agent="Ada")
        assert told in (w.llm.shown[-1].recalled or "")
        assert next(row.speaker for row in await w.recall(named_id("Ada"))) == "Ana"


@pytest.mark.parametrize(
    ("told", "question"),
    [
        ("the pottery course was so relaxing", "what did I say about pottery?"),
        ("那次陶艺课特别放松", "我说过陶艺课怎么样？"),
    ],
)
async def test_the_offline_model_answers_from_it_at_once(
    tmp_path: Path, told: str, question: str
) -> None:
    async with world(tmp_path, llm=OfflineModel()) as w:  # type: ignore[arg-type]
        await long_ago(w, told)
        await tell(w, question, "new")
        assert f"“{told}”" in w.adapter.posts[-1].text
        assert not any("search" in call.name for row in await w.recall() for call in row.calls)
