"""Refusals that the vendor does not document are marked, and each is provoked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from returnhelper.emulator import rules
from returnhelper.emulator.rules import Rule
from returnhelper.models.vas import CreateVas
from tests.support.emulator_rules import Api
from tests.support.emulator_states import (
    METHOD,
    ULID,
    Members,
    confirmed,
    disposed,
    empty_order,
    given,
    late_label,
    of,
    other_type,
    relabel_unknown,
    too_many_units,
)
from tests.support.emulator_world import SPLIT, World

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

UNKNOWN = str(UUID(int=7))


async def label_made_twice(w: World) -> Members:
    request = await w.request()
    await w.rh.labels.create(request.shipment_id)
    return {"shipmentId": request.shipment_id}


async def label_cancelled_twice(w: World) -> Members:
    created = await w.shipment()
    await w.rh.labels.cancel(created.label_id)
    return {"labelId": created.label_id}


async def label_of_an_arrived_parcel(w: World) -> Members:
    created = await w.shipment()
    w.emu.warehouse.arrive(created.shipment_id)
    return {"labelId": created.label_id}


async def item_on_its_way(w: World) -> Members:
    created = await w.shipment()
    (item,) = w.emu.account.shipments[created.shipment_id].items
    return {"lineItemId": item.line_item_id}


async def split_inventory(w: World) -> int:
    inventory = await w.inventory()
    await w.rh.vas.create([CreateVas(return_inventory_id=inventory, create_vas_detail_list=(SPLIT,))])
    w.emu.warehouse.split(inventory)
    return inventory


async def inventory_without_order(w: World) -> Members:
    ids = await w.inventories()
    return {"consolidateShippingOrderId": await w.consolidation(), "returnInventoryIdList": ids}


# The rule, an operation that refuses by it, and the request.
CASES: tuple[tuple[Rule, str, Callable[[World], Awaitable[Members]]], ...] = (
    (rules.NOT_ARRIVED, "getReturnInventoryByLineItemId", item_on_its_way),
    (rules.NO_FBA_SHIPMENT, "getFbaShipment", given(fbaShipmentId=UNKNOWN)),
    (rules.NO_STOCK, "updateFbaInventoryRemark", given(warehouseId=2, fnsku="X9", remark="x")),
    (rules.NO_INSTRUCTION, "getFbaInstructionItemList", given(fbaInstructionId=UNKNOWN)),
    (rules.NO_CONSOLIDATION, "confirmConsolidateShippingOrder", given(consolidateShippingOrderId=ULID)),
    (rules.LABEL_EXISTS, "createLabel", label_made_twice),
    (rules.LABEL_ENDED, "cancelLabel", label_cancelled_twice),
    (rules.LABEL_USED, "cancelLabel", label_of_an_arrived_parcel),
    (rules.LABEL_CUT_OFF, "cancelLabel", late_label),
    (rules.WAS_SPLIT, "updateReturnInventoryHandling", of(split_inventory, handlingCode="dsp")),
    (rules.HANDLING_STARTED, "updateReturnInventoryHandling", of(disposed, handlingCode="oth")),
    (rules.STOCK_TOO_SMALL, "createFbaInstructions", too_many_units),
    (rules.OTHER_INSTRUCTION, "getFbaInstructionDispose", other_type("OTH")),
    (rules.NOT_IN_INSTRUCTION, "assignFbaInstructionReplenishNewFnsku", relabel_unknown),
    (rules.ORDER_CLOSED, "updateConsolidateShippingOrderShippingMethod", confirmed(shippingMethod=METHOD)),
    (rules.ORDER_EMPTY, "confirmConsolidateShippingOrder", empty_order),
    (rules.NOT_ON_ORDER, "removeInventoryFromConsolidateShippingOrder", inventory_without_order),
)


@pytest.mark.parametrize(
    ("rule", "operation", "build"), CASES, ids=lambda value: getattr(value, "message", "")
)
async def test_inferred_refusal(
    rule: Rule, operation: str, build: Callable[[World], Awaitable[Members]], world: World, api: Api
) -> None:
    """An undocumented refusal names its member, and its response is marked."""
    body, headers = await api.call_with_headers(operation, **await build(world))
    assert (body["meta"]["status"], body["meta"]["errorCode"]) == (400, "VALIDATION_FAILED")
    assert rule.member in body["meta"]["error"] or "returnInventoryIdList" in body["meta"]["error"]
    assert rule.message.partition("{}")[0] in str(body["meta"]["error"])
    assert headers["x-emulated"] == "inferred"


def test_every_inferred_refusal_is_provoked() -> None:
    """No undocumented refusal is without a case."""
    every = {rule for rule in vars(rules).values() if isinstance(rule, Rule) and rule.inferred}
    assert {rule for rule, _, _ in CASES} == every
