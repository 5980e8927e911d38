"""The attention map that a fused function never shows, for rules about its gradient."""

import torch
from torch import Tensor

from suite.errors import SuiteError


def attention_map(
    rule: str,
    query: Tensor,
    key: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """The map that `F.scaled_dot_product_attention` weighs its values with, from that function's arguments.

    Raises SuiteError, in the name of the rule, for dropout and for groups of queries.
    """
    if dropout_p or enable_gqa:
        what = f"{rule}: the model's attention has dropout or groups of queries"
        raise SuiteError(what, "put the model in eval mode")
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    return scores.softmax(-1)
