"""What platforms talk to: messages go to the intake, commands are obeyed at once."""

from adapters.base import Address, Event, Invocation, Shown
from bot import commands
from bot.errors import ReverieError, UserError
from bot.intake import Intake, route
from bot.verbs import Answer, Verbs
from memory.errors import MemoryFault
from memory.store import Store
from memory.types import now


class Desk:
    """The Hearing of adapters/base.py."""

    def __init__(self, intake: Intake, store: Store, verbs: Verbs) -> None:
        self._intake = intake
        self._store = store
        self._verbs = verbs

    async def deliver(self, event: Event) -> bool:
        return await self._intake.deliver(event)

    async def last_seen(self, address: Address, user: str | None = None) -> str | None:
        return await self._intake.last_seen(address, user)

    async def command(self, invocation: Invocation) -> Shown:
        """Obey a command, for the agent of the place where it was given."""
        try:
            return await self._obey(invocation)
        except (ReverieError, MemoryFault) as error:
            return Shown(text=str(error))

    async def _obey(self, invocation: Invocation) -> Shown:
        command = commands.parse(invocation.line)
        if isinstance(command, commands.Help):
            return Shown(text=f"```\n{command.text}\n```")
        if not isinstance(command, commands.Verb):
            raise UserError("This command is not for here. `/memory` and `/help` are.")
        birth, identity = route(_as_event(invocation))
        agent, _ = await self._store.ensure(birth, identity)
        answer = await self._verbs.run(agent.id, command, actor="person")
        if answer.document:
            return Shown(
                text=answer.text or "Here is everything that I remember.",
                file_name="memory.json",
                file_text=answer.document,
            )
        return Shown(text=as_markdown(answer))


def _as_event(invocation: Invocation) -> Event:
    return Event(
        id="",
        address=invocation.address,
        user=invocation.user,
        name=invocation.name,
        text="",
        at=now(),
        room_kind=invocation.room_kind,
        room_name=invocation.room_name,
    )


def as_markdown(answer: Answer) -> str:
    """An answer's tables as lists, since chats have no tables."""
    parts = [answer.lead] if answer.lead else []
    for table in answer.tables:
        if table.title:
            parts.append(f"**{table.title}**")
        rows = (" · ".join(" ".join(cell.split()) for cell in row if cell) for row in table.rows)
        parts.append("\n".join(f"- {row}" for row in rows) or "- (nothing)")
    if answer.text:
        parts.append(answer.text)
    return "\n\n".join(parts) or "Done."
