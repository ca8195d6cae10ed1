"""Table Storage behind the port, with the Azure SDK."""

# The SDK types what it returns, but not its keyword arguments.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import secrets
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableClient, TableTransactionError, UpdateMode

from shared.base.threads import Coalescer
from shared.jobs.storage.table import (
    WRITE_ID,
    ConflictError,
    Delete,
    Insert,
    Operation,
    Page,
    Row,
    UnfitRowError,
    checked,
    fits_a_transaction,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azure.data.tables import TableEntity

    from shared.app.settings import Settings

_CONFLICTS: Final = frozenset({404, 409, 412})
_UNFIT: Final = frozenset({400, 413})
_PAGE_SIZE: Final = 1000
_WITHOUT_ECHO: Final = {"Prefer": "return-no-content"}
"""Learn: "Insert Entity": the answer to a single insert repeats the whole row unless it is asked not to."""
_Range = tuple[str, str, str, int | None]


class AzureTable:
    """One table of a storage account: empty while it does not exist, created by the first write."""

    def __init__(self, client: TableClient) -> None:
        self._client = client
        self._reads: Coalescer[_Range, None, Page] = Coalescer(
            lambda range_, asked: [self._range(*range_)] * len(asked)
        )
        self._writes: Coalescer[str, Sequence[Operation], list[str]] = Coalescer(self._transact_together)

    def get(self, partition: str, key: str) -> Row | None:
        """Return one row, or None."""
        try:
            return _row(self._client.get_entity(partition, key))
        except ResourceNotFoundError:
            return None

    def range(self, partition: str, low: str, high: str, limit: int | None = None) -> Page:
        """Return the rows with low <= key < high: at most `limit`, all where it is None.

        Steps that begin at the same time read the same: reading the entities out of one answer takes the SDK longer
        than the request.
        """
        return self._reads.ask((partition, low, high, limit), None)

    def _range(self, partition: str, low: str, high: str, limit: int | None) -> Page:
        entities = self._client.query_entities(
            "PartitionKey eq @partition and RowKey ge @low and RowKey lt @high",
            parameters={"partition": partition, "low": low, "high": high},
            results_per_page=min(limit + 1, _PAGE_SIZE) if limit else _PAGE_SIZE,
        )
        try:
            rows = [_row(entity) for entity in islice(entities, limit + 1 if limit else None)]
        except ResourceNotFoundError:
            return Page([], None)
        if limit is None:
            return Page(rows, None)
        return Page(rows[:limit], rows[limit]["key"] if len(rows) > limit else None)

    def transact(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        """Write all operations or none; what several threads write at the same time is one transaction if it can be."""
        return self._writes.ask(partition, checked(operations))

    def _transact_together(
        self, partition: str, requests: Sequence[Sequence[Operation]]
    ) -> list[list[str] | Exception]:
        """Write all requests at once; where one of them is refused, or they are too many for that, each by itself."""
        together = [operation for operations in requests for operation in operations]
        if len(requests) == 1 or not fits_a_transaction(together):
            return [self._transacted(partition, operations, _new_write_id()) for operations in requests]
        write_id = _new_write_id()
        with suppress(ConflictError, UnfitRowError):
            etags = iter(self._transact(partition, together, write_id))
            return [list(islice(etags, len(operations))) for operations in requests]
        # What was written all the same, and refused when the SDK repeated it, is known by the same id.
        return [self._transacted(partition, operations, write_id) for operations in requests]

    def _transacted(self, partition: str, operations: Sequence[Operation], write_id: str) -> list[str] | Exception:
        try:
            return self._transact(partition, operations, write_id)
        except Exception as error:  # noqa: BLE001 - it is raised where the request came from
            return error

    def _transact(self, partition: str, operations: Sequence[Operation], write_id: str) -> list[str]:
        """Write all operations or none; a conflict with this very write, repeated by the SDK, is success."""
        entities = [_operation(partition, o, write_id) for o in operations]
        try:
            return [answer.get("etag") or "" for answer in self._submit(entities)]
        except HttpResponseError as error:
            if error.status_code in _UNFIT:
                raise UnfitRowError(error.message) from error
            if error.status_code not in _CONFLICTS:
                raise
            made = self._already_made(partition, operations, write_id)
            if made is None:
                raise ConflictError(error.message) from error
            return made

    def _submit(self, entities: list[Any]) -> Sequence[Mapping[str, Any]]:
        try:
            return self._send(entities)
        except (ResourceNotFoundError, TableTransactionError) as error:
            # The SDK does not decode the error of a single insert: nothing but the table can be missing for that.
            if getattr(error, "error_code", "TableNotFound") != "TableNotFound":
                raise
            with suppress(ResourceExistsError):
                self._client.create_table()
            return self._send(entities)

    def _send(self, entities: list[Any]) -> Sequence[Mapping[str, Any]]:
        """Write one row by itself: the SDK gives each transaction a pool of threads, and multipart to parse.

        Not a removal, whose missing row the SDK passes over.
        """
        if len(entities) > 1 or entities[0][0] == "delete":
            return self._client.submit_transaction(entities)
        kind, entity, *options = entities[0]
        if kind == "create":
            return [self._client.create_entity(entity, headers=_WITHOUT_ECHO)]
        return [(self._client.update_entity if kind == "update" else self._client.upsert_entity)(entity, **options[0])]

    def _already_made(self, partition: str, operations: Sequence[Operation], write_id: str) -> list[str] | None:
        """Return the ETags if this write is what stands in the table: a transaction is made as a whole or not."""
        etags: list[str] = []
        for operation in operations:
            row = self.get(partition, operation.key)
            if isinstance(operation, Delete) != (row is None) or (row and row.get(WRITE_ID) != write_id):
                return None
            etags.append(row["etag"] if row else "")
        return etags


def _new_write_id() -> str:
    return secrets.token_hex(8)


def _row(entity: TableEntity) -> Row:
    row: Row = {**entity}
    row["key"] = row.pop("RowKey")
    row.pop("PartitionKey")
    row["etag"] = entity.metadata["etag"]
    return row


def _operation(partition: str, operation: Operation, write_id: str) -> Any:  # noqa: ANN401 - the SDK's tuples
    entity: dict[str, Any] = {"PartitionKey": partition, "RowKey": operation.key}
    if isinstance(operation, Delete):
        return ("delete", entity, _guard(operation.etag)) if operation.etag else ("delete", entity)
    entity |= {name: value for name, value in operation.row.items() if name not in {"key", "etag"}}
    entity[WRITE_ID] = write_id
    if isinstance(operation, Insert):
        return ("create", entity)
    if operation.etag is not None:
        return ("update", entity, {**_guard(operation.etag), "mode": UpdateMode.REPLACE})
    return ("upsert", entity, {"mode": UpdateMode.REPLACE})


def _guard(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def connect(settings: Settings, name: str) -> AzureTable:
    """Open the table `name`: by connection string in development, else with the app's identity."""
    if settings.storage_connection:
        client = TableClient.from_connection_string(settings.storage_connection, name)
    else:
        from azure.identity import DefaultAzureCredential

        credential = DefaultAzureCredential(managed_identity_client_id=settings.storage_client_id or None)
        client = TableClient(settings.storage_uri, name, credential=credential)
    return AzureTable(client)
