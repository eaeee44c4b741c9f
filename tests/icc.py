"""ICC profiles made byte by byte, and what their colours are in sRGB by the definition."""

from __future__ import annotations

import struct

import numpy as np

# Columns: red, green and blue as XYZ under D50, the white of all profiles.
SRGB = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
PROPHOTO = np.array([[0.7976749, 0.1351917, 0.0313534], [0.2880402, 0.7118741, 0.0000857], [0.0, 0.0, 0.8252100]])
ADOBE_RGB = np.array(
    [[0.6097559, 0.2052401, 0.1492240], [0.3111242, 0.6256560, 0.0632197], [0.0194811, 0.0608902, 0.7448387]]
)
DISPLAY_P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
GENERIC_RGB = np.array([[0.4543, 0.3533, 0.1566], [0.2419, 0.6736, 0.0845], [0.0149, 0.0906, 0.7195]])
WHITE = (0.9642, 1.0, 0.8249)


def _s15(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _profile(tags: dict[bytes, bytes], space: bytes, pcs: bytes, version: int, kind: bytes) -> bytes:
    """Put tags together with header and table; `version` is 2 or 4."""
    if version == 2:
        name = b"a profile\0"
        description = b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78)
        rights = b"text" + bytes(4) + b"none\0"
    else:
        text = "a profile".encode("utf-16-be")
        description = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(text), 28) + text
        rights = description
    tags = {b"desc": description, b"cprt": rights, b"wtpt": b"XYZ " + bytes(4) + _s15(*WHITE), **tags}
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, at, len(content))
        body += content
        at += len(content)
    header = struct.pack(">I4sI4s4s4s", at, b"none", version << 24, kind, space, pcs)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _s15(*WHITE) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def _curve(gamma: float, version: int) -> bytes:
    if version == 2:
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    return b"para" + bytes(4) + struct.pack(">HH", 0, 0) + _s15(gamma)


def rgb_profile(matrix: np.ndarray, gamma: float, version: int = 2) -> bytes:
    """Return a profile of three primaries and one gamma for all."""
    tags = {}
    for name, column in zip((b"r", b"g", b"b"), matrix.T, strict=True):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + _s15(*column)
        tags[name + b"TRC"] = _curve(gamma, version)
    return _profile(tags, b"RGB ", b"XYZ ", version, b"mntr")


def grey_profile(gamma: float, version: int = 2) -> bytes:
    """Return a profile of greys with a gamma."""
    return _profile({b"kTRC": _curve(gamma, version)}, b"GRAY", b"XYZ ", version, b"mntr")


def cmyk_profile(inks: np.ndarray) -> bytes:
    """Return a profile of a table with two steps for each ink, whose 16 colours are `inks`, in Lab.

    Args:
        inks: 2 × 2 × 2 × 2 × 3: cyan, magenta, yellow and black, without and with; then L, a and b.
    """
    flat = inks.reshape(16, 3)
    encoded = np.stack([flat[:, 0] * 65280 / 100, (flat[:, 1] + 128) * 256, (flat[:, 2] + 128) * 256], axis=1)
    table = b"mft2" + bytes(4) + bytes([4, 3, 2, 0]) + _s15(1, 0, 0, 0, 1, 0, 0, 0, 1) + struct.pack(">HH", 2, 2)
    table += struct.pack(">2H", 0, 65535) * 4
    table += np.rint(encoded).astype(">u2").tobytes() + struct.pack(">2H", 0, 65535) * 3
    return _profile({b"A2B0": table}, b"CMYK", b"Lab ", 2, b"prtr")


def srgb_of(colours: np.ndarray, matrix: np.ndarray, gamma: float) -> np.ndarray:
    """Return the colours of an RGB profile in sRGB: … × 3, from 0 to 1, to levels of 0 to 255."""
    return srgb_of_xyz(np.asarray(colours) ** gamma @ matrix.T)


def srgb_of_xyz(xyz: np.ndarray) -> np.ndarray:
    """Return colours that are given as XYZ under D50 in sRGB, as levels of 0 to 255; what it cannot show is cut."""
    linear = np.clip(xyz @ np.linalg.inv(SRGB).T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_of_lab(lab: np.ndarray) -> np.ndarray:
    """Return colours of CIE Lab in sRGB, as levels of 0 to 255."""
    y = (lab[..., 0] + 16) / 116
    t = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(t > 6 / 29, t**3, 3 * (6 / 29) ** 2 * (t - 4 / 29)) * WHITE
    return srgb_of_xyz(xyz)
