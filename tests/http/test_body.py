"""A body is counted while it streams, and is whole or nothing."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from service.errors import Rejected
from service.http.body import read


class Sender:
    """Sends these messages, one each time it is asked; `left` are those that nobody asked for."""

    def __init__(self, *messages: Message) -> None:
        self.left = list(messages)

    async def receive(self) -> Message:
        """The next message."""
        return self.left.pop(0)


def part(body: bytes, *, more: bool = True) -> Message:
    """A piece of a body; `more` is left out of the last, as servers may."""
    return {"type": "http.request", "body": body} | ({"more_body": True} if more else {})


@pytest.mark.parametrize("sizes", [[10], [4, 6], [0, 9, 1], [0]])
def test_a_body_up_to_the_limit_is_read_whole(sizes: list[int]) -> None:
    parts = [b"%d" % number * size for number, size in enumerate(sizes)]
    sender = Sender(*(part(each) for each in parts[:-1]), part(parts[-1], more=False))
    assert asyncio.run(read(sender.receive, 10)) == b"".join(parts)


@pytest.mark.parametrize("sizes", [[11], [4, 7], [10, 0, 1]])
def test_one_byte_more_is_refused_and_the_rest_is_not_read(sizes: list[int]) -> None:
    sender = Sender(*(part(b"x" * size) for size in sizes), part(b"rest", more=False))
    with pytest.raises(Rejected, match="larger than 10 bytes") as refused:
        asyncio.run(read(sender.receive, 10))
    assert refused.value.cause == "too_large"
    assert sender.left == [part(b"rest", more=False)]


@pytest.mark.parametrize("before", [[], [b"half"], [b"", b"a"]])
def test_what_a_sender_sent_before_it_hung_up_is_no_body(before: list[bytes]) -> None:
    sender = Sender(*map(part, before), {"type": "http.disconnect"})
    with pytest.raises(Rejected, match="hung up") as refused:
        asyncio.run(read(sender.receive, 10))
    assert refused.value.cause == "bad_payload"
