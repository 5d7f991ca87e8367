"""The Discord adapter when things break: nothing lost, nothing twice, a sentence where one acts."""

import asyncio
import logging
from datetime import timedelta

import pytest

from adapters.base import Unusable
from bot.testing.discord import FakeDiscord, Intent, Permission
from tests.edge.discord_adapter import HISTORY, Listener, adapter, called, echoes, listening


@pytest.fixture(autouse=True)
def _no_pause(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The adapter waits for a second before it connects again."""
    monkeypatch.setattr("adapters.discord.adapter.FIRST_WAIT", 0.05)
    monkeypatch.setattr("discord.client.ExponentialBackoff.delay", lambda self: 0.05)


# ---- the connection


@pytest.mark.parametrize("how", ["drop", "reconnect", "close", "invalid but resumable"])
async def test_a_resumed_connection_loses_nothing(sim: FakeDiscord, how: str) -> None:
    ana, listener = sim.human("Ana"), Listener()
    async with listening(sim, listener):
        await ana.say(sim.general, "one")
        await ana.sees("echo one")
        if how == "drop":
            await sim.drop_sockets()
        elif how == "reconnect":
            sim.ask_reconnect()
        elif how == "close":
            sim.close_sockets(4000)
        else:
            sim.invalidate(resumable=True)
        await ana.say(sim.general, "two")
        await ana.dm("三")
        await ana.sees("echo 三")
        await ana.dm("four")
        await ana.sees("echo four")
    assert (sim.started, sim.resumed) == (1, 1)
    assert sorted(listener.texts) == sorted(["one", "two", "三", "four"])
    assert echoes(sim) == ["echo four", "echo one", "echo two", "echo 三"]


@pytest.mark.parametrize("how", ["invalid", "restart"])
async def test_a_new_session_is_caught_up_with(sim: FakeDiscord, how: str) -> None:
    ana, ben, listener = sim.human("Ana"), sim.human("Ben"), Listener(called)
    hall = sim.channel("hall")
    async with listening(sim, listener):
        await ana.dm("hello")
        thread = await ana.thread(sim.general, "trip")
        await ana.say(sim.general, "<@bot> in a thread", thread=thread)
        await ben.say(sim.general, "<@bot> in general")
        await sim.until(lambda: len(echoes(sim)) == 3)
        if how == "invalid":
            sim.invalidate()
        else:
            await sim.restart()
        for number in range(3):
            await ana.dm(f"dm {number}")
            await ben.say(sim.general, f"<@bot> general {number}")
            await ana.say(sim.general, f"<@bot> 线程 {number}", thread=thread)
        await ben.say(hall, "<@bot> where we never talked")
        await sim.until(lambda: len(echoes(sim)) == 13)
        await ana.dm("and on")
        await ana.sees("echo and on")
    assert sim.started == 2
    assert len(set(listener.texts)) == len(listener.texts) == 14
    room = [e.text for e in listener.events if e.address.channel == sim.general.id][2:]
    pairs = [[f"general {number}", f"线程 {number}"] for number in range(3)]
    assert room == [text for pair in pairs for text in pair]
    assert len(set(echoes(sim))) == len(echoes(sim)) == 14


async def test_what_was_said_while_we_were_off_is_answered(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    hall = sim.channel("hall")
    async with listening(sim, listener):
        await ana.dm("one")
        thread = await ana.thread(sim.general, "trip")
        await ana.say(sim.general, "<@bot> two", thread=thread)
        await sim.until(lambda: len(echoes(sim)) == 2)
    await ana.dm("离线")
    await ana.say(sim.general, "<@bot> offline", thread=thread)
    await ana.say(sim.general, "<@bot> off the thread")
    await ana.say(hall, "<@bot> a new room")
    await ana.say(sim.general, "!memory clear human yes")
    async with listening(sim, listener):
        await sim.until(lambda: len(echoes(sim)) == 6)
        await ana.dm("back")
        await ana.sees("echo back")
    assert len(set(listener.texts)) == len(listener.texts) == 7
    assert listener.lines == []  # an old command may have been obeyed already


async def test_who_speaks_first_after_a_gap_does_not_hide_it(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    async with listening(sim, listener):
        await ana.dm("one")
        await ana.sees("echo one")
        sim.slow(HISTORY, 0.2, times=10)
        await sim.restart()
        for number in range(3):
            await ana.dm(f"missed {number}")
        await sim.until(lambda: sim.connected)
        await ana.dm("live")
        await ana.sees("echo live")
    assert listener.texts == ["one", "missed 0", "missed 1", "missed 2", "live"]


async def test_a_dm_that_is_new_to_a_start_is_caught_up_with_when_it_speaks(
    sim: FakeDiscord,
) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    async with listening(sim, listener):
        await ana.dm("one")
        await ana.sees("echo one")
    await ana.dm("missed")
    async with listening(sim, listener, made=adapter(sim)):  # it is told of no DMs
        await ana.dm("live")
        await ana.sees("echo live")
    assert listener.texts == ["one", "missed", "live"]


async def test_only_the_newest_of_a_day_are_caught_up_with(
    sim: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.discord.catchup.MOST", 5)
    ana, listener = sim.human("Ana"), Listener(called)
    async with listening(sim, listener):
        await ana.say(sim.general, "<@bot> start")
        await ana.sees("echo start")
    for number in range(8):
        await ana.say(sim.general, f"<@bot> n{number}")
    async with listening(sim, listener):
        await ana.sees("echo n7")
    assert listener.texts == ["start", *(f"n{number}" for number in range(3, 8))]
    await ana.say(sim.general, "<@bot> long ago")
    monkeypatch.setattr("adapters.discord.catchup.LONGEST", timedelta(0))
    async with listening(sim, listener):
        await ana.dm("now")
        await ana.sees("echo now")
    assert "long ago" not in listener.texts


async def test_a_first_start_reads_no_history(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    await ana.say(sim.general, "<@bot> before you were there")
    async with listening(sim, listener):
        await ana.dm("hi")
        await ana.sees("echo hi")
    assert listener.texts == ["hi"]


async def test_history_is_asked_for_again_until_it_comes(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    hidden = sim.channel("hidden")
    async with listening(sim, listener):
        for place in (sim.general, hidden):
            await ana.say(place, "<@bot> start")
        await sim.until(lambda: len(echoes(sim)) == 2)
    for place in (sim.general, hidden):
        await ana.say(place, f"<@bot> missed in {place.name}")
    sim.deny(hidden, Permission.VIEW_CHANNEL)
    sim.fail(HISTORY, status=503)
    async with listening(sim, listener):
        await ana.sees("echo missed in general")
    assert listener.texts == ["start", "start", "missed in general"]
    assert {request.path.split("/")[2] for request in sim.requested(HISTORY)} == {sim.general.id}


async def test_nothing_is_read_where_nothing_is_new(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(lambda event: None)
    async with listening(sim, listener):
        await ana.say(sim.general, "<@bot> start")
        await sim.until(lambda: listener.events)
    async with listening(sim, listener):
        await ana.dm("hi")
        await sim.until(lambda: len(listener.events) == 2)
    read = {request.path for request in sim.requested(HISTORY)}
    assert read == {f"/channels/{ana.dms.id}/messages"}  # a new one may hold what was missed


async def test_a_room_that_never_called_is_caught_up_with_by_what_is_known_of_others(
    sim: FakeDiscord,
) -> None:
    ana, listener = sim.human("Ana"), Listener(lambda event: None)
    async with listening(sim, listener):
        await ana.dm("在吗")
        await sim.until(lambda: listener.events)
    await ana.say(sim.general, "<@bot> for the first time")
    sim.slow("PUT /applications/{}/commands", 0.5)  # rooms are known long before
    async with listening(sim, listener):
        await sim.until(lambda: len(listener.events) == 2)
    assert listener.events[1].text == "for the first time"


async def test_the_first_connection_may_fail(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    made = adapter(sim)
    async with sim.away(), listening(sim, listener, made=made, online=False):
        await asyncio.sleep(0)
    sim.fail("GET /users/@me", status=503)
    sim.fail("IDENTIFY", status=4000)
    async with listening(sim, listener, made=adapter(sim)):
        await ana.dm("hi")
        await ana.sees("echo hi")
    assert len(sim.requested("GET /users/@me")) >= 2


async def test_discord_away_and_back(sim: FakeDiscord, caplog: pytest.LogCaptureFixture) -> None:
    ana, listener = sim.human("Ana"), Listener()
    async with listening(sim, listener, online=False):
        async with sim.away():
            await sim.until(lambda: "Discord is away" in caplog.text)
            await ana.dm("anyone?")
        await sim.until(lambda: sim.connected)
        await ana.dm("hi")
        await ana.sees("echo hi")
        async with sim.away():
            await ana.dm("still there?")
        await ana.sees("echo still there?")
    assert listener.texts == ["hi", "still there?"]
    assert not [record for record in caplog.records if record.levelno >= logging.CRITICAL]


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ("login", "DISCORD_TOKEN"),
        ("intent", "Message Content Intent"),
        ("revoked", "DISCORD_TOKEN"),
        ("shards", "REVERIE_DISCORD_SHARDED"),
        ("odd", "code 4012"),
    ],
)
async def test_where_a_person_has_to_act(
    sim: FakeDiscord, trouble: str, sentence: str, sharded: bool
) -> None:
    token = "wrong" if trouble == "login" else sim.token
    made = adapter(sim, token=token, sharded=sharded)
    if trouble == "intent":
        sim.withdraw(Intent.MESSAGE_CONTENT)
    if trouble in ("shards", "odd"):
        sim.fail("IDENTIFY", status=4011 if trouble == "shards" else 4012)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_ended(made.run(Listener())))
        if trouble == "revoked":
            await sim.until(lambda: sim.connected)
            sim.revoke_token()
    assert sentence in str(running.result())
    assert token not in str(running.result())


async def _ended(running: object) -> Unusable:
    with pytest.raises(Unusable) as ended:
        await running  # type: ignore[misc]
    return ended.value


# ---- storing


async def test_what_cannot_be_stored_is_offered_again(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    listener.failures = [OSError("no space left on device")] * 2
    async with listening(sim, listener):
        await ana.dm("一")
        await ana.dm("two")
        await ana.sees("echo two")
    assert listener.texts == ["一", "two"]
    assert len(listener.offered) == 4


async def test_what_can_never_be_stored_does_not_block_the_rest(
    sim: FakeDiscord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("adapters.discord.ears.PATIENCE", 0.0)
    ana, listener = sim.human("Ana"), Listener()
    listener.failures = [ValueError("poison")]
    async with listening(sim, listener):
        await ana.dm("secret words")
        await ana.dm("two")
        await ana.sees("echo two")
        await sim.restart()
        await ana.dm("三")
        await ana.sees("echo 三")
    assert listener.texts == ["two", "三"]
    assert "poison" in caplog.text
    assert "secret words" not in caplog.text
