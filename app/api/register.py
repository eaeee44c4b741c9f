"""Every endpoint is registered here: those of each module, answered by any model in the catalogue."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction

from algcn.kit.errors import InputError
from app.api import benchmark, classifiers, collections, labelling, labels, maps, search, training
from app.api.explained import Explained, explain
from app.api.table import BY_NAME, QUICK, TABLE
from app.program import Program

MODEL_ARGUMENT = "Which model answers, by its name in list_models; by default the one the program started with."
MODULES = (search, labels, classifiers, maps, benchmark, training, collections, labelling)


def functions(program: Program) -> dict[str, Callable[..., Any]]:
    """Return the functions that the `api(program)` of each module lists, by name, in the order of the table."""
    found = {function.__name__: function for module in MODULES for function in module.api(program)}
    found["list_models"] = _list_models(program)
    if found.keys() != BY_NAME.keys():
        raise ValueError(f"{sorted(found.keys() ^ BY_NAME.keys())} must stand in app.api.table as in a module's api().")
    return {endpoint.name: found[endpoint.name] for endpoint in TABLE}


def explanations(program: Program) -> dict[str, Explained]:
    """Return what is said of each endpoint and of its arguments, the name of a model among them."""
    return {
        name: explain(function) if name == "list_models" else explain(function).with_argument("model", MODEL_ARGUMENT)
        for name, function in functions(program).items()
    }


def add_endpoints(page: gr.Blocks, program: Program) -> None:
    """Offer all endpoints; all other events are the page's own."""
    told = explanations(program)
    for name, function in functions(program).items():
        answers = function if name == "list_models" else _of_any_model(function, program)
        how = {"queue": False, "concurrency_limit": None} if name in QUICK else {}
        made = gr.api(_with_error_sentence(answers), api_name=name, api_description=told[name].text, **how)
        _explain(page.fns[made["id"]], told[name])


def _explain(endpoint: BlockFunction, told: Explained) -> None:
    """Say what the arguments and the answer of an endpoint are: gradio shows it, but has no other place to say it."""
    for description, component in zip(told.arguments.values(), endpoint.inputs, strict=True):
        component._api_info = {**component._api_info, "additional_description": description}
    (component,) = endpoint.outputs
    component.label = "answer"
    component._api_info = {"type": "object", "additionalProperties": {}, "description": told.returns}


def _list_models(program: Program) -> Callable[[], dict[str, Any]]:
    def list_models() -> dict[str, Any]:
        """Name the models that can answer: pass one of the names as `model` to any other endpoint.

        Returns:
            {"models": [{name, is_default (the one the program started with), is_loaded (whether it answers at once)}]}.
        """
        default = program.models.default().name
        return {
            "models": [
                {"name": name, "is_default": name == default, "is_loaded": program.models.is_loaded(name)}
                for name in program.models.names()
            ]
        }

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
