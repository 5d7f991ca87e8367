"""What a command answers, as messages with buttons and menus; a button is a command line.

Nothing is kept: what a button does lies in its custom_id, of which `Press` is the other form. So
it works after a restart as well, and whoever presses it gives the command.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Final, Self

import discord

from adapters.base import Button, Form, Line, Shown
from adapters.commands import origin_of
from adapters.discord import sentences
from adapters.discord.send import LIMIT, as_file, nonce, shortened
from adapters.text import split

ID: Final = 100  # characters of a custom_id, of a menu's label, of its value
LABEL, TITLE, FIELD = 80, 45, 4000  # characters of a button, of a form's title, of its text
IN_A_ROW, ROWS, OPTIONS = 5, 5, 25
SHOW: Final = "/memory show"
MARKS: Final = "①②③④⑤"

Item = discord.ui.Item[discord.ui.View]

_ID = re.compile(r"rv(?P<verb>\w)(?P<own>[01])(?P<long>[01])\d*\|(?P<rest>.*)", re.DOTALL)


class Verb(StrEnum):
    """What a press does."""

    GIVE = "g"  # gives the command
    SURE = "s"  # asks once more
    YES = "y"  # gives the command, and its answer takes the place of the question
    NO = "n"  # puts the question away
    FORM = "f"  # opens a form
    ASK = "a"  # asks for the form first, by giving `origin` again
    TEXT = "t"  # a form was sent off: gives the command with its text
    PICK = "p"  # shows the buttons of a line; asks for it by giving `origin` again


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What lies in a custom_id.

    own: see Invocation. origin: a line that only reads, whose answer has this button. title, label,
    long: of the form.
    """

    verb: Verb
    own: bool = False
    line: str = ""
    origin: str = ""
    title: str = ""
    label: str = ""
    long: bool = False

    def written(self, number: int = 0) -> str | None:
        """As a custom_id, told from its like by the number; None where it has no room."""
        more = {
            Verb.FORM: [self.title, self.label],
            Verb.ASK: [self.origin],
            Verb.PICK: [self.origin],
        }.get(self.verb, [])
        flags = f"{self.own:d}{self.long:d}{number or ''}"
        id_ = "|".join([f"rv{self.verb}{flags}", *more, self.line])
        return id_ if len(id_) <= ID and not any("|" in part for part in more) else None

    @classmethod
    def read(cls, custom_id: str) -> Self | None:
        """None for what is not ours."""
        found = _ID.fullmatch(custom_id)
        if found is None or found["verb"] not in set(Verb):
            return None
        verb, rest = Verb(found["verb"]), found["rest"]
        title = label = origin = ""
        if verb is Verb.FORM:
            title, label, rest = rest.split("|", 2)
        elif verb in (Verb.ASK, Verb.PICK):
            origin, rest = rest.split("|", 1)
        return cls(
            verb=verb,
            own=found["own"] == "1",
            line=rest,
            origin=origin or SHOW,
            title=title,
            label=label,
            long=found["long"] == "1",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of an answer."""

    text: str
    view: discord.ui.View | None = None
    files: tuple[discord.File, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Of what an answer is one: the line that was given, and whether `own` was."""

    line: str
    own: bool = False

    @property
    def again(self) -> str:
        """A line that may be given again to find a button of the answer: one that only reads."""
        return origin_of(self.line) or SHOW


def messages(shown: Shown, source: Source | None = None) -> list[Message]:
    """An answer, at least one message of it. Without a source it has no buttons."""
    layout = _Layout(shown, source) if source else None
    text = layout.text if layout else shown.plain()
    texts = split(text, LIMIT) or [shown.file_name or "…"]
    files = [as_file(shown.file_name, shown.file_text)] if shown.file_name else []
    if short := shortened(texts, text):
        texts = [short[0]]
        files.append(short[1])
    made = [Message(text=part) for part in texts]
    made[0] = Message(text=texts[0], files=tuple(files))
    view = layout.view if layout else None
    made[-1] = Message(text=texts[-1], files=made[-1].files, view=view)
    return made


# ---- where buttons stand


class _Layout:
    """The text of an answer, and its rows: a row of buttons a line, or menus to choose it from.

    What there is no room for is told in the text.
    """

    def __init__(self, shown: Shown, source: Source) -> None:
        self._source = source
        self._numbers = count(1)
        self._told: list[str] = []
        self._rows: list[list[Item]] = []
        lines = [line for part in shown.parts for line in part.lines if line.buttons]
        whole = _rows_of(shown.buttons)
        marks: dict[int, str] = {}
        if sum(_rows_of(line.buttons) for line in lines) + whole <= ROWS:
            if len(lines) > 1:
                marks = {id(line): f"{mark} " for line, mark in zip(lines, MARKS, strict=False)}
            for line in lines:
                self._add_buttons(line.buttons, marks.get(id(line), ""))
        else:
            self._add_menus(lines, ROWS - min(whole, 1))
        self._add_buttons(shown.buttons)
        self.text = "\n\n".join(filter(None, [*_texts(shown, marks), *self._told]))

    @property
    def view(self) -> discord.ui.View | None:
        return view_of(self._rows)

    def _add_buttons(self, buttons: Sequence[Button], mark: str = "") -> None:
        made: list[Item] = []
        for button in buttons:
            id_ = _id_of(button, self._source, next(self._numbers))
            if id_ is None or len(self._rows) + len(made) // IN_A_ROW >= ROWS:
                self._told.append(sentences.typed_instead(mark + button.label, button.line))
            else:
                made.append(labelled(mark + button.label, id_, danger=button.danger))
        self._rows += [made[at : at + IN_A_ROW] for at in range(0, len(made), IN_A_ROW)]

    def _add_menus(self, lines: Sequence[Line], room: int) -> None:
        """At most four menus."""
        options = {key_of(line): _option(line) for line in lines}
        fit = list(options.values())[: OPTIONS * min(room, 4)]
        if len(fit) < len(options):
            self._told.append(sentences.lines_left_out(len(fit), len(options)))
        source = self._source
        for at in range(0, len(fit), OPTIONS):
            number = next(self._numbers)
            picking = Press(verb=Verb.PICK, own=source.own, origin=source.again)
            id_ = picking.written(number) or Press(verb=Verb.PICK, own=source.own).written(number)
            assert id_ is not None, "without an origin it is short"
            menu: discord.ui.Select[discord.ui.View] = discord.ui.Select(
                custom_id=id_, placeholder=sentences.CHOOSE, options=fit[at : at + OPTIONS]
            )
            self._rows.append([menu])


def _rows_of(buttons: Sequence[Button]) -> int:
    return -(-len(buttons) // IN_A_ROW)


def _texts(shown: Shown, marks: dict[int, str]) -> Iterator[str]:
    """As Shown.plain has it, with marks at lines."""
    yield shown.text
    for part in shown.parts:
        yield f"**{part.title}**" if part.title else ""
        yield "\n".join(marks.get(id(line), "- ") + line.text for line in part.lines)
    yield shown.end


def view_of(rows: Sequence[Sequence[Item]]) -> discord.ui.View | None:
    """Rows as discord.py has them; None where there are none.

    It is ended at once, so that discord.py does not keep it: `pressed` hears of every press.
    """
    if not rows:
        return None
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for item in row:
            item.row = number
            view.add_item(item)
    view.stop()
    return view


# ---- single ones


def labelled(label: str, id_: str, *, danger: bool = False) -> discord.ui.Button[discord.ui.View]:
    style = discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary
    return discord.ui.Button(label=cut(label, LABEL), custom_id=id_, style=style)


def _id_of(button: Button, source: Source, number: int) -> str | None:
    """None where the line is too long."""
    own, line, form = source.own, button.line, button.form
    if form is None:
        verb = Verb.SURE if button.danger else Verb.GIVE
        return Press(verb=verb, own=own, line=line).written(number)
    kept = Press(
        verb=Verb.FORM, own=own, line=line, title=form.title, label=form.label, long=form.long
    )
    asked = Press(verb=Verb.ASK, own=own, line=line, origin=source.again)
    short = Press(verb=Verb.ASK, own=own, line=line)
    ways = (asked, short) if form.value else (kept, asked, short)
    return next((id_ for way in ways if (id_ := way.written(number))), None)


def key_of(line: Line) -> str:
    """What a menu knows a line by: its first button, which stays while the text changes."""
    return nonce(line.buttons[0].line)


def _option(line: Line) -> discord.SelectOption:
    words = " ".join(re.sub(r"[*`]+", "", line.text).split())
    return discord.SelectOption(label=cut(words, ID) or "…", value=key_of(line))


def question(label: str, press: Press) -> tuple[str, discord.ui.View | None]:
    """Whether somebody means what they pressed."""
    yes = Press(verb=Verb.YES, own=press.own, line=press.line).written()
    no = Press(verb=Verb.NO).written()
    assert yes is not None, "it is as long as what was pressed"
    assert no is not None, "it is short"
    buttons = [labelled(sentences.YES, yes, danger=True), labelled(sentences.NO, no)]
    return f"{sentences.REALLY}\n**{label}** `{press.line}`", view_of([buttons])


def modal(form: Form, press: Press) -> discord.ui.Modal:
    """A form with one field. A text that has no room in it is left out rather than cut."""
    id_ = Press(verb=Verb.TEXT, own=press.own, line=press.line).written()
    assert id_ is not None, "it is as long as what was pressed"
    made = discord.ui.Modal(title=cut(form.title, TITLE) or "…", custom_id=id_)
    field: discord.ui.TextInput[discord.ui.View] = discord.ui.TextInput(
        custom_id="text",
        style=discord.TextStyle.paragraph if form.long else discord.TextStyle.short,
        default=form.value if len(form.value) <= FIELD else None,
        max_length=FIELD,
    )
    made.add_item(discord.ui.Label(text=cut(form.label, TITLE) or "…", component=field))
    made.stop()
    return made


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


# ---- found again


def lines_of(shown: Shown) -> list[Line]:
    """All lines that something can be done about."""
    return [line for part in shown.parts for line in part.lines if line.buttons]


def form_of(shown: Shown, line: str) -> Form | None:
    """The form of the button that gives a line."""
    buttons = [*shown.buttons, *(button for one in lines_of(shown) for button in one.buttons)]
    return next((button.form for button in buttons if button.line == line and button.form), None)
