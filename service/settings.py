"""Settings: the environment, or a TOML file for several accounts. Read once, checked at once, with errors that say where."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast

import msgspec

from service.errors import ConfigError

Options: TypeAlias = Mapping[str, Sequence[str]]
"""Each provider's further settings, by its name."""
Providers: TypeAlias = Sequence[str] | Options
_PROVIDER_KEYS: Final = ("WEBHOOK_SECRET", "API_KEY", "API_BASE", "MODE")


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account: a set of keys at one provider. `reads_per_second` overrides the provider's default read budget."""

    name: str
    provider: str
    webhook_secrets: tuple[str, ...] = ()
    api_key: str | None = None
    api_base: str | None = None
    mode: Literal["live", "test"] | None = None
    tolerance: int = 300
    reads_per_second: float | None = None
    paused: bool = False
    extra: dict[str, str] = {}

    def __repr__(self) -> str:
        """Without secrets."""
        return f"AccountSettings(name={self.name!r}, provider={self.provider!r}, mode={self.mode!r})"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set. Times in seconds, sizes in bytes."""

    database_url: str = "sqlite:///tallyhook.db"
    port: int = 8000
    accounts: tuple[AccountSettings, ...] = ()
    api_tokens: tuple[str, ...] = ()
    max_body: int = 1_048_576
    queue_limit: int = 2_048
    commit_timeout: float = 10.0
    max_attempts: int = 16
    claim_limit: int = 200
    log_level: str = "info"

    def __repr__(self) -> str:
        """Without secrets: a settings object may end up in a traceback."""
        return f"Settings(accounts={self.accounts!r})"


def load(environ: Mapping[str, str] | None = None, providers: Providers = ()) -> Settings:
    """The settings of this process. Raises `ConfigError`.

    `providers` are the names that are known; where it is a mapping, it says which further options each one takes.
    With `TALLYHOOK_CONFIG` accounts come from that TOML file; otherwise each provider of `providers` with a variable of its
    prefix (`STRIPE_WEBHOOK_SECRET`, `STRIPE_API_KEY`, ...) is one account of the provider's name.
    """
    env = os.environ if environ is None else environ
    base: dict[str, Any] = {}
    options = providers if isinstance(providers, Mapping) else dict.fromkeys(providers, ())
    path = env.get("TALLYHOOK_CONFIG")
    if path:
        base = _file(Path(path), options)
    else:
        found = (_account(env, name, taken) for name, taken in options.items())
        base["accounts"] = tuple(account for account in found if account is not None)
    base |= _numbers(env)
    if env.get("DATABASE_URL"):
        base["database_url"] = env["DATABASE_URL"]
    if env.get("TALLYHOOK_API_TOKEN"):
        base["api_tokens"] = _split(env["TALLYHOOK_API_TOKEN"])
    return Settings(**base)


def _numbers(env: Mapping[str, str]) -> dict[str, Any]:
    wanted: dict[str, type] = {
        "PORT": int, "TALLYHOOK_MAX_BODY": int, "TALLYHOOK_QUEUE_LIMIT": int, "TALLYHOOK_COMMIT_TIMEOUT": float,
        "TALLYHOOK_MAX_ATTEMPTS": int, "TALLYHOOK_CLAIM_LIMIT": int, "TALLYHOOK_LOG_LEVEL": str,
    }  # fmt: skip
    found: dict[str, Any] = {}
    for name, kind in wanted.items():
        if not env.get(name):
            continue
        try:
            found[name.removeprefix("TALLYHOOK_").lower()] = kind(env[name])
        except ValueError:
            raise ConfigError(f"{name}={env[name]!r} is not a number; set it to one or unset it") from None
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


def _file(path: Path, providers: Options) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"TALLYHOOK_CONFIG: there is no file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from None
    limits = content.pop("limits", {})
    accounts = content.pop("accounts", {})
    unknown = sorted(content)
    if unknown or not isinstance(accounts, dict) or not isinstance(limits, dict):
        raise ConfigError(
            f"{path}: unknown or malformed section {unknown or 'accounts'}; known: [accounts.NAME], [limits]"
        )
    found: dict[str, Any] = {
        "accounts": tuple(_file_account(path, name, data, providers) for name, data in accounts.items())
    }
    return found | _limits(path, limits)


def _limits(path: Path, limits: dict[str, Any]) -> dict[str, Any]:
    known = {"max_body", "queue_limit", "commit_timeout", "max_attempts", "claim_limit"}
    for key, value in limits.items():
        if key not in known or isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{path}: [limits] {key}: unknown key or not a number; known: {', '.join(sorted(known))}")
    return limits


def _file_account(path: Path, name: str, data: Any, providers: Options) -> AccountSettings:
    where = f"{path}: [accounts.{name}]"
    if not isinstance(data, dict) or data.get("provider") not in providers or "extra" in data:
        raise ConfigError(f"{where} provider: name one of {', '.join(providers)}")
    secrets = data.get("webhook_secrets", data.pop("webhook_secret", ()))
    extra = {option: str(data.pop(option)) for option in providers[data["provider"]] if option in data}
    values = {
        **data,
        "name": name,
        "webhook_secrets": [secrets] if isinstance(secrets, str) else secrets,
        "extra": extra,
    }
    try:
        return msgspec.convert(values, AccountSettings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where} {error}") from None


def _split(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())
