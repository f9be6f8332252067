"""Errors shown to the owner: a short title, what to do, and whether a retry may help."""

from __future__ import annotations

from enum import StrEnum


class TroubleKind(StrEnum):
    """Why the app has no connection."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    SERVER = "server"
    BUSY = "busy"
    SIGNED_OUT = "signed_out"
    WRONG_VERSION = "wrong_version"
    OTHER = "other"


class TrayError(Exception):
    """Root. `title` is one short sentence; `remedy` says what to do, or what happens without the owner."""

    retryable = False

    def __init__(self, title: str, remedy: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.remedy = remedy


class BackendError(TrayError):
    """A call to the server failed."""

    kind = TroubleKind.OTHER


class Unreachable(BackendError):
    """No connection to the server."""

    kind = TroubleKind.UNREACHABLE
    retryable = True


class Slow(BackendError):
    """The server did not answer in time. A requested change may or may not have been made."""

    kind = TroubleKind.SLOW
    retryable = True


class ServerTrouble(BackendError):
    """The server answered 5xx."""

    kind = TroubleKind.SERVER
    retryable = True


class Busy(BackendError):
    """The server asks for a pause of `retry_after` seconds."""

    kind = TroubleKind.BUSY
    retryable = True

    def __init__(self, title: str, remedy: str = "", *, retry_after: float = 30.0) -> None:
        super().__init__(title, remedy)
        self.retry_after = retry_after


class SignedOut(BackendError):
    """The server does not accept this computer's token."""

    kind = TroubleKind.SIGNED_OUT
    retryable = True  # a server that was restored or is being moved may accept it again


class WrongVersion(BackendError):
    """The answer is not from a Pitchgate server of a version this app can use."""

    kind = TroubleKind.WRONG_VERSION
    retryable = True  # until the server, or the app, has been brought up to date


class Refused(BackendError):
    """The server understood and refused. Retrying is useless."""

    def __init__(self, title: str, remedy: str = "", *, code: str = "", field: str = "") -> None:
        super().__init__(title, remedy)
        self.code = code
        self.field = field


class ConnectFailed(TrayError):
    """Authorizing this computer did not work out."""


class SecretsRefused(TrayError):
    """There is no safe place for the token."""


class NoWindow(TrayError):
    """Neither a web view nor a browser can show the review page."""


class NoTray(TrayError):
    """There is no tray that could show a menu."""


class AlreadyRunning(TrayError):
    """Another instance of the app runs for this person."""
