"""Replies on Discord when it refuses, limits or breaks off: tried again, or explained."""

import asyncio
import logging

import pytest

from adapters.base import Address, Post, SendFailed
from bot.testing.discord import FakeDiscord, Limit, Permission
from tests.edge.discord_adapter import SEND, Listener, echoes, listening, post


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discord.client.ExponentialBackoff.delay", lambda self: 0.05)


@pytest.mark.parametrize("scope", ["user", "global", "shared"])
async def test_a_rate_limit_is_waited_for(sim: FakeDiscord, scope: str) -> None:
    ana, listener = sim.human("Ana"), Listener()
    sim.fail(SEND, status=429, retry_after=0.1, scope=scope, times=2)  # type: ignore[arg-type]
    async with listening(sim, listener):
        await ana.dm("hi")
        await ana.sees("echo hi")
    assert [request.status for request in sim.requested(SEND)] == [429, 429, 200]
    assert listener.refused == []


async def test_a_long_rate_limit_is_handed_up(sim: FakeDiscord) -> None:
    sim.fail(SEND, status=429, retry_after=3600)
    failed = await refusal(sim, general(sim))
    assert (failed.retry_after, failed.final) == (3600, False)


@pytest.mark.parametrize("lost", [False, True])
async def test_trouble_of_discord_is_tried_again_and_posts_once(
    sim: FakeDiscord, lost: bool
) -> None:
    ana, listener = sim.human("Ana"), Listener()
    if lost:
        sim.cut(SEND, handled=True)
    else:
        sim.fail(SEND, status=503, times=2)
    async with listening(sim, listener):
        await ana.dm("hi")
        await ana.sees("echo hi")
        await ana.dm("on")
        await ana.sees("echo on")
    assert echoes(sim) == ["echo hi", "echo on"]
    assert [error.final for error in listener.refused] == [False] * (1 if lost else 2)


def general(sim: FakeDiscord) -> Address:
    return Address(platform="discord", space=sim.guild.id, channel=sim.general.id)


async def refusal(sim: FakeDiscord, address: Address) -> SendFailed:
    async with listening(sim, Listener()) as discord:
        with pytest.raises(SendFailed) as failed:
            await discord.send(Post(key="k", address=address, text="你好"))
    return failed.value


async def test_what_the_bot_may_not_do_is_final(sim: FakeDiscord) -> None:
    sim.deny(sim.general, Permission.SEND_MESSAGES)
    failed = await refusal(sim, general(sim))
    assert failed.final
    assert "Send Messages" in str(failed)


@pytest.mark.parametrize("thread", [None, "404"])
async def test_a_channel_that_is_gone_is_final(sim: FakeDiscord, thread: str | None) -> None:
    address = Address(platform="discord", space=sim.guild.id, channel="404", thread=thread)
    failed = await refusal(sim, address)
    assert failed.final
    assert "channel 404 is gone" in str(failed)


@pytest.mark.parametrize(
    ("code", "status", "final", "sentence"),
    [
        (50007, 0, True, "takes no direct messages"),
        (50083, 0, True, "archived or locked"),
        (50035, 0, True, "error 50035"),
        (0, 401, False, "DISCORD_TOKEN"),
        (0, 503, False, "HTTP 503"),
    ],
)
async def test_refusals_have_a_sentence(
    sim: FakeDiscord, code: int, status: int, final: bool, sentence: str
) -> None:
    sim.fail(SEND, code=code, status=status)
    failed = await refusal(sim, general(sim))
    assert failed.final is final
    assert sentence in str(failed)


async def test_a_reply_waits_for_the_connection(
    sim: FakeDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    ana, listener = sim.human("Ana"), Listener(lambda event: None)
    async with listening(sim, listener) as discord, asyncio.TaskGroup() as tasks:
        await ana.dm("hi")
        [event] = await sim.until(lambda: listener.events)
        async with sim.away():
            await sim.until(lambda: "Attempting a reconnect" in caplog.text)
            sending = tasks.create_task(discord.send(post(event, "hello")))
            await sim.until(lambda: caplog.text.count("Attempting a reconnect") >= 4)
            assert not sending.done()
        await ana.sees("hello")
    assert echoes(sim) == ["hello"]


@pytest.mark.alone
async def test_a_burst_under_rate_limits_is_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    limits = {SEND: Limit(count=20, seconds=0.15)}
    listener = Listener()
    async with FakeDiscord(limits=limits, a_second=120, patience=30).running() as sim:
        people = [sim.human(f"P{number}") for number in range(6)]
        async with listening(sim, listener):
            for number in range(300):
                person = people[number % 6]
                if number % 2:
                    await person.dm(f"n{number}")
                else:
                    await person.say(sim.general, f"n{number}")
                if number % 100 == 50:
                    sim.fail(SEND, status=429, retry_after=0.1, scope="global")
            await sim.until(lambda: len(echoes(sim)) == 300)
        statuses = [request.status for request in sim.requested(SEND)]
    assert echoes(sim) == sorted(f"echo n{number}" for number in range(300))
    assert statuses.count(429) >= 3
    assert [event.text for event in listener.events if event.room_kind != "dm"] == [
        f"n{number}" for number in range(0, 300, 2)
    ]
