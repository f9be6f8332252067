"""What Pitchgate finds out about its own verdicts, from the command line to the owner's page: a second model that is
tried, another strictness that is offered, mail that has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, expect

from backend.__main__ import cli
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import PolicyRow, Shadow
from tests.browser.axe import assert_accessible
from tests.browser.checks import keep_picture, look_over
from tests.browser.review_fixture import Fixture, fixture, visit
from tests.renamed_model import OTHER_VERSION, SHIPPED_VERSION, put_renamed

pytestmark = pytest.mark.browser


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fixture]:
    """An owner's pages, and a command line on the same database at the same time of day."""
    with fixture(tmp_path) as opened:
        (tmp_path / "pitchgate.sqlite3").symlink_to(tmp_path / "web.sqlite3")
        monkeypatch.setenv("PITCHGATE_STATE_DIR", str(tmp_path))
        clock = SimpleNamespace(now=lambda: opened.office.story.now)
        for module in ("models", "audit"):
            monkeypatch.setattr(f"backend.commands.{module}.SystemClock", lambda: clock)
        yield opened


def run(*arguments: str) -> str:
    """A command of the operator's, in a thread of its own: Playwright's loop has this one."""
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(CliRunner().invoke, cli, arguments).result()
    assert done.exit_code == 0, done.output
    return done.output


def states() -> dict[str, str]:
    """Which model is at work, and as what."""
    found = map(json.loads, run("models", "list", "--json").splitlines())
    return {one["version"]: one["state"] for one in found}


def test_what_answers_prove_of_another_strictness_is_offered_and_accepted(
    here: Fixture, browser: Browser
) -> None:
    here.do(here.store.change_preferences("ana", {"questions_a_week": 10}, here.office.story.now))
    for week in range(2):
        for number in range(10):  # which "strict" would hold, and nothing else is held
            here.pass_by(f"p{week}{number}", f"bo@pitch{week}{number}.test", score=0.6, model="fake")
        here.office.story.pass_time(days=7)
        here.do(here.store.draw_questions("ana", here.office.story.now))
        with visit(here, browser) as page:
            for left in range(9, -1, -1):
                page.locator(".ask li").first.get_by_role("button", name="Yes").click()
                expect(page.locator(".ask li")).to_have_count(left)
    with visit(here, browser, "/insights") as page:
        page.locator(".offer button").click()
        expect(page.locator(".offer")).to_have_count(0)
    mailbox = here.do(here.store.mailbox("ana"))
    assert mailbox is not None
    assert mailbox.preferences.strictness is Strictness.STRICT


def test_from_adding_a_model_to_going_back(
    here: Fixture, browser: Browser, tmp_path: Path, shots: Path
) -> None:
    put_renamed(tmp_path / "other.onnx")
    run("models", "add", str(tmp_path / "other.onnx"))
    run("models", "shadow", OTHER_VERSION)
    passes = Shadow(OTHER_VERSION, PolicyRow.BELOW_HOLD, 0.2)
    for number in range(6):
        here.hold(f"h{number}", f"bo{number}@pitch.test", subject=f"Offer {number}", shadow=passes)
    here.office.story.pass_time(days=7)
    now = here.office.story.now
    here.do(here.store.draw_questions("ana", now))
    asked = len(here.do(here.store.questions("ana", now)))

    with visit(here, browser) as page:
        expect(page.locator(".ask li")).to_have_count(asked)
        keep_picture(page, shots / "second-model-asked.png")
        for left in range(asked - 1, -1, -1):
            page.locator(".ask li").first.get_by_role("button", name="Yes").click()
            expect(page.locator(".ask li")).to_have_count(left)

    told = json.loads(run("models", "trial", "--json"))
    assert (told["finding"], told["asked"], told["answered"], told["doubted"]) == ("open", 3, 0, 3)
    run("watch", "--html", str(tmp_path / "watch.html"))
    page = browser.new_page()
    try:
        page.goto((tmp_path / "watch.html").as_uri())
        expect(page.get_by_text(f"{OTHER_VERSION} beside")).to_be_visible()
        look_over(page)
        assert_accessible(page)
        keep_picture(page, shots / "second-model-told.png", full_page=True)
    finally:
        page.close()

    run("models", "promote", "--force", OTHER_VERSION)
    assert states() == {SHIPPED_VERSION: "before", OTHER_VERSION: "champion"}
    run("models", "rollback")
    assert states() == {SHIPPED_VERSION: "champion", OTHER_VERSION: ""}


def test_mail_that_changes_is_told_to_its_owner_and_to_the_operator(
    here: Fixture, browser: Browser, tmp_path: Path
) -> None:
    story, alarm = here.office.story, "Your mail has changed since"
    for polish, weeks in ((1, 8), (11, 2)):
        with visit(here, browser, "/insights") as page:
            expect(page.get_by_text(alarm)).to_have_count(0)
        assert "Polish" not in run("watch")
        for _ in range(weeks):
            here.do(story.a_week(12, polish=polish))
        here.do(here.store.count_weeks("ana", story.now))

    with visit(here, browser) as page:
        page.get_by_role("navigation").get_by_role("link", name="Insights").click()
        expect(page.get_by_role("status").filter(has_text=alarm)).to_contain_text("more of it is in Polish.")
        assert_accessible(page)
    assert "Polish" in run("watch")
