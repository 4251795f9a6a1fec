"""Two real catalogues through the public API: 21,871 products, pictures on a sample, then all of it again."""

import os
import tarfile
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.harness import Running
from tools.catalogue_mapping import ColumnMapping
from tools.catalogue_sellers import Staff, sellers
from tools.client import Client
from tools.import_catalogue import Importer

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PICTURES = DATA / "catalogue-seeds" / "saleor-placeholder-images-12.tar.gz"
VENDORS = DATA / "olist-mit" / "olist_sellers_dataset.csv.gz"
SAMPLE = 60
LARGEST_PICTURE = 200 * 1024


@dataclass(frozen=True)
class Catalogue:
    """A file of real products, the mapping that reads it, and how many there are."""

    file: Path
    mapping: str
    products: int


CATALOGUES = (
    Catalogue(DATA / "catalogue-retail-demo-store" / "products.jsonl.gz", "retail-demo-store", 2_465),
    Catalogue(DATA / "search-chorus" / "public" / "products.jsonl.gz", "search-chorus", 19_406),
)


def missing() -> str:
    """What is not there of the files that this needs; empty if all is."""
    needed = [*(catalogue.file for catalogue in CATALOGUES), PICTURES]
    return ", ".join(str(path) for path in needed if not path.is_file())


def bring_in(client: Client, staff: Staff, vendor_ids: list[str], catalogue: Catalogue) -> Counter[str]:
    """How many rows were created, updated, unchanged and rejected."""
    return Importer(client, staff, ColumnMapping.load(catalogue.mapping), vendor_ids).run(catalogue.file).counts


def illustrate(client: Client, token: str, vendor_ids: list[str]) -> int:
    """Upload real pictures and attach them to a sample of the products; how many have one now."""
    addresses: dict[str, str] = {}
    done = 0
    for vendor_id in vendor_ids:
        cards = client.ok("GET", f"/v1/vendors/{vendor_id}/products?limit={SAMPLE // len(vendor_ids) + 1}", None, token)
        for card in cards["items"]:
            picture = _pictures()[done % len(_pictures())]
            url = f"/v1/vendors/{vendor_id}/media"
            address = addresses.get(picture[0]) or client.ok("POST", url, None, token, picture[1])["url"]
            addresses[picture[0]] = address
            images = {"images": [{"url": address, "alt": card["title"][:200]}]}
            client.ok("PATCH", f"/v1/vendors/{vendor_id}/products/{card['id']}", images, token)
            done += 1
    return done


def main() -> None:
    """Print seconds and rows a second of each part."""
    if lacking := missing():
        print(f"  not measured: {lacking} is not here")
        return
    with tempfile.TemporaryDirectory(prefix="market-") as folder:
        market = Running(Path(folder), arguments=())
        try:
            _measure(market)
        finally:
            market.stop()
    spent = os.times()  # how busy the machine was is in the seconds, not in these
    theirs, own = spent.children_user + spent.children_system, spent.user + spent.system
    print(f"  CPU: {theirs:.0f} s of the marketplace, {own:.0f} s of this process")


def _measure(market: Running) -> None:
    import json

    client = Client(market.base_url)
    login = json.loads((market.data / "staff-login.json").read_text())
    staff = Staff(login["email"], login["password"])
    whole = 0.0
    for name in ("first", "pictures", "again"):
        for catalogue in CATALOGUES:
            mapping = ColumnMapping.load(catalogue.mapping)
            vendor_ids = sellers(client, staff, VENDORS if VENDORS.is_file() else None, mapping)
            began = time.perf_counter()
            told: Any
            if name == "pictures":
                told = f"{illustrate(client, staff.token(client), vendor_ids)} products with pictures"
            else:
                told = dict(bring_in(client, staff, vendor_ids, catalogue))
            seconds = time.perf_counter() - began
            whole += seconds if name != "again" else 0
            rate = f"{catalogue.products / seconds:6.0f}/s" if name != "pictures" else ""
            print(f"  {name:<9} {catalogue.mapping:<18} {seconds:6.1f} s {rate} {told}", flush=True)
    print(f"  all products and pictures: {whole:.0f} s")


_kept: list[tuple[str, bytes]] = []


def _pictures() -> list[tuple[str, bytes]]:
    """Names and contents of those that are small enough."""
    if not _kept:
        with tarfile.open(PICTURES) as packed:
            for member in packed:
                if member.isfile() and member.name.endswith(".png") and member.size <= LARGEST_PICTURE:
                    content = packed.extractfile(member)
                    assert content
                    _kept.append((member.name, content.read()))
    return _kept
