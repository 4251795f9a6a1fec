"""`make bench`: every measurement, one after the other; `python -m bench costs orders` runs only those.

The HTTP measurements start a marketplace of their own on a free port, with data in a temporary folder.
"""

import sys

from bench import catalogue, costs, dollars, event_runtime, handlers, hot_stock, imports, orders, pricing, scale

PARTS = {
    "catalogue": catalogue.main,
    "costs": costs.main,
    "dollars": dollars.main,
    "imports": imports.main,
    "handlers": handlers.main,
    "runtime": event_runtime.main,
    "orders": orders.main,
    "pricing": pricing.main,
    "scale": scale.main,
    "hot": hot_stock.main,
}


def main() -> None:
    for name in sys.argv[1:] or PARTS:
        print(f"\n== {name}: {(sys.modules[PARTS[name].__module__].__doc__ or '').splitlines()[0]}\n", flush=True)
        PARTS[name]()


main()
