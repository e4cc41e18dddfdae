"""End in good order when asked to."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked this process to end; no handler of mere errors may catch it."""

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(signal.Signals(signum).name)

    @property
    def exit_code(self) -> int:
        """The exit code that a shell expects."""
        return 128 + self.signum


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` at the first signal to end, and ignore others while it cleans up.

    A library that is interrupted may report an error of its own, as DuckDB does; that is
    `Stopped` all the same. A signal that was ignored before, as hang-ups are below nohup, stays
    ignored.
    """
    received: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        received.append(signum)
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signum)

    handlers = {each: signal.getsignal(each) for each in _STOPS}
    before = {each: kept for each, kept in handlers.items() if kept is not signal.SIG_IGN}
    for each in before:
        signal.signal(each, stop)
    try:
        yield
    except Exception as error:
        if received:
            raise Stopped(received[0]) from error
        raise
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def unstoppable() -> Iterator[None]:
    """Ignore signals to end: what is inside is short, and the end of the work.

    Blocking them for this thread would not do; a library's thread would take them.
    """
    before = {each: signal.signal(each, signal.SIG_IGN) for each in _STOPS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
