"""Requests to Google Cloud, built by google-api-python-client from the documents it ships and one of ours, sent one
after the other."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import aiohttp
from googleapiclient.discovery import build_from_document
from googleapiclient.http import HttpMock

from backend.domain.errors import PitchgateError
from backend.gmail.pubsub import CloudCredentials

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
APIS = {
    "pubsub": "pubsub.v1",
    "iam": "iam.v1",
    "serviceusage": "serviceusage.v1",
    "projects": "cloudresourcemanager.v3",
}
OWN = {"addons": "gsuiteaddons.v1"}
"""What google-api-python-client ships no document of; ours, in documents/, have the methods that are used."""
Json = dict[str, Any]


class CloudRefused(PitchgateError):
    """What Google Cloud does not do. `absent`: there is no such thing, or the service it would belong to is off."""

    def __init__(self, key: str, absent: bool, **blanks: object) -> None:
        super().__init__(key, **blanks)
        self.absent = absent


class GoogleCloud:
    """The APIs by name: `cloud.api("pubsub").projects().topics()`. `project` is the one that requests are counted for:
    a person's own credentials name none, and most APIs refuse such a request. `root` replaces every host, for the
    sandbox."""

    def __init__(
        self, http: aiohttp.ClientSession, credentials: CloudCredentials, project: str, root: str = ""
    ) -> None:
        self._http = http
        self._project = project
        self._credentials = credentials
        self._root = root.rstrip("/")
        self._built: dict[str, Any] = {}

    def api(self, name: str) -> Any:
        """A service object, whose requests `ask` sends."""
        if name not in self._built:
            document = _document(name)
            if self._root:
                document["rootUrl"] = document["baseUrl"] = f"{self._root}/"
            document.pop("mtlsRootUrl", None)
            # The builder insists on a transport; this one has no network in it.
            self._built[name] = build_from_document(document, http=HttpMock(headers={"status": "501"}))
        return self._built[name]

    async def find(self, request: Any) -> Json | None:
        """What `request` asks for; None where there is no such thing."""
        try:
            return await self.ask(request)
        except CloudRefused as error:
            if error.absent:
                return None
            raise

    async def ask(self, request: Any) -> Json:
        """Google's answer. Raises `CloudRefused`, `TryLater` without credentials, `PitchgateError` without network."""
        token = await self._credentials.token()
        headers = {
            **request.headers,
            "authorization": f"Bearer {token}",
            "x-goog-user-project": self._project,
        }
        body = request.body.encode() if isinstance(request.body, str) else request.body
        try:
            async with self._http.request(request.method, request.uri, data=body, headers=headers) as answer:
                response = await answer.json(content_type=None)
                status = answer.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PitchgateError("cloud.away") from error
        if status >= 400:
            raise _refused(request, response, status)
        return response if isinstance(response, dict) else {}


def _document(name: str) -> Json:
    if name in OWN:
        file = resources.files(__package__) / "documents" / f"{OWN[name]}.json"
    else:
        file = resources.files("googleapiclient") / f"discovery_cache/documents/{APIS[name]}.json"
    return dict(json.loads(file.read_text(encoding="utf-8")))


def _refused(request: Any, response: object, status: int) -> CloudRefused:
    error = response.get("error") if isinstance(response, dict) else None
    message = str(error.get("message", ""))[:500] if isinstance(error, dict) else ""
    details = error.get("details") or () if isinstance(error, dict) else ()
    off = any(isinstance(one, dict) and one.get("reason") == "SERVICE_DISABLED" for one in details)
    key = "cloud.forbidden" if status == 403 and not off else "cloud.refused"
    return CloudRefused(key, off or status == 404, method=request.methodId, said=message or status)
