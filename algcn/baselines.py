"""Compare ALGCN with baselines: `python -m algcn.baselines FEATURES --seeds 103 104 105 --out BUNDLE`.

What is compared, and how, is said in `algcn.training.comparison`. With `--out` the comparison becomes the part
"baselines" of that bundle's metrics.json.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import update_bundle
from algcn.command_line import (
    CommandParser,
    add_data,
    add_device,
    add_json,
    add_out,
    add_prior_labels,
    add_quiet,
    answering,
    at_least,
    open_device,
    read_features_only,
    tell,
    writing,
)
from algcn.evaluation.results import PRIMARY
from algcn.evaluation.retrieval import RELEVANCE
from algcn.kit.errors import run_command
from algcn.method.config import PRESETS, ModelConfig
from algcn.training.comparison import compare, table
from algcn.training.given import learnable, rows_used
from algcn.training.presets import paper_config
from algcn.training.prior_labels import read_prior_labels
from algcn.training.verdict import probe_warning


def build_parser() -> CommandParser:
    """The arguments of the command."""
    parser = CommandParser(
        "python -m algcn.baselines",
        "Compare ALGCN with chance, a linear probe and itself without the graph.",
        "features.safetensors --seeds 103 104 105 --out weights/mine",
    )
    add_data(parser)
    add_out(
        parser,
        "put the comparison into the metrics.json of this bundle's folder",
        required=False,
        instead_of="--bundle",
    )
    parser.add_argument("--preset", help=f"settings to start from: {', '.join(PRESETS)} (default: what suits the data)")
    parser.add_argument(
        "--seeds", type=at_least(0), nargs="+", default=[103, 104, 105], help="a training of both models for each"
    )
    parser.add_argument("--epochs", type=int, help="passes over the train split (default: the preset's)")
    parser.add_argument("--batch-size", type=int, help="items in a step (default: the preset's)")
    parser.add_argument("--common-dim", type=int, help=f"width of the common space (default: {ModelConfig.common_dim})")
    add_prior_labels(parser)
    parser.add_argument(
        "--relevance-labels",
        choices=RELEVANCE,
        default="annotated",
        help="labels that decide relevance: those annotated by people, or all",
    )
    parser.add_argument("--without", default="person", help="label left out in a second measurement")
    add_device(parser)
    add_json(parser)
    add_quiet(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    arguments = build_parser().parse_args(argv)
    device = open_device(arguments.device)
    with answering(arguments.json) as answer:
        bundle = Bundle.load(arguments.out) if arguments.out else None
        features = read_features_only(arguments.data)
        given = {
            name: getattr(arguments, name) for name in ("epochs", "batch_size") if getattr(arguments, name) is not None
        }
        if arguments.prior_labels is None:
            features, left_out = learnable(features)
            if left_out:
                print(left_out, file=sys.stderr)
        report = compare(
            features,
            paper_config(features, arguments.preset, **given),
            arguments.seeds,
            which=arguments.relevance_labels,
            without=arguments.without,
            device=device,
            prior_labels=read_prior_labels(arguments.prior_labels, features.label_set),
            sizes={} if arguments.common_dim is None else {"common_dim": arguments.common_dim},
            progress=not arguments.quiet,
        )
        account = rows_used(features)
        print(table(report))
        tell(account)
        methods = report.first.methods
        warning = probe_warning(methods["algcn"].of(PRIMARY).mean, methods["linear_probe"].of(PRIMARY).mean)
        if warning:
            print(warning, file=sys.stderr)
        if bundle is not None:
            # Read again: a training that ended in the meantime must not be undone.
            metrics = {**(Bundle.load(bundle.path).metrics or {}), "baselines": report.to_json()}
            with writing(bundle.path):
                update_bundle(bundle.path, metrics=metrics)
        answer({**report.to_json(), "account": account.to_json()})


if __name__ == "__main__":
    sys.exit(run_command(main))
