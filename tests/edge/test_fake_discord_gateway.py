"""The unmodified discord.py against the fake gateway: what breaks, and what is made up for."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import aiohttp
import discord as dpy
import pytest

from bot.testing.discord import FakeDiscord, Intent, Limit
from tests.edge.discord_adapter import QUICK, SEND
from tests.edge.discord_bot import Bot, intents, online, pointed

CLOSED = {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(limits=QUICK, patience=8, heartbeat=200).running() as fake:
        yield fake


async def test_heartbeats_are_acknowledged(discord: FakeDiscord) -> None:
    async with online(discord, Bot()) as bot:
        await discord.until(lambda: discord.heard.count(1) >= 3)
        before = discord.heard.count(1)
        discord.ask_heartbeat()
        await discord.until(lambda: discord.heard.count(1) > before)
        assert 0 < bot.latency < 5
    assert discord.heard[:2] == [1, 2]
    assert (discord.started, discord.resumed) == (1, 0)


@pytest.mark.parametrize("how", ["drop", "reconnect", "close", "invalid but resumable"])
async def test_what_was_missed_is_replayed(discord: FakeDiscord, how: str) -> None:
    bo = discord.human("Bo")
    async with online(discord, Bot()) as bot:
        await bo.say(discord.general, "one")
        await bo.sees("echo one")
        if how == "drop":
            await discord.drop_sockets()
            await bo.say(discord.general, "meanwhile")
        elif how == "reconnect":
            discord.ask_reconnect()
        elif how == "close":
            discord.close_sockets(4000)
        else:
            discord.invalidate(resumable=True)
        await discord.until(lambda: discord.resumed)
        await bo.say(discord.general, "two")
        await bo.sees("echo two")
        assert bot.log.texts("resumed")
    assert bot.log.texts("message") == ["one", *["meanwhile"] * (how == "drop"), "two"]
    assert discord.started == 1


async def test_a_zombie_connection_is_given_up_and_resumed(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    async with online(discord, Bot(heartbeat_timeout=0.5)) as bot:
        discord.freeze_sockets()
        await bo.say(discord.general, "into the void")
        assert bot.heard == []
        await bo.sees("echo into the void")
    assert (discord.started, discord.resumed) == (1, 1)
    assert bot.log.texts("message") == ["into the void"]


@pytest.mark.parametrize("how", ["invalid", "restart", "too long"])
async def test_after_a_new_session_only_history_tells(discord: FakeDiscord, how: str) -> None:
    bo = discord.human("Bo")
    async with online(discord, Bot()) as bot:
        await bo.say(discord.general, "one")
        await bo.sees("echo one")
        bot.log.ready.clear()
        if how == "invalid":
            discord.invalidate()
        elif how == "restart":
            await discord.restart()
        else:
            await discord.drop_sockets()
            discord.later(600)
        missed = await bo.say(discord.general, "missed")
        await asyncio.wait_for(bot.log.ready.wait(), 8)
        await bo.say(discord.general, "two")
        await bo.sees("echo two")
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        read = [message.id async for message in channel.history()]
    assert bot.log.texts("message") == ["one", "two"]
    assert int(missed.id) in read
    assert discord.started == 2


async def test_while_discord_is_away_nothing_can_be_reached(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    async with online(discord, Bot()) as bot:
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        async with discord.away():
            with pytest.raises((aiohttp.ClientError, OSError)):
                await channel.send("anybody?")
            await bo.say(discord.general, "are you there?")
            assert discord.connected == 0
        await bo.sees("are you there?")
    assert discord.requested(SEND)[-1].status == 200


async def test_a_gateway_that_fails_at_first_kills_this_client(discord: FakeDiscord) -> None:
    """Seen in discord.py 2.7.1, and the reason why a bot needs a start of its own that retries."""
    with pointed(discord):
        bot = Bot()
        await bot.login(discord.token)
        async with discord.away():
            with pytest.raises(AttributeError):
                await bot.connect()
        await bot.close()


async def test_refused_at_the_door(discord: FakeDiscord) -> None:
    discord.withdraw(Intent.MESSAGE_CONTENT)
    with pytest.raises(dpy.PrivilegedIntentsRequired):
        async with online(discord, Bot()):
            pass
    discord.fail("IDENTIFY", status=4011)
    with pytest.raises(dpy.ConnectionClosed) as caught:
        async with online(discord, Bot(intents(content=False))):
            pass
    assert caught.value.code == 4011
    with pointed(discord):
        bot = Bot()
        with pytest.raises(dpy.LoginFailure):
            await bot.start("wrong")
        await bot.close()


async def test_a_revoked_token_ends_it(discord: FakeDiscord) -> None:
    token = discord.token
    async with online(discord, Bot()) as bot:
        discord.revoke_token()
        with pytest.raises(dpy.ConnectionClosed) as caught:
            await bot.ended()
    assert caught.value.code == 4004
    with pointed(discord):
        bot = Bot()
        with pytest.raises(dpy.LoginFailure):
            await bot.start(token)
        await bot.close()
    assert discord.requests[-1].status == 401


async def test_starts_are_counted() -> None:
    async with FakeDiscord(starts=1).running() as discord:
        async with online(discord, Bot()) as bot:
            answer = await bot.http.get_bot_gateway()
            assert answer[2]["remaining"] == 0
        with pytest.raises(dpy.ConnectionClosed) as caught:
            async with online(discord, Bot()):
                pass
    assert caught.value.code == 4004


class Sharded(Bot, dpy.AutoShardedClient):
    """The same bot on two connections."""


async def test_each_guild_is_on_its_shard(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    second = discord.add_guild("Second")
    there = discord.channel("general", guild=second)
    async with online(discord, Sharded(shard_count=2)) as bot:
        assert isinstance(bot, Sharded)
        assert {guild.name: guild.shard_id for guild in bot.guilds} == {"Home": 0, "Second": 1}
        await bo.say(discord.general, "one")
        await bo.say(there, "two")
        await bo.dm("three")
        assert {message.content for message in await bo.sees(3)} == {
            "echo one",
            "echo two",
            "echo three",
        }
        shards = {m.content: m.guild.shard_id if m.guild else 0 for m in bot.heard}
    assert shards == {"one": 0, "two": 1, "three": 0}
    assert discord.started == 2


async def test_limits_make_the_library_wait_and_nothing_is_lost() -> None:
    few = {SEND: Limit(count=2, seconds=0.3)}
    async with FakeDiscord(limits=few, a_second=500).running() as discord:
        bo = discord.human("Bo")
        async with online(discord, Bot()):
            for number in range(6):
                await bo.say(discord.general, str(number))
            seen = await bo.sees(6)
        assert sorted(message.content for message in seen) == [f"echo {n}" for n in range(6)]


async def test_headers_say_how_much_is_left() -> None:
    few = {SEND: Limit(count=2, seconds=60)}
    async with (
        FakeDiscord(limits=few, a_second=4).running() as discord,
        aiohttp.ClientSession(headers={"Authorization": f"Bot {discord.token}"}) as http,
    ):
        url = f"{discord.api_url}/channels/{discord.general.id}/messages"
        answers = []
        for number in range(5):
            async with http.post(url, json={"content": str(number)}) as response:
                answers.append((response.status, response.headers, await response.json()))
        discord.later(61)
        async with http.post(url, json={"content": "later"}) as response:
            assert response.status == 200
    assert [status for status, _, _ in answers] == [200, 200, 429, 429, 429]
    assert [h.get("X-RateLimit-Remaining") for _, h, _ in answers] == ["1", "0", "0", "0", None]
    assert answers[0][1]["X-RateLimit-Bucket"] == answers[1][1]["X-RateLimit-Bucket"]
    assert answers[2][1]["X-RateLimit-Scope"] == "user"
    assert 50 < answers[2][2]["retry_after"] <= 60
    assert answers[4][2]["global"] is True
    assert answers[4][1]["X-RateLimit-Global"] == "true"
    assert [m.content for m in discord.messages()] == ["0", "1", "later"]


async def test_faults_on_demand(discord: FakeDiscord, caplog: pytest.LogCaptureFixture) -> None:
    async with online(discord, Bot()) as bot:
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        discord.fail(SEND, status=429, retry_after=0.05, times=2)
        discord.fail(SEND, status=429, retry_after=0.05, scope="global")
        with caplog.at_level(logging.WARNING, "discord.http"):
            await channel.send("in the end")
        assert "Global rate limit" in caplog.text
        discord.fail(SEND, status=503)
        with pytest.raises(dpy.DiscordServerError):
            await channel.send("no")
        discord.fail(SEND, code=50001)
        with pytest.raises(dpy.Forbidden):
            await channel.send("no")
        discord.fail("*", status=503, times=5)
        discord.mend()
        await channel.send("mended")
    sent = [request.status for request in discord.requested(SEND)]
    assert sent == [429, 429, 429, 200, 503, 403, 200]
    with pytest.raises(ValueError, match="no route"):
        discord.fail("POST /nowhere", status=500)
    with pytest.raises(ValueError, match="99"):
        discord.fail(SEND, code=99)


async def test_a_lost_answer_is_made_up_for_by_the_nonce(discord: FakeDiscord) -> None:
    async with online(discord, Bot()) as bot:
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        discord.cut(SEND, handled=True)
        with pytest.raises((aiohttp.ClientError, OSError)):
            await channel.send("once", nonce="key")
        discord.cut(SEND)
        with pytest.raises((aiohttp.ClientError, OSError)):
            await channel.send("once", nonce="key")
        discord.slow(SEND, 0.05)
        again = await channel.send("once", nonce="key")
    assert [message.id for message in discord.messages()] == [str(again.id)]
    assert [request.status for request in discord.requested(SEND)] == [0, 0, 200]


async def closed_with(discord: FakeDiscord, *frames: str) -> int | None:
    """The code with which the gateway closes on what a client sends."""
    async with aiohttp.ClientSession() as http, http.ws_connect(discord.gateway_url) as socket:
        assert (await socket.receive_json())["op"] == 10
        for frame in frames:
            await socket.send_str(frame)
        while (await socket.receive(timeout=5)).type not in CLOSED:
            pass
        return socket.close_code


def identify(discord: FakeDiscord, **extra: object) -> str:
    data = {"token": discord.token, "intents": 1, "properties": {}, **extra}
    return json.dumps({"op": 2, "d": data})


async def test_close_codes_for_what_a_client_does_wrong(discord: FakeDiscord) -> None:
    good = identify(discord)
    assert await closed_with(discord, "no json") == 4002
    assert await closed_with(discord, '{"op": 1, "d": "' + "x" * 5000 + '"}') == 4002
    assert await closed_with(discord, '{"op": 99}') == 4001
    assert await closed_with(discord, '{"op": 8, "d": {}}') == 4003
    assert await closed_with(discord, identify(discord, token="bad")) == 4004
    assert await closed_with(discord, good, good) == 4005
    assert await closed_with(discord, *['{"op": 1, "d": null}'] * 120) == 4008
    assert await closed_with(discord, identify(discord, shard=[2, 2])) == 4010
    assert await closed_with(discord, identify(discord, intents=-1)) == 4013
    assert await closed_with(discord, identify(discord, intents=1 << 8)) == 4014
    resume = {"op": 6, "d": {"token": "bad", "session_id": "x", "seq": 1}}
    assert await closed_with(discord, json.dumps(resume)) == 4004


async def test_without_compression_frames_are_text(discord: FakeDiscord) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(discord.gateway_url) as socket:
        assert (await socket.receive_json())["op"] == 10
        await socket.send_str(identify(discord))
        names = [(await socket.receive_json())["t"] for _ in range(2)]
    assert names == ["READY", "GUILD_CREATE"]


async def test_intents_decide_what_is_told(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    bot = Bot(dpy.Intents(guilds=True, dm_messages=True))
    bot.echoes = False
    async with online(discord, bot):
        await bo.say(discord.general, "<@bot> not asked for")
        await bo.types(bo.dms)
        await bo.dm("asked for")
        await discord.until(lambda: bot.heard)
    assert bot.log.told == [("message", "asked for")]
