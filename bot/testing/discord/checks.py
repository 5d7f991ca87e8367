"""What a message may hold: Discord's limits, from "Create Message" and "Component Reference"."""

from collections.abc import Iterator

from bot.testing.discord.errors import ApiError, Code, invalid
from bot.testing.discord.records import COMPONENTS_V2, Json

TEXT, PERSON_TEXT = 2000, 4000  # of a bot; of a person who pays for it
NONCE, EMBEDS, EMBED_TEXT = 25, 10, 6000
DESCRIPTION, FIELDS, FIELD_VALUE = 4096, 25, 1024
FILES, COMPONENTS, ROWS, BUTTONS, OPTIONS, CUSTOM_ID, LABEL = 10, 40, 5, 5, 25, 100, 80
OPTION, FORM_LABEL, INPUT = 100, 45, 4000
ACTION_ROW, BUTTON, SELECTS, TEXT_INPUT, FIELD_LABEL = 1, 2, (3, 5, 6, 7, 8), 4, 18


def check_message(body: Json, files: int, limit: int = TEXT) -> None:
    """Raises ApiError: 50035 for what is too long or malformed, 50006 for nothing at all."""
    content, embeds = body.get("content") or "", body.get("embeds") or []
    components = body.get("components") or []
    if len(content) > limit:
        raise too_long("content", limit)
    if len(str(body.get("nonce") or "")) > NONCE:
        raise too_long("nonce", NONCE)
    if files > FILES:
        raise invalid("attachments", "BASE_TYPE_MAX_LENGTH", f"Must be {FILES} or fewer.")
    modern = bool(int(body.get("flags") or 0) & COMPONENTS_V2)
    if modern and (content or embeds):
        raise invalid("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Not both.")
    _check_embeds(embeds)
    check_components(components, modern=modern)
    if not (content.strip() or embeds or components or files):
        raise ApiError(Code.EMPTY_MESSAGE)


def too_long(field: str, limit: int) -> ApiError:
    text = f"Must be {limit} or fewer in length."
    return invalid(field, "BASE_TYPE_MAX_LENGTH", text)


def check_allowed(allowed: Json | None) -> None:
    """A kind of mention is parsed, or its ids are listed: not both."""
    for kind in ("users", "roles"):
        if allowed and kind in (allowed.get("parse") or []) and allowed.get(kind):
            text = f"parse:{kind} and {kind}: [ids...] are mutually exclusive."
            raise invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text)


def check_components(components: list[Json], *, modern: bool) -> None:
    """Buttons and lists. modern: components v2, which may stand alone and nest."""
    everything = list(walk(components))
    if modern and len(everything) > COMPONENTS:
        raise invalid("components", "BASE_TYPE_MAX_LENGTH", f"Must be {COMPONENTS} or fewer.")
    if not modern and (
        len(components) > ROWS or any(row.get("type") != ACTION_ROW for row in components)
    ):
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", f"Must be up to {ROWS} action rows.")
    ids = [part["custom_id"] for part in everything if part.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise invalid("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "custom_id is duplicated.")
    for part in everything:
        _check_component(part)


def walk(components: list[Json]) -> Iterator[Json]:
    """Each component, and what is inside it, in the order in which one reads them."""
    for part in components:
        yield part
        yield from walk(part.get("components") or [])
        for key in ("component", "accessory"):
            if part.get(key):
                yield from walk([part[key]])


def _check_component(part: Json) -> None:
    kind = part.get("type")
    if len(part.get("custom_id") or "") > CUSTOM_ID:
        raise too_long("components", CUSTOM_ID)
    if kind == BUTTON and len(part.get("label") or "") > LABEL:
        raise too_long("components", LABEL)
    if kind == ACTION_ROW and not 1 <= len(part.get("components") or []) <= BUTTONS:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", f"Must be 1 to {BUTTONS} in a row.")
    if kind in SELECTS and len(part.get("options") or []) > OPTIONS:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", f"Must be up to {OPTIONS} options.")
    if kind in SELECTS:
        _check_options(part.get("options") or [])
    if kind == FIELD_LABEL and not 1 <= len(part.get("label") or "") <= FORM_LABEL:
        raise too_long("components", FORM_LABEL)
    if kind == TEXT_INPUT and len(part.get("value") or "") > (part.get("max_length") or INPUT):
        raise too_long("components", INPUT)


def _check_options(options: list[Json]) -> None:
    values = [option["value"] for option in options]
    if len(values) != len(set(values)):
        raise invalid("components", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Duplicated.")
    for option in options:
        if not all(1 <= len(option[key]) <= OPTION for key in ("label", "value")):
            raise too_long("components", OPTION)


def _check_embeds(embeds: list[Json]) -> None:
    if len(embeds) > EMBEDS:
        raise invalid("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {EMBEDS} or fewer.")
    total = 0
    for embed in embeds:
        fields = embed.get("fields") or []
        texts = [embed.get("title") or "", embed.get("description") or ""]
        texts += [(embed.get(part) or {}).get(key) or "" for part, key in _NAMED]
        texts += [field[key] for field in fields for key in ("name", "value")]
        total += sum(map(len, texts))
        if len(texts[1]) > DESCRIPTION:
            raise too_long("embeds", DESCRIPTION)
        if len(fields) > FIELDS or any(len(field["value"]) > FIELD_VALUE for field in fields):
            raise too_long("embeds", FIELD_VALUE)
    if total > EMBED_TEXT:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embeds exceed {EMBED_TEXT}.")


_NAMED = (("footer", "text"), ("author", "name"))
