"""One frozen `Settings`; the environment is read here and nowhere else.

Every value has a default that runs on a developer's machine against the sandbox. Names in the
environment carry the prefix PITCHGATE_, e.g. PITCHGATE_PUBLIC_URL. Times are seconds, sizes bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.domain.errors import Refused
from backend.domain.mailbox.mailbox import Mode
from backend.domain.mailbox.notices import Notices
from backend.ports.captcha import Kind
from backend.setting_kinds import (
    Account,
    Bind,
    Database,
    LogLevel,
    Subscription,
    Topic,
    WebAddress,
    on_this_machine,
)

GMAIL_MODIFY = "https://www.googleapis.com/auth/gmail.modify"
USERINFO_EMAIL = "https://www.googleapis.com/auth/userinfo.email"
IDENTITY = ("openid", USERINFO_EMAIL)
"""All that signing in asks for."""
MODELS = Path(__file__).parent / "models"


_PREFIX = "PITCHGATE_"
FILE_VARIABLE = "PITCHGATE_SETTINGS_FILE"
"""Names a file of settings, one NAME=value a line; what the environment says counts before it."""
_OTHERS = ("PITCHGATE_TRAY_", "PITCHGATE_LINKED_", "PITCHGATE_SHOTS", FILE_VARIABLE)
"""Of the desktop app and the tests."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Environment(StrEnum):
    """Which deployment this is."""

    DEV = "dev"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Everything a process is told from outside."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_file=None,
        enable_decoding=False,
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    environment: Environment = Environment.DEV
    public_url: WebAddress = "http://127.0.0.1:8400"
    bind: Bind = "127.0.0.1:8400"
    state_dir: Path = Path("var")
    database_url: Database = ""
    """Empty: an SQLite file in `state_dir`. postgresql://… for many machines."""

    secret_keys: tuple[SecretStr, ...] = ()
    """Fernet keys, newest first, comma-separated. Empty: one is made and kept in `state_dir` (dev and test only)."""

    model_path: Path = MODELS / "pitchgate.onnx"

    # Google
    client_id: str = Field("pitchgate-dev.apps.example", min_length=1)
    client_secret: SecretStr = SecretStr("pitchgate-dev-secret")
    authorize_url: WebAddress = "https://accounts.google.com/o/oauth2/v2/auth"
    token_url: WebAddress = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    revoke_url: WebAddress = "https://oauth2.googleapis.com/revoke"
    jwks_url: WebAddress = "https://www.googleapis.com/oauth2/v3/certs"
    gmail_url: WebAddress = "https://gmail.googleapis.com"
    scopes: tuple[str, ...] = Field((*IDENTITY, GMAIL_MODIFY), min_length=1)
    notices: Notices = Notices.PUSH
    """How new mail comes to our notice: `push` (Pub/Sub posts here), `pull` (we fetch from Pub/Sub) or `poll` (no
    Pub/Sub: history is asked for). The last two work behind a router."""
    pubsub_url: WebAddress = "https://pubsub.googleapis.com"
    topic: Topic = "projects/pitchgate-dev/topics/gmail"
    subscription: Subscription = "projects/pitchgate-dev/subscriptions/gmail-push"
    push_audience: str = ""
    """Empty: the push endpoint's own public address."""
    push_account: Account = "push@pitchgate-dev.iam.gserviceaccount.com"
    clock_skew: float = Field(30.0, ge=0, le=300)

    addon_account: Account = ""
    """The service account that calls the Gmail add-on's endpoints, as `gcloud workspace-add-ons
    get-authorization` tells it. Empty, or an empty `addon_client_id`: there is no add-on here (404)."""
    addon_client_id: str = ""
    """The add-on's own OAuth client, from the same command; not the one owners connect with."""

    quota_per_user_minute: int = Field(6_000, ge=300)
    quota_per_project_minute: int = Field(1_200_000, ge=1_000)
    old_prices: bool = False
    requests_in_flight: int = Field(8, ge=1, le=50)
    request_timeout: float = Field(20.0, gt=0)
    daily_limit_wait: float = Field(3600.0, gt=0)
    """How long to wait when Google says that the project's quota of the day is used up."""
    response_limit: int = Field(16_000_000, ge=100_000)

    # Reading
    readers: int = Field(1, ge=1, le=16)
    """Processes that parse, read and score. One keeps up with all that Google lets one project fetch."""
    reader_seconds: float = Field(2.0, ge=0.01, le=30)
    """Processor time one message may take to be read. Ordinary ones take thousandths of a second."""
    reader_memory: int = Field(100_000_000, ge=1_000_000)
    """Bytes one message may take while it is read. Held on Linux only."""

    replay_days: int = Field(0, ge=0, le=730)
    """How long what the model counted in a message is kept, sealed, to score it again. It is nearly the message."""
    # Rhythm
    push_settle: float = Field(1.1, ge=0)
    """How long after a push history is listed a second time. Google drops further pushes within a second: this look
    sees what they would have told."""
    sweep_interval: float = Field(720.0, gt=0)
    poll_interval: float = Field(20.0, ge=1)
    """How long after a look at a mailbox's history it is looked at again, with `notices=poll`: 2 units a look."""
    poll_quiet_interval: float = Field(120.0, ge=1)
    """The longest such wait, for a mailbox in which nothing has happened for hours."""
    watch_interval: float = Field(86_400.0, gt=0)
    lease_seconds: float = Field(60.0, gt=0)
    poll_seconds: float = Field(1.0, gt=0)
    stop_seconds: float = Field(10.0, gt=0)
    fresh_seconds: float = Field(6 * 3600.0, gt=0)
    """Mail older than this is backlog: it may be held but is never answered."""
    max_attempts: int = Field(8, ge=1)
    longest_backoff: float = Field(64.0, ge=1, le=3600)
    """Waits after an error double up to this."""
    worker_tasks: int = Field(64, ge=1, le=512)
    """Jobs under way at once. Nearly all of their time they wait for Google; quota and `requests_in_flight` bound
    what one mailbox may ask."""
    relist_days: int = Field(30, ge=1, le=365)
    relist_limit: int = Field(5_000, ge=100)
    """When Google's history does not reach back to where we were: how far back, and how much new mail, is looked
    for by listing. What lies beyond stays in the inbox and is reported."""
    index_limit: int = Field(2_000, ge=0)
    """How many sent messages the correspondent index reads at most."""

    # New mailboxes
    default_mode: Mode = Mode.OBSERVE
    default_credits_per_solve: int = Field(3, ge=1, le=20)

    # The page of a challenge
    captcha: Kind = Kind.PROOF_OF_WORK
    """The first check a sender is asked for. The last three are other companies': see docs/security.md."""
    captcha_code_after: int = Field(3, ge=0, le=7)
    """After how many solves of a sender a typed code is asked for behind the first check; 0 always, 7 never."""
    captcha_site_key: str = ""
    captcha_secret: SecretStr = SecretStr("")
    captcha_verify_url: WebAddress | Literal[""] = ""
    """Empty: the company's own siteverify address."""
    captcha_cost: int = Field(5_000, ge=10)
    """PBKDF2 iterations of one step of the first proof of work."""
    captcha_life: float = Field(900.0, gt=0)

    body_limit: int = Field(256 * 1024, ge=1_024)
    trusted_proxies: int = Field(0, ge=0, le=5)
    """How many proxies stand in front, whose X-Forwarded-For is believed. Rate limits count by caller."""

    live_page: bool = False
    """Serve /live, which shows senders and subjects without a sign-in. For the demo and development only."""
    story_url: WebAddress | Literal[""] = ""
    """Where the steps of the demo's story are found; every page then has its bar. For the demo only."""
    log_level: LogLevel = "INFO"
    log_json: bool = False

    @field_validator("secret_keys", "scopes", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _one_line(cls, value: object) -> object:
        """A line end that was copied along is left out; one inside means that two values were pasted together.

        Below the splitting, for validators of the raw value run from the last to the first.
        """
        if not isinstance(value, str):
            return value
        value = value.strip()
        if _CONTROL.search(value):
            raise ValueError("settings.control")
        return value

    @model_validator(mode="after")
    def _keys_of_a_foreign_check(self) -> Self:
        own = self.captcha in (Kind.PROOF_OF_WORK, Kind.TYPED_CODE)
        if not own and not (self.captcha_site_key and self.captcha_secret.get_secret_value()):
            raise ValueError("settings.together.captcha_keys")
        return self

    @model_validator(mode="after")
    def _safe_in_production(self) -> Self:
        if self.environment is Environment.PRODUCTION:
            if not self.public_url.startswith("https://") and not on_this_machine(self.public_url):
                raise ValueError("settings.together.public_url")
            if self.live_page:
                raise ValueError("settings.together.live_page")
            if self.story_url:
                raise ValueError("settings.together.story_url")
        return self

    @model_validator(mode="after")
    def _challenges_that_can_be_opened(self) -> Self:
        if self.default_mode is Mode.CHALLENGE and not self.challenges:
            raise ValueError("settings.together.challenge")
        return self

    @property
    def challenges(self) -> bool:
        """Whether senders can open the links that challenges carry. In dev and test they are on this machine."""
        public = self.public_url.startswith("https://") and not on_this_machine(self.public_url)
        return public or self.environment in (Environment.DEV, Environment.TEST)

    @property
    def addon(self) -> bool:
        """Whether the Gmail add-on is served."""
        return bool(self.addon_account and self.addon_client_id)

    @property
    def push_path(self) -> str:
        """Where Pub/Sub pushes to, below `public_url`."""
        return "/hooks/gmail"

    @property
    def expected_audience(self) -> str:
        """The audience a push token must carry."""
        return self.push_audience or self.public_url + self.push_path

    @property
    def redirect_uri(self) -> str:
        """Where Google sends the owner's browser back to."""
        return f"{self.public_url}/connect/callback"

    @property
    def sqlite_path(self) -> Path:
        """The embedded database."""
        return self.state_dir / "pitchgate.sqlite3"


def read_settings(**given: object) -> Settings:
    """The settings of the environment and of the file it names; `given` counts before both. Raises `Refused`, which
    names what is wrong and never quotes a value."""
    arguments: dict[str, Any] = {"_env_file": _file(), **given}
    try:
        return Settings(**arguments)
    except ValidationError as error:
        raise _refused(error) from None  # the cause knows the values


def _file() -> str | None:
    """The file of settings, if one is named. Raises `Refused` for one that cannot be read."""
    name = os.environ.get(FILE_VARIABLE, "")
    if name and not os.access(name, os.R_OK):
        raise Refused("settings.file", path=name)
    return name or None


def unknown_settings(environment: Iterable[str] = os.environ) -> dict[str, str]:
    """Variables that look like settings and are none, each with the setting that may have been meant, or ""."""
    known = {f"{_PREFIX}{name}".upper() for name in Settings.model_fields}
    strange = {
        name for name in environment if name.startswith(_PREFIX) and not name.startswith(_OTHERS)
    } - known
    return {name: next(iter(get_close_matches(name, known, 1, 0.8)), "") for name in sorted(strange)}


def _refused(error: ValidationError) -> Refused:
    """The first fault; others by name. What pydantic itself finds wrong is told in its words."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    names = [f"{_PREFIX}{fault['loc'][0]}".upper() if fault["loc"] else "" for fault in faults]
    why = faults[0]["msg"].removeprefix("Value error, ")
    key = why if why.startswith("settings.") else "settings.other"
    wrong = ", ".join(sorted({*names}))
    return Refused(key, setting=names[0], why=why, wrong=wrong, field=names[0].removeprefix(_PREFIX).lower())
