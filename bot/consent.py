"""People are told, the first time they are heard, that they are remembered, and may have to agree.

Of an account: nothing -> told (it was heard) -> asked (heard where people have to agree) -> agreed
(`/memory resume`); `/forgetme` leads back to nothing. Who agreed has agreed everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from adapters.base import Address, Event
from bot import phrases
from memory import agents, asks, links, policy
from memory.forget import erase
from memory.policy import Rules
from memory.ports import Connection
from memory.store import Store
from memory.types import Ask, Birth, Identity, now

ALONE = ("terminal",)  # platforms with nobody else: whoever writes there runs the program
Verdict = Literal["keep", "fleeting", "drop"]
SENTENCES = {asks.NOTICE: "notice", asks.REQUEST: "opt_in"}  # by the id of what is told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """Where an account is: what it is still to be told, and whether it has yet to agree."""

    untold: tuple[int, ...]
    withheld: bool


class Consent:
    """Tells each account once, and knows who agreed.

    tell: called when somebody is to be told something, once that is on disk. rules: where a
    workspace has none of its own. notice: people are told though they need not agree.
    """

    def __init__(
        self, store: Store, tell: Callable[[], None], rules: Rules, *, notice: bool = True
    ) -> None:
        self._database = store.database
        self._tell = tell
        self._rules = rules
        self._notice = notice

    async def met(self, event: Event, identity: Identity, birth: Birth) -> Verdict:
        """Somebody is heard; what may become of what they say. Where they have yet to agree, they
        are answered in direct messages alone, and nothing is learned from those."""
        if event.address.platform in ALONE:
            return "keep"
        account = _account(identity)
        standing = await self._standing(account, event.address)
        if standing.untold:
            await self._tell_them(event, account, standing.untold)
        if not standing.withheld:
            return "keep"
        return "fleeting" if birth.kind == "person" else "drop"

    async def withheld(self, identity: Identity, address: Address) -> bool:
        """Whether nothing is learned from somebody there before they agree."""
        if address.platform in ALONE:
            return False
        return (await self._standing(_account(identity), address)).withheld

    async def _standing(self, account: str, address: Address) -> _Standing:
        def work(conn: Connection) -> _Standing:
            opt_in = policy.in_force(conn, address.workspace, self._rules).opt_in
            withheld = bool(opt_in) and not _agreed(conn, account)
            wanted = {asks.NOTICE: self._notice or withheld, asks.REQUEST: withheld}
            told = asks.notices(conn, account)
            untold = tuple(id_ for id_, yes in wanted.items() if yes and id_ not in told)
            return _Standing(untold=untold, withheld=withheld)

        return await self._database.read(work)

    async def _tell_them(self, event: Event, account: str, untold: tuple[int, ...]) -> None:
        """All at once: the first row has the words, the others only remember that they were
        said."""
        texts = [phrases.say(SENTENCES[id_], event.text) for id_ in untold]
        target = {"address": event.address.plain(), "user": event.user}

        def work(conn: Connection) -> bool:
            if erase.forgotten(conn, account, event.at):
                return False  # old news of somebody who is gone
            for id_ in untold:
                first = id_ == untold[0]
                payload = {"text": "\n\n".join(texts)} if first else {}
                ask = Ask(
                    id=id_, kind="notice", person=account, target=target, payload=payload, at=now()
                )
                if asks.put_notice(conn, account, ask) and not first:
                    asks.told(conn, account, id_)
            return True

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
    return asks.agreed(conn, [account, *ids])
