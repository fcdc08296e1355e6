"""Every setting: its name, default and check. Sections of many kinds are in modules of their own."""

from bot.settings.auth import AlertAuth, BasicAuth, BearerAuth, HmacAuth, SnsAuth, SourceAuth, TokenAuth
from bot.settings.model import ModelSettings
from bot.settings.sections import (
    AlertSourceSettings,
    ChangesSettings,
    GroupingSettings,
    PrometheusSettings,
    RemediationSettings,
    SlackSettings,
    TriageSettings,
    WorkSettings,
)
from bot.settings.targets import HttpCallTemplate, RestartTarget
from bot.settings.whole import SLACK_NAMES, Role, Secret, Settings, load, secret_from_environment, shipped_playbooks

__all__ = [
    "SLACK_NAMES",
    "AlertAuth",
    "AlertSourceSettings",
    "BasicAuth",
    "BearerAuth",
    "ChangesSettings",
    "GroupingSettings",
    "HmacAuth",
    "HttpCallTemplate",
    "ModelSettings",
    "PrometheusSettings",
    "RemediationSettings",
    "RestartTarget",
    "Role",
    "Secret",
    "Settings",
    "SlackSettings",
    "SnsAuth",
    "SourceAuth",
    "TokenAuth",
    "TriageSettings",
    "WorkSettings",
    "load",
    "secret_from_environment",
    "shipped_playbooks",
]
