"""Does a chain on a real GPT-2 fit into memory, and if not, which settings would give the same models from less?

    forecasts(chain)                # stage -> `forecast.Forecast`, from the true lengths of its texts
    leaner(chain, 16e9)             # {"ppo.accumulation": 4, "recompute": True}, or None if nothing fits
    check(chain, stages)            # TooLittleMemory, with those settings as the advice

Only settings that change memory and time are proposed: batches in parts, layers computed again, models cut over the
processes there are. What is learned stays the same, rounding aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

from ..config import RealChainConfig, RealStages
from ..hardware import forecast, processes
from ..hardware.forecast import (
    ROOM,
    BatchShape,
    ComputeSettings,
    Forecast,
    Shape,
    TooLittleMemory,
    amount,
    free_memory,
)
from ..models.checkpoints import read_config
from ..models.tokens import encode, encode_prompts
from ..train.batches import ExchangeSet
from ..train.reward import RankingSet
from .real_reward import SIZES

if TYPE_CHECKING:
    from .real import RealChain

TRAINED = ("sft", "reward", "judge", "ppo")


class Lengths(NamedTuple):
    """Tokens of all that is trained on, the longest first."""

    demonstrations: list[tuple[int, int]]  # of each, and those with a loss
    rankings: dict[str, list[tuple[int, int]]]  # by side: of each, and its number of answers
    prompts: list[int]


def forecasts(
    chain: RealChain,
    config: RealChainConfig | None = None,
    stages: RealStages | None = None,
    card: bool = False,
) -> dict[str, Forecast]:
    """What each trained stage will take, with these settings or its own; here, or on a GPU (half precision, fused attention)."""
    config, stages = config or chain.config, stages or chain.stages
    shape, lengths, count, found = chain.shape, chain.lengths, processes.world_size(), {}
    settings = ComputeSettings.here(chain.device, config.recompute, config.sharded)
    if card:
        settings = settings._replace(half=True, fused=True)
    rows = _share(stages.sft.batch_size, count * config.accumulation)
    mixed = stages.sft.batch_size * stages.sft.pretrain_mix / (1 - stages.sft.pretrain_mix)
    text_lengths = [config.limit_tokens] * _share(int(mixed) + 1, count)
    text = BatchShape.of(text_lengths, text_lengths) if mixed else None
    found["sft"] = forecast.sft(
        shape, _load(lengths.demonstrations[:rows]), settings, config.accumulation, text
    )
    rows = _share(stages.reward.prompts_per_step, count * config.accumulation)
    for stage, side in (("reward", "policy"), ("judge", "judge")):
        if stage == "reward" or not config.judge:
            load = _load(lengths.rankings[side][:rows])
            found[stage] = replace(forecast.reward(shape, load, settings, config.accumulation), stage=stage)
    found["ppo"] = forecast.ppo(shape, stages.ppo, lengths.prompts, settings, config.limit_tokens)
    return found


def check(chain: RealChain, stages: Iterable[str]) -> None:
    """Refuse to begin what will not fit."""
    if (free := least_free(chain)) is None:
        return
    too_large = {name: f for name, f in forecasts(chain).items() if name in stages and f.total > ROOM * free}
    if not too_large:
        return
    largest = max(too_large.values(), key=lambda f: f.total)
    changes = leaner(chain, free)
    advice = (
        f"with --set {as_words(changes)} it fits, and learns the same"
        if changes
        else "take a smaller model, a lower limit_tokens, fewer answers at a time (ppo.minibatches), or more GPUs"
    )
    raise TooLittleMemory(f"{largest}, but {amount(free)} are free on {chain.device}; {advice}")


def least_free(chain: RealChain) -> int | None:
    """Free memory where there is least, among the processes; None where nobody says."""
    found = processes.all_gather_objects(free_memory(chain.device))
    return None if None in found else min(found)


def leaner(chain: RealChain, free: float, card: bool = False) -> dict[str, int | bool] | None:
    """The first settings with which every stage fits into so many bytes; none are needed: an empty dict; none fit: None.

    Parts cost little time, layers that are computed again a third; cutting models over processes costs what the wires cost.
    """
    config, stages = chain.config, chain.stages
    for recompute, sharded in _flags(config):
        changed = config.replace(recompute=recompute, sharded=sharded)
        accumulation = _least(
            chain,
            changed,
            stages,
            "accumulation",
            max(stages.sft.batch_size, stages.reward.prompts_per_step),
            free,
            card,
        )
        rows = min(
            stages.ppo.minibatch_size,
            stages.ppo.ptx_rows if stages.ppo.ptx_gamma else stages.ppo.minibatch_size,
        )
        parts = _least(chain, changed, stages, "ppo.accumulation", rows // processes.world_size(), free, card)
        if accumulation and parts:
            wanted = {
                "accumulation": accumulation,
                "recompute": recompute,
                "sharded": sharded,
                "ppo.accumulation": parts,
            }
            have = {**config.to_dict(), "ppo.accumulation": stages.ppo.accumulation}
            return {name: value for name, value in wanted.items() if value != have[name]}
    return None


def as_words(changes: dict) -> str:
    """Settings as `--set` takes them."""
    return " ".join(f"{name}={str(value).lower()}" for name, value in changes.items())


def _flags(config: RealChainConfig) -> Iterator[tuple[bool, bool]]:
    for sharded in sorted({config.sharded, processes.world_size() > 1}):
        for recompute in sorted({config.recompute, True}):
            yield recompute, sharded


def _least(
    chain: RealChain,
    config: RealChainConfig,
    stages: RealStages,
    name: str,
    most: int,
    free: float,
    card: bool,
) -> int | None:
    """The fewest parts, of batches (accumulation) or of minibatches (ppo.accumulation), with which all it concerns fits."""
    now = config.accumulation if name == "accumulation" else stages.ppo.accumulation
    for parts in [now, *(2**k for k in range(1, 12) if now < 2**k <= most)]:
        if name == "accumulation":
            found = forecasts(chain, config.replace(accumulation=parts), stages, card)
            found.pop("ppo")
        else:
            ppo = stages.ppo.replace(accumulation=parts)
            found = {"ppo": forecasts(chain, config, RealStages(stages.sft, stages.reward, ppo), card)["ppo"]}
        if all(f.total <= ROOM * free for f in found.values()):
            return parts
    return None


def _share(rows: int, parts: int) -> int:
    return -(-rows // parts)


def _load(longest: list[tuple[int, int]]) -> BatchShape:
    return BatchShape.of(*zip(*longest, strict=True))


def shape(chain: RealChain) -> Shape:
    """The model's, without its weights."""
    if not chain.config.model:
        size = SIZES[chain.config.size]
        return Shape(size.width, size.layers, size.heads, len(chain.tokenizer), size.n_positions)
    found = Shape.of(read_config(chain.config.model))
    return found._replace(vocabulary=max(found.vocabulary, len(chain.tokenizer)))


def lengths(chain: RealChain) -> Lengths:
    """Of the texts that a chain trains on."""
    tokenizer, positions = chain.tokenizer, chain.shape.positions
    examples = ExchangeSet(tokenizer, chain.demonstrations, positions)
    demonstrations = [(n, examples.answer_tokens([i])) for i, n in enumerate(examples.lengths)]
    question = encode(tokenizer, chain.stages.reward.question)
    reader = SimpleNamespace(config=SimpleNamespace(n_positions=positions, question_ids=question))
    rankings = {}
    for side in ("policy", "judge"):
        data = RankingSet(tokenizer, chain.sides[side], reader)
        rankings[side] = sorted(
            ((n, len(row.last)) for n, row in zip(data.lengths, data.rows, strict=True)), reverse=True
        )
    mask = encode_prompts(tokenizer, chain.prompts, positions - 1).mask
    return Lengths(
        sorted(demonstrations, reverse=True), rankings, sorted(mask.sum(dim=1).tolist(), reverse=True)
    )
