"""Whether the engine understands a regular expression or a date format, asked before it is used.

Python's words for both know more than the engine does (back references, look-ahead, some
directives); a mapping that uses those is refused by name instead of failing at its first row.
"""

from __future__ import annotations

import functools
import re

from analysis.tables.spilling import spill_path

#: A directive of strptime, such as %d or %-d.
_DIRECTIVE = re.compile(r"%-?[A-Za-z]")


def pattern_problem(pattern: str) -> str:
    """Return why ``pattern`` cannot be used as a regular expression; empty if it can."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{pattern!r} is no regular expression: {error}"
    said = _said_by_engine("regexp_matches('a', {})", pattern)
    if not said:
        return ""
    return (
        f"{pattern!r} uses what the engine's regular expressions lack, such as back references "
        f"and look-ahead ({said})"
    )


def date_format_problem(form: str) -> str:
    """Return why ``form`` is no format of dates; empty if it is one."""
    if not _DIRECTIVE.search(form):
        return f"{form!r} is no format of dates: write one such as %d/%m/%Y %H:%M"
    said = _said_by_engine("try_strptime('1', {})", form)
    return f"{form!r} is no format of dates that the engine knows ({said})" if said else ""


@functools.cache
def _said_by_engine(call: str, word: str) -> str:
    import duckdb

    quoted = "'" + word.replace("'", "''") + "'"  # a bound value would import pandas
    try:
        with duckdb.connect(
            config={"threads": 1, "temp_directory": str(spill_path())}
        ) as connection:
            connection.execute(f"SELECT {call.format(quoted)}").fetchall()
    except (duckdb.Error, UnicodeEncodeError, RuntimeError) as error:
        return " ".join(str(error).partition("\n")[0].split())
    return ""
