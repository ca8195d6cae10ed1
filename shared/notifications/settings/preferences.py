"""The notification settings: read, written and tried, for the partner (no tenant) and for each tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions.outcome import Outcome
from shared.actions.reads.snapshot import Person
from shared.base import clock
from shared.base.problems import Problem, RefusedError, refused
from shared.jobs.delivery import CHANNELS
from shared.jobs.records import State, Tenant
from shared.jobs.storage import setting_changes
from shared.jobs.storage.table import ConflictError
from shared.notifications.channels import Channels
from shared.notifications.formats import standard_webhook, teams
from shared.notifications.message import Message, StepLine
from shared.notifications.settings import destinations as forms
from shared.notifications.settings.destinations import Autotask, ConnectWise, Destinations, HaloPsa, Webhook
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.app.services import Services
    from shared.jobs.delivery import Channel
    from shared.jobs.storage.store import Document, Store
    from shared.notifications.settings.destinations import Destination

_NOTHING: Final = Destinations()


@dataclass(frozen=True)
class TestResult:
    """What came of a test message to one destination."""

    destination: str
    channel: str
    delivered: bool
    message: str


class Preferences:
    """The notification settings of one scope: the partner's where `tenant_id` is None, else what a tenant overrides.

    Whoever does not see the partner's destinations tries those of their tenant only.
    """

    def __init__(
        self,
        services: Services,
        tenant_id: str | None = None,
        channels: Channels | None = None,
        *,
        sees_partner: bool = True,
    ) -> None:
        self._store = services.store
        self._settings = services.settings
        self._tenant_id = tenant_id
        self._channels = channels or Channels(services)
        self._sees_partner = sees_partner

    def get(self) -> dict[str, Any]:
        """Return what is set, as JSON in which no secret is shown."""
        return forms.shown(_read(self._document()))

    def put(self, new: Destinations, operator: str) -> dict[str, Any]:
        """Replace what is set; the marker or a blank keeps a secret of the destination with the same id.

        Raises:
            RefusedError: 422 with every problem; 409 somebody else changed the settings just now.
        """
        document = self._document()
        old: dict[tuple[Channel, str], Destination] = {(channel, one.id): one for channel, one in _read(document).all()}
        problems = [
            problem for channel, one in new.all() for problem in self._problems(one, old.get((channel, one.id)))
        ]
        if problems:
            raise RefusedError(422, "invalid_request", problems)
        complete = self._sealed(new, old)
        change = setting_changes.made(
            "notifications",
            operator,
            forms.shown(_read(document)),
            forms.shown(complete),
            tenant=self._tenant_id or "",
            secrets=tuple(_changed_secrets(old, complete)),
        )
        try:
            stored = forms.stored(complete)
            self._store.put_document(_key(self._tenant_id), stored, document.etag if document else None, change)
        except ConflictError:
            raise refused(409, "changed", "The settings were changed just now; look at them again.") from None
        return forms.shown(complete)

    def test(self, destination_id: str | None = None, channel: str | None = None) -> list[TestResult]:
        """Send a test message to what is in force here: all that is enabled, or what has an id, of all channels or one.

        Of a tenant's, to its own alone where the operator does not see the partner's.

        Raises:
            RefusedError: 404 there is no such destination.
        """
        chosen = [
            (its_channel, one)
            for its_channel, one in self._in_force().all()
            if channel in {None, its_channel}
            if one.id == destination_id or (destination_id is None and one.enabled)
        ]
        if destination_id is not None and not chosen:
            raise refused(404, "destination_not_found", "There is no such destination.")
        return [self._tried(its_channel, one) for its_channel, one in chosen]

    def _tried(self, channel: str, destination: Destination) -> TestResult:
        try:
            self._channels.send(_test_message(self._tenant_id or "", self._settings.public_url), destination)
        except DeliveryError as error:
            return TestResult(destination.id, channel, delivered=False, message=str(error))
        return TestResult(destination.id, channel, delivered=True, message="It was taken.")

    def _in_force(self) -> Destinations:
        return in_force(self._store, self._tenant_id) if self._sees_partner else _read(self._document())

    def _document(self) -> Document | None:
        return self._store.document(_key(self._tenant_id))

    def _sealed(self, new: Destinations, old: Mapping[tuple[Channel, str], Destination]) -> Destinations:
        """Return settings with every secret in the form that is stored: a new one, or the one that was there."""

        def sealed(channel: Channel, one: Destination) -> Destination:
            known = old.get((channel, one.id))
            before = forms.secrets_of(known) if known else {}
            vault = self._channels.vault
            return forms.mapped(one, lambda path, secret: before[path] if secret.is_blank else vault.sealed(secret))

        lists = {channel: [sealed(channel, one) for one in ones] for channel in CHANNELS if (ones := new.of(channel))}
        return new.model_copy(update=lists)

    def _problems(self, new: Destination, old: Destination | None) -> list[Problem]:
        """Say what is wrong with one destination, its secrets included."""
        kept = forms.secrets_of(old) if old and type(old) is type(new) else {}
        secrets = forms.secrets_of(new)
        missing = [path for path, secret in secrets.items() if secret.is_blank and path not in kept]
        problems = [Problem(f"{new.id}.{path}", "This secret is missing.") for path in missing]
        taken_over = [path for path, secret in secrets.items() if secret.is_blank and path in kept and path != "url"]
        if old and taken_over and self._goes_elsewhere(new, old):
            text = "Its address has changed: give the secret again, so that it goes nowhere by mistake."
            problems += [Problem(f"{new.id}.{path}", text) for path in taken_over]
        return problems + self._wrong(new, old)

    def _goes_elsewhere(self, new: Destination, old: Destination) -> bool:
        if isinstance(new, Webhook) and new.url.is_blank:
            return False
        try:
            return self._receiver(new) != self._receiver(old)
        except DeliveryError:
            return True

    def _wrong(self, new: Destination, old: Destination | None) -> list[Problem]:
        problems: list[Problem] = []
        try:
            is_kept = isinstance(new, Webhook) and new.url.is_blank
            address = self._address(new if not is_kept else old) if old or not is_kept else ""
            if address:
                self._channels.guard.check(address)
            if isinstance(new, Webhook) and new.format == "teams" and (text := teams.problem_of(address)):
                problems.append(Problem(f"{new.id}.url", text))
            for path, secret in forms.secrets_of(new).items():
                if secret.setting and path != "url" and address:
                    self._channels.vault.opened(secret, address)
                if not secret.is_blank:
                    self._channels.vault.sealed(secret)
        except DeliveryError as error:
            problems.append(Problem(f"{new.id}", str(error)))
        if isinstance(new, Webhook):
            problems += _unsigned(new)
        if self._tenant_id:
            text = "Only the partner's own destinations can name settings; give the secret itself."
            named = [path for path, secret in forms.secrets_of(new).items() if secret.setting]
            problems += [Problem(f"{new.id}.{path}", text) for path in named]
        return problems

    def _address(self, destination: Destination | None) -> str:
        if isinstance(destination, Webhook):
            return self._channels.vault.address(destination.url)
        return destination.url if isinstance(destination, (HaloPsa, ConnectWise, Autotask)) else ""

    def _receiver(self, destination: Destination) -> tuple[str, ...]:
        """Return what tells one receiver from another: at many services everybody has a path of the same origin."""
        return self._address(destination), destination.hosted_tenant if isinstance(destination, HaloPsa) else ""


def _changed_secrets(old: Mapping[tuple[Channel, str], Destination], new: Destinations) -> Iterator[str]:
    """Name the secrets that are not those that were stored, by channel, destination and path."""
    for channel, one in new.all():
        known = old.get((channel, one.id))
        before = forms.secrets_of(known) if known else {}
        for path, secret in forms.secrets_of(one).items():
            if before.get(path) != secret:
                yield f"{channel}.{one.id}.{path}"


def in_force(store: Store, tenant_id: str | None) -> Destinations:
    """Return the destinations that count for a tenant; costs two reads, one for the partner's own."""
    base = _read(store.document(_key(None)))
    return _read(store.document(_key(tenant_id))).overriding(base) if tenant_id else base


def _key(tenant_id: str | None) -> str:
    return f"notifications|{tenant_id}" if tenant_id else "notifications"


def _read(document: Document | None) -> Destinations:
    return forms.from_stored(document.content) if document else _NOTHING


def _unsigned(new: Webhook) -> list[Problem]:
    """Check signing secrets, and that what has to be signed has one."""
    if new.format == "standard" and not new.signing:
        return [Problem(f"{new.id}.signing", "Give one signing secret, or two while one replaces the other.")]
    problems: list[Problem] = []
    for number, secret in enumerate(new.signing):
        if secret.given:
            try:
                standard_webhook.key_of(secret.given)
            except ValueError as error:
                problems.append(Problem(f"{new.id}.signing.{number}", str(error)))
    return problems


def _test_message(tenant_id: str, link: str) -> Message:
    now = clock.now()
    person = Person("00000000-0000-0000-0000-000000000000", "test@example.com", "Test message")
    return Message(
        id=f"test-{int(now.timestamp() * 1000)}",
        offboarding_id="test",
        run=1,
        tenant=Tenant(tenant_id, "example.com"),
        person=person,
        requested_by="the notification settings",
        reference="",
        ticket="",
        requested_at=now,
        scheduled_for=None,
        started_at=now,
        ended_at=now,
        state=State.completed,
        reason=None,
        explanation="Nobody was offboarded: this shows that messages arrive.",
        steps=(StepLine("test", "Test step", Outcome.done, ""),),
        link=link,
        is_test=True,
    )
