"""Doctor: is everything set up, here and at the provider? Each check says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from service import catalogue
from service.account import Account
from service.errors import BadRequest, ConfigError, OtherAccount, ProviderError, SchemaError
from service.provider import Check, Endpoint, Reader
from service.status import neglected, open_outages, outage, unsettled
from service.store import calls, schema, subscribed
from service.system import System, variables

_SKEW_SECONDS: Final = 30.0


def examine(system: System, *, fix: bool, url: str | None) -> list[Check]:
    """Every check in order. With `fix` each account's webhook endpoint is created or amended for `url`.

    Raises:
        ConfigError: `fix` without a URL to register.
    """
    if fix and not (url or "").startswith(("https://", "http://")):
        raise ConfigError(
            "doctor --fix needs --url, the public address of this service: --url https://billing.example.com"
        )
    checks = [*_configuration(system), *_database(system)]
    for account in system.accounts.by_name.values():
        checks += _provider(account, fix, (url or "").rstrip("/"))
    return checks


def _configuration(system: System) -> Iterator[Check]:
    if not system.accounts.by_name:
        yield Check("configuration", False, f"no account is configured; set {variables('WEBHOOK_SECRET')}")
        return
    try:
        system.accounts.require_secrets()
    except ConfigError as error:
        yield Check("configuration", False, str(error))
    else:
        yield Check("configuration", True, f"accounts: {', '.join(system.accounts.by_name)}")


def _database(system: System) -> Iterator[Check]:
    try:
        system.database.ping()
        yield Check("database", True, system.database.engine.dialect.name)
        yield _skew("clock against the database", (system.database.now() - datetime.now(UTC)).total_seconds())
        schema.check(system.database)
        yield Check("migrations", True, f"at revision {schema.current(system.database)}")
        yield _prices(system)
        yield from _outages(system)
        yield _calls(system)
    except SchemaError as error:
        yield Check("migrations", False, str(error))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        yield Check("database", False, f"can't be used: {reason}")


def _outages(system: System) -> Iterator[Check]:
    with system.database.read() as connection:
        found = open_outages(connection, system.accounts)
    late = dict(neglected(found, system.database.now()))
    for each in found:
        # One that is still being caught up on is neither well nor wrong.
        yield Check(f"{each.account}: catch-up", False if each.account in late else None, outage(each))


def _calls(system: System) -> Check:
    """Writes to providers whose outcome is open: those for a person fail, those being settled are neither well nor wrong."""
    with system.database.read() as connection:
        found = calls.counts(connection)
    if found["needs_review"]:
        return Check("writes to providers", False, unsettled(found)[0])
    count = found["pending"] + found["unknown"]
    if count:
        return Check("writes to providers", None, f"{count} without an outcome yet; the worker settles them")
    return Check("writes to providers", True, "each has an outcome")


def _prices(system: System) -> Check:
    """Whether each live subscription has a price that some plan names; without plans of one's own nothing is wrong."""
    with system.database.read() as connection:
        lacking = [
            sorted(f"{account}:{each}" for each in names) or [f"{account}: subscription {id_} without a price"]
            for account, id_, names in subscribed.sold(connection)
            if not names & system.plans.all_price_ids(account)
        ]
    if not lacking:
        return Check("plans", True, "every live subscription has a price that a plan names")
    told = sorted({each for names in lacking for each in names})
    detail = f"{len(lacking)} live subscriptions have no price that a plan names: {', '.join(told[:10])}"
    detail += f" and {len(told) - 10} more" if len(told) > 10 else ""
    own = catalogue.having(system.settings.document, "plans") != catalogue.built_in()
    return Check("plans", False if own else None, detail + ("" if own else " (TALLYHOOK_CONFIG has no [plans])"))


def _provider(account: Account, fix: bool, url: str) -> Iterator[Check]:
    name = account.name
    if not account.readable:
        yield Check(f"{name}: API key", None, "none is configured: ties can't be re-read and nothing can be reconciled")
        return
    try:
        reader = account.reader()
        yield _key(account, reader.identity())
        source = account.provider.listings[0].source
        seen = reader.page(source, cursor=None, since=None, until=None).as_of
        yield _skew(f"{name}: clock against the provider", (seen - datetime.now(UTC)).total_seconds())
        yield from (msgspec.structs.replace(each, name=f"{name}: {each.name}") for each in reader.checks(account.mode))
        yield from _fixed(account, reader, f"{url}/webhooks/{name}") if fix else _endpoint(account, reader.endpoints())
    except OtherAccount as error:
        yield Check(f"{name}: API key", False, str(error))
    except BadRequest as error:
        yield Check(f"{name}: API", False, str(error))
    except ProviderError as error:
        yield Check(f"{name}: API", False, f"{error}; check the key and its permissions (read, and webhook endpoints)")
    except SQLAlchemyError:
        yield Check(f"{name}: API", None, "not checked: reads share their budget in the database, which can't be used")


def _key(account: Account, identity: str | None) -> Check:
    whose = identity or "an account that holds nothing to tell it by yet"
    return Check(f"{account.name}: API key", True, f"belongs to {whose}, mode {account.mode or 'unknown'}")


def _skew(name: str, seconds: float) -> Check:
    # The provider's answer is stamped in whole seconds, so that less than two say nothing.
    return Check(name, abs(seconds) <= _SKEW_SECONDS, f"{seconds:+.1f} s")


def _endpoint(account: Account, endpoints: Sequence[Endpoint]) -> Iterator[Check]:
    path = f"/webhooks/{account.name}"
    ours = [each for each in endpoints if each.url.rstrip("/").endswith(path)]
    if not ours:
        yield Check(f"{account.name}: endpoint", False, f"none is registered for ...{path}; {_paste(account, path)}")
    for each in ours:
        wrong = _wrong(account, each)
        detail = f"{each.url}: {'; '.join(wrong)}; {_paste(account, path)}" if wrong else f"{each.url} is right"
        yield Check(f"{account.name}: endpoint", not wrong, detail)


def _wrong(account: Account, endpoint: Endpoint) -> list[str]:
    provider, found = account.provider, []
    if not endpoint.enabled:
        found.append("it is disabled")
    if provider.api_version is not None and endpoint.api_version != provider.api_version:
        found.append(f"it sends API version {endpoint.api_version or 'of the account'}, not {provider.api_version}")
    missing = sorted(set(provider.types) - set(endpoint.types))
    if missing and "*" not in endpoint.types:
        found.append(
            f"it lacks {len(missing)} event types: {', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}"
        )
    return found


def _paste(account: Account, path: str) -> str:
    """What a person does without `--fix`."""
    version = f", API version {account.provider.api_version}" if account.provider.api_version else ""
    return (
        f"run `tallyhook doctor --fix --url https://YOUR-HOST`, or register https://YOUR-HOST{path}{version},"
        f" events: {','.join(account.provider.types)}"
    )


def _fixed(account: Account, reader: Reader, target: str) -> Iterator[Check]:
    known = next((each for each in reader.endpoints() if each.url.rstrip("/") == target), None)
    if known is not None and not _wrong(account, known):
        yield Check(f"{account.name}: endpoint", True, f"{known.url} is right already")
        return
    done = reader.register(target, known.id if known else None)
    yield Check(f"{account.name}: endpoint", True, f"{done.id} now sends {len(done.types)} event types to {done.url}")
    if done.secret:
        variable = f"{account.settings.provider.upper()}_WEBHOOK_SECRET"
        secrets = f"{variable}={done.secret}"
        yield Check(
            f"{account.name}: secret", False, f"shown only once; add it (after a comma, if one is set): {secrets}"
        )
