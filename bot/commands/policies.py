"""What `/policy` does and says: the rules of a workspace, and who set them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from adapters.base import Invocation, Line, Part, Shown
from bot import phrases
from bot.commands.types import Rule
from bot.errors import Unconfirmed, UserError
from memory import audience, policy
from memory.forget import retention
from memory.policy import NAMES, Name, Rules
from memory.ports import Connection
from memory.store import Store
from memory.types import Person, now

SETTINGS: Final[Mapping[Name, str]] = {
    "opt_in": "REVERIE_OPT_IN",
    "person": "REVERIE_RETENTION_PERSON_DAYS",
    "room": "REVERIE_RETENTION_ROOM_DAYS",
}


class Policies:
    """Shows and changes rules. defaults: what whoever runs the program set."""

    def __init__(self, store: Store, defaults: Rules) -> None:
        self._database = store.database
        self._defaults = defaults

    async def obey(self, invocation: Invocation, person: Person, rule: Rule) -> Shown:
        """Raises UserError for who may not, Unconfirmed where messages would be removed."""
        workspace = invocation.address.workspace
        if rule.name is not None:
            if not invocation.governs:
                raise UserError(phrases.both("policy_admins"))
            await self._choose(workspace, rule.name, rule)
        guest = invocation.guest
        return await self._database.read(
            lambda conn: _shown(conn, workspace, self._defaults, person.id, guest=guest)
        )

    async def _choose(self, workspace: str, name: Name, rule: Rule) -> None:
        default: int = getattr(self._defaults, name)
        value = default if rule.value is None else rule.value
        if name != "opt_in" and value and not rule.confirmed:
            before = retention.day_before(value, now())
            count = await self._database.read(
                lambda conn: retention.count_older(conn, workspace, name, before)
            )
            if count:
                days = "default" if rule.value is None else rule.value
                line = f"/policy keep {name} {days}"
                raise Unconfirmed(
                    phrases.both("policy_removes", count=f"{count:,}", days=str(value), line=line),
                    line,
                )
        await self._database.write(
            lambda conn: policy.choose(conn, workspace, name, rule.value, now())
        )


def _shown(conn: Connection, workspace: str, defaults: Rules, person: str, *, guest: bool) -> Shown:
    rules = policy.in_force(conn, workspace, defaults)
    chosen = policy.chosen(conn, workspace)
    readable = audience.readable_rooms(conn, person, "" if guest else workspace)
    off = policy.off_limits(conn, workspace)
    names = [f"#{name}" for room, name in off if room in readable]
    texts = [_told(name, getattr(rules, name), chosen.get(name)) for name in NAMES]
    texts.append(_off(names, len(off) - len(names)))
    title = phrases.both("policy_title", " · ")
    lines = tuple(Line(text=text) for text in texts)
    return Shown(parts=(Part(title=title, lines=lines),), end=phrases.both("policy_how"))


def _told(name: Name, value: int, at: datetime | None) -> str:
    """A rule in both languages, with where it is from."""
    if name == "opt_in":
        what = "policy_opt_in" if value else "policy_opt_out"
    else:
        what = f"policy_{name}" if value else f"policy_{name}_forever"
    told = phrases.both(what, " · ", days=str(value))
    if at is None:
        return f"{told} ({SETTINGS[name]})"
    return f"{told} ({phrases.both('policy_chosen', ' · ', day=f'{at:%Y-%m-%d}')})"


def _off(names: list[str], hidden: int) -> str:
    """Rooms that one cannot read are counted, not named."""
    if hidden:
        names = [*names, phrases.both("policy_hidden", " · ", count=str(hidden))]
    listed = ", ".join(names) or phrases.both("policy_none", " · ")
    return phrases.both("policy_off", " · ") + f": {listed}"
