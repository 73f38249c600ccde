"""Settings: the environment, or a TOML file for several accounts. Read once, checked at once, with errors that say where."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

import msgspec
from msgspec import Meta

from service import catalogue
from service.catalogue import Document
from service.errors import ConfigError

Options: TypeAlias = Mapping[str, Sequence[str]]
"""Each provider's further settings, by its name."""
Providers: TypeAlias = Sequence[str] | Options
_PROVIDER_KEYS: Final = ("WEBHOOK_SECRET", "API_KEY", "API_BASE", "MODE")
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]
_YEAR: Final = 366 * 86_400


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account: a set of keys at one provider. `reads_per_second` overrides the provider's default read budget."""

    name: str
    provider: str
    webhook_secrets: tuple[str, ...] = ()
    api_key: str | None = None
    api_base: str | None = None
    mode: Literal["live", "test"] | None = None
    tolerance: Annotated[int, Meta(ge=1, le=_YEAR)] = 300
    reads_per_second: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    paused: bool = False
    extra: dict[str, str] = {}

    def __repr__(self) -> str:
        """Without secrets."""
        return f"AccountSettings(name={self.name!r}, provider={self.provider!r}, mode={self.mode!r})"


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be set in `[limits]`, and by variables of these names. Times in seconds, sizes in bytes."""

    max_body: Annotated[int, Meta(ge=1, le=1 << 30)] = 1_048_576
    queue_limit: Annotated[int, Meta(ge=1, le=1_000_000)] = 2_048
    commit_timeout: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    max_attempts: Annotated[int, Meta(ge=1, le=1_000)] = 16
    claim_limit: Annotated[int, Meta(ge=1, le=10_000)] = 200
    catchup_after: Annotated[float, Meta(ge=0, le=_YEAR)] | None = None
    sweep_seconds: Annotated[float, Meta(ge=0, le=_YEAR)] = 3600.0
    sweep_calls: Annotated[int, Meta(ge=1, le=1_000_000)] = 100


class Settings(Limits, frozen=True, kw_only=True):
    """Everything that can be set."""

    database_url: str = "sqlite:///tallyhook.db"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000
    accounts: tuple[AccountSettings, ...] = ()
    document: Document = msgspec.field(default_factory=catalogue.built_in)
    api_tokens: tuple[str, ...] = ()
    log_level: LogLevel = "info"

    def __repr__(self) -> str:
        """Without secrets: a settings object may end up in a traceback."""
        return f"Settings(accounts={self.accounts!r})"


_IN_VARIABLES: Final = (*Limits.__struct_fields__, "port", "log_level")


def load(environ: Mapping[str, str] | None = None, providers: Providers = ()) -> Settings:
    """The settings of this process. Raises `ConfigError`.

    `providers` are the names that are known; where it is a mapping, it says which further options each one takes.
    Accounts come from the `[accounts]` of the TOML file that `TALLYHOOK_CONFIG` names; without such tables each provider of
    `providers` with a variable of its prefix (`STRIPE_WEBHOOK_SECRET`, `STRIPE_API_KEY`, ...) is one account of the
    provider's name. `document` holds the file's other tables, for those who read them.
    """
    env = os.environ if environ is None else environ
    base: dict[str, Any] = {}
    options = providers if isinstance(providers, Mapping) else dict.fromkeys(providers, ())
    path = env.get("TALLYHOOK_CONFIG")
    if path:
        base = _file(catalogue.read(Path(path)), options)
    if "accounts" not in base:
        found = (_account(env, name, taken) for name, taken in options.items())
        base["accounts"] = tuple(account for account in found if account is not None)
    base |= _variables(env)
    if env.get("DATABASE_URL"):
        base["database_url"] = env["DATABASE_URL"]
    if env.get("TALLYHOOK_API_TOKEN"):
        base["api_tokens"] = _split(env["TALLYHOOK_API_TOKEN"])
    return Settings(**base)


def _variables(env: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        variable = "PORT" if field.name == "port" else f"TALLYHOOK_{field.name.upper()}"
        if field.name in _IN_VARIABLES and (given := env.get(variable)):
            text = given.lower() if field.name == "log_level" else given.strip()
            try:
                found[field.name] = msgspec.convert(text, field.type, strict=False)
            except msgspec.ValidationError as error:
                reason = catalogue.plain(field.type, str(error))
                raise ConfigError(f"{variable}={given!r}: {reason}; or unset it") from None
    return found


def _account(env: Mapping[str, str], provider: str, options: Sequence[str]) -> AccountSettings | None:
    prefix = provider.upper() + "_"
    given = {key: value for key, value in env.items() if key.startswith(prefix) and value}
    if not any(key.removeprefix(prefix) in _PROVIDER_KEYS for key in given):
        return None
    mode = given.get(prefix + "MODE")
    if mode not in (None, "live", "test"):
        raise ConfigError(f"{prefix}MODE={mode!r}: use live or test")
    return AccountSettings(
        name=provider,
        provider=provider,
        webhook_secrets=_split(given.get(prefix + "WEBHOOK_SECRET", "")),
        api_key=given.get(prefix + "API_KEY"),
        api_base=given.get(prefix + "API_BASE"),
        mode=cast('Literal["live", "test"] | None', mode),
        extra={name: given[prefix + name.upper()] for name in options if prefix + name.upper() in given},
    )


def _file(document: Document, providers: Options) -> dict[str, Any]:
    found: dict[str, Any] = {"document": document, **_limits(document)}
    if "accounts" in document.tables:
        accounts = catalogue.convert(document, "accounts", dict[str, dict[str, Any]])
        found["accounts"] = tuple(_file_account(document, name, data, providers) for name, data in accounts.items())
    return found


def _limits(document: Document) -> dict[str, Any]:
    given = catalogue.convert(document, "limits", Limits)
    return {name: getattr(given, name) for name in document.tables.get("limits", ())}


def _file_account(document: Document, name: str, data: dict[str, Any], providers: Options) -> AccountSettings:
    steps = ("accounts", name)
    if data.get("provider") not in providers:
        raise document.error((*steps, "provider"), f"expected one of {', '.join(providers)}")
    for key in ("name", "extra"):
        if key in data:
            raise document.error((*steps, key), "unknown key")
    options = providers[data["provider"]]
    values = {key: value for key, value in data.items() if key not in (*options, "webhook_secret")}
    secrets = data.get("webhook_secrets", data.get("webhook_secret", ()))
    values |= {
        "name": name,
        "webhook_secrets": [secrets] if isinstance(secrets, str) else secrets,
        "extra": {option: str(data[option]) for option in options if option in data},
    }
    return catalogue.convert_value(document, steps, values, AccountSettings)


def _split(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())
