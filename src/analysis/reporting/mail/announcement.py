"""After a run: judge its alerts, write its mail, send it, and keep what was told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from analysis.errors import ParamsError
from analysis.params import StudyParams
from analysis.reporting.alerts import alert_book
from analysis.reporting.alerts.alert_book import AlertBook
from analysis.reporting.alerts.evidence import Evidence, read_evidence
from analysis.reporting.mail.edition import edition, write_edition
from analysis.reporting.mail.smtp_sending import Delivery, MailSettings, mail_settings, send
from analysis.reporting.store.layout import RunFolder, StudyReports
from analysis.reporting.store.run_record import RunRecord

if TYPE_CHECKING:
    from analysis.reporting.runner.dispatch import Console
    from analysis.reporting.runner.run import Request


@dataclass(frozen=True)
class Announcement:
    """The alerts of a run before anybody was told, and what they were judged on."""

    book: AlertBook
    evidence: Evidence


def prepare(
    folder: RunFolder, record: RunRecord, *, params: StudyParams, reports: StudyReports,
    environment: Mapping[str, str], today: date,
) -> Announcement:  # fmt: skip
    """Judge the alerts of a staged run and write them and the mail into its folder."""
    evidence = read_evidence(folder, record)
    before = AlertBook.read(alert_book.book_path(reports), params.study)
    book = alert_book.judged(before, evidence, params.alerts, today)
    book.write(folder.alerts)
    site = environment.get("ANALYSIS_SITE_URL", "")
    write_edition(folder.mail, edition(folder, record, book.news(), site=site))
    return Announcement(book, evidence)


def announce(
    made: Announcement, folder: RunFolder, record: RunRecord, *, reports: StudyReports,
    environment: Mapping[str, str], today: date, always: bool, console: Console,
) -> None:  # fmt: skip
    """Send the mail of a published run and keep what was told.

    Where no server is named, the file of alerts is what tells. What could not be sent is new again
    with the next run.

    Parameters
    ----------
    made
        What `prepare` returned.
    folder, record
        The published run.
    reports
        Where the study's alerts are kept.
    environment
        The environment, which names the server.
    today
        The day, which takes a number of alerts.
    always
        Send the edition without an alert too.
    console
        Told how it ended.
    """
    try:
        settings = mail_settings(environment)
    except ParamsError as error:
        console.notes(f"the mail was not sent: {error}")
        return
    wanted = settings is not None and (bool(made.book.new) or (always and not settings.only_alerts))
    delivery = _delivered(made, folder, record, settings) if settings and wanted else None
    if delivery:
        console.notes(delivery.sentence)
    known = delivery is None or delivery.sent
    book = alert_book.told(made.book, made.evidence, today) if known else made.book
    book.write(alert_book.book_path(reports))


def watch(
    folder: RunFolder, record: RunRecord, request: Request, *, last_day: date | None,
    console: Console,
) -> None:  # fmt: skip
    """Judge the alerts of a published run again, on the day and the data of now.

    Parameters
    ----------
    folder, record
        The newest run, which holds what a run of now would.
    request
        What was asked for.
    last_day
        Last day with an order in the tables of now.
    console
        Told what is sent.
    """
    params, reports, today = request.params, request.reports, request.clock().date()
    evidence = replace(read_evidence(folder, record), as_of=params.as_of, last_day=last_day)
    before = AlertBook.read(alert_book.book_path(reports), params.study)
    made = Announcement(alert_book.judged(before, evidence, params.alerts, today), evidence)
    announce(
        made, folder, record, reports=reports, environment=os.environ, today=today, always=False,
        console=console,
    )  # fmt: skip


def _delivered(
    made: Announcement, folder: RunFolder, record: RunRecord, settings: MailSettings
) -> Delivery:
    message = edition(folder, record, made.book.news(), site=settings.site)
    return send(message, settings)
