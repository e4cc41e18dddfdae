"""The ways to install the project say the same."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
LOCKS = sorted(REPOSITORY.glob("requirements*.lock"))


def locked(path: Path) -> dict[str, list[Requirement]]:
    """Return the requirements of a lock by name; a name may stand there once a marker."""
    text = path.read_text("utf-8").replace("\\\n", " ")
    found: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(re.sub(r"--hash=\S+", "", line))
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


@pytest.mark.parametrize("path", LOCKS, ids=lambda p: p.name)
def test_locks_have_a_hash_a_package_and_no_address(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    entries = [e for e in text.replace("\\\n", " ").splitlines() if e and not e.startswith("#")]
    assert entries
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.lock", ["build"]),
        ("requirements-test.lock", ["build", "test", "spark", "databases", "matching"]),
    ],
)
def test_locks_hold_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    wanted = list(PROJECT["dependencies"])
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    have = locked(REPOSITORY / lock)
    for requirement in map(Requirement, wanted):
        pins = have[canonicalize_name(requirement.name)]
        for pin in pins:
            (version,) = (s.version for s in pin.specifier)
            assert requirement.specifier.contains(version), f"{requirement} but {lock} has {pin}"


def test_the_test_lock_contains_the_other_unchanged() -> None:
    tests = locked(REPOSITORY / "requirements-test.lock")
    for name, pins in locked(REPOSITORY / "requirements.lock").items():
        assert {str(pin) for pin in pins} == {str(pin) for pin in tests[name]}


def test_conda_users_get_the_same() -> None:
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text("utf-8"))
    assert environment["name"] == PROJECT["name"]
    python, pip, requirements = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}"
    assert pip == "pip"
    assert requirements == {"pip": ["--require-hashes", "-r requirements.lock"]}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, analysis, analysis.reporting, analysis.cli\n"
        "heavy = {'pandas', 'numpy', 'ibis', 'matplotlib', 'scipy', 'sklearn', 'statsmodels',"
        " 'duckdb', 'pyarrow', 'papermill', 'nbformat', 'nbconvert', 'great_tables'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
