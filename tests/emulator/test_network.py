"""Balance, warehouses, services, quotes and code lists, as the catalogs' rules have them."""

from __future__ import annotations

from decimal import Decimal

import aiohttp

from returnhelper.emulator import Emulator
from tests.support.emulator_rules import KEYS, Api, proves
from tests.support.emulator_world import CALLS, World


@proves("getApiBalance", "one entry", "balance may carry")
async def test_balance(world: World) -> None:
    """There is one balance, in US dollars, exact to a tenth of a cent."""
    created = await world.shipment()
    (entry,) = [entry async for entry in world.rh.balances.list()]
    assert entry.currency_code == "usd"
    assert entry.balance == Decimal(100000) - created.cost
    assert str(entry.balance).partition(".")[2] == "000" or len(str(entry.balance).partition(".")[2]) == 3


@proves("*", "route matching")
async def test_case_of_paths(emu: Emulator) -> None:
    """A path matches in any case."""
    async with aiohttp.ClientSession(headers=KEYS) as http:
        for path in ("WAREHOUSE/GETALLWAREHOUSE", "warehouse/getallwarehouse", "Warehouse/GetAllWarehouse"):
            async with http.get(f"{emu.url}/user/api/{path}") as response:
                assert (await response.json())["warehouses"]


@proves("getShippingFeeListByFromShippingOption", "return services only", "sorted by fee", "each entry names")
@proves("createReturnShipment", "the answer states")
async def test_quotes_of_returns(world: World, api: Api) -> None:
    """Return services are quoted cheapest first with their warehouses, and an order costs what its quote says."""
    asked = {"fromCountryCode": "usa", "fromPostalCode": "08817", "weight": "500"}
    body = await api.call("getShippingFeeListByFromShippingOption", **asked)
    details = body["data"]["shippingFeeDetailList"]
    assert [d["fee"] for d in details] == sorted(d["fee"] for d in details)
    assert "others" not in {d["serviceTypeCode"] for d in details}
    cheapest = await api.call("getShippingFeeListByFromShippingOption", **asked, limit="1")
    assert cheapest["data"]["shippingFeeDetailList"] == details[:1]
    quoted = next(d for d in details if d["serviceTypeCode"] == "usps")
    assert [w["warehouseId"] for w in quoted["warehouseList"]] == [2]
    created = await world.shipment()
    assert (created.cost, created.cost_currency_code) == (quoted["fee"], "usd")
    assert world.emu.account.ledger.transactions[-1].amount == -quoted["fee"]


@proves("getAvailableShipmentServiceType", "may include")
@proves("getAllReturnServiceType", "source of")
@proves("getAllServiceType", "Return and resend")
async def test_services(api: Api) -> None:
    """Return and resend services are different sets; others is a resend service."""
    resend = {
        s["serviceTypeCode"]
        for s in (await api.call("getAvailableShipmentServiceType", warehouseId=2))["data"]
    }
    listed = (await api.call("getAllReturnServiceType"))["availableReturnServiceTypeList"]
    returns = {lane["serviceTypeCode"] for lane in listed}
    assert "others" in resend
    assert "others" not in returns
    every = {s["serviceTypeCode"] for s in (await api.call("getAllServiceType"))["serviceTypes"]}
    assert every >= resend | returns


@proves("getApiInfo", "Answers for", "Payload fields")
async def test_credentials(emu: Emulator, api: Api) -> None:
    """The account's data answer for the key and token; another key is a real 401 with a body that says so."""
    assert (await api.call("getApiInfo"))["apiName"]
    url = f"{emu.url}/public/api/account/getApiInfo"
    async with aiohttp.ClientSession() as http:
        for headers in ({}, KEYS | {"x-rr-apitoken": "wrong"}, KEYS | {"x-rr-apikey": "wrong"}):
            async with http.get(url, headers=headers) as response:
                assert response.status == 401
                assert (await response.json())["meta"]["errorCode"] == "UNAUTHORIZED"


@proves("getAllCountries", "Codes are", "Used for")
@proves("getAllFromCountries", "Subset", "Source for")
@proves("getAllBoxTypes", "cus (custom)")
@proves("getAllCurrencies", "Codes are")
@proves("getAllDimensionUoms", "cm is")
@proves("getAllWeightUom", "g and kg")
@proves("getAllLabelStatus", "Same codes")
@proves("getAllReturnRequestStatus", "Return request payloads")
@proves("getAllShipmentStatus", "no-label and")
@proves("getAllMarType", "The docs call")
async def test_code_lists(world: World, api: Api) -> None:
    """The code lists have the documented codes, and orders with them are accepted."""
    everywhere = {c["countryCode"] for c in (await api.call("getAllCountries"))["countries"]}
    origins = {c["countryCode"] for c in (await api.call("getAllFromCountries"))["countries"]}
    assert {"usa", "gbr", "chn"} <= everywhere
    assert "usa" in origins < everywhere
    assert "cus" in {b["boxType"] for b in (await api.call("getAllBoxTypes"))["boxTypes"]}
    assert "usd" in {c["currencyCode"] for c in (await api.call("getAllCurrencies"))["currencies"]}
    assert [u["dimensionUom"] for u in (await api.call("getAllDimensionUoms"))["dimensionUoms"]] == ["cm"]
    assert {u["weightUom"] for u in (await api.call("getAllWeightUom"))["weightUoms"]} == {"g", "kg"}
    assert (await api.call("getAllMarType"))["marTypeList"]
    created = await world.shipment()
    request = await api.call("getReturnRequest", returnRequestId=created.return_request_id)
    labels = {s["labelStatusCode"] for s in (await api.call("getAllLabelStatus"))["labelStatuses"]}
    assert request["shipments"][0]["label"]["labelRequestStatusCode"] in labels
    statuses = (await api.call("getAllReturnRequestStatus"))["returnRequestStatuses"]
    assert request["returnStatusCode"] in {s["returnRequestStatusCode"] for s in statuses}
    shipments = (await api.call("getAllShipmentStatus"))["shipmentStatuses"]
    editable = {s["shipmentStatusCode"] for s in shipments if s["isShipmentEditable"]}
    assert editable == {"no-label", "lb-failed"}
    assert request["shipments"][0]["shipmentStatusCode"] in {s["shipmentStatusCode"] for s in shipments}


@proves("calculateBuyerShipmentCost", "Quote only", "Payload fields")
async def test_cost_of_a_shipment(world: World) -> None:
    """A calculation stores and charges nothing, and its details are the price."""
    await CALLS["calculateBuyerShipmentCost"](world)
    assert (len(world.emu.account.shipments), world.emu.account.balance) == (0, Decimal(100000))
