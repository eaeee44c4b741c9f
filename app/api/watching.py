"""Jobs that an endpoint waits for, while whoever asked is told how far they are."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.collection.work import Reading, WaitingToRead, reading_work
from app.kit.jobs import WATCH_SECONDS, Job
from app.kit.progress import tell_progress
from app.training.run import Phase, Progress, Waiting

if TYPE_CHECKING:
    from app.collection.folder import Collection, Dropped
    from app.program import Program
    from app.service import RetrievalService


def read_pictures(program: Program, service: RetrievalService, collection: Collection, dropped: list[Dropped]) -> None:
    """Add files to a collection in the caller's turn.

    Raises:
        InputError: None of them can be read, or too many others are waiting.
    """
    job = program.reading_jobs.start(_caller(), reading_work(collection, dropped, service), WaitingToRead)
    for heard in job.watch(WATCH_SECONDS):
        for news in heard[-1:]:
            done, total = (news.done, news.total) if isinstance(news, Reading) else (0, 0)
            tell_progress(done, total or 1, str(news))
    job.result()


def train_model(program: Program, work: Callable[[Job], Any]) -> Any:
    """Train in the caller's turn; `work` is one of `app.training.run`, and returned is what it returns.

    Raises:
        InputError: There is nothing to train on, or too many others are waiting.
    """
    job, done, total = program.training_jobs.start(_caller(), work, Waiting), 0, 1
    for heard in job.watch(WATCH_SECONDS):
        for news in heard:
            if isinstance(news, Progress):
                total = news.epochs + 1  # measuring comes last
                words = f"Training for {news.epochs} epochs."
            elif isinstance(news, Waiting):
                words = str(news)
            elif isinstance(news, Phase):
                done, words = total, news.value
            else:
                done = news.report.epoch
                words = f"Epoch {done} of {total - 1}: validation mAP {news.report.map['average']:.3f}."
            tell_progress(done, total, words)
    return job.result()


def _caller() -> str:
    return f"caller {secrets.token_hex(8)}"
