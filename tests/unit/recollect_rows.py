"""Messages, hits and views, as small as tests of automatic recall need them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.context import Window
from bot.recollect import Found
from memory.audience import operator
from memory.types import Block, Fact, Hit, Message, Origin, View

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
WINDOW = Window(tokens=16_000, count=lambda text: len(text) // 3 + 1)


def message(seq: int, text: str, **more: object) -> Message:
    plain = Message(
        seq=seq, role="user", text=text, at=AT + timedelta(hours=seq), speaker="Ana", turn=seq,
        origin=Origin(room="r", person="ana"),
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def hit(text: str, words: float = 0.0, apart: float | None = None, **more: object) -> Hit:
    plain = Hit(
        shelf="messages", seq=1, text=text, at=AT, speaker="Ana", score=1.0, why=("words",),
        words=words, apart=apart,
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def view_of(history: Sequence[Message] = (), *facts: str, person: str | None = None) -> View:
    made = tuple(
        Fact(
            seq=900 + n, label="human", position=n, text=text, origin=Origin(), learned_at=AT,
            confirmed_at=AT, used_at=AT, valid_from=AT,
        )
        for n, text in enumerate(facts)
    )  # fmt: skip
    from_nobody = View(
        agent=None, blocks=(), summary=None, history=tuple(history), shared=(),  # type: ignore[arg-type]
        viewer=operator("a"), passages=0, older=0,
    )  # fmt: skip
    return replace(from_nobody, blocks=(Block(label="h", limit=9, person=person, facts=made),))


def found(*hits: Hit) -> list[Found]:
    return [Found(hit=each, worth=2.0) for each in hits]
