"""What commands share: options, settings, the open home, and the agent that is meant."""

import asyncio
import getpass
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.errors import ConfigError, ReverieError, UserError
from memory.errors import MemoryFault, NotFound

if TYPE_CHECKING:
    import logging

    from bot.app import App
    from bot.config import Settings
    from memory.ports import Embedder
    from memory.store import Store
    from memory.types import Agent

T = TypeVar("T")

PLATFORM, SPACE = "terminal", "local"  # where the persons of this terminal are from

AgentName = Annotated[
    str | None, typer.Option("--agent", "-a", metavar="NAME", help="Whose; without it, your own.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON records, one a line.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def load_settings() -> "Settings":
    """From the environment and `.env` in this folder. Raises ConfigError."""
    import logging

    from bot.config import Settings

    try:
        settings = Settings.load()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The file .env in this folder cannot be read: {error}. Make it a readable UTF-8 file."
        ) from error
    logging.basicConfig(level=settings.log_level, format="reverie: %(levelname)s: %(message)s")
    if settings.log_level != "DEBUG":
        for handler in logging.getLogger().handlers:
            handler.addFilter(_without_traceback)
    return settings


def _without_traceback(record: "logging.LogRecord") -> bool:
    """A traceback is for whoever asked for it; others get the error's name and where to ask."""
    if record.exc_info and record.exc_info[0] is not None:
        name = record.exc_info[0].__name__
        record.msg = f"{record.msg} ({name}; REVERIE_LOG_LEVEL=DEBUG tells more)"
        record.exc_info = None
    return True


def application_of(settings: "Settings") -> str:
    """The application's id, which a Discord token begins with. Raises UserError."""
    from base64 import urlsafe_b64decode

    if settings.discord_token is None:
        raise UserError("Which application? Set DISCORD_TOKEN, or give --application ID.")
    first = settings.discord_token.get_secret_value().partition(".")[0]
    try:
        return urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except ValueError:
        raise UserError(
            "DISCORD_TOKEN does not look like a bot's token. Give --application ID instead."
        ) from None


def user() -> str:
    """What the person at this terminal is called."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in containers
        return "me"


def run(work: Coroutine[object, object, T]) -> T:
    """Run a command's coroutine. Of a group of failures, the first that has a sentence goes up."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        error: BaseException = group.subgroup((ReverieError, MemoryFault)) or group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group


@asynccontextmanager
async def opened_home(
    settings: "Settings", *, read_only: bool, embedder: "Embedder | None" = None
) -> "AsyncIterator[App]":
    """The open App. read_only works beside another process, and wants a home that is there."""
    from bot.app import opened

    if read_only:
        if not settings.database_path.exists():
            raise UserError(
                f"There is no memory in {settings.home} yet. `reverie chat` begins one;"
                " REVERIE_HOME chooses another home."
            )
        read_only = is_current(settings.database_path)  # else it is migrated first, or refused
    async with opened(settings, embedder=embedder, read_only=read_only) as app:
        yield app


def is_current(path: Path) -> bool:
    """Whether a database has exactly the tables that this version knows."""
    import sqlite3

    from memory.database.sqlite import schema_version
    from memory.schema import MIGRATIONS

    try:
        return schema_version(path) == len(MIGRATIONS)
    except sqlite3.Error:  # no database at all: opening it says so
        return False


async def find_agent(store: "Store", name: str | None) -> "Agent":
    """The agent of this name or id; without one, the person's own. Raises UserError."""
    from memory.agents import identity_id

    if name is not None:
        found = await store.named(name)
        if found is not None:
            return found
    try:
        own = (await store.homes(identity_id(PLATFORM, SPACE, user())))[0]
        return await store.agent(name or own)
    except NotFound:
        there = ", ".join(agent.name for agent in await store.agents()) or "none yet"
        meant = f"agent '{name}'" if name is not None else f"agent of yours ({user()}) yet"
        raise UserError(
            f"There is no {meant}. Agents: {there}. Choose one with its name, or make one:"
            " `reverie agents create NAME`."
        ) from None


def confirm(question: str, *words: str) -> None:
    """Have one of the words typed. Raises UserError for anything else, or where nobody can type."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UserError(f"{question} Nobody is here to confirm it: add --yes.")
    typed = input(f"{question} Type {' or '.join(repr(word) for word in words)} to go on: ")
    if typed.strip() not in words:
        raise UserError("Nothing was done: that was not the word.")


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner's eyes only. Raises UserError."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise UserError(f"{path} is not a file. Give a file's name, or - for standard output.")
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except OSError as error:
        if name is not None:
            with suppress(OSError):
                os.unlink(name)
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from error
