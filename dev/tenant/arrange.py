"""Changing a tenant behind the app's back, for tests: `POST /_sim/arrange {"tenant": id or domain, "op": ..., ...}`.

- `user`: `{"user": id or UPN, "set": {field: value}}` changes any field of the state. With `"create": {"alias",
  "name", "licenses": [names or ids of SKUs]}` in place of `user` an account is made first, mailbox and OneDrive
  included.
- `group`: `{"group": id or nickname, "set": {...}}`, or `"create": {"nickname", "name", "kind", "members": [...]}`
  with kind "security", "m365", "team", "list" or "mail_security". `"add"` and `"remove"` take lists of users.
- `mailbox`: `{"mailbox": id or UPN, "set": {...}}`; an account without a mailbox is given one.
- `contact`: `{"alias", "mail", "name"}` makes a mail contact.
- `site`: `{"user": ..., "set": {...}}`, for the person's OneDrive.
- `number`: `{"number": "+1555...", "set": {...}}`; one that does not exist is made.
- `tenant`: `{"set": {...}}`, for the delays (`conversion_reads`, `license_reads`, `number_reads`), `teams_phone` and
  the like.
- `method`: `{"user", "kind", "default"?: bool}` registers an authentication method, such as "fido2" or
  "hardwareOath".
- `belongings`: `{"user", "actions": [names]}` gives a person what these actions take away, where there is nothing of
  the kind (`dev/tenant/belongings`).
- `directory_role`: `{"user", "role": name or template id, "remove"?: bool}` changes who holds a directory role; with
  `group` in place of `user`, which group does.
- `revoke_permission`, `grant_permission`: `{"permission", "api": "graph" (unless given), "exchange" or "sharepoint"}`
  changes what the tenant consented to.
- `revoke_entra_role`, `grant_entra_role`: `{"role"}` changes the roles of the app's own service principal, such as
  "Exchange Administrator" or "Privileged Authentication Administrator".
- `consent`: `{"present": bool}`, whether the app is in the tenant at all.
- `delete_user`: `{"user", "for_good"?: bool}`.

Answers the id of what was touched, as `{"id"}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import belongings, licensing
from dev.tenant.belongings import sign_in_methods, sign_ins
from dev.tenant.graph.users import soft_delete
from dev.tenant.population import GLOBAL_ADMINISTRATOR, Organisation, ident
from dev.tenant.skus import SKUS
from dev.tenant.state import Contact, DirectoryRole

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.tenant.simulation import Simulation
    from dev.tenant.state import Group, Tenant, User

Wanted = dict[str, Any]


def arrange(simulation: Simulation, body: Wanted) -> Wanted:
    """Carry out one change."""
    tenant = simulation.tenant(body.get("tenant", ""))
    if tenant is None:
        raise ValueError(f"no such tenant: {body.get('tenant')}")
    if body.get("op") not in _OPERATIONS:
        raise ValueError(f"no such op: {body.get('op')}")
    return {
        "id": _OPERATIONS[body["op"]](
            tenant, {key: value for key, value in body.items() if key not in {"tenant", "op"}}
        )
    }


def _assign(target: object, values: Wanted) -> None:
    for name, value in values.items():
        if not hasattr(target, name):
            raise ValueError(f"{type(target).__name__} has no field {name}")
        setattr(target, name, value)


def _find_user(tenant: Tenant, key: str) -> User:
    found = tenant.find_user(key) or tenant.deleted_users.get(key)
    if found is None:
        raise ValueError(f"no such user: {key}")
    return found


def _user(tenant: Tenant, wanted: Wanted) -> str:
    if "create" in wanted:
        made = wanted["create"]
        skus = [sku for sku in SKUS.values() if {sku.id, sku.name} & set(made.get("licenses", ["SPE_E3"]))]
        user = Organisation(tenant).person(made["alias"], made.get("name", made["alias"].title()), licenses=skus)
    else:
        user = _find_user(tenant, wanted["user"])
    _assign(user, wanted.get("set", {}))
    return user.id


def _find_group(tenant: Tenant, key: str) -> Group:
    found = tenant.groups.get(key) or next((each for each in tenant.groups.values() if each.mailNickname == key), None)
    if found is None:
        raise ValueError(f"no such group: {key}")
    return found


def _group(tenant: Tenant, wanted: Wanted) -> str:
    if "create" in wanted:
        made = wanted["create"]
        nickname = made["nickname"]
        group = Organisation(tenant).group(nickname, made.get("name", nickname), made.get("kind", "security"))
    else:
        group = _find_group(tenant, wanted["group"])
    _assign(group, wanted.get("set", {}))
    for key in [*wanted.get("create", {}).get("members", []), *wanted.get("add", [])]:
        user = _find_user(tenant, key)
        group.members.append(user.id)
        licensing.joined_group(tenant, group, user)
    for key in wanted.get("remove", []):
        user = _find_user(tenant, key)
        group.members.remove(user.id)
        licensing.left_group(tenant, group, user)
    return group.id


def _mailbox(tenant: Tenant, wanted: Wanted) -> str:
    user = _find_user(tenant, wanted["mailbox"])
    mailbox = (
        tenant.mailboxes.get(user.id) or tenant.deleted_mailboxes.get(user.id) or Organisation(tenant).mailbox(user)
    )
    _assign(mailbox, wanted.get("set", {}))
    return user.id


def _contact(tenant: Tenant, wanted: Wanted) -> str:
    alias = wanted["alias"]
    name = wanted.get("name", alias)
    place = Organisation(tenant).distinguished_name(alias)
    made = Contact(ident(tenant.id, "contact", alias), name, alias, wanted["mail"], place)
    tenant.contacts[made.id] = made
    return made.id


def _site(tenant: Tenant, wanted: Wanted) -> str:
    user = _find_user(tenant, wanted["user"])
    site = tenant.sites[user.site] if user.site else Organisation(tenant).site(user)
    _assign(site, wanted.get("set", {}))
    return site.url


def _number(tenant: Tenant, wanted: Wanted) -> str:
    text = wanted["number"]
    number = next((each for each in tenant.numbers.values() if each.telephoneNumber == text), None)
    number = number or Organisation(tenant).number(text)
    _assign(number, wanted.get("set", {}))
    return number.id


def _tenant(tenant: Tenant, wanted: Wanted) -> str:
    _assign(tenant, wanted.get("set", {}))
    return tenant.id


def _method(tenant: Tenant, wanted: Wanted) -> str:
    user, kind = _find_user(tenant, wanted["user"]), wanted["kind"]
    method_id = sign_in_methods.method(user, kind)
    if wanted.get("default"):
        user.default_method = method_id
    return method_id


def _belongings(tenant: Tenant, wanted: Wanted) -> str:
    user = _find_user(tenant, wanted["user"])
    belongings.give_missing(tenant, user, wanted["actions"])
    return user.id


def _sign_in(tenant: Tenant, wanted: Wanted) -> str:
    """Have somebody sign in to an app at a moment; an `error` other than 0 is a failed attempt."""
    return sign_ins.add(tenant, _find_user(tenant, wanted["user"]), **{k: v for k, v in wanted.items() if k != "user"})


def _row(tenant: Tenant, wanted: Wanted) -> str:
    """Change a row of what only one file of `dev.tenant.belongings` knows, found by its display name."""
    rows = tenant.belongings.get(wanted["of"], {})
    key = next((key for key, row in rows.items() if row["displayName"] == wanted["name"]), None)
    if key is None:
        raise ValueError(f"no such row: {wanted['name']}")
    rows[key] |= wanted["set"]
    return key


def _directory_role(tenant: Tenant, wanted: Wanted) -> str:
    name = wanted["role"]
    holder = _find_group(tenant, wanted["group"]).id if "group" in wanted else _find_user(tenant, wanted["user"]).id
    role = next(
        (each for each in tenant.directory_roles.values() if name in {each.displayName, each.roleTemplateId}), None
    )
    if role is None:
        template = GLOBAL_ADMINISTRATOR if name == "Global Administrator" else ident("role", name)
        role = DirectoryRole(ident(tenant.id, "role", template), name, template)
        tenant.directory_roles[role.id] = role
    role.members = [each for each in role.members if each != holder]
    if not wanted.get("remove"):
        role.members.append(holder)
    return role.id


def _permissions(tenant: Tenant, wanted: Wanted) -> list[str]:
    by_api = {"graph": tenant.app.graph, "exchange": tenant.app.exchange, "sharepoint": tenant.app.sharepoint}
    return by_api[wanted.get("api", "graph")]


def _revoke_permission(tenant: Tenant, wanted: Wanted) -> str:
    _permissions(tenant, wanted).remove(wanted["permission"])
    return wanted["permission"]


def _grant_permission(tenant: Tenant, wanted: Wanted) -> str:
    _permissions(tenant, wanted).append(wanted["permission"])
    return wanted["permission"]


def _revoke_entra_role(tenant: Tenant, wanted: Wanted) -> str:
    tenant.app.entra_roles.remove(wanted["role"])
    return wanted["role"]


def _grant_entra_role(tenant: Tenant, wanted: Wanted) -> str:
    tenant.app.entra_roles.append(wanted["role"])
    return wanted["role"]


def _consent(tenant: Tenant, wanted: Wanted) -> str:
    tenant.app.present = bool(wanted["present"])
    return tenant.id


def _delete_user(tenant: Tenant, wanted: Wanted) -> str:
    user = _find_user(tenant, wanted["user"])
    if user.id in tenant.users:
        soft_delete(tenant, user)
    if wanted.get("for_good"):
        del tenant.deleted_users[user.id]
        tenant.deleted_mailboxes.pop(user.id, None)
    return user.id


_OPERATIONS: dict[str, Callable[[Tenant, Wanted], str]] = {
    "user": _user,
    "group": _group,
    "mailbox": _mailbox,
    "contact": _contact,
    "site": _site,
    "number": _number,
    "tenant": _tenant,
    "method": _method,
    "belongings": _belongings,
    "directory_role": _directory_role,
    "row": _row,
    "sign_in": _sign_in,
    "revoke_permission": _revoke_permission,
    "grant_permission": _grant_permission,
    "revoke_entra_role": _revoke_entra_role,
    "grant_entra_role": _grant_entra_role,
    "consent": _consent,
    "delete_user": _delete_user,
}
