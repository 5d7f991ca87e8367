"""Digests: tells a person, when they asked for it, what was learned about them, to keep or mend.

No model is asked. What waits in the outbox is only between which numbers the digest lies; its words
are made when it is sent, so that what was forgotten meanwhile is not told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, Final

from adapters.base import Button, Form, Invocation, Line, Part, Post, Shown
from bot import phrases
from bot.commands import types as commands
from bot.errors import UserError
from bot.hours import hours_of, quiet, zone_for
from memory import digests
from memory.digests import Timer
from memory.ports import Connection
from memory.store import Store
from memory.types import Agent, Fact, Outgoing, Viewer, now

DAY: Final = timedelta(days=1)
EVERY: Final = {"daily": DAY, "weekly": 7 * DAY}
TOLD: Final = {DAY: "once a day", 7 * DAY: "once a week"}
NOT_HERE: Final = "This is between the two of us: say it in a direct message."
UNHEARD: Final = (
    "I can only send to where you have written to me. Write me a message here first, then say this"
    " again."
)


class Digests:
    """Sends what is due, and obeys what a person says of it.

    hours: the quiet ones of whoever has no own. wake: told of an agent that has something to send.
    """

    def __init__(
        self,
        store: Store,
        zone: tzinfo,
        hours: str | None,
        wake: Callable[[str], None],
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._zone = zone
        self._hours = hours
        self.wake = wake
        self.clock = clock

    # --- sending ---

    async def sweep(self) -> int:
        """Put every digest into the outbox that is due and has something new; how many. Those of
        people whose quiet time it is wait for its end."""
        at, sent = self.clock(), 0
        for timer, settings in await self._store.database.read(lambda conn: digests.due(conn, at)):
            if quiet(settings, self._hours, self._zone, at):
                continue
            again = _after(timer, zone_for(settings, self._zone), at)
            put = partial(digests.put, due=timer, at=at, again_at=again)
            if await self._store.database.write(put):
                self.wake(timer.agent)
                sent += 1
        return sent

    async def filled(self, reply: Outgoing, post: Post) -> Post | None:
        """A reply as it is sent: a digest gets its words. None: nothing is left to tell."""
        if "digest" not in reply.target:
            return post
        facts = await self._store.database.read(lambda conn: digests.told(conn, reply))
        if not facts:
            return None
        shown = panel(facts)
        return replace(post, text=shown.plain(), shown=shown, line=_line(*reply.target["digest"]))

    # --- what people say ---

    async def obey(
        self, invocation: Invocation, command: commands.Command, viewer: Viewer, account: str
    ) -> Shown:
        """account: whose command it is. Raises UserError where it is not for this place."""
        agent = await self._store.agent(viewer.agent)
        if agent.kind != "person" or not viewer.alone:
            raise UserError(NOT_HERE)
        match command:
            case commands.SetDigest(every=None):
                return await self._told(agent)
            case commands.SetDigest(every="off"):
                await self._store.database.write(lambda conn: digests.stop(conn, agent.id))
                return Shown(text="I send you no digests.")
            case commands.SetDigest(every=("daily" | "weekly") as every):
                return await self._begin(agent, EVERY[every], invocation, account)
            case commands.Learned(between=between):
                return await self._learned(agent, viewer, between)
            case commands.SetQuiet(hours="", zone=""):
                return Shown(text=self._quiet(agent.settings))
            case commands.SetQuiet(hours=hours, zone=zone):
                return await self._set_quiet(agent, hours, zone)
        raise TypeError(f"no such command: {command!r}")

    async def _told(self, agent: Agent) -> Shown:
        timer = await self._store.database.read(lambda conn: digests.timer(conn, agent.id))
        if timer is None:
            text = "I send you no digests. `/memory digest daily`, or weekly, begins them."
            return Shown(text=text)
        due = timer.due_at.astimezone(zone_for(agent.settings, self._zone))
        return Shown(
            text=f"I tell you {TOLD[timer.every]} what I learned about you, if anything is new;"
            f" next on {due:%Y-%m-%d at %H:%M}. `/memory digest off` ends it."
        )

    async def _begin(
        self, agent: Agent, every: timedelta, invocation: Invocation, account: str
    ) -> Shown:
        """From now on, at this time of the day. Only where the agent heard them: elsewhere others
        may read along. What was told before, is not told again."""
        if invocation.room_kind != "dm":
            raise UserError(NOT_HERE)
        address = replace(invocation.address, thread=None)
        timer = Timer(
            agent=agent.id, person=account, address=address.plain(), every=every,
            due_at=self.clock(), after=agent.last_seq,
        )  # fmt: skip
        timer = replace(timer, due_at=_after(timer, zone_for(agent.settings, self._zone)))

        def work(conn: Connection) -> None:
            if not digests.heard_in(conn, agent.id, address.room):
                raise UserError(UNHEARD)
            known = digests.timer(conn, agent.id)
            digests.set_timer(conn, replace(timer, after=known.after) if known else timer)

        await self._store.database.write(work)
        return Shown(
            text=f"I tell you here {TOLD[every]} what I learned about you, if anything is new."
            " `/memory learned` tells it now, `/memory digest off` ends it, and `/memory quiet`"
            " says when I leave you alone."
        )

    async def _learned(
        self, agent: Agent, viewer: Viewer, between: tuple[int, int] | None
    ) -> Shown:
        def work(conn: Connection) -> list[Fact]:
            timer = digests.timer(conn, agent.id)
            since = (timer.after if timer else 0, agent.last_seq)
            return digests.learned(conn, viewer, *(between or since))

        facts = await self._store.database.read(work)
        return panel(facts) if facts else Shown(text="Nothing new. `/memory show` has all I know.")

    # --- quiet hours ---

    async def _set_quiet(self, agent: Agent, hours: str, zone: str) -> Shown:
        values: dict[str, str] = {}
        if hours == "off":
            values["quiet"] = ""
        elif hours:
            first, last = hours_of(hours)
            values["quiet"] = f"{first:%H:%M}-{last:%H:%M}"
        if zone:
            values["timezone"] = zone
        await self._store.configure(agent.id, values)
        return Shown(text=self._quiet({**agent.settings, **values}))

    def _quiet(self, settings: Mapping[str, Any]) -> str:
        hours = settings.get("quiet", self._hours)
        zone = settings.get("timezone") or self._zone
        when = f"between {hours.replace('-', ' and ')}" if hours else "at no time of the day"
        return f"I send you nothing by myself {when} ({zone})."


def _after(timer: Timer, zone: tzinfo, at: datetime | None = None) -> datetime:
    """The next time, at the same time of the day there; the first of them that is still to come."""
    due = timer.due_at.astimezone(zone) + timer.every
    while at is not None and due <= at:
        due += timer.every
    return due.astimezone(UTC)


def _line(after: int, upto: int) -> str:
    """The command whose answer a digest is: what its buttons look up, after a restart as well."""
    return f"/memory learned {after}-{upto}"


def panel(facts: Sequence[Fact]) -> Shown:
    """Facts to look through, each with what can be done about it; in their language."""
    like = "\n".join(fact.text for fact in facts)
    lines = tuple(_fact(fact, zh=phrases.chinese(like)) for fact in facts)
    return Shown(
        text=phrases.say("digest", like),
        parts=(Part(lines=lines),),
        end=phrases.say("digest_how", like),
    )


def _fact(fact: Fact, *, zh: bool) -> Line:
    number = fact.seq
    keep, fix, forget = ("保留", "更正", "忘记") if zh else ("Keep", "Fix", "Forget")
    label = "怎样才对?" if zh else "What is right?"
    form = Form(title=f"{fix} #{number}", label=label, value=fact.text, long=True)
    kept = " ✓" if fact.confirmed_at > fact.learned_at else ""
    return Line(
        text=f"#{number} · {fact.text}{kept}",
        buttons=(
            Button(label=keep, line=f"/memory keep {number}"),
            Button(label=fix, line=f"/memory edit {number}", form=form),
            Button(label=forget, line=f"/memory forget {number}", danger=True),
        ),
    )
