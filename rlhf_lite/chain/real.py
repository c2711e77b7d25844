"""The chain on a real GPT-2 and on what people ranked: SFT, reward model, PPO or PPO-ptx, and a judge.

    chain = RealChain(RealChainConfig(rankings="oasst1", model="gpt2", text="wikitext"))
    chain.report                    # every stage is built when it is first asked for, and found ever after

    torchrun --nproc-per-node 4 -m rlhf_lite real --rankings oasst1 --model gpt2 --processes 4

Users (or conversations) are split in three, and none is on two sides: the `policy` side trains SFT, reward
model and PPO; the `judge` side trains a second reward model; on the `test` side the judge compares answers.
The judge, which may also be any model that scores (`judge`), is no gold standard. It stands in for people who
can no longer be asked, and its own agreement with people is in the report.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..config import ConfigError, ModelConfig
from ..data import hub
from ..data.cutting import cut_to_fit
from ..data.files import fingerprint, write_json
from ..data.network import pretrained_source
from ..data.pipeline import split_by_user
from ..data.records import RecordError, Row, untied_pairs
from ..evaluate.intervals import mean_with_interval
from ..evaluate.judges import NamedJudge
from ..evaluate.preference import order_accuracy
from ..hardware import processes
from ..labels.agreement import agreement
from ..models.checkpoints import load_policy, new_policy
from ..models.sampling import sample_texts
from ..models.tokens import encode_all, encode_prompts, load_tokenizer
from ..train.batches import pack_rows
from ..train.scoring import score_rankings, score_texts
from . import memory
from .engine import Engine, build_ppo, build_reward, build_sft
from .recipes import RealChainConfig, RealPlan

SIDES = ("policy", "judge", "test")


class RealChain(RealPlan, Engine):
    """Stages by name, each found in the run folder or built there. Options as of `Engine`."""

    policies = ("sft", "ppo")

    def __init__(self, config: RealChainConfig = RealChainConfig(), **options):
        Engine.__init__(self, config, device=config.device, **options)
        self.accumulation, self.recompute, self.sharded = (
            config.accumulation,
            config.recompute,
            config.sharded,
        )
        self._checked = False

    def fitted(self, free: float | None = None) -> RealChain:
        """This chain, computed in parts so small that it fits into so many bytes (default: what is free), if
        any do. It learns the same, rounding aside."""
        free = free or memory.least_free(self.device)
        changes = memory.leaner(self, free) if free else None
        if not changes:
            return self
        chain = RealChain(self.config.replace(**changes), progress=self.progress, control=self.control)
        for name in ("tokenizer", "_read", "pretrain_rows", "lengths", "_model"):  # what is read already
            if name in self.__dict__:
                chain.__dict__[name] = self.__dict__[name]
        return chain

    # --- the data -------------------------------------------------------------------------------------------

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        if not (self.config.tokenizer or self.config.model):
            raise ConfigError("random weights bring no tokenizer: say which to use (tokenizer=...)")
        return load_tokenizer(self.config.tokenizer or self.config.model)

    @property
    def sides(self) -> dict[str, list[Row]]:
        """Rankings that prefer something, cut to the limit, by the side of their user."""
        return self._read[0]

    @property
    def left_out(self) -> dict[str, int]:
        """What was dropped or cut of the rankings, by reason."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[dict[str, list[Row]], dict[str, int]]:
        cfg = self.config
        rows, left_out = hub.load(
            cfg.rankings, cfg.split, cfg.limit or None, cfg.seed, drop=cfg.drop, lang=cfg.lang
        )
        rows, cut = cut_to_fit(rows, self.tokenizer, cfg.limit_tokens)
        untied = [row for row in rows if untied_pairs(row["ranks"])]
        left_out += cut + Counter({"row: all answers tied": len(rows) - len(untied)})
        shares = (1 - cfg.judge_share - cfg.test_share, cfg.judge_share, cfg.test_share)
        found = split_by_user(untied, dict(zip(SIDES, shares, strict=True)), cfg.seed)
        lost = f"(left out or cut: {dict(left_out) or 'nothing'})"
        if not untied:
            raise RecordError(f"{cfg.rankings}: no ranking prefers one answer to another {lost}")
        for side in SIDES:
            if not found[side]:
                users = f"{len({row['user_id'] for row in untied})} users or conversations"
                few = f"{cfg.rankings}: {len(untied)} rankings of {users} leave nothing for the side '{side}'"
                advice = "give more of them, another seed, or other shares"
                raise RecordError(f"{few} {lost}; {advice}")
        return found, dict(left_out)

    @property
    def demonstrations(self) -> list[tuple[str, str]]:
        """The answer that people ranked first, for each prompt of the policy's side."""
        rows = self.sides["policy"]
        return [(row["prompt"], row["completions"][row["ranks"].index(1)]) for row in rows]

    @property
    def ppo_prompts(self) -> list[str]:
        """The prompts of the policy's side."""
        return list(dict.fromkeys(row["prompt"] for row in self.sides["policy"]))

    @cached_property
    def pretrain_rows(self) -> Tensor:
        """Running text, packed: (text_rows, limit_tokens)."""
        wanted, ids = self.config.text_rows * self.config.limit_tokens, []
        stream = hub.texts(self.config.text)
        while len(ids) < wanted and (some := list(islice(stream, 100))):
            for row in encode_all(self.tokenizer, some):
                ids += [*row, self.tokenizer.eos_token_id]
        return pack_rows(torch.tensor(ids[:wanted]), self.config.limit_tokens)

    @cached_property
    def lengths(self) -> memory.Lengths:
        """Tokens of everything that is trained on."""
        return memory.lengths(self)

    # --- the stages -----------------------------------------------------------------------------------------

    def sources(self) -> dict[str, str]:
        """The data, wherever they came from, and what training starts from."""
        return {"rankings": self._digest, "model": self._model}

    @cached_property
    def _digest(self) -> str:
        rows = [row for side in SIDES for row in self.sides[side]]
        text = repr([(row["prompt"], row["completions"], row["ranks"]) for row in rows])
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]

    @cached_property
    def _model(self) -> str:  # kept, for a checkpoint takes seconds to read
        return fingerprint(self.config.model) if self.config.model else "random weights"

    def check_before(self, stage: str) -> None:
        """Before anything is trained: can all of it be read, and does it fit into memory?"""
        if self._checked:
            return
        if self.config.judge:
            pretrained_source(self.config.judge)
        if self.config.ppo.ptx_gamma or self.config.sft.pretrain_mix:
            self.pretrain_rows  # noqa: B018 - read now
        if {stage, *self.needs[stage]} & {"ppo", "evaluation"}:
            self._check_room()
        memory.check(self, {stage, *self.needs[stage]})
        self._checked = True

    def _check_room(self) -> None:
        """Every prompt that is answered leaves room for an answer of max_new_tokens."""
        prompts = [row["prompt"] for side in ("policy", "test") for row in self.sides[side]]
        positions, wanted = memory.model_shape(self).positions, self.config.ppo.max_new_tokens
        longest = encode_prompts(self.tokenizer, prompts, self.config.limit_tokens).mask.shape[1]
        if longest + wanted > positions:
            room = f"a prompt of {longest} tokens leaves {positions - longest} of the model's {positions}"
            advice = f"take --limit-tokens {positions - wanted} or less, or shorter answers"
            raise ConfigError(f"ppo.max_new_tokens = {wanted}, but {room}; {advice}")

    def stage_config(self, stage: str):
        """The judge is trained as the reward model is."""
        return super().stage_config("reward" if stage == "judge" else stage)

    def start(self, stage: str) -> GPT2LMHeadModel:
        """SFT starts from the checkpoint or from random weights, all else from SFT."""
        cfg = self.config
        if stage != "sft":
            return self.policy("sft")
        if cfg.model:
            policy = load_policy(cfg.model, self.tokenizer, self.device)
        else:
            shape = ModelConfig(size=cfg.size, n_positions=cfg.n_positions)
            policy = new_policy(shape, self.tokenizer, cfg.seed, self.device)
        if cfg.limit_tokens > (most := policy.config.n_positions):
            limit = f"limit_tokens = {cfg.limit_tokens}"
            raise ConfigError(f"{limit}, but the model reads {most} tokens; take {most} or less")
        return policy

    def rankings_of(self, stage: str) -> list[Row]:
        return self.sides["judge" if stage == "judge" else "policy"]

    def accuracy(self, model: GPT2ForSequenceClassification, stage: str) -> dict:
        """On the test side, beside the rule "the longer answer is better", which any model should beat."""
        rows = self.sides["test"]
        scores = [found.tolist() for found in score_rankings(model, self.tokenizer, rows)]
        longer = [[float(len(text)) for text in row["completions"]] for row in rows]
        return {
            "test": order_accuracy(rows, scores),
            "longer_answer": order_accuracy(rows, longer)["accuracy"],
            "data": count(self.rankings_of(stage)),
        }

    @property
    def report(self) -> dict:
        """What the judge thinks, and what the judge is worth."""
        return self.summary("evaluation")["result"]

    def answers(self, policy: GPT2LMHeadModel, prompts: Sequence[str]) -> list[str]:
        """What a policy says, at temperature 1."""
        draw, longest = torch.Generator().manual_seed(self.config.seed), self.config.ppo.max_new_tokens
        return sample_texts(policy, self.tokenizer, prompts, longest, generator=draw, batch_size=64)

    def scorer(self, stage: str) -> Callable[[Sequence[str], Sequence[str]], list[float]]:
        """(prompts, answers) -> scores, of the reward model or of the judge."""
        if stage == "judge" and self.config.judge:
            return NamedJudge(self.config.judge, self.device).score
        model = self.scalar_model(stage)
        return lambda prompts, texts: score_texts(model, self.tokenizer, prompts, texts, batch=32)


# --- how the others are built -------------------------------------------------------------------------------


def build_judge(chain: RealChain, stage: str, folder: Path) -> dict | None:
    """A reward model of other users' rankings; of a named model only the agreement with people."""
    if not chain.config.judge:
        return build_reward(chain, stage, folder)
    if not processes.is_main_process():
        return {}
    score, rows = chain.scorer("judge"), chain.sides["test"]
    scores = [score([row["prompt"]] * len(row["completions"]), row["completions"]) for row in rows]
    return {"test": order_accuracy(rows, scores), "model": chain.config.judge}


def build_evaluation(chain: RealChain, stage: str, folder: Path) -> dict:
    """The judge compares PPO's answers with SFT's, prompt by prompt, and with those people liked best."""
    if not processes.is_main_process():
        return {}
    rows = chain.sides["test"][: chain.config.test_prompts]
    prompts, users = [row["prompt"] for row in rows], [row["user_id"] for row in rows]
    answers = {name: chain.answers(chain.policy(name), prompts) for name in chain.policies}
    answers["people's best"] = [row["completions"][row["ranks"].index(1)] for row in rows]
    shown = {"prompt": prompts, **answers}
    samples = [{name: texts[i] for name, texts in shown.items()} for i in range(len(prompts[:20]))]
    write_json(folder / "samples.json", samples)

    def mean(values: list[float]) -> dict:
        return mean_with_interval(values, users).to_dict()

    scores = {}
    for who, stage_of in (("judge", "judge"), ("reward_model", "reward")):
        score = chain.scorer(stage_of)
        scores[who] = {name: score(prompts, texts) for name, texts in answers.items()}
    sft = scores["judge"]["sft"]
    agreed = {name: chain.summary(name)["result"]["test"]["accuracy"] for name in ("reward", "judge")}
    return {
        "wins_against_sft": {name: mean(wins(given, sft)) for name, given in scores["judge"].items()},
        "scores": {who: {name: mean(given) for name, given in by.items()} for who, by in scores.items()},
        "agreement_with_people": agreed | among_people([row for side in SIDES for row in chain.sides[side]]),
        "data": {side: count(chain.sides[side]) for side in SIDES},
        "left_out": chain.left_out,
    }


RealChain.builders = {
    "sft": build_sft,
    "reward": build_reward,
    "judge": build_judge,
    "ppo": build_ppo,
    "evaluation": build_evaluation,
}


# --- numbers ------------------------------------------------------------------------------------------------


def wins(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """1 where ours is scored higher, 0.5 where equal."""
    return [0.5 if a == b else float(a > b) for a, b in zip(ours, theirs, strict=True)]


def among_people(rows: Sequence[Row]) -> dict[str, dict]:
    """How often people agree, where several ranked the same answers: no model can do better."""
    try:
        found = agreement(rows)
    except ValueError:  # nobody did
        return {}
    return {"each other": {"mean": found.share, "low": found.low, "high": found.high, "n": found.pairs}}


def count(rows: Sequence[Row]) -> dict[str, int]:
    """Conversations (or users), prompts, answers and pairs of one side."""
    return {
        "conversations": len({row["user_id"] for row in rows}),
        "prompts": len(rows),
        "answers": sum(len(row["ranks"]) for row in rows),
        "pairs": sum(len(untied_pairs(row["ranks"])) for row in rows),
    }
