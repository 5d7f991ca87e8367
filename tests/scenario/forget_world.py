"""A home in which several people have left their words everywhere; every word is one person's."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from memory import agents, links, snapshot
from memory.audience import operator
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.embed.hashing import HashingEmbedder
from memory.errors import Conflict, NotFound
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.search.hybrid import Search
from memory.snapshot import Snapshot
from memory.store import Store
from memory.types import Birth, Claim, Identity, Message, Origin, Reply, Shelf, Summary, ToolCall

DIM = 32
LONG = " more of what is said by everybody" * 22  # so that blocks are soon full
ANA = Identity(platform="slack", space="T1", user="UANA", name="Anaqqx")
ANA_TOO = Identity(platform="discord", space="users", user="77001", name="Anaqqy")
BEN = Identity(platform="slack", space="T1", user="UBEN", name="Benqqx")
CHEN = Identity(platform="discord", space="users", user="77002", name="陈㐀㐁")
PEOPLE = (ANA, BEN, CHEN)
ROOMS = ("slack/T1/C1", "slack/T1/C1/1700.1", "slack/T1/C2")
T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)


def account(identity: Identity) -> str:
    return agents.identity_id(identity.platform, identity.space, identity.user)


PERSON = {account(who): account(ANA if who is ANA_TOO else who) for who in (*PEOPLE, ANA_TOO)}


def dm_of(identity: Identity) -> tuple[Birth, str]:
    room = f"{identity.platform}/{identity.space}/D{identity.user}"
    return Birth(id=account(identity), name=identity.name, kind="person", persona="I am me."), room


def room_of(room: str) -> Birth:
    channel = "/".join(room.split("/")[:3])
    return Birth(id=channel, name=f"#{channel[-2:]}", kind="room", persona="I am here.")


@dataclass
class World:
    """`marks` are the words of each person: nobody else, and nothing of ours, has them."""

    home: Path
    database: SqliteDatabase
    store: Store
    search: Search
    random: random.Random
    at: datetime = T0
    marks: dict[str, list[str]] = field(default_factory=dict)
    spoke: dict[str, set[str]] = field(default_factory=dict)  # by room
    said: int = 0

    def mark(self, identity: Identity) -> str:
        """Words that were never said before: letters, and two rare characters side by side."""
        words = self.marks.setdefault(PERSON[account(identity)], [])
        letters = "".join(self.random.choices("bcdfgjkmpvwxz", k=9)) + "o"
        rare = "".join(chr(0x3500 + (self.said * 2 + n) % 0x1800) for n in range(2))
        self.said += 1
        words.extend((letters, rare))
        return f"{letters} 我说{rare}"

    def moment(self) -> datetime:
        self.at += timedelta(seconds=7)
        return self.at

    async def hear(
        self, identity: Identity, birth: Birth, room: str, kind: str = "message"
    ) -> tuple[str, str]:
        """(agent, what was said): a message that waits now."""
        text = f"{self.mark(identity)} said"
        agent = await self.store.receive(
            birth, identity, kind=kind, dedup=f"e{self.said}", room=room, at=self.moment(),
            payload={"text": text, "speaker": identity.name, "address": {"channel": room}},
        )  # fmt: skip
        assert agent
        self.spoke.setdefault(room, set()).add(PERSON[account(identity)])
        return agent, text

    async def claimed(self, agent: str) -> tuple[Claim, Draft]:
        """The next turn, begun: the messages are in a draft."""
        claim = await self.store.claim(agent, self.at)
        assert claim
        view = await self.store.view(agent, claim.items[0].room)
        draft = Draft.of(view.agent, view.blocks, at=self.at)
        if claim.step == 0:
            draft.messages.extend(arrived(claim, draft))
        last = next((row for row in reversed(draft.messages)), None)
        if last:
            draft.origin = replace(last.origin, source=last.seq)
        return claim, draft

    async def turn(self, speakers: Sequence[Identity], birth: Birth, room: str) -> None:
        """A burst of messages, and a turn that learns from it and quotes all of it."""
        before = self.spoke.setdefault(room, set()).copy()
        heard = [await self.hear(who, birth, room) for who in speakers]
        agent, quoted = heard[0][0], " / ".join(text for _, text in heard)
        claim, draft = await self.claimed(agent)
        self._learn(draft, speakers[-1])
        if before and self.random.random() < 0.3:
            draft.summary = self._summary(room, draft, before)
        self.answer(claim, draft, quoted)
        await self.store.commit(draft.change(claim=claim, done=True))
        unsent = await self.store.unsent(agent)
        if self.random.random() < 0.7:
            for reply in unsent:
                await self.store.sent(reply, "ok")

    def answer(self, claim: Claim, draft: Draft, quoted: str) -> None:
        origin = replace(draft.origin, source=None)
        call = ToolCall(id="c", name="recall", arguments=f'{{"query": "{quoted}"}}')
        for role, calls, answers in (("assistant", (call,), None), ("tool", (), "c")):
            draft.messages.append(
                Message(
                    seq=draft.seq(), role=role, text=f"You said: {quoted}", at=self.at,  # type: ignore[arg-type]
                    origin=origin, thoughts=quoted, calls=calls, answers=answers,
                    turn=claim.turn, step=claim.step,
                )
            )  # fmt: skip
        target = {"address": {"channel": origin.room}}
        draft.replies.append(
            Reply(key=f"{claim.turn}:{claim.step}:0", target=target, text=f"You said: {quoted}")
        )

    def _learn(self, draft: Draft, who: Identity) -> None:
        label = draft.speaker
        for _ in range(self.random.randrange(4)):
            mine = [f for f in draft.blocks[label].facts if f.origin.person in PERSON]
            match self.random.randrange(4):
                case 0:
                    draft.insert(self.mark(who), ["city", self.mark(who)])
                case 1 if mine:
                    old = self.random.choice(mine)
                    draft.replace(label, old.text, f"now {self.mark(who)}{LONG}")
                case _:
                    draft.append(label, f"likes {self.mark(who)}{LONG}")

    def _summary(self, room: str, draft: Draft, spoke: set[str]) -> Summary:
        told = " ".join(self.marks[person][-1] for person in sorted(spoke))
        return Summary(room=room, upto=draft.agent.last_seq, text=f"They told: {told}")

    async def by_hand(self, who: Identity, agent: str) -> None:
        """A person's own hand, which has no message: forgets something, or takes it back."""
        origin = Origin(person=account(who), room="hand")

        def forget(draft: Draft) -> None:
            block = draft.blocks.get(draft.speaker)
            facts = [fact for fact in block.facts if fact.origin.person] if block else []
            if facts:
                draft.forget([self.random.choice(facts)], action="forget")

        await self.store.edit(agent, forget, actor="person", origin=origin)
        if self.random.random() < 0.5:
            try:
                await self.store.undo(agent, None, actor="person")
            except (Conflict, NotFound):
                return

    async def export(self, agent: str) -> Snapshot:
        def work(conn: Connection) -> Snapshot:
            found = agents.find(conn, agent)
            assert found
            return snapshot.take(conn, found)

        return await self.database.read(work)

    async def index(self) -> None:
        """Make all vectors, and have every index file written."""
        await self.search.reindex(lambda done, total: None)

    async def finds(self, agent: str, shelf: Shelf, words: str) -> list[str]:
        hits, _ = await self.search.find(operator(agent), shelf, words, size=500)
        return [hit.text for hit in hits]

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.home.rglob("*") if path.is_file()}

    def seen(self, words: Sequence[str]) -> set[tuple[str, str]]:
        """(file, word) of every word that stands in the bytes of a file, in any spelling."""
        return {
            (path.name, word)
            for path, content in self.files().items()
            for word in words
            for spelling in ("utf-8", "utf-16-le", "utf-16-be")
            if word.encode(spelling) in content
        }

    def of(self, who: Identity) -> list[str]:
        """Every word of a person, their names and ids among them."""
        extra = [ANA.name, ANA_TOO.name, ANA.user, ANA_TOO.user] if who is ANA else [who.name]
        return [*self.marks[account(who)], *extra]


def arrived(claim: Claim, draft: Draft) -> list[Message]:
    return [
        Message(
            seq=draft.seq(), role="user", text=item.payload["text"], at=item.at,
            origin=Origin(audience="room", person=item.payload["person"], room=item.room),
            speaker=item.payload["speaker"], turn=claim.turn, event=item.dedup,
        )
        for item in claim.items
    ]  # fmt: skip


@asynccontextmanager
async def opened(home: Path, seed: int = 0) -> AsyncIterator[World]:
    await asyncio.to_thread(home.mkdir, exist_ok=True)
    database = SqliteDatabase(home / "reverie.db")
    database.start(MIGRATIONS)
    search = Search(database, HashingEmbedder(DIM), home / "index")
    try:
        yield World(
            home=home, database=database, store=Store(database), search=search,
            random=random.Random(seed),
        )  # fmt: skip
    finally:
        await search.close()
        await database.close()


async def live(world: World, turns: int) -> None:
    """People talk in direct messages and rooms, one at a time and across each other."""
    await world.turn([ANA_TOO], *dm_of(ANA_TOO))
    await world.turn([ANA], *dm_of(ANA))
    await linked(world)
    for number in range(turns):
        who = world.random.choice((*PEOPLE, ANA_TOO))
        room = world.random.choice(ROOMS)
        match world.random.randrange(6):
            case 0 | 1:
                await world.turn([who], *dm_of(who))
            case 2:
                _, text = await world.hear(who, room_of(room), room, "heard")
                claim, draft = await world.claimed(room_of(room).id)
                assert draft.messages[-1].text == text
                await world.store.commit(draft.change(claim=claim, done=True))
            case 3:
                agent = PERSON[account(who)] if number % 2 else room_of(room).id
                if agent in {known.id for known in await world.store.agents()}:
                    await world.by_hand(who, agent)
            case _:
                some = world.random.sample(PEOPLE, world.random.randrange(1, 4))
                await world.turn(some, room_of(room), room)
    for who in PEOPLE:  # everybody has spoken everywhere, and somebody always waits
        await world.turn([who], room_of(ROOMS[0]), ROOMS[0])
        await world.turn([who], *dm_of(who))
    for who in (BEN, ANA):
        await world.hear(who, room_of(ROOMS[2]), ROOMS[2])


async def linked(world: World) -> None:
    """Ana's account on Discord is joined to the one on Slack."""

    def work(conn: Connection) -> None:
        code = links.new_code(conn, ANA, world.at)
        links.join(conn, code, ANA_TOO, world.at, "I am me.")
        links.new_code(conn, ANA, world.at)

    await world.database.write(work)
