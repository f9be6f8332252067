"""What the routes are given, and how a handler reaches it: the services and the measures of the app it runs in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from quart import Quart, current_app

from backend.pipeline.addon import AddonService
from backend.pipeline.archive import ArchiveService
from backend.pipeline.context import Context
from backend.pipeline.devices import DeviceService, WebPushService
from backend.pipeline.review import InsightService, ReviewService
from backend.pipeline.solve import Checks
from backend.ports.gmail import Authorizer, PushCallers
from backend.web.measures import Measures

KEY = "pitchgate"


@dataclass(frozen=True, slots=True)
class Services:
    """What `create_app` needs. Without `addon` its endpoints are not there. `failed` is the job loop's running count of
    failed tries by job and cause, for /metrics."""

    context: Context
    authorizer: Authorizer
    push_callers: PushCallers
    checks: Checks
    devices: DeviceService
    review: ReviewService
    insights: InsightService
    archive: ArchiveService
    web_push: WebPushService
    addon: AddonService | None = None
    failed: Mapping[tuple[str, str], int] = field(default_factory=dict)


def install(app: Quart, services: Services) -> Measures:
    """Keep them with the app, and counters beside them, which are returned. Once, from `create_app`."""
    measures = Measures()
    app.extensions[KEY] = (services, measures)
    return measures


def services() -> Services:
    """The services of the current app."""
    return cast("tuple[Services, Measures]", current_app.extensions[KEY])[0]


def measures() -> Measures:
    """The counters of the current app."""
    return cast("tuple[Services, Measures]", current_app.extensions[KEY])[1]
