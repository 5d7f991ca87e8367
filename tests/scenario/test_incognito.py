"""A thread, or a direct message, from which nothing is learned; others are not touched by it."""

import asyncio
import re
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters.base import Address, RoomKind
from bot.files import Files
from bot.intake import room_id
from bot.testing.fakes import wish
from bot.types import Completion, Prompt
from memory import agents, changes, core, queue, recall
from memory.births import ensure_agent
from memory.database.sqlite import SqliteConnection
from memory.draft import Draft
from memory.embed.hashing import HashingEmbedder
from memory.forget import retention
from memory.schema import MIGRATIONS
from memory.search import reads
from memory.types import Birth, Message, Origin, now
from memory.words import query_terms
from tests.scenario.conftest import Cli
from tests.scenario.consent_world import (
    ANA,
    DM,
    HALL,
    all_bytes,
    file,
    found,
    heard,
    in_thread,
    obey,
    slack,
    texts,
)
from tests.scenario.world import World, calls, says

SECRETS = ["the launch code is Zanzibar", "发布代号是桑给巴尔岛"]
ON_OFF = [("/memory incognito on", "/memory incognito off"), ("/记忆 无痕 开", "！记忆 无痕 关")]
ONE, TWO = replace(HALL, thread="1"), replace(HALL, thread="2")
ROOM = room_id(HALL)


async def at(w: World, line: str, address: Address, user: str = "ana") -> str:
    room: RoomKind = "public" if address.channel == HALL.channel else "dm"
    return (await obey(w, line, address=address, room=room, user=user)).plain()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(("on", "off"), ON_OFF)
async def test_a_thread_goes_incognito_and_others_do_not(
    tmp_path: Path, secret: str, on: str, off: str
) -> None:
    async with slack(tmp_path) as w:
        await in_thread(w, "1", "before 之前")
        said = await at(w, on, ONE)
        assert "no search finds it" in said
        assert "搜索不到" in said
        await in_thread(w, "1", secret)
        await in_thread(w, "2", "elsewhere 别处", user="ben")
        await in_thread(w, "1", "and? 然后呢", user="ben")
        assert secret in [row.text for row in w.llm.shown[-1].messages]
        assert secret not in await found(w, secret, address=TWO, room="public")
        assert "elsewhere" in await found(w, "elsewhere", address=ONE, room="public")
        assert "removed" in await at(w, off, ONE, user="ben")  # anybody in it may end it
        assert await texts(w, ROOM) == ["before 之前", "elsewhere 别处"]
        await in_thread(w, "1", "after 之后")
        assert secret not in str(w.llm.shown[-1].messages)
        assert (await texts(w, ROOM))[-1] == "after 之后"


async def test_everybody_in_the_thread_is_told_once(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        await in_thread(w, "1", "hello")
        for line in ("on", "on", "", "off", "off"):
            await at(w, f"/memory incognito {line}", ONE)
        await w.settled()
        told = [post for post in w.adapter.posts if post.text != "ok"]
        assert ["Incognito here" in post.text for post in told] == [True, False]
        assert {post.address for post in told} == {ONE}
        assert "无痕对话已结束" in told[1].text
        await at(w, "/memory incognito on", DM)  # alone, there is nobody else to tell
        await w.settled()
        assert w.adapter.posts[-1] == told[1]


async def test_what_holds_is_told_and_outlives_a_restart(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        assert "not incognito" in await at(w, "/memory incognito", ONE)
        await at(w, "/memory incognito on", ONE)
    async with slack(tmp_path) as w:
        assert "这里是无痕对话" in await at(w, "/记忆 无痕", ONE)
        assert "不是无痕的" in await at(w, "/记忆 无痕", TWO)
        await in_thread(w, "1", SECRETS[0])
        assert SECRETS[0] not in await found(w, SECRETS[0], address=ONE, room="public")


async def test_where_there_is_no_conversation_it_is_refused(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        line = "/memory incognito on"
        said = (await obey(w, line, address=HALL, room="public", aside=True)).plain()
        assert "`!memory incognito on`" in said
        assert "`!记忆 无痕 开`" in said
        assert "not incognito" in await at(w, "/memory incognito", HALL)
        assert "on or off" in await at(w, "/memory incognito please", ONE)


@pytest.mark.parametrize("place", [DM, replace(DM, thread="7")])
async def test_a_direct_message_covers_its_threads(tmp_path: Path, place: Address) -> None:
    """In Slack nobody can tell whether a command was given in the thread that they look at."""
    async with slack(tmp_path) as w:
        await at(w, "/memory incognito on", DM)
        await heard(w, SECRETS[0], thread=place.thread)
        assert SECRETS[0] not in await found(w, SECRETS[0])
        await at(w, "/memory incognito off", place)
        assert await texts(w) == []
        await heard(w, "I like tea", thread=place.thread)
        assert "I like tea" in await found(w, "tea")


@pytest.mark.parametrize("tool", ["core_memory_append", "archival_memory_insert"])
async def test_tools_that_write_refuse_with_a_sentence(tmp_path: Path, tool: str) -> None:
    def script(prompt: Prompt) -> Completion:
        if prompt.messages[-1].role == "tool":
            return says("I tried.")
        where = {"section": "human"} if tool == "core_memory_append" else {}
        return calls(wish(tool, content="我喜欢茶", **where))

    async with slack(tmp_path, script) as w:
        await at(w, "/memory incognito on", DM)
        await heard(w, "我喜欢茶")
        assert tool not in [one.name for one in w.llm.shown[0].tools]
        assert "conversation_search" in [one.name for one in w.llm.shown[0].tools]
        assert "Nothing is learned here now" in w.told(1)
        assert await w.human(ANA) == ""
        assert [row.fleeting for row in await w.recall(ANA)] == [True] * 4  # of both steps
        await at(w, "/memory incognito off", DM)
        await heard(w, "我喜欢茶")
        assert "Nothing is learned" not in w.told(3)


async def test_what_was_said_meanwhile_stays_so_though_it_is_answered_later(
    tmp_path: Path,
) -> None:
    """What counts is when it was said: the turn is still running when incognito ends."""
    gate: asyncio.Event = asyncio.Event()

    async with slack(tmp_path) as w:
        complete = w.llm.complete

        async def slow(prompt: Prompt) -> Completion:
            await gate.wait()
            return await complete(prompt)

        w.llm.complete = slow  # type: ignore[method-assign]
        await w.adapter.say("before 之前", event="1")
        await at(w, "/memory incognito on", DM)
        await w.adapter.say(SECRETS[0], event="2")
        await at(w, "/memory incognito off", DM)
        await w.adapter.say("after 之后", event="3")
        gate.set()
        await w.settled()
        rows = {row.text: row.fleeting for row in await w.recall(ANA) if row.role == "user"}
        assert rows == {"before 之前": False, SECRETS[0]: True, "after 之后": False}
        tools = {prompt.messages[-1].text: prompt.tools for prompt in w.llm.shown}
        assert "core_memory_append" not in [tool.name for tool in tools[SECRETS[0]]]
        assert "core_memory_append" in [tool.name for tool in tools["after 之后"]]
        assert SECRETS[0] not in await found(w, SECRETS[0])
        later = now() + timedelta(hours=25)
        w.app.schedule._clock = lambda: later
        await w.app.schedule.tidy()
        assert await texts(w) == ["before 之前", "after 之后"]


@pytest.mark.parametrize("secret", SECRETS)
async def test_files_and_every_byte_of_it_go(tmp_path: Path, secret: str) -> None:
    """From the index files and the unused pages of the database too."""
    async with slack(tmp_path, embedder=HashingEmbedder(32)) as w:
        w.adapter.files = {"kept.txt": b"a recipe for soup", "plan.txt": secret.encode()}
        await in_thread(w, "2", "read this", files=[file("kept.txt")])
        await at(w, "/memory incognito on", ONE)
        await in_thread(w, "1", secret, files=[file("plan.txt")])
        await w.app.search.reindex(lambda done, total: None)
        assert secret.encode() in await asyncio.to_thread(all_bytes, tmp_path)
        await at(w, "/memory incognito off", ONE)
        await w.app.schedule.tidy()
        await w.app.search.reindex(lambda done, total: None)
        left = await asyncio.to_thread(all_bytes, tmp_path)
        word = "zanzibar" if secret.isascii() else "桑给"
        assert secret.encode() not in left
        assert word.encode() not in left
        assert left.count(b"a recipe for soup") >= 2  # the file, and the message that it is
        kept = [path.name for path in (tmp_path / "files").rglob("*.txt")]
        assert [name.partition("-")[2].partition("-")[2] for name in kept] == ["kept.txt"]


async def test_a_file_of_a_message_that_still_waits_is_left_alone(tmp_path: Path) -> None:
    files = Files(tmp_path, 100, lambda _: None)
    folder = tmp_path / "files" / "agent" / "ana"
    folder.mkdir(parents=True)
    kept = files._path("agent", "ana", "slack:1", file("a.txt"))
    gone = files._path("agent", "ana", "slack:2", file("a.txt"))
    kept.write_bytes(b"1")
    gone.write_bytes(b"2")
    assert files.keep("agent", ["slack:1", "slack:3"]) == 1
    assert list(folder.iterdir()) == [kept]
    assert files.keep("nobody", []) == 0


def test_in_a_terminal_it_is_the_agent_that_one_talks_with(cli: Cli) -> None:
    lines = ["/memory incognito on", SECRETS[1], "/policy keep person 30", "/memory search 桑给"]
    said = cli("chat", "--agent", "Ada", stdin="\n".join(lines) + "\n").out
    assert "这里是无痕对话" in said
    assert "私信保留 30 天" in said  # whoever sits there may change that
    again = cli("chat", "--agent", "Ada", stdin="/memory incognito\n/memory show\n").out
    assert "Incognito here" in again
    assert "桑给" not in again
    other = cli("chat", "--agent", "Bo", stdin="/memory incognito\n").out
    assert "not incognito" in other


async def linked(w: World, address: Address) -> None:
    """Ben's account becomes Ana's."""
    code = re.search(r"\*\*([0-9A-Z-]+)\*\*", (await obey(w, "/link")).plain())
    assert code
    await at(w, f"/link {code[1]} yes", address, "ben")


async def test_linking_accounts_ends_neither_incognito_nor_a_pause(tmp_path: Path) -> None:
    before, after = replace(DM, channel="one"), replace(DM, channel="two")
    async with slack(tmp_path) as w:
        for user, address in (("ana", DM), ("ben", before)):
            await heard(w, "hello", user=user, channel=address.channel)
        await at(w, "/memory incognito on", before, "ben")
        await linked(w, before)
        await at(w, "/memory incognito on", after, "ben")
        await at(w, "/unlink", before, "ben")
        for address in (before, after):
            assert "Incognito here" in await at(w, "/memory incognito", address, "ben")
        assert "not incognito" in await at(w, "/memory incognito", DM)
        await at(w, "/memory pause", before, "ben")
        await linked(w, before)
        await heard(w, SECRETS[1])
        assert SECRETS[1] not in await found(w, SECRETS[1])


# --- as a state machine ---------------------------------------------------------------------------

PLACES = {
    "person": ("slack/T/D", "slack/T/D/1", "slack/T/E"),
    "room": ("slack/T/C/1", "slack/T/C/2", "slack/T/C"),
}


class Conversations(RuleBasedStateMachine):
    """A person's agent and a room's, whose conversations go incognito, pause, and go on.

    said: what is expected to be kept, by agent: its place, and whether it is fleeting."""

    def __init__(self) -> None:
        super().__init__()
        raw = sqlite3.connect(":memory:")
        raw.executescript(MIGRATIONS[0])
        self.conn = SqliteConnection(raw)
        self.said: dict[str, list[tuple[str, str, bool]]] = {}
        self.on: dict[str, set[str]] = {}
        self.paused = dict.fromkeys(PLACES, False)
        self.count = 0
        for kind in PLACES:
            ensure_agent(self.conn, Birth(id=kind, name=kind, kind=kind, persona="I am."))  # type: ignore[arg-type]
            self.said[kind], self.on[kind] = [], set()

    def hushed(self, agent: str, place: str) -> bool:
        """The rule in other words."""
        whole = agent == "person" and place == "slack/T/D/1" and "slack/T/D" in self.on[agent]
        return self.paused[agent] or place in self.on[agent] or whole

    def lift(self, agent: str) -> None:
        self.said[agent] = [
            row for row in self.said[agent] if not row[2] or self.hushed(agent, row[0])
        ]

    @rule(agent=st.sampled_from(sorted(PLACES)), place=st.integers(0, 2))
    def say(self, agent: str, place: int) -> None:
        room, conn = PLACES[agent][place], self.conn
        self.count += 1
        text = f"word{self.count} 词{self.count}"
        found = changes.require(conn, agent)
        fleeting = agents.mark(found, room).get("fleeting", False)
        queue.put(
            conn, agent, kind="message", dedup=text, room=room, payload={"text": text}, at=now()
        )
        claim = queue.claim(conn, agent, now())
        assert claim is not None
        draft = Draft.of(found, core.blocks(conn, agent))
        draft.messages.append(
            Message(
                seq=draft.seq(), role="user", text=text, at=now(), turn=claim.turn,
                origin=Origin(room=room, audience="room"), fleeting=fleeting,
            )
        )  # fmt: skip
        changes.write(conn, draft.change(claim=claim, done=True))
        self.said[agent].append((room, text, self.hushed(agent, room)))

    @rule(agent=st.sampled_from(sorted(PLACES)), place=st.integers(0, 2), on=st.booleans())
    def incognito(self, agent: str, place: int, on: bool) -> None:
        room = PLACES[agent][place]
        retention.incognito(self.conn, agent, room, on=on)
        if on:
            covered = self.hushed(agent, room) and not self.paused[agent]
            self.on[agent] |= set() if covered else {room}
        else:
            self.on[agent] -= {room, "slack/T/D"} if room == "slack/T/D/1" else {room}
        self.lift(agent)

    @rule(agent=st.sampled_from(sorted(PLACES)), paused=st.booleans())
    def pause(self, agent: str, paused: bool) -> None:
        retention.pause(self.conn, agent, paused=paused)
        self.paused[agent] = paused
        self.lift(agent)

    @invariant()
    def what_is_kept_and_found_is_what_may_be(self) -> None:
        for agent, said in self.said.items():
            rows = recall.page(self.conn, agent)
            assert [(row.origin.room, row.text, row.fleeting) for row in rows] == said
            number = changes.require(self.conn, agent).number
            for _, text, fleeting in said:
                word = text.split()[1]
                hits = reads.by_words(self.conn, "messages", number, query_terms(word), 99)
                seqs = [row.seq for row in rows if row.text == text]
                assert (seqs[0] in [seq for seq, _ in hits]) != fleeting


TestConversations = Conversations.TestCase
TestConversations.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
