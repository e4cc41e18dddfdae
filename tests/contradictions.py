"""No report of a run tells what another denies: the rules, held to what the run published.

1. Orders. A table of single customers gives orders where it has a column ``ruling``, ``arm`` or
   ``worth_it``. No customer is to be contacted by one row of a run and left alone by another, nor
   gets two messages; service, which is no advertising, stands apart. Rulings are report 08's alone.
2. Promotions. A figure in money that a finding gives of a promotion, with an interval on one side
   of zero, has none of report 06's net returns of that promotion wholly on the other side; a
   promotion without a verdict has no figure at all.
3. Products. What report 05 tells to sell together, and report 08 offers, is still sold by reports
   01 and 04, and did not lose half of its sales or more (significantly, report 01).
4. Customers. Nobody who declines by report 03 grows by report 02.
5. Substitutes. Nobody is recommended, because of a product, what stands in for it.
6. Sales. The growth of report 01 and the trend of report 04, where both are significant, agree.
7. Figures. No page shows an interval beside an estimate that it does not hold; nothing falls by
   more than all of it; no segment of customers too few to be shown alone has a figure, nor can it
   be had by subtraction; one thing is not told in the plural.
8. Newcomers. What a new customer brought by report 07 lies between what report 11 says of the
   channels that bring least and most over the same months.
9. Findings. A finding's interval holds its value, and no page shows a p-value or a false discovery
   rate as 0. A difference whose interval holds zero says that it is not significant. A forecast
   whose past was always too high has no interval that reaches further up than down.
10. Single customers. No published table gives a sum of one or two customers, the largest or the
    smallest of single customers, or two heads of a ranking that differ by one or two.
11. Words. No heading of reports 01 to 05, which compare nothing randomised, has something move,
    drive or raise sales, and none names the effect of it.
12. Names. No heading, finding or cell of a table names a column or an attribute as the code does
   (report 01, which is about columns, and the parameters apart).
13. Lists. The rulings count as many to contact and held out as the pages, findings and limits of
   report 08 say; what they cost stays within the budget.
14. Satisfaction. The scorecard has the score of all who were asked where report 10 has weighted it.
15. Buyers. Whoever report 03 holds against the own past, bought (report 02).
16. Referrals. A newcomer whom report 11 says a referral brought cost no less than report 09 says
   that its rewards are.
17. Zero. The interval beside a difference, which is written with its sign, has no end that reads as
    zero where none is zero: whether it is significant is read off that end.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.stats.sizes import FEWEST_CUSTOMERS, FEWEST_OF_A_SUM, too_small
from tests.director import findings

CONTACT, ALONE = "contact", "left alone"

#: What a cell of each column of orders tells; anything else is the name of an arm that is treated.
TELLS = {
    "contact": CONTACT, "hold out": ALONE, "leave alone": ALONE, "control": ALONE,
    "holdout": ALONE, "True": CONTACT, "False": ALONE, "": "",
}  # fmt: skip
COLUMNS = ("ruling", "arm", "worth_it")
_CELL = r"<t[hd][^>]*>(.*?)</t[hd]>"
#: Headings of columns of p-values and false discovery rates.
CHANCES = ("p", "q", "False discovery rate", "q against the rest")
#: What fell by half or more is no longer pushed.
HALVED = -0.5


def told(run: Path) -> pd.DataFrame:
    """Return what every table of single customers tells to do: customer_id, table, tells."""
    parts = []
    for place, rows in customer_tables(run):
        for column in (c for c in COLUMNS if c in rows):
            said = rows[column].astype("str")
            one = rows[["customer_id"]].assign(table=place, tells=said.map(TELLS).fillna(CONTACT))
            service = rows.get("kind", pd.Series("", rows.index)) == "service"
            parts.append(one[~service & (one["tells"] != "")].drop_duplicates())
    names = ["customer_id", "table", "tells"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def customer_tables(run: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    for room in ("tables", "lists"):
        for path in sorted((run / room).glob("*/*.parquet")):
            rows = pd.read_parquet(path)
            if "customer_id" in rows:
                yield f"{path.parent.name}/{path.stem}", rows


def table(run: Path, name: str) -> pd.DataFrame | None:
    """Return a published table, or None where the run has none of that name."""
    found = [p for room in ("tables", "lists") if (p := run / room / f"{name}.parquet").exists()]
    return pd.read_parquet(found[0]) if found else None


def check(run: Path) -> None:
    """Hold a published run to every rule."""
    _orders(run)
    _promotions(run)
    _products(run)
    _customers(run)
    _substitutes(run)
    _sales(run)
    _newcomers(run)
    _findings(run)
    _figures(run)
    _names_of_the_code(run)
    _lists(run)
    _satisfaction(run)
    _single_customers(run)
    _causes(run)
    _buyers(run)
    _referrals(run)


def _orders(run: Path) -> None:
    given = told(run)
    assert given["table"].str.startswith("08_targets/").all(), given["table"].unique()
    several = given.groupby("customer_id")["tells"].nunique() > 1
    assert not several.any(), given[given["customer_id"].isin(several.index[several])].head()
    if (rulings := table(run, "08_targets/rulings")) is not None:
        assert rulings["customer_id"].is_unique
        assert len(rulings) > 0


def _promotions(run: Path) -> None:
    returns = table(run, "06_promotions/returns_all")
    if returns is None:
        return
    judged = table(run, "06_promotions/verdicts_after_costs")
    empty = [] if judged is None else judged.loc[judged["verdict"] == "no verdict", "name"]
    for path in sorted((run / "findings").glob("*.json")):
        for finding in findings(run, path.stem).values():
            words = f"{finding['sentence']} {finding.get('detail') or ''}"
            if any(name in words for name in empty):
                assert finding["value"] is None, (path.stem, words)
            if finding["low"] is None or finding["unit"] not in ("EUR", "USD"):
                continue
            named = returns[[_names(words, label) for label in returns["label"]]]
            for low, high in zip(named["low"], named["high"], strict=True):
                against = finding["low"] > 0 > high or finding["high"] < 0 < low
                assert not against, words


def _names(words: str, label: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(label)}(?!\w)", words) is not None


def _products(run: Path) -> None:
    products, pairs = table(run, "01_profiling/products"), table(run, "05_baskets/pairs_that_hold")
    sold, lives = table(run, "08_targets/rulings"), table(run, "04_forecast/statuses")
    if products is None:
        return
    known = products.set_index("group")
    dropped = set(known.index[(known["status"] == "delisted") | (known["growth_high"] < HALVED)])
    if pairs is not None:
        for side in ("antecedents", "consequents"):
            assert not set(pairs[side].astype("str")) & dropped
        if lives is not None:
            over = lives.loc[lives["status"].str.contains("ended"), "name"]
            ended = {_plain(name) for name in over}
            assert not {_plain(name) for name in [*pairs["a"], *pairs["b"]]} & ended
    if sold is not None:
        listed = sold.loc[sold["ruling"] == "contact", "product_id"].dropna().astype("str")
        assert not set(listed) & set(known.index[known["status"] == "delisted"])


def _plain(name: str) -> str:
    return re.sub(r"[()]", "", name).lower()


def _customers(run: Path) -> None:
    faded, stages = table(run, "03_deciles/fading"), table(run, "02_segmentation/segments")
    if faded is None or stages is None:
        return
    declining = faded.loc[faded["status"] == "fading", "customer_id"]
    growing = stages.loc[stages["life_stage"] == "Growing", "customer_id"]
    assert not set(declining) & set(growing)


def _substitutes(run: Path) -> None:
    pairs, lists = table(run, "05_baskets/substitutes"), table(run, "05_baskets/recommendations")
    if pairs is None or lists is None:
        return
    pairs = pairs[pairs["substitutes"]]
    barred = {frozenset(p) for p in zip(pairs["a"], pairs["b"], strict=True)}
    given = {frozenset(p) for p in zip(lists["item"], lists["because"].astype("str"), strict=True)}
    assert not given & barred


def _sales(run: Path) -> None:
    trends, weeks = table(run, "04_forecast/trends"), table(run, "01_profiling/weeks")
    if trends is None or weeks is None:
        return
    grown = findings(run, "01_profiling")["net_change"]
    for way in trends.loc[trends["level"] == "total", "direction"]:
        assert not (way == "rising" and (grown["high"] or 0) < 0)
        assert not (way == "falling" and (grown["low"] or 0) > 0)


_PAIR = re.compile(
    r'<span class="pair"><span>(.*?)</span> <span class="ends"[^>]*>(.*?)</span>', re.S
)
_NUMBER = re.compile(r"[−-]?\d+(?:\.\d+)?")

#: One thing in the plural, or a plural of a plural.
_PLURAL = re.compile(
    r"(?<![\w.,–-])1 (?:customers|products|pairs|orders|stores|days|arms|promotions|campaigns|"
    r"groups|weeks|lines|checks|segments|things|columns|findings|categories|departments|designs|"
    r"cut-offs|offers|occasions|messages|lists|reports|quantities|prices|baskets|years|months)\b"
    r"|\b(?:orders|customers|products|pairs)es\b|\b1 (?:are|have|were|get|fall|rise)\b"
)


def _figures(run: Path) -> None:
    for page in sorted(run.glob("[0-9]*.html")):
        written = page.read_text("utf-8")
        for estimate, ends in _PAIR.findall(written):
            assert _holds(_numbers(estimate), _numbers(ends)), (page.stem, estimate, ends)
            found = _ends_at_zero(estimate, ends) and not _has_zero_ends(run, page.stem)
            assert not found, (page.stem, estimate, ends)
        said = html.unescape(re.sub(r"<(script|style|svg|pre)\b.*?</\1>|<[^>]+>", " ", written,
                                    flags=re.S))  # fmt: skip
        assert not (found := _PLURAL.search(said)), (page.stem, found)
    for path in sorted((run / "tables").glob("*/*.parquet")):
        rows = pd.read_parquet(path)
        followed = ["change", "change_low"] if path.stem.endswith("_next") else []
        for name in rows.columns.intersection(["growth", "growth_low", "next_low", *followed]):
            assert not (rows[name] < -1).any(), (path, name)
        figures = ["net_share", "net_per_customer"]
        if path.stem in ("mix", "rulings_by_reason"):
            assert not (rows["cost"].notna() & (rows["customers"] < FEWEST_CUSTOMERS)).any(), path
        if {"group", "customers", *figures} <= set(rows):
            few = too_small(rows["customers"], FEWEST_CUSTOMERS)
            assert rows.loc[few, figures].isna().all(axis=None), path


#: Sums over customers, and averages that are sums times their number.
_SUMS = ("net_amount", "net_share", "margin_amount", "margin_share", "net_per_customer", "loss")


def _single_customers(run: Path) -> None:
    for path in sorted((run / "tables").glob("0[1-6]*/*.parquet")):
        rows = pd.read_parquet(path)
        if "customers" not in rows:
            continue
        few = rows["customers"].between(1, FEWEST_OF_A_SUM - 1)
        if "group" in rows:
            for name in rows.columns.intersection(_SUMS):
                assert rows.loc[few, name].isna().all(), (path, name)
        if path.stem == "concentration_risk":
            assert (rows["customers"].diff().fillna(rows["customers"]) >= FEWEST_OF_A_SUM).all()
        if path.stem in ("deciles", "margin_deciles", "decile_growth"):
            assert not {"smallest", "largest"} & set(rows), path
        if path.stem == "rfm_sizes":
            money = rows[rows["score"] == "monetary"]
            assert pd.isna([money["smallest"].iloc[0], money["largest"].iloc[-1]]).all()
    curve, measures = table(run, "03_deciles/pareto_curve"), table(run, "03_deciles/concentration")
    if curve is not None and measures is not None and curve["value_share"].notna().all():
        steps = curve["customers_share"].diff().dropna() * measures["n"].iloc[0]
        assert len(curve) == 3 or (steps > FEWEST_OF_A_SUM - 1e-6).all()


_CAUSES = re.compile(
    r"\b(?:moves?|drives?|raises?|causes?|lifts?) (?:sales|products|categories|customers|\d)"
    r"|[Ss]ignificant effects?\b|[Ee]ffects? of\b"
)


def _causes(run: Path) -> None:
    for page in sorted(run.glob("0[1-5]*.html")):
        for heading in re.findall(r"<h[1-4][^>]*>(.*?)</h[1-4]>", page.read_text("utf-8"), re.S):
            said = html.unescape(re.sub(r"<[^>]+>", "", heading))
            assert not _CAUSES.search(said), (page.stem, said)


def _numbers(cell: str) -> list[str]:
    plain = html.unescape(re.sub(r"<[^>]+>", "", cell)).replace("\u2060", "").replace(",", "")
    return _NUMBER.findall(re.sub(r"([−+]?)(?:\$|€|[A-Z]{3}) ", r"\1", plain))


def _holds(estimate: list[str], ends: list[str]) -> bool:
    """Tell whether an interval holds its estimate, to the digits that are written."""
    if len(estimate) != 1 or len(ends) != 2:
        return True  # one of them is not known
    value, low, high = (float(number.replace("−", "-")) for number in (*estimate, *ends))
    digits = min(len(number.partition(".")[2]) for number in (*estimate, *ends))
    return low - 10.0**-digits <= value <= high + 10.0**-digits


def _ends_at_zero(estimate: str, ends: str) -> bool:
    signed = html.unescape(re.sub(r"<[^>]+>", "", estimate)).strip()[:1] in ("+", "−")
    zero = [float(number.replace("−", "-")) == 0 for number in _numbers(ends)]
    return signed and any(zero) and not all(zero)


def _has_zero_ends(run: Path, report: str) -> bool:
    """Tell whether some interval of a report's tables does end at zero, to the last digit."""
    tables = (pd.read_parquet(path) for path in (run / "tables" / report).glob("*.parquet"))
    return any((t.filter(regex="(?:^|_)(?:low|high)$") == 0).any(axis=None) for t in tables)


def _newcomers(run: Path) -> None:
    told, won = table(run, "07_value/newcomer_value"), table(run, "11_channels/payback")
    if told is None or won is None or "brought" not in told:
        return
    for row in told.dropna(subset=["brought"]).itertuples():
        same = won[won["month"] == row.months]
        if len(same):
            assert same["low"].min() <= row.brought <= same["high"].max(), (row, same)


#: Findings of a level that may lie on either side of zero; how a difference says it may be none.
_LEVELS = ("score_nps", "weighted_score")
_UNSURE = re.compile(
    r"significan|chance|told apart|not decided|only moved|changed nothing|no model did"
)


def _findings(run: Path) -> None:
    for path in sorted((run / "findings").glob("*.json")):
        for finding in findings(run, path.stem).values():
            ends = [finding[end] for end in ("low", "value", "high")]
            if None not in ends:
                assert ends == sorted(ends), (path.stem, finding)
                words = f"{finding['sentence']} {finding['detail'] or ''}"
                # What cannot fall below zero may have its lower end there: it is no difference.
                sure = ends[0] >= 0 or ends[2] < 0 or finding["key"] in _LEVELS
                assert sure or _UNSURE.search(words), (path.stem, words)
                if "too high)" in words:
                    assert ends[2] - ends[1] < ends[1] - ends[0], (path.stem, words)
    for page in sorted(run.glob("*.html")):
        for heads, rows in _tables_of(page.read_text("utf-8")):
            chances = [n for n, head in enumerate(heads) if head in CHANCES]
            shown = [row[n] for row in rows for n in chances if n < len(row)]
            assert not [cell for cell in shown if re.fullmatch(r"0(\.0+)?", cell)], (page, heads)


def _tables_of(page: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    for found in re.findall(r"<table.*?</table>", page, re.S):
        rows = [
            [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(_CELL, row, re.S)]
            for row in re.findall(r"<tr.*?</tr>", found, re.S)
        ]
        if rows:
            yield rows[0], rows[1:]


#: A name as the code has it; and what of a page may hold such: code, parameters, downloads.
_SNAKE = re.compile(r"(?<![\w/.])[a-z]+(?:_[a-z0-9]+)+(?![\w/.])")
_APART = re.compile(
    r'<(script|style|svg|pre|code)\b.*?</\1>|<section class="appendix".*?</section>', re.S
)


def _names_of_the_code(run: Path) -> None:
    for page in sorted(run.glob("[0-9]*.html")):
        if page.stem.startswith("01"):
            continue
        written = _APART.sub(" ", page.read_text("utf-8"))
        said = re.findall(r"<(h[1-4]|td|th|li)\b[^>]*>(.*?)</\1>", written, re.S)
        shown = [html.unescape(re.sub(r"<[^>]+>", " ", cell)) for _, cell in said]
        found = {name for cell in shown for name in _SNAKE.findall(cell)} - {run.parent.name}
        assert not found, (page.stem, found)


def _lists(run: Path) -> None:
    told, limits = table(run, "08_targets/rulings"), table(run, "08_targets/limits")
    if told is None or limits is None:
        return
    own = told[told["list"] == "targets"]
    contact = own[own["ruling"] == "contact"]
    gain = findings(run, "08_targets")["list_gain"]
    assert len(contact) == gain["n"]
    assert abs(contact["expected_margin"].sum() - gain["value"]) < 0.005 * max(len(contact), 1)
    reasons = table(run, "08_targets/rulings_by_reason")
    assert reasons is not None
    counted = reasons.groupby("ruling")["customers"].sum()
    assert counted.sum() == len(told)
    assert counted.get("contact", 0) == len(contact)
    assert counted.get("hold out", 0) == (own["ruling"] == "hold out").sum()
    spent = reasons.loc[reasons["ruling"] == "contact", "cost"].sum()
    assert (spent - limits.set_index("limit")["most"].map(_amount)["budget"]) < 0.5
    page = html.unescape(re.sub(r"<[^>]+>", "", (run / "08_targets.html").read_text("utf-8")))
    if len(told) > len(own):
        every = int((told["ruling"] == "contact").sum())
        assert f"Of the rulings {every:,} are to contact" in page


def _amount(written: str) -> float:
    return float(_numbers(written)[0])


def _satisfaction(run: Path) -> None:
    scores = table(run, "00_summary/scorecard")
    if scores is None or not (run / "findings" / "10_feedback.json").exists():
        return
    weighted = findings(run, "10_feedback").get("weighted_score")
    if weighted and weighted["unit"] == "points":
        assert scores.set_index("measure").loc["satisfaction", "value"] == weighted["value"]


def _buyers(run: Path) -> None:
    faded, bought = table(run, "03_deciles/fading"), table(run, "02_segmentation/segments")
    if faded is not None and bought is not None:
        assert set(faded["customer_id"]) <= set(bought["customer_id"])


def _referrals(run: Path) -> None:
    costs, page = table(run, "11_channels/acquisition_cost"), run / "09_loyalty.html"
    if costs is None or not page.exists():
        return
    said = html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))
    rewards = re.search(r"Rewards cost \D*([\d.,]+) per referral", said)
    rows = costs[costs["channel"].eq("referral") & costs["basis"].eq("as stated")]
    if rewards and len(rows):
        assert rows["cost"].iloc[0] > _amount(rewards[1]) - 0.005


if __name__ == "__main__":
    check(Path(sys.argv[1]).resolve())
