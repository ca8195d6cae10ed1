"""Query options: $select, $filter, $search, $orderby and paging, and which of them need the advanced query service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dev.tenant.errors import GraphError, bad_request
from dev.tenant.graph.filters import Filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.tenant.graph.router import Ask

LIST = "$select $filter $top $skiptoken $count $orderby $search"


def select(ask: Ask, resource: dict[str, Any], kind: str, default: Sequence[str] | None = None) -> dict[str, Any]:
    """Keep the properties that were asked for; `id` comes along only when it is asked for, as in Graph."""
    wanted = ask.query.get("$select")
    if not wanted:
        return {name: resource[name] for name in default if name in resource} if default else resource
    known = {name.lower(): name for name in resource}
    chosen = {name: resource[name] for name in resource if name.startswith("@")}
    for part in wanted.split(","):
        name = part.strip()
        if name.lower() not in known:
            raise unknown_property(name, kind)
        chosen[known[name.lower()]] = resource[known[name.lower()]]
    return chosen


def readable(ask: Ask, resource: dict[str, Any], permissions: Sequence[str]) -> dict[str, Any]:
    """Put null in place of all but type and id, unless the app may read this kind of object.

    That is no refusal, but status 200 ("Limited information returned for inaccessible member objects" on Learn).
    """
    if ask.allows(*permissions):
        return resource
    return {name: value if name in {"@odata.type", "id"} else None for name, value in resource.items()}


def unknown_property(name: str, kind: str) -> GraphError:
    """Refuse a property that the type does not have."""
    problem = f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
    return GraphError(400, "BadRequest", f"Parsing OData Select and Expand failed: {problem}", unknown=True)


def narrow(ask: Ask, rows: list[dict[str, Any]], kind: str, *, advanced: bool = False) -> list[dict[str, Any]]:
    """Apply $filter, $search and $orderby.

    Args:
        ask: the call.
        rows: all there is, with every property.
        kind: the type, for messages.
        advanced: even a simple $filter or $count on this collection needs the advanced query service ("Advanced query
            capabilities on Microsoft Entra ID objects" on Learn).
    """
    query = ask.query
    condition = Filter.parse(query["$filter"]) if "$filter" in query else None
    special = advanced or (condition is not None and condition.advanced) or "$search" in query
    special = special or ("$orderby" in query and "$filter" in query)
    uses = any(option in query for option in ("$filter", "$search", "$orderby", "$count"))
    if special and uses and not ask.eventual:
        raise GraphError(
            400,
            "Request_UnsupportedQuery",
            "Unsupported Query. The query requires the header ConsistencyLevel: eventual and $count=true.",
        )
    if condition is not None and rows:
        for name in condition.properties:
            if name.lower() not in {known.lower() for known in rows[0]}:
                raise GraphError(
                    400,
                    "BadRequest",
                    f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'.",
                    unknown=True,
                )
        rows = [row for row in rows if condition.holds(row)]
    if "$search" in query:
        rows = _search(query["$search"], rows)
    if "$orderby" in query:
        rows = _sorted(query["$orderby"], rows, kind)
    return rows


def _search(text: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Find rows in which a word begins with one of the searched texts; clauses may be joined by OR only."""
    clauses = re.findall(r'"(\w+):((?:[^"\\]|\\.)*)"', text)
    rest = re.sub(r'"(\w+):((?:[^"\\]|\\.)*)"', "", text)
    if not clauses or rest.replace("OR", "").strip():
        raise bad_request(f"Syntax error: character '{text[:1]}' is not valid at position 0 in '{text}'.")

    def found(row: dict[str, Any], name: str, wanted: str) -> bool:
        value = str(row.get(name) or "").casefold()
        plain = re.sub(r"\\(.)", r"\1", wanted).casefold()
        return value.startswith(plain) or any(word.startswith(plain) for word in re.split(r"[\s@._-]+", value))

    return [row for row in rows if any(found(row, name, wanted) for name, wanted in clauses)]


def _sorted(orderby: str, rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    name, _, direction = orderby.partition(" ")
    if rows and name not in rows[0]:
        raise unknown_property(name, kind)
    return sorted(rows, key=lambda row: str(row[name] or "").casefold(), reverse=direction.strip() == "desc")


def page(ask: Ask, rows: list[dict[str, Any]], context: str, *, size: int = 100, most: int = 999) -> dict[str, Any]:
    """Answer one page; the link to the next repeats the query, so that its rules hold there too."""
    top = ask.query.get("$top", str(size))
    if not top.isdigit() or not 1 <= int(top) <= most:
        raise bad_request(f"Invalid page size specified: '{top}'. Must be between 1 and {most} inclusive.")
    start = _position(ask.query.get("$skiptoken", "p0"))
    end = start + int(top)
    body: dict[str, Any] = {"@odata.context": f"{ask.root}/$metadata#{context}"}
    if ask.query.get("$count") == "true":
        body["@odata.count"] = len(rows)
    if end < len(rows):
        query = {**ask.query, "$skiptoken": f"p{end}"}
        body["@odata.nextLink"] = link(ask, query)
    body["value"] = rows[start:end]
    return body


def _position(token: str) -> int:
    if not re.fullmatch(r"p\d+", token):
        raise bad_request("The specified page token value is invalid or has expired.")
    return int(token[1:])


def link(ask: Ask, query: dict[str, str]) -> str:
    """Write a link to this very path with another query."""
    return f"{ask.root}{ask.path}?" + "&".join(f"{name}={quote(value)}" for name, value in query.items())
