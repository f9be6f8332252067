"""What is there against what is wanted: the difference, and making it vanish. Twice in a row changes nothing, and what
was left half done is finished by the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.cloud.add_on import AddOn, add_on
from backend.cloud.google_cloud import GoogleCloud
from backend.cloud.template import GMAIL, PUBLISHER, SUBSCRIBER, Environment
from backend.cloud.things import Account, Right, Service, Subscription, Thing, Topic


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to be made ("+"), changed ("~") or taken away ("-"). `lines` tell what is otherwise."""

    sign: str
    thing: Thing
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.sign} {self.thing.label}", *(f"    {line}" for line in self.lines)])


UNKNOWN = "PROJECT_NUMBER"
"""Stands in a plan for what Google tells once Resource Manager is on."""


def services(environment: Environment) -> list[Thing]:
    """The APIs, which everything else needs."""
    return [Service(environment.project, name) for name in environment.services]


async def things(cloud: GoogleCloud, environment: Environment) -> list[Thing]:
    """Everything but the services, in the order in which it can be made."""
    asked = cloud.api("projects").projects().get(name=f"projects/{environment.project}")
    found = await cloud.find(asked) or {}
    number = str(found.get("name", "")).rpartition("/")[2] or UNKNOWN
    broker = f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    account = Account(environment.project, environment.account_id)
    keeping = {"topic": environment.dead_topic, "pushConfig": {}, "expirationPolicy": {}}
    wanted: list[Thing] = [
        Topic(environment.topic),
        Topic(environment.dead_topic),
        account,
        Subscription(environment.subscription, environment.subscription_body()),
        Subscription(environment.dead_subscription, keeping),
        Right(environment.topic, PUBLISHER, GMAIL),
        Right(environment.dead_topic, PUBLISHER, broker),
        Right(environment.subscription, SUBSCRIBER, broker),
    ]
    if environment.url:
        return [*wanted, add_on(environment)]
    return [*wanted, Right(environment.subscription, SUBSCRIBER, f"serviceAccount:{account.email}")]


async def plan(cloud: GoogleCloud, environment: Environment) -> list[Change]:
    """What is to be made or changed. Changes nothing."""
    changes = []
    for thing in [*services(environment), *await things(cloud, environment)]:
        lines = await thing.difference(cloud)
        if lines is None:
            changes.append(Change("+", thing))
        elif lines:
            changes.append(Change("~", thing, tuple(lines)))
    return changes


async def apply(cloud: GoogleCloud, environment: Environment, tell: Callable[[str], None]) -> int:
    """Make what is missing, change what is otherwise; returns how many. Each is looked at again just before."""
    done = 0

    async def do(wanted: list[Thing]) -> None:
        nonlocal done
        for thing in wanted:
            lines = await thing.difference(cloud)
            if lines == []:
                continue
            change = Change("+" if lines is None else "~", thing, tuple(lines or ()))
            await (thing.make(cloud) if lines is None else thing.change(cloud))
            tell(str(change))
            done += 1

    await do(services(environment))
    await do(
        await things(cloud, environment)
    )  # looked up now: before, the project would not have told its number
    return done


async def doomed(cloud: GoogleCloud, environment: Environment) -> list[Change]:
    """What `destroy` would take away, last made first. Services stay: others in the project may use them. An add-on
    goes whatever address is told now."""
    made = [*await things(cloud, replace(environment, url="")), AddOn(environment.deployment, {})]
    found = [thing for thing in made if not thing.shared and not isinstance(thing, Right)]
    return [Change("-", thing) for thing in reversed(found) if await thing.difference(cloud) is not None]
