"""What a browser fetches by address: pictures, downloads, and Plotly's JavaScript."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import HTTPException
from fastapi.responses import FileResponse, Response
from fastapi.routing import APIRoute

from algcn.kit.errors import InputError
from app.kit.pictures import media_type, picture_file
from app.kit.scripts import SCRIPTS, VERSION
from app.visitors.addresses import Addresses

PICTURE_AGE_SECONDS, PLOTLY_AGE_SECONDS, SCRIPT_AGE_SECONDS = 3600, 24 * 3600, 365 * 24 * 3600


def picture_route(addresses: Addresses, cache: Path) -> APIRoute:
    """GET /picture/KEY/SIZE/NUMBER: a picture by number, so that no path is ever made from a request.

    What is no kind of picture that browsers show goes out as bytes, which they offer to save.
    """

    def picture(key: str, size: str, item: int) -> Response:
        try:
            service = addresses.find(key)
            found = picture_file(service.picture_path(item), size, addresses.cache(service, cache))
        except InputError as error:
            raise HTTPException(404, str(error)) from None
        headers = {"Cache-Control": f"private, max-age={PICTURE_AGE_SECONDS}", "X-Content-Type-Options": "nosniff"}
        if isinstance(found, bytes):
            return Response(found, media_type=media_type(found), headers=headers)
        return FileResponse(found, media_type=media_type(found), headers=headers)

    return APIRoute("/picture/{key}/{size}/{item}", picture)


def download_route(addresses: Addresses) -> APIRoute:
    """GET /download/TOKEN: a file that was made for one visitor."""

    def download(token: str) -> FileResponse:
        try:
            path = addresses.file(token)
        except InputError as error:
            raise HTTPException(404, str(error)) from None
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type="application/zip", filename=path.name, headers=headers)

    return APIRoute("/download/{token}", download)


def plotly_route() -> APIRoute:
    """GET /plotly.js: Plotly's JavaScript as the installed package has it; a browser keeps it for a day."""

    def plotly() -> FileResponse:
        # The package itself takes half a second to import and is not needed: figures are plain dicts.
        package = Path(find_spec("plotly").origin).parent
        headers = {"Cache-Control": f"public, max-age={PLOTLY_AGE_SECONDS}"}
        return FileResponse(package / "package_data" / "plotly.min.js", media_type="text/javascript", headers=headers)

    return APIRoute("/plotly.js", plotly)


def script_route() -> APIRoute:
    """GET /scripts/VERSION/NAME.js: a module of the page, from a table, so that no path is ever made from a request.

    Under this program's version a browser keeps it for good. A page that was open while the program was replaced asks
    for another version: it gets today's, and asks again the next time.
    """

    def script(version: str, name: str) -> Response:
        if name not in SCRIPTS:
            raise HTTPException(404, f"There is no script {name!r}.")
        kept = f"public, max-age={SCRIPT_AGE_SECONDS}, immutable" if version == VERSION else "no-store"
        headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
        return Response(SCRIPTS[name], media_type="text/javascript", headers=headers)

    return APIRoute("/scripts/{version}/{name}", script)
