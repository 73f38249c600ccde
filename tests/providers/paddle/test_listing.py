"""Lists that can't be walked to their end."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import ProviderUnavailable
from service.providers.paddle.client import PaddleReader
from service.sandbox.edge import Answer, Call
from tests.providers.paddle.conftest import Wire
from tests.providers.paddle.given import Json
from tests.providers.paddle.shelf import answer


def pagination(**changes: Any) -> Json:
    """A page that promises another one."""
    page = {"has_more": True, "next": "https://api.paddle.com/customers?after=ctm_1", "per_page": 1} | changes
    return {"data": [{"id": "ctm_1"}], "meta": {"pagination": page}}


@pytest.mark.parametrize(
    "body",
    [
        pagination() | {"data": []},
        pagination(next=None),
        pagination(next=""),
        pagination(next="https://api.paddle.com/customers"),
        pagination(next="https://api.paddle.com/customers?after="),
        pagination(next="https://api.paddle.com/customers?after=a&after=b"),
        pagination(next="https://[broken?after=a"),
        pagination(next=f"https://api.paddle.com/customers?after={'a' * 256}"),
        pagination(next=5),
        pagination(has_more="yes"),
        pagination(has_more=None),
        {"data": [{"id": "ctm_1"}]},
        {"data": [{"id": "ctm_1"}], "meta": {}},
        {"data": {"id": "ctm_1"}, "meta": pagination()["meta"]},
        {"data": [5], "meta": {"pagination": {"has_more": False}}},
        [],
    ],
)
def test_a_list_that_cannot_be_walked_to_its_end_proves_nothing(reader: PaddleReader, wire: Wire, body: Any) -> None:
    wire.answer = lambda _call: answer(200, body)
    with pytest.raises(ProviderUnavailable):
        reader.page("customer", cursor=None, since=None, until=None)


def test_a_cursor_that_comes_again_proves_nothing(reader: PaddleReader, wire: Wire) -> None:
    wire.answer = lambda _call: answer(200, pagination())
    assert reader.page("customer", cursor=None, since=None, until=None).cursor == "ctm_1"
    with pytest.raises(ProviderUnavailable, match="came back"):
        reader.page("customer", cursor="ctm_1", since=None, until=None)
    with pytest.raises(ProviderUnavailable, match="came back"):
        reader.endpoints()


def test_a_list_that_goes_round_in_a_wider_circle_proves_nothing(reader: PaddleReader, wire: Wire) -> None:
    def circle(call: Call) -> Answer:
        following = "b" if "after=a" in call.query else "a"
        return answer(200, pagination(next=f"https://api.paddle.com/notification-settings?after={following}"))

    wire.answer = circle
    with pytest.raises(ProviderUnavailable, match="came back"):
        reader.endpoints()
