"""`reverie doctor` with platforms that are set: the real program at the simulators."""

import asyncio
from urllib.parse import urlsplit

from adapters.slack import manifest
from bot.testing.discord import FakeDiscord
from bot.testing.slack import FakeSlack
from memory.home import open_home
from tests.scenario.conftest import Cli, Ran


def states(ran: Ran) -> dict[str, str]:
    return {record["name"]: record["state"] for record in ran.records}


async def doctor(cli: Cli, *args: str, **environ: str) -> Ran:
    ran = await asyncio.to_thread(cli, "doctor", *args, **environ)
    said = ran.out + ran.err
    secrets = [value for name, value in environ.items() if name.endswith(("TOKEN", "SECRET"))]
    assert not [secret for secret in secrets if secret in said]
    return ran


def of_slack(slack: FakeSlack) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.app.bot_token,
        "SLACK_APP_TOKEN": slack.app.app_token,
        "REVERIE_SLACK_API_BASE": slack.api_url,
    }


def of_discord(discord: FakeDiscord) -> dict[str, str]:
    return {"DISCORD_TOKEN": discord.token, "REVERIE_DISCORD_API_BASE": discord.api_url}


def test_without_a_platform_it_says_how_to_add_one(cli: Cli) -> None:
    ran = cli("doctor")
    assert ran.code == 0
    assert "ok    platforms: none is set" in ran.out
    assert "DISCORD_TOKEN" in ran.out


async def test_both_platforms_in_order(cli: Cli) -> None:
    async with FakeSlack().running() as slack, FakeDiscord().running() as discord:
        slack.install(manifest())
        slack.app.scopes.discard("files:write")
        ran = await doctor(cli, "--json", **of_slack(slack), **of_discord(discord))
    found = states(ran)
    assert (ran.code, ran.err) == (0, "")
    assert {name: state for name, state in found.items() if name.startswith("slack")} == {
        "slack": "ok",
        "slack scopes": "warn",
        "slack socket": "ok",
        "slack app": "ok",
    }
    assert {name: state for name, state in found.items() if name.startswith("discord")} == {
        "discord": "ok",
        "discord intents": "ok",
        "discord gateway": "ok",
        "discord servers": "ok",
        "discord commands": "warn",
    }


async def test_what_a_person_has_to_mend_fails(cli: Cli) -> None:
    async with FakeSlack().running() as slack, FakeDiscord().running() as discord:
        environ = {**of_slack(slack), **of_discord(discord)}
        slack.app.revoked = True
        discord.revoke_token()
        ran = await doctor(cli, **environ)
    assert (ran.code, ran.err) == (1, "")
    assert "FAIL  slack: Slack does not accept SLACK_BOT_TOKEN: it was revoked\n      → " in ran.out
    assert "FAIL  slack socket: Slack does not accept SLACK_APP_TOKEN" in ran.out
    assert "FAIL  discord: Discord does not accept DISCORD_TOKEN" in ran.out
    assert "Reset Token" in ran.out


async def test_by_http_a_running_bot_may_have_the_port(cli: Cli) -> None:
    async with FakeSlack().running() as slack:
        environ = {
            "SLACK_BOT_TOKEN": slack.app.bot_token,
            "SLACK_SIGNING_SECRET": slack.app.signing_secret,
            "REVERIE_SLACK_API_BASE": slack.api_url,
            "REVERIE_SLACK_PORT": str(urlsplit(slack.api_url).port),  # taken: by the simulator
        }
        stopped = await doctor(cli, "--json", **environ)
        with open_home(cli.home):
            running = await doctor(cli, "--json", **environ)
    assert (stopped.code, states(stopped)["slack http"]) == (1, "FAIL")
    assert (running.code, states(running)["slack http"]) == (0, "ok")
