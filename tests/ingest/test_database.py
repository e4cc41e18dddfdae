"""Tables from databases, for real: PostgreSQL in a throwaway server, SQLite in a file."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import DataError, ParamsError
from analysis.ingest.readers.database import Wanted, snapshots
from tests.ingest.shop import Shop, changed

ROWS = [
    ("1001", "C1", "SKU1", "2024-03-01 10:00", 2.0, 9.99, "ok"),
    ("1002", None, "SKU2", "2024-03-02 11:30", -1.0, 5.0, "Ümläut 中文"),
    ("1003", "C2", "SKU1", None, 1.0, 1.0, "no time"),
]
PASSWORD = "correct horse/battery@staple"


def bin_directory() -> Path | None:
    """Return the folder of PostgreSQL's programs, which Debian keeps off the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("initdb")
    return debian[-1] if debian else Path(found).parent if found else None


def as_other_user(home: Path) -> dict[str, int]:
    """PostgreSQL will not run as root: use an unprivileged account for it there."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(home, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid}


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A server of its own on a Unix socket; yields the URL without the password."""
    programs = bin_directory()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed")
        pytest.skip("there is no PostgreSQL here: install postgresql to test against it")
    home = Path(tempfile.mkdtemp(prefix="pg"))
    home.chmod(0o755)
    who = as_other_user(home)
    secret = home / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home, **who}
    data = home / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "shop", "-A", "scram-sha-256",
         f"--pwfile={secret}", "-E", "UTF8", "--locale=C"],
        check=True, **quiet,
    )  # fmt: skip
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-k", home, "-c", "listen_addresses="], **quiet
    )
    try:
        wait_for(home)
        fill_postgres(home)
        yield f"postgresql://shop@/postgres?host={home}"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(home, ignore_errors=True)


def wait_for(home: Path) -> None:
    import psycopg

    for _ in range(100):
        try:
            psycopg.connect(
                host=str(home), user="shop", password=PASSWORD, dbname="postgres"
            ).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the PostgreSQL server did not start")


def fill_postgres(home: Path) -> None:
    import psycopg

    with psycopg.connect(host=str(home), user="shop", password=PASSWORD, dbname="postgres") as c:
        c.execute(
            "create table sales (id text, customer text, sku text, at timestamp, qty numeric, "
            "price numeric(10, 2), note text)"
        )
        with c.cursor() as cursor:
            cursor.executemany("insert into sales values (%s, %s, %s, %s, %s, %s, %s)", ROWS)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as c:
        c.execute(
            "create table sales (id text, customer text, sku text, at text, qty real, price real, "
            "note text)"
        )
        c.executemany("insert into sales values (?, ?, ?, ?, ?, ?, ?)", ROWS)
    c.close()
    return f"sqlite:///{path}"


def check(shop: Shop, url: str, **more: str) -> None:
    raw = changed(paths=["sales"])
    raw["tables"][0]["columns"]["ordered_at"] = "at"
    shop.map(raw)
    shop.source = {"kind": "database", "mapping": "shop", "url": url, **more}
    result = shop.ingest()
    assert result.manifest.rows == {"order_lines": 2, "products": 2, "customers": 2}
    first, second = shop.table("order_lines")
    assert (first["order_id"], str(first["net_amount"])) == ("1001", "19.98")
    assert (second["customer_id"], str(second["net_amount"])) == (None, "-5.00")
    refused = shop.rejected("order_lines")
    assert [(r["source"], r["line"], r["reason"]) for r in refused] == [
        ("sales", 3, "ordered_at is missing")
    ]
    assert {r["name"] for r in shop.table("products")} == {"no time", "Ümläut 中文"}
    assert shop.ingest().skipped


def test_postgresql(shop: Shop, postgres: str, monkeypatch) -> None:
    monkeypatch.setenv("SHOP_DB_PASSWORD", PASSWORD)
    check(shop, postgres, password_env="SHOP_DB_PASSWORD")


def test_postgresql_with_a_wrong_password(postgres: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"postgresql database .*password authentication failed"):
        list(snapshots(postgres, "wrong", Wanted(("sales",)), tmp_path))


def test_sqlite(shop: Shop, sqlite: str) -> None:
    check(shop, sqlite)


def test_a_row_added_to_the_database_is_seen(shop: Shop, sqlite: str) -> None:
    check(shop, sqlite)
    with sqlite3.connect(sqlite.removeprefix("sqlite:///")) as c:
        c.execute("insert into sales values ('9', 'C9', 'SKU9', '2024-03-03 09:00', 1, 1, 'new')")
    c.close()
    result = shop.ingest()
    assert result.manifest.rows["order_lines"] == 3
    assert result.news == ("changed since it was last read: sales",)


def test_a_table_that_is_not_there(sqlite: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no table orders; it has sales"):
        list(snapshots(sqlite, None, Wanted(("orders",)), tmp_path / "s"))


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list(snapshots(f"sqlite:///{tmp_path}/none.db", None, Wanted(("sales",)), tmp_path / "s"))


def test_a_password_in_the_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"source\.url holds a password") as error:
        list(snapshots("postgresql://u:secret@h/d", None, Wanted(("t",)), tmp_path))
    assert "secret" not in str(error.value).replace("source.url holds a password", "")


def test_a_password_that_the_environment_lacks(shop: Shop) -> None:
    shop.source = {
        "kind": "database",
        "mapping": "shop",
        "url": "postgresql://shop@/postgres",
        "password_env": "NO_SUCH_PASSWORD",
    }
    with pytest.raises(ParamsError, match="the environment has no NO_SUCH_PASSWORD"):
        shop.ingest()


def growing(tmp_path: Path, *rows: tuple[int, str]) -> str:
    path = tmp_path / "till.db"
    with sqlite3.connect(path) as c:
        c.execute(
            "create table if not exists sales (no integer primary key, id text, customer text, "
            'sku text, "when" text, qty real, price real, note text)'
        )
        for no, when in rows:
            c.execute(
                "insert into sales values (?, ?, 'C1', 'A', ?, 1, 2, 'x')", (no, f"o{no}", when)
            )
    c.close()
    return f"sqlite:///{path}"


def test_only_rows_above_the_watermark_are_read(shop: Shop, tmp_path: Path) -> None:
    shop.map(changed(paths=["sales"], watermark="no"))
    url = growing(tmp_path, (1, "2024-01-01 09:00"), (9, "2024-01-02 09:00"))
    shop.source = {"kind": "database", "mapping": "shop", "url": url}
    assert shop.ingest().manifest.rows["order_lines"] == 2
    with sqlite3.connect(tmp_path / "till.db") as c:
        c.execute("update sales set price = 99 where no = 1")  # below the mark: not read again
    c.close()
    growing(tmp_path, (10, "2023-12-31 09:00"), (11, "2024-01-03 09:00"))
    result = shop.ingest()
    assert result.news == ("new: sales up to no 11",)
    assert [e.rows_in for e in result.manifest.ledger if e.table == "order_lines"] == [2, 2]
    amounts = {r["order_id"]: str(r["net_amount"]) for r in shop.table("order_lines")}
    assert amounts == {"o1": "2.00", "o9": "2.00", "o10": "2.00", "o11": "2.00"}
    assert shop.ingest().skipped


def test_a_watermark_on_an_empty_table_waits_for_rows(shop: Shop, tmp_path: Path) -> None:
    shop.map(changed(paths=["sales"], watermark="no"))
    shop.source = {"kind": "database", "mapping": "shop", "url": growing(tmp_path)}
    assert shop.ingest().manifest.rows["order_lines"] == 0
    growing(tmp_path, (1, "2024-01-01 09:00"))
    assert shop.ingest().manifest.rows["order_lines"] == 1


def test_a_watermark_that_is_not_there(shop: Shop, tmp_path: Path) -> None:
    shop.map(changed(paths=["sales"], watermark="changed_at"))
    shop.source = {"kind": "database", "mapping": "shop", "url": growing(tmp_path)}
    with pytest.raises(DataError, match="no column 'changed_at'"):
        shop.ingest()


def test_postgresql_with_a_watermark_in_time(shop: Shop, postgres: str, tmp_path: Path) -> None:
    import psycopg

    wanted, home = Wanted(("till",), "at"), postgres.partition("host=")[2]
    with psycopg.connect(host=home, user="shop", password=PASSWORD, dbname="postgres") as c:
        c.execute("create table till as select * from sales where at is not null")
    first = list(snapshots(postgres, PASSWORD, wanted, tmp_path / "s"))
    with psycopg.connect(host=home, user="shop", password=PASSWORD, dbname="postgres") as c:
        c.execute("insert into till values ('9', 'C9', 'S', '2030-03-03 09:00:00.25', 1, 1, 'n')")
    second = list(snapshots(postgres, PASSWORD, wanted, tmp_path / "s"))
    assert second[: len(first)] == first
    assert [len(pd.read_parquet(path)) for _, path in second[1:]] == [1]
    assert list(snapshots(postgres, PASSWORD, wanted, tmp_path / "s")) == second


def test_rows_that_no_watermark_would_ever_reach_are_refused(postgres: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 rows of sales have no at, so they would never be read"):
        list(snapshots(postgres, PASSWORD, Wanted(("sales",), "at"), tmp_path / "s"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("sales.no.marks.json", "sales.no.marks.json cannot be read"),
        ("sales+00000.parquet", "sales+00000.parquet holds other bytes than were written"),
    ],
)
def test_what_was_read_before_and_is_damaged_is_read_again(
    shop: Shop, tmp_path: Path, name: str, why: str
) -> None:
    shop.map(changed(paths=["sales"], watermark="no"))
    url = growing(tmp_path, (1, "2024-01-01 09:00"))
    shop.source = {"kind": "database", "mapping": "shop", "url": url}
    shop.ingest()
    path = next(shop.root.rglob(name))
    path.write_bytes(path.read_bytes()[:20])
    result = shop.ingest()
    assert len(result.mended) == 1
    assert result.mended[0] == (
        f"what was read of sales before was damaged ({why}); it was read again as a whole"
    )
    assert result.manifest.rows["order_lines"] == 1
    assert shop.ingest().mended == ()
