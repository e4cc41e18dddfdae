"""A small mail server of this machine: with and without TLS, and with the faults of real ones."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Server:
    """What a server does, and what reached it.

    Parameters
    ----------
    tls
        ``starttls``, ``tls`` from the start, or ``none``.
    certificate
        Files of certificate and key.
    password
        What it lets in; empty asks for no login.
    silent
        It takes the connection and says nothing.
    busy
        How often it answers that it is busy before it takes a mail.
    """

    tls: str = "none"
    certificate: tuple[Path, Path] | None = None
    password: str = ""
    silent: bool = False
    busy: int = 0
    mails: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    connections: int = 0
    encrypted: bool = False

    def __enter__(self) -> Server:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()  # or it would go on at the number that the next server's socket gets
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.close()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _context(self) -> ssl.SSLContext:
        assert self.certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        return context

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        if self.silent:
            return
        with contextlib.suppress(OSError, ssl.SSLError):
            if self.tls == "tls":
                connection = self._secured(connection)
            self._talk(connection)

    def _secured(self, connection: socket.socket) -> ssl.SSLSocket:
        secured = self._context().wrap_socket(connection, server_side=True)
        self._open.append(secured)
        self.encrypted = True
        return secured

    def _talk(self, connection: socket.socket) -> None:
        stream = connection.makefile("rwb")

        def say(line: str) -> None:
            stream.write(line.encode() + b"\r\n")
            stream.flush()

        say("220 here")
        secure = self.encrypted
        while line := stream.readline():
            word = line.decode().strip()
            verb = word.split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["250-here"]
                offers += ["250-STARTTLS"] if self.tls == "starttls" and not secure else []
                offers += ["250-AUTH PLAIN"] if self.password else []
                say("\r\n".join([*offers, "250 8BITMIME"]))
            elif verb == "STARTTLS":
                say("220 go on")
                stream.close()
                connection, secure = self._secured(connection), True
                stream = connection.makefile("rwb")
            elif verb == "AUTH":
                given = base64.b64decode(word.split(" ")[-1]).split(b"\0")[-1].decode()
                say("235 welcome" if given == self.password else "535 no such user")
            elif verb == "MAIL" and self.busy:
                self.busy -= 1
                say("451 busy, come again")
            elif verb == "RCPT":
                self.recipients.append(word.partition(":")[2].strip("<>"))
                say("250 fine")
            elif verb == "DATA":
                say("354 go on")
                self.mails.append(b"".join(iter(stream.readline, b".\r\n")))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                stream.close()
                connection.close()
                return
            else:
                say("250 fine")


def certificate(folder: Path) -> tuple[Path, Path]:
    """Return the files of a new certificate of this machine and its key."""
    paths = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command, check=True, capture_output=True)
    return paths
