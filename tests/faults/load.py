"""A provider that delivers without pause, and remembers exactly what it was answered."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
from collections.abc import Iterator

import msgspec

from tests.signing import event, signed

_CUSTOMERS = 12
_FIRST_SECOND = 1_780_000_000


class Sent(msgspec.Struct):
    """What one sender did. `acknowledged` maps an event's id to our id of it; `unanswered` got no status line."""

    bodies: dict[str, bytes] = {}
    acknowledged: dict[str, int] = {}
    refused: dict[str, int] = {}
    unanswered: list[str] = []
    odd: list[str] = []


class Load:
    """Several senders, each with customers of its own, so that each customer's events have seconds of their own."""

    def __init__(self, port: int, *, senders: int, seed: str) -> None:
        self._port = port
        self._stop = threading.Event()
        self._sent = [Sent() for _ in range(senders)]
        self._threads = [
            threading.Thread(target=self._run, args=(number, random.Random(f"{seed}/{number}")), daemon=True)
            for number in range(senders)
        ]

    def start(self) -> None:
        """Begin to deliver."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> Sent:
        """End, and tell what was sent and answered."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
        whole = Sent()
        for sent in self._sent:
            whole.bodies |= sent.bodies
            whole.acknowledged |= sent.acknowledged
            whole.refused |= sent.refused
            whole.unanswered += sent.unanswered
            whole.odd += sent.odd
        return whole

    @property
    def acknowledged(self) -> int:
        """How many events were acknowledged so far."""
        return sum(len(sent.acknowledged) for sent in self._sent)

    def _run(self, number: int, rng: random.Random) -> None:
        sent = self._sent[number]
        count = 0
        while not self._stop.is_set():
            count += 1
            chosen = [key for key in _again(sent, rng) if key]
            if not chosen:
                chosen = [f"evt_{number}_{count}"]
                sent.bodies[chosen[0]] = _body(chosen[0], f"cus_{number}_{rng.randrange(_CUSTOMERS)}", count)
            answered = self._deliver(sent, chosen[0])
            # Without a pause nothing but the refusal of connections would be measured while the server is down.
            self._stop.wait(rng.uniform(0.0, 0.004) if answered else 0.02)

    def _deliver(self, sent: Sent, key: str) -> bool:
        body = sent.bodies[key]
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with contextlib.closing(connection):
            try:
                connection.request("POST", "/webhooks/stripe", body, signed(body))
                response = connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionError):
                sent.unanswered.append(key)
                return False
            except (OSError, http.client.HTTPException) as error:
                sent.odd.append(f"{key}: {error!r}")
                return False
            self._note(sent, key, response)
        return True

    def _note(self, sent: Sent, key: str, response: http.client.HTTPResponse) -> None:
        try:
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The status line came, so the commit was done: a provider would count this as delivered.
            sent.odd.append(f"{key}: {response.status} without its body: {error!r}")
            return
        if response.status != 200:
            sent.refused[key] = response.status
        elif sent.acknowledged.setdefault(key, answer["id"]) != answer["id"] or answer["event_id"] != key:
            sent.odd.append(f"{key}: acknowledged as {answer}, before as {sent.acknowledged[key]}")


def _again(sent: Sent, rng: random.Random) -> Iterator[str]:
    """Now and then an event once more. Most acknowledged events are never sent again: a copy would hide their loss."""
    if sent.unanswered and rng.random() < 0.5:
        yield sent.unanswered.pop(0)
    elif sent.acknowledged and rng.random() < 0.05:
        yield rng.choice(list(sent.acknowledged)[-50:])


def _body(key: str, customer: str, second: int) -> bytes:
    type_ = "customer.created" if second % 10 == 1 else "customer.updated"
    return event(key, type_=type_, object_id=customer, created=_FIRST_SECOND + second, name=f"name of {key}")
