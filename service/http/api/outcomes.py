"""What the errors of the use cases are answered with. Nothing here means that something was done."""

from __future__ import annotations

import math
from typing import Final

from service import errors
from service.http.api.problem import Call, Cause, Fault, Refused

_CAUSES: Final[tuple[tuple[type[errors.TallyhookError], Cause], ...]] = (
    (errors.NotDone, "not_done"),
    (errors.KeyConflict, "key_reused"),
    (errors.CallInProgress, "key_in_use"),
    (errors.NotFound, "not_found"),
    (errors.BadRequest, "refused"),
    (errors.Forbidden, "provider_forbids"),
    (errors.ProviderError, "provider_unavailable"),
    (errors.MappingError, "provider_unavailable"),
    (errors.ConfigError, "not_configured"),
    (errors.UnknownMeter, "unknown_meter"),
    (errors.UnknownCustomer, "unknown_customer"),
    (errors.UsageConflict, "key_reused"),
    (errors.UsageError, "refused"),
)


def refusal(error: errors.TallyhookError) -> Refused:
    """The answer to an error that a use case raised; the error itself where it has none, since then it is a bug."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, errors.NotSupported):
        return Refused("not_supported", str(error), reason=error.reason, alternative=error.alternative)
    if isinstance(error, errors.OutcomeUnknown):
        call = Call(id=error.call_id, href=f"/v1/calls/{error.call_id}", needs_review=error.needs_review)
        return Refused("outcome_unknown", error.detail, call=call)
    if isinstance(error, errors.RateLimited):
        wait = {} if error.retry_after is None else {"retry-after": str(math.ceil(error.retry_after))}
        return Refused("rate_limited", str(error), headers=wait)
    for kind, cause in _CAUSES:
        if isinstance(error, kind):
            return Refused(cause, str(error), errors=_faults(error))
    raise error


def _faults(error: errors.TallyhookError) -> list[Fault]:
    """Errors about usage begin with the name of the field."""
    field, colon, detail = str(error).partition(": ")
    if not isinstance(error, errors.UsageError) or not colon or " " in field:
        return []
    return [Fault(pointer=f"#/{field}", detail=detail)]
