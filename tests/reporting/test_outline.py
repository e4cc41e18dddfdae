from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis.errors import AnalysisError
from analysis.reporting.notebook import outputs, sheet
from analysis.reporting.site.outline import Outline, read_outline


def shown(output: outputs.Output) -> Any:
    return new_output("display_data", data=output.data, metadata=output.metadata)


def outline(*cells: Any) -> Outline:
    return read_outline(new_notebook(cells=list(cells)), name="03_deciles")


def code(source: str, *shows: Any) -> Any:
    return new_code_cell(source, outputs=list(shows))


CHART = outputs.chart("<svg></svg>", alt="A line", caption=None)


def test_headings_become_sections_with_ids_of_their_own():
    read = outline(
        new_markdown_cell("# Deciles\n\nWhy?\n\nIt decides."),
        new_markdown_cell("## Monetary decile\n\nText\n\n```\n## no heading\n```"),
        new_markdown_cell("## Monetary decile\n## 顾客 & Co\n### Deeper"),
        new_markdown_cell("## Findings"),
    )
    assert (read.topic, read.intro) == ("Deciles", "Why?\n\nIt decides.")
    assert [(s.topic, s.anchor) for s in read.sections] == [
        ("Monetary decile", "monetary-decile"),
        ("Monetary decile", "monetary-decile-2"),
        ("顾客 & Co", "顾客-co"),
        ("Findings", "findings-2"),
    ]
    assert "## no heading" in read.sections[0].blocks[0].content
    assert read.sections[2].blocks[0].content == "### Deeper"


def test_the_first_headline_states_what_the_section_shows():
    read = outline(
        new_markdown_cell("## Decile\n\nWhy."),
        code("a", shown(outputs.headline("First")), shown(CHART)),
        code("b", shown(outputs.headline("Second")), shown(CHART)),
    )
    section = read.sections[0]
    assert section.headline == "First"
    kinds = [block.kind for block in section.blocks]
    assert kinds == ["text", "chart", "code", "headline", "chart", "code"]


def test_title_and_findings_leave_their_place():
    read = outline(
        new_markdown_cell("# Deciles"),
        code("a", shown(outputs.title("A tenth brings a third")), shown(CHART)),
    )
    assert read.title == "A tenth brings a third"
    assert [block.kind for block in read.preface.blocks] == ["chart", "code"]


def test_code_of_silent_cells_folds_with_the_next_figure_of_the_section():
    read = outline(
        new_markdown_cell("## One"),
        code("a = 1"),
        code("chart(a)", shown(CHART)),
        code("save(a)"),
        new_markdown_cell("## Two"),
        code("b = 2"),
    )
    folds = [[b.content for b in s.blocks if b.kind == "code"] for s in read.sections]
    assert folds == [["a = 1\n\nchart(a)\n\nsave(a)"], ["b = 2"]]


def test_the_parameters_cells_are_not_shown():
    hidden = [
        new_code_cell("x: int = 1", metadata={"tags": [tag]})
        for tag in ("parameters", "injected-parameters")
    ]
    assert outline(*hidden).preface.blocks == ()


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (new_output("error", ename="KeyError", evalue="'x'", traceback=[]), "KeyError"),
        (new_output("display_data", data={"image/png": "iVBOR"}), "no alt text"),
    ],
)
def test_what_a_reader_must_not_miss_stops_the_page(output: Any, says: str):
    with pytest.raises(AnalysisError, match=f"03_deciles: .*{says}"):
        outline(code("x", output))


def test_warnings_are_notes_of_the_page_not_part_of_a_section():
    read = outline(code("x", new_output("stream", name="stderr", text="FutureWarning: soon\n")))
    assert read.notes == ("FutureWarning: soon",)
    assert [block.kind for block in read.preface.blocks] == ["code"]


def test_foreign_outputs_show_their_richest_form():
    read = outline(
        code("a", new_output("stream", name="stdout", text="printed")),
        code("b", new_output("execute_result", data={"text/html": "<p>", "text/plain": "x"})),
        code(
            "c",
            new_output(
                "display_data",
                data={"image/png": "iVBOR", "text/plain": "x"},
                metadata={"image/png": {"alt": "A photograph"}},
            ),
        ),
        code("d", new_output("execute_result", data={"text/plain": "42"})),
    )
    found = [(b.kind, b.content) for b in read.preface.blocks if b.kind != "code"]
    assert found == [
        ("plain", "printed"),
        ("html", "<p>"),
        ("picture", "iVBOR"),
        ("plain", "42"),
    ]


def test_neighbouring_detail_is_gathered_under_its_summary_and_leads_no_section():
    def folded(output: outputs.Output, summary: str = "How it was chosen") -> Any:
        return shown(outputs.as_detail(output, summary))

    read = outline(
        new_markdown_cell("## One"),
        code("a", folded(outputs.headline("Inner")), folded(CHART), shown(CHART)),
        code("b", folded(CHART, "Another")),
        code("c", folded(CHART, "Another")),
    )
    section = read.sections[0]
    assert section.headline is None
    found = [(b.kind, b.content, [x.kind for x in b.blocks]) for b in section.blocks]
    assert found == [
        ("detail", "How it was chosen", ["headline", "chart"]),
        ("chart", "<svg></svg>", []),
        ("code", "a", []),
        ("detail", "Another", ["chart", "chart"]),
        ("code", "b\n\nc", []),
    ]


def test_a_section_that_found_nothing_says_why_and_folds_the_rest():
    nothing = shown(outputs.not_given("there are no costs.", again=False))
    read = outline(new_markdown_cell("## Margin\n\nWhat each brings."), code("a", nothing))
    blocks = read.sections[0].blocks
    assert [b.kind for b in blocks] == ["text", "detail", "code"]
    assert blocks[0].content == "Not reported: there are no costs."
    assert blocks[1].blocks[0].content == "What each brings."


def folded(heading: str) -> Any:
    return new_markdown_cell(f"## {heading}\n\nWhy.", metadata={"tags": ["folded"]})


def test_a_folded_section_is_headed_by_what_says_most_of_it():
    trust = [("Sums", True, "add up"), ("Margin", False, "assumed"), ("Season", False, "one")]
    read = outline(
        folded("Decile"),
        code("a", shown(outputs.headline("The best tenth brings a third")), shown(CHART)),
        folded("Points"),
        code("b", shown(outputs.not_given("There are no points. Count `some`.", again=False))),
        folded("Both"),
        code("c", shown(CHART), shown(outputs.not_given("There is no plan.", again=False))),
        folded("Trust"),
        code("d", shown(outputs.trust(trust))),
        folded("More trust"),
        code("e", shown(outputs.trust([*trust[:1] * 2, ("Season", None, "one")]))),
        new_markdown_cell("## Open"),
        code("f", shown(outputs.trust(trust))),
    )
    assert [(s.topic, s.headline, s.folded) for s in read.sections] == [
        ("Decile", "The best tenth brings a third", True),
        ("Points", None, True),
        ("Both", None, True),
        ("Trust", "Caution: Margin, Season; 1 check holds", True),
        ("More trust", "2 checks hold", True),
        ("Open", None, False),
    ]
    assert read.sections[1].lead == "Not reported: There are no points"


def test_a_folded_section_without_a_headline_leads_with_a_sentence():
    said = outputs.text("€ 5.20 stand open (3 % of sales). They are owed.")
    read = outline(
        folded("Accounts"),
        code("a", shown(said), shown(CHART)),
        folded("Invitations"),
        code("b", shown(said), shown(CHART), shown(outputs.headline("Nobody *came*"))),
        new_markdown_cell("## Limits\n\n- No **cause**\n  is told. More.\n- Second.")
        | {"metadata": {"tags": ["folded"]}},
        folded("Pages"),
        code("c", shown(outputs.as_detail(outputs.headline("Inner"), "Fold"))),
        new_markdown_cell("## Open\n\nWhy."),
    )
    assert [(s.headline, s.lead) for s in read.sections] == [
        (None, "€ 5.20 stand open (3 % of sales)"),
        (None, r"Nobody \*came\*"),
        (None, "No **cause** is told"),
        (None, "Inner"),
        (None, None),
    ]


def test_further_tables_of_an_open_section_fold_under_their_titles():
    def table(title: str | None) -> Any:
        return shown(outputs.table("<table></table>", name="t", title=title, total=3, shown=3))

    def cells() -> list[Any]:
        return [
            code("a", shown(CHART), table("First"), table("Second"), table(None)),
            code("b", shown(outputs.headline("Another")), table("Third"), table("Fourth")),
        ]

    read = outline(new_markdown_cell("## Open"), *cells(), folded("Closed"), *cells())
    opened, closed = read.sections
    kinds = [block.content if block.kind == "detail" else block.kind for block in opened.blocks]
    shows = ["chart", "table", "Second", "table", "code", "headline", "table", "Fourth", "code"]
    assert kinds == shows
    assert opened.blocks[2].blocks[0].facts["title"] is None
    assert {block.kind for block in closed.blocks} == {"text", "chart", "table", "headline", "code"}


def test_panels_of_a_sheet_and_sections_have_ids_of_their_own():
    panel = sheet.Panel("sales", "Are sales up?", ())
    said = outputs.sheet("", "", sheet.as_facts([panel]))
    read = outline(code("a", shown(said)), new_markdown_cell("## Sales"))
    assert [section.anchor for section in read.sections] == ["sales-2"]


def test_a_failure_is_never_folded():
    lost = {"kind": "failed", "reason": "No memory.", "section": "Decile", "traceback": ""}
    cell = code("a", shown(CHART))
    cell["metadata"] = {outputs.KEY: {"lost": lost}}
    assert not outline(folded("Decile"), cell).sections[0].folded


def test_a_section_that_is_not_asked_for_is_left_out_heading_and_all():
    read = outline(
        new_markdown_cell("## Asked\n\nWhy."),
        code("a", shown(CHART)),
        new_markdown_cell("## A question of one's own\n\nWhy."),
        code("b", shown(outputs.left_out())),
        new_markdown_cell("## Limits\n\nSome."),
    )
    assert [section.topic for section in read.sections] == ["Asked", "Limits"]
