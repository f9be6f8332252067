"""One frozen `Settings`; the environment is read here and nowhere else.

Every value has a default that runs on a developer's machine against the sandbox. Names in the
environment carry the prefix PITCHGATE_, e.g. PITCHGATE_PUBLIC_URL. Times are seconds, sizes bytes.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.domain.mailbox.mailbox import Mode
from backend.ports.captcha import Kind

GMAIL_MODIFY = "https://www.googleapis.com/auth/gmail.modify"
USERINFO_EMAIL = "https://www.googleapis.com/auth/userinfo.email"
MODELS = Path(__file__).parent / "models"


class Environment(StrEnum):
    """Which deployment this is."""

    DEV = "dev"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Everything a process is told from outside."""

    model_config = SettingsConfigDict(env_prefix="PITCHGATE_", env_file=None, frozen=True, extra="ignore")

    environment: Environment = Environment.DEV
    public_url: str = "http://127.0.0.1:8400"
    bind: str = "127.0.0.1:8400"
    state_dir: Path = Path("var")
    database_url: str = ""
    """Empty: an SQLite file in `state_dir`. postgresql://… for many machines."""

    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Fernet keys, newest first, comma-separated. Empty: one is made and kept in `state_dir` (dev and test only)."""

    model_path: Path = MODELS / "pitchgate.onnx"

    # Google
    client_id: str = "pitchgate-dev.apps.example"
    client_secret: SecretStr = SecretStr("pitchgate-dev-secret")
    authorize_url: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    revoke_url: str = "https://oauth2.googleapis.com/revoke"
    jwks_url: str = "https://www.googleapis.com/oauth2/v3/certs"
    gmail_url: str = "https://gmail.googleapis.com"
    scopes: Annotated[tuple[str, ...], NoDecode] = ("openid", USERINFO_EMAIL, GMAIL_MODIFY)
    topic: str = "projects/pitchgate-dev/topics/gmail"
    subscription: str = "projects/pitchgate-dev/subscriptions/gmail-push"
    push_audience: str = ""
    """Empty: the push endpoint's own public address."""
    push_account: str = "push@pitchgate-dev.iam.gserviceaccount.com"
    clock_skew: float = Field(30.0, ge=0, le=300)

    addon_account: str = ""
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
    response_limit: int = Field(40_000_000, ge=100_000)

    # Rhythm
    push_settle: float = Field(1.1, ge=0)
    """How long a push waits before history is listed. Google drops further pushes within a second, so
    looking after that second sees what they would have told, without a second look."""
    sweep_interval: float = Field(720.0, gt=0)
    watch_interval: float = Field(86_400.0, gt=0)
    lease_seconds: float = Field(60.0, gt=0)
    poll_seconds: float = Field(1.0, gt=0)
    stop_seconds: float = Field(10.0, gt=0)
    fresh_seconds: float = Field(6 * 3600.0, gt=0)
    """Mail older than this is backlog: it may be held but is never answered."""
    max_attempts: int = Field(8, ge=1)
    longest_backoff: float = Field(64.0, ge=1, le=3600)
    """Waits after an error double up to this."""
    worker_tasks: int = Field(8, ge=1, le=64)
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
    captcha_verify_url: str = ""
    """Empty: the company's own siteverify address."""
    captcha_cost: int = Field(5_000, ge=10)
    """PBKDF2 iterations of one step of the first proof of work."""
    captcha_life: float = Field(900.0, gt=0)

    body_limit: int = Field(256 * 1024, ge=1_024)
    trusted_proxies: int = Field(0, ge=0, le=5)
    """How many proxies stand in front, whose X-Forwarded-For is believed. Rate limits count by caller."""

    live_page: bool = False
    """Serve /live, which shows senders and subjects without a sign-in. For the demo and development only."""
    log_level: str = "INFO"
    log_json: bool = False

    @field_validator("secret_keys", "scopes", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("public_url", "gmail_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _keys_of_a_foreign_check(self) -> Self:
        own = self.captcha in (Kind.PROOF_OF_WORK, Kind.TYPED_CODE)
        if not own and not (self.captcha_site_key and self.captcha_secret.get_secret_value()):
            raise ValueError(
                f"captcha={self.captcha} needs PITCHGATE_CAPTCHA_SITE_KEY and PITCHGATE_CAPTCHA_SECRET"
            )
        return self

    @model_validator(mode="after")
    def _safe_in_production(self) -> Self:
        if self.environment is Environment.PRODUCTION:
            if not self.public_url.startswith("https://"):
                raise ValueError("public_url must begin with https:// in production: cookies go over it")
            if self.live_page:
                raise ValueError("live_page shows mail to anybody and is not served in production")
        return self

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
