"""What portraits and places say, and how far to trust the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd


#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def compared(table: pd.DataFrame, one: str, other: str) -> str:
    """Say what sets two segments furthest apart."""
    if table.empty:
        return f"{one} and {other} differ in nothing beyond chance"
    apart = (table["one_index"] / table["other_index"].clip(lower=1)).abs()
    row = table.loc[apart.clip(lower=0.01).map(lambda r: max(r, 1 / r)).idxmax()]
    return (
        f"{one} and {other} differ most in {str(row['item']).lower()}: "
        f"{words.number(row['one_index'])} against {words.number(row['other_index'])}, "
        "everybody 100"
    )


def areas(table: pd.DataFrame, what: str, currency: str) -> str:
    """Say how far areas really differ once small ones are shrunk."""
    first, last = table.iloc[0], table.iloc[-1]
    return (
        f"{what} differ from {words.money(last['shrunk'], 0, currency)} to "
        f"{words.money(first['shrunk'], 0, currency)} a customer once luck is taken out; raw "
        f"means run from {words.money(table['mean'].min(), 0, currency)} to "
        f"{words.money(table['mean'].max(), 0, currency)}"
    )


def tastes(portraits: pd.DataFrame, fdr: float) -> str:
    """Return one bullet a segment: what it clearly buys more of than everybody."""
    bullets = []
    for name, rows in portraits.groupby("segment", sort=False):
        clear = rows[(rows["q"] <= fdr) & (rows["index"] > 100)]
        parts = [
            f"{item.lower()} ({words.number(index)})"
            for part in ("tastes", "proxies", "demography")
            for item, index in clear.loc[clear["part"] == part]
            .nlargest(3, "index")[["item", "index"]]
            .itertuples(index=False)
        ]
        said = words.listing(parts) if parts else "nothing beyond chance"
        bullets.append(f"- **{name}** over-index in {said}.")
    return "Everybody is 100.\n\n" + "\n".join(bullets)


def kinds(table: pd.DataFrame) -> str:
    """Say what the table of segments holds."""
    names = [
        c for c in table.columns if table[c].dtype.kind in "OUT" or str(table[c].dtype) == "str"
    ]
    named = [c.replace("_", " ") for c in names if c != "customer_id"]
    return (
        f"{words.count(len(table), 'customer')}, each with {words.listing(named)}, in one table "
        "that other reports join by customer."
    )


def trust(
    *,
    rows: int,
    simulated: bool,
    calibration: pd.DataFrame,
    bought: pd.DataFrame,
    margin: str,
    gap: str,
) -> list[tuple[str, bool | None, str]]:
    """Return the lines of the trust panel.

    Parameters
    ----------
    rows
        Customers judged.
    simulated
        Whether the study is simulated.
    calibration
        ``silence.calibration``.
    bought
        ``worth.what_next`` of the RFM segments.
    margin
        The sentence on where margin comes from.
    gap
        Why growth could not be judged; empty if it was.
    """
    tenth = calibration.iloc[0]
    off = abs(tenth["called"] - tenth["expected"])
    order = bought[bought["customers"] >= 10]
    apart = order["bought"].max() - order["bought"].min()
    return [
        ("Held-out check", bool(apart > 0.1), "Segments were formed on what was known before and "
         f"checked on what followed: from most to least {words.points(apart, 0)} in buying again."),
        ("Silence", bool(off < 0.03), f"The model calls {words.percent(tenth['called'])} of past "
         "gaps unusual where it should call 10 %; the cuts are set by the gaps themselves, not by "
         "the model."),
        ("Growth", None if gap else True, gap or "Rises and falls are held to the false discovery "
         "rate of the parameters; most customers buy too seldom to be called."),
        ("Margin", None if "assum" in margin else True, margin),
        ("Data", None if simulated else True, "Simulated: nothing in it happened." if simulated
         else f"{words.count(rows, 'customer')} with an order in the window; guests are nobody."),
    ]  # fmt: skip
