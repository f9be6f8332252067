"""Which check the settings open, and what stops the start."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import SecretStr, ValidationError

from backend.captcha.vendors import open_captchas
from backend.ports.system import CaptchaKind
from backend.settings import Settings
from backend.vault import MultiFernetVault, make_key
from tests.doubles import SeededTokens

SECRET = "a secret of sufficient length"
VAULT = MultiFernetVault([SecretStr(make_key())])
FOREIGN = [CaptchaKind.TURNSTILE, CaptchaKind.HCAPTCHA, CaptchaKind.RECAPTCHA]
KEYS = {"captcha_site_key": "site", "captcha_secret": "secret"}


@pytest.mark.parametrize("kind", list(CaptchaKind))
async def test_each_setting_opens_its_check_and_codes_beside_it(kind: CaptchaKind) -> None:
    settings = Settings(captcha=kind, **(KEYS if kind in FOREIGN else {}))
    async with open_captchas(settings, SECRET, VAULT, SeededTokens()) as (first, codes):
        assert first.kind is kind
        assert codes.kind is CaptchaKind.TYPED_CODE
        assert (first.widget is not None) == (kind in FOREIGN)


def test_without_a_setting_no_other_company_is_asked() -> None:
    assert Settings().captcha is CaptchaKind.PROOF_OF_WORK


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("lacking", list(KEYS))
def test_a_companys_check_without_its_keys_stops_the_start_and_names_them(
    kind: CaptchaKind, lacking: str
) -> None:
    with pytest.raises(ValidationError, match="captcha_keys"):
        Settings(captcha=kind, **{name: value for name, value in KEYS.items() if name != lacking})


def test_an_unknown_check_stops_the_start() -> None:
    with pytest.raises(ValidationError, match="captcha"):
        Settings(captcha="riddle")


def test_a_server_on_which_nobody_types_a_code_loads_no_pictures_and_voices() -> None:
    code = (
        "import sys, backend.captcha.vendors; print([name for name in sys.modules if name.split('.')[0] in"
        " ('captcha', 'PIL')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
