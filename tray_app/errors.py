"""What can go wrong for the person at the screen: a short title, what to do, whether it mends itself.

TrayError
├── BackendError             talking to the server failed
│   ├── Unreachable          no connection
│   ├── Slow                 a connection, but no answer in time
│   ├── ServerTrouble        5xx
│   ├── Busy                 429: `retry_after` seconds
│   ├── SignedOut            401: this computer's token is not accepted
│   ├── WrongVersion         not a Pitchgate server, or one that speaks another version
│   └── Refused              any other 4xx: `code` and `field` as in docs/reference/api.md
├── ConnectFailed            the browser round did not end with a token
├── SecretsRefused           no safe place for the token
├── NoWindow                 neither a web view nor a browser shows the review page
├── NoTray                   this desktop shows no tray icon that could be clicked
└── AlreadyRunning
"""

from __future__ import annotations


class TrayError(Exception):
    """Root. `title` is one short sentence, `remedy` says what to do or what happens by itself."""

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
    """The server did not answer in time. A change that was asked for may or may not have happened."""

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
    """What answers is not a Pitchgate server this app can talk to."""

    retryable = True  # until the server, or the app, has been brought up to date


class Refused(BackendError):
    """The server understood and said no. Asking again is useless."""

    def __init__(self, title: str, remedy: str = "", *, code: str = "", field: str = "") -> None:
        super().__init__(title, remedy)
        self.code = code
        self.field = field


class ConnectFailed(TrayError):
    """Authorizing this computer did not work out."""


class SecretsRefused(TrayError):
    """The token cannot be kept safely here."""


class NoWindow(TrayError):
    """There is nothing that could show the review page."""


class NoTray(TrayError):
    """There is no tray that could show a menu."""


class AlreadyRunning(TrayError):
    """Another instance of the app runs for this person."""
