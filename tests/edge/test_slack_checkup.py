"""What doctor finds out about Slack: the real slack-sdk and aiohttp at the fake Slack."""

import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web

from adapters.base import Finding
from adapters.slack import manifest
from adapters.slack.checkup import LOST, checkup
from bot.testing.slack import FakeSlack

SCOPES: list[str] = manifest()["oauth_config"]["scopes"]["bot"]


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack().running() as fake:
        fake.install(manifest())
        yield fake


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


async def looked(
    slack: FakeSlack, *, bot: str = "", app: str = "", patience: float = 10.0
) -> dict[str, Finding]:
    """By Socket Mode, by name. No token is ever told."""
    bot, app = bot or slack.app.bot_token, app or slack.app.app_token
    found = await checkup(bot, app, api_base=slack.api_url, patience=patience)
    told = "".join(f"{finding.said} {finding.remedy}" for finding in found)
    assert not [secret for secret in (bot, app, "ticket=") if secret in told]
    return {finding.name: finding for finding in found}


async def by_http(slack: FakeSlack, secret: str, port: int, *, running: bool = False) -> Finding:
    found = await checkup(
        slack.app.bot_token, None, secret, api_base=slack.api_url, port=port, running=running
    )
    assert secret not in "".join(f"{finding.said} {finding.remedy}" for finding in found)
    return next(finding for finding in found if finding.name == "slack http")


async def test_all_is_well(slack: FakeSlack) -> None:
    found = await looked(slack)
    assert [finding.ok for finding in found.values()] == [True] * 4
    assert "@reverie in the workspace fake (https://fake.slack.com/)" in found["slack"].said
    assert found["slack scopes"].said == f"all {len(SCOPES)} are granted"
    assert found["slack socket"].said == "it opens"
    await slack.until(lambda: not slack.sockets.open)
    assert slack.sockets.opened == 1


async def test_what_cannot_be_seen_is_told_with_the_manifest_that_has_it(slack: FakeSlack) -> None:
    unseen = (await looked(slack))["slack app"]
    events = manifest()["settings"]["event_subscriptions"]["bot_events"]
    commands = [row["command"] for row in manifest()["features"]["slash_commands"]]
    assert all(name in unseen.said for name in (*events, *commands, "Interactivity"))
    assert "`reverie manifest slack`" in unseen.remedy
    assert "App Manifest" in unseen.remedy
    assert "outside" not in unseen.said


def test_of_each_scope_it_is_known_what_goes_without_it() -> None:
    assert set(SCOPES) <= set(LOST)


async def test_missing_scopes_are_named_with_what_goes_without_them(slack: FakeSlack) -> None:
    slack.app.scopes -= {"files:write", "users:read"}
    scopes = (await looked(slack))["slack scopes"]
    assert scopes.ok is None
    assert f"2 of {len(SCOPES)} are missing: files:write (no files" in scopes.said
    assert "users:read (it knows people by their ids only)" in scopes.said
    assert "Add files:write, users:read at https://api.slack.com/apps" in scopes.remedy
    assert "OAuth & Permissions" in scopes.remedy
    assert "Reinstall to Workspace" in scopes.remedy


async def test_without_an_essential_scope_it_cannot_work(slack: FakeSlack) -> None:
    slack.app.scopes -= {"chat:write"}
    scopes = (await looked(slack))["slack scopes"]
    assert scopes.ok is False
    assert "chat:write (it cannot answer)" in scopes.said


@pytest.mark.parametrize(
    ("bot", "told"),
    [
        ("xoxp-1-secret", "SLACK_BOT_TOKEN holds a user's token (xoxp-…)"),
        ("xapp-1-A0FAKE-secret", "SLACK_BOT_TOKEN holds an app-level token (xapp-…)"),
        ("xoxe.xoxb-1-secret", "SLACK_BOT_TOKEN holds a token that expires (xoxe…)"),
        ("令牌-secret", "SLACK_BOT_TOKEN holds no token of Slack"),
    ],
)
async def test_another_kind_of_bot_token_is_told_and_never_sent(
    slack: FakeSlack, bot: str, told: str
) -> None:
    found = await looked(slack, bot=bot)
    assert (found["slack"].ok, found["slack"].said) == (False, told)
    assert "Copy the Bot User OAuth Token (xoxb-…)" in found["slack"].remedy
    assert "slack scopes" not in found
    assert [request.method for request in slack.requests] == ["apps.connections.open"]


async def test_tokens_in_each_others_place_are_told_before_anything_is_asked(
    slack: FakeSlack,
) -> None:
    found = await looked(slack, bot=slack.app.app_token, app=slack.app.bot_token)
    assert found["slack"].said == "SLACK_BOT_TOKEN holds an app-level token (xapp-…)"
    assert found["slack socket"].said == "SLACK_APP_TOKEN holds a bot token (xoxb-…)"
    assert "connections:write" in found["slack socket"].remedy
    assert slack.requests == []


async def test_a_revoked_token(slack: FakeSlack) -> None:
    slack.app.revoked = True
    found = await looked(slack)
    assert found["slack"].said == "Slack does not accept SLACK_BOT_TOKEN: it was revoked"
    assert "Install to Workspace" in found["slack"].remedy
    assert found["slack socket"].said == "Slack does not accept SLACK_APP_TOKEN: it was revoked"
    assert (found["slack"].ok, found["slack socket"].ok) == (False, False)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("invalid_auth", "Slack does not know it"),
        ("token_expired", "it has expired"),
        ("account_inactive", "the app was taken out of the workspace"),
        ("team_access_not_granted", "it says team_access_not_granted"),
    ],
)
async def test_a_token_that_is_not_accepted(slack: FakeSlack, error: str, told: str) -> None:
    slack.fail("auth.test", error=error)
    bot = (await looked(slack))["slack"]
    assert (bot.ok, bot.said) == (False, f"Slack does not accept SLACK_BOT_TOKEN: {told}")


async def test_socket_mode_is_switched_off(slack: FakeSlack) -> None:
    slack.fail("apps.connections.open", error="socket_mode_not_enabled")
    found = await looked(slack)
    assert found["slack"].ok is True
    way_in = found["slack socket"]
    assert (way_in.ok, way_in.said) == (False, "Socket Mode is switched off for this app")
    assert way_in.remedy == "Switch it on at https://api.slack.com/apps → your app → Socket Mode."


async def test_an_app_token_without_its_scope(slack: FakeSlack) -> None:
    slack.app.app_scopes = set()
    way_in = (await looked(slack))["slack socket"]
    assert (way_in.ok, way_in.said) == (False, "SLACK_APP_TOKEN lacks the scope connections:write")
    assert "App-Level Tokens" in way_in.remedy


async def test_other_sockets_are_counted_and_too_many_are_told(slack: FakeSlack) -> None:
    slack.sockets.open.append(other := web.WebSocketResponse())
    assert "others are open: 1" in (await looked(slack))["slack socket"].said
    slack.sockets.open.extend([other] * 9)
    way_in = (await looked(slack))["slack socket"]
    assert way_in.ok is False
    assert "closed it at once (too_many_websockets)" in way_in.said
    assert "Ten are the most" in way_in.remedy
    slack.sockets.open.clear()


async def test_slack_is_away(slack: FakeSlack) -> None:
    await slack.go_away()
    found = await looked(slack)
    for name in ("slack", "slack socket"):
        assert found[name].ok is False
        assert found[name].said.startswith("Slack cannot be used now (Client")
        assert "network" in found[name].remedy


async def test_slack_does_not_answer(slack: FakeSlack) -> None:
    slack.fail("*", hang=True, times=2)
    found = await looked(slack, patience=0.2)
    for name in ("slack", "slack socket"):
        assert (found[name].ok, found[name].said) == (False, "Slack gave no answer in 0.2 seconds")


async def test_trouble_of_slack(slack: FakeSlack) -> None:
    slack.fail("auth.test", status=503)
    slack.fail("apps.connections.open", status=429, retry_after=3600)
    found = await looked(slack)
    assert found["slack"].said == "Slack cannot be used now (service_unavailable)"
    assert found["slack socket"].said == "Slack cannot be used now (ratelimited)"


# ---- by HTTP


async def test_by_http_the_port_is_tried(slack: FakeSlack) -> None:
    way_in = await by_http(slack, "s3cr3t", 0)
    assert way_in.ok is True
    assert "SLACK_SIGNING_SECRET is set" in way_in.said
    assert slack.calls("apps.connections.open") == []


async def test_by_http_with_a_port_that_is_taken(slack: FakeSlack, taken: int) -> None:
    way_in = await by_http(slack, "s3cr3t", taken)
    assert way_in.ok is False
    assert way_in.said == f"port {taken} cannot be listened on: Address already in use"
    assert "REVERIE_SLACK_PORT" in way_in.remedy
    own = await by_http(slack, "s3cr3t", taken, running=True)
    assert own.ok is True
    assert "by the bot that is running" in own.said


async def test_by_http_with_a_token_for_a_secret(slack: FakeSlack) -> None:
    way_in = await by_http(slack, "xapp-1-A0FAKE-secret", 0)
    assert way_in.ok is False
    assert way_in.said == "SLACK_SIGNING_SECRET holds an app-level token (xapp-…)"
    assert "App Credentials" in way_in.remedy


async def test_by_http_it_is_told_that_outside_is_not_seen(slack: FakeSlack) -> None:
    found = await checkup(slack.app.bot_token, None, "s3cr3t", api_base=slack.api_url, port=0)
    assert "whether Slack reaches /slack/events from outside" in found[-1].said
    assert "--request-url" in found[-1].remedy
