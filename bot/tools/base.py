"""Makes a tool of a function: the decorator, the registry, and the call itself."""

import asyncio
import importlib
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, cast, overload

from bot.errors import ConfigError, ReverieError, ToolError, UserError
from bot.tools.schema import HEARTBEAT, describe, fill, read_object
from bot.types import ToolSpec
from memory.errors import MemoryFault

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

# What the loop needs to know of a tool: after "look" the model sees the result in another step,
# after "write" only if it asked or the call failed, and "send" speaks to a person.
Kind = Literal["look", "write", "send"]

RESULT_LIMIT = 10_000  # characters of a result that a model is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What a call may know of the step it belongs to. A parameter annotated with this class (or
    one of its subclasses) is filled in by the loop and not shown to the model."""

    call_id: str  # the same when a step is repeated after a crash: an idempotency key
    draft: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[R_co]):
    """A function that a model may call. It can still be called as the function it was."""

    spec: ToolSpec
    function: Callable[..., R_co]
    kind: Kind
    aliases: Mapping[str, str] = field(default_factory=dict)  # other name -> argument
    context: str | None = None  # the parameter that takes the ToolContext

    @property
    def name(self) -> str:
        return self.spec.name

    def __call__(self, *args: object, **kwargs: object) -> R_co:
        return self.function(*args, **kwargs)


AnyTool = Tool[object]


@overload
def tool(function: Callable[..., R], /) -> Tool[R]: ...


@overload
def tool(
    *, kind: Kind = "look", aliases: Mapping[str, str] | None = None
) -> Callable[[Callable[..., R]], Tool[R]]: ...


def tool(
    function: Callable[..., R] | None = None,
    /,
    *,
    kind: Kind = "look",
    aliases: Mapping[str, str] | None = None,
) -> Tool[R] | Callable[[Callable[..., R]], Tool[R]]:
    """Make a tool of a sync or async function: `@tool`, or `@tool(kind=…, aliases=…)`.

    The model is told the docstring (Google style) and the annotated arguments: str, int, float,
    bool, Literal[...], list[...] of those, `X | None`. A sync function runs in a thread of its own.

    Args:
        function: the function to make a tool of.
        kind: what the loop does after the call, see `Kind`.
        aliases: other names that a model may use for an argument.

    Raises:
        UserError: the function cannot be a tool; says why.
    """

    def decorate(target: Callable[..., R]) -> Tool[R]:
        description, parameters, context = describe(target, ToolContext)
        spec = ToolSpec(name=target.__name__, description=description, parameters=parameters)
        _check_aliases(spec, aliases or {})
        return Tool(
            spec=spec, function=target, kind=kind, aliases=dict(aliases or {}), context=context
        )

    return decorate if function is None else decorate(function)


def _check_aliases(spec: ToolSpec, aliases: Mapping[str, str]) -> None:
    properties = spec.parameters["properties"]
    for alias, argument in aliases.items():
        if alias in properties or argument not in properties or argument == HEARTBEAT:
            raise UserError(
                f"{spec.name!r} cannot be a tool: the alias {alias!r} for {argument!r} must be "
                "a new name for one of its arguments."
            )


def parse_arguments(tool: AnyTool, json_text: str) -> dict[str, object]:
    """A model's JSON as keyword arguments of the tool's function, checked and with defaults.

    Numbers written as text, one value for a list, and null for "not given" are accepted.
    Raises ToolError with a sentence that a model can act on.
    """
    given = read_object(json_text)
    given.pop(HEARTBEAT, None)
    for alias, argument in tool.aliases.items():
        if alias in given and argument not in given:
            given[argument] = given.pop(alias)
    return fill(given, tool.spec.parameters)


def wants_heartbeat(json_text: str) -> bool:
    """Whether a call asks for another step. Arguments that cannot be read ask for nothing."""
    try:
        wish = read_object(json_text).get(HEARTBEAT)
    except ToolError:
        return False
    return wish is True or str(wish).strip().lower() == "true"


async def call(tool: AnyTool, arguments: Mapping[str, object], context: ToolContext) -> str:
    """Run a tool with parsed arguments; its result as text for the model.

    Raises ToolError for whatever goes wrong in somebody else's code, in a form that tells the
    model what happened. Our own errors (ReverieError, MemoryFault) pass as they are.
    """
    ready = dict(arguments)
    if tool.context:
        ready[tool.context] = context
    if not inspect.iscoroutinefunction(tool.function):
        return await asyncio.to_thread(_call_sync, tool, ready)
    try:
        return as_text(await cast(Awaitable[object], tool.function(**ready)))
    except (ReverieError, MemoryFault):
        raise
    except Exception as problem:
        raise _told(problem) from problem


def _call_sync(tool: AnyTool, arguments: Mapping[str, object]) -> str:
    try:
        return as_text(tool.function(**arguments))
    except (ReverieError, MemoryFault):
        raise
    except Exception as problem:
        raise _told(problem) from problem


def _told(problem: Exception) -> ToolError:
    return ToolError(as_text(f"{type(problem).__name__}: {problem}", limit=1_000))


def as_text(result: object, limit: int = RESULT_LIMIT) -> str:
    """A tool's result for a model: text as it is, anything else as JSON; cut after `limit`
    characters, with a note of how much is missing."""
    text = (
        result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
    )
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut here: {len(text) - limit} more characters]"


class Registry:
    """The tools of this program, in the order in which they were added."""

    def __init__(self, tools: Iterable[AnyTool] = ()) -> None:
        self._tools: dict[str, AnyTool] = {}
        self._refused: Mapping[str, str] = {}  # name -> why not now
        for each in tools:
            self.add(each)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What models are told, always in the same order, so that prompts stay the same."""
        return tuple(each.spec for each in self._tools.values())

    def add(self, tool: AnyTool) -> None:
        """Add a tool; the same one twice is one. Raises UserError where the name is taken."""
        if self._tools.setdefault(tool.name, tool) is not tool:
            raise UserError(f"There are two tools called {tool.name!r}. Rename one of them.")

    def get(self, name: str) -> AnyTool:
        """Raises ToolError that lists the names there are, or says why not now."""
        if name in self._refused:
            raise ToolError(self._refused[name])
        try:
            return self._tools[name]
        except KeyError:
            names = ", ".join(self._tools) or "none"
            raise ToolError(f"There is no tool {name!r}. Tools: {names}.") from None

    def kind(self, name: str) -> Kind:
        """What a tool does; one that nobody knows is looked at as a failed look."""
        return self._tools[name].kind if name in self._tools else "look"

    def without(self, kind: Kind, why: str) -> "Registry":
        """The tools that are not of this kind. why: a model that calls one all the same is told."""
        rest = Registry(each for each in self._tools.values() if each.kind != kind)
        rest._refused = {name: why for name in self._tools if name not in rest._tools}
        return rest

    def load(self, modules: Iterable[str]) -> None:
        """Import modules by name and add their @tool functions, as they stand in the file.

        Raises ConfigError for a module that cannot be imported or has none, UserError for a bad
        function in it.
        """
        for name in modules:
            found = [value for value in vars(_imported(name)).values() if isinstance(value, Tool)]
            if not found:
                raise ConfigError(f"The tool module {name!r} has no function marked with @tool.")
            for each in found:
                self.add(each)


def _imported(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ReverieError:
        raise
    except Exception as problem:
        raise ConfigError(
            f"The tool module {name!r} cannot be imported ({type(problem).__name__}: {problem}). "
            "Check its name, and that it can be found on PYTHONPATH."
        ) from problem
