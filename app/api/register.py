"""Every endpoint is registered here: those of each module, answered by any model in the catalogue."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr

from algcn.kit.errors import InputError
from app.api import benchmark, classifiers, collections, labelling, labels, maps, search, training
from app.program import Program

MODEL_ARGUMENT = "model: Which model answers, by its name in list_models; by default the one the program started with."

# Answers of milliseconds. They do not wait in the page's queue behind anything, but have a room of their own
# (`Program.answer_room`); gradio_client asks through the queue all the same, where nothing limits how many run.
QUICK = frozenset(
    {"benchmark", "classifier_neighbours", "describe_graph", "edit_edge", "export_csv", "label_graph",
     "label_neighbours", "list_models", "search_by_item", "search_by_text"}
)  # fmt: skip
# In the order in which they are listed under "Use via API".
MODULES = (search, labels, classifiers, maps, benchmark, training, collections, labelling)


def add_endpoints(program: Program) -> None:
    """Offer the functions that the `api(program)` of each module lists; all other events are the page's own."""
    functions = [_of_any_model(function, program) for module in MODULES for function in module.api(program)]
    for function in (_list_models(program), *functions):
        # gradio shows the first line of a docstring only; what the arguments mean is in the others.
        description = " ".join(inspect.getdoc(function).split())
        name, how = function.__name__, {}
        if name in QUICK:
            how = {"queue": False, "concurrency_limit": None}
        gr.api(_with_error_sentence(function), api_name=name, api_description=description, **how)


def _list_models(program: Program) -> Callable[[], list[dict[str, Any]]]:
    def list_models() -> list[dict[str, Any]]:
        """Name the models that can answer: pass one of the names as `model` to any other endpoint.

        Returns:
            [{name, is_default (the one the program started with), is_loaded (whether it answers at once)}].
        """
        default = program.models.default().name
        return [
            {"name": name, "is_default": name == default, "is_loaded": program.models.is_loaded(name)}
            for name in program.models.names()
        ]

    return list_models


def _of_any_model(function: Callable[..., Any], program: Program) -> Callable[..., Any]:
    """Give a function one more argument: the name of the model that `program.named_service()` is while it answers."""
    given = inspect.signature(function)
    model = inspect.Parameter("model", inspect.Parameter.POSITIONAL_OR_KEYWORD, default="", annotation="str")
    signature = given.replace(parameters=[*given.parameters.values(), model])

    is_quick = function.__name__ in QUICK

    @functools.wraps(function)
    def answer(*values: Any, **named: Any) -> Any:
        bound = signature.bind(*values, **named)
        name = bound.arguments.pop("model", "")
        # The model is loaded first, if it has to be: nobody has a place in the room meanwhile.
        with program.named(name), program.answer_room.place() if is_quick else contextlib.nullcontext():
            return function(*bound.args, **bound.kwargs)

    answer.__signature__ = signature
    answer.__annotations__ = {**function.__annotations__, "model": "str"}
    told, returns, result = inspect.getdoc(function).partition("\n\nReturns:")
    arguments = "" if "\n\nArgs:\n" in told else "\n\nArgs:"
    answer.__doc__ = f"{told}{arguments}\n    {MODEL_ARGUMENT}{returns}{result}"
    return answer


def _with_error_sentence(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a function's InputError into the sentence that a client reads."""

    @functools.wraps(function)
    def answer(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    answer.__signature__ = inspect.signature(function)
    return answer
