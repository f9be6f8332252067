"""Every company's check: what it receives, and that nothing but a clear success lets anybody in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from backend.captcha.vendors import ANSWER_LIMIT, TOKEN_LIMIT, VENDORS, ErrorMeaning, SiteVerify, Vendor
from backend.domain.errors import Refused, TryLater
from backend.ports.system import CaptchaKind
from tests.doubles import in_english
from tests.unit.captcha.conftest import HOST, SECRET, SITE_KEY, StandIn, adapter

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DOCUMENTED = {
    CaptchaKind.TURNSTILE: (
        "missing-input-secret", "invalid-input-secret", "missing-input-response", "invalid-input-response",
        "bad-request", "timeout-or-duplicate", "internal-error",
    ),
    CaptchaKind.HCAPTCHA: (
        "missing-input-secret", "invalid-input-secret", "missing-input-response", "invalid-input-response",
        "expired-input-response", "already-seen-response", "invalid-or-already-seen-response", "bad-request",
        "missing-remoteip", "invalid-remoteip", "not-using-dummy-passcode", "sitekey-secret-mismatch",
    ),
    CaptchaKind.RECAPTCHA: (
        "missing-input-secret", "invalid-input-secret", "missing-input-response", "invalid-input-response",
        "bad-request", "timeout-or-duplicate",
    ),
}  # fmt: skip
CASES = [(kind, code) for kind, codes in DOCUMENTED.items() for code in codes]


async def outcome(check: SiteVerify, token: str = "good-1") -> str:
    """What a sender would see: "in", a refusal's code, or "later"."""
    try:
        await check.verify(token, "ch1", 1, NOW)
    except Refused as error:
        return error.code if in_english(error) else "a person is not told what to do"
    except TryLater:
        return "later"
    return "in"


async def test_a_good_token_lets_in_and_its_digest_bars_it(check: SiteVerify, vendor: Vendor) -> None:
    answer = await check.verify("good-1", "ch1", 1, NOW)

    assert answer.right
    assert answer.most_tries == 0
    assert answer.signature.startswith(f"{vendor.kind}:")
    assert "good-1" not in answer.signature
    assert answer.expires_at >= NOW + timedelta(minutes=5)
    assert (await check.verify("good-2", "ch1", 1, NOW)).signature != answer.signature


async def test_the_company_is_told_secret_and_token_and_nothing_of_the_sender(
    check: SiteVerify, stand_in: StandIn, vendor: Vendor
) -> None:
    await check.verify("good-1", "ch1", 1, NOW)

    wanted = {"secret": SECRET, "response": "good-1"}
    if vendor.kind is CaptchaKind.HCAPTCHA:
        wanted["sitekey"] = SITE_KEY
    assert stand_in.requests == [wanted]
    assert not {"Cookie", "Referer", "X-Forwarded-For"} & stand_in.headers[0].keys()


async def test_a_token_counts_once(check: SiteVerify, vendor: Vendor) -> None:
    assert await outcome(check) == "in"
    again = "captcha_replayed" if vendor.kind is CaptchaKind.HCAPTCHA else "captcha_expired"
    assert await outcome(check) == again


@pytest.mark.parametrize(("vendor", "code"), [(VENDORS[kind], code) for kind, code in CASES])
async def test_every_documented_error_has_its_meaning(
    check: SiteVerify, stand_in: StandIn, vendor: Vendor, code: str
) -> None:
    assert code in vendor.errors, "documented, and not in our table"
    stand_in.says = {"success": False, "error-codes": [code]}

    fate = vendor.errors[code]
    assert await outcome(check) == (
        "later" if fate in (ErrorMeaning.OURS, ErrorMeaning.THEIRS) else fate.value
    )


@pytest.mark.parametrize(("vendor", "code"), [(VENDORS[kind], code) for kind, code in CASES])
async def test_with_400_it_means_the_same(
    check: SiteVerify, stand_in: StandIn, vendor: Vendor, code: str
) -> None:
    stand_in.says, stand_in.status = {"success": False, "error-codes": [code]}, 400

    fate = vendor.errors[code]
    assert await outcome(check) == (
        "later" if fate in (ErrorMeaning.OURS, ErrorMeaning.THEIRS) else fate.value
    )


async def test_our_own_mistake_is_never_told_to_the_sender_as_theirs(
    check: SiteVerify, stand_in: StandIn
) -> None:
    stand_in.says = {"success": False, "error-codes": ["invalid-input-response", "invalid-input-secret"]}

    with pytest.raises(TryLater) as caught:
        await check.verify("good-1", "ch1", 1, NOW)
    assert caught.value.reason.endswith("invalid-input-secret"), "an operator can find it in the log"
    assert SECRET not in str(caught.value) + caught.value.reason


async def test_wrong_keys_are_ours_to_mend(
    vendor: Vendor, stand_in: StandIn, http: aiohttp.ClientSession
) -> None:
    assert await outcome(adapter(vendor, stand_in, http, secret="another")) == "later"


@pytest.mark.parametrize(
    "says",
    [
        {"success": False, "error-codes": ["a-code-of-next-year"]},
        {"success": False, "error-codes": []},
        {"success": False},
        {"success": "true", "hostname": HOST},
        {"success": 1, "hostname": HOST},
        {"success": None},
        {"hostname": HOST},
        {"success": False, "error-codes": "invalid-input-response"},
        {"success": False, "error-codes": [7, None]},
    ],
)
async def test_an_answer_nobody_documented_is_no_success(
    check: SiteVerify, stand_in: StandIn, says: dict[str, object]
) -> None:
    stand_in.says = says

    assert await outcome(check) == "later"


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (200, b""),
        (200, b"<html>maintenance</html>"),
        (200, b"[true]"),
        (200, b'"success"'),
        (200, b"\xff\xfe"),
        (200, b"[" * 50_000),
        (200, b'{"success": true, "hostname": "gate.test", "x": "' + b"x" * ANSWER_LIMIT + b'"}'),
        (302, b'{"success": true, "hostname": "gate.test"}'),
        (429, b'{"success": true, "hostname": "gate.test"}'),
        (500, b'{"success": true, "hostname": "gate.test", "error-codes": []}'),
        (503, b""),
    ],
)
async def test_a_broken_answer_is_no_success(
    check: SiteVerify, stand_in: StandIn, status: int, raw: bytes
) -> None:
    stand_in.status, stand_in.raw = status, raw

    assert await outcome(check) == "later"


async def test_a_success_with_another_status_is_none(check: SiteVerify, stand_in: StandIn) -> None:
    stand_in.says, stand_in.status = stand_in.success(), 400

    assert await outcome(check) != "in"


async def test_silence_a_cut_line_and_nobody_there_are_no_success(
    vendor: Vendor, stand_in: StandIn, http: aiohttp.ClientSession
) -> None:
    stand_in.hangs = True
    assert await outcome(adapter(vendor, stand_in, http, timeout=0.1)) == "later"
    stand_in.hangs, stand_in.drops = False, True
    assert await outcome(adapter(vendor, stand_in, http)) == "later"
    assert await outcome(adapter(vendor, stand_in, http, verify_url="http://127.0.0.1:1/")) == "later"


@pytest.mark.parametrize("host", ["evil.test", "", None, "gate.test.evil.test", "not-provided"])
async def test_a_token_of_another_site_is_refused(
    check: SiteVerify, stand_in: StandIn, vendor: Vendor, host: str | None
) -> None:
    stand_in.says = stand_in.success() | {"hostname": host}

    # hCaptcha documents that it may leave the name out; it gets our site key instead.
    allowed = vendor.kind is CaptchaKind.HCAPTCHA and host == "not-provided"
    assert await outcome(check) == ("in" if allowed else "captcha_wrong")


async def test_a_host_is_the_same_in_capitals(check: SiteVerify, stand_in: StandIn) -> None:
    stand_in.says = stand_in.success() | {"hostname": HOST.upper()}

    assert await outcome(check) == "in"


@pytest.mark.parametrize("action", ["login", "", None])
async def test_a_token_for_another_act_is_refused_where_there_are_acts(
    check: SiteVerify, stand_in: StandIn, vendor: Vendor, action: str | None
) -> None:
    stand_in.says = stand_in.success() | {"action": action}

    assert await outcome(check) == ("captcha_wrong" if vendor.action else "in")


@pytest.mark.parametrize("token", ["", "x" * (TOKEN_LIMIT + 1)])
async def test_what_can_be_no_token_is_not_sent_anywhere(
    check: SiteVerify, stand_in: StandIn, token: str
) -> None:
    assert await outcome(check, token) == "captcha_malformed"
    assert stand_in.requests == []


def test_each_page_is_told_what_the_company_documents(vendor: Vendor) -> None:
    widget = vendor.widget(SITE_KEY)

    assert widget.attributes["data-sitekey"] == SITE_KEY
    assert widget.script.startswith("https://")
    assert {"script-src", "frame-src"} <= widget.sources.keys()
    everything = [source for sources in widget.sources.values() for source in sources]
    assert all(source.startswith("https://") for source in everything), "hosts only: no 'unsafe' anything"


def test_every_error_in_our_tables_is_documented() -> None:
    # "browser-error" and "invalid-keys" are Google's for its newer kinds; harmless to know.
    extra = {CaptchaKind.RECAPTCHA: {"browser-error", "invalid-keys"}}
    for kind, vendor in VENDORS.items():
        assert vendor.errors.keys() == set(DOCUMENTED[kind]) | extra.get(kind, set())
