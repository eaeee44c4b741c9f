"""Bundles and galleries on the Hugging Face Hub: find, pull and push them.

A bundle is a model repository, a gallery a dataset repository; both hold the same files as the folder. Only the files
named here ever travel, in either direction, and no pickle is among them.

    python -m algcn.hub pull OWNER/NAME[@COMMIT] [--kind gallery] [--out FOLDER]
    python -m algcn.hub push FOLDER OWNER/NAME [--kind gallery] [--private]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from algcn.bundles.hub import BUNDLE
from algcn.gallery.hub import GALLERY
from algcn.kit.errors import run_command
from algcn.kit.hub import pull, push

KINDS = {kind.name: kind for kind in (BUNDLE, GALLERY)}


def main(argv: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m algcn.hub", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    pulling = commands.add_parser("pull", help="download a bundle or a gallery")
    pulling.add_argument("reference", help="OWNER/NAME or OWNER/NAME@COMMIT")
    pulling.add_argument("--out", type=Path, help="copy it to this new folder (else it stays in the cache)")
    pushing = commands.add_parser("push", help="upload a bundle or a gallery")
    pushing.add_argument("folder", type=Path)
    pushing.add_argument("repository", help="OWNER/NAME")
    pushing.add_argument("--private", action="store_true", help="create the repository as a private one")
    pushing.add_argument("--message", help="what to write into the repository's history")
    for command in (pulling, pushing):
        command.add_argument("--kind", choices=KINDS, default=BUNDLE.name)
    arguments = parser.parse_args(argv)
    kind = KINDS[arguments.kind]
    if arguments.command == "pull":
        snapshot = pull(arguments.reference, kind, out=arguments.out)
        if snapshot.notice:
            print(snapshot.notice, file=sys.stderr)
        print(snapshot.path)
    else:
        print(push(arguments.folder, arguments.repository, kind, private=arguments.private, message=arguments.message))


if __name__ == "__main__":
    sys.exit(run_command(main))
