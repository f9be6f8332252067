"""Google Cloud's management: errors by their canonical names, and etags as it writes them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest

from tests.sandbox_process import SandboxProcess

PROJECT = "acme-cloud"
ROOT = f"/v1/projects/{PROJECT}"
TOPIC = f"{ROOT}/topics/news"


@pytest.fixture
def cloud(google: SandboxProcess) -> Iterator[SandboxProcess]:
    google.http.headers["x-goog-user-project"] = PROJECT
    google.http.put(TOPIC)
    google.http.post(f"{ROOT}/services/gsuiteaddons.googleapis.com:enable")
    google.http.put(f"{ROOT}/deployments/side", json={"oauthScopes": []})
    yield google
    del google.http.headers["x-goog-user-project"]


REFUSED = [
    ("GET", f"{TOPIC}-gone:getIamPolicy", None, 404, "NOT_FOUND"),
    ("GET", f"{ROOT}/serviceAccounts/nobody@x.test", None, 404, "NOT_FOUND"),
    ("POST", f"{TOPIC}:setIamPolicy", {"policy": {"etag": "AAAAAAAAAAA="}}, 409, "ABORTED"),
    ("PUT", f"{ROOT}/deployments/side", {"etag": "AAAAAAAAAAA="}, 409, "ABORTED"),
    ("POST", f"{ROOT}/deployments?deploymentId=side", {}, 409, "ALREADY_EXISTS"),
    ("POST", f"{ROOT}/deployments", {}, 400, "INVALID_ARGUMENT"),
    ("GET", "/v1/projects/another/deployments/side", None, 403, "PERMISSION_DENIED"),
]


@pytest.mark.parametrize(("verb", "path", "body", "status", "word"), REFUSED)
def test_a_refusal_has_its_canonical_name(
    cloud: SandboxProcess, verb: str, path: str, body: object, status: int, word: str
) -> None:
    answer = cloud.http.request(verb, path, json=body)
    assert answer.status_code == status
    if word:
        error = answer.json()["error"]
        assert (error["code"], error["status"]) == (status, word)
        assert error["message"]


def test_an_etag_is_bytes_in_base64_with_its_padding(cloud: SandboxProcess) -> None:
    told = [
        cloud.http.get(f"{TOPIC}:getIamPolicy").json()["etag"],
        cloud.http.get(f"{ROOT}/deployments/side").json()["etag"],
    ]
    told.append(cloud.http.post(f"{TOPIC}:setIamPolicy", json={"policy": {"etag": told[0]}}).json()["etag"])
    assert len(set(told)) == 3
    for etag in told:
        assert re.fullmatch(r"[A-Za-z0-9+/]{11}=", etag)
        assert len(base64.b64decode(etag, validate=True)) == 8
