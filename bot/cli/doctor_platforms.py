"""The platforms as `reverie doctor` looks at them: those that are set, all at the same time."""

import asyncio
from collections.abc import Coroutine

from pydantic import SecretStr

from adapters.base import Finding
from bot.config import Settings

NONE_SET = (
    "none is set: `reverie chat` talks in this terminal. SLACK_BOT_TOKEN and DISCORD_TOKEN add"
    " Slack and Discord"
)


async def platforms(settings: Settings, *, running: bool) -> list[Finding]:
    """running: another process is using the home."""
    looks: list[Coroutine[None, None, list[Finding]]] = []
    if settings.slack_bot_token is not None:
        looks.append(_slack(settings, settings.slack_bot_token, running))
    if settings.discord_token is not None:
        looks.append(_discord(settings, settings.discord_token))
    if not looks:
        return [Finding(name="platforms", ok=True, said=NONE_SET)]
    return [finding for found in await asyncio.gather(*looks) for finding in found]


async def _slack(settings: Settings, bot_token: SecretStr, running: bool) -> list[Finding]:
    from adapters.slack.checkup import checkup

    app_token, secret = settings.slack_app_token, settings.slack_signing_secret
    return await checkup(
        bot_token.get_secret_value(),
        app_token.get_secret_value() if app_token else None,
        secret.get_secret_value() if secret else None,
        api_base=settings.slack_api_base,
        port=settings.slack_port,
        running=running,
    )


async def _discord(settings: Settings, token: SecretStr) -> list[Finding]:
    from adapters.discord.checkup import checkup

    return await checkup(
        token.get_secret_value(),
        api_base=settings.discord_api_base,
        sharded=settings.discord_sharded,
    )
