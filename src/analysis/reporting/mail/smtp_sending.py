"""Send the edition where the environment names a server; a run is never held up by it.

``ANALYSIS_SMTP_HOST`` turns it on. ``ANALYSIS_SMTP_PORT``, ``ANALYSIS_SMTP_SECURITY``
(``starttls``, the default, ``tls`` or ``none``), ``ANALYSIS_SMTP_USER``,
``ANALYSIS_SMTP_PASSWORD`` and
``ANALYSIS_SMTP_CA`` (a file of certificates to trust besides the system's) say how;
``ANALYSIS_MAIL_FROM`` and ``ANALYSIS_MAIL_TO`` (addresses, commas between) from whom to whom;
``ANALYSIS_MAIL_WHEN`` is ``always`` or ``alerts``; ``ANALYSIS_SITE_URL`` is where links lead.
"""

from __future__ import annotations

import smtplib
import ssl
import threading
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Literal

from analysis.errors import ParamsError

Security = Literal["starttls", "tls", "none"]

_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

#: Tries, seconds each may take, and seconds of all of them: what a name server takes is in it.
TRIES, TRY_SECONDS, MOST_SECONDS = 3, 10.0, 45.0

#: An answer from here on is final: to try again would bring the same.
_FINAL = 500


@dataclass(frozen=True)
class MailSettings:
    """How to send, from whom and to whom."""

    host: str
    port: int
    security: Security
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: str = ""
    ca: str = ""
    only_alerts: bool = False
    site: str = ""


@dataclass(frozen=True)
class Delivery:
    """How sending ended; the sentence names no address and no password."""

    sent: bool
    sentence: str


def mail_settings(environment: Mapping[str, str]) -> MailSettings | None:
    """Return how to send, from the environment; None where no server is named.

    Raises
    ------
    ParamsError
        Naming the variable that is missing or wrong.
    """
    host = environment.get("ANALYSIS_SMTP_HOST", "").strip()
    if not host:
        return None
    security = environment.get("ANALYSIS_SMTP_SECURITY", "starttls").strip().lower()
    if security not in _PORTS:
        raise ParamsError(f"ANALYSIS_SMTP_SECURITY is {security!r}; use starttls, tls or none")
    sender = _addresses(environment, "ANALYSIS_MAIL_FROM")
    user, password = (environment.get(f"ANALYSIS_SMTP_{n}", "") for n in ("USER", "PASSWORD"))
    if user and security == "none" and host not in _LOOPBACK:
        raise ParamsError(
            "ANALYSIS_SMTP_SECURITY is none, so that the password would travel in clear; use "
            "starttls or tls"
        )
    return MailSettings(
        host=host,
        port=_port(environment, security),
        security=security,
        sender=sender[0],
        recipients=_addresses(environment, "ANALYSIS_MAIL_TO"),
        user=user,
        password=password,
        ca=environment.get("ANALYSIS_SMTP_CA", ""),
        only_alerts=environment.get("ANALYSIS_MAIL_WHEN", "always").strip().lower() == "alerts",
        site=environment.get("ANALYSIS_SITE_URL", ""),
    )


def _port(environment: Mapping[str, str], security: Security) -> int:
    given = environment.get("ANALYSIS_SMTP_PORT", "").strip()
    if not given:
        return _PORTS[security]
    if not given.isdigit() or not 0 < int(given) < 65_536:
        raise ParamsError(f"ANALYSIS_SMTP_PORT is {given!r}, no port; use 1 to 65535")
    return int(given)


def _addresses(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    given = environment.get(name, "")
    found = tuple(address for _, address in getaddresses([given]) if "@" in address)
    if not found or any(mark in given for mark in "\r\n"):
        raise ParamsError(f"{name} must name an address, since ANALYSIS_SMTP_HOST names a server")
    return found


def send(
    message: EmailMessage,
    settings: MailSettings,
    *,
    try_seconds: float = TRY_SECONDS,
    most_seconds: float = MOST_SECONDS,
) -> Delivery:
    """Send a mail, trying again what may pass, and say how it ended; nothing is raised.

    Parameters
    ----------
    message
        The edition; sender and recipients are put in here.
    settings
        How to send.
    try_seconds, most_seconds
        What one try, and all of it, may take. What is not done by then goes on by itself and
        ends with the process.
    """
    addressed = _addressed(message, settings)
    ended: list[Delivery] = []
    work = threading.Thread(
        target=lambda: ended.append(_tries(addressed, settings, try_seconds)), daemon=True
    )
    work.start()
    work.join(most_seconds)
    late = f"{settings.host} did not answer within {most_seconds:g} seconds"
    return ended[0] if ended else Delivery(False, f"the mail was not sent: {late}")


def _addressed(message: EmailMessage, settings: MailSettings) -> EmailMessage:
    addressed = deepcopy(message)
    for name, value in (("From", settings.sender), ("To", ", ".join(settings.recipients))):
        del addressed[name]
        addressed[name] = value
    return addressed


def _tries(message: EmailMessage, settings: MailSettings, seconds: float) -> Delivery:
    reason = ""
    for number in range(TRIES):
        if number:
            time.sleep(number)
        try:
            refused = _once(message, settings, seconds)
        except smtplib.SMTPAuthenticationError as error:
            return _not_sent(settings, f"refused the login ({error.smtp_code})")
        except smtplib.SMTPRecipientsRefused:
            return _not_sent(settings, "refused every recipient")
        except smtplib.SMTPResponseException as error:
            reason = f"answered {error.smtp_code}"
            if error.smtp_code >= _FINAL:
                return _not_sent(settings, reason)
        except smtplib.SMTPNotSupportedError:
            return _not_sent(settings, "does not offer what the settings ask for")
        except ssl.SSLCertVerificationError:
            return _not_sent(settings, "has a certificate that is not trusted")
        except (OSError, smtplib.SMTPException) as error:
            reason = f"did not answer ({type(error).__name__})"
        else:
            return _sent(settings, len(refused))
    return _not_sent(settings, f"{reason}, {TRIES} times")


def _once(
    message: EmailMessage, settings: MailSettings, seconds: float
) -> dict[str, tuple[int, bytes]]:
    """Send once and return the recipients that were refused."""
    trusted = ssl.create_default_context(cafile=settings.ca or None)
    where = (settings.host, settings.port)
    server = (
        smtplib.SMTP_SSL(*where, timeout=seconds, context=trusted)
        if settings.security == "tls"
        else smtplib.SMTP(*where, timeout=seconds)
    )
    with server:
        if settings.security == "starttls":
            server.starttls(context=trusted)
        if settings.user:
            server.login(settings.user, settings.password)
        return server.send_message(
            message, from_addr=settings.sender, to_addrs=list(settings.recipients)
        )


def _sent(settings: MailSettings, refused: int) -> Delivery:
    reached = len(settings.recipients) - refused
    said = f"mailed to {reached} of {len(settings.recipients)} addresses"
    return Delivery(True, said)


def _not_sent(settings: MailSettings, reason: str) -> Delivery:
    return Delivery(False, f"the mail was not sent: {settings.host} {reason}")
