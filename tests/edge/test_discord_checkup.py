"""What doctor finds out about Discord: the real discord.py at the fake Discord."""

import pytest

from adapters.base import Finding
from adapters.commands import COMMANDS
from adapters.discord import invite_url
from adapters.discord.checkup import checkup
from bot.testing.discord import FakeDiscord, Intent, Permission
from bot.testing.discord.records import ORDINARY, Guild
from tests.edge.discord_adapter import Listener, listening

GUILDS = "GET /users/@me/guilds"


async def looked(
    sim: FakeDiscord, *, token: str = "", sharded: bool = False, patience: float = 10.0
) -> dict[str, Finding]:
    """By name. The token is never told."""
    token = token or sim.token
    found = await checkup(token, api_base=sim.api_url, sharded=sharded, patience=patience)
    assert token not in "".join(f"{finding.said} {finding.remedy}" for finding in found)
    return {finding.name: finding for finding in found}


def permit(sim: FakeDiscord, guild: Guild, permissions: Permission) -> None:
    """Both of the bot's roles in a server give no more than that."""
    for role in guild.roles.values():
        if role.name in ("@everyone", sim.bot.name):
            role.permissions = permissions


async def test_all_is_well_but_the_commands_are_not_registered_yet(sim: FakeDiscord) -> None:
    found = await looked(sim)
    menu = found.pop("discord commands")
    assert [finding.ok for finding in found.values()] == [True] * 4
    assert f"Reverie#0000, of the application {sim.bot.id}" in found["discord"].said
    assert found["discord intents"].said == "message content is granted"
    assert found["discord gateway"].said == "1,000 of 1,000 session starts are left"
    assert found["discord servers"].said.startswith("1 looked at, all permissions are there")
    assert menu.ok is None
    assert menu.said == f"not registered: {', '.join(f'/{name}' for name in COMMANDS)}"
    assert "`reverie run`" in menu.remedy
    assert sim.started == 0


async def test_the_adapter_registers_the_commands(sim: FakeDiscord) -> None:
    async with listening(sim, Listener()):
        await sim.until(lambda: sim.commands)
    menu = (await looked(sim))["discord commands"]
    assert (menu.ok, menu.said) == (True, f"all {len(COMMANDS)} are registered")


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("Bot a.b.c", "DISCORD_TOKEN begins with the word Bot, which does not belong there"),
        ("1122334455667788", "DISCORD_TOKEN holds an application id"),
        ("s3cr3t", "perhaps the client secret or the public key"),
        ("xoxb-1-2-secret", "DISCORD_TOKEN holds no bot's token"),
    ],
)
async def test_what_is_no_token_is_told_and_never_sent(
    sim: FakeDiscord, token: str, told: str
) -> None:
    found = await looked(sim, token=token)
    assert list(found) == ["discord"]
    assert found["discord"].ok is False
    assert told in found["discord"].said
    assert "Reset Token" in found["discord"].remedy
    assert sim.requests == []


async def test_a_token_that_is_not_accepted(sim: FakeDiscord) -> None:
    token = sim.token
    sim.revoke_token()
    found = await looked(sim, token=token)
    assert list(found) == ["discord"]
    assert found["discord"].ok is False
    assert found["discord"].said.startswith("Discord does not accept DISCORD_TOKEN")
    assert "Reset Token" in found["discord"].remedy


async def test_message_content_is_not_granted(sim: FakeDiscord) -> None:
    sim.withdraw(Intent.MESSAGE_CONTENT)
    intents = (await looked(sim))["discord intents"]
    assert intents.ok is False
    assert "message content is not granted" in intents.said
    assert "Privileged Gateway Intents" in intents.remedy


@pytest.mark.parametrize(("left", "ok"), [(0, False), (3, None)])
async def test_few_session_starts_are_left(left: int, ok: bool | None) -> None:
    async with FakeDiscord(starts=left).running() as sim:
        gateway = (await looked(sim))["discord gateway"]
    assert (gateway.ok, gateway.said) == (ok, f"{left} of 1,000 session starts are left")
    assert "more in 24 hours" in gateway.remedy


async def test_discord_wants_shards() -> None:
    async with FakeDiscord(shards=4).running() as sim:
        one, many = await looked(sim), await looked(sim, sharded=True)
    assert one["discord gateway"].ok is None
    assert one["discord gateway"].said.endswith("Discord wants 4 shards")
    assert "REVERIE_DISCORD_SHARDED=true" in one["discord gateway"].remedy
    assert many["discord gateway"].ok is True


async def test_missing_permissions_are_named_with_the_link_that_asks_for_them(
    sim: FakeDiscord,
) -> None:
    work = sim.add_guild("工作")
    lost = Permission.VIEW_CHANNEL | Permission.ATTACH_FILES | Permission.SEND_MESSAGES_IN_THREADS
    permit(sim, work, ORDINARY & ~lost)
    servers = (await looked(sim))["discord servers"]
    assert servers.ok is None
    assert servers.said.startswith("permissions are missing in 工作 (")
    named = servers.said.partition("(")[2].rstrip(")").split(", ")
    assert set(named) == {"View Channels", "Attach Files", "Send Messages in Threads"}
    assert invite_url(sim.bot.id) in servers.remedy


async def test_an_administrator_lacks_nothing_and_a_long_list_is_cut(sim: FakeDiscord) -> None:
    permit(sim, sim.guild, Permission.ADMINISTRATOR)
    for number in range(7):
        permit(sim, sim.add_guild(f"S{number}"), ORDINARY & ~Permission.ADD_REACTIONS)
    said = (await looked(sim))["discord servers"].said
    assert "Home" not in said
    assert said.endswith("S4 (Add Reactions) and 2 more")


async def test_a_bot_that_nobody_invited(sim: FakeDiscord) -> None:
    sim.leave(sim.guild)
    servers = (await looked(sim))["discord servers"]
    assert (servers.ok, servers.said) == (None, "the bot is in no server yet")
    assert invite_url(sim.bot.id) in servers.remedy


async def test_an_endpoint_takes_the_commands_away(sim: FakeDiscord) -> None:
    sim.divert("https://bot.example/interactions")
    menu = (await looked(sim))["discord commands"]
    assert menu.ok is False
    assert "Interactions Endpoint URL" in menu.said
    assert "General Information" in menu.remedy


async def test_discord_is_away(sim: FakeDiscord) -> None:
    async with sim.away():
        found = await looked(sim)
    assert list(found) == ["discord"]
    assert found["discord"].ok is False
    assert found["discord"].said.startswith("Discord cannot be used now (")
    assert "network" in found["discord"].remedy


async def test_nothing_listens() -> None:
    async with FakeDiscord().running() as sim:
        pass
    bot = (await looked(sim))["discord"]
    assert (bot.ok, bot.said) == (False, "Discord cannot be used now (ConnectionRefusedError)")


async def test_one_thing_takes_too_long_and_another_is_refused(sim: FakeDiscord) -> None:
    sim.slow(GUILDS, 5)
    sim.fail("GET /gateway/bot", status=503)
    found = await looked(sim, patience=0.5)
    assert found["discord"].ok is True
    assert found["discord servers"].said == "Discord gave no good answer in 0.5 seconds"
    assert found["discord gateway"].said == "Discord cannot be used now (HTTP 503)"
    assert (found["discord servers"].ok, found["discord gateway"].ok) == (False, False)
