"""ICC profiles for the tests, made by hand (ICC.1:2010, https://www.color.org/icc1v42.pdf)."""

import struct

D50 = (0.9642, 1.0, 0.8249)
# Red, green and blue in XYZ, adapted to D50.
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
ADOBE_RGB = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
PROPHOTO = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))


def rgb(primaries: tuple, gamma: float) -> bytes:
    """A profile of RGB: linear light is a value from 0 to 1 to the power of gamma."""
    colours = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries), strict=True))
    return _profile(b"RGB ", colours | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma)))


def grey(gamma: float) -> bytes:
    """A profile of grey."""
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def cmyk(cyan: tuple[int, int, int]) -> bytes:
    """A profile of CMYK: white without ink, cyan of that L, a and b (0 to 255), else black."""
    same, white, black = bytes(range(256)), bytes([255, 128, 128]), bytes([0, 128, 128])
    table = white + black * 7 + bytes(cyan) + black * 7
    identity = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    lut = b"mft1" + bytes([0, 0, 0, 0, 4, 3, 2, 0]) + identity + same * 4 + table + same * 3
    return _profile(b"CMYK", {b"A2B0": lut}, connection=b"Lab ")


def _xyz(values: tuple[float, ...]) -> bytes:
    return struct.pack(">8x3i", *(round(65536 * value) for value in values)).replace(
        bytes(8), b"XYZ " + bytes(4), 1
    )


def _curve(gamma: float) -> bytes:
    return b"curv" + struct.pack(">4xIH2x", 1, round(256 * gamma))


def _profile(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    tags = {b"wtpt": _xyz(D50), b"cprt": b"text" + bytes(8)} | tags
    place = 132 + 12 * len(tags)
    table = struct.pack(">I", len(tags))
    for name, body in tags.items():
        table += struct.pack(">4sII", name, place, len(body))
        place += len(body) + -len(body) % 4
    bodies = b"".join(body + bytes(-len(body) % 4) for body in tags.values())
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    start = struct.pack(">I4xI4s4s4s12x4s28x", place, 0x02400000, kind, space, connection, b"acsp")
    return start + _xyz(D50)[8:] + bytes(48) + table + bodies
