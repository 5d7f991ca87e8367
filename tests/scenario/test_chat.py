"""`reverie chat` through pipes, offline: what a script, a shell or a broken disk may do to it."""

import resource
import shlex
import signal
import sqlite3
import subprocess
from contextlib import closing

import pytest

from memory.home import open_home
from tests.scenario.conftest import Cli, Ran
from tests.scenario.talk import talking

HELLO = "Hello. I am Reverie's offline model"


def shell(cli: Cli, script: str, **environ: str) -> Ran:
    """A line of shell, in which `reverie` is the program. It may never stumble."""
    reverie = f'reverie() {{ {shlex.join(cli.command())} "$@"; }}\n'
    done = subprocess.run(
        ["sh", "-c", reverie + script],
        cwd=cli.folder,
        env=cli.environ(**environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ran.out + ran.err
    return ran


def said(cli: Cli) -> list[tuple[str, str]]:
    """(speaker, text) of every message of a person that is kept."""
    with closing(sqlite3.connect(cli.home / "reverie.db")) as raw:
        return raw.execute(
            "SELECT speaker, text FROM messages WHERE role = 'user' ORDER BY agent_id, seq"
        ).fetchall()


# --- what it is for ---


@pytest.mark.parametrize(
    ("tells", "asks", "answer"),
    [
        (
            ["我叫张三,是一名Python开发者", "我去年开始学 Rust"],
            "你还记得我是做什么的吗?",
            "Python开发者",
        ),
        (
            ["My name is Ana and I am a baker", "I started to learn Spanish last year"],
            "Do you remember what I do for a living?",
            "a baker",
        ),
    ],
)
def test_the_next_process_knows_what_the_last_was_told(
    cli: Cli, tells: list[str], asks: str, answer: str
) -> None:
    chat = ("chat", "--agent", "MyAssistant")
    first = cli(*chat, stdin="".join(f"{line}\n" for line in tells))
    assert first.code == 0
    assert "created: the agent 'MyAssistant'" in first.err
    assert all(line in reply for line, reply in zip(tells, first.out.splitlines(), strict=True))
    second = cli(*chat, stdin=f"{asks}\n")
    assert second.code == 0
    assert answer in second.out
    assert "created" not in second.err
    shown = cli.ok("memory", "show", "--agent", "MyAssistant").out.splitlines()
    for line in tells:
        (fact,) = [row.split("\t") for row in shown if line in row]
        assert fact[1] == line
        assert "(#" in fact[3]  # the number of the message it is from


def test_a_file_of_many_lines_is_answered_line_by_line(cli: Cli) -> None:
    lines = [f"I like number {n}" if n % 2 else f"我喜欢数字{n}" for n in range(40)]
    (cli.folder / "lines.txt").write_text("\n\n".join(lines), encoding="utf-8")
    ran = shell(cli, "reverie chat < lines.txt")
    assert ran.code == 0
    assert all(line in reply for line, reply in zip(lines, ran.out.splitlines(), strict=True))
    assert [text for _, text in said(cli)] == lines


# --- odd input ---


def test_bytes_that_are_hardly_text(cli: Cli) -> None:
    odd = [
        (b"nul\0 in the middle", "nul in the middle"),
        (b"caf\xe9 \xff\xfe", "caf� ��"),
        (b"\xed\xa0\x80 half a pair", "��� half a pair"),
        ("😀👨‍👩‍👧🇨🇳".encode(), "😀👨‍👩‍👧🇨🇳"),
        (b"\x1b[31mred\x07\r", "[31mred"),
        ("\u202e反着写\u200b".encode(), "\u202e反着写\u200b"),
        (b"! What a day", "! What a day"),
        (b"I like tea", "I like tea"),
    ]
    nothing = [b"", b"   ", b"\t \r", b"\0\0", "\u3000".encode(), b"\x00 \x1b"]
    with talking(cli, "--json") as talk:
        for raw, kept in odd:
            talk.tell(*nothing, raw)
            assert talk.record("reply")["text"]
            assert said(cli)[-1][1] == kept
        assert talk.end() == 0
    assert len(said(cli)) == len(odd)


def test_long_lines(cli: Cli) -> None:
    with talking(cli, "--json") as talk:
        assert "Saved: “I like very" in talk.ask("I like " + "very " * 200_000 + "long texts")
        talk.tell("很" * 3_000_000)
        refusal = talk.record("error")["text"]
        assert "3,000,000 characters" in refusal
        assert "in parts" in refusal
        assert talk.ask("I live in Oslo") == "Saved: “I live in Oslo”"
        assert talk.end() == 0
    assert [len(text) for _, text in said(cli)] == [1_000_017, 14]


def test_records_with_ids_speakers_and_times(cli: Cli) -> None:
    with talking(cli, "--json", REVERIE_TIMEZONE="UTC") as talk:
        talk.tell(
            {"text": "I moved to Rome", "id": "a", "speaker": "Ana", "at": "2024-05-03T10:00"}
        )
        assert talk.record("accepted")["id"] == "a"
        first = talk.record("reply")
        assert first["answers"] == ["a"]
        assert "again" not in first
        assert "2024-05-03" in talk.ask({"text": "Where did I move to?", "speaker": "Ana"})
        assert "Rome" not in talk.ask({"text": "Where did I move to?", "speaker": "Bo"})
        talk.tell({"text": "I moved to Rome", "id": "a", "speaker": "Ana"})
        assert talk.record("reply") == first | {"again": True}
        assert talk.end() == 0
    assert sorted(who for who, _ in said(cli)) == ["Ana", "Ana", "Bo"]
    with talking(cli, "--json") as talk:  # the id is known to every later process too
        talk.tell({"text": "I moved to Rome", "id": "a", "speaker": "Ana"})
        assert talk.record("reply") == first | {"again": True}
        assert talk.end() == 0


def test_times_that_are_none_poison_nothing(cli: Cli) -> None:
    with talking(cli, "--json") as talk:
        for at in (
            *("9999-99-99", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"),
            *("0001-01-01", "5", "昨天", "\ud800", "2024-02-30"),
        ):
            talk.tell({"text": "I like tea", "at": at})
            assert "'at' must be a time" in talk.record("error")["text"]
        assert talk.ask("I like jam") == "Saved: “I like jam”"
        assert talk.end() == 0
    assert [text for _, text in said(cli)] == ["I like jam"]


def test_records_that_are_odd(cli: Cli) -> None:
    with talking(cli, "--json") as talk:
        talk.tell({"text": "half a pair \ud800", "id": "x\ud800", "speaker": "\udfff安娜"})
        assert talk.record("reply")["answers"] == ["x"]
        talk.tell({"text": "\ud800\0", "id": "nothing"}, {"text": ""}, {"text": " "})
        assert HELLO in talk.ask({"text": "hello", "id": "\ud800", "at": ""})
        for line in ('{"text": 5}', "[1, 2]", "null", '{"text"', "{}", "[" * 100_000):
            assert talk.ask(line)
        assert talk.ask({"text": "/quit"})  # in a record it is what somebody said
        assert talk.end() == 0
    kept = said(cli)
    assert ("安娜", "half a pair") in kept
    mine = [text for who, text in kept if who != "安娜"]
    assert mine[:5] == ["hello", '{"text": 5}', "[1, 2]", "null", '{"text"']
    assert mine[5:] == ["{}", "[" * 100_000, "/quit"]


# --- pipes that end, or are none ---


@pytest.mark.parametrize("script", ["reverie chat <&-", "reverie chat --json < /dev/null"])
def test_no_input_is_no_trouble(cli: Cli, script: str) -> None:
    ran = shell(cli, script)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("reverie: offline")


def shown_later(cli: Cli) -> str:
    """What the next process shows by itself. Nothing is left to show after it."""
    later = cli("chat", stdin="/quit\n")
    assert later.code == 0
    with closing(sqlite3.connect(cli.home / "reverie.db")) as raw:
        assert raw.execute("SELECT DISTINCT state FROM outbox").fetchall() == [("sent",)]
    return later.out


def test_a_reader_that_has_had_enough_gets_the_rest_next_time(cli: Cli) -> None:
    with subprocess.Popen(
        cli.command("chat"),
        cwd=cli.folder,
        env=cli.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"I like jam\n")
        process.stdin.flush()
        assert process.stdout.readline().decode() == "Saved: “I like jam”\n"
        process.stdout.close()  # as head -1 does
        process.stdin.write(b"I like ham\nI like yam\n")
        process.stdin.close()
        told = process.stderr.read().decode()
    assert process.returncode == 3
    assert told.endswith("1 answer not shown yet: kept, and taken up the next time I run.\n")
    assert shown_later(cli) == "Saved: “I like ham”\n"


@pytest.mark.parametrize("where", ["> /dev/full", ">&-"])
def test_an_answer_that_cannot_be_written_is_shown_next_time(cli: Cli, where: str) -> None:
    ran = shell(cli, f"echo I like ham | reverie chat {where}")
    assert (ran.code, ran.out) == (3, "")
    assert "1 answer not shown yet: kept" in ran.err
    assert shown_later(cli) == "Saved: “I like ham”\n"


@pytest.mark.parametrize("script", ["reverie chat 2>&-", "reverie chat 2> /dev/full"])
def test_remarks_that_nobody_can_read_stop_nothing(cli: Cli, script: str) -> None:
    ran = shell(cli, f"printf '我喜欢茶\\n/memory forget 茶\\n/fly\\n' | {script}")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "已记住:“我喜欢茶”"
    assert len(ran.out.splitlines()) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_waits_for_a_line(cli: Cli, number: signal.Signals) -> None:
    with talking(cli, "--json") as talk:
        assert talk.ask("I like tea") == "Saved: “I like tea”"
        talk.signal(number)
        assert talk.end(hang_up=False) == 0
    assert "not answered" not in talk.out.all() + talk.err.all()


# --- commands ---


def test_commands_between_messages(cli: Cli) -> None:
    with talking(cli) as talk:
        talk.tell("/help")
        talk.out.until("/memory undo")
        talk.tell("/帮助")
        talk.out.until("撤销上一次改动")
        talk.tell("/fly")
        assert "/memory" in talk.err.until("There is no command /fly")
        talk.tell("/飞")
        talk.err.until("没有 /飞 这个命令")
        talk.tell("/create --name Ada --persona “I am Ada.”", "I like tea", "/memory")
        talk.err.until("created: the agent 'Ada'")
        assert talk.out.until("I am Ada.").startswith("#1")
        assert "(#" in talk.out.until("I like tea\t")
        talk.tell("/create --name Ada")
        talk.err.until("an agent 'Ada' already")
        talk.tell("/search tea")
        talk.out.until("I like tea")
        talk.tell("/agents")
        talk.out.until("Ada  (named)")
        talk.tell("/memory forget tea", "/memory undo")
        talk.out.until("Took back")
        talk.tell("/quit", "I like rum")
        assert talk.end(hang_up=False) == 0
    assert [text for _, text in said(cli)] == ["I like tea"]


def test_commands_answer_in_records_too(cli: Cli) -> None:
    with talking(cli, "--json", "--agent", "助手") as talk:
        assert "'助手'" in talk.record("created")["text"]
        talk.tell("我喜欢茶", "/memory", "/search 茶", "/agents", "/help", "/nothing")
        assert talk.record("saved")["text"].endswith("我喜欢茶")
        facts = [talk.record("fact") for _ in range(3)]
        assert (facts[2]["text"], facts[2]["source"]["text"]) == ("我喜欢茶", "我喜欢茶")
        assert "助手" in talk.record("text")["text"]
        assert "/memory" in talk.record("text")["text"]
        assert "/nothing" in talk.record("error")["text"]
        assert talk.end() == 0
    assert all(line.startswith('{"type": ') for line in talk.out.lines)


# --- the home and its disk ---


def test_a_second_process_on_the_same_home(cli: Cli) -> None:
    with talking(cli, "--json") as talk:
        assert talk.ask("I like tea")
        for command in ("chat", "run"):
            assert "Another Reverie process is using" in cli.refused(command, stdin="hello\n")
        assert talk.ask("I like jam") == "Saved: “I like jam”"
        assert talk.end() == 0
    open_home(cli.home).release()


def test_homes_that_cannot_be_written(cli: Cli) -> None:
    told = cli.refused("chat", stdin="hello\n", REVERIE_HOME="/proc/reverie")
    assert "/proc/reverie cannot be used" in told
    full = shell(cli, "ulimit -f 0; echo I like tea | reverie chat")
    assert (full.code, full.out) == (1, "")
    assert full.err.startswith("reverie: The database")
    assert "has room" in full.err
    assert cli("chat", stdin="I like tea\n").out == "Saved: “I like tea”\n"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits a running process")
def test_a_disk_that_fills_up_and_is_cleared(cli: Cli) -> None:
    with talking(cli, "--json") as talk:
        assert talk.ask("I like tea")
        talk.room(0)
        for line in ("I live in Oslo", "/memory add 我喜欢茶"):
            talk.tell(line)
            assert "Check that the disk has room" in talk.record("error")["text"]
        talk.tell("/memory")
        assert talk.record("fact")["block"] == "persona"  # what is there can still be read
        talk.room(resource.RLIM_INFINITY)
        talk.tell({"text": "I live in Oslo", "id": "again"})
        assert "Oslo" in talk.out.until('"answers": ["again"]')
        assert talk.end() == 0
    assert [text for _, text in said(cli)] == ["I like tea", "I live in Oslo"]
