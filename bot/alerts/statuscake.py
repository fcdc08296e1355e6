"""StatusCake: the ping URL of a contact group, which is posted a form.

Source of truth: https://www.statuscake.com/kb/knowledge-base/how-to-use-the-web-hook-url/
`Token` is a hash of the account's user name and key; it is a secret and is not read.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import fingerprint, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Name, Payload, Tags, Text, has, read
from bot.alerts.status import status_of
from bot.models import Alert

NAME = "statuscake"


class Form(Payload):
    """A test that is up or down."""

    name: Name = Field(alias="Name")
    status: Name = Field(alias="Status")
    code: Text = Field(default=None, alias="StatusCode")
    url: Text = Field(default=None, alias="URL")
    ip: Text = Field(default=None, alias="IP")
    tags: Tags = Field(default_factory=dict, alias="Tags")
    rate: Text = Field(default=None, alias="Checkrate")


def recognises(body: object) -> bool:
    """Whether the body has the fields of the form."""
    return has(body, "Name", "Status", "StatusCode")


def parse(body: object) -> list[Alert]:
    """The test as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    test = read(Form, body, sender="StatusCake")
    return [
        normal(
            source=NAME,
            name=test.name,
            status=status_of(test.status),
            summary=f"{test.status}, status code {test.code}" if test.code else test.status,
            labels={**test.tags, **stated(target=test.url, ip=test.ip, status_code=test.code, check_rate=test.rate)},
            fingerprint=f"{NAME}:{fingerprint(test.name, stated(target=test.url))}",
        )
    ]
