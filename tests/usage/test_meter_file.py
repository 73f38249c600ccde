"""What is wrong with a meter is named by file, line and key, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import ConfigError
from service.meters import bill
from service.settings import load
from service.system import System, options

_ACCOUNTS = """
[accounts.shop]
provider = "stripe"
webhook_secret = "whsec_x"
[accounts.lemon]
provider = "lemonsqueezy"
webhook_secret = "secret"
"""


def _system(folder: Path, text: str) -> System:
    file = folder / "tallyhook.toml"
    file.write_text(_ACCOUNTS + text)
    return System(load({"TALLYHOOK_CONFIG": str(file), "DATABASE_URL": f"sqlite:///{folder}/x.db"}, options()))


def test_meters_come_from_the_file_and_without_any_from_the_example(tmp_path: Path) -> None:
    """The example has the three that the docs name; a hundred thousand inferences are free."""
    example = _system(tmp_path, "")
    assert sorted(example.meters) == ["inferences", "model_conversions", "storage"]
    assert bill(example.meters["inferences"], 3_100_000, "USD").amount == 600
    example.close()
    own = _system(tmp_path, '[meters.calls]\nunit = "call"\nsend.shop = { event_name = "calls" }\n')
    assert own.meters["calls"].options("shop") == {"event_name": "calls"}
    own.close()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[meters.calls]\nscale = 2\n', r"line 8: meters\.calls\.unit: missing"),
        ('[meters.calls]\nunit = "call"\ncolour = 1\n', r"line 10: meters\.calls\.colour: unknown key"),
        ('[meters.calls]\nunit = "call"\nscale = 12\n', r"meters\.calls: scale: expected a number of decimals from 0 to 9"),
        ('[meters.calls]\nunit = "call"\nsend.nobody = {}\n', r"line 10: meters\.calls\.send\.nobody: there is no account"),
        ('[meters.calls]\nunit = "call"\nsend.shop = {}\n', r"line 10: meters\.calls\.send\.shop\.event_name: missing"),
        ('[meters.calls]\nunit = "call"\nsend.shop = { event_name = "x", per = 3 }\n', r"send\.shop\.per: unknown key"),
        ('[meters.calls]\nunit = "call"\nsend.lemon = { action = "guess" }\n', r"send\.lemon: action: expected increment or set"),
        (
            '[meters.calls]\nunit = "call"\naggregation = "last"\nsend.lemon = { action = "increment" }\n',
            r"send\.lemon: action: a meter whose last value counts can only be set",
        ),
    ],
)  # fmt: skip
def test_a_wrong_meter_is_refused_by_line_and_key(tmp_path: Path, text: str, reason: str) -> None:
    """Nothing starts with it."""
    with pytest.raises(ConfigError, match=reason):
        _system(tmp_path, text)
