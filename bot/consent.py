"""People are told, the first time they are heard, that they are remembered, and may have to agree.

Of an account: nothing -> told (it was heard) -> agreed (`/memory resume`); `/forgetme` leads back
to nothing. Where nobody has to agree, only the first step matters.
"""

from collections.abc import Callable

from adapters.base import Event
from bot import phrases
from memory import agents, asks, erase, links, retention
from memory.ports import Connection
from memory.store import Store
from memory.types import Ask, Birth, Identity, now

ALONE = ("terminal",)  # platforms with nobody else: whoever writes there runs the program


class Consent:
    """Tells each account once. opt_in: nothing is learned from people before they agree.

    tell: called when somebody is to be told something, once that is on disk.
    """

    def __init__(self, store: Store, tell: Callable[[], None], *, opt_in: bool = False) -> None:
        self._database = store.database
        self._store = store
        self._tell = tell
        self._opt_in = opt_in

    async def met(self, event: Event, identity: Identity, birth: Birth) -> bool:
        """Somebody is heard; whether what they say may be taken. A direct message always may: where
        they have not agreed, their agent is paused first."""
        if event.address.platform in ALONE:
            return True
        account = _account(identity)
        if await self._database.read(lambda conn: asks.notice(conn, [account])) is None:
            await self._notify(event, account)
        if not self._opt_in or await self._database.read(lambda conn: _agreed(conn, account)):
            return True
        if birth.kind != "person":
            return False
        agent, _ = await self._store.ensure(birth, identity)
        if not agent.settings.get("paused"):
            await self._database.write(lambda conn: retention.pause(conn, agent.id, paused=True))
        return True

    async def _notify(self, event: Event, account: str) -> None:
        names = ("notice", "opt_in") if self._opt_in else ("notice",)
        notice = Ask(
            id=asks.NOTICE,
            kind="notice",
            person=account,
            target={"address": event.address.plain(), "user": event.user},
            payload={"text": "\n\n".join(phrases.say(name, event.text) for name in names)},
            at=now(),
        )

        def work(conn: Connection) -> bool:
            if erase.forgotten(conn, account, event.at):
                return False  # old news of somebody who is gone
            return asks.put_notice(conn, account, notice)

        if await self._database.write(work):
            self._tell()

    async def agreed(self, identity: Identity) -> None:
        """Somebody agrees to be remembered."""
        account = _account(identity)
        await self._database.write(lambda conn: asks.agree(conn, account, now()))


def _account(identity: Identity) -> str:
    return agents.identity_id(identity.platform, identity.space, identity.user)


def _agreed(conn: Connection, account: str) -> bool:
    """Whether the person agreed, by this account or another of theirs."""
    ids = links.person_ids(conn, agents.person_id(conn, account))
    return asks.notice(conn, [account, *ids]) == "done"
