"""Route of the import. A function of its own: it works longer than any other of the catalog."""

from collections import Counter

from catalog import imports
from catalog.bulk import BulkUploadOff
from catalog.forms import Import
from catalog.manifest import MANIFEST
from catalog.views import ImportReport, RowOutcome
from market.guard import flags
from market.http import KEY, STAFF, VENDOR, Response, ServiceApi, reply
from vendors.contract import VendorNotActive

api = ServiceApi(MANIFEST)
handler = api.handler

MAX_BODY = 2 * 1024 * 1024


@api.post(
    "/v1/vendors/<vendor_id>/products/import",
    callers=[VENDOR, STAFF, KEY],
    needs="products.import",
    problems=[BulkUploadOff, VendorNotActive],
    max_body=MAX_BODY,
)
def import_products(vendor_id: str, batch: Import) -> Response[ImportReport]:
    """Create or change up to 100 products, each found again by its `externalId`; equal rows change nothing."""
    if not flags.on("bulk-upload", flags.about(api.caller, vendor=vendor_id)):
        raise BulkUploadOff("Products can be brought in one at a time for now.")
    outcomes = imports.bring_in(vendor_id, batch.rows)
    counts = Counter(outcome.result for outcome in outcomes)
    rows = [
        RowOutcome(
            row=outcome.row,
            result=outcome.result,
            external_id=outcome.external_id,
            product_id=outcome.product_id or None,
            code=outcome.code or None,
            reason=outcome.reason or None,
        )
        for outcome in outcomes
    ]
    return reply(
        ImportReport(
            rows=rows,
            created=counts["created"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            rejected=counts["rejected"],
        )
    )
