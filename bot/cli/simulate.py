"""`reverie simulate`: a Slack and a Discord on this machine, the bot, and people to play."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from pydantic import SecretStr

from adapters.base import Adapter, Hearing, Post
from adapters.slack import manifest
from adapters.terminal import Terminal
from bot.app import App, build_adapters, opened
from bot.cli.chat import stoppable
from bot.config import Settings
from bot.errors import UserError
from bot.testing.discord import FakeDiscord
from bot.testing.play import (
    DiscordStage,
    Ear,
    Overheard,
    Player,
    Script,
    SlackStage,
    Stage,
    Step,
    Transcript,
    Unable,
    load,
    parse,
)
from bot.testing.slack import FakeSlack
from memory.agents import named_id
from memory.types import Birth

FIRST = Step(verb="as", text="anna slack dm")  # who somebody at the terminal is at first
OFFLINE_PATIENCE, PATIENCE = 30.0, 300.0  # seconds for an answer, without and with a model
REFRESH = 0.05  # seconds between two looks at what came by itself
CHARACTERS = 40  # that people read in a second


async def main(settings: Settings, *, script: Path | None, home: Path | None, fast: bool) -> int:
    """Play; the exit code. Raises UserError where a script's expectation is not met."""
    play = load(script) if script is not None else None
    with tempfile.TemporaryDirectory(prefix="reverie-") as passing:
        async with AsyncExitStack() as stack:
            slack = await stack.enter_async_context(FakeSlack().running())
            discord = await stack.enter_async_context(FakeDiscord().running())
            slack.install(manifest())
            here = simulated(settings, slack, discord, home or Path(passing))
            app = await stack.enter_async_context(opened(here))
            simulation = Simulation(app, slack, discord, Transcript())
            with stoppable(app):
                await simulation.run(play, path=script, fast=fast)
    return 0


def simulated(settings: Settings, slack: FakeSlack, discord: FakeDiscord, home: Path) -> Settings:
    """The same, but nothing of it leads to a real account or to memory outside of this home."""
    here = {
        "home": home.expanduser().absolute(),
        "database_url": None,
        "notice": False,  # scripts wait for answers, and count them
        "opt_in": False,
        "slack_bot_token": SecretStr(slack.app.bot_token),
        "slack_app_token": SecretStr(slack.app.app_token),
        "slack_signing_secret": None,
        "slack_api_base": slack.api_url,
        "discord_token": SecretStr(discord.token),
        "discord_api_base": discord.api_url,
        "discord_gateway_url": discord.gateway_url,
    }
    return settings.model_copy(update=here)


class Simulation:
    """The bot between the two platforms, and the player."""

    def __init__(
        self, app: App, slack: FakeSlack, discord: FakeDiscord, transcript: Transcript
    ) -> None:
        self._app, self._slack, self._discord = app, slack, discord
        self._transcript = transcript
        self._ear = Ear()
        stages: dict[str, Stage] = {"slack": SlackStage(slack), "discord": DiscordStage(discord)}
        patience = OFFLINE_PATIENCE if app.settings.offline else PATIENCE
        self._player = Player(stages, self._ear, self._idle, transcript, patience=patience)

    async def run(self, script: Script | None, *, path: Path | None, fast: bool) -> None:
        """Until the script is over, or the person leaves, or the program is stopped."""
        began = time.monotonic()
        adapters = build_adapters(self._app.settings, self._app.store)
        async with asyncio.TaskGroup() as tasks:
            heard: list[Adapter] = [Overheard(adapter, self._ear) for adapter in adapters]
            serving = tasks.create_task(self._app.run(heard), name="bot")
            playing = tasks.create_task(self._play(script, path, fast=fast), name="play")
            watching = tasks.create_task(self._watch(), name="watch")
            await asyncio.wait([serving, playing], return_when=asyncio.FIRST_COMPLETED)
            self._app.stop()
            playing.cancel()
            watching.cancel()
        name, took = self._app.llm.name, time.monotonic() - began
        self._transcript.summary(self._player.sent, self._player.met, model=name, seconds=took)

    async def _play(self, script: Script | None, path: Path | None, *, fast: bool) -> None:
        await self._slack.connected(within=PATIENCE)
        await self._discord.until(lambda: bool(self._discord.commands), within=PATIENCE)
        title = script.title if script else "Reverie, in a Slack and a Discord on this machine"
        self._transcript.begin(title, model=self._app.llm.name, home=self._app.settings.home)
        for name, knows in (script.agents if script else {}).items():
            birth = Birth(
                id=named_id(name), name=name, kind="named", persona=f"I am {name}.", human=knows
            )
            await self._app.store.ensure(birth)
        if script is None:
            await self._player.step(FIRST)
            self._transcript.ask(self._player.prompt)
            await Terminal(Typed(self._player, self._transcript)).run(self._app.desk)
        else:
            for number, step in enumerate(script.steps, 1):
                await self._pace(step, fast=fast)
                try:
                    await self._player.step(step)
                except Unable as error:
                    raise UserError(f"{path}, step {number} ({step}): {error}") from error

    async def _pace(self, step: Step, *, fast: bool) -> None:
        """Time to read, where somebody looks on."""
        if self._transcript.rich and not fast:
            await asyncio.sleep(0.5 + len(step.text) / CHARACTERS)

    async def _watch(self) -> None:
        """Show what comes by itself, such as late answers."""
        while True:
            await asyncio.sleep(REFRESH)
            self._player.look()

    async def _idle(self) -> None:
        await self._app.worker.settled()
        for agent in await self._app.store.with_unsent():
            await self._app.outbox.drained(agent)


class Typed:
    """Implements the terminal's Session: its lines are steps."""

    def __init__(self, player: Player, transcript: Transcript) -> None:
        self._player = player
        self._transcript = transcript

    async def line(self, line: str, hearing: Hearing) -> bool:
        self._transcript.answered()
        try:
            if not await self._player.step(parse(line)):
                return False
        except (Unable, UserError) as error:
            self._transcript.remark(str(error))
        self._transcript.ask(self._player.prompt)
        return True

    async def ended(self) -> None:
        """A step is over when the bot is done with it, so there is nothing to wait for."""

    def show(self, post: Post) -> None:
        """Nothing is posted to this terminal."""
