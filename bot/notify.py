"""Posts in another room what a person asks for, where they and its readers may have it.

At once only in the person's own words, when they name the room; all else waits for their button.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from adapters.base import Address
from bot import phrases
from bot.errors import ToolError, UserError
from bot.outbound import known_there
from bot.taint import Scene
from bot.tools.base import parse_arguments
from bot.tools.reach import send_notification
from memory import asks, rooms
from memory.core import lines_of
from memory.draft import Draft
from memory.ports import Connection
from memory.quotes import bare, quotes
from memory.rooms import Room
from memory.secrets.mask import masked
from memory.store import Store
from memory.types import Ask, Claim, Origin, Reply, Viewer
from memory.words import sanitise

LONGEST: Final = 4000  # characters of a notification
ME: Final = frozenset({"me", "myself", "dm", "我", "我自己", "私聊", "私信"})
ASKED: Final = "Not posted yet: the person is asked, for their eyes alone, whether it may be."
SHOWN: Final = "It is shown to the person, for their eyes alone."
PRIVATE: Final = "This may not be said there: it quotes what its readers may not know. Leave it."
GONE: Final = "I can no longer post there: you cannot read that room any more, or it is off-limits."


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """What `send_notification` does in one step. viewer: whoever reads the step's answer."""

    store: Store
    claim: Claim
    draft: Draft
    scene: Scene
    viewer: Viewer

    async def __call__(self, message: str, channel: str) -> str:
        """Raises ToolError, with a sentence for the model."""
        text = sanitise(message).strip()
        if not text or len(text) > LONGEST:
            raise ToolError(f"A notification has 1 to {LONGEST:,} characters, not {len(text):,}.")
        if self.scene.person is None or not self._last.get("user"):
            raise ToolError("Nobody asked for this, so it is not posted.")
        if channel.strip().casefold() in ME:
            return await self._to_them(text)
        room = await self._room(channel)
        view = await self.store.view(room.agent, _address(room).room, _heard_in(room))
        private = await self._private(text, view.viewer, known="\n".join(known_there(view, ())))
        reply = self._reply(text, room)
        if private or not self._said(text, room):
            self._ask("notify", reply.text, private=private, key=reply.key, room=room)
            return ASKED
        self.draft.replies.append(reply)
        return f"Posted in #{room.name}."

    @property
    def _last(self) -> Mapping[str, Any]:
        return self.claim.items[-1].payload

    async def _to_them(self, text: str) -> str:
        """For the one person: where others read along, where only they see it."""
        if self.viewer.alone:
            raise ToolError("You are alone with the person here: just answer.")
        person, workspace = str(self.scene.person), self._workspace
        reader = await self.store.database.read(lambda conn: rooms.alone(conn, person, workspace))
        await self._private(text, reader, known="")
        self._ask("note", text)
        return SHOWN

    # --- where ---

    @property
    def _workspace(self) -> str:
        """Where the person may read the public rooms; "" for a guest."""
        return "" if self._last.get("guest") else str(self._last.get("workspace", ""))

    async def _room(self, channel: str) -> Room:
        """The room that is meant. One that the person cannot read might as well not be."""
        name, workspace = channel.strip().removeprefix("#").strip(), self._workspace
        there = await self.store.database.read(
            lambda conn: rooms.readable(
                conn, str(self.scene.person), workspace, self._last["address"]["platform"]
            )
        )
        found = rooms.called(there, name, workspace)
        if not found:
            raise ToolError(
                f"There is no room {name!r} in which both I and whoever asks have been. I know a"
                " room once somebody has called me there."
            )
        if len(found) > 1:
            ids = ", ".join(room.channel for room in found)
            raise ToolError(f"Several rooms are called {name!r}. Ask which, and give its id: {ids}")
        if found[0].off:
            raise ToolError(f"#{found[0].name} is off-limits to me: an admin turned me off there.")
        return found[0]

    # --- what ---

    async def _private(self, text: str, reader: Viewer, *, known: str) -> bool:
        """Whether a text has something that only the person who asks told, and its readers may not
        know. Raises ToolError where that is somebody else's.

        A secret that the person could not have from here is theirs to say, if they said it: to stop
        them would tell them that it is true.
        """
        sources = await self._sources()
        whole = "\n".join([*self._before(), text])

        def work(conn: Connection) -> tuple[list[tuple[str | None, str]], set[str]]:
            there = asks.private_to_others(conn, reader, whole, sources)
            here = asks.private_to_others(conn, self.viewer, whole, sources)
            return there, {words for _, words in here}

        found, unknown = await self.store.database.read(work)
        hits = [hit for hit in found if quotes(whole, hit[1]) and bare(hit[1]) not in bare(known)]
        theirs = [words for person, words in hits if person not in sources]
        if any(words not in unknown or not quotes(self.scene.words, words) for words in theirs):
            raise ToolError(PRIVATE)
        return len(theirs) < len(hits)

    def _before(self) -> Iterator[str]:
        """What this turn wanted posted before: one message may have the first half, the next the
        rest."""
        wishes = [wish for row in self.scene.turn for wish in row.calls]
        for wish in (*wishes, *(result.call for result in self.scene.results)):
            if wish.name == send_notification.name:
                with suppress(ToolError):
                    yield str(parse_arguments(send_notification, wish.arguments)["message"])

    async def _sources(self) -> Sequence[str]:
        """The agents that a text may be from: this one, the person's own, and the rooms that can be
        read here."""
        own = await self.store.accounts(str(self.scene.person))
        return [*own, self.viewer.agent, *self.viewer.rooms]

    def _said(self, text: str, room: Room) -> bool:
        """Whether the person said just this in this turn, and where it is to go."""
        said = self.scene.words
        named = any(name.casefold() in said.casefold() for name in (room.name, room.channel))
        whole = all(bare(line) in bare(said) for line in lines_of(text))
        return named and whole and not self.scene.source()

    # --- how ---

    def _reply(self, text: str, room: Room) -> Reply:
        """The same notification of a turn has the same key, however often it is asked for."""
        once = sha256(f"{room.agent}\n{text}".encode()).hexdigest()[:16]
        return Reply(
            key=f"{self.claim.turn}:notify:{once}",
            target={"address": _address(room).plain(), "answers": []},
            text=phrases.say("notified", text, text=text, who=str(self._last.get("speaker", ""))),
        )

    def _ask(
        self, kind: str, text: str, *, private: bool = False, key: str = "",
        room: Room | None = None,
    ) -> None:  # fmt: skip
        """Show something to the person alone, with a question if it is to go to a room."""
        self.draft.asks.append(
            Ask(
                id=self.draft.seq(),
                kind=kind,
                person=str(self.scene.person),
                target={"address": self._last["address"], "user": self._last["user"]},
                payload={
                    "text": masked(text)[0],
                    "private": private,
                    "key": key,
                    "room": room.agent if room else "",
                    "name": room.name if room else "",
                    "workspace": self._workspace,
                },
                at=self.draft.at,
            )
        )


def _address(room: Room) -> Address:
    return replace(Address.of(f"{room.workspace}/-"), channel=room.channel)


def _heard_in(room: Room) -> Origin:
    return Origin(audience="room", room=_address(room).room, workspace=room.workspace)


async def confirmed(store: Store, ask: Ask) -> Reply:
    """What the person who was asked wants posted. Raises UserError where they, or I, may no longer
    go there."""
    wish = ask.payload
    platform = str(ask.target["address"]["platform"])
    there = await store.database.read(
        lambda conn: rooms.readable(conn, ask.person, wish["workspace"], platform)
    )
    room = next((one for one in there if one.agent == wish["room"] and not one.off), None)
    if room is None:
        raise UserError(GONE)
    target = {"address": _address(room).plain(), "answers": []}
    return Reply(key=wish["key"], target=target, text=wish["text"])
