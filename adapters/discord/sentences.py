"""What people and operators read of this adapter."""

from collections.abc import Mapping
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
TOO_LATE: Final = (
    "Discord gave me your command too late, so I did not carry it out. Please give it again.\n"
    "Discord 太晚才把你的命令交给我，所以我没有执行。请再发一次。"
)
UNANSWERED: Final = (
    "I carried out your command, but Discord did not take my answer. /memory history shows what"
    " changed.\n"
    "你的命令我已执行，但 Discord 没有接收我的回答。用 /memory history 可以查看改动。"
)
OUTDATED: Final = (
    "This command has changed since Discord last told you of it. Reload Discord (Ctrl+R), and give"
    " it again.\n"
    "这个命令已经更新。请重新加载 Discord（Ctrl+R），然后再发一次。"
)
NO_WORDS: Final = (
    "There are no words in this message that I could remember.\n这条消息里没有我能记住的文字。"
)
NOT_THERE: Final = (
    "I do not find this line any more. /memory show has what there is.\n"
    "我找不到这一行了。用 /memory show 可以查看现有的内容。"
)
REALLY: Final = "Really? · 真的吗？"
YES: Final = "Yes · 是"
NO: Final = "No · 否"
UNCHANGED: Final = "All right: nothing was changed. · 好的，什么都没有改变。"
CHOOSE: Final = "Choose a line · 选择一行"
WHOLE_IN_FILE: Final = "*The whole of it is in the file · 全文见附件*"

REMEMBER: Final = "Remember this"
CHINESE_NAMES: Final[Mapping[str, str]] = {REMEMBER: "记住这条消息"}
VERBS: Final[Mapping[str, str]] = {
    "show": "What I remember · 我记得什么",
    "search": "Find facts, passages and messages · 查找事实、段落和消息",
    "add": "Remember something · 记住一件事",
    "edit": "Put another text in place of a fact · 修改一条事实",
    "keep": "A fact is right · 确认一条事实",
    "learned": "What I learned about you lately · 我最近了解到的关于你的事",
    "digest": "How often I tell you what I learned · 多久告诉你一次我了解到的事",
    "quiet": "When I leave you alone · 什么时候不打扰你",
    "pin": "A pinned fact is never put away · 置顶一条事实，不会被收起",
    "unpin": "Let a fact be put away again · 取消置顶",
    "share": "Let everybody here know a fact · 与所有人共享一条事实",
    "unshare": "Keep a fact to where it was learned · 取消共享",
    "forget": "Forget a fact, passage or message · 忘记一条事实、段落或消息",
    "clear": "Forget all facts of a block · 清空一个记忆块",
    "undo": "Take back the last change, or one by its number · 撤销最近一次或指定编号的改动",
    "history": "What changed, and when · 改动历史",
    "why": "Where a fact comes from · 一条事实从哪里来",
    "export": "Everything that I remember, as a file · 把全部记忆导出为文件",
    "pause": "Learn nothing for a while · 暂停学习",
    "resume": "Learn again · 继续学习",
    "incognito": "Learn nothing from this conversation alone · 不从这一个对话中学习",
}
OPTIONS: Final[Mapping[str, str]] = {
    "number": "Which fact: its number, or some of its words · 哪条事实：编号或其中的文字",
    "change": "The number of a change; the last one if it is left out · 改动的编号，默认最近一次",
    "text": "The words · 文字",
    "day": "As it was on a day, such as 2026-10-01 · 某一天时的样子，例如 2026-10-01",
    "page": "Which page · 第几页",
    "whose": "Your own memory, or this room's · 你自己的记忆，还是本房间的",
    "block": "human is about you, persona about me · human 关于你，persona 关于我",
    "every": "daily, weekly, or off · 每天、每周或关闭",
    "hours": "Such as 22:00-07:00, or off · 例如 22:00-07:00，或 off",
    "zone": "Where you live, such as Asia/Shanghai · 所在时区，例如 Asia/Shanghai",
    "confirm": "Type yes if you mean it · 确定的话请输入 yes",
    "code": "The code that I gave you on the other platform · 我在另一个平台上给你的代码",
    "state": "Begin or end it; left out: see whether it is so · 开始或结束；不填则查看",
    "rule": "Which rule; left out: see them all · 哪条规则；不填则查看全部",
    "value": "on or off; or days, forever, default · on 或 off；或天数、forever、default",
    "mode": "Which messages of this room I answer · 我在本房间回答哪些消息",
}
ROOM_S: Final = "This room's · 本房间的"
MINE: Final = "My own · 我自己的"

NOT_DISCORDS: Final = "This file does not lie at Discord, so it is not fetched."
FILE_GONE: Final = "Discord does not have this file any more. Ask for it to be posted again."


def file_too_large(most: int) -> str:
    """A file that is not fetched."""
    return f"This file is larger than {most:,} bytes, which is the most that is taken."


def file_away(trouble: str) -> str:
    """A file that may be there later."""
    return f"Discord does not give this file out just now ({trouble}). Try again later."


def lines_left_out(shown: int, count: int) -> str:
    """A list that is longer than its menus."""
    return (
        f"The menus have the first {shown} of {count} lines. For the others: /memory search\n"
        f"菜单里只有 {count} 行中的前 {shown} 行。其余的请用 /memory search。"
    )


def typed_instead(label: str, line: str) -> str:
    """A button that there is no room for."""
    return f"{label}: `{line}`"


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
