"""The real google-api-python-client against the sandbox; every answer is held against Google's schema."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document

from tests.sandbox.discovery import document, validator

Json = dict[str, Any]


class Driver:
    """`driver.users` is the client's resource; `driver(request)` executes and checks the answer."""

    def __init__(self, url: str, token: str) -> None:
        credentials = Credentials(token=token)  # type: ignore[no-untyped-call]
        self._service: Any = build_from_document(document(url), credentials=credentials)
        self.users: Any = self._service.users()
        self.driven: set[str] = set()

    def __call__(self, request: Any) -> Any:
        answer = request.execute(num_retries=0)
        self.check(request.methodId, answer)
        return answer

    def check(self, method_id: str, answer: Any) -> None:
        """Hold an answer against the method's schema and note that the method was driven."""
        self.driven.add(method_id)
        schema = validator(method_id)
        if schema is None:
            assert answer == "", f"{method_id} should answer nothing, not {answer!r}"
        else:
            schema.validate(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service.close()


def raw(to: str = "bo@ext.test", subject: str = "Hello", text: str = "Good day", **headers: str) -> str:
    """A message for the `raw` field; underscores in header names stand for dashes."""
    message = EmailMessage()
    message["To"] = to
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return base64.urlsafe_b64encode(message.as_bytes()).decode()
