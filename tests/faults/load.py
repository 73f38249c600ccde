"""Providers that deliver without pause, each to its account, and remember exactly what they were answered."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from tests.contract.specimen import Specimen
from tests.signing import SECRET

Key: TypeAlias = tuple[str, str]
"""An account and an event of it: the accounts' events and objects have the same ids."""
_OBJECTS = 12
_FIRST_SECOND = 1_780_000_000


class Sent(msgspec.Struct):
    """What one sender did. `acknowledged` maps an event's id to our id of it; `unanswered` got no status line."""

    bodies: dict[Key, bytes] = {}
    acknowledged: dict[Key, int] = {}
    refused: dict[Key, int] = {}
    unanswered: list[Key] = []
    odd: list[str] = []


class Load:
    """Several senders at each provider, each with objects of its own, so that each object's events have seconds of their own.

    An account has the name of its provider.
    """

    def __init__(self, port: int, specimens: Mapping[str, Specimen], *, senders: int, seed: str) -> None:
        self._port = port
        self._specimens = specimens
        self._stop = threading.Event()
        self._sent: list[Sent] = []
        self._threads: list[threading.Thread] = []
        for account in specimens:
            for number in range(senders):
                self._sent.append(Sent())
                rng = random.Random(f"{seed}/{account}/{number}")
                arguments = (self._sent[-1], account, number, rng)
                self._threads.append(threading.Thread(target=self._run, args=arguments, daemon=True))

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

    def _run(self, sent: Sent, account: str, number: int, rng: random.Random) -> None:
        count = 0
        while not self._stop.is_set():
            count += 1
            chosen = list(_again(sent, rng))
            if not chosen:
                event_id, object_id = f"evt_{number}_{count}", f"sub_{number}_{rng.randrange(_OBJECTS)}"
                chosen = [(account, event_id)]
                made = self._specimens[account].change(event_id, object_id, f"cus_{count}", _FIRST_SECOND + count)
                sent.bodies[chosen[0]] = made
            answered = self._deliver(sent, chosen[0])
            # Without a pause nothing but the refusal of connections would be measured while the server is down.
            self._stop.wait(rng.uniform(0.0, 0.004) if answered else 0.02)

    def _deliver(self, sent: Sent, key: Key) -> bool:
        body = sent.bodies[key]
        headers = self._specimens[key[0]].headers(body, SECRET, int(time.time()))
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with contextlib.closing(connection):
            try:
                connection.request("POST", f"/webhooks/{key[0]}", body, headers)
                response = connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionError):
                sent.unanswered.append(key)
                return False
            except (OSError, http.client.HTTPException) as error:
                sent.odd.append(f"{key}: {error!r}")
                return False
            self._note(sent, key, response)
        return True

    def _note(self, sent: Sent, key: Key, response: http.client.HTTPResponse) -> None:
        try:
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The status line came, so the commit was done: a provider would count this as delivered.
            sent.odd.append(f"{key}: {response.status} without its body: {error!r}")
            return
        if response.status != 200:
            sent.refused[key] = response.status
        elif sent.acknowledged.setdefault(key, answer["id"]) != answer["id"] or answer["event_id"] != key[1]:
            sent.odd.append(f"{key}: acknowledged as {answer}, before as {sent.acknowledged[key]}")


def _again(sent: Sent, rng: random.Random) -> Iterator[Key]:
    """Now and then an event once more. Most acknowledged events are never sent again: a copy would hide their loss."""
    if sent.unanswered and rng.random() < 0.5:
        yield sent.unanswered.pop(0)
    elif sent.acknowledged and rng.random() < 0.05:
        yield rng.choice(list(sent.acknowledged)[-50:])
