from __future__ import annotations

import pytest

from analysis.errors import AnalysisError
from analysis.reporting.site.templating import LARGEST_PAGE, checked


@pytest.mark.parametrize(
    "content",
    [
        "<script>alert(1)</script>",
        "<SCRIPT src='data:text/javascript,alert(1)'></SCRIPT>",
        "<img alt='x' src='https://example.org/a.png'>",
        "<img alt='x' src='a.png'>",
        "<p onclick='go()'>x</p>",
        "<link rel='stylesheet' href='a.css'>",
        "<style>p{background:url(https://example.org)}</style>",
        "<style>@import 'a.css'</style>",
        "<p style='background:url(a.png)'>x</p>",
        "<svg><use href='a.svg#b'/></svg>",
        "<svg><image xlink:href='a.png'/></svg>",
        "<a href=' JavaScript:alert(1)'>x</a>",
        "<meta http-equiv='Refresh' content='0; url=https://example.org'>",
        "<iframe></iframe>",
        "<base href='https://example.org'>",
        "<form></form>",
    ],
)
def test_what_loads_or_runs_is_refused(content: str):
    with pytest.raises(AnalysisError, match=r"a\.html would load or run something: "):
        checked(f"<p>before</p>{content}<p>after</p>", name="a.html")


@pytest.mark.parametrize(
    "content",
    [
        "<p>src=x url(http://a) &lt;script&gt; @import onclick='x'</p>",
        '<svg aria-label="action = x, src=https://a, onclick=&quot;y&quot;"></svg>',
        "<img alt='x' src='data:image/png;base64,AA=='>",
        "<svg><use href='#a'/><path clip-path='url(#b)' style='fill:url(#c)'/></svg>",
        "<a href='https://doi.org/10.2307/2276207'>Lorenz</a>",
        "<link rel='icon' href='data:,'>",
        "<style>a { color: red }</style>",
    ],
)
def test_words_and_what_lies_inside_may_stay(content: str):
    assert checked(content, name="a.html") == content


def test_a_heavy_page_is_refused_by_its_bytes():
    assert checked("x" * LARGEST_PAGE, name="a.html")
    with pytest.raises(AnalysisError, match=r"weighs 1\.8 MB"):
        checked("顾" * 600_000, name="a.html")
