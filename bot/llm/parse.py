"""Finds the tool calls that a model wrote as text, and cleans what a model says."""

import json
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from memory.types import ToolCall

TRIES = 32  # places of one text that are looked at: a hostile text costs no more than this

_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_START = re.compile(r'(?:\[\s*)?\{{1,2}\s*"')
_PAIRS = re.compile(r"\{\{|\}\}")
_WRAPPING = 80  # characters before a call in which its fence or tag is looked for
_TAGGED = re.compile(r"<function=([\w.-]+)>(.*?)(?:</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([\w.-]+)>\n?(.*?)\n?(?:</parameter>|\Z)", re.DOTALL)
_BEFORE = re.compile(r"(?:<tool_calls?>|<tools>|\[TOOL_CALLS\]|<\|python_tag\|>|```\w*|\s)+\Z")
_AFTER = re.compile(r"(?:</tool_calls?>|</tools>|```|\s)+")
_THINK = re.compile(r"\s*<think>(.*?)(?:</think>|\Z)", re.DOTALL)
_UNOPENED = re.compile(r"(.*?)^</think>", re.DOTALL | re.MULTILINE)  # the template wrote <think>
_JSON = json.JSONDecoder(strict=False)  # models put raw line breaks into strings


class _Found(NamedTuple):
    start: int
    end: int
    calls: list[tuple[str, str]]  # name, arguments as JSON


def clean(text: str) -> str:
    """Without the characters that no database or terminal takes: NUL and lone surrogates."""
    return _UNUSABLE.sub("", text)


def clean_json(text: str) -> str:
    """JSON without such characters, escaped ones too. What is not JSON stays as it is."""
    text = clean(text)
    if not _ESCAPED.search(text):
        return text
    try:
        return _dump(_cleaned(_JSON.decode(text)))
    except (ValueError, RecursionError):
        return text


def split_thoughts(text: str) -> tuple[str, str]:
    """(thoughts, words) of an answer that begins with a `<think>` part."""
    found = _THINK.match(text) or ("<think>" not in text and _UNOPENED.match(text))
    if not found:
        return "", text
    return found[1].strip(), text[found.end() :].strip()


def find_calls(text: str, names: Collection[str]) -> tuple[list[ToolCall], str]:
    """The calls of the tools `names` in a text, and the text that is left without them.

    Knows JSON that is bare, fenced, tagged (`<tool_call>`, `<tools>`, `<function=…>`) or has
    doubled braces, one call or a list; arguments may be an object or a string. Other JSON is text.
    """
    calls: list[ToolCall] = []
    rest: list[str] = []
    at = 0
    for found in _candidates(text, names):
        before = _BEFORE.search(text, max(at, found.start - _WRAPPING), found.start)
        rest.append(text[at : before.start() if before else found.start])
        after = _AFTER.match(text, found.end)
        at = after.end() if after else found.end
        for name, arguments in found.calls:
            calls.append(ToolCall(id=call_id(text, len(calls)), name=name, arguments=arguments))
    if not calls:
        return [], text
    rest.append(text[at:])
    return calls, "\n\n".join(part.strip() for part in rest if part.strip())


def call_id(seed: str, number: int) -> str:
    """An id for a call that came without one: the same for the same answer."""
    return f"call_{zlib.crc32(seed.encode('utf-8', 'replace')):08x}_{number}"


def find_object(text: str) -> Mapping[str, object] | None:
    """The first JSON object in a text, in whatever wrapping."""
    for place, start in enumerate(re.finditer(r'\{\s*"', text)):
        if place == TRIES:
            break
        value = _decode(text, start.start())
        if value and isinstance(value[0], dict):
            return value[0]
    return None


def _candidates(text: str, names: Collection[str]) -> Iterator[_Found]:
    """Places of the text that are calls of known tools, in order."""
    if "<function=" in text:
        for tag in _TAGGED.finditer(text):
            if tag[1] in names:
                yield _Found(tag.start(), tag.end(), [(tag[1], _tagged_arguments(tag[2]))])
        return
    at = 0
    for _ in range(TRIES):
        start = _START.search(text, at)
        if not start:
            return
        value = _decode(text, start.start())
        calls = _calls(value[0], names) if value else []
        if value and calls:
            yield _Found(start.start(), value[1], calls)
        at = value[1] if value else start.end()


def _decode(text: str, start: int) -> tuple[object, int] | None:
    """The JSON value at a place, and where it ends; braces may be doubled."""
    value = _raw_decode(text, start)
    if value or not text.startswith("{{", start):
        return value
    value = _raw_decode(text, start + 1)  # only the outer pair is doubled
    if value:
        return value[0], value[1] + text.startswith("}", value[1])
    doubled = text[start:]
    value = _raw_decode(doubled.replace("{{", "{").replace("}}", "}"), 0)
    if not value:
        return None
    end = value[1]
    for pair in _PAIRS.finditer(doubled):
        if pair.start() >= end:
            break
        end += 1  # each pair was one character there
    return value[0], start + end


def _raw_decode(text: str, start: int) -> tuple[object, int] | None:
    try:
        return _JSON.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


def _calls(value: object, names: Collection[str]) -> list[tuple[str, str]]:
    """The calls that a JSON value stands for; none where any part of it is something else."""
    if isinstance(value, dict) and isinstance(value.get("tool_calls"), list):
        value = value["tool_calls"]
    calls = [_call(part, names) for part in (value if isinstance(value, list) else [value])]
    return [call for call in calls if call] if all(calls) else []


def _call(value: object, names: Collection[str]) -> tuple[str, str] | None:
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict):
        return None
    name = value.get("name") or value.get("tool") or value.get("function")
    given = [value[key] for key in ("arguments", "parameters", "args") if key in value]
    if not isinstance(name, str) or name not in names or not given:
        return None
    arguments = given[0]
    return name, arguments if isinstance(arguments, str) else _dump(arguments)


def _tagged_arguments(body: str) -> str:
    """Arguments within `<function=…>`: one JSON object, or `<parameter=…>` parts."""
    parameters = {found[1]: _value(found[2]) for found in _PARAMETER.finditer(body)}
    return _dump(parameters) if parameters else body.strip()


def _value(text: str) -> object:
    """A number, list or truth value as such; all else as the text it is."""
    if text[:1] not in "[{" and text not in ("true", "false", "null"):
        return int(text) if text.isdecimal() and len(text) < 10 else text
    value = _raw_decode(text, 0)
    return value[0] if value else text


def _cleaned(value: object) -> object:
    if isinstance(value, dict):
        return {clean(key): _cleaned(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    return clean(value) if isinstance(value, str) else value


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
