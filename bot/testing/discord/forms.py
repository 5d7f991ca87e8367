"""Forms (modals) and menus, filled in as a person's client does it."""

from collections.abc import Iterator, Mapping, Sequence

from bot.testing.discord.checks import walk
from bot.testing.discord.errors import Refused
from bot.testing.discord.records import Json, Message

ROW, BUTTON, SELECT, TEXT_INPUT, LABEL = 1, 2, 3, 4, 18
LINK = 5  # style of a button

Entry = str | Sequence[str]  # of a text; of a menu


def submitted(form: Json, given: Mapping[str, Entry]) -> list[Json]:
    """The components of a submitted form. given: by custom_id or by label; what is not given keeps
    what the form was opened with. Raises Refused as the client does: too short, required, unknown.
    """
    unknown = set(given) - {name for names, _ in _fields(form) for name in names}
    if unknown:
        there = ", ".join(names[-1] for names, _ in _fields(form))
        raise Refused(f"the form has no {', '.join(sorted(unknown))}; it has: {there}")
    return [_part(part, given) for part in form["components"]]


def _fields(form: Json) -> Iterator[tuple[tuple[str, str], Json]]:
    """((custom_id, label), component) of what can be filled in."""
    for part in form["components"]:
        if part["type"] in (ROW, LABEL):
            field = part["components"][0] if part["type"] == ROW else part["component"]
            yield (field["custom_id"], part.get("label") or field.get("label") or ""), field


def _part(part: Json, given: Mapping[str, Entry]) -> Json:
    data = {"type": part["type"], "id": 1}
    for (custom_id, label), field in _fields({"components": [part]}):
        value = given.get(custom_id, given.get(label, _opened_with(field)))
        entry = {"type": field["type"], "id": 1, "custom_id": custom_id}
        entry |= _checked(field, label or custom_id, value)
        return data | ({"components": [entry]} if part["type"] == ROW else {"component": entry})
    return data | {"content": part.get("content", "")}


def _opened_with(field: Json) -> Entry:
    """What a field holds before one touches it."""
    if field["type"] == TEXT_INPUT:
        return str(field.get("value") or "")
    return [option["value"] for option in field.get("options") or [] if option.get("default")]


def _checked(field: Json, label: str, value: Entry) -> Json:
    if field.get("required", True) and not value:
        raise Refused(f"the field {label!r} is required")
    if field["type"] != TEXT_INPUT:
        return {"values": picked(field, [value] if isinstance(value, str) else value)}
    low, high = field.get("min_length") or 0, field.get("max_length") or 4000
    if value and not low <= len(value) <= high:
        raise Refused(f"the field {label!r} takes {low} to {high} characters")
    return {"value": value}


def picked(menu: Json, values: Sequence[str]) -> list[str]:
    """Values of a menu's options, given as value or label. Raises Refused."""
    by_name = {option["label"]: option["value"] for option in menu.get("options") or []}
    found = [by_name.get(value, value) for value in values]
    if any(value not in by_name.values() for value in found):
        raise Refused(f"the menu offers: {', '.join(by_name) or 'nothing'}")
    return found


def pressed(message: Message, which: str, values: Sequence[str]) -> Json:
    """The data of a click. which: custom_id or label of a button, or custom_id of a menu.

    Raises Refused for what is not there, disabled or a link.
    """
    parts = [p for p in walk(message.components) if p["type"] in (BUTTON, SELECT)]
    found = [p for p in parts if which in (p.get("custom_id"), p.get("label"))]
    if not found:
        there = [p.get("label") or p.get("custom_id") or "" for p in parts]
        raise Refused(f"there is no {which!r} to click; there are: {', '.join(there) or 'none'}")
    part = found[0]
    if part.get("disabled") or (part.get("style") == LINK and part["type"] == BUTTON):
        raise Refused(f"{which!r} is disabled, or a link")
    data = {"custom_id": part["custom_id"], "component_type": part["type"], "id": part["id"]}
    return {**data, "values": picked(part, values)} if part["type"] == SELECT else data
