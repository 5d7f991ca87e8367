"""The real Slack adapter on bad days: what fails is said, or tried again, or comes again."""

import asyncio
from typing import Any, Literal

import pytest

from adapters.base import SendFailed, Unusable
from adapters.slack import Slack
from bot.testing.slack import FakeSlack, Timing
from tests.edge.slack_world import Listener, adapter, online, reply

# ---- acknowledging -----------------------------------------------------------------------------


async def test_what_could_not_be_stored_comes_again(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    listener.faults = [OSError("full"), RuntimeError("full")]
    async with online(fake, listener):
        await ana.dm("precious 珍贵")
        await fake.settled()
    [delivery] = fake.deliveries
    assert (delivery.acked, delivery.attempts) == (True, 3)
    assert listener.texts == ["precious 珍贵"]
    assert len(listener.offered) == 3


async def test_it_is_acknowledged_only_when_it_is_stored(
    fake: FakeSlack, listener: Listener
) -> None:
    ana, stored = fake.human("Ana"), asyncio.Event()

    class Slow(Listener):
        async def deliver(self, event: Any) -> bool:
            await stored.wait()
            return await super().deliver(event)

    slow = Slow(fake)
    async with online(fake, slow):
        await ana.dm("slow")
        await fake.until(lambda: fake.deliveries[0].attempts == 1)
        assert not fake.acks
        stored.set()
        await fake.settled()
    assert slow.texts == ["slow"]
    assert fake.deliveries[0].acked


async def test_redeliveries_of_what_was_acknowledged(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    fake.duplicates = 3
    async with online(fake, listener):
        await ana.say("#general", "<@bot> once")
        await fake.settled()
    assert listener.texts == ["once"]
    assert len(listener.offered) == 8  # two events, four times each


@pytest.mark.alone
async def test_a_burst(listener: Listener, fake: FakeSlack) -> None:
    fake.timing = fake.workspace.timing = Timing(retries=(0.01, 0.02, 0.03))
    people = [fake.human(f"P{number}") for number in range(20)]
    rooms = [fake.channel(f"room{number}", members=people) for number in range(5)]
    async with online(fake, listener):
        for number in range(300):
            await people[number % 20].say(rooms[number % 5], f"<@bot> {number}")
            if number % 60 == 59:
                await asyncio.sleep(0.2)
        await listener.hears(300, within=30)
        await fake.settled()
    assert sorted(map(int, listener.texts)) == list(range(300))
    assert not any(ack.late for ack in fake.acks)
    assert {row.attempts for row in fake.deliveries} == {1}
    for room in rooms:
        heard = [int(row.text) for row in listener.events if row.address.channel == room.id]
        assert heard == sorted(heard)


async def test_names_that_slack_does_not_tell_hold_nothing_up(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    fake.timing = fake.workspace.timing = Timing(retries=())
    fake.fail("users.info", hang=True, times=-1)
    fake.fail("conversations.info", status=500, times=-1)
    async with online(fake, listener):
        await ana.say("#general", "first")
        await ana.say("#general", "second")
        events = await listener.hears(2)
        await fake.settled()
    assert [event.name for event in events] == [ana.id, ana.id]
    assert [event.room_kind for event in events] == ["public", "public"]
    assert not any(ack.late for ack in fake.acks)
    assert len([row for row in fake.requests if row.method == "users.info"]) == 1


async def test_a_missing_scope_costs_the_name_only(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        fake.app.scopes -= {"users:read"}
        await ana.dm("one")
        await ana.dm("two")
        events = await listener.hears(2)
    assert [event.name for event in events] == [ana.id, ana.id]
    assert len([row for row in fake.requests if row.method == "users.info"]) == 1


# ---- sending -----------------------------------------------------------------------------------


async def test_a_rate_limit_is_waited_for(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.dm("hi")
        [event] = await listener.hears()
        fake.fail("chat.postMessage", status=429, retry_after=0, times=2)
        await slack.send(reply(event, "patience"))
        fake.fail("chat.postMessage", status=429, retry_after=0, times=3)
        with pytest.raises(SendFailed, match="limits the rate") as limited:
            await slack.send(reply(event, "too much", key="2"))
    assert (limited.value.final, limited.value.retry_after) == (False, 0)
    assert len(await ana.sees("patience")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503},
        {"status": 502},
        {"error": "internal_error"},
        {"drop": True},
    ],
)
async def test_a_post_that_went_through_though_it_failed_is_not_repeated(
    fake: FakeSlack, listener: Listener, fault: dict[str, Any]
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.say("#general", "<@bot> hi")
        [event] = await listener.hears()
        fake.fail("chat.postMessage", applied=True, **fault)
        with pytest.raises(SendFailed) as failed:
            await slack.send(reply(event, "only once"))
        assert not failed.value.final
        await slack.send(reply(event, "only once", again=True))
        shown = await ana.sees("only once")
    assert len(shown) == 1


async def test_where_the_history_is_hidden_the_reply_is_sent_again(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.dm("hi")
        [event] = await listener.hears()
        fake.app.scopes -= {"im:history"}
        await slack.send(reply(event, "rather twice than never", again=True))
    assert await ana.sees("rather twice")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("not_in_channel", "Invite it there"),
        ("channel_not_found", "gone, or hidden"),
        ("is_archived", "Unarchive it"),
        ("missing_scope", "lacks the scope"),
        ("msg_too_long", "error msg_too_long"),
    ],
)
async def test_what_a_person_has_to_mend(
    fake: FakeSlack, listener: Listener, error: str, sentence: str
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.dm("hi")
        [event] = await listener.hears()
        fake.fail("chat.postMessage", error=error)
        with pytest.raises(SendFailed, match=sentence) as refused:
            await slack.send(reply(event, "no"))
    assert refused.value.final


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive"])
async def test_a_reply_waits_for_a_new_token(
    fake: FakeSlack, listener: Listener, error: str
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.dm("hi")
        [event] = await listener.hears()
        fake.fail("chat.postMessage", error=error)
        with pytest.raises(SendFailed, match="SLACK_BOT_TOKEN") as refused:
            await slack.send(reply(event, "你好"))
        await slack.send(reply(event, "你好", again=True))
        await ana.sees("你好")
    assert (refused.value.final, refused.value.retry_after) == (False, 60)


async def test_the_bot_is_thrown_out_of_a_channel(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.say("#general", "<@bot> hi")
        [event] = await listener.hears()
        await ana.remove_bot("#general")
        with pytest.raises(SendFailed, match="not in channel") as refused:
            await slack.send(reply(event, "no"))
        await slack.working(event.address, begun=True)  # never raises
    assert refused.value.final


async def test_a_status_that_slack_refuses_hurts_nobody(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        asked = await ana.dm("hi")
        [event] = await listener.hears()
        fake.fail("agents.sessions.setStatus", status=500)
        await slack.working(event.address, begun=True)
        fake.app.agent_view = False
        fake.app.scopes -= {"assistant:write"}
        await slack.working(event.address, begun=True)
        assert [row["name"] for row in asked["reactions"]] == ["eyes"]
        await slack.working(event.address, begun=False)
        assert asked["reactions"] == []
        fake.app.scopes -= {"reactions:write"}
        await slack.working(event.address, begun=True)
        await slack.working(event.address, begun=False)
    assert fake.status(asked) == {}
    assert [row.error for row in fake.requests if "setStatus" in row.method] == [
        "internal_error",
        "feature_not_enabled",
        "missing_scope",
    ]
    errors = [row.error for row in fake.requests if "reactions" in row.method]
    assert errors == ["", "", "missing_scope"]


# ---- the connection ----------------------------------------------------------------------------


async def test_a_cut_socket(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        fake.drop_sockets()
        await ana.dm("meanwhile")
        await listener.hears()
        await fake.settled()
    assert listener.texts == ["meanwhile"]
    assert fake.sockets.opened == 2


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_slack_asks_for_a_new_socket(
    fake: FakeSlack, listener: Listener, reason: Literal["refresh_requested", "warning"]
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        await ana.dm("before")
        await fake.disconnect(reason)
        await fake.connected()
        await ana.dm("after")
        await listener.hears(2)
        await fake.settled()
    assert listener.texts == ["before", "after"]


async def test_slack_is_away_for_a_while(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.dm("before")
        [event] = await listener.hears()
        await fake.settled()
        await fake.go_away()
        await ana.dm("while Slack was away")  # dropped after its retries
        with pytest.raises(SendFailed, match="cannot be reached") as failed:
            await slack.send(reply(event, "no"))
        assert not failed.value.final
        await fake.until(lambda: fake.deliveries[-1].over)
        await fake.come_back()
        await listener.hears(2)
    assert fake.deliveries[-1].dropped
    assert listener.texts == ["before", "while Slack was away"]


async def test_an_address_of_a_socket_that_is_used_up(fake: FakeSlack, listener: Listener) -> None:
    """The SDK asks for it again and again; the adapter takes a new one."""
    ana = fake.human("Ana")
    async with online(fake, listener):
        fake.sockets.ticket = lambda: f"ws{fake.workspace.base[4:]}/link/?ticket=old"  # type: ignore[method-assign]
        fake.drop_sockets()
        await fake.until(lambda: len(fake.calls("apps.connections.open")) == 2)
        del fake.sockets.ticket
        await fake.connected(within=15)
        await ana.dm("back")
        await listener.hears()
    assert listener.texts == ["back"]


async def test_it_waits_for_slack_at_the_start(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    fake.fail("auth.test", status=500, times=2)
    fake.fail("apps.connections.open", status=500, times=2)
    async with online(fake, listener):
        await ana.dm("hi")
        await listener.hears()


@pytest.mark.parametrize("spoil", ["revoked", "app_token", "app_scope", "bot_token"])
async def test_tokens_that_slack_does_not_accept(
    fake: FakeSlack, listener: Listener, spoil: str
) -> None:
    bot, app = fake.app.bot_token, fake.app.app_token
    if spoil == "revoked":
        fake.app.revoked = True
    elif spoil == "app_scope":
        fake.app.app_scopes.clear()
    elif spoil == "bot_token":
        bot = "xoxb-wrong"
    else:
        app = "xapp-wrong"
    slack = Slack(bot, app, api_base=fake.api_url)
    with pytest.raises(Unusable, match="SLACK_APP_TOKEN" if "app" in spoil else "SLACK_BOT_TOKEN"):
        await slack.run(listener)


async def test_a_token_that_is_taken_back(fake: FakeSlack, listener: Listener) -> None:
    slack = adapter(fake)
    running = asyncio.create_task(slack.run(listener))
    await fake.connected()
    fake.app.revoked = True
    fake.drop_sockets()
    with pytest.raises(Unusable, match="start again"):
        await asyncio.wait_for(running, 10)


async def test_without_a_way_in(fake: FakeSlack, listener: Listener) -> None:
    with pytest.raises(Unusable, match="SLACK_SIGNING_SECRET"):
        await Slack("xoxb-1").run(listener)
