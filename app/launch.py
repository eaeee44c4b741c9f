"""Start the page: read arguments and environment, load in the background, build, launch.

    python app.py [--bundle PATH|OWNER/NAME[@COMMIT]] [--gallery PATH] [--index ADDRESS] [--allow-hub] [--mcp]

The environment may say the same: ALGCN_BUNDLE, ALGCN_GALLERY, ALGCN_INDEX; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT
say where the page is served; ALGCN_CACHE is the only folder that is written to.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.cluster.address import Address
from algcn.command_line import CommandParser, add_bundle, reference, writing
from algcn.kit.cache import cache_folder
from algcn.kit.errors import InputError
from algcn.kit.threads import let_idle_threads_sleep
from app.kit.serving import place, spare_proxies, starting

if TYPE_CHECKING:
    from app.service import RetrievalService

DESCRIPTION = "ALGCN Explorer: search pictures with words and words with pictures."
ROOT = Path(__file__).resolve().parents[1]  # has weights/ and assets/, in a checkout and where it is installed
BUNDLES = ROOT / "weights"
DEFAULT_BUNDLE = BUNDLES / "pocket"
DEFAULT_GALLERY = ROOT / "assets" / "gallery"
HUB_REFERENCE = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the page until it is stopped."""
    arguments = build_parser().parse_args(argv)
    let_idle_threads_sleep()
    # The imports below take seconds, together about ten: those of the model run in a thread while the page comes up,
    # and none starts before the arguments make sense.
    name, port = place()
    spare_proxies(name)
    _check("bundle", arguments.bundle, needs="config.json")
    _check("gallery", arguments.gallery)
    if arguments.index is not None:
        Address.parse(arguments.index)
    from app.visitors.files import UPLOADS, VisitorFiles
    from app.visitors.loading import Loading

    cache = cache_folder()
    with writing(cache):
        files = VisitorFiles(cache, UPLOADS)
        uploads, temporary = files.new_folder(), files.new_folder()
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    # For whoever unpacks something, and the file by which Python tries out where it may write: killed at that moment,
    # a process leaves both. These folders go with it, or at the next start.
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    loading = Loading(lambda report: _load(arguments.bundle, arguments.gallery, arguments.index, report))
    with starting():
        _import_gradio()
    from app.interface import build, launch
    from app.program import Program
    from app.visitors.catalogue import bundles_in

    program = Program(loading, uploads, cache, bundles_in(BUNDLES), allow_hub=arguments.allow_hub)
    page = build(program)
    print(f"ALGCN Explorer is at {launch(page, program, port, mcp=arguments.mcp)}", flush=True)
    try:
        loading.service()
    except InputError:
        page.close(verbose=False)
        raise
    page.block_thread()


def build_parser() -> CommandParser:
    """The arguments; the environment's values are their defaults."""
    parser = CommandParser(_started_as(), DESCRIPTION, "--bundle weights/pocket --gallery PHOTOS")
    add_bundle(
        parser,
        default=os.environ.get("ALGCN_BUNDLE") or str(DEFAULT_BUNDLE),
        help="a bundle's folder, or OWNER/NAME[@COMMIT] on the Hub; $ALGCN_BUNDLE says the same",
    )
    parser.add_argument(
        "--gallery",
        type=reference,
        default=os.environ.get("ALGCN_GALLERY") or str(DEFAULT_GALLERY),
        help="a folder of pictures, with captions and labels in a metadata.csv if there are any, or OWNER/NAME[@COMMIT]"
        " on the Hub; $ALGCN_GALLERY says the same",
    )
    parser.add_argument(
        "--index",
        type=reference,
        metavar="ADDRESS",
        default=os.environ.get("ALGCN_INDEX") or None,
        help="where python -m algcn.gallery publish wrote the gallery for the bundle: milvus://HOST:PORT/COLLECTION, or"
        " a file that ends in .db; $ALGCN_INDEX says the same",
    )
    parser.add_argument(
        "--allow-hub",
        action="store_true",
        help="let visitors open small public models of the Hub, each for themselves; they must go with an encoder here",
    )
    parser.add_argument(
        "--mcp",
        action="store_true",
        help="also answer language models: the API as tools of the Model Context Protocol, at /gradio_api/mcp/",
    )
    return parser


def _started_as() -> str:
    """How the program was started, for the help: `python app.py`, or by its installed name."""
    name = Path(sys.argv[0]).name
    return f"python {name}" if name.endswith(".py") else name


def _check(kind: str, reference: str, needs: str | None = None) -> None:
    """Refuse at once what cannot be a folder or a repository; the rest is checked while it is loaded."""
    path = Path(reference).expanduser()
    if path.is_dir():
        if needs and not (path / needs).is_file():
            raise InputError(f"{path} is no {kind}: it has no {needs}; name the folder that holds it.")
        return
    # OWNER/NAME names a repository, unless OWNER is a folder here: then NAME is a typing error in a path.
    if path.exists() or not HUB_REFERENCE.fullmatch(reference) or Path(path.parts[0]).is_dir():
        raise InputError(f"There is no {kind} at {reference}; name a folder, or OWNER/NAME on the Hub.")


def _import_gradio() -> None:
    """Import gradio in half the time.

    At every import gradio renders a .pyi file for each of its 80 component classes and compares it with the one beside
    the class, for the benefit of editors: 1.7 of its 3.6 seconds, on the way to the first page. It skips classes whose
    source file is unknown, so for the time of the import its own classes are made to look like that.
    """
    getfile = inspect.getfile

    def unknown_for_gradio(value: object) -> str:
        if isinstance(value, type) and value.__module__.startswith("gradio."):
            raise OSError
        return getfile(value)

    inspect.getfile = unknown_for_gradio
    try:
        import gradio  # noqa: F401
    finally:
        inspect.getfile = getfile


def _load(bundle: str, gallery: str, index: str | None, report: Callable[[str], None]) -> RetrievalService:
    report("starting")
    # torch mutes this harmless one while it registers its kernels, but what one thread mutes another may unmute.
    warnings.filterwarnings("ignore", "Warning only once for all operators", UserWarning)
    from algcn.bundles.hub import resolve_bundle
    from algcn.gallery.hub import resolve_gallery
    from app.kit import decoders
    from app.service import load_service

    decoders.warm()
    bundle_path, bundle_notice = resolve_bundle(bundle, fallback=DEFAULT_BUNDLE)
    gallery_path, gallery_notice = resolve_gallery(gallery)
    # A folder of the Hub's cache is called by its commit: the page shows the reference instead.
    is_snapshot = bundle_path not in (Path(bundle).expanduser(), DEFAULT_BUNDLE)
    service = load_service(bundle_path, gallery_path, report, name=bundle if is_snapshot else None, index=index)
    for notice in filter(None, (bundle_notice, gallery_notice, *service.gallery.notices)):
        print(notice, file=sys.stderr, flush=True)
    return service
