"""Errors about the TOML file name the file, the line and the key, whatever is wrong and however deep it stands."""

from __future__ import annotations

import pickle
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import catalogue, settings
from service.errors import ConfigError
from service.toml_lines import line_of


class Tier(msgspec.Struct, forbid_unknown_fields=True):
    """A table within an array of tables."""

    up_to: int | Literal["rest"]
    price: Decimal


class Meter(msgspec.Struct, forbid_unknown_fields=True):
    """A table with everything in it."""

    name: str
    mode: Literal["sum", "last"] = "sum"
    tiers: tuple[Tier, ...] = ()
    prices: dict[str, tuple[str, ...]] = {}
    share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a name."""
        if self.name == "bad":
            raise ValueError("expected a good name")


GOOD = """\
# a comment

[meters.calls]
name = "Calls"
prices.shop = [
    "price_1",
    "price_2",
]

[[meters.calls.tiers]]
up_to = 1000
price = 0.10

[[meters.calls.tiers]]
up_to = "rest"
price = 0.05

[meters."model conversions"]
name = \"""
Model \"""
share = 0.5
"""
CASES = [
    ("up_to = 1000", 'up_to = "x"', 11, "meters.calls.tiers[0].up_to: invalid enum value 'x'; expected one of 'rest'"),
    ('up_to = "rest"', "up_to = true", 15, "meters.calls.tiers[1].up_to: expected a whole number or text, got true or false"),
    ("price = 0.05", "prise = 0.05", 16, "meters.calls.tiers[1].prise: unknown key; known: up_to, price"),
    ("price = 0.05", "", 14, "meters.calls.tiers[1].price: missing"),
    ("price = 0.05", 'price = "x"', 16, "meters.calls.tiers[1].price: invalid decimal string"),
    ('    "price_2",', "    2,", 7, "meters.calls.prices.shop[1]: expected text, got a whole number"),
    ('name = "Calls"', "", 3, "meters.calls.name: missing"),
    ('name = "Calls"', 'name = "bad"', 3, "meters.calls: expected a good name"),
    ('name = "Calls"', 'name = "Calls"\nmode = "max"', 5, "meters.calls.mode: invalid enum value 'max'; expected one of 'last', 'sum'"),
    ("share = 0.5", "share = []", 21, 'meters."model conversions".share: expected a number, got an array'),
    ("share = 0.5", "[meters.x]", 21, "meters.x.name: missing"),
    ("share = 0.5", "[meters]\ny = 7", 22, "meters.y: expected a table, got a whole number"),
    ("# a comment", "[plan.pro]", 1, "plan: unknown table; known: accounts, limits, plans, refunds, entitlements, meters"),
    ("# a comment", "x = ", 1, "not a TOML file: Invalid value"),
    ("share = 0.5", "share = '", 21, 'not a TOML file: Expected "\'"'),
    ("share = 0.5", "name = 1", 21, "not a TOML file: Cannot overwrite a value"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "line", "message"), CASES)
def test_an_error_names_file_line_and_key(right: str, wrong: str, line: int, message: str) -> None:
    assert right in GOOD
    text = GOOD.replace(right, wrong)
    with pytest.raises(ConfigError) as caught:
        catalogue.convert(catalogue.parse(text, "tallyhook.toml"), "meters", dict[str, Meter])
    assert str(caught.value) == f"tallyhook.toml, line {line}: {message}"


def test_a_right_file_is_read_exactly() -> None:
    meters = catalogue.convert(catalogue.parse(GOOD, "x"), "meters", dict[str, Meter])
    assert meters["calls"].tiers[1] == Tier(up_to="rest", price=Decimal("0.05"))
    assert meters["calls"].prices == {"shop": ("price_1", "price_2")}
    assert meters["model conversions"].share == 0.5


def test_a_table_that_is_not_there_is_empty_and_the_built_in_one_must_be_asked_for() -> None:
    document = catalogue.parse("", "x")
    assert catalogue.convert(document, "meters", dict[str, Meter]) == {}
    assert catalogue.having(document, "plans") is catalogue.built_in()
    own = catalogue.parse("[plans.free]\n", "x")
    assert catalogue.having(own, "plans") is own


VALUES = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(tables=st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1, max_size=3), data=st.data())
def test_a_value_is_found_on_the_line_it_was_written_on(tables: dict[str, Any], data: st.DataObject) -> None:
    steps: tuple[str | int, ...] = ()
    value: Any = tables
    while isinstance(value, dict | list) and value:
        step = data.draw(st.sampled_from(sorted(value)) if isinstance(value, dict) else st.integers(0, len(value) - 1))
        steps, value = (*steps, step), value[step]
    lines = [line for key, each in tables.items() for line in _written(key, each, (key,))]
    text = "\n".join(line for line, _ in lines)
    assert tomllib.loads(text) == tables
    holding = [number for number, (_, held) in enumerate(lines, 1) if steps in held]
    assert line_of(text, steps) == holding[0]


def _written(key: str, value: Any, path: tuple[str | int, ...]) -> list[tuple[str, list[tuple[str | int, ...]]]]:
    """`key = value`, an array over several lines; with each line the paths that begin on it."""
    if not isinstance(value, list):
        return [(f"{key} = {_inline(value)}", _paths(value, path))]
    inner = [(f"  {_inline(each)}, # ]", _paths(each, (*path, index))) for index, each in enumerate(value)]
    return [(f"{key} = [", [path]), *inner, ("]", [])]


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(each)}" for key, each in value.items()) + "}"
    return f"[{', '.join(_inline(each) for each in value)}]" if isinstance(value, list) else str(value)


def _paths(value: Any, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, each in pairs for found in _paths(each, (*path, step)))]


def _load(tmp_path: Path, text: str, **environ: str) -> settings.Settings:
    file = tmp_path / "tallyhook.toml"
    file.write_text(text)
    return settings.load({"TALLYHOOK_CONFIG": str(file), **environ}, {"stripe": (), "lemonsqueezy": ("store_id",)})


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[accounts.shop]\nprovider = "strip"', 2, "accounts.shop.provider: expected one of stripe, lemonsqueezy"),
        ("[accounts.shop]\n", 1, "accounts.shop.provider: expected one of stripe, lemonsqueezy"),
        ('[accounts.shop]\nprovider = "stripe"\nstore_id = 7', 3, "accounts.shop.store_id: unknown key; known: "),
        ('[accounts.shop]\nprovider = "stripe"\nwebhook_secrets = ["a", 7]', 3, "accounts.shop.webhook_secrets[1]: "),
        ("[accounts]\nshop = 7", 2, "accounts.shop: expected a table, got a whole number"),
        ("[limits]\nmax_bodies = 7", 2, "limits.max_bodies: unknown key; known: max_body, "),
        ("[limits]\nmax_body = 1.5", 2, "limits.max_body: expected a whole number, got a number"),
    ],
)
def test_accounts_and_limits_are_refused_the_same_way(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError, match=r"tallyhook\.toml, line ") as caught:
        _load(tmp_path, text)
    assert f"tallyhook.toml, line {line}: {message}" in str(caught.value)


def test_a_file_without_accounts_leaves_them_to_the_environment(tmp_path: Path) -> None:
    loaded = _load(tmp_path, "[limits]\ncommit_timeout = 2.5\n[plans.free]\n", STRIPE_WEBHOOK_SECRET="whsec_1")
    assert [account.name for account in loaded.accounts] == ["stripe"]
    assert loaded.commit_timeout == 2.5
    assert "plans" in loaded.document.tables


def test_a_settings_object_shows_no_secret_and_can_go_to_another_process(tmp_path: Path) -> None:
    loaded = _load(tmp_path, '[accounts.s]\nprovider = "stripe"\nwebhook_secret = "whsec_hidden"')
    assert loaded.accounts[0].webhook_secrets == ("whsec_hidden",)
    assert "whsec_hidden" not in repr(loaded) + repr(loaded.document)
    assert pickle.loads(pickle.dumps(loaded)).document == loaded.document  # noqa: S301
