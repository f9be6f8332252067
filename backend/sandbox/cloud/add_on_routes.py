"""gsuiteaddons: deployments of add-ons, kept and not run. backend/sandbox/addon runs the one it is given."""

from typing import Any

from quart import Blueprint, Response, jsonify, request

from backend.sandbox.cloud.model import new_etag
from backend.sandbox.cloud.routes import known_callers, number
from backend.sandbox.pubsub.model import PubSubError
from backend.sandbox.pubsub.routes import refused
from backend.sandbox.web import json_object, world

blueprint = Blueprint("add_ons", __name__)
blueprint.before_request(known_callers)
blueprint.register_error_handler(PubSubError, refused)

SERVICE = "gsuiteaddons.googleapis.com"
_DEPLOYMENTS = "/v1/projects/<project>/deployments"
_FIELDS = {"name", "etag", "oauthScopes", "addOns"}


@blueprint.before_request
async def switched_on() -> Response | None:
    """Google's refusal while the API is off in the project."""
    project = (request.view_args or {})["project"]
    if f"projects/{project}/services/{SERVICE}" in world().cloud.services:
        return None
    message = f"Google Workspace Add-ons API has not been used in project {project} before or it is disabled."
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}]
    error = {"code": 403, "message": message, "status": "PERMISSION_DENIED", "details": details}
    response = jsonify({"error": error})
    response.status_code = 403
    return response


@blueprint.get("/v1/projects/<project>/authorization")
async def get_authorization(project: str) -> Response:
    """Who calls the endpoints of this project's add-ons."""
    own = number(project)
    return jsonify(
        {
            "name": f"projects/{own}/authorization",
            "serviceAccountEmail": f"service-{own}@gcp-sa-gsuiteaddons.iam.gserviceaccount.com",
            "oauthClientId": f"{own}.apps.googleusercontent.com",
        }
    )


@blueprint.post(_DEPLOYMENTS)
async def create_deployment(project: str) -> Response:
    """Create one."""
    body, name = await _body(), _name(project, request.args.get("deploymentId", ""))
    if "name" in body:
        raise PubSubError(400, "deployment.name cannot be set.")
    if name in world().cloud.deployments:
        raise PubSubError(409, f"Deployment {name} already exists.")
    return _kept(name, body)


@blueprint.get(f"{_DEPLOYMENTS}/<name>")
async def get_deployment(project: str, name: str) -> Response:
    """Read one."""
    return jsonify(_there(_name(project, name)))


@blueprint.put(f"{_DEPLOYMENTS}/<name>")
async def replace_deployment(project: str, name: str) -> Response:
    """Create or replace one; nothing of the old one stays."""
    body, full = await _body(), _name(project, name)
    present = world().cloud.deployments.get(full)
    if present and body.get("etag") and body["etag"] != present["etag"]:
        raise PubSubError(409, "The etag is not that of the deployment.", "ABORTED")
    return _kept(full, body)


@blueprint.delete(f"{_DEPLOYMENTS}/<name>")
async def delete_deployment(project: str, name: str) -> Response:
    """Delete one."""
    del world().cloud.deployments[_there(_name(project, name))["name"]]
    return jsonify({})


async def _body() -> dict[str, Any]:
    body = await json_object()
    if unknown := body.keys() - _FIELDS:
        raise PubSubError(400, f"Invalid JSON payload received. Unknown names: {sorted(unknown)}")
    return body


def _name(project: str, short: str) -> str:
    """The full name of a deployment, with the project's number as Google has it."""
    if not short:
        raise PubSubError(400, "deploymentId is required.")
    return f"projects/{number(project)}/deployments/{short}"


def _there(name: str) -> dict[str, Any]:
    found = world().cloud.deployments.get(name)
    if found is None:
        raise PubSubError(404, f"Deployment {name[:200]} not found.")
    return found


def _kept(name: str, body: dict[str, Any]) -> Response:
    kept = {**body, "name": name, "etag": new_etag()}
    world().cloud.deployments[name] = kept
    return jsonify(kept)
