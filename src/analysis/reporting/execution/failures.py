"""What an exception that ended a notebook means to the person who reads the index.

Reason and traceback are published, and the message of an exception may quote a row of the data. So
only files, lines and code are kept as they are; of a library's message, the words that are no
values (see `without_values`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from traceback import format_exception
from typing import Any

from analysis import errors
from analysis.errors import AnalysisError
from analysis.reporting.store.run_record import Outcome

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

_MASK = "[…]"
_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|`[^`\n]*`|“[^”\n]*”|‘[^’\n]*’")
#: A word of a message that is no value: small letters, perhaps an apostrophe or a hyphen.
_PLAIN = re.compile(r"[a-z]+(?:['’-][a-z]+)*|[-=<>+*/|&^~]+", re.ASCII)
#: Capitalised words that messages of Python and of the libraries here begin with or are made of.
_OF_LIBRARIES = frozenset(
    """
    a all an array arrays attribute bool binder can cannot catalog column columns constraint
    conversion could data dataframe date datetime decimal dict error errors exception expected
    expecting false float found from if in index input int invalid io length list must nan nat no
    none nonetype not object only operands out parser referenced series shape shapes str string
    table the too true tuple type types unable unknown unsupported value values wrong
    """.split()  # noqa: SIM905
)
#: Lines of a traceback from which on code is shown.
_MARKER = re.compile(
    r"(?:File|Cell|Input) \S.*(?:, in |, line \d+|:\d+)|-{10,}|Traceback \(|\w+ +Traceback \(|"
    r"(?:During handling of|The above exception was) "
)
#: The line from which on an exception's message is shown.
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?::|$)")

#: Longest reason and traceback that an index page should have to show, in characters.
_LONGEST_REASON = 600
_LONGEST_TRACE = 20_000


@dataclass(frozen=True)
class Limits:
    """Time limits in seconds, of one cell and of a whole notebook."""

    cell_seconds: int = 900
    notebook_seconds: int = 1800


@dataclass(frozen=True)
class Ending:
    """How a notebook ended: the outcome, why in one sentence, and the traceback if it has one."""

    status: Outcome
    reason: str = ""
    traceback: str = ""


def explain(error: Exception, *, limits: Limits, cells: int, expired: bool) -> Ending:
    """Return the ending that ``error`` stands for.

    Parameters
    ----------
    error
        What the execution raised: an error of ours before or after it, or one of Papermill,
        nbclient or the file system.
    limits
        The time limits in force.
    cells
        Code cells that had started.
    expired
        Whether the notebook's time limit had passed.
    """
    trace = "".join(format_exception(error))
    where = f"in code cell {cells}" if cells else "before the first cell"
    kind = type(error).__name__
    if expired:
        limit = limits.notebook_seconds
        return _failed(f"The notebook took longer than {limit} seconds; stopped {where}", trace)
    if isinstance(error, AnalysisError):
        return _failed(str(error))
    if kind == "PapermillExecutionError":
        raised: Any = error
        return said_by(raised.ename, raised.evalue, raised.traceback)
    if kind == "CellTimeoutError":
        limit = limits.cell_seconds
        return _failed(f"A cell took longer than {limit} seconds; stopped {where}", trace)
    if kind == "DeadKernelError":
        return _failed(f"The kernel died {where}: it was killed or ran out of memory", trace)
    return _failed(f"{kind}: {_first_line(str(error))} ({where})", trace)


def said_by(name: str, text: str, traceback: Sequence[str]) -> Ending:
    """Return the ending for an exception in a cell, of which only name and text crossed over."""
    code, trace = _masked(_COLOUR.sub("", "\n".join(traceback)))
    ours = getattr(errors, name, None)
    if ours is errors.NotApplicable:
        return Ending("not_applicable", _shortened(text))
    if isinstance(ours, type) and issubclass(ours, AnalysisError):
        return _failed(text, trace)
    return _failed(f"{name}: {without_values(_first_line(text)[:_LONGEST_TRACE], code)}", trace)


def without_values(message: str, code: str) -> str:
    """Return a library's message without what may be a value of the data.

    What stands so in the ``code`` is kept. Else ``[…]`` stands for what is in quotes, for
    words with a figure, a sign or another alphabet in them, and for capitalised ones that are not
    among those that libraries' messages begin with. A name in small letters that nothing marks
    cannot be told from the message's own words.
    """
    quoted = _QUOTED.sub(lambda found: _kept(found[0], code), message)
    masked = re.sub(r"[^\s\[\]()…]+", lambda found: _word(found[0], code), quoted)
    return re.sub(r"\[…\](?:[\s,]+\[…\])+", _MASK, masked)


def _kept(text: str, code: str) -> str:
    bare = text.strip("'\"`“”‘’")
    words = [word.casefold() for word in _WORD.findall(bare)]
    written = re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", code)
    return text if words and (written or _OF_LIBRARIES.issuperset(words)) else _MASK


def _word(text: str, code: str) -> str:
    bare = text.strip(".,:;!?'\"`{}")
    if not bare or _PLAIN.fullmatch(bare):
        return text
    return text.replace(bare, _kept(bare, code))


def _masked(trace: str) -> tuple[str, str]:
    """Return the code that a traceback shows, and the traceback with its messages masked."""
    parts: list[tuple[bool, str]] = []
    is_code = len(trace) <= _LONGEST_TRACE  # else it may begin within a message
    for line in trace[-_LONGEST_TRACE:].splitlines():
        if _MARKER.match(line):
            is_code = True
        elif _RAISED.match(line):
            is_code = False
        parts.append((is_code, line))
    code = "\n".join(line for is_code, line in parts if is_code)
    shown = (line if is_code else _said(line, code) for is_code, line in parts)
    return code, "\n".join(shown)


def _said(line: str, code: str) -> str:
    """Return a line of an exception's message, masked behind the exception's name."""
    named = re.match(r"[\w.]*(?:Error|Exception|Warning|Interrupt|Exit):(?= |$)", line)
    start = named.end() if named else 0
    return line[:start] + without_values(line[start:], code)


def _failed(reason: str, trace: str = "") -> Ending:
    return Ending("failed", _shortened(reason), trace[-_LONGEST_TRACE:])


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} …"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")
