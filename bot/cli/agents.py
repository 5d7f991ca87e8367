"""`reverie agents …`: make, list, move and delete agents."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import (
    AsJson,
    Yes,
    confirm,
    find_agent,
    load_settings,
    opened_home,
    run,
    write_private,
)
from bot.errors import UserError

if TYPE_CHECKING:
    from bot.app import App
    from bot.commands.answer import Answer
    from bot.config import Settings
    from memory.insight import Tally
    from memory.types import Agent

app = typer.Typer(help="Make, list, move and delete agents.", no_args_is_help=True)

LABEL = re.compile(r"[\w.:-]{1,40}")
Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command(name="list")
def list_agents(as_json: AsJson = False) -> None:
    """The agents of this home, and how much each remembers."""
    settings = load_settings()
    from bot.cli.show import render

    render(run(_listed(settings)), as_json=as_json)


async def _listed(settings: "Settings") -> "Answer":
    from bot.commands.answer import Answer, Table

    async with opened_home(settings, read_only=True) as home:
        agents = await home.store.agents()
        counted = [(agent, await _tally(home, agent)) for agent in agents]
    rows = tuple(
        (
            agent.name,
            agent.kind,
            str(tally.facts),
            str(tally.passages),
            str(tally.messages),
            agent.created_at.astimezone(home.zone).strftime("%Y-%m-%d"),
        )
        for agent, tally in counted
    )
    columns = ("name", "kind", "facts", "passages", "messages", "since")
    return Answer(
        tables=(Table(columns=columns, rows=rows),) if rows else (),
        records=tuple(_record(agent, tally) for agent, tally in counted),
        text="" if rows else "There are no agents yet: `reverie agents create NAME` makes one.",
    )


async def _tally(home: "App", agent: "Agent") -> "Tally":
    from memory import insight

    return await home.store.database.read(lambda conn: insight.tally(conn, agent.id))


def _record(agent: "Agent", tally: "Tally") -> dict[str, object]:
    return {
        "type": "agent",
        "name": agent.name,
        "id": agent.id,
        "kind": agent.kind,
        "created_at": agent.created_at.isoformat(),
        "facts": tally.facts,
        "passages": tally.passages,
        "messages": tally.messages,
        "changes": tally.changes,
    }


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """One agent: who it is, and its blocks."""
    settings = load_settings()
    from bot.cli.show import render

    render(run(_shown(settings, name)), as_json=as_json)


async def _shown(settings: "Settings", name: str) -> "Answer":
    from bot.commands.answer import Answer, Table

    async with opened_home(settings, read_only=True) as home:
        agent = await find_agent(home.store, name)
        tally = await _tally(home, agent)
        blocks = await home.store.blocks(agent.id)
    record = _record(agent, tally)
    about = tuple((key, str(value)) for key, value in record.items() if key != "type")
    rows = tuple(
        (block.label, f"{len(block.text):,} of {block.limit:,}", block.description)
        for block in blocks
    )
    return Answer(
        tables=(
            Table(columns=("", ""), rows=about),
            Table(columns=("block", "characters", "for"), rows=rows),
        ),
        records=({**record, "blocks": {block.label: block.text for block in blocks}},),
    )


@app.command()
def create(
    name: Name,
    persona: Annotated[str | None, typer.Option(help="Who it is and how it speaks.")] = None,
    persona_file: Annotated[
        Path | None, typer.Option(help="The same, from a UTF-8 file; - is standard input.")
    ] = None,
    human: Annotated[str, typer.Option(help="What it knows of its person from the start.")] = "",
    block: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="One more block; repeat for more.")
    ] = None,
) -> None:
    """Make an agent."""
    if persona is not None and persona_file is not None:
        raise UserError("Give --persona or --persona-file, not both.")
    if persona_file is not None:
        persona = _read(persona_file)
    settings = load_settings()
    run(_create(settings, name, persona, human, block or []))
    print(f"Created the agent '{name}'. Talk with it: reverie chat --agent '{name}'")


async def _create(
    settings: "Settings", name: str, persona: str | None, human: str, labels: list[str]
) -> None:
    from bot.intake import PERSONA
    from memory.agents import named_id
    from memory.births import BLOCKS
    from memory.core import LIMIT
    from memory.types import Birth, Block
    from memory.words import sanitise

    name = _good_name(name)
    for label in labels:
        if not LABEL.fullmatch(label) or label in BLOCKS or labels.count(label) > 1:
            raise UserError(
                f"--block {label}: a block needs a name of its own, of letters, digits and -_.:"
            )
    persona = sanitise(persona).strip() if persona is not None else PERSONA
    if not persona:
        raise UserError(
            "The persona is empty. Say in a sentence who the agent is, or leave it out."
        )
    birth = Birth(
        id=named_id(name), name=name, kind="named", persona=persona, human=sanitise(human)
    )
    async with opened_home(settings, read_only=False) as home:
        agent, fresh = await home.store.ensure(birth)
        if not fresh:
            raise UserError(f"There is an agent '{name}' already. Choose another name.")
        for label in labels:
            await home.store.add_block(agent.id, Block(label=label, limit=LIMIT))


def _good_name(name: str) -> str:
    from memory.words import sanitise

    good = " ".join(sanitise(name).split())
    if not good or len(good) > 100 or good != name:
        raise UserError(
            "An agent's name has 1 to 100 characters, in one line, without blanks around it."
        )
    return good


def _read(path: Path) -> str:
    """A text file, or standard input for -."""
    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.") from error


@app.command(name="export")
def export_agent(
    name: Name,
    file: Annotated[Path, typer.Argument(help="Where to; - is standard output.")] = Path("-"),
) -> None:
    """All that an agent remembers, as one JSON file."""
    settings = load_settings()
    text = run(_exported(settings, name))
    if str(file) == "-":
        print(text, end="")
        return
    write_private(file, text)
    print(f"Exported '{name}' to {file} ({len(text.encode()):,} bytes, for your eyes only).")


async def _exported(settings: "Settings", name: str) -> str:
    from memory import snapshot

    async with opened_home(settings, read_only=True) as home:
        agent = await find_agent(home.store, name)
        return await snapshot.export(home.store.database, agent.id)


@app.command(name="import")
def import_agent(
    file: Annotated[Path, typer.Argument(help="An export; - is standard input.")],
    name: Annotated[str | None, typer.Option(help="Import it under another name.")] = None,
) -> None:
    """Take an export in: it is verified, then written whole or not at all."""
    settings = load_settings()
    text = _read(file)
    agent, tally = run(_imported(settings, text, _good_name(name) if name is not None else None))
    print(
        f"Imported '{agent.name}': {tally.facts} facts, {tally.passages} passages,"
        f" {tally.messages} messages, {tally.changes} changes."
    )


async def _imported(settings: "Settings", text: str, name: str | None) -> "tuple[Agent, Tally]":
    from bot.cli.show import progress
    from memory import snapshot

    async with opened_home(settings, read_only=False) as home:
        with progress("importing") as told:
            agent = await snapshot.restore(home.store.database, text, name=name, progress=told)
        return agent, await _tally(home, agent)


@app.command()
def delete(name: Name, yes: Yes = False) -> None:
    """Delete an agent with everything that it remembers. This cannot be undone."""
    settings = load_settings()
    if not yes:
        confirm(f"This deletes '{name}' with everything that it remembers, for good.", name)
    run(_delete(settings, name))
    print(f"Deleted '{name}'.")


async def _delete(settings: "Settings", name: str) -> None:
    async with opened_home(settings, read_only=False) as home:
        agent = await find_agent(home.store, name)
        await home.store.delete(agent.id)
        await home.search.forget(agent.id)
