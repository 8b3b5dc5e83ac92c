"""Value-added services."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from returnhelper import RequestInvalid
from returnhelper._wire import encode
from returnhelper.models.vas import CreateLineItemVas, CreateVas, CreateVasDetail, VasFile
from tests.support.server import Script, only_sent, recording

FILE = VasFile(filename="how.txt", file_key="k")


BROKEN_VAS: list[tuple[str, list[CreateVasDetail]]] = [
    ("", []),
    ("[0].vasCode", [CreateVasDetail(vas_code="")]),
    ("[0].metaQuantity", [CreateVasDetail(vas_code="split-parcel")]),
    ("[0].metaQuantity", [CreateVasDetail(vas_code="split-parcel", meta_quantity=0)]),
    ("[0].metaQuantity", [CreateVasDetail(vas_code="SPLIT_PARCEL", meta_quantity=51)]),
    ("[0].metaQuantity", [CreateVasDetail(vas_code="req-pic", meta_quantity=0)]),
    ("[0].vasFileList", [CreateVasDetail(vas_code="repack", vas_file_list=(FILE,))]),
    (
        "[0].vasFileList[0].fileKey",
        [
            CreateVasDetail(
                vas_code="split-parcel", meta_quantity=2, vas_file_list=(VasFile(filename="a", file_key=""),)
            )
        ],
    ),
    (
        "[1].vasCode",
        [CreateVasDetail(vas_code="repack"), CreateVasDetail(vas_code="split-parcel", meta_quantity=2)],
    ),
]


@pytest.mark.parametrize(("path", "details"), BROKEN_VAS)
async def test_a_broken_vas_is_named_by_wire_path(path: str, details: list[CreateVasDetail]) -> None:
    """Quantities, files and the loneliness of a split are looked at before sending."""
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.vas.create([CreateVas(return_inventory_id=1, create_vas_detail_list=tuple(details))])
    assert list(caught.value.fields) == [f"createVasList[0].createVasDetailList{path}"]
    assert recorder.seen == []


async def test_an_inventory_has_one_entry_of_services() -> None:
    """Two entries for one inventory are refused, as are none at all."""
    entry = CreateVas(return_inventory_id=1, create_vas_detail_list=(CreateVasDetail(vas_code="repack"),))
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid, match=r"createVasList\[1\].returnInventoryId"):
            await rh.vas.create([entry, entry])
        with pytest.raises(RequestInvalid, match="createVasList"):
            await rh.vas.create([])


def envelope(**payload: Any) -> bytes:
    return encode({"correlationId": "c-1", "meta": {"status": 200, "errorCode": None}, **payload})


def body_of(recorder: Script) -> Any:
    return json.loads(recorder.seen[-1].body, parse_float=Decimal)


async def test_vas_sends_the_inventory_id_as_text() -> None:
    """One call of the API wants the inventory id as digits in a text; the caller gives a number as everywhere."""
    detail = CreateVasDetail(vas_code="repack")
    async with recording() as (recorder, rh):
        recorder.response = envelope(data=[{"returnRequestLineItemId": 5, "createVasDetailList": [{}]}])
        created = await rh.vas.create(
            [CreateVas(return_inventory_id=19078, create_vas_detail_list=(detail,))]
        )
    (entry,) = body_of(recorder)["createVasList"]
    assert entry == {"returnInventoryId": "19078", "createVasDetailList": [{"vasCode": "repack"}]}
    assert created[0].return_request_line_item_id == 5
    assert created.correlation_id == "c-1"


async def test_line_items_may_split_beside_other_services() -> None:
    """That a split stands alone is a rule of inventories; a line item takes several services."""
    details = (CreateVasDetail(vas_code="repack"), CreateVasDetail(vas_code="split-parcel", meta_quantity=2))
    entry = CreateLineItemVas(return_request_line_item_id=5, create_vas_detail_list=details)
    async with recording() as (recorder, rh):
        with only_sent(), pytest.warns(DeprecationWarning, match=r"vas\.create"):
            await rh.vas.create_legacy([entry])
    sent = body_of(recorder)["createVasPayloadList"][0]["createVasDetailList"]
    assert [detail["vasCode"] for detail in sent] == ["repack", "split-parcel"]
