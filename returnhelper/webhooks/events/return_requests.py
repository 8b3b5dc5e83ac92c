"""Return requests: the pictures of a line changed."""

from __future__ import annotations

from returnhelper._wire import model
from returnhelper.models.return_requests import ReturnRequestLineItem
from returnhelper.webhooks.events._base import Event


@model
class ChangeLineItemImage(Event):
    """The warehouse added, replaced or deleted a picture of a line; `image_url_list` is the full current set.

    The payload names `return_request_line_item`, no inventory.

    Source: webhook changeLineItemImage
    """

    action: str = "changeLineItemImage"
    return_request_line_item: ReturnRequestLineItem
    image_url_list: tuple[str, ...] = ()
