"""`reverie usage`: what model calls took."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import AsJson, find_agent, load_settings, opened_home, run

if TYPE_CHECKING:
    from bot.commands.answer import Answer
    from bot.config import Settings


def usage(
    agent: Annotated[
        str | None, typer.Option("--agent", "-a", metavar="NAME", help="Whose; else everybody's.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many, today among them.")] = 7,
    as_json: AsJson = False,
) -> None:
    """What model calls took, by day: turns and heartbeats, tokens and money."""
    settings = load_settings()
    from bot.cli.show import render

    render(run(_spent(settings, agent, days)), as_json=as_json)


async def _spent(settings: "Settings", agent: str | None, days: int) -> "Answer":
    async with opened_home(settings, read_only=True) as home:
        found = await find_agent(home.store, agent) if agent is not None else None
        return await home.verbs.spent(found.id if found else None, days)
