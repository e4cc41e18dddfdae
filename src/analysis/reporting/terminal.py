"""What a run says on the terminal, and in the scheduler's mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

from analysis.reporting.status import Status

if TYPE_CHECKING:
    from analysis.tables.ingest import IngestResult

_WORDS = {
    "done": "done",
    "cached": "cached",
    "incomplete": "PARTLY",
    "failed": "FAILED",
    "not_applicable": "no data",
    "left_out": "left out",
}


class Terminal:
    """Lines of progress on a stream; on a real terminal also the cells of what is running.

    Parameters
    ----------
    stream
        Where to write.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._shown = ""

    def line(self, text: str) -> None:
        """Write a line."""
        self._clear()
        print(text, file=self._stream, flush=True)

    def ingested(self, result: IngestResult) -> None:
        """Say whether the data are new, and how much there are."""
        how = "as before" if result.skipped else f"read in {result.seconds:.1f} s"
        rows = f"{sum(result.manifest.rows.values()):,} rows in {len(result.manifest.rows)} tables"
        for sentence in result.mended:
            self.line(f"  {'mended':<9} {sentence}")
        self.line(f"  {'data':<9} {rows}, {how}")

    def starts(self, report: str) -> None:
        """Say that a report starts."""
        self.line(f"  {'start':<9} {report}")

    def goes_on(self, cells: Mapping[str, tuple[int, int]]) -> None:
        """Show the cell that each running report has come to, over the last such line."""
        text = "   ".join(f"{report} {cell}/{of}" for report, (cell, of) in cells.items())
        if self._live and text and text != self._shown:
            self._clear()
            self._stream.write(f"  {text}")
            self._stream.flush()
            self._shown = text

    def ends(self, status: Status) -> None:
        """Say how a report ended."""
        self.line(
            f"  {_WORDS[status.status]:<9} {status.report:<24} {self._facts(status)}".rstrip()
        )

    def notes(self, sentence: str) -> None:
        """Say what was found and worked around."""
        self.line(f"  {'note':<9} {sentence}")

    def _facts(self, status: Status) -> str:
        took = f"{status.seconds:6.1f} s  {status.peak_memory_mb:6.0f} MB"
        if status.status == "done":
            return took
        if status.status in ("failed", "incomplete") and status.seconds:
            return f"{took}  {status.reason}"
        return status.reason

    def _clear(self) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._shown = ""
