"""What leaves the machine: no secret and no identifier, wherever in an incident they stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.canvas import parse
from bot.models import Alert, Evidence, Finding, Gap, Message, Noted, Rejected, Report, Resolved
from tests.characters import CALLS, Helpful, heard
from tests.integration.work.night import ALERT, CHANNEL, DRAWN, ID, JUDGED, NOW, REPORTS, night_as, told
from tests.integration.work.test_answering import Asked
from tests.speaking import Speaking, speaking

SECRETS = {
    "a password in a URL": ("postgres://app:S3cr3t-pw@db-7.corp.example:5432/pay", "S3cr3t-pw"),
    "a variable": ("PGPASSWORD=hunter2hunter psql", "hunter2hunter"),
    "JSON": ('{"password":"plainwordsecret"}', "plainwordsecret"),
    "JSON within JSON": (r"body={\"client_secret\":\"nested-5ecret\",\"user\":\"bob\"}", "nested-5ecret"),
    "an option": ("mysqldump --password dump3dsecret --all", "dump3dsecret"),
    "SQL": ("ALTER ROLE app WITH ENCRYPTED PASSWORD 'tr0ub4dor-sql'", "tr0ub4dor-sql"),
    "SQL of MySQL": ("CREATE USER x IDENTIFIED BY 'tr0ub4dor-my'", "tr0ub4dor-my"),
    "a header": ("Authorization: Basic dXNlcjpwYXNzd29yZDEyMw==", "dXNlcjpwYXNzd29yZDEyMw"),
    "a cookie": ("Cookie: sid=c00kie-of-mina; theme=dark", "c00kie-of-mina"),
    "an AWS key": ("key AKIAIOSFODNN7EXAMPLE of the job", "AKIAIOSFODNN7EXAMPLE"),
    "a Slack token": ("xoxb-123456789012-abcdefABCDEF", "xoxb-123456789012"),
    "a GitHub token": ("remote: ghp_" + "a1B2" * 9, "a1B2a1B2"),
    "a JWT": ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sflKxwRJSMeKKF2QT4", "sflKxwRJSMeKKF2QT4"),
    "a private key": (
        "-----BEGIN RSA PRIVATE KEY----- MIIEpAIBAAKCAQEA7 -----END RSA PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEA7",
    ),
    "Chinese": ("数据库密码：zh0ngw3n-mima", "zh0ngw3n-mima"),
}
IDENTIFIERS = ("db-7.corp.example", "10.20.30.40", "ann.smith@corp.example", "U0ANNSMITH", "/srv/secret-project/run.sh",
               "550e8400-e29b-41d4-a716-446655440000")  # fmt: skip
NAMED = f"at {', '.join(IDENTIFIERS)}"


def fact(number: int, text: str) -> Evidence:
    return Evidence(id=f"x-{number}", statement=text, observed_at=NOW, value=40)


def found(agent: Any, texts: Sequence[str]) -> Finding:
    """Evidence, and values that later steps read, with those texts in them."""
    evidence = tuple(fact(at, text) for at, text in enumerate(texts))
    values = {f"value_{at}": text for at, text in enumerate(texts)}
    return Finding(
        agent=agent, title=f"Seen by {agent}: {texts[0]}", service="payments", indicator="new_templates",
        kind=f"seen_{agent}", score=0.4, started_at=NOW, evidence=evidence,
        facts=values | {"deep": {"er": [{"x": text} for text in texts]}},
    )  # fmt: skip


class Careless(Asked):
    """A night in which everybody and everything writes out what should be kept."""

    def __init__(self, redis: Any, memory: Any, model: Any) -> None:
        texts = [f"{text} {NAMED}" for text, _ in SECRETS.values()]
        (locked,) = REPORTS["database.look"].findings
        looks = {
            "logs.look": Report(agent="logs", findings=(found("logs", texts),)),
            "database.look": Report(agent="database", findings=(locked, found("database", texts[::-1]))),
            "changes.look": Report(agent="changes", gaps=tuple(Gap(source="ci", reason=text) for text in texts)),
        }
        super().__init__(redis, memory, model, told(looks))


def spelled(texts: Sequence[str]) -> Alert:
    """An alert whose annotation and labels hold them."""
    said = f"Payments fail. {' '.join(texts)} {NAMED}"
    labels = {f"label_{at}": text for at, text in enumerate(texts)}
    return ALERT.model_copy(update={"summary": said, "labels": labels, "name": f"Failing {texts[0]}"})


def sent(model: Speaking) -> str:
    """All that the server was sent, as the text that a model reads."""
    return "\n".join(_texts(body) for body in model.requests)


def _texts(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(_texts(item) for item in value.values())
    if isinstance(value, list):
        return "\n".join(map(_texts, value))
    return value if isinstance(value, str) else json.dumps(value)


async def through_everything(redis_url: str) -> Speaking:
    """Every use of a model once, each given something that should not leave."""
    texts = [text for text, _ in SECRETS.values()]
    goal = DRAWN.replace("What is wrong with payments, and what has changed?", "Why {{ alert.summary }}?")
    async with speaking(Helpful()) as model, night_as(Careless, redis_url, model) as night:
        await night.memory.remember(
            Message(id=f"7{at}.0", channel=CHANNEL, user="U0ANNSMITH", sent_at=NOW - timedelta(hours=2 + at),
                    text=f"payments runbook: {text} {NAMED}")
            for at, text in enumerate(texts)
        )  # fmt: skip
        await night.triage(parse(goal), alert=spelled(texts))
        await night.triage(parse(JUDGED), alert=spelled(texts), incident_id="260301-JUDGED")
        for text in texts:
            await night.journal.append(ID, Noted(at=NOW, text=f"They wrote {text} {NAMED}"))
        incident = await night.incident()
        if incident.proposal:
            await night.journal.append(ID, Rejected(at=NOW, proposal_id=incident.proposal.id, actor="U0ANNSMITH",
                                                    reason=f"no: {' '.join(texts)} {NAMED}"))  # fmt: skip
        await night.asked(f"what do we know of payments? I used {' '.join(texts)} {NAMED}", thread="1.2")
        await night.journal.append(ID, Resolved(at=NOW + timedelta(minutes=30), actor="U0ANNSMITH", reason=texts[0]))
        await night.thinking.scribe.postmortem(await night.incident())
        await night.thinking.scribe.lesson(await night.incident())
    return model


@pytest.fixture
async def model(redis_url: str) -> Speaking:
    return await through_everything(redis_url)


async def test_no_secret_and_no_identifier_is_sent_whatever_the_model_is_asked(model: Speaking) -> None:
    assert {heard(body).call for body in model.requests} == set(CALLS)
    seen = sent(model)
    assert [name for name, (_, secret) in SECRETS.items() if secret in seen] == []
    assert [identifier for identifier in IDENTIFIERS if identifier in seen] == []
    assert "[redacted: " in seen
    assert "HOST_1" in seen
