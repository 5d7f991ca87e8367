"""Who is answered, who is only heard, and who is left alone."""

import pytest

from adapters.base import Address, Event, RoomKind
from bot.attention import Attention, Mode, attend
from memory.types import now


def event(
    *, room: RoomKind, mentioned: bool = False, elsewhere: bool = False, thread: bool = False
) -> Event:
    address = Address(platform="slack", space="T", channel="C", thread="17.1" if thread else None)
    return Event(
        id="1", address=address, user="U", name="Ana", text="hi", at=now(), room_kind=room,
        mentioned=mentioned, elsewhere=elsewhere,
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["open", "listen", "mention", "off"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_dm_is_always_answered(mode: Mode, elsewhere: bool) -> None:
    assert attend(event(room="dm", elsewhere=elsewhere), mode, takes_part=False) == "answer"


@pytest.mark.parametrize("room", ["group", "private", "public"])
@pytest.mark.parametrize(
    ("mode", "plain", "mentioned", "to_another"),
    [
        ("open", "answer", "answer", "hear"),
        ("listen", "hear", "answer", "hear"),
        ("mention", "ignore", "answer", "ignore"),
        ("off", "ignore", "ignore", "ignore"),
    ],
)
def test_a_room_by_its_mode(
    room: RoomKind, mode: Mode, plain: Attention, mentioned: Attention, to_another: Attention
) -> None:
    assert attend(event(room=room), mode, takes_part=False) == plain
    assert attend(event(room=room, mentioned=True), mode, takes_part=False) == mentioned
    assert attend(event(room=room, elsewhere=True), mode, takes_part=False) == to_another


def test_a_thread_that_it_takes_part_in_goes_on_without_a_mention() -> None:
    assert attend(event(room="public", thread=True), "mention", takes_part=True) == "answer"
    assert attend(event(room="public", thread=True), "mention", takes_part=False) == "ignore"
    assert attend(event(room="public"), "mention", takes_part=True) == "ignore"  # no thread


def test_but_not_when_the_message_opens_by_addressing_somebody_else() -> None:
    asked = event(room="public", thread=True, elsewhere=True)
    assert attend(asked, "mention", takes_part=True) == "ignore"
    both = event(room="public", thread=True, elsewhere=True, mentioned=True)
    assert attend(both, "mention", takes_part=True) == "answer"
