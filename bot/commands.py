"""Command lines as people type them in a chat: `/memory …`, `!memory …`, to typed records.

The first letter decides: a line with / or ! before a known word is a command. A quote is a quote
only where it opens a word and closes one, so that “don't” and 5" stay what they are.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.errors import UserError
from bot.phrases import chinese

HELP: Final = """\
/memory                     what I remember: facts with their number, day and source
/memory search WORDS        find facts, passages and messages (also: /search WORDS)
/memory add TEXT            remember this (--block persona: about myself)
/memory edit N TEXT         put another text in place of fact N
/memory pin N, unpin N      a pinned fact is never put away
/memory forget N            forget fact or passage N; or: forget WORDS
/memory clear BLOCK         forget all facts of a block
/memory undo [N]            take back the last change, or change N
/memory history [PAGE]      every change: when, by whom, what
/memory why N               the message that fact N was learned from
/memory export              everything that I remember, as JSON
/agents                     the agents of this home
/create --name NAME [--persona TEXT]    make an agent and talk with it
/help [zh]                  this; in Chinese
/quit                       leave
!memory and so on do the same."""

HELP_ZH: Final = """\
/memory                     我记得什么：每条事实的编号、日期和来源
/memory search 词语         查找事实、存档和消息（也可用 /search 词语）
/memory add 内容            记住这条内容（--block persona：关于我自己）
/memory edit N 内容         用新内容替换第 N 条事实
/memory pin N、unpin N      置顶的事实不会被收起
/memory forget N            忘掉第 N 条事实或存档；也可以：forget 词语
/memory clear 区块          忘掉一个区块的全部事实
/memory undo [N]            撤销上一次改动，或第 N 次改动
/memory history [页]        所有改动：时间、改动者、内容
/memory why N               第 N 条事实来自哪条消息
/memory export              以 JSON 导出我记得的一切
/agents                     列出所有 agent
/create --name 名字 [--persona 设定]    新建一个 agent 并与它对话
/help [en]                  显示帮助；英文帮助
/quit                       离开
也可以用中文：/记忆 搜索、添加、修改、置顶、取消置顶、忘记、清空、撤销、历史、为什么、导出。"""


class Command:
    """What a command line means."""

    __slots__ = ()


class Verb(Command):
    """A verb of `/memory`."""

    __slots__ = ()


class Reading(Verb):
    """A verb that changes nothing."""

    __slots__ = ()


class Writing(Verb):
    """A verb that changes memory."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Reading):
    """What is in core memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Find(Reading):
    query: str
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Reading):
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Why(Reading):
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Reading):
    """Everything, as a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Writing):
    text: str
    block: str = "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Writing):
    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin(Writing):
    number: int
    pinned: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(Writing):
    """By number, or by words that one fact has."""

    target: int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear(Writing):
    """confirmed: the person typed that they mean it."""

    block: str = "human"
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(Writing):
    number: int | None = None  # None: the last change


@dataclass(frozen=True, slots=True, kw_only=True)
class Help(Command):
    text: str = HELP


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAgents(Command):
    """The agents of this home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Command):
    name: str
    persona: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quit(Command):
    """Leave."""


def parse(line: str) -> Command | None:
    """The command of a line; None for a line that is a message.

    Raises UserError, with the commands there are, for a / that begins no known one, and for a
    known one that is used wrongly. A ! before any other word is somebody's exclamation.
    """
    found = _COMMAND.match(line)
    if found is None:
        return None
    sign, word, rest = found[1], found[2].lower(), (found[3] or "").strip()
    name = WORDS.get(word, word)
    if name == "help":
        return _help(f"{word} {rest}")
    if name in _COMMANDS:
        return _COMMANDS[name](rest)
    if sign in "!\uff01":
        return None
    if chinese(word):
        raise UserError(f"没有 /{word} 这个命令。可用的命令：{_listed()}。")
    raise UserError(f"There is no command /{word}. There are: {_listed()}.")


def split(text: str) -> list[str]:
    """Words of a text. Quotes of six kinds hold words together, if they are closed."""
    words = []
    for part in _PART.finditer(text):
        option, value = part["option"] or "", part["bare"]
        words.append(option + (value if value is not None else part["quoted"][1:-1]))
    return words


def unquoted(text: str) -> str:
    """The text without the one pair of quotes around all of it."""
    whole = _PART.fullmatch(text)
    return whole["quoted"][1:-1] if whole and whole["quoted"] and not whole["option"] else text


def number_of(word: str) -> int | None:
    """12 or #12, of any width, as a number."""
    digits = word.strip().lstrip("#\uff03")
    return int(digits) if digits.isdecimal() and len(digits) <= 15 else None


# A sign, of either width, and a word: a path has another slash, and an exclamation no word.
_SIGN = r"/!\uff0f\uff01"
_COMMAND = re.compile(rf"\s*([{_SIGN}])([^\s{_SIGN}]+)(?:\s+(.*))?\Z", re.DOTALL)
_QUOTED = "|".join(
    rf"{opening}[^{closing}]*{closing}"
    for opening, closing in ('""', "''", "“”", "‘’", "「」", "『』")
)
_PART = re.compile(rf"(?P<option>--\w+=)?(?:(?P<quoted>{_QUOTED})(?!\S)|(?P<bare>\S+))")
_PAGE = re.compile(r"(?:^|\s)--page[\s=](\S+)\s*\Z")

WORDS: Final[Mapping[str, str]] = {  # Chinese names of commands and verbs
    "记忆": "memory",
    "帮助": "help",
    "退出": "quit",
    "exit": "quit",
    "新建": "create",
    "显示": "show",
    "搜索": "search",
    "添加": "add",
    "记住": "add",
    "修改": "edit",
    "置顶": "pin",
    "取消置顶": "unpin",
    "忘记": "forget",
    "清空": "clear",
    "撤销": "undo",
    "历史": "history",
    "为什么": "why",
    "导出": "export",
}
_YES = frozenset({"yes", "是", "确认"})


def _listed() -> str:
    return ", ".join(f"/{name}" for name in (*_COMMANDS, "help"))


def _memory(rest: str) -> Command:
    word, rest = _head(rest or "show")
    name = WORDS.get(word.lower(), word.lower())
    if name == "help":
        return _help(f"{word} {rest}")
    if name not in _VERBS:
        raise UserError(
            f"/memory cannot '{word}'. It can: {', '.join(_VERBS)}. For example: /memory show"
        )
    return _VERBS[name](rest)


def _head(text: str) -> tuple[str, str]:
    """The first word, and what follows it."""
    word, *rest = text.split(maxsplit=1)
    return word, rest[0] if rest else ""


def _find(rest: str) -> Verb:
    page = _PAGE.search(rest)
    words = rest[: page.start()] if page else rest
    return Find(query=unquoted(words.strip()), page=_page(page[1]) if page else 1)


def _page(word: str) -> int:
    page = number_of(word) if word else 1
    if not page:
        raise UserError(f"A page is a number from 1 on, not '{word}'.")
    return page


def _add(rest: str) -> Verb:
    option = re.match(r"--block[\s=]+(\S+)\s*", rest)
    block = option[1] if option else "human"
    text = unquoted(rest[option.end() :] if option else rest)
    if not text.strip():
        raise UserError("Add what? For example: /memory add I live in Berlin")
    return Add(text=text, block=block)


def _edit(rest: str) -> Verb:
    word, text = _head(rest or "?")
    text = unquoted(text)
    number = number_of(word)
    if number is None or not text:
        raise UserError(
            "Edit takes a fact's number and its new text. For example: /memory edit 12 I live in"
            " Berlin. /memory show has the numbers."
        )
    return Edit(number=number, text=text)


def _one(verb: str, rest: str) -> int:
    number = number_of(rest)
    if number is None:
        raise UserError(f"Which one? For example: /memory {verb} 12. /memory show has the numbers.")
    return number


def _forget(rest: str) -> Verb:
    if not rest:
        raise UserError(
            "Forget what? For example: /memory forget 12, or some words of the fact. /memory show"
            " has the numbers."
        )
    number = number_of(rest)
    return Forget(target=unquoted(rest) if number is None else number)


def _clear(rest: str) -> Verb:
    words = split(rest)
    if len(words) > 2 or (len(words) == 2 and words[1].lower() not in _YES):
        raise UserError("Clear takes one block. For example: /memory clear human")
    return Clear(block=words[0] if words else "human", confirmed=len(words) == 2)


def _undo(rest: str) -> Verb:
    return Undo(number=_one("undo", rest) if rest else None)


def _create(rest: str) -> Command:
    given: dict[str, list[str]] = {"name": [], "persona": []}
    into = given["name"]
    for word in split(rest):
        option, _, value = word.partition("=")
        if option.startswith("--"):
            if option[2:] not in given:
                raise UserError(f"/create takes --name and --persona, not {option}.")
            into = given[option[2:]]
            word = value
        if word:
            into.append(word)
    if not given["name"]:
        raise UserError(
            "An agent needs a name. For example: /create --name Ada --persona “I am Ada.”"
        )
    return Create(name=" ".join(given["name"]), persona=" ".join(given["persona"]))


def _help(asked: str) -> Command:
    """In Chinese where the command was, or where it is asked for."""
    words = asked.lower().split()
    zh = "en" not in words and ("zh" in words or chinese(asked))
    return Help(text=HELP_ZH if zh else HELP)


_VERBS: Mapping[str, Callable[[str], Verb]] = {
    "show": lambda rest: Show(),
    "search": _find,
    "add": _add,
    "edit": _edit,
    "pin": lambda rest: Pin(number=_one("pin", rest)),
    "unpin": lambda rest: Pin(number=_one("unpin", rest), pinned=False),
    "forget": _forget,
    "clear": _clear,
    "undo": _undo,
    "history": lambda rest: History(page=_page(rest)),
    "why": lambda rest: Why(number=_one("why", rest)),
    "export": lambda rest: Export(),
}
_COMMANDS: Mapping[str, Callable[[str], Command]] = {
    "memory": _memory,
    "search": _find,
    "agents": lambda rest: ListAgents(),
    "create": _create,
    "quit": lambda rest: Quit(),
}
