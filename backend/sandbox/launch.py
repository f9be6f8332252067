"""A sandbox from the options of the command line."""

import asyncio
import json
from typing import Any

import click

from backend.sandbox.faults import FaultError, FaultRule
from backend.sandbox.knobs import KnobError, parse_assignment
from backend.sandbox.oauth.clients import Client, ClientError
from backend.sandbox.pubsub.model import PubSubError, read_subscription
from backend.sandbox.server import holder, listen, on_loopback, run
from backend.sandbox.world import World, WorldError

OPEN_TO_ALL = (
    "WARNING: this address can be reached from other machines, and the sandbox asks nobody who they are:\n"
    "whoever reaches it can read, send and change everything in it. Without --host it stays on this machine."
)


def launch(host: str, port: int, seed: int | None, options: dict[str, Any]) -> None:
    """Run until stopped. Raises `click.ClickException` with a text for people."""
    try:
        world = build_world(seed, options)
    except (WorldError, ClientError, KnobError, PubSubError, FaultError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    try:
        listener = listen(host, port)
    except OSError as error:
        reason = (error.strerror or str(error)) + holder(error, port)
        raise click.ClickException(
            f"Cannot listen on {host} port {port}: {reason}. Choose another --port."
        ) from error
    if not on_loopback(listener):
        click.echo(OPEN_TO_ALL, err=True)
    asyncio.run(run(world, listener, host))


def build_world(seed: int | None, options: dict[str, Any]) -> World:
    """A world from command-line options. Raises ValueError with a text for people."""
    world = World(seed=seed)
    world.clock.set_skew(options["clock_skew"])
    client = Client(options["client_id"], options["client_secret"], options["project"])
    app = options["app"].rstrip("/")
    for uri in options["redirects"] or ([f"{app}/connect/callback"] if app else []):
        client.register(uri)
    world.clients[client.client_id] = client
    world.knobs.update(dict(parse_assignment(text) for text in options["settings"]))
    world.broker.modes.update(dict(parse_assignment(text) for text in options["modes"]))
    for text in options["mailboxes"]:
        address, _, name = text.partition("=")
        world.create_mailbox(address, name)
    for text in options["faults"]:
        rule = json.loads(text)
        if not isinstance(rule, dict):
            raise FaultError("A fault must be a JSON object.")
        world.faults.add(FaultRule.from_json(rule))
    _create_topic(world, options)
    return world


def _create_topic(world: World, options: dict[str, Any]) -> None:
    topic = f"projects/{options['project']}/topics/{options['topic']}"
    world.broker.create_topic(topic)
    app = options["app"].rstrip("/")
    endpoint = options["push_endpoint"] or (f"{app}/hooks/gmail" if app else "")
    if not endpoint and not options["pull"]:
        return
    token = {"serviceAccountEmail": options["push_account"], "audience": options["push_audience"] or ""}
    body = {
        "topic": topic,
        "pushConfig": {} if options["pull"] else {"pushEndpoint": endpoint, "oidcToken": token},
        "ackDeadlineSeconds": options["ack_deadline"],
    }
    name = f"projects/{options['project']}/subscriptions/{options['subscription']}"
    world.broker.create_subscription(read_subscription(name, body))
