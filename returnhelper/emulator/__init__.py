"""A stateful local Return Helper server, for tests, demonstrations and rehearsals.

    async with Emulator(api_key="key", api_token="token", signing_key=KEY, webhook_url=URL) as emu:
        async with ReturnHelper(api_key="key", api_token="token", environment=emu.environment) as rh:
            created = await rh.return_shipments.create(request)
            emu.warehouse.arrive(created.shipment_id, packages=2)
            await emu.deliveries.drained()

It answers over a real socket, keeps shipments, labels and inventories with their states, and posts signed webhooks.
What the vendor documents it follows; what is not documented it decides, and says so with "(inferred)". Names, prices,
addresses and numbers are made up.

    server.py              Emulator: listen, check the keys, honour idempotency keys, route, wrap the answer
    account.py             Account: everything that one customer has, and the counters
    form.py                Form: read a request body, collect FluentValidation messages
    faults.py              Faults: what to do badly, on demand
    delivery.py            Deliveries: sign, post, repeat, reorder, suspend
    warehouse.py           Warehouse: what people at the warehouse do
    desk.py                the same as a page, /desk, for people
    lookups.py  return_shipments.py  return_inventories.py  resends.py  recalls.py  vas.py   one domain each
"""

from __future__ import annotations

from returnhelper.emulator.delivery import Deliveries, Delivery
from returnhelper.emulator.faults import Fault, Faults
from returnhelper.emulator.server import SIGNING_KEY, Emulator
from returnhelper.emulator.warehouse import Package, Warehouse

__all__ = ["SIGNING_KEY", "Deliveries", "Delivery", "Emulator", "Fault", "Faults", "Package", "Warehouse"]
