"""The first run, the settings and the leaving in a real Chromium: by keyboard, without script, on a phone, at night."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.domain.mailbox.mailbox import Mode, Strictness
from backend.pipeline.account import leave
from backend.web.owner.start import POLL
from tests.browser.axe import assert_accessible, assert_accessible_without_scripts
from tests.browser.checks import keep_picture, look_over, looks_right, watch_console
from tests.browser.review_fixture import PHONE, Fixture, fixture
from tests.web.owner_pages import Visit, letter

pytestmark = pytest.mark.browser

EVIL = (
    '"><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
    "<style>*{display:none}</style>"
)
MESSAGES = (
    letter("kim@friend.test", "a letter", subject="Lunch on Thursday?"),
    letter("di@doubt.test", "maybe a letter", subject="A thought about your shop"),
    letter("sam@seller.test", "a pitchy letter", subject="Grow your pipeline by 300 %"),
    replace(letter("evil@seller.test", "a pitchy letter"), subject=EVIL),
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Fixture]:
    """Ana's pages; her mailbox observes and has been read, and her inbox holds a few messages."""
    with fixture(tmp_path) as opened:
        visit = visit_of(opened)
        opened.do(opened.office.service.save_preferences("ana", {"mode": "observe"}))
        opened.do(visit.indexed())
        visit.deliver(*MESSAGES)
        yield opened


def visit_of(home: Fixture) -> Visit:
    return Visit(home.office, None, "ana")


def previewed(home: Fixture) -> None:
    home.do(home.store.order_preview("ana", home.office.service.context.clock.now()))
    home.do(visit_of(home).worked())


def wishes(home: Fixture) -> tuple[Mode, Strictness]:
    mailbox = home.do(home.store.mailbox("ana"))
    assert mailbox is not None
    return mailbox.preferences.mode, mailbox.preferences.strictness


def shot(page: Page, shots: Path, name: str) -> None:
    keep_picture(page, shots / f"settings-{name}.png", full_page=True)


def reach(page: Page, what: str, most: int = 80) -> None:
    """Press Tab until the focus is on the element that matches."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("(what) => document.activeElement.matches(what)", what):
            return
    raise AssertionError(f"Tab never came to {what}")


def test_the_preview_follows_its_progress_and_the_choice(
    home: Fixture, browser: Browser, shots: Path
) -> None:
    context = home.signed_in(browser)
    page = context.new_page()
    problems = watch_console(page)
    page.goto(f"{home.address}/start")
    page.get_by_role("button", name="Show me").click()
    expect(page.get_by_text("Your inbox is being looked through.")).to_be_visible()
    assert_accessible(page)
    home.do(visit_of(home).worked())
    # The page looks again by itself.
    expect(page.get_by_role("heading", name="2 of your last 4 emails look like pitches")).to_be_visible()
    expect(page.locator("#progress-said")).to_have_text(re.compile("2 of your last"))
    shot(page, shots, "start")
    page.get_by_text("Strict: hold more").click()
    expect(page.get_by_role("heading", name="3 of your last")).to_be_visible()
    page.get_by_text("Hold and reply").click()
    expect(page.get_by_text("would be answered with a link")).to_be_visible()
    assert wishes(home) == (Mode.OBSERVE, Strictness.NORMAL)  # looking chooses nothing
    page.get_by_role("button", name="Not a pitch: allow di@doubt.test").click()
    expect(page.get_by_role("status").filter(has_text="Marked as not a pitch")).to_be_visible()
    expect(page.get_by_role("heading", name="2 of your last")).to_be_visible()
    expect(page.get_by_label("Strict: hold more")).to_be_checked()  # the choice was not lost
    page.get_by_text("The other 1 stay").or_(page.get_by_text("The other one stays")).click()
    page.get_by_role("button", name="This is a pitch: block kim@friend.test").click()
    expect(page.get_by_role("heading", name="3 of your last")).to_be_visible()
    look_over(page)
    assert_accessible(page)
    page.get_by_role("button", name="Use these settings").click()
    expect(page).to_have_url(re.compile("/review$"))
    assert wishes(home) == (Mode.CHALLENGE, Strictness.STRICT)
    assert page.title() != "owned"
    assert problems == []
    assert home.office.gmail.calls["relabel"] == 0
    context.close()


def test_a_press_at_what_the_preview_has_just_moved_counts_for_nothing(
    home: Fixture, browser: Browser
) -> None:
    context = home.signed_in(browser)
    page = context.new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.clock.install(time=0)
    page.goto(f"{home.address}/start")
    page.get_by_role("button", name="Show me").click()
    expect(page.get_by_text("Your inbox is being looked through.")).to_be_visible()
    use = page.get_by_role("button", name="Use these settings")
    page.clock.pause_at(600_000)  # the moment lasts until the test says so
    use.scroll_into_view_if_needed()
    box = use.bounding_box()
    assert box is not None
    aimed = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    sent.clear()
    home.do(visit_of(home).worked())
    page.clock.run_for(POLL)
    expect(page.get_by_role("heading", name="2 of your last 4 emails look like pitches")).to_be_visible()
    assert use.bounding_box() != box
    page.clock.run_for(250)
    assert page.evaluate("(at) => document.elementFromPoint(...at).className", aimed) == "still"
    page.mouse.click(*aimed)
    page.clock.run_for(400)
    expect(page.locator(".still")).to_have_count(0)
    assert (sent, wishes(home)[0]) == ([], Mode.OBSERVE)
    use.click()
    expect(page).to_have_url(re.compile("/review$"))
    context.close()


def test_the_first_run_without_script_on_a_phone_at_night(
    home: Fixture, browser: Browser, shots: Path
) -> None:
    previewed(home)
    context = home.signed_in(
        browser, java_script_enabled=False, viewport=PHONE, color_scheme="dark", locale="de-DE"
    )
    page = context.new_page()
    page.goto(f"{home.address}/start")
    page.get_by_label(re.compile("Streng")).check()
    page.get_by_role("button", name="Vorschau aktualisieren").click()
    expect(page.get_by_role("heading", name="3 Ihrer letzten")).to_be_visible()
    assert "csrf" not in page.url  # the token is only sent by the button that needs it
    page.get_by_role("button", name="Keine Werbung: sam@seller.test").click()
    expect(page.get_by_role("heading", name="2 Ihrer letzten")).to_be_visible()
    page.get_by_role("button", name="Ihre Entscheidung über sam@seller.test").first.click()
    expect(page.get_by_role("heading", name="3 Ihrer letzten")).to_be_visible()
    shot(page, shots, "start-phone-dark-de")
    assert_accessible_without_scripts(page)
    page.get_by_label(re.compile("bis Sie entscheiden")).check()
    page.get_by_role("button", name="Diese Einstellungen verwenden").click()
    expect(page).to_have_url(re.compile("/review$"))
    assert wishes(home) == (Mode.QUARANTINE, Strictness.STRICT)
    context.close()


def test_a_line_is_saved_where_it_stands_and_undone_by_keyboard_alone(
    home: Fixture, browser: Browser, shots: Path
) -> None:
    context = home.signed_in(browser, timezone_id="America/Sao_Paulo")
    page = context.new_page()
    loads: list[str] = []
    page.on("load", lambda: loads.append(page.url))
    page.goto(f"{home.address}/settings")
    shot(page, shots, "settings")
    reach(page, "button[value=strict]")
    page.keyboard.press("Enter")
    toast = page.locator(".toast p").first
    expect(toast).to_have_text("Strictness: Strict")
    expect(page.locator("#said")).to_have_text("Strictness: Strict")
    expect(page.locator("button[value=strict]")).to_be_focused()
    assert wishes(home) == (Mode.OBSERVE, Strictness.STRICT)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    reach(page, "#advanced > summary")
    page.keyboard.press("Enter")
    reach(page, "input[type=checkbox][value=credit]")
    page.keyboard.press("Space")
    expect(toast).to_have_text("Rules: 8")
    expect(page.locator("input[type=checkbox][value=credit]")).to_be_focused()  # what is open stays open
    shot(page, shots, "settings-advanced")
    assert_accessible(page)
    reach(page, "#credits_per_solve")
    for typed, said in (
        ("99", "Not saved: please correct the marked field."),
        ("4", "Credits for a passed check: 4"),
    ):
        page.keyboard.press("Control+A")
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_have_text(said)
        expect(page.get_by_label("Credits for a passed check")).to_be_focused()
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(toast).to_have_text("Undone.")
    expect(page.get_by_label("Credits for a passed check")).to_have_value("3")
    page.locator("button[value=hour]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pause").get_by_text("Paused until")).not_to_contain_text("UTC")
    assert len(loads) == 1
    context.close()


def test_a_setting_that_could_not_be_saved_says_so_and_is_tried_again(
    home: Fixture, browser: Browser
) -> None:
    context = home.signed_in(browser)
    page = context.new_page()
    page.goto(f"{home.address}/settings")
    page.route("**/settings", lambda route: route.abort())
    page.locator("button[value=strict]").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved.")
    assert wishes(home)[1] is Strictness.NORMAL
    page.unroute("**/settings")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".split .toast p")).to_have_text("Strictness: Strict")
    expect(page.locator("#unsaved")).to_be_hidden()
    context.close()


def test_settings_without_script(home: Fixture, browser: Browser) -> None:
    context = home.signed_in(browser, java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(f"{home.address}/settings")
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.locator(".toast").first).to_contain_text("What happens to a pitch: Hold")
    assert_accessible_without_scripts(page)
    assert wishes(home)[0] is Mode.QUARANTINE
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast").first).to_contain_text("Undone.")
    assert wishes(home)[0] is Mode.OBSERVE
    context.close()


def test_lists_without_script(home: Fixture, browser: Browser, shots: Path, tmp_path: Path) -> None:
    context = home.signed_in(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{home.address}/settings/lists")
    page.get_by_label("Address or domain").fill("bo@shop.example")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("bo@shop.example is allowed from now on.")).to_be_visible()
    file = tmp_path / "rules.txt"
    file.write_text("block spam.example\nnot a line\n", "utf-8")
    page.get_by_label("A text or CSV file").set_input_files(file)
    page.get_by_role("button", name="Preview import").click()
    expect(page.get_by_text("New: 1. Changed: 0.")).to_be_visible()
    expect(page.get_by_text("Line 2: This is neither an address nor a domain.")).to_be_visible()
    shot(page, shots, "lists-import")
    assert_accessible_without_scripts(page)
    page.get_by_role("button", name="Import these rules").click()
    expect(page.get_by_text("Imported. New: 1.")).to_be_visible()
    page.get_by_label("Sender’s address").fill("any@spam.example")
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_text("Emails from any@spam.example are held, whatever they say.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all rules").click()
    text = Path(download.value.path()).read_text("utf-8")
    assert text == "allow bo@shop.example\nblock spam.example\n"
    page.get_by_role("button", name="Remove the rule for spam.example").click()
    expect(page.get_by_text("The rule is removed.")).to_be_visible()
    context.close()


class Google:
    """Takes the grant back."""

    async def revoke(self, mailbox_id: str) -> None:
        return None


def test_leaving_is_confirmed_followed_and_leaves_a_receipt(
    home: Fixture, browser: Browser, shots: Path
) -> None:
    context = home.signed_in(browser, locale="de-DE")
    page = context.new_page()
    problems = watch_console(page)
    page.goto(f"{home.address}/settings/leave")
    confirm = page.get_by_label(re.compile("Adresse des Postfachs"))
    confirm.fill("yes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nichts wurde gelöscht.")
    expect(confirm).to_have_accessible_description(re.compile("nicht die Adresse"))
    confirm.fill("ana@corp.test")
    page.get_by_role("button", name="Trennen und alles löschen").click()
    expect(page.get_by_role("heading", name="Wird getrennt")).to_be_visible()
    shot(page, shots, "leaving")
    assert_accessible(page)
    job = home.do(home.office.story.due_duty(home.office.clock.now()))
    assert job is not None
    home.do(leave(home.office.service.context, Google(), job))
    # The page looks again by itself.
    expect(page.get_by_role("heading", name="Getrennt und gelöscht")).to_be_visible()
    expect(page.locator("#progress-said")).to_have_text("Getrennt und gelöscht")
    shot(page, shots, "receipt")
    look_over(page)
    assert_accessible(page)
    page.reload()
    expect(page.get_by_text("von uns zurückgenommen")).to_be_visible()
    assert "corp.test" not in page.content()
    assert problems == [
        "Failed to load resource: the server responded with a status of 422 ()"
    ]  # what Chromium says of any refused form
    context.close()


ASK = urlencode(
    {
        "redirect_uri": "http://127.0.0.1:4000/back",
        "code_challenge": "c" * 43,
        "state": "s",
        "name": "Ana's laptop with a rather long name",
    }
)
PAGES = (
    "/start",
    "/settings",
    "/settings/lists",
    "/settings/wording?language=fr",
    "/settings/notifications",
    "/devices",
    "/settings/leave",
    f"/connect/device?{ASK}",
)
OPEN = ("/", "/connect", "/connect/callback", "/enter?ticket=x", "/goodbye/x", f"/connect/device?{ASK}")


@pytest.mark.parametrize(
    ("look", "options"),
    [
        ("desktop", {}),
        ("phone-dark", {"viewport": PHONE, "color_scheme": "dark", "locale": "de-DE"}),
        ("phone-fr", {"viewport": PHONE, "locale": "fr-FR"}),
        ("desktop-dark-pt", {"color_scheme": "dark", "locale": "pt-PT"}),
    ],
)
def test_every_page_is_usable_by_everybody(
    home: Fixture, browser: Browser, shots: Path, look: str, options: dict[str, object]
) -> None:
    previewed(home)
    context = home.signed_in(browser, **options)
    page = context.new_page()

    def is_usable(name: str) -> None:
        looks_right(page, look, shots / f"settings-{look}{name.partition('?')[0].replace('/', '-')}.png")

    for path in PAGES:
        page.goto(f"{home.address}{path}")
        assert page.title()
        is_usable(path)
    context.clear_cookies()
    for path in (*OPEN, "/settings"):
        page.goto(f"{home.address}{path}")
        is_usable(f"-open{path}")
    page.goto(f"{home.address}/connect")
    page.route("https://accounts.google.com/**", lambda route: route.fulfill(status=200, body="Google"))
    page.locator("form[action='/connect'] button").first.click()
    page.wait_for_url("https://accounts.google.com/**")
    page.goto(f"{home.address}{home.office.google.back()}")
    is_usable("-connected")
    page.locator("a.primary").click()
    expect(page).to_have_url(re.compile("/start$"))
    context.close()
