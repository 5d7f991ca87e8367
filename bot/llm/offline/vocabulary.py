"""The words that the offline model's rules are made of, English and Chinese."""

_ENGLISH = {
    "AUX": "do does did is are was were am can could would will have has had should may might",
    "LIKE": (
        "like love prefer hate dislike enjoy adore avoid fancy can't_stand cannot_stand "
        "don't_mind am_allergic"
    ),
    "LIVE": (
        "live lived moved relocated work worked use used speak come_from grew_up study studied "
        "started switched joined quit graduated"
    ),
    "STATE": (
        "called named from based allergic married single divorced engaged retired pregnant "
        "vegetarian vegan living born left-handed color_blind colour_blind working_at working_for "
        "working_as working_on responsible in_charge learning studying training interested "
        "good_at bad_at terrible_at afraid_of scared_of fond_of fluent_in proud_of getting_married "
        "expecting building writing developing raising"
    ),
    "OFTEN": (
        "really also still now currently just recently always usually often mostly sometimes never "
        "personally absolutely do don't do_not can't cannot no_longer much rarely quite only not "
        "all finally have already generally"
    ),
    "DO": (
        "own play drive teach collect run drink eat cook read write bought adopted know follow "
        "support got wear ride manage lead maintain build develop design sell suffer went_to "
        "can_speak can_play can_cook can_drive plan practice practise train sing paint draw smoke "
        "sleep wake_up get_up commute volunteer majored lost broke became left learned learnt "
        "finished need_glasses celebrate"
    ),
    "WE DO": (
        "use have are run work live prefer deploy write build own store host adopted bought moved "
        "got meet need like love hate"
    ),
    "HAS": (
        "is are was were isn't aren't has have work works live lives like likes love loves hate "
        "hates turn turns turned died got moved use uses play plays speak speaks comes need needs "
        "runs goes started starts can't doesn't meets deploys"
    ),
    "WANT": "want hope wish aim intend plan would_like",
    "GOAL": (
        "learn become be visit move study write build start travel run lose improve get buy finish "
        "quit"
    ),
    "MOOD": (
        "fine ok okay good great tired sorry happy sad bored here back ready done sure glad hungry "
        "thirsty busy late on_my_way kidding joking confused lost stuck excited cold hot sleepy "
        "exhausted angry annoyed worried stressed curious saying testing all_set afraid_not "
        "afraid_so"
    ),
    "TROUBLE": (
        "question questions problem problems idea ideas feeling doubt doubts request clue issue "
        "favor favour headache"
    ),
    "LATER": "back later tomorrow at on when if asap maybe tonight today",
    "HELLO": (
        "hi hello hey hiya howdy yo greetings good_morning good_afternoon good_evening good_day"
    ),
    "OK": (
        "ok okay k yes yeah yep yup no nope sure cool nice great good fine perfect awesome wow oh "
        "hm hmm haha hahaha lol right exactly true indeed interesting really sorry bye goodbye "
        "later got_it me_too same_here test testing well thanks sounds_good sounds_great"
    ),
    "TAKES BACK": "actually in_fact no nope wait correction sorry i_mean i_meant",
    "ASKING": (
        "is are was were am do does did can could should would will have has had many much old "
        "long often far about my your the i we you he she they it kind sort time day else"
    ),
    "ATTRIBUTE": (
        "birthday email e-mail phone number address hobby hobbies job timezone time_zone pronouns "
        "hometown nickname native_language mother_tongue blood_type favourite favorite"
    ),
    "EVENT": (
        "meet meets meeting met appointment deadline due interview flight fly flying exam party "
        "wedding conference demo release released releases launch launched trip dentist doctor "
        "surgery visit visited visiting dinner lunch concert match presentation review ceremony "
        "graduation holiday vacation delivery delivered ship shipped decided agreed signed "
        "finished arrive arrives arrived arriving leave leaves leaving booked start starts begin "
        "begins end ends went_live workshop offsite standup retro call broke"
    ),
    "DAY": "monday tuesday wednesday thursday friday saturday sunday",
    "MONTH": (
        "january february march april may june july august september october november december "
        "jan feb mar apr jun jul aug sep sept oct nov dec"
    ),
    "SOME": "a an one two three four five six ten \\d+",
}

_CHINESE = {
    "你好": "你好 您好 大家好 嗨 哈喽 哈啰 早上好 上午好 中午好 下午好 晚上好 早安 早",
    "好的": (
        "好的 好 好吧 嗯 嗯嗯 哦 噢 行 可以 没问题 没事 对 是 是的 不是 不 没有 哈哈 哈哈哈 "
        "呵呵 嘿嘿 哇 哎 唉 再见 拜拜 晚安 明天见 回头见 知道 明白 了解 收到 懂 当然 真的 "
        "太好 太棒 不错 有意思 厉害 测试 随便 加油 抱歉 对不起 不好意思 没关系 不客气"
    ),
    "心情": "好 累 困 饿 开心 难过 烦 无聊 高兴 忙 冷 热 郁闷 生气 尴尬 晕",
    "TAKES BACK": "其实 不对 不是 不是的 不 错了 说错了 我说错了 更正 更正一下 纠正一下",
    "是不是": "是不是 有没有 能不能 会不会 可不可以 记不记得 知不知道 对不对",
    "什么": (
        "什么 啥 谁 哪里 哪儿 哪个 哪些 哪年 哪天 哪种 哪位 哪家 哪国 多少 多大 多久 几岁 "
        "几点 几号 星期几 周几 怎么 怎样 为何"
    ),
    "时候": (
        "现在 目前 今年 去年 前年 明年 最近 刚 刚刚 平时 一直 以前 已经 正在 正 曾经 其实 "
        "个人 一般 通常 经常 总是 每天 每周 每月 每年 每晚 每早 早上 晚上 中午 从来 从小 "
        "小时候 也 还 都 更 就 只 很 非常 特别 最 超 超级 比较 挺 不 不太 不再 再也不 没 想 "
        "要 打算 希望 准备 在 开始 \\d{4}年"
    ),
    "喜欢": (
        "喜欢 热爱 爱吃 爱喝 爱玩 爱看 爱听 爱用 爱好 讨厌 偏好 偏爱 习惯 害怕 怕 受不了 "
        "擅长 精通 熟悉 对.{1,15}过敏 对.{1,15}感兴趣"
    ),
    "做": (
        "住 来自 搬 出生 生于 毕业 学 读[书过的博研] 大学 专业 用 使用 会[说弹写做开游用修] "
        "养 有[一两二三四五六七八九十\\d] 没有 开始 结婚 离婚 单身 负责 从事 做 写 带 管理 "
        "吃 喝 跑步 健身 游泳 属[鼠牛虎兔龙蛇马羊猴鸡狗猪] 戒 买了 换了 加入 入职 辞职 退休 "
        "怀孕 听 看 练 打 踢 弹 玩 考 教 创业 "
        "在.{1,25}(?:工作|上班|上学|读书|长大|生活|实习|做|当|负责)"
    ),
    "亲友": (
        "老婆 妻子 太太 爱人 老公 丈夫 女朋友 男朋友 女友 男友 对象 儿子 女儿 孩子 宝宝 妈妈 "
        "妈 爸爸 爸 母亲 父亲 爷爷 奶奶 外公 外婆 姐姐 姐 妹妹 妹 哥哥 哥 弟弟 弟 家人 家里 "
        "家 狗 猫 宠物 朋友 同事 老板 领导 室友 同学 公司 团队 部门"
    ),
    "属性": (
        "生日 电话 手机号 邮箱 地址 血型 星座 专业 职业 工作 爱好 英文名 昵称 小名 母语 老家 "
        "家乡 时区 最喜欢的.{1,8}?"
    ),
    "EVENT": (
        "开会 会议 例会 见面 面试 考试 截止 到期 航班 飞往 出差 旅行 旅游 聚会 聚餐 婚礼 "
        "发布 上线 演示 评审 看病 医生 手术 体检 演唱会 比赛 决定 讨论 签了 签约 提到 完成 "
        "交付 出发 入职 离职 放假 培训 汇报 拜访 约了 约好 预约 开始 结束"
    ),
    "DATE": (
        "\\d{2,4}年\\d{1,2}月 "
        "[\\d一二三四五六七八九十]{1,3}月[\\d一二三四五六七八九十]{1,3}[日号] "
        "大?[昨前今明后]天 [今明昨][早晚] [上下这本]个?(?:周|星期|礼拜|月) "
        "(?<!每)(?:周|星期|礼拜)[一二三四五六日天末] [上下]午 "
        "(?:\\d{1,2}|[二两三四五六七八九]|十[一二]?)点 \\d+[天周][前后]"
    ),
}


def _any(*lists: str) -> str:
    """Any one of the words of these lists, the longest first; `_` stands for a space."""
    words = sorted(" ".join(lists).split(), key=len, reverse=True)
    return "(?:" + "|".join(word.replace("_", " ") for word in words) + ")"


WORDS = {
    name: _any(_ENGLISH.get(name, ""), _CHINESE.get(name, "")) for name in {**_ENGLISH, **_CHINESE}
}
# Repeats are bounded: words that are part of each other ("do not", "do") must not let a long
# line of them take exponential time.
WORDS["PLEASE"] = (
    "(?:please |pls |(?:can|could|would|will) you |i want you to |i'd like you to |just )*"
)
WORDS["请"] = "(?:请|麻烦|拜托|帮我|帮忙|你|要|可以|能|给我|务必|一定)*"
WORDS["I"] = rf"i(?:'ve| have)? (?:{WORDS['OFTEN']} ){{0,4}}"
WORDS["I AM"] = rf"i(?:'m| am|m) (?:{WORDS['OFTEN']} ){{0,4}}"
WORDS["我"] = rf"我们?(?:{WORDS['时候']}){{0,4}}"
WORDS["DATE"] = (
    r"(?:\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b"
    rf"|\b{WORDS['MONTH']}\.? \d{{1,2}}\b|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {WORDS['MONTH']}\b"
    r"|\b(?:yesterday|today|tomorrow|tonight)\b|\bthis (?:morning|afternoon|evening)\b"
    rf"|\b(?:next|last|this|on|by|until|before) (?:week|weekend|month|{WORDS['DAY']})\b"
    rf"|\bin {WORDS['SOME']} (?:hour|day|week|month)s?\b"
    rf"|\b{WORDS['SOME']} (?:day|week|month)s? ago\b"
    rf"|\bat \d{{1,2}}(?::\d\d| ?am| ?pm| o'clock)\b|{WORDS['DATE']})"
)

_TRADITIONAL = (
    "記請歡嗎麼誰幾愛習慣學開發園師會議約講說討厭別刪這個們養貓團隊專業職員來從歲對離謝還"
    "點鐘號週現間過實錯為麗單電郵話樂後裡兒樣訴關聽買車寫畫讀書彈戀與國東動樓聯繫應該結賽"
    "產線醫聞"
)
_SIMPLIFIED = (
    "记请欢吗么谁几爱习惯学开发园师会议约讲说讨厌别删这个们养猫团队专业职员来从岁对离谢还"
    "点钟号周现间过实错为丽单电邮话乐后里儿样诉关听买车写画读书弹恋与国东动楼联系应该结赛"
    "产线医闻"
)
_FOLD = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **str.maketrans(_TRADITIONAL, _SIMPLIFIED),
    **str.maketrans("’‘。、", "''.,"),
}


def fold(text: str) -> str:
    """Full-width signs and common traditional characters made simple, one character for one, so
    that what a pattern finds is at the same place in the person's own words."""
    return text.translate(_FOLD)
