"""Whether the journal of a SKU adds up to what is on hand.

python -m inventory.auditing SKU…      with AWS credentials or a local marketplace's settings; 1 if one does not
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from inventory.heat import heat_key, read_heat
from inventory.journal import rebuild
from inventory.offers import Offer, read_offer, stock_key
from inventory.shards import read_shards, shard_key
from inventory.sources import LOOSE
from inventory.store import TABLE, all_entries
from market.errors import NotFound

_TRIES = 3
"""The journal is read after the stock, and in several pages: sales in between look like a difference once."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is on hand of a SKU by place, `""` being none, and what it must be; None where nobody knows how it began."""

    offer: Offer
    entries: int
    on_hand: dict[str, int]
    rebuilt: dict[str, int] | None

    @property
    def agrees(self) -> bool | None:
        return None if self.rebuilt is None else self.rebuilt == self.on_hand


def audit(sku: str, *, vendor_id: str = "") -> Finding:
    """Compare the journal with the stock, of any vendor or only of this one. Raises NotFound."""
    finding = _looked_at(sku, vendor_id)
    for _ in range(_TRIES - 1):
        if finding.agrees is not False:
            break
        finding = _looked_at(sku, vendor_id)
    return finding


def _looked_at(sku: str, vendor_id: str) -> Finding:
    found = TABLE.batch_get([stock_key(sku), heat_key(sku)], consistent=True)
    item = found.get(stock_key(sku))
    if item is None or vendor_id not in ("", item["vendor_id"]):
        raise NotFound(f"There is no SKU {sku[:64]}.")
    offer = read_offer(item)
    most = max(offer.shards, read_heat(sku, found.get(heat_key(sku))).most)
    entries = list(all_entries(sku))
    rebuilt = None if offer.started_with is None else rebuild(offer.started_with, offer.unlisted, entries)
    return Finding(offer, len(entries), _present(offer, most), rebuilt)


def _present(offer: Offer, shards: int) -> dict[str, int]:
    keys = [shard_key(offer.sku, number) for number in range(shards)]
    spread = read_shards(offer.sku, shards, TABLE.batch_get(keys, consistent=True)) if keys else []
    placed = {place: shelf.on_hand for place, shelf in offer.places.items()}
    loose = offer.on_hand - sum(placed.values()) + sum(shard.available + shard.held for shard in spread)
    return {place: units for place, units in {LOOSE: loose, **placed}.items() if units}


def main(skus: Sequence[str]) -> int:
    """Say of each SKU whether the books agree; the exit code."""
    findings = [audit(sku) for sku in skus]
    for finding in findings:
        verdict = {True: "agrees", False: "DIFFERS", None: "unknown beginning"}[finding.agrees]
        sys.stdout.write(
            f"{finding.offer.sku}: {verdict}; on hand {finding.on_hand}, journal {finding.rebuilt}, "
            f"{finding.entries} entries\n"
        )
    return 1 if any(finding.agrees is False for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
