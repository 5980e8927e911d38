"""Recomputed batch-norm statistics against means and variances by hand."""

import copy

import torch
from torch import nn

from suite.training import has_batch_norm, recompute_batch_norm


def images(count: int = 14) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 2, 4, 4, generator=generator, dtype=torch.float64)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5),
        nn.Flatten(), nn.Linear(12, 4), nn.BatchNorm1d(4, momentum=None),
    )  # fmt: skip
    return layers.double()


def test_one_batch_gives_every_layer_the_sets_own_statistics() -> None:
    model, x = net(), images()
    recompute_batch_norm(model, x)
    seen = model[0](x)
    torch.testing.assert_close(model[1].running_mean, seen.mean((0, 2, 3)))
    torch.testing.assert_close(model[1].running_var, seen.var((0, 2, 3)))  # unbiased, as torch keeps it
    deeper = model[5](model[2]((seen - seen.mean((0, 2, 3))[:, None, None]) / (
        seen.var((0, 2, 3), correction=0)[:, None, None] + 1e-5).sqrt()).flatten(1))  # fmt: skip
    torch.testing.assert_close(model[6].running_mean, deeper.mean(0))  # dropout was off
    torch.testing.assert_close(model[6].running_var, deeper.var(0))


def test_batches_are_averaged_by_their_sizes() -> None:
    model, x = net(), images(14)
    recompute_batch_norm(model, x, batch_size=4)  # 4, 4, 3, 3
    seen = model[0](x)
    torch.testing.assert_close(model[1].running_mean, seen.mean((0, 2, 3)))
    parts = [(len(part), part.var((0, 2, 3))) for part in seen.split([4, 4, 3, 3])]
    torch.testing.assert_close(model[1].running_var, sum(count * var for count, var in parts) / 14)


def test_what_was_there_before_does_not_count_and_all_else_stays() -> None:
    model, other = net(), net()
    other[1].running_mean.fill_(torch.nan)
    other.eval()[3].train()
    before = copy.deepcopy(list(other.parameters()))
    recompute_batch_norm(model, images())
    recompute_batch_norm(other, images())
    torch.testing.assert_close(other[1].running_mean, model[1].running_mean)
    assert [module.training for module in other] == [False, False, False, True, False, False, False]
    assert (other[1].momentum, other[6].momentum) == (0.1, None)
    assert all(torch.equal(*pair) and pair[1].grad is None for pair in zip(before, other.parameters(), strict=True))


def test_bytes_count_as_pixels() -> None:
    model, same = net().float(), net().float()
    data = torch.randint(256, (10, 2, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    recompute_batch_norm(model, data)
    recompute_batch_norm(same, data.float() / 255)
    assert torch.equal(model[1].running_var, same[1].running_var)


def test_a_model_without_batch_norm_is_not_even_run() -> None:
    class Silent(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise AssertionError

    recompute_batch_norm(Silent(), images())
    assert not has_batch_norm(nn.Sequential(nn.BatchNorm2d(2, track_running_stats=False)))
    assert has_batch_norm(net())
