"""What people tell, and to whom it is told again: through the whole program."""

from pathlib import Path

import pytest

from adapters.base import Address, Invocation, RoomKind
from bot.testing.fakes import wish
from bot.tools.memory import ELSEWHERE
from bot.types import Completion, Prompt
from memory.agents import identity_id
from tests.scenario.world import World, calls, in_turn, says, world

SECRET, 秘密 = "I am leaving for Lisbon in May", "我五月要去里斯本"


async def said(w: World, number: int, text: str, user: str, channel: str, room: RoomKind) -> None:
    assert await w.adapter.say(
        text, event=f"{number}", user=user, channel=channel, room=room, mentioned=True
    )
    await w.settled()


Visit = tuple[str, str, RoomKind]
TO_THE_ROOM: Visit = ("bo", "general", "public")
ALONE: Visit = ("bo", "dm-bo", "dm")


async def command(w: World, line: str, user: str, channel: str, room: RoomKind = "dm") -> str:
    shown = await w.app.desk.command(
        Invocation(
            address=Address(platform="terminal", space="local", channel=channel), user=user,
            name=user.title(), line=line, room_kind=room, room_name=channel,
        )
    )  # fmt: skip
    return shown.plain()


LOOK = calls(wish("archival_memory_search", query="Lisbon 里斯本"),
             wish("conversation_search", 1, query="Lisbon 里斯本"))  # fmt: skip


def shown(prompts: list[Prompt]) -> str:
    """All that the model saw, but for what was asked."""
    rows = (row.text for prompt in prompts for row in prompt.messages if row.role != "user")
    return "\n".join([*(prompt.system for prompt in prompts), *rows])


@pytest.mark.parametrize("secret", [SECRET, 秘密])
async def test_a_direct_message_stays_there_until_it_is_shared(tmp_path: Path, secret: str) -> None:
    keep = calls(wish("core_memory_append", section="human", content=secret),
                 wish("send_message", 1, message="ok"))  # fmt: skip
    async with world(tmp_path, in_turn(keep, *[LOOK, says("?")] * 8)) as w:
        await said(w, 1, secret, "ana", "dm-ana", "dm")
        number = (await w.app.store.blocks(identity_id("terminal", "local", "ana")))[1].facts[0].seq

        async def found(n: int) -> tuple[bool, bool]:
            """Whether it is seen in a room where both are, and in another's direct message."""
            seen = []
            for user, channel, kind in (TO_THE_ROOM, ALONE):
                w.llm.shown.clear()
                await said(w, n, "what do you know?", user, channel, kind)
                listed = await command(w, "/memory search Lisbon 里斯本", user, channel, kind)
                seen.append(secret in shown(w.llm.shown) + listed)
                n += 1
            return seen[0], seen[1]

        await said(w, 2, "hello", "ana", "general", "public")
        assert await found(10) == (False, False)
        assert "may know" in await command(w, f"/memory share {number}", "ana", "dm-ana")
        assert await found(20) == (True, True)
        assert "no longer" in await command(w, f"/memory unshare {number}", "ana", "dm-ana")
        assert await found(30) == (False, False)


@pytest.mark.parametrize("kind", ["public", "private"])
async def test_rooms_are_searched_from_a_direct_message(tmp_path: Path, kind: RoomKind) -> None:
    """A public one by anybody there; a private one by who is in it, until they leave."""
    kept = calls(
        wish("core_memory_append", section="human", content=SECRET),
        wish("archival_memory_insert", 1, content=f"Lisbon: {秘密}"),
        wish("send_message", 2, message="ok"),
    )
    look = calls(wish("archival_memory_search", query="Lisbon"),
                 wish("conversation_search", 1, query="Lisbon"))  # fmt: skip
    script = in_turn(kept, says("hi"), *[look, says("?")] * 4)
    async with world(tmp_path, script) as w:
        await said(w, 1, SECRET, "ana", "team", kind)
        await said(w, 2, "hello", "bo", "team", kind)

        async def sees(n: int, user: str) -> bool:
            w.llm.shown.clear()
            await said(w, n, "where does Ana go?", user, f"dm-{user}", "dm")
            told = [row.text for row in w.llm.shown[-1].messages if row.role == "tool"][-2:]
            assert all((ELSEWHERE in text) == (SECRET in text) for text in told)
            assert (f"{SECRET} (in team, human:Ana)" in told[0]) == (秘密 in told[0])
            return all(SECRET in text for text in told)

        assert await sees(3, "bo")
        assert await sees(4, "chen") == (kind == "public")
        await w.app.desk.left(Address(platform="terminal", space="local", channel="team"), "bo")
        assert await sees(5, "bo") == (kind == "public")
        await said(w, 6, "where?", "dee", "other", "public")
        last = [row.text for row in w.llm.shown[-1].messages if row.role == "tool"]
        assert not any(SECRET in text for text in last), "a room is not told of another"


async def test_a_named_agent_tells_a_room_nothing_that_it_was_told_alone(tmp_path: Path) -> None:
    keep = calls(wish("core_memory_append", section="human", content=SECRET),
                 wish("send_message", 1, message="ok"))  # fmt: skip

    def script(prompt: Prompt) -> Completion:
        return keep if prompt.messages[-1].text == SECRET else says("?")

    async with world(tmp_path, script) as w:
        await w.say(SECRET, agent="Ada")
        await w.settled()
        await w.say("mine?", agent="Ada")
        await w.settled()
        assert SECRET in w.llm.shown[-1].system
        assert await w.adapter.say("hello?", event="r", agent="Ada", channel="team",
                                   room="public", mentioned=True)  # fmt: skip
        await w.settled()
        assert SECRET not in shown(w.llm.shown[-1:])
        assert w.llm.shown[-1].messages[-1].text == "hello?"
