"""The description of the API as one page: no script, nothing from another host, readable without either."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Json = dict[str, Any]

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
nav { columns: 3 12rem; } nav a { display: block; } h2 { margin-top: 2.5rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: 0 .8rem; }
summary { cursor: pointer; padding: .5rem 0; } code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: 6px; overflow-x: auto; padding: .7rem; }
b.method { display: inline-block; min-width: 4.5rem; } .wrap { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } td, th { border-top: 1px solid var(--line); text-align: left; }
td, th { padding: .3rem .6rem .3rem 0; vertical-align: top; }
"""
_DEPTH: Final = 4


def page(document: Json) -> str:
    """Return the page."""
    operations = [(path, method, each) for path, way in document["paths"].items() for method, each in way.items()]
    parts: list[str] = []
    for tag in document["tags"]:
        parts.append(f'<h2 id="{escape(tag["name"])}">{escape(tag["name"])}</h2><p>{escape(tag["description"])}</p>')
        parts += [_operation(document, *each) for each in operations if tag["name"] in each[2]["tags"]]
    links = "".join(f'<a href="#{escape(tag["name"])}">{escape(tag["name"])}</a>' for tag in document["tags"])
    title, about, server = document["info"]["title"], document["info"]["description"], document["servers"][0]["url"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1><p>{escape(about)}</p>"
        f"<p>Below <code>{escape(server)}</code>, with the key in the header <code>x-functions-key</code>; "
        f"the same for programs: <code>{escape(server)}/openapi.json</code>.</p>"
        f"<nav>{links}</nav>{''.join(parts)}</body></html>"
    )


def _operation(document: Json, path: str, method: str, operation: Json) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    rows = [(each["name"], each["description"], each["in"]) for each in operation["parameters"]]
    parts = [f"<p>{escape(operation['description'])}</p>"]
    if rows:
        parts.append(_table(("parameter", "meaning", "in"), rows))
    if body:
        fields = list(_fields(document, body["schema"]))
        parts += ["<h4>Body</h4>", _table(("field", "meaning", "form"), fields), _block(body["example"])]
    parts.append(f"<pre>{escape(_curl(document, path, method, body))}</pre><h4>Answers</h4>")
    parts.append(
        _table(("status", "meaning", ""), [(s, a["description"], "") for s, a in operation["responses"].items()])
    )
    for answer in operation["responses"].values():
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if schema and (answered := list(_fields(document, schema))):
            parts.append(_table(("field of the answer", "meaning", "form"), answered))
            break
    head = f'<b class="method">{method.upper()}</b> <code>{escape(path)}</code> {escape(operation["summary"])}'
    name = escape(operation["operationId"])
    return f'<details id="{name}"><summary>{head}</summary>{"".join(parts)}</details>'


def _curl(document: Json, path: str, method: str, body: Json | None) -> str:
    way = "" if method == "get" or (method == "post" and body) else f" -X {method.upper()}"
    sent = f" -d '{json.dumps(body['example'])}'" if body else ""
    return f"curl -s{way} -H \"x-functions-key: $KEY\" '{document['servers'][0]['url']}{path}'{sent}"


def _fields(document: Json, schema: Json, before: str = "", depth: int = 0) -> Iterable[tuple[str, str, str]]:
    """Yield every field with its path, what it means and what it takes."""
    for found in _objects(document, schema):
        for name, field in found.get("properties", {}).items():
            form = str(field.get("type") or " or ".join(filter(None, (_kind(each) for each in field.get("anyOf", ())))))
            values = field.get("enum") or ([field["const"]] if "const" in field else [])
            form += f": {', '.join(map(str, values))}" if values else ""
            form += "".join(
                f", such as {json.dumps(example, ensure_ascii=False)}" for example in field.get("examples", ())
            )
            yield f"{before}{name}", str(field.get("description", "")), form
            if depth < _DEPTH:
                yield from _fields(document, field, f"{before}{name}.", depth + 1)


def _objects(document: Json, schema: Json) -> Iterable[Json]:
    """Yield the objects that a schema may stand for: itself, what it refers to, its variants, and those in a list."""
    if "$ref" in schema:
        yield from _objects(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    elif "properties" in schema:
        yield schema
    parts: list[Json] = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if "items" in schema:
        parts.append(schema["items"])
    for each in parts:
        yield from _objects(document, each)


def _kind(schema: Mapping[str, Any]) -> str:
    return "object" if "$ref" in schema else str(schema.get("type", ""))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(
        f"<tr><td><code>{escape(first)}</code></td>{''.join(f'<td>{escape(each)}</td>' for each in rest)}</tr>"
        for first, *rest in rows
    )
    return f'<div class="wrap"><table><tr>{names}</tr>{lines}</table></div>'


def _block(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
