"""Stripe's error bodies: type, code, message, param and HTTP status, as its API words them."""

from typing import Any

DOCS = "https://stripe.com/docs/error-codes/"


class SandboxError(Exception):
    """An answer of the API that is an error: its HTTP status and its JSON body.

    `kept` says whether the answer is stored under the request's idempotency key: Stripe stores the outcome of what
    began to execute, and not a rejection that came before.
    """

    def __init__(self, status: int, body: dict[str, Any], *, kept: bool = True) -> None:
        super().__init__(f"{status}: {body.get('error', {}).get('message')}")
        self.status, self.body, self.kept = status, body, kept


def error(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    kind: str = "invalid_request_error",
    kept: bool = True,
    **more: Any,
) -> SandboxError:
    """An error with Stripe's body; fields that are None are left out, as Stripe leaves them out."""
    body: dict[str, Any] = {"message": message, "type": kind}
    if code:
        body |= {"code": code, "doc_url": DOCS + code.replace("_", "-")}
    if param:
        body["param"] = param
    return SandboxError(status, {"error": body | more}, kept=kept)


def missing(noun: str, object_id: str, *, param: str = "id") -> SandboxError:
    """No such object: 404 if the id was in the path (`param` "id"), 400 if a parameter named it."""
    status = 404 if param == "id" else 400
    return error(status, f"No such {noun}: '{object_id}'", code="resource_missing", param=param)


def unknown_parameter(names: list[str]) -> SandboxError:
    """A parameter that the operation does not have."""
    plural = "s" if len(names) > 1 else ""
    message = f"Received unknown parameter{plural}: {', '.join(names)}"
    return error(400, message, code="parameter_unknown", param=names[0], kept=False)


def missing_parameter(name: str) -> SandboxError:
    """A required parameter that was not sent."""
    return error(400, f"Missing required param: {name}.", code="parameter_missing", param=name, kept=False)


def invalid(message: str, param: str, *, code: str | None = None) -> SandboxError:
    """A parameter whose value the operation refuses before it begins."""
    return error(400, message, code=code, param=param, kept=False)


def refused(message: str, *, code: str | None = None, param: str | None = None) -> SandboxError:
    """A request that is well formed and that the object's state does not allow."""
    return error(400, message, code=code, param=param)


def unrecognised_url(method: str, path: str) -> SandboxError:
    """No such endpoint."""
    message = f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
    return error(404, message + "https://support.stripe.com/.", kept=False)


def no_key() -> SandboxError:
    """A request without an API key."""
    message = (
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer "
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for "
        "details, or we can help at https://support.stripe.com/."
    )
    return error(401, message, kept=False)


def wrong_key(key: str) -> SandboxError:
    """A request with a key that is not this account's; the message shows its ends only, as Stripe's does."""
    stars = "*" * max(len(key) - 12, 4)
    return error(401, f"Invalid API Key provided: {key[:8]}{stars}{key[-4:]}", kept=False)


def forbidden(key: str, account: str, resource: str, method: str) -> SandboxError:
    """A key that lacks the permission for a resource."""
    right = f"rak_{resource.replace('.', '_')}_{'read' if method == 'GET' else 'write'}"
    message = (
        f"The provided key '{key[:8]}{'*' * 8}{key[-4:]}' does not have the required permissions for this endpoint on "
        f"account '{account}'. Having the '{right}' permission would allow this request to continue."
    )
    return error(403, message, kept=False)


def too_many_requests() -> SandboxError:
    """The rate limit was reached."""
    message = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
    return error(429, message, code="rate_limit", kept=False)


def server_error() -> SandboxError:
    """A fault on Stripe's side, kept under the idempotency key like any other outcome."""
    message = "An unknown error occurred. If the problem persists, contact us at https://support.stripe.com/."
    return error(500, message, kind="api_error")


def key_reused(key: str) -> SandboxError:
    """An idempotency key that came with other parameters before."""
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    return error(400, message, kind="idempotency_error", kept=False)


def declined(code: str, **more: Any) -> SandboxError:
    """A card payment that was refused; `more` names the payment intent and the charge."""
    message = DECLINES.get(code, DECLINES["card_declined"])
    extra: dict[str, Any] = {"decline_code": "generic_decline"} if code == "card_declined" else {}
    return error(402, message, code=code, kind="card_error", **extra, **more)


DECLINES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "This payment requires authentication to proceed.",
}
