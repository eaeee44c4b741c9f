"""What is no plain tensor is said in the rest of a sentence."""

from __future__ import annotations

import pytest
import torch

from algcn.kit.tensors import not_finite, not_plain

EYE = torch.eye(3)


@pytest.mark.parametrize(
    "tensor", [EYE, EYE.half(), EYE.long(), EYE.bool(), EYE.to(torch.float8_e4m3fn), EYE[:0], torch.tensor(1.0)]
)
def test_plain_tensors(tensor: torch.Tensor) -> None:
    assert not_plain(tensor) is None
    assert not_finite(tensor) is None


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: EYE.to_sparse(), "is sparse or nested"),
        (lambda: EYE.to_sparse_csr(), "is sparse or nested"),
        (lambda: torch.nested.nested_tensor([EYE[0], EYE[1, :2]]), "is sparse or nested"),
        (lambda: torch.quantize_per_tensor(EYE, 0.1, 0, torch.quint8), "is quantised"),
        (lambda: EYE.to(torch.complex64), "holds complex numbers"),
        (lambda: EYE.to("meta"), "has a shape but no numbers"),
        (lambda: torch.empty(2, 2, dtype=torch.float4_e2m1fn_x2), "float4_e2m1fn_x2, which is not read"),
    ],
)
def test_others(make, said: str) -> None:
    assert said in not_plain(make())
    assert not_finite(make()) == not_plain(make())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_numbers_that_single_precision_does_not_hold(value: float) -> None:
    tensor = torch.tensor([[1.0, value]], dtype=torch.float64)
    assert not_plain(tensor) is None
    assert not_finite(tensor) == "holds a NaN, an infinity or a number that is too large"
