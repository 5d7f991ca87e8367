"""Settings: read once from the environment and `.env`, checked together, handed down."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from bot.errors import ConfigError
from bot.hours import hours_of, zone_named

DEFAULT_OPENAI_MODEL = "gpt-4o-mini"  # with OPENAI_API_KEY and nothing else

EXAMPLES = {
    "REVERIE_HOME": "REVERIE_HOME=~/.reverie",
    "REVERIE_DATABASE_URL": "leave it unset: SQLite in REVERIE_HOME",
    "REVERIE_LLM_BASE_URL": "REVERIE_LLM_BASE_URL=http://127.0.0.1:11434/v1",
    "REVERIE_LLM_MODEL": "REVERIE_LLM_MODEL=qwen3:8b",
    "REVERIE_LLM_MODE": "REVERIE_LLM_MODE=auto (or native, json)",
    "REVERIE_LLM_WINDOW": "REVERIE_LLM_WINDOW=32768 (tokens)",
    "REVERIE_LLM_TIMEOUT": "REVERIE_LLM_TIMEOUT=120 (seconds)",
    "REVERIE_LLM_MAX_TOKENS": "REVERIE_LLM_MAX_TOKENS=1024",
    "REVERIE_LLM_RETRIES": "REVERIE_LLM_RETRIES=3",
    "REVERIE_OUTAGE_SECONDS": "REVERIE_OUTAGE_SECONDS=5",
    "REVERIE_EMBEDDING": "REVERIE_EMBEDDING=local (or openai, off)",
    "REVERIE_EMBEDDING_BASE_URL": "REVERIE_EMBEDDING_BASE_URL=http://127.0.0.1:11434/v1",
    "REVERIE_TIMEZONE": "REVERIE_TIMEZONE=Europe/Berlin",
    "REVERIE_MAX_STEPS": "REVERIE_MAX_STEPS=10",
    "REVERIE_TURN_SECONDS": "REVERIE_TURN_SECONDS=300",
    "REVERIE_TURN_TOKENS": "REVERIE_TURN_TOKENS=200000",
    "REVERIE_CONCURRENCY": "REVERIE_CONCURRENCY=64",
    "REVERIE_TOOLS": "REVERIE_TOOLS=mytools,other.tools",
    "REVERIE_HEARTBEAT_HOURS": "REVERIE_HEARTBEAT_HOURS=24 (0: no heartbeats)",
    "REVERIE_HEARTBEAT_IDLE": "REVERIE_HEARTBEAT_IDLE=30 (minutes)",
    "REVERIE_HEARTBEAT_QUIET": "REVERIE_HEARTBEAT_QUIET=22-7 (hours)",
    "REVERIE_HEARTBEAT_TOKENS": "REVERIE_HEARTBEAT_TOKENS=20000 (of one agent in a day)",
    "REVERIE_STALE_DAYS": "REVERIE_STALE_DAYS=90",
    "REVERIE_RECALL": "REVERIE_RECALL=on (or off)",
    "REVERIE_NOTICE": "REVERIE_NOTICE=on (or off)",
    "REVERIE_OPT_IN": "REVERIE_OPT_IN=off (or on)",
    "REVERIE_RETENTION_PERSON_DAYS": "REVERIE_RETENTION_PERSON_DAYS=365 (0: for ever)",
    "REVERIE_RETENTION_ROOM_DAYS": "REVERIE_RETENTION_ROOM_DAYS=90 (0: for ever)",
    "REVERIE_LLM_PRICE_PROMPT": "REVERIE_LLM_PRICE_PROMPT=0.15 (for a million tokens)",
    "REVERIE_LLM_PRICE_COMPLETION": "REVERIE_LLM_PRICE_COMPLETION=0.60 (for a million tokens)",
    "AZURE_OPENAI_ENDPOINT": "AZURE_OPENAI_ENDPOINT=https://RESOURCE.openai.azure.com",
}
ALIASES = {  # the tutorial's names for ours
    "LETTA_LLM_ENDPOINT": "REVERIE_LLM_BASE_URL",
    "LETTA_LLM_MODEL": "REVERIE_LLM_MODEL",
    "LETTA_EMBEDDING_ENDPOINT": "REVERIE_EMBEDDING_BASE_URL",
    "LETTA_EMBEDDING_MODEL": "REVERIE_EMBEDDING_MODEL",
}

PLATFORMS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "DISCORD_TOKEN")


class Settings(BaseModel):
    """Every setting, with its default. Secrets never show in a repr or a log."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    home: Path = Field(default=Path("~/.reverie"), validate_default=True)
    database_url: str | None = None
    llm_base_url: str | None = None
    llm_model: str | None = None
    llm_api_key: SecretStr | None = None
    llm_api_version: str | None = None  # Azure's
    llm_mode: Literal["auto", "native", "json"] = "auto"
    llm_window: int | None = Field(default=None, ge=2048)  # tokens
    llm_timeout: float = Field(default=120, gt=0)  # seconds for one attempt
    llm_max_tokens: int | None = Field(default=None, ge=16)
    llm_retries: int = Field(default=3, ge=0, le=10)
    llm_price_prompt: float = Field(default=0, ge=0)  # money for a million tokens
    llm_price_completion: float = Field(default=0, ge=0)
    outage_seconds: float = Field(default=5, gt=0)  # the first wait when the model is away
    embedding: Literal["local", "openai", "off"] = "local"
    embedding_base_url: str | None = None
    embedding_model: str | None = None
    embedding_api_key: SecretStr | None = None
    timezone: str | None = None  # None: the machine's
    max_steps: int = Field(default=10, ge=2, le=100)
    turn_seconds: float = Field(default=300, gt=0)
    turn_tokens: int = Field(default=200_000, ge=1000)
    file_limit: int = Field(default=10_000_000, ge=0)  # bytes of a file that somebody sends
    concurrency: int = Field(default=64, ge=1)
    heartbeat_hours: float = Field(default=24, ge=0, le=8760)  # between two; 0: none
    heartbeat_idle: float = Field(default=30, ge=0)  # minutes that nobody wrote for
    heartbeat_quiet: str | None = None  # hours without: 22-7, 22:30-7:00
    heartbeat_tokens: int = Field(default=20_000, ge=0)  # of one agent in a day
    stale_days: float = Field(default=90, gt=0)  # from when an unused fact is put away
    recall: bool = True  # what memory has for a message is shown to the model, unasked
    notice: bool = True  # people are told, once, that they are remembered
    opt_in: bool = False  # nothing is learned from people before they say /memory resume
    retention_person_days: int = Field(default=0, ge=0, le=36_500)  # of messages; 0: for ever
    retention_room_days: int = Field(default=0, ge=0, le=36_500)
    tools: tuple[str, ...] = ()
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None  # Socket Mode
    slack_signing_secret: SecretStr | None = None  # HTTP events
    slack_port: int = Field(default=3000, ge=0, le=65535)
    slack_api_base: str | None = None  # a simulator on loopback
    discord_token: SecretStr | None = None
    discord_api_base: str | None = None  # a simulator on loopback
    discord_gateway_url: str | None = None  # a simulator on loopback
    discord_sharded: bool = False
    discord_auto_thread: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"

    @field_validator("home")
    @classmethod
    def _expanded(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url and not url.startswith("sqlite:///"):
            raise ValueError("only SQLite (sqlite:///PATH) is built in this version")
        return url

    @field_validator("llm_base_url", "embedding_base_url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("an address that begins with http:// or https:// is needed")
        return url if parts.path.strip("/") else f"{url.rstrip('/')}/v1"

    @field_validator("slack_api_base", "discord_api_base", "discord_gateway_url")
    @classmethod
    def _loopback(cls, url: str | None) -> str | None:
        if url and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("only a simulator on this machine (127.0.0.1) may stand here")
        return url

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name:
            try:
                zone_named(name)
            except ValueError as error:
                raise ValueError("no time zone has this name") from error
        return name

    @field_validator("heartbeat_quiet")
    @classmethod
    def _known_hours(cls, hours: str | None) -> str | None:
        if hours:
            hours_of(hours)
        return hours

    @property
    def database_path(self) -> Path:
        if self.database_url:
            return Path(self.database_url.removeprefix("sqlite:///")).expanduser().absolute()
        return self.home / "reverie.db"

    @property
    def offline(self) -> bool:
        """Whether no model is configured, so that the embedded offline one answers."""
        return self.llm_model is None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check everything. Raises ConfigError that names every problem at once."""
        found = {key: value.strip() for key, value in environ.items() if value.strip()}
        problems: list[str] = []
        values = _collected(found, problems)
        settings = None
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            problems.extend(_sentence(item["loc"], item["msg"]) for item in error.errors())
        if settings is not None:
            problems.extend(_contradictions(settings, found))
        if problems or settings is None:
            lines = "\n".join(f"  - {problem}" for problem in problems)
            raise ConfigError(f"These settings cannot be used:\n{lines}")
        return settings

    @classmethod
    def load(cls, folder: Path | None = None) -> "Settings":
        """From `.env` in the working directory, or `folder`, under the process's environment."""
        file = (folder or Path.cwd()) / ".env"
        values = {key: value or "" for key, value in dotenv_values(file).items()}
        return cls.from_env({**values, **os.environ})


def _collected(found: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """Values by field name, from our variables, their aliases, OpenAI's and Azure's."""
    named = dict(found)
    for alias, name in ALIASES.items():
        if alias in found and named.setdefault(name, found[alias]) != found[alias]:
            problems.append(f"{name} and {alias} are both set and differ. Keep one of them.")
    if "AZURE_OPENAI_ENDPOINT" in found:
        _azure(named, problems)
    elif "OPENAI_API_KEY" in found:
        _openai(named)
    for name in PLATFORMS:
        if name in named:
            named[f"REVERIE_{name}"] = named[name]
    values: dict[str, Any] = {
        field: named[f"REVERIE_{field.upper()}"]
        for field in Settings.model_fields
        if f"REVERIE_{field.upper()}" in named
    }
    if "tools" in values:
        values["tools"] = tuple(name.strip() for name in values["tools"].split(",") if name.strip())
    if "embedding" not in values and named.get("REVERIE_EMBEDDING_MODEL"):
        values["embedding"] = "openai"
    return values


def _azure(named: dict[str, str], problems: list[str]) -> None:
    endpoint = named["AZURE_OPENAI_ENDPOINT"].rstrip("/")
    if "REVERIE_LLM_BASE_URL" in named:
        problems.append(
            "AZURE_OPENAI_ENDPOINT and REVERIE_LLM_BASE_URL are both set. Keep one of them."
        )
        return
    version = named.get("AZURE_OPENAI_API_VERSION") or named.get("OPENAI_API_VERSION")
    if version:
        named["REVERIE_LLM_API_VERSION"] = version
        named["REVERIE_LLM_BASE_URL"] = endpoint
    else:
        named["REVERIE_LLM_BASE_URL"] = f"{endpoint}/openai/v1"
    if "AZURE_OPENAI_API_KEY" in named:
        named.setdefault("REVERIE_LLM_API_KEY", named["AZURE_OPENAI_API_KEY"])
    if "AZURE_OPENAI_DEPLOYMENT" in named:
        named.setdefault("REVERIE_LLM_MODEL", named["AZURE_OPENAI_DEPLOYMENT"])


def _openai(named: dict[str, str]) -> None:
    if "REVERIE_LLM_BASE_URL" not in named:
        named.setdefault("REVERIE_LLM_MODEL", DEFAULT_OPENAI_MODEL)
    named.setdefault("REVERIE_LLM_API_KEY", named["OPENAI_API_KEY"])


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    field = str(location[0]).upper() if location else ""
    name = (field if field in PLATFORMS else f"REVERIE_{field}") if field else "settings"
    example = EXAMPLES.get(name)
    told = message.removeprefix("Value error, ")
    return f"{name}: {told}." + (f" Example: {example}" if example else "")


def _contradictions(settings: Settings, found: Mapping[str, str]) -> list[str]:
    problems = []
    if settings.llm_base_url and not settings.llm_model:
        problems.append(
            "REVERIE_LLM_BASE_URL is set, but no model is named."
            f" Example: {EXAMPLES['REVERIE_LLM_MODEL']}"
        )
    if settings.llm_model and not settings.llm_base_url and not settings.llm_api_key:
        problems.append(
            "REVERIE_LLM_MODEL is set, but neither an address nor a key."
            f" Example: {EXAMPLES['REVERIE_LLM_BASE_URL']}, or OPENAI_API_KEY=sk-…"
        )
    if settings.embedding == "openai" and not settings.embedding_model:
        problems.append(
            "REVERIE_EMBEDDING=openai needs a model."
            " Example: REVERIE_EMBEDDING_MODEL=text-embedding-3-small"
        )
    if settings.embedding != "openai" and settings.embedding_model:
        problems.append(
            f"REVERIE_EMBEDDING={settings.embedding} and REVERIE_EMBEDDING_MODEL contradict each"
            " other. Drop one of them."
        )
    if settings.slack_bot_token and not (settings.slack_app_token or settings.slack_signing_secret):
        problems.append(
            "SLACK_BOT_TOKEN is set, but no way to hear from Slack. Set SLACK_APP_TOKEN=xapp-…"
            " (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)."
        )
    if (settings.slack_app_token or settings.slack_signing_secret) and not settings.slack_bot_token:
        problems.append("Slack needs SLACK_BOT_TOKEN too. Example: SLACK_BOT_TOKEN=xoxb-…")
    if settings.opt_in and not settings.notice:
        problems.append(
            "REVERIE_OPT_IN=on asks people by the notice, and REVERIE_NOTICE is off. Drop one of"
            " them."
        )
    if settings.home.exists() and not settings.home.is_dir():
        problems.append(f"REVERIE_HOME: {settings.home} is a file; a folder is needed.")
    return problems
