"""A stateful local Return Helper server, for tests, demonstrations and rehearsals.

    async with Emulator(api_key="key", api_token="token", signing_key=KEY, webhook_url=URL) as emu:
        async with ReturnHelper(api_key="key", api_token="token", environment=emu.environment) as rh:
            created = await rh.return_shipments.create(request)
            emu.warehouse.arrive(created.shipment_id, packages=2)
            await emu.deliveries.drained()

It listens on a real socket, keeps shipments, labels and inventories with their states, and posts signed webhooks.
It follows what the vendor documents; what is not documented it decides, and says so with "(inferred)". Names, prices,
addresses and numbers are made up.

    server.py       Emulator: listen, refuse what browsers must not send, misbehave on demand
    access.py       which requests may come from a browser
    api.py          credentials, idempotency keys, routes, envelopes
    account.py      everything that one customer has, and the counters
    reader.py       read the members of a request, collect FluentValidation messages
    faults.py       how the server misbehaves, on demand
    deliveries.py   sign, post, repeat, reorder, suspend
    desk.py         Warehouse: what people at the warehouse do
    desk_page.py    the same as a page, /desk, for people

Every other module is a domain and has the name that it has in ``models`` and ``resources``.
"""

from __future__ import annotations

from returnhelper.emulator.deliveries import Deliveries, SentEvent
from returnhelper.emulator.desk import Package, Warehouse
from returnhelper.emulator.faults import Fault, Faults
from returnhelper.emulator.server import SIGNING_KEY, Emulator

__all__ = ["SIGNING_KEY", "Deliveries", "Emulator", "Fault", "Faults", "Package", "SentEvent", "Warehouse"]
