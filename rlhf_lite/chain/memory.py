"""Does a chain of real rankings fit into memory, and if not, which settings would give the same models from
less?

    forecasts(chain)                # stage -> `forecast.Forecast`, from the true lengths of its texts
    leaner(chain, 16e9)             # {"ppo.accumulation": 4, "recompute": True}, or None if nothing fits
    check(chain, stages)            # TooLittleMemory, with those settings as the advice

Only settings that change memory and time are proposed: batches in parts, activations computed again, models
cut over the processes there are. What is learned stays the same, rounding aside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import torch

from ..config import SIZES
from ..hardware import forecast, processes
from ..hardware.forecast import ROOM, BatchShape, Forecast, Shape, amount
from ..models.checkpoints import read_config
from ..models.tokens import encode_prompts
from ..train.batches import ExchangeSet
from ..train.rankings import RankingSet
from .recipes import RealChainConfig


class Lengths(NamedTuple):
    """Tokens of all that is trained on, the longest first."""

    demonstrations: list[tuple[int, int]]  # of each, and those with a loss
    rankings: dict[str, list[tuple[int, int]]]  # by side: of each, and its number of answers
    prompts: list[int]


def lengths(chain) -> Lengths:
    """Of the texts that a `RealChain` trains on."""
    tokenizer, positions = chain.tokenizer, model_shape(chain).positions
    examples = ExchangeSet(tokenizer, chain.demonstrations, positions)
    demonstrations = [(n, examples.answer_tokens([i])) for i, n in enumerate(examples.lengths)]
    rankings = {}
    for side in ("policy", "judge"):
        data = RankingSet(tokenizer, chain.sides[side], positions)
        sizes = [(n, len(row.last)) for n, row in zip(data.lengths, data.rows, strict=True)]
        rankings[side] = sorted(sizes, reverse=True)
    prompts = encode_prompts(tokenizer, chain.ppo_prompts, positions - 1).mask.sum(dim=1).tolist()
    return Lengths(sorted(demonstrations, reverse=True), rankings, sorted(prompts, reverse=True))


def model_shape(chain) -> Shape:
    """The shape of a `RealChain`'s model, without its weights."""
    cfg, vocabulary = chain.config, len(chain.tokenizer)
    if not cfg.model:
        return Shape(**SIZES[cfg.size], vocabulary=vocabulary, positions=cfg.n_positions)
    found = Shape.of(read_config(cfg.model))
    return found._replace(vocabulary=max(found.vocabulary, vocabulary))


def forecasts(chain, config: RealChainConfig | None = None, on_gpu: bool = False) -> dict[str, Forecast]:
    """What each trained stage will take, with these settings or its own; here, or on a GPU."""
    cfg = config or chain.config
    shape, known, count = model_shape(chain), chain.lengths, processes.world_size()
    how = forecast.ComputeSettings.here(chain.device, cfg.recompute, cfg.sharded)
    if on_gpu:
        how = how._replace(half=True, fused=True)

    def largest(sizes: list[tuple[int, int]], batch: int) -> BatchShape:
        """The longest texts, as many as one process computes at once."""
        rows = -(-batch // (count * cfg.accumulation))
        return BatchShape.of([n for n, _ in sizes[:rows]], [reads for _, reads in sizes[:rows]])

    mixed, text = cfg.sft.batch_size * cfg.sft.pretrain_mix / (1 - cfg.sft.pretrain_mix), None
    if mixed:
        rows = [cfg.limit_tokens] * -(-(int(mixed) + 1) // count)
        text = BatchShape.of(rows, rows)
    load = largest(known.demonstrations, cfg.sft.batch_size)
    found = {"sft": forecast.sft(shape, load, how, cfg.accumulation, text)}
    for stage, side in (("reward", "policy"), ("judge", "judge")):
        if stage == "reward" or not cfg.judge:
            load = largest(known.rankings[side], cfg.reward.prompts_per_step)
            found[stage] = replace(forecast.reward(shape, load, how, cfg.accumulation), stage=stage)
    found["ppo"] = forecast.ppo(shape, cfg.ppo, known.prompts, how, cfg.limit_tokens)
    return found


def least_free(device: torch.device) -> int | None:
    """Free memory where there is least, among the processes; None where nobody says."""
    found = processes.all_gather_objects(forecast.free_memory(device))
    return None if None in found else min(found)


def check(chain, stages: Iterable[str]) -> None:
    """Refuse to begin what will not fit."""
    free = least_free(chain.device)
    if free is None:
        return
    found = forecasts(chain)
    too_large = [found[name] for name in stages if name in found and found[name].total > ROOM * free]
    if not too_large:
        return
    advice = (
        "take a smaller model, a lower limit_tokens, fewer answers at once (ppo.minibatches) or more GPUs"
    )
    if changes := leaner(chain, free):
        advice = f"with --set {as_words(changes)} it fits, and learns the same"
    most = max(too_large, key=lambda one: one.total)
    raise forecast.TooLittleMemory(f"{most}, but {amount(free)} are free on {chain.device}; {advice}")


def leaner(chain, free: float, on_gpu: bool = False) -> dict[str, int | bool] | None:
    """The first settings with which every stage fits into so many bytes; none needed: an empty dict; none
    fit: None.

    Accumulation costs little time, recomputing a third, cutting models over processes what the wires cost.
    """
    own = chain.config
    rows = max(own.sft.batch_size, own.reward.prompts_per_step)
    ppo_rows = min(own.ppo.minibatch_size, own.ppo.ptx_rows if own.ppo.ptx_gamma else own.ppo.minibatch_size)
    most = {"accumulation": rows, "ppo.accumulation": ppo_rows // processes.world_size()}
    for sharded in sorted({own.sharded, processes.world_size() > 1}):
        for recompute in sorted({own.recompute, True}):
            config = own.replace(recompute=recompute, sharded=sharded)
            wanted = {"recompute": recompute, "sharded": sharded}
            for name, limit in most.items():
                wanted[name] = _least_parts(chain, config, name, limit, ROOM * free, on_gpu)
            if all(value is not None for value in wanted.values()):
                now = {**own.to_dict(), "ppo.accumulation": own.ppo.accumulation}
                return {name: value for name, value in wanted.items() if value != now[name]}
    return None


def _least_parts(
    chain, config: RealChainConfig, name: str, most: int, room: float, on_gpu: bool
) -> int | None:
    """The fewest parts, of batches or of PPO's minibatches, with which all that they concern fits."""
    of_ppo = name == "ppo.accumulation"
    now = config.ppo.accumulation if of_ppo else config.accumulation
    for parts in (now, *(2**k for k in range(1, 12) if now < 2**k <= most)):
        found = forecasts(chain, config.replace(**{name: parts}), on_gpu)
        if all(one.total <= room for stage, one in found.items() if (stage == "ppo") == of_ppo):
            return parts
    return None


def as_words(changes: dict) -> str:
    """Settings as `--set` takes them."""
    return " ".join(f"{name}={str(value).lower()}" for name, value in changes.items())
