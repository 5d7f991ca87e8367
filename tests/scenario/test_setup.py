"""init, doctor, migrate and reindex: what an operator runs first, and when something is wrong."""

import asyncio
import sqlite3
import stat
from contextlib import closing

from bot.testing.fake_openai import FakeOpenAI
from memory.home import open_home
from memory.schema import MIGRATIONS
from tests.scenario.conftest import Cli, Ran


def checks(ran: Ran) -> dict[str, tuple[str, str]]:
    return {record["name"]: (record["state"], record["text"]) for record in ran.records}


# --- init ---


def test_init_writes_a_private_file_and_keeps_other_lines(cli: Cli) -> None:
    file = cli.folder / ".env"
    file.write_text("# mine\nOTHER_TOKEN=xoxb\nexport REVERIE_LLM_MODEL=old\n", encoding="utf-8")
    said = cli.ok(
        *("init", "--base-url", "http://127.0.0.1:9/v1", "--model", "千问 3"),
        *("--api-key", "it's #1", "--yes"),
    ).out
    assert "REVERIE_LLM_BASE_URL, REVERIE_LLM_MODEL, REVERIE_LLM_API_KEY" in said
    assert "#1" not in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text(encoding="utf-8").splitlines() == [
        "# mine",
        "OTHER_TOKEN=xoxb",
        "REVERIE_LLM_MODEL='千问 3'",
        "REVERIE_LLM_BASE_URL=http://127.0.0.1:9/v1",
        "REVERIE_LLM_API_KEY='it\\'s #1'",
    ]
    model = checks(cli("doctor", "--json"))["model"]
    assert model == ("FAIL", "The model at 127.0.0.1:9 cannot be reached.")


def test_init_refuses_what_could_not_work(cli: Cli) -> None:
    assert "--yes" in cli.refused("init", "--model", "m")
    assert "neither an address nor a key" in cli.refused("init", "--model", "m", "--yes")
    assert "No model is named" in cli.refused("init", "--api-key", "k", "--yes")
    told = cli.refused("init", "--base-url", "nowhere", "--model", "m", "--yes")
    assert "http://" in told
    assert "printed" in cli.refused("init", "--model", "a\nB=c", "--api-key", "k", "--yes")
    assert not (cli.folder / ".env").exists()


# --- doctor ---


def test_doctor_in_a_new_folder_finds_nothing_wrong(cli: Cli) -> None:
    ran = cli("doctor", "--json")
    found = checks(ran)
    assert ran.code == 0
    assert [name for name, (state, _) in found.items() if state == "FAIL"] == []
    assert found["model"][0] == "warn"
    assert "cannot reason" in found["model"][1]
    assert found["home"] == ("ok", f"{cli.home} will be made")
    assert found["embeddings"] == ("ok", "search is by words only: REVERIE_EMBEDDING=off")
    assert {"python", "sqlite", "packages", "settings", "tools", "lock", "index"} < set(found)
    assert not cli.home.exists()


def test_doctor_says_what_is_wrong_and_what_to_do(cli: Cli) -> None:
    cli.ok("agents", "create", "Ada")
    database = cli.home / "reverie.db"
    with open_home(cli.home):
        assert "another process" in checks(cli("doctor", "--json"))["lock"][1]
    assert checks(cli("doctor", "--json"))["database"][0] == "ok"
    with closing(sqlite3.connect(database)) as raw:
        raw.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    assert checks(cli("doctor", "--json"))["database"][0] == "FAIL"
    database.write_bytes(b"torn" * 1000)
    ran = cli("doctor")
    assert ran.code == 1
    assert "FAIL  database" in ran.out
    assert "→ Move it away" in ran.out


def test_doctor_with_settings_and_tools_that_cannot_be_used(cli: Cli) -> None:
    ran = cli("doctor", "--json", REVERIE_LLM_MODE="magic")
    assert ran.code == 1
    assert checks(ran)["settings"][0] == "FAIL"
    assert "home" not in checks(ran)
    ran = cli("doctor", "--json", REVERIE_TOOLS="no.such.module")
    assert ran.code == 1
    assert checks(ran)["tools"][0] == "FAIL"
    unwritable = cli("doctor", "--json", REVERIE_HOME="/proc/reverie")
    assert checks(unwritable)["home"][0] == "FAIL"


async def test_doctor_asks_the_endpoint(cli: Cli) -> None:
    async with FakeOpenAI(window=4096, models=("fake", "other")).running() as server:

        async def examined(**environ: str) -> Ran:
            return await asyncio.to_thread(
                cli,
                *("doctor", "--json"),
                REVERIE_LLM_BASE_URL=server.url,
                REVERIE_LLM_API_KEY="sk-secret",
                **{"REVERIE_LLM_MODEL": "fake", **environ},
            )

        ran = await examined(REVERIE_LLM_WINDOW="8192")
        found = checks(ran)
        assert ran.code == 0
        assert found["model"][0] == "ok"
        assert found["model name"] == ("ok", "fake is listed")
        assert found["window"] == ("warn", "8,192 tokens, as set")
        assert found["mode"][0] == "ok"
        unlisted = checks(await examined(REVERIE_LLM_MODEL="third"))
        assert unlisted["model name"][0] == "warn"
        assert unlisted["window"] == ("ok", "4,096 tokens")
        server.fail("401", times=-1)
        ran = await examined()
        assert ran.code == 1
        assert "REVERIE_LLM_API_KEY" in checks(ran)["model"][1]
        assert "sk-secret" not in ran.out + ran.err


# --- migrate and reindex ---


def test_migrate_says_from_and_to(cli: Cli) -> None:
    now = len(MIGRATIONS)
    assert f"from schema 0 to {now}" in cli.ok("migrate").out
    assert f"up to date (schema {now})" in cli.ok("migrate").out


def test_reindex_says_so_where_nothing_is_embedded(cli: Cli) -> None:
    said = cli.ok("reindex").out
    assert "by words only" in said
    assert "nothing to index" in said


async def test_reindex_embeds_what_was_written(cli: Cli) -> None:
    cli.ok("agents", "create", "Ada", "--human", "茶\n" + "tea " * 900)
    async with FakeOpenAI().running() as server:
        embedding = {
            "REVERIE_EMBEDDING": "openai",
            "REVERIE_EMBEDDING_BASE_URL": server.url,
            "REVERIE_EMBEDDING_MODEL": "fake",
        }

        async def run(*args: str) -> Ran:
            return await asyncio.to_thread(cli, *args, **embedding)

        long = "one fact that takes the place of the other " * 20
        assert (await run("memory", "add", "--agent", "Ada", long)).code == 0
        found = checks(await run("doctor", "--json"))
        assert found["embeddings"] == ("ok", "openai-fake, 256 dimensions")
        assert "2 texts wait" in found["index"][1]
        assert "Made vectors for 2 texts" in (await run("reindex")).out
        assert "Made vectors for 0 texts" in (await run("reindex")).out
        assert "wait" not in checks(await run("doctor", "--json"))["index"][1]
        assert any((cli.home / "index").rglob("*"))
