"""Visitors choose another model: in the masthead, or by the address that they come with."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from app.visitors.addresses import Addresses
    from app.visitors.catalogue import Catalogue
    from app.visitors.loading import Loading
    from app.visitors.visitor import Visitor

# What the chooser calls the model that a visitor trained.
OWN_MODEL = "your model"
FIELD, MAX_FIELDS = "model", 200


def choose(visitor: Visitor, name: object, models: Catalogue, addresses: Addresses) -> None:
    """Answer a visitor with another model from now on, as soon as it is loaded; pictures of their own stay open.

    Args:
        visitor: Stays where they were when something is wrong.
        name: One of the catalogue's, OWN_MODEL, or where that is allowed OWNER/NAME[@COMMIT] on the Hub.
        models: The catalogue.
        addresses: Serves the visitor's own pictures.

    Raises:
        InputError: There is no such model, it cannot be loaded, or it goes with another encoder than their pictures.
    """
    from app.visitors.derive import has_own_gallery, with_model

    if name == OWN_MODEL and visitor.trained is not None:
        bundle, shared = visitor.trained
    else:
        shared = _find(visitor, name, models).service()
        bundle = shared.bundle
    before, own = visitor.service(models.loading), None
    if has_own_gallery(before):
        own = with_model(before, bundle, shared.name if bundle is shared.bundle else OWN_MODEL)
        addresses.add(own)
    elif bundle is not shared.bundle:
        own = with_model(shared, bundle, OWN_MODEL)
    visitor.choose(shared, own)


def loading_of(visitor: Visitor, name: object, models: Catalogue) -> Loading | None:
    """Find the model of a name, which may still be loading; None for a visitor's own, which is there already.

    Raises:
        InputError: There is no such model.
    """
    return None if name == OWN_MODEL else _find(visitor, name, models)


def _find(visitor: Visitor, name: object, models: Catalogue) -> Loading:
    hub = models.hub
    return hub.find(visitor, name) if hub is not None and hub.takes(name) else models.find(name)


def model_of(address: object) -> str:
    """Read from an address which model it names; "" for none.

    Args:
        address: What stands behind the "?" of an address, with it or without, from a browser.
    """
    if not isinstance(address, str):
        return ""
    try:
        return parse_qs(address.removeprefix("?"), max_num_fields=MAX_FIELDS).get(FIELD, [""])[0]
    except ValueError:
        return ""


def follow(visitor: Visitor, address: object, models: Catalogue, addresses: Addresses) -> str:
    """Choose the model that a visitor's address names, once; whoever asks meanwhile waits.

    Returns:
        What went wrong, or "".
    """
    with visitor.arriving:
        if visitor.arrival is None:
            visitor.arrival = ""
            name = model_of(address)
            if name:
                try:
                    choose(visitor, name, models, addresses)
                except InputError as error:
                    visitor.arrival = str(error)
        return visitor.arrival


def offered(visitor: Visitor, models: Catalogue) -> tuple[list[str], str, str]:
    """List the names to choose from, the one that is chosen, and its name in an address: "" for the default."""
    from app.visitors.derive import has_own_model

    shared, service = visitor.shared(models.loading), visitor.service(models.loading)
    names = [*models.names(), *(models.hub.opened(visitor) if models.hub is not None else ())]
    linked = "" if shared is models.default() else shared.name
    if visitor.trained is None:
        return names, shared.name, linked
    return [*names, OWN_MODEL], OWN_MODEL if has_own_model(service, shared) else shared.name, linked
