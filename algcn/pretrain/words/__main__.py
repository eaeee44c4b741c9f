"""Write the words that an encoder was taught: `python -m algcn.pretrain.words --captions FILE … --out ENCODER`.

`algcn.pretrain` writes them with the encoder; this is for one that was made before there was a list, from the texts
that it was taught with. The page says of other words that it does not know them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from algcn.command_line import CommandParser, add_out, check_folder, file, tell, writing
from algcn.features.vocabulary import WORDS_FILE
from algcn.kit.account import Account
from algcn.kit.errors import run_command
from algcn.pretrain.language import WORDNET, wordnet_texts
from algcn.pretrain.words import captions_of, write_words


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.pretrain.words",
        "Write the list of words that an encoder was taught, so that the page can say which it does not know.",
        "--captions metadata.csv captions.txt --out weights/pocket/encoder",
    )
    parser.add_argument(
        "--captions", type=file, nargs="+", required=True, help="tables with a column text, or files with one in a line"
    )
    parser.add_argument("--wordnet", type=file, default=WORDNET, help="WordNet's data.noun")
    add_out(parser, "folder of the encoder")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    check_folder(arguments.out)
    texts = [*wordnet_texts(arguments.wordnet), *(text for path in arguments.captions for text in captions_of(path))]
    with writing(arguments.out):
        count = write_words(arguments.out, texts)
    print(f"{arguments.out / WORDS_FILE}: {count:,} words")
    account = Account()
    account.use("texts", len(texts))
    tell(account)


if __name__ == "__main__":
    sys.exit(run_command(main))
