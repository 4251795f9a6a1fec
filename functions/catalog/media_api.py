"""Route of uploads. A function of its own: only it may write to the media bucket."""

from catalog import gallery, pictures, store
from catalog.manifest import MANIFEST
from catalog.pictures import NotAPicture, UnsafePicture
from market.http import KEY, STAFF, VENDOR, ServiceApi, View

api = ServiceApi(MANIFEST)
handler = api.handler

MAX_PICTURE = 200 * 1024


class Stored(View):
    url: str
    content_type: str


@api.post(
    "/v1/vendors/<vendor_id>/media",
    callers=[VENDOR, STAFF, KEY],
    needs="products.write",
    limit="upload",
    status=201,
    problems=[NotAPicture, UnsafePicture],
    raw=True,
    max_body=MAX_PICTURE,
)
def store_picture(vendor_id: str) -> Stored:
    """Keep a picture (PNG, JPEG, WebP or plain SVG, at most 200 KB, as the body) for use by its address.

    It is deleted two days later unless a product or a brand shows it by then.
    """
    store.require_vendor(vendor_id, api.caller)
    kind = pictures.kind_of(api.body)
    return Stored(url=gallery.keep(api.body, kind), content_type=kind.content_type)
