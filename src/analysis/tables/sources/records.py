"""Read one doubtful record: quotes within fields, line breaks within quotes, broken lines.

Quoting follows RFC 4180; a quote inside an unquoted field is a character.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.tables.sources.lines import MAXIMUM_LENGTH, decodes

#: A record of more lines than this has an opening quote that nothing closes.
MAXIMUM_LINES = 100

OPEN = "open"
UNCLOSED = "a quote is opened and never closed"
_AFTER_QUOTE = "text follows a closing quote"
_LOOSE_BREAK = "a line break stands outside quotes"


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Parameters
    ----------
    delimiter
        One character, or ``whitespace`` for any run of blanks.
    width
        Fields in a record.
    encoding
        Name of the file's encoding, for the reason given where it does not hold.
    """

    delimiter: str
    width: int
    encoding: str = "utf-8"

    @property
    def separator(self) -> str:
        """Return the character between fields once runs of blanks are made commas."""
        return "," if self.delimiter == "whitespace" else self.delimiter

    def parse(self, text: bytes) -> tuple[list[str], str]:
        """Return the fields and an empty reason, or the reason why there is no record."""
        source = io.StringIO(text.decode("utf-8"), newline="")
        csv.field_size_limit(MAXIMUM_LENGTH)
        try:
            rows = list(csv.reader(source, delimiter=self.separator, strict=True))
        except csv.Error as error:
            return [], _csv_reason(str(error))
        if len(rows) != 1:
            return [], _LOOSE_BREAK
        if len(rows[0]) != self.width:
            return [], f"it has {len(rows[0])} fields where the header has {self.width}"
        return rows[0], ""

    def reach(self, text: bytes, more: Sequence[bytes]) -> tuple[list[str], int | None]:
        """Return the record that ``text`` opens and how many of the lines in ``more`` it needs.

        0: the quote is closed by something that is no record. None: it is not closed at all.
        """
        quotes = text.count(b'"')
        for taken, line in enumerate(more, start=1):
            text, quotes = text + b"\n" + line, quotes + line.count(b'"')
            if problem(line, self.encoding) or len(text) > MAXIMUM_LENGTH:
                return [], 0
            fields, reason = self.parse(text) if quotes % 2 == 0 else ([], OPEN)
            if not reason:
                return fields, taken
            if reason != OPEN:
                return [], 0
        return [], None


def problem(line: bytes, encoding: str) -> str:
    """Return why a line is no text at all; empty if it is."""
    if len(line) > MAXIMUM_LENGTH:
        return f"the line is longer than {MAXIMUM_LENGTH:,} characters"
    if b"\0" in line:
        return "the line holds a NUL byte"
    if not decodes(line):
        return f"the line is not valid {encoding.upper()}"
    return ""


def cells(line: bytes, delimiter: str) -> list[str]:
    """Return the fields of one line, such as the header, as they stand."""
    text = line.decode("utf-8", "replace")
    if delimiter == "whitespace":
        return text.split()
    return next(csv.reader([text], delimiter=delimiter), [])


def guess_delimiter(line: bytes) -> str:
    """Return the delimiter that cuts the header ``line`` into most fields; comma if none does."""
    candidates = [",", ";", "\t", "|"]
    return max(candidates, key=lambda d: (len(cells(line, d)), -candidates.index(d)))


def _csv_reason(said: str) -> str:
    if "unexpected end" in said:
        return OPEN
    return _LOOSE_BREAK if "new-line" in said else _AFTER_QUOTE
