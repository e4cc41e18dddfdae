"""The e-mail edition: the alerts, then the sheet of report 00, in a form that mail clients show.

Tables and inline style alone, no script, nothing from the network; pictures travel inside, with
their words beside them; every character outside ASCII is a numeric reference, since some clients
cut a mail at certain others. The file names no recipient. One picture shows net sales by week.

After a run: judge its alerts, write its mail, send it, and keep what was told.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.errors import AnalysisError, ParamsError
from analysis.params import StudyParams
from analysis.reporting.charts import style
from analysis.reporting.mail import alert_book
from analysis.reporting.mail.alert_book import AlertBook
from analysis.reporting.mail.alert_rules import Alert, Evidence, read_evidence
from analysis.reporting.mail.smtp_sending import Delivery, MailSettings, mail_settings, send
from analysis.reporting.notebook import frames, words
from analysis.reporting.notebook import sheet as sheets
from analysis.reporting.notebook.sheet import Panel
from analysis.reporting.site import templating
from analysis.reporting.site.outline import read_outline
from analysis.reporting.store.layout import RunFolder, StudyReports, stored_table
from analysis.reporting.store.run_record import RunRecord

if TYPE_CHECKING:
    from analysis.reporting.runner.dispatch import Console
    from analysis.reporting.runner.run import Request

_WEEKS = "01_profiling/weeks"

#: Weeks shown: a year and the same weeks of the year before.
_SHOWN = 104


@dataclass(frozen=True)
class Picture:
    """A picture and its words."""

    png: bytes
    alt: str


def picture(folder: RunFolder, record: RunRecord) -> Picture | None:
    """Return the net sales of the last weeks as a picture; None where they are not known."""
    path = stored_table(folder.path, _WEEKS)
    try:
        weeks = frames.load(path) if path else None
    except AnalysisError:  # the mail is worth sending without its picture
        return None
    if weeks is None or len(weeks) < 2:
        return None
    shown = weeks.sort_values("week_start").tail(_SHOWN)
    return Picture(_drawn(shown, record), _alt(shown, record))


def _drawn(weeks: pd.DataFrame, record: RunRecord) -> bytes:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    ax = style.new_axes(width=5.0, height=1.7)
    ax.plot(pd.to_datetime(weeks["week_start"]), weeks["net_amount"], color=style.BLUE)
    ax.set_ylim(bottom=0)
    ax.set_ylabel(f"Net sales, {words.currency_sign(record.params['currency'])}")
    ax.locator_params(axis="y", nbins=3)
    ticks = AutoDateLocator(minticks=3, maxticks=8)
    ax.xaxis.set_major_locator(ticks)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(ticks))
    target = io.BytesIO()
    ax.get_figure(root=True).savefig(  # type: ignore[union-attr]
        target, format="png", dpi=110, facecolor="white", metadata={"Software": None}
    )
    return target.getvalue()


def _alt(weeks: pd.DataFrame, record: RunRecord) -> str:
    first, last = weeks.iloc[0], weeks.iloc[-1]
    days = [words.day(pd.Timestamp(row["week_start"]).date()) for row in (first, last)]
    amounts = [
        words.money(row["net_amount"], 0, record.params["currency"]) for row in (first, last)
    ]
    return (
        f"Net sales by week: {amounts[0]} in the week of {days[0]}, {amounts[1]} in that of "
        f"{days[1]}."
    )


#: Above this, Gmail cuts a mail and shows the rest on demand.
LARGEST_HTML = 100_000

#: What a subject line may take: phones show less than half of it.
_LONGEST_SUBJECT = 150

_SUMMARY = "00_summary"
_SENDER = "Retail analysis <reports@localhost>"


@dataclass(frozen=True)
class _Content:
    """What the edition says."""

    title: str
    alerts: Sequence[Alert]
    panels: Sequence[Panel]
    picture: Picture | None


def edition(
    folder: RunFolder, record: RunRecord, alerts: Sequence[Alert], *, site: str = ""
) -> EmailMessage:
    """Return the mail of a run.

    Parameters
    ----------
    folder
        The run, staged or published.
    record
        Its record.
    alerts
        What is to be told now, the most urgent first.
    site
        Address of the published reports, for links; without it the mail has none.

    Raises
    ------
    AnalysisError
        If the mail would be cut for its size.
    """
    content = _content(folder, record, alerts)
    html = _html(content, record, _address(site, record))
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _subject(content, record)
    message["From"] = _SENDER
    message["To"] = "undisclosed-recipients:;"
    message["Date"] = format_datetime(record.finished)
    message["Message-ID"] = f"<{record.study}.{record.run_id}@retail-analysis.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(content, record), cte="quoted-printable")
    message.add_alternative(html, subtype="html", charset="us-ascii", cte="quoted-printable")
    if content.picture:
        part = message.get_payload()[1]  # type: ignore[index]
        part.add_related(  # type: ignore[union-attr]
            content.picture.png, "image", "png", cid="<sales>", disposition="inline"
        )
    return message


def write_edition(path: Path, message: EmailMessage) -> None:
    """Write a mail as a file that mail clients open."""
    path.write_bytes(message.as_bytes())


def _content(folder: RunFolder, record: RunRecord, alerts: Sequence[Alert]) -> _Content:
    summary = record.reports.get(_SUMMARY)
    panels: Sequence[Panel] = ()
    title = f"{record.title}: the run of {record.started:%d %b %Y}"
    if summary and summary.shown:
        import nbformat

        notebook = nbformat.read(folder.notebook(_SUMMARY), as_version=4)
        outline = read_outline(notebook, name=_SUMMARY)
        panels, title = outline.sheet, outline.title or title
    return _Content(title, alerts, panels, picture(folder, record))


def _subject(content: _Content, record: RunRecord) -> str:
    """Return the subject: the first alert, or what the run found; no line breaks, not endless."""
    more = f" (+{len(content.alerts) - 1})" if len(content.alerts) > 1 else ""
    said = f"{content.alerts[0].subject}{more}" if content.alerts else content.title
    line = " ".join(f"{record.title}: {said}".split())
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1] + "…"


def _address(site: str, record: RunRecord) -> str:
    return f"{site.rstrip('/')}/{record.study}/{record.run_id}/" if site else ""


def _html(content: _Content, record: RunRecord, base: str) -> str:
    template = templating.environment().get_template("mail.html.j2")
    rendered = template.render(content=content, run=record, base=base)
    compact = "\n".join(line.strip() for line in rendered.splitlines() if line.strip())
    html = compact.encode("ascii", "xmlcharrefreplace").decode("ascii")
    if len(html) > LARGEST_HTML:
        raise AnalysisError(
            f"The mail of {record.run_id} would weigh {len(html) / 1000:.0f} kB, and clients cut "
            f"it at {LARGEST_HTML / 1000:.0f} kB; let the study tell fewer alerts a day"
        )
    return html


def _text(content: _Content, record: RunRecord) -> str:
    parts = [content.title]
    if content.alerts:
        told = (f"* {alert.subject}\n  {alert.body}" for alert in content.alerts)
        parts.append("ALERTS\n" + "\n".join(told))
    if content.panels:
        parts.append(sheets.plain(content.panels))
    if content.picture:
        parts.append(content.picture.alt)
    simulated = "Simulated data. " if record.data.get("simulated") else ""
    parts.append(
        f"{simulated}Study {record.study}, run {record.run_id}, data before {record.as_of}."
    )
    return "\n\n".join(parts) + "\n"


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
