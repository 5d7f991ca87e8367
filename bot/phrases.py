"""What the program itself says to a person, in English and Chinese. Every sentence is here."""

import re
from collections.abc import Sequence
from typing import Final

_HAN = re.compile(r"[\u3400-\u9fff]")


def chinese(text: str) -> bool:
    """Whether a person who wrote this reads Chinese."""
    return bool(_HAN.search(text))


SENTENCES: Final = {
    "delayed": (
        "I can't reach my language model just now. Your message is kept, and I answer as soon as"
        " the model is back.",
        "我现在连不上语言模型。你的消息已经保存,模型恢复后我会回复。",
    ),
    "misconfigured": (
        "My language model does not accept my settings, so I can't answer yet. Your message is"
        " kept. Whoever runs me: {reason}",
        "语言模型不接受我的设置,所以我暂时无法回答。你的消息已经保存。请管理员检查:{reason}",
    ),
    "rejected": (
        "My language model refuses this request, so I have no answer to it. Your message is kept"
        " in my history. Try to put it differently.",
        "语言模型拒绝了这个请求,所以我无法回答。你的消息已保存在记录里。请换一种说法再试。",
    ),
    "too_long": (
        "This is more than my language model can take in at once. Your message is kept in my"
        " history. Please send it in smaller parts.",
        "内容太长,语言模型一次放不下。你的消息已保存在记录里。请分成几段再发。",
    ),
    "wordless": (
        "I found no words for an answer this time. Your message is kept; please ask again, perhaps"
        " differently.",
        "这次我没能组织出回答。你的消息已经保存;请换一种说法再问一次。",
    ),
    "unsaved": (
        "(To be exact: I have not saved anything just now. `/memory add …` does.)",
        "(更正:我刚才并没有保存任何内容。用 `/memory add …` 可以保存。)",
    ),
    "held": (
        "What I would say here is from our own conversation, so I asked you about it privately.",
        "我想说的内容来自我们之间的私下对话,所以我先单独问了你。",
    ),
    "private": (
        "I may not say that here.",
        "这个我不能在这里说。",
    ),
    "left_out": (
        "(I left {what} out of my memory: secrets are not kept there.)",
        "(我没有把{what}记下来:记忆里不保存机密信息。)",
    ),
    "notified": ("{text}\n\n(from {who})", "{text}\n\n(来自 {who})"),
    "post": (
        "Shall I post this in #{room}? These are not just your own words. Only you see this:"
        "\n\n> {text}",
        "要把这段话发到 #{room} 吗?这不完全是你自己的原话。这条消息只有你能看到:\n\n> {text}",
    ),
    "post_private": (
        "Shall I post this in #{room}? It quotes what you told me in private, and everybody there"
        " would read it. Only you see this:\n\n> {text}",
        "要把这段话发到 #{room} 吗?它引用了你私下告诉我的内容,那里的每个人都会看到。"
        "这条消息只有你能看到:\n\n> {text}",
    ),
    "notice": (
        "Only you see this. I am Reverie, and I remember: what I read where I am, and facts that I"
        " learn from it. What you tell me in a direct message, you alone can see; what is said in a"
        " room, those can see who read that room. `/memory` shows what I know of you, `/memory"
        " pause` stops my learning, `/forgetme` erases everything of you.",
        "这条消息只有你能看到。我是 Reverie,我会记住我读到的消息,以及从中了解到的事实。"
        "你私下告诉我的,只有你能看到;在房间里说的,能读那个房间的人都能看到。"
        "`/memory` 查看我记住的内容,`/memory pause` 暂停记忆,`/forgetme` 删除有关你的一切。",
    ),
    "opt_in": (
        "Until you say `/memory resume`, I learn nothing from you: I answer you in direct messages"
        " alone, and keep nothing of it.",
        "在你发送 `/memory resume` 之前,我不会从你那里学习任何内容:我只在私信中回答你,并且不保留。",
    ),
    "paused": (
        "Paused: I learn nothing new until you say `/memory resume`. What is said until then I keep"
        " only to follow the conversation: no search finds it, and it is removed when you resume,"
        " or after a day. What I know stays, and `/memory show` has it.",
        "已暂停:在你发送 `/memory resume` 之前,我不会学习任何新内容。"
        "这段时间说过的话只用来跟上对话:搜索不到,恢复时或一天后就会删除。"
        "我已经知道的内容不变,用 `/memory show` 可以查看。",
    ),
    "resumed": (
        "I learn again from what is said from now on. What was said during the pause is removed.",
        "从现在起我会继续学习。暂停期间说过的话会被删除。",
    ),
    "incognito_on": (
        "Incognito here: I learn nothing from this conversation. What is said in it I keep only to"
        " follow it: no search finds it, and it is removed when this ends, or after a day. Anybody"
        " here ends it with `/memory incognito off` (in a Slack thread: `!memory incognito off`).",
        "这里是无痕对话:我不会从中学习任何内容。说过的话只用来跟上对话:搜索不到,结束时或一天后就会删除。"
        "这里的任何人都可以用 `/记忆 无痕 关` 结束(在 Slack 消息列中用 `!记忆 无痕 关`)。",
    ),
    "incognito_off": (
        "No longer incognito: from now on I learn from this conversation again. What was said"
        " meanwhile is removed, within a day where I am still at it.",
        "无痕对话已结束:从现在起我会继续从这里学习。期间说过的话会被删除,正在处理的最迟一天内删除。",
    ),
    "incognito_not": (
        "This conversation is not incognito. `/memory incognito on` makes it so.",
        "这个对话不是无痕的。用 `/记忆 无痕 开` 可以开启。",
    ),
    "incognito_where": (
        "Incognito is for one conversation, and Slack does not tell me which one you mean. Type"
        " `!memory incognito on` as a message in the thread. For the whole room there is `/memory"
        " pause`.",
        "无痕只针对一个对话,而 Slack 没有告诉我是哪一个。请在消息列里发送 `!记忆 无痕 开`。"
        "整个房间请用 `/记忆 暂停`。",
    ),
    "policy_title": ("What holds in this workspace", "这个工作区的规则"),
    "policy_opt_in": (
        "I learn from people only once they said `/memory resume`",
        "只有在对方发送 `/memory resume` 之后,我才会从他那里学习",
    ),
    "policy_opt_out": (
        "I learn from everybody who does not say `/memory pause`",
        "我会从所有没有发送 `/memory pause` 的人那里学习",
    ),
    "policy_person": ("Direct messages are kept for {days} days", "私信保留 {days} 天"),
    "policy_person_forever": ("Direct messages are kept for ever", "私信永久保留"),
    "policy_room": (
        "Messages in rooms are kept for {days} days",
        "房间里的消息保留 {days} 天",
    ),
    "policy_room_forever": ("Messages in rooms are kept for ever", "房间里的消息永久保留"),
    "policy_chosen": ("chosen here on {day}", "{day} 在这里设定"),
    "policy_off": ("Off limits to me (`/mode off`)", "我不读的房间(`/mode off`)"),
    "policy_none": ("no room", "没有"),
    "policy_hidden": ("{count} that you cannot read", "另有 {count} 个你看不到"),
    "policy_how": (
        "Admins of the workspace change it: `/policy opt-in on`, `/policy keep person 30`, `/policy"
        " keep room forever`; `default` for what whoever runs me set. Facts and passages stay:"
        " those are forgotten by `/memory forget`.",
        "工作区管理员可以修改:`/规则 同意 开`、`/规则 保留 私信 30`、`/规则 保留 房间 永久`;"
        "用 `默认` 恢复运行者的设置。事实和存档不受影响:用 `/memory forget` 忘记。",
    ),
    "policy_admins": (
        "Only an admin of the workspace can change its rules. Ask one of them. `/policy` shows"
        " them.",
        "只有工作区管理员可以修改规则。请联系管理员。用 `/policy` 可以查看。",
    ),
    "policy_removes": (
        "This removes {count} messages that are older than {days} days, for good: for everybody in"
        " this workspace, and with the files that came with them. If you mean it, type `{line}"
        " yes`.",
        "这会永久删除这个工作区里超过 {days} 天的 {count} 条消息,以及随它们发送的文件。"
        "如果确定,请输入 `{line} 是`。",
    ),
    "digest": (
        "This is what I learned about you lately. Is it right?",
        "这是我最近了解到的关于你的事。对吗?",
    ),
    "digest_how": (
        "`/memory keep N` confirms a fact, `/memory edit N …` puts it right, `/memory forget N`"
        " forgets it. `/memory digest` says how often I tell you.",
        "`/memory keep N` 确认一条,`/memory edit N …` 更正,`/memory forget N` 忘记。"
        "`/memory digest` 查看我多久告诉你一次。",
    ),
    "forgot": (
        "Forgot #{number}, as if it had never been said: {text} (`/memory undo` brings it back)",
        "已忘记 #{number},就像从未说过:{text}(用 `/memory undo` 可以恢复)",
    ),
    "forgot_learned": (
        "Forgot #{number}, as if it had never been said, with what I learned from it: {text}"
        " (`/memory undo` brings it back)",
        "已忘记 #{number} 以及我从中了解到的内容,就像从未说过:{text}(用 `/memory undo` 可以恢复)",
    ),
    "forgot_before": (
        "#{number} is forgotten already. If you want it back: `/memory history` has the number of"
        " that change, and `/memory undo` with it takes the change back.",
        "#{number} 已经忘记了。如果想恢复:用 `/memory history` 查看那次改动的编号,"
        "再用 `/memory undo` 加上编号撤销。",
    ),
    "forget_others": (
        "#{number} is not what you said yourself. Whoever said it can have it forgotten, or an"
        " admin of the workspace: ask one of them to type `/memory forget {number}` here.",
        "#{number} 不是你说的话。只有说这句话的人或工作区管理员可以让我忘记:"
        "请他们在这里输入 `/memory forget {number}`。",
    ),
    "forget_which": (
        "{count} messages of yours have these words. Forget one by its number:",
        "你有 {count} 条消息含有这些词。请按编号忘记其中一条:",
    ),
    "forget_nothing": (
        "There is no fact, passage or message #{number} here. `/memory search` shows the numbers.",
        "这里没有编号为 #{number} 的事实、存档或消息。用 `/memory search` 可以查看编号。",
    ),
    "forget_none": (
        "No fact has all the words of '{words}', and no message of yours. `/memory search` shows"
        " what there is, with numbers: `/memory forget 12` forgets #12.",
        "没有哪条事实或你说过的消息含有“{words}”里的所有词。"
        "用 `/memory search` 查找并查看编号,再用 `/memory forget 12` 忘记 #12。",
    ),
    "stopped": ("I stopped, as I was asked to.", "已按要求停止。"),
    "failed": (
        "Something went wrong inside me while I worked on this, and I gave up on it. Your message"
        " is kept in my history. Please try again; if it happens again, tell whoever runs me.",
        "处理这条消息时我内部出了错,已经放弃。你的消息已保存在记录里。请再试一次;如果再次出现,请告诉管理员。",
    ),
}


SECRETS: Final = {  # kinds of memory/secrets/mask.py
    "private key": ("a private key", "私钥"),
    "Slack token": ("a Slack token", " Slack 令牌"),
    "webhook address": ("a webhook address", " webhook 地址"),
    "API key": ("an API key", " API 密钥"),
    "GitHub token": ("a GitHub token", " GitHub 令牌"),
    "AWS key": ("an AWS key", " AWS 密钥"),
    "Google key": ("a Google key", " Google 密钥"),
    "Stripe key": ("a Stripe key", " Stripe 密钥"),
    "access token": ("an access token", "访问令牌"),
    "Discord token": ("a Discord token", " Discord 令牌"),
    "password": ("a password", "密码"),
    "card number": ("a card number", "银行卡号"),
    "IBAN": ("an IBAN", " IBAN 账号"),
    "ID number": ("an ID number", "身份证号"),
    "social security number": ("a social security number", "社会安全号"),
    "recovery phrase": ("a recovery phrase", "助记词"),
    "PIN": ("a PIN", " PIN 码"),
    "code": ("a code", "验证码"),
    "key": ("a key", "密钥"),
}


def left_out(kinds: Sequence[str], like: str) -> str:
    """Which secrets are not kept, each kind once; in the language of a text."""
    zh = chinese(like)
    named = [SECRETS[kind][zh] for kind in dict.fromkeys(kinds)]
    return say("left_out", like, what=("、" if zh else " and ").join(named))


def both(name: str, between: str = "\n\n", **parts: str) -> str:
    """A sentence in both languages, where nothing tells which of them somebody reads."""
    return between.join(SENTENCES[name]).format(**parts)


def say(name: str, like: str, **parts: str) -> str:
    """A sentence, in the language of the text that it answers."""
    english, zh = SENTENCES[name]
    return (zh if chinese(like) else english).format(**parts)
