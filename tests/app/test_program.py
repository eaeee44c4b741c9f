"""What a running program shares among its visitors, and that two programs in one process share nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from algcn.kit.errors import InputError
from app.program import Program
from app.service import RetrievalService, load_service
from app.visitors.loading import Loading


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


def program_of(service: RetrievalService, folder: Path, *bundles: Path) -> Program:
    return Program(Loading(lambda report: service), folder / "uploads", folder / "cache", bundles)


def test_two_programs_share_nothing_but_what_they_are_given(service: RetrievalService, tmp_path: Path) -> None:
    one, other = program_of(service, tmp_path / "one"), program_of(service, tmp_path / "other")
    assert one.named_service() is other.named_service() is service
    job = one.reading_jobs.start("visitor", lambda job: 1, str)
    other.reading_jobs.check_idle("visitor")
    assert job.result() == 1
    (tmp_path / "file.zip").write_bytes(b"a file")
    token = one.addresses.offer(tmp_path / "file.zip").split("/")[1]
    assert one.addresses.file(token) == tmp_path / "file.zip"
    with pytest.raises(InputError, match="no such file"):
        other.addresses.file(token)
    assert one.files.new_folder().is_relative_to(tmp_path / "one")
    assert other.files.new_folder().is_relative_to(tmp_path / "other")


def test_the_named_model_answers_within_and_the_programs_own_outside(
    service: RetrievalService, pictures_bundle_dir: Path, tmp_path: Path
) -> None:
    program = program_of(service, tmp_path, pictures_bundle_dir)
    with program.named(""):
        assert program.named_service() is service
    with program.named(pictures_bundle_dir.name):
        assert program.named_service().name == pictures_bundle_dir.name
    assert program.named_service() is service
    with pytest.raises(InputError, match="There is no model called 'nothing'"), program.named("nothing"):
        pass
    assert program.named_service() is service
