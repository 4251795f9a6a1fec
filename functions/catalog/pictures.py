"""What a picture is: told from its content, never from what a sender claims. SVG may draw, and do nothing else."""

import re
from xml.etree import ElementTree

from market.errors import Unprocessable
from media.contract import HEAD, JPEG, PNG, WEBP, Format, sniff

MAX_SVG_ELEMENTS = 5000
_SVG = "{http://www.w3.org/2000/svg}"
_SHAPES = "svg g defs symbol use path rect circle ellipse line polyline polygon text tspan title desc marker"
_PAINT = "linearGradient radialGradient stop clipPath mask pattern filter"
_EFFECTS = "GaussianBlur Offset Merge MergeNode Flood Composite Blend ColorMatrix DropShadow"
_DRAWING = frozenset([*_SHAPES.split(), *_PAINT.split(), *(f"fe{effect}" for effect in _EFFECTS.split())])
_REFERENCES = frozenset({"href", "{http://www.w3.org/1999/xlink}href"})
_OUTSIDE = re.compile(r"url\s*\(\s*['\"]?\s*(?!#)|@import|expression\s*\(|javascript:|\\", re.IGNORECASE)


class NotAPicture(Unprocessable):
    """The content is none of PNG, JPEG, WebP or SVG."""

    code, title = "not_a_picture", "Not a picture"


class UnsafePicture(Unprocessable):
    """The SVG does more than draw: scripts, animation, foreign content, references to elsewhere."""

    code, title = "unsafe_picture", "Unsafe picture"


SVG = Format("image", "image/svg+xml", "svg")


def kind_of(content: bytes) -> Format:
    """Raises NotAPicture or UnsafePicture."""
    found = sniff(content[:HEAD])
    if found in (PNG, JPEG, WEBP):
        return found
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        _must_only_draw(content)
        return SVG
    raise NotAPicture("Send a PNG, JPEG, WebP or SVG picture.")


def _must_only_draw(content: bytes) -> None:
    if b"<!" in content.replace(b"<!--", b"") or b"<?" in content.lstrip(b"\xef\xbb\xbf \t\r\n")[1:]:
        raise UnsafePicture("An SVG may have no DOCTYPE, entity, CDATA or processing instruction.")
    try:
        content.decode("utf-8")
        root = ElementTree.fromstring(content)  # noqa: S314 - no entity can be declared, see above
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError):
        raise NotAPicture("This is not well-formed SVG in UTF-8.") from None
    if root.tag != f"{_SVG}svg":
        raise NotAPicture("The root element is not svg.")
    for count, element in enumerate(root.iter()):
        if count >= MAX_SVG_ELEMENTS:
            raise UnsafePicture(f"An SVG has at most {MAX_SVG_ELEMENTS} elements.")
        _must_be_plain(element)


def _must_be_plain(element: "ElementTree.Element[str]") -> None:
    tag = str(element.tag)
    if not tag.startswith(_SVG) or tag.removeprefix(_SVG) not in _DRAWING:
        raise UnsafePicture(f"An SVG may not contain {tag.rpartition('}')[2][:40]}.")
    for name, value in element.attrib.items():
        reference = name in _REFERENCES
        if name.lower().startswith("on") or _OUTSIDE.search(value) or (reference and not value.startswith("#")):
            raise UnsafePicture(f"The attribute {name.rpartition('}')[2][:40]} may not be like this.")
        if name.startswith("{") and not reference and not name.startswith("{http://www.w3.org/XML/1998/namespace}"):
            raise UnsafePicture(f"The attribute {name.rpartition('}')[2][:40]} is not part of SVG.")
