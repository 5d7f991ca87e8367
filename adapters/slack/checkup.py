"""What `reverie doctor` asks Slack: who the bot is there, what it may do, and how Slack reaches it.

Nothing that is told holds a token.
"""

import asyncio
import errno
import os
import socket
from typing import Final

from aiohttp import ClientSession, WSMsgType
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Finding
from adapters.slack.app import build_client
from adapters.slack.connection import HOST, PATH
from adapters.slack.manifest import manifest
from adapters.slack.sentences import APPS
from adapters.slack.trouble import BAD_TOKEN, TROUBLE, code_of, told

PATIENCE: Final = 15.0  # seconds for all that is asked about one thing

BOT, SCOPES, SOCKET, HTTP, APP = "slack", "slack scopes", "slack socket", "slack http", "slack app"
BOT_TOKEN, APP_TOKEN, SECRET = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"

KINDS: Final = {  # how a token begins: docs.slack.dev/authentication/tokens
    "xoxb-": "a bot token (xoxb-…)",
    "xapp-": "an app-level token (xapp-…)",
    "xoxp-": "a user's token (xoxp-…)",
    "xoxe": "a token that expires (xoxe…)",
}
WHY: Final = {
    "account_inactive": "the app was taken out of the workspace",
    "invalid_auth": "Slack does not know it",
    "token_expired": "it has expired",
    "token_revoked": "it was revoked",
}
COPY: Final = {
    BOT_TOKEN: f"Copy the Bot User OAuth Token (xoxb-…) from {APPS} → your app → OAuth &"
    f" Permissions into {BOT_TOKEN}. If there is none, Install to Workspace makes it.",
    APP_TOKEN: "Make an app-level token (xapp-…) with the scope connections:write at"
    f" {APPS} → your app → Basic Information → App-Level Tokens, and copy it into {APP_TOKEN}.",
    SECRET: f"Copy the Signing Secret from {APPS} → your app → Basic Information → App"
    f" Credentials into {SECRET}.",
}
SWITCH_ON: Final = f"Switch it on at {APPS} → your app → Socket Mode."
NETWORK: Final = (
    "Check this machine's network, its proxy (HTTPS_PROXY) and https://slack-status.com."
)
TOO_MANY: Final = "Ten are the most for one app: end the other programs that use this app's tokens."

LOST: Final = {
    "app_mentions:read": "it does not hear that it is mentioned",
    "assistant:write": "no status while it works, no suggested prompts",
    "channels:history": "public channels are heard by mentions only, and not caught up with",
    "channels:read": "public channels have no names, and are not caught up with",
    "chat:write": "it cannot answer",
    "commands": "no slash commands, no shortcuts",
    "files:read": "it cannot read the files that people send",
    "files:write": "no files: of exports, and of long answers",
    "groups:history": "private channels are heard by mentions only, and not caught up with",
    "groups:read": "private channels have no names, and are not caught up with",
    "im:history": "it does not hear direct messages",
    "im:read": "direct messages are not caught up with",
    "im:write": "it cannot begin a direct conversation",
    "mpim:history": "group conversations are heard by mentions only, and not caught up with",
    "mpim:read": "group conversations are not caught up with",
    "reactions:read": "it does not see reactions",
    "reactions:write": "no reaction shows that a message was taken",
    "users:read": "it knows people by their ids only",
}
ESSENTIAL: Final = frozenset({"app_mentions:read", "chat:write", "im:history"})


async def checkup(
    bot_token: str,
    app_token: str | None = None,
    signing_secret: str | None = None,
    *,
    api_base: str | None = None,
    port: int = 3000,
    running: bool = False,
    patience: float = PATIENCE,
) -> list[Finding]:
    """Everything about Slack that can be seen from here. Takes `patience` seconds at the most.

    running: a bot of this home is running, so the port may well be taken: by itself.
    """
    client = build_client(bot_token, api_base=api_base, repeats=False)
    client.retry_handlers.clear()  # what Slack says first is what is told
    async with ClientSession() as client.session:
        bot, way_in = await asyncio.gather(
            _bot(client, bot_token, patience),
            _socket(client, app_token, patience)
            if app_token
            else _http(signing_secret or "", port, running),
        )
    return [*bot, way_in, _unseen(http=not app_token)]


# ---- the bot


async def _bot(client: AsyncWebClient, token: str, patience: float) -> list[Finding]:
    """Who it is, and its scopes: the answer to `auth.test` has both."""
    if mistaken := _mistaken(BOT, BOT_TOKEN, token, "xoxb-"):
        return [mistaken]
    try:
        async with asyncio.timeout(patience):
            who = await client.auth_test()
    except TROUBLE as error:
        return [_trouble(BOT, BOT_TOKEN, error, patience)]
    said = f"the bot is @{who.get('user')} in the workspace {who.get('team')} ({who.get('url')})"
    granted = who.headers.get("X-OAuth-Scopes")
    return [Finding(name=BOT, ok=True, said=said), _scopes(granted)]


def _scopes(header: str | None) -> Finding:
    """What was granted, against what the manifest asks for."""
    wanted: list[str] = manifest()["oauth_config"]["scopes"]["bot"]
    if header is None:
        return Finding(name=SCOPES, ok=None, said="Slack did not tell which scopes were granted")
    granted = {scope.strip() for scope in header.split(",")}
    missing = [scope for scope in wanted if scope not in granted]
    if not missing:
        return Finding(name=SCOPES, ok=True, said=f"all {len(wanted)} are granted")
    lost = "; ".join(f"{scope} ({LOST[scope]})" for scope in missing)
    return Finding(
        name=SCOPES,
        ok=False if ESSENTIAL.intersection(missing) else None,
        said=f"{len(missing)} of {len(wanted)} are missing: {lost}",
        remedy=f"Add {', '.join(missing)} at {APPS} → your app → OAuth & Permissions → Scopes →"
        " Bot Token Scopes → Add an OAuth Scope, then Reinstall to Workspace on the same page.",
    )


# ---- the way in


async def _socket(client: AsyncWebClient, app_token: str, patience: float) -> Finding:
    """Opens a socket, waits for its hello, and closes it.

    An event that Slack gives to it meanwhile is not acknowledged, so Slack sends it again.
    """
    if mistaken := _mistaken(SOCKET, APP_TOKEN, app_token, "xapp-"):
        return mistaken
    try:
        async with asyncio.timeout(patience):
            opened = await client.apps_connections_open(app_token=app_token)
            kind, about = await _first_words(client, str(opened.get("url")))
    except TROUBLE as error:
        return _trouble(SOCKET, APP_TOKEN, error, patience)
    if kind != "hello":
        said = f"Slack opened a socket and closed it at once ({about or 'it did not say why'})"
        return Finding(name=SOCKET, ok=False, said=said, remedy=TOO_MANY)
    others = int(about or 1) - 1
    said = "it opens" + (f"; others are open: {others}, of a running bot" if others else "")
    return Finding(name=SOCKET, ok=True, said=said)


async def _first_words(client: AsyncWebClient, url: str) -> tuple[str, str]:
    """(type of the first message, the open connections of a hello or the reason of a goodbye)."""
    assert client.session is not None
    async with client.session.ws_connect(url, proxy=client.proxy) as opened:
        message = await opened.receive()
        if message.type is not WSMsgType.TEXT:
            return "", ""
        words = message.json()
        return str(words.get("type")), str(words.get("num_connections") or words.get("reason", ""))


async def _http(secret: str, port: int, running: bool) -> Finding:
    if _kind(secret):
        return _holds(HTTP, SECRET, secret)
    trouble = _why_not(port)
    if not trouble:
        said = f"{SECRET} is set, and port {port} is free for requests to {PATH}"
        return Finding(name=HTTP, ok=True, said=said)
    if running and trouble == errno.EADDRINUSE:
        said = f"{SECRET} is set, and port {port} is taken: by the bot that is running, it seems"
        return Finding(name=HTTP, ok=True, said=said)
    return Finding(
        name=HTTP,
        ok=False,
        said=f"port {port} cannot be listened on: {os.strerror(trouble)}",
        remedy="End the program that has it, or set REVERIE_SLACK_PORT to another port.",
    )


def _why_not(port: int) -> int:
    """The errno with which nothing can listen there; 0 where it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return 0


# ---- what only the app's owner sees


def _unseen(*, http: bool) -> Finding:
    """Slack tells an app's settings by a configuration token only, which a bot should not have."""
    asked = manifest()
    features, settings = asked["features"], asked["settings"]
    events = ", ".join(settings["event_subscriptions"]["bot_events"])
    commands = ", ".join(command["command"] for command in features["slash_commands"])
    url = " --request-url https://YOUR.HOST" + PATH if http else ""
    reached = f", whether Slack reaches {PATH} from outside" if http else ""
    return Finding(
        name=APP,
        ok=True,
        said=f"not to be seen from here: the events ({events}), the commands ({commands}),"
        f" Interactivity, and the tabs of App Home{reached}",
        remedy=f"If one of them does not work: `reverie manifest slack{url}` prints them all, to be"
        f" pasted at {APPS} → your app → App Manifest.",
    )


# ---- what can be wrong with a secret, or with the way to Slack


def _kind(secret: str) -> str:
    return next((words for prefix, words in KINDS.items() if secret.startswith(prefix)), "")


def _mistaken(name: str, variable: str, token: str, prefix: str) -> Finding | None:
    """A token of another kind, which need not be sent anywhere to be told."""
    return None if token.startswith(prefix) else _holds(name, variable, token)


def _holds(name: str, variable: str, secret: str) -> Finding:
    said = f"{variable} holds {_kind(secret) or 'no token of Slack'}"
    return Finding(name=name, ok=False, said=said, remedy=COPY[variable])


def _trouble(name: str, variable: str, error: Exception, patience: float) -> Finding:
    code = code_of(error)
    if code == "socket_mode_not_enabled":
        return Finding(
            name=name, ok=False, said="Socket Mode is switched off for this app", remedy=SWITCH_ON
        )
    if code == "missing_scope":
        said = f"{variable} lacks the scope connections:write"
        return Finding(name=name, ok=False, said=said, remedy=COPY[variable])
    if code in BAD_TOKEN:
        said = f"Slack does not accept {variable}: {WHY.get(code, f'it says {code}')}"
        return Finding(name=name, ok=False, said=said, remedy=COPY[variable])
    if isinstance(error, TimeoutError):
        said = f"Slack gave no answer in {patience:g} seconds"
    else:
        said = f"Slack cannot be used now ({told(error)})"
    return Finding(name=name, ok=False, said=said, remedy=NETWORK)
