"""Contact lists in the form that a CRM or a mail tool imports, with no column more than it needs.

Zoho CRM takes CSV, Fxiaoke workbooks; any other program the plain CSV, the workbook or, for mail
tools, whom to write to and what.

Zoho CRM: Bulk Write API and Import take CSV with API names as headers, UTF-8, at most 25,000
records a file (https://www.zoho.com/crm/developer/docs/api/v8/bulk-write/limitations.html).
Records are found by ``Id``. Fxiaoke: list > import takes a workbook whose header has the fields'
labels; customers are found by 客户名称. A CRM that lacks a field for the list, the arm and the
offer needs one first.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pandas as pd

from analysis.errors import DataError

System = Literal["zoho_crm", "fxiaoke", "csv", "excel", "mail"]
RECORDS_A_FILE = 25_000

#: Column of the list to header of the import file.
HEADERS: dict[str, dict[str, str]] = {
    "zoho_crm": {
        "customer_id": "Id",
        "promotion_id": "Target_List",
        "arm": "Target_Arm",
        "channel": "Contact_Channel",
        "offer": "Offer",
        "contact_on": "Contact_On",
        "hour": "Contact_Hour",
        "reason": "List_Reason",
    },
    "fxiaoke": {
        "customer_id": "客户名称",
        "promotion_id": "营销名单",
        "arm": "实验分组",
        "channel": "触达渠道",
        "offer": "优惠",
        "contact_on": "触达日期",
        "hour": "触达时刻",
        "reason": "入选原因",
    },
    "csv": {
        **{c: c for c in ("customer_id", "personal_key", "promotion_id", "arm", "channel")},
        **{c: c for c in ("offer", "contact_on", "hour", "reason")},
    },
    "mail": {
        "customer_id": "Recipient",
        "promotion_id": "List",
        "offer": "Offer",
        "contact_on": "Send_On",
        "hour": "Send_Hour",
    },
}
HEADERS["excel"] = HEADERS["csv"]

#: Arms that are not contacted: they are in no file, lest they be.
LEFT_ALONE = ("control", "holdout")

#: Systems that take workbooks.
WORKBOOKS = ("fxiaoke", "excel")


def write(contacts: pd.DataFrame, folder: Path, *, name: str, system: System) -> list[Path]:
    """Write whom to contact as files that ``system`` imports.

    Parameters
    ----------
    contacts
        One row a customer: customer_id, and any of personal_key, promotion_id, arm, channel,
        offer, contact_on, hour, reason; others are left out.
    folder
        Where to write; made if it is not there.
    name
        Name of the list, the start of every file's name.
    system
        Which CRM or kind of file.

    Returns
    -------
    list[Path]
        The files: one for each 25,000 customers.

    Raises
    ------
    DataError
        If a customer is missing or stands in the list twice.
    """
    if "customer_id" not in contacts.columns or contacts["customer_id"].isna().any():
        raise DataError(f"{name}: every row of a contact list needs a customer_id")
    if contacts["customer_id"].duplicated().any():
        twice = contacts.loc[contacts["customer_id"].duplicated(), "customer_id"].iloc[0]
        raise DataError(f"{name}: customer {twice} stands in the list twice")
    kept = contacts
    if "arm" in contacts.columns:
        kept = contacts[~contacts["arm"].isin(LEFT_ALONE)]
    headers = HEADERS[system]
    rows = kept[[c for c in headers if c in kept.columns]].sort_values("customer_id")
    folder.mkdir(parents=True, exist_ok=True)
    writer, suffix = (_workbook, ".xlsx") if system in WORKBOOKS else (_csv, ".csv")
    paths = []
    for number, block in enumerate(_blocks(rows), start=1):
        several = f"-{number}" if len(rows) > RECORDS_A_FILE else ""
        path = folder / f"{name}{several}{suffix}"
        writer(path, [headers[c] for c in rows.columns], block)
        paths.append(path)
    return paths


def _blocks(rows: pd.DataFrame) -> Iterator[list[list[str]]]:
    for start in range(0, max(len(rows), 1), RECORDS_A_FILE):
        block = rows.iloc[start : start + RECORDS_A_FILE]
        yield [[_text(v) for v in row] for row in block.itertuples(index=False)]


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


#: What a spreadsheet skips before it looks for a formula: blanks, and characters without width.
_UNSEEN = r"[\s\u00a0\u00ad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u2064\u3000\ufeff\x00]"

#: What a formula begins with, in the full-width forms of Chinese and Japanese keyboards too.
_FORMULA = re.compile(rf"(?:\A(?=[\t\r\n])|(?:\A|(?<=[;\t\r\n])){_UNSEEN}*(?=[=+\-@＝＋－＠]))")

#: Most cells hold none of these, and so no formula.
_SUSPECT = re.compile(r"[=+\-@＝＋－＠\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?")


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; a number stays a number.

    An apostrophe, the spreadsheets' own mark of text, goes before what would begin a formula: at
    the start, after blanks or characters without width, and after a semicolon, a tab or a line
    break, where a spreadsheet of another country begins a new cell.
    """
    if _SUSPECT.search(cell) is None or _NUMBER.fullmatch(cell):
        return cell
    return _FORMULA.sub(lambda found: f"'{found[0]}", cell)


def _csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(map(harmless, row) for row in rows)


def _workbook(path: Path, header: list[str], rows: list[list[str]]) -> None:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("导入")
        for number, row in enumerate([header, *rows]):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell)
