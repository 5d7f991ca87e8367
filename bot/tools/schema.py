"""What a function's signature and docstring tell a model, and what the model's JSON tells back."""

import inspect
import json
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from bot.errors import ToolError, UserError

HEARTBEAT = "request_heartbeat"  # read by the loop; no tool may have an argument of this name

Schema = dict[str, Any]  # one argument as JSON Schema
Function = Callable[..., object]

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")
_SECTION = re.compile(
    r"(Args|Arguments|Returns?|Raises|Yields?|Examples?|Notes?|Warnings?|See Also|Todo):\s*"
)
_ENTRY = re.compile(r"\**(\w+)(?:\s*\([^)]*\))?\s*:\s*(.*)")
_DIGITS = re.compile(r"[+-]?\d{1,400}")
_SCALARS: Mapping[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
}
_WANTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
}
_SUPPORTED = "use str, int, float, bool, Literal[...], a list[...] of those, or one of them | None"


# --- from a function to a schema ---------------------------------------------------------------


def describe(function: Function, context: type) -> tuple[str, Schema, str | None]:
    """A function as (description, JSON Schema of its arguments, its context argument if any).

    The argument annotated with the class `context` is hidden from the model.
    Raises UserError with the reason where the function cannot be a tool.
    """
    name = _checked_name(function)
    summary, documented = _read_docstring(inspect.getdoc(function) or "")
    if not summary:
        raise _refusal(name, "it has no docstring; its first lines tell the model what it does")
    properties: dict[str, Schema] = {}
    hidden: str | None = None
    hints = _hints(function, name)
    for parameter in inspect.signature(function).parameters.values():
        _check_parameter(parameter, name)
        hint = hints.get(parameter.name)
        if isinstance(hint, type) and issubclass(hint, context):
            hidden = parameter.name
        else:
            properties[parameter.name] = _property(parameter, hint, documented, name)
    unknown = [argument for argument in documented if argument not in {*properties, hidden}]
    if unknown:
        raise _refusal(name, f"its docstring describes {unknown[0]!r}, which is no argument of it")
    return summary, _object(properties), hidden


def _refusal(name: str, reason: str) -> UserError:
    return UserError(f"{name!r} cannot be a tool: {reason}.")


def _checked_name(function: Function) -> str:
    name = str(getattr(function, "__name__", function))
    if not inspect.isfunction(function):
        raise _refusal(name, "only a function (def or async def) can be one")
    if not _NAME.fullmatch(name):
        raise _refusal(name, "its name must be 1 to 64 Latin letters, digits or _, no digit first")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise _refusal(name, "it yields; return the whole result")
    return name


def _hints(function: Function, name: str) -> dict[str, object]:
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError, SyntaxError) as problem:
        raise _refusal(name, f"an annotation cannot be read ({problem})") from problem


def _check_parameter(parameter: inspect.Parameter, name: str) -> None:
    argument = parameter.name
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise _refusal(name, f"*{argument} has no fixed arguments; name each one")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise _refusal(name, f"argument {argument!r} is positional-only; models name arguments")
    if parameter.annotation is parameter.empty:
        raise _refusal(name, f"argument {argument!r} has no type annotation")
    if argument == HEARTBEAT:
        raise _refusal(name, f"the argument name {HEARTBEAT!r} is reserved")


def _property(
    parameter: inspect.Parameter, hint: object, documented: Mapping[str, str], name: str
) -> Schema:
    """One argument. One that may be left out has a "default"; `X | None` alone defaults to None."""
    argument = parameter.name
    if argument not in documented:
        raise _refusal(name, f"argument {argument!r} is not described under 'Args:'")
    plain, optional = _without_none(hint)
    schema = _schema(plain)
    if schema is None:
        raise _refusal(name, f"argument {argument!r} has a type it cannot have; {_SUPPORTED}")
    schema["description"] = documented[argument]
    if parameter.default is not parameter.empty:
        if not (parameter.default is None and optional) and not _fits(parameter.default, schema):
            raise _refusal(name, f"the default of argument {argument!r} does not fit its type")
        schema["default"] = parameter.default
    elif optional:
        schema["default"] = None
    return schema


def _without_none(hint: object) -> tuple[object, bool]:
    """The X of `X | None`, and whether None was there."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    members = [member for member in typing.get_args(hint) if member is not types.NoneType]
    return (members[0], True) if len(members) == 1 else (hint, False)


def _schema(hint: object) -> Schema | None:
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        kinds = {_SCALARS.get(type(choice)) for choice in inner}
        kind = kinds.pop() if len(kinds) == 1 else None
        return None if kind is None else {"type": kind, "enum": list(inner)}
    if origin is list and inner:
        items = _schema(inner[0])
        return None if items is None or "items" in items else {"type": "array", "items": items}
    return None


def _fits(value: object, schema: Schema) -> bool:
    try:
        return check(value, schema) == value
    except ValueError:
        return False


def _object(properties: dict[str, Schema]) -> Schema:
    required = [name for name, schema in properties.items() if "default" not in schema]
    heartbeat = {
        "type": "boolean",
        "description": "Set to true to go on thinking after this call.",
    }
    return {
        "type": "object",
        "properties": {**properties, HEARTBEAT: heartbeat},
        "required": required,
        "additionalProperties": False,
    }


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The text before the first section, and the entries of `Args:`."""
    sections: dict[str, list[str]] = {"": []}
    current = sections[""]
    for line in text.splitlines():
        head = _SECTION.fullmatch(line)
        if head:
            current = sections.setdefault(head[1].replace("Arguments", "Args"), [])
        else:
            current.append(line)
    paragraphs = "\n".join(sections[""]).strip().split("\n\n")
    summary = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return summary, _read_entries(sections.get("Args", []))


def _read_entries(lines: list[str]) -> dict[str, str]:
    entries: dict[str, str] = {}
    indent, latest = None, ""
    for line in filter(str.strip, lines):
        depth = len(line) - len(line.lstrip())
        indent = depth if indent is None else indent
        entry = _ENTRY.fullmatch(line.strip()) if depth <= indent else None
        if entry:
            latest = entry[1]
            entries[latest] = entry[2]
        elif latest:
            entries[latest] = f"{entries[latest]} {line.strip()}".strip()
    return {name: words for name, words in entries.items() if words}


# --- from a model's JSON to arguments ------------------------------------------------------------


def read_object(text: str) -> dict[str, object]:
    """A model's argument text as a JSON object; nothing at all is an empty one, and an object that
    was encoded twice is decoded twice. Raises ToolError where it is none."""
    try:
        value = json.loads(text, parse_constant=_no_constant) if text.strip() else {}
        if isinstance(value, str):
            value = json.loads(value, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise ToolError(
            f"The arguments are not valid JSON ({problem}). Send one JSON object."
        ) from problem
    if not isinstance(value, dict):
        raise ToolError(f"The arguments must be one JSON object, not {_show(value)}.")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def fill(given: Mapping[str, object], schema: Mapping[str, Any]) -> dict[str, object]:
    """Given values as the arguments that `schema` asks for, defaults filled in. null means "not
    given". Raises ToolError that names every argument that is missing, unknown or wrong."""
    properties: dict[str, Schema] = {
        name: wanted for name, wanted in schema["properties"].items() if name != HEARTBEAT
    }
    unknown = [name for name in given if name not in properties]
    problems = [f"Unknown argument {name!r}." for name in unknown]
    if unknown:
        problems.append(f"Allowed: {', '.join(properties) or 'none'}.")
    arguments: dict[str, object] = {}
    for name, wanted in properties.items():
        value = given.get(name)
        if value is None and "default" in wanted:
            default = wanted["default"]
            arguments[name] = list(default) if isinstance(default, list) else default
        elif value is None:
            problems.append(f"Argument {name!r} is missing: {_expected(wanted)}.")
        else:
            try:
                arguments[name] = check(value, wanted)
            except ValueError:
                problems.append(
                    f"Argument {name!r} must be {_expected(wanted)}, not {_show(value)}."
                )
    if problems:
        raise ToolError(" ".join(problems))
    return arguments


def check(value: object, schema: Schema) -> object:
    """The value in the type that the schema wants; near misses of small models are mended.

    Raises ValueError where it does not fit.
    """
    if "enum" in schema:
        return _choice(value, schema["enum"])
    if schema["type"] == "array":
        return [check(item, schema["items"]) for item in _items(value)]
    return _CHECKS[schema["type"]](value)


def _choice(value: object, choices: list[object]) -> object:
    for choice in choices:
        if _plain(choice) == _plain(value):
            return choice
    raise ValueError


def _plain(value: object) -> str:
    return str(value).strip().casefold()


def _items(value: object) -> list[object]:
    """A list; one value stands for a list of one, and a list written as text for itself."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return [value]
    if isinstance(value, dict):
        raise ValueError
    if isinstance(value, list):
        return value
    return [] if value == "" else [value]


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    # Lone surrogates and NUL cannot be stored.
    return str(value).encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _integer(value: object) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError
    exact = isinstance(value, int) or (isinstance(value, str) and _DIGITS.fullmatch(value.strip()))
    return int(cast(int | str, value)) if exact else int(number)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    try:
        number = float(value)
    except OverflowError as problem:
        raise ValueError from problem
    if not math.isfinite(number):
        raise ValueError
    return number


def _boolean(value: object) -> bool:
    if _plain(value) not in ("true", "false"):
        raise ValueError
    return _plain(value) == "true"


_CHECKS: Mapping[str, Callable[[object], object]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _expected(schema: Schema) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(_show(choice) for choice in schema["enum"])
    if schema["type"] == "array":
        return f"a list, each item {_expected(schema['items'])}"
    return _WANTED[schema["type"]]


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:60] + "…"
