"""What a person does with commands, buttons, forms, shortcuts and the Home tab."""

from collections.abc import Mapping
from typing import Any, Literal

from bot.testing.slack import blocks
from bot.testing.slack.delivery import Courier
from bot.testing.slack.surfaces import Interaction, Surfaces
from bot.testing.slack.wire import Json, Kind, Refused
from bot.testing.slack.workspace import DOMAIN, SLACKBOT, TEAM, Channel, Workspace

Where = Channel | str | Json | None  # a channel, its #name or id, a message in it; None: the DM
ROOM_NAMES = {"im": "directmessage", "group": "privategroup"}
OWN = ("to", "is_ephemeral", "channel")  # ours, not on the wire


class Hands:
    """A person at the app's surfaces. Each verb waits until the app acknowledged, or failed to.

    The Interaction that comes back tells what the person sees: `shown`, `views`, `text`, `error`,
    `errors`; `await interaction.sees(n)` waits for what comes later.
    """

    def __init__(
        self, workspace: Workspace, surfaces: Surfaces, courier: Courier, user: str
    ) -> None:
        self._workspace, self._surfaces, self._courier = workspace, surfaces, courier
        self.id = user
        self.name: str = workspace.users[user]["real_name"]

    # ---- commands and shortcuts ----------------------------------------------------------------

    async def command(
        self, name: str, text: str = "", *, where: Where = None, expect: int = 1,
        within: float = 10.0,
    ) -> Interaction:  # fmt: skip
        """Type a slash command; returns once `expect` things are seen of it.

        Raises LookupError for a command that the app does not have, TimeoutError where too little
        is seen. Where the app does not answer, the person sees Slackbot's sentence.
        """
        if self._workspace.app.commands is not None and name not in self._workspace.app.commands:
            raise LookupError(f"{name} is not a valid command")
        channel = self.where(where)
        interaction = self._surfaces.begin(self.id, channel)
        user, app = self._workspace.users[self.id], self._workspace.app
        payload = {
            "token": "verification-token", "team_id": TEAM, "team_domain": DOMAIN,
            "channel_id": channel.id,
            "channel_name": ROOM_NAMES.get(channel.room, channel.name), "user_id": self.id,
            "user_name": user["name"], "command": name, "text": text, "api_app_id": app.id,
            "is_enterprise_install": "false", "response_url": interaction.url,
            "trigger_id": interaction.trigger,
        }  # fmt: skip
        await self._send(interaction, "slash_commands", payload)
        if interaction.error:
            sentence = f'{name} failed with the error "{interaction.error}"'
            self._workspace.show(self.id, channel, {"user": SLACKBOT, "text": sentence})
        elif interaction.answer.get("text") or interaction.answer.get("blocks"):
            self._surfaces.answered(interaction, interaction.answer)
        await interaction.sees(expect, within=within)
        return interaction

    async def shortcut(self, callback_id: str, message: Json | None = None) -> Interaction:
        """Choose a shortcut, from a message's menu or from anywhere."""
        known = self._workspace.app.shortcuts
        if known is not None and callback_id not in known:
            raise LookupError(f"the app has no shortcut {callback_id!r}")
        channel = self.where(message) if message else None
        interaction = self._surfaces.begin(self.id, channel, message)
        payload = self._payload(interaction, "message_action" if message else "shortcut")
        payload |= {"callback_id": callback_id, "action_ts": interaction.started}
        if message and channel:
            payload |= {
                "channel": {"id": channel.id, "name": channel.name},
                "message": wire(message),
                "message_ts": message["ts"],
                "response_url": interaction.url,
            }
        return await self._send(interaction, "interactive", payload)

    # ---- buttons and menus ---------------------------------------------------------------------

    async def click(
        self, place: Json, action_id: str, value: Any = None, *, block_id: str = ""
    ) -> Interaction:
        """Press a button, or choose `value` in a menu, of a message or view.

        value tells buttons of one action_id apart. Raises LookupError where it is not there.
        """
        block, element = blocks.find(place["blocks"], action_id, value=value, block_id=block_id)
        action: Json = {"action_id": action_id, "block_id": block}
        action["action_ts"] = self._workspace.ts()
        if element["type"] == "button":
            action["type"] = "button"
            action |= {key: element[key] for key in element if key in ("text", "value", "style")}
        else:
            action |= blocks.chosen(element, value)
        interaction = self._at(place)
        payload = {**self._payload(interaction, "block_actions"), **self._place(place)}
        payload |= {"actions": [action]}
        if not _is_view(place):
            state = blocks.state(place["blocks"])
            payload |= {"response_url": interaction.url, "state": state}
        return await self._send(interaction, "interactive", payload)

    async def press(self, place: Json, label: str, *, beside: str = "") -> Interaction:
        """Press the button, or choose from the menu, that reads so; where it asks "Really?", yes.

        beside: words that stand before it. Raises LookupError.
        """
        block, value, element = blocks.labelled(place["blocks"], label, beside)
        return await self.click(place, element["action_id"], value, block_id=block)

    async def suggest(self, place: Json, action_id: str, typed: str) -> list[Json]:
        """Type into a menu whose options the app gives; returns the options."""
        block, _ = blocks.find(place["blocks"], action_id)
        interaction = self._at(place)
        payload = {**self._payload(interaction, "block_suggestion"), **self._place(place)}
        payload |= {"action_id": action_id, "block_id": block, "value": typed}
        answer = (await self._send(interaction, "interactive", payload)).answer
        return blocks.options_of(answer)

    # ---- modals --------------------------------------------------------------------------------

    async def modal(self, *, within: float = 10.0) -> Json:
        """The modal that is open, once there is one. Raises TimeoutError."""
        stacks = self._surfaces.stacks
        await self._workspace.changes.until(lambda: stacks.get(self.id), within=within)
        return self._surfaces.views[stacks[self.id][-1]]

    @property
    def modals(self) -> list[Json]:
        """The open modals, the top one last."""
        return [self._surfaces.views[view] for view in self._surfaces.stacks.get(self.id, ())]

    async def submit(self, view: Json, values: Mapping[str, Any] | None = None) -> Interaction:
        """Fill in a modal, by action_id or block_id, and send it. What the app answers happens:
        `errors` are shown, a view takes its place or comes on top, or it closes.

        Raises ValueError where the form is not filled as it must be, LookupError where the modal
        is not open or a field not there.
        """
        self._top(view)
        filled = {**view, "state": blocks.state(view["blocks"], values or {})}
        interaction = self._surfaces.begin(self.id, None)
        payload = self._payload(interaction, "view_submission")
        payload |= {"view": filled, "response_urls": []}
        await self._send(interaction, "interactive", payload)
        if not interaction.error:
            try:
                self._react_to(interaction, view)
            except Refused as why:
                interaction.error = why.error
        self._workspace.changes.tell()
        return interaction

    def _react_to(self, interaction: Interaction, view: Json) -> None:
        """What an acknowledged form's answer does. Raises Refused."""
        answer = interaction.answer
        action = answer.get("response_action")
        if action == "errors":
            known = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
            if not known.issuperset(answer["errors"]):
                raise Refused("errors_for_unknown_blocks")
            interaction.errors = answer["errors"]
        elif action == "update":
            interaction.views.append(self._surfaces.replace(view, answer["view"]))
        elif action == "push":
            kept = self._surfaces.kept(answer["view"])
            self._surfaces.stack(self.id, kept, push=True)
            interaction.views.append(kept)
        elif action == "clear":
            self._surfaces.stacks[self.id] = []
        elif action is None:
            self._surfaces.stacks[self.id].pop()
        else:
            raise Refused("unknown_response_action")

    async def close(self, view: Json) -> Interaction:
        """Close a modal. The app is told if the view asked for that."""
        self._top(view)
        self._surfaces.stacks[self.id].pop()
        interaction = self._surfaces.begin(self.id, None)
        if view["notify_on_close"]:
            payload = self._payload(interaction, "view_closed")
            await self._send(interaction, "interactive", {**payload, "view": view,
                                                          "is_cleared": False})  # fmt: skip
        return interaction

    def _top(self, view: Json) -> None:
        if self._surfaces.stacks.get(self.id, [])[-1:] != [view["id"]]:
            raise LookupError(f"{self.name} does not have this modal before them")

    # ---- Home ----------------------------------------------------------------------------------

    @property
    def home(self) -> Json:
        """The Home tab as it is now. Raises LookupError where none was published."""
        if self.id not in self._surfaces.homes:
            raise LookupError(f"the app published no Home tab for {self.name}")
        return self._surfaces.homes[self.id]

    async def open_home(
        self, tab: Literal["home", "messages"] = "home", *, within: float = 10.0
    ) -> Json:
        """Open the app; with tab "home", waits until the Home tab is published, and returns it."""
        before = self._surfaces.homes.get(self.id)
        channel = self._workspace.im(self.id)
        event: Json = {
            "type": "app_home_opened", "user": self.id, "channel": channel.id, "tab": tab,
            "event_ts": self._workspace.ts(),
        }  # fmt: skip
        if tab == "home" and before:
            event["view"] = before
        self._courier.event(event, channel)
        homes = self._surfaces.homes
        if tab == "home":
            await self._workspace.changes.until(
                lambda: homes.get(self.id) is not before, within=within
            )
        return homes.get(self.id, {})

    # ---- how it is sent ------------------------------------------------------------------------

    def where(self, where: Where) -> Channel:
        """The channel that is meant. Raises Refused("channel_not_found")."""
        if isinstance(where, Channel):
            return where
        if isinstance(where, dict):
            return self._workspace.channels[where["channel"]]
        return self._workspace.find_channel(where) if where else self._workspace.im(self.id)

    def _at(self, place: Json) -> Interaction:
        if not self._workspace.app.interactivity:
            raise PermissionError("interactivity is off in the app's settings")
        if _is_view(place):
            return self._surfaces.begin(self.id, None)
        return self._surfaces.begin(self.id, self.where(place), place)

    def _payload(self, interaction: Interaction, kind: str) -> Json:
        name = self._workspace.users[self.id]["name"]
        return {
            "type": kind, "token": "verification-token", "api_app_id": self._workspace.app.id,
            "team": {"id": TEAM, "domain": DOMAIN}, "enterprise": None,
            "is_enterprise_install": False, "trigger_id": interaction.trigger,
            "user": {"id": self.id, "username": name, "name": name, "team_id": TEAM},
        }  # fmt: skip

    def _place(self, place: Json) -> Json:
        """Where an element was: a view, a message, or what only this person sees."""
        if _is_view(place):
            return {"container": {"type": "view", "view_id": place["id"]}, "view": place}
        channel = self._workspace.channels[place["channel"]]
        private = bool(place.get("is_ephemeral"))
        container = {
            "type": "message", "message_ts": place["ts"], "channel_id": channel.id,
            "is_ephemeral": private,
        }  # fmt: skip
        if "thread_ts" in place:
            container["thread_ts"] = place["thread_ts"]
        told = {"container": container, "channel": {"id": channel.id, "name": channel.name}}
        return told if private else {**told, "message": wire(place)}

    async def _send(self, interaction: Interaction, kind: Kind, payload: Json) -> Interaction:
        delivery = self._courier.send(kind, payload)
        interaction.delivery = delivery
        patience = 3 * self._workspace.timing.ack + 1  # for a connection, and for the answer
        await self._workspace.changes.until(lambda: delivery.over, within=patience)
        if not delivery.acked:
            late = delivery.misses[-1] in ("timeout", "http_timeout")
            interaction.error = "operation_timeout" if late else "dispatch_failed"
        return interaction


def _is_view(place: Json) -> bool:
    return place.get("type") in ("modal", "home")


def wire(message: Json) -> Json:
    """A message as it is in an interaction's payload."""
    return {name: value for name, value in message.items() if name not in OWN}
