"""Google's error bodies."""

from datetime import UTC, datetime
from typing import Any

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential."
)


class ApiError(Exception):
    """An error answer. `body()` is the JSON object."""

    def __init__(
        self,
        code: int,
        message: str,
        reason: str,
        *,
        domain: str = "global",
        short: str | None = None,
        status: str | None = None,
        extra: dict[str, str] | None = None,
        details: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self._error: dict[str, Any] = {
            "code": code,
            "message": message,
            "errors": [{"message": short or message, "domain": domain, "reason": reason} | (extra or {})],
            "status": status or _STATUS.get(code, "UNKNOWN"),
        }
        if details:
            self._error["details"] = details

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"error": self._error}


def unauthenticated() -> ApiError:
    """401: no token, or one that is expired, revoked or unknown."""
    return ApiError(
        401,
        _UNAUTHENTICATED,
        "authError",
        short="Invalid Credentials",
        extra={"location": "Authorization", "locationType": "header"},
    )


def not_found() -> ApiError:
    """404 for any entity."""
    return ApiError(404, "Requested entity was not found.", "notFound")


def missing_topic() -> ApiError:
    """404 on watch: the topic is not there (any more)."""
    text = "Error sending test message to Cloud PubSub : Resource not found (resource=gmail)."
    return ApiError(404, text, "notFound")


def invalid(message: str) -> ApiError:
    """400 invalidArgument."""
    return ApiError(400, message, "invalidArgument")


def label_conflict() -> ApiError:
    """409: the label's name is taken."""
    return ApiError(409, "Label name exists or conflicts", "aborted", status="ABORTED")


def batch_limit(most: int) -> ApiError:
    """400: more calls in one batch than Gmail takes."""
    return ApiError(400, f"The batch request has too many calls: at most {most} are allowed.", "badRequest")


def failed_precondition(message: str = "Precondition check failed.") -> ApiError:
    """400 failedPrecondition; also what an account without Gmail gets."""
    return ApiError(400, message, "failedPrecondition", status="FAILED_PRECONDITION")


def insufficient_scope() -> ApiError:
    """403: the token lacks a scope."""
    info = _error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    return ApiError(
        403,
        "Request had insufficient authentication scopes.",
        "insufficientPermissions",
        short="Insufficient Permission",
        details=[info],
    )


def quota_exceeded() -> ApiError:
    """403 rateLimitExceeded: the usual answer to spending more than a minute's units."""
    text = (
        "Quota exceeded for quota metric 'Total Query Cost' and limit 'Units per minute per user' of service "
        "'gmail.googleapis.com' for consumer 'project_number:123456789012'."
    )
    return ApiError(
        403, text, "rateLimitExceeded", domain="usageLimits", details=[_error_info("RATE_LIMIT_EXCEEDED")]
    )


def user_rate_limit() -> ApiError:
    """403 userRateLimitExceeded."""
    return ApiError(403, "User Rate Limit Exceeded", "userRateLimitExceeded", domain="usageLimits")


def daily_limit() -> ApiError:
    """403 dailyLimitExceeded."""
    return ApiError(403, "Daily Limit Exceeded", "dailyLimitExceeded", domain="usageLimits")


def domain_policy() -> ApiError:
    """403 domainPolicy: an administrator has switched Gmail apps off."""
    text = "The domain administrators have disabled Gmail apps."
    return ApiError(403, text, "domainPolicy")


def access_not_configured() -> ApiError:
    """403: the API is not enabled in the project."""
    text = "Gmail API has not been used in project 123456789012 before or it is disabled."
    return ApiError(
        403, text, "accessNotConfigured", domain="usageLimits", details=[_error_info("SERVICE_DISABLED")]
    )


def delegation_denied(address: str) -> ApiError:
    """403: the token belongs to another account."""
    return ApiError(403, f"Delegation denied for {address}", "forbidden")


def too_many_requests(retry_at: float) -> ApiError:
    """429 with the time in the text only, as Gmail gives it. `retry_at` is epoch seconds."""
    moment = datetime.fromtimestamp(retry_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ApiError(
        429,
        f"User-rate limit exceeded.  Retry after {moment}",
        "rateLimitExceeded",
        domain="usageLimits",
        short="User-rate limit exceeded.",
    )


def too_many_concurrent() -> ApiError:
    """429: the mailbox's concurrency cap."""
    text = "Too many concurrent requests for user"
    return ApiError(429, text, "rateLimitExceeded", domain="usageLimits")


def backend_error(code: int = 500) -> ApiError:
    """500, 503 or 504 backendError."""
    text = {503: "The service is currently unavailable.", 504: "Deadline exceeded"}
    return ApiError(code, text.get(code, "Internal error encountered."), "backendError")


def _error_info(reason: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "gmail.googleapis.com"},
    }
