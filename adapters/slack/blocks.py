"""What a command answers, as Block Kit: lists whose lines have menus, forms, the Home tab. Pure.

Nothing is kept: what a button does lies in its value, and in its block's name whose answer it is
in, of which `Press` is the other form. So it works after a restart as well, and whoever presses it
gives the command. Limits are those of docs.slack.dev/reference/block-kit; what there is no room for
is told.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from adapters.base import Button, Form, Line, Shown
from adapters.slack import sentences
from adapters.text import split, to_mrkdwn

MESSAGES: Final = 5  # of an answer: as many as a response_url takes
LIMIT: Final = 3_900  # characters of a message; Slack advises 4,000, and cuts at 40,000
BLOCKS, LETTERS = 50, 12_000  # of a message; from about 13,200 on it is too long for Slack
HOME_BLOCKS, HOME_LETTERS = 100, 60_000
SAID_BLOCKS: Final = 30  # of the Home tab, for the answer to what was pressed there
SECTION, SECTIONS = 3_000, 3  # characters of a section, and into how many a text may be cut
ELEMENTS, LABEL, VALUE = 25, 75, 2_000  # of a row of buttons; of a button
OPTIONS, OPTION = 5, 150  # of a menu; characters of what one of them is worth
NAME: Final = 255  # characters of a block's name
TITLE, FIELD, INPUT_LABEL = 24, 3_000, 2_000  # of a form
TEXT: Final = "text"  # the one field of a form
GIVE: Final = "give"  # what our buttons and forms are called

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a button does: it gives its line, or asks before.

    origin: the line whose answer has the button, where that only reads. form: None where it is to
    be looked up in that answer, since it shows a text that may change, or has no room.
    """

    line: str
    asks: Literal["", "sure", "form"] = ""
    form: Form | None = None
    origin: str = ""

    @classmethod
    def read(cls, value: object, name: object) -> Self | None:
        """Of a button's value and its block's name; None for what is not ours."""
        origin = str(name).partition(".")[2]
        try:
            match json.loads(str(value)):
                case [str(line)]:
                    return cls(line=line, origin=origin)
                case [str(line), ("sure" | "form") as asks]:
                    return cls(line=line, asks=asks, origin=origin)
                case [str(line), str(title), str(label), bool(long)]:
                    form = Form(title=title, label=label, long=long)
                    return cls(line=line, asks="form", form=form, origin=origin)
        except ValueError:
            pass
        return None


def _written(button: Button, most: int, *, asks: bool) -> str | None:
    """A value of at most so many characters; None where it has no room. asks: whether a dangerous
    one has to ask by itself."""
    form = button.form
    ways: list[list[object]]
    if form is None:
        ways = [[button.line, "sure"] if asks and button.danger else [button.line]]
    elif form.value:
        ways = [[button.line, "form"]]
    else:
        ways = [[button.line, form.title, form.label, form.long], [button.line, "form"]]
    values = [json.dumps(way, ensure_ascii=False, separators=(",", ":")) for way in ways]
    return next((value for value in values if len(value) <= most), None)


def messages(shown: Shown, origin: str = "", said: Shown | None = None) -> list[Json]:
    """An answer as `text` and `blocks` of messages. With buttons it is one, unless its texts are
    very long; without them there are no blocks, and it is at most five.

    origin: see Press. said: the answer to what was pressed in it, which stands on top.
    """
    if said is not None:
        return _both(said, shown, origin)
    if not (shown.buttons or any(_buttons_of(shown))):
        parts = split(to_mrkdwn(shown.plain()), LIMIT)
        if len(parts) > MESSAGES:
            parts = [*parts[: MESSAGES - 1], sentences.TOO_MUCH]
        return [{"text": part} for part in parts or ["…"]]
    return [_message(page, origin) for page in _pages(shown, BLOCKS, LETTERS)]


def _both(said: Shown, shown: Shown, origin: str) -> list[Json]:
    """In one message if they have room there, else one after the other, the answer last."""
    top, *more = _pages(said, BLOCKS // 2, LETTERS // 2)
    rest, *others = _pages(shown, BLOCKS - len(top) - 1, LETTERS // 2)
    if more or others or max(_letters(top), _letters(rest)) > LETTERS // 2:
        return [*messages(shown, origin), *messages(said, origin)]
    return [_message([*top, {"type": "divider"}, *rest], origin)]


def _message(blocks: Sequence[Json], origin: str) -> Json:
    return {"text": _words(blocks), "blocks": _named(blocks, origin)}


def home(shown: Shown, origin: str, said: Shown | None = None, said_origin: str = "") -> Json:
    """The Home tab. said: the answer to what was pressed there, which stands on top."""
    top = _pages(said, SAID_BLOCKS, HOME_LETTERS // 2)[0] if said else []
    above = [*_named(top, said_origin), *[{"type": "divider"}] * bool(top)]
    [rest] = _pages(shown, HOME_BLOCKS - len(above), HOME_LETTERS // 2)
    return {"type": "home", "blocks": [*above, *_named(rest, origin, len(above))]}


def modal(form: Form, about: str) -> Json:
    """What is asked before a button gives its command. about: what comes back with the text. A text
    that has no room in it is left out rather than cut."""
    fits = len(form.value) <= FIELD
    field: Json = {
        "type": "plain_text_input",
        "action_id": TEXT,
        "multiline": form.long,
        "max_length": FIELD,
    }
    if form.value and fits:
        field["initial_value"] = form.value
    label = form.label if fits else f"{form.label} {sentences.ANEW}"
    block = {
        "type": "input",
        "block_id": TEXT,
        "label": _plain(label, INPUT_LABEL),
        "element": field,
    }
    return _view(form.title, about, block, sentences.SEND, sentences.CANCEL)


def question(label: str, line: str, about: str) -> Json:
    """Whether somebody means what they chose."""
    [block, *_] = _sections(f"**{label}**\n`{line}`")
    return _view(sentences.REALLY, about, block, sentences.YES, sentences.NO)


def _view(title: str, about: str, block: Json, submit: str, close: str) -> Json:
    return {
        "type": "modal",
        "callback_id": GIVE,
        "private_metadata": about,
        "title": _plain(title, TITLE),
        "submit": _plain(submit, TITLE),
        "close": _plain(close, TITLE),
        "blocks": [block],
    }


def typed_in(view: Json) -> str:
    """What was typed into a form that was sent off; "" for a question."""
    field = view["state"]["values"].get(TEXT, {}).get(TEXT, {})
    return str(field.get("value") or "").strip()


def form_of(shown: Shown, line: str) -> Form | None:
    """The form of the button that gives a line."""
    buttons = (*shown.buttons, *_buttons_of(shown))
    return next((button.form for button in buttons if button.line == line and button.form), None)


def _buttons_of(shown: Shown) -> Iterator[Button]:
    """Those of lines."""
    for part in shown.parts:
        for line in part.lines:
            yield from line.buttons


# ---- pages


def _pages(shown: Shown, blocks: int, letters: int) -> list[list[Json]]:
    """Blocks of one message or view, with as many lines as fit; of more where even without lines it
    is too long."""
    head, end = _sections(shown.text), _sections(shown.end)
    lines = [
        [
            *([] if number else _sections(f"**{part.title}**" if part.title else "")[:1]),
            *_line(line),
        ]
        for part in shown.parts
        for number, line in enumerate(part.lines or (Line(text="–"),))
    ]

    def laid_out(kept: int) -> list[list[Json]]:
        left = len(lines) - kept
        more = _sections(sentences.left_out(left)) if left else []
        whole = [*([block] for block in head), *lines[:kept], more]
        return _packed([*whole, *([block] for block in end), _rows(shown.buttons)], blocks, letters)

    fitting = bisect_right(range(len(lines) + 1), 1, key=lambda kept: len(laid_out(kept)))
    return laid_out(max(fitting - 1, 0))


def _packed(groups: Iterable[Sequence[Json]], blocks: int, letters: int) -> list[list[Json]]:
    """As few pages as they fill in this order; a group is not torn apart."""
    pages: list[list[Json]] = [[]]
    room, free = blocks, letters
    for group in groups:
        needed = _letters(group)
        if pages[-1] and (len(group) > room or needed > free):
            pages.append([])
            room, free = blocks, letters
        pages[-1].extend(group)
        room, free = room - len(group), free - needed
    return [page or _sections("…") for page in pages]


def _letters(blocks: Sequence[Json]) -> int:
    return sum(len(text) for text in _texts(blocks))


def _texts(node: object) -> Iterator[str]:
    """All words that can be read."""
    if isinstance(node, dict):
        text = node.get("text")
        if isinstance(text, str):
            yield text
        yield from _texts(
            [
                node[name]
                for name in ("text", "elements", "accessory", "options", "confirm")
                if name in node
            ]
        )
    elif isinstance(node, list | tuple):
        for child in node:
            yield from _texts(child)


def _words(blocks: Sequence[Json]) -> str:
    """What is read where blocks are not shown, such as in a notification."""
    sections = (block["text"]["text"] for block in blocks if block["type"] == "section")
    return next(iter(split("\n".join(sections), LIMIT)), "…")


def _named(blocks: Sequence[Json], origin: str, first: int = 0) -> list[Json]:
    """Where something can be pressed, the block's name has the origin."""
    made = []
    for number, block in enumerate(blocks, first):
        name = f"{number}.{origin}" if len(origin) < NAME - 10 else f"{number}."
        pressed = block["type"] == "actions" or "accessory" in block
        made.append({**block, "block_id": name} if pressed else block)
    return made


# ---- single ones


def _line(line: Line) -> list[Json]:
    """One button stands beside its line, a few are a menu there, and more stand below."""
    first, *others = _sections(line.text) or _sections("–")
    options = [_written(button, OPTION, asks=True) for button in line.buttons]
    if len(line.buttons) == 1 and (made := _button(line.buttons[0], 0)):
        return [{**first, "accessory": made}, *others]
    if 2 <= len(options) <= OPTIONS and None not in options:
        choices = [
            {"text": _plain(button.label, LABEL), "value": value}
            for button, value in zip(line.buttons, options, strict=True)
        ]
        menu = {"type": "overflow", "action_id": GIVE, "options": choices}
        return [{**first, "accessory": menu}, *others]
    return [first, *others, *_rows(line.buttons)]


def _sections(markdown: str) -> list[Json]:
    parts = split(to_mrkdwn(markdown), SECTION)
    if len(parts) > SECTIONS:
        parts = [*parts[: SECTIONS - 1], sentences.TOO_MUCH]
    return [{"type": "section", "text": {"type": "mrkdwn", "text": part}} for part in parts]


def _rows(buttons: Sequence[Button]) -> list[Json]:
    """Rows of buttons; what one would do that has no room is told instead."""
    made = [_button(button, number) for number, button in enumerate(buttons)]
    fit = [button for button in made if button is not None]
    told = [
        f"{button.label}: `{button.line}`"
        for button, one in zip(buttons, made, strict=True)
        if one is None
    ]
    rows = [fit[at : at + ELEMENTS] for at in range(0, len(fit), ELEMENTS)]
    return [*_sections("\n".join(told)), *({"type": "actions", "elements": row} for row in rows)]


def _button(button: Button, number: int) -> Json | None:
    """One that cannot be taken back asks once more, unless its form asks anyway. None where its
    line is too long."""
    value = _written(button, VALUE, asks=False)
    if value is None:
        return None
    made: Json = {
        "type": "button",
        "action_id": f"{GIVE}.{number}",
        "text": _plain(button.label, LABEL),
        "value": value,
    }
    if button.danger:
        made["style"] = "danger"
        if button.form is None:
            made["confirm"] = {
                "title": _plain(sentences.REALLY, LABEL),
                "text": _plain(button.label, LABEL),
                "confirm": _plain(sentences.YES, TITLE),
                "deny": _plain(sentences.NO, TITLE),
                "style": "danger",
            }
    return made


def _plain(text: str, most: int) -> Json:
    short = text if len(text) <= most else f"{text[: most - 1]}…"
    return {"type": "plain_text", "text": short or "…"}
