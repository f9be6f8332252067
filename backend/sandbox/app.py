"""The sandbox as a Quart application."""

from email.utils import formatdate
from urllib.parse import urlsplit

from quart import Quart, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from backend.sandbox import admin_mail_routes, admin_routes
from backend.sandbox.addon import pages as addon_pages
from backend.sandbox.addon import routes as addon_routes
from backend.sandbox.cloud import add_on_routes
from backend.sandbox.cloud import routes as cloud_routes
from backend.sandbox.gmail import routes as gmail_routes
from backend.sandbox.oauth import routes as oauth_routes
from backend.sandbox.pubsub import routes as pubsub_routes
from backend.sandbox.pubsub.pusher import Pusher
from backend.sandbox.web import BadRequest, refuse
from backend.sandbox.webmail import routes as webmail_routes
from backend.sandbox.webmail import story
from backend.sandbox.world import World

MAX_BODY = 64 * 1024 * 1024
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def create_app(world: World, base_url: str, host: str = "127.0.0.1") -> Quart:
    """An application around a world. `base_url` is where it will answer; `host` is also a valid name."""
    app = Quart(__name__, static_url_path="/sandbox-static")
    app.config.update(WORLD=world, BASE_URL=base_url, MAX_CONTENT_LENGTH=MAX_BODY)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for module in (
        oauth_routes,
        gmail_routes,
        pubsub_routes,
        cloud_routes,
        add_on_routes,
        admin_routes,
        admin_mail_routes,
        webmail_routes,
        addon_routes,
        addon_pages,
        story,
    ):
        app.register_blueprint(module.blueprint)
    pusher: list[Pusher] = []

    @app.before_serving
    async def start_pushing() -> None:
        pusher.append(Pusher(world.broker, world.keys, world.clock))
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
    """Refuse what a page in a browser on this machine could otherwise do to the sandbox."""
    names = LOCAL_NAMES | {host}

    @app.before_request
    async def only_local_callers() -> Response | None:
        # An answer before the body has arrived makes the server close the connection under the client's
        # next request: connections drop here only by fault rule.
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
        response.headers["Date"] = formatdate(app.config["WORLD"].clock.shown(), usegmt=True)
        return response

    @app.errorhandler(BadRequest)
    async def bad_request(error: BadRequest) -> Response:
        return refuse(str(error), error.status)

    @app.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> Response:
        response = jsonify({"error": error.description or error.name})
        response.status_code = error.code or 500
        return response
