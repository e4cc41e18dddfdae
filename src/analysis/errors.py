"""Errors that a person can act on.

Each names the file, row or key at fault, what was expected there, and how to mend it. The
command line turns them into one sentence and an exit code; a notebook shows the sentence.
"""


class AnalysisError(Exception):
    """Anything this package refuses to do, said in one actionable sentence."""

    exit_code = 1


class ParamsError(AnalysisError):
    """A params file, an override or a command is wrong."""

    exit_code = 2


class DataError(AnalysisError):
    """A source or canonical table cannot be used as it stands."""

    exit_code = 3


class NotApplicable(AnalysisError):  # noqa: N818 (nothing went wrong)
    """The study lacks a table or a span of time that this analysis needs; nothing is broken."""

    exit_code = 0
