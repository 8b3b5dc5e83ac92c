"""The transaction in which handlers write and their record is completed."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from returnhelper.inbox.store import Change, Record, State

if TYPE_CHECKING:
    from returnhelper.webhooks.events import Event


class StoreTransaction(Protocol):
    """A transaction of a store that also completes one leased record."""

    async def begin(self) -> object:
        """Begin the transaction and return what handlers write through."""
        ...

    async def complete(self, change: Change) -> bool:
        """Apply the change that completes the record and commit; False, with nothing written, if its lease is lost.

        Raises `InboxUnavailable` if nobody knows whether the commit went through.
        """
        ...

    async def rollback(self) -> None:
        """Undo what was written; does nothing if the transaction has ended."""
        ...


@runtime_checkable
class TransactionalInbox(Protocol):
    """An inbox whose records can be completed in the transaction of their handlers."""

    def transaction(self) -> StoreTransaction:
        """Return a transaction that has not begun."""
        ...


@runtime_checkable
class TransactionalDispatcher(Protocol):
    """A router whose handlers may write in the transaction of their record."""

    async def dispatch_in(self, transaction: TransactionScope, event: Event, /) -> int:
        """Run the handlers of an event and return how many there were."""
        ...


class LeaseLost(Exception):
    """The transaction was rolled back because somebody else has the lease."""


class TransactionScope:
    """The transaction of one attempt: begun by the first handler that asks for it, and ended with the attempt."""

    def __init__(self, inbox: TransactionalInbox) -> None:
        self._inbox = inbox
        self._transaction: StoreTransaction | None = None
        self._handed_out: object = None

    @property
    def opened(self) -> bool:
        """Whether a handler has asked for the transaction."""
        return self._transaction is not None

    async def open(self) -> object:
        """Return what handlers write through; the first call begins the transaction."""
        if self._transaction is None:
            transaction = self._inbox.transaction()
            self._handed_out = await transaction.begin()
            self._transaction = transaction
        return self._handed_out

    async def run(self, handlers: Coroutine[object, object, object]) -> object:
        """Return what the handlers return; if they raise, undo what they wrote."""
        try:
            return await handlers
        except BaseException:
            if self._transaction is not None:
                await self._transaction.rollback()
            raise

    async def complete(self, record: Record) -> None:
        """Complete the record and commit. Raise `LeaseLost` if that is no longer ours to do."""
        assert self._transaction is not None
        change = Change(
            record.key,
            record.lease or "",
            State.DONE,
            handled=record.handled,
            history=record.history or None,
        )
        if not await self._transaction.complete(change):
            raise LeaseLost
