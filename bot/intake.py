"""An event becomes an inbox row of the right agent; only then is it acknowledged."""

from collections.abc import Callable
from dataclasses import replace

from adapters.base import Address, Attachment, Changed, Event
from bot.attention import DEFAULT_MODE, attend
from bot.consent import Consent
from bot.errors import UserError
from bot.guard import Guard
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

    A named agent where one was chosen, the account's own in a DM, the room's in a room. The store
    knows whose account it is: `/link` may have joined it to another.
    """
    address = event.address
    name, user = _one_line(event.name), sanitise(event.user)
    realm = event.realm or address.space
    identity = Identity(
        platform=address.platform, space=realm, user=user, name=name, guest=event.guest
    )
    if event.agent is not None:
        chosen = sanitise(event.agent)
        birth = Birth(id=named_id(chosen), name=chosen, kind="named", persona=PERSONA)
    elif event.room_kind == "dm":
        own = identity_id(address.platform, realm, user)
        birth = Birth(id=own, name=name, kind="person", persona=PERSONA)
    else:
        birth = Birth(
            id=room_id(address),
            name=_one_line(event.room_name) or address.channel,
            kind="room",
            persona=PERSONA,
            settings={
                "room": event.room_kind,
                "workspace": address.workspace,
                "channel": address.channel,
            },
        )
    return birth, identity


class Intake:
    """Hears the adapters."""

    def __init__(
        self,
        store: Store,
        wake: Callable[[str], None],
        guard: Guard,
        consent: Consent | None = None,
    ) -> None:
        self._store = store
        self._consent = consent
        self._guard = guard
        self._wake = wake

    async def deliver(self, event: Event) -> bool:
        """Store an event; returns once it is on disk.

        False: it was known, says nothing, or is not for us. Raises UserError for a text that is
        too long to keep.
        """
        text = sanitise(event.text).strip()
        birth, identity = route(event)
        kind = await self._attention(event, birth) if text or event.files else "ignore"
        if kind == "ignore" or not self._guard.passes(event):
            return False
        verdict = "keep"
        if self._consent is not None:
            verdict = await self._consent.met(event, identity, birth)
        if verdict == "drop":
            return False
        if len(text) > LONGEST:
            raise UserError(
                f"This message has {len(text):,} characters, and {LONGEST:,} is the most I can"
                " keep. Please send it in parts, or as a file."
            )
        agent = await self._store.receive(
            birth,
            identity,
            kind="message" if kind == "answer" else "heard",
            dedup=sanitise(f"{event.address.platform}:{event.id}"),
            room=event.address.room,
            at=event.at,
            payload={
                "text": text,
                "speaker": identity.name,
                "audience": "person" if event.room_kind == "dm" else "room",
                "workspace": event.address.workspace,
                "guest": event.guest,
                "address": event.address.plain(),
                "user": identity.user,
                "files": [_plain(file) for file in event.files],
                "fleeting": verdict == "fleeting",
            },
        )
        if agent is not None:
            self._wake(agent)
        return agent is not None

    async def changed(self, changed: Changed) -> bool:
        """Store an edit or a deletion; returns once it is on disk. False: it is of no concern."""
        text = None if changed.text is None else sanitise(changed.text).strip()[:LONGEST]
        channel = replace(changed.address, thread=None).room
        dedup = sanitise(f"{changed.address.platform}:{changed.event}")
        agent = await self._store.change(channel, dedup, text or None, changed.at)
        if agent is not None:
            self._wake(agent)
        return agent is not None

    async def _attention(self, event: Event, birth: Birth) -> str:
        if birth.kind != "room":
            return "answer"
        known = await self._store.standing(birth.id, event.address.room)
        settings, takes_part = known or ({}, False)
        return attend(event, settings.get("mode", DEFAULT_MODE), takes_part=takes_part)

    async def last_seen(self, address: Address) -> str | None:
        dedup = await self._store.last_received(replace(address, thread=None).room)
        return dedup.partition(":")[2] if dedup else None


def _one_line(name: str) -> str:
    """A name as it may stand before what somebody says: what looks like another line is none."""
    return " ".join(sanitise(name).split())


def _plain(file: Attachment) -> dict[str, str | int]:
    return {
        "name": sanitise(file.name),
        "kind": sanitise(file.kind),
        "size": file.size,
        "ref": sanitise(file.ref),
    }
