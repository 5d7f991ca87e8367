"""The app's manifest: what `reverie manifest slack` prints, to be pasted where an app is made."""

from typing import Any, Final

from adapters.slack import sentences

SCOPES: Final = (
    "app_mentions:read",
    "assistant:write",  # the status line of apps without sessions
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",  # `/memory export` sends a file
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "users:read",
)
EVENTS: Final = ("app_mention", "message.channels", "message.groups", "message.im", "message.mpim")


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
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "agent_view": {
                "agent_description": sentences.DESCRIPTION,
                "suggested_prompts": [
                    {"title": title, "message": message} for title, message in sentences.PROMPTS
                ],
            },
            "slash_commands": [
                _command("/memory", sentences.MEMORY, sentences.MEMORY_HINT) | to,
                _command("/help", sentences.HELP, sentences.HELP_HINT) | to,
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS), **reached},
            "interactivity": {"is_enabled": False},
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


def _command(name: str, description: str, hint: str) -> dict[str, Any]:
    return {
        "command": name,
        "description": description,
        "usage_hint": hint,
        "should_escape": True,  # so that mentions come as ids, which have names
    }
