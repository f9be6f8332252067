"""The selectors of style sheets: chosen part by part, what the HTML library itself chooses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from backend.domain.mail.selectors import Selectors

PARTS = """
* p b .a .b p.a .a.b #c [id] html body :root p:first-child :nth-child(2) .a:nth-child(2n+1):not(.b) :not(.a,#c)
:last-of-type :only-child :empty :has(.b) :has(>b) :has(+.a) :has(~.a) [class~="b"]
"""
TAGS = ("p", "b", "b class=a", "p class='a b'", "b id=c class=b", "/b", "/p", "div class=b", "/div", "br")


def of(html):
    body = LexborHTMLParser(html).body
    return Selectors(body, len(html), lambda part: part), body.parent


def ids(nodes):
    return sorted(node.mem_id for node in nodes)


@given(
    st.lists(st.sampled_from(TAGS), max_size=25),
    st.lists(st.sampled_from([*PARTS.split(), "[class='a b']", ":is( p , .b )"]), min_size=1, max_size=5),
    st.lists(st.sampled_from([" ", ">", " > ", "+", " ~ ", "~"]), min_size=4, max_size=4),
)
def test_the_parts_together_choose_what_the_whole_does(tags, parts, combinators):
    selector = parts[0] + "".join(f"{how}{part}" for how, part in zip(combinators, parts[1:], strict=False))
    selectors, top = of("".join(f"<{tag}>x" for tag in tags))
    assert ids(selectors.chosen(selector)) == ids(top.css(selector))


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "p::before",
        "p:hover",
        "p >",
        "> p",
        "p > > b",
        "p:not(.a .b)",
        "p,b",
        "[id",
        "p" + ">p" * 10,
        "é(",
    ],
)
def test_other_kinds_choose_nothing_and_cost_nothing(selector):
    selectors, _ = of("<p><b>")
    assert selectors.chosen(selector) == []
    assert not selectors.spent


def test_a_selector_that_costs_too_much_leaves_the_others():
    selectors, _ = of("<p class=a>" * 9_000)
    assert selectors.chosen("p:nth-child(odd)") == []
    assert selectors.spent
    assert len(selectors.chosen("p.a")) == 9_000


@pytest.mark.parametrize("selector", [".a", ".a ~ .a", ".a + p", "body .a", "html > body > p"])
def test_selectors_without_end_are_tried_for_a_while(selector):
    selectors, _ = of("<p class=a>" * 500)
    found = [len(selectors.chosen(selector)) for _ in range(2_000)]
    assert found[0] >= 499
    assert found[-1] == 0
    assert selectors.spent


def test_long_attributes_cost_more_than_short_ones():
    long, short = (of(f"<p class='{'a ' * length}'>" * 100)[0] for length in (2_000, 1))
    for number in range(3_000):
        assert long.chosen(f".b{number}") == short.chosen(f".b{number}") == []
    assert (long.spent, short.spent) == (True, False)
