"""What the service refuses, each with its HTTP status and a stable code.

Refusal (AssayError)             http
├── UnauthenticatedError          401   not_signed_in
├── ForbiddenError                403   not_allowed
├── NotFoundError                 404   not_found
├── SlowClientError               408   request_too_slow
├── ConflictError                 409   conflict
├── NotReadyError                 409   not_ready
├── BodyTooLargeError             413   body_too_large
├── UnprocessableError            422   wrong_request
├── TooManyRequestsError          429   too_many_requests
├── QueueFullError                503   queue_full
└── StorageFullError              507   storage_full
"""

from __future__ import annotations

from assay.errors import AssayError


class Refusal(AssayError):
    """The service does not do what a request asks for; `retry_after_s` says when it may."""

    code, exit_code, http_status = "refused", 2, 400

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class UnauthenticatedError(Refusal):
    """No key or session came with the request, or one that is not valid (any more)."""

    code, http_status = "not_signed_in", 401
    remedy = "Send a valid API key as `Authorization: Bearer …`, or sign in on the page."


class ForbiddenError(Refusal):
    """Who asks may not do this."""

    code, http_status = "not_allowed", 403


class NotFoundError(Refusal):
    """There is nothing of this name, or it belongs to someone else."""

    code, http_status = "not_found", 404


class SlowClientError(Refusal):
    """The body came too slowly."""

    code, http_status = "request_too_slow", 408


class ConflictError(Refusal):
    """The request does not fit the state of what it is about."""

    code, http_status = "conflict", 409


class NotReadyError(Refusal):
    """There is no result yet."""

    code, http_status = "not_ready", 409


class BodyTooLargeError(Refusal):
    """A file or a request is larger than the operator allows."""

    code, http_status = "body_too_large", 413


class UnprocessableError(Refusal):
    """The request's form is wrong."""

    code, http_status = "wrong_request", 422


class TooManyRequestsError(Refusal):
    """The key's rate is used up."""

    code, http_status = "too_many_requests", 429


class QueueFullError(Refusal):
    """As many files wait as the operator allows."""

    code, http_status = "queue_full", 503


class StorageFullError(Refusal):
    """The disk has too little room for what is being sent."""

    code, http_status = "storage_full", 507
