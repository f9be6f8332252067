"""What a handler may reach: the services and the measures of the app it runs in."""

from __future__ import annotations

from typing import cast

from quart import Quart, current_app

from backend.web.measures import Measures
from backend.web.services import Services

KEY = "pitchgate"


def install(app: Quart, services: Services) -> None:
    """Keep both with the app. Once, from `create_app`."""
    app.extensions[KEY] = (services, Measures())


def services() -> Services:
    """The services of the current app."""
    return cast("tuple[Services, Measures]", current_app.extensions[KEY])[0]


def measures() -> Measures:
    """The counters of the current app."""
    return cast("tuple[Services, Measures]", current_app.extensions[KEY])[1]


def measures_of(app: Quart) -> Measures:
    """The counters of an app, outside of a request."""
    return cast("tuple[Services, Measures]", app.extensions[KEY])[1]
