"""The meters of the TOML file, checked against the accounts that they are told to."""

from __future__ import annotations

from collections.abc import Mapping

from service import catalogue
from service.account import Account
from service.catalogue import Document
from service.meters import Meter, Spec, meters
from service.usage_port import Metered

_TABLE = "meters"


def load(document: Document, accounts: Mapping[str, Account]) -> dict[str, Meter]:
    """The meters, by id; those of the built-in example where the file has none. Raises `ConfigError`."""
    source = catalogue.having(document, _TABLE)
    found = meters(catalogue.convert(source, _TABLE, dict[str, Spec]))
    for meter in found.values():
        for account in meter.send:
            _check(source, meter, account, accounts)
    return found


def _check(source: Document, meter: Meter, name: str, accounts: Mapping[str, Account]) -> None:
    steps = (_TABLE, meter.id, "send", name)
    account = accounts.get(name)
    if account is None:
        raise source.error(steps, f"there is no account {name!r}; known: {', '.join(accounts) or 'none'}")
    provider = account.provider
    if not isinstance(provider, Metered):
        raise source.error(steps, f"{provider.name} takes no usage")
    options, rules = meter.options(name) or {}, provider.usage
    for option in options:
        if option not in rules.options:
            raise source.error((*steps, option), f"unknown key; known: {', '.join(rules.options)}")
    for option in rules.required:
        if not options.get(option):
            raise source.error((*steps, option), "missing")
    try:
        provider.manner(options, meter.aggregation)
    except ValueError as error:
        raise source.error(steps, str(error)) from None
