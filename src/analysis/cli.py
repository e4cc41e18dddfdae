"""The ``analysis`` command: the only place that reads the clock.

Exit codes: 0 all well · 1 some report failed, the others are published, or the command was
refused · 2 params or usage · 3 data refused · 4 an unforeseen error, its traceback in a file ·
5 an alert is new (``alerts``) · 128 + n stopped by signal n. What is heavy is imported by the
command that needs it, so that help is quick.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.errors import AnalysisError
from analysis.reporting.runner.terminal import Stopped, lasting_output, stoppable

if TYPE_CHECKING:
    from analysis.params import StudyParams
    from analysis.reporting.execution.failures import Limits

#: Exit code of an error that nobody foresaw.
UNFORESEEN = 4

#: Exit code of ``analysis alerts`` where somebody must be told.
NEW_ALERTS = 5


class _Commands(click.Group):
    """Commands whose refusals are one line on standard error and an exit code."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line; output that cannot be written ends no work."""
        with lasting_output() as lost:
            try:
                result = super().main(*arguments, **options)
            except SystemExit as end:
                result = end.code
            if lost.reason:
                _say(f"its output could not be written ({lost.reason}), which stopped nothing else")
        sys.exit(result or (1 if lost.reason else 0))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a refusal or an error ends it with its sentence and exit code."""
        try:
            return super().invoke(ctx)
        except AnalysisError as error:
            _say(str(error))
            sys.exit(error.exit_code)
        except (Stopped, KeyboardInterrupt) as error:
            stop = error if isinstance(error, Stopped) else Stopped(signal.SIGINT)
            _say(f"stopped by {stop}; nothing was published")
            sys.exit(stop.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from analysis.reporting.runner.terminal import sentence

            _say(sentence(error))
            sys.exit(UNFORESEEN)


def _say(text: str) -> None:
    """Write a sentence for whoever looks after the command to standard error."""
    click.echo(f"analysis: {text}", err=True)


_EXIT_CODES = """\b
Exit codes:
  0    all well
  1    some report failed and the others are published, or the command was refused
  2    the params or the command line are wrong
  3    the data are refused
  4    an unforeseen error; the sentence names the file with its traceback
  5    of alerts: an alert is new
  128+n  stopped by signal n, such as 130 by Ctrl-C"""


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXIT_CODES
)
@click.version_option(package_name="retail-analysis", prog_name="analysis")
def main() -> None:
    """Retail analysis: from source files to published reports."""


def _now() -> datetime:
    return datetime.now(UTC)


def _root() -> Path:
    from analysis.project import find_root

    return find_root()


def _params(study: str, overrides: tuple[str, ...], root: Path) -> StudyParams:
    """Return a study's params, ``last-complete-week`` and the like counted from its own today."""
    from zoneinfo import ZoneInfo

    from analysis import params

    now = _now()
    zone = ZoneInfo(params.load(study, overrides, root=root, today=now.date()).timezone)
    return params.load(study, overrides, root=root, today=now.astimezone(zone).date())


def _reading(done: int, of: int) -> None:
    """Say now and then how many of many delivered files are read."""
    if done and done % 50 == 0:
        click.echo(f"read {done:,} of {of:,} files", err=True)


def _limits(cell_limit: int, time_limit: int) -> Limits:
    from analysis.reporting.execution.failures import Limits

    return Limits(cell_seconds=cell_limit, notebook_seconds=time_limit)


_overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a param, such as as_of=2018-01-01 or reports.03_deciles.groups=20.",
)
_jobs = click.option(
    "--jobs", default=2, show_default=True, type=click.IntRange(1), help="Reports side by side."
)
_cell_limit = click.option(
    "--cell-limit", default=900, show_default=True, type=click.IntRange(1), help="Seconds a cell."
)
_time_limit = click.option(
    "--time-limit",
    default=1800,
    show_default=True,
    type=click.IntRange(1),
    help="Seconds a notebook.",
)


@main.command()
@click.argument("study")
@click.option("--force", is_flag=True, help="Read the contents of all sources again.")
@_overrides
def ingest(study: str, force: bool, overrides: tuple[str, ...]) -> None:
    """Bring the canonical tables of STUDY up to date.

    What is damaged of the tables is set aside and made again.
    """
    root = _root()
    params = _params(study, overrides, root)
    from analysis.reporting.checking.verify import bring_up_to_date, ledger_lines

    with stoppable():
        result = bring_up_to_date(params, root=root, now=_now(), force=force, tell=_reading)
    click.echo("\n".join(ledger_lines(result)))


@main.command()
@click.argument("study")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def new(study: str, files: tuple[Path, ...]) -> None:
    """Begin STUDY from a look at FILES: write its params and mapping, unsure guesses marked.

    FILES are all files of the study, or the folder that holds them.
    """
    from analysis.ingest.onboarding.draft import draft

    root = _root()
    with stoppable():
        written = draft(study, list(files), root=root, progress=_progress)
    for line in written.said:
        click.echo(line)
    for path in (written.params, written.mapping):
        click.echo(f"wrote {path.relative_to(root)}")
    click.echo(f"next: analysis check {study}, then: analysis run {study}")


def _progress(done: int, of: int) -> None:
    """Say now and then how many files were looked at, of many."""
    if of >= 100 and done % 100 == 0:
        click.echo(f"looked at {done:,} of {of:,} files", err=True)


@main.command()
@click.argument("study")
@_overrides
def check(study: str, overrides: tuple[str, ...]) -> None:
    """Check the params and data of STUDY and say which reports can run, without running any."""
    root = _root()
    params = _params(study, overrides, root)
    from analysis.reporting.checking.check_page import check_study
    from analysis.reporting.checking.verify import bring_up_to_date
    from analysis.tables.manifest import check_as_of

    click.echo(f"params of {study} are fine: as of {params.as_of}, seed {params.seed}")
    with stoppable():
        result = bring_up_to_date(params, root=root, now=_now(), tell=_reading)
    checked = check_study(params, result, root=root)
    click.echo("\n".join(checked.lines))
    check_as_of(params.as_of, result.manifest)
    sys.exit(2 if checked.broken else 0)


@main.command()
@click.argument("study")
@click.option("--only", multiple=True, metavar="REPORT", help="Run this report, such as 03,07.")
@_jobs
@_overrides
@click.option("--no-cache", is_flag=True, help="Run again what would come out the same.")
@click.option("--changed", is_flag=True, help="Run only if data, params or code have changed.")
@click.option("--profile", is_flag=True, help="Run again, and write the slowest calls as a table.")
@_cell_limit
@_time_limit
def run(
    study: str,
    only: tuple[str, ...],
    jobs: int,
    overrides: tuple[str, ...],
    no_cache: bool,
    changed: bool,
    profile: bool,
    cell_limit: int,
    time_limit: int,
) -> None:
    """Run the reports of STUDY and publish them; with --changed, every 15 minutes if need be."""
    root = _root()
    params = _params(study, overrides, root)
    from analysis.reporting.execution.warm import started

    if not changed:
        started()  # it imports what notebooks need while the data are looked at
    from analysis.reporting.runner.run import Request, run_if_changed, run_study
    from analysis.reporting.runner.terminal import Terminal

    terminal = Terminal(sys.stdout)
    terminal.line(f"{params.title}, as of {params.as_of}")
    reuse, limits = not (no_cache or profile), _limits(cell_limit, time_limit)
    request = Request(
        params, root, _now, only, jobs, reuse, limits, watched=changed, profile=profile
    )
    with stoppable():
        record = (run_if_changed if changed else run_study)(request, terminal)
    if record is None:
        terminal.line("Nothing is new since the last run; nothing was done")
        return
    terminal.line(f"Published {request.reports.run(record.run_id).index} in {record.seconds:.0f} s")
    sys.exit(1 if record.failed else 0)


@main.command("run-one")
@click.option("--study", required=True, help="Key of the study.")
@click.option("--report", required=True, help="Name of the report, such as 03_deciles.")
@click.option("--staging", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--root", type=click.Path(path_type=Path), help="Root of the project.")
@_overrides
@_cell_limit
@_time_limit
@click.option("--profile", is_flag=True, help="Write the slowest calls as a table.")
@click.option("--threads", type=int, help="Threads of DuckDB, where the study does not say.")
@click.option("--lifeline", type=int, hidden=True, help="Pipe that closes when the runner ends.")
def run_one(
    study: str,
    report: str,
    staging: Path,
    root: Path | None,
    overrides: tuple[str, ...],
    cell_limit: int,
    time_limit: int,
    profile: bool,
    threads: int | None,
    lifeline: int | None,
) -> None:
    """Execute one notebook into a folder; for schedulers of your own.

    The params are those in the folder's params.json, which a run writes, or else the study's.
    """
    from analysis.reporting.execution.execute import Job
    from analysis.reporting.execution.execute import run_one as execute
    from analysis.reporting.store.layout import RunFolder, staged_params

    root = root or _root()
    folder = RunFolder(staging)
    params = staged_params(folder) or _params(study, overrides, root)
    given, limits = params.notebook_parameters(report), _limits(cell_limit, time_limit)
    job = Job(report, root, given, folder, limits, lifeline, profile, threads)
    with stoppable():
        status = execute(job, say=click.echo)
    if status.reason:
        click.echo(f"analysis: {report}: {status.reason}", err=True)
    sys.exit(status.exit_code)


@main.command()
@click.argument("run")
@_jobs
@_cell_limit
@_time_limit
def verify(run: str, jobs: int, cell_limit: int, time_limit: int) -> None:
    """Run RUN again and compare every table with it, byte for byte.

    RUN is a run's folder, STUDY/RUN below reports/, or a study for its latest run.
    """
    root = _root()
    from analysis.reporting.checking import verify as verifying
    from analysis.reporting.runner.run import Request
    from analysis.reporting.runner.terminal import Terminal
    from analysis.reporting.store.run_record import RunRecord

    folder = verifying.find_run(run, root=root)
    params = verifying.params_of(RunRecord.read(folder.run_json))
    request = Request(params, root, _now, jobs=jobs, limits=_limits(cell_limit, time_limit))
    with stoppable():
        verdict = verifying.verify(folder, request, Terminal(sys.stdout))
    click.echo("\n".join(verdict.lines()))
    sys.exit(0 if verdict.same else 1)


@main.command()
@click.argument("before")
@click.argument("now")
def diff(before: str, now: str) -> None:
    """Compare the findings and tables of two runs, BEFORE and NOW.

    A run is its folder, STUDY/RUN below reports/, or a study for its latest run. No row of a
    table is shown. The exit code is 1 where anything differs.
    """
    root = _root()
    from analysis.reporting.checking import run_diff
    from analysis.reporting.checking.verify import find_run

    found = run_diff.diff(find_run(before, root=root), find_run(now, root=root))
    click.echo("\n".join(found.lines()))
    sys.exit(0 if found.same else 1)


@main.command()
@click.argument("study")
def alerts(study: str) -> None:
    """Say what was found to be told of STUDY; the same as JSON is in reports/STUDY/alerts.json.

    The exit code is 5 where an alert is new since the last run, for schedulers.
    """
    root = _root()
    from analysis.reporting.mail.alert_book import AlertBook, book_path
    from analysis.reporting.store.layout import StudyReports, checked_name

    book = AlertBook.read(book_path(StudyReports.of(checked_name(study), root=root)), study)
    click.echo("\n".join(book.lines()))
    sys.exit(NEW_ALERTS if book.new else 0)


@main.command()
@click.argument("study")
@click.option(
    "--to",
    "systems",
    multiple=True,
    type=click.Choice(["csv", "excel", "mail", "zoho_crm", "fxiaoke"]),
    help="Form to write; default: CSV and the CRMs that the study's sources come from.",
)
@click.option(
    "--channel",
    type=click.Choice(["email", "sms", "phone", "app"]),
    help="Only customers to be contacted through this channel; default: all.",
)
@_overrides
def lists(
    study: str, systems: tuple[str, ...], channel: str | None, overrides: tuple[str, ...]
) -> None:
    """Write whom to contact, from the last good run of STUDY, for import into a CRM."""
    root = _root()
    params = _params(study, overrides, root)
    from analysis.reporting.contacts.contact_lists import write_lists

    for line in write_lists(params, root=root, systems=systems, channel=channel):
        click.echo(line)


@main.command()
@click.argument("study")
@click.argument("wanted", metavar="LIST")
@click.option(
    "--export",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The CRM's file of who was sent; default: everybody of the list's files.",
)
@click.option("--who", metavar="COLUMN", help="Column of the export that holds the customer.")
@click.option("--on", metavar="YYYY-MM-DD", help="Day it went out; default: as exported, or today.")
@_overrides
def sent(
    study: str,
    wanted: str,
    export: Path | None,
    who: str | None,
    on: str | None,
    overrides: tuple[str, ...],
) -> None:
    """Record that LIST of STUDY was sent, so that the next run measures what it brought.

    LIST is a list's id as `analysis lists` prints it, its name for the newest, or its manifest.
    """
    root = _root()
    params = _params(study, overrides, root)
    from zoneinfo import ZoneInfo

    from analysis.reporting.contacts.sent_back import sent_moment, take_back

    today = _now().astimezone(ZoneInfo(params.timezone)).date()
    day = sent_moment(on) if on is not None else None
    said = take_back(params, wanted, root=root, today=today, on=day, export=export, who=who)
    for line in said:
        click.echo(line)


@main.command()
@click.argument("study", default="complete_journey")
@click.option("--port", default=8888, show_default=True, type=click.IntRange(1, 65535))
def lab(study: str, port: int) -> None:
    """Open JupyterLab on the notebooks, with the parameters of STUDY.

    A parameter that is changed in a notebook keeps the value it is changed to.
    """
    root = _root()
    _params(study, (), root)
    from analysis.reporting.notebook.lab import command, environment

    os.chdir(root)
    os.execvpe(sys.executable, command(root, port=port), environment(study, today=_now().date()))


@main.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
def serve(port: int) -> None:
    """Show the published reports to this machine alone, until Ctrl-C."""
    from analysis.reporting.site.serve import make_server

    with make_server(_root() / "reports", port=port) as server:
        click.echo(f"http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C ends it)")
        try:
            with stoppable():
                server.serve_forever()
        except Stopped:
            click.echo("")
