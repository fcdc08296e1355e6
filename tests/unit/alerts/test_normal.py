"""Bounds, synonyms and what stands in for what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts import labels, text
from bot.alerts.moment import as_moment
from bot.alerts.normal import normal
from bot.alerts.severity import severity_of
from bot.alerts.status import status_of
from bot.models import AlertStatus, Severity

FIRING = AlertStatus.FIRING


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("page", Severity.CRITICAL),
        ("critical", Severity.CRITICAL),
        ("P1", Severity.CRITICAL),
        ("SEV-1", Severity.CRITICAL),
        ("error", Severity.HIGH),
        ("Major", Severity.HIGH),
        ("warn", Severity.WARNING),
        (" medium ", Severity.WARNING),
        ("Informational", Severity.INFO),
        ("none", Severity.LOW),
        ("Not classified", Severity.LOW),
        ("mittel", None),
        ("", None),
        (None, None),
    ],
)
def test_severity_words_have_one_meaning(word: str | None, meaning: Severity | None) -> None:
    assert severity_of(word) is meaning


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("Alerting", AlertStatus.FIRING),
        ("no_data", AlertStatus.FIRING),
        ("OK", AlertStatus.RESOLVED),
        ("Closed", AlertStatus.RESOLVED),
        ("acked", AlertStatus.ACKNOWLEDGED),
        ("muted", AlertStatus.SUPPRESSED),
        ("quelque chose", AlertStatus.FIRING),
        (None, AlertStatus.FIRING),
    ],
)
def test_an_unknown_status_is_an_alert_that_fires(word: str | None, meaning: AlertStatus) -> None:
    assert status_of(word) is meaning


@pytest.mark.parametrize("missing", range(len(labels.SERVICE)))
def test_the_service_comes_from_the_most_telling_label(missing: int) -> None:
    left = labels.SERVICE[missing:]
    alert = normal(source="x", name="A", status=FIRING, labels={name: f"by {name}" for name in reversed(left)})

    assert alert.service == f"by {left[0]}"


def test_what_the_sender_states_wins_over_labels() -> None:
    alert = normal(
        source="x",
        name="A",
        status=FIRING,
        severity="low",
        service="stated",
        environment="test",
        labels={"severity": "critical", "service": "label", "env": "production"},
    )

    assert (alert.severity, alert.service, alert.environment) == (Severity.LOW, "stated", "test")


def test_very_long_text_is_kept_in_bounds_and_the_alert_stays_itself() -> None:
    flood = "ü" * 500_000
    first, second = (
        normal(
            source="x",
            name=flood,
            status=FIRING,
            summary=flood,
            labels={flood: flood, **{f"l{number}": "v" for number in range(500)}},
            annotations={"description": flood},
            urls=("https://example.com/" + flood, "https://example.com/short"),
            fingerprint=flood + end,
            group_key=flood + end,
        )
        for end in "ab"
    )

    assert len(first.name) == text.NAME_CHARS
    assert len(first.summary or "") == len(first.labels["ü" * 199 + "…"]) == text.VALUE_CHARS
    assert len(first.annotations["description"]) == text.NOTE_CHARS
    assert len(first.labels) == text.ENTRIES
    assert first.url == "https://example.com/short"
    assert len(first.fingerprint) <= text.ID_CHARS
    assert first.fingerprint != second.fingerprint
    assert first.group_key != second.group_key


@settings(deadline=None)
@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_whatever_is_said_can_be_written_as_utf8(words: str, said: dict[str, str]) -> None:
    alert = normal(source="x", name="A" + words, status=FIRING, summary=words, labels=said, fingerprint=words or "f")

    assert alert.model_dump_json().encode("utf-8")


def test_control_characters_and_half_characters_become_a_sign_of_their_own() -> None:
    assert text.clean("a\x00b\ud83dc\td\n", 100) == "a�b�c\td\n"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "/path", "", "https://a b", 'https://x"y', "ftp://example.com"]
)
def test_only_addresses_that_a_person_can_follow_are_kept(address: str) -> None:
    assert normal(source="x", name="A", status=FIRING, urls=(address,)).url is None


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abc"), st.text(), min_size=1),
    st.dictionaries(st.sampled_from(sorted(labels.VOLATILE)), st.text()),
)
def test_the_fingerprint_passes_over_what_changes_between_notices(
    lasting: dict[str, str], volatile: dict[str, str]
) -> None:
    assert labels.fingerprint("A", {**volatile, **lasting}) == labels.fingerprint("A", lasting)


def test_the_fingerprint_tells_alerts_apart() -> None:
    told = [("A", {}), ("B", {}), ("A", {"x": "1"}), ("A", {"x": "2"}), ("A", {"x1": ""}), ("Ax", {"1": ""})]
    assert len({labels.fingerprint(name, said) for name, said in told}) == len(told)


@pytest.mark.parametrize(
    ("tags", "read"),
    [
        (["env:prod", "night", "url:http://a:80", None], {"env": "prod", "night": "", "url": "http://a:80"}),
        ("env=prod, team:pay", {"env": "prod", "team": "pay"}),
        ([["level", "error"]], {"level": "error"}),
        ([{"key": "a", "value": 1}, {"tag": "b", "value": "2"}, {"value": "nameless"}], {"a": "1", "b": "2"}),
        ({"a": None, "": "x", "b": True}, {"b": "true"}),
        (None, {}),
    ],
)
def test_tags_are_read_in_every_shape_in_which_senders_write_them(tags: object, read: dict[str, str]) -> None:
    assert labels.from_tags(tags) == read


INSTANT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        "2026-03-14T02:57:41Z",
        "2026-03-14T03:57:41.000000000+01:00",
        "2026-03-14 02:57:41+0000",
        1773457061,
        "1773457061",
        1773457061.0,
        1773457061000,
        1773457061000000,
        "1773457061000000000",
    ],
)
def test_instants_are_read_in_every_notation(given: object) -> None:
    assert as_moment(given) == INSTANT


@pytest.mark.parametrize(
    "given",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "tomorrow",
        "",
        0,
        -5,
        float("nan"),
        float("inf"),
        10**400,
        True,
        None,
        {},
    ],
)
def test_what_is_no_instant_is_none(given: object) -> None:
    assert as_moment(given) is None


@settings(deadline=None)
@given(st.integers() | st.floats() | st.text() | st.datetimes(timezones=st.timezones()).map(datetime.isoformat))
def test_every_instant_that_is_read_can_be_moved_to_utc(given: object) -> None:
    moment = as_moment(given)

    assert moment is None or moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC) - INSTANT < timedelta(days=2e6)
