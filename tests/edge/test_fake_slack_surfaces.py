"""The fake Slack's commands, buttons, modals, shortcuts and Home, with the real slack-bolt."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.testing.slack import FakeSlack, Json
from tests.edge.slack_bot import QUICK, Bot


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def button(action: str, value: str) -> Json:
    return {"type": "button", "action_id": action, "text": plain(action), "value": value}


def modal(name: str, **extra: Any) -> Json:
    field = {"type": "plain_text_input", "action_id": "fact", "initial_value": "likes tea"}
    where = {"type": "external_select", "action_id": "agent", "min_query_length": 0}
    return {
        "type": "modal", "callback_id": name, "title": plain("Edit 编辑"), "submit": plain("Save"),
        "blocks": [
            {"type": "input", "block_id": "b", "label": plain("Fact"), "element": field},
            {"type": "input", "block_id": "w", "label": plain("Who"), "element": where,
             "optional": True},
        ], **extra,
    }  # fmt: skip


FACTS: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "likes tea"}},
    {"type": "actions", "elements": [button("pin", "1"), button("forget", "1")]},
    {"type": "section", "text": {"type": "mrkdwn", "text": "喜欢面条"}},
    {"type": "actions", "elements": [button("pin", "2"), button("forget", "2")]},
]


async def test_a_command_is_answered_for_one_person_only(slack: FakeSlack, bot: Bot) -> None:
    ana, bo = slack.human("Ana"), slack.human("Bo")

    @bot.app.command("/memory")
    async def memory(ack: Any, respond: Any, command: dict[str, str]) -> None:
        await ack(f"one moment, {command['user_name']}")
        await respond(text="facts", blocks=FACTS)
        await respond("everybody 大家", response_type="in_channel")

    shown = await ana.command("/memory", "show 我", where="#general", expect=3)
    await ana.command("/memory", where="#general", expect=3)
    texts = [row["text"] for row in shown.shown]  # what was acknowledged with comes last
    assert texts == ["facts", "everybody 大家", "one moment, ana"]
    assert shown.answer == {"text": "one moment, ana"}
    assert "喜欢面条" in shown.text
    assert [row["text"] for row in bo.screen] == ["everybody 大家"] * 2
    delivery, _ = [row for row in slack.deliveries if row.kind == "slash_commands"]
    assert delivery.payload["text"] == "show 我"
    assert delivery.payload["channel_name"] == "general"


async def test_a_command_that_is_not_answered(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    shown = await ana.command("/nothing")
    assert shown.error in ("operation_timeout", "dispatch_failed")
    assert f'/nothing failed with the error "{shown.error}"' in shown.text
    assert slack.deliveries[0].attempts == 1  # commands are never tried again


async def test_buttons_of_one_name_are_told_apart(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    pressed = []

    @bot.app.action("forget")
    async def forget(ack: Any, respond: Any, body: dict[str, Any]) -> None:
        await ack()
        pressed.append((body["actions"][0]["value"], body["container"]["is_ephemeral"]))
        await respond(text="forgotten", replace_original=True)

    posted = await bot.client.chat_postMessage(channel="#general", text="facts", blocks=FACTS)
    message = slack.messages("#general")[0]
    await ana.click(message, "forget", "2")
    await slack.until(lambda: message["text"] == "forgotten")
    assert (message["ts"], message["blocks"]) == (posted["ts"], [])
    await bot.client.chat_postEphemeral(channel="#general", user=ana.id, text="yours", blocks=FACTS)
    [mine] = [row for row in ana.screen if row["text"] == "yours"]
    await ana.click(mine, "forget", "1")
    await slack.until(lambda: mine["text"] == "forgotten")
    assert pressed == [("2", False), ("1", True)]
    with pytest.raises(LookupError, match="no 'pin'"):
        await ana.click(mine, "pin", "1")


async def test_a_form_is_refused_then_taken(slack: FakeSlack, bot: Bot) -> None:
    ana, saved = slack.human("Ana"), []

    @bot.app.shortcut("remember")
    async def remember(ack: Any, shortcut: dict[str, Any], client: Any) -> None:
        await ack()
        text = shortcut["message"]["text"]
        await client.views_open(
            trigger_id=shortcut["trigger_id"], view=modal("edit", private_metadata=text)
        )

    @bot.app.view("edit")
    async def edit(ack: Any, view: dict[str, Any]) -> None:
        fact = view["state"]["values"]["b"]["fact"]["value"]
        if len(fact) < 3:
            await ack(response_action="errors", errors={"b": "太短 too short"})
            return
        saved.append((fact, view["private_metadata"]))
        await ack()

    message = await ana.say("#general", "I like tea")
    view = await (await ana.shortcut("remember", message)).modal()
    assert view["state"]["values"]["b"]["fact"]["value"] == "likes tea"
    refused = await ana.submit(view, {"fact": "x"})
    assert refused.errors == {"b": "太短 too short"}
    assert ana.modals == [view]
    assert (await ana.submit(view, {"b": "喜欢茶"})).errors == {}
    assert ana.modals == []
    assert saved == [("喜欢茶", "I like tea")]
    with pytest.raises(LookupError, match="does not have this modal"):
        await ana.submit(view, {"fact": "again"})


async def test_a_form_must_be_filled(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    await opened(bot, slack, modal("edit"))
    await ana.command("/open")
    view = await ana.modal()
    with pytest.raises(ValueError, match="must not be empty"):
        await ana.submit(view, {"fact": ""})
    with pytest.raises(LookupError, match="no field"):
        await ana.submit(view, {"fat": "tea"})


async def opened(bot: Bot, slack: FakeSlack, view: Json) -> None:
    """`/open` opens that modal."""

    @bot.app.command("/open")
    async def open_(ack: Any, command: dict[str, str], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=view)


async def test_modals_change_and_lie_on_top_of_each_other(slack: FakeSlack, bot: Bot) -> None:
    ana, closed = slack.human("Ana"), []
    await opened(bot, slack, modal("first"))

    @bot.app.view("first")
    async def first(ack: Any, view: dict[str, Any]) -> None:
        action = view["state"]["values"]["b"]["fact"]["value"]
        other = modal("first" if action == "update" else "second", notify_on_close=True)
        await ack(response_action=action, view=other)

    @bot.app.view("second")
    async def second(ack: Any) -> None:
        await ack(response_action="clear")

    @bot.app.view_closed("second")
    async def second_closed(ack: Any, view: dict[str, Any]) -> None:
        closed.append(view["callback_id"])
        await ack()

    await ana.command("/open")
    bottom = await ana.modal()
    hash_ = bottom["hash"]
    await ana.submit(bottom, {"fact": "update"})
    assert ana.modals == [bottom]
    assert bottom["hash"] != hash_
    pushed = (await ana.submit(bottom, {"fact": "push"})).views[0]
    assert [view["callback_id"] for view in ana.modals] == ["first", "second"]
    assert (pushed["previous_view_id"], pushed["root_view_id"]) == (bottom["id"], bottom["id"])
    await ana.close(pushed)
    assert closed == ["second"]
    again = (await ana.submit(bottom, {"fact": "push"})).views[0]
    await ana.submit(again, {"fact": "clear all"})
    assert ana.modals == []


async def test_a_button_in_a_modal_pushes_another_three_deep(slack: FakeSlack, bot: Bot) -> None:
    ana, refused = slack.human("Ana"), []
    more = {"type": "actions", "elements": [button("more", "1")]}
    view = {"type": "modal", "title": plain("More"), "blocks": [more]}
    await opened(bot, slack, view)

    @bot.app.action("more")
    async def push(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        try:
            await client.views_push(trigger_id=body["trigger_id"], view=view)
        except SlackApiError as error:
            refused.append(error.response["error"])

    await ana.command("/open")
    for depth in (2, 3, 3):
        await ana.click(await ana.modal(), "more")
        assert len(ana.modals) == depth
    assert refused == ["push_limit_reached"]


async def test_a_menu_in_a_thread(slack: FakeSlack, bot: Bot) -> None:
    ana, taken = slack.human("Ana"), []
    options = [{"text": plain(name), "value": name} for name in ("open", "关")]
    menu = {"type": "static_select", "action_id": "mode", "options": options}
    block = {"type": "section", "text": plain("Mode?"), "accessory": menu}

    @bot.app.action("mode")
    async def mode(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        taken.append((body["actions"][0]["selected_option"]["value"], body["container"]))
        await respond(delete_original=True)

    root = await ana.say("#general", "<@bot> mode")
    await bot.client.chat_postMessage(
        channel="#general", text="Mode?", blocks=[block], thread_ts=root["ts"]
    )
    [asked] = await ana.sees("Mode?", thread=root)
    await ana.click(asked, "mode", "关")
    await slack.until(lambda: asked not in slack.messages("#general", thread=root))
    [(value, container)] = taken
    assert (value, container["thread_ts"]) == ("关", root["ts"])


async def test_views_are_updated_by_id_and_hash(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    await opened(bot, slack, modal("first", external_id="ana-edit"))
    await ana.command("/open")
    view = await ana.modal()
    old = view["hash"]
    await bot.client.views_update(view_id=view["id"], hash=old, view=modal("second"))
    assert view["callback_id"] == "second"
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await bot.client.views_update(view_id=view["id"], hash=old, view=modal("third"))
    with pytest.raises(SlackApiError, match="not_found"):
        await bot.client.views_update(external_id="nobody", view=modal("third"))


async def test_triggers_are_used_once_and_expire(slack: FakeSlack, bot: Bot) -> None:
    ana, triggers = slack.human("Ana"), []

    @bot.app.command("/open")
    async def keep(ack: Any, command: dict[str, str]) -> None:
        await ack("kept")
        triggers.append(command["trigger_id"])

    await ana.command("/open")
    await bot.client.views_open(trigger_id=triggers[0], view=modal("one"))
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await bot.client.views_open(trigger_id=triggers[0], view=modal("two"))
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await bot.client.views_open(trigger_id="made.up", view=modal("two"))
    interaction = await ana.command("/open")
    interaction.born -= QUICK.trigger
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await bot.client.views_open(trigger_id=triggers[1], view=modal("two"))


async def test_a_menu_asks_the_app_for_its_options(slack: FakeSlack, bot: Bot) -> None:
    ana, chosen = slack.human("Ana"), []
    await opened(bot, slack, modal("edit"))

    @bot.app.options("agent")
    async def agents(ack: Any, payload: dict[str, Any]) -> None:
        names = [name for name in ("Rex", "小明") if payload["value"] in name]
        await ack(options=[{"text": plain(name), "value": name} for name in names])

    @bot.app.view("edit")
    async def edit(ack: Any, view: dict[str, Any]) -> None:
        chosen.append(view["state"]["values"]["w"]["agent"]["selected_option"]["value"])
        await ack()

    await ana.command("/open")
    view = await ana.modal()
    [option] = await ana.suggest(view, "agent", "小")
    await ana.submit(view, {"agent": option})
    assert chosen == ["小明"]


async def test_the_home_tab_is_a_place_to_press_buttons(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")

    async def publish(user: str, text: str) -> None:
        blocks = [{"type": "header", "text": plain(text)}, FACTS[1]]
        await bot.client.views_publish(user_id=user, view={"type": "home", "blocks": blocks})

    @bot.app.event("app_home_opened")
    async def opened(event: dict[str, Any]) -> None:
        await publish(event["user"], "Your memory" if "view" not in event else "Welcome back")

    @bot.app.action("pin")
    async def pin(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        assert body["container"] == {"type": "view", "view_id": body["view"]["id"]}
        await publish(body["user"]["id"], "Pinned")

    with pytest.raises(LookupError, match="no Home tab"):
        assert ana.home
    home = await ana.open_home()
    assert home["blocks"][0]["text"]["text"] == "Your memory"
    assert (await ana.open_home())["blocks"][0]["text"]["text"] == "Welcome back"
    await ana.click(ana.home, "pin", "1")
    await slack.until(lambda: ana.home["blocks"][0]["text"]["text"] == "Pinned")


async def test_a_response_url_wears_out(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")

    @bot.app.command("/talk")
    async def talk(ack: Any) -> None:
        await ack({"text": "first"})

    used = await ana.command("/talk")
    session = bot.client.session
    assert session is not None
    statuses = []
    for number in range(6):
        async with session.post(used.url, json={"text": f"{number}"}) as response:
            statuses.append((response.status, await response.text()))
    assert statuses == [(200, "ok")] * 5 + [(404, "used_url")]
    again = await ana.command("/talk")
    async with session.post(again.url, json={"text": "new", "replace_original": True}):
        assert [row["text"] for row in again.shown] == ["new"]
    async with session.post(again.url, json={"delete_original": True}):
        assert slack.workspace.ephemerals[-1]["text"] == "4"
    again.born -= QUICK.response_url
    async with session.post(again.url, json={"text": "too late"}) as response:
        assert (response.status, await response.text()) == (404, "expired_url")


async def test_the_manifest_decides_what_there_is(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    slack.install(
        {
            "features": {"slash_commands": [{"command": "/memory"}], "app_home": {}},
            "oauth_config": {"scopes": {"bot": ["chat:write"]}},
            "settings": {"event_subscriptions": {"bot_events": ["message.im"]}},
        }
    )
    with pytest.raises(LookupError, match="/help is not a valid command"):
        await ana.command("/help")
    with pytest.raises(LookupError, match="no shortcut"):
        await ana.shortcut("remember")
    with pytest.raises(PermissionError, match="turned off"):
        await ana.dm("hello?")
    with pytest.raises(SlackApiError, match="not_enabled"):
        await bot.client.views_publish(user_id=ana.id, view={"type": "home", "blocks": []})
    posted = await bot.client.chat_postMessage(channel="#general", text="x", blocks=FACTS)
    with pytest.raises(PermissionError, match="interactivity is off"):
        await ana.click(slack.workspace.messages[posted["channel"]][posted["ts"]], "pin", "1")
