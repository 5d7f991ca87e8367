"""A loop and memory, as small as they can be, around the offline model."""

import html
import json
from datetime import UTC, datetime

from bot.llm.offline.model import OfflineModel
from bot.types import Completion, Prompt, ToolSpec
from memory.types import Message, Origin, Role

AT = datetime(2026, 11, 22, 20, 47, tzinfo=UTC)
TOOLS = tuple(
    ToolSpec(name=name, description="", parameters={})
    for name in (
        "core_memory_append",
        "core_memory_replace",
        "archival_memory_insert",
        "archival_memory_search",
        "conversation_search",
    )
)


class World:
    """A loop and memory, as small as they can be: facts by (date, text), passages, rows."""

    def __init__(self, *facts: str) -> None:
        self.facts = list(facts)
        self.passages: list[str] = []
        self.rows: list[Message] = []
        self.calls: list[tuple[str, dict[str, object]]] = []
        self.failing = ""  # what every writing tool answers
        self.tools = TOOLS
        self.turn = 0

    def add(
        self, role: Role, text: str, completion: Completion | None = None, to: str = ""
    ) -> None:
        self.rows.append(
            Message(
                seq=len(self.rows) + 1,
                role=role,
                text=text,
                at=AT,
                origin=Origin(),
                speaker="Ana" if role == "user" else "",
                calls=completion.calls if completion else (),
                answers=to or None,
                turn=self.turn,
            )
        )

    def prompt(self, *, closing: bool = False) -> Prompt:
        facts = "\n".join(f"[2026-11-22] {html.escape(fact, quote=False)}" for fact in self.facts)
        system = (
            '<block label="persona" chars="4" limit="4000">\nI am a bot who likes tea.\n</block>\n'
            f'<block label="human" chars="{len(facts)}" limit="4000">\n{facts}\n</block>\n'
        )
        tools = () if closing else self.tools
        return Prompt(system=system, messages=tuple(self.rows), tools=tools, closing=closing)

    async def say(self, *texts: str) -> str:
        """A turn: what is said, and the answer. The calls made are in `calls`."""
        self.turn += 1
        self.calls = []
        for text in texts:
            self.add("user", text)
        for _ in range(4):
            completion = await OfflineModel().complete(self.prompt())
            self.add("assistant", completion.text, completion)
            if not completion.calls:
                return completion.text
            assert not completion.text  # nothing is claimed before the tools have answered
            for call in completion.calls:
                arguments = json.loads(call.arguments)
                assert arguments.pop("request_heartbeat") is True
                self.calls.append((call.name, arguments))
                self.add("tool", self.answer(call.name, arguments), to=call.id)
        raise AssertionError("the turn did not end")

    def answer(self, name: str, arguments: dict[str, str]) -> str:
        if name.endswith("search"):
            return self.search(name)
        if self.failing:
            return self.failing
        if name == "archival_memory_insert":
            self.passages.append(arguments["content"])
        elif name == "core_memory_append":
            self.facts.append(arguments["content"])
        else:
            block = "\n".join(self.facts)
            assert block.count(arguments["old_content"]) == 1
            block = block.replace(arguments["old_content"], arguments["new_content"])
            self.facts = [line for line in block.split("\n") if line]
        return "Done."

    def search(self, name: str) -> str:
        """Everything there is, as the tools write it."""
        if name == "archival_memory_search":
            texts = [f"{text} (tags: event, x)" for text in self.passages]
        else:
            spoken = [row for row in self.rows if row.text and row.role != "tool"]
            texts = [f"{'Ana' if row.role == 'user' else 'you'}: {row.text}" for row in spoken]
        lines = [
            f"{number}. [2026-11-22 20:47] " + text.replace("\n", "\n   ")
            for number, text in enumerate(texts, 1)
        ]
        count = f"{len(texts)} of {len(texts)} results, page 0"
        return "\n".join([count, *lines]) if texts else "No results."
