"""In which currency an amount is: by a column of the file, or by the sign beside the amount.

Amounts of two currencies are never added up: those of another than the study's are refused, left
out by name, or converted at the rates that the mapping states.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import ibis
from pydantic import Field, model_validator

from analysis.ingest.mapping.file_mapping import Strict
from analysis.tables.engine import builtin

#: The currencies that a sign, or a short name, may stand for; of others the code itself.
SIGNS: dict[str, tuple[str, ...]] = {
    "£": ("GBP", "EGP", "GIP"), "€": ("EUR",), "¥": ("JPY", "CNY"), "￥": ("CNY", "JPY"),
    "元": ("CNY", "TWD", "HKD"), "円": ("JPY",), "RMB": ("CNY",), "₹": ("INR",),
    "Rs": ("INR", "PKR", "LKR", "NPR", "MUR"), "₩": ("KRW",), "원": ("KRW",), "₽": ("RUB",),
    "руб": ("RUB",), "р.": ("RUB", "BYN"), "₺": ("TRY",), "TL": ("TRY",), "₴": ("UAH",),
    "грн": ("UAH",), "₪": ("ILS",), "₫": ("VND",), "฿": ("THB",), "₦": ("NGN",), "₱": ("PHP",),
    "kr": ("SEK", "NOK", "DKK", "ISK"), "zł": ("PLN",), "Kč": ("CZK",), "Rp": ("IDR",),
    "Fr": ("CHF",), "Ft": ("HUF",), "RM": ("MYR",), "lei": ("RON", "MDL"), "R$": ("BRL",),
    "US$": ("USD",), "A$": ("AUD",), "C$": ("CAD",), "CA$": ("CAD",), "AU$": ("AUD",),
    "NZ$": ("NZD",), "HK$": ("HKD",), "NT$": ("TWD",), "S$": ("SGD",), "MX$": ("MXN",),
}  # fmt: skip
#: Currencies whose own sign is a bare ``$``.
DOLLARS = (
    *("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU"),
    *("JMD", "BBD", "TTD", "BSD", "BZD", "FJD", "NAD", "GYD", "SRD", "XCD"),
)
_SIGN = r"[A-Z]{0,3}\$|[£€¥￥₹₩₽₺₴₪₫฿₦₱元円원]|[A-Z]{3}|kr|zł|Kč|Rp|Rs|Fr|Ft|RM|lei|TL|руб|р\.|грн"


class Currency(Strict):
    """In which currency the amounts of a row are; a plain text is the name of a column.

    Without ``column`` it is the sign beside the amount. ``rates`` say what one unit is worth in
    the study's currency, by what stands in the column or by the sign. Rows of currencies without a
    rate are rejected, or with ``others: drop`` left out by name.
    """

    column: str | None = None
    rates: dict[str, Annotated[Decimal, Field(gt=0)]] = Field(default_factory=dict)
    others: Literal["reject", "drop"] = "reject"

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value


def own_words(currency: str) -> tuple[str, ...]:
    """Return the code of a currency and the signs that may stand for it, capital ones too."""
    signs = [sign for sign, codes in SIGNS.items() if currency in codes]
    words = (currency, *signs, *(["$"] if currency in DOLLARS else []))
    return (*words, *(word.upper() for word in words))


def sign_in(amounts: list[tuple[ibis.Value, ibis.Value]]) -> ibis.Value:
    """Return the sign or code of a currency in a row's amounts, the first of them that has one.

    Parameters
    ----------
    amounts
        What stands there, and the number that it was read as; what is no number has no currency.
    """
    found = builtin("regexp_extract", ("string", "string"), "string")
    signs = [
        read.notnull().ifelse(found(text, _SIGN), "").nullif("")
        for text, read in amounts
        if text.type().is_string()
    ]
    return ibis.coalesce(*signs, ibis.literal(""))


def foreign(word: ibis.Value, stated: Currency, own: str) -> ibis.Value:
    """Tell whether what names a row's currency is neither the study's nor one with a rate."""
    known = ("", *own_words(own), *stated.rates, *(key.upper() for key in stated.rates))
    return word.notin(known).fill_null(False)


def rate(word: ibis.Value, stated: Currency) -> ibis.Value | None:
    """Return what one unit of a row's currency is worth in the study's; None without rates."""
    if not stated.rates:
        return None
    rates = [
        (word.isin((key, key.upper())), ibis.literal(str(r)).cast("decimal(18, 6)"))
        for key, r in stated.rates.items()
    ]
    return ibis.cases(*rates, else_=ibis.literal("1").cast("decimal(18, 6)"))
