"""What `/help` tells, in English and Chinese."""

from typing import Final

HELP: Final = """\
/memory                     what I remember: facts with their number, day and source
/memory show --as-of DAY    what I knew at the end of a day, such as 2026-10-01
/memory search WORDS        find facts, passages and messages (also: /search WORDS)
/memory add TEXT            remember this (--block persona: about myself)
/memory edit N TEXT         put another text in place of fact N
/memory pin N, unpin N      a pinned fact is never put away
/memory share N, unshare N  let everybody in this workspace know fact N, or no longer
/memory forget N            forget fact or passage N; or: forget WORDS
/memory clear BLOCK         forget all facts of a block
/memory undo [N]            take back the last change, or change N
/memory history [PAGE]      every change: when, by whom, what
/memory why N               the message that fact N was learned from
/memory export              everything that I remember, as JSON
/memory pause, resume       learn nothing new for a while; learn again
/persona [TEXT]             who I am here; or be somebody else
/usage                      what my model calls took in the last 7 days
/link [CODE], /unlink       join your accounts of two platforms by a code; part them
/forgetme                   remove every trace of you, for good
/stop                       stop the answer that is being made
/mode [MODE]                what I answer in this room: open, listen, mention or off
/help [zh]                  this; in Chinese
!memory and so on do the same. In a terminal there are also:
/agents                     the agents of this home
/create --name NAME [--persona TEXT]    make an agent and talk with it
/quit                       leave"""

HELP_ZH: Final = """\
/memory                     我记得什么：每条事实的编号、日期和来源
/memory show --as-of DAY    某一天结束时我知道什么，例如 2026-10-01
/memory search 词语         查找事实、存档和消息（也可用 /search 词语）
/memory add 内容            记住这条内容（--block persona：关于我自己）
/memory edit N 内容         用新内容替换第 N 条事实
/memory pin N, unpin N      置顶的事实不会被收起；取消置顶
/memory share N, unshare N  让这个工作区的所有人知道第 N 条事实；取消共享
/memory forget N            忘掉第 N 条事实或存档；也可以：forget 词语
/memory clear 区块          忘掉一个区块的全部事实
/memory undo [N]            撤销上一次改动，或第 N 次改动
/memory history [页]        所有改动：时间、改动者、内容
/memory why N               第 N 条事实来自哪条消息
/memory export              以 JSON 导出我记得的一切
/memory pause, resume       暂停学习新内容；继续学习
/persona [设定]             我在这里是谁；或换一个设定
/usage                      最近七天模型调用的用量
/link [代码], /unlink       用代码关联你在两个平台上的账号；解除关联
/forgetme                   永久清除关于你的一切
/stop                       停止正在生成的回答
/mode [模式]                我在本房间回答什么：open、listen、mention 或 off
/help [en]                  显示帮助；英文帮助
!memory 等写法效果相同。在终端里还有：
/agents                     列出所有 agent
/create --name 名字 [--persona 设定]    新建一个 agent 并与它对话
/quit                       离开
也可以用中文：/记忆 显示、搜索、添加、修改、置顶、取消置顶、共享、取消共享、忘记、清空、
撤销、历史、为什么、导出、暂停、继续；
/设定 /用量 /关联 /解除关联 /忘记我 /停止 /模式 /帮助"""
