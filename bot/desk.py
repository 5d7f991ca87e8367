"""What platforms talk to: messages go to the intake, commands are obeyed at once."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from adapters.base import Address, Button, Changed, Choice, Event, Form, Invocation, Shown
from bot.asks import Asks
from bot.attention import DEFAULT_MODE
from bot.commands import line as command_line
from bot.commands import types as commands
from bot.commands import views
from bot.commands.answer import Answer
from bot.commands.farewell import Farewell
from bot.commands.people import People
from bot.commands.policies import Policies
from bot.commands.records import Record
from bot.commands.verbs import Verbs
from bot.consent import Consent
from bot.digest import Digests
from bot.errors import ReverieError, Unconfirmed, UserError
from bot.hush import Incognito
from bot.intake import Intake, room_id, route
from memory.agents import identity_id
from memory.errors import MemoryFault
from memory.store import Store
from memory.types import Agent, Origin, Person, now
from memory.words import sanitise

CHOICES = 25  # as many as Discord shows
MODES = {
    "open": "I answer every message here",
    "listen": "I read every message here, and answer when I am called",
    "mention": "I read and answer only what calls me, and threads in which I take part",
    "off": "I read and answer nothing here",
}


class Desk:
    """The Hearing of adapters/base.py.

    stop: ends an agent's turn, and tells whether one was running. link: where a message can be
    read, by its address and event.
    """

    def __init__(
        self,
        intake: Intake,
        store: Store,
        verbs: Verbs,
        people: People,
        farewell: Farewell,
        asks: Asks,
        policies: Policies,
        incognito: Incognito,
        digests: Digests,
        consent: Consent | None = None,
        *,
        stop: Callable[[str], bool],
        link: Callable[[Address, str], str],
    ) -> None:
        self._intake = intake
        self._store = store
        self._verbs = verbs
        self._people = people
        self._farewell = farewell
        self._asks = asks
        self._policies = policies
        self._incognito = incognito
        self._digests = digests
        self._consent = consent
        self._stop = stop
        self._link = link

    async def deliver(self, event: Event) -> bool:
        return await self._intake.deliver(event)

    async def changed(self, changed: Changed) -> bool:
        return await self._intake.changed(changed)

    async def left(self, address: Address, user: str, realm: str | None = None) -> None:
        account = identity_id(address.platform, realm or address.space, sanitise(user))
        await self._store.left(room_id(address), account)

    async def last_seen(self, address: Address) -> str | None:
        return await self._intake.last_seen(address)

    async def command(self, invocation: Invocation) -> Shown:
        """Obey a command, for the agent of the place where it was given."""
        try:
            read = command_line.verbatim if invocation.about else command_line.parse
            return await self._obey(invocation, read(invocation.line))
        except Unconfirmed as asked:
            return Shown(text=str(asked), buttons=(_confirm(asked.line),))
        except (ReverieError, MemoryFault) as error:
            return Shown(text=str(error))

    async def facts(self, invocation: Invocation) -> Sequence[Choice]:
        typed = invocation.line.strip().lstrip("#").lower()
        agent, person = await self._met(invocation)
        viewer = await self._store.viewer(agent.id, _origin(invocation, person))
        blocks = await self._store.blocks(agent.id, viewer)
        facts = [fact for block in blocks for fact in block.facts]
        fitting = [
            fact for fact in facts if str(fact.seq).startswith(typed) or typed in fact.text.lower()
        ]
        fitting.sort(key=lambda fact: (not fact.pinned, fact.seq))
        return [
            Choice(label=f"#{fact.seq} {fact.text}", value=str(fact.seq))
            for fact in fitting[:CHOICES]
        ]

    async def _met(self, invocation: Invocation) -> tuple[Agent, Person]:
        """The agent that a command is for, and who gives it."""
        return await self._store.meet(*route(_as_event(invocation)))

    async def _obey(self, invocation: Invocation, command: commands.Command | None) -> Shown:
        match command:
            case commands.Help(text=text):
                return Shown(text=f"```\n{text}\n```")
            case commands.Verb():
                return await self._memory(invocation, command)
            case commands.Link() | commands.Unlink():
                return await self._people.obey(route(_as_event(invocation))[1], command)
            case commands.ForgetMe(confirmed=confirmed):
                identity = route(_as_event(invocation))[1]
                return await self._farewell.obey(identity, confirmed=confirmed)
            case commands.Choose():
                who = route(_as_event(invocation))[1]
                account = identity_id(who.platform, who.space, who.user)
                return await self._asks.obey(command, account)
            case commands.SetMode(mode=mode):
                return await self._mode(invocation, mode)
            case commands.Rule():
                _, person = await self._met(invocation)
                return await self._policies.obey(invocation, person, command)
        return await self._manner(invocation, command)

    async def _manner(self, invocation: Invocation, command: commands.Command | None) -> Shown:
        """What the agent of a place does there, and what it does by itself."""
        agent, person = await self._met(invocation)
        match command:
            case commands.Stop():
                return Shown(text="Stopped." if self._stop(agent.id) else "I am not answering.")
            case commands.Incognito(on=on):
                return await self._incognito.obey(agent, invocation, on)
            case commands.SetDigest() | commands.Learned() | commands.SetQuiet():
                viewer = await self._store.viewer(agent.id, _origin(invocation, person))
                who = route(_as_event(invocation))[1]
                account = identity_id(who.platform, who.space, who.user)
                return await self._digests.obey(invocation, command, viewer, account)
        raise UserError("This command is not for here. `/help` has those that are.")

    async def _memory(self, invocation: Invocation, verb: commands.Verb) -> Shown:
        agent, person = await self._met(invocation)
        origin = _origin(invocation, person)
        about = f"{invocation.address.platform}:{invocation.about}" if invocation.about else ""
        viewer = replace(await self._store.viewer(agent.id, origin), steward=invocation.governs)
        answer = await self._verbs.run(viewer, verb, actor="person", origin=origin, about=about)
        if self._consent is not None and verb == commands.Pause(paused=False):
            await self._consent.agreed(route(_as_event(invocation))[1])
        shown = views.shown(answer, paused=await self._paused(agent, invocation))
        if isinstance(verb, commands.Why):
            return views.with_end(shown, self._source(answer))
        return shown

    async def _paused(self, agent: Agent, invocation: Invocation) -> bool:
        """Whether it takes `/memory resume` for anything to be learned."""
        if agent.settings.get("paused") or self._consent is None:
            return bool(agent.settings.get("paused"))
        who = route(_as_event(invocation))[1]
        return await self._consent.withheld(who, invocation.address)

    def _source(self, answer: Answer) -> str:
        """Where the message can be read that something was learned from."""
        source = next((record.get("source") for record in answer.records), None)
        url = self._url(source) if isinstance(source, dict) else ""
        return f"[The message]({url})" if url else ""

    def _url(self, source: Record) -> str:
        room, event = str(source["room"]), str(source["event"])
        return self._link(Address.of(room), event.partition(":")[2]) if room and event else ""

    async def _mode(self, invocation: Invocation, mode: str | None) -> Shown:
        if invocation.room_kind == "dm":
            raise UserError("In a direct message I always answer. Modes are for rooms.")
        agent, _ = await self._met(invocation)
        if mode is None:
            now_ = agent.settings.get("mode", DEFAULT_MODE)
            return Shown(text=f"The mode of this room is **{now_}**: {MODES[now_]}.")
        if not invocation.admin:
            raise UserError(
                "Only an admin of this room, or of the workspace, can change its mode. Ask one of"
                f" them to give `/mode {mode}` here."
            )
        await self._store.configure(agent.id, {"mode": mode})
        return Shown(text=f"The mode of this room is **{mode}** now: {MODES[mode]}.")


def _origin(invocation: Invocation, person: Person) -> Origin:
    """Who gives a command, where, and for whose eyes its answer is."""
    direct = invocation.own or invocation.room_kind == "dm"
    return Origin(
        audience="person" if direct else "room",
        person=person.id,
        room=invocation.address.room,
        workspace="" if direct and invocation.guest else invocation.address.workspace,
    )


def _confirm(line: str) -> Button:
    form = Form(title="Are you sure?", label="Type yes, or 是, to confirm")
    return Button(label="Confirm…", line=line, danger=True, form=form)


def _as_event(invocation: Invocation) -> Event:
    return Event(
        id="",
        address=invocation.address,
        user=invocation.user,
        name=invocation.name,
        text="",
        at=now(),
        room_kind="dm" if invocation.own else invocation.room_kind,
        room_name=invocation.room_name,
        realm=invocation.realm,
        guest=invocation.guest,
        agent=invocation.agent,
    )
