"""Rooms: an agent of their own, a block for each person who speaks, and no word of anybody's DM."""

from pathlib import Path

import pytest

from adapters.base import Address
from bot.intake import room_id
from bot.testing.fakes import wish
from bot.types import Completion, Prompt
from tests.scenario.world import World, calls, says, world

HALL = room_id(Address(platform="terminal", space="local", channel="hall"))


async def in_hall(
    w: World, text: str, event: str, *, user: str = "ana", mentioned: bool = False,
    elsewhere: bool = False, thread: str | None = None,
) -> bool:  # fmt: skip
    return await w.adapter.say(
        text, event=event, user=user, channel="hall", room="public", mentioned=mentioned,
        elsewhere=elsewhere, thread=thread,
    )  # fmt: skip


def echo(prompt: Prompt) -> Completion:
    return says(f"heard {prompt.messages[-1].text}")


async def test_each_speaker_has_a_block_of_their_own(tmp_path: Path) -> None:
    def script(prompt: Prompt) -> Completion:
        last = prompt.messages[-1]
        if last.role == "user":
            return calls(
                wish("core_memory_append", section="human", content=last.text,
                     request_heartbeat=True)
            )  # fmt: skip
        return says("Noted.")

    async with world(tmp_path, script) as w:
        await in_hall(w, "I like tea", "1", mentioned=True)
        await w.adapter.sent(1)
        await in_hall(w, "我喜欢咖啡", "2", user="ben", mentioned=True)
        await w.adapter.sent(2)
        blocks = {block.label: block.text for block in await w.app.store.blocks(HALL)}
    assert blocks["human:Ana"] == "I like tea"
    assert blocks["human:Ben"] == "我喜欢咖啡"
    assert "human" not in blocks


async def test_two_people_of_one_name_are_two(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as w:
        for number, user in enumerate(("ana", "ANA")):
            await in_hall(w, "hi", f"{number}", user=user, mentioned=True)
            await w.adapter.sent(number + 1)
        labels = [block.label for block in await w.app.store.blocks(HALL)]
    assert labels == ["persona", "room", "human:Ana", "human:Ana 2"]


async def test_what_was_said_in_a_dm_is_not_in_the_rooms_prompt(tmp_path: Path) -> None:
    def script(prompt: Prompt) -> Completion:
        last = prompt.messages[-1]
        if "secret" in last.text and last.role == "user" and "what" not in last.text:
            keep = wish("core_memory_append", section="human", content=last.text)
            return says("Noted.", keep)
        if last.role == "user":
            return calls(wish("conversation_search", query="what is the secret"),
                         wish("archival_memory_search", query="what is the secret"))  # fmt: skip
        return says("I do not know.")

    async with world(tmp_path, script) as w:
        await w.adapter.say("my secret is Zanzibar", event="1")
        await w.adapter.sent(1)
        await in_hall(w, "what is the secret?", "2", mentioned=True)
        await w.adapter.sent(2)
        shown = [prompt for prompt in w.llm.shown if "Zanzibar" in str(prompt)]
    assert len(shown) == 1  # the DM's own turn, and no other
    assert shown[0].messages[0].origin.audience == "person"


@pytest.mark.parametrize("mentioned", [True, False])
async def test_only_what_is_for_it_is_taken(tmp_path: Path, mentioned: bool) -> None:
    async with world(tmp_path, echo) as w:
        taken = await in_hall(w, "hello all", "1", mentioned=mentioned)
        posts = await w.settled()
    assert taken is mentioned
    assert len(posts) == mentioned


async def test_a_thread_goes_on_without_a_mention(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as w:
        assert not await in_hall(w, "nobody asked", "0", user="ben", thread="17.1")
        assert await in_hall(w, "hello", "1", mentioned=True, thread="17.1")
        await w.adapter.sent(1)
        assert await in_hall(w, "and now?", "2", user="ben", thread="17.1")
        assert not await in_hall(w, "@Cy look", "3", elsewhere=True, thread="17.1")
        posts = await w.settled()
        other = await in_hall(w, "another thread", "4", thread="18.1")
    assert posts == ["heard hello", "heard and now?"]
    assert not other


async def test_a_room_that_listens_keeps_what_it_hears_and_thinks_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as w:
        await in_hall(w, "hello", "1", mentioned=True)
        await w.adapter.sent(1)
        await w.app.store.configure(HALL, {"mode": "listen"})
        await in_hall(w, "the launch is on Friday", "2", user="ben")
        await w.settled()
        thought = len(w.llm.shown)
        await in_hall(w, "when is it?", "3", mentioned=True)
        await w.settled()
        kept = [row.text for row in await w.recall(HALL)]
    assert thought == 1
    assert "the launch is on Friday" in kept
    assert "the launch is on Friday" in [row.text for row in w.llm.shown[1].messages]


async def test_people_see_that_it_works(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as w:
        await in_hall(w, "hello", "1", mentioned=True)
        await w.adapter.sent(1)
        await w.settled()
        shown = [begun for _, begun in w.adapter.shown_working]
    assert shown == [True, False]


async def test_where_to_catch_up_from(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as w:
        hall = Address(platform="terminal", space="local", channel="hall")
        assert await w.app.desk.last_seen(hall) is None
        await in_hall(w, "one", "101", mentioned=True)
        await in_hall(w, "two", "102", mentioned=True, thread="1")
        await w.adapter.say("私聊", event="103", channel="D1")
        await w.adapter.say("dm", event="104", channel="D2")
        await w.settled()
        assert await w.app.desk.last_seen(hall) == "102"
        direct = Address(platform="terminal", space="local", channel="D1", thread="7")
        assert await w.app.desk.last_seen(direct) == "103"
        assert await w.app.store.channels("terminal") == [
            f"terminal/local/{name}" for name in ("D1", "D2", "hall")
        ]
