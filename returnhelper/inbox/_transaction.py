"""The transaction in which handlers write and their record is completed."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from returnhelper.errors import ConfigurationError
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

    @property
    def uses_transactions(self) -> bool:
        """Whether a handler of this router does."""
        ...

    async def dispatch_in(self, transaction: TransactionScope, event: Event, /) -> int:
        """Run the handlers of an event and return how many there were."""
        ...


class TransactionScope:
    """The transaction of one attempt: begun by the first handler that asks for it, and ended with the attempt."""

    def __init__(self, inbox: TransactionalInbox) -> None:
        self._inbox = inbox
        self._transaction: StoreTransaction | None = None
        self._given: object = None
        self._failure: BaseException | None = None
        self._ended = False
        self.opened = False

    @property
    def pending(self) -> bool:
        """Whether the transaction has begun and has not ended."""
        return self._transaction is not None

    async def open(self) -> object:
        """Return what handlers write through; the first call begins the transaction."""
        if self._transaction is None:
            self._require_running()
            transaction = self._inbox.transaction()
            self._given = await transaction.begin()
            try:
                self._require_running()
            except ConfigurationError:
                await transaction.rollback()
                raise
            self._transaction, self.opened = transaction, True
        return self._given

    def fail(self, error: BaseException) -> None:
        """Take note that a handler has raised: what it wrote must not be committed."""
        self._failure = self._failure or error

    async def run(self, handlers: Coroutine[object, object, object]) -> object:
        """Return what the handlers return; if one raised, undo what they wrote, and raise that."""
        try:
            result = await handlers
            self._ended = True
            self._raise_failure()
        except BaseException:
            self._ended = True
            await self.rollback()
            raise
        return result

    def _require_running(self) -> None:
        if self._ended:  # nobody would end what begins now
            raise ConfigurationError(
                "the event of this handler has ended: middleware must await call_next before it returns"
            )

    def _raise_failure(self) -> None:
        if self._failure is not None:  # middleware has swallowed it
            raise self._failure

    async def complete(self, record: Record) -> bool:
        """Complete the record and commit; False, with nothing written, if its lease is lost."""
        transaction, self._transaction = self._transaction, None
        assert transaction is not None
        return await transaction.complete(
            Change(
                record.key,
                record.lease or "",
                State.DONE,
                handled=record.handled,
                history=record.history or None,
            )
        )

    async def rollback(self) -> None:
        """Undo what was written, unless the transaction has ended."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await transaction.rollback()
