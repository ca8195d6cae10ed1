"""Where messages go: the settings as people write them, and as they are stored.

One document holds the partner's destinations, and one for each tenant what differs there. Per channel (`webhook`,
`email`, `psa`) a tenant's list replaces the partner's; an empty one sends nothing; a missing one inherits. Pydantic
checks what people write, as at the other edge.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from shared.base import identifiers, strict_json, validation
from shared.base.problems import Problem, RefusedError, unfit
from shared.jobs.delivery import CHANNELS, Channel
from shared.notifications.settings.vault import GIVEN, Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.notifications.message import Result

MAX_BODY_BYTES: Final = 64 * 1024
_MAX_OF_A_CHANNEL: Final = 5
_MAX_HEADERS: Final = 10
_TOKEN: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"  # noqa: S105 - a header's name (RFC 9110, 5.6.2)
_OURS: Final = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"})


def _tenant_id(text: str) -> str:
    if not identifiers.is_guid(text):
        raise ValueError(f"{identifiers.shown(text)} is not the id of a tenant")
    return text.lower()


def _address(text: str) -> str:
    local, at, domain = text.partition("@")
    if not local or not at or not identifiers.is_domain(domain) or not text.isprintable() or set(text) & set(' ,;<>"'):
        raise ValueError(f"{identifiers.shown(text)} is not a mail address")
    return text


def _header_name(text: str) -> str:
    if text.lower() in _OURS or text.lower().startswith("webhook-"):
        raise ValueError(f"the header {text} is set by this service")
    return text


def _whole(number: object) -> object:
    """Take 2.0 for 2, as JSON Schema does ("6.1.1. type")."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


_WHOLE: Final = BeforeValidator(_whole)
Number = Annotated[int, _WHOLE]
Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Needed = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
HeaderName = Annotated[str, StringConstraints(pattern=_TOKEN), AfterValidator(_header_name)]
TenantId = Annotated[str, AfterValidator(_tenant_id)]
Id = Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Bearer(_Model):
    """A bearer token."""

    kind: Literal["bearer"]
    token: Secret


class Basic(_Model):
    """A user name and a password."""

    kind: Literal["basic"]
    username: Needed
    password: Secret


class ApiKey(_Model):
    """A key in a header."""

    kind: Literal["api_key"]
    header: HeaderName
    value: Secret


class Headers(_Model):
    """Headers of one's own; every value is a secret."""

    kind: Literal["headers"]
    headers: Annotated[
        dict[HeaderName, Secret],
        Field(min_length=1, max_length=_MAX_HEADERS, json_schema_extra={"additionalProperties": False}),
    ]


Auth = Annotated[Bearer | Basic | ApiKey | Headers, Field(discriminator="kind")]


class _Destination(_Model):
    id: Id
    send: Literal["all", "failures_and_warnings"] = "all"
    enabled: bool = True

    def wants(self, result: Result) -> bool:
        """Return whether a result is sent here."""
        return self.enabled and (self.send == "all" or result != "success")


class Webhook(_Destination):
    """A webhook; `signing` holds one secret, or two while one replaces the other."""

    format: Literal["standard", "teams", "slack", "discord", "portal", "portal_standardised"]
    url: Secret
    signing: Annotated[list[Secret], Field(max_length=2)] = []
    auth: Auth | None = None


class Email(_Destination):
    """Mail to some addresses."""

    to: Annotated[list[Annotated[str, AfterValidator(_address)]], Field(min_length=1, max_length=50)]
    format: Literal["html", "plain"] = "html"


class _Psa(_Destination):
    clients: dict[TenantId, Needed] = {}
    """By tenant, its id in the PSA system. A tenant that is missing has no tickets made anywhere."""


class HaloPsa(_Psa):
    """HaloPSA: `url` is the origin, such as https://example.halopsa.com; `hosted_tenant` only for shared hosting."""

    system: Literal["halopsa"]
    url: Needed
    client_id: Needed
    client_secret: Secret
    hosted_tenant: Line = ""
    ticket_type: Annotated[int, Field(ge=1), _WHOLE] | None = None
    note_outcome: Annotated[int, Field(ge=1), _WHOLE] = 7
    """The outcome of a note; 7 is "Private Note" as Halo is delivered."""


class ConnectWise(_Psa):
    """ConnectWise PSA: `url` is the site, such as https://api-eu.myconnectwise.net."""

    system: Literal["connectwise"]
    url: Needed
    company: Needed
    public_key: Needed
    private_key: Secret
    app_id: Needed
    """The clientId that the vendor gave for this integration."""
    board: Needed


class Autotask(_Psa):
    """Autotask PSA; the numbers are those of the database's own pick lists."""

    system: Literal["autotask"]
    url: Needed = "https://webservices.autotask.net"
    username: Needed
    secret: Secret
    integration_code: Secret
    queue: Number
    status: Number = 1
    priority: Number = 2
    note_type: Number = 1
    """Pick list of notes; 1 is "Task Detail" as Autotask is delivered."""
    publish: Number = 1
    due_in_hours: Annotated[int, Field(ge=1, le=24 * 90), _WHOLE] = 24


Psa = Annotated[HaloPsa | ConnectWise | Autotask, Field(discriminator="system")]
Destination = Webhook | Email | HaloPsa | ConnectWise | Autotask


class Destinations(_Model):
    """A document of settings; None stands for a channel about which it says nothing."""

    webhook: Annotated[list[Webhook], Field(max_length=_MAX_OF_A_CHANNEL)] | None = None
    email: Annotated[list[Email], Field(max_length=_MAX_OF_A_CHANNEL)] | None = None
    psa: Annotated[list[Psa], Field(max_length=_MAX_OF_A_CHANNEL)] | None = None

    def of(self, channel: str) -> list[Destination] | None:
        """Return the destinations of a channel; None where it says nothing about it."""
        return cast("list[Destination] | None", getattr(self, channel))

    def all(self) -> list[tuple[Channel, Destination]]:
        """Return the destinations of every channel, each with its channel: an id is unique within one."""
        return [(channel, one) for channel in CHANNELS for one in self.of(channel) or []]

    def overriding(self, base: Destinations) -> Destinations:
        """Return what is in force where this differs from `base`."""
        return Destinations(
            webhook=base.webhook if self.webhook is None else self.webhook,
            email=base.email if self.email is None else self.email,
            psa=base.psa if self.psa is None else self.psa,
        )


def parse(body: bytes) -> Destinations:
    """Read a request's body; raises `RefusedError` (400, 413, 422) that names every problem, no secret."""
    if len(body) > MAX_BODY_BYTES:
        text = f"The body has {len(body)} bytes; at most {MAX_BODY_BYTES} are accepted."
        raise RefusedError(413, "body_too_large", [Problem("", text)])
    try:
        content = strict_json.loads(body)
    except ValueError:
        raise RefusedError(400, "invalid_request", [Problem("", "The body is not valid JSON.")]) from None
    return parse_json(content)


def parse_json(content: object) -> Destinations:
    """Read what a person wrote; raises `RefusedError` (400, 422)."""
    try:
        parsed = Destinations.model_validate(content, context=GIVEN)
    except ValidationError as error:
        problems = [
            validation.problem_of(one, _path(one["loc"]), _names())
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise RefusedError(unfit(one["type"] for one in error.errors()), "invalid_request", problems) from None
    ids = [(channel, one.id) for channel, one in parsed.all()]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    problems = [Problem(channel, f"Two destinations have the id {name}.") for channel, name in twice]
    if problems:
        raise RefusedError(422, "invalid_request", problems)
    return parsed


def _path(place: tuple[int | str, ...]) -> list[str]:
    """Return where a person finds it: without the kind of object, which pydantic puts in after it chose one."""
    parts = [str(part) for part in place if part != "[key]"]
    for before in ("psa", "auth"):
        if before in parts:
            chosen = parts.index(before) + (2 if before == "psa" else 1)
            del parts[chosen : chosen + 1]
    return parts


@cache
def _names() -> tuple[str, ...]:
    """Return every name that a field has somewhere."""
    schema = Destinations.model_json_schema()
    objects: list[dict[str, Any]] = [schema, *schema["$defs"].values()]
    return tuple(dict.fromkeys(name for each in objects for name in each.get("properties", {})))


T = TypeVar("T")


def mapped(value: T, change: Callable[[str, Secret], Any], path: str = "") -> T:
    """Return a copy of a model in which every secret was replaced by what `change(path, secret)` returns."""
    result: Any = value
    if isinstance(value, Secret):
        result = change(path, value)
    elif isinstance(value, BaseModel):
        fields = type(value).model_fields
        parts = {name: mapped(getattr(value, name), change, f"{path}.{name}".lstrip(".")) for name in fields}
        result = value.model_copy(update=parts)
    elif isinstance(value, list):
        items = cast("list[Any]", value)
        result = [mapped(item, change, f"{path}.{number}") for number, item in enumerate(items)]
    elif isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        result = {name: mapped(item, change, f"{path}.{name}") for name, item in entries.items()}
    return result


def secrets_of(destination: Destination) -> dict[str, Secret]:
    """Return every secret of a destination by its path."""
    found: dict[str, Secret] = {}

    def note(path: str, secret: Secret) -> Secret:
        found[path] = secret
        return secret

    mapped(destination, note)
    return found


def shown(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return settings as JSON in which no secret is shown."""
    if isinstance(value, Secret):
        return value.shown()
    if isinstance(value, BaseModel):
        return {name: shown(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, list):
        return [shown(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: shown(item) for name, item in cast("dict[str, object]", value).items()}
    return value


def stored(value: Destinations) -> dict[str, Any]:
    """Return settings as they are stored: their secrets are sealed or references."""
    return value.model_dump(mode="json")


def from_stored(content: dict[str, Any]) -> Destinations:
    """Read settings as they are stored."""
    return Destinations.model_validate(content)
