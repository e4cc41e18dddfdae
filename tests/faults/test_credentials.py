"""Passwords are taken from the environment alone, and refused wherever they would be written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from analysis import params
from analysis.cli import main
from analysis.errors import ParamsError
from analysis.params.credentials import refuse_credentials
from tests.tiny import Journey

SECRET = "hunter2-planted"
ENDS = (
    " Params are written into every run, where others read them, so secrets come from the "
    "environment alone: take it out, and name the variable that has it as password_env\n"
)
STUDIES = Path(__file__).parents[2] / "params"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            {"url": f"postgresql://reader@db/shop?password={SECRET}"},
            "source.url holds a secret (password in the address's query).",
        ),
        (
            {"url": f"postgresql://reader@db/shop?sslmode=require&ssl%70assword={SECRET}"},
            "source.url holds a secret (sslpassword in the address's query).",
        ),
        ({"url": f"mysql://reader:{SECRET}@db/shop"}, "source.url holds a password."),
        (
            {"url": f"md:shop?motherduck_token={SECRET}"},
            "source.url holds a secret (motherduck_token in the address's query).",
        ),
        ({"url": f"host=db user=reader password={SECRET}"}, "source.url holds a secret."),
        ({"url": "sqlite:///a.db", "password": SECRET}, "source.password holds a secret."),
        (
            {"sources": {"web": {"url": f"postgres://a:{SECRET}@b/c"}}},
            "source.sources.web.url holds a password.",
        ),
    ],
)
def test_a_secret_in_the_params_is_refused_and_written_nowhere(
    journey: Journey, monkeypatch: pytest.MonkeyPatch, source: dict, said: str
) -> None:
    path = journey.root / "params" / "tiny.yaml"
    raw = yaml.safe_load(path.read_text())
    raw["source"] = {"kind": "database", "mapping": "shop", **source}
    path.write_text(yaml.safe_dump(raw))
    monkeypatch.chdir(journey.root)
    for command in ("run", "ingest", "check", "lists"):
        result = CliRunner().invoke(main, [command, "tiny"])
        assert result.exit_code == 2
        assert SECRET not in result.output
        assert result.stderr == f"analysis: tiny.yaml: {said}{ENDS}"
    written = [p for p in journey.root.rglob("*") if p.is_file() and p != path]
    assert not [p for p in written if SECRET.encode() in p.read_bytes()]


def test_a_secret_in_an_override_is_refused(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(journey.root)
    override = f"source.url=postgresql://reader@db/shop?password={SECRET}"
    result = CliRunner().invoke(main, ["run", "tiny", "--set", override])
    assert result.exit_code == 2
    assert "source.url holds a secret (password in the address's query)." in result.stderr
    assert SECRET not in result.output


@pytest.mark.parametrize(
    "harmless",
    [
        {"source": {"url": "postgresql://reader@db/shop?sslmode=require", "password_env": "PW"}},
        {"title": "Password managers: which sell?"},
        {"title": "https://example.org/shop?page=2"},
        {"reports": {"01": {"broken": 3, "key": "a", "password_env": "PW"}}},
        {"title": "odd ://[address"},
    ],
)
def test_what_holds_no_secret_is_left_alone(harmless: dict) -> None:
    refuse_credentials(harmless, "x.yaml")


def test_the_projects_own_studies_hold_none() -> None:
    for path in STUDIES.glob("*.yaml"):
        assert params.load(path.stem, root=STUDIES.parent).study == path.stem


def test_a_password_in_the_answer_of_a_database_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from analysis.errors import DataError
    from analysis.ingest.readers import database

    def refuse(url: str) -> None:
        raise OSError(f"cannot reach {url}")

    monkeypatch.setattr("ibis.connect", refuse)
    with pytest.raises(DataError) as caught:
        database._connect("postgresql://reader@db/shop", SECRET)
    assert SECRET not in str(caught.value)
    with pytest.raises(ParamsError, match="holds a password"):
        database._connect(f"postgresql://reader:{SECRET}@db/shop", None)
