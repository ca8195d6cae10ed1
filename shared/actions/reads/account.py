"""The account in the directory, its groups, and the tenant's domains."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from shared.actions.reads.snapshot import Read
from shared.microsoft365.graph import graph_calls


@dataclass(frozen=True)
class License:
    """One assignment of a license to the person: direct where `group` is None, else inherited from that group."""

    sku: str
    group: str | None
    disabled_plans: tuple[str, ...] = field(default=(), compare=False)
    """Ids of its plans that are switched off."""
    is_stuck: bool = field(default=False, compare=False)
    """Entra could not process it, and tries again only when asked to."""


@dataclass(frozen=True)
class User:
    """The account in the directory."""

    id: str
    upn: str
    display_name: str
    mail: str | None
    addresses: tuple[str, ...]
    enabled: bool
    is_guest: bool
    is_synced: bool
    is_restricted: bool
    """In a restricted management administrative unit, which only roles for that unit reach."""
    immutable_id: str | None
    licenses: tuple[License, ...]
    sessions_valid_from: str
    password_changed: str


_STUCK: Final = frozenset({"Error", "ActiveWithError"})


def _parse_user(raw: Any) -> User | None:  # noqa: ANN401 - Microsoft's JSON
    if raw is None:
        return None
    return User(
        id=raw["id"],
        upn=raw["userPrincipalName"],
        display_name=raw.get("displayName") or raw["userPrincipalName"],
        mail=raw.get("mail"),
        addresses=tuple(a.split(":", 1)[-1].casefold() for a in raw.get("proxyAddresses") or ()),
        enabled=bool(raw.get("accountEnabled")),
        is_guest=raw.get("userType") == "Guest",
        is_synced=raw.get("onPremisesSyncEnabled") is True,
        is_restricted=raw.get("isManagementRestricted") is True,
        immutable_id=raw.get("onPremisesImmutableId") or None,
        licenses=tuple(
            License(a["skuId"], a.get("assignedByGroup"), tuple(a.get("disabledPlans") or ()), a.get("state") in _STUCK)
            for a in raw.get("licenseAssignmentStates") or ()
        ),
        sessions_valid_from=raw.get("signInSessionsValidFromDateTime") or "",
        password_changed=raw.get("lastPasswordChangeDateTime") or "",
    )


@dataclass(frozen=True)
class Group:
    """A group the person is a direct member of."""

    id: str
    name: str
    mail: str | None
    is_mail_enabled: bool
    is_unified: bool
    is_dynamic: bool
    membership_rule: str
    is_synced: bool
    gives_licenses: bool
    is_role_assignable: bool
    is_restricted: bool

    @property
    def is_exchange_group(self) -> bool:
        """Return whether only Exchange can change it: distribution lists and mail-enabled security groups."""
        return self.is_mail_enabled and not self.is_unified


def _follows_its_rule(group: dict[str, Any]) -> bool:
    """Return whether a rule decides who is a member; of a group that was dynamic once the rule's text can stay.

    Learn: "Change static group membership to dynamic"; the state is unknown in snapshots that were taken without it.
    """
    is_on = group.get("membershipRuleProcessingState", "On") == "On"
    return is_on and "DynamicMembership" in (group.get("groupTypes") or ())


def _parse_groups(raw: Any) -> tuple[Group, ...]:  # noqa: ANN401 - Microsoft's JSON
    return tuple(
        Group(
            id=g["id"],
            name=g.get("displayName") or g["id"],
            mail=g.get("mail"),
            is_mail_enabled=bool(g.get("mailEnabled")),
            is_unified="Unified" in (g.get("groupTypes") or ()),
            is_dynamic=_follows_its_rule(g),
            membership_rule=g.get("membershipRule") or "",
            is_synced=g.get("onPremisesSyncEnabled") is True,
            gives_licenses=bool(g.get("assignedLicenses")),
            is_role_assignable=g.get("isAssignableToRole") is True,
            is_restricted=g.get("isManagementRestricted") is True,
        )
        for g in raw or ()
    )


def _domains(raw: Any) -> frozenset[str]:  # noqa: ANN401 - Microsoft's JSON
    domains: list[dict[str, str]] = raw["verifiedDomains"] if raw else []
    return frozenset(domain["name"].casefold() for domain in domains)


def _federated(raw: Any) -> frozenset[str]:  # noqa: ANN401 - Microsoft's JSON
    domains: list[dict[str, str]] = raw["verifiedDomains"] if raw else []
    return frozenset(domain["name"].casefold() for domain in domains if domain.get("type") == "Federated")


USER = Read("user", "The account", "graph", lambda p: graph_calls.get_user(p.id), _parse_user, lambda user, _: user)
GROUPS = Read(
    "groups",
    "The groups",
    "graph",
    lambda p: graph_calls.get_user_groups(p.id),
    _parse_groups,
    lambda page, _: page["value"],
)
OWNED_GROUPS = Read(
    "owned_groups",
    "The groups the person owns",
    "graph",
    lambda p: graph_calls.get_owned_groups(p.id),
    _parse_groups,
    lambda page, _: page["value"],
)
DOMAINS = Read(
    "organization",
    "The tenant's domains",
    "graph",
    lambda _: graph_calls.get_organization(),
    _domains,
    lambda page, _: page["value"][0] if page["value"] else None,
)
FEDERATED_DOMAINS = Read(
    DOMAINS.name, "The tenant's federated domains", "graph", DOMAINS.call, _federated, DOMAINS.keep
)
"""Of the same answer: the domains whose people sign in elsewhere."""
