"""Command lines as people type them in a chat: `/memory …`, `!memory …`, to typed records.

The first letter decides: a line with / or ! before a known word is a command. A quote is a quote
only where it opens a word and closes one, so that “don't” and 5" stay what they are.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, get_args

from adapters.commands import CHINESE
from bot.attention import Mode
from bot.commands.help import HELP, HELP_ZH
from bot.commands.times import TIMES
from bot.commands.types import (
    Add,
    Choose,
    Clear,
    Command,
    Create,
    Edit,
    Export,
    Find,
    Forget,
    ForgetMe,
    Help,
    History,
    Incognito,
    Keep,
    Link,
    ListAgents,
    Pause,
    Persona,
    Pin,
    Quit,
    Rule,
    SetMode,
    Share,
    Show,
    Spent,
    Stop,
    Undo,
    Unlink,
    Verb,
    Why,
)
from bot.commands.words import day_of, number_of, options_of, split, unquoted
from bot.errors import UserError
from bot.phrases import chinese

MODES: Final[tuple[Mode, ...]] = get_args(Mode)


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


def verbatim(line: str) -> Command | None:
    """As `parse`, but what `/memory add` is to keep is a message: none of it is an option."""
    kept = _KEPT.match(line)
    return Add(text=kept[1]) if kept else parse(line)


# A sign, of either width, and a word: a path has another slash, and an exclamation no word.
_SIGN = r"/!\uff0f\uff01"
_COMMAND = re.compile(rf"\s*([{_SIGN}])([^\s{_SIGN}]+)(?:\s+(.*))?\Z", re.DOTALL)
_KEPT = re.compile(r"/memory add\s+(\S.*)", re.DOTALL)  # as adapters give it
_FILTERS = ("page", "since", "until", "by", "tag")
_AS_OF = re.compile(r"(?:--as-of[=\s]|as of\s|截至)?\s*(.*)", re.IGNORECASE | re.DOTALL)
WORDS: Final[Mapping[str, str]] = {  # Chinese names of commands and verbs
    **CHINESE,
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
    "共享": "share",
    "取消共享": "unshare",
    "暂停": "pause",
    "继续": "resume",
    "无痕": "incognito",
    "摘要": "digest",
    "学到": "learned",
    "免打扰": "quiet",
    "开": "on",
    "关": "off",
    "同意": "opt-in",
    "保留": "keep",
    "私信": "person",
    "房间": "room",
    "永久": "forever",
    "默认": "default",
}
_YES = frozenset({"yes", "是", "确认"})
_STATES: Final[Mapping[str, bool]] = {"on": True, "off": False}


def _listed() -> str:
    return ", ".join(f"/{name}" for name in (*_COMMANDS, "help") if name != "answer")


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


def _show(rest: str) -> Verb:
    asked = _AS_OF.fullmatch(rest)
    return Show(as_of=day_of(asked[1]) if asked and rest else None)


def _find(rest: str) -> Verb:
    words, options = options_of(rest, _FILTERS)
    given = {name: options.get(name, "") for name in _FILTERS}
    return Find(
        query=unquoted(words),
        page=_page(given["page"]),
        since=day_of(given["since"]) if given["since"] else None,
        until=day_of(given["until"]) if given["until"] else None,
        by=given["by"],
        tag=given["tag"],
    )


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
            "Forget what? For example: /memory forget 12, or some words of it. /memory search has"
            " the numbers."
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


def _meant(rest: str) -> bool:
    """Whether somebody typed that they mean it."""
    return rest.strip().lower() in _YES


def _link(rest: str) -> Command:
    words = split(rest)
    if len(words) > 2 or (len(words) == 2 and not _meant(words[1])):
        raise UserError(
            "Link takes the code that I gave you elsewhere. For example: /link 7KQ2-M4XP"
        )
    return Link(code=words[0] if words else "", confirmed=len(words) == 2)


def _choose(rest: str) -> Command:
    words = rest.split()
    number = number_of(words[1]) if len(words) == 3 else None
    if number is None:
        raise UserError("Press one of the buttons of the question.")
    return Choose(agent=words[0], number=number, choice=words[2])


def _mode(rest: str) -> Command:
    mode = WORDS.get(rest.lower(), rest.lower())
    if mode and mode not in MODES:
        raise UserError(f"A mode is one of {', '.join(MODES)}. For example: /mode listen")
    return SetMode(mode=mode or None)


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


def _incognito(rest: str) -> Command:
    if not rest:
        return Incognito()
    if _meaning(rest) not in _STATES:
        raise UserError("Incognito is on or off. For example: /memory incognito on")
    return Incognito(on=_STATES[_meaning(rest)])


def _policy(rest: str) -> Command:
    match [_meaning(word) for word in rest.split()]:
        case []:
            return Rule()
        case ["opt-in", ("on" | "off") as state]:
            return Rule(name="opt_in", value=int(_STATES[state]))
        case ["opt-in", "default"]:
            return Rule(name="opt_in")
        case ["keep", ("person" | "room") as name, days, *more] if _sure(more):
            return Rule(name=name, value=_days(days), confirmed=bool(more))
    raise UserError(
        "A policy is about opt-in or keep. For example: /policy opt-in on, /policy keep person 30,"
        " /policy keep room forever, /policy keep room default. /policy alone shows what holds."
    )


def _sure(words: list[str]) -> bool:
    return not words or (len(words) == 1 and words[0] in _YES)


def _days(word: str) -> int | None:
    """None: the default; 0: for ever."""
    if word == "default":
        return None
    days = 0 if word == "forever" else number_of(word)
    if days is None or (word != "forever" and not 1 <= days <= 36_500):
        raise UserError(
            f"'{word}' is no number of days. For example: /policy keep person 30, or forever."
        )
    return days


def _meaning(word: str) -> str:
    return WORDS.get(word.lower(), word.lower())


_VERBS: Mapping[str, Callable[[str], Command]] = {
    "show": _show,
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
    "share": lambda rest: Share(number=_one("share", rest)),
    "unshare": lambda rest: Share(number=_one("unshare", rest), shared=False),
    "pause": lambda rest: Pause(),
    "resume": lambda rest: Pause(paused=False),
    "incognito": _incognito,
    "keep": lambda rest: Keep(number=_one("keep", rest)),
    **TIMES,
}
_COMMANDS: Mapping[str, Callable[[str], Command]] = {
    "memory": _memory,
    "search": _find,
    "persona": lambda rest: Persona(text=unquoted(rest)),
    "usage": lambda rest: Spent(),
    "forgetme": lambda rest: ForgetMe(confirmed=_meant(rest)),
    "link": _link,
    "unlink": lambda rest: Unlink(account=unquoted(rest)),
    "answer": _choose,
    "stop": lambda rest: Stop(),
    "mode": _mode,
    "policy": _policy,
    "agents": lambda rest: ListAgents(),
    "create": _create,
    "quit": lambda rest: Quit(),
}
