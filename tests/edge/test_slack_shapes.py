"""Every payload that Slack documents is acknowledged by the real adapter, at once."""

import json
from typing import Any

import pytest

from adapters.slack import manifest
from bot.testing.slack import FakeSlack
from tests.edge.slack_world import Listener, online

SUBTYPES = (
    "assistant_app_thread", "bot_add", "bot_message", "bot_remove", "bot_enable", "bot_disable",
    "channel_archive", "channel_convert_to_private", "channel_convert_to_public", "channel_join",
    "channel_leave", "channel_name", "channel_posting_permissions", "channel_purpose",
    "channel_topic", "channel_unarchive", "document_mention", "ekm_access_denied", "file_comment",
    "file_mention", "file_share", "group_archive", "group_join", "group_leave", "group_name",
    "group_purpose", "group_topic", "group_unarchive", "huddle_thread", "me_message",
    "message_changed", "message_deleted", "message_replied", "pinned_item", "reminder_add",
    "reply_broadcast", "thread_broadcast", "tombstone", "unpinned_item",
)  # fmt: skip
EVENTS = (
    "agent_session_stopped", "app_context_changed", "app_deleted", "app_home_opened",
    "app_installed", "app_mention", "app_rate_limited", "app_requested", "app_uninstalled",
    "app_uninstalled_team", "assistant_thread_context_changed", "assistant_thread_started",
    "call_rejected", "channel_archive", "channel_created", "channel_deleted",
    "channel_history_changed", "channel_id_changed", "channel_left", "channel_rename",
    "channel_shared", "channel_unarchive", "channel_unshared", "dnd_updated", "dnd_updated_user",
    "email_domain_changed", "emoji_changed", "entity_details_requested", "file_change",
    "file_created", "file_deleted", "file_public", "file_shared", "file_unshared",
    "function_executed", "grid_migration_finished", "grid_migration_started", "group_archive",
    "group_close", "group_deleted", "group_history_changed", "group_left", "group_open",
    "group_rename", "group_unarchive", "im_close", "im_created", "im_history_changed", "im_open",
    "invite_requested", "link_shared", "member_joined_channel", "member_left_channel",
    "message_metadata_deleted", "message_metadata_posted", "message_metadata_updated", "pin_added",
    "pin_removed", "reaction_added", "reaction_removed", "resources_added", "resources_removed",
    "scope_denied", "scope_granted", "shared_channel_invite_accepted",
    "shared_channel_invite_approved", "shared_channel_invite_declined",
    "shared_channel_invite_received", "shared_channel_invite_requested", "star_added",
    "star_removed", "subteam_created", "subteam_members_changed", "subteam_self_added",
    "subteam_self_removed", "subteam_updated", "team_access_granted", "team_access_revoked",
    "team_domain_change", "team_join", "team_rename", "tokens_revoked", "url_verification",
    "user_change", "user_huddle_changed", "user_profile_changed", "user_status_changed",
    "workflow_deleted", "workflow_published", "workflow_step_execute", "workflow_unpublished",
)  # fmt: skip
VIEW = {"id": "V1", "type": "modal", "callback_id": "edit", "state": {"values": {}}, "blocks": []}
BUTTON = {"type": "button", "action_id": "pin", "block_id": "b", "value": "1", "action_ts": "1.1"}
INTERACTIONS: tuple[dict[str, Any], ...] = (
    {"type": "block_actions", "actions": [BUTTON]},
    {"type": "block_actions", "actions": [BUTTON], "view": VIEW},
    {"type": "block_suggestion", "action_id": "pick", "block_id": "b", "value": "x"},
    {"type": "dialog_cancellation", "callback_id": "d"},
    {"type": "dialog_submission", "callback_id": "d", "submission": {}},
    {"type": "dialog_suggestion", "callback_id": "d", "name": "n", "value": ""},
    {"type": "interactive_message", "callback_id": "c", "actions": [{"name": "a"}]},
    {"type": "message_action", "callback_id": "remember", "message": {"text": "x"}},
    {"type": "shortcut", "callback_id": "open"},
    {"type": "view_closed", "view": VIEW, "is_cleared": False},
    {"type": "view_submission", "view": VIEW},
    {"type": "view_submission", "view": {**VIEW, "callback_id": ""}},
    {"type": "workflow_step_edit", "callback_id": "w", "workflow_step": {}},
    {"type": "something_new"},
    {},
)


@pytest.mark.alone
async def test_every_payload_is_acknowledged(
    fake: FakeSlack, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    ana = fake.human("Ana")
    channel = fake.channel("general").id
    at = {"user": ana.id, "channel": channel, "ts": "1700000000.000100", "event_ts": "1.2"}
    async with online(fake, listener):
        for kind in ("channel", "group", "im", "mpim", "app_home"):
            for subtype in SUBTYPES:
                message = {"type": "message", "subtype": subtype, "text": "x", **at}
                fake.send_event({**message, "channel_type": kind})
        for name in EVENTS:
            fake.send_event({"type": name, **at})
            fake.send_event({"type": name})
        fake.send_event({"type": "message"})
        fake.send_event({"type": "message", "channel": channel, "user": ana.id, "ts": "1.3"})
        fake.send("events_api", {"type": "app_rate_limited", "team_id": "T", "token": "t"})
        user = {"id": ana.id, "username": "ana", "team_id": "T0FAKE"}
        for body in INTERACTIONS:
            fake.send("interactive", {"user": user, "team": {"id": "T0FAKE"}, **body})
        for name in ("/memory", "/help", "/unknown"):
            where = {"user_id": ana.id, "channel_id": channel, "channel_name": "general"}
            back = {"response_url": f"{fake.workspace.base}/response/none"}
            fake.send("slash_commands", {"command": name, "text": "", **where, **back})
        await fake.settled()
        await fake.until(lambda: len(listener.invocations) == 3)
    unanswered = [row.payload for row in fake.deliveries if not row.acked]
    assert json.dumps(unanswered) == "[]"
    assert {row.attempts for row in fake.deliveries} == {1}
    assert len(fake.deliveries) > 350
    assert set(listener.texts) == {"x", ""}
    assert "Traceback" not in caplog.text


def test_the_fakes_installation_follows_the_manifest() -> None:
    fake = FakeSlack()
    fake.install(manifest())
    assert {"app_mention", "message.im"} <= fake.app.events
    assert fake.app.agent_view
    assert fake.app.messages_tab
