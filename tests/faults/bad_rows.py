# ruff: noqa: E501 (one kind a line)
"""Kinds of bad, odd and merely unusual rows, each with what must become of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of row.

    ``text`` is what stands in the file (bytes where it is no valid UTF-8), ``reason`` why the row
    is rejected, ``rule`` by which it is dropped; neither: it is accepted, with ``expect`` among
    its values.
    """

    name: str
    text: str | bytes
    reason: str = ""
    rule: str = ""
    expect: tuple[tuple[str, object], ...] = ()

    @property
    def line(self) -> bytes:
        return self.text if isinstance(self.text, bytes) else self.text.encode()


def _row(**given: str) -> str:
    """A good row with some fields as given."""
    fields = {
        "id": "1001",
        "customer": "C1",
        "sku": "SKU1",
        "when": "2024-03-01 10:00",
        "qty": "2",
        "price": "9.99",
        "note": "ok",
    }
    return ",".join({**fields, **given}.values())


NOT_A_NUMBER = "qty is not a number"
NO_PRICE = "price is not a number"
NO_TIME = "when is not a time in the format stated"
YEARS = "ordered_at lies outside the years 1900 to 2199"
RTL = "\u202eשלום מرحبا\u202c"

KINDS = (
    Kind("ragged, too short", "1001,C1,SKU1", "it has 3 fields where the header has 7"),
    Kind("ragged, too long", _row() + ",more", "it has 8 fields where the header has 7"),
    Kind("text after a quote", _row(note='"ok"x'), "text follows a closing quote"),
    Kind("a quote within a field", _row(note='12" pipe')),
    Kind("doubled quotes", _row(note='"a ""fine"" one"')),
    Kind("a line break in quotes", _row(note='"two\nlines"')),
    Kind("a delimiter in quotes", _row(customer='"C,1"'), expect=(("customer_id", "C,1"),)),
    Kind("a NUL byte", _row(note="a\0b"), "the line holds a NUL byte"),
    Kind("bytes of another encoding", _row(note="caf").encode() + b"\xe9", "the line is not valid UTF-8"),
    Kind("a lone surrogate", _row(note="x").encode() + b"\xed\xa0\x80", "the line is not valid UTF-8"),
    Kind("an overlong sequence", _row(note="x").encode() + b"\xc0\x80", "the line is not valid UTF-8"),
    Kind("a stray carriage return", _row(note="a\rb"), "a line break stands outside quotes"),
    Kind("an empty line", "", rule="blank line"),
    Kind("a line of blanks", " \t  ", rule="blank line"),
    Kind("nothing but delimiters", ",,,,,,", rule="blank line"),
    Kind("nothing but delimiters and blanks", " , ,,,,, ", "order_id is missing"),
    Kind("not a number: NaN", _row(qty="NaN"), NOT_A_NUMBER),
    Kind("infinity", _row(qty="inf"), NOT_A_NUMBER),
    Kind("minus infinity", _row(qty="-Infinity"), NOT_A_NUMBER),
    Kind("a number in words", _row(qty="two"), NOT_A_NUMBER),
    Kind("a number beyond all bounds", _row(qty="1e400"), NOT_A_NUMBER),
    Kind("hexadecimal", _row(qty="0x1F"), NOT_A_NUMBER),
    Kind("two signs", _row(qty="--5"), NOT_A_NUMBER),
    Kind("a decimal comma where a point is meant", _row(price='"9,99"'), NO_PRICE),
    Kind("thousands cut wrongly", _row(price='"1,23,4.5"'), NO_PRICE),
    Kind("thousands separators", _row(qty='"1,234"'), expect=(("quantity", 1234.0),)),
    Kind("a currency sign", _row(price="£9.99"), expect=(("net_amount", "19.98"),)),
    Kind("a currency code", _row(price="GBP 9.99"), expect=(("net_amount", "19.98"),)),
    Kind("a negative price", _row(price="-9.99"), expect=(("net_amount", "-19.98"),)),
    Kind("brackets for minus", _row(price="(9.99)"), expect=(("net_amount", "-19.98"),)),
    Kind("the sign behind", _row(price="9.99-"), expect=(("net_amount", "-19.98"),)),
    Kind("full-width digits", _row(price="９．９９"), expect=(("net_amount", "19.98"),)),
    Kind("a number as text", _row(qty='"2"'), expect=(("quantity", 2.0),)),
    Kind("odd blanks around", _row(price="\u00a09.99\u3000"), expect=(("net_amount", "19.98"),)),
    Kind("an amount too large", _row(qty="999999999999", price="999999999999"), "the multiply of columns has no result"),
    Kind("a day that is none", _row(when="2023-02-29 10:00"), NO_TIME),
    Kind("29 February of a leap year", _row(when="2024-02-29 10:00")),
    Kind("month 13", _row(when="2024-13-01 10:00"), NO_TIME),
    Kind("year 1", _row(when="0001-01-01 00:00"), YEARS),
    Kind("year 9999", _row(when="9999-12-31 23:59"), YEARS),
    Kind("an hour that the clocks skip", _row(when="2024-03-31 01:30"), "when does not exist in Europe/London, where the clocks went forward"),
    Kind("an offset that was not announced", _row(when="2024-03-01T10:00:00+02:00"), NO_TIME),
    Kind("a date in another format, stated", _row(when="01/03/2024 10:00"), expect=(("ordered_at", "2024-03-01 10:00:00"),)),
    Kind("a date in words", _row(when="March 1st"), NO_TIME),
    Kind("words that SQL takes for a time", _row(when="epoch"), NO_TIME),
    Kind("no time", _row(when=""), "ordered_at is missing"),
    Kind("no order", _row(id=""), "order_id is missing"),
    Kind("no product", _row(sku="  "), "product_id is missing"),
    Kind("no quantity", _row(qty=""), "quantity is missing"),
    Kind("a guest", _row(customer=""), expect=(("customer_id", None),)),
    Kind("emoji", _row(sku="🧸👩‍👧"), expect=(("product_id", "🧸👩‍👧"),)),
    Kind("right-to-left text", _row(sku=RTL), expect=(("product_id", RTL),)),
    Kind("a name of 10,000 characters", _row(sku="x" * 10_000), expect=(("product_id", "x" * 10_000),)),
    Kind("a cell that looks like a formula", _row(sku="=1+cmd|' /C calc'!A0"), expect=(("product_id", "=1+cmd|' /C calc'!A0"),)),
    Kind("a line separator that is no line end", _row(sku="a\u2028b"), expect=(("product_id", "a\u2028b"),)),
    Kind("a form feed", _row(sku="a\x0cb"), expect=(("product_id", "a\x0cb"),)),
    Kind("a test product", _row(sku="TEST9"), rule="test product"),
)  # fmt: skip
