"""SNS envelopes, signed with a certificate that the test makes."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from bot.alerts.auth import NotAuthenticated
from bot.alerts.sns import Sns, text_to_sign
from bot.errors import BadInput, SourceUnavailable
from bot.settings import SnsAuth
from tests.unit.alerts.payloads import payload

NOW = datetime(2026, 3, 14, 3, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
AUTH = SnsAuth(topics=(TOPIC,))
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1234.pem"
SUBSCRIBE = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def pem(valid_days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key().public_key())
    valid = builder.not_valid_before(NOW - timedelta(days=60)).not_valid_after(NOW + timedelta(days=valid_days))
    return valid.serial_number(1).sign(key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def envelope(kind: str = "Notification", version: str = "2", **changes: object) -> dict[str, Any]:
    """A signed envelope; the changes are signed too."""
    body: dict[str, Any] = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": payload("cloudwatch/sns-alarm")["Message"],
        "Timestamp": "2026-03-14T02:57:41.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        **({"SubscribeURL": SUBSCRIBE, "Token": "t"} if kind != "Notification" else {"Subject": "ALARM: æ"}),
        **changes,
    }
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - what Amazon signs with by default
    signature = key().sign(text_to_sign(body, kind), padding.PKCS1v15(), algorithm)
    return {**body, "Signature": base64.b64encode(signature).decode()}


class Amazon:
    """Answers as SNS does, and notes what it is asked."""

    def __init__(self, certificate: bytes | None = None) -> None:
        self.asked: list[str] = []
        self._certificate = certificate or pem()

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self._certificate if url.endswith(".pem") else b"<ConfirmSubscriptionResponse/>"


async def admit(body: dict[str, Any], amazon: Amazon | None = None, now: datetime = NOW) -> bool:
    return await Sns((amazon or Amazon()).fetch).admit(AUTH, json.dumps(body).encode(), now)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_signed_message_of_an_allowed_topic_is_let_in(version: str) -> None:
    assert await admit(envelope(version=version))


async def test_a_subscription_to_an_allowed_topic_is_confirmed_and_holds_no_message() -> None:
    amazon = Amazon()
    assert not await admit(envelope("SubscriptionConfirmation"), amazon)
    assert amazon.asked == [CERTIFICATE, SUBSCRIBE]


async def test_the_end_of_a_subscription_is_acknowledged_and_not_undone() -> None:
    amazon = Amazon()
    assert not await admit(envelope("UnsubscribeConfirmation"), amazon)
    assert amazon.asked == [CERTIFICATE]


async def test_the_certificate_is_fetched_once() -> None:
    amazon = Amazon()
    sns = Sns(amazon.fetch)
    for _ in range(3):
        assert await sns.admit(AUTH, json.dumps(envelope()).encode(), NOW)
    assert amazon.asked == [CERTIFICATE]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({**envelope(), "Message": "another"}, "does not fit the message"),
        ({**envelope(), "Signature": "!!"}, "does not fit the message"),
        ({**envelope(), "SignatureVersion": "3"}, "SignatureVersion 3 is not understood"),
        (envelope(TopicArn="arn:aws:sns:eu-west-1:666:alarms"), "not among the topics"),
        (envelope("SubscriptionConfirmation", TopicArn="arn:aws:sns:eu-west-1:666:a"), "not among the topics"),
        (envelope(Timestamp="2026-03-14T01:57:41.000Z"), "another time than now"),
        (envelope(Timestamp="2026-03-14T03:57:41.000Z"), "another time than now"),
        (envelope(Timestamp="yesterday"), "does not say when"),
    ],
)
async def test_what_is_not_amazons_word_for_this_source_is_refused(body: dict[str, Any], said: str) -> None:
    amazon = Amazon()
    with pytest.raises(NotAuthenticated, match=said):
        await admit(body, amazon)
    assert SUBSCRIBE not in amazon.asked


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://s3.eu-west-1.amazonaws.com/evil/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://[",
        "file:///etc/passwd",
    ],
)
async def test_no_address_but_amazons_own_is_asked(url: str) -> None:
    amazon = Amazon()
    with pytest.raises(NotAuthenticated, match="SigningCertURL"):
        await admit(envelope(SigningCertURL=url), amazon)
    assert amazon.asked == []


async def test_a_signed_subscription_that_leads_elsewhere_is_not_confirmed() -> None:
    amazon = Amazon()
    with pytest.raises(NotAuthenticated, match="SubscribeURL does not lead to"):
        await admit(envelope("SubscriptionConfirmation", SubscribeURL="https://evil.example/"), amazon)
    assert amazon.asked == [CERTIFICATE]


@pytest.mark.parametrize("certificate", [b"", b"<html>", pem(valid_days=-1)])
async def test_what_is_no_valid_certificate_signs_nothing(certificate: bytes) -> None:
    with pytest.raises(NotAuthenticated, match="certificate"):
        await admit(envelope(), Amazon(certificate or b"-"))


async def test_while_amazon_does_not_answer_nothing_is_believed() -> None:
    async def away(url: str) -> bytes:
        raise SourceUnavailable("Amazon SNS did not answer")

    with pytest.raises(NotAuthenticated, match="could not be checked: Amazon SNS did not answer"):
        await Sns(away).admit(AUTH, json.dumps(envelope()).encode(), NOW)


async def test_a_body_that_is_no_envelope_is_bad_input() -> None:
    with pytest.raises(BadInput, match="TopicArn: this field is missing"):
        await admit({"AlarmName": "raw"})
    with pytest.raises(BadInput, match="no message of the type 'Gift'"):
        await Sns(Amazon().fetch).admit(AUTH, json.dumps({**envelope(), "Type": "Gift"}).encode(), NOW)
