"""A turn, from what a person says to what they get: words, calls, and what goes wrong between."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import turn
from bot.config import Settings
from bot.testing.fakes import wish
from bot.turn import Step
from bot.types import Completion, Prompt
from memory.agents import named_id
from memory.types import ToolCall
from tests.scenario.world import ANA, calls, says, world

# --- words ---------------------------------------------------------------------------------------


async def test_text_is_the_reply(tmp_path: Path) -> None:
    async with world(tmp_path, [says("你好,Ana!", thoughts="she is new")]) as w:
        assert await w.ask("我叫张三") == "你好,Ana!"
        assert await w.settled() == ["你好,Ana!"]
        said, answer = await w.recall()
        assert (said.role, said.text, said.speaker) == ("user", "我叫张三", "Ana")
        assert (answer.role, answer.text, answer.thoughts) == (
            "assistant",
            "你好,Ana!",
            "she is new",
        )
        (post,) = w.adapter.posts
        assert post.answers == ("1",)


async def test_send_message_speaks_and_other_text_is_thoughts(tmp_path: Path) -> None:
    script = [says("I should greet", wish("send_message", message="Hi!"))]
    async with world(tmp_path, script) as w:
        await w.ask("hello")
        assert await w.settled() == ["Hi!"]
        answer = (await w.recall())[1]
        assert (answer.text, answer.thoughts) == ("Hi!", "I should greet")


async def test_two_messages_in_one_step(tmp_path: Path) -> None:
    both = calls(wish("send_message", 1, message="一"), wish("send_message", 2, message="二"))
    async with world(tmp_path, [both]) as w:
        await w.say("hello")
        await w.adapter.sent(2)
        assert await w.settled() == ["一", "二"]


async def test_odd_characters_of_anybody_are_dropped(tmp_path: Path) -> None:
    keep = wish(
        "core_memory_append", section="human", content="te\x00a \ud83d", request_heartbeat=True
    )
    script = [
        calls(keep, wish("archival_memory_insert", 1, content="\udc00note", tags=["t\ud83dag"])),
        says("a\x00b\ud83d", wish("send_message", message="x\ud800y\x00")),
        says("fine \udc00"),
    ]
    async with world(tmp_path, script) as w:
        assert await w.ask("\x00hi\ud83d") == "xy"
        assert await w.human() == "tea"
        assert [row.text for row in await w.recall() if row.role != "tool"] == ["hi", "", "xy"]
        await w.say("hi", user="bo\ud83d", agent="Other\x00")
        assert (await w.adapter.sent(2))[1].text == "fine"
        assert (await w.recall(named_id("Other")))[0].speaker == "Bo"


# --- steps ---------------------------------------------------------------------------------------


async def test_a_search_gives_another_step(tmp_path: Path) -> None:
    script = [
        says("noted"),
        says("let me look", wish("conversation_search", query="茶")),
        says("You said you like 茶."),
    ]
    async with world(tmp_path, script) as w:
        await w.ask("我喜欢茶")
        assert await w.ask("what do I like?") == "You said you like 茶."
        assert await w.settled() == ["noted", "You said you like 茶."]
        assert "Ana: 我喜欢茶" in w.told(2)


async def test_a_write_with_a_heartbeat_gives_another_step(tmp_path: Path) -> None:
    keep = wish("core_memory_append", section="human", content="I like 茶", request_heartbeat=True)
    async with world(tmp_path, [calls(keep), says("Noted.")]) as w:
        assert await w.ask("I like 茶") == "Noted."
        assert await w.settled() == ["Noted."]
        assert await w.human() == "I like 茶"
        assert not w.llm.shown[1].closing
        (fact,) = (await w.app.store.blocks(ANA))[1].facts
        assert fact.origin.source == (await w.recall())[0].seq


async def test_a_write_with_a_reply_ends_the_turn(tmp_path: Path) -> None:
    keep = wish("core_memory_append", section="human", content="I like tea")
    async with world(tmp_path, [calls(keep, wish("send_message", message="Noted."))]) as w:
        assert await w.ask("I like tea") == "Noted."
        assert await w.settled() == ["Noted."]
        assert len(w.llm.shown) == 1


async def test_a_write_without_a_reply_gets_a_closing_step(tmp_path: Path) -> None:
    keep = wish("core_memory_append", section="human", content="I like tea")
    async with world(tmp_path, [calls(keep), says("Noted.")]) as w:
        assert await w.ask("I like tea") == "Noted."
        await w.settled()
        assert [prompt.closing for prompt in w.llm.shown] == [False, True]


async def test_a_failed_write_keeps_the_message_back(tmp_path: Path) -> None:
    script = [
        says(
            "",
            wish("core_memory_replace", section="human", old_content="x", new_content="y"),
            wish("send_message", message="I changed it!"),
        ),
        calls(wish("send_message", message="There is no x.")),
    ]
    async with world(tmp_path, script) as w:
        assert await w.ask("change x to y") == "There is no x."
        assert await w.settled() == ["There is no x."]
        write, send = (row.text for row in w.llm.shown[1].messages if row.role == "tool")
        assert write.startswith("Error: 'x' is not in 'human'")
        assert send == turn.HELD_BACK
        assert "I changed it!" not in [row.text for row in await w.recall()]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (wish("teleport"), "Error: There is no tool 'teleport'. Tools: send_message"),
        (ToolCall(id="1", name="send_message", arguments='{"message'), "not valid JSON"),
        (ToolCall(id="1", name="send_message", arguments="[1]"), "must be one JSON object"),
        (wish("send_message", words="x"), "Error:"),
        (wish("send_message", message="  "), "The message is empty"),
        (wish("core_memory_append", section="secret", content="x"), "Sections: persona, human"),
        (wish("core_memory_append", section="human", content=""), "nothing to save"),
        (wish("conversation_search", query="x", page=-1), "page must be 0 or more"),
        (wish("conversation_search_date", start_date="soon", end_date="2026-01-01"), "YYYY-MM-DD"),
        (wish("archival_memory_insert", content=" "), "nothing to save"),
    ],
    ids=range(10),
)
async def test_wrong_calls_are_told_to_the_model(tmp_path: Path, call: ToolCall, told: str) -> None:
    async with world(tmp_path, [calls(call), says("Sorry, 好了.")]) as w:
        assert await w.ask("do it") == "Sorry, 好了."
        assert told in w.told(1)
        assert await w.settled() == ["Sorry, 好了."]


@pytest.mark.parametrize(
    "endless",
    [
        lambda n: calls(wish("teleport", n)),
        lambda n: calls(wish("conversation_search", n, query="x")),
        lambda n: calls(wish("conversation_search", n, query=f"x{n}")),
        lambda n: says("thinking", wish("conversation_search", n, query=f"x{n}")),
        lambda n: calls(wish("archival_memory_insert", n, content=f"{n}", request_heartbeat=True)),
        lambda n: calls(ToolCall(id=f"{n}", name="send_message", arguments="{")),
        lambda n: says(""),
        lambda n: says("  \n", thoughts="hm"),
    ],
    ids=["unknown", "same", "search", "with words", "insert", "broken", "empty", "blank"],
)
@pytest.mark.parametrize(("text", "start"), [("hello", "I found no words"), ("你好", "这次我没能")])
async def test_what_goes_nowhere_ends_with_a_sentence(
    tmp_path: Path, endless: Callable[[int], Completion], text: str, start: str
) -> None:
    made: list[Completion] = []

    def script(prompt: Prompt) -> Completion:
        made.append(endless(len(made)))
        return made[-1]

    async with world(tmp_path, script, settings={"max_steps": 6}) as w:
        assert (await w.ask(text)).startswith(start)
        assert len(await w.settled()) == 1
        assert 2 <= len(w.llm.shown) <= 6
        assert [prompt.closing for prompt in w.llm.shown].count(True) == 1
        assert w.llm.shown[-1].closing


@pytest.mark.parametrize("budget", [{"turn_tokens": 1000}, {"turn_seconds": 1e-6}], ids=str)
async def test_budgets_of_tokens_and_time_end_a_turn(
    tmp_path: Path, budget: dict[str, object]
) -> None:
    def script(prompt: Prompt) -> Completion:
        if prompt.closing:
            return says("I stop here.")
        return calls(wish("conversation_search", query=f"{len(prompt.messages)}"))

    async with world(tmp_path, script, settings=budget) as w:
        assert await w.ask("search") == "I stop here."
        assert 2 <= len(w.llm.shown) < 6


# --- tools of one's own --------------------------------------------------------------------------

TOOLS = '''
import asyncio
from bot import tool

@tool
def dice(sides: int = 6) -> int:
    """Throw a die.

    Args:
        sides: How many.
    """
    return sides

@tool
async def broken(word: str) -> str:
    """It raises.

    Args:
        word: Any.
    """
    raise ValueError(f"坏了: {word}")

@tool
async def slow() -> str:
    """It never ends."""
    await asyncio.Event().wait()
    return ""
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "tools_for_turns.py").write_text(TOOLS)
    monkeypatch.syspath_prepend(tmp_path)
    return "tools_for_turns"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (wish("dice", sides="20"), "20"),
        (wish("broken", word="x"), "Error: ValueError: 坏了: x"),
        (wish("slow"), "Error: slow took longer than 0 seconds."),
    ],
    ids=["works", "raises", "hangs"],
)
async def test_tools_of_ones_own(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch, call: ToolCall, told: str
) -> None:
    monkeypatch.setattr(turn, "TOOL_SECONDS", 0.05)
    chosen = {"tools": Settings.from_env({"REVERIE_TOOLS": module}).tools}
    async with world(tmp_path, [calls(call), says("done")], settings=chosen) as w:
        assert await w.ask("go") == "done"
        assert w.told(1) == told
        assert "dice" in [spec.name for spec in w.llm.shown[0].tools]


# --- whoever watches -----------------------------------------------------------------------------


async def test_watchers_are_told_of_what_is_on_disk(tmp_path: Path) -> None:
    seen: list[Step] = []
    keep = wish("core_memory_append", section="human", content="I like tea")
    async with world(tmp_path, [calls(keep), says("Noted.")]) as w:
        w.app.watch = seen.append
        await w.ask("I like tea")
        await w.settled()
    assert [
        json.loads(seen[0].change.messages[1].calls[0].arguments)["content"],
        *(reply.text for reply in seen[1].change.replies),
    ] == ["I like tea", "Noted."]
    assert [entry.summary for entry in seen[0].change.entries] == ["human: + I like tea"]
