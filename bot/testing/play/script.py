"""The language of a play: lines as they are typed, and scripts, which are lists of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from bot.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A verb of the play."""

    zh: str
    usage: str
    about: str


VERBS: Final[Mapping[str, Word]] = {
    "as": Word(
        zh="扮演",
        usage="NAME [slack|discord] [dm|ROOM|thread] [admin]",
        about="be this person, there · 扮演某人",
    ),
    "in": Word(zh="在", usage="dm|ROOM|thread", about="go there · 换地方(私聊、频道、话题)"),
    "say": Word(zh="说", usage="TEXT", about="the same as the text alone · 说一句话"),
    "press": Word(zh="按", usage="NUMBER|WORDS", about="press a button · 按按钮"),
    "fill": Word(zh="填", usage="TEXT", about="send the open form with this text · 填写并提交表单"),
    "close": Word(zh="关闭", usage="", about="close the open form · 关闭表单"),
    "edit": Word(zh="改", usage="TEXT", about="change what you said last · 修改上一句话"),
    "delete": Word(zh="删", usage="", about="delete what you said last · 删除上一句话"),
    "react": Word(zh="表情", usage="EMOJI", about="react to the last answer · 给上一条回复加表情"),
    "menu": Word(zh="菜单", usage="ENTRY", about="choose it for what you said last · 消息菜单"),
    "home": Word(zh="主页", usage="", about="open Slack's App Home · 打开 App Home"),
    "drop": Word(zh="断线", usage="slack|discord", about="break the bot's connection · 断开连接"),
    "restart": Word(
        zh="重启", usage="slack|discord", about="it goes away and comes back · 平台重启"
    ),
    "expect": Word(zh="期望", usage="TEXT", about="you see it in what came · 期望看到"),
    "expect-not": Word(zh="不期望", usage="TEXT", about="you do not see it · 期望看不到"),
    "who": Word(zh="谁", usage="", about="who there is, and where · 都有谁"),
    "help": Word(zh="帮助", usage="", about="this · 帮助"),
    "quit": Word(zh="退出", usage="", about="leave · 退出"),
}
NAMES: Final[Mapping[str, str]] = {
    **{name: name for name in VERBS},
    **{word.zh: name for name, word in VERBS.items()},
}
_DIRECTION = re.compile(r"\s*[:：](?P<verb>[^\W\d_][\w-]*)(?:\s+(?P<text>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """verb: one of VERBS. A slash command is said, too."""

    verb: str
    text: str = ""

    def __str__(self) -> str:
        return self.text if self.verb == "say" else f":{self.verb} {self.text}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """agents: those that have a name of their own, and what each knows."""

    title: str
    steps: tuple[Step, ...]
    agents: Mapping[str, str] = field(default_factory=dict)


def parse(line: str) -> Step:
    """A line as it is typed. Raises UserError for a direction that there is not."""
    found = _DIRECTION.fullmatch(line)
    if found is None:
        return Step(verb="say", text=line.strip())
    return _step(found["verb"], found["text"] or "")


def _step(verb: str, text: str) -> Step:
    name = NAMES.get(verb.strip().lower())
    if name is None:
        known = ", ".join(f":{name}" for name in VERBS)
        raise UserError(f"There is no :{verb}. There are: {known}. :help explains them.")
    return Step(verb=name, text=text.strip())


def load(path: Path) -> Script:
    """A script: `title`, `agents` as names with what they know, and `steps`, each a line or
    `verb: text`. Raises UserError, with the place, before anything is played."""
    try:
        # Everything stays text: with YAML's own types, `fill: yes` would send "True".
        told = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The script {path} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        raise UserError(f"The script {path} is not YAML: {_flat(error)}.") from error
    steps = told.get("steps") if isinstance(told, dict) else None
    if not isinstance(steps, list) or not steps:
        raise UserError(f"The script {path} has no steps. It needs a list under `steps:`.")
    agents = told.get("agents") or {}
    if not isinstance(agents, dict) or not all(isinstance(text, str) for text in agents.values()):
        raise UserError(f"The script {path} needs, under `agents:`, names with what they know.")
    title = str(told.get("title") or path.name)
    made = [_of(path, number, step) for number, step in enumerate(steps, 1)]
    return Script(title=title, steps=tuple(made), agents=agents)


def _of(path: Path, number: int, step: object) -> Step:
    try:
        if isinstance(step, str):
            return parse(step)
        if isinstance(step, dict) and len(step) == 1:
            [(verb, text)] = step.items()
            if isinstance(text, str):
                return _step(str(verb), text)
    except UserError as error:
        raise UserError(f"{path}, step {number}: {error}") from error
    raise UserError(f"{path}, step {number}: a step is a line, or one `verb: text`.")


def _flat(error: Exception) -> str:
    return " ".join(str(error).split())
