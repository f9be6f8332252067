"""Holds every answer to the OpenAPI document: a path, status, code or field it does not tell of fails."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

PREFIX = "/api/v1"


class Document:
    """An OpenAPI document as a judge. `seen` are the operations and statuses it has passed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.seen: set[tuple[str, int]] = set()
        self._paths = {
            re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): operations
            for path, operations in document["paths"].items()
        }

    async def hook(self, answer: httpx.Response) -> None:
        """For `httpx.AsyncClient(event_hooks={"response": [document.hook]})`. A stream's body is left unread."""
        streamed = answer.headers.get("Content-Type", "").startswith("text/event-stream")
        content = b"" if streamed else await answer.aread()
        self.check(answer.request, answer, content)

    def check(self, request: httpx.Request, answer: httpx.Response, content: bytes) -> None:
        """Fail unless the document tells of this answer, and of the request if it was taken."""
        operation = self._operation(request)
        assert str(answer.status_code) in operation["responses"], (
            f"{operation['operationId']} is not said to answer {answer.status_code}: {content[:200]!r}"
        )
        found = operation["responses"][str(answer.status_code)]
        for name in found["headers"]:
            header = self.document["components"]["headers"][name]
            assert name in answer.headers or not header.get("required"), f"{name} is missing"
        if content or "content" in found:
            self._body(found, answer, content)
        if answer.is_success and request.content:
            (taken,) = operation["requestBody"]["content"].values()
            self.fits(taken["schema"], json.loads(request.content))
        self.seen.add((operation["operationId"], answer.status_code))

    def event(self, name: str, data: object) -> None:
        """Fail unless the stream is said to tell this."""
        stream = self.document["paths"][f"{PREFIX}/events"]["get"]["responses"]["200"]
        self.fits(stream["content"]["text/event-stream"]["x-events"][name], data)

    def fits(self, schema: dict[str, Any], data: object) -> None:
        """Fail unless `data` is of this shape."""
        whole = {"components": self.document["components"], "allOf": [schema]}
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(data)

    def _operation(self, request: httpx.Request) -> dict[str, Any]:
        for pattern, operations in self._paths.items():
            if pattern.fullmatch(request.url.path) and request.method.lower() in operations:
                return dict(operations[request.method.lower()])
        raise AssertionError(f"the document does not tell of {request.method} {request.url.path}")

    def _body(self, found: dict[str, Any], answer: httpx.Response, content: bytes) -> None:
        kind = answer.headers["Content-Type"].partition(";")[0]
        assert kind in found["content"], f"{kind} is not told of"
        if kind != "application/json":
            return
        data = json.loads(content)
        self.fits(found["content"][kind]["schema"], data)
        if answer.is_error:
            assert data["code"] in found["description"].split(", "), f"{data['code']} is not told of"
