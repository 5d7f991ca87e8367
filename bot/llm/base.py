"""The one thing the loop asks of a model."""

from collections.abc import Sequence
from typing import Protocol

from bot.types import Completion, Prompt
from memory.types import Message


class LLM(Protocol):
    """A language model behind one method. Its wire format never leaves its file."""

    @property
    def name(self) -> str:
        """As people know it, with its mode: shown in the banner and by doctor."""
        ...

    async def window(self) -> int:
        """Tokens that a request and its answer may have together."""
        ...

    def count(self, text: str) -> int:
        """About how many tokens a text is. Errs on the high side; learns from reported usage."""
        ...

    async def complete(self, prompt: Prompt) -> Completion:
        """Answer. Raises a ModelError whose class says whether trying again makes sense."""
        ...

    async def summarise(self, previous: str, messages: Sequence[Message]) -> Completion:
        """What is worth keeping of messages that fall out of the window, and of `previous`, the
        summary before; its usage is that of all calls it took. Raises ModelError as `complete`
        does."""
        ...

    async def close(self) -> None: ...
