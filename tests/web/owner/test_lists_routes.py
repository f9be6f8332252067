"""Allowed and blocked senders: add, remove, find, try, import, export."""

from __future__ import annotations

import io

import pytest
from werkzeug.datastructures import FileStorage

from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.rules import MOST_LINES, Rule
from tests.web.owner_pages import Visit
from tests.web.service import Office

LISTS = "/settings/lists"


@pytest.fixture
async def ana(here: Office) -> Visit:
    """Ana at her lists."""
    visit = await Visit.begin(here)
    await visit.get(LISTS)
    return visit


async def kind(ana: Visit, subject: str) -> RuleKind | None:
    return (await ana.here.store.rules_of("ana", [subject])).get(subject)


async def test_add_find_and_remove(ana: Visit) -> None:
    page = await ana.get(await ana.post(f"{LISTS}/add", subject=" Bo@Shop.Example ", kind="allow"))
    assert "bo@shop.example is allowed from now on." in page
    page = await ana.get(await ana.post(f"{LISTS}/add", subject="mail.spam.example", kind="block"))
    assert "spam.example is blocked from now on." in page  # the organisation's domain, as mail is judged
    assert "2 rules" in page
    assert "bo@shop.example" not in await ana.get(f"{LISTS}?q=spam")
    assert "bo@shop.example" in await ana.get(f"{LISTS}?show=allow")
    assert "No rule matches." in await ana.get(f"{LISTS}?q=nothing%25")
    page = await ana.get(await ana.post(f"{LISTS}/remove", subject="spam.example"))
    assert "The rule is removed." in page
    assert await kind(ana, "spam.example") is None
    assert await kind(ana, "bo@shop.example") is RuleKind.ALLOW


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("", "Enter an address or a domain."),
        ("not an address", "This is neither an address nor a domain."),
        ("a b@x.example", "This is not an email address."),
        ("gmail.com", "Anybody can get an address at this domain."),
        ("x@", "This is not an email address."),
        ("<script>alert(1)</script>", "This is neither an address nor a domain."),
    ],
)
async def test_what_is_no_sender_is_refused_at_its_field(ana: Visit, subject: str, words: str) -> None:
    page = await ana.post(f"{LISTS}/add", 422, subject=subject, kind="block")
    assert f'id="subject-error">{words}' in page
    assert 'aria-describedby="subject-hint subject-error"' in page
    assert "<script>alert" not in ana.page
    assert await ana.here.store.count_rules("ana") == 0


async def test_a_kind_there_is_not_is_refused(ana: Visit) -> None:
    assert 'id="kind-error"' in await ana.post(f"{LISTS}/add", 422, subject="bo@x.example", kind="shoot")
    assert 'id="default-error"' in await ana.post(f"{LISTS}/import", 422, text="bo@x.example", default="")
    assert await ana.here.store.count_rules("ana") == 0


async def test_would_this_sender_pass(ana: Visit) -> None:
    store, now = ana.here.store, ana.here.story.now
    await store.set_rule("ana", "ok@x.example", RuleKind.ALLOW, now)
    await store.set_rule("ana", "bad.example", RuleKind.BLOCK, now)
    await store.learn("ana", frozenset({"kim@friend.example"}), "", now)
    trials = {
        ("ok@x.example", True): ("reach the inbox, whatever they say", "You allow this address"),
        ("ok@x.example", False): ("depends on what they write", "held without a reply"),
        ("any@bad.example", True): ("are held, whatever they say", "You block this address"),
        ("kim@friend.example", True): (
            "reach the inbox, whatever they say",
            "You have written to this address",
        ),
        ("boss@corp.test", True): ("reach the inbox, whatever they say", "Your own organisation"),
        ("new@seller.example", True): ("depends on what they write", "its sender is asked to pass a check"),
    }
    for (address, confirmed), words in trials.items():
        fields = {"confirmed": "1"} if confirmed else {}
        page = await ana.post(f"{LISTS}/test", 200, address=address, **fields)
        for expected in words:
            assert expected in page, (address, confirmed)
    await ana.here.service.save_preferences("ana", {"mode": "observe"})
    page = await ana.post(f"{LISTS}/test", 200, address="new@seller.example", confirmed="1")
    assert "stays in the inbox with a label" in page
    for wrong in ("", "seller.example", "gmail.com"):
        assert 'id="address-error"' in await ana.post(f"{LISTS}/test", 422, address=wrong)
    assert await store.count_rules("ana") == 2


TEXT = """kind,subject
# mine
allow, ok@x.example
block;spam.example,since ever
"block","two.example"
old@x.example
not a line
gmail.com
OK@X.example
"""


async def test_an_import_is_looked_at_first_with_errors_by_line(ana: Visit) -> None:
    await ana.here.store.set_rule("ana", "old@x.example", RuleKind.ALLOW, ana.here.story.now)
    page = await ana.post(f"{LISTS}/import", 200, text=TEXT, default="block", do="check")
    # ok@x.example, spam.example and two.example are new; of two lines about one subject the later counts
    assert "New: 3. Changed: 1. Unchanged: 0." in page
    assert "2 lines are not understood" in page
    assert "Line 7: This is neither an address nor a domain." in page
    assert "Line 8: Anybody can get an address" in page
    assert await ana.here.store.count_rules("ana") == 1
    for expected in (
        "New: 3. Changed: 1. Unchanged: 0.",
        "New: 0. Changed: 0. Unchanged: 4.",
    ):
        page = await ana.post(f"{LISTS}/import", 200, text=TEXT, default="block", do="import")
        assert f"Imported. {expected}" in page
    assert await kind(ana, "ok@x.example") is RuleKind.BLOCK
    assert await kind(ana, "two.example") is RuleKind.BLOCK
    assert await kind(ana, "old@x.example") is RuleKind.BLOCK


async def test_a_file_is_taken_whatever_its_bytes(ana: Visit) -> None:
    data = "﻿allow ok@x.example\nblock m\xfcll.example\n".encode()
    latin = "allow two@x.example\nblock b\xf6se.example\n".encode("latin-1")
    junk = b"\x00\xff\xfe\x80" * 50
    for content, status, figures in (
        (data, 200, "New: 2."),
        (latin, 200, "New: 2."),
        (junk, 422, "no rules in it"),
    ):
        form = {"csrf": ana.hidden("csrf"), "default": "block", "do": "import", "text": ""}
        file = FileStorage(io.BytesIO(content), "rules.csv", "file")
        answer = await ana.browser.post(f"{LISTS}/import", form=form, files={"file": file})
        ana.page = await answer.get_data(as_text=True)
        assert (answer.status_code, figures in ana.page) == (status, True)
    assert await kind(ana, "xn--mll-hoa.example") is RuleKind.BLOCK


async def test_an_import_that_is_too_long_or_empty_changes_nothing(ana: Visit) -> None:
    long = "\n".join(f"a{number}@x.example" for number in range(MOST_LINES + 1))
    assert "The list is too long." in await ana.post(
        f"{LISTS}/import", 422, text=long, default="block", do="import"
    )
    page = await ana.post(f"{LISTS}/import", 422, text="# nothing", default="block", do="import")
    assert "There are no rules in it" in page
    huge = await ana.browser.post(f"{LISTS}/import", form={"csrf": ana.hidden("csrf"), "text": "a" * 300_000})
    assert huge.status_code == 413
    assert await ana.here.store.count_rules("ana") == 0


async def test_an_export_imports_to_the_same_lists(here: Office, ana: Visit) -> None:
    rules = [Rule(f"a{number:03}@x.example", RuleKind.ALLOW) for number in range(120)]
    rules += [Rule("bad.example", RuleKind.BLOCK), Rule("=cmd@x.example", RuleKind.BLOCK)]
    await here.store.put_rules("ana", rules, here.story.now)
    answer = await ana.browser.get(f"{LISTS}/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="pitchgate-rules.txt"'
    text = await answer.get_data(as_text=True)
    assert "block =cmd@x.example" in text.splitlines()  # no line begins with what a spreadsheet would run
    eve = await Visit.begin(here, "eve")
    await eve.get(LISTS)
    await eve.post(f"{LISTS}/import", 200, text=text, default="allow", do="import")
    kept = [await here.store.rules(name, None, "", "", 500) for name in ("ana", "eve")]
    assert (
        [e.rule for e in kept[0]] == [e.rule for e in kept[1]] == sorted(rules, key=lambda rule: rule.subject)
    )


async def test_removing_nothing_is_not_told_as_done(here: Office, ana: Visit) -> None:
    await here.store.set_rule("ana", "ok@x.example", RuleKind.ALLOW, here.story.now)
    for subject in ("", "  "):
        page = await ana.post(f"{LISTS}/remove", 422, subject=subject)
        assert "Removed" not in page
        assert "ok@x.example" in page


async def test_many_rules_come_in_pages(ana: Visit) -> None:
    rules = [Rule(f"a{number:03}@x.example", RuleKind.ALLOW) for number in range(60)]
    await ana.here.store.put_rules("ana", rules, ana.here.story.now)
    page = await ana.get(LISTS)
    assert "a049@x.example" in page
    assert "a050@x.example" not in page
    page = await ana.get(f"{LISTS}?after=a049@x.example")
    assert "a050@x.example" in page
    assert "From the start" in page


async def test_strangers_and_foreign_forms_change_nothing(here: Office, ana: Visit) -> None:
    await here.store.set_rule("ana", "ok@x.example", RuleKind.ALLOW, here.story.now)
    eve = await Visit.begin(here, "eve")
    assert "ok@x.example" not in await eve.get(LISTS)
    await eve.post(f"{LISTS}/remove", subject="ok@x.example")
    assert "ok@x.example" not in await (await eve.browser.get(f"{LISTS}/export")).get_data(as_text=True)
    for path in ("add", "remove", "test", "import"):
        assert (await here.app.test_client().post(f"{LISTS}/{path}", form={})).status_code == 401
        await ana.post(f"{LISTS}/{path}", 403, csrf=eve.hidden("csrf"), subject="ok@x.example")
    assert (await here.app.test_client().get(f"{LISTS}/export")).status_code == 401
    assert await kind(ana, "ok@x.example") is RuleKind.ALLOW
