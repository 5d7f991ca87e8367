"""What people work with beside messages: modals, Home tabs, triggers and response URLs."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Literal

from bot.testing.slack import blocks
from bot.testing.slack.delivery import Delivery
from bot.testing.slack.wire import Json, Refused, invalid
from bot.testing.slack.workspace import TEAM, Channel, Workspace

DEPTH = 3  # modals on top of each other
USES = 5  # of a response_url


@dataclass(slots=True, kw_only=True, eq=False)
class Interaction:
    """Something that a person did with the app, and what came of it."""

    id: str
    user: str
    channel: Channel | None
    origin: Json | None  # the message that it was done in
    workspace: Workspace
    started: str  # ts
    ended: str = ""  # ts: when the person began another one there
    born: float  # monotonic
    delivery: Delivery | None = None
    traded: bool = False  # its trigger was used
    uses: int = 0  # of its response_url
    own: list[Json] = field(default_factory=list)  # came by its response_url or acknowledgement
    views: list[Json] = field(default_factory=list)  # modals opened by its trigger, in order
    error: str = ""  # what the person is told where the app did not answer
    errors: dict[str, str] = field(default_factory=dict)  # of a form: block_id to sentence

    @property
    def trigger(self) -> str:
        return f"{self.id}.trigger"

    @property
    def url(self) -> str:
        return f"{self.workspace.base}/response/{self.id}"

    @property
    def answer(self) -> Json:
        """What came with the acknowledgement."""
        return self.delivery.answer if self.delivery else {}

    @property
    def shown(self) -> list[Json]:
        """What the person sees of it, in order: by its response_url or acknowledgement, and what
        was shown only to them in its channel meanwhile."""
        private = [
            row
            for row in self.workspace.ephemerals
            if self.channel is not None
            and (row["to"], row["channel"]) == (self.user, self.channel.id)
            and self.started < row["ts"]
            and (not self.ended or row["ts"] < self.ended)
        ]
        rows = {row["ts"]: row for row in [*self.own, *private]}
        return [rows[ts] for ts in sorted(rows)]

    @property
    def text(self) -> str:
        """All the words of what is shown, and of modals."""
        return "\n".join(blocks.text_of(row) for row in [*self.shown, *self.views])

    async def sees(self, count: int = 1, *, within: float = 10.0) -> list[Json]:
        """Waits until `count` things are shown or opened. Raises TimeoutError."""
        await self.workspace.changes.until(
            lambda: len(self.shown) + len(self.views) >= count, within=within
        )
        return [*self.shown, *self.views]

    async def modal(self, *, within: float = 10.0) -> Json:
        """Waits for the modal that this opens, and returns it. Raises TimeoutError."""
        await self.workspace.changes.until(lambda: self.views, within=within)
        return self.views[-1]


class Surfaces:
    """Views and interactions of all people."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.views: dict[str, Json] = {}
        self.stacks: dict[str, list[str]] = {}  # user -> ids of open modals, the top one last
        self.homes: dict[str, Json] = {}
        self.interactions: dict[str, Interaction] = {}
        self._latest: dict[tuple[str, str], Interaction] = {}  # (user, channel)

    def begin(self, user: str, channel: Channel | None, origin: Json | None = None) -> Interaction:
        """A new interaction, with a trigger and a response_url of its own."""
        interaction = Interaction(
            id=uuid.uuid4().hex, user=user, channel=channel, origin=origin,
            workspace=self._workspace, started=self._workspace.ts(), born=time.monotonic(),
        )  # fmt: skip
        self.interactions[interaction.id] = interaction
        if channel is not None:
            before = self._latest.get((user, channel.id))
            if before is not None:
                before.ended = interaction.started
            self._latest[user, channel.id] = interaction
        return interaction

    # ---- modals and Home -----------------------------------------------------------------------

    def open(self, trigger: str, view: Json, *, how: Literal["open", "push"]) -> Json:
        """Show a modal, on top of others where it is pushed. Raises Refused."""
        interaction = self.interactions.get(trigger.removesuffix(".trigger"))
        if interaction is None:
            raise Refused("invalid_trigger_id")
        if interaction.traded:
            raise Refused("exchanged_trigger_id")
        if time.monotonic() - interaction.born > self._workspace.timing.trigger:
            raise Refused("expired_trigger_id")
        kept = self.kept(view)
        interaction.traded = True
        self.stack(interaction.user, kept, push=how == "push")
        interaction.views.append(kept)
        self._workspace.changes.tell()
        return kept

    def stack(self, user: str, view: Json, *, push: bool) -> None:
        """Put a modal before a person. Raises Refused("push_limit_reached")."""
        below = self.stacks.get(user, []) if push else []
        if len(below) >= DEPTH:
            raise Refused("push_limit_reached")
        if below:
            view["previous_view_id"] = below[-1]
            view["root_view_id"] = self.views[below[0]]["root_view_id"]
        self.stacks[user] = [*below, view["id"]]

    def update(self, view_id: str, external_id: str, view: Json, hash_: str) -> Json:
        """Replace a modal in place. Raises Refused."""
        for old in self.views.values():
            if old["id"] == view_id or (external_id and old["external_id"] == external_id):
                if hash_ and hash_ != old["hash"]:
                    raise Refused("hash_conflict")
                return self.replace(old, view)
        raise Refused("not_found")

    def replace(self, old: Json, view: Json) -> Json:
        """The same modal with other contents: `old` is changed in place."""
        fixed = ("id", "root_view_id", "previous_view_id")
        old.update(self.kept(view), **{name: old[name] for name in fixed})
        self.views[old["id"]] = old
        self._workspace.changes.tell()
        return old

    def publish(self, user: str, view: Json, hash_: str) -> Json:
        """Set a person's Home tab. Raises Refused."""
        if not self._workspace.app.home_tab:
            raise Refused("not_enabled")
        if user not in self._workspace.users:
            raise invalid("user not found [json-pointer:/user_id]")
        old = self.homes.get(user)
        if old and hash_ and hash_ != old["hash"]:
            raise Refused("hash_conflict")
        kept = self.kept(view)
        self.homes[user] = kept
        self._workspace.changes.tell()
        return kept

    def kept(self, view: Json) -> Json:
        """A view as Slack keeps it, with all that belongs to it. Raises Refused."""
        wrong = blocks.view_problems(view)
        if wrong:
            raise invalid(*wrong)
        try:
            inner = blocks.prepared(view.get("blocks", []), most=blocks.VIEW_BLOCKS)
        except Refused as why:
            raise Refused("invalid_arguments", **why.details) from None
        app, view_id = self._workspace.app, self._workspace.id("V")
        kept = {
            "title": None, "submit": None, "close": None, "callback_id": "", "external_id": "",
            "private_metadata": "", "clear_on_close": False, "notify_on_close": False, **view,
            "id": view_id, "team_id": TEAM, "app_id": app.id, "bot_id": app.bot, "blocks": inner,
            "hash": self._workspace.ts(), "root_view_id": view_id, "previous_view_id": None,
            "app_installed_team_id": TEAM, "state": blocks.state(inner),
        }  # fmt: skip
        self.views[view_id] = kept
        return kept

    # ---- response URLs -------------------------------------------------------------------------

    def respond(self, interaction_id: str, body: Json) -> None:
        """A post to a response_url. Raises Refused("expired_url" or "used_url")."""
        interaction = self.interactions.get(interaction_id)
        old = self._workspace.timing.response_url
        if interaction is None or time.monotonic() - interaction.born > old:
            raise Refused("expired_url")
        if interaction.uses >= USES:
            raise Refused("used_url")
        interaction.uses += 1
        self.answered(interaction, body)

    def answered(self, interaction: Interaction, body: Json) -> None:
        """Show what an app answers an interaction with: new, in place of the old, or instead."""
        target = interaction.origin
        if target is None and interaction.own:  # a command's earlier answer
            target = interaction.own[-1]
        wants_change = body.get("delete_original") or body.get("replace_original")
        if target is not None and wants_change:
            self._change(target, body)
        elif not body.get("delete_original"):
            self._add(interaction, body)

    def _change(self, target: Json, body: Json) -> None:
        workspace = self._workspace
        if body.get("delete_original"):
            if target.get("is_ephemeral"):
                workspace.ephemerals.remove(target)
            else:
                workspace.delete(target)
        elif target.get("is_ephemeral"):
            target.update(self._said(body))
        else:
            workspace.change(target, self._said(body), editor=workspace.app.user)
        workspace.changes.tell()

    def _add(self, interaction: Interaction, body: Json) -> None:
        channel = interaction.channel
        if channel is None:
            raise Refused("channel_not_found")
        said = self._said(body)
        thread = body.get("thread_ts", "")
        if body.get("response_type") == "in_channel":
            row = self._workspace.post(channel, said, thread=thread)
        else:
            row = self._workspace.show(interaction.user, channel, said, thread)
        interaction.own.append(row)
        self._workspace.changes.tell()

    def _said(self, body: Json) -> Json:
        app = self._workspace.app
        if not (body.get("text") or body.get("blocks")):
            raise Refused("no_text")
        return {
            "user": app.user, "bot_id": app.bot, "app_id": app.id, "text": body.get("text", ""),
            "blocks": blocks.message_blocks(body.get("blocks") or []),
        }  # fmt: skip
