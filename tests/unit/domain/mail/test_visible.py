"""HTML is written down again before it is parsed: the same to a reader, and bounded whatever it was."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from backend.domain.mail import safe_html
from backend.domain.mail.visible import visible

NAMES = """
a b font p div span li ul dd dt table tr td th tbody select option button form object template svg h1 h2 blockquote
nobr i caption
"""
TAGS = st.sampled_from([f"<{stroke}{name}>" for name in NAMES.split() for stroke in ("", "/")])


def rewritten(html: str) -> str:
    return "".join(safe_html.rewritten(html).pieces)


def depth_and_size(html: str) -> tuple[int, int]:
    """How deep the tree of `html` goes, and how many nodes it has."""
    root = LexborHTMLParser(html).root
    assert root is not None
    deepest = nodes = 0
    stack: list[tuple[LexborNode, int]] = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        nodes += 1
        deepest = max(deepest, depth)
        child = node.child
        while child is not None:
            stack.append((child, depth + 1))
            child = child.next
    return deepest, nodes


class TestBounds:
    @given(st.lists(TAGS, max_size=3), st.lists(TAGS, min_size=1, max_size=7))
    def test_a_tree_is_no_deeper_and_no_larger_than_was_written(self, first, repeated):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(safe_html, "MAX_DEPTH", 20)
            html = "x".join([*first, *repeated * 150])
            deepest, nodes = depth_and_size(rewritten(html))
        # A cell brings a row, a body of rows and at times a copy of a link with it.
        assert deepest <= 4 * 20 + 5
        assert nodes <= 4 * html.count("<") + 10

    def test_open_formatting_is_not_opened_again_in_every_paragraph(self):
        html = "<div>" + "".join(f"<b id={i}>" for i in range(300)) + "</div>" + "<p>x" * 300
        assert depth_and_size(html)[1] > 90_000
        assert depth_and_size(rewritten(html))[1] < 1_000

    def test_attributes_nobody_asks_for_are_left_out(self):
        assert (
            rewritten(f"<p class=a {' '.join(f'a{i}' for i in range(9_000))} class=b>x") == '<p class="a">x'
        )

    def test_a_value_is_cut(self):
        assert len(rewritten(f'<a href="{"x" * 90_000}">y</a>')) < 2 * safe_html.MAX_VALUE

    def test_of_what_follows_too_many_tags_the_words_are_kept(self, monkeypatch):
        monkeypatch.setattr(safe_html, "MAX_TAGS", 10)
        assert visible("<i></i>" * 5 + "<b>late</b> word < 5").text == "late word < 5"


class TestReading:
    @pytest.mark.parametrize(
        ("html", "text"),
        [
            ("a < b &lt;i> <3 &amp; c", "a < b <i> <3 & c"),
            ("<p title='a > b'>one</p>", "one"),
            ("one<!-- <p>two --><!--> three<!--->", "one three"),
            ("one<!-- never closed", "one"),
            ("one<script>if (a < b) '<p>two'</script> three", "one three"),
            ("one<style>p{}</style><iframe><p>two</iframe> three", "one three"),
            ("<textarea>one <b> two</textarea>", "one <b> two"),
            ("one<p hidden>two<p>three", "one\nthree"),
            ("<ul><li style='display:none'>one<li>two</ul>", "two"),
            ("<table><tr><td style='display:none'>one<td>two</table>", "two"),
            ('<p style="display:&quot;&quot;; display:none">one</p>two', "two"),
            ('<p style="display:&quot;; display:none">one</p>two', "one\ntwo"),
            ("one<object>two</object><template>three</template> four", "one four"),
            ("<![if !mso]>one<![endif]><o:p/>two<?php ?></>", "onetwo"),
            ("<h1>one</h2>two<br/>three</br>four", "one\ntwo\nthree\nfour"),
            ("one<a href=", "one"),
            ("<FONT\nCOLOR=red\n>one</FONT\n>", "one"),
        ],
    )
    def test_it_reads_as_a_browser_shows_it(self, html, text):
        assert visible(html).text == text

    def test_links_and_pictures_are_kept(self):
        seen = visible(
            "<a href='https://a.test/?q=\"x\"&amp;y'>one</a><img src=//b.test/p.gif width=1 height=1>"
        )
        assert seen.links == ['https://a.test/?q="x"&y']
        assert (seen.images, seen.pixels) == (0, 1)

    @given(st.text(alphabet="<>/!-ab p=\"'&;\n", max_size=60))
    def test_writing_down_twice_changes_nothing(self, html):
        once = rewritten(html)
        assert rewritten(once) == once

    @given(st.text(max_size=300))
    def test_text_alone_is_not_touched(self, text):
        text = text.replace("<", "")
        assert rewritten(text) == text


class TestPictures:
    LETTER = " ".join(f"word{chr(97 + at % 26)}" for at in range(50))

    def test_a_mail_that_is_its_pictures_says_what_stands_for_them(self):
        assert visible(f"<p>Hi</p><img src=a.png alt='{self.LETTER}'>").text.split("\n")[-1] == self.LETTER

    def test_below_more_words_it_is_a_text_of_its_own(self):
        seen = visible(f"<p>{'ordinary words ' * 20}</p><img src=a.png alt='{self.LETTER}'>")
        assert self.LETTER not in seen.text
        assert seen.strands == (self.LETTER,)

    @pytest.mark.parametrize(
        "picture", ["alt=logo", "width=1 height=1 alt='{}'", "style='display:none' alt='{}'"]
    )
    def test_a_logo_and_what_is_not_shown_say_nothing(self, picture):
        assert visible(f"Hi<img src=a.png {picture.format(self.LETTER)}>").text == "Hi"


class TestStrands:
    PITCH, IDLE = (
        "<p>We sell soap.</p>",
        "<p class=k>Far longer idle words about the weather of the week.</p>",
    )

    def test_what_longer_texts_of_another_style_interrupt_is_read_alone(self):
        # No rule that is known here hides the other one.
        seen = visible(f"<style>.k{{animation:a 0s}}</style>{(self.IDLE + self.PITCH) * 3}")
        assert seen.strands == ("We sell soap. " * 2 + "We sell soap.",)

    def test_each_column_of_a_table_is_read_downwards(self):
        row = "<tr><td>We sell soap.</td><td>Idle words.</td></tr>"
        down = ("We sell soap. " * 3).strip(), ("Idle words. " * 3).strip()
        assert visible(f"<table>{row * 3}</table>").columns == down

    def test_a_mail_of_one_style_with_a_line_of_another_has_none(self):
        assert visible(self.PITCH * 3 + self.IDLE).strands == ()


HIDDEN = [
    ("<style>p:nth-child(2){display:none}</style>", "<p>"),
    ("<style>p:not(.x){display:none}</style>", "<p>"),
    ("<style>:is(p, b){display:none}</style>", "<p>"),
    ("<style>html>body div i+p{display:none}</style>", "<p>"),
    ("<style>div [title*='b/c p']{display:none}</style>", "<p title='a b/c p'>"),
    ("", "<p style='font-size:min(0px,1em)'>"),
    ("", "<p style='letter-spacing:-1em'>"),
    ("", "<p style='height:0;overflow:clip'>"),
    ("", "<p style='max-height:calc(0px)'>"),
    ("", "<p style='transform:scale3d(0,0,0)'>"),
    ("", "<p style='translate:-9999px 0'>"),
    ("", "<p style='margin:0 0 0 -9999px'>"),
    ("", "<p style='color:lab(99 0 0)'>"),
    ("", "<p style='color:oklch(1 0 none)'>"),
    ("", "<p style='color:color(display-p3 2 1 1)'>"),
    ("", f"<p style='/**/left:-{'0' * 9_000}9999px;position:absolute'>"),
    ("", f"<p style='/**/width:{'9' * 9_000}px;display:none'>"),
    ("", f"<p style='display:none;/**/width:{'(' * 9_000}'>"),
    (f"<style>p{{display:none}}@layer{'{' * 9_000}</style>", "<p>"),
    ("<style>@media all{@media all{@media all{@media all{@media all{p{display:none}}}}}}</style>", "<p>"),
    ("", "<p style='transform:translate(1px) translatex(-9999px)'>"),
    ("", "<p style='position:absolute;left:-1e4px'>"),
    ("", "<p style='font-size:16px;font:1px a'>"),
    ("<style>p{display:block!important}</style>", "<p style='display:none!important'>"),
    (f"<style>{'b{left:1px}' * 1_000}p{{display:none}}</style>", "<p>"),
    ("", "<video>"),
    ("", "<rt>"),
]
SHOWN = [
    ("<style>p::before{display:none}</style>", "<p>"),
    ("<style>p:hover{display:none}</style>", "<p>"),
    ("<style>p ~ i, p>p, div+p, i p{display:none}</style>", "<p>"),
    ("", "<p style='line-height:1.2;overflow:hidden'>"),
    ("", "<p style='letter-spacing:-.5px'>"),
    ("", "<p style='margin:-20px 0'>"),
    ("", "<p style='width:100%;overflow:auto'>"),
    ("", "<p style='color:lab(30 20 20)'>"),
    ("", "<p style='color:oklch(.2 .02 250)'>"),
    ("", "<p style='color:color()'>"),
    ("", "<p style='color:oklab(1e300 1e300 0);background:#888'>"),
    ("", f"<p style='max-height:{'0' * 20}500px'>"),
]


@pytest.mark.parametrize(("sheet", "tag"), HIDDEN)
def test_what_nobody_sees_is_left_out(sheet, tag):
    close = f"</{tag[1:].partition(' ')[0].rstrip('>')}>"
    assert visible(f"{sheet}<div><i>one</i>{tag}two{close}</div>end").text.replace("\n", "") == "oneend"


@pytest.mark.parametrize(("sheet", "tag"), SHOWN)
def test_what_is_seen_stays(sheet, tag):
    assert "two" in visible(f"{sheet}<div><i>one</i>{tag}two</p></div>").text


def test_more_rules_than_are_tried_leave_a_mark():
    rules = "".join(f".c{number}{{display:none}}" for number in range(500))
    few, many = (
        visible(f"<style>{rules}</style>{'<p class=c0>one' * paragraphs}") for paragraphs in (500, 10_000)
    )
    assert (few.text, few.cut) == ("", False)
    assert many.cut


def test_rules_that_cannot_be_followed_cost_the_others_nothing():
    rules = ".a{display:none}" + "p:hover,p::before{display:none}" * 500
    assert visible(f"<style>{rules}</style>{'<p>x' * 5_000}<p class=a>hidden").text.count("hidden") == 0


PIECES = """
color: background: width: left: display: transform: rgb( hsl( lab( oklch( oklab( color( srgb xyz none 1e400 -1 0.5 100%
1turn px em . / , ; ( ) [ { } " ' \\ /* */ url( !important @media @supports p .a : # <!-- u+1 scale( translate( var(--x)
transform:translate( @media(min-width:
"""


@given(st.lists(st.sampled_from(PIECES.split()), max_size=20))
def test_any_style_is_read(pieces):
    style = " ".join(pieces)
    visible(f"<style>{style}</style><style>p{{{style}</style><p style='color: {html.escape(style)}'>one</p>")
