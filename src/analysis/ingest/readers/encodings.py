"""Find out in which encoding a text file is written, and read it as UTF-8.

Detection: a byte-order mark settles it; then valid UTF-8 is UTF-8 (other encodings are hardly
ever valid by accident); else ``charset-normalizer`` judges the lines that are not ASCII. What was
found is always said, because a guess can be wrong.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analysis.errors import DataError, ParamsError
from analysis.ingest.readers.archives import Member
from analysis.ingest.readers.physical_lines import Block, decodes

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CANDIDATES = ["gb18030", "big5", "shift_jis", "euc_kr", "cp1252", "cp1250", "cp1251", "cp1253"]
#: Western retail files are Windows-1252 unless something speaks clearly against it.
WESTERN = "cp1252"
#: First bytes of the letters that nearly all text is made of: kana, and the first level of signs.
USUAL: dict[str, tuple[int, ...]] = {
    "gb18030": tuple(range(0xB0, 0xD8)),
    "big5": tuple(range(0xA4, 0xC7)),
    "euc_kr": tuple(range(0xB0, 0xC9)),
    "shift_jis": (0x82, 0x83, *range(0x88, 0x98)),
}
#: Share of usual letters from which a short text is believed to be in an encoding.
MOSTLY = 0.9
SAMPLE = 256 * 1024
ASKED = 1_000
MARKED = "analysis.mark"


@dataclass(frozen=True)
class Encoding:
    """An encoding and how it came to be known.

    Parameters
    ----------
    name
        Python's name of the codec.
    detected
        It was detected, not stated in the mapping.
    mark
        Bytes of the byte-order mark to skip.
    """

    name: str
    detected: bool
    mark: int = 0


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Put a lone surrogate where bytes cannot be decoded: its line is then no valid UTF-8."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(MARKED, _mark_undecodable)


def detect(member: Member, stated: str) -> Encoding:
    """Return the encoding of ``member``: the ``stated`` one, or, for ``auto``, the detected one.

    Raises
    ------
    ParamsError
        If the stated encoding does not exist.
    DataError
        If nothing fits.
    """
    start = next(iter(member.chunks(1024)), b"")
    mark = next(((m, name) for m, name in MARKS if start.startswith(m)), None)
    if stated != "auto":
        return _stated(stated, mark, member.label)
    if mark is not None:
        return Encoding(mark[1], detected=True, mark=len(mark[0]))
    if b"\0" in start and len(start) > 1:
        even, odd = start[0::2].count(0), start[1::2].count(0)
        if max(even, odd) > len(start) // 5:
            return Encoding("utf-16-be" if even > odd else "utf-16-le", detected=True)
    return _by_content(member)


def _stated(stated: str, mark: tuple[bytes, str] | None, label: str) -> Encoding:
    try:
        name = codecs.lookup(stated).name
    except LookupError:
        raise ParamsError(f"{label}: encoding {stated!r} does not exist") from None
    name = {"utf-8-sig": "utf-8", "utf-16": mark[1] if mark else "utf-16-le"}.get(name, name)
    length = len(mark[0]) if mark and mark[1] == name else 0
    return Encoding(name, detected=False, mark=length)


def _by_content(member: Member) -> Encoding:
    """Judge by the lines that are not ASCII: mostly valid UTF-8, or else what their bytes say."""
    valid = broken = 0.0
    sample: list[bytes] = []
    size = 0
    for block in _long_enough(member.chunks()):
        foreign = block.foreign().tolist()
        good = _share_valid(block, foreign) * len(foreign)
        valid, broken = valid + good, broken + len(foreign) - good
        for at in foreign:
            if size >= SAMPLE:
                break
            sample.append(block.line(at)[:SAMPLE])
            size += len(sample[-1])
    if broken == 0 or valid > broken:
        return Encoding("utf-8", detected=True)
    return Encoding(_guess(b"\n".join(sample), member.label), detected=True)


def _share_valid(block: Block, foreign: list[int]) -> float:
    """Return the share of the ``foreign`` lines that are valid UTF-8, of very many a part asked."""
    if decodes(block.text):
        return 1.0
    asked = foreign[:: -(-len(foreign) // ASKED)]
    return sum(decodes(block.line(at)) for at in asked) / len(asked)


def _long_enough(chunks: Iterable[bytes]) -> Iterator[Block]:
    """Yield whole lines, of the last the part that fits: a file without lines is no table yet."""
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        cut = text.rfind(b"\n") + 1
        yield Block.of(text[:cut])
        rest = text[cut:][-SAMPLE:]
    if rest:
        yield Block.of(rest + b"\n")


def _guess(sample: bytes, label: str) -> str:
    from charset_normalizer import from_bytes

    matches = list(from_bytes(sample, cp_isolation=CANDIDATES))
    if not matches:
        usual = {name: _usual(sample, name) for name in USUAL}
        likeliest = max(usual, key=lambda name: usual[name])
        if usual[likeliest] > MOSTLY:
            return likeliest
        raise DataError(
            f"{label}: its encoding cannot be told; state encoding: in the mapping, such as gb18030"
        )
    best = matches[0]
    if best.encoding.startswith("cp125"):
        alike = sample.decode(WESTERN, "replace") == sample.decode(best.encoding, "replace")
        western = [m for m in matches if m.encoding == WESTERN and m.chaos <= best.chaos + 0.05]
        return WESTERN if western or alike else best.encoding
    return best.encoding


def _usual(sample: bytes, name: str) -> float:
    """Return the share of letters that are usual ones, in an encoding of two bytes a letter."""
    try:
        letters = [c.encode(name) for c in sample.decode(name) if not c.isascii()]
    except UnicodeDecodeError:
        return 0.0
    return sum(letter[0] in USUAL[name] for letter in letters) / max(1, len(letters))


def as_utf8(chunks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Yield ``chunks`` as UTF-8, without the mark; undecodable bytes become invalid UTF-8."""
    stream = _without_mark(chunks, encoding.mark)
    if encoding.name in {"utf-8", "ascii"}:
        yield from stream
        return
    decoder = codecs.getincrementaldecoder(encoding.name)(errors=MARKED)
    for chunk in stream:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    if tail := decoder.decode(b"", final=True):
        yield tail.encode("utf-8", "surrogatepass")


def _without_mark(chunks: Iterable[bytes], mark: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[mark:]
        mark = max(0, mark - len(chunk))


def in_words(encoding: Encoding, label: str) -> str | None:
    """Return the sentence about a detected encoding; None where there is nothing to say."""
    if not encoding.detected or encoding.name in {"utf-8", "ascii"}:
        return None
    name = known_as(encoding.name)
    return f"{label} is read as {name}, which was detected; state encoding: if that is wrong."


def known_as(name: str) -> str:
    """Return the name that people know an encoding by."""
    return {"cp1252": "Windows-1252 (Latin-1)", "big5": "Big5"}.get(name, name.upper())
