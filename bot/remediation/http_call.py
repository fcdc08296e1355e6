"""Make one of the HTTP requests that the settings allow; parameters fill its path, query and JSON body only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import Field

from bot.address import is_one_place
from bot.catalog import Catalog
from bot.errors import Misconfigured, PreconditionFailed, RemediationError
from bot.http import Transport, send_once
from bot.models import Risk
from bot.remediation.action import Action, ActionParameters, BlastRadius
from bot.remediation.reach import reach
from bot.remediation.values import PLACE, Value, Values, filled, require_match, unreadable
from bot.settings import HttpCallTemplate, Secret

# Servers and proxies undo percent-encoding, some of them twice: what could then end a segment never goes in.
_ENDS_A_SEGMENT = frozenset("/\\%?#;")


class CallParameters(ActionParameters):
    """Which of the allowed requests, and what fills it."""

    call: str = Field(min_length=1, max_length=100, description="name in the settings, remediation.http_calls")
    parameters: Mapping[str, Value] = Field(default_factory=dict, max_length=20)


class HttpCall(Action[CallParameters]):
    """Make one allow-listed request, once.

    Raises:
        Misconfigured: a template that leaves open where the request goes.
    """

    name = "http.call"
    summary = "Make one HTTP request that the settings allow."
    parameters = CallParameters

    def __init__(
        self,
        catalog: Catalog,
        templates: Mapping[str, HttpCallTemplate],
        transport: Transport | None = None,
        *,
        secret: Secret = lambda _: None,
    ) -> None:
        for name, template in templates.items():
            _sound(name, template)
        self._catalog = catalog
        self._templates = templates
        self._transport = transport
        self._secret = secret

    def accept(self, given: Mapping[str, Any]) -> CallParameters:
        params = super().accept(given)
        if params.call not in self._templates:
            known = ", ".join(sorted(self._templates))
            raise RemediationError(f"'{params.call}' is not an allowed request. There are: {known}.")
        filled_url(self._templates[params.call], params.parameters)
        return params

    def target(self, params: CallParameters) -> str:
        template = self._templates[params.call]
        return f"{template.method} {filled_url(template, params.parameters)}"

    def effect(self, params: CallParameters) -> str:
        return filled(self._templates[params.call].effect, params.parameters)

    async def blast_radius(self, params: CallParameters) -> BlastRadius:
        service = self.service(params)
        unnamed = f"No service of the catalogue is named for '{params.call}'."
        return reach(self._catalog, service, f"It acts on {service}", unnamed=unnamed)

    def service(self, params: CallParameters) -> str | None:
        return self._templates[params.call].service

    def reversible(self, params: CallParameters) -> bool:
        return self._templates[params.call].rollback != "irreversible"

    def rollback(self, params: CallParameters) -> str:
        if not self.reversible(params):
            return "Cannot be undone."
        return filled(self._templates[params.call].rollback, params.parameters)

    def made_of(self, params: CallParameters) -> object:
        return self._templates[params.call]

    def base_risk(self, params: CallParameters) -> Risk:
        return Risk(self._templates[params.call].risk)

    def timeout_s(self, params: CallParameters) -> float:
        return self._templates[params.call].timeout_s + 5

    async def check(self, params: CallParameters) -> None:
        try:
            self.accept(params.model_dump())
        except RemediationError as error:
            raise PreconditionFailed(f"Nothing was sent: {error}") from None

    async def perform(self, params: CallParameters, idempotency_key: str) -> str:
        await self.check(params)
        template = self._templates[params.call]
        await send_once(
            template.method,
            filled_url(template, params.parameters),
            headers={**self._headers(template), "Idempotency-Key": idempotency_key},
            body=None if template.body is None else filled_body(template.body, params.parameters),
            timeout_s=template.timeout_s,
            transport=self._transport,
        )
        return f"{self.target(params)} was accepted."

    def _headers(self, template: HttpCallTemplate) -> dict[str, str]:
        """Those that the settings give, and those whose values are in variables.

        Raises:
            PreconditionFailed: a variable is not set here.
        """
        headers = {name: value.get_secret_value() for name, value in template.headers.items()}
        for name, variable in template.headers_env.items():
            value = self._secret(variable)
            if value is None:
                raise PreconditionFailed(f"Nothing was sent: the variable {variable} is not set in this process.")
            headers[name] = value.get_secret_value()
        return headers


def filled_url(template: HttpCallTemplate, values: Values) -> str:
    """The URL with every value percent-encoded in its place; scheme, host and number of segments are the template's.

    Raises:
        RemediationError: values that are missing, unknown, do not match, or would lead elsewhere.
    """
    require_match("The request", template.parameters, values)
    parts = urlsplit(template.url)
    path = "/".join(_segment(segment, values) for segment in parts.path.split("/"))
    query = filled(parts.query, values, lambda value: quote(value, safe=""))
    url = parts._replace(path=path, query=query).geturl()
    if not _same_place(parts, urlsplit(url)):
        raise RemediationError("These parameters would send the request elsewhere.")
    return url


def filled_body(body: Any, values: Values) -> Any:
    """The body with the placeholders of its texts replaced; its shape and its keys stay."""
    if isinstance(body, Mapping):
        return {key: filled_body(value, values) for key, value in body.items()}
    if isinstance(body, list | tuple):
        return [filled_body(value, values) for value in body]
    if not isinstance(body, str):
        return body
    whole = PLACE.fullmatch(body)
    return values[whole[1]] if whole else filled(body, values)


def _segment(segment: str, values: Values) -> str:
    if not PLACE.search(segment):
        return segment
    plain = filled(segment, values)
    if not plain.strip(". ") or any(_ENDS_A_SEGMENT & set(str(values[name])) for name in PLACE.findall(segment)):
        raise RemediationError("A parameter of a path may not hold slashes, '%', '?', '#' or ';', or be only dots.")
    return filled(segment, values, lambda value: quote(value, safe=""))


def _same_place(template: SplitResult, filled: SplitResult) -> bool:
    return (
        (template.scheme, template.netloc) == (filled.scheme, filled.netloc)
        and template.path.count("/") == filled.path.count("/")
        and not filled.fragment
    )


def _sound(name: str, template: HttpCallTemplate) -> None:
    problem = next(_problems(template), None)
    if problem:
        raise Misconfigured(f"NIGHTDESK_REMEDIATION__HTTP_CALLS: the request '{name}' {problem}.")


def _problems(template: HttpCallTemplate) -> Iterator[str]:
    if not is_one_place(PLACE.sub("x", template.url)):
        yield "needs one absolute address in plain letters, without a user, such as https://ops.example.com/drain/{host}"
        return
    parts = urlsplit(template.url)
    if parts.scheme not in {"http", "https"}:
        yield "needs an http(s) address"
    if "{" in parts.netloc or parts.fragment:
        yield "has a placeholder or a fragment where none may be: parameters fill path, query and body only"
    if {".", ".."} & set(unquote(unquote(parts.path)).split("/")):
        yield "has dot segments in its path"
    used = set(PLACE.findall(template.url)) | set(_places(template.body))
    if used - template.parameters.keys():
        yield f"uses {', '.join(sorted(used - template.parameters.keys()))}, which 'parameters' does not describe"
    yield from unreadable(template.parameters)


def _places(body: Any) -> Iterator[str]:
    if isinstance(body, Mapping):
        for value in body.values():
            yield from _places(value)
    elif isinstance(body, list | tuple):
        for value in body:
            yield from _places(value)
    elif isinstance(body, str):
        yield from PLACE.findall(body)
