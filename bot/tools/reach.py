"""The tools that reach beyond a conversation: into another room, and to another agent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.tools.base import AnyTool, tool
from bot.tools.memory import StepContext

Reaching = Callable[[str, str], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachContext(StepContext):
    """What these tools do it with: `notify(message, channel)` and `consult(name, question)`. Both
    tell what came of it, and raise ToolError where nothing did."""

    notify: Reaching
    consult: Reaching


@tool(kind="look", aliases={"text": "message", "room": "channel"})
async def send_notification(message: str, channel: str, context: ReachContext) -> str:
    """Post a message in another room, once the person has asked for that.

    Args:
        message: What to post, in the person's own words.
        channel: The room, such as "#general", or its id; "me" to show it to the person alone.
    """
    return await context.notify(message, channel)


@tool(kind="look", aliases={"agent": "name", "question": "message"})
async def ask_agent(name: str, message: str, context: ReachContext) -> str:
    """Ask another agent, one that has a name of its own, and get its answer.

    Args:
        name: The agent's name.
        message: The question. It must be understood alone.
    """
    return await context.consult(name, message)


REACHING: tuple[AnyTool, ...] = (send_notification, ask_agent)
