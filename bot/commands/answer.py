"""What a verb answers: tables and sentences that others render."""

from dataclasses import dataclass

from bot.commands.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells, as people read them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    records: tuple[Record, ...] = ()  # of the rows, where they can be acted upon


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a verb answers: tables, between a lead and a text. `records` are the same as plain data.

    document: a whole file's text to hand over, in place of all else.
    """

    lead: str = ""
    text: str = ""
    tables: tuple[Table, ...] = ()
    records: tuple[Record, ...] = ()
    document: str = ""
