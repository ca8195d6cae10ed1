"""Meetings that a mailbox organised, and who may see its calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.errors import ExchangeError, not_found
from dev.tenant.exchange import recipients
from dev.tenant.exchange.cmdlet import Rows, Run, cmdlet

if TYPE_CHECKING:
    from dev.tenant.state import Mailbox

_MOST_DAYS = 1825
_RIGHTS = {
    "none": "None",
    "freeBusyRead": "AvailabilityOnly",
    "limitedRead": "LimitedDetails",
    "read": "Reviewer",
    "write": "Editor",
}


@cmdlet(
    "Remove-CalendarEvents",
    "Identity:text CancelOrganizedMeetings:switch QueryStartDate:text QueryWindowInDays:number PreviewOnly:switch",
    required="Identity",
    writes="Identity",
)
def remove_calendar_events(run: Run) -> None:
    """Queue the cancellations of the meetings it organised: success means queued, so it must be able to send.

    A series goes as a whole, begun before today or not, as long as one of its dates is in the time.
    """
    mailbox = recipients.mailbox(run.tenant, run["Identity"])
    days = run["QueryWindowInDays"]
    if days is None or not 1 <= days <= _MOST_DAYS:
        raise ExchangeError(
            "System.Management.Automation.ParameterBindingValidationException",
            f"Cannot validate argument on parameter 'QueryWindowInDays'. The value must be between 1 and {_MOST_DAYS}.",
        )
    if mailbox.mailbox_lost:
        raise ExchangeError(
            "Microsoft.Exchange.Data.Storage.MailboxUnavailableException",
            f"The mailbox '{mailbox.Name}' can't send messages.",
        )
    if run["PreviewOnly"] or not run["CancelOrganizedMeetings"]:
        return
    for meeting in mailbox.meetings:
        is_going_on = meeting["recurring"] and meeting["days"] < 0  # series have no end here
        if meeting["attendees"] and (is_going_on or 0 <= meeting["days"] <= days):
            meeting["cancelled"] = True


@cmdlet("Get-MailboxFolderStatistics", "Identity:text FolderScope:text", required="Identity")
def get_folder_statistics(run: Run) -> Rows:
    """List folders; the name of the calendar depends on the owner's language, its type does not."""
    mailbox = recipients.mailbox(run.tenant, run["Identity"])
    folders = [(mailbox.calendar_name, "Calendar", "Calendar"), ("Birthdays", "BirthdayCalendar", "Calendar")]
    folders += [("Inbox", "Inbox", "Inbox"), ("Sent Items", "SentItems", "SentItems")]
    scope = run["FolderScope"] or "All"
    return [
        {
            "Name": name,
            "Identity": f"{mailbox.Name}\\{name}",
            "FolderPath": f"/{name}",
            "FolderType": kind,
            "ItemsInFolder": 12,
        }
        for name, kind, scopes in folders
        if scope in {"All", scopes}
    ]


def _calendar(run: Run) -> Mailbox:
    owner, _, folder = run["Identity"].partition(":\\")
    mailbox = recipients.mailbox(run.tenant, owner)
    if folder != mailbox.calendar_name:
        raise not_found(run["Identity"])
    return mailbox


def _entry(run: Run, mailbox: Mailbox, identity: str) -> dict[str, Any]:
    wanted = identity.casefold()
    for entry in mailbox.calendar:
        keys = {entry["user"], entry["name"], entry["address"]}
        if entry["user"] in run.tenant.users:
            keys.add(run.tenant.users[entry["user"]].userPrincipalName)
        if wanted in {key.casefold() for key in keys}:
            return entry
    raise ExchangeError(
        "Microsoft.Exchange.Management.StoreTasks.UserNotFoundInPermissionEntryException",
        f"There is no existing permission entry found for user: {identity}.",
    )


@cmdlet("Get-MailboxFolderPermission", "Identity:text User:text", required="Identity")
def get_folder_permission(run: Run) -> Rows:
    """List who may see the calendar."""
    mailbox = _calendar(run)
    entries = [_entry(run, mailbox, run["User"])] if run["User"] else mailbox.calendar
    return [
        {
            "Identity": f"{mailbox.Name}:\\{mailbox.calendar_name}",
            "FolderName": mailbox.calendar_name,
            "User": entry["user"] if not entry["isRemovable"] else entry["name"],
            "AccessRights": [_RIGHTS[entry["role"]]],
            "SharingPermissionFlags": None,
        }
        for entry in entries
    ]


@cmdlet(
    "Remove-MailboxFolderPermission",
    "Identity:text User:text SendNotificationToUser:switch ResetDelegateUserCollection:switch",
    required="Identity User",
    writes="Identity",
)
def remove_folder_permission(run: Run) -> None:
    """Take somebody off the calendar."""
    mailbox = _calendar(run)
    entry = _entry(run, mailbox, run["User"])
    if not entry["isRemovable"]:
        text = "The Default and Anonymous permissions can't be removed."
        raise ExchangeError("Microsoft.Exchange.Management.StoreTasks.CannotRemoveSpecialUserException", text)
    mailbox.calendar.remove(entry)
