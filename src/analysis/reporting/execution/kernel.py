"""The kernel that executes a notebook: this very interpreter, and never an orphan.

Jupyter would look for a kernel called ``python3`` in the user's home first and run whichever
interpreter it names. A report must run on the packages it was locked with, so the kernel is
``python -m analysis.reporting.execution.kernel`` with the running interpreter, or a process that
was forked for it (see `spare_kernel`).
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any, cast

from analysis.reporting.execution import spare_kernel
from analysis.reporting.execution.processes import die_with_parent

#: What every kernel finds in its environment from the start, since libraries look once, on import:
#: one thread a linear-algebra library, because reports run side by side, and a fixed hash seed, so
#: that sets have the same order in every run.
FIXED = {
    **{
        f"{name}_NUM_THREADS": "1"
        for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
    },
    "PYTHONHASHSEED": "0",
}

#: What matplotlib logs when it prepares itself or has no folder to remember fonts in.
_FIRST_USE = (
    "building the font cache",
    "Could not save font_manager cache",
    "mkdir -p failed for path",
    "is not a writable directory",
    "created a temporary cache directory",
)


_START = (sys.executable, "-P", "-m", "analysis.reporting.execution.kernel")


def command(connection_file: str) -> list[str]:
    """Return the command that starts the kernel.

    Its own log is silent: stopping a kernel interrupts it first, which it would log as an error.
    """
    return [*_START, "-f", connection_file, "--log-level=CRITICAL"]


def manager_class() -> type:
    """Return the manager class that starts this kernel, over an encrypted connection.

    ipykernel 7 warns into the first cell's output when the transport is not encrypted.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.provisioning import LocalProvisioner
    from traitlets import CaselessStrEnum, default

    class ReportProvisioner(LocalProvisioner):
        """Makes the kernel of the process that waits for that, if there is one."""

        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
            spare, cwd = spare_kernel.take(), str(kwargs.get("cwd") or Path.cwd())
            if not spare or not spare.become(cmd[len(_START) :], kwargs["env"], cwd):
                return await super().launch_kernel(cmd, **kwargs)
            self.process, self.cwd = cast(Any, spare), cwd
            self.pid = self.pgid = spare.pid  # it leads a session of its own
            return self.connection_info

    class ReportKernelManager(AsyncKernelManager):
        transport_encryption = CaselessStrEnum(
            ["disabled", "auto", "required"], default_value="required"
        )

        @default("kernel_spec_manager")
        def _only_the_installed_kernel(self) -> KernelSpecManager:
            return KernelSpecManager(kernel_dirs=[])

        async def _async_pre_start_kernel(self, **options: Any) -> Any:
            if self.provisioner is None:
                self.provisioner = ReportProvisioner(
                    kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
                )
            return await super()._async_pre_start_kernel(**options)

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


def run_kernel() -> None:
    """Be the kernel that the command line describes."""
    keep_first_use_quiet()
    from ipykernel import kernelapp

    kernelapp.launch_new_instance(
        outstream_class="analysis.reporting.execution.capture.BoundedStream"
    )


if __name__ == "__main__":
    die_with_parent(int(os.environ["JPY_PARENT_PID"]))
    run_kernel()
