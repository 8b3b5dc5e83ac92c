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
    api.py          credentials, idempotency keys, envelopes
    routes.py       every operation: method, path, handler, and what of it is inferred
    reader.py       read the members of a request, collect FluentValidation messages
    rules.py        every refusal that depends on the state
    account.py      everything that one customer has, found by id
    entities.py     the records of the account; network.py: warehouses, carriers, quotes
    ledger.py       the balance, and every charge; prices.py: what is charged without a quote
    forms/          how the records print, one module per domain
    events.py       what every event says
    deliveries.py   sign, post, repeat, reorder, suspend
    faults.py       how the server misbehaves, on demand
    desk.py         Warehouse: what people at the warehouse do
    desk_page.py    the same as a page, /desk, for people

Every other module is a domain and has the name that it has in ``models`` and ``resources``: its operations, and what the
warehouse does in it.
"""

from __future__ import annotations

from returnhelper.emulator.deliveries import Deliveries, SentEvent
from returnhelper.emulator.desk import Warehouse
from returnhelper.emulator.faults import Fault, Faults
from returnhelper.emulator.packages import Package
from returnhelper.emulator.server import SIGNING_KEY, Emulator

__all__ = ["SIGNING_KEY", "Deliveries", "Emulator", "Fault", "Faults", "Package", "SentEvent", "Warehouse"]
