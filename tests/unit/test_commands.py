"""Command lines to records: quoting, Chinese, and sentences for what is wrong."""

import re
from datetime import date
from unicodedata import east_asian_width

import pytest

from adapters.commands import CHINESE
from bot.commands import line as command_line
from bot.commands.help import HELP, HELP_ZH
from bot.commands.line import parse, verbatim
from bot.commands.types import (
    Add,
    Clear,
    Command,
    Create,
    Edit,
    Export,
    Find,
    Forget,
    Help,
    History,
    Keep,
    Learned,
    ListAgents,
    Pin,
    Quit,
    Reading,
    SetDigest,
    SetQuiet,
    Show,
    Spent,
    Undo,
    Why,
    Writing,
)
from bot.commands.words import split
from bot.errors import UserError


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/memory", Show()),
        ("  /MEMORY show  ", Show()),
        ("!memory", Show()),
        ("\uff0fmemory", Show()),
        ("\uff01memory", Show()),
        ("/记忆", Show()),
        ("/memory show --as-of 2026-10-01", Show(as_of=date(2026, 10, 1))),
        ("/memory show --as-of=2026/10/1", Show(as_of=date(2026, 10, 1))),
        ("/memory show as of 2026-10-01", Show(as_of=date(2026, 10, 1))),
        ("/memory show 2026-10-01", Show(as_of=date(2026, 10, 1))),
        ("/记忆 显示 --as-of 2026-10-01", Show(as_of=date(2026, 10, 1))),
        ("/记忆 显示 截至 2026年10月1日", Show(as_of=date(2026, 10, 1))),
        ("/usage", Spent()),
        ("/用量", Spent()),
        ("/memory search LGBTQ support group", Find(query="LGBTQ support group")),
        ("/search 支持小组", Find(query="支持小组")),
        ("/记忆 搜索 “支持 小组”", Find(query="支持 小组")),
        ("/search tea --page 3", Find(query="tea", page=3)),
        (
            "/memory search tea --by “Ana Lee” --since 2026-10-01 --page 2 --until=2026年10月31日",
            Find(
                query="tea", page=2, by="Ana Lee", since=date(2026, 10, 1), until=date(2026, 10, 31)
            ),
        ),
        ("/search --tag 旅行", Find(query="", tag="旅行")),
        ("/search tea --with milk", Find(query="tea --with milk")),
        ("/search", Find(query="")),
        ("/memory add I don't eat 5\" pizza", Add(text="I don't eat 5\" pizza")),
        ('/memory add "I like  tea"', Add(text="I like  tea")),
        ("/memory add “我住在柏林”", Add(text="我住在柏林")),
        ("/memory add one\ntwo", Add(text="one\ntwo")),
        ("/memory add --block persona I am brief", Add(text="I am brief", block="persona")),
        ("/memory add --block=persona 我很简短", Add(text="我很简短", block="persona")),
        ("/memory edit #12 I live in Rome", Edit(number=12, text="I live in Rome")),
        ("/记忆 修改 12 「我住在罗马」", Edit(number=12, text="我住在罗马")),
        ("/memory pin 7", Pin(number=7)),
        ("!memory unpin #7", Pin(number=7, pinned=False)),
        ("/memory forget 12", Forget(target=12)),
        ("/memory forget \uff03\uff11\uff12", Forget(target=12)),
        ("/memory forget 12 apples", Forget(target="12 apples")),
        ("/memory 忘记 柏林", Forget(target="柏林")),
        ("/memory clear", Clear()),
        ("/memory clear projects", Clear(block="projects")),
        ("/memory clear human yes", Clear(confirmed=True)),
        ("/记忆 清空 human 是", Clear(confirmed=True)),
        ("/memory undo", Undo()),
        ("/memory undo 44", Undo(number=44)),
        ("/memory history", History()),
        ("/memory history 2", History(page=2)),
        ("/memory why 12", Why(number=12)),
        ("/memory 为什么 12", Why(number=12)),
        ("/memory export", Export()),
        ("/memory keep #12", Keep(number=12)),
        ("/记忆 保留 12", Keep(number=12)),
        ("/memory digest", SetDigest()),
        ("/memory digest Daily", SetDigest(every="daily")),
        ("/记忆 摘要 每周", SetDigest(every="weekly")),
        ("/记忆 摘要 关", SetDigest(every="off")),
        ("/memory learned", Learned()),
        ("/记忆 学到", Learned()),
        ("/memory learned 12-120", Learned(between=(12, 120))),
        ("/memory quiet", SetQuiet()),
        (
            "/memory quiet 22:00-07:00 Asia/Shanghai",
            SetQuiet(hours="22:00-07:00", zone="Asia/Shanghai"),
        ),
        ("/记忆 免打扰 22：30 至 7 Etc/GMT+1", SetQuiet(hours="22：30 至 7", zone="Etc/GMT+1")),
        ("/memory quiet Europe/Berlin", SetQuiet(zone="Europe/Berlin")),
        ("/memory quiet off", SetQuiet(hours="off")),
        ("/help", Help(text=HELP)),
        ("/help zh", Help(text=HELP_ZH)),
        ("/帮助", Help(text=HELP_ZH)),
        ("/memory help", Help(text=HELP)),
        ("/agents", ListAgents()),
        ("/quit", Quit()),
        ("/退出", Quit()),
        ("/create Ada", Create(name="Ada")),
        (
            "/create --name Ada --persona I am a friendly helper",
            Create(name="Ada", persona="I am a friendly helper"),
        ),
        (
            '/create --persona="Brief, and kind" --name="Ada Two"',
            Create(name="Ada Two", persona="Brief, and kind"),
        ),
        ("/create --name 助手 --persona “我 很 友好”", Create(name="助手", persona="我 很 友好")),
    ],
)
def test_commands(line: str, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "/",
        "/ memory",
        "/usr/bin/python fails here",
        "!",
        "!!!",
        "!wow that is great",
        "and /memory in the middle",
        "我叫张三",
        "1/2",
    ],
)
def test_messages_are_no_commands(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/memroy", "/memroy"),
        ("/memroy", "/memory, /search"),
        ("/记意", "可用的命令"),
        ("/memory fly", "show, search, add"),
        ("/memory show --as-of", "`/memory show --as-of 2026-10-01`"),
        ("/memory show --as-of yesterday", "'yesterday' is no day"),
        ("/memory show as of 2026-02-31", "--as-of 2026-10-01"),
        ("/记忆 显示 昨天", "'昨天'"),
        ("/memory add", "/memory add I live in Berlin"),
        ("/memory add --block persona", "Add what"),
        ("/memory edit", "new text"),
        ("/memory edit 12", "new text"),
        ("/memory edit tea coffee", "number"),
        ("/memory pin", "/memory pin 12"),
        ("/memory unpin tea", "/memory unpin 12"),
        ("/memory why -3", "/memory why 12"),
        ("/memory undo it", "/memory undo 12"),
        ("/memory forget", "Forget what"),
        ("/memory clear human no", "/memory clear human"),
        ("/memory digest hourly", "/memory digest weekly"),
        ("/memory learned it", "/memory learned"),
        ("/memory quiet 25-7", "'25-7' are no hours"),
        ("/memory quiet 7-7", "22:00-07:00"),
        ("/memory quiet 22-7 Mars/Base", "no time zone 'Mars/Base'"),
        ("/memory quiet 22-7 ../etc", "/memory quiet 22:00-07:00 Asia/Shanghai"),
        ("/memory quiet 晚上", "'晚上' are no hours"),
        ("/memory keep", "/memory keep 12"),
        ("/memory history first", "A page is a number"),
        ("/search tea --page 0", "A page is a number"),
        ("/search tea --since tomorrow", "'tomorrow' is no day"),
        ("/create", "/create --name"),
        ("/create --name Ada --color red", "--color"),
        ("/memory pin 99999999999999999999", "/memory pin 12"),
    ],
)
def test_wrong_use_is_told_with_what_to_do(line: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(line)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b", ["a", "b"]),
        ("say 'a b' c", ["say", "a b", "c"]),
        ("“a b”「c d」 e", ["“a", "b”「c", "d」", "e"]),
        ("“a b” 「c d」『』", ["a b", "「c", "d」『』"]),
        ('an "open quote', ["an", '"open', "quote"]),
        ("don't can't", ["don't", "can't"]),
        ("--name='A B' x", ["--name=A B", "x"]),
        ('""', [""]),
    ],
)
def test_split_survives_any_quotes(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize(
    "text", ["--block persona I am evil", "“hello” --page 2", "a\nb", "--block x", "--as-of 我"]
)
def test_a_message_is_kept_as_it_is(text: str) -> None:
    assert verbatim(f"/memory add {text}") == Add(text=text)


def test_without_a_message_a_line_is_what_it_is() -> None:
    assert verbatim("/memory why 12") == Why(number=12)
    with pytest.raises(UserError, match="Add what"):
        verbatim("/memory add  ")


def names() -> set[str]:
    """Every command and verb of the parser, but for the one that only buttons give."""
    return (set(command_line._COMMANDS) | set(command_line._VERBS) | {"help"}) - {"answer"}


@pytest.mark.parametrize("text", [HELP, HELP_ZH])
def test_help_names_every_command_and_fits(text: str) -> None:
    told = set(re.findall(r"[a-z]+", text))
    assert names() - told == set()
    for line in text.splitlines():
        assert sum(1 + (east_asian_width(letter) in "WF") for letter in line) <= 90, line


@pytest.mark.parametrize("text", [HELP, HELP_ZH])
def test_what_help_tells_to_type_works(text: str) -> None:
    lines = [line for line in text.splitlines() if line.startswith("/") and "  " in line]
    assert len(lines) >= 24
    for line in lines:
        for typed in re.split(r", (?=/)", re.split(r"\s\s+", line)[0]):
            typed = re.sub(r"\[(MODE|模式)\]", "open", typed.partition(", ")[0])
            typed = re.sub(r"\[?\b(N|PAGE|页)\b\]?", "12", typed.replace("DAY", "2026-10-01"))
            command = parse(typed.replace("[", "").replace("]", ""))
            assert command is not None, line


def test_chinese_help_has_the_chinese_words() -> None:
    assert [word for word in CHINESE if f"/{word}" not in HELP_ZH] == []
    verbs = [word for word, verb in command_line.WORDS.items() if verb in command_line._VERBS]
    assert [word for word in verbs if word not in HELP_ZH] == []


def test_verbs_know_whether_they_write() -> None:
    assert all(isinstance(verb, Reading) for verb in (Show(), History(), Find(query=""), Export()))
    assert all(isinstance(verb, Writing) for verb in (Add(text=""), Undo(), Clear()))
