"""How parameters become attributes."""

from typing import Any

Json = dict[str, Any]


def taken(params: Json, *names: str) -> Json:
    """The attributes that are set by parameters of the same name."""
    return {name: params[name] for name in names if name in params}


def metadata(params: Json, old: Json | None = None) -> Json:
    """`{"metadata": ...}` after the parameter of that name: keys are merged, an empty value removes; else nothing."""
    if "metadata" not in params:
        return {}
    sent = params["metadata"]
    if sent is None:
        return {"metadata": {}}
    merged = {**(old or {}), **sent}
    return {"metadata": {name: value for name, value in merged.items() if value != ""}}
