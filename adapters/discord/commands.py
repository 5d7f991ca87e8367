"""The commands in Discord's menus. Each becomes a command line, as if somebody had typed it."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar, cast

import discord
from discord import app_commands
from discord.app_commands import Choice

from adapters.base import Hearing
from adapters.commands import COMMANDS
from adapters.discord import sentences
from adapters.discord.obey import Given, invocation_of, obey, say
from adapters.discord.receive import text_of
from adapters.discord.views import cut

log = logging.getLogger(__name__)

Asked = discord.Interaction
Single = app_commands.Command[Any, ..., Any]
Page = app_commands.Range[int, 1]
F = TypeVar("F", bound=Callable[..., Awaitable[None]])

CHOICES: Final = 25  # that Discord shows
CHOICE: Final = 100  # characters of one
AT_MOST: Final = 2.0  # seconds that looking for facts may take, of the three that Discord waits
MODES: Final = ("open", "listen", "mention", "off")
STATES: Final = ("on", "off")
DIGESTS: Final = ("daily", "weekly", "off")
RULES: Final = ("opt-in", "keep person", "keep room")
ME: Final = "me"


class Tree(app_commands.CommandTree):
    """Ours, for servers and for people who installed the bot for themselves."""

    def __init__(self, client: discord.Client, hearing: Hearing) -> None:
        super().__init__(
            client,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
        )
        self._hearing = hearing
        single: list[Single] = [persona, link, unlink, forgetme, usage, stop, mode, policy, help_]
        for command in single:
            self.add_command(command)
        self.add_command(memory)
        self.add_command(remember)

    async def interaction_check(self, interaction: Asked, /) -> bool:
        """Not to check: it is called before each command, and tells it who listens."""
        interaction.extras["hearing"] = self._hearing
        return True

    async def on_error(self, interaction: Asked, error: app_commands.AppCommandError, /) -> None:
        """A command of another shape: this client of Discord has an older list of them."""
        kinds = (app_commands.CommandNotFound, app_commands.CommandSignatureMismatch)
        if not isinstance(error, kinds):
            await super().on_error(interaction, error)
            return
        log.warning("an outdated command: %s", error, extra={"action": "command_outdated"})
        await say(interaction, sentences.OUTDATED)


class Names(app_commands.Translator):
    """The names in the menus of messages; all other texts are in both languages at once."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        return sentences.CHINESE_NAMES.get(string.message) if _chinese(locale) else None


def _chinese(locale: discord.Locale) -> bool:
    return locale in (discord.Locale.chinese, discord.Locale.taiwan_chinese)


async def register(tree: app_commands.CommandTree) -> None:
    """Tell Discord of the commands, if it does not know them as they are. Raises TROUBLE.

    As they are on the wire: discord.py 2.7 reads contexts [0, 1, 2] as [0, 1] (`fetch_commands`).
    """
    assert tree.client.application_id is not None, "commands are registered after login"
    found = await tree.client.http.get_global_commands(tree.client.application_id)
    known = [_shape(command) for command in found]
    ours = [_shape(command.to_dict(tree)) for command in tree.get_commands()]
    if sorted(known, key=repr) != sorted(ours, key=repr):
        await tree.set_translator(Names())
        await tree.sync()


def _shape(command: Mapping[str, Any]) -> tuple[object, ...]:
    """What makes a difference to people: of a command, of an option, of a choice."""
    return (
        command["name"],
        command.get("type"),
        command.get("description") or "",
        command.get("value"),
        bool(command.get("required")),
        bool(command.get("autocomplete")),
        command.get("min_value"),
        str(command.get("default_member_permissions")),
        sorted(command.get("integration_types") or []),
        sorted(command.get("contexts") or []),
        *(_shape(one) for one in command.get("options") or []),
        *(_shape(one) for one in command.get("choices") or []),
    )


# ---- what they have in common


async def _give(asked: Asked, line: str, whose: str | None = None, about: str = "") -> None:
    given = Given(line=line.strip(), own=_own(whose), about=about)
    await obey(asked, given, _hearing(asked))


def _hearing(asked: Asked) -> Hearing:
    return cast(Hearing, asked.extras["hearing"])


def _own(whose: object) -> bool:
    return str(whose or "").strip().lower() in (ME, "我", sentences.MINE.lower())


async def _facts(asked: Asked, current: str) -> list[Choice[str]]:
    """Facts to choose from while one types a number or words; none is better than too late."""
    own = _own(getattr(asked.namespace, "whose", None))
    invocation = invocation_of(asked, Given(line=current, own=own))
    try:
        async with asyncio.timeout(AT_MOST):
            found = await _hearing(asked).facts(invocation)
    except TimeoutError:
        log.warning("facts were not found in time", extra={"action": "facts_late"})
        return []
    fit = [one for one in found if one.label and len(one.value) <= CHOICE]
    return [Choice(name=cut(one.label, CHOICE), value=one.value) for one in fit[:CHOICES]]


async def _whose(asked: Asked, current: str) -> list[Choice[str]]:
    """In a DM there is only one's own memory."""
    mine = Choice(name=sentences.MINE, value=ME)
    if invocation_of(asked, Given(line="")).room_kind == "dm":
        return [mine]
    return [Choice(name=sentences.ROOM_S, value="room"), mine]


_LOOKED_UP: Final = {"number": _facts, "whose": _whose}


def _explained(callback: F) -> F:
    """Describes its options, and offers what can be looked up."""
    names = [name for name in inspect.signature(callback).parameters if name != "asked"]
    looked_up = {name: _LOOKED_UP[name] for name in names if name in _LOOKED_UP}
    described = app_commands.describe(**{name: sentences.OPTIONS[name] for name in names})
    return app_commands.autocomplete(**looked_up)(described(callback))


# ---- /memory

memory: Final = app_commands.Group(name="memory", description=COMMANDS["memory"].about)


def _add_plain(verb: str) -> None:
    @_explained
    async def give(asked: Asked, whose: str | None = None) -> None:
        await _give(asked, f"/memory {verb}", whose)

    memory.command(name=verb, description=sentences.VERBS[verb])(give)


def _add_for_one(verb: str) -> None:
    @_explained
    async def give(asked: Asked, number: str, whose: str | None = None) -> None:
        await _give(asked, f"/memory {verb} {number}", whose)

    memory.command(name=verb, description=sentences.VERBS[verb])(give)


for _verb in ("export", "pause", "resume", "learned"):
    _add_plain(_verb)
for _verb in ("keep", "pin", "unpin", "share", "unshare", "forget", "why"):
    _add_for_one(_verb)


@memory.command(description=sentences.VERBS["show"])
@_explained
async def show(asked: Asked, day: str = "", whose: str | None = None) -> None:
    await _give(asked, f"/memory show --as-of {day}" if day else "/memory show", whose)


@memory.command(description=sentences.VERBS["search"])
@_explained
async def search(asked: Asked, text: str, page: Page = 1, whose: str | None = None) -> None:
    more = f" --page {page}" if page > 1 else ""
    await _give(asked, f"/memory search {text}{more}", whose)


@memory.command(description=sentences.VERBS["add"])
@_explained
async def add(asked: Asked, text: str, whose: str | None = None) -> None:
    await _give(asked, f"/memory add {text}", whose)


@memory.command(description=sentences.VERBS["edit"])
@_explained
async def edit(asked: Asked, number: str, text: str, whose: str | None = None) -> None:
    await _give(asked, f"/memory edit {number} {text}", whose)


@memory.command(description=sentences.VERBS["clear"])
@_explained
async def clear(
    asked: Asked, block: str = "human", confirm: str = "", whose: str | None = None
) -> None:
    await _give(asked, f"/memory clear {block} {confirm}", whose)


@memory.command(description=sentences.VERBS["undo"])
@_explained
async def undo(asked: Asked, change: Page | None = None, whose: str | None = None) -> None:
    await _give(asked, f"/memory undo {change or ''}", whose)


@memory.command(description=sentences.VERBS["history"])
@_explained
async def history(asked: Asked, page: Page = 1, whose: str | None = None) -> None:
    await _give(asked, f"/memory history {page if page > 1 else ''}", whose)


@memory.command(description=sentences.VERBS["incognito"])
@app_commands.choices(state=[Choice(name=one, value=one) for one in STATES])
@_explained
async def incognito(asked: Asked, state: str = "") -> None:
    await _give(asked, f"/memory incognito {state}")


@memory.command(description=sentences.VERBS["digest"])
@app_commands.choices(every=[Choice(name=one, value=one) for one in DIGESTS])
@_explained
async def digest(asked: Asked, every: str = "") -> None:
    await _give(asked, f"/memory digest {every}")


@memory.command(description=sentences.VERBS["quiet"])
@_explained
async def quiet(asked: Asked, hours: str = "", zone: str = "") -> None:
    await _give(asked, f"/memory quiet {hours} {zone}")


# ---- the others


@app_commands.command(description=COMMANDS["persona"].about)
@_explained
async def persona(asked: Asked, text: str = "", whose: str | None = None) -> None:
    await _give(asked, f"/persona {text}", whose)


@app_commands.command(description=COMMANDS["link"].about)
@_explained
async def link(asked: Asked, code: str = "", confirm: str = "") -> None:
    await _give(asked, f"/link {code} {confirm}")


@app_commands.command(description=COMMANDS["unlink"].about)
async def unlink(asked: Asked) -> None:
    await _give(asked, "/unlink")


@app_commands.command(description=COMMANDS["forgetme"].about)
@_explained
async def forgetme(asked: Asked, confirm: str = "") -> None:
    await _give(asked, f"/forgetme {confirm}")


@app_commands.command(description=COMMANDS["usage"].about)
async def usage(asked: Asked) -> None:
    await _give(asked, "/usage")


@app_commands.command(description=COMMANDS["stop"].about)
async def stop(asked: Asked) -> None:
    await _give(asked, "/stop")


@app_commands.command(description=COMMANDS["mode"].about)
@app_commands.choices(mode=[Choice(name=one, value=one) for one in MODES])
@app_commands.default_permissions(manage_channels=True)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@_explained
async def mode(asked: Asked, mode: str = "") -> None:
    await _give(asked, f"/mode {mode}")


@app_commands.command(description=COMMANDS["policy"].about)
@app_commands.choices(rule=[Choice(name=one, value=one) for one in RULES])
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@_explained
async def policy(asked: Asked, rule: str = "", value: str = "", confirm: str = "") -> None:
    await _give(asked, f"/policy {rule} {value} {confirm}")


@app_commands.command(name="help", description=COMMANDS["help"].about)
async def help_(asked: Asked) -> None:
    await _give(asked, "/help zh" if _chinese(asked.locale) else "/help")


@app_commands.context_menu(name=sentences.REMEMBER)
async def remember(asked: Asked, message: discord.Message) -> None:
    """With the name of who said it, if it was somebody else."""
    me = asked.client.user
    assert me is not None, "no commands come before login"
    text, author = text_of(message, me), message.author
    if not text:
        await say(asked, sentences.NO_WORDS)
        return
    said = text if author.id == asked.user.id else f"{author.display_name}: {text}"
    await _give(asked, f"/memory add {said}", about=str(message.id))
