"""Spark, where the data outgrow one machine: its session, its tables, the rows that it keeps.

A session is a Java process. What that process writes, from notes on its start to the log of a
job, goes into a file of its own and never into a report; where Spark does not start, the line of
it that names the error is said.
"""

from __future__ import annotations

import gc
import os
import pickle
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from analysis.errors import AnalysisError, NotApplicable
from analysis.tables.spilling import spill_path

if TYPE_CHECKING:
    import pyarrow as pa

    from analysis.tables.engine import EngineSettings

#: Name of the property that says in how many parts rows are sorted and grouped.
PARTS = "spark.sql.shuffle.partitions"

#: Name of the property that has a question planned anew after each of its steps.
STEPWISE = "spark.sql.adaptive.enabled"

#: Name of the property that says which tables a job of its own sends to all workers.
SENT = "spark.sql.autoBroadcastJoinThreshold"

#: Rows of the largest table for each of these parts, and how many parts there are at most.
_ROWS_A_PART, _MOST_PARTS = 250_000, 1_000

#: What suits many small questions over few large tables, as a report asks them.
_PROPERTIES = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    PARTS: "8",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "2000",  # files that need no job
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.ui.explainMode": "simple",  # of plans that nobody reads
}

#: A driver that only plans and collects is done before a second compiler would have paid. Spark
#: compiles a class for each question; where the room for them is the 48 MB that one compiler is
#: given, Java goes through it for room the whole time and compiles again what it threw out.
_DRIVER_ONLY = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m"


def open_session(settings: EngineSettings) -> Any:
    """Return an Ibis connection to a Spark session.

    Raises
    ------
    AnalysisError
        If pyspark is not installed, or Spark does not start.
    """
    try:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise AnalysisError(
            "engine spark needs pyspark: install the project with its extra [spark]"
        ) from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # of the workers, too
    builder = SparkSession.builder.appName("analysis")
    for name, value in properties(settings).items():
        builder = builder.config(name, value)
    log = spill_path().with_suffix(".log")
    try:
        with _standard_error_into(log):
            session = builder.getOrCreate()
            session.sparkContext.setLogLevel("ERROR")
    except (PySparkRuntimeError, Py4JError, OSError) as error:
        raise AnalysisError(f"Spark does not start: {_cause(log) or error}") from error
    return _backend().connect(session)


def _backend() -> Any:
    """Return Ibis' backend, mended in two places.

    It takes rows of our own as Arrow: Ibis would hand Spark a pandas frame, in which a missing text
    becomes the text NaN, and whose columns Spark cannot always take. And distinct rows in an order
    are distinct: Ibis would tell rows apart by the columns that they were filtered by as well.
    """
    from ibis.backends.pyspark import Backend
    from ibis.backends.sql.compilers.pyspark import PySparkCompiler
    from ibis.backends.sql.rewrites import Select
    from ibis.common.patterns import replace
    from ibis.expr import operations

    @replace(Select)
    def distinct_then_sorted(_: Any) -> Any:
        if not (_.distinct and _.sort_keys):
            return _
        inner = _.copy(sort_keys=())
        fields = {value: operations.Field(inner, name) for name, value in inner.values.items()}
        keys = tuple(key.replace(fields, filter=operations.Value) for key in _.sort_keys)
        selected = {name: operations.Field(inner, name) for name in inner.values}
        return Select(inner, selections=selected, sort_keys=keys)

    class Compiler(PySparkCompiler):
        __slots__ = ()
        post_rewrites = (distinct_then_sorted,)

    class ArrowBackend(Backend):
        compiler = Compiler()

        def _register_in_memory_table(self, op: Any) -> None:
            rows = self._session.createDataFrame(op.data.to_pyarrow(op.schema))
            _named(self, rows, op.name)

    made = ArrowBackend()
    made.register_options()  # as Ibis does for a backend that it loads by name
    return made


def properties(settings: EngineSettings) -> dict[str, str]:
    """Return the properties of the session: ours, those of the settings, the study's own last."""
    memory = settings.memory.lower().replace(" ", "").removesuffix("b")
    master, found = settings.master, dict(_PROPERTIES)
    if settings.threads is not None and master == "local[*]":
        master = f"local[{settings.threads}]"
    elif settings.threads is not None:
        found["spark.cores.max"] = str(settings.threads)
    if not master.startswith("local"):
        found["spark.executor.memory"] = memory
        found["spark.driver.extraJavaOptions"] = _DRIVER_ONLY
    found |= {
        "spark.master": master,
        "spark.driver.memory": memory,
        "spark.sql.warehouse.dir": str(spill_path()),
    }
    return found | dict(settings.options)


def fit(connection: Any, settings: EngineSettings, *, rows: int) -> None:
    """Set up the session for tables of ``rows`` rows, where the study does not say otherwise.

    Rows are sorted and grouped in as many parts as they need. Where one part is enough, a question
    is one task of one job: planning it anew after each step makes a job of every step, and so does
    sending a table to all workers.
    """
    parts = min(max(1, rows // _ROWS_A_PART), _MOST_PARTS)
    fitting = {PARTS: str(parts), STEPWISE: str(parts > 1).lower()}
    if parts == 1 and settings.options.get(PARTS, "1") == "1":
        fitting[SENT] = "-1"
    for name, value in fitting.items():
        if name not in settings.options:
            connection._session.conf.set(name, value)


def read_files(connection: Any, files: list[Path]) -> ibis.Table:
    """Return Parquet files as a table.

    The columns are taken from the first file; Spark would start a job to find them.
    """
    import pyarrow.parquet as pq
    from pyspark.sql.pandas.types import from_arrow_schema

    if not files:
        raise FileNotFoundError("there is no Parquet file in it")
    columns = from_arrow_schema(pq.read_schema(files[0]), prefer_timestamp_ntz=True)
    rows = connection._session.read.schema(columns).parquet(*map(str, files))
    return _named(connection, rows, ibis.util.gen_name("read_parquet"))


def _named(connection: Any, rows: Any, name: str) -> ibis.Table:
    """Return rows under a name; together, where one part is enough: no question deals them out."""
    one = connection._session.conf.get(PARTS) == "1"
    (rows.coalesce(1) if one else rows).createOrReplaceTempView(name)
    return connection.table(name)


def write_parts(connection: Any, rows: ibis.Table, directory: Path, column: str) -> None:
    """Write ``rows`` as Parquet files into a folder for each value of ``column``."""
    connection._run_pre_execute_hooks(rows)
    frame = connection._session.sql(connection.compile(rows))
    frame.write.partitionBy(column).parquet(str(directory))


def on_workers(
    rows: ibis.Table, by: str | None, work: Callable[[pa.Table], dict[str, Any]], gives: str
) -> ibis.Table:
    """Return what ``work`` makes, on the workers, of a part of the rows at a time.

    All rows with one value of ``by`` are in one part; without, the parts are as they are. Workers
    import ``work`` by its name, so they need the environment of this process.

    Parameters
    ----------
    gives
        Names and Spark types of the columns that it returns, such as ``n bigint``.
    """
    connection = rows.get_backend()
    connection._run_pre_execute_hooks(rows)
    parts = connection._session.sql(connection.compile(rows))
    parts = parts.repartition(by) if by else parts

    def each(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        gc.freeze()  # what is here already is no garbage, in which Spark looks after each task
        if found := list(batches):
            yield from pa.table(work(pa.Table.from_batches(found))).to_batches()
        for place in [name for name in sys.path_importer_cache if ".zip" in name]:
            del sys.path_importer_cache[place]  # Spark has what is found there read before each

    name = ibis.util.gen_name("made_by_workers")
    parts.mapInArrow(each, gives).createOrReplaceTempView(name)
    return connection.table(name)


class Spread:
    """What workers ``make`` of the rows of each ``part``, and keep: only results come back."""

    def __init__(self, rows: ibis.Table, make: Callable[[pa.Table], Any]) -> None:
        def objects(rows: pa.Table) -> dict[str, Any]:
            import pyarrow as pa

            number = rows["part"].to_numpy()
            parts = sorted({*number.tolist()})
            return _sent(parts, (make(rows.filter(pa.array(number == part))) for part in parts))

        self._made = kept(on_workers(rows, "part", objects, "part int, made binary"))

    def each(self, work: Callable[[Any], Any], *, only: int | None = None) -> list[Any]:
        """Return what ``work`` makes of each object (or of one part's), in the parts' order."""

        def done(made: bytes) -> Any:
            try:
                return work(pickle.loads(made))
            except NotApplicable as refused:  # to be said by who asks
                return refused

        def results(rows: pa.Table) -> dict[str, Any]:
            return _sent(rows["part"].to_pylist(), map(done, rows["made"].to_pylist()))

        made = self._made if only is None else self._made.filter(self._made.part == only)
        found = on_workers(made, None, results, "part int, made binary").to_pyarrow()
        given = [pickle.loads(each) for each in found.sort_by("part")["made"].to_pylist()]
        for refused in (each for each in given if isinstance(each, NotApplicable)):
            raise refused
        return given


def _sent(parts: list[int], made: Iterable[Any]) -> dict[str, Any]:
    import pyarrow as pa

    return {
        "part": pa.array(parts, pa.int32()),
        "made": pa.array(map(pickle.dumps, made), pa.binary()),
    }


def parts_for(connection: Any) -> int:
    """Return in how many parts customers are dealt to workers: two at least, one a part of rows."""
    return max(2, int(connection._session.conf.get(PARTS)))


def kept(rows: ibis.Table) -> ibis.Table:
    """Return ``rows``, computed at their first use and kept by the workers while they are used."""
    backend = rows.get_backend()
    # Ibis registers the rows of our own in a query that it executes, not in one that it keeps.
    backend._run_pre_execute_hooks(rows)
    return rows.cache()


@contextmanager
def _standard_error_into(path: Path) -> Iterator[None]:
    """Have processes that start meanwhile write what goes to standard error into ``path``."""
    sys.stderr.flush()
    before = os.dup(2)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


#: What the line of a log that says what went wrong has in it.
_WRONG = re.compile(
    r"No such file|not found|Permission denied|Failed to connect|Exception|[Ee]rror\b"
)


def _cause(log: Path) -> str:
    """Return the line of a log that says why Java ended: the first that names an error."""
    with suppress(OSError):
        lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
        wrong = [line for line in lines if _WRONG.search(line)]
        return next(iter(wrong or lines[-1:]), "")
    return ""
