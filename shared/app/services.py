"""What the functions of this app work with, built once per process from the settings."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from shared.app import settings as app_settings

if TYPE_CHECKING:
    from shared.app.settings import Settings
    from shared.jobs.storage.store import Store
    from shared.microsoft365.cloud import Microsoft365

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """The store, Microsoft 365 and the settings."""

    settings: Settings
    store: Store
    microsoft365: Microsoft365


@cache
def current() -> Services:
    """Return the services of this process; raises `SettingsError` where the settings are incomplete."""
    from shared.jobs.storage import azure_table
    from shared.jobs.storage.store import Store

    settings = app_settings.current()
    for problem in filter(None, (settings.notification_key_problem, settings.mail_problem)):
        _log.warning("Notifications are not sent as they should be. %s", problem)
    store = Store(azure_table.connect(settings, "offboardings"), azure_table.connect(settings, "offboardingdetails"))
    return Services(settings, store, connect(settings))


def connect(settings: Settings) -> Microsoft365:
    """Return Microsoft 365 as the settings reach it."""
    from shared.microsoft365.cloud import Endpoints, Microsoft365
    from shared.microsoft365.tokens import Credential

    endpoints = Endpoints(
        graph=settings.graph_url,
        exchange=settings.exchange_url,
        login=settings.login_url,
        sharepoint=settings.sharepoint_url,
    )
    credential = Credential(
        client_id=settings.client_id,
        certificate=settings.certificate,
        certificate_password=settings.certificate_password,
        secret=settings.client_secret,
        managed_identity=settings.managed_identity_client_id,
    )
    return Microsoft365(endpoints, credential)
