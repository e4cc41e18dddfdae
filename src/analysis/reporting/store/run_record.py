"""``run.json``: everything a reader, or a machine that repeats the run, must know about it.

What a run was made with (code, packages, Python), how each report went, and earlier runs, read with
every field checked: what was damaged is said, not met later. A record that matters as evidence
carries a seal, a hash over its content, so that an edit is seen.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

import analysis
from analysis.errors import AnalysisError
from analysis.reporting.store.atomic import write_json
from analysis.reporting.store.layout import TABLES

#: Name under which the project is installed.
DISTRIBUTION = "retail-analysis"

_NAME = re.compile(r"[A-Za-z0-9._-]+")


@cache
def sources_hash() -> str:
    """Return a hash over every file of the package: code, templates, styles."""
    package = Path(analysis.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(package)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def lock_hash(root: Path) -> str:
    """Return a hash of the lock file of the project; empty if it has none."""
    lock = root / "requirements.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16] if lock.is_file() else ""


@cache  # to read it of every package takes a quarter of a second
def packages() -> dict[str, str]:
    """Return the installed version, by name, of what the project depends on directly."""
    required = (line for line in metadata.requires(DISTRIBUTION) or () if "extra ==" not in line)
    names = (match.group() for match in map(_NAME.match, required) if match)
    return {name: metadata.version(name) for name in sorted(names)}


def python_version() -> str:
    """Return the version of the running Python."""
    return platform.python_version()


def code_version(root: Path) -> dict[str, Any]:
    """Return what identifies the code: ``commit``, ``changed``, ``sources`` and ``lock``.

    ``commit`` and ``changed`` are None where there is no git or no work tree.
    """
    commit = _git(root, "rev-parse", "HEAD")
    watched = ("src", "notebooks", "params", "requirements.lock")
    changes = _git(root, "status", "--porcelain", "--", *watched) if commit else None
    return {
        "commit": commit,
        "changed": None if changes is None else bool(changes),
        "sources": sources_hash(),
        "lock": lock_hash(root),
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def mapping_names(source: Any) -> list[str]:
    """Return the mappings that a study's ``source`` reads its files by."""
    several = source.get("sources") or {}
    every = [source, *(several.values() if hasattr(several, "values") else ())]
    return [str(one["mapping"]) for one in every if isinstance(one, dict) and one.get("mapping")]


def mapping_hashes(source: Any, root: Path) -> dict[str, str]:
    """Return a hash of the file of each mapping of a study's source, by its name."""
    paths = {n: root / "params" / "sources" / f"{n}.yaml" for n in mapping_names(source)}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for name, path in paths.items()
        if path.is_file()
    }


_TIMES = ("started", "finished")


@dataclass(frozen=True)
class ReportRecord:
    """One report of a run.

    Parameters
    ----------
    title, question
        What it is called and what it answers.
    status, reason
        The outcome, and one sentence on why it is not done.
    seconds, peak_memory_mb, cells, cpu_seconds, costs, analyses
        What its execution took, as in its `Status`; of a cached report, what it took then.
    parameters
        What was injected into its notebook.
    fingerprint
        Hash over everything its results depend on; equal means equal results.
    reused_from
        Run that its results were copied from, if they were.
    files
        Hash of each of its files, by path in the run's folder: its notebook, its page, its
        findings, its status, its result tables.
    """

    title: str
    question: str
    status: Outcome
    reason: str = ""
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    cells: int = 0
    cpu_seconds: float = 0.0
    costs: tuple[Cost, ...] = ()
    analyses: tuple[Cost, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    reused_from: str | None = None
    files: dict[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, str]:
        """Hash of each of its published result tables, by file name."""
        found = {PurePosixPath(name): digest for name, digest in self.files.items()}
        return {path.name: digest for path, digest in found.items() if path.parts[0] == TABLES}

    @property
    def good(self) -> bool:
        """All its results are there to be read."""
        return self.status in ("done", "cached")

    @property
    def shown(self) -> bool:
        """It has results to read, be it without some sections."""
        return self.good or self.status == "incomplete"


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Parameters
    ----------
    study, title, run_id
        What was run, and as which run.
    started, finished
        Times in UTC; ISO text in the file.
    params
        The resolved params of the study, as in its params file with every default filled in.
    as_of, seed
        The day before which everything is known; the seed of everything random.
    data
        The canonical tables: ``fingerprint``, ``source``, ``simulated``, ``rows`` by table, and
        ``mappings``, a hash of each mapping file that they were read by.
    code
        ``commit`` (None outside a git work tree), ``changed`` (uncommitted changes), ``sources``
        (hash of the package's files), ``lock`` (hash of the lock file).
    python
        Python version.
    packages
        Version by name of what the project depends on directly.
    only
        The reports that were asked for; empty means all.
    reports
        By name, in reading order.
    number
        One more than that of any run before; what runs are ordered by, whatever the clock says.
    files
        Hash of the run's index page and of its params, by file name.
    """

    study: str
    title: str
    run_id: str
    started: datetime
    finished: datetime
    params: dict[str, Any]
    as_of: str
    seed: int
    data: dict[str, Any]
    code: dict[str, Any]
    python: str
    packages: dict[str, str]
    only: list[str]
    reports: dict[str, ReportRecord]
    number: int = 0
    files: dict[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds from start to finish, ingest included."""
        return (self.finished - self.started).total_seconds()

    @property
    def failed(self) -> list[str]:
        """The reports that failed, or of which a section did."""
        wrong = ("failed", "incomplete")
        return [name for name, report in self.reports.items() if report.status in wrong]

    def write(self, path: Path) -> None:
        """Write it as JSON, sealed, whole or not at all."""
        times = {key: getattr(self, key).isoformat() for key in _TIMES}
        write_json(path, sealed({**asdict(self), **times}))

    @classmethod
    def read(cls, path: Path) -> RunRecord:
        """Read what ``write`` wrote; AnalysisError if it is missing or damaged."""
        found = read_record(cls, path, "the record of a run")
        problem = _problem(found)
        if problem:
            raise AnalysisError(f"{path} is not the record of a run ({problem})")
        return found


def _problem(record: RunRecord) -> str:
    """Return what is wrong with a record whose fields have the right types; empty if nothing is."""
    if any(getattr(record, key).tzinfo is None for key in _TIMES):
        return "its times have no zone"
    try:
        date.fromisoformat(record.as_of)
    except ValueError:
        return f"as_of is {record.as_of!r}, no date"
    return ""


#: Key of a record's seal.
SEAL = "seal"

Record = TypeVar("Record")

_ADAPTERS: dict[Any, Any] = {}

#: What goes wrong while a damaged record is read.
_DAMAGE = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)


def read_record(kind: type[Record], path: Path, what: str) -> Record:
    """Return the record in ``path``, every field of the type that ``kind`` declares.

    Parameters
    ----------
    kind
        The dataclass; keys of the file that it does not know are passed over.
    path
        The JSON file.
    what
        What it should be, for the error.

    Raises
    ------
    AnalysisError
        If the file is missing or damaged.
    """
    try:
        found: Record = _adapter(kind).validate_json(path.read_bytes())
        return found
    except (*_DAMAGE, AnalysisError) as error:
        raise AnalysisError(f"{path} is not {what} ({_brief(error)})") from error


def _adapter(kind: Any) -> Any:
    """Return what checks the fields of ``kind``; making it takes longer than using it."""
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """Return ``content`` with a seal: a hash over all of it."""
    return {**content, SEAL: _hash(content)}


def is_sealed(path: Path) -> bool:
    """Tell whether the record in ``path`` is the one that was sealed."""
    try:
        content = json.loads(path.read_bytes())
        return bool(content.pop(SEAL) == _hash(content))
    except _DAMAGE:
        return False


def _hash(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _brief(error: Exception) -> str:
    """Return what is wrong in one line; of many wrong fields, the first."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else str(first["msg"])
    return " ".join(str(error).split())[:200] or type(error).__name__


#: ``done`` ran, ``cached`` was copied from a run with equal inputs, ``incomplete`` is published
#: without the sections that failed, ``failed`` has a reason and mostly a traceback,
#: ``not_applicable`` lacks data, ``left_out`` was not asked for.
Outcome = Literal["done", "cached", "incomplete", "failed", "not_applicable", "left_out"]


@dataclass(frozen=True)
class Cost:
    """What something took: wall-clock seconds, and seconds of all processors together."""

    name: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Status:
    """How the execution of one report went.

    Parameters
    ----------
    report
        Name of the report, such as ``03_deciles``.
    status
        The outcome; see ``Outcome``.
    reason
        One sentence saying why it is not done; empty when it is.
    traceback
        Where the notebook failed, without colour codes; empty if it did not.
    seconds
        Wall-clock seconds from the start of its process to its end.
    peak_memory_mb
        Largest memory of the kernel and what it started, in megabytes.
    cells
        Code cells that ran.
    cpu_seconds
        Seconds of processors, the kernel's start and all that it started included.
    costs
        What each code cell took, in order.
    analyses
        What each analysis took, by the name that the notebook calls it, and each result to show.
    """

    report: str
    status: Outcome
    reason: str = ""
    traceback: str = ""
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    cells: int = 0
    cpu_seconds: float = 0.0
    costs: tuple[Cost, ...] = ()
    analyses: tuple[Cost, ...] = ()

    @property
    def good(self) -> bool:
        """All results are there to be read."""
        return self.status in ("done", "cached")

    @property
    def shown(self) -> bool:
        """There are results to read, be it without some sections."""
        return self.good or self.status == "incomplete"

    @property
    def exit_code(self) -> int:
        """What the process that executed it ends with."""
        return 1 if self.status in ("failed", "incomplete") else 0

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Status:
        """Read what ``write`` wrote; AnalysisError if it is missing or damaged."""
        return read_record(cls, path, "the status of a report")
