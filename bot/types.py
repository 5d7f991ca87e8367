"""The records that the thinking passes around."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memory.types import Message, ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as a model is told of it. `parameters` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is shown: the stable part first, then the conversation, oldest first.

    recalled: what memory has for the newest turn, to be shown right before it; None: nobody looked.
    closing: the turn must end now. The model gets no tools and is asked for words.
    """

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    recalled: str | None = None
    closing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call, or of several, as the endpoint counted them."""

    prompt: int
    completion: int
    calls: int = 1

    def plus(self, more: "Usage") -> "Usage":
        return Usage(
            prompt=self.prompt + more.prompt,
            completion=self.completion + more.completion,
            calls=self.calls + more.calls,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a million tokens cost, in whatever money."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, used: Usage) -> int:
        """The price of a call, in millionths of that money."""
        return round(used.prompt * self.prompt + used.completion * self.completion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model answered: words, calls, or both. `thoughts` are for nobody."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    thoughts: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool said. A failed one is told to the model, never to the person."""

    call: ToolCall
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The turn goes on with another step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The turn is over, and why."""

    reason: str
