"""The command line of the local Google; `python -m backend.sandbox` starts it as a process of its own."""

from __future__ import annotations

import shlex
from typing import Any

import click

# What a server without settings expects, so that a developer needs no option but --mailbox.
DEFAULT_CLIENT_ID = "pitchgate-dev.apps.example"
DEFAULT_CLIENT_SECRET = "pitchgate-dev-secret"  # noqa: S105 - opens nothing but this sandbox
DEFAULT_PROJECT = "pitchgate-dev"
DEFAULT_TOPIC = "gmail"
DEFAULT_SUBSCRIPTION = "gmail-push"
DEFAULT_SERVICE_ACCOUNT = "push@pitchgate-dev.iam.gserviceaccount.com"
DEFAULT_APP = "http://127.0.0.1:8400"


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
    from backend.sandbox.server import launch  # imported late: help does not need it

    launch(host, port, seed, options)


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


if __name__ == "__main__":
    sandbox_command(prog_name="python -m backend.sandbox")
