"""What `/help` tells, in English and Chinese."""

from typing import Final

HELP: Final = """\
/memory                     what I remember: facts with their number, day and source
/memory search WORDS        find facts, passages and messages (also: /search WORDS)
/memory add TEXT            remember this (--block persona: about myself)
/memory edit N TEXT         put another text in place of fact N
/memory pin N, unpin N      a pinned fact is never put away
/memory forget N            forget fact or passage N; or: forget WORDS
/memory clear BLOCK         forget all facts of a block
/memory undo [N]            take back the last change, or change N
/memory history [PAGE]      every change: when, by whom, what
/memory why N               the message that fact N was learned from
/memory export              everything that I remember, as JSON
/agents                     the agents of this home
/create --name NAME [--persona TEXT]    make an agent and talk with it
/help [zh]                  this; in Chinese
/quit                       leave
!memory and so on do the same."""

HELP_ZH: Final = """\
/memory                     我记得什么：每条事实的编号、日期和来源
/memory search 词语         查找事实、存档和消息（也可用 /search 词语）
/memory add 内容            记住这条内容（--block persona：关于我自己）
/memory edit N 内容         用新内容替换第 N 条事实
/memory pin N、unpin N      置顶的事实不会被收起
/memory forget N            忘掉第 N 条事实或存档；也可以：forget 词语
/memory clear 区块          忘掉一个区块的全部事实
/memory undo [N]            撤销上一次改动，或第 N 次改动
/memory history [页]        所有改动：时间、改动者、内容
/memory why N               第 N 条事实来自哪条消息
/memory export              以 JSON 导出我记得的一切
/agents                     列出所有 agent
/create --name 名字 [--persona 设定]    新建一个 agent 并与它对话
/help [en]                  显示帮助；英文帮助
/quit                       离开
也可以用中文：/记忆 搜索、添加、修改、置顶、取消置顶、忘记、清空、撤销、历史、为什么、导出。"""
