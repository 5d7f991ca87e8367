"""The fake Slack's deliveries to the real slack-bolt: acknowledgements, retries, lost sockets."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from slack_bolt.response import BoltResponse

from bot.testing.slack import FakeSlack, Timing
from tests.edge.slack_bot import QUICK, bot_of, by_http, by_socket, served

Next = Callable[[], Awaitable[BoltResponse]]


@pytest.mark.alone
async def test_acknowledgements_are_timed(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    async with by_socket(slack) as bot:
        for number in range(50):
            await ana.say("#general", f"{number}")
        await slack.settled()
    assert [event["text"] for event in bot.events] == [f"{number}" for number in range(50)]
    assert len(slack.acks) == 50
    assert not any(ack.late for ack in slack.acks)
    assert 0 < max(ack.took for ack in slack.acks) < QUICK.ack
    assert set(bot.retries) == {"0"}  # a first delivery says so, and is no retry


async def test_a_late_acknowledgement_is_recorded_and_the_event_comes_again(
    slack: FakeSlack,
) -> None:
    ana, first = slack.human("Ana"), asyncio.Event()
    async with by_socket(slack) as bot:

        @bot.app.middleware
        async def stall(next: Next) -> BoltResponse:
            if not first.is_set():
                first.set()
                await slack.until(lambda: slack.deliveries[0].acked)
            return await next()

        await ana.dm("slow")
        await slack.until(lambda: len(slack.acks) == 2)
    assert [(ack.attempt, ack.late) for ack in slack.acks] == [(1, False), (0, True)]
    assert slack.deliveries[0].misses == ["timeout"]
    assert len(set(bot.ids)) == 1
    assert sorted(bot.retries) == ["0", "1"]


async def test_what_fails_is_tried_three_times_more_and_dropped(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    async with by_socket(slack) as bot:

        @bot.app.middleware
        async def refuse() -> BoltResponse:
            return BoltResponse(status=500)

        await ana.dm("hopeless")
        await slack.settled()
    [delivery] = slack.deliveries
    assert (delivery.attempts, delivery.dropped, delivery.misses) == (4, True, ["timeout"] * 4)
    assert slack.acks == []


async def test_duplicates_on_demand(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    slack.duplicates = 3
    async with by_socket(slack) as bot:
        await ana.dm("three times more 再来三次")
        await slack.settled()
    assert bot.retries == ["0", "1", "2", "3"]
    assert len(set(bot.ids)) == 1


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "link_disabled"])
async def test_the_app_connects_anew_when_it_is_asked_to(slack: FakeSlack, reason: str) -> None:
    ana = slack.human("Ana")
    async with by_socket(slack) as bot:
        await slack.disconnect(reason)  # type: ignore[arg-type]
        await slack.connected()
        await ana.dm("after")
        await slack.settled()
        assert slack.sockets.opened == 2
    assert [event["text"] for event in bot.events] == ["after"]


async def test_a_cut_connection(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    async with by_socket(slack) as bot:
        slack.drop_sockets()
        await ana.dm("meanwhile")
        await slack.until(lambda: bot.events)
    assert bot.events[0]["text"] == "meanwhile"
    assert len(slack.calls("apps.connections.open")) == 2


async def test_an_envelope_that_was_under_way_comes_again(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    async with by_socket(slack) as bot:

        @bot.app.middleware
        async def cut_once(next: Next) -> BoltResponse:
            if slack.sockets.opened == 1:
                slack.drop_sockets()
            return await next()

        await ana.dm("precious")
        await slack.settled()
    assert slack.deliveries[0].misses[0] == "connection_closed"
    assert slack.deliveries[0].acked
    assert len(bot.ids) == 2


async def test_several_connections_share_the_events(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    async with by_socket(slack) as one, by_socket(slack) as two:
        await slack.connected(2)
        for number in range(10):
            await ana.dm(f"{number}")
        await slack.settled()
    assert len(one.events) == len(two.events) == 5
    assert {event["text"] for event in one.events + two.events} == {f"{n}" for n in range(10)}


async def test_an_eleventh_connection_is_refused(slack: FakeSlack) -> None:
    async with bot_of(slack) as bot:
        session = bot.client.session
        assert session is not None
        frames = []
        sockets = []
        for _ in range(11):
            answer = await bot.client.apps_connections_open(app_token=slack.app.app_token)
            sockets.append(await session.ws_connect(answer["url"]))
            frames.append(await sockets[-1].receive_json())
        async with session.get(answer["url"].replace("ws", "http", 1)) as again:
            assert again.status == 404  # a ticket is used once
        for socket in sockets:
            await socket.close()
    assert [frame["type"] for frame in frames] == ["hello"] * 10 + ["disconnect"]
    assert frames[9]["num_connections"] == 10
    assert frames[10]["reason"] == "too_many_websockets"


async def test_what_happens_while_the_bot_is_offline_waits_then_is_lost() -> None:
    timing = Timing(ack=0.02, retries=(0.0, 0.0, 0.0))
    async with FakeSlack(timing=timing).running() as slack:
        ana = slack.human("Ana")
        await ana.dm("anybody there? 有人吗")
        await slack.settled()
        [delivery] = slack.deliveries
        assert (delivery.dropped, delivery.misses) == (True, ["no_connection"] * 4)
        shown = await ana.command("/memory", "show")
        assert shown.error == "dispatch_failed"
        assert "/memory failed" in shown.text
        async with bot_of(slack) as bot:  # the history has it all the same
            room = slack.workspace.im(ana.id)
            told = await bot.client.conversations_history(channel=room.id)
            assert [row["text"] for row in told["messages"]] == ["anybody there? 有人吗"]


async def test_a_bot_that_comes_in_time_gets_what_waited(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    await ana.dm("early")
    async with by_socket(slack) as bot:
        await slack.settled()
        assert [event["text"] for event in bot.events] == ["early"]


async def test_slack_goes_away_and_comes_back_with_its_memory(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    async with by_socket(slack) as bot:
        address = slack.api_url
        before = await bot.client.chat_postMessage(channel="#general", text="before")
        await slack.restart()
        assert slack.api_url == address
        await slack.connected()
        await ana.dm("still here?")
        await slack.settled()
        assert [event["text"] for event in bot.of("message")][-1] == "still here?"
        link = await bot.client.chat_getPermalink(
            channel=before["channel"], message_ts=before["ts"]
        )
        assert link["permalink"].endswith(before["ts"].replace(".", ""))


async def test_any_shape_can_be_sent(slack: FakeSlack) -> None:
    async with by_socket(slack) as bot:
        slack.send_event({"type": "message", "subtype": "me_message", "channel": "C1", "ts": "1"})
        unknown = slack.send("interactive", {"type": "block_actions", "actions": []})
        await slack.settled()
    assert bot.of("me_message") == [slack.deliveries[0].event]
    assert (unknown.acked, unknown.attempts) == (False, 1)


# ---- HTTP --------------------------------------------------------------------------------------


async def test_the_request_url_must_echo_the_challenge(slack: FakeSlack) -> None:
    async with bot_of(slack) as bot, served(bot.app) as url:
        await slack.use_http(url)
        with pytest.raises(ValueError, match="answered the challenge with 404"):
            await slack.use_http(f"{url}/elsewhere")


async def test_a_wrong_signature_or_an_old_one_is_refused(slack: FakeSlack) -> None:
    body = {"type": "event_callback", "event": {"type": "message", "text": "forged"}}
    async with bot_of(slack) as bot, served(bot.app) as url:
        assert (await slack.knock(url, body, secret="guessed"))[0] == 401
        assert (await slack.knock(url, body, age=600))[0] == 401
        assert bot.events == []


async def test_http_retries_carry_their_number_and_reason(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    told = []
    async with by_http(slack) as bot:

        @bot.app.middleware
        async def refuse_twice(request: object, next: Next) -> BoltResponse:
            headers = getattr(request, "headers", {})
            told.append([headers.get(f"x-slack-retry-{name}") for name in ("num", "reason")])
            return BoltResponse(status=500) if len(told) < 3 else await next()

        await ana.dm("again 再一次")
        await slack.settled()
    assert told == [[None, None], [["1"], ["http_error"]], [["2"], ["http_error"]]]
    assert slack.deliveries[0].acked
    assert len(bot.events) == 1


async def test_no_retry_is_heeded(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    async with by_http(slack) as bot:

        @bot.app.middleware
        async def refuse() -> BoltResponse:
            return BoltResponse(status=500, headers={"X-Slack-No-Retry": "1"})

        await ana.dm("once")
        await slack.settled()
    assert (slack.deliveries[0].attempts, slack.deliveries[0].dropped) == (1, True)


async def test_http_timeouts_and_a_server_that_is_gone() -> None:
    timing = Timing(ack=0.1, retries=(0.0,))
    async with FakeSlack(timing=timing).running() as slack:
        ana = slack.human("Ana")
        async with by_http(slack) as bot:

            @bot.app.middleware
            async def stall(next: Next) -> BoltResponse:
                await slack.until(lambda: slack.deliveries[0].misses)
                return await next()

            await ana.dm("slow")
            await slack.settled()
        assert slack.deliveries[0].misses == ["http_timeout"]
        await ana.dm("gone")
        await slack.settled()
        assert slack.deliveries[1].misses == ["connection_failed"] * 2


@pytest.mark.alone
async def test_a_burst_is_acknowledged_in_time() -> None:
    async with FakeSlack().running() as slack:
        ana = slack.human("Ana")
        async with by_socket(slack) as bot:
            for number in range(300):
                await ana.say("#general", f"{number}")
            await slack.settled()
        assert len(bot.ids) == len(set(bot.ids)) == 300
        assert max(ack.took for ack in slack.acks) < 3
