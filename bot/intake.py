"""An event becomes an inbox row of the right agent; only then is it acknowledged."""

from collections.abc import Callable

from adapters.base import Address, Event
from bot.attention import DEFAULT_MODE, attend
from bot.errors import UserError
from memory.agents import derived_id, identity_id, named_id
from memory.store import Store
from memory.types import Birth, Identity
from memory.words import sanitise

LONGEST = 2_000_000  # characters of a message

PERSONA = """\
I am Reverie. I remember the people I work with, and I say where I know a thing from.
I am brief, friendly and honest. I say so when I do not know something."""


def room_id(address: Address) -> str:
    """The id of a channel's agent: one for all threads of it."""
    return derived_id("room", address.platform, address.space, address.channel)


def route(event: Event) -> tuple[Birth, Identity]:
    """The agent that an event is for, and the person it is from. Pure.

    A named agent where one was chosen, the person's own in a DM, the room's in a room.
    """
    address = event.address
    name, user = sanitise(event.name), sanitise(event.user)
    identity = Identity(platform=address.platform, space=address.space, user=user, name=name)
    if event.agent is not None:
        chosen = sanitise(event.agent)
        birth = Birth(id=named_id(chosen), name=chosen, kind="named", persona=PERSONA)
    elif event.room_kind == "dm":
        own = identity_id(address.platform, address.space, user)
        birth = Birth(id=own, name=name, kind="person", persona=PERSONA)
    else:
        birth = Birth(
            id=room_id(address),
            name=sanitise(event.room_name) or address.channel,
            kind="room",
            persona=PERSONA,
            settings={"room": event.room_kind},
        )
    return birth, identity


class Intake:
    """Hears the adapters."""

    def __init__(self, store: Store, wake: Callable[[str], None]) -> None:
        self._store = store
        self._wake = wake

    async def deliver(self, event: Event) -> bool:
        """Store an event; returns once it is on disk.

        False: it was known, says nothing, or is not for us. Raises UserError for a text that is
        too long to keep.
        """
        text = sanitise(event.text).strip()
        birth, identity = route(event)
        kind = await self._attention(event, birth) if text else "ignore"
        if kind == "ignore":
            return False
        if len(text) > LONGEST:
            raise UserError(
                f"This message has {len(text):,} characters, and {LONGEST:,} is the most I can"
                " keep. Please send it in parts, or as a file."
            )
        new = await self._store.receive(
            birth,
            identity,
            kind="message" if kind == "answer" else "heard",
            dedup=sanitise(f"{event.address.platform}:{event.id}"),
            room=event.address.room,
            at=event.at,
            payload={
                "text": text,
                "speaker": identity.name,
                "audience": "person" if birth.kind != "room" else "room",
                "address": event.address.plain(),
            },
        )
        if new:
            self._wake(birth.id)
        return new

    async def _attention(self, event: Event, birth: Birth) -> str:
        if birth.kind != "room":
            return "answer"
        known = await self._store.standing(birth.id, event.address.room)
        settings, takes_part = known or ({}, False)
        return attend(event, settings.get("mode", DEFAULT_MODE), takes_part=takes_part)

    async def last_seen(self, address: Address, user: str | None = None) -> str | None:
        own = None if user is None else identity_id(address.platform, address.space, user)
        dedup = await self._store.last_received(own or room_id(address))
        return dedup.partition(":")[2] if dedup else None
