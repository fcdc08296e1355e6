"""Secrets are taken out of a text before anything is stored or shown.

Talk and logs are read differently: in talk, 'password: reset it' is advice; in a log line, what follows is a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

_SHAPES = {
    "private key": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:(?!-----BEGIN).)*?"
    r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    "Slack token": r"\bx(?:ox[a-z]|app)-[\w.-]{10,}|(?<=hooks\.slack\.com/services/)[\w/]+"
    r"|(?<=hooks\.slack\.com/workflows/)[\w/]+|(?<=hooks\.slack\.com/triggers/)[\w/]+",
    "AWS key": r"\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z2-7]{16}\b",
    "GitHub token": r"\bgh[pousr]_\w{36,}|\bgithub_pat_\w{22,}",
    "GitLab token": r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-[\w.-]{20,}",
    "Google key": r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}",
    "Stripe key": r"\b(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}",
    "API key": r"\b(?=[\w.:$+/=-]{20})(?:"
    r"sk-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|hv[sbr]\.[\w-]{20,}|npm_\w{36}|pypi-[\w-]{50,}"
    r"|dop_v1_[a-f0-9]{64}|glc_[\w+/=]{32,}|glsa_\w{32,}|dapi[a-f0-9]{32}\b|hf_[A-Za-z0-9]{30,}"
    r"|(?:gsk|r8|rubygems|dckr_[po]at|sntry[us]|hc[a-z]{2}k|fm[12]|vercel|nfp|sbp|pscale_[a-z]{2,5}"
    r"|lin_api|lin_oauth|ntn|figd|shp(?:at|ss|ca|pa)|phx|pul|tfp|xai|pplx|nvapi|tvly)[_-](?=[\w=+/-]*\d)[\w=+/-]{20,}"
    r"|cio[A-Za-z0-9]{32}\b|oy2[a-z0-9]{43}\b|key-[a-f0-9]{32}\b|[a-f0-9]{32}-us\d{1,2}\b"
    r"|[a-f0-9]{36}NRAL\b|dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}|HRKU-[\w-]{36,}"
    r"|\w{14}\.atlasv1\.[\w-]{40,}|dp\.[a-z]{2,5}\.\w{40,}|ops_ey[\w-]{50,}|secret_[A-Za-z0-9]{40,}"
    r"|ATBB\w{28,}|sq0[a-z]{3}-[\w-]{22,}|EAAA[\w-]{56,}|access_token\$\w{7,12}\$\w{16}\$[a-f0-9]{32}"
    r"|[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}|\d{8,10}:AA[\w-]{33}|AGE-SECRET-KEY-1[A-Z0-9]{50,}"
    r"|s\.(?=[A-Za-z]*\d)[A-Za-z0-9]{24}\b|SK[a-f0-9]{32}\b|NRAK-[A-Z0-9]{27}\b"
    r"|PMAK-[a-f0-9]{24}-[a-f0-9]{34}\b|ATATT[\w=-]{40,}"
    r")",
    "key in URL": r"(?<=://)[a-f0-9]{32}(?=@)|(?<=[?&]sig=)[\w%+/=-]{20,}",
    "JWT": r"\bey[JI][\w-]{8,}\.ey[\w-]{8,}\.[\w-]*",
    "password in URL": r"(?<=://)(?P<before>[^\s:/@<>|]*:)(?P<secret>[^\s/<>|]+)(?=@[\w.\[-])",
    "key of a service": r"(?P<before>\b(?:routing|integration|license|app|application|ingest|service)[_ -]?key\W{1,4})"
    r"(?P<secret>[a-f0-9]{32,64}\b)",
    "password on a command line": r"(?P<before>\b(?:curl\b[^\n]{0,200}?\s(?:-u|--user)\s*[\"']?[^\s:\"']{1,80}:"
    r"|(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n]{0,200}?\s-p|redis-cli\b[^\n]{0,200}?\s-a\s+|sshpass\s+-p\s*))"
    r"(?P<secret>[^\s@\"'][^\s\"']*)",
    "password as an option": r"(?P<before>--(?:password|passwd|pass|token|secret|api-?key)\s+[\"']?)"
    r"(?P<secret>(?=\S*\d)[^\s\"']{4,})",
    "password in SQL": r"(?P<before>(?i:\b(?:pass(?:word|phrase)|identified\s+by(?:\s+password)?))\s+)"
    r"(?P<secret>'[^']+'|\"[^\"]+\")",
    "cookie": r"(?P<before>\b(?<!-)[Cc]ookie:\s*)(?P<secret>[^\s=;]+=[^\n]{8,})",
    "credentials": r"(?P<before_>\b(?:(?:Bearer|Basic|GenieKey|Splunk|ApiKey)\s+|Token token=))"
    r"(?P<secret_>(?=[\w.~+/-]*\d)[\w.~+/-]{12,}=*)",
}
_ASSIGNED = re.compile(
    r"""
    (?P<before> (?: \w{0,40}pass(?:word|wd|phrase)\w{0,10} | (?<![A-Za-z0-9]) (?: pass | pwd
    | secret(?:[_ -]?(?:access[_ -]?)?key)?
    | (?:auth|access|api|refresh|bot)?[_ -]?token
    | (?:api|access|account|encryption|client|signing|private)[_ -]?(?:key|secret)
    | credentials? | pw ) | 密码 | 口令 | 密钥 ) (?:\\*["'`])?\s* )
    (?P<sign> = | := | => | [:：] | \bis\b | 是 )
    (?P<space> \s*(?:\\*["'`])? )
    (?P<secret> [^\s"'`,;<>]{4,} )""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
_WRITTEN = re.compile(
    r"""
    (?P<before> ["']? \b [\w-]{0,40} (?: pass(?:word|wd|phrase) | pwd | secret | token | (?:api|access|private)[_-]?key
    | authorization | cookie | session[_-]?id ) (?:\\*["'])? \s* [=:] \s* )
    (?! \[redacted | (?:bearer|basic)\s+\[redacted )
    (?P<secret> \\+"(?:(?!\\+").)*\\+" | "[^"]*" | '[^']*' | (?:(?:bearer|basic)\s+)? [^\s,;&}"']+ )""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
"""What a program writes after such a name is a secret, however short or plain it looks."""
_VAGUE = re.compile(r"[A-Za-z]+[.!?)]*|.*\[redacted.*|\$\{?\w+\}?|\*+|x+|\{\{.*|%[sd({].*", re.IGNORECASE)
"""What stands after 'password:' in talk about passwords: a plain word, a variable, asterisks."""


def redact(text: str) -> str:
    """What a person said, with every secret replaced by what kind of secret stood there."""
    return _ASSIGNED.sub(_assigned, _without_known_shapes(text))


def redact_log(text: str) -> str:
    """What a program wrote, with every secret replaced by what kind of secret stood there."""
    return _WRITTEN.sub(lambda found: f"{found['before']}[redacted: secret]", _without_known_shapes(text))


def _without_known_shapes(text: str) -> str:
    for kind, shape in _shapes():
        text = shape.sub(lambda found, kind=kind: _replace(found, kind), text)  # type: ignore[misc]
    return text


@cache
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(_compiled())


def _compiled() -> Iterator[tuple[str, re.Pattern[str]]]:
    for kind, shape in _SHAPES.items():
        yield kind, re.compile(shape, re.DOTALL | re.ASCII)


def _replace(found: re.Match[str], kind: str) -> str:
    before = next((part for name, part in found.groupdict().items() if name.startswith("before")), "")
    return f"{before}[redacted: {kind}]"


def _assigned(found: re.Match[str]) -> str:
    secret = found["secret"]
    if not _is_secret(secret, found["sign"]):
        return found[0]
    return f"{found['before']}{found['sign']}{found['space']}[redacted: secret]"


def _is_secret(value: str, sign: str) -> bool:
    """An assignment carries a secret; 'password: reset it' and 'the token is expired' are talk."""
    if sign in {"=", ":=", "=>"}:
        return not re.fullmatch(r"\[redacted.*|\$\{?\w+\}?|\*+|\{\{.*|%[sd({].*|None|null|true|false", value)
    if _VAGUE.fullmatch(value):
        return False
    return len(value) >= 8 or bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value))
