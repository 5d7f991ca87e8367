"""Which messages of a room the bot answers, only hears, or leaves alone. Pure."""

from typing import Literal

from adapters.base import Event

Mode = Literal["open", "listen", "mention", "off"]  # what a room's admin chose
Attention = Literal["answer", "hear", "ignore"]

DEFAULT_MODE: Mode = "mention"


def attend(event: Event, mode: Mode, *, takes_part: bool) -> Attention:
    """What to do with a message.

    takes_part: the bot has spoken in this thread before; then it goes on without a mention, unless
    the message opens by addressing somebody else.
    """
    if event.room_kind == "dm":
        return "answer"
    if mode == "off":
        return "ignore"
    if event.mentioned:
        return "answer"
    if event.elsewhere:
        return "hear" if mode in ("open", "listen") else "ignore"
    if mode == "open" or (takes_part and event.address.thread is not None):
        return "answer"
    return "hear" if mode == "listen" else "ignore"
