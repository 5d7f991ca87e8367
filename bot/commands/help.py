"""What `/help` tells, in English and Chinese."""

from typing import Final

HELP: Final = """\
/memory                     what I remember: facts with their number, day and source
/memory show --as-of DAY    what I knew at the end of a day, such as 2026-10-01
/memory search WORDS        find facts, passages and messages (or: /search WORDS); limits:
                            --by Ana, --since 2026-10-01, --until 2026-10-31, --tag trip
/memory add TEXT            remember this (--block persona: about myself)
/memory edit N TEXT         put another text in place of fact N
/memory pin N, unpin N      a pinned fact is never put away
/memory share N, unshare N  let everybody in this workspace know fact N, or no longer
/memory forget N            forget fact, passage or message N; or: forget WORDS
/memory clear BLOCK         forget all facts of a block
/memory undo [N]            take back the last change, or change N
/memory history [PAGE]      every change: when, by whom, what
/memory why N               the message that fact N was learned from
/memory export              everything that I remember, as JSON
/memory pause, resume       learn nothing new for a while; learn again
/memory learned             what I learned about you by myself, since I told you last
/memory keep N              fact N is right: you looked at it
/memory digest daily        I tell you so by myself, daily or weekly; off ends it
/memory quiet 22:00-7:00    hours in which I do not (and a zone: Asia/Shanghai); or off
/memory incognito on, off   learn nothing from this one thread, or direct message
/persona [TEXT]             who I am here; or be somebody else
/usage                      what my model calls took in the last 7 days
/link [CODE], /unlink       join your accounts of two platforms by a code; part them
/forgetme                   remove every trace of you, for good
/stop                       stop the answer that is being made
/mode [MODE]                what I answer in this room: open, listen, mention or off
/policy                     what is kept in this workspace; its admins change it:
/policy opt-in on, off      I learn only from people who agreed
/policy keep person 30      days that direct messages stay (room 365, forever, default)
/help [zh]                  this; in Chinese
!memory and so on do the same. In a terminal there are also:
/agents                     the agents of this home
/create --name NAME [--persona TEXT]    make an agent and talk with it
/quit                       leave"""

HELP_ZH: Final = """\
/memory                     我记得什么：每条事实的编号、日期和来源
/memory show --as-of DAY    某一天结束时我知道什么，例如 2026-10-01
/memory search 词语         查找事实、存档和消息（也可用 /search 词语）；可加限制：
                            --by 张三、--since 2026-10-01、--until 2026-10-31、--tag 旅行
/memory add 内容            记住这条内容（--block persona：关于我自己）
/memory edit N 内容         用新内容替换第 N 条事实
/memory pin N, unpin N      置顶的事实不会被收起；取消置顶
/memory share N, unshare N  让这个工作区的所有人知道第 N 条事实；取消共享
/memory forget N            忘掉第 N 条事实、存档或消息；也可以：forget 词语
/memory clear 区块          忘掉一个区块的全部事实
/memory undo [N]            撤销上一次改动，或第 N 次改动
/memory history [页]        所有改动：时间、改动者、内容
/memory why N               第 N 条事实来自哪条消息
/memory export              以 JSON 导出我记得的一切
/memory pause, resume       暂停学习新内容；继续学习
/memory learned             上次告诉你之后，我自己了解到的关于你的事
/memory keep N              第 N 条事实是对的
/memory digest daily        每天主动告诉你一次；也可以是 weekly；off 为关闭
/memory quiet 22:00-7:00    这段时间不打扰你（可加时区 Asia/Shanghai）；或 off
/memory incognito on, off   不从这一个消息列或私信中学习；恢复
/persona [设定]             我在这里是谁；或换一个设定
/usage                      最近七天模型调用的用量
/link [代码], /unlink       用代码关联你在两个平台上的账号；解除关联
/forgetme                   永久清除关于你的一切
/stop                       停止正在生成的回答
/mode [模式]                我在本房间回答什么：open、listen、mention 或 off
/policy                     这个工作区保留什么、保留多久；由管理员修改：
/policy opt-in on, off      只从同意的人那里学习
/policy keep person 30      私信保留的天数；或：keep room 365、forever、default
/help [en]                  显示帮助；英文帮助
!memory 等写法效果相同。在终端里还有：
/agents                     列出所有 agent
/create --name 名字 [--persona 设定]    新建一个 agent 并与它对话
/quit                       离开
也可以用中文：/记忆 显示、搜索、添加、修改、置顶、取消置顶、共享、取消共享、忘记、清空、
撤销、历史、为什么、导出、暂停、继续、无痕、
学到、保留、摘要 每天、免打扰；
/规则 同意 开、关、默认；/规则 保留 私信、房间 30、永久、默认；
/设定 /用量 /关联 /解除关联 /忘记我 /停止 /模式 /规则 /帮助"""
