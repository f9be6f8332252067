"""The local Google as one server: its app, its process, and the command that starts it."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import json
import os
import signal
import socket
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

import click
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from backend.listening import port_holder, refuse_http2
from backend.sandbox import (
    BadRequest,
    addon_routes,
    admin,
    admin_mail_routes,
    cloud,
    pubsub_routes,
    webmail,
    webmail_story,
)
from backend.sandbox.faults import FaultRule, checked, parse_assignment
from backend.sandbox.gmail import dispatch as gmail_routes
from backend.sandbox.oauth import routes as oauth_routes
from backend.sandbox.oauth.grants import Client
from backend.sandbox.pubsub import read_subscription
from backend.sandbox.pubsub_routes import Pusher
from backend.sandbox.world import World, refuse

# ---- The sandbox as a Quart application.


MAX_BODY = 64 * 1024 * 1024
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def create_app(world: World, base_url: str, host: str = "127.0.0.1") -> Quart:
    """An application for `world`. `base_url` is its address; `host` is another valid name."""
    app = Quart(__name__, static_url_path="/sandbox-static")
    app.config.update(WORLD=world, BASE_URL=base_url, MAX_CONTENT_LENGTH=MAX_BODY)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for module in (
        oauth_routes,
        gmail_routes,
        pubsub_routes,
        cloud,
        admin,
        admin_mail_routes,
        webmail,
        addon_routes,
        webmail_story,
    ):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(cloud.add_ons)
    app.register_blueprint(addon_routes.pages)
    pusher: list[Pusher] = []

    @app.before_serving
    async def start_pushing() -> None:
        pusher.append(Pusher(world.broker, world.key, world.clock))
        app.config["PUSHER"] = pusher[0]
        await pusher[0].start()

    @app.after_serving
    async def stop_pushing() -> None:
        await pusher[0].stop()

    @app.get("/")
    async def front_door() -> Response:
        return Response(b"", 302, {"Location": "/mail/"})

    _guard(app, host)
    return app


def _guard(app: Quart, host: str) -> None:
    """Refuse requests that another site's page in a browser on this machine could send."""
    names = LOCAL_NAMES | {host}

    @app.before_request
    async def only_local_callers() -> Response | None:
        # Read the body first: else the server would close the connection after the answer. Connections drop
        # only by fault rule.
        await request.get_data()
        if urlsplit(f"//{request.host}").hostname not in names:
            return refuse("This name does not lead to the sandbox.", 421)
        origin = request.headers.get("Origin")
        if (
            request.method not in ("GET", "HEAD")
            and origin is not None
            and urlsplit(origin).netloc != request.host
        ):
            return refuse("Requests from other sites are refused.", 403)
        return None

    @app.after_request
    async def safe_headers(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers["Date"] = formatdate(app.config["WORLD"].clock.reported(), usegmt=True)
        return response

    @app.errorhandler(BadRequest)
    async def bad_request(error: BadRequest) -> Response:
        return refuse(str(error), error.status)

    @app.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> Response:
        response = jsonify({"error": error.description or error.name})
        response.status_code = error.code or 500
        return response


# ---- Serving the sandbox


def listen(host: str, port: int) -> socket.socket:
    """A bound, listening socket; port 0 takes any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


def on_loopback(listener: socket.socket) -> bool:
    """Whether only this machine reaches the socket."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _quiet_when_cut(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Requests cancelled at the end (such as a "slow" fault that still waits) give no traceback."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


async def run(world: World, listener: socket.socket, host: str) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight may finish."""
    refuse_http2()
    url = base_url(listener)
    app = create_app(world, url, host)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.accesslog = None
    config.errorlog = None
    config.include_date_header = False  # the application writes Google's, which a test may skew
    config.graceful_timeout = 2.0
    config.keep_alive_timeout = 60.0
    # By default a connection is closed after 1,000 requests. Connections drop only by fault rule.
    config.keep_alive_max_requests = 10**9
    config.h11_max_incomplete_size = 64 * 1024
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_quiet_when_cut)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    @app.before_serving
    async def announce() -> None:
        click.echo(json.dumps({"sandbox": url, "pid": os.getpid()}))

    await serve(app, config, shutdown_trigger=stopped.wait)


# ---- A sandbox from the options of the command line.


OPEN_TO_ALL = (
    "WARNING: this address can be reached from other machines, and the sandbox asks nobody who they are:\n"
    "anybody who reaches it can read, send and change everything in it. Without --host it stays on this machine."
)


def launch(host: str, port: int, seed: int | None, options: dict[str, Any]) -> None:
    """Run until stopped. Raises `click.ClickException` with a text for people."""
    try:
        world = build_world(seed, options)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        listener = listen(host, port)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE and (holder := port_holder(port)):
            reason += f" by {holder[0]} (process {holder[1]})"
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
            raise BadRequest("A fault must be a JSON object.")
        world.faults.add(checked(FaultRule, rule))
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
