"""Overhears what adapters tell the bot, so that a player knows when something was taken."""

from collections.abc import Sequence

from adapters.base import (
    Adapter,
    Address,
    Attachment,
    Changed,
    Choice,
    Event,
    Hearing,
    Invocation,
    Post,
    Shown,
)


class Ear:
    """taken: ids of the messages that the bot has on disk or does not want. changes: how many edits
    and deletions it took of each. commands: how many it obeyed."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.changes: dict[str, int] = {}
        self.commands = 0


class Overheard:
    """An adapter as it is, with somebody listening."""

    def __init__(self, adapter: Adapter, ear: Ear) -> None:
        self._adapter = adapter
        self._ear = ear

    @property
    def name(self) -> str:
        return self._adapter.name

    async def run(self, hearing: Hearing) -> None:
        await self._adapter.run(_Noting(hearing, self._ear))

    async def send(self, post: Post) -> str:
        return await self._adapter.send(post)

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        return await self._adapter.fetch(attachment, most)

    def link(self, address: Address, event: str) -> str:
        return self._adapter.link(address, event)

    async def whisper(self, address: Address, user: str, shown: Shown) -> None:
        await self._adapter.whisper(address, user, shown)

    async def working(self, address: Address, *, begun: bool) -> None:
        await self._adapter.working(address, begun=begun)


class _Noting:
    """A Hearing that notes what its own took."""

    def __init__(self, hearing: Hearing, ear: Ear) -> None:
        self._hearing = hearing
        self._ear = ear

    async def deliver(self, event: Event) -> bool:
        new = await self._hearing.deliver(event)
        self._ear.taken.add(event.id)
        return new

    async def changed(self, changed: Changed) -> bool:
        known = await self._hearing.changed(changed)
        self._ear.changes[changed.event] = self._ear.changes.get(changed.event, 0) + 1
        return known

    async def command(self, invocation: Invocation) -> Shown:
        shown = await self._hearing.command(invocation)
        self._ear.commands += 1
        return shown

    async def facts(self, invocation: Invocation) -> Sequence[Choice]:
        return await self._hearing.facts(invocation)

    async def left(self, address: Address, user: str, realm: str | None = None) -> None:
        await self._hearing.left(address, user, realm)

    async def last_seen(self, address: Address) -> str | None:
        return await self._hearing.last_seen(address)
