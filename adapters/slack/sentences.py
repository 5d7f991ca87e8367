"""What people and operators read of this adapter."""

from typing import Final

from adapters.base import Address

APPS: Final = "https://api.slack.com/apps"

BAD_TOKEN: Final = (
    f"Slack does not accept SLACK_BOT_TOKEN. Copy the Bot User OAuth Token (xoxb-…) from {APPS} →"
    " your app → OAuth & Permissions, after Reinstall to Workspace, set it, and start again."
)
BAD_APP_TOKEN: Final = (
    "Slack does not accept SLACK_APP_TOKEN. Make an app-level token (xapp-…) with the scope"
    f" connections:write at {APPS} → your app → Basic Information → App-Level Tokens, set it, and"
    " start again."
)
NO_SOCKETS: Final = (
    f"Socket Mode is switched off for this app. Switch it on at {APPS} → your app → Socket Mode,"
    " and start again."
)
NO_WAY_IN: Final = (
    "Slack has no way to reach the bot. Set SLACK_APP_TOKEN (xapp-…) for Socket Mode, or"
    " SLACK_SIGNING_SECRET for HTTP."
)
LIMITED: Final = "Slack limits the rate of posts."

SENT: Final = "I sent it to you as a direct message. · 已通过私信发给你。"
NOT_SENT: Final = (
    "I could not send the file. Please ask again later. · 文件没有发送成功，请稍后再试。"
)
TOO_MUCH: Final = "… There is more: `/memory export` sends everything. · 还有更多内容。"
THE_REST: Final = "The whole of it is in this file. · 全文见附件。"

SEND: Final = "OK · 确定"
CANCEL: Final = "Cancel · 取消"
REALLY: Final = "Really? · 真的吗？"
YES: Final = "Yes · 是"
NO: Final = "No · 否"
ANEW: Final = "(all of it, please: it is too long to stand here · 原文太长无法显示，请输入全文)"
WORDS: Final = "The words · 文字"
NO_FORM: Final = (
    "Slack did not let me open the form: your press may have reached me too late. Please press"
    " again. · 表单没能打开，可能是收到得太晚。请再按一次。"
)
NO_WORDS: Final = (
    "There are no words in this message that I could remember. · 这条消息里没有我能记住的文字。"
)
REMEMBER: Final = "Remember this · 记住"
REMEMBER_ABOUT: Final = "Keep what this message says · 记住这条消息的内容"

THINKING: Final = "is thinking…"

DESCRIPTION: Final = "Remembers the people it works with, and says where it knows a thing from."
PROMPTS: Final = (
    ("What do you remember?", "What do you remember about me?"),
    ("Remember something", "Please remember that "),
    ("你记得我什么？", "你记得关于我的什么？"),
)

PROMPTS_TITLE: Final = "You could ask · 你可以问"

NOT_SLACKS: Final = "it does not lie at Slack, so it is not fetched."
FILE_GONE: Final = "Slack does not have it any more."
NO_FILES: Final = (
    "Slack asked me to sign in: the bot lacks the scope files:read. Somebody has to add it at"
    f" {APPS} → your app → OAuth & Permissions → Scopes, then Reinstall to Workspace."
)

_REFUSED: Final = {
    "not_in_channel": "the bot is not in {where}. Invite it there: /invite @ its name",
    "channel_not_found": "{where} is gone, or hidden from the bot. Invite it there",
    "is_archived": "{where} is archived. Unarchive it",
    "thread_not_found": "the message in {where} that was answered is gone",
    "restricted_action": "the bot may not write in {where}. Let it, in the channel's settings",
    "messages_tab_disabled": "people cannot write to the bot. Switch on the Messages Tab of its"
    " App Home",
}


def refused(code: str, address: Address) -> str:
    """Why a reply cannot be posted, and what to do."""
    where = f"channel {address.channel}"
    known = _REFUSED.get(code)
    if known is None:
        return f"Slack does not take a reply in {where} (error {code})."
    return f"Slack: {known.format(where=where)}."


def missing_scope(needed: str) -> str:
    return (
        f"Slack: the bot lacks the scope {needed or '(unnamed)'}. Add it at {APPS} → your app →"
        " OAuth & Permissions → Scopes, then Reinstall to Workspace."
    )


def left_out(count: int) -> str:
    """A list that is longer than Slack shows."""
    return (
        f"… and {count:,} more: `/memory search` finds them, `/memory export` sends everything."
        f" · 还有 {count:,} 条：用 `/memory search` 查找，或用 `/memory export` 导出全部。"
    )


def file_too_large(most: int) -> str:
    """A file that is not fetched."""
    return f"it has more than {most:,} bytes, which is the most that is taken."


def file_away(trouble: str) -> str:
    """A file that may be there later."""
    return f"Slack does not give it out just now ({trouble})."


def port_taken(port: int, why: str) -> str:
    return f"Slack's requests cannot be received on port {port}: {why}. Choose another port."


def only_loopback(url: str) -> str:
    """A setting that would give the token to somebody else."""
    return (
        f"api_base={url} is refused: the bot's token goes there, so only a simulator on this"
        " machine may stand here, such as http://127.0.0.1:8080/api/."
    )
