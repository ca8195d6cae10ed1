"""One file per action: the whole story of that action is in it."""

from __future__ import annotations

from importlib import import_module
from typing import Final

ACTIONS: Final = (
    "cancel_meetings",
    "clear_immutable_id",
    "convert_to_shared",
    "delete_user",
    "disable_devices",
    "disable_forwarding",
    "disable_onedrive_sharing",
    "disable_sign_in",
    "forward_email",
    "grant_mailbox_access",
    "grant_mailbox_access_automap",
    "grant_onedrive_access",
    "grant_send_as",
    "grant_send_on_behalf",
    "hand_over_ownership",
    "hide_from_address_lists",
    "remove_app_access",
    "remove_calendar_permissions",
    "remove_directory_roles",
    "remove_groups",
    "remove_inbox_rules",
    "remove_licenses",
    "remove_mailbox_permissions",
    "remove_mfa_methods",
    "remove_mobile_devices",
    "remove_teams_number",
    "reset_password",
    "revoke_sessions",
    "set_out_of_office",
)
"""What each is called, its file and its function."""


def import_all() -> None:
    """Import the actions, which registers them in the catalogue."""
    for name in ACTIONS:
        import_module(f"{__name__}.{name}")
