"""Mode json: for small models and endpoints without tools. First an operation, then a reply.

A small model can say what kind of message it has before it, and it can answer one. It cannot do
both in one go, and it spoils what it rephrases: so what is saved are the person's own words.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

from bot.errors import ModelRejected
from bot.llm import wire
from bot.llm.openai import RemoteModel
from bot.llm.parse import call_id, find_object
from bot.types import Completion, Prompt, Usage
from memory.types import Message, Role, ToolCall

LINE = 400  # characters: longer words about a person are kept as a note, blocks are small
_SHOWN = 1500  # characters of a message that are classified
_OPERATION = 400  # tokens of an operation, with room for a model that thinks first
_REPLY: wire.Body = {
    "max_tokens": 1500,  # a small model that rambles would take minutes
    "temperature": 0,
}

_CORE, _ARCHIVAL = "core_memory_append", "archival_memory_insert"
_SAVING = {_CORE, _ARCHIVAL}

_ASKED = re.compile(r"[?？]$|[吗呢]$")
_TO_KEEP = re.compile(r"\b(?:remember|note|save|keep)\b|记", re.I)
_LOOK = "archival_memory_search"
_DATED = re.compile(
    r"\d|\b(?:yesterday|today|tomorrow|tonight|ago|(?:last|next|this) \w+"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
    r"|[昨今明后前去][天日晚早年]|[上下这本][个周月]|星期|礼拜|周[一二三四五六日末]|[月号]",
    re.IGNORECASE,
)

_FORMATS = ("json_schema", "json_object", "none")

_TASK = """\
You sort the messages that a person sends to an assistant with a memory. Answer with JSON only: \
{"operation": ..., "query": ...}. Do not answer the message itself. The operations:
"""
_EXAMPLES = """\
query: a few words of the message, in its own language, for a search; "" otherwise.
A greeting, thanks, a joke, general knowledge or a task such as writing or arithmetic is "none".
"""


# The last thing that the model reads before it replies: in English, in Chinese.
_REQUEST = (
    "Reply to the person in words, in the language of their last message.",
    "请用中文回复对方。",
)
_WHOSE = (
    "Where the memory says “I”, it is the person: say “you” to them.",
    "记忆里的“我”是对方,请称对方为“你”。",
)
_KEPT = ("Tell them briefly that you will remember it.", "简短地告诉对方你会记住。")
_ANSWER_IT = ("Answer their question from what was found.", "根据找到的内容回答对方的问题。")


class _Operation(NamedTuple):
    name: str
    tool: str
    meaning: str
    examples: tuple[tuple[str, str], ...]  # message, query


_OPERATIONS = (
    _Operation(
        "none",
        "",
        "nothing to keep and nothing to look up",
        (
            ("Good morning", ""),
            ("嘿嘿,太好笑了", ""),
            ("Who wrote Hamlet?", ""),
            ("给我讲个故事", ""),
            ("Could you draft a short poem on autumn?", ""),
            ("谢谢,晚安", ""),
        ),
    ),
    _Operation(
        "save_about_person",
        _CORE,
        "the person says anything about themselves: name, job, home, family, pets, likes, dislikes",
        (
            ("Ben here, I teach maths in York", ""),
            ("我老公是医生", ""),
            ("I adore jazz, and so does my son Max", ""),
            ("我最讨厌香菜了", ""),
            ("我有两只猫", ""),
        ),
    ),
    _Operation(
        "save_note",
        _ARCHIVAL,
        "the person tells of an event with its date, or wants a code or a list kept",
        (
            ("We signed the lease on 3 May", ""),
            ("记一下:仓库密码是 7788", ""),
            ("下个月五号去体检", ""),
        ),
    ),
    _Operation(
        "search_notes",
        _LOOK,
        "the person asks about themselves or about something that they told earlier",
        (("Where do I live?", "live"), ("我对什么过敏?", "过敏")),
    ),
    _Operation(
        "search_chat",
        "conversation_search",
        "the person asks what was said in an earlier conversation",
        (("What did we talk about yesterday?", "yesterday"), ("上次你推荐了哪本书?", "推荐 书")),
    ),
)


class JsonModel(RemoteModel):
    """Two requests where a person's message is new, one where only the reply is left."""

    mode = "json"
    _format = 0  # which of _FORMATS the endpoint is known to take

    async def complete(self, prompt: Prompt) -> Completion:
        if not prompt.tools and not prompt.closing:
            return await self.reply(prompt)
        used = None
        if not prompt.closing and prompt.messages and prompt.messages[-1].role == "user":
            call, used = await self._operate(prompt)
            if call:
                return Completion(calls=(call,), usage=used)
        reply = await self.reply(_focused(prompt), _request(prompt), _REPLY)
        return Completion(
            text=reply.text, thoughts=reply.thoughts, usage=_together(used, reply.usage)
        )

    async def _operate(self, prompt: Prompt) -> tuple[ToolCall | None, Usage | None]:
        """What the newest message wants of memory: one of the prompt's tools, or none."""
        tools = {spec.name for spec in prompt.tools}
        known = tools | _SAVING if tools & _SAVING else tools  # one shelf takes what is for both
        offered = [operation for operation in _OPERATIONS if operation.tool in {"", *known}]
        words = _own_words(prompt.messages)
        if len(offered) == 1 or not words.strip():
            return None, None
        answer = await self._classify(_messages(offered, prompt.messages, words), offered)
        chosen = find_object(answer.text) or {}
        operation = next((one for one in offered if one.name == chosen.get("operation")), None)
        if operation is None or not operation.tool:
            return None, answer.usage
        return _call(_shelf(operation.tool, words, tools), words, chosen.get("query")), answer.usage

    async def _classify(
        self, messages: list[wire.Body], offered: Sequence[_Operation]
    ) -> Completion:
        """Ask in the strictest format that the endpoint takes, and remember which that is."""
        while True:
            body: wire.Body = {"messages": messages, "max_tokens": _OPERATION, "temperature": 0}
            if self._format < 2:
                body["response_format"] = _response_format(_FORMATS[self._format], offered)
            try:
                return await self.client.ask(body)
            except ModelRejected:
                if self._format == 2:
                    raise
                self._format += 1


def _focused(prompt: Prompt) -> Prompt:
    """Once memory was used, the present turn alone: a small model copies what it said before."""
    rows = prompt.messages
    if not rows or rows[-1].role != "tool":
        return prompt
    return replace(prompt, messages=tuple(row for row in rows if row.turn == rows[-1].turn))


def _request(prompt: Prompt) -> str:
    """What the model is asked for, below what this turn did with memory."""
    messages = prompt.messages
    results = [row for row in _latest(messages, "tool") if not wire.failed(row)]
    names = {call.name for row in messages for call in row.calls for result in results
             if call.id == result.answers}  # fmt: skip
    chinese = wire.chinese(messages)
    if not names:
        whose = f" {_WHOSE[chinese]}" if prompt.recalled else ""
        return f"{_REQUEST[chinese]}{whose}"
    ask = _ANSWER_IT if any("search" in name for name in names) else _KEPT
    return f"{_REQUEST[chinese]} {_WHOSE[chinese]} {ask[chinese]}"


def _latest(messages: Sequence[Message], role: Role) -> list[Message]:
    """The rows of a role that end the conversation, oldest first."""
    kept = list(takewhile(lambda row: row.role == role, reversed(messages)))
    return kept[::-1]


def _own_words(messages: Sequence[Message]) -> str:
    """What the person said since the last answer, word for word."""
    return "\n".join(row.text for row in _latest(messages, "user"))


def _messages(
    offered: Sequence[_Operation], history: Sequence[Message], words: str
) -> list[wire.Body]:
    """The question, with examples as turns of a conversation. Its start is always the same."""
    meanings = "".join(f'- "{one.name}": {one.meaning}\n' for one in offered)
    messages: list[wire.Body] = [{"role": "system", "content": _TASK + meanings + _EXAMPLES}]
    for operation in offered:
        for message, query in operation.examples:
            messages.append({"role": "user", "content": message})
            answer = json.dumps({"operation": operation.name, "query": query}, ensure_ascii=False)
            messages.append({"role": "assistant", "content": answer})
    messages.append({"role": "user", "content": words[:_SHOWN]})
    return messages


def _response_format(kind: str, offered: Sequence[_Operation]) -> wire.Body:
    if kind == "json_object":
        return {"type": "json_object"}
    schema = {
        "type": "object",
        "properties": {
            "operation": {"type": "string", "enum": [one.name for one in offered]},
            "query": {"type": "string", "maxLength": 80},
        },
        "required": ["operation", "query"],
        "additionalProperties": False,
    }
    return {
        "type": "json_schema",
        "json_schema": {"name": "memory_operation", "strict": True, "schema": schema},
    }


def _shelf(tool: str, words: str, tools: set[str]) -> str:
    """The tool to use. A model sees what is to be kept; where it belongs, a rule knows better."""
    if tool not in _SAVING:
        return tool
    if _ASKED.search(words.strip()) and not _TO_KEEP.search(words) and _LOOK in tools:
        return _LOOK  # a question is no fact, whatever a small model says
    if len(words) > LINE:
        tool = _ARCHIVAL
    elif not _DATED.search(words):
        tool = _CORE
    return tool if tool in tools else next(iter(_SAVING & tools))


def _call(tool: str, words: str, query: object) -> ToolCall:
    arguments: dict[str, object] = {"content": words, "request_heartbeat": True}
    if tool.endswith("_search"):
        arguments = {"query": _query(words, query)}
    elif tool == _CORE:
        arguments = {"section": "human", **arguments}
    written = json.dumps(arguments, ensure_ascii=False)
    return ToolCall(id=call_id(written, 0), name=tool, arguments=written)


def _query(words: str, query: object) -> str:
    """The model's words for a search, or the person's where it gave none or translated them."""
    if isinstance(query, str) and query.strip() and wire.has_han(query) == wire.has_han(words):
        return query.strip()
    return words[:_SHOWN]


def _together(one: Usage | None, other: Usage | None) -> Usage | None:
    if one is None or other is None:
        return one or other
    return Usage(prompt=one.prompt + other.prompt, completion=one.completion + other.completion)
