"""The endpoints as tools of the Model Context Protocol, for language models.

gradio mounts its own server of tools, of which this is one: routes, transports and the page for browsers are gradio's.
What is said and answered is this module's, since gradio's own cuts an argument's description at the end of a line,
gives an answer as Python prints it, has no output schemas, no instructions and no hint that nothing is changed, leaves
out defaults like 0 and false, and tells language models of tools and clients of its own.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import inspect
import json
import traceback
import typing
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import gradio as gr
from anyio.to_thread import run_sync
from gradio import FileData
from gradio.mcp import GradioMCPServer
from gradio.route_utils import get_root_url
from gradio.state_holder import SessionState
from mcp import types
from mcp.server import Server
from mcp.shared.context import RequestContext
from pydantic import TypeAdapter

import algcn
from algcn.kit import checks
from algcn.kit.errors import InputError
from app.api.answers import Found, Picture, schema_of
from app.api.explained import Explained
from app.api.received import FORMS, received_file
from app.api.register import explanations
from app.api.table import BY_NAME, QUICK, Endpoint
from app.kit.pictures import media_type, picture_file
from app.kit.progress import told_to
from app.kit.root import asked_at
from app.kit.words import WENT_WRONG

if TYPE_CHECKING:
    from app.program import Program

AT_ONCE, WAITING = 2, 20  # calls of one tool that is not quick
MOST_SHOWN = 8
SHOW = "show"
SHOW_ARGUMENT = (
    f"How many of the pictures found to send along as images, the best first, 0 to {MOST_SHOWN}; they are at most 640 "
    "pixels wide."
)
FULL = "Too many programs are asking for this at the moment: try again in a minute."
INSTRUCTIONS = """\
This server searches a gallery of pictures and captions with ALGCN, a model that places both in one space and knows a \
set of labels and how they relate. Nothing that you call changes anything.

- Find pictures: search_by_text for words, search_by_item for more like a picture of the gallery (by its `file`), \
search_by_image for a picture of the user's. Hits are short; `limit` gives more of them, `details` the numbers behind \
their order, `show` the pictures themselves.
- A hit's `picture` is an address that anybody can open; gallery_picture(file) shows you the picture and its captions.
- `probability` is a calibrated chance, `probability_of` says of what; below one half, say that nothing matches well. \
`did_you_mean` is the query with misspelt words put right. `labels` that a gallery gives and that a model \
predicts are told apart by gallery_picture.
- Labels: predict_labels for a picture, suggest_labels where some labels are known, label_neighbours and \
describe_graph for how labels relate, edit_edge for what would change if an edge were another.
- benchmark says how good the model is, label_mistakes what it gets wrong about a label in \
this gallery; list_models names other models, and every tool takes one as `model`.

Files are texts: data:image/jpeg;base64,… or an address that a search gave. Every error is a sentence that says \
what to change.
"""


class ToolServer(GradioMCPServer):
    """The tools of a page, in place of gradio's.

    Args:
        page: The page with the endpoints.
        program: What answers.
    """

    def __init__(self, page: gr.Blocks, program: Program) -> None:
        self._program = program
        self._told = explanations(program)
        self._inside: dict[str, int] = {}
        self._places: dict[str, asyncio.Semaphore] = {}
        super().__init__(page)

    def create_mcp_server(self) -> Server:
        """Make the server that lists and calls the tools."""
        server = Server("ALGCN Explorer", version=algcn.__version__, instructions=INSTRUCTIONS)

        @server.list_tools()
        async def list_tools() -> list[types.Tool]:
            return [self._tool(name) for name in self._offered()]

        # The sentences of the program's own checks say more than those of a schema's.
        @server.call_tool(validate_input=False)
        async def call_tool(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
            try:
                return await self._call(name, arguments)
            except InputError as error:
                sentence = str(error)
            except gr.Error as error:
                sentence = error.message
            except Exception:
                traceback.print_exc()
                sentence = WENT_WRONG
            return types.CallToolResult(content=[types.TextContent(type="text", text=sentence)], isError=True)

        return server

    def get_input_schema(
        self, tool_name: str, parameters: dict[str, str] | None = None
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        """Return the JSON schema of a tool's arguments; the places of files are of gradio's own conversion, so none."""
        endpoint = self._endpoint(tool_name)
        told = self._explained(endpoint)
        function = self._function(endpoint)
        hints = typing.get_type_hints(function)
        properties, required = {}, []
        for name, parameter in inspect.signature(function).parameters.items():
            properties[name] = {**_type_schema(hints[name]), "description": _described(told, name, hints[name])}
            if parameter.default is inspect.Parameter.empty:
                required.append(name)
            else:
                properties[name]["default"] = parameter.default
        if SHOW in told.arguments:
            bounds = {"minimum": 0, "maximum": MOST_SHOWN, "default": 0}
            properties[SHOW] = {"type": "integer", "description": SHOW_ARGUMENT, **bounds}
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }, []

    def get_fn_description(self, block_fn: Any, tool_name: str) -> tuple[str, dict[str, str]]:
        """Return what a tool does and gives, and what its arguments mean."""
        told = self._explained(self._endpoint(tool_name))
        return f"{told.text}\n\nReturns: {told.returns}", told.arguments

    def _tool(self, name: str) -> types.Tool:
        endpoint = self._endpoint(name)
        title = endpoint.name.replace("_", " ").capitalize()
        return types.Tool(
            name=name,
            title=title,
            description=self.get_fn_description(None, name)[0],
            inputSchema=self.get_input_schema(name)[0],
            outputSchema=schema_of(endpoint.answer),
            annotations=types.ToolAnnotations(
                title=title, readOnlyHint=True, destructiveHint=False, idempotentHint=True, openWorldHint=False
            ),
        )

    def _offered(self) -> list[str]:
        """The names of all tools, or of those that the address of the server names (?tools=search_by_text)."""
        chosen = self.get_selected_tools_from_request()
        return [name for name in self.tool_to_endpoint if chosen is None or name in chosen]

    async def _call(self, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        if name not in self._offered():
            raise InputError(f"There is no tool called {name!r:.60} here; there are {', '.join(self._offered())}.")
        endpoint = self._endpoint(name)
        context = self.mcp_server.request_context
        request = context.request
        root = get_root_url(request=request, route_path=self.get_route_path(request), root_path=self.root_path)
        with asked_at(root):
            show = checks.whole_number(self._show(endpoint, arguments), SHOW, 0, MOST_SHOWN)
            values = await run_sync(self._values, endpoint, arguments)
            async with self._place(endpoint), _progress_of(context):
                output = await self.blocks.process_api(
                    block_fn=self.get_block_fn_from_endpoint_name(endpoint.name),
                    inputs=values,
                    state=SessionState(self.blocks),
                    request=request,
                    root_path=root,
                )
            (answer,) = output["data"]
            pictures = await run_sync(self._pictures, endpoint, answer, show)
        text = types.TextContent(type="text", text=json.dumps(answer, ensure_ascii=False))
        return types.CallToolResult(content=[text, *pictures], structuredContent=answer)

    def _endpoint(self, tool: str) -> Endpoint:
        return BY_NAME[self.tool_to_endpoint[tool].removeprefix("/")]

    def _function(self, endpoint: Endpoint) -> Callable[..., Any]:
        return self.get_block_fn_from_endpoint_name(endpoint.name).fn

    def _explained(self, endpoint: Endpoint) -> Explained:
        told = self._told[endpoint.name]
        return told.with_argument(SHOW, SHOW_ARGUMENT) if endpoint.answer is Found else told

    def _show(self, endpoint: Endpoint, arguments: dict[str, Any]) -> object:
        shown = arguments.get(SHOW) if endpoint.answer is Found else None
        return 0 if shown is None else shown

    def _values(self, endpoint: Endpoint, arguments: dict[str, Any]) -> list[Any]:
        """Put the arguments in the order of the function; null stands for what has a default."""
        parameters = inspect.signature(self._function(endpoint)).parameters
        hints = typing.get_type_hints(self._function(endpoint))
        known = self._explained(endpoint).arguments
        for name in arguments:
            if name not in known:
                takes = f"its arguments are {', '.join(known)}" if known else "it takes none"
                raise InputError(f"The tool {endpoint.name} has no argument {name!r:.60}; {takes}.")
        values = []
        for name, parameter in parameters.items():
            value = arguments.get(name)
            if value is None and parameter.default is not inspect.Parameter.empty:
                value = parameter.default
            elif name not in arguments:
                raise InputError(
                    f"The tool {endpoint.name} needs the argument {name!r}; its description says what for."
                )
            elif hints[name] is FileData:
                value = received_file(value, self._program)
            elif hints[name] == list[FileData]:
                listed = value if isinstance(value, list) else [value]
                value = [received_file(one, self._program) for one in listed]
            values.append(value)
        return values

    @contextlib.asynccontextmanager
    async def _place(self, endpoint: Endpoint) -> AsyncIterator[None]:
        """Have one of a few places; quick answers have a room of their own, and do not wait here."""
        name = endpoint.name
        if name in QUICK:
            yield
            return
        if self._inside.get(name, 0) >= AT_ONCE + WAITING:
            raise InputError(FULL)
        self._inside[name] = self._inside.get(name, 0) + 1
        try:
            async with self._places.setdefault(name, asyncio.Semaphore(AT_ONCE)):
                yield
        finally:
            self._inside[name] -= 1

    def _pictures(self, endpoint: Endpoint, answer: dict[str, Any], show: int) -> list[types.ContentBlock]:
        """Return the pictures of an answer as blocks; one that cannot be read is a sentence."""
        if endpoint.answer is Picture:
            return [self._block(answer["file"], "large")]
        return [self._block(hit["file"], "card") for hit in answer["images"][:show]] if show else []

    def _block(self, file: str, size: str) -> types.ContentBlock:
        service = self._program.loading.service()
        try:
            found = picture_file(service.picture_path(service.find_item(file)), size, self._program.cache_folder)
        except InputError as error:
            return types.TextContent(type="text", text=str(error))
        content = found if isinstance(found, bytes) else found.read_bytes()
        return types.ImageContent(type="image", data=base64.b64encode(content).decode(), mimeType=media_type(found))


@contextlib.asynccontextmanager
async def _progress_of(context: RequestContext) -> AsyncIterator[None]:
    """Send what is told of the progress of an answer to a client that wants to know, before the answer."""
    token = context.meta.progressToken if context.meta is not None else None
    if token is None:
        yield
        return
    loop, sent, furthest = asyncio.get_running_loop(), [], -1.0

    def tell(done: float, total: float, words: str) -> None:
        nonlocal furthest
        if done > furthest:  # the protocol has it grow each time
            furthest = done
            sending = context.session.send_progress_notification(token, done, total, words, str(context.request_id))
            sent.append(asyncio.run_coroutine_threadsafe(sending, loop))

    with told_to(tell):
        yield
    await asyncio.gather(*map(asyncio.wrap_future, sent))


def _type_schema(hint: Any) -> dict[str, Any]:
    if hint is FileData:
        return {"type": "string"}
    if hint == list[FileData]:
        return {"type": "array", "items": {"type": "string"}}
    return TypeAdapter(hint).json_schema()


def _described(told: Explained, name: str, hint: Any) -> str:
    if hint is FileData:
        return f"{told.arguments[name]} Give it as {FORMS}."
    if hint == list[FileData]:
        return f"{told.arguments[name]} Give each as {FORMS}; ;name=metadata.csv before ;base64 names a table."
    return told.arguments[name]
