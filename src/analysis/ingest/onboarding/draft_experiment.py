"""Write the mapping of an experiment file: a customer a row, with its arm and its outcome."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.ingest.bounded_yaml import quoted
from analysis.ingest.inspection.column_names import plain
from analysis.ingest.inspection.foreign_keys import Kind
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.inspection.value_forms import number
from analysis.ingest.mapping.model import UNANSWERED
from analysis.ingest.onboarding.draft_mapping import file_lines, heading

ARMS = (
    "arm", "variant", "version", "treatment", "testgroup", "experimentgroup", "abgroup",
    "condition", "bucket", "cell", "campaign", "segment", "group", "gruppe", "variante", "testarm",
    "分组", "实验组",
)  # fmt: skip
SPENT = ("spend", "spent", "revenue", "sales", "amount", "netamount", "ordervalue", "umsatz")
DID = ("conversion", "converted", "purchase", "purchased", "bought", "visit", "clicked", "response")
RETAINED = re.compile(r"retention|retained|conver|purchas|bought")
CONTROL = re.compile(
    r"control|kontrol|^no[ _-]|^none$|holdout|placebo|baseline|^a$|^0$|对照", re.IGNORECASE
)
MOST_ARMS = 10
YES = ("1", "true", "True", "TRUE", "yes", "Yes")


@dataclass(frozen=True)
class Trial:
    """What a file says of an experiment.

    Parameters
    ----------
    arm
        Column of the arm.
    arms
        Its values.
    control
        The one that looks like the control; empty if none does.
    spent, did
        Column of what was spent, and of what was done or not; empty if there is none.
    others
        Other columns of what was done or not.
    """

    arm: str
    arms: tuple[str, ...]
    control: str
    spent: str
    did: str
    others: tuple[str, ...] = ()


def trial_of(found: Look) -> Trial | None:
    """Return what ``found`` says of an experiment; None if it is no experiment file."""
    if {"order_id", "product_id", "ordered_at", "quantity"} & set(found.columns) or found.baskets:
        return None
    places = {plain(name): name for name in reversed(found.header)}
    spent = next((places[n] for n in SPENT if n in places), "")
    done = _done(found, places)
    if not spent and not done:
        return None
    for name in ARMS:
        arms = sorted(set(found.values(places[name]))) if name in places else []
        if 2 <= len(arms) <= MOST_ARMS and len(found.rows) >= 5 * len(arms):
            control = next((arm for arm in arms if CONTROL.search(arm)), "")
            did = done[0] if done else ""
            return Trial(places[name], tuple(arms), control, spent, did, tuple(done[1:]))
    return None


def _done(found: Look, places: dict[str, str]) -> list[str]:
    """Return the columns of what a customer did or not: a purchase before a visit, the last first.

    Of several days of coming back, the last column is the longest.
    """
    named = [places[n] for n in DID if n in places]
    named += [name for key, name in places.items() if RETAINED.search(key)]
    either = {"0", "1", "true", "false", "yes", "no"}
    return [
        name
        for name in dict.fromkeys(named)
        if {v.casefold() for v in found.values(name)} <= either
    ]


def experiment_text(study: str, kind: Kind, trial: Trial, folder: Path) -> str:
    """Return the mapping of an experiment file, its two days asked for."""
    found = kind.pooled
    key = found.columns.get("customer_id")
    customer = quoted(key) if key else "{line: true}"
    lines = [
        *heading(study, f"{kind.looks[0].path.name}, an experiment"),
        *file_lines(kind, folder),
        "",
        "tables:",
        *_promotion(study, kind.name),
        *_assignments(study, kind.name, customer, trial),
        *_outcomes(kind.name, customer, found, trial),
        "  - table: products",
        f"    from: {kind.name}",
        "    once_per_key: true",
        "    columns:",
        "      product_id: {constant: (outcome)}",
        "      department: {constant: ALL}",
        "      category: {constant: ALL}",
        "",
        "  - table: customers",
        f"    from: {kind.name}",
        "    columns:",
        f"      customer_id: {customer}",
        *_traits(found, trial),
    ]
    return "\n".join(lines) + "\n"


def _promotion(study: str, origin: str) -> list[str]:
    return [
        "  - table: promotions",
        f"    from: {origin}",
        "    once_per_key: true",
        "    columns:",
        f"      promotion_id: {{constant: {study}}}",
        f"      name: {{constant: {quoted(study.replace('_', ' ').capitalize())}}}",
        f'      starts_on: {{constant: &start "{UNANSWERED}"}}   # UNSURE: the first day of the '
        "experiment (YYYY-MM-DD)? The file states none",
        f'      ends_on: {{constant: &end "{UNANSWERED}"}}   # UNSURE: the last day on which '
        "outcomes were counted (YYYY-MM-DD)?",
        "",
    ]


def _assignments(study: str, origin: str, customer: str, trial: Trial) -> list[str]:
    control = trial.control or trial.arms[0]
    said = "UNSURE: is this the control?" if trial.control else "UNSURE: which arm is the control?"
    return [
        "  - table: assignments",
        f"    from: {origin}",
        "    columns:",
        f"      promotion_id: {{constant: {study}}}",
        f"      customer_id: {customer}",
        f"      arm: {{column: {quoted(trial.arm)}, values: {{{_always(control)}: control}}}}   # "
        f"{said} There are {', '.join(trial.arms)}",
        "      assigned_at: {constant: *start}",
        '      randomised: {constant: "true"}   # UNSURE: were the arms drawn at random?',
        "",
    ]


def _always(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _outcomes(origin: str, customer: str, found: Look, trial: Trial) -> list[str]:
    """Return the orders that the outcomes stand for: one a customer who bought, or did."""
    if trial.spent:
        amount = quoted(trial.spent)
        when = f"{{no: {{column: {quoted(trial.spent)}, above: 0}}}}"
        rule = "customer who spent nothing"
    else:
        amount = '{constant: "1"}   # the file states no amounts: each who did counts as 1'
        yes = sorted({v for v in found.values(trial.did) if v in YES})
        words = ", ".join(_always(word) for word in yes) or '"1"'
        when = f"{{no: {{column: {quoted(trial.did)}, equals: [{words}]}}}}"
        rule = f"customer without {trial.did}"
    return [
        "  # What came of it, as one order a customer on the last day: the file states no days.",
        "  - table: order_lines",
        f"    from: {origin}",
        "    columns:",
        f"      order_id: {customer}",
        f"      customer_id: {customer}",
        "      product_id: {constant: (outcome)}",
        "      ordered_at: {constant: *end}",
        '      quantity: {constant: "1"}',
        f"      net_amount: {amount}",
        "    drop:",
        f"      - rule: {rule}",
        f"        when: {when}{_or_another(trial)}",
        "",
    ]


def _or_another(trial: Trial) -> str:
    if trial.spent or not trial.others:
        return ""
    return f"   # UNSURE: is that the outcome, or {' or '.join(trial.others)}?"


def _traits(found: Look, trial: Trial) -> list[str]:
    """Return what else the file says of customers, as attributes; numbers of many values not."""
    taken = {trial.arm, trial.spent, trial.did, found.columns.get("customer_id")}
    lines = []
    for name in found.header:
        if name in taken:
            continue
        values = found.values(name)
        few = len(set(values)) <= 20
        if values and (few or any(number(v) is None for v in values)):
            key = re.sub(r"\W+", "_", name.casefold()).strip("_")
            lines.append(f"      {key or 'attribute'}: {quoted(name)}")
    return lines


def files_of_trials(kinds: Sequence[Kind]) -> tuple[Kind, Trial] | None:
    """Return the kind of file that is an experiment, where there is one and no other file."""
    if len(kinds) != 1:
        return None
    trial = trial_of(kinds[0].pooled)
    return (kinds[0], trial) if trial is not None else None
