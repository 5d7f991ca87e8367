"""Block Kit: what Slack refuses, what a reader sees, and what a filled form says. Pure."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.testing.slack.wire import Json, Refused, invalid

MESSAGE_BLOCKS, VIEW_BLOCKS, MESSAGE_CHARS = 50, 100, 13_200
BLOCKS = {
    "actions", "alert", "call", "card", "carousel", "context", "context_actions", "divider",
    "file", "header", "image", "input", "markdown", "plan", "rich_text", "section", "table",
    "task_card", "video",
}  # fmt: skip
LIMITS = {"section": 3000, "header": 150, "markdown": 12_000}  # characters of a block's text
CONFIRM = {"title": 100, "text": 300, "confirm": 30, "deny": 30}  # characters
TEXT_INPUTS = {"plain_text_input", "email_text_input", "url_text_input", "number_input"}
ONE_OF = {"static_select", "external_select", "radio_buttons", "overflow"}
MANY_OF = {"checkboxes", "multi_static_select", "multi_external_select"}
PICKED = {  # element type -> the name of its value
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "multi_users_select": "selected_users",
}


def elements(blocks: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    """Every interactive element, with the block_id of its block."""
    for block in blocks:
        own = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        for element in own:
            if isinstance(element, dict) and "action_id" in element:
                yield block.get("block_id", ""), element


def find(
    blocks: Sequence[Json], action_id: str, *, value: str | None = None, block_id: str = ""
) -> tuple[str, Json]:
    """The (block_id, element) with that action_id; a button's value or block_id tell equal ones
    apart.

    Raises LookupError, naming what there is.
    """
    for block, element in elements(blocks):
        button = element["type"] == "button"
        same = value is None or not button or element.get("value", "") == value
        if element["action_id"] == action_id and block_id in ("", block) and same:
            return block, element
    there = sorted({element["action_id"] for _, element in elements(blocks)})
    raise LookupError(f"there is no {action_id!r} (value {value!r}) here, only {there}")


def labelled(blocks: Sequence[Json], label: str, beside: str = "") -> tuple[str, str, Json]:
    """(block_id, what it is worth, element) of the button, or of the choice in a menu, that people
    read so; beside: words of its own block, or of the text before it, which tell equal ones apart.

    Raises LookupError, naming what there is.
    """
    there, words = [], ""
    for block in blocks:
        words = "\n".join(_words(block.get("text") or {})) or words
        for _, element in elements([block]):
            for part in [element, *options_of(element)]:
                name = (part.get("text") or {}).get("text")
                there.append(name)
                if name == label and beside in words:
                    return block["block_id"], str(part.get("value", "")), element
    raise LookupError(f"there is no {label!r} beside {beside!r} here, only {there}")


def options_of(element: Json) -> list[Json]:
    groups = [group["options"] for group in element.get("option_groups", ())]
    return [*element.get("options", ()), *(option for group in groups for option in group)]


def chosen(element: Json, value: Any) -> Json:
    """An element's state once somebody chose or typed `value`; None for nothing.

    Raises LookupError for an option that is not there.
    """
    kind = element["type"]
    if kind in TEXT_INPUTS:
        return {"type": kind, "value": value}
    if kind in ONE_OF:
        return {"type": kind, "selected_option": value and _option(element, value)}
    if kind in MANY_OF:
        return {"type": kind, "selected_options": [_option(element, one) for one in value or ()]}
    return {"type": kind, PICKED.get(kind, "value"): value}


def _option(element: Json, value: Any) -> Json:
    if isinstance(value, dict):
        return value
    for option in options_of(element):
        if option["value"] == value:
            return option
    raise LookupError(f"{element['action_id']!r} has no option {value!r}")


def initial(element: Json) -> Any:
    """What an element holds before anybody touched it."""
    for name, value in element.items():
        if name.startswith("initial_"):
            return value
    return None


def state(blocks: Sequence[Json], values: Mapping[str, Any] | None = None) -> Json:
    """`{"values": {block_id: {action_id: …}}}` of a form.

    values: what a person fills in, by action_id or block_id; the rest keeps its initial value.
    Raises LookupError for a name that no field has, ValueError where a field must not be empty or
    is too long: Slack's own form would not let a person send it.
    """
    given = dict(values or {})
    filled: Json = {}
    for block_id, element in elements(blocks):
        if element["type"] in ("button", "overflow"):
            continue
        name = next((key for key in (element["action_id"], block_id) if key in given), None)
        value = initial(element) if name is None else given[name]
        filled.setdefault(block_id, {})[element["action_id"]] = chosen(element, value)
    known = filled.keys() | {action for actions in filled.values() for action in actions}
    if given.keys() - known:
        raise LookupError(f"no field {sorted(given.keys() - known)}, only {sorted(known)}")
    if values is not None:
        _check_filled(blocks, filled)
    return {"values": filled}


def _check_filled(blocks: Sequence[Json], filled: Json) -> None:
    for block in blocks:
        if block["type"] != "input":
            continue
        held = filled[block["block_id"]][block["element"]["action_id"]]
        value = next((held[key] for key in held if key != "type"), None)
        if not value and not block.get("optional"):
            raise ValueError(f"the field {block['block_id']!r} must not be empty")
        longest = block["element"].get("max_length", 3000)
        if isinstance(value, str) and len(value) > longest:
            raise ValueError(f"the field {block['block_id']!r} holds at most {longest} characters")


def text_of(message: Json) -> str:
    """All the words of a message or view that a reader sees, blocks included."""
    seen = [str(message.get("text") or "")]
    for block in message.get("blocks") or ():
        if block["type"] != "rich_text" or not seen[0]:
            seen.extend(_words(block))
    return "\n".join(dict.fromkeys(word for word in seen if word))


def _words(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for child in node:
            yield from _words(child)
    elif isinstance(node, dict):
        if isinstance(node.get("text"), str):
            yield node["text"]
        shown = ("text", "fields", "elements", "accessory", "label", "hint", "element", "rows")
        for name in (*shown, "initial_value"):
            value = node.get(name)
            if name == "initial_value" and value:
                yield value
            elif isinstance(value, dict | list):
                yield from _words(value)


def prepared(blocks: Sequence[Json], *, most: int = MESSAGE_BLOCKS) -> list[Json]:
    """Blocks as Slack keeps them, ids filled in. Raises Refused("invalid_blocks")."""
    wrong = [f"no more than {most} items allowed [json-pointer:/blocks]"] * (len(blocks) > most)
    seen: set[str] = set()
    kept = []
    for place, block in enumerate(blocks):
        wrong += [f"{problem} [json-pointer:/blocks/{place}]" for problem in _problems(block)]
        if wrong:
            continue
        block = {**block, "block_id": block.get("block_id") or uuid.uuid4().hex[:5]}
        if block["block_id"] in seen:
            wrong.append(f"block_id {block['block_id']!r} already exists")
        seen.add(block["block_id"])
        kept.append(block)
    if wrong:
        raise invalid(*wrong, error="invalid_blocks")
    return kept


def message_blocks(blocks: Sequence[Json]) -> list[Json]:
    """Blocks of a message. Raises Refused, also for all of them together being too long."""
    kept = prepared(blocks)
    if sum(len(text) for block in kept for text in _words(block)) > MESSAGE_CHARS:
        raise Refused("msg_blocks_too_long")
    return kept


def _problems(block: Json) -> Iterator[str]:
    kind = block.get("type")
    if kind not in BLOCKS:
        yield f"unsupported type: {kind}"
        return
    text = block.get("text")
    words = text.get("text", "") if isinstance(text, dict) else text or ""
    if len(words) > LIMITS.get(kind, len(words)):
        yield f"must be less than {LIMITS[kind] + 1} characters"
    if len(block.get("block_id") or "") > 255:
        yield "block_id must be less than 256 characters"
    if kind in LIMITS and not words and not block.get("fields"):
        yield "must have a text"
    if kind == "actions" and not 1 <= len(block.get("elements", ())) <= 25:
        yield "must have 1 to 25 elements"
    yield from _element_problems(block)


def _element_problems(block: Json) -> Iterator[str]:
    ids = [element["action_id"] for _, element in elements([block])]
    if len(ids) != len(set(ids)):
        yield "action_id must be unique in a block"
    for _, element in elements([block]):
        if len((element.get("text") or {}).get("text", "")) > 75:
            yield "text of a button must be less than 76 characters"
        if len(str(element.get("value", ""))) > 2000:
            yield "value must be less than 2001 characters"
        if len(element["action_id"]) > 255:
            yield "action_id must be less than 256 characters"
        yield from _option_problems(element)
        yield from _confirm_problems(element.get("confirm") or {})


def _option_problems(element: Json) -> Iterator[str]:
    most = 5 if element["type"] == "overflow" else 100
    if "options" in element and not 1 <= len(element["options"]) <= most:
        yield f"must have 1 to {most} options"
    for option in options_of(element):
        if len(option["value"]) > 150:
            yield "value of an option must be less than 151 characters"
        if not 1 <= len(option["text"]["text"]) <= 75:
            yield "text of an option must have 1 to 75 characters"


def _confirm_problems(confirm: Json) -> Iterator[str]:
    for name, most in CONFIRM.items() if confirm else ():
        if not 1 <= len((confirm.get(name) or {}).get("text", "")) <= most:
            yield f"{name} of a confirm dialog must have 1 to {most} characters"


def view_problems(view: Json) -> list[str]:
    """What Slack refuses of a modal or a Home tab, beside its blocks."""
    wrong = [
        f"must be less than 25 characters [json-pointer:/view/{name}]"
        for name in ("title", "submit", "close")
        if len((view.get(name) or {}).get("text", "")) > 24
    ]
    if len(view.get("private_metadata") or "") > 3000:
        wrong.append("must be less than 3001 characters [json-pointer:/view/private_metadata]")
    if view.get("type") == "modal" and not view.get("title"):
        wrong.append("missing required field: title [json-pointer:/view]")
    inputs = any(block.get("type") == "input" for block in view.get("blocks", ()))
    if view.get("type") == "modal" and inputs and not view.get("submit"):
        wrong.append("a view with input blocks must have submit [json-pointer:/view]")
    return wrong
