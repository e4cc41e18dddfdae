from __future__ import annotations

import pytest

from analysis.errors import AnalysisError
from analysis.reporting.notebook.outputs import escape_dollars
from analysis.reporting.site import templating


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("$ 5 to $ 7", r"\$ 5 to \$ 7"),
        ("$5-$7", r"\$5-\$7"),
        ("$x$ costs $ 5", r"$x$ costs \$ 5"),
        (r"\$ 5 and $x$", r"\$ 5 and $x$"),
        ("$$\na\n$$", "$$\na\n$$"),
        ("a lone $ sign", r"a lone \$ sign"),
    ],
)
def test_dollars_are_formulas_by_pandocs_rule(text: str, escaped: str):
    assert escape_dollars(text) == escaped
    assert escape_dollars(escaped) == escaped


def test_formulas_become_mathml_with_their_tex_as_alt_text():
    html = templating.to_html(r"with $\frac{a}{b} < 1$ and $ 5 and $ 7")
    assert html.count("<math ") == 1
    assert "<mfrac>" in html
    assert r'alttext="\frac{a}{b} &lt; 1"' in html
    assert "$\u00a05 and $\u00a07" in html


def test_displayed_formulas_and_environments():
    assert 'display="block"' in templating.to_html("$$\nG = 1\n$$")
    assert "<mtable" in templating.to_html("\\begin{pmatrix} a & b \\end{pmatrix}")


@pytest.mark.parametrize("wrong", [r"$\frobnicate x$", r"$\frac{a}{$"])
def test_a_formula_that_cannot_be_written_is_an_error(wrong: str):
    with pytest.raises(AnalysisError, match="The formula"):
        templating.to_html(wrong)


def test_html_in_text_is_text():
    html = templating.to_html("Brand <b onclick='x'>A & B</b> <script>y</script>")
    assert "<b " not in html
    assert "<script" not in html
    assert "A &amp; B" in html


def test_code_keeps_its_spaces():
    assert "5 % 3" in templating.to_html("`5 % 3`")
    assert "5\u00a0% of" in templating.to_html("5 % of")


def test_a_minus_stays_with_its_amount():
    assert "−\u2060€\u00a05" in templating.to_html("a loss of −€ 5")
    assert "−5" in templating.to_html("a fall of −5")


def test_headings_inside_a_section_stay_below_it():
    assert templating.to_html("# A\n\n#### B").split() == ["<h3>A</h3>", "<h4>B</h4>"]


def test_one_paragraph_can_stand_in_a_line():
    assert templating.to_inline_html("all *of* it") == "all <em>of</em> it"
    assert templating.to_inline_html("a\n\nb").count("<p>") == 2


def test_dangerous_links_go_nowhere():
    assert "javascript:" not in templating.to_html("[x](javascript:alert(1))")
