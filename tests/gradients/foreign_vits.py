"""Vision transformers with the structure, and the names, of timm's and transformers': what their users bring.

Two blocks of two heads over the tokens of an image (B, 3, 8, 8), a class token, attention fused or by hand.
"""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH, HEADS, HIDDEN, CLASSES = 8, 2, 12, 5


def as_of(module: str) -> Any:
    """Decorator: a class that says it comes from a module, as recognition asks."""

    def rename(cls: Any) -> Any:
        cls.__module__ = module
        return cls

    return rename


class TimmAttention(nn.Module):
    """One Linear for queries, keys and values."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused_attn, self.scale = fused, (WIDTH // HEADS) ** -0.5
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.q_norm, self.k_norm = nn.Identity(), nn.Identity()
        self.attn_drop, self.proj_drop = nn.Dropout(0.0), nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        count, length, _ = x.shape
        qkv = self.qkv(x).reshape(count, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)
        if self.fused_attn:
            out = F.scaled_dot_product_attention(q, k, v, dropout_p=self.attn_drop.p if self.training else 0.0)
        else:
            q = q * self.scale
            attn = (q @ k.transpose(-2, -1)).softmax(dim=-1)
            out = self.attn_drop(attn) @ v
        return self.proj_drop(self.proj(out.transpose(1, 2).reshape(count, length, WIDTH)))


@as_of("timm.layers.mlp")
class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.act, self.drop1, self.norm = nn.Linear(WIDTH, HIDDEN), nn.GELU(), nn.Dropout(0.0), nn.Identity()
        self.fc2, self.drop2 = nn.Linear(HIDDEN, WIDTH), nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop2(self.fc2(self.norm(self.drop1(self.act(self.fc1(x))))))


@as_of("timm.models.vision_transformer")
class Block(nn.Module):
    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(WIDTH), TimmAttention(fused)
        self.ls1, self.drop_path1 = nn.Identity(), nn.Identity()
        self.norm2, self.mlp = nn.LayerNorm(WIDTH), Mlp()
        self.ls2, self.drop_path2 = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path1(self.ls1(self.attn(self.norm1(x))))
        return x + self.drop_path2(self.ls2(self.mlp(self.norm2(x))))


class TimmViT(nn.Module):
    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, WIDTH, 4, 4)
        self.cls_token, self.pos_embed = (nn.Parameter(torch.randn(1, count, WIDTH)) for count in (1, 5))
        self.blocks, self.norm = nn.Sequential(*(Block(fused) for _ in range(2))), nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.proj(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), tokens], 1) + self.pos_embed
        return self.head(self.norm(self.blocks(tokens))[:, 0])


class ViTSelfAttention(nn.Module):
    """A Linear each; eager attention's softmax has a type of its own."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], HEADS, WIDTH // HEADS).permute(0, 2, 1, 3)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor | None]:
        query, key, value = (self.heads(layer(hidden)) for layer in (self.query, self.key, self.value))
        scaling, probabilities = (WIDTH // HEADS) ** -0.5, None
        if self.fused:
            context = F.scaled_dot_product_attention(
                query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=scaling
            )
        else:
            scores = torch.matmul(query, key.transpose(-1, -2)) * scaling
            probabilities = F.softmax(scores, dim=-1, dtype=query.dtype).to(query.dtype)
            context = torch.matmul(F.dropout(probabilities, p=0.0, training=self.training), value)
        context = context.transpose(1, 2).contiguous()
        return context.reshape(*context.shape[:-2], WIDTH), probabilities


class ViTAttention(nn.Module):
    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.attention = ViTSelfAttention(fused)
        self.output = nn.ModuleDict({"dense": nn.Linear(WIDTH, WIDTH)})

    def forward(self, hidden: Tensor) -> Tensor:
        return self.output["dense"](self.attention(hidden)[0])


class ViTOutput(nn.Module):
    """The MLP's second half, which adds the shortcut itself."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.dropout = nn.Linear(HIDDEN, WIDTH), nn.Dropout(0.0)

    def forward(self, hidden: Tensor, shortcut: Tensor) -> Tensor:
        return self.dropout(self.dense(hidden)) + shortcut


@as_of("transformers.models.vit.modeling_vit")
class ViTLayer(nn.Module):
    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.attention, self.intermediate, self.output = ViTAttention(fused), nn.Linear(WIDTH, HIDDEN), ViTOutput()
        self.layernorm_before, self.layernorm_after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = self.attention(self.layernorm_before(hidden)) + hidden
        return self.output(F.gelu(self.intermediate(self.layernorm_after(hidden))), hidden)


class TransformersViT(nn.Module):
    """Its encoder gives an object, as transformers' do; the logits come out as a tensor, as a wrapper makes them."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.projection = nn.Conv2d(3, WIDTH, 4, 4)
        self.cls_token, self.position = (nn.Parameter(torch.randn(1, count, WIDTH)) for count in (1, 5))
        self.layer, self.layernorm = nn.ModuleList(ViTLayer(fused) for _ in range(2)), nn.LayerNorm(WIDTH)
        self.classifier = nn.Linear(WIDTH, CLASSES)

    def encode(self, hidden: Tensor) -> SimpleNamespace:
        for layer in self.layer:
            hidden = layer(hidden)
        return SimpleNamespace(last_hidden_state=hidden)

    def forward(self, pixel_values: Tensor) -> Tensor:
        tokens = self.projection(pixel_values).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], 1) + self.position
        return self.classifier(self.layernorm(self.encode(tokens).last_hidden_state)[:, 0])


@torch.no_grad()
def pair(fused: bool) -> tuple[TimmViT, TransformersViT]:
    """The same function in both structures, in float64."""
    torch.manual_seed(0)
    timm, transformers = TimmViT(fused).double().eval(), TransformersViT(fused).double().eval()
    copies: list[tuple[nn.Module, nn.Module]] = [
        (timm.proj, transformers.projection),
        (timm.norm, transformers.layernorm),
        (timm.head, transformers.classifier),
    ]
    for block, layer in zip(timm.blocks, transformers.layer, strict=True):
        copies += [
            (block.norm1, layer.layernorm_before),
            (block.norm2, layer.layernorm_after),
            (block.attn.proj, layer.attention.output["dense"]),
            (block.mlp.fc1, layer.intermediate),
            (block.mlp.fc2, layer.output.dense),
        ]
        inner = layer.attention.attention
        for place, linear in enumerate((inner.query, inner.key, inner.value)):
            rows = slice(place * WIDTH, (place + 1) * WIDTH)
            linear.weight.copy_(block.attn.qkv.weight[rows])
            linear.bias.copy_(block.attn.qkv.bias[rows])
    for one, other in copies:
        other.load_state_dict(one.state_dict())
    transformers.cls_token.copy_(timm.cls_token)
    transformers.position.copy_(timm.pos_embed)
    return timm, transformers
