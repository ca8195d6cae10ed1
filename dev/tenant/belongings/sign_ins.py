"""The sign-ins of people, as the audit log keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.errors import GraphError
from dev.tenant.graph import odata
from dev.tenant.graph.router import Ask, route
from dev.tenant.population import ident
from dev.tenant.skus import BUSINESS_PREMIUM, E3, E5, ENTRA_P2

if TYPE_CHECKING:
    from dev.tenant.state import Tenant, User

_WITH_P1 = frozenset({BUSINESS_PREMIUM.id, E3.id, E5.id, ENTRA_P2.id})


def add(tenant: Tenant, user: User, *, at: str, app: str = "Outlook", error: int = 0) -> str:
    """Have a user sign in to an app, or try to; returns the id of the entry."""
    key = ident(user.id, "sign-in", at, app)
    tenant.belongings.setdefault("sign_ins", {})[key] = {
        "createdDateTime": at,
        "userId": user.id,
        "userPrincipalName": user.userPrincipalName,
        "appDisplayName": app,
        "status": {"errorCode": error},
    }
    return key


@route("GET", "/auditLogs/signIns", permissions=("AuditLog.Read.All",), options="$filter $top $skiptoken $orderby")
def sign_ins(ask: Ask) -> dict[str, Any]:
    """List sign-ins, the newest first; the tenant needs a license for it ("List signIns" on Learn)."""
    if not _WITH_P1 & set(ask.tenant.skus):
        raise GraphError(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )
    rows = [{"id": key, **row} for key, row in ask.tenant.belongings.get("sign_ins", {}).items()]
    rows.sort(key=lambda row: row["createdDateTime"], reverse=True)
    return odata.page(ask, odata.narrow(ask, rows, "signIn"), "auditLogs/signIns")
