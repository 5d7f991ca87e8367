"""Asks a named agent something, as if whoever speaks here had asked it: it sees what they may."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from bot.context import Overflow, Window, build
from bot.errors import ReverieError, ToolError
from bot.llm.base import LLM
from bot.rows import clean, origin_of
from bot.tools.base import Registry, call, parse_arguments
from bot.tools.memory import (
    Finder,
    StepContext,
    archival_memory_search,
    conversation_search,
    conversation_search_date,
)
from bot.types import Completion, Prompt
from memory.draft import Draft
from memory.errors import MemoryFault
from memory.store import Store
from memory.types import Claim, Message, Role, ToolCall, View, Viewer
from memory.words import sanitise

STEPS: Final = 3  # model calls for one answer; the last one gets no tools
CALLS: Final = 5  # searches of a step
LONGEST: Final = 2000  # characters of a question
SEARCHING: Final = Registry((archival_memory_search, conversation_search, conversation_search_date))


@dataclass(frozen=True, slots=True, kw_only=True)
class Consult:
    """What `ask_agent` does in one step. It searches and thinks; it writes nothing, and asks nobody
    else. viewer: whoever reads the step's answer. bill: told of every model call."""

    store: Store
    finder: Finder
    llm: LLM
    zone: tzinfo
    claim: Claim
    draft: Draft
    viewer: Viewer
    bill: Callable[[Prompt, Completion], None]

    async def __call__(self, name: str, question: str) -> str:
        """Raises ToolError, with a sentence for the model, or a ModelError."""
        text = sanitise(question).strip()
        if not text or len(text) > LONGEST:
            raise ToolError(f"A question has 1 to {LONGEST:,} characters, not {len(text):,}.")
        view = await self._known(name.strip())
        rows = [self._row(view, "user", text)]
        for step in range(STEPS):
            completion = await self._thought(view, rows, closing=step == STEPS - 1)
            if not completion.calls:
                break
            rows.append(replace(self._row(view, "assistant"), calls=completion.calls[:CALLS]))
            rows.extend([await self._found(view, wish) for wish in completion.calls[:CALLS]])
        return completion.text.strip() or f"{view.agent.name} has no answer."

    async def _known(self, name: str) -> View:
        """What a named agent knows, as far as all may see it who read this conversation."""
        agent = await self.store.named(name)
        if agent is None or agent.kind != "named":
            raise ToolError(
                f"There is no agent called {name!r} who can be asked. Only those can be that were"
                " made by name: people's own agents, and those of rooms, cannot."
            )
        if agent.id == self.claim.agent:
            raise ToolError(f"You are {agent.name}. Search your own memory.")
        item = self.claim.items[-1]
        said = replace(origin_of(item), workspace=self.viewer.workspace)
        view = await self.store.view(agent.id, item.room, said)
        return replace(view, history=())  # what was said is found by searching

    async def _thought(self, view: View, rows: Sequence[Message], *, closing: bool) -> Completion:
        window = Window(tokens=await self.llm.window(), count=self.llm.count)
        prompt = build(view, rows, SEARCHING.specs, window, self.zone, closing=closing)
        assert not isinstance(prompt, Overflow)  # there is no history that could leave
        completion = clean(await self.llm.complete(prompt))
        self.bill(prompt, completion)
        return replace(completion, calls=()) if closing else completion

    async def _found(self, view: View, wish: ToolCall) -> Message:
        context = StepContext(
            call_id=wish.id, draft=self.draft, finder=self.finder, viewer=view.viewer,
            zone=self.zone,
        )  # fmt: skip
        try:
            tool = SEARCHING.get(wish.name)
            text = sanitise(await call(tool, parse_arguments(tool, wish.arguments), context))
        except (ReverieError, MemoryFault) as error:
            text = sanitise(f"Error: {error}")
        return replace(self._row(view, "tool", text), answers=wish.id)

    def _row(self, view: View, role: Role, text: str = "") -> Message:
        item = self.claim.items[-1]
        speaker = str(item.payload.get("speaker", "")) if role == "user" else ""
        return Message(
            seq=0, role=role, text=text, at=self.draft.at, origin=origin_of(item), speaker=speaker,
            turn=self.claim.turn,
        )  # fmt: skip
