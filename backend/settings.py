"""One frozen Settings, read from the environment once, and nothing else reads it."""

from __future__ import annotations

import ipaddress
import logging
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from backend.domain.mailbox.mailbox import LIMITS, Mode, Notices
from backend.ports.captcha import Kind

if TYPE_CHECKING:
    pass


# ---- Kinds of values


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in value:
        raise ValueError("settings.address")
    return value.rstrip("/")


def _shaped(pattern: str, key: str) -> AfterValidator:
    """Values of this form only; under `key` stands what that is."""

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
Bind = Annotated[str, _shaped(r"unix:.+|fd://\d+|\S*:\d{1,5}", "bind")]
Database = Annotated[str, _shaped(r"postgres(ql)?://\S+|sqlite:///.+|(?!.*://).*", "database")]
Probability = Annotated[float, Field(ge=0, le=1)]
Account = Annotated[str, _shaped(r"([^@\s]+@[^@\s]+)?", "account")]
Topic = Annotated[str, _shaped(r"projects/[^/\s]+/topics/[^/\s]+", "topic")]
Subscription = Annotated[str, _shaped(r"projects/[^/\s]+/subscriptions/[^/\s]+", "subscription")]


def on_this_machine(address: str) -> bool:
    """Whether only this machine reaches a web address: nothing that is sent there leaves it."""
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# ---- The `Settings`
# Every value has a default that runs on a developer's machine against the sandbox. Names in the environment carry the
# prefix PITCHGATE_, e.g. PITCHGATE_PUBLIC_URL. Times are seconds, sizes bytes. The words below each are the page
# docs/reference/settings.md (`make reference`).


GMAIL_MODIFY = "https://www.googleapis.com/auth/gmail.modify"
USERINFO_EMAIL = "https://www.googleapis.com/auth/userinfo.email"
IDENTITY = ("openid", USERINFO_EMAIL)
"""All that signing in asks for."""
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
    """Every setting of a process."""

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
    """`dev`, `test`, `staging` or `production`. The last two refuse to make up a sealing key; production sends HSTS,
    and does not start with a public address that is not https or with the live page on."""
    public_url: WebAddress = "http://127.0.0.1:8400"
    """How browsers and Pub/Sub reach this server."""
    bind: Bind = "127.0.0.1:8400"
    """Where it listens."""
    state_dir: Path = Field(Path("var"), validate_default=True)
    """Each server's own folder: the SQLite file or, with PostgreSQL, the server's name for the one that comes after
    it; in dev and test the key file. Without a leading `/` it is looked for where the command is started. The default
    holds in the folder of a checkout only: anywhere else a command stops that is not told a folder."""
    database_url: Database = ""
    """Empty: an SQLite file in the state folder. `postgresql://…`: that server, for many machines; it may hold a
    password."""

    secret_keys: tuple[SecretStr, ...] = ()
    """Fernet keys that seal refresh tokens, newest first, comma-separated. Empty: one is made and kept in the state
    folder (dev and test only)."""

    model_path: Path = MODELS / "pitchgate.onnx"
    """Another audited model file; SIGHUP serves what stands there now."""

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
    """What an owner is asked for, comma-separated."""
    notices: Notices = Notices.PUSH
    """How new mail comes to our notice: `push` (Pub/Sub posts here), `pull` (we fetch from Pub/Sub) or `poll` (no
    Pub/Sub: history is asked for). The last two work behind a router."""
    pubsub_url: WebAddress = "https://pubsub.googleapis.com"
    """Where notices are fetched from, with `pull`."""
    topic: Topic = "projects/pitchgate-dev/topics/gmail"
    """Pub/Sub's name of the topic that Gmail publishes to."""
    subscription: Subscription = "projects/pitchgate-dev/subscriptions/gmail-push"
    """Pub/Sub's name of the subscription that notices come by."""
    push_audience: str = ""
    """The audience of the tokens that pushes are signed with. Empty: the push endpoint's own public address."""
    push_account: Account = "push@pitchgate-dev.iam.gserviceaccount.com"
    """The service account that signs the pushes."""
    clock_skew: float = Field(30.0, ge=0, le=300)
    """How far Google's clock and this machine's may differ: times in signed tokens, dates of mail. Beyond this,
    pushes and sign-ins are refused (`caller_refused`, `check` is `iat` or `exp`)."""

    addon_account: Account = ""
    """The service account that calls the Gmail add-on's endpoints, as `gcloud workspace-add-ons get-authorization`
    tells it. Empty, or an empty `PITCHGATE_ADDON_CLIENT_ID`: there is no add-on here (404)."""
    addon_client_id: str = ""
    """The add-on's own OAuth client, from the same command; not the one owners connect with."""

    quota_per_user_minute: int = Field(6_000, ge=300)
    """Units a mailbox may use; 15000 for projects that keep Google's old limits."""
    quota_per_project_minute: int = Field(1_200_000, ge=1_000)
    """Units all mailboxes may use together."""
    old_prices: bool = False
    """`messages.get` at 5 units instead of 20, for the same projects."""
    requests_in_flight: int = Field(8, ge=1, le=50)
    """Requests at once for one mailbox; Google's own limit is shared with the owner's other programs."""
    request_timeout: float = Field(20.0, gt=0)
    """How long one call to Google may take."""
    daily_limit_wait: float = Field(3600.0, gt=0)
    """How long to rest when Google says that the project's quota of the day is used up."""
    response_limit: int = Field(16_000_000, ge=100_000)
    """How large one answer of Google may be; a message whose text alone is larger fails open (`too_large`)."""

    # Reading
    readers: int = Field(1, ge=1, le=16)
    """Processes that parse, read and score, 80 MB each. One keeps up with all that Google lets one project fetch."""
    reader_seconds: float = Field(2.0, ge=0.01, le=30)
    """Processor time one message may take to be read. Ordinary ones take thousandths of a second."""
    reader_memory: int = Field(100_000_000, ge=1_000_000)
    """Bytes one message may take while it is read. Held on Linux only."""

    second_reading: bool = False
    """Read mail a second time where the first reading is in doubt. Needs the extra `second-reading` and the file that
    `pitchgate models second-reading` makes once; without them the first reading goes on alone, and `pitchgate doctor`
    says so."""
    second_reading_from: Probability = 0.1
    """The least probability of a first reading that is in doubt."""
    second_reading_below: Probability = 0.95
    """From here on the first reading is sure enough. The second one was measured between 0.1 and 0.95."""
    second_reading_seconds: float = Field(1.0, ge=0.01, le=30)
    """How long a second reading may take by the clock, before the first one stands."""

    replay_days: int = Field(0, ge=0, le=730)
    """For how many days what the model counted in each message is kept, sealed, so that `pitchgate audit replay` can
    score it again without fetching it. It is nearly the message itself, so 0: not at all."""
    # Rhythm
    push_settle: float = Field(1.1, ge=0)
    """How long after a push history is listed a second time. Google drops further pushes within a second: this look
    sees what they would have told."""
    sweep_interval: float = Field(720.0, gt=0)
    """How long a mailbox may be quiet before it is looked at without a push."""
    poll_interval: float = Field(20.0, ge=1)
    """With `poll`: how long after a look at a mailbox's history it is looked at again, 2 units a look."""
    poll_quiet_interval: float = Field(120.0, ge=1)
    """With `poll`: the longest such wait, for a mailbox in which nothing has happened for hours."""
    watch_interval: float = Field(86_400.0, gt=0)
    """How often the watch is renewed; it lives seven days."""
    poll_seconds: float = Field(1.0, gt=0)
    """The longest nap of the lanes."""
    stop_seconds: float = Field(10.0, gt=0)
    """Time to finish when stopped."""
    fresh_seconds: float = Field(6 * 3600.0, gt=0)
    """Mail older than this is backlog: it may be held but is never answered."""
    max_attempts: int = Field(8, ge=1)
    """Tries before a message becomes a dead letter."""
    longest_backoff: float = Field(64.0, ge=1, le=3600)
    """Waits after an error double up to this."""
    worker_tasks: int = Field(64, ge=1, le=512)
    """Jobs under way at once in one process. Nearly all of their time they wait for Google."""
    relist_days: int = Field(30, ge=1, le=365)
    """When Google's history does not reach back to where we were: how far back is looked for new mail by listing.
    What lies beyond stays in the inbox and is reported."""
    relist_limit: int = Field(5_000, ge=100)
    """How much new mail is looked for then."""
    index_limit: int = Field(2_000, ge=0)
    """How many sent messages are read at most when a mailbox connects."""

    # New mailboxes
    default_mode: Mode = Mode.OBSERVE
    """Of new mailboxes: `observe`, `quarantine` or `challenge`."""
    default_credits_per_solve: int = Field(
        3, ge=LIMITS["credits_per_solve"][0], le=LIMITS["credits_per_solve"][1]
    )
    """Of new mailboxes: how many further messages a solve lets in."""

    # The page of a challenge
    captcha: Kind = Kind.PROOF_OF_WORK
    """The first check a sender is asked for: `proof_of_work`, `typed_code`, or another company's: `turnstile`,
    `hcaptcha`, `recaptcha` (v2, checkbox)."""
    captcha_code_after: int = Field(3, ge=0, le=7)
    """After how many solves of a sender a typed code is asked for behind the first check; 0 always, 7 never."""
    captcha_site_key: str = ""
    """Of the other company's check; without both keys the server does not start with one."""
    captcha_secret: SecretStr = SecretStr("")
    """Of the other company's check."""
    captcha_verify_url: WebAddress | Literal[""] = ""
    """For tests and for mirrors such as recaptcha.net. Empty: the company's own siteverify address."""
    captcha_cost: int = Field(5_000, ge=10)
    """PBKDF2 iterations of one step of the first proof of work."""
    captcha_life: float = Field(900.0, gt=0)
    """How long a task or a code may be answered."""

    body_limit: int = Field(256 * 1024, ge=1_024)
    """The largest request body."""
    trusted_proxies: int = Field(0, ge=0, le=5)
    """How many proxies stand in front, whose X-Forwarded-For is believed. Rate limits count by caller."""

    live_page: bool = False
    """Serve `/live`, which shows senders and subjects without a sign-in. For the demo and development only."""
    story_url: WebAddress | Literal[""] = ""
    """Where the steps of the demo's story are found (`/1` to `/4` below it); every page then has its bar. For the
    demo only."""
    log_level: LogLevel = "INFO"
    """The least that is logged."""
    log_json: bool = False
    """One JSON object a line, also on a terminal."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, the environment and the file; not those two where they name no setting, for to look in them
        for each of a hundred takes longer than all the rest."""
        named = [
            source
            for source in (env_settings, dotenv_settings)
            if isinstance(source, EnvSettingsSource)
            and any(name.startswith(source.env_prefix.lower()) for name in source.env_vars)
        ]
        return init_settings, *named

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

    @field_validator("state_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        """What names it, in words or in a command to copy, means one folder wherever it is read."""
        return value.absolute()

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
        return self.state_dir / SQLITE_FILE
