"""An event becomes an inbox row of the right agent; only then is it acknowledged."""

from collections.abc import Callable

from adapters.base import Event
from bot.errors import UserError
from memory.agents import identity_id, named_id
from memory.store import Store
from memory.types import Birth, Identity
from memory.words import sanitise

LONGEST = 2_000_000  # characters of a message

PERSONA = """\
I am Reverie. I remember the people I work with, and I say where I know a thing from.
I am brief, friendly and honest. I say so when I do not know something."""


def route(event: Event) -> tuple[Birth, Identity]:
    """The agent that an event is for, and the person it is from. Pure.

    A named agent where one was chosen, else the person's own.
    """
    address = event.address
    name, user = sanitise(event.name), sanitise(event.user)
    identity = Identity(platform=address.platform, space=address.space, user=user, name=name)
    if event.agent is not None:
        chosen = sanitise(event.agent)
        birth = Birth(id=named_id(chosen), name=chosen, kind="named", persona=PERSONA)
    else:
        own = identity_id(address.platform, address.space, user)
        birth = Birth(id=own, name=name, kind="person", persona=PERSONA)
    return birth, identity


class Intake:
    """Takes events from adapters."""

    def __init__(self, store: Store, wake: Callable[[str], None]) -> None:
        self._store = store
        self._wake = wake

    async def deliver(self, event: Event) -> bool:
        """Store an event; returns once it is on disk. False: it was known, or says nothing.

        Raises UserError for a text that is too long to keep.
        """
        text = sanitise(event.text).strip()
        if not text:
            return False
        if len(text) > LONGEST:
            raise UserError(
                f"This message has {len(text):,} characters, and {LONGEST:,} is the most I can"
                " keep. Please send it in parts, or as a file."
            )
        birth, identity = route(event)
        new = await self._store.receive(
            birth,
            identity,
            dedup=sanitise(f"{event.address.platform}:{event.id}"),
            room=event.address.room,
            at=event.at,
            payload={
                "text": text,
                "speaker": identity.name,
                "audience": "person",
                "address": event.address.plain(),
            },
        )
        if new:
            self._wake(birth.id)
        return new
