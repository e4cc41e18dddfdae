"""Customers known by an e-mail address, a phone number or a name go by a pseudonym.

Pseudonymisation (Article 4(5) of the General Data Protection Regulation): the key is replaced by
its keyed digest, HMAC-SHA-256 (RFC 2104), cut to 96 bits. The secret is the study's own, is kept
beside its tables for its owner alone and is never published, so nobody without it can tell whose
pseudonym it is by trying addresses. Each value is judged and replaced by itself, so a customer has
one pseudonym in all tables, files and sources of the study, today and after the next delivery.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import ibis

from analysis.errors import DataError
from analysis.ingest.mapping.value_mapping import leaves
from analysis.tables.engine import builtin
from analysis.tables.schema import PERSONAL_KEY, customer_columns

if TYPE_CHECKING:
    from analysis.ingest.mapping.model import Mapping

CustomerKey = Literal["auto", "email", "phone", "name", "id"]

SECRET_FILE = ".pseudonyms.key"
_SECRET_BYTES, _BLOCK_BYTES, _DIGITS = 32, 64, 24
PSEUDONYM = rf"^p[0-9a-f]{{{_DIGITS}}}$"
EMAIL = r"^(mailto:)?[^@\s]+@[^@\s]+\.[^@\s]+$"
#: With the code of its country; without one, a number may as well be that of a card.
PHONE = r"^'?\+[\d\s().\-/]{8,}$"
_PHONE_COLUMN = re.compile(
    r"(phone|mobile|telefon|telephone|handy|portable|celular|手机|电话)", re.IGNORECASE
)


def customer_key(mapping: Mapping) -> CustomerKey:
    """Return what a mapping's customer ids are; a column named after phones holds phones."""
    if mapping.customer_key != "auto":
        return mapping.customer_key
    used = [
        str(leaf.column)
        for table in mapping.tables
        for name in customer_columns(table.table)
        if name in table.columns
        for leaf, _ in leaves(table.columns[name], "string")
    ]
    return "phone" if any(map(_PHONE_COLUMN.search, used)) else "auto"


def study_secret(home: Path) -> bytes:
    """Return the secret of the study whose tables are in ``home``, made at its first use.

    Raises
    ------
    DataError
        If the file that holds it is damaged.
    """
    path = home / SECRET_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        half = home / f"{SECRET_FILE}.{os.getpid()}"
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(secrets.token_hex(_SECRET_BYTES) + "\n")
        half.replace(path)
    path.chmod(0o600)  # a copy of the project may have lost it
    text = path.read_text("ascii", errors="replace").strip()
    if not re.fullmatch(rf"[0-9a-f]{{{2 * _SECRET_BYTES}}}", text):
        raise DataError(
            f"{path} is damaged: it should hold {2 * _SECRET_BYTES} hexadecimal digits. Put back a "
            "copy of it; or remove it, and every customer gets a new pseudonym"
        )
    return bytes.fromhex(text)


@dataclass(frozen=True)
class Pseudonyms:
    """Replaces the personal keys of customers.

    Parameters
    ----------
    secret
        The study's secret.
    """

    secret: bytes

    @property
    def label(self) -> str:
        """Something that changes with the secret and does not give it away."""
        return hashlib.sha256(b"pseudonyms\0" + self.secret).hexdigest()[:16]

    def declare(self, connection: Any) -> None:
        """Make ``pseudonym(text)`` known to the engine, so that no query holds the secret."""
        inner, outer = (
            bytes(byte ^ pad for byte in self.secret.ljust(_BLOCK_BYTES, b"\0")).hex()
            for pad in (0x36, 0x5C)
        )
        connection.raw_sql(
            "CREATE OR REPLACE MACRO pseudonym(t) AS 'p' || substr(sha256("
            f"unhex('{outer}') || unhex(sha256(unhex('{inner}') || encode(t)))), 1, {_DIGITS})"
        )

    def applied(self, rows: ibis.Table, table: str, key: CustomerKey) -> ibis.Table:
        """Return the rows of ``table``, its customers under their pseudonyms.

        Parameters
        ----------
        rows
            Rows of a canonical table; the engine must know ``pseudonym`` (`declare`).
        table
            Name of the canonical table.
        key
            What the customer ids are, as ``customer_key`` gives it.

        Returns
        -------
        ibis.Table
            The same; ``customers`` with ``personal_key`` besides, the key that a pseudonym
            stands for.
        """
        names = [name for name in customer_columns(table) if name in rows.columns]
        rows = rows.mutate(**{name: rows[name].nullif("") for name in names})
        if table == "customers":
            own = rows["customer_id"]
            rows = rows.mutate(**{PERSONAL_KEY: _is_personal(own, key).ifelse(own, None)})
        return rows.mutate(**{name: _pseudonym(rows[name], key) for name in names})


def _pseudonym(value: ibis.Value, key: CustomerKey) -> ibis.Value:
    """Return the pseudonym of a personal key, anything else as it is."""
    digest = builtin("pseudonym", ("string",), "string")
    return _is_personal(value, key).ifelse(digest(_folded(value, key)), value)


def _is_personal(value: ibis.Value, key: CustomerKey) -> ibis.Value:
    if key in {"email", "phone", "name"}:
        return value.notnull() & ~value.re_search(PSEUDONYM).fill_null(False)
    personal = value.re_search(EMAIL)
    if key == "auto":
        personal = personal | value.re_search(PHONE)
    return personal.fill_null(False)


def _folded(value: ibis.Value, key: CustomerKey) -> ibis.Value:
    """Return the one spelling of a personal key.

    Case, blanks and the way letters with accents are composed do not tell two people apart; of a
    phone number only the digits count, without the zeros that stand for its plus sign.
    """
    normal = builtin("nfc_normalize", ("string",), "string")
    text = normal(value).re_replace(r"\s+", " ").strip().lower().re_replace("^mailto:", "")
    trunk = r"\(0\)"  # dialled within the country alone
    digits = value.re_replace(trunk, "").re_replace(r"\D", "").re_replace("^00", "").nullif("")
    is_phone = value.re_search(PHONE)
    if key == "phone":
        is_phone = is_phone | ~value.re_search(EMAIL)
    return is_phone.ifelse(digits.fill_null(text), text)
