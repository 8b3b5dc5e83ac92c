"""The warehouse's desk as a page: press a button, and the shop is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Final, TypeAlias

from returnhelper.emulator.account import Account
from returnhelper.emulator.warehouse import Warehouse
from returnhelper.errors import ConfigurationError

_Act: TypeAlias = Callable[[Warehouse, int], object]
_Button: TypeAlias = tuple[str, str]

_ACTS: Final[dict[str, _Act]] = {
    "arrive": lambda desk, i: desk.arrive(i),
    "arrive-two": lambda desk, i: desk.arrive(i, packages=2),
    "unknown": lambda desk, _: desk.arrive_unknown(),
    "images": lambda desk, i: desk.add_images(i),
    "vas": lambda desk, i: desk.complete_vas(i),
    "vas-failed": lambda desk, i: desk.complete_vas(i, "not possible", failed=True),
    "begin": lambda desk, i: desk.start_handling(i),
    "complete": lambda desk, i: desk.complete_handling(i),
    "resend-begin": lambda desk, i: desk.begin_resend(i),
    "resend-dispatch": lambda desk, i: desk.dispatch_resend(i),
    "resend-fail": lambda desk, i: desk.fail_resend(i),
    "recall-dispatch": lambda desk, i: desk.dispatch_recall(i),
    "recall-ready": lambda desk, i: desk.ready_recall(i),
    "recall-pick-up": lambda desk, i: desk.pick_up_recall(i),
    "label-fails": lambda desk, _: desk.fail_label(),
}

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222;background:#fbfaf8}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .4rem}p{color:#777;margin:.2rem 0}
table{border-collapse:collapse;width:100%;background:#fff;border:1px solid #e4e0da}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #eee;vertical-align:top}
th{font-weight:600;color:#777;font-size:.85rem}form{display:inline}
button{font:inherit;font-size:.85rem;margin:0 .3rem .2rem 0;padding:.1rem .6rem;border:1px solid #b9b2a6;border-radius:4px;
background:#f4f1ec;cursor:pointer}button:hover{background:#ffe9b8}
.problem{background:#fdecea;color:#8a1c13;padding:.5rem .8rem;border-radius:4px}code{color:#555}
"""


def act(warehouse: Warehouse, form: Mapping[str, object]) -> str | None:
    """Do what a button says; return the problem, if any."""
    work = _ACTS.get(str(form.get("act")))
    number = str(form.get("id", "0"))
    if work is None or not number.isdecimal():
        return "There is no such button."
    try:
        work(warehouse, int(number))
    except ConfigurationError as e:
        return str(e)
    return None


def page(account: Account, problem: str | None = None) -> str:
    """Return the page."""
    sent = account.deliveries.log
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Warehouse desk</title><style>{_STYLE}</style>",
        "<h1>Warehouse desk</h1><p>Every button does what people at the warehouse do, and posts the webhooks of it.</p>",
        f"<p class=problem>{escape(problem)}</p>" if problem else "",
        _buttons(0, [("unknown", "an unknown parcel arrives"), ("label-fails", "let the next label fail")]),
        _table("Shipments", ("id", "order", "label", "arrived", ""), _shipments(account)),
        _table("Inventories", ("id", "RMA", "handling", "services", ""), _inventories(account)),
        _table("Resends", ("id", "number", "status", ""), _resends(account)),
        _table("Recalls", ("id", "number", "status", ""), _recalls(account)),
        _table(
            f"Deliveries ({len(sent)}{', suspended' if account.deliveries.suspended else ''})",
            ("event", "notification", "answers"),
            (
                (
                    escape(d.action),
                    f"<code>{d.notification_id}</code>",
                    ", ".join(map(str, d.statuses)) or "none yet",
                )
                for d in reversed(sent[-50:])
            ),
        ),
    ]
    return "".join(parts)


def _shipments(account: Account) -> Iterable[tuple[str, ...]]:
    for s in reversed(account.shipments.values()):
        buttons = [] if s.received else [("arrive", "arrives"), ("arrive-two", "arrives in two packages")]
        arrived = f"{s.received:%H:%M:%S}" if s.received else ""
        yield (
            str(s.shipment_id),
            escape(s.order_number),
            s.label_status,
            arrived,
            _buttons(s.shipment_id, buttons),
        )


def _inventories(account: Account) -> Iterable[tuple[str, ...]]:
    for i in reversed(account.inventories.values()):
        buttons: list[_Button] = [("images", "take a picture")]
        if i.busy:
            buttons += [("vas", "services done"), ("vas-failed", "services failed")]
        elif i.handling != "tbc" and i.status != "completed" and not i.order:
            buttons += [("begin", "begin"), ("complete", "done")]
        services = ", ".join(f"{v.code}: {v.status}" for v in i.services)
        state = f"{i.handling} / {i.status}{', split' if i.split else ''}"
        yield str(i.inventory_id), i.rma, state, escape(services), _buttons(i.inventory_id, buttons)


def _resends(account: Account) -> Iterable[tuple[str, ...]]:
    for r in reversed(account.resends.values()):
        buttons = [("resend-begin", "begin"), ("resend-dispatch", "dispatch"), ("resend-fail", "give up")]
        yield (
            str(r.resend_id),
            r.number,
            str(r.status),
            _buttons(r.resend_id, buttons if r.status in {0, 2} else []),
        )


def _recalls(account: Account) -> Iterable[tuple[str, ...]]:
    for r in reversed(account.recalls.values()):
        buttons = [
            ("recall-dispatch", "ship"),
            ("recall-ready", "in Hong Kong"),
            ("recall-pick-up", "collected"),
        ]
        state = f"{r.status} / {r.item_status}"
        open_ = r.status != "canceled" and r.item_status != "picked-up"
        yield str(r.recall_id), r.number, state, _buttons(r.recall_id, buttons if open_ else [])


def _table(title: str, heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f"<th>{name}</th>" for name in heads)
    table = f"<table><tr>{head}</tr>{body}</table>" if body else "<p>none</p>"
    return f"<h2>{title}</h2>{table}"


def _buttons(number: int, buttons: Iterable[_Button]) -> str:
    return "".join(
        f"<form method=post action=/desk><input type=hidden name=id value={number}>"
        f"<button name=act value={act_}>{escape(text)}</button></form>"
        for act_, text in buttons
    )
