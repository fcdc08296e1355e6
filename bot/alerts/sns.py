"""Amazon SNS: who sends is told by a signature inside the body, made with a certificate of Amazon's.

Source of truth: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

The certificate is fetched from Amazon's own domain over TLS and nowhere else, kept, and believed while it is valid.
A subscription is confirmed by us if the signed request is for a topic that the settings allow; its address too must be
Amazon's. What is signed for another topic, or was signed long ago, is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from pydantic import Field

from bot.alerts.auth import REPLAY_WINDOW_S, NotAuthenticated
from bot.alerts.decode import verbatim
from bot.alerts.payload import Moment, Name, Payload, Text, read
from bot.errors import BadInput, SourceUnavailable
from bot.http import HttpSource
from bot.settings import SnsAuth

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

HOST = re.compile(r"sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
"""What is signed of each type of message, in this order."""
AHEAD = timedelta(minutes=5)
"""How far the clock of the sender may be ahead of ours."""
CERTIFICATES = 20
LONGEST_CERTIFICATE = 20_000

Fetch = Callable[[str], Awaitable[bytes]]
"""The bytes at an https address."""

log = structlog.get_logger(__name__)


class Signed(Payload):
    """What the check needs of an envelope; the signed texts are read from the body as they are."""

    type: Name = Field(alias="Type")
    topic: Name = Field(alias="TopicArn")
    said_at: Moment = Field(alias="Timestamp")
    version: Text = Field(default=None, alias="SignatureVersion")
    signature: Name = Field(alias="Signature")
    certificate_url: Name = Field(alias="SigningCertURL")
    subscribe_url: Text = Field(default=None, alias="SubscribeURL")


class Sns:
    """Checks envelopes and confirms subscriptions.

    Args:
        fetch: asks an address that was found to be Amazon's.
    """

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch or fetched
        self._certificates: OrderedDict[str, Certificate] = OrderedDict()

    async def admit(self, auth: SnsAuth, body: bytes, now: datetime) -> bool:
        """Check the envelope; whether it holds a message. A subscription that is asked for is confirmed here.

        Raises:
            BadInput: the body is no envelope.
            NotAuthenticated: the signature, the topic or the time is wrong, or the certificate is not Amazon's.
        """
        document = verbatim(body)
        envelope = read(Signed, document, sender="Amazon SNS")
        assert isinstance(document, dict)
        if envelope.topic not in auth.topics:
            raise _refused(f"The topic {envelope.topic[:200]} is not among the topics of this source.")
        _check_time(envelope, now)
        certificate = await self._certificate(envelope.certificate_url, now)
        _check_signature(certificate, envelope, text_to_sign(document, envelope.type))
        if envelope.type == "SubscriptionConfirmation":
            await self._confirm(envelope)
        return envelope.type == "Notification"

    async def _confirm(self, envelope: Signed) -> None:
        await self._ask(_amazons(envelope.subscribe_url or "", "SubscribeURL"))
        log.info("sns.subscribed", topic=envelope.topic)

    async def _certificate(self, address: str, now: datetime) -> Certificate:
        url = _amazons(address, "SigningCertURL")
        if not urlsplit(url).path.endswith(".pem"):
            raise _refused("SigningCertURL does not lead to a certificate (.pem).")
        if url not in self._certificates:
            self._certificates[url] = _parsed(await self._ask(url))
            while len(self._certificates) > CERTIFICATES:
                self._certificates.popitem(last=False)
        certificate = self._certificates[url]
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            del self._certificates[url]
            raise _refused("The certificate of the signature is not valid now.")
        return certificate

    async def _ask(self, url: str) -> bytes:
        try:
            return await self._fetch(url)
        except SourceUnavailable as error:
            raise _refused(f"The signature could not be checked: {error}") from error


async def fetched(url: str) -> bytes:
    """The bytes at an https address; redirects are not followed."""
    split = urlsplit(url)
    path = f"{split.path}?{split.query}" if split.query else split.path
    parts: list[bytes] = []
    async with HttpSource("Amazon SNS", f"https://{split.netloc}", timeout_s=5, tries=1) as source:
        async for lines in source.lines("GET", path, max_bytes=LONGEST_CERTIFICATE):
            parts += lines
    return b"\n".join(parts)


def text_to_sign(document: dict[str, object], kind: str) -> bytes:
    """The text that the signature is of: names and values, one a line; what the message does not have is left out.

    Raises:
        BadInput: there is no such type of message.
    """
    if kind not in SIGNED:
        raise BadInput(f"Type: SNS has no message of the type '{kind[:50]}'.")
    given = [(name, document[name]) for name in SIGNED[kind] if document.get(name) is not None]
    return "".join(f"{name}\n{value}\n" for name, value in given).encode("utf-8", "surrogatepass")


def _check_signature(certificate: Certificate, envelope: Signed, signed: bytes) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - used by this source only
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise _refused("The certificate of the signature holds no RSA key.")
    # Version 1 is SHA-1, still Amazon's default: https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
    algorithm = {"1": hashes.SHA1, "2": hashes.SHA256}.get(envelope.version or "")
    if algorithm is None:
        raise _refused(f"SignatureVersion {(envelope.version or 'none')[:20]} is not understood: 1 and 2 are.")
    try:
        key.verify(base64.b64decode(envelope.signature, validate=True), signed, padding.PKCS1v15(), algorithm())
    except (InvalidSignature, binascii.Error):
        raise _refused("The signature does not fit the message.") from None


def _check_time(envelope: Signed, now: datetime) -> None:
    if envelope.said_at is None or envelope.said_at.tzinfo is None:
        raise _refused("Timestamp does not say when the message was sent.")
    age = now - envelope.said_at
    if not -AHEAD <= age <= timedelta(seconds=REPLAY_WINDOW_S):
        raise _refused(f"The message was signed at another time than now (within {REPLAY_WINDOW_S:g} s).")


def _amazons(url: str, field: str) -> str:
    """The address, if it is one of SNS's own, over TLS.

    Raises:
        NotAuthenticated: it is not.
    """
    try:
        split = urlsplit(url)
        own = split.scheme == "https" and HOST.fullmatch(split.netloc) is not None
    except ValueError:
        own = False
    if not own:
        raise _refused(f"{field} does not lead to sns.REGION.amazonaws.com: {url[:200]!r} is not asked.")
    return url


def _parsed(pem: bytes) -> Certificate:
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

    try:
        return load_pem_x509_certificate(pem)
    except ValueError:
        raise _refused("SigningCertURL gave no certificate.") from None


def _refused(message: str) -> NotAuthenticated:
    return NotAuthenticated(message, challenge='SNS realm="nightdesk"')
