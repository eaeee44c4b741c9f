"""What programs call: the endpoints of every tab, each of any model in the catalogue."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr

from algcn.kit.errors import InputError
from app.api import benchmark, classifiers, collections, labels, maps, search, training
from app.frame import Frame

MODEL_ARGUMENT = "model: Which model answers, by its name in list_models; by default the one the program started with."


# In the order in which they are listed under "Use via API".
MODULES = (search, labels, classifiers, maps, benchmark, training, collections)


def add_endpoints(frame: Frame) -> None:
    """Offer the functions that the `api(frame)` of each module lists; all other events are the page's own."""
    functions = [_of_any_model(function, frame) for module in MODULES for function in module.api(frame)]
    for function in (_list_models(frame), *functions):
        # gradio shows the first line of a docstring only; what the arguments mean is in the others.
        description = " ".join(inspect.getdoc(function).split())
        gr.api(_with_sentence(function), api_name=function.__name__, api_description=description)


def _list_models(frame: Frame) -> Callable[[], list[dict[str, Any]]]:
    def list_models() -> list[dict[str, Any]]:
        """Name the models that can answer: pass one of the names as `model` to any other endpoint.

        Returns:
            [{name, is_default (the one the program started with), is_loaded (whether it answers at once)}].
        """
        default = frame.models.own().name
        return [
            {"name": name, "is_default": name == default, "is_loaded": frame.models.is_loaded(name)}
            for name in frame.models.names()
        ]

    return list_models


def _of_any_model(function: Callable[..., Any], frame: Frame) -> Callable[..., Any]:
    """The function with one more argument, the name of the model that `frame.asked()` is meanwhile."""
    own = inspect.signature(function)
    model = inspect.Parameter("model", inspect.Parameter.POSITIONAL_OR_KEYWORD, default="", annotation="str")
    signature = own.replace(parameters=[*own.parameters.values(), model])

    @functools.wraps(function)
    def answer(*values: Any, **named: Any) -> Any:
        given = signature.bind(*values, **named)
        name = given.arguments.pop("model", "")
        with frame.asking(name):
            return function(*given.args, **given.kwargs)

    answer.__signature__ = signature
    answer.__annotations__ = {**function.__annotations__, "model": "str"}
    told, returns, result = inspect.getdoc(function).partition("\n\nReturns:")
    arguments = "" if "\n\nArgs:\n" in told else "\n\nArgs:"
    answer.__doc__ = f"{told}{arguments}\n    {MODEL_ARGUMENT}{returns}{result}"
    return answer


def _with_sentence(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its InputError as what a client reads."""

    @functools.wraps(function)
    def answer(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    answer.__signature__ = inspect.signature(function)
    return answer
