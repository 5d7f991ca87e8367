"""An answer of a verb as chats show it: lists whose lines have buttons, each a command line."""

from dataclasses import replace

from adapters.base import Button, Form, Line, Part, Shown
from bot.commands.answer import Answer, Table
from bot.commands.records import Record

UNDO = Button(label="Undo", line="/memory undo")
ADD = Button(
    label="Add",
    line="/memory add",
    form=Form(title="Remember", label="What should I remember?", long=True),
)
EXPORT = Button(label="Export", line="/memory export")
PAUSE = Button(label="Pause", line="/memory pause")
RESUME = Button(label="Resume", line="/memory resume")


def shown(answer: Answer, *, paused: bool = False) -> Shown:
    """Lists in place of tables, since chats have none; what changed can be taken back."""
    if answer.document:
        return Shown(
            text=answer.text or "Here is everything that I remember.",
            file_name="memory.json",
            file_text=answer.document,
        )
    parts = tuple(_part(table) for table in answer.tables)
    return Shown(
        text=answer.lead or ("" if parts or answer.text else "Done."),
        parts=parts,
        end=answer.text,
        buttons=_about_the_whole(answer, paused=paused),
    )


def with_end(shown: Shown, end: str) -> Shown:
    """The same, with another paragraph at its end."""
    return replace(shown, end="\n\n".join(part for part in (shown.end, end) if part))


def _part(table: Table) -> Part:
    buttons = [_buttons(record) for record in table.records] or [()] * len(table.rows)
    lines = tuple(
        Line(text=" · ".join(" ".join(cell.split()) for cell in row if cell), buttons=more)
        for row, more in zip(table.rows, buttons, strict=True)
    )
    return Part(title=table.title, lines=lines or (Line(text="(nothing)"),))


def _about_the_whole(answer: Answer, *, paused: bool) -> tuple[Button, ...]:
    kinds = {record.get("type") for record in answer.records}
    if "block" in kinds:
        return (ADD, EXPORT, RESUME if paused else PAUSE)
    return (UNDO,) if "done" in kinds else ()


def _buttons(record: Record) -> tuple[Button, ...]:
    number = record["number"]
    forget = Button(label="Forget", line=f"/memory forget {number}", danger=True)
    why = Button(label="Why?", line=f"/memory why {number}")
    match record["type"]:
        case "fact" if record["state"] != "active":
            return (why,)
        case "fact":
            share = () if record["block"] == "persona" else (_share(record),)
            return (_edit(number, str(record["text"])), _pin(record), *share, why, forget)
        case "archival":
            return (why, forget)
        case "recall":
            return (forget,)
        case "change" if not record["undone_by"] and not record["undoes"]:
            return (Button(label="Undo", line=f"/memory undo {number}"),)
        case _:
            return ()


def _edit(number: object, text: str) -> Button:
    form = Form(title=f"Edit #{number}", label="What is right?", value=text, long=True)
    return Button(label="Edit", line=f"/memory edit {number}", form=form)


def _share(record: Record) -> Button:
    verb = "unshare" if record["audience"] == "workspace" else "share"
    return Button(label=verb.capitalize(), line=f"/memory {verb} {record['number']}")


def _pin(record: Record) -> Button:
    verb = "unpin" if record["pinned"] else "pin"
    return Button(label=verb.capitalize(), line=f"/memory {verb} {record['number']}")
