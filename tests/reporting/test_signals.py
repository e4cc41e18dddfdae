"""Ending in good order when asked to."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from analysis.reporting.runner.terminal import Stopped, stoppable, unstoppable


def send(signum: signal.Signals) -> None:
    os.kill(os.getpid(), signum)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_becomes_an_exception_and_handlers_are_put_back(signum: signal.Signals) -> None:
    before = signal.getsignal(signum)
    with pytest.raises(Stopped) as stop, stoppable():
        send(signum)
    assert stop.value.exit_code == 128 + signum
    assert str(stop.value) == signum.name
    assert signal.getsignal(signum) == before


def test_a_second_signal_does_not_disturb_the_cleaning_up() -> None:
    cleaned = []

    def work() -> None:
        try:
            send(signal.SIGTERM)
        finally:
            send(signal.SIGINT)
            cleaned.append(True)

    with pytest.raises(Stopped, match="SIGTERM"), stoppable():
        work()
    assert cleaned == [True]


def test_a_library_that_reports_the_interruption_as_an_error_of_its_own_is_stopped() -> None:
    """DuckDB turns the handler's exception into ``RuntimeError: Query interrupted``."""

    def query() -> None:
        try:
            send(signal.SIGTERM)
        except Stopped as stop:
            raise RuntimeError("Query interrupted") from stop

    with pytest.raises(Stopped, match="SIGTERM"), stoppable():
        query()


def test_an_error_without_a_signal_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError), stoppable():
        _ = 1 / 0


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            send(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_must_be_whole_is_not_interrupted() -> None:
    """Not even when another thread could take the signal."""
    done = []
    other = threading.Event()
    thread = threading.Thread(target=other.wait)
    thread.start()
    before = signal.getsignal(signal.SIGTERM)
    try:
        with stoppable(), unstoppable():
            send(signal.SIGTERM)
            done.append("first rename")
            done.append("second rename")
    finally:
        other.set()
        thread.join()
    assert done == ["first rename", "second rename"]
    assert signal.getsignal(signal.SIGTERM) == before
