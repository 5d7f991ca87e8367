"""Guests on Slack: who cannot read the public channels is told nothing that was said there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.slack import manifest
from bot.app import opened
from bot.config import Settings
from bot.testing.fakes import ScriptedLLM, wish
from bot.testing.slack import FakeSlack, Human
from bot.types import Completion, Prompt
from tests.edge.slack_world import Listener, adapter, online

SECRETS = {  # said in a channel, noted there, and shared
    "en": ("the code is Zanzibar", "Ben knows Zanzibar well", "we meet in Zanzibar"),
    "zh": ("密码是桑给巴尔", "小本熟悉桑给巴尔", "我们在桑给巴尔见面"),
}
WORDS = {"en": "Zanzibar", "zh": "桑给巴尔"}
GUESTS: list[dict[str, object]] = [
    {"is_restricted": True},
    {"is_restricted": True, "is_ultra_restricted": True},
    {"is_stranger": True},
    {"team_id": "T0OTHER"},
    {"team_id": "T0OTHER", "enterprise_user": {"teams": ["T0OTHER", "T0THIRD"]}},
]
MEMBERS: list[dict[str, object]] = [
    {},
    {"is_restricted": False, "is_ultra_restricted": False, "is_stranger": False},
    {"team_id": "T0OTHER", "enterprise_user": {"teams": ["T0OTHER", "T0FAKE"]}},
]


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack().running() as slack:
        yield slack


def newcomer(fake: FakeSlack, name: str, flags: dict[str, object]) -> Human:
    """Who is in no channel."""
    human = fake.human(name)
    fake.workspace.users[human.id] |= flags
    for channel in fake.workspace.channels.values():
        channel.members.discard(human.id)
    return human


def nosy(prompt: Prompt) -> Completion:
    """Looks everywhere for what it is asked."""
    last = prompt.messages[-1]
    if last.role == "user" and last.text.startswith("find "):
        query = last.text.removeprefix("find ")
        return Completion(
            calls=(
                wish("conversation_search", query=query),
                wish("archival_memory_search", query=query),
            )
        )
    return Completion(text="done")


@asynccontextmanager
async def running(fake: FakeSlack, home: Path) -> AsyncIterator[ScriptedLLM]:
    """The whole program on Slack."""
    llm = ScriptedLLM(nosy)
    settings = Settings.model_validate({"home": home, "embedding": "off", "timezone": "UTC"})
    fake.install(manifest())
    async with opened(settings, llm=llm) as app:
        program = asyncio.create_task(app.run([adapter(fake)]))
        try:
            await fake.connected()
            yield llm
        finally:
            app.stop()
            await program


async def tells(human: Human, secrets: tuple[str, str, str]) -> None:
    """All of them, in a public channel."""
    said, noted, shared = secrets
    asked = await human.say("#general", f"<@bot> {said}")
    await human.sees("done", after=asked)
    for count, text in enumerate((noted, shared), 1):
        await human.say("#general", f"!memory add {text}")
        told = await human.sees("Saved", count=count)
    await human.say("#general", f"!memory share {number_in(told[-1]['text'])}")
    await human.sees("Everybody in this workspace")


def number_in(text: str) -> str:
    return text.rpartition("#")[2].partition(")")[0]


async def asks(human: Human, word: str) -> str:
    """What the bot tells somebody in a direct message, whatever way it is asked."""
    told = []
    for text in (f"find {word}", f"!memory search {word}", "!memory show"):
        said = await human.dm(text)
        told += await human.sees(after=said)
    return str(told)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("flags", "told"), [*((one, False) for one in GUESTS), *((one, True) for one in MEMBERS)]
)
async def test_what_was_said_in_public_is_for_members(
    fake: FakeSlack, tmp_path: Path, language: str, flags: dict[str, object], told: bool
) -> None:
    ben, eve = fake.human("Ben"), newcomer(fake, "Eve", flags)
    async with running(fake, tmp_path) as llm:
        await tells(ben, SECRETS[language])
        asked = len(llm.shown)
        answers = await asks(eve, WORDS[language])
    for secret in SECRETS[language]:
        assert (secret in str(llm.shown[asked:])) is told
        assert told or secret not in answers


async def test_a_guest_shares_nothing_from_a_direct_message(
    fake: FakeSlack, tmp_path: Path
) -> None:
    eve = newcomer(fake, "Eve", GUESTS[0])
    async with running(fake, tmp_path):
        await eve.dm("!memory add I like tea")
        [told] = await eve.sees("(#")
        await eve.dm(f"!memory share {number_in(told['text'])}")
        assert await eve.sees("Share with whom?")
        await eve.dm("!memory show")
        assert await eve.sees("I like tea")


@pytest.mark.parametrize(("language", "flags"), [("en", GUESTS[0]), ("zh", GUESTS[3])])
async def test_a_room_with_a_guest_knows_no_more_than_guests_may(
    fake: FakeSlack, tmp_path: Path, language: str, flags: dict[str, object]
) -> None:
    ben, eve = fake.human("Ben"), newcomer(fake, "Eve", flags)
    shared, heard = SECRETS[language][2], []

    async def asked(human: Human) -> None:
        said = await human.say("#random", "<@bot> hello")
        await human.sees("done", after=said)
        heard.append(shared in str(llm.shown[-1]))

    async with running(fake, tmp_path) as llm:
        await tells(ben, SECRETS[language])
        await ben.invite_bot("#random")
        await asked(ben)
        await eve.join("#random")
        await asked(eve)
        await asked(ben)
        await eve.leave("#random")
        await eve.dm("bye")  # the platform tells in its order
        await eve.sees("done")
        await asked(ben)
    assert heard == [True, False, False, True]


@pytest.mark.parametrize("flags", [GUESTS[0], GUESTS[3], {}])
async def test_messages_and_commands_tell_it(fake: FakeSlack, flags: dict[str, object]) -> None:
    listener, eve = Listener(fake), newcomer(fake, "Eve", flags)
    async with online(fake, listener):
        await eve.dm("你好")
        await eve.dm("!memory show")
        await listener.obeys(1)
        await eve.command("/memory", "show")
        [typed, slash] = await listener.obeys(2)
        [event] = await listener.hears()
    assert [event.guest, typed.guest, slash.guest] == [bool(flags)] * 3


async def test_who_slack_does_not_tell_of_counts_as_a_guest(fake: FakeSlack) -> None:
    listener, ana = Listener(fake), fake.human("Ana")
    async with online(fake, listener):
        fake.fail("users.info", error="user_not_found", times=5)
        await ana.dm("hi")
        [event] = await listener.hears()
    assert event.guest
