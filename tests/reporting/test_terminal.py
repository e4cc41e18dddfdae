"""What a run says on a terminal, and what in a scheduler's mail."""

from __future__ import annotations

import io

from analysis.reporting.runner.terminal import Terminal
from analysis.reporting.store.run_record import Status


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def say(stream: io.StringIO) -> str:
    terminal = Terminal(stream)
    terminal.line("Tiny shop")
    terminal.starts("10_a")
    terminal.goes_on({"10_a": (1, 4)})
    terminal.goes_on({"10_a": (1, 4)})
    terminal.goes_on({"10_a": (2, 4), "20_b": (1, 9)})
    terminal.goes_on({})
    terminal.ends(Status("10_a", "done", seconds=12.34, peak_memory_mb=411.6))
    terminal.ends(Status("20_b", "failed", "KeyError: 'x'", seconds=1, peak_memory_mb=90))
    terminal.ends(Status("30_c", "failed", "It needs 20_b."))
    terminal.ends(Status("40_d", "cached", seconds=12.3))
    terminal.ends(Status("50_e", "not_applicable", "No points."))
    terminal.ends(Status("60_f", "left_out", "Not asked for."))
    return stream.getvalue()


LINES = """\
Tiny shop
  start     10_a
  done      10_a                       12.3 s     412 MB
  FAILED    20_b                        1.0 s      90 MB  KeyError: 'x'
  FAILED    30_c                     It needs 20_b.
  cached    40_d
  no data   50_e                     No points.
  left out  60_f                     Not asked for.
"""


def test_a_file_gets_whole_lines_only() -> None:
    assert say(io.StringIO()) == LINES


def test_a_terminal_also_shows_where_it_is_and_wipes_that_out() -> None:
    said = say(Screen())
    wipe = "\r\x1b[K"
    assert said == LINES.replace(
        "  done      10_a", f"  10_a 1/4{wipe}  10_a 2/4   20_b 1/9{wipe}  done      10_a"
    )
