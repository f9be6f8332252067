"""Google Cloud's API, as far as `pitchgate cloud` needs it."""

from __future__ import annotations

import zlib
from typing import Any

from quart import Blueprint, Response, jsonify, request

from backend.sandbox.pubsub import PubSubError, read_subscription
from backend.sandbox.pubsub_routes import check_caller, refused
from backend.sandbox.world import json_object, new_etag, world

# ---- serviceusage, iam and policies


blueprint = Blueprint("cloud", __name__)

GMAIL_ACCOUNT = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
_SERVICE = "/v1/projects/<project>/services/<name>"
_ACCOUNTS = "/v1/projects/<project>/serviceAccounts"
_TOPIC = "/v1/projects/<project>/topics/<name>"
_SUBSCRIPTION = "/v1/projects/<project>/subscriptions/<name>"


blueprint.register_error_handler(PubSubError, refused)


@blueprint.before_request
async def known_callers() -> None:
    """If service accounts exist, only they may call. A call must name the project whose quota it uses."""
    check_caller(world().service_accounts, request.headers.get("Authorization", ""), world().clock.now())
    if request.path.startswith(("/v1/projects", "/v3/projects")) and not request.headers.get(
        "X-Goog-User-Project"
    ):
        raise PubSubError(403, "The API requires a quota project, which is not set by default.")


@blueprint.get("/v3/projects/<project>")
async def get_project(project: str) -> Response:
    """A project and its number, if the Resource Manager API is on."""
    if (
        off := _switched_off(project, "cloudresourcemanager.googleapis.com", "Cloud Resource Manager")
    ) is not None:
        return off
    return jsonify({"name": f"projects/{number(project)}", "projectId": project, "state": "ACTIVE"})


@blueprint.get(_SERVICE)
async def get_service(project: str, name: str) -> Response:
    full = f"projects/{project}/services/{name}"
    return jsonify({"name": full, "state": "ENABLED" if full in world().cloud.services else "DISABLED"})


@blueprint.post(f"{_SERVICE}:enable")
async def enable_service(project: str, name: str) -> Response:
    """Switch an API on; the operation is complete at once."""
    world().cloud.services.add(f"projects/{project}/services/{name}")
    return jsonify({"name": "operations/acat.p2", "done": True})


@blueprint.post(_ACCOUNTS)
async def create_account(project: str) -> Response:
    """Create a service account."""
    body = await json_object()
    email = f"{body.get('accountId')}@{project}.iam.gserviceaccount.com"
    if email in world().cloud.accounts:
        raise PubSubError(409, f"Service account {body.get('accountId')} already exists.")
    found: dict[str, Any] = {"name": f"projects/{project}/serviceAccounts/{email}", "email": email}
    world().cloud.accounts[email] = found
    return jsonify(found)


@blueprint.get(f"{_ACCOUNTS}/<email>")
async def get_account(project: str, email: str) -> Response:
    return jsonify(_account(email))


@blueprint.delete(f"{_ACCOUNTS}/<email>")
async def delete_account(project: str, email: str) -> Response:
    del world().cloud.accounts[_account(email)["email"]]
    return jsonify({})


@blueprint.get(f"{_TOPIC}:getIamPolicy", defaults={"kind": "topics"})
@blueprint.get(f"{_SUBSCRIPTION}:getIamPolicy", defaults={"kind": "subscriptions"})
async def get_policy(project: str, kind: str, name: str) -> Response:
    return jsonify(world().cloud.policy(_existing(f"projects/{project}/{kind}/{name}")))


@blueprint.post(f"{_TOPIC}:setIamPolicy", defaults={"kind": "topics"})
@blueprint.post(f"{_SUBSCRIPTION}:setIamPolicy", defaults={"kind": "subscriptions"})
async def set_policy(project: str, kind: str, name: str) -> Response:
    """Set the IAM policy of a resource. The grant to Gmail's account lets it publish."""
    resource = _existing(f"projects/{project}/{kind}/{name}")
    kept = world().cloud.set_policy(resource, (await json_object()).get("policy") or {})
    if kept is None:
        raise PubSubError(409, "There were concurrent policy changes.", "ABORTED")
    if kind == "topics":
        members = [
            m for one in kept["bindings"] if one["role"] == "roles/pubsub.publisher" for m in one["members"]
        ]
        world().broker.topics[resource].gmail_may_publish = GMAIL_ACCOUNT in members
    return jsonify(kept)


@blueprint.patch(_SUBSCRIPTION)
async def patch_subscription(project: str, name: str) -> Response:
    """Change the fields named in `updateMask`; waiting messages stay."""
    body = await json_object()
    full = _existing(f"projects/{project}/subscriptions/{name}")
    present = world().broker.subscriptions[full]
    wanted = body.get("subscription") or {}
    fields = [field for field in str(body.get("updateMask", "")).split(",") if field]
    if not fields or "topic" in fields:
        raise PubSubError(400, "The updateMask must name fields that can be changed.")
    merged = {**present.as_json(), **{field: wanted.get(field) for field in fields}}
    changed = read_subscription(full, merged)
    changed.waiting, changed.leased = present.waiting, present.leased
    world().broker.subscriptions[full] = changed
    world().broker.wake()
    return jsonify(changed.as_json())


def number(project: str) -> int:
    """The number that Google gives a project."""
    return 10**11 + zlib.crc32(project.encode())


def _switched_off(project: str, service: str, title: str) -> Response | None:
    """Google's refusal if an API is off in the project; None if it is on."""
    if f"projects/{project}/services/{service}" in world().cloud.services:
        return None
    message = f"{title} API has not been used in project {project} before or it is disabled."
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
    }
    error = {"code": 403, "message": message, "status": "PERMISSION_DENIED", "details": [info]}
    response = jsonify({"error": error})
    response.status_code = 403
    return response


def _account(email: str) -> dict[str, Any]:
    found = world().cloud.accounts.get(email)
    if found is None:
        raise PubSubError(404, f"Unknown service account {email[:200]}.")
    return found


def _existing(resource: str) -> str:
    if resource not in world().broker.topics and resource not in world().broker.subscriptions:
        raise PubSubError(404, f"Resource not found (resource={resource[:200]}).")
    return resource


# ---- gsuiteaddons: deployments


add_ons = Blueprint("add_ons", __name__)
add_ons.before_request(known_callers)
add_ons.register_error_handler(PubSubError, refused)

SERVICE = "gsuiteaddons.googleapis.com"
_DEPLOYMENTS = "/v1/projects/<project>/deployments"
_FIELDS = {"name", "etag", "oauthScopes", "addOns"}


@add_ons.before_request
async def switched_on() -> Response | None:
    """Google's refusal if the add-ons API is off in the project; None if it is on."""
    return _switched_off((request.view_args or {})["project"], SERVICE, "Google Workspace Add-ons")


@add_ons.get("/v1/projects/<project>/authorization")
async def get_authorization(project: str) -> Response:
    """The service account that calls the endpoints of this project's add-ons."""
    own = number(project)
    return jsonify(
        {
            "name": f"projects/{own}/authorization",
            "serviceAccountEmail": f"service-{own}@gcp-sa-gsuiteaddons.iam.gserviceaccount.com",
            "oauthClientId": f"{own}.apps.googleusercontent.com",
        }
    )


@add_ons.post(_DEPLOYMENTS)
async def create_deployment(project: str) -> Response:
    """Create a deployment."""
    body, name = await _body(), _full_name(project, request.args.get("deploymentId", ""))
    if "name" in body:
        raise PubSubError(400, "deployment.name cannot be set.")
    if name in world().cloud.deployments:
        raise PubSubError(409, f"Deployment {name} already exists.")
    return _stored(name, body)


@add_ons.get(f"{_DEPLOYMENTS}/<name>")
async def get_deployment(project: str, name: str) -> Response:
    return jsonify(_deployed(_full_name(project, name)))


@add_ons.put(f"{_DEPLOYMENTS}/<name>")
async def replace_deployment(project: str, name: str) -> Response:
    """Create a deployment, or replace one completely."""
    body, full = await _body(), _full_name(project, name)
    present = world().cloud.deployments.get(full)
    if present and body.get("etag") and body["etag"] != present["etag"]:
        raise PubSubError(409, "The etag is not that of the deployment.", "ABORTED")
    return _stored(full, body)


@add_ons.delete(f"{_DEPLOYMENTS}/<name>")
async def delete_deployment(project: str, name: str) -> Response:
    del world().cloud.deployments[_deployed(_full_name(project, name))["name"]]
    return jsonify({})


async def _body() -> dict[str, Any]:
    body = await json_object()
    if unknown := body.keys() - _FIELDS:
        raise PubSubError(400, f"Invalid JSON payload received. Unknown names: {sorted(unknown)}")
    return body


def _full_name(project: str, short: str) -> str:
    """The full name of a deployment, with the project's number as Google has it."""
    if not short:
        raise PubSubError(400, "deploymentId is required.")
    return f"projects/{number(project)}/deployments/{short}"


def _deployed(name: str) -> dict[str, Any]:
    found = world().cloud.deployments.get(name)
    if found is None:
        raise PubSubError(404, f"Deployment {name[:200]} not found.")
    return found


def _stored(name: str, body: dict[str, Any]) -> Response:
    kept = {**body, "name": name, "etag": new_etag()}
    world().cloud.deployments[name] = kept
    return jsonify(kept)
