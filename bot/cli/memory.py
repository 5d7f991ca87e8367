"""`reverie memory …`: the verbs of `/memory`, from a shell."""

from dataclasses import replace
from typing import Annotated

import typer

from bot.cli.common import (
    AgentName,
    AsJson,
    Yes,
    confirm,
    find_agent,
    load_settings,
    opened_home,
    run,
    user,
)
from bot.commands import types as commands
from bot.commands import words as command_words

app = typer.Typer(help="See and change what an agent remembers.", no_args_is_help=True)


def _number(word: str) -> int:
    number = command_words.number_of(word)
    if number is None:
        raise typer.BadParameter(f"a number such as 12 is needed, not '{word}'")
    return number


Number = Annotated[int, typer.Argument(parser=_number, metavar="N")]
Words = Annotated[list[str], typer.Argument(metavar="TEXT…")]
Page = Annotated[int, typer.Option("--page", min=1, help="Which page, from 1.")]


def _do(verb: commands.Verb, agent: str | None, as_json: bool) -> None:
    """Run a verb as the operator. Those that only read work beside a running Reverie."""
    settings = load_settings()
    from bot.cli.show import for_shell, render
    from bot.commands.answer import Answer
    from bot.commands.verbs import Verbs
    from memory.audience import operator

    async def work() -> Answer:
        reading = isinstance(verb, commands.Reading)
        async with opened_home(settings, read_only=reading) as home:
            found = await find_agent(home.store, agent)
            verbs = Verbs(home.store, home.search, home.zone)
            return await verbs.run(operator(found.id), verb, actor="operator")

    answer = run(work())
    render(replace(answer, text=for_shell(answer.text)), as_json=as_json)


@app.command()
def show(
    agent: AgentName = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DAY", help="As it was at its end, such as 2026-10-01.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Core memory: facts with their number, day and source."""
    day = command_words.day_of(as_of) if as_of is not None else None
    _do(commands.Show(as_of=day), agent, as_json)


@app.command()
def search(
    words: Words,
    agent: AgentName = None,
    page: Page = 1,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="From this day on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Up to this day.")] = None,
    by: Annotated[str, typer.Option(metavar="NAME", help="What this speaker said.")] = "",
    tag: Annotated[str, typer.Option(metavar="TAG", help="Passages with this tag.")] = "",
    as_json: AsJson = False,
) -> None:
    """Find facts, passages and messages."""
    first, last = (command_words.day_of(day) if day else None for day in (since, until))
    query = " ".join(words)
    _do(
        commands.Find(query=query, page=page, since=first, until=last, by=by, tag=tag),
        agent,
        as_json,
    )


@app.command()
def add(
    text: Words,
    agent: AgentName = None,
    block: Annotated[str, typer.Option("--block", help="Where to.")] = "human",
    as_json: AsJson = False,
) -> None:
    """Add a fact."""
    _do(commands.Add(text=" ".join(text), block=block), agent, as_json)


@app.command()
def edit(number: Number, text: Words, agent: AgentName = None, as_json: AsJson = False) -> None:
    """Give a fact another text."""
    _do(commands.Edit(number=number, text=" ".join(text)), agent, as_json)


@app.command()
def pin(number: Number, agent: AgentName = None, as_json: AsJson = False) -> None:
    """Keep a fact from ever being put away."""
    _do(commands.Pin(number=number), agent, as_json)


@app.command()
def unpin(number: Number, agent: AgentName = None, as_json: AsJson = False) -> None:
    """Let a fact be put away again."""
    _do(commands.Pin(number=number, pinned=False), agent, as_json)


@app.command()
def forget(
    what: Annotated[list[str], typer.Argument(metavar="N or WORDS…")],
    agent: AgentName = None,
    as_json: AsJson = False,
) -> None:
    """Forget a fact, passage or message by its number, or the one that has these words."""
    words = " ".join(what)
    number = command_words.number_of(words)
    _do(commands.Forget(target=words if number is None else number), agent, as_json)


@app.command()
def clear(
    block: Annotated[str, typer.Argument()] = "human",
    agent: AgentName = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget all facts of a block."""
    if not yes:
        name = agent or user()
        confirm(f"This forgets every fact of '{block}' of {name}.", name, "yes, clear")
    _do(commands.Clear(block=block, confirmed=True), agent, as_json)


@app.command()
def undo(
    number: Annotated[int | None, typer.Argument(parser=_number, metavar="[N]")] = None,
    agent: AgentName = None,
    as_json: AsJson = False,
) -> None:
    """Take back the last change, or change N of the history."""
    _do(commands.Undo(number=number), agent, as_json)


@app.command()
def history(agent: AgentName = None, page: Page = 1, as_json: AsJson = False) -> None:
    """Every change of memory, the newest first."""
    _do(commands.History(page=page), agent, as_json)


@app.command()
def why(number: Number, agent: AgentName = None, as_json: AsJson = False) -> None:
    """Where a fact or passage comes from, and its changes."""
    _do(commands.Why(number=number), agent, as_json)
