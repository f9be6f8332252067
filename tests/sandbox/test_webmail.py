"""The webmail: hostile mail stays inert, and everything works with plain forms."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.sandbox.webmail_story import inert_html, linked_text
from tests.sandbox_process import SandboxProcess

HOSTILE = """
<html><head><title>x</title><style>body{background:url(https://track.test/a)}</style>
<meta http-equiv="refresh" content="0;url=https://evil.test">
<base href="https://evil.test/"><link rel="stylesheet" href="https://evil.test/c.css">
<body onload="alert(1)" background="https://track.test/b">
<script>alert(1)</script><svg onload=alert(1)><a xlink:href="javascript:alert(1)">s</a></svg>
<img src="https://track.test/pixel.gif" onerror="alert(1)" alt='"><script>alert(2)</script>'>
<iframe src="https://evil.test"></iframe><object data="x"></object><embed src="x">
<form action="/mail/ana@corp.test/act" method="post"><input name="act" value="trash"><button>Click</button></form>
<a href="javascript:alert(1)">one</a> <a href=" JaVa&#x09;script:alert(1)">two</a>
<a href="data:text/html,<script>">three</a> <a href="https://ok.test/?a=1&amp;b=2" onclick="x()">four</a>
<p style="position:fixed;top:0;background:url(https://track.test/c);COLOR: #1d2523 ;width:calc(1px)" id="main"
class="skip">five</p><td bgcolor="red" width="48&quot;onload=x"><math><mtext></mtext></math>
<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>
<p>&lt;script&gt;alert(3)&lt;/script&gt; &amp;lt;b&amp;gt;</p>
<b>bold"""

ALLOWED = {
    "a": {"href", "target", "rel"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "span": {"class"},
    "p": {"class"},
}
LOOKS = {"style", "width", "height", "cellpadding", "cellspacing", "border", "align", "valign", "bgcolor"}
KEPT_NAMES = (
    "a abbr b blockquote br caption code dd div dl dt em hr i li ol p pre s small span strong sub sup table tbody td "
    "tfoot th thead tr u ul"
)


class Inspector(HTMLParser):
    """Collects tags and attributes, and fails on any that the sanitizer must not write."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in KEPT_NAMES.split(), tag
        assert {name for name, _ in attrs} <= ALLOWED.get(tag, set()) | LOOKS, (tag, attrs)
        values = dict(attrs)
        assert not set("()\\@:/") & set("".join(str(values.get(name, "")) for name in LOOKS - {"style"}))
        for each in filter(None, str(values.get("style") or "").split(";")):
            assert re.fullmatch(r"[a-z-]+:[\w #%.,'\"-]+", each), each
            assert not each.startswith(("position", "top", "z-index", "behavior", "content"))
        if values.get("href"):
            self.links.append(str(values["href"]))
            assert values["rel"] == "noopener noreferrer nofollow"
            assert re.match(r"(?i)(https?://|mailto:)", str(values["href"]))
        assert values.get("class") in (None, "no-image", "mail-heading")
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def test_hostile_html_comes_out_inert() -> None:
    inert = inert_html(HOSTILE)
    inspector = Inspector(inert)
    assert inspector.links == ["https://ok.test/?a=1&b=2"]
    assert inspector.open == []
    assert "alert(1)" not in inert
    assert "track.test" not in inert
    assert "&lt;script&gt;alert(3)&lt;/script&gt; &amp;lt;b&amp;gt;" in inert
    assert "[image: &quot;&gt;&lt;script&gt;alert(2)&lt;/script&gt;]" in inert
    assert '<p style="color:#1d2523">five</p>' in inert
    for text in ("one", "two", "three", "four", "five", "bold"):
        assert text in inert


PIECES = (
    "< > \" ' & &lt; <!-- --> <![CDATA[ ]]> <?x </ script style <a b href= javascript: https://x.test onclick= <p "
    "<table <td colspan=2 <img alt= </p> <svg <h1> = / text <title> </title> <select> </script>"
)
FRAGMENTS = st.lists(st.sampled_from([*PIECES.split(), " ", "\x00"]), max_size=25).map("".join)


@given(FRAGMENTS)
@example("&lt;script&gt;x")
@example("<b &lt;i&gt;>")
def test_whatever_comes_only_known_tags_leave_balanced(source: str) -> None:
    assert Inspector(inert_html(source)).open == []


@given(FRAGMENTS)
def test_plain_text_gains_links_and_nothing_else(text: str) -> None:
    shown = linked_text(text)
    assert set(re.findall(r"<(\w+)", shown)) <= {"a"}
    assert Inspector(shown).open == []


def test_links_in_plain_text_end_where_the_sentence_does() -> None:
    shown = linked_text("See https://a.test/x?y=1&z=2. (Or http://b.test/)")
    assert Inspector(shown).links == ["https://a.test/x?y=1&z=2", "http://b.test/"]


def test_a_bomb_of_tags_is_cut() -> None:
    inert = inert_html("<div>" * 50_000 + "deep")
    assert inert.count("<div>") <= 60
    assert "deep" in inert


@pytest.mark.parametrize("piece", ["<a href='", "<a ", "<!-- ", '<b x="', "</p "])
def test_tags_that_never_end_are_text(piece: str) -> None:
    """Each once sent the parser to the end of the input: this took minutes."""
    assert html.unescape(inert_html("a&amp;b" + piece * 40_000)) == "a&b" + piece * 40_000


def test_a_hostile_letter_in_its_page(google: SandboxProcess, ana: str) -> None:
    nasty = '<script>alert("s")</script>'
    got = google.deliver(
        ana, f'"{nasty}" <x@x.test>', subject=nasty, text="t", html=HOSTILE, labels=["INBOX", f"L{nasty[:8]}"]
    )
    for path in (f"/mail/{ana}", f"/mail/{ana}/thread/{got['threadId']}", f"/mail/{ana}?q={nasty}"):
        page = google.http.get(path)
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "onload" not in page.text
        assert "style=" not in page.text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "unsafe" not in page.headers["Content-Security-Policy"]
    frame = google.http.get(f"/mail/{ana}/message/{got['id']}/body")
    assert '<p style="color:#1d2523">five</p>' in frame.text
    assert "track.test" not in frame.text
    assert "script-src" not in frame.headers["Content-Security-Policy"]
    assert "allow-scripts" not in frame.headers["Content-Security-Policy"]
    source = google.http.get(f"/mail/{ana}/message/{got['id']}/source")
    assert source.headers["Content-Type"].startswith("text/plain")
    assert "sandbox" in source.headers["Content-Security-Policy"]


def post(google: SandboxProcess, path: str, **form: str | list[str]) -> httpx.Response:
    return google.http.post(path, data=form)


def test_writing_reading_and_answering(google: SandboxProcess, ana: str, bo: str) -> None:
    sent = post(google, f"/mail/{bo}/compose", to=ana, subject="Offer", text="Buy now\nhttps://buy.test/x")
    assert sent.status_code == 303
    assert "Offer" in google.http.get(f"/mail/{ana}").text
    [got] = google.messages(ana)
    thread = google.http.get(f"/mail/{ana}/thread/{got['threadId']}").text
    assert 'href="https://buy.test/x"' in thread
    assert "DMARC pass" in thread
    answered = post(google, f"/mail/{ana}/reply/{got['id']}", text="No, thanks.")
    assert answered.headers["Location"] == f"/mail/{ana}/thread/{got['threadId']}"
    assert google.messages(bo, label="INBOX")[0]["subject"] == "Re: Offer"


@pytest.mark.parametrize(
    ("act", "gained", "lost"),
    [
        ("archive", set(), {"INBOX"}),
        ("inbox", {"INBOX"}, {"TRASH"}),
        ("read", set(), {"UNREAD"}),
        ("star", {"STARRED"}, set()),
        ("spam", {"SPAM"}, {"INBOX"}),
        ("not_spam", {"INBOX"}, {"SPAM"}),
        ("trash", {"TRASH"}, {"INBOX"}),
        ("untrash", {"INBOX"}, {"TRASH"}),
    ],
)
def test_acts(google: SandboxProcess, ana: str, act: str, gained: set[str], lost: set[str]) -> None:
    message_id = google.deliver(ana, "p@x.test")["id"]
    answer = post(google, f"/mail/{ana}/act", id=message_id, act=act, back=f"/mail/{ana}?label=INBOX")
    assert answer.headers["Location"] == f"/mail/{ana}?label=INBOX"
    labels = set(google.message(ana, message_id)["labelIds"])
    assert gained <= labels
    assert not lost & labels


def test_labels_by_name(google: SandboxProcess, ana: str) -> None:
    ids = [google.deliver(ana, "p@x.test")["id"] for _ in range(2)]
    post(google, f"/mail/{ana}/act", id=ids, act="label", name="Pitchgate/Allow")
    assert len(google.messages(ana, label="Pitchgate/Allow")) == 2
    post(google, f"/mail/{ana}/act", id=ids[:1], act="unlabel", name="pitchgate/allow")
    assert [message["id"] for message in google.messages(ana, label="Pitchgate/Allow")] == ids[1:]


def test_spam_is_reported_and_taken_back_by_buttons(google: SandboxProcess, ana: str) -> None:
    got = google.deliver(ana, "p@x.test")
    assert 'value="spam">Report spam' in google.http.get(f"/mail/{ana}").text
    post(google, f"/mail/{ana}/act", id=got["id"], act="spam")
    for page in ("?label=SPAM", f"/thread/{got['threadId']}"):
        assert 'value="not_spam">Not spam' in google.http.get(f"/mail/{ana}{page}").text


def test_a_label_is_renamed_nested_and_deleted_on_its_own_page(google: SandboxProcess, ana: str) -> None:
    google.deliver(ana, "p@x.test", labels=["INBOX", "Sales", "Sales/Old"])
    ids = google.mailbox(ana)["userLabels"]
    assert 'value="Sales"' in google.http.get(f"/mail/{ana}?label={ids['Sales']}").text
    post(google, f"/mail/{ana}/settings", act="rename_label", label=ids["Sales"], to="Work/Offers")
    assert google.mailbox(ana)["userLabels"] == {
        "Work/Offers": ids["Sales"],
        "Work/Offers/Old": ids["Sales/Old"],
    }
    post(google, f"/mail/{ana}/settings", act="delete_label", label=ids["Sales"])
    assert list(google.mailbox(ana)["userLabels"]) == ["Work/Offers/Old"]
    assert post(google, f"/mail/{ana}/settings", act="rename_label", label="INBOX", to="x").status_code == 400


def test_an_account_takes_another_address(google: SandboxProcess, ana: str, bo: str) -> None:
    google.deliver(ana, "p@x.test")
    new = f"new-{ana}"
    moved = post(google, f"/mail/{ana}/settings", act="rename_address", to=new)
    assert moved.headers["Location"] == f"/mail/{new}"
    assert google.http.get(f"/mail/{ana}").status_code == 404
    google.deliver(ana, "p@x.test")  # the former address still works
    assert len(google.messages(new)) == 2
    assert post(google, f"/mail/{new}/settings", act="rename_address", to=bo).status_code == 400


def test_looking_changes_nothing(google: SandboxProcess, ana: str) -> None:
    got = google.deliver(ana, "p@x.test")
    before = google.mailbox(ana)["historyId"]
    for path in ("", "?label=SPAM", "?q=from:p", f"/thread/{got['threadId']}", "/compose", "/act", "/state"):
        google.http.get(f"/mail/{ana}{path}")
    assert google.mailbox(ana)["historyId"] == before
    assert google.http.get(f"/mail/{ana}/state").json() == {"historyId": before}


def test_a_return_address_elsewhere_is_not_followed(google: SandboxProcess, ana: str) -> None:
    message_id = google.deliver(ana, "p@x.test")["id"]
    for back in ("https://evil.test/", "//evil.test", f"/mail/{ana}\r\nSet-Cookie: x=1"):
        answer = post(google, f"/mail/{ana}/act", id=message_id, act="star", back=back)
        assert "evil" not in answer.headers["Location"]
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/mail/{ana}/compose", {"to": "nobody at all", "text": "kept text"}, 400),
        ("/mail/{ana}/act", {"act": "archive"}, 400),
        ("/mail/{ana}/act", {"act": "archive", "id": "19a3c0ffee000001"}, 404),
        ("/mail/{ana}/reply/19a3c0ffee000001", {"text": "x"}, 404),
        ("/mail/nobody@x.test/compose", {"to": "a@x.test"}, 404),
    ],
)
def test_mistakes_get_a_page_for_people(
    google: SandboxProcess, ana: str, path: str, form: dict[str, str], status: int
) -> None:
    answer = post(google, path.format(ana=ana), **form)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert "Traceback" not in answer.text
    if "text" in form and status == 400:
        assert form["text"] in answer.text


def test_older_pages_and_the_list_of_mailboxes(google: SandboxProcess, ana: str) -> None:
    google.seed(
        ana, [{"from": "p@x.test", "subject": f"n{n:03d}", "internal_date": 10**12 + n} for n in range(60)]
    )
    first = google.http.get(f"/mail/{ana}").text
    assert "n059" in first
    assert "n009" not in first
    older = re.search(r'href="([^"]*before=[^"]*)"', first)
    assert older is not None
    second = google.http.get(older.group(1).replace("&amp;", "&")).text
    assert "n009" in second
    assert "n010" not in second
    assert ana in google.http.get("/mail/").text
    assert google.http.get("/", follow_redirects=True).status_code == 200
