"""What Graph reaches of a mailbox: calendars, settings, rules, sending."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from dev.tenant.errors import GraphError, bad_request
from dev.tenant.graph import odata
from dev.tenant.graph.router import Ask, route
from dev.tenant.messages import Reply, now

if TYPE_CHECKING:
    from dev.tenant.state import Mailbox, User

_CALENDARS = ("Calendars.Read", "Calendars.ReadWrite")
_SETTINGS = ("MailboxSettings.ReadWrite",)
_STATUS = {"disabled": "Disabled", "alwaysEnabled": "Enabled", "scheduled": "Scheduled"}
_AUDIENCE = {"none": "None", "contactsOnly": "Known", "all": "All"}
_REPLIES = {
    "status": "AutoReplyState",
    "externalAudience": "ExternalAudience",
    "internalReplyMessage": "InternalMessage",
    "externalReplyMessage": "ExternalMessage",
}


def _mailbox(ask: Ask, user: str) -> Mailbox:
    mailbox = ask.tenant.mailboxes.get(ask.user(user).id)
    if mailbox is None:
        message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise GraphError(404, "MailboxNotEnabledForRESTAPI", message)
    return mailbox


@route("GET", "/users/{user}/calendars", permissions=_CALENDARS, options="$select $top $skiptoken")
def calendars(ask: Ask, user: str) -> dict[str, Any]:
    """List the calendars: the default one."""
    mailbox = _mailbox(ask, user)
    row = {"id": f"calendar-{mailbox.Guid}", "name": mailbox.calendar_name, "isDefaultCalendar": True, "canEdit": True}
    return odata.page(
        ask, [odata.select(ask, row, "calendar")], f"users('{mailbox.ExternalDirectoryObjectId}')/calendars"
    )


@route("GET", "/users/{user}/calendar/calendarPermissions", permissions=_CALENDARS, options="$select $top $skiptoken")
def calendar_permissions(ask: Ask, user: str) -> dict[str, Any]:
    """List who may see or change the default calendar."""
    mailbox = _mailbox(ask, user)
    rows = [
        {
            "id": entry["id"],
            "isRemovable": entry["isRemovable"],
            "isInsideOrganization": entry["isInsideOrganization"],
            "role": entry["role"],
            "allowedRoles": ["none", "freeBusyRead", "limitedRead", "read", "write"],
            "emailAddress": {"name": entry["name"], "address": entry["address"]},
        }
        for entry in mailbox.calendar
    ]
    context = f"users('{mailbox.ExternalDirectoryObjectId}')/calendar/calendarPermissions"
    return odata.page(ask, [odata.select(ask, row, "calendarPermission") for row in rows], context)


def _is(user: User, address: str) -> bool:
    return user.userPrincipalName.casefold() == address.casefold()


@route("POST", "/users/{user}/calendar/calendarPermissions", permissions=("Calendars.ReadWrite",))
def create_calendar_permission(ask: Ask, user: str) -> Reply:
    """Share the default calendar with somebody ("Create calendarPermission" on Learn)."""
    mailbox, body = _mailbox(ask, user), ask.object_body()
    if unknown := set(body) - {"emailAddress", "role", "isInsideOrganization", "isRemovable"}:
        raise bad_request(f"Invalid property '{unknown.pop()}'.", unknown=True)
    address = str(body["emailAddress"]["address"])
    if body["role"] not in {"freeBusyRead", "limitedRead", "read", "write"} and "delegate" not in str(body["role"]):
        raise GraphError(400, "ErrorInvalidRequest", "The role is not allowed.")
    if any(entry["address"].casefold() == address.casefold() for entry in mailbox.calendar if entry["address"]):
        raise GraphError(400, "ErrorInvalidRequest", "The calendar permission already exists.")
    holder = next((one for one in ask.tenant.users.values() if _is(one, address)), None)
    entry = {
        "id": str(uuid.uuid4()),
        "isRemovable": True,
        "isInsideOrganization": True,
        "role": body["role"],
        "user": holder.id if holder else "",
        "name": holder.displayName if holder else address,
        "address": address,
    }
    mailbox.calendar.append(entry)
    return Reply(201, {"id": entry["id"], "role": entry["role"]})


@route("DELETE", "/users/{user}/calendar/calendarPermissions/{permission}", permissions=("Calendars.ReadWrite",))
def delete_calendar_permission(ask: Ask, user: str, permission: str) -> None:
    """Take somebody off the default calendar."""
    mailbox = _mailbox(ask, user)
    entry = next((each for each in mailbox.calendar if each["id"] == permission), None)
    if entry is None:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    if not entry["isRemovable"]:
        raise GraphError(400, "ErrorInvalidRequest", "The calendar permission cannot be removed.")
    mailbox.calendar.remove(entry)


@route("GET", "/users/{user}/mailboxSettings", permissions=("MailboxSettings.Read", *_SETTINGS), options="$select")
def mailbox_settings(ask: Ask, user: str) -> dict[str, Any]:
    """Read the settings, automatic replies among them."""
    mailbox = _mailbox(ask, user)
    names = {"AutoReplyState": _STATUS, "ExternalAudience": _AUDIENCE}
    replies: dict[str, Any] = {}
    for graph_name, name in _REPLIES.items():
        value = mailbox.auto_reply[name]
        backwards = {exchange: graph for graph, exchange in names.get(name, {}).items()}
        replies[graph_name] = backwards.get(value, value)
    resource = {
        "automaticRepliesSetting": replies,
        "timeZone": "W. Europe Standard Time",
        "userPurpose": {"value": "user"},
    }
    return odata.select(ask, resource, "mailboxSettings")


@route("PATCH", "/users/{user}/mailboxSettings", permissions=_SETTINGS)
def change_mailbox_settings(ask: Ask, user: str) -> dict[str, Any]:
    """Change the automatic replies."""
    mailbox, body = _mailbox(ask, user), ask.object_body()
    if unknown := set(body) - {"@odata.context", "automaticRepliesSetting"}:
        raise bad_request(f"Invalid property '{unknown.pop()}'.", unknown=True)
    wanted = body.get("automaticRepliesSetting") or {}
    if unknown := set(wanted) - set(_REPLIES):
        raise bad_request(f"Invalid property '{unknown.pop()}'.", unknown=True)
    changes: dict[str, str] = {}
    for name, value in wanted.items():
        known = {"status": _STATUS, "externalAudience": _AUDIENCE}.get(name)
        if known is not None and value not in known:
            raise bad_request(f"Invalid value specified for property '{name}'.", unknown=True)
        changes[_REPLIES[name]] = known[value] if known else value
    mailbox.auto_reply.update(changes)
    return mailbox_settings(Ask(ask.simulation, ask.tenant, "GET", ask.root, ask.version, ask.path, {}, {}), user)


@route("GET", "/users/{user}/mailFolders/inbox/messageRules", permissions=("MailboxSettings.Read", *_SETTINGS))
def message_rules(ask: Ask, user: str) -> dict[str, Any]:
    """List the inbox rules; hidden ones never show here, which is why the app asks Exchange."""
    mailbox = _mailbox(ask, user)
    shown = [rule for rule in mailbox.rules if not rule["hidden"]]
    value = [
        {"id": str(rule["RuleIdentity"]), "displayName": rule["Name"], "isEnabled": rule["Enabled"]} for rule in shown
    ]
    return {"@odata.context": f"{ask.root}/$metadata#messageRules", "value": value}


@route("DELETE", "/users/{user}/mailFolders/inbox/messageRules/{rule}", permissions=_SETTINGS)
def delete_message_rule(ask: Ask, user: str, rule: str) -> None:
    """Delete an inbox rule."""
    mailbox = _mailbox(ask, user)
    found = next((each for each in mailbox.rules if str(each["RuleIdentity"]) == rule and not each["hidden"]), None)
    if found is None:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    mailbox.rules.remove(found)


@route("POST", "/users/{user}/sendMail", permissions=("Mail.Send",))
def send_mail(ask: Ask, user: str) -> Reply:
    """Keep a message instead of sending it."""
    mailbox, body = _mailbox(ask, user), ask.object_body()
    if unknown := set(body) - {"message", "saveToSentItems"}:
        raise bad_request(f"Invalid property '{unknown.pop()}'.", unknown=True)
    message = body.get("message")
    if not isinstance(message, dict) or not message.get("toRecipients"):
        raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
    ask.tenant.sent_mail.append({"from": mailbox.ExternalDirectoryObjectId, "at": now(), "message": message})
    return Reply(202)
