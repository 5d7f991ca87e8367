"""Records to JSON and back. Reading checks every field: a broken file is refused, not half read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from memory.types import Diff, Origin

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def dumps(kind: type[T], value: T) -> str:
    """A record, or a tuple of them, as JSON."""
    return _adapter(kind).dump_json(value).decode()


def loads(kind: type[T], text: str) -> T:
    """The record back. Raises pydantic's ValidationError (a ValueError) on anything unexpected."""
    value: T = _adapter(kind).validate_json(text)
    return value


def plain(kind: type[T], value: T) -> Any:
    """A record as dicts, lists, strings and numbers."""
    return _adapter(kind).dump_python(value, mode="json")


def record(kind: type[T], value: Any) -> T:
    """A record from plain data. Raises pydantic's ValidationError on anything unexpected."""
    result: T = _adapter(kind).validate_python(value)
    return result


def dump_diffs(diffs: tuple[Diff, ...]) -> str:
    return dumps(tuple[Diff, ...], diffs)


def load_diffs(text: str) -> tuple[Diff, ...]:
    return loads(tuple[Diff, ...], text)


def micros(at: datetime) -> int:
    """An aware datetime as whole microseconds since 1970, exactly."""
    gap = at - EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds


def moment(number: int) -> datetime:
    """The datetime of `micros`."""
    return EPOCH + timedelta(microseconds=number)


def origin_columns(origin: Origin) -> dict[str, Any]:
    return {
        "audience": origin.audience,
        "person": origin.person,
        "room": origin.room,
        "workspace": origin.workspace,
        "source": origin.source,
    }


def origin_of(row: Any) -> Origin:
    return Origin(
        audience=row["audience"],
        person=row["person"],
        room=row["room"],
        workspace=row["workspace"],
        source=row["source"],
    )
