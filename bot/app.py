"""The composition root: opens everything, runs everything, closes everything."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from adapters.base import Adapter, Address, Unusable
from bot.asks import Asks
from bot.commands.farewell import Farewell
from bot.commands.people import People
from bot.commands.policies import Policies
from bot.commands.verbs import Verbs
from bot.config import Settings
from bot.consent import Consent
from bot.decide import Limits
from bot.desk import Desk
from bot.digest import Digests
from bot.errors import UserError
from bot.files import Files
from bot.guard import Guard
from bot.heartbeat import Heart, Pace
from bot.hush import Incognito
from bot.intake import Intake
from bot.janitor import Janitor
from bot.llm.base import LLM
from bot.outbox import Outbox
from bot.recollect import Recollect
from bot.schedule import Schedule
from bot.tools.base import Registry
from bot.tools.memory import TOOLS
from bot.tools.reach import REACHING
from bot.turn import Step, Turns
from bot.types import Prices
from bot.worker import Worker
from memory.database.sqlite import SqliteDatabase
from memory.forget.retention import Retention
from memory.home import open_home
from memory.policy import Rules
from memory.ports import Database, Embedder
from memory.schema import MIGRATIONS
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Claim, now

if TYPE_CHECKING:
    from bot.llm.openai import Endpoint

log = logging.getLogger(__name__)

GRACE = 3.0  # seconds that running turns get to end, when the program is asked to stop


def zone_of(settings: Settings) -> tzinfo:
    if settings.timezone:
        return ZoneInfo(settings.timezone)
    local = datetime.now().astimezone().tzinfo
    assert local is not None
    return local


def endpoint_of(settings: Settings) -> "Endpoint":
    """Where the configured model is."""
    from bot.llm.openai import Endpoint

    return Endpoint(
        model=settings.llm_model or "",
        base_url=settings.llm_base_url,
        api_key=_plain(settings.llm_api_key),
        api_version=settings.llm_api_version,
        window=settings.llm_window,
        timeout=settings.llm_timeout,
        retries=settings.llm_retries,
        max_tokens=settings.llm_max_tokens,
    )


def pace_of(settings: Settings) -> Pace:
    return Pace(
        interval=timedelta(hours=settings.heartbeat_hours),
        silence=timedelta(minutes=settings.heartbeat_idle),
        quiet=settings.heartbeat_quiet,
        tokens=settings.heartbeat_tokens,
        stale_after=timedelta(days=settings.stale_days),
    )


def rules_of(settings: Settings) -> Rules:
    """What holds in a workspace whose admins chose nothing else."""
    return Rules(
        opt_in=int(settings.opt_in),
        person=settings.retention_person_days,
        room=settings.retention_room_days,
    )


def prices_of(settings: Settings) -> Prices:
    return Prices(prompt=settings.llm_price_prompt, completion=settings.llm_price_completion)


def build_model(settings: Settings, zone: tzinfo) -> LLM:
    """The configured model, or the offline one."""
    if settings.llm_model is None:
        from bot.llm.offline.model import OfflineModel

        return OfflineModel(tz=zone)
    from bot.llm.auto import AutoModel
    from bot.llm.json_mode import JsonModel
    from bot.llm.openai import OpenAIModel

    endpoint = endpoint_of(settings)
    kinds = {"auto": AutoModel, "native": OpenAIModel, "json": JsonModel}
    model: LLM = kinds[settings.llm_mode](endpoint, tz=zone)
    return model


def build_embedder(settings: Settings) -> Embedder | None:
    """The configured embedder; None where there is none: search is then by words alone."""
    if settings.embedding == "off" or not vectors_installed():
        return None
    if settings.embedding == "openai" and settings.embedding_model:
        return _remote_embedder(settings, settings.embedding_model)
    from memory.embed import local

    return local.LocalEmbedder() if local.available() else None


def former_embedder(settings: Settings, name: str) -> Embedder | None:
    """The embedder whose vectors are still in use, by its name, while the configured one makes new
    ones. An endpoint that is no longer configured is not asked: nothing is sent there any more."""
    from memory.embed import local, openai

    if name == local.NAME and local.available():
        return local.LocalEmbedder()
    model = name.removeprefix(openai.PREFIX)
    if model not in ("", name) and settings.embedding == "openai":
        return _remote_embedder(settings, model)
    return None


def _remote_embedder(settings: Settings, model: str) -> Embedder:
    from memory.embed.openai import OpenAIEmbedder

    key = _plain(settings.embedding_api_key or settings.llm_api_key)
    return OpenAIEmbedder(settings.embedding_base_url or settings.llm_base_url, model, key)


def build_adapters(settings: Settings, store: Store) -> list[Adapter]:
    """The platforms that are configured; each is imported only then."""
    found: list[Adapter] = []
    if settings.discord_token is not None:
        from adapters.discord import Discord

        found.append(
            Discord(
                settings.discord_token.get_secret_value(),
                api_base=settings.discord_api_base,
                gateway_url=settings.discord_gateway_url,
                sharded=settings.discord_sharded,
                auto_thread=settings.discord_auto_thread,
                known_rooms=lambda: store.channels("discord"),
            )
        )
    if settings.slack_bot_token is not None:
        from adapters.slack import Slack

        found.append(
            Slack(
                settings.slack_bot_token.get_secret_value(),
                _plain(settings.slack_app_token),
                _plain(settings.slack_signing_secret),
                api_base=settings.slack_api_base,
                port=settings.slack_port,
            )
        )
    return found


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def vectors_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("faiss") is not None and find_spec("numpy") is not None


class App:
    """Everything that is open. Made by `opened`."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        search: Search,
        llm: LLM,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.settings = settings
        self.store = store
        self.search = search
        self.llm = llm
        self.zone = zone_of(settings)
        self.tools = Registry((*TOOLS, *REACHING))
        self.tools.load(settings.tools)
        self.watch: Callable[[Step], None] = lambda _: None  # told of every committed step
        self.delayed: Callable[[Claim], None] = lambda _: None  # told of turns that must wait
        self._guard = Guard()
        self._stopping = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None  # while it runs
        limits = Limits(
            steps=settings.max_steps, seconds=settings.turn_seconds, tokens=settings.turn_tokens
        )
        pace, prices, rules = pace_of(settings), prices_of(settings), rules_of(settings)
        heart = Heart(
            store, None if settings.offline else llm, pace, prices=prices, committed=search.wake,
            clock=clock,
        )  # fmt: skip
        turns = Turns(
            store, search, llm, self.tools, heart, zone=self.zone, limits=limits, prices=prices,
            watch=self._committed, clock=clock,
            recollect=Recollect(store, search, self.zone) if settings.recall else None,
        )  # fmt: skip
        self.digests = Digests(
            store, self.zone, pace.quiet, lambda agent: self.outbox.wake(agent), clock=clock
        )
        self.outbox = Outbox(store, filled=self.digests.filled)
        self.files = Files(settings.home, settings.file_limit, self.outbox.adapters.get)
        self.worker = Worker(
            store,
            turns,
            self.files,
            concurrency=settings.concurrency,
            first_wait=settings.outage_seconds,
            sending=self.outbox.wake,
            working=self._show_working,
            delayed=lambda claim: self.delayed(claim),
        )
        self.schedule = Schedule(
            store, pace, self.zone, self.worker.wake, most=max(1, settings.concurrency // 4),
            janitor=Janitor(store.database, Retention(store.database, rules), search, self.files),
            digests=self.digests, clock=clock,
        )  # fmt: skip
        self.verbs = Verbs(store, search, self.zone)
        self.asks = Asks(store, self.outbox.adapters, self.outbox.wake)
        self.desk = self._desk(rules, turns.stop)

    def _desk(self, rules: Rules, stop: Callable[[str], bool]) -> Desk:
        store = self.store
        consent = Consent(store, self._tell, rules, notice=self.settings.notice)
        return Desk(
            Intake(store, self.worker.wake, self._guard, consent),
            store,
            self.verbs,
            People(store),
            Farewell(store, self.search, self.files),
            self.asks,
            Policies(store, rules),
            Incognito(store, self.outbox.wake),
            self.digests,
            consent,
            stop=stop,
            link=self._link,
        )

    def _committed(self, step: Step) -> None:
        """A step is on disk: whoever waits for it may go on."""
        for reply in step.change.replies:
            self._guard.said(Address(**reply.target["address"]).room, reply.text)
        if step.change.replies:
            self.outbox.wake(step.claim.agent)
        if step.change.asks:
            self._tell()
        self.search.wake()
        self.watch(step)

    def _tell(self) -> None:
        """Somebody is to be asked or told something, for their eyes alone."""
        if self._tasks is not None:
            self._tasks.create_task(self.asks.tell(), name="asking")

    def _link(self, address: Address, event: str) -> str:
        adapter = self.outbox.adapters.get(address.platform)
        return adapter.link(address, event) if adapter is not None else ""

    def _show_working(self, claim: Claim, begun: bool) -> None:
        """Let people see that an answer is being made; nothing waits for that."""
        plain = claim.items[0].payload.get("address")
        if plain is None or self._tasks is None or claim.items[0].kind != "message":
            return
        address = Address(**plain)
        adapter = self.outbox.adapters.get(address.platform)
        if adapter is not None:
            self._tasks.create_task(adapter.working(address, begun=begun), name="working")

    async def run(self, adapters: list[Adapter]) -> None:
        """Receive, think and send, until the adapters have nothing more to receive, or `stop`."""
        for adapter in adapters:
            self.outbox.add(adapter)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await self.outbox.start(tasks)
            await self.worker.start(tasks)
            tasks.create_task(self.search.sweep(), name="sweep")
            tasks.create_task(self.asks.tell(), name="asking")
            follower = tasks.create_task(self.search.follow(), name="embedding")
            beating = tasks.create_task(self.schedule.run(), name="heartbeats")
            hearing = [
                tasks.create_task(self._hear(adapter), name=adapter.name) for adapter in adapters
            ]
            stopping = tasks.create_task(self._stopping.wait(), name="stop")
            try:
                while hearing and not stopping.done():
                    await asyncio.wait([*hearing, stopping], return_when=asyncio.FIRST_COMPLETED)
                    hearing = [task for task in hearing if not task.done()]
            finally:
                self._tasks = None
                await self.worker.stop(GRACE)
                await self._send_rest()  # while there is a connection to send by
                for task in (*hearing, stopping, follower, beating):
                    task.cancel()

    async def _hear(self, adapter: Adapter) -> None:
        try:
            await adapter.run(self.desk)
        except Unusable as error:
            raise UserError(str(error)) from error

    def stop(self) -> None:
        """Ask `run` to end: running turns get a moment, the rest is taken up at the next start."""
        self._stopping.set()

    async def _send_rest(self) -> None:
        """What is committed goes out before the program ends, if it goes within a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                for agent in await self.store.with_unsent():
                    await self.outbox.drained(agent)
        self.outbox.stop()


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    llm: LLM | None = None,
    embedder: Embedder | None = None,
    store: Callable[[Database], Store] = Store,
    read_only: bool = False,
    clock: Callable[[], datetime] = now,
) -> AsyncIterator[App]:
    """Open the home, its database and the model. read_only takes no lock and writes nothing.

    clock: what time it is for turns and heartbeats.

    Raises StorageFault (HomeBusy, NewerDatabase among them) and ConfigError, each a sentence.
    """
    async with AsyncExitStack() as stack:
        if not read_only:
            stack.callback(open_home(settings.home).release)
        database = SqliteDatabase(settings.database_path, read_only=read_only)
        stack.push_async_callback(database.close)
        database.start(MIGRATIONS)
        embedder = embedder or build_embedder(settings)
        search = Search(
            database, embedder, settings.home / "index", read_only=read_only,
            former=partial(former_embedder, settings), zone=zone_of(settings), clock=clock,
        )  # fmt: skip
        stack.push_async_callback(search.close)
        llm = llm or build_model(settings, zone_of(settings))
        stack.push_async_callback(llm.close)
        yield App(settings, store(database), search, llm, clock)
