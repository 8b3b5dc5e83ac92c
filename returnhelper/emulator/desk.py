"""The warehouse's desk as a page: press a button, and the shop is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from itertools import groupby
from typing import Final, TypeAlias

from returnhelper.emulator.account import Account
from returnhelper.emulator.delivery import Deliveries, Delivery
from returnhelper.emulator.lookups import HANDLINGS, RESEND_STATUSES
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
    "resume": lambda desk, _: desk._account.deliveries.resume(),
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
"""

_SCRIPT: Final = """
setInterval(async () => {
  const text = await fetch("/desk").then(answer => answer.text()).catch(() => null)
  const now = text && new DOMParser().parseFromString(text, "text/html").querySelector("main")
  const main = document.querySelector("main")
  if (now && now.innerHTML !== main.innerHTML) main.replaceWith(now)
}, 1500)
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
    """Return the page; its tables keep themselves up to date."""
    return "".join(
        (
            "<!doctype html><html lang=en><meta charset=utf-8>",
            "<meta name=viewport content='width=device-width'>",
            f"<title>Warehouse desk</title><style>{_STYLE}</style>",
            "<h1>Warehouse desk</h1><p>Every button does what people at the warehouse do, and posts the webhooks of it ",
            f"{_target(account.deliveries)}.</p>",
            f"<p class=problem>{escape(problem)}</p>" if problem else "",
            "<nav>",
            _buttons(
                0, [("unknown", "an unknown parcel arrives"), ("label-fails", "let the next label fail")]
            ),
            "</nav><main><div>",
            _table("Shipments", ("id", "order", "arrived", "label", ""), _shipments(account)),
            _table("Inventories", ("id", "RMA", "handling", "services", ""), _inventories(account)),
            _table("Resends", ("id", "number", "status", ""), _resends(account)),
            _table("Recalls", ("id", "number", "status", ""), _recalls(account)),
            "</div><div>",
            _deliveries(account.deliveries),
            f"</div></main><script>{_SCRIPT}</script>",
        )
    )


def _target(deliveries: Deliveries) -> str:
    if deliveries.url is None:
        return "nowhere: no webhook URL is set, so events are only listed"
    return f"to <code>{escape(deliveries.url)}</code>"


def _deliveries(deliveries: Deliveries) -> str:
    sent, above = deliveries.log, ""
    if deliveries.suspended:
        above = "<p class=problem>Stopped for 24 hours after ten failures in a row.</p>"
    if any(d.statuses and not d.delivered for d in sent):
        above += _buttons(0, [("resume", "send again what was not taken")])
    rows = ((escape(d.action), _answers(d), _short(d.notification_id)) for d in reversed(sent[-50:]))
    return _table(f"Deliveries ({len(sent)})", ("event", "answers", "notification"), rows, above)


def _answers(delivery: Delivery) -> str:
    if not delivery.statuses:
        return "none yet"
    runs = ((status, len(list(run))) for status, run in groupby(delivery.statuses))
    texts = (f"{status or 'no answer'}{f' &times;{times}' if times > 1 else ''}" for status, times in runs)
    return f"<span class={'good' if delivery.delivered else 'bad'}>{', '.join(texts)}</span>"


def _short(text: str) -> str:
    return f"<code title='{escape(text)}'>…{escape(text[-8:])}</code>"


def _shipments(account: Account) -> Iterable[tuple[str, ...]]:
    for s in reversed(account.shipments.values()):
        buttons = [] if s.received else [("arrive", "arrives"), ("arrive-two", "arrives in two packages")]
        arrived = f"{s.received:%H:%M:%S} UTC" if s.received else "no"
        order = "<i>unknown parcel</i>" if s.unknown else escape(s.order_number)
        label = "none" if s.unknown else s.label_status
        if s.label_url is not None:
            label = f"<a href='{escape(s.label_url)}'>label</a>"
        if s.label_error:
            label = f"<span class=bad title='{escape(s.label_error)}'>{label}</span>"
        yield str(s.shipment_id), order, arrived, label, _buttons(s.shipment_id, buttons)


def _inventories(account: Account) -> Iterable[tuple[str, ...]]:
    for i in reversed(account.inventories.values()):
        buttons: list[_Button] = [("images", "take a picture")]
        if i.busy:
            buttons += [("vas", "services done"), ("vas-failed", "services failed")]
        elif i.handling != "tbc" and i.status != "completed" and not i.order:
            buttons += [("begin", "begin"), ("complete", "done")]
        services = "<br>".join(f"{escape(v.code)}: {v.status}" for v in i.services)
        state = f"<span title='{escape(HANDLINGS.get(i.handling, ''))}'>{i.handling}</span>, {i.status}"
        if i.split:
            state += ", split"
        yield str(i.inventory_id), escape(i.rma), state, services, _buttons(i.inventory_id, buttons)


def _resends(account: Account) -> Iterable[tuple[str, ...]]:
    for r in reversed(account.resends.values()):
        buttons = [("resend-begin", "begin"), ("resend-dispatch", "dispatch"), ("resend-fail", "give up")]
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
            ("recall-ready", "in Hong Kong"),
            ("recall-pick-up", "collected"),
        ]
        open_ = r.status != "canceled" and r.item_status != "picked-up"
        yield str(r.recall_id), r.number, r.item_status, _buttons(r.recall_id, buttons if open_ else [])


def _table(title: str, heads: Iterable[str], rows: Iterable[tuple[str, ...]], above: str = "") -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f"<th>{name}</th>" for name in heads)
    table = f"<section><table><tr>{head}</tr>{body}</table></section>" if body else "<p>none</p>"
    return f"<h2>{title}</h2>{above}{table}"


def _buttons(number: int, buttons: Iterable[_Button]) -> str:
    return "".join(
        f"<form method=post action=/desk><input type=hidden name=id value={number}>"
        f"<button name=act value={act_}>{escape(text)}</button></form>"
        for act_, text in buttons
    )
