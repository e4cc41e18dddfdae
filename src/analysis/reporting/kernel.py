"""The kernel a report runs in: this very interpreter, and never an orphan.

Jupyter would look for a kernel called ``python3`` in the user's home first and run whichever
interpreter it names. A report must run on the packages it was locked with, so the kernel is
started as ``python -m analysis.reporting.kernel`` with the running interpreter.
"""

from __future__ import annotations

import logging
import os
import sys

from analysis.reporting.processes import die_with_parent

#: What matplotlib logs when it prepares itself or has no folder to remember fonts in.
_FIRST_USE = (
    "building the font cache",
    "Could not save font_manager cache",
    "mkdir -p failed for path",
    "is not a writable directory",
    "created a temporary cache directory",
)


def command(connection_file: str) -> list[str]:
    """Return the command that starts the kernel.

    Its own log is silent: stopping a kernel interrupts it first, which it would log as an error.
    """
    module = ("-m", "analysis.reporting.kernel")
    return [sys.executable, "-P", *module, "-f", connection_file, "--log-level=CRITICAL"]


def manager_class() -> type:
    """Return the manager class that starts this kernel, over an encrypted connection.

    ipykernel 7 warns into the first cell's output when the transport is not encrypted.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from traitlets import CaselessStrEnum, default

    class ReportKernelManager(AsyncKernelManager):
        transport_encryption = CaselessStrEnum(
            ["disabled", "auto", "required"], default_value="required"
        )

        @default("kernel_spec_manager")
        def _only_the_installed_kernel(self) -> KernelSpecManager:
            return KernelSpecManager(kernel_dirs=[])

        def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
            return command(os.path.realpath(self.connection_file)) + (extra_arguments or [])

    return ReportKernelManager


def keep_first_use_quiet() -> None:
    """Keep matplotlib from logging, into a report, that it prepares itself on a new machine.

    It says so once a user, while it looks for fonts or finds no folder to remember them in; a
    report that writes to standard error is refused.
    """
    for name in ("matplotlib", "matplotlib.font_manager"):
        logging.getLogger(name).addFilter(_is_for_the_reader)


def _is_for_the_reader(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    return not any(phrase in text for phrase in _FIRST_USE)


if __name__ == "__main__":
    die_with_parent(int(os.environ["JPY_PARENT_PID"]))
    keep_first_use_quiet()
    from ipykernel import kernelapp

    kernelapp.launch_new_instance(outstream_class="analysis.reporting.capture.BoundedStream")
