"""The sections of the settings that say how whoever speaks to a door proves who it is; one class a kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from bot.settings.section import Section


class BearerAuth(Section):
    """`Authorization: Bearer …`."""

    kind: Literal["bearer"] = "bearer"
    token: SecretStr


class BasicAuth(Section):
    """`Authorization: Basic …`."""

    kind: Literal["basic"] = "basic"
    username: str
    password: SecretStr


class HmacAuth(Section):
    """A hexadecimal HMAC-SHA256 of the body (of `timestamp:body` when the timestamp header is set)."""

    kind: Literal["hmac"] = "hmac"
    secret: SecretStr
    previous_secret: SecretStr | None = Field(default=None, description="still good while the sender changes it")
    header: str = "X-Nightdesk-Signature"
    timestamp_header: str | None = None
    tolerance_s: float = Field(default=300, gt=0)


class TokenAuth(Section):
    """A token where the sender can put one: in a header, in the URL's query, or in a field of the body."""

    kind: Literal["token"] = "token"
    token: SecretStr
    place: Literal["header", "query", "field"] = "header"
    name: str = Field(default="X-API-Key", min_length=1, description="of the header, the parameter or the field")


class SnsAuth(Section):
    """Amazon SNS signs what it posts with a certificate of its own; only these topics may speak."""

    kind: Literal["sns"] = "sns"
    topics: tuple[str, ...] = Field(min_length=1, description="ARNs")


SourceAuth = Annotated[BearerAuth | BasicAuth | HmacAuth, Field(discriminator="kind")]


AlertAuth = Annotated[BearerAuth | BasicAuth | HmacAuth | TokenAuth | SnsAuth, Field(discriminator="kind")]
AUTH_KINDS = frozenset(
    kind.model_fields["kind"].default for kind in (BearerAuth, BasicAuth, HmacAuth, TokenAuth, SnsAuth)
)
