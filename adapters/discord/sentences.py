"""What people and operators read of this adapter."""

from typing import Final

from adapters.base import Address

PORTAL: Final = "https://discord.com/developers/applications"

BAD_TOKEN: Final = (
    f"Discord does not accept DISCORD_TOKEN. Make a new one at {PORTAL} → your application → Bot →"
    " Reset Token, set it, and start again."
)
NO_CONTENT: Final = (
    "Discord does not let this bot read messages. Switch on Message Content Intent at"
    f" {PORTAL} → your application → Bot → Privileged Gateway Intents, and start again."
)
TOO_MANY_GUILDS: Final = (
    "This bot is in so many servers that Discord wants it in shards. Set"
    " REVERIE_DISCORD_SHARDED=true, and start again."
)
NOT_CONNECTED: Final = "Discord is not connected. The reply waits until it is."

NO_DM: Final = (
    "You take no direct messages, and here everybody could read the answer. Use /memory: only you"
    " see what it answers.\n"
    "你没有开放私信，而这里所有人都能看到回答。请使用 /memory：只有你能看到它的回答。"
)
MEMORY: Final = "What I remember, and how to change it · 我记得什么，以及如何修改"
WHAT: Final = "show, search …, add …, forget 12, undo, export · 搜索、添加、忘记、撤销、导出"
HELP: Final = "What I can do · 我能做什么"


def closed(code: int) -> str:
    """The gateway's last word, for a code that has no sentence of its own."""
    return f"Discord closed the connection for good (code {code}). Update Reverie, and start again."


def refused(code: int, address: Address) -> str:
    """Why a reply cannot be posted, and what to do."""
    where = f"channel {address.thread or address.channel}"
    if code in (10003, 10004, 50001):
        return f"Discord: {where} is gone, or hidden from the bot. Give it View Channel there."
    if code == 50013:
        return (
            f"Discord: the bot may not write in {where}. Give it Send Messages, in threads too, and"
            " Read Message History there."
        )
    if code == 50007:
        return f"Discord: the person of {where} takes no direct messages from the bot."
    if code in (50083, 160005):
        return f"Discord: {where} is an archived or locked thread. Open it again."
    return f"Discord does not take a reply in {where} (error {code})."


def only_loopback(name: str, url: str) -> str:
    """A setting that would give the token to somebody else."""
    return (
        f"{name}={url} is refused: the bot's token goes there, so only a simulator on this machine"
        " may stand here, such as http://127.0.0.1:8080/api/v10 or ws://127.0.0.1:8080/gateway."
    )
