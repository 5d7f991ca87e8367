"""What the fake model server answers by rule: it keeps facts by tools, searches, and replies.

English and Chinese. An answer depends on the request alone, and holds no times, so a conversation
of another day or another run reads the same.
"""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from bot.llm.wire import FOUND, SAVED

Message = dict[str, object]

_STAMP = re.compile(r"^(?:\d+\. )?\[\d{4}-\d\d-\d\d(?: \d\d:\d\d)?\] ", re.MULTILINE)
_BLOCK = re.compile(r'<block label="human"[^>]*>\n(.*?)</block>', re.DOTALL)
_HAN = re.compile("[\u4e00-\u9fff]")
_ASKS = re.compile(
    r"[?？]\s*$|吗\s*$|还记得|什么|谁"
    r"|^(?:what|who|where|when|why|how|which|do you|did i|tell me)\b",
    re.I,
)
_OF_CHAT = re.compile(r"\b(?:said|say|talk|told|yesterday|last time)\b|上次|昨天|聊|说过", re.I)
_FACT = re.compile(r"\b(?:I|I'm|I've|my|we|our|remember)\b|我|咱|记住|记下", re.I)
_DATED = re.compile(
    r"\b(?:\d{1,4}(?:st|nd|rd|th)?|yesterday|tomorrow|tonight|(?:last|next) \w+)\b"
    r"|[昨明后去前][天年]|[上下][个周月]|\d+[月号日年]",
    re.I,
)
_WORD = re.compile("[a-z0-9]{3,}|[\u4e00-\u9fff]", re.I)

_WRITES = {"save_about_person": "core_memory_append", "save_note": "archival_memory_insert"}
_SEARCHES = {"search_notes": "archival_memory_search", "search_chat": "conversation_search"}
_SENTENCES = {
    "kept": ("I will remember: ", "我会记住:"),
    "found": ("You told me: ", "你告诉过我:"),
    "nothing": ("I know nothing about: ", "我还不知道:"),
    "heard": ("You said: ", "你说:"),
}
_SHOWN = 200  # characters of a message that a reply repeats


def answer_by_rule(
    request: Mapping[str, object], mode: Literal["tools", "json", "text"]
) -> Message:
    """The assistant message that answers a request of chat completions.

    tools: real tool calls. json: the same written as text. text: words alone.
    """
    messages = _dicts(request.get("messages"))
    said, notes = _said(messages)
    if "response_format" in request:
        chosen = {"operation": operation(said), "query": said[:80]}
        return _words(json.dumps(chosen, ensure_ascii=False))
    offered = {str(_function(tool).get("name")) for tool in _dicts(request.get("tools"))}
    called = _called(messages)
    if len(offered) == 1 and mode != "text":  # somebody tries whether tools are called at all
        return _words("\n".join(_results(messages))) if called else _tried(request, said, mode)
    if not offered or mode == "text":
        return _words(_reply(messages, said, notes, _done_by(notes)))
    if called:
        results = "\n".join(_results(messages))
        return _speak(_reply(messages, said, results, called), offered, mode, len(messages))
    name = {**_WRITES, **_SEARCHES}.get(operation(said), "")
    if name not in offered:
        return _speak(_reply(messages, said, "", ""), offered, mode, len(messages))
    return _call(name, _arguments(name, said), mode, len(messages))


def operation(said: str) -> str:
    """What a message wants of memory, in the words of the json mode's schema."""
    if _ASKS.search(said):
        return "search_chat" if _OF_CHAT.search(said) else "search_notes"
    if _FACT.search(said):
        return "save_note" if _DATED.search(said) else "save_about_person"
    return "none"


def _tried(request: Mapping[str, object], said: str, mode: str) -> Message:
    """A call of the one tool, with the person's words for whatever it needs."""
    function = _function(_dicts(request.get("tools"))[0])
    needed = _dicts([function.get("parameters")])[0].get("required")
    arguments = dict.fromkeys(needed, said) if isinstance(needed, list) else {}
    return _call(str(function.get("name")), arguments, mode, 0)


def _arguments(name: str, said: str) -> Mapping[str, object]:
    if name in _SEARCHES.values():
        return {"query": said}
    arguments: dict[str, object] = {"content": said, "request_heartbeat": True}
    return {"section": "human", **arguments} if name == "core_memory_append" else arguments


def _reply(messages: Sequence[Message], said: str, results: str, called: str) -> str:
    """Words for the person, by what was called and what came of it."""
    if called in _SEARCHES.values():
        known = _best(said, _known(messages)) or _best(said, _lines(results))
        return _sentence("found", known) if known else _sentence("nothing", said)
    return _sentence("kept" if called in _WRITES.values() else "heard", said)


def _best(said: str, lines: Sequence[str]) -> str:
    """The line that shares most with the question; of equals the first of the alphabet."""
    asked = {word.lower() for word in _WORD.findall(said)}
    scored = [
        (-len(asked & {word.lower() for word in _WORD.findall(line)}), line)
        for line in lines
        if not _ASKS.search(line)
    ]
    score, line = min(scored, default=(0, ""))
    return line if score else ""


def _known(messages: Sequence[Message]) -> list[str]:
    """The lines about the person that are in core memory."""
    block = _BLOCK.search(str(messages[0].get("content")) if messages else "")
    return _lines(block[1]) if block else []


def _lines(text: str) -> list[str]:
    """Lines without numbers and times; what this server itself once said is left out."""
    own = tuple(start for pair in _SENTENCES.values() for start in pair)
    lines = [line.strip() for line in _STAMP.sub("", text).splitlines()]
    return [line for line in lines if line and not any(start in line for start in own)]


def _said(messages: Sequence[Message]) -> tuple[str, str]:
    """(what the person said since the last answer, the notes below it in a prompt of words)."""
    said: list[str] = []
    notes = ""
    for message in reversed(messages):
        if message.get("role") == "user":
            words, _, below = f"\n{message.get('content')}".partition("\n---\n")
            notes = notes or below
            said += [words.strip()] if words.strip() else []
        elif said:
            break
    return _STAMP.sub("", "\n".join(reversed(said))), notes


def _called(messages: Sequence[Message]) -> str:
    """The last tool called since the person's last message."""
    for message in reversed(messages):
        if message.get("role") == "user":
            return ""
        for call in _dicts(message.get("tool_calls")):
            return str(_function(call).get("name"))
    return ""


def _done_by(notes: str) -> str:
    """Which tool a prompt of words tells of."""
    if any(label in notes for label in FOUND):
        return "archival_memory_search"
    return "core_memory_append" if any(label in notes for label in SAVED) else ""


def _results(messages: Sequence[Message]) -> Iterator[str]:
    for message in reversed(messages):
        if message.get("role") != "tool":
            return
        yield str(message.get("content"))


def _speak(text: str, offered: set[str], mode: str, number: int) -> Message:
    if "send_message" not in offered:
        return _words(text)
    return _call("send_message", {"message": text}, mode, number)


def _call(name: str, arguments: Mapping[str, object], mode: str, number: int) -> Message:
    written = json.dumps(arguments, ensure_ascii=False)
    if mode == "json":
        return _words(f'```json\n{{"name": "{name}", "arguments": {written}}}\n```')
    function = {"name": name, "arguments": written}
    id_ = f"call_{number}_{zlib.crc32(written.encode()):08x}"
    call = {"id": id_, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _words(text: str) -> Message:
    return {"role": "assistant", "content": text}


def _sentence(name: str, text: str) -> str:
    return _SENTENCES[name][bool(_HAN.search(text))] + text[:_SHOWN]


def _function(part: Message) -> Mapping[str, object]:
    function = part.get("function")
    return function if isinstance(function, dict) else {}


def _dicts(value: object) -> list[Message]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
