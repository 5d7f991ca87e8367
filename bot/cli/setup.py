"""`reverie init`, `doctor`, `migrate` and `reindex`: setting up, and looking after it."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import AsJson, Yes, load_settings, opened_home, run, write_private
from bot.errors import ConfigError, UserError

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.llm.probe import LocalServer

BASE_URL, MODEL, API_KEY = "REVERIE_LLM_BASE_URL", "REVERIE_LLM_MODEL", "REVERIE_LLM_API_KEY"


def init(
    base_url: Annotated[str | None, typer.Option(help="Of an OpenAI-compatible endpoint.")] = None,
    model: Annotated[str | None, typer.Option(help="The model's name there.")] = None,
    api_key: Annotated[str | None, typer.Option(help="Its key, if it wants one.")] = None,
    yes: Yes = False,
) -> None:
    """Write the settings of a model to .env in this folder."""
    values = {BASE_URL: base_url, MODEL: model, API_KEY: api_key}
    chosen = {name: value.strip() for name, value in values.items() if value and value.strip()}
    if not all(value.isprintable() for value in chosen.values()):
        raise ConfigError("A setting has characters that cannot be printed. Type it again.")
    if not yes and (sys.stdin is None or not sys.stdin.isatty()):
        raise UserError(
            "init asks questions, and nobody is here to answer. Give --model, --base-url and"
            " --api-key as needed, and --yes."
        )
    if not chosen:
        chosen = _offered(yes)
    if not chosen:
        print("No model set: the embedded offline one answers. It needs no settings.")
        return
    file = Path.cwd() / ".env"
    before = _lines(file)
    text = "\n".join([*_merged(before, chosen), ""])
    _check(text)
    if not _may_replace(before, chosen, yes):
        print("Nothing was changed.")
        return
    write_private(file, text)
    print(f"Wrote {', '.join(chosen)} to {file}. `reverie doctor` tries them.")


def _offered(yes: bool) -> dict[str, str]:
    """What is chosen from the servers on this machine, or typed. Empty: the offline model."""
    from bot.llm.probe import find_local

    print("Looking for model servers on this machine …")
    choices = [(server, model) for server in run(find_local()) for model in server.models]
    if yes:
        return _settings_of(*choices[0]) if choices else {}
    print("Which model shall answer?")
    for number, (server, model) in enumerate(choices, start=1):
        print(f"  {number}. {model} ({server.kind}, {server.base_url})")
    other, offline = len(choices) + 1, len(choices) + 2
    print(f"  {other}. another OpenAI-compatible endpoint")
    print(f"  {offline}. none: the offline model, which keeps and finds, and cannot reason")
    number = typer.prompt("Number", type=int, default=1 if choices else offline)
    if not 1 <= number <= offline:
        raise UserError(f"There is no choice {number}. Nothing was changed.")
    if number == offline:
        return {}
    return _asked() if number == other else _settings_of(*choices[number - 1])


def _settings_of(server: "LocalServer", model: str) -> dict[str, str]:
    return {BASE_URL: server.base_url, MODEL: model}


def _asked() -> dict[str, str]:
    base_url = typer.prompt("Address, such as https://api.openai.com/v1")
    model = typer.prompt("Model")
    key = typer.prompt("Key (empty where none is needed)", default="", hide_input=True)
    values = {BASE_URL: base_url.strip(), MODEL: model.strip(), API_KEY: key.strip()}
    return {name: value for name, value in values.items() if value}


def _check(text: str) -> None:
    """Raises ConfigError where these lines of .env could not be used, or name no model."""
    from io import StringIO

    from dotenv import dotenv_values

    from bot.config import Settings

    values = dotenv_values(stream=StringIO(text))
    if Settings.from_env({name: value or "" for name, value in values.items()}).offline:
        raise ConfigError("No model is named. Give --model too, such as --model qwen3:8b.")


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {error}. Move it away, then try again.") from error


def _sets(line: str) -> str | None:
    """The name of the variable that a line of .env sets."""
    found = re.match(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", line)
    return found[1] if found else None


def _may_replace(before: list[str], chosen: Mapping[str, str], yes: bool) -> bool:
    there = set(map(_sets, before))
    replaced = ", ".join(name for name in chosen if name in there)
    return not replaced or yes or typer.confirm(f".env sets {replaced} already. Replace?")


def _merged(before: list[str], chosen: Mapping[str, str]) -> list[str]:
    """The file's lines, with the chosen settings in their old places or at the end."""
    kept: list[str] = []
    left = dict(chosen)
    for line in before:
        name = _sets(line)
        if name not in chosen:
            kept.append(line)
        elif name in left:
            kept.append(f"{name}={_quoted(left.pop(name))}")
    return kept + [f"{name}={_quoted(value)}" for name, value in left.items()]


def _quoted(value: str) -> str:
    if re.fullmatch(r"[\w.:/@%+,-]+", value, re.ASCII):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def doctor(as_json: AsJson = False) -> None:
    """Check everything, and say what to do about what is wrong."""
    from bot.cli.doctor import FAIL, examine, report

    checks = run(examine())
    report(checks, as_json=as_json)
    if any(check.state == FAIL for check in checks):
        raise typer.Exit(1)


def migrate() -> None:
    """Bring the database's tables up to this version."""
    settings = load_settings()
    before, after = run(_migrated(settings))
    if before == after:
        print(f"The database is up to date (schema {after}).")
    else:
        print(f"Migrated the database from schema {before} to {after}.")


async def _migrated(settings: "Settings") -> tuple[int, int]:
    import sqlite3

    from memory.database.sqlite import schema_version

    try:
        before = schema_version(settings.database_path)
    except sqlite3.Error:  # not a database: opening it says so
        before = 0
    async with opened_home(settings, read_only=False):
        return before, schema_version(settings.database_path)


def reindex() -> None:
    """Make vectors for what has none, and build the search indexes anew."""
    settings = load_settings()
    print(run(_reindexed(settings)))


async def _reindexed(settings: "Settings") -> str:
    from bot.app import build_embedder
    from bot.cli.show import progress

    embedder = build_embedder(settings)
    if embedder is None:
        return "Search is by words only, so there is nothing to index. `reverie doctor` says why."
    async with opened_home(settings, read_only=False, embedder=embedder) as home:
        with progress("embedding") as told:
            rows = await home.search.reindex(told)
    return f"Made vectors for {rows:,} texts, and built the indexes anew."
