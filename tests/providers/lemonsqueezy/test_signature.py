"""What is peculiar to Lemon Squeezy's signature: PROVIDERS.md 3.1."""

from service.providers.lemonsqueezy import provider
from tests.providers.lemonsqueezy.given import SECRET
from tests.providers.lemonsqueezy.specimen import BODY, SIGNATURE


def test_spaces_around_the_signature_do_not_matter() -> None:
    headers = {b"x-signature": b" " + SIGNATURE + b"\t"}
    provider.verify(headers=headers, body=BODY, secrets=[SECRET], now=0, tolerance=300)
