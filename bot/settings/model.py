"""The section of the settings that says which model is asked, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from bot.settings.section import Section

ModelRole = Literal["condense", "word", "judge", "explore", "answer", "write"]
"""What a model is asked for; the settings say which model that is."""


class ModelServer(Section):
    """An OpenAI-compatible server: whatever answers `POST {url}/chat/completions`."""

    url: str | None = Field(default=None, description="such as https://api.openai.com/v1; empty: no model")
    name: str = Field(default="", description="the model, as the server calls it")
    key: SecretStr | None = None
    key_header: str = Field(
        default="Authorization", description="api-key for Azure; only Authorization gets 'Bearer' before the key"
    )
    query: Mapping[str, str] = Field(default_factory=dict, description="such as api-version for Azure")
    ca_file: Path | None = Field(default=None, description="certificates to trust; none: the machine's")
    timeout_s: float = Field(default=30, gt=0, le=600, description="of one whole answer")
    thinking_tokens: int = Field(
        default=0, ge=0, le=100_000, description="room beside every answer, for models that think before they answer"
    )

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        url = url.strip() if url else None
        if url is not None and (not url.startswith(("http://", "https://")) or "?" in url or "@" in url):
            raise ValueError("give an address such as https://host/v1, without credentials and without a query")
        return url.rstrip("/") if url else None

    @model_validator(mode="after")
    def _is_named(self) -> ModelServer:
        if self.url and not self.name:
            raise ValueError("with 'url', 'name' must say which model is asked")
        return self


class Price(Section):
    """Of a million tokens, in the currency of the budget."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)


class Budget(Section):
    """What may be spent. On reaching a limit nobody is asked any more, and everything goes on without a model."""

    incident_tokens: int = Field(default=100_000, ge=0)
    channel_tokens: int = Field(default=500_000, ge=0, description="in a channel, a day")
    day_tokens: int = Field(default=2_000_000, ge=0)
    incident_money: float | None = Field(default=None, ge=0)
    channel_money: float | None = Field(default=None, ge=0, description="in a channel, a day")
    day_money: float | None = Field(default=None, ge=0)
    incident_s: float = Field(default=600, ge=0, description="of waiting for answers")
    currency: str = Field(default="USD", max_length=8)


class ModelSettings(ModelServer):
    """The model, if there is one."""

    roles: Mapping[ModelRole, str] = Field(
        default_factory=dict, description="another model of the same server for condense, word, judge, explore, …"
    )
    fallback: ModelServer | None = Field(default=None, description="asked where the first one does not answer")
    language: Literal["auto", "en", "zh"] = Field(
        default="auto", description="it answers in; auto: the one that is mostly written in the channel"
    )
    languages: Mapping[str, Literal["en", "zh"]] = Field(default_factory=dict, description="by channel id")
    off_in: frozenset[str] = Field(default=frozenset(), description="ids of channels for which no model is asked")
    mask_services: bool = Field(default=False, description="keep the names of services from it, as those of hosts are")
    prices: Mapping[str, Price] = Field(default_factory=dict, description="by the model's name")
    budget: Budget = Budget()

    @model_validator(mode="after")
    def _is_whole(self) -> ModelSettings:
        if self.fallback and not (self.url and self.fallback.url):
            raise ValueError("a 'fallback' needs a 'url' of its own, beside that of the first model")
        limits = (self.budget.incident_money, self.budget.channel_money, self.budget.day_money)
        unpriced = [name for name in self.names if name not in self.prices]
        if any(limit is not None for limit in limits) and unpriced:
            raise ValueError(f"a budget of money needs the 'prices' of {', '.join(unpriced)}")
        return self

    @property
    def names(self) -> list[str]:
        """Every model that may be asked, each once."""
        if not self.url:
            return []
        other = [self.fallback.name] if self.fallback else []
        return list(dict.fromkeys([self.name, *self.roles.values(), *other]))
