"""The content key: one for whatever says the same, another for any change (PROVIDERS.md 3.2)."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from service.providers.lemonsqueezy import provider
from service.providers.lemonsqueezy.envelope import key_of
from tests.providers.lemonsqueezy.given import USUAL, Json, changed, replaced, whole, with_data, with_meta


def key(body: bytes) -> str:
    """The content key of a body."""
    found = provider.envelope(body).content_key
    assert found is not None
    return found


def test_two_renderings_of_one_event_have_one_content_key() -> None:
    """A resend may come with another webhook_id, other signatures in its links, and other spaces and slashes."""
    event = whole("subscription_cancelled__runs_until_ends_at")
    first = json.dumps(event).encode()
    event["meta"]["webhook_id"] = "11111111-2222-3333-4444-555555555555"
    urls: Json = event["data"]["attributes"]["urls"]
    event["data"]["attributes"]["urls"] = {name: url.replace("0123", "9876") for name, url in urls.items()}
    event["data"]["relationships"] = {}
    second = json.dumps(event, indent=1).replace("/", "\\/").encode()
    assert key(first) == key(second)
    assert provider.envelope(first).event_id != provider.envelope(second).event_id


def test_signed_links_are_left_out_wherever_they_stand() -> None:
    def linked(signature: str) -> bytes:
        url = f"https://app.lemonsqueezy.com/x?expires={signature}&signature={signature}"
        return changed(USUAL, link=url, nested=[{"deep": [url], "urls": {"any": signature}}])

    assert key(linked("1")) == key(linked("2"))
    assert key(linked("1")) != key(changed(USUAL, link=None, nested=[{"deep": [None], "urls": {"any": "1"}}]))


def test_a_lasting_link_is_content() -> None:
    assert key(changed(USUAL, link="https://a.test/x")) != key(changed(USUAL, link="https://a.test/y?z=1"))


def test_the_same_state_told_by_another_event_is_another_event() -> None:
    assert key(with_meta(event_name="subscription_updated")) != key(with_meta(event_name="subscription_unpaused"))
    assert key(with_data(id="7")) != key(with_data(id="8"))


def test_a_change_of_the_item_alone_is_another_event() -> None:
    """Recorded at Lemon Squeezy: the subscription's own `updated_at` did not move."""
    before, after = (
        whole("subscription_created__active"),
        whole("subscription_updated__item_changed_in_the_same_second"),
    )
    assert before["data"]["attributes"]["updated_at"] == after["data"]["attributes"]["updated_at"]
    after["meta"]["event_name"] = before["meta"]["event_name"]
    assert key(json.dumps(before).encode()) != key(json.dumps(after).encode())


def paths(value: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Where the values of a JSON document stand that are no objects and no lists."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from paths(each, *path, name)
    else:
        yield path


_scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"))
_places = [
    (name, path)
    for name in ("order_refunded__partly", USUAL, "subscription_payment_failed__stays_pending")
    for path in paths(whole(name)["data"]["attributes"])
    if "urls" not in path
]


@given(st.sampled_from(_places), _scalars)
def test_any_change_of_an_attribute_is_another_content(place: tuple[str, tuple[str, ...]], new: Any) -> None:
    name, path = place
    attributes = whole(name)["data"]["attributes"]
    later = replaced(attributes, path, new)
    assume(json.dumps(later, sort_keys=True) != json.dumps(attributes, sort_keys=True))
    assert key_of("x", "y", "1", later) != key_of("x", "y", "1", attributes)


_documents = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), _documents, max_size=4), st.randoms(use_true_random=True))
def test_the_order_of_keys_does_not_change_the_content(attributes: Json, random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(name, shuffled(each)) for name, each in value.items()]
            random.shuffle(items)
            return dict(items)
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    assert key_of("x", "y", "1", attributes) == key_of("x", "y", "1", shuffled(attributes))
