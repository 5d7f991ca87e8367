"""Loops end; people who talk fast are not loops."""

from itertools import count

import pytest

from adapters.base import Address, Event, RoomKind
from bot.guard import REPEATS, WITHIN, Guard
from memory.types import now

NUMBERS = count()


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def event(text: str, user: str = "ana", channel: str = "hall", kind: RoomKind = "public") -> Event:
    address = Address(platform="slack", space="T", channel=channel)
    return Event(
        id=str(next(NUMBERS)),
        address=address,
        user=user,
        name=user,
        text=text,
        at=now(),
        room_kind=kind,
    )


@pytest.mark.parametrize("text", ["Error: build failed", "构建失败"])
def test_the_same_words_end_and_go_on_after_a_pause(text: str) -> None:
    clock = Clock()
    guard = Guard(clock)
    assert [guard.passes(event(text)) for _ in range(REPEATS + 2)] == [True] * REPEATS + [False] * 2
    assert guard.stopped == 2
    assert guard.passes(event("something else"))
    assert guard.passes(event(text, user="ben"))
    assert guard.passes(event(text, channel="other"))
    clock.time += WITHIN
    assert guard.passes(event(text))


def test_an_echo_of_our_words_ends_though_they_differ() -> None:
    guard = Guard(Clock())
    taken = 0
    for number in range(20):
        words = f"Here is answer {number}, and 第{number}个回答"
        guard.said(event("").address.room, words)
        taken += guard.passes(event(words))
    assert taken == REPEATS


def test_three_hundred_different_messages_pass() -> None:
    guard = Guard(Clock())
    assert all(guard.passes(event(f"message {n}")) for n in range(300))


def test_what_is_delivered_again_is_not_counted() -> None:
    guard = Guard(Clock())
    again = event("hello")
    assert all(guard.passes(again) for _ in range(20))
    assert guard.stopped == 0


def test_a_direct_message_is_never_a_loop() -> None:
    guard = Guard(Clock())
    assert all(guard.passes(event("yes", kind="dm")) for _ in range(20))
