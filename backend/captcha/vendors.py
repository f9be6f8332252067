"""What each other company documents of its check: addresses, names, and the meaning of every error code. Data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from backend.ports.captcha import Kind, Widget


class Fate(Enum):
    """What an error code means for the sender. OURS: our keys or our request are wrong; they can do nothing."""

    WRONG = "captcha_wrong"
    EXPIRED = "captcha_expired"
    REPLAYED = "captcha_replayed"
    OURS = "ours"
    THEIRS = "theirs"


_COMMON = {
    "missing-input-secret": Fate.OURS,
    "invalid-input-secret": Fate.OURS,
    "missing-input-response": Fate.WRONG,
    "invalid-input-response": Fate.WRONG,
    "bad-request": Fate.OURS,
}
TURNSTILE_ERRORS = _COMMON | {
    "timeout-or-duplicate": Fate.EXPIRED,
    "internal-error": Fate.THEIRS,
}
HCAPTCHA_ERRORS = _COMMON | {
    "expired-input-response": Fate.EXPIRED,
    "already-seen-response": Fate.REPLAYED,
    "invalid-or-already-seen-response": Fate.REPLAYED,
    "missing-remoteip": Fate.OURS,
    "invalid-remoteip": Fate.OURS,
    "not-using-dummy-passcode": Fate.OURS,
    "sitekey-secret-mismatch": Fate.OURS,
}
RECAPTCHA_ERRORS = _COMMON | {
    "timeout-or-duplicate": Fate.EXPIRED,
    "browser-error": Fate.WRONG,
    "invalid-keys": Fate.OURS,
}


@dataclass(frozen=True, slots=True)
class Vendor:
    """One company. `action` is sent along and comes back where it has such a thing; `unnamed_host` is what it
    documents to say in place of a host name now and then; `tells_site_key`: it wants the site key as well."""

    kind: Kind
    name: str
    verify_url: str
    script: str
    css_class: str
    field: str
    errors: dict[str, Fate]
    sources: dict[str, tuple[str, ...]]
    action: str = ""
    unnamed_host: str = ""
    tells_site_key: bool = False

    def widget(self, site_key: str) -> Widget:
        """What the page is told."""
        attributes = {"data-sitekey": site_key} | ({"data-action": self.action} if self.action else {})
        return Widget(self.name, self.script, self.css_class, self.field, attributes, self.sources)


_HCAPTCHA = ("https://hcaptcha.com", "https://*.hcaptcha.com")

VENDORS = {
    vendor.kind: vendor
    for vendor in (
        Vendor(
            kind=Kind.TURNSTILE,
            name="Cloudflare Turnstile",
            verify_url="https://challenges.cloudflare.com/turnstile/v0/siteverify",
            script="https://challenges.cloudflare.com/turnstile/v0/api.js",
            css_class="cf-turnstile",
            field="cf-turnstile-response",
            errors=TURNSTILE_ERRORS,
            sources={
                "script-src": ("https://challenges.cloudflare.com",),
                "frame-src": ("https://challenges.cloudflare.com",),
            },
            action="pitchgate-solve",
        ),
        Vendor(
            kind=Kind.HCAPTCHA,
            name="hCaptcha",
            verify_url="https://api.hcaptcha.com/siteverify",
            script="https://js.hcaptcha.com/1/api.js",
            css_class="h-captcha",
            field="h-captcha-response",
            errors=HCAPTCHA_ERRORS,
            sources=dict.fromkeys(("script-src", "frame-src", "style-src", "connect-src"), _HCAPTCHA),
            unnamed_host="not-provided",
            tells_site_key=True,
        ),
        Vendor(
            kind=Kind.RECAPTCHA,
            name="Google reCAPTCHA",
            verify_url="https://www.google.com/recaptcha/api/siteverify",
            script="https://www.google.com/recaptcha/api.js",
            css_class="g-recaptcha",
            field="g-recaptcha-response",
            errors=RECAPTCHA_ERRORS,
            sources={
                "script-src": ("https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/"),
                "frame-src": ("https://www.google.com/recaptcha/", "https://recaptcha.google.com/recaptcha/"),
            },
        ),
    )
}
