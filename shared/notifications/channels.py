"""From a message and a destination to the receiver, over whichever channel."""

from __future__ import annotations

import base64
import logging
import time
import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shared.base import clock
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.notifications.formats import discord, mail, portal_webhook, slack, standard_webhook, teams
from shared.notifications.psa import autotask, connectwise, halo
from shared.notifications.settings.destinations import (
    Autotask,
    Basic,
    Bearer,
    ConnectWise,
    Email,
    HaloPsa,
    Headers,
    Webhook,
)
from shared.notifications.settings.vault import Vault
from shared.notifications.transport.delivery_error import DeliveryError
from shared.notifications.transport.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from shared.app.services import Services
    from shared.notifications.message import Message
    from shared.notifications.psa.port import Psa
    from shared.notifications.settings.destinations import Auth, Destination
    from shared.notifications.settings.vault import Secret

_BODIES: Final[Mapping[str, Callable[[Message], dict[str, Any]]]] = {
    "standard": standard_webhook.body,
    "teams": teams.body,
    "slack": slack.body,
    "discord": discord.body,
    "portal": portal_webhook.plain,
    "portal_standardised": portal_webhook.standardised,
}
_log: Final = logging.getLogger(__name__)

_PSA_SECONDS: Final = 15
"""A ticket takes several requests; none begins later than that."""

_AGENT: Final = "offboarding-backend/1.0"


@dataclass(frozen=True)
class SendResult:
    """What a receiver said to a message it took; `reference` is what it calls the thing it made.

    `warning` is what whoever sent it should know of how it was taken.
    """

    status: int | None
    reference: str = ""
    warning: str = ""


class Channels:
    """Sends messages. Every method raises `DeliveryError` where the receiver did not take one."""

    def __init__(self, services: Services, guard: Guard | None = None) -> None:
        settings = services.settings
        self._settings = settings
        self._microsoft365 = services.microsoft365
        self.vault = Vault(
            settings.notification_keys,
            settings.notification_secrets,
            settings.notification_origins,
            settings.notification_key_problem,
        )
        self.guard = guard or Guard(allow_loopback=settings.allow_loopback_webhooks)

    def send(self, message: Message, destination: Destination) -> SendResult:
        """Send a message; of a test, a PSA system sees only that the settings are good."""
        try:
            return self._sent(message, destination)
        except DeliveryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a receiver answers must not stop the others
            # Its text can hold what the receiver answered, or the secret that could not be sent.
            place = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("Message %s broke on its way: %s in %s", message.id, type(error).__name__, place.name)
            raise DeliveryError("The answer was not understood.", retry=True) from None

    def _sent(self, message: Message, destination: Destination) -> SendResult:
        if isinstance(destination, Webhook):
            return self._post(message, destination)
        if isinstance(destination, Email):
            return self._mail(message, destination)
        if message.is_test:
            self._psa(destination).check()
            return SendResult(None)
        client = destination.clients.get(message.tenant.id)
        if client is None:
            raise DeliveryError(
                f"Tenant {message.tenant.domain} is not mapped to a client of the PSA system, so no ticket was made; "
                f"add {message.tenant.id} to its clients."
            )
        told = self._psa(destination).tell(message, client)
        return SendResult(None, told.number, told.warning)

    def _post(self, message: Message, destination: Webhook) -> SendResult:
        url = self.vault.address(destination.url)
        if destination.format == "teams" and (problem := teams.problem_of(url)):
            raise DeliveryError(problem)
        if destination.format == "discord":
            url = discord.address(url)
        content = standard_webhook.encoded(_BODIES[destination.format](message))
        headers = {"Content-Type": "application/json", "User-Agent": _AGENT, **self._auth(destination.auth, url)}
        secrets = [self.vault.opened(secret, url) for secret in destination.signing]
        if secrets:
            headers |= self._signed(message, content, secrets)
        answer = self.guard.send("POST", url, headers, content, hides_address=True)
        if not answer.is_success:
            raise answer.refusal("The receiver")
        return SendResult(answer.status)

    def _signed(self, message: Message, content: bytes, secrets: list[str]) -> dict[str, str]:
        try:
            return standard_webhook.signature_headers(message.id, clock.now(), content, secrets)
        except ValueError as error:
            raise DeliveryError(str(error)) from None

    def _auth(self, auth: Auth | None, url: str) -> dict[str, str]:
        if auth is None:
            return {}
        if isinstance(auth, Bearer):
            return {"Authorization": f"Bearer {self.vault.opened(auth.token, url)}"}
        if isinstance(auth, Basic):
            user = f"{auth.username}:{self.vault.opened(auth.password, url)}"
            return {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
        if isinstance(auth, Headers):
            return {name: self.vault.opened(value, url) for name, value in auth.headers.items()}
        return {auth.header: self.vault.opened(auth.value, url)}

    def _mail(self, message: Message, destination: Email) -> SendResult:
        if self._settings.mail_problem:
            raise DeliveryError(self._settings.mail_problem)
        if not self._settings.mail_tenant or not self._settings.mail_sender:
            raise DeliveryError("No mail can be sent: set MAIL_TENANT and MAIL_SENDER.")
        content = mail.resource(message, destination.to, is_plain=destination.format == "plain")
        call = graph_calls.send_mail(self._settings.mail_sender, content)
        try:
            self._microsoft365.tenant(self._settings.mail_tenant).graph.send(call)
        except MicrosoftError as error:
            retry = error.retryable is not None
            text = _mail_refusal(error, self._settings.mail_sender)
            raise DeliveryError(text, status=error.status, retry=retry, retry_after=error.retry_after) from None
        return SendResult(202)

    def _psa(self, destination: HaloPsa | ConnectWise | Autotask) -> Psa:
        def secret(one: Secret) -> str:
            return self.vault.opened(one, destination.url)

        guard = replace(self.guard, until=time.monotonic() + _PSA_SECONDS)
        if isinstance(destination, HaloPsa):
            return halo.Halo(guard, destination, secret(destination.client_secret))
        if isinstance(destination, ConnectWise):
            return connectwise.ConnectWise(guard, destination, secret(destination.private_key))
        return autotask.Autotask(guard, destination, secret(destination.secret), secret(destination.integration_code))


def _mail_refusal(error: MicrosoftError, sender: str) -> str:
    """Say why Microsoft did not send a mail, the reason first: what follows may be cut."""
    if error.category is Category.not_found:
        return f"The sending mailbox {sender} does not exist. ({error.answer})"
    if error.category is Category.auth_permission:
        return (
            f"The app may not send mail from {sender} ({error.answer}). Grant it Mail.Send in that tenant, and include "
            "the mailbox in the application access policy or the management scope that limits the app."
        )
    return f"{error.answer}. {error.advice}" if error.answer else error.message
