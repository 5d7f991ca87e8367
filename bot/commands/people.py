"""What `/link` and `/unlink` do and say: one person, several accounts."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from adapters.base import Button, Shown
from bot.commands import types as commands
from bot.errors import UserError
from bot.intake import PERSONA
from memory import links
from memory.agents import identity_id
from memory.errors import NotFound
from memory.links import Account, Joining, Parting
from memory.ports import Connection
from memory.store import Store
from memory.types import Identity, now

GUESSES: Final = 5  # wrong codes of one account, within the time that a code lasts

ALONE = "This account is not linked to another one. `/link` says how that is done."


class People:
    """Joins accounts and parts them.

    Wrong codes are counted in memory: one process owns a home, and a restart gives a guesser five
    more tries at 40 bits.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime] = now) -> None:
        self._store = store
        self._clock = clock
        self._wrong: dict[str, list[datetime]] = {}

    async def obey(self, identity: Identity, command: commands.Link | commands.Unlink) -> Shown:
        """Raises UserError or a MemoryFault, each a sentence that says what to do."""
        match command:
            case commands.Link(code=""):
                return Shown(text=_told(await self._code(identity)))
            case commands.Link():
                return await self._use(identity, command)
            case commands.Unlink(account=wanted):
                return Shown(text=_parted(await self._part(identity, wanted)))

    async def _code(self, identity: Identity) -> str:
        at = self._clock()
        return await self._store.database.write(lambda conn: links.new_code(conn, identity, at))

    async def _use(self, identity: Identity, command: commands.Link) -> Shown:
        """Show what a code would do, or do it. Only a code that nobody has counts as wrong."""
        at, code, known = self._clock(), command.code, True
        self._guess(_account_id(identity), at)
        try:
            if command.confirmed:
                done = await self._store.database.write(
                    lambda conn: links.join(conn, code, identity, at, PERSONA)
                )
                return Shown(text=_joined(done))
            planned = await self._store.database.write(
                lambda conn: links.preview(conn, code, identity, at)
            )
            button = Button(label="Join them", line=f"/link {code} yes")
            return Shown(text=_planned(planned, button.line), buttons=(button,))
        except links.UnknownCode:
            known = False
            raise
        finally:
            if known:
                self._wrong[_account_id(identity)].remove(at)

    def _guess(self, account: str, at: datetime) -> None:
        """Count a code as wrong until it turns out to be right: so tries at the same time count,
        too. Raises UserError where there were too many."""
        for who, times in list(self._wrong.items()):
            self._wrong[who] = [then for then in times if then > at - links.LASTS]
            if not self._wrong[who]:
                del self._wrong[who]
        if len(self._wrong.get(account, ())) >= GUESSES:
            raise UserError(
                "These were too many wrong codes. Wait ten minutes, then type `/link` in your other"
                " account for a new one."
            )
        self._wrong.setdefault(account, []).append(at)

    async def _part(self, identity: Identity, wanted: str) -> Parting:
        at, own = self._clock(), _account_id(identity)
        return await self._store.database.write(
            lambda conn: links.part(conn, _meant(conn, own, wanted).id, at)
        )


def _account_id(identity: Identity) -> str:
    return identity_id(identity.platform, identity.space, identity.user)


def _meant(conn: Connection, own: str, wanted: str) -> Account:
    """The account that is to be parted: the one where it is said, or one that is linked to it."""
    here = links.account(conn, own)
    linked = links.others(conn, here.person) if here else []
    if here is None or not linked:
        raise NotFound(ALONE)
    main = links.account(conn, here.person)
    if here.person != own and (not wanted or (main and _is(main, wanted))):
        return here
    fitting = [one for one in linked if not wanted or _is(one, wanted)]
    if len(fitting) != 1:
        names = ", ".join(f"{links.shown(one)}" for one in linked)
        raise UserError(
            f"Which one? These are linked: {names}. Say its platform or name, such as"
            f" `/unlink {linked[0].platform}`, or type `/unlink` there."
        )
    return fitting[0]


def _is(one: Account, wanted: str) -> bool:
    names = (one.platform, one.name, links.shown(one))
    return wanted.strip().casefold() in [name.casefold() for name in names]


# --- sentences ------------------------------------------------------------------------------------


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _added(joining: Joining) -> str:
    return f"{_count(joining.facts, 'fact')} and {_count(joining.passages, 'passage')}"


def _told(code: str) -> str:
    return (
        f"Your code is **{code}**. It works once, within ten minutes.\n\nType `/link {code}` in"
        " your other account: you see there what it does before it is done. Whoever uses the code"
        " shares your memory from then on, so give it to nobody else."
    )


def _planned(planned: Joining, line: str) -> str:
    lines = [
        f"{_added(planned)} that I know from here are added to what I know there"
        + (f"; {_count(planned.known, 'fact')} known there already." if planned.known else "."),
        "Direct messages of both accounts are then answered from one memory.",
        "Nothing is lost: what was said here before is kept apart, and `/unlink` undoes it.",
    ]
    if planned.rooms:
        rooms = "1 room knows" if planned.rooms == 1 else f"{planned.rooms:,} rooms know"
        lines.insert(2, f"{rooms} this account; nothing changes there.")
    told = "\n".join(f"- {text}" for text in lines)
    return (
        f"This joins this account to **{links.shown(planned.to)}**. Go on only if that is you.\n\n"
        f"{told}\n\nTo do it, type `{line}`."
    )


def _joined(done: Joining) -> str:
    return (
        f"Joined: this account and **{links.shown(done.to)}** are one person to me now."
        f" {_added(done)} were added to what I know of you. `/unlink` parts them again."
    )


def _parted(parting: Parting) -> str:
    told = (
        f"Parted: **{links.shown(parting.account)}** has its own memory again, as it was before."
        f" What was said there in the meantime stays with {parting.person}."
    )
    if parting.removed:
        told += (
            f" {parting.removed:,} of the facts and passages that it brought are taken out there."
        )
    if parting.kept:
        told += f" {parting.kept:,} were changed there since, and stay."
    return told
