"""Planted duplicates without a common key are found, strangers are left apart, all is reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from analysis.errors import ParamsError
from analysis.ingest.identity import identity
from analysis.ingest.identity.record_linkage import LEVELS, likeness
from analysis.ingest.mapping.model import LikelyOptions, UnifyOptions
from tests.ingest.shop import Shop

pytest.importorskip("splink")

FIRST = ["anna", "ben", "clara", "david", "emma", "felix", "greta", "hans", "ida", "jonas", "otto"]
LAST = ["smith", "jones", "taylor", "brown", "wilson", "evans", "thomas", "roberts", "hall", "khan"]
EXACT = UnifyOptions(phone_region="GB")
LIKELY = UnifyOptions(phone_region="GB", likely=LikelyOptions(threshold=0.95))


@dataclass(frozen=True)
class Planted:
    """Records of two sources; the pairs that are one person, with and without a common e-mail."""

    records: pd.DataFrame
    by_mail: set[tuple[str, str]]
    hidden: set[tuple[str, str]]


def _slip(text: str, random: np.random.Generator) -> str:
    at = int(random.integers(0, len(text) - 1))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _person(i: int, random: np.random.Generator) -> dict[str, str | None]:
    name = f"{random.choice(FIRST)} {random.choice(LAST)}"
    born = np.datetime64("1940-01-01") + int(random.integers(0, 24_000))
    place = f"{random.choice(list('ABCDE'))}{random.integers(1, 30)} {random.integers(1, 9)}XY"
    mail = f"{name.replace(' ', '.')}{i}@x.com"
    return {"name": name.title(), "birth_date": str(born), "postcode": place, "email": mail}


def _again(person: dict[str, str | None], random: np.random.Generator) -> dict[str, str | None]:
    """Return the person as another source would have written them down."""
    name, born = str(person["name"]), str(person["birth_date"])
    chance = random.random(4)
    return {
        "name": _slip(name, random) if chance[0] < 0.2 else name.upper(),
        "birth_date": None if chance[1] < 0.1 else born,
        "postcode": person["postcode"] if chance[2] < 0.85 else "Z99 9ZZ",
        "email": person["email"] if chance[3] < 0.4 else None,
    }


@pytest.fixture(scope="module")
def planted() -> Planted:
    random = np.random.default_rng(5)
    web = [_person(i, random) for i in range(500)]
    store = {i: _again(web[i], random) for i in range(0, 500, 2)}
    rows = [{**p, "customer_id": f"web:{i}", "rank": 0} for i, p in enumerate(web)]
    rows += [{**p, "customer_id": f"store:{i}", "rank": 1000} for i, p in store.items()]
    pairs = {known: set() for known in (True, False)}
    for i, person in store.items():
        pairs[person["email"] is not None].add((f"store:{i}", f"web:{i}"))
    return Planted(pd.DataFrame(rows), pairs[True], pairs[False])


@pytest.fixture(scope="module")
def found(planted: Planted) -> identity.Merged:
    return identity.merged(planted.records, LIKELY)


def test_planted_duplicates_are_found_and_strangers_are_not(
    planted: Planted, found: identity.Merged
) -> None:
    matches = found.report["matches"]
    taken = matches[matches["merged"]]
    pairs = set(zip(taken["left"], taken["right"], strict=True))
    right = len(pairs & planted.hidden)
    assert right / len(pairs) >= 0.97  # precision
    assert right / len(planted.hidden) >= 0.75  # recall
    assert not pairs & planted.by_mail  # those the exact rules have found


def test_off_by_default(planted: Planted, found: identity.Merged) -> None:
    exact = identity.merged(planted.records, EXACT)
    assert exact.report == {}
    assert set(exact.links["rule"]) == {"email"}
    assert len(exact.links) == 2 * len(planted.by_mail) < len(found.links)


def test_who_was_merged_and_why_is_a_table(found: identity.Merged) -> None:
    links = found.links
    likely = links[links["rule"] == "likely"]
    assert likely["matched_on"].str.fullmatch(r"store:\d+ and web:\d+, \d+\.\d %: .+").all()
    assert (links.groupby("unified_id")["source_id"].size() == 2).mean() > 0.95
    assert "without a common key were merged because they are one person" in found.notes[1]


def test_near_misses_are_reported_but_not_merged(found: identity.Merged) -> None:
    matches = found.report["matches"]
    near = matches[matches["probability"] < 0.95]
    assert len(near) > 0
    assert not near["merged"].any()


def test_probabilities_hold_what_they_promise(planted: Planted, found: identity.Merged) -> None:
    """Of the pairs at some probability, at least about that share are one person."""
    matches = found.report["matches"]
    true = pd.Series(list(zip(matches["left"], matches["right"], strict=True))).isin(planted.hidden)
    promised, kept = matches["probability"].mean(), true.mean()
    assert kept > promised - 0.05


def test_no_agreement_is_ever_impossible(found: identity.Merged) -> None:
    model = found.report["model"]
    assert (model["m"] > 0).all()
    assert (model["u"] > 0).all()
    assert model.groupby("key")["m"].sum().to_numpy() == pytest.approx(1.0)


def test_the_same_records_give_the_same_tables(planted: Planted, found: identity.Merged) -> None:
    again = identity.merged(planted.records.sample(frac=1, random_state=1), LIKELY)
    pd.testing.assert_frame_equal(again.links, found.links)


def test_nothing_known_falls_back_on_what_is_usual(planted: Planted) -> None:
    nobody = planted.records.drop(columns="email")
    nameless = identity.merged(nobody, LIKELY)
    assert "the exact rules found no pair to learn from" in nameless.notes[1]
    usual = [level[2] for level in LEVELS["name"]]
    model = nameless.report["model"]
    assert model.loc[model["key"] == "name", "m"].tolist() == pytest.approx(usual)


def test_one_key_is_too_little() -> None:
    records = pd.DataFrame({"customer_id": ["a", "b"], "name": ["ann", "bo"]})
    known = pd.DataFrame({"left": [], "right": [], "rule": []})
    with pytest.raises(ParamsError, match="fewer than two of them"):
        likeness(records, known)


def test_somebody_like_too_many_connects_nobody() -> None:
    crowd = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(12)] + [f"d{i}" for i in range(400)],
            "name": ["Ann Lee"] * 12 + [f"{FIRST[i % 11]} {LAST[i % 10]}{i}" for i in range(400)],
            "birth_date": ["1980-02-29"] * 12 + [f"{1600 + i}-03-04" for i in range(400)],
            "postcode": ["A1 1AA"] * 12 + [f"B{i} 2BB" for i in range(400)],
            "rank": 0,
        }
    )
    found = identity.merged(crowd, LIKELY)
    assert found.links.empty
    assert "is like too many others" in found.notes[-1]


def test_switched_on_in_the_params_it_stands_beside_the_tables(shop: Shop) -> None:
    mapping = {
        "mapping": "crm",
        "files": {"members": {"paths": "*.csv"}},
        "tables": [
            {
                "table": "customers",
                "from": "members",
                "columns": {"customer_id": "No", "city": "City"},
                "identity": {"email": "Mail", "name": "Name", "birth_date": "Born"},
            }
        ],
    }
    shop.map(mapping, "crm")
    lines = ["No,City,Mail,Name,Born", "1,York,a@x.com,Ann Lee,1980-02-29"]
    lines += ["2,Hull,A@x.com,Ann Lee,1980-02-29", "3,Bath,,Ann Lee,1980-02-29"]
    lines += [f"{i},Bath,,{FIRST[i % 11]} {LAST[i % 10]},19{i:02d}-01-02" for i in range(10, 99)]
    (shop.folder / "members.csv").write_text("\n".join(lines))
    shop.source = {"kind": "files", "mapping": "crm", "folder": str(shop.folder)}
    shop.source["unify"] = {"likely": {"threshold": 0.9}}
    result = shop.ingest()
    matches = pd.read_parquet(shop.current / "identity" / "matches.parquet")
    assert matches.loc[matches["merged"], ["left", "right"]].to_numpy().tolist() == [
        ["1", "3"],
        ["2", "3"],
    ]
    assert result.manifest.rows == {"customers": 90}  # 1, 2 and 3 are one
    assert "learned from 1 pairs that the exact rules found" in " ".join(result.manifest.notes)
