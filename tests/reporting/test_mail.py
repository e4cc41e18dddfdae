"""The e-mail edition: what it is made of, and how it is sent to a real server of this machine."""

from __future__ import annotations

import email
import re
import time
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import AnalysisError, ParamsError
from analysis.reporting.mail import smtp_sending
from analysis.reporting.mail.alert_rules import Alert
from analysis.reporting.mail.edition import LARGEST_HTML, edition, write_edition
from analysis.reporting.mail.smtp_sending import MailSettings, mail_settings, send
from analysis.reporting.notebook import outputs, sheet
from analysis.reporting.notebook.sheet import Cell, Panel
from analysis.reporting.site.templating import checked
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import Status
from tests.projects import notebook
from tests.reporting import boards
from tests.reporting.smtp_server import Server, certificate

ALERT = Alert("late:data", "x", "no orders since 24 Dec 2025", "The threshold is 3 days.")
SENT = {
    "ANALYSIS_SMTP_HOST": "127.0.0.1",
    "ANALYSIS_MAIL_FROM": "Reports <reports@shop.example>",
    "ANALYSIS_MAIL_TO": "Anna <anna@shop.example>, bob@shop.example",
}


def summary(panels: list[Panel], title: str) -> dict[str, Any]:
    """Return report 00 as executed, with a sheet of these panels."""
    told = sheet.plain(panels), sheet.markdown(panels), sheet.as_facts(panels)
    shown = [outputs.title(title), outputs.sheet(*told)]
    made = notebook("00_summary", ["1"])
    made["cells"][-1]["outputs"] = [
        {"output_type": "display_data", "data": o.data, "metadata": o.metadata} for o in shown
    ]
    return made


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    import json

    found = RunFolder(tmp_path / "2025-12-29T060000Z")
    boards.write_board(found)
    panels = [
        Panel("sales", "Are sales up?", ((Cell("Käse & Brot <b>"), Cell("+€ 5", "01_profiling.html"
              "#growth", "−1 to 9", "good")),), ("", "Change"), "No plan is given."),
        Panel("decide", "What must I decide?", ((Cell("€ 800", "03.html"), Cell("奶粉 at risk")),)),
    ]  # fmt: skip
    found.notebook("00_summary").parent.mkdir()
    text = json.dumps(summary(panels, "Sales grew “much” – 5 %"))
    found.notebook("00_summary").write_text(text)
    Status("00_summary", "done").write(found.status("00_summary"))
    return found


@pytest.fixture
def mail(folder: RunFolder) -> EmailMessage:
    states = {**dict.fromkeys(boards.findings(), "done"), "00_summary": "done"}
    written = edition(folder, boards.record(folder, states), [ALERT], site="https://r.example/")
    write_edition(folder.mail, written)
    read: EmailMessage = email.message_from_bytes(folder.mail.read_bytes(), policy=default)  # type: ignore[assignment]
    return read


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))  # type: ignore[arg-type]
    assert part is not None
    return str(part.get_content())


def test_the_subject_is_the_alert_and_the_body_has_its_threshold(mail: EmailMessage) -> None:
    assert mail["Subject"] == "Odd shop: no orders since 24 Dec 2025"
    assert "The threshold is 3 days." in body(mail, "plain")
    assert "The threshold is 3 days." in body(mail, "html")


def test_without_an_alert_the_subject_is_what_was_found(folder: RunFolder) -> None:
    record = boards.record(folder, {"00_summary": "done"})
    assert edition(folder, record, [])["Subject"] == "Odd shop: Sales grew “much” – 5 %"


def test_it_is_ascii_within_the_size_that_is_not_cut(mail: EmailMessage, folder: RunFolder) -> None:
    raw = folder.mail.read_bytes()
    assert raw.isascii()
    assert max(map(len, raw.splitlines())) <= 998, "the longest line that mail may have"
    html = mail.get_body(("html",))
    assert html is not None
    assert html.get_content_charset() == "us-ascii"
    assert len(body(mail, "html")) < LARGEST_HTML
    assert "K&#228;se &amp; Brot &lt;b&gt;" in body(mail, "html")


def test_it_loads_nothing_and_runs_nothing(mail: EmailMessage) -> None:
    html = body(mail, "html")
    assert re.findall(r'src="([^"]+)"', html) == ["cid:sales"]
    checked(html.replace("cid:sales", "data:image/png;base64,"), name="mail")
    assert not re.search(r"<(script|style|link|form)|@import|url\(|class=", html)
    assert re.findall(r'href="([^"]+)"', html) == [
        "https://r.example/odd/2025-12-29T060000Z/01_profiling.html#growth",
        "https://r.example/odd/2025-12-29T060000Z/03.html",
        "https://r.example/odd/2025-12-29T060000Z/index.html",
    ]


def test_the_picture_travels_inside_and_has_its_words(mail: EmailMessage) -> None:
    picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    assert picture["Content-ID"] == "<sales>"
    assert picture.get_content().startswith(b"\x89PNG")
    words = "Net sales by week: $ 1,000 in the week of 4 Nov 2024, $ 900 in that of 22 Dec 2025."
    words = words.replace("$", "€")
    assert words in body(mail, "plain")
    assert f'alt="{words}"'.encode("ascii", "xmlcharrefreplace").decode() in body(mail, "html")


def test_the_plain_part_says_what_the_page_says(mail: EmailMessage) -> None:
    plain = body(mail, "plain")
    for said in ("ARE SALES UP?", "- Käse & Brot <b>; Change: +€ 5 (−1 to 9)", "奶粉 at risk"):
        assert said in plain


def test_the_file_names_no_recipient(folder: RunFolder, mail: EmailMessage) -> None:
    assert mail["To"] == "undisclosed-recipients:;"
    assert b"shop.example" not in folder.mail.read_bytes()


def test_without_report_00_it_still_tells_the_alerts(folder: RunFolder) -> None:
    made = edition(folder, boards.record(folder), [ALERT])
    assert "no orders since" in body(made, "html")
    assert "href" not in body(made, "html"), "no address of a site is known"


def test_a_mail_that_would_be_cut_is_refused(folder: RunFolder) -> None:
    many = [Alert(f"failed:{n}", "x", "s" * 500, "b" * 5_000) for n in range(20)]
    with pytest.raises(AnalysisError, match="cut it at 100 kB"):
        edition(folder, boards.record(folder), many)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_sending.time, "sleep", lambda seconds: None)


def settings(server: Server, trusted: tuple[Path, Path] | None = None, **more: str) -> MailSettings:
    made = mail_settings({
        **SENT, "ANALYSIS_SMTP_PORT": str(server.port), "ANALYSIS_SMTP_SECURITY": server.tls,
        "ANALYSIS_SMTP_CA": str(trusted[0]) if trusted else "", **more,
    })  # fmt: skip
    assert made is not None
    return made


def test_it_arrives_in_clear_where_that_is_asked_for(mail: EmailMessage) -> None:
    with Server() as server:
        delivery = send(mail, settings(server))
    assert (delivery.sent, delivery.sentence) == (True, "mailed to 2 of 2 addresses")
    assert server.recipients == ["anna@shop.example", "bob@shop.example"]
    arrived = email.message_from_bytes(server.mails[0], policy=default)
    assert arrived["To"] == "anna@shop.example, bob@shop.example"
    assert arrived["Subject"] == mail["Subject"]
    assert body(arrived, "html") == body(mail, "html")  # type: ignore[arg-type]
    assert mail["To"] == "undisclosed-recipients:;", "the edition itself is as it was"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_arrives_encrypted_with_a_login(
    mail: EmailMessage, trusted: tuple[Path, Path], security: str
) -> None:
    login = {"ANALYSIS_SMTP_USER": "anna", "ANALYSIS_SMTP_PASSWORD": "s3cret"}
    with Server(security, trusted, password="s3cret") as server:
        assert send(mail, settings(server, trusted, **login)).sent
    assert server.encrypted
    assert len(server.mails) == 1


def test_a_refused_login_is_said_once_and_not_tried_again(
    mail: EmailMessage, trusted: tuple[Path, Path]
) -> None:
    login = {"ANALYSIS_SMTP_USER": "anna", "ANALYSIS_SMTP_PASSWORD": "wr0ng"}
    with Server("starttls", trusted, password="s3cret") as server:
        delivery = send(mail, settings(server, trusted, **login))
    assert (delivery.sent, server.connections) == (False, 1)
    assert delivery.sentence == "the mail was not sent: 127.0.0.1 refused the login (535)"


def test_a_certificate_that_nobody_trusts_is_refused(
    mail: EmailMessage, trusted: tuple[Path, Path]
) -> None:
    with Server("starttls", trusted) as server:
        delivery = send(mail, settings(server))
    assert "certificate that is not trusted" in delivery.sentence
    assert server.mails == []


def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for(mail: EmailMessage) -> None:
    with Server() as server:
        delivery = send(mail, settings(server, ANALYSIS_SMTP_SECURITY="starttls"))
    assert (delivery.sent, server.mails) == (False, [])
    assert "does not offer what the settings ask for" in delivery.sentence


def test_a_busy_server_is_tried_again(mail: EmailMessage) -> None:
    with Server(busy=2) as server:
        assert send(mail, settings(server)).sent
    assert (server.connections, len(server.mails)) == (3, 1)
    with Server(busy=9) as server:
        delivery = send(mail, settings(server))
    assert delivery.sentence == "the mail was not sent: 127.0.0.1 answered 451, 3 times"


def test_a_silent_server_holds_nobody_up(mail: EmailMessage) -> None:
    with Server(silent=True) as server:
        began = time.monotonic()
        timed_out = send(mail, settings(server), try_seconds=0.2)
        overdue = send(mail, settings(server), try_seconds=30.0, most_seconds=0.3)
        assert time.monotonic() - began < 5
    assert "did not answer (SMTPServerDisconnected), 3 times" in timed_out.sentence
    assert "did not answer within 0.3 seconds" in overdue.sentence


def test_nobody_listening_is_said(mail: EmailMessage) -> None:
    with Server() as server:
        made = settings(server)
    assert "did not answer (ConnectionRefusedError)" in send(mail, made).sentence


def test_without_a_server_nothing_is_sent() -> None:
    assert mail_settings({}) is None
    assert mail_settings({"ANALYSIS_SMTP_HOST": " "}) is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ANALYSIS_MAIL_TO", "", "ANALYSIS_MAIL_TO must name an address"),
        ("ANALYSIS_MAIL_TO", "a@b.example\r\nBcc: c@d.example", "ANALYSIS_MAIL_TO must name"),
        ("ANALYSIS_MAIL_FROM", "nobody", "ANALYSIS_MAIL_FROM must name an address"),
        ("ANALYSIS_SMTP_SECURITY", "ssl3", "use starttls, tls or none"),
        ("ANALYSIS_SMTP_PORT", "99999", "use 1 to 65535"),
    ],
)
def test_wrong_settings_name_their_variable(name: str, value: str, said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        mail_settings({**SENT, name: value})


def test_a_password_never_travels_in_clear() -> None:
    given = {**SENT, "ANALYSIS_SMTP_HOST": "mail.example", "ANALYSIS_SMTP_SECURITY": "none"}
    with pytest.raises(ParamsError, match="would travel in clear"):
        mail_settings({**given, "ANALYSIS_SMTP_USER": "anna"})


def test_a_picture_is_left_out_where_weeks_are_not_known(folder: RunFolder) -> None:
    (folder.tables("01_profiling") / "weeks.parquet").unlink()
    made = edition(folder, boards.record(folder), [ALERT])
    assert [
        part.get_content_type() for part in made.walk() if "image" in part.get_content_type()
    ] == []
