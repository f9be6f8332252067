"""Errors shown to the owner: a short title, what to do, and whether a retry may help.

TrayError
├── BackendError             talking to the server failed
│   ├── Unreachable          no connection
│   ├── Slow                 a connection, but no answer in time
│   ├── ServerTrouble        5xx
│   ├── Busy                 429: `retry_after` seconds
│   ├── SignedOut            401: this computer's token is not accepted
│   ├── WrongVersion         not a Pitchgate server, or one that speaks another version
│   └── Refused              any other 4xx: `code` and `field` as in docs/reference/api.md
├── ConnectFailed            authorizing this computer in the browser gave no token
├── SecretsRefused           no safe place for the token
├── NoWindow                 neither a web view nor a browser shows the review page
├── NoTray                   this desktop shows no tray icon that could be clicked
└── AlreadyRunning           another instance runs
"""

from __future__ import annotations


class TrayError(Exception):
    """Root. `title` is one short sentence; `remedy` says what to do, or what happens without the owner."""

    retryable = False

    def __init__(self, title: str, remedy: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.remedy = remedy


class BackendError(TrayError):
    """A call to the server failed."""


class Unreachable(BackendError):
    """No connection to the server."""

    retryable = True


class Slow(BackendError):
    """The server did not answer in time. A requested change may or may not have been made."""

    retryable = True


class ServerTrouble(BackendError):
    """The server answered 5xx."""

    retryable = True


class Busy(BackendError):
    """The server asks for a pause of `retry_after` seconds."""

    retryable = True

    def __init__(self, title: str, remedy: str = "", *, retry_after: float = 30.0) -> None:
        super().__init__(title, remedy)
        self.retry_after = retry_after


class SignedOut(BackendError):
    """The server does not accept this computer's token."""

    retryable = True  # a server that was restored or is being moved may accept it again


class WrongVersion(BackendError):
    """The answer is not from a Pitchgate server of a version this app can use."""

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
