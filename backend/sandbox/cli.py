"""The command line of the sandbox."""

import asyncio
import json
import shlex
from typing import Any

import click

from backend.sandbox.faults import FaultError, FaultRule
from backend.sandbox.knobs import KnobError, parse_assignment
from backend.sandbox.oauth.clients import Client, ClientError
from backend.sandbox.pubsub.model import PubSubError, read_subscription
from backend.sandbox.server import holder, listen, on_loopback, run
from backend.sandbox.world import World, WorldError

# What a backend without any setting of its own expects: a developer gives no option but --mailbox.
DEFAULT_CLIENT_ID = "pitchgate-dev.apps.example"
DEFAULT_CLIENT_SECRET = "pitchgate-dev-secret"  # noqa: S105 - opens nothing but this sandbox
DEFAULT_PROJECT = "pitchgate-dev"
DEFAULT_TOPIC = "gmail"
DEFAULT_SUBSCRIPTION = "gmail-push"
DEFAULT_SERVICE_ACCOUNT = "push@pitchgate-dev.iam.gserviceaccount.com"
DEFAULT_APP = "http://127.0.0.1:8400"
OPEN_TO_ALL = (
    "WARNING: this address can be reached from other machines, and the sandbox asks nobody who they are:\n"
    "whoever reaches it can read, send and change everything in it. Without --host it stays on this machine."
)


@click.command("sandbox", context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=8900, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@click.option("--mailbox", "mailboxes", multiple=True, metavar="ADDRESS[=NAME]", help="Create a mailbox.")
@click.option("--client-id", default=DEFAULT_CLIENT_ID, help="OAuth client id.")
@click.option(
    "--client-secret", default=DEFAULT_CLIENT_SECRET, show_default=False, help="OAuth client secret."
)
@click.option(
    "--app", default=DEFAULT_APP, help="The backend: where consent leads back to and pushes go; '' for none."
)
@click.option(
    "--redirect-uri", "redirects", multiple=True, help="Redirect address; default is the backend's."
)
@click.option("--project", default=DEFAULT_PROJECT, help="Cloud project of the OAuth client.")
@click.option("--topic", default=DEFAULT_TOPIC, help="Pub/Sub topic to create in the project.")
@click.option("--subscription", default=DEFAULT_SUBSCRIPTION, help="Push subscription to create on it.")
@click.option("--push-endpoint", help="Where to push; default is the backend's hook.")
@click.option("--pull", is_flag=True, help="Make the subscription one that is pulled.")
@click.option("--push-audience", help="Audience of the push token; default is the endpoint.")
@click.option("--push-account", default=DEFAULT_SERVICE_ACCOUNT, help="Service account in the push token.")
@click.option("--ack-deadline", default=10, type=click.IntRange(1, 600), help="Seconds a push may take.")
@click.option(
    "--push-mode", "modes", multiple=True, metavar="NAME=VALUE", help="For instance copies=3, reorder=2."
)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="For instance enforce_quota=true."
)
@click.option("--fault", "faults", multiple=True, metavar="JSON", help='For instance {"kind": "slow"}.')
@click.option("--clock-skew", default=0.0, help="Seconds by which the times Google tells are off.")
@click.option("--seed", type=int, help="Makes ids and spoilt deliveries repeatable.")
@click.option("--exports", is_flag=True, help="Print a backend's settings for it, as shell exports, and end.")
def sandbox_command(host: str, port: int, seed: int | None, exports: bool, **options: Any) -> None:
    """Run a local Google: OAuth, Gmail, Pub/Sub push and a webmail, without any account.

    Prints one line of JSON when it is ready: {"sandbox": address, "pid": number}.
    """
    if exports:
        click.echo(_exports(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}", options))
        return
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


def _exports(url: str, options: dict[str, Any]) -> str:
    project = f"projects/{options['project']}"
    settings = {
        "AUTHORIZE_URL": f"{url}/o/oauth2/v2/auth",
        "TOKEN_URL": f"{url}/token",
        "REVOKE_URL": f"{url}/revoke",
        "JWKS_URL": f"{url}/oauth2/v3/certs",
        "GMAIL_URL": url,
        "PUBSUB_URL": url,
        "CLIENT_ID": options["client_id"],
        "CLIENT_SECRET": options["client_secret"],
        "TOPIC": f"{project}/topics/{options['topic']}",
        "SUBSCRIPTION": f"{project}/subscriptions/{options['subscription']}",
        "PUSH_ACCOUNT": options["push_account"],
    }
    return "\n".join(f"export PITCHGATE_{name}={shlex.quote(value)}" for name, value in settings.items())
