"""What names a person is masked, in both languages, in little time, and words are left alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.engagement.feedback.masking import LONGEST, KnownNames, mask, masked

SECRETS = [
    ("My name is Anna Schmidt and I am angry.", "Anna Schmidt"),
    ("my name is Nguyen Thi Hoa", "Nguyen"),
    ("Dr. Keller promised a refund.", "Keller"),
    ("I'm Peter O'Brien.", "O'Brien"),
    ("Best regards, Zoë Quill", "Quill"),
    ("Write to anna.schmidt+shop@example.co.uk please", "anna.schmidt"),
    ("mail: anna (at) example.com", "example.com"),
    ("Call +49 30 1234567", "1234567"),
    ("Call 0171-5556677 today", "5556677"),
    ("(555) 123-4567", "123-4567"),
    ("My phone is 030/1234567.", "1234567"),
    ("I live at 12 Garden Street, 10115 Berlin.", "Garden Street"),
    ("Send it to Lindenstraße 45a, 10969 Berlin", "Lindenstraße"),
    ("221B Baker Street", "Baker Street"),
    ("Card 4111 1111 1111 1111 was charged", "4111"),
    ("IBAN DE89 3704 0044 0532 0130 00", "3704"),
    ("Order 70012258 never came", "70012258"),
    ("order no. 4711", "4711"),
    ("I am customer 812", "812"),
    ("order A-20391-77", "20391"),
    ("see https://example.com/me/anna", "example.com"),
    ("我叫王小明，很生气", "王小明"),
    ("姓名：李静怡", "李静怡"),
    ("张先生说会退款", "张先生"),
    ("邮箱是wang@example.com。", "wang@"),
    ("请打电话13812345678", "13812345678"),
    ("电话：138-1234-5678", "1234"),
    ("电话１３８１２３４５６７８", "13812345678"),
    ("地址是上海市徐汇区漕溪路12号", "漕溪路"),
    ("我住在北京市海淀区中关村大街1号", "中关村"),
    ("卡号6222020000001234", "622202"),
    ("订单号70012258还没到", "70012258"),
    ("会员号88", "88"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_what_names_a_person_is_masked(text: str, secret: str) -> None:
    found = mask(text)
    assert secret not in found
    assert "[" in found


@pytest.mark.parametrize(
    "text",
    [
        "Far too expensive for what it is.",
        "The delivery came late on Monday, I am very disappointed.",
        "It cost 19.99 and 2 of 3 broke, 100 % useless.",
        "I am Very Happy with it".lower(),
        "质量很好，用了两天就坏了",
        "价格太贵，高兴不起来",
        "👍",
        ".",
        "",
    ],
)
def test_what_names_nobody_is_left_alone(text: str) -> None:
    assert "[" not in mask(text)


def test_what_is_no_text_counts_as_empty() -> None:
    assert mask(None) == ""
    assert mask(float("nan")) == ""  # type: ignore[arg-type]


def test_the_keys_of_its_own_row_are_masked_however_short() -> None:
    assert mask("I am 77 and 7 is lucky, A7", ["7"]) == "I am 77 and [number] is lucky, A7"
    assert "c.1(x" not in mask("key c.1(x here", ["c.1(x"])


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "1 " * 50_000, "@" * 100_000, "A. " * 33_000, "一" * 100_000, "a.b@" * 25_000,
     "Mr " * 33_000, "号" * 100_000, "+1-" * 33_000, "王先" * 50_000],
)  # fmt: skip
def test_a_text_of_a_hundred_thousand_characters_takes_no_time(text: str) -> None:
    began = time.process_time()
    found = mask(text)
    assert time.process_time() - began < 1
    assert len(found) <= 12 * LONGEST


@settings(max_examples=40)
@given(st.text(max_size=300))
def test_masking_again_changes_nothing_and_no_long_number_stays(text: str) -> None:
    found = mask(text)
    assert mask(found) == found
    assert not any(word.isascii() and word.isdigit() and len(word) >= 5 for word in found.split())


@given(
    st.sampled_from(["My name is {} and", "我是。Mr {},", "Regards, {}"]),
    st.sampled_from(["Anna Schmidt", "Zhang Wei", "Jean-Luc Picard"]),
    st.text(alphabet="abc 好！,.😀", max_size=40),
)
def test_a_name_is_found_whatever_stands_around_it(frame: str, name: str, around: str) -> None:
    assert name not in mask(f"{around} {frame.format(name)} {around}")


def test_a_lone_name_of_a_customer_is_masked_and_words_are_left() -> None:
    """First name, family name or both; in any case; Chinese with and without the surname."""
    texts = [
        "zuleika was not amused", "Zuleika again", "asked for Quillfeather’s parcel", "我是晓棠",
        "陆晓棠收到了", "will it last", "it will", "will do", "i will", "they will come", "Will!",
        "很美丽的杯子", "美丽", "真美丽", "颜色美丽", "美丽极了", "李美丽说的", "[name] of Box",
    ]  # fmt: skip
    names = KnownNames.of(["Zuleika Quillfeather", "Will Box", "陆晓棠", "李美丽", None], texts)
    said = masked(texts, [()] * len(texts), names)
    assert said[:6] == [
        "[name] was not amused", "[name] again", "asked for [name]’s parcel", "我是[name]",
        "[name]收到了", "will it last",
    ]  # fmt: skip
    assert said[10:12] == ["Will!", "很美丽的杯子"]
    assert said[16:] == ["[name]说的", "[name] of [name]"]
    assert mask("zuleika") == "zuleika"


def test_many_names_take_little_time() -> None:
    names = KnownNames.of((f"Name{chr(97 + i % 26)}{chr(97 + i // 26 % 26)} Fam{i % 97}" for i in
                           range(100_000)), [])  # fmt: skip
    began = time.perf_counter()
    masked(["A long text without any of them. " * 20] * 200, [()] * 200, names)
    assert time.perf_counter() - began < 5
