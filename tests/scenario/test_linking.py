"""`/link` and `/unlink`: two accounts, one memory, and two again."""

from datetime import timedelta
from pathlib import Path

import pytest

from adapters.base import Address, Invocation, Shown
from bot.commands import line as command_line
from bot.commands import types as commands
from bot.commands.people import People
from bot.errors import UserError
from bot.testing.fakes import wish
from bot.types import Completion, Prompt
from memory.agents import identity_id
from memory.errors import NotFound
from memory.links import UnknownCode
from memory.store import Store
from memory.types import Birth, Identity, Origin, now
from tests.conftest import Clock
from tests.scenario.world import ANA, World, calls, says, world

BEN = identity_id("terminal", "local", "ben")


def who(user: str, platform: str = "terminal") -> Identity:
    return Identity(platform=platform, space="local", user=user, name=user.title())


async def obey(people: People, user: str, line: str, platform: str = "terminal") -> Shown:
    command = command_line.parse(line)
    assert isinstance(command, commands.Link | commands.Unlink)
    return await people.obey(who(user, platform), command)


async def code_of(people: People, user: str, platform: str = "terminal") -> str:
    return (await obey(people, user, "/link", platform)).text.split("**")[1]


async def joined(people: People, to: str, user: str, platform: str = "terminal") -> str:
    code = await code_of(people, to)
    return (await obey(people, user, f"/link {code} yes", platform)).text


def keeper(prompt: Prompt) -> Completion:
    """Keeps what it is told, and answers questions with all that it knows."""
    last = prompt.messages[-1]
    if last.role == "user" and "?" not in last.text:
        return calls(wish("core_memory_append", section="human", content=last.text,
                          request_heartbeat=True))  # fmt: skip
    return says(prompt.system if "?" in last.text else "Noted.")


async def ask(w: World, user: str, text: str) -> str:
    had = len(w.adapter.posts)
    await w.say(text, user=user)
    return (await w.adapter.sent(had + 1))[had].text


async def test_two_accounts_are_answered_from_one_memory_until_they_part(tmp_path: Path) -> None:
    async with world(tmp_path, keeper) as w:
        people = People(w.app.store)
        await ask(w, "ana", "I live in Berlin")
        await ask(w, "ben", "我喜欢茶")
        mine, theirs = await w.app.store.blocks(ANA), await w.app.store.blocks(BEN)
        said = await joined(people, "ana", "ben")
        assert "Ana on Terminal" in said
        assert "1 fact and 0 passages" in said
        for user in ("ana", "ben"):
            answer = await ask(w, user, "what do you know?")
            assert "I live in Berlin" in answer
            assert "我喜欢茶" in answer
        parted = (await obey(people, "ben", "/unlink")).text
        assert "Ben on Terminal" in parted
        assert "stays with Ana" in parted
        assert await w.app.store.blocks(BEN) == theirs
        assert [b.text for b in await w.app.store.blocks(ANA)] == [b.text for b in mine]
        ana, ben = await ask(w, "ana", "and now?"), await ask(w, "ben", "and now?")
        asked = [row.text for row in await w.recall(ANA)]
    assert ("我喜欢茶" in ana, "我喜欢茶" in ben) == (False, True)
    assert ("Berlin" in ana, "Berlin" in ben) == (True, False)
    assert asked.count("what do you know?") == 2  # what was said meanwhile stays


@pytest.mark.parametrize("line", ["/memory unshare", "/memory forget"])
@pytest.mark.parametrize("text", ["likes zebras", "喜欢斑马"])
async def test_what_an_account_shared_is_taken_back_where_it_is_linked(
    tmp_path: Path, text: str, line: str
) -> None:
    async with world(tmp_path) as w:

        async def given(user: str, command: str) -> str:
            address = Address(platform="terminal", space="local", channel=f"dm-{user}")
            shown = await w.app.desk.command(
                Invocation(address=address, user=user, name=user.title(), line=command)
            )
            return shown.plain()

        async def others_see() -> list[str]:
            reader = Origin(audience="person", person="cy", workspace="terminal/local")
            view = await w.app.store.view(identity_id("terminal", "local", "cy"), "dm", reader)
            return [fact.text for _, fact in view.shared]

        await given("cy", "/memory show")
        number = (await given("ben", f"/memory add {text}")).partition("#")[2].partition(")")[0]
        await given("ben", f"/memory share {number}")
        await joined(People(w.app.store), "ana", "ben")
        assert await others_see() == [text]
        listed = await given("ben", "/memory show")
        number = next(row for row in listed.split("\n") if text in row).split()[1]
        await given("ben", f"{line} {number}")
        assert await others_see() == []


async def test_what_it_would_do_is_shown_first_and_nothing_is_done(tmp_path: Path) -> None:
    async with world(tmp_path, keeper) as w:
        people = People(w.app.store)
        await ask(w, "ben", "我喜欢茶")
        await w.adapter.say("hi", event="r", user="ben", channel="hall", room="public",
                            mentioned=True)  # fmt: skip
        await w.settled()
        code = await code_of(people, "ana")
        shown = await obey(people, "ben", f"/link {code}")
        assert await w.app.store.homes(BEN) == [BEN]
        assert [button.line for button in shown.buttons] == [f"/link {code} yes"]
        for words in ("**Ana on Terminal**", "1 fact and 0 passages", "1 room knows", "`/unlink`"):
            assert words in shown.text
        await obey(people, "ben", shown.buttons[0].line)
        assert await w.app.store.homes(BEN) == [ANA, BEN]


async def test_a_turn_that_has_begun_is_ended_where_it_began(tmp_path: Path) -> None:
    async with world(tmp_path, keeper) as w:
        people = People(w.app.store)
        store, address = w.app.store, Address(platform="terminal", space="local", channel="dm")
        birth = Birth(id=BEN, name="Ben", kind="person", persona="I am kind.")
        payload = {"text": "我喜欢茶", "speaker": "Ben", "address": address.plain()}
        await store.receive(
            birth, who("ben"), dedup="terminal:0", room=address.room, payload=payload, at=now()
        )  # and nobody has looked yet
        await joined(people, "ana", "ben")
        await w.say("I live in Berlin", user="ben")
        w.app.worker.wake(BEN)
        posts = await w.adapter.sent(2)
        await w.settled()
        assert [post.address.channel for post in posts] == ["dm", "dm"]
        assert (await w.human(BEN), await w.human(ANA)) == ("我喜欢茶", "I live in Berlin")
        assert await store.open_count(BEN) == 0


async def test_too_many_wrong_codes_and_one_has_to_wait(store: Store, clock: Clock) -> None:
    people = People(store, clock)
    code = await code_of(people, "ana")
    for _ in range(7):
        await obey(people, "ben", f"/link {code}")  # a right one never counts
    for _ in range(5):
        with pytest.raises(UnknownCode):
            await obey(people, "ben", "/link AAAA-AAAA")
    with pytest.raises(UserError, match="Wait ten minutes"):
        await obey(people, "ben", f"/link {code} yes")
    assert "joins" in (await obey(people, "cy", f"/link {code}")).text  # others need not wait
    clock.at += timedelta(minutes=10)
    code = await code_of(people, "ana")
    assert "Joined" in (await obey(people, "ben", f"/link {code} yes")).text


async def test_a_code_grows_old(store: Store, clock: Clock) -> None:
    people = People(store, clock)
    code = await code_of(people, "ana")
    clock.at += timedelta(minutes=10)
    with pytest.raises(UnknownCode, match="not valid, or no longer"):
        await obey(people, "ben", f"/link {code} yes")
    assert await store.homes(BEN) == [BEN]


async def test_of_several_accounts_one_is_parted(store: Store, clock: Clock) -> None:
    people = People(store, clock)
    with pytest.raises(NotFound, match="not linked"):
        await obey(people, "ana", "/unlink")
    for user, platform in (("ben", "discord"), ("cy", "discord"), ("安娜", "slack")):
        await joined(people, "ana", user, platform)
    for line in ("/unlink", "/unlink discord", "/unlink nobody"):
        with pytest.raises(UserError, match="Ben on Discord, Cy on Discord, 安娜 on Slack"):
            await obey(people, "ana", line)
    assert "安娜 on Slack" in (await obey(people, "ana", "/unlink slack")).text
    assert "Cy on Discord" in (await obey(people, "ben", "/unlink CY", "discord")).text
    assert "Ben on Discord" in (await obey(people, "ben", "/unlink terminal", "discord")).text
    with pytest.raises(NotFound, match="not linked"):
        await obey(people, "ana", "/unlink")


async def test_the_first_words_after_a_link_make_no_second_agent(store: Store) -> None:
    people = People(store)
    await joined(people, "ana", "ben")
    birth = Birth(id=BEN, name="Ben", kind="person", persona="I am kind.")
    agent, fresh = await store.ensure(birth, who("ben"))
    assert (agent.id, fresh) == (ANA, False)
    assert [one.id for one in await store.agents()] == [ANA]
