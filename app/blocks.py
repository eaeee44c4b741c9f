"""The page's Blocks: gradio's own, where every failure is a sentence and nothing is kept without bound."""

from __future__ import annotations

import os
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from gradio.blocks import Block, BlocksConfig
from gradio.exceptions import InvalidPathError
from gradio.queueing import Queue
from gradio.route_utils import FnIndexInferError
from gradio.routes import API_PREFIX, file_upload_statuses
from gradio.server_messages import ProcessCompletedMessage
from starlette.exceptions import HTTPException

from algcn.kit.disk import is_full
from algcn.kit.errors import InputError
from app.kit.disk import telling_visitors
from app.kit.limits import DISK_FULL
from app.kit.listening import listened_to
from app.kit.root import asked_at
from app.kit.words import WENT_WRONG

NOT_TAKEN = "What was sent is not what this takes; reload the page, or see /gradio_api/info for what endpoints take."
NO_UPLOAD = "A file must be an uploaded one: send it to /gradio_api/upload, and give the path that comes back."
NO_BODY = 'The request must be JSON like {"data": [...]}; /gradio_api/info says what goes into it.'
NO_SUCH_ARGUMENTS = "These are not the arguments of that endpoint; /gradio_api/info lists its own."
NO_ENDPOINT = "There is no such endpoint here; /gradio_api/info lists those there are."
UNREADABLE_BODY = "There was an error parsing the body"  # fastapi's, of JSON that is too deep or not in UTF-8
MAX_PROGRESS = 1000  # uploads of which gradio knows how far they are


class _Components(BlocksConfig):
    """The components of a page, of which gradio copies the list for each session.

    Notable: it describes them all in each, and each request that names no session opens one: of the 50 ms of such a
    request that was 44. They do not change, so they are described once.
    """

    def __init__(self, page: gr.Blocks) -> None:
        super().__init__(page)
        self._described: dict[int, dict[str, Any]] = {}

    def __copy__(self) -> BlocksConfig:
        copied = super().__copy__()
        copied.config_for_block = self._describe
        return copied

    def _describe(self, _id: int, rendered_ids: list[int], block: Block, renderable: Any = None) -> dict[str, Any]:
        if renderable is not None or self.blocks.get(_id) is not block:  # a session's own
            return self.config_for_block(_id, rendered_ids, block, renderable)
        if _id not in self._described:
            self._described[_id] = self.config_for_block(_id, rendered_ids, block)
        described = self._described[_id]
        return {**described, "props": {**described["props"]}}  # where a session writes its values


class Page(gr.Blocks):
    """Blocks whose events fail with a sentence, whatever was raised; gradio's own say null.

    Args:
        tools: Makes what answers language models, in place of gradio's own server of tools.
        named: What gradio's Blocks take.
    """

    def __init__(self, *, tools: Callable[[Page], Any], **named: Any) -> None:
        self._make_tools = tools
        super().__init__(**named)
        self.default_config = _Components(self)

    @property
    def mcp_server_obj(self) -> Any:
        """The server of tools, which gradio mounts; None without --mcp."""
        return self._tools

    @mcp_server_obj.setter
    def mcp_server_obj(self, made: Any) -> None:
        """Put one of the program's own in the place of the one that gradio made."""
        self._tools = None if made is None else self._make_tools(self)

    async def process_api(self, block_fn: Any, inputs: list[Any], *values: Any, **named: Any) -> dict[str, Any]:
        """Answer an event or an endpoint."""
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        try:
            if named.get("iterator") is None and not function.batch and len(inputs) != len(function.inputs):
                count = len(function.inputs)
                raise InputError(
                    f"The endpoint /{function.api_name} takes {count} argument{'s' * (count != 1)}, not {len(inputs)}; "
                    "give them in the order that /gradio_api/info lists."
                )
            event = self.queued.event_ids_to_events.get(named.get("event_id"))
            root = (named.get("root_path") or "").partition(API_PREFIX)[0]
            with listened_to(lambda: event is None or event.alive), asked_at(root), telling_visitors():
                return await super().process_api(block_fn, inputs, *values, **named)
        except gr.Error:
            raise
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except Exception as error:
            traceback.print_exc()
            raise gr.Error(WENT_WRONG, print_exception=False) from error

    async def preprocess_data(self, *values: Any, **named: Any) -> list[Any]:
        """Turn what a browser or a client sent into what a function takes."""
        try:
            return await super().preprocess_data(*values, **named)
        except gr.Error:
            raise
        except InvalidPathError as error:
            raise gr.Error(NO_UPLOAD, print_exception=False) from error
        except Exception as error:  # components raise what they like, for what is no value of theirs
            raise gr.Error(NOT_TAKEN, print_exception=False) from error

    @property
    def queued(self) -> Queue:
        """The queue of events."""
        return self._queue

    def forget_files(self) -> None:
        """Take files that are no more from gradio's lists of what it made."""
        for listed in (self.upload_file_set, *self.temp_file_sets):
            listed.difference_update([path for path in list(listed) if not os.path.lexists(path)])

    def forget_progress(self) -> None:
        """Forget how far the oldest uploads are, where nobody asked."""
        for listed in (file_upload_statuses._statuses, file_upload_statuses._signals):
            for upload in list(listed)[: max(0, len(listed) - MAX_PROGRESS)]:
                del listed[upload]


def over(event: str, sentence: str) -> ProcessCompletedMessage:
    """Make the message that an event, by its number, is over with a sentence."""
    return ProcessCompletedMessage(output={"error": sentence}, success=False, event_id=event)


def _failure(sentence: str, status: int) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def answer(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": sentence, "detail": sentence}, status)

    return answer


async def _http_failure(request: Request, error: HTTPException) -> Response:
    """Answer as gradio means to, but where the framework says that it cannot read the body."""
    if error.status_code == 400 and error.detail == UNREADABLE_BODY:
        return await _failure(NO_BODY, 400)(request, error)
    return await http_exception_handler(request, error)


async def _os_failure(request: Request, error: Exception) -> JSONResponse:
    """Answer where the system refused something outside of an event: an upload or a picture on a full disk."""
    if is_full(error):
        return await _failure(DISK_FULL, 507)(request, error)
    traceback.print_exception(error)
    return await _failure(WENT_WRONG, 500)(request, error)


# What is raised before an event is looked at.
FAILURES = {
    FnIndexInferError: _failure(NO_ENDPOINT, 404),
    KeyError: _failure(NO_ENDPOINT, 404),  # an endpoint, an event or a component of that name or number
    TypeError: _failure(NO_SUCH_ARGUMENTS, 422),
    HTTPException: _http_failure,
    RequestValidationError: _failure(NO_BODY, 422),
    OSError: _os_failure,
    Exception: _failure(WENT_WRONG, 500),
}
