"""The one spelling of what identifies a customer: e-mail, phone, card, name."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pandas as pd


def normalisers(region: str) -> dict[str, Callable[[str], str | None]]:
    """Return, by key, the function that gives a value its one spelling, or None for no value."""
    return {
        "email": email,
        "phone": partial(phone, region=region),
        "card": code,
        "crm_id": code,
        "name": words,
        "birth_date": words,
        "postcode": code,
    }


def email(text: str) -> str | None:
    """Return an e-mail address in lower case; None if it cannot be one."""
    plain = text.strip().lower().removeprefix("mailto:")
    return plain if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", plain) else None


def phone(text: str, *, region: str) -> str | None:
    """Return a phone number as E.164; None if it is no possible number."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text.strip().lstrip("'"), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def code(text: str) -> str | None:
    """Return a card or an id without blanks and dashes, in upper case; None if nothing is left."""
    return re.sub(r"[\s\-_/.]", "", text).upper() or None


def words(text: str) -> str | None:
    """Return words in lower case with single blanks."""
    return " ".join(text.casefold().split()) or None


def spelled_alike(values: pd.Series, spelling: Callable[[str], str | None]) -> pd.Series:
    """Return the values in their one spelling; None where there is none."""
    return values.map({v: spelling(str(v)) for v in values.dropna().unique()})
