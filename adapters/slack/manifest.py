"""The app's manifest: what `reverie manifest slack` prints, to be pasted where an app is made."""

from typing import Any, Final

from adapters.commands import COMMANDS, Word
from adapters.slack import sentences
from adapters.slack.presses import REMEMBER

SCOPES: Final = (
    "app_mentions:read",
    "assistant:write",  # the status line of apps without sessions
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",  # of `/memory export`, and of long answers
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "reactions:write",  # eyes, where no status can be shown
    "users:read",
)
EVENTS: Final = (  # of messages: edits and deletions too
    "app_home_opened",
    "app_mention",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
)


def manifest(request_url: str | None = None) -> dict[str, Any]:
    """Asks for what is used and no more.

    request_url: where Slack reaches the bot by HTTP, such as "https://bot.example/slack/events";
    without it, Socket Mode.
    """
    to = {} if request_url is None else {"url": request_url}
    reached = {} if request_url is None else {"request_url": request_url}
    return {
        "display_information": {"name": "Reverie", "description": sentences.DESCRIPTION},
        "features": {
            "bot_user": {"display_name": "reverie", "always_online": True},
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "agent_view": {
                "agent_description": sentences.DESCRIPTION,
                "suggested_prompts": [
                    {"title": title, "message": message} for title, message in sentences.PROMPTS
                ],
            },
            "shortcuts": [
                {
                    "name": sentences.REMEMBER,
                    "type": "message",
                    "callback_id": REMEMBER,
                    "description": sentences.REMEMBER_ABOUT,
                }
            ],
            "slash_commands": [_command(name, word) | to for name, word in COMMANDS.items()],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS), **reached},
            "interactivity": {"is_enabled": True, **reached},
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


def _command(name: str, word: Word) -> dict[str, Any]:
    hint = {"usage_hint": word.usage} if word.usage else {}
    return {
        "command": f"/{name}",
        "description": word.about,
        "should_escape": True,  # so that mentions come as ids, which have names
        **hint,
    }
