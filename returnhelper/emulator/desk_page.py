"""The warehouse desk as a web page: buttons for people, and what was delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from itertools import groupby
from typing import Final, TypeAlias

from returnhelper.emulator.account import Account
from returnhelper.emulator.deliveries import Deliveries, SentEvent
from returnhelper.emulator.desk import Warehouse
from returnhelper.emulator.lookups import HANDLINGS, RESEND_STATUSES
from returnhelper.emulator.reader import to_integer
from returnhelper.errors import ConfigurationError

_Action: TypeAlias = Callable[[Warehouse, int], object]
_Button: TypeAlias = tuple[str, str]

_ACTIONS: Final[dict[str, _Action]] = {
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

_MOST_DELIVERIES: Final = 50
_WIDE: Final = 28
_END_SUSPENSION: Final = "end-suspension"

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
    " connect-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}

_STYLE: Final = """
body{font:14px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:92rem;padding:0 1.2rem;color:#222;background:#fbfaf8}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}p{color:#6b665e;margin:.2rem 0}
nav{margin:.6rem 0 0}main{display:grid;grid-template-columns:minmax(0,1fr);gap:0 1.5rem}
@media(min-width:75rem){main{grid-template-columns:minmax(0,1fr) 30rem}}
section{overflow-x:auto}
table{border-collapse:collapse;width:100%;background:#fff;border:1px solid #e4e0da}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #eee;vertical-align:baseline}
th{font-weight:600;color:#6b665e;font-size:.85rem}td{white-space:nowrap}td:last-child{white-space:normal;width:99%}
form{display:inline}
button{font:inherit;font-size:.8rem;white-space:nowrap;margin:0 .25rem .1rem 0;padding:.05rem .5rem;border:1px solid #b9b2a6;
border-radius:4px;background:#f4f1ec;cursor:pointer}button:hover{background:#ffe9b8}
.problem{background:#fdecea;color:#8a1c13;padding:.5rem .8rem;border-radius:4px}code{color:#555;font-size:.85em}
.good{color:#1d7a3a}.bad{color:#a8261b}
@media(max-width:45rem){
table,tbody{display:block}tr{display:flex;flex-wrap:wrap;gap:.2rem .9rem;padding:.4rem .6rem;border-bottom:1px solid #eee}
tr:has(th){display:none}td,td:last-child{border:0;padding:0;width:auto}td:first-child{font-weight:600}td:empty{display:none}
}
"""

_SCRIPT: Final = """
setInterval(async () => {
  const text = await fetch("/desk").then(response => response.text()).catch(() => null)
  const now = text && new DOMParser().parseFromString(text, "text/html").querySelector("main")
  const main = document.querySelector("main")
  if (now && now.innerHTML !== main.innerHTML) main.replaceWith(now)
}, 1500)
"""


def press(warehouse: Warehouse, deliveries: Deliveries, form: Mapping[str, object]) -> str | None:
    """Perform the action of a button; return the problem, if any."""
    if form.get("act") == _END_SUSPENSION:
        deliveries.end_suspension()
        return None
    action = _ACTIONS.get(str(form.get("act")))
    number = to_integer(form.get("id", "0"))
    if action is None or number is None:
        return "There is no such button."
    try:
        action(warehouse, number)
    except ConfigurationError as e:
        return str(e)
    return None


def render(account: Account, problem: str | None = None) -> str:
    """Return the page; its script keeps the tables up to date."""
    return "".join(
        (
            "<!doctype html><html lang=en><meta charset=utf-8>",
            "<meta name=viewport content='width=device-width'>",
            f"<title>Warehouse desk</title><link rel=icon href='data:,'><style>{_STYLE}</style>",
            "<h1>Warehouse desk</h1><p>Each button does what people at the warehouse do. Its webhooks are posted ",
            f"{_target(account.deliveries)}.</p>",
            f"<p class=problem>{escape(problem)}</p>" if problem else "",
            "<nav>",
            _buttons(0, [("unknown", "receive an unknown parcel"), ("label-fails", "fail the next label")]),
            "</nav><main><div>",
            _pending_failures(len(account.label_failures)),
            _table("Shipments", ("id", "order", "arrived", "label", ""), _shipments(account)),
            _table("Inventories", ("id", "RMA", "handling", "services", ""), _inventories(account)),
            _table("Resends", ("id", "number", "status", ""), _resends(account)),
            _table("Recalls", ("id", "number", "status", ""), _recalls(account)),
            "</div><div>",
            _deliveries(account.deliveries),
            f"</div></main><script>{_SCRIPT}</script>",
        )
    )


def _pending_failures(count: int) -> str:
    return f"<p>The next {'label' if count == 1 else f'{count} labels'} will fail.</p>" if count else ""


def _target(deliveries: Deliveries) -> str:
    if deliveries.url is None:
        return "nowhere: no webhook URL is registered, so events are only listed"
    return f"to <code>{escape(deliveries.url)}</code>"


def _deliveries(deliveries: Deliveries) -> str:
    sent, above = deliveries.log, ""
    if deliveries.suspended:
        above = "<p class=problem>Suspended for 24 hours: ten deliveries in a row failed.</p>"
    if any(d.statuses and not d.delivered for d in sent):
        above += _buttons(0, [(_END_SUSPENSION, "deliver again what was not acknowledged")])
    rows = (
        (escape(d.action), _statuses(d), _notification(d.notification_id))
        for d in reversed(sent[-_MOST_DELIVERIES:])
    )
    return _table(f"Deliveries ({len(sent)})", ("event", "status", "notification"), rows, above)


def _statuses(event: SentEvent) -> str:
    if not event.statuses:
        return "not delivered yet"
    runs = ((status, len(list(run))) for status, run in groupby(event.statuses))
    texts = (f"{status or 'no response'}{f' &times;{times}' if times > 1 else ''}" for status, times in runs)
    return f"<span class={'good' if event.delivered else 'bad'}>{', '.join(texts)}</span>"


def _shortened(text: str) -> str:
    return (
        escape(text) if len(text) <= _WIDE else f"<span title='{escape(text)}'>{escape(text[:_WIDE])}…</span>"
    )


def _notification(text: str) -> str:
    return f"<code title='{escape(text)}'>…{escape(text[-8:])}</code>"


def _shipments(account: Account) -> Iterable[tuple[str, ...]]:
    for s in reversed(account.shipments.values()):
        buttons = [] if s.received else [("arrive", "receive"), ("arrive-two", "receive as two packages")]
        arrived = f"{s.received:%H:%M:%S} UTC" if s.received else "no"
        order = "<i>unknown parcel</i>" if s.unknown else _shortened(s.order_number or "")
        label = "none" if s.unknown else s.label_status or "none"
        if s.label_url is not None:
            label = f"<a href='{escape(s.label_url)}'>label</a>"
        if s.label_error:
            label = f"<span class=bad title='{escape(s.label_error)}'>{label}</span>"
        yield str(s.shipment_id), order, arrived, label, _buttons(s.shipment_id, buttons)


def _inventories(account: Account) -> Iterable[tuple[str, ...]]:
    for i in reversed(account.inventories.values()):
        buttons: list[_Button] = [("images", "take a photo")]
        if i.busy:
            buttons += [("vas", "complete services"), ("vas-failed", "fail services")]
        elif i.handling != "tbc" and i.status != "completed" and not i.order:
            buttons += [("begin", "start handling"), ("complete", "complete handling")]
        services = "<br>".join(f"{escape(v.code)}: {v.status}" for v in i.vas_orders)
        state = f"<span title='{escape(HANDLINGS.get(i.handling, ''))}'>{i.handling}</span>, {i.status}"
        if i.split:
            state += ", split"
        yield str(i.inventory_id), escape(i.rma), state, services, _buttons(i.inventory_id, buttons)


def _resends(account: Account) -> Iterable[tuple[str, ...]]:
    for r in reversed(account.resends.values()):
        buttons = [
            ("resend-begin", "start packing"),
            ("resend-dispatch", "dispatch"),
            ("resend-fail", "fail"),
        ]
        yield (
            str(r.resend_id),
            r.number,
            RESEND_STATUSES[str(r.status)],
            _buttons(r.resend_id, {0: buttons, 2: buttons[1:]}.get(r.status, [])),
        )


def _recalls(account: Account) -> Iterable[tuple[str, ...]]:
    for r in reversed(account.recalls.values()):
        buttons = [
            ("recall-dispatch", "ship"),
            ("recall-ready", "receive in Hong Kong"),
            ("recall-pick-up", "hand to the courier"),
        ]
        is_open = r.status != "canceled" and r.item_status != "picked-up"
        yield str(r.recall_id), r.number, r.item_status, _buttons(r.recall_id, buttons if is_open else [])


def _table(title: str, heads: Iterable[str], rows: Iterable[tuple[str, ...]], above: str = "") -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f"<th>{name}</th>" for name in heads)
    table = f"<section><table><tr>{head}</tr>{body}</table></section>" if body else "<p>none</p>"
    return f"<h2>{title}</h2>{above}{table}"


def _buttons(number: int, buttons: Iterable[_Button]) -> str:
    return "".join(
        f"<form method=post action=/desk><input type=hidden name=id value={number}>"
        f"<button name=act value={action}>{escape(text)}</button></form>"
        for action, text in buttons
    )
