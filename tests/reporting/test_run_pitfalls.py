"""Every way in which Papermill calls a notebook good that is not, in one run of many notebooks."""

from __future__ import annotations

import ast
import fcntl
import json
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import RunRecord
from tests.projects import PARAMETERS, Listener, Project, family
from tests.tiny import Journey

SAVE = """\
import pandas as pd
from analysis.reporting import open_report
report = open_report({report!r}, study=study, as_of=as_of, seed=seed)
report.save(pd.DataFrame({{"a": [1]}}), "half")
report.finding(key="a", sentence="so far.", value=1)"""

DETACH = """\
import subprocess
import sys

daemon = "import os, time; os.setsid(); os.fork() and os._exit(0); time.sleep(36000)"
started = subprocess.Popen([sys.executable, "-c", daemon, {mark!r}])
started.wait()"""

ENVIRONMENT = """\
import os
import sys

from IPython import get_ipython

facts = {
    "hash seed": os.environ["PYTHONHASHSEED"],
    "threads": {os.environ[f"{x}_NUM_THREADS"] for x in ("OMP", "OPENBLAS", "MKL")},
    "home": os.environ["IPYTHONDIR"].startswith(os.environ["ANALYSIS_STAGING"]),
    "runtime": os.environ["JUPYTER_RUNTIME_DIR"].startswith(os.environ["ANALYSIS_STAGING"]),
    "root": os.environ["ANALYSIS_ROOT"],
    "python": sys.executable,
    "folder": os.path.basename(os.getcwd()),
    "history": get_ipython().history_manager.hist_file,
}
print(facts)"""


NEW_MACHINE = """\
import logging
import tempfile

import matplotlib

logging.getLogger("matplotlib.font_manager").warning("Matplotlib is building the font cache; ...")
x = matplotlib.get_cachedir()
from matplotlib import pyplot"""


def lay_out(project: Project) -> None:
    """Write one notebook a pitfall."""
    add = project.add
    add("20_no_tag", "1", parameters=None)
    add("21_unknown", "1", parameters=PARAMETERS.rpartition("\n")[0])
    add("22_derived", "1", parameters=f"{PARAMETERS}\ntwice: int = seed * 2")
    add("23_default", "1", parameters=f"{PARAMETERS}\nforgotten: int = 2")
    add("24_exit", "import sys", "sys.exit(0)", "x = 1")
    add("25_exit_last", "x = 1", "raise SystemExit")
    add("26_warns", "import warnings", "warnings.warn('mind the gap', stacklevel=1)")
    add("27_raises", SAVE.format(report="27_raises"), "1 / 0")
    add("28_ours", "from analysis.errors import DataError\nraise DataError('Mend the file.')")
    add("29_lacks", "from analysis.errors import NotApplicable\nraise NotApplicable('No weeks.')")
    add("30_dead", SAVE.format(report="30_dead"), "import os\nos.kill(os.getpid(), 9)", "x = 1")
    add("31_quits", "import os\nos._exit(0)")
    add("32_detaches", DETACH.format(mark=str(project.root / "mark-of-a-daemon")))
    add("33_environment", ENVIRONMENT)
    add("34_other_kernel", "1", kernelspec={"name": "ir"})
    tagged("35_allowed", "raises-exception", project)
    tagged("36_skipped", "skip-execution", project)
    add("33_new_machine", "import os\nos.environ['MPLCONFIGDIR'] = '/proc/nowhere'", NEW_MACHINE)
    add("37_no_points", "1", requires=["order_lines", "points"])


def tagged(report: str, tag: str, project: Project) -> None:
    """Write a notebook whose second cell fails but for what ``tag`` makes of it."""
    path = project.add(report, "1 / 0")
    content = json.loads(path.read_text())
    content["cells"][-1]["metadata"]["tags"] = [tag]
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def ran(shared_dir: Path) -> SimpleNamespace:
    """The run, made once for all workers of the test session."""
    root = shared_dir / "pitfalls"
    root.mkdir(exist_ok=True)
    outcome = root / "outcome.pickle"
    with (root / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not outcome.exists():
            project = Project.ingested(Journey.create(root))
            lay_out(project)
            outcome.write_bytes(pickle.dumps(project.run()))
    record, listener = pickle.loads(outcome.read_bytes())
    project = Project(Journey(root))
    folder = project.reports.run(record.run_id)
    return SimpleNamespace(project=project, record=record, listener=listener, folder=folder)


def failed(ran: SimpleNamespace, report: str, sentence: str) -> None:
    """The report failed for this reason and nothing of it is published."""
    record: RunRecord = ran.record
    folder: RunFolder = ran.folder
    assert record.reports[report].status == "failed"
    assert sentence in record.reports[report].reason
    assert not folder.notebook(report).exists()
    assert not folder.page(report).exists()
    assert not folder.tables(report).exists()
    assert not folder.findings(report).exists()
    assert sentence in folder.index.read_text().replace("&#39;", "'").replace("&nbsp;", " ")


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        ("20_no_tag", "needs exactly one cell tagged `parameters`, it has 0"),
        ("21_unknown", "does not know seed"),
        ("22_derived", "derives a value inside the parameters cell"),
        ("23_default", "declares forgotten, which the study's params do not set"),
        ("34_other_kernel", "its kernel is ir, but reports run in python3"),
    ],
)
def test_refused_before_it_runs(ran: SimpleNamespace, report: str, sentence: str) -> None:
    record = ran.record.reports[report]
    assert record.status == "failed"
    assert sentence in record.reason
    assert record.cells == 0


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        ("24_exit", "Code cell 3 of 4 ended the notebook or did not run"),
        ("25_exit_last", "Code cell 3 of 3 ended the notebook or did not run"),
        ("27_raises", "ZeroDivisionError: division by zero"),
        ("28_ours", "Mend the file."),
        ("30_dead", "The kernel died in code cell 3: it was killed or ran out of memory"),
        ("31_quits", "The kernel died in code cell 2"),
        ("35_allowed", "ZeroDivisionError: division by zero"),
        ("36_skipped", "Code cell 2 of 2 ended the notebook or did not run"),
    ],
)
def test_failed_and_nothing_of_it_published(
    ran: SimpleNamespace, report: str, sentence: str
) -> None:
    failed(ran, report, sentence)


def test_the_traceback_is_published_without_colour_codes(ran: SimpleNamespace) -> None:
    trace = json.loads(ran.folder.status("27_raises").read_text())["traceback"]
    assert "1 / 0" in trace
    assert "\x1b" not in trace
    assert "division by zero" in ran.folder.index.read_text()


def test_not_applicable_is_no_failure(ran: SimpleNamespace) -> None:
    inside, before = ran.record.reports["29_lacks"], ran.record.reports["37_no_points"]
    assert (inside.status, inside.reason, inside.cells) == ("not_applicable", "No weeks.", 2)
    assert (before.status, before.reason, before.cells) == (
        "not_applicable",
        "This study has no points table.",
        0,
    )
    assert "37_no_points" not in ran.listener.started


def test_the_others_are_published(ran: SimpleNamespace) -> None:
    good = [name for name, report in ran.record.reports.items() if report.good]
    assert good == ["26_warns", "32_detaches", "33_environment", "33_new_machine"]
    assert all(ran.folder.page(name).is_file() for name in good)
    assert ran.project.reports.latest.resolve() == ran.folder.path


def test_a_warning_fails_nothing_and_is_kept_folded_without_the_machine(
    ran: SimpleNamespace,
) -> None:
    page = ran.folder.page("26_warns").read_text()
    assert '<pre class="note" tabindex="0">cell:1: UserWarning: mind the gap' in page
    assert "/ipykernel" not in ran.folder.notebook("26_warns").read_text()


def test_no_process_that_a_notebook_started_is_left(ran: SimpleNamespace) -> None:
    assert ran.record.reports["32_detaches"].status == "done"
    assert family(ran.project.root) == []


def test_the_kernel_has_an_environment_of_its_own(ran: SimpleNamespace) -> None:
    executed = json.loads(ran.folder.notebook("33_environment").read_text())
    printed = "".join(executed["cells"][-1]["outputs"][0]["text"])
    facts = ast.literal_eval(printed)
    assert facts == {
        "hash seed": "0",
        "threads": {"1"},
        "home": True,
        "runtime": True,
        "root": str(ran.project.root),
        "python": sys.executable,
        "folder": "notebooks",
        "history": ":memory:",
    }


def test_the_executed_notebook_tells_nothing_of_the_machine(ran: SimpleNamespace) -> None:
    text = ran.folder.notebook("32_detaches").read_text()
    executed = json.loads(text)
    assert "papermill" not in text
    assert set(executed["metadata"]) == {"analysis", "kernelspec", "language_info"}
    injected = "".join(executed["cells"][2]["source"])
    assert injected == "# Parameters of this run\nstudy = 'tiny'\nas_of = '2018-01-01'\nseed = 1"


def test_nothing_but_the_run_is_left(ran: SimpleNamespace) -> None:
    reports = ran.project.reports
    kept = {".lock", "alerts.json", "latest", ran.record.run_id}
    assert {path.name for path in reports.path.iterdir()} == kept
    assert not list(ran.folder.path.glob(".*"))


def test_progress_was_told(ran: SimpleNamespace) -> None:
    listener: Listener = ran.listener
    assert set(listener.ended) == set(ran.record.reports)
    assert ("32_detaches", 2, 2) in listener.cells
    assert all(ran.record.reports[name].peak_memory_mb > 30 for name in ("27_raises", "30_dead"))
    assert all(ran.record.reports[name].seconds > 0.2 for name in ("27_raises", "30_dead"))
