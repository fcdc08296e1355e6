"""No secret is stored; talk about secrets is. The tokens are made up and put together here, so no scanner trips."""

from __future__ import annotations

import base64
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import redact, redact_log

LETTERS = (string.ascii_letters + string.digits) * 4


def _part(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


SECRETS = {
    "Slack bot token": "xo" + "xb-" + "123456789012-1234567890123-" + LETTERS[:24],
    "Slack user token": "xo" + "xp-" + "123456789012-123456789012-" + LETTERS[5:37],
    "Slack app token": "xa" + "pp-1-A0123456789-" + "1234567890123-" + "0a1b2c3d" * 8,
    "AWS access key": "AK" + "IA" + "QWERTYUIOPASDFGH",
    "AWS temporary key": "AS" + "IA" + "ZXCVBNMLKJHGFDSA",
    "GitHub token": "gh" + "p_" + LETTERS[:36],
    "GitHub fine-grained token": "github" + "_pat_" + LETTERS[:22] + "_" + LETTERS[:59],
    "GitLab token": "glp" + "at-" + LETTERS[:20],
    "Google key": "AI" + "za" + LETTERS[:35],
    "Stripe key": "sk_" + "live_" + LETTERS[:24],
    "model key": "sk" + "-proj-" + LETTERS[:48],
    "Vault token": "hv" + "s." + LETTERS[:24],
    "SendGrid key": "S" + "G." + LETTERS[:22] + "." + LETTERS[:43],
    "npm token": "np" + "m_" + LETTERS[:36],
    "Docker token": "dckr" + "_pat_" + LETTERS[40:67],
    "Shopify token": "shp" + "at_" + "0a1b2c3d" * 4,
    "Sentry token": "sntr" + "ys_" + LETTERS[:60],
    "Grafana token": "gl" + "sa_" + LETTERS[30:62] + "_0a1b2c3d",
    "Terraform token": LETTERS[:14] + ".atlas" + "v1." + LETTERS[:60],
    "Dynatrace token": "dt0" + "c01." + "ABCD1234" * 3 + "." + "EFGH5678" * 8,
    "Doppler token": "dp" + ".pt." + LETTERS[:43],
    "Telegram token": "1234567890" + ":AA" + LETTERS[:33],
    "Groq key": "gs" + "k_" + LETTERS[30:82],
    "Linear key": "lin" + "_api_" + LETTERS[30:70],
    "New Relic licence": "0a1b2c3d" * 4 + "0a1b" + "NR" + "AL",
    "JWT": ".".join([_part({"alg": "HS256", "typ": "JWT"}), _part({"sub": "1234567890"}), LETTERS[:43]]),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("sentence", ["{}", "use {} for now", "token: {}, thanks", "`{}`", "在用{} 这个", "<{}>"])
def test_a_token_is_taken_out_of_any_sentence(secret: str, sentence: str) -> None:
    clean = redact(sentence.format(secret))
    assert secret not in clean
    assert secret[8:24] not in clean
    assert "[redacted: " in clean


def test_a_private_key_goes_with_all_its_lines() -> None:
    kind = "RSA PRIVATE" + " KEY"
    text = f"here:\n-----BEGIN {kind}-----\n{LETTERS[:64]}\n{LETTERS[1:65]}\n-----END {kind}-----\nok?"
    assert redact(text) == "here:\n[redacted: private key]\nok?"


def test_a_private_key_that_was_cut_off_goes_too() -> None:
    kind = "OPENSSH PRIVATE" + " KEY"
    assert redact(f"-----BEGIN {kind}-----\n{LETTERS[:64]}") == "[redacted: private key]"


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "redis", "amqp", "mongodb+srv", "https"])
def test_the_password_of_a_connection_string_goes_and_the_rest_stays(scheme: str) -> None:
    clean = redact(f"dsn is {scheme}://app:s3cr3t-p@ss@db-1.internal:5432/payments please")
    assert clean == f"dsn is {scheme}://app:[redacted: password in URL]@db-1.internal:5432/payments please"


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("curl -s -u admin:", "S3cr3tPw!", " https://db"),
        ("mysql -u root -p", "S3cr3tPw99", " orders"),
        ("redis-cli -h cache -a ", "hunter2pw", " ping"),
        ("Authorization: Splunk ", "53d1cd72-d18b-5dbd-07b7-cbb957b075f8", ""),
        ("Authorization: GenieKey ", "53d1cd72-d18b-5dbd-07b7-cbb957b075f8", ""),
        ("Authorization: Token token=", "y_NbAkKc66ryYTWUXYEu", ""),
        ("pagerduty routing_key: ", "0a1b2c3d" * 4, " for it"),
        ("dd app key: ", "0a1b2c3d" * 5, ""),
        ("https://", "0a1b2c3d" * 4, "@o123.ingest.sentry.io/456"),
        ("https://x.blob.core.windows.net/c?sv=2022&sig=", LETTERS[:43] + "%3D", ""),
        ("Cookie: ", f"session={LETTERS[:40]}", ""),
    ],
)
def test_what_stands_around_a_secret_stays(before: str, secret: str, after: str) -> None:
    clean = redact(f"try {before}{secret}{after}")
    assert secret not in clean
    assert secret[-8:] not in clean
    assert clean.startswith(f"try {before}")
    assert clean.endswith(f"]{after}")


def test_a_webhook_loses_its_path() -> None:
    path = "/".join(["T0AAAAAAA", "B0BBBBBBB", LETTERS[:24]])
    assert path not in redact(f"https://hooks.slack.com/services/{path}")


@pytest.mark.parametrize(
    "text",
    [
        "password={}",
        "PGPASSWORD={} psql",
        'DB_PASSWORD: "{}"',
        "aws_secret_access_key = {}",
        "the new password is {}",
        '{{"api_key": "{}"}}',
        "host=db user=app password={} dbname=payments",
        "Authorization: Bearer {}",
        "密码是{}",
        "密码：{}",
    ],
)
def test_an_assigned_secret_goes(text: str) -> None:
    secret = "tr0ub4dor" + "And3Sons"
    assert secret not in redact(text.format(secret))


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_token_is_taken_out_of_a_log_line(secret: str) -> None:
    assert secret not in redact_log(f"level=warn msg='refused' key={secret} status=401")
    assert secret not in redact_log(f"request with {secret} refused")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("password: reset", "password: [redacted: secret]"),
        ("db_password=abc user=app", "db_password=[redacted: secret] user=app"),
        ("Authorization: Bearer abcdefgh", "Authorization: [redacted: secret]"),
        ("Set-Cookie: sid=12; Path=/", "Set-Cookie: [redacted: secret]; Path=/"),
        ('{"session_id": "a b c", "n": 1}', '{"session_id": [redacted: secret], "n": 1}'),
        ("token bucket is full", "token bucket is full"),
    ],
)
def test_what_a_program_writes_after_such_a_name_is_a_secret(line: str, shown: str) -> None:
    assert redact_log(line) == shown


def test_redacting_a_log_line_twice_changes_nothing() -> None:
    once = redact_log("Authorization: Bearer abcdef123456 password=hunter22 " + SECRETS["GitHub token"])
    assert redact_log(once) == once


@pytest.mark.parametrize(
    "talk",
    [
        "the token is expired, ask Ana",
        "the token is rejected by payments",
        "password: forgotten!",
        "token: ${DEPLOY_TOKEN}",
        "password: reset it in the console",
        "Which password do we use?",
        "secrets are in vault under kv/payments",
        "basic idea: restart it",
        "token bucket is full on payments-api",
        "http://grafana:3000/d/abc@now",
        "mail me at ana@example.com",
        "export PASSWORD=$DB_PASSWORD",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b broke it",
        "密码过期了",
    ],
)
def test_talk_about_secrets_stays(talk: str) -> None:
    assert redact(talk) == talk


def test_redacting_twice_changes_nothing() -> None:
    once = redact("password=hunter22 " + SECRETS["GitHub token"])
    assert redact(once) == once


@given(st.text(max_size=300))
def test_any_text_can_be_redacted(text: str) -> None:
    assert isinstance(redact(text), str)
    assert isinstance(redact_log(text), str)
