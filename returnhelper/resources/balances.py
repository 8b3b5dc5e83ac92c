"""Balances of the account."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Operation, RequestOptions
from returnhelper._validation import MAX_PAGE_SIZE, PAGE
from returnhelper.models.balances import ApiBalance
from returnhelper.pagination import Pager
from returnhelper.resources._base import Resource

_LIST: Final = Operation(
    "ApiBalance/GetApiBalance",
    "GET",
    "/api/ApiBalance/GetApiBalance",
    payload=("apiBalances", "data"),
    params=PAGE,
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
        """Iterate over the remaining credit, one entry per currency (inferred).

        Meant as a check before paid work such as labels. A balance may carry more than two decimals.

        Source: ApiBalance/GetApiBalance
        """
        return self._list(
            _LIST,
            ApiBalance,
            key=lambda balance: balance.currency_code,
            span=None,
            page_size=page_size,
            cursor=cursor,
            options=options,
        )
