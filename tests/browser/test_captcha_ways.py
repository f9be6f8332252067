"""A sender at a real browser, on the other ways: a code read or heard, a company's check, a line to the owner."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from backend.captcha.vendors import VENDORS
from backend.ports.system import CaptchaKind
from tests.browser.axe import assert_accessible, assert_accessible_without_scripts
from tests.browser.checks import keep_picture, look_over, looks_right, watch_console
from tests.browser.sender import LOOKS, check_server, visit
from tests.web.service import LINK, Office
from tests.web.ways import DIGITS, ToldCheck, with_codes

pytestmark = pytest.mark.browser

WRONG = "222222"


def through(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Your message is on its way")


def test_without_javascript_and_by_keyboard_a_sender_types_the_digits(
    browser: Browser, tmp_path: Path, shots: Path
) -> None:
    with (
        check_server(tmp_path, checks=with_codes()) as here,
        visit(browser, java_script_enabled=False) as page,
    ):
        problems = watch_console(page)
        page.goto(here.address + LINK)
        expect(page.get_by_role("img", name="The digits as a picture")).to_be_visible()
        assert page.locator(".code img").evaluate("image => image.naturalWidth") >= 280, "it was really shown"
        keep_picture(page, shots / "code-noscript.png", full_page=True)
        assert_accessible_without_scripts(page)
        field = page.get_by_role("textbox", name="Digits")
        expect(field).to_have_accessible_description("They are valid for three tries and a few minutes.")

        field.focus()
        page.keyboard.type("777 777")
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", level=1)).to_have_text("Your message will be delivered")
        expect(page.get_by_text("In about 10 min")).to_be_visible()
        keep_picture(page, shots / "code-promised.png", full_page=True)
        assert_accessible_without_scripts(page)
        assert here.do(here.office.solves()) == 0, "a code alone is followed by a wait"
        assert problems == [], "the page broke its own policy"


def test_wrong_digits_come_back_and_others_are_there_for_the_asking(
    browser: Browser, tmp_path: Path, shots: Path
) -> None:
    with (
        check_server(tmp_path, checks=with_codes()) as here,
        visit(browser, java_script_enabled=False) as page,
    ):
        page.goto(f"{here.address}{LINK}?by=code")
        first = page.locator(".code img").get_attribute("src")
        page.get_by_role("textbox", name="Digits").fill(WRONG)
        page.get_by_role("button", name="Deliver my message").click()

        expect(page.get_by_role("alert")).to_contain_text("Those digits are not right")
        expect(page.get_by_role("textbox", name="Digits")).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_role("textbox", name="Digits")).to_be_focused()
        assert page.locator(".code img").get_attribute("src") == first
        keep_picture(page, shots / "code-wrong.png", full_page=True)
        assert_accessible_without_scripts(page)
        page.get_by_role("button", name="New digits").click()
        expect(page.get_by_role("alert")).to_have_count(0)
        assert page.locator(".code img").get_attribute("src") != first
        assert here.do(here.office.solves()) == 0


def test_the_digits_can_be_heard(browser: Browser, tmp_path: Path) -> None:
    with check_server(tmp_path, checks=with_codes()) as here, visit(browser) as page:
        problems = watch_console(page)
        page.goto(here.address + LINK)
        page.get_by_role("link", name="Type a few digits instead").click()
        sound = page.locator("audio")
        expect(sound).to_have_accessible_name("The digits as sound")

        seconds = sound.evaluate(
            """audio => new Promise((done, failed) => {
                audio.addEventListener("loadedmetadata", () => done(audio.duration));
                audio.addEventListener("error", () => failed(audio.error.message));
                audio.load();
                audio.preload = "auto";
            })"""
        )
        moved = sound.evaluate(
            """async audio => { audio.muted = true; await audio.play();
                return new Promise(done => audio.addEventListener(
                    "timeupdate", () => audio.currentTime > 0 && done(audio.currentTime))); }"""
        )

        assert 8 < seconds < 40
        assert moved > 0
        assert problems == []


def test_behind_the_work_at_a_risen_price_come_the_digits(
    browser: Browser, tmp_path: Path, shots: Path
) -> None:
    with check_server(tmp_path, checks=with_codes(code_after=2), solved=2) as here, visit(browser) as page:
        page.goto(here.address + LINK)
        expect(page.get_by_text("You will then be asked to type a few digits")).to_be_visible()
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("One more step")
        assert_accessible(page)
        look_over(page)
        keep_picture(page, shots / "code-step.png", full_page=True)
        page.get_by_role("textbox", name="Digits").fill(DIGITS)
        page.get_by_role("button", name="Deliver my message").click()
        through(page)


HOSTILE = (
    "\"><img src=x onerror='window.pwned=1'>",
    "<script>window.pwned=1</script>",
    "</title><svg onload=window.pwned=1>",
    "' onfocus='window.pwned=1' autofocus x='",
    "<style>body{display:none}</style>",
    "{{ 7*7 }}{% raw %}{owner.__class__}",
)


@pytest.mark.parametrize("script", [True, False], ids=["script", "noscript"])
def test_a_hostile_line_stays_text(browser: Browser, tmp_path: Path, script: bool) -> None:
    with (
        check_server(tmp_path, checks=with_codes()) as here,
        visit(browser) as page,
        visit(browser, java_script_enabled=script) as sender,
    ):
        for line in HOSTILE:
            sender.goto(here.address + LINK)
            field = sender.get_by_role("textbox", name="Your note")
            if not field.is_visible():
                sender.get_by_text("Know Corp Sales? Add a note").click()
            field.fill(line)
            sender.get_by_role("button", name="Send note").click()
            expect(sender.get_by_text("Corp Sales can see this note now.")).to_be_visible()
            expect(sender.get_by_role("textbox", name="Your note")).to_have_value(line)

            page.goto(here.address + LINK)  # scripts run here, whatever they have
            expect(page.get_by_role("textbox", name="Your note")).to_have_value(line)
            assert page.evaluate("window.pwned") is None
            assert page.locator("main svg:not(.icon), main script, main style").count() == 0
            expect(page.get_by_role("heading", level=1)).to_be_visible()


FAKE_WIDGET = """
for (const box of document.querySelectorAll(".%s")) {
  const input = document.createElement("input");
  input.type = "hidden"; input.name = "%s"; input.value = "token-" + box.dataset.sitekey;
  box.append(input, "I am no robot");
}
"""


@pytest.mark.parametrize("kind", [CaptchaKind.TURNSTILE, CaptchaKind.HCAPTCHA, CaptchaKind.RECAPTCHA])
def test_a_companys_script_runs_on_this_page_and_its_token_is_handed_on(
    browser: Browser, tmp_path: Path, kind: CaptchaKind, shots: Path
) -> None:
    check = ToldCheck(kind)
    vendor = VENDORS[kind]

    def serve(route: Route) -> None:
        route.fulfill(body=FAKE_WIDGET % (vendor.css_class, vendor.field), content_type="text/javascript")

    with check_server(tmp_path, checks=check.checks) as here, visit(browser) as page:
        problems = watch_console(page)
        page.route(vendor.script, serve)
        page.goto(here.address + LINK)
        expect(page.get_by_text("I am no robot")).to_be_visible()
        assert_accessible(page)
        look_over(page)
        keep_picture(page, shots / f"widget-{kind}.png", full_page=True)
        page.get_by_role("button", name="Deliver my message").click()

        through(page)
        assert check.given == ["token-site-key-1"]
        assert problems == []


async def _said(office: Office) -> None:
    challenge = await office.link("B" * 32, "ben@dear.example", solved=6)
    line = "We met at the fair in Köln, at the stand of the ministry."
    await office.store.write_note("ana", challenge.id, line, office.story.now)


@pytest.mark.parametrize("look", LOOKS)
def test_code_and_line_look_right_everywhere(
    browser: Browser, tmp_path: Path, shots: Path, look: str
) -> None:
    with check_server(tmp_path, checks=with_codes()) as here, visit(browser, **LOOKS[look]) as page:
        here.do(_said(here.office))
        for name, path in {"code": f"{LINK}?by=code", "line": "/c/" + "B" * 32}.items():
            page.goto(here.address + path)
            looks_right(page, look, shots / f"{name}-{look}.png")


@pytest.mark.parametrize(("language", "tag"), [("de", "de"), ("fr", "fr"), ("es", "es"), ("pt", "pt-PT")])
def test_no_language_breaks_the_page(
    browser: Browser, tmp_path: Path, shots: Path, language: str, tag: str
) -> None:
    phone = LOOKS["phone"] | {"locale": language}
    with check_server(tmp_path, checks=with_codes()) as here, visit(browser, **phone) as page:
        page.goto(f"{here.address}{LINK}?by=code")
        assert page.locator("html").get_attribute("lang") == tag
        assert_accessible(page)
        look_over(page)
        keep_picture(page, shots / f"code-{language}.png", full_page=True)
