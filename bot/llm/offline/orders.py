"""What the offline model is told to do elsewhere: "notify #general: …", "问一下 Ada:…". Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.llm.offline.say import Language, quoted, say

LIMIT = 4000  # characters of a message that are looked at
_PLEASE = r"\s*(?:(?:please|could you|can you|请你?|麻烦你?|帮我)[\s,，]*)?"
_ROOM = r"(?P<channel>#[^\s:：,，]+|[^\s:：,，#]{1,80}(?=\s*[:：]))"
_THEN = r"(?:\s*[:：,，]\s*|\s+(?:(?:that|with|about)\b\s*|说)?)"
_TEXT = r"(?P<message>[^\s:：,，].*)"
_NOTIFY = re.compile(
    rf"{_PLEASE}(?:notify|(?:post|announce|send(?: a notification)?) (?:in|to)|通知|发到|发送到)\s*"
    rf"{_ROOM}{_THEN}{_TEXT}",
    re.IGNORECASE | re.DOTALL,
)
_TELL = re.compile(
    rf"{_PLEASE}(?:tell|告诉|跟)\s*(?P<channel>#[^\s:：,，]+){_THEN}{_TEXT}",
    re.IGNORECASE | re.DOTALL,
)
_ASK = re.compile(
    rf"{_PLEASE}(?:ask(?: the)?(?: agent)?\s+|问(?:一下|一问|问|下|\s|(?=代理|智能体))"
    r"\s*(?:代理|智能体)?\s*)"
    rf"(?P<name>[^\s:：,，][^:：,，\n]{{0,60}}?)\s*[:：]\s*{_TEXT}",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A tool that was asked for plainly."""

    tool: str
    arguments: Mapping[str, str]


def ordered(text: str) -> Order | None:
    """The order that a message is, as a whole."""
    for tool, pattern in (
        ("send_notification", _NOTIFY), ("send_notification", _TELL), ("ask_agent", _ASK),
    ):  # fmt: skip
        found = pattern.fullmatch(text[:LIMIT].strip())
        if found:
            return Order(tool=tool, arguments=found.groupdict())
    return None


def told(order: Order, result: str | None, language: Language) -> str:
    """What came of an order, for the person."""
    words = quoted(order.arguments["message"], language)
    if result is None:
        return say("not done", language, words, say("no result", language))
    if result.startswith("Error:"):
        return say("not done", language, words, result.removeprefix("Error:").strip())
    if order.tool == "ask_agent":
        return say("agent says", language, order.arguments["name"], result)
    if result.startswith("Not posted"):
        return say("asked first", language)
    return say("posted", language, order.arguments["channel"], words)
