"""All settings of a process, as one frozen object."""

from __future__ import annotations

import ipaddress
import logging
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from backend.domain.mailbox.mailbox import LIMITS, Mode, NoticeMode
from backend.ports.system import CaptchaKind

# ---- Kinds of values


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in value:
        raise ValueError("settings.address")
    return value.rstrip("/")


def _matching(pattern: str, key: str) -> AfterValidator:
    """A validator for values that match `pattern`; `key` is the end of the catalogue key of its error."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"settings.{key}")
        return value

    return AfterValidator(check)


def _level(value: str) -> str:
    if value.upper() not in logging.getLevelNamesMapping():
        raise ValueError("settings.level")
    return value.upper()


WebAddress = Annotated[str, AfterValidator(_web_address)]
LogLevel = Annotated[str, AfterValidator(_level)]
Bind = Annotated[str, _matching(r"unix:.+|fd://\d+|\S*:\d{1,5}", "bind")]
Database = Annotated[str, _matching(r"postgres(ql)?://\S+|sqlite:///.+|(?!.*://).*", "database")]
Probability = Annotated[float, Field(ge=0, le=1)]
Account = Annotated[str, _matching(r"([^@\s]+@[^@\s]+)?", "account")]
Topic = Annotated[str, _matching(r"projects/[^/\s]+/topics/[^/\s]+", "topic")]
Subscription = Annotated[str, _matching(r"projects/[^/\s]+/subscriptions/[^/\s]+", "subscription")]


def on_this_machine(address: str) -> bool:
    """Whether a web address is on loopback, so that nothing sent there leaves this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# ---- The `Settings`
# The defaults are for a developer's machine with the sandbox. In the environment names have the prefix PITCHGATE_, e.g.
# PITCHGATE_PUBLIC_URL. Times are seconds, sizes bytes. The docstrings become docs/reference/settings.md
# (`make reference`).


GMAIL_MODIFY = "https://www.googleapis.com/auth/gmail.modify"
USERINFO_EMAIL = "https://www.googleapis.com/auth/userinfo.email"
IDENTITY = ("openid", USERINFO_EMAIL)
"""The scopes of a sign-in."""
MODELS = Path(__file__).parent / "models"
SQLITE_FILE = "pitchgate.sqlite3"
ENCODER_FILE = "second-reading.onnx"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Environment(StrEnum):
    """Which deployment this is."""

    DEV = "dev"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """The settings of a process."""

    model_config = SettingsConfigDict(
        env_prefix="PITCHGATE_",
        env_file=None,
        enable_decoding=False,
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    environment: Environment = Environment.DEV
    """`staging` and `production` do not create a sealing key; `production` sends HSTS, and does not start with the
    live page on or with a public address without https."""
    public_url: WebAddress = "http://127.0.0.1:8400"
    """How browsers and Pub/Sub reach this server."""
    bind: Bind = "127.0.0.1:8400"
    """The address the server listens on."""
    state_dir: Path = Field(Path("var"), validate_default=True)
    """Each server's own folder: the SQLite file or, with PostgreSQL, the server's name; in dev and test also the key
    file. The default is used in a checkout only."""
    database_url: Database = ""
    """Empty: an SQLite file in the state folder. `postgresql://…`: that server, for several machines."""

    secret_keys: tuple[SecretStr, ...] = ()
    """Fernet keys that seal (encrypt) refresh tokens, newest first. Empty: a key is created in the
    state folder (dev and test only)."""

    model_path: Path = MODELS / "pitchgate.onnx"
    """The model file. SIGHUP reloads it."""

    # Google
    client_id: str = Field("pitchgate-dev.apps.example", min_length=1)
    """The OAuth client that owners connect with."""
    client_secret: SecretStr = SecretStr("pitchgate-dev-secret")
    """That client's secret."""
    authorize_url: WebAddress = "https://accounts.google.com/o/oauth2/v2/auth"
    """Google's, or the sandbox's."""
    token_url: WebAddress = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    """Google's, or the sandbox's."""
    revoke_url: WebAddress = "https://oauth2.googleapis.com/revoke"
    """Google's, or the sandbox's."""
    jwks_url: WebAddress = "https://www.googleapis.com/oauth2/v3/certs"
    """Google's, or the sandbox's."""
    gmail_url: WebAddress = "https://gmail.googleapis.com"
    """Google's, or the sandbox's."""
    scopes: tuple[str, ...] = Field((*IDENTITY, GMAIL_MODIFY), min_length=1)
    """The scopes an owner is asked for."""
    notices: NoticeMode = NoticeMode.PUSH
    """How the server learns of new mail: Pub/Sub posts to it, it fetches from Pub/Sub, or it reads Gmail's history.
    The last two work behind a router."""
    pubsub_url: WebAddress = "https://pubsub.googleapis.com"
    """Where `pull` fetches notices."""
    topic: Topic = "projects/pitchgate-dev/topics/gmail"
    """The Pub/Sub topic that Gmail publishes to."""
    subscription: Subscription = "projects/pitchgate-dev/subscriptions/gmail-push"
    """The Pub/Sub subscription that delivers the notices."""
    push_audience: str = ""
    """The audience of the tokens of pushes. Empty: the push endpoint's public address."""
    push_account: Account = "push@pitchgate-dev.iam.gserviceaccount.com"
    """The service account that signs the pushes."""
    clock_skew: float = Field(30.0, ge=0, le=300)
    """How far Google's clock and this machine's may differ: times in signed tokens, dates of mail. Beyond this,
    pushes and sign-ins are refused (`caller_refused`, `check` is `iat` or `exp`)."""

    addon_account: Account = ""
    """The service account that calls the Gmail add-on's endpoints, as `gcloud workspace-add-ons get-authorization`
    prints it. Empty, or `PITCHGATE_ADDON_CLIENT_ID` empty: no add-on (404)."""
    addon_client_id: str = ""
    """The add-on's own OAuth client, from the same command."""

    quota_per_user_minute: int = Field(6_000, ge=300)
    """Quota units a mailbox may use; 15000 for projects that keep Google's old limits."""
    quota_per_project_minute: int = Field(1_200_000, ge=1_000)
    """Quota units all mailboxes may use together."""
    old_prices: bool = False
    """`messages.get` at 5 units instead of 20, for the same projects."""
    requests_in_flight: int = Field(8, ge=1, le=50)
    """Simultaneous requests for one mailbox at most; Google's limit is shared with the owner's other programs."""
    request_timeout: float = Field(20.0, gt=0)
    """How long one call to Google may take."""
    daily_limit_wait: float = Field(3600.0, gt=0)
    """How long to wait once the project's daily quota is used up."""
    response_limit: int = Field(16_000_000, ge=100_000)
    """The largest answer accepted from Google; of a message whose text alone is larger, only headers and snippet are
    read."""

    # Reading
    readers: int = Field(1, ge=1, le=16)
    """Processes that parse and score mail, 80 MB each. One keeps up with a project's whole quota."""
    reader_seconds: float = Field(2.0, ge=0.01, le=30)
    """Processor time one message may take to be read; usually milliseconds."""
    reader_memory: int = Field(100_000_000, ge=1_000_000)
    """Memory one message may take while it is read. Enforced on Linux only."""

    second_reading: bool = False
    """Read mail a second time where the first reading is in doubt. Needs the extra `second-reading` and the file that
    `pitchgate models second-reading` creates once."""
    second_reading_from: Probability = 0.1
    """The lowest probability of a first reading that is in doubt."""
    second_reading_below: Probability = 0.95
    """The probability from which a first reading is certain enough. 0.1 and 0.95 were measured."""
    second_reading_seconds: float = Field(1.0, ge=0.01, le=30)
    """How long a second reading may take; after that the first one counts."""

    replay_days: int = Field(0, ge=0, le=730)
    """Days for which the model's counts of each message are stored, encrypted, so that `pitchgate audit replay` can
    score it again without fetching it. They reveal almost the whole message."""
    # Rhythm
    push_settle: float = Field(1.1, ge=0)
    """When after a push the history is read again, since Google sends at most one push per second."""
    sweep_interval: float = Field(720.0, gt=0)
    """How long a mailbox may be without a push before its history is read anyway."""
    poll_interval: float = Field(20.0, ge=1)
    """With `poll`: time between two reads of a mailbox's history, 2 quota units each."""
    poll_quiet_interval: float = Field(120.0, ge=1)
    """With `poll`: the longest time between two reads, in a quiet mailbox."""
    watch_interval: float = Field(86_400.0, gt=0)
    """How often a mailbox's watch is renewed; it lasts seven days."""
    poll_seconds: float = Field(1.0, gt=0)
    """The longest time the lanes wait before they look for work again."""
    stop_seconds: float = Field(10.0, gt=0)
    """Time to finish running requests and jobs when stopped."""
    fresh_seconds: float = Field(6 * 3600.0, gt=0)
    """Mail older than this may be held, but is never answered with a challenge."""
    max_attempts: int = Field(8, ge=1)
    """Attempts before a message becomes a dead letter."""
    longest_backoff: float = Field(64.0, ge=1, le=3600)
    """The longest wait after an error; waits double up to this."""
    worker_tasks: int = Field(64, ge=1, le=512)
    """Jobs run at once in one process; mostly they wait for Google."""
    relist_days: int = Field(30, ge=1, le=365)
    """How many days back messages are listed if Google's history does not reach back far enough. Older mail stays in
    the inbox and is reported."""
    relist_limit: int = Field(5_000, ge=100)
    """How many messages are listed then at most."""
    index_limit: int = Field(2_000, ge=0)
    """How many sent messages are read at most when a mailbox is connected."""

    # New mailboxes
    default_mode: Mode = Mode.OBSERVE
    """The mode of new mailboxes."""
    default_credits_per_solve: int = Field(
        3, ge=LIMITS["credits_per_solve"][0], le=LIMITS["credits_per_solve"][1]
    )
    """For new mailboxes: how many further messages a solved captcha lets in."""

    # The page of a challenge
    captcha: CaptchaKind = CaptchaKind.PROOF_OF_WORK
    """The captcha a sender must solve; the last three are vendors' (`recaptcha`: v2, checkbox)."""
    captcha_code_after: int = Field(3, ge=0, le=7)
    """After how many solves a sender must also type a code; 0 always, 7 never."""
    captcha_site_key: str = ""
    """The site key of a vendor's captcha. With such a captcha the server needs both keys to start."""
    captcha_secret: SecretStr = SecretStr("")
    """The secret key of a vendor's captcha."""
    captcha_verify_url: WebAddress | Literal[""] = ""
    """For tests and for mirrors such as recaptcha.net. Empty: the vendor's own siteverify address."""
    captcha_cost: int = Field(5_000, ge=10)
    """PBKDF2 iterations per step of the proof of work."""
    captcha_life: float = Field(900.0, gt=0)
    """How long a task or a typed code is valid."""

    body_limit: int = Field(256 * 1024, ge=1_024)
    """The largest request body."""
    trusted_proxies: int = Field(0, ge=0, le=5)
    """The number of proxies in front whose X-Forwarded-For is trusted. Rate limits need the caller's address."""

    source_url: WebAddress | Literal[""] = ""
    """Where the source of what this server runs can be had: linked at the foot of its landing page. Empty: no link."""
    live_page: bool = False
    """Serve `/live`, which shows senders and subjects without a sign-in. For the demo and development only."""
    story_url: WebAddress | Literal[""] = ""
    """The address of the demo's story, whose bar every page then shows. For the demo only."""
    log_level: LogLevel = "INFO"
    """The lowest level that is logged."""
    log_json: bool = False
    """Log one JSON object per line even to a terminal."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources: arguments, environment and file. The latter two are left out if they contain no setting, since
        searching them for a hundred settings takes longer than everything else."""
        used = [
            source
            for source in (env_settings, dotenv_settings)
            if isinstance(source, EnvSettingsSource)
            and any(name.startswith(source.env_prefix.lower()) for name in source.env_vars)
        ]
        return init_settings, *used

    @field_validator("secret_keys", "scopes", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _one_line(cls, value: object) -> object:
        """Strip spaces and line ends around a value, and refuse control characters inside, as in two pasted values.

        Defined after `_split` because "before" validators run in reverse order.
        """
        if not isinstance(value, str):
            return value
        value = value.strip()
        if _CONTROL.search(value):
            raise ValueError("settings.control")
        return value

    @field_validator("state_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        """Make the path absolute, so that messages and commands that contain it are valid in any folder."""
        return value.absolute()

    @model_validator(mode="after")
    def _vendor_captcha_has_keys(self) -> Self:
        own = self.captcha in (CaptchaKind.PROOF_OF_WORK, CaptchaKind.TYPED_CODE)
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
        """Whether senders can open the links of challenges. In dev and test they are on this machine."""
        public = self.public_url.startswith("https://") and not on_this_machine(self.public_url)
        return public or self.environment in (Environment.DEV, Environment.TEST)

    @property
    def addon(self) -> bool:
        return bool(self.addon_account and self.addon_client_id)

    @property
    def push_path(self) -> str:
        """The path of the push endpoint, below `public_url`."""
        return "/hooks/gmail"

    @property
    def expected_audience(self) -> str:
        return self.push_audience or self.public_url + self.push_path

    @property
    def redirect_uri(self) -> str:
        return f"{self.public_url}/connect/callback"

    @property
    def sqlite_path(self) -> Path:
        return self.state_dir / SQLITE_FILE
