"""A standalone Spark cluster on this machine: a master and two workers, processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyspark

HOME = Path(pyspark.__file__).parent
DEPLOY = "org.apache.spark.deploy"


@dataclass
class Cluster:
    """The cluster's address and its processes, the master first; MB of memory of an executor."""

    folder: Path
    memory: int = 512
    url: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, name: str, *words: str, says: str) -> str:
        """Start a process and return what ``says`` finds in its log."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            command = [str(HOME / "bin" / "spark-class"), *words]
            self.processes.append(
                subprocess.Popen(command, stdout=out, stderr=out, env=_environment(self.folder))
            )
        return _found(self.processes[-1], log, says)

    def settings(self, **options: str) -> dict[str, object]:
        """Return the section ``engine`` of params that point at the cluster."""
        wanted = {
            "spark.executor.memory": f"{self.memory}m",
            "spark.driver.host": "127.0.0.1",
            # Of each task an executor writes a dozen lines: an eighth of its time.
            "spark.executor.syncLogLevel.enabled": "true",
            "spark.executor.extraJavaOptions": (
                "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=128m"
            ),
            **options,
        }
        return {"kind": "spark", "memory": "1GB", "master": self.url, "options": wanted}

    def cpu_seconds(self) -> float:
        """Return the processor seconds of the executors that have ended."""
        stats = [Path(f"/proc/{p.pid}/stat").read_text() for p in self.processes[1:]]
        ticks = [stat.rpartition(")")[2].split()[13:15] for stat in stats]
        return sum(int(n) for pair in ticks for n in pair) / os.sysconf("SC_CLK_TCK")

    def executors(self) -> int:
        """Return how many times a worker was told to start an executor for a report."""
        logs = [path.read_text("utf-8", "replace") for path in self.folder.glob("worker-*.log")]
        return sum(len(re.findall(r"Asked to launch executor", log)) for log in logs)


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "SPARK_HOME": str(HOME),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "PYSPARK_PYTHON": sys.executable,
    }


def _found(process: subprocess.Popen[bytes], log: Path, says: str, *, seconds: int = 300) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := re.search(says, log.read_text("utf-8", "replace")):
            return found[1]
        assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        time.sleep(0.2)
    raise AssertionError(log.read_text("utf-8", "replace")[-2000:])


@contextmanager
def cluster(folder: Path, *, memory: int = 512) -> Iterator[Cluster]:
    """Start a master and two workers of one core each; end them afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Cluster(folder, memory)
    # Two workers that make it at the same moment fail, one of them at every start of an executor.
    (folder / "local").mkdir()
    try:
        master = (f"{DEPLOY}.master.Master", "--host", "127.0.0.1", "--port", "0")
        made.url = made.start("master", *master, "--webui-port", "0", says=r"at (spark://\S+:\d+)")
        for number in (1, 2):
            words = (
                "-c",
                "1",
                "-m",
                f"{memory + 88}m",
                "--webui-port",
                "0",
                "-d",
                str(folder / "work"),
            )
            worker = (f"{DEPLOY}.worker.Worker", *words, made.url)
            made.start(f"worker-{number}", *worker, says=r"(Successfully registered) with master")
        yield made
    finally:
        for process in reversed(made.processes):
            process.terminate()
        for process in made.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
