"""What simulated customers write: phrases by language, topic and mood, and what names a person."""

from __future__ import annotations

#: Languages and moods of a text.
LANGUAGES = ("en", "zh")
GLAD, MIXED, SORRY = "glad", "mixed", "sorry"

#: Reviews: by language, topic and mood. ``defect`` is what only broken goods are said to have.
REVIEWS: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "en": {
        "quality": {
            GLAD: ("Excellent quality, very happy with it.", "Really well made, I love it."),
            MIXED: (
                "The quality is all right, nothing more.",
                "It does what it should, just about.",
            ),
            SORRY: ("Poor quality, I am disappointed.", "Cheaply made and not worth keeping."),
        },
        "value": {
            GLAD: ("Great value for the money.", "A fair price, I would buy it again."),
            MIXED: ("The price is okay for what it is.", "Neither cheap nor expensive."),
            SORRY: ("Far too expensive for what it is.", "Not worth the money at all."),
        },
        "packaging": {
            GLAD: ("It came well packed and looked lovely.", "Nice packaging, a good present."),
            MIXED: ("The box was a little dented, otherwise fine.", "Packaging could be simpler."),
            SORRY: ("The box arrived crushed and dirty.", "Awful packaging, half of it spilled."),
        },
        "defect": {
            SORRY: (
                "It broke after two days, clearly defective.",
                "Stopped working at once, the seam was broken.",
                "Arrived broken, I sent the faulty thing back.",
            )
        },
    },
    "zh": {
        "quality": {
            GLAD: ("质量非常好，我很喜欢。", "做工精致，非常满意。"),
            MIXED: ("质量一般，还可以。", "马马虎虎，能用。"),
            SORRY: ("质量太差了，很失望。", "做工粗糙，后悔买了。"),
        },
        "value": {
            GLAD: ("价格实惠，性价比很高。", "物美价廉，下次还会买。"),
            MIXED: ("价格还行，不算便宜。", "一分钱一分货吧。"),
            SORRY: ("价格太贵，根本不值。", "太贵了，完全不划算。"),
        },
        "packaging": {
            GLAD: ("包装很好看，送人很合适。", "包装严实，完好无损。"),
            MIXED: ("包装有点压坏，东西没事。", "包装可以简单一些。"),
            SORRY: ("包装破了，又脏又乱。", "盒子压扁了，里面洒了一半。"),
        },
        "defect": {
            SORRY: (
                "用了两天就坏了，明显有缺陷。",
                "一打开就是坏的，只好退货。",
                "刚用就断裂，次品。",
            )
        },
    },
}

#: What a review may begin with, by language and mood, and end with, whatever the mood.
OPENINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        GLAD: ("", "", "Wonderful!", "Just what I needed.", "Very pleased.", "Five stars from me."),
        MIXED: ("", "", "So so.", "Well.", "Not bad, not great.", "Average."),
        SORRY: ("", "", "Never again.", "What a letdown.", "Very annoyed.", "Sadly not good."),
    },
    "zh": {
        GLAD: ("", "", "太棒了！", "很好，", "五星好评。", "超出预期，"),
        MIXED: ("", "", "一般般，", "凑合，", "还行吧，", "中规中矩，"),
        SORRY: ("", "", "差评！", "再也不买了，", "很生气，", "上当了，"),
    },
}
ENDINGS = {
    "en": ("", "", "", "Bought it for my daughter.", "I use it every day.", "My second order here.",
           "It was for the kitchen.", "Ordered on a Sunday."),
    "zh": ("", "", "", "给女儿买的。", "每天都在用。", "第二次下单。",
           "放在厨房里。", "周日下的单。"),
}  # fmt: skip

#: Complaints: by language and topic, in the order of ``survey_answers.TOPICS``.
COMPLAINTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "en": (
        ("The delivery came late.", "My parcel arrived days after the promised date."),
        (
            "The price at the till was not the price on the shelf.",
            "I was charged more than the price tag said.",
        ),
        ("The quality was poor.", "The goods were of bad quality and I want my money back."),
        ("The staff was unfriendly.", "Nobody of the staff helped me, they were rude."),
    ),
    "zh": (
        ("快递送货太晚了。", "包裹比承诺的日期晚了好几天才到。"),
        ("收银台的价格和标价不一样。", "多收了我的钱，和标签价格不符。"),
        ("商品质量很差。", "东西质量不好，我要退款。"),
        ("店员态度很差。", "工作人员不理人，服务态度恶劣。"),
    ),
}

#: Why customers say that they left, and what interviews turn on; shares of each.
LEAVING: dict[str, float] = {"price": 0.35, "competitor": 0.25, "moved": 0.20, "service": 0.20}
EXITS: dict[str, dict[str, str]] = {
    "en": {
        "price": "Your prices have become too high for me.",
        "competitor": "I found another shop that suits me better.",
        "moved": "We moved away and there is no store nearby.",
        "service": "I was not treated well by your service.",
    },
    "zh": {
        "price": "你们的价格对我来说太高了。",
        "competitor": "我找到了更适合我的另一家店。",
        "moved": "我们搬家了，附近没有门店。",
        "service": "你们的服务让我很不满意。",
    },
}
INTERVIEW = {
    "en": "We talked for half an hour about shopping here. The range is what keeps me, queues "
    "on Saturdays are what annoys me, and I would like the app to remember my list.",
    "zh": "我们聊了半个小时购物的事。商品种类多是我来的原因，周六排队最烦人，"
    "希望应用能记住我的清单。",
}

#: Texts that hold nothing a model could read: an emoji, one character, nothing.
BARE = ("👍", ".", "")

#: What names a person, none of them real: (sentence, what must not be seen of it).
PERSONAL: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("My name is {first} {last}.", "{first} {last}"),
        ("Please write to {mail}.", "{mail}"),
        ("Call me on {phone}.", "{phone}"),
        ("I live at {house} Garden Street, 10115 Berlin.", "{house} Garden Street"),
        ("I paid with card 4111 1111 1111 {card}.", "4111 1111 1111 {card}"),
        ("Order number {order}.", "{order}"),
    ),
    "zh": (
        ("我叫{name}。", "{name}"),
        ("邮箱是{mail}。", "{mail}"),
        ("请打电话{mobile}。", "{mobile}"),
        ("地址是上海市徐汇区漕溪路{house}号。", "漕溪路{house}号"),
        ("卡号622202000000{card}。", "622202000000{card}"),
        ("订单号{order}。", "{order}"),
    ),
}
FIRST = ("Anna", "Peter", "Maria", "Thomas", "Sofia", "Lukas", "Emma", "Jonas")
LAST = ("Schmidt", "Keller", "Novak", "Rossi", "Bauer", "Lindner", "Martens", "Vogel")
NAMES_ZH = ("王小明", "李静怡", "张伟强", "刘芳", "陈建国", "杨丽华", "赵文博", "黄晓燕")
