"""The bot thinks: from a message to an answer, through a model and its tools."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.tools.base import tool

__all__ = ["tool"]


def __getattr__(name: str) -> Any:
    """`from bot import tool`, without the cost of it for whoever wants something else of bot."""
    if name == "tool":
        from bot.tools.base import tool

        return tool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
