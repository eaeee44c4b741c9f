"""The page's own JavaScript: the ES modules of assets/page/scripts/, and the lines that start one.

Notable: a module's address holds a fingerprint of them all, and modules import each other by relative addresses. So a
browser may keep what it has for good, and still runs the modules of this program together, never an older one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.kit.templates import render

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "page" / "scripts"
SCRIPTS = {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.js"))}
VERSION = hashlib.sha256(b"\0".join(part for name in SCRIPTS for part in (name.encode(), SCRIPTS[name]))).hexdigest()[
    :16
]


def script_url(name: str) -> str:
    """The address of a module, relative to the page's; see app/visitors/routes.py, which serves it."""
    if f"{name}.js" not in SCRIPTS:
        raise KeyError(f"There is no {name}.js in {FOLDER}.")
    return f"scripts/{VERSION}/{name}.js"


def mount(name: str) -> str:
    """The `js_on_load` of a component that the `mount({element, props, trigger, watch, on})` of a module takes over.

    The module comes over the network, so these lines keep the clicks and changes that are there before it, and whether
    a value was; mount.js hands them on.
    """
    script_url(name)  # there is such a module
    return (
        "const early = new Set(), note = (event) => early.add(event);"
        ' element.onclick = element.onchange = note; watch("value", note);\n'
        f'import(new URL("{script_url("mount")}", document.baseURI))'
        f'.then(({{ mount }}) => mount("{name}", {{ element, props, trigger, watch, early }}));'
    )


def preloads() -> str:
    """For the page's head: the browser fetches all modules at once, not one after the other as they are imported."""
    return str(render("kit/preloads.html", addresses=[script_url(Path(name).stem) for name in SCRIPTS]))
