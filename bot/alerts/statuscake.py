"""StatusCake: the ping URL of a contact group, which is posted a form.

Source of truth: https://www.statuscake.com/kb/knowledge-base/how-to-use-the-web-hook-url/
`Token` is a hash of the account's user name and key; it is a secret and is not read.
"""

from __future__ import annotations

from bot.alerts.labels import fingerprint, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Name, Tags, Text, has, read
from bot.alerts.spelling import Spelled, called, needed, tagged
from bot.alerts.status import status_of
from bot.models import Alert

NAME = "statuscake"


class Form(Spelled):
    """A test that is up or down."""

    name: Name = needed("name", "testname")
    status: Name = needed("status")
    code: Text = called("statuscode")
    url: Text = called("url", "websiteurl")
    ip: Text = called("ip")
    test_id: Text = called("testid")
    tags: Tags = tagged("tags")
    rate: Text = called("checkrate")


def recognises(body: object) -> bool:
    """Whether the body has the fields of the form."""
    return has(body, "Name", "Status") and any(has(body, more) for more in ("StatusCode", "Checkrate", "Token"))


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
            labels={
                **test.tags,
                **stated(
                    target=test.url, ip=test.ip, status_code=test.code, check_rate=test.rate, test_id=test.test_id
                ),
            },
            fingerprint=f"{NAME}:{fingerprint(test.name, stated(target=test.url))}",
        )
    ]
