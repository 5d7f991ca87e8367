"""The commands that every platform offers, and how a typed one is told from a message."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.base import Event, Invocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A command as people find it in a menu."""

    about: str  # at most 100 characters, as Discord has it
    usage: str = ""  # what comes behind it


COMMANDS: Final[Mapping[str, Word]] = {
    "memory": Word(
        about="See, search, correct or forget what I remember · 查看、搜索、更正或忘记我的记忆",
        usage="show | search | add | edit | pin | share | forget | undo | why | export | incognito",
    ),
    "persona": Word(about="See or change who I am here · 查看或修改我的设定", usage="[text]"),
    "link": Word(
        about="Join your accounts of two platforms · 关联你在两个平台上的账号", usage="[code]"
    ),
    "unlink": Word(about="Part your accounts again · 解除账号关联", usage="[account]"),
    "forgetme": Word(about="Remove every trace of you · 清除关于你的一切", usage="[yes]"),
    "usage": Word(about="What my model calls took this week · 最近七天的模型用量"),
    "stop": Word(about="Stop the answer that is being made · 停止正在生成的回答"),
    "mode": Word(
        about="Which messages of this room I answer, for admins · 我在本房间回答哪些消息(管理员)",
        usage="open | listen | mention | off",
    ),
    "policy": Word(
        about="What is kept in this workspace, and how long · 这个工作区保留什么、保留多久",
        usage="opt-in on | keep person 30 | keep room forever",
    ),
    "help": Word(about="What I can do · 我能做什么", usage="[zh]"),
}
CHINESE: Final[Mapping[str, str]] = {
    "记忆": "memory",
    "设定": "persona",
    "关联": "link",
    "解除关联": "unlink",
    "忘记我": "forgetme",
    "用量": "usage",
    "停止": "stop",
    "模式": "mode",
    "规则": "policy",
    "帮助": "help",
}

# Many bots listen to these.
_SHARED: Final = frozenset({"help", "stop", "link", "mode", "policy", "usage"})
_TYPED = re.compile(rf"\s*[!！](?P<name>{'|'.join([*COMMANDS, *CHINESE])})(?=\s|\Z)", re.IGNORECASE)
_READS = re.compile(
    r"\s*[/!！](?:memory|记忆)(?:\s+(?:show|search|history|why|learned|显示|搜索|历史|为什么|学到)\b.*)?\s*",
    re.IGNORECASE | re.DOTALL,
)


def is_command(event: Event) -> bool:
    """Whether a message is a command: where other bots listen, `!help` is for us only if we are
    called."""
    typed = _TYPED.match(event.text)
    if typed is None:
        return False
    name = typed["name"].lower()
    alone = event.room_kind == "dm" or event.mentioned
    return alone or CHINESE.get(name, name) not in _SHARED


def typed(event: Event, *, admin: bool = False, governs: bool = False) -> Invocation:
    """The command that a message is."""
    return Invocation(
        address=event.address,
        user=event.user,
        name=event.name,
        line=event.text,
        room_kind=event.room_kind,
        room_name=event.room_name,
        realm=event.realm,
        admin=admin,
        guest=event.guest,
        governs=governs,
    )


def origin_of(line: str) -> str:
    """A line that may be given again to show its answer anew: one that only reads; else ""."""
    return line.strip() if _READS.fullmatch(line) else ""
