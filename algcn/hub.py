"""Bundles and galleries on the Hugging Face Hub: find, pull and push them.

A bundle is a model repository, a gallery a dataset repository; both hold the same files as the folder. Only the files
that belong to it ever travel, in either direction (of a gallery the tables, every picture that they name, the features,
the layout and the README), and no pickle is among them. A push ends with an account of what travelled and what stayed.

    python -m algcn.hub pull OWNER/NAME[@COMMIT] [--kind gallery] [--out FOLDER]
    python -m algcn.hub push FOLDER OWNER/NAME [--kind gallery] [--private]
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager

from algcn.bundles.hub import BUNDLE
from algcn.command_line import CommandParser, add_json, add_out, add_quiet, answering, check_folder, path, tell
from algcn.gallery.hub import GALLERY
from algcn.kit.errors import run_command
from algcn.kit.hub import left_behind, pull, push, pushed

KINDS = {kind.name: kind for kind in (BUNDLE, GALLERY)}


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser("python -m algcn.hub", __doc__.splitlines()[0], "pull OWNER/NAME --out weights/name")
    commands = parser.add_subparsers(dest="command", required=True)
    pulling = parser.add_command(
        commands, "pull", "Download a bundle or a gallery.", "OWNER/NAME@COMMIT --kind gallery --out PHOTOS"
    )
    pulling.add_argument("reference", help="OWNER/NAME or OWNER/NAME@COMMIT")
    add_out(pulling, "copy it to this new folder (else it stays in the cache)", required=False)
    pushing = parser.add_command(commands, "push", "Upload a bundle or a gallery.", "weights/mine OWNER/NAME --private")
    pushing.add_argument("folder", type=path, help="the folder to upload")
    pushing.add_argument("repository", help="OWNER/NAME")
    pushing.add_argument("--private", action="store_true", help="create the repository as a private one")
    pushing.add_argument("--message", help="what to write into the repository's history")
    for command in (pulling, pushing):
        command.add_argument("--kind", choices=KINDS, default=BUNDLE.name, help="what it is")
        add_json(command)
        add_quiet(command)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    kind = KINDS[arguments.kind]
    with answering(arguments.json) as answer, _bars(shown=not arguments.quiet):
        if arguments.command == "pull":
            if arguments.out is not None:
                check_folder(arguments.out)
            snapshot = pull(arguments.reference, kind, out=arguments.out)
            if snapshot.notice:
                print(snapshot.notice, file=sys.stderr)
            print(snapshot.path)
            answer({"path": str(snapshot.path), "repository": snapshot.repository, "commit": snapshot.commit})
        else:
            reference = push(
                arguments.folder, arguments.repository, kind, private=arguments.private, message=arguments.message
            )
            account = pushed(arguments.folder, kind)
            print(reference)
            tell(account)
            repository, _, commit = reference.partition("@")
            answer(
                {
                    "path": str(arguments.folder),
                    "repository": repository,
                    "commit": commit,
                    "left": left_behind(arguments.folder, kind),
                    "account": account.to_json(),
                }
            )


def _bars(*, shown: bool) -> AbstractContextManager[object]:
    """The progress bars of huggingface_hub, which count bytes and show nothing where there is no terminal."""
    if shown:
        return contextlib.nullcontext()
    from huggingface_hub.utils import disable_progress_bars

    return disable_progress_bars()


if __name__ == "__main__":
    sys.exit(run_command(main))
