"""Where nothing is learned: the tools that are left there, and a conversation that goes incognito.

Anybody who takes part may begin it, and anybody may end it: neither shows what was said before, and
what was said meanwhile is removed. So that nobody relies on what another ended, the room is told.
"""

from collections.abc import Callable, Sequence

from adapters.base import Invocation, Shown
from bot import phrases
from bot.errors import UserError
from bot.tools.base import Registry
from memory import agents, queue
from memory.forget import retention
from memory.ports import Connection
from memory.store import Store
from memory.types import Agent, Message, Reply, now

REFUSED = (
    "Nothing is learned here now: memory is paused, or this conversation is incognito. Answer"
    " without this tool, and do not say that you will remember anything of it."
)


def tools_for(tools: Registry, agent: Agent, turn: Sequence[Message]) -> Registry:
    """The tools for a turn: none that writes, where nothing is learned."""
    hushed = any(row.fleeting or agents.hushed(agent, row.origin.room) for row in turn)
    return tools.without("write", REFUSED) if hushed else tools


class Incognito:
    """Obeys `/memory incognito`. wake: told when an agent has something to send."""

    def __init__(self, store: Store, wake: Callable[[str], None]) -> None:
        self._store = store
        self._wake = wake

    async def obey(self, agent: Agent, invocation: Invocation, on: bool | None) -> Shown:
        """on: None: ask whether it is. Raises UserError where there is no conversation."""
        if invocation.aside:
            raise UserError(phrases.both("incognito_where"))
        address = invocation.address
        if on is None:
            on = agents.incognito(agent, address.room)
            return Shown(text=phrases.both("incognito_on" if on else "incognito_not"))
        text = phrases.both("incognito_on" if on else "incognito_off")
        at = now()
        target = {"address": address.plain(), "answers": []}
        news = Reply(key=f"incognito:{address.room}:{at.isoformat()}", target=target, text=text)

        def work(conn: Connection) -> None:
            changed = retention.incognito(conn, agent.id, address.room, on=on)
            if changed and invocation.room_kind != "dm":
                queue.put_replies(conn, agent.id, [news], at)

        await self._store.database.write(work)
        self._wake(agent.id)
        return Shown(text=text)
