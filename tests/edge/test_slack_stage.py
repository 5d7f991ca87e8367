"""The simulated Slack as a stage, before a small app that has buttons, a modal and a Home tab."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bot.testing.play import Ear, Form, Player, Seen, SlackStage, Step, Unable, parse
from bot.testing.slack import FakeSlack
from tests.edge.slack_bot import QUICK, Bot, by_socket

Reply = Callable[..., Awaitable[Any]]
PLAIN = "plain_text"
FACT = {"type": "section", "text": {"type": "mrkdwn", "text": "*tea* &amp; <@U0BOT>"}}


def button(label: str, **more: str) -> dict[str, Any]:
    return {"type": "button", "text": {"type": PLAIN, "text": label}, "action_id": label, **more}


def menu(*labels: str) -> dict[str, Any]:
    options = [{"text": {"type": PLAIN, "text": label}, "value": label} for label in labels]
    return {"type": "overflow", "action_id": "more", "options": options}


MODAL = {
    "type": "modal",
    "callback_id": "edited",
    "title": {"type": PLAIN, "text": "Edit"},
    "submit": {"type": PLAIN, "text": "Save"},
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": {"type": PLAIN, "text": "What is right?"},
            "element": {"type": "plain_text_input", "action_id": "text", "initial_value": "tea"},
        }
    ],
}


class Seeing:
    """A Show that keeps what is shown."""

    def __init__(self) -> None:
        self.all: list[Seen] = []
        self.forms: list[Form] = []

    def acted(self, who: str, platform: str, place: str, step: Step) -> None: ...

    def seen(self, seen: Seen) -> None:
        self.all.append(seen)

    def opened(self, who: str, form: Form) -> None:
        self.forms.append(form)

    def met(self, who: str, step: Step) -> None: ...

    def remark(self, text: str) -> None: ...

    def help(self) -> None: ...


def dress(bot: Bot) -> None:
    """Give the app its surfaces."""
    app = bot.app

    @app.command("/memory")
    async def show(ack: Reply, respond: Reply) -> None:
        await ack()
        rows: list[dict[str, Any]] = [{**FACT, "accessory": menu("Pin", "Why?")}]
        rows.append(
            {"type": "actions", "elements": [button("Edit"), button("Link", url="http://x")]}
        )
        await respond(text="a list", blocks=rows)

    @app.action("Edit")
    async def edit(ack: Reply, body: dict[str, Any]) -> None:
        await ack()
        await bot.client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.action("more")
    async def more(ack: Reply, respond: Reply, action: dict[str, Any]) -> None:
        await ack()
        await respond(text=f"chose {action['selected_option']['value']}", replace_original=True)

    @app.view("edited")
    async def edited(ack: Reply, body: dict[str, Any], view: dict[str, Any]) -> None:
        await ack()
        text = view["state"]["values"]["what"]["text"]["value"]
        await bot.client.chat_postMessage(channel=body["user"]["id"], text=f"now {text}")

    @app.event("app_home_opened")
    async def home(event: dict[str, Any]) -> None:
        view = {"type": "home", "blocks": [FACT]}
        await bot.client.views_publish(user_id=event["user"], view=view)


@pytest.fixture
async def played() -> AsyncIterator[tuple[Player, Seeing]]:
    async with FakeSlack(timing=QUICK).running() as slack, by_socket(slack) as bot:
        dress(bot)
        show = Seeing()

        async def idle() -> None: ...

        stages = {"slack": SlackStage(slack)}
        player = Player(stages, Ear(), idle, show, patience=5)
        await player.step(parse(":as anna slack dm"))
        yield player, show


async def test_buttons_stand_beside_words_and_open_forms(played: tuple[Player, Seeing]) -> None:
    player, show = played
    await player.step(parse("/memory show"))
    [seen] = show.all
    assert (seen.kind, seen.place, seen.text) == ("private", "dm anna", "*tea* & @reverie")
    assert [choice.label for choice in seen.choices] == ["Pin", "Why?", "Edit"]
    assert {choice.about for choice in seen.choices} == {"*tea* & @reverie"}
    await player.step(parse(":press edit tea"))
    [form] = show.forms
    assert (form.title, form.label, form.value) == ("Edit", "What is right?", "tea")
    assert player.prompt == "anna, What is right?> "
    await player.step(parse("coffee"))
    assert show.all[-1].text == "now coffee"
    assert player.prompt == "anna@slack dm> "
    assert player.sent["slack", "fill"] == 1


async def test_a_menu_is_pressed_by_number_and_what_changes_is_seen(
    played: tuple[Player, Seeing],
) -> None:
    player, show = played
    await player.step(parse("/memory show"))
    await player.step(parse(":press 2"))
    assert (show.all[-1].kind, show.all[-1].text) == ("change", "chose Why?")
    with pytest.raises(Unable, match="There is no button"):
        await player.step(parse(":press nothing of this"))


async def test_a_form_is_closed_without_effect(played: tuple[Player, Seeing]) -> None:
    player, show = played
    await player.step(parse("/memory show"))
    await player.step(parse(":press Edit"))
    await player.step(parse(":close"))
    assert player.prompt == "anna@slack dm> "
    with pytest.raises(Unable, match="No form is open"):
        await player.step(parse(":fill coffee"))
    assert len(show.all) == 1


async def test_the_home_tab_is_shown_each_time_it_is_opened(played: tuple[Player, Seeing]) -> None:
    player, show = played
    for _ in range(2):
        await player.step(parse(":home"))
    assert [(seen.place, seen.text) for seen in show.all] == [("App Home", "*tea* & @reverie")] * 2
