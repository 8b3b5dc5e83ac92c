"""Balances of the account."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import MAX_PAGE_SIZE, FieldErrors
from returnhelper.models.balances import ApiBalance
from returnhelper.pagination import Pager, Window
from returnhelper.resources._base import Resource

_LIST: Final = Operation(
    "ApiBalance/GetApiBalance", "GET", "/api/ApiBalance/GetApiBalance", payload=("apiBalances", "data")
)


class Balances(Resource):
    """What the account has left to spend."""

    def list(
        self,
        *,
        page_size: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[ApiBalance]:
        """Go through the remaining credit, one entry per currency (inferred).

        Meant as a check before paid work such as labels. A balance may carry more than two decimals.

        Source: ApiBalance/GetApiBalance
        """
        problems = FieldErrors()
        problems.whole("pageSize", page_size, 1, MAX_PAGE_SIZE)
        self._check(problems, options)

        async def fetch(_: Window | None, offset: int, size: int) -> ResultList[ApiBalance]:
            query = {"pageSize": size, "offset": offset}
            return await self._items(_LIST, ApiBalance, query=query, options=options)

        return Pager(
            fetch,
            created_from=None,
            created_to=None,
            page_size=page_size,
            cursor=cursor,
            key=lambda b: b.currency_code,
        )
