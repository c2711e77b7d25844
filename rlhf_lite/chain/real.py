"""The chain on a real GPT-2 and on what people ranked: SFT, reward model, PPO or PPO-ptx, and a judge that has seen neither.

    chain = RealChain(RealChainConfig(rankings="oasst1", model="gpt2", text="wikitext"))
    chain.report                    # every stage is built when it is first asked for, and found ever after

    torchrun --nproc-per-node 4 -m rlhf_lite real --rankings oasst1 --model gpt2 --processes 4

Users (or conversations) are split in three, and none is on two sides: the `policy` side trains SFT, reward model and
PPO; the `judge` side trains a second reward model; on the `test` side the judge compares answers. The judge, which may also be
any model that scores (`judge`), is no gold standard. It stands in for people who can no longer be asked, and its own
agreement with people is in the report.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..config import ConfigError, RealChainConfig, RealStages
from ..data import hub
from ..data.files import write_json
from ..data.pipeline import split_by_user
from ..data.records import RecordError, Row, untied_pairs
from ..data.sources import cut_to_fit
from ..evaluate.intervals import mean_with_interval
from ..evaluate.judges import NamedJudge
from ..hardware import processes
from ..hardware.forecast import Shape
from ..hardware.processes import gathered
from ..labels.agreement import agreement as labelers_agreement
from ..models.checkpoints import load_policy, load_scalar_model, new_policy, place, save_model
from ..models.gpt2 import recompute
from ..models.sampling import sample_texts
from ..models.tokens import encode_all, load_tokenizer, pretrained_source
from ..train.batches import pack_rows
from ..train.loop import Loop
from ..train.ppo import train_ppo
from ..train.reward import center_on, new_reward_model, score_rankings, score_texts, train_reward
from ..train.sft import train_sft
from . import memory, store
from .real_reward import SIZES, agreement, count, fingerprint

VERSION = 2  # raised when the same settings would lead to other models
SIDES = ("policy", "judge", "test")
INPUTS = {
    "sft": (),
    "reward": ("sft",),
    "judge": ("sft",),
    "ppo": ("sft", "reward"),
    "evaluation": ("sft", "reward", "judge", "ppo"),
}
STAGES = tuple(INPUTS)
MEMORY = (
    "accumulation",
    "recompute",
    "sharded",
    "device",
)  # settings that do not change what is learned, rounding aside


class RealChain:
    """Stages by name, each found in the run folder or built there; under `torchrun` on all processes together."""

    def __init__(
        self,
        config: RealChainConfig = RealChainConfig(),
        stages: RealStages = RealStages(),
        *,
        progress: bool = True,
        control=None,
        processes_expected: int | None = None,
    ):
        self.config, self.stages, self.progress, self.control = config, stages, progress, control
        self.device = processes.join(processes_expected, config.device)
        for name, share in (("ptx_gamma", stages.ppo.ptx_gamma), ("pretrain_mix", stages.sft.pretrain_mix)):
            if share and not config.text:
                raise ConfigError(f"{name} = {share} needs running text: say which (text=...)")
        self._found: dict[str, store.Found] = {}
        self._checked = False

    def fitted(self, free: float | None = None) -> RealChain:
        """This chain, computed in parts so small that it fits into so many bytes (default: what is free), if any do. It learns
        the same, rounding aside."""
        free = free or memory.least_free(self)
        changes = free and memory.leaner(self, free)
        if not changes:
            return self
        chain = copy.copy(self)  # with all that was read
        chain.config, chain.stages = self.stages.replace(changes, self.config)
        chain._found, chain._checked = {}, False
        return chain

    # --- the data -----------------------------------------------------------------------------------------------------

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
        rows, left_out = hub.load(cfg.rankings, cfg.split, cfg.limit or None, cfg.seed, drop=cfg.drop)
        rows, cut = cut_to_fit(rows, self.tokenizer, cfg.limit_tokens)
        rows = [row for row in rows if untied_pairs(row["ranks"])]
        shares = {
            "policy": 1 - cfg.judge_share - cfg.test_share,
            "judge": cfg.judge_share,
            "test": cfg.test_share,
        }
        found = split_by_user(rows, shares, cfg.seed)
        if empty := [side for side in SIDES if not found[side]]:
            raise RecordError(
                f"{cfg.rankings}: {len(rows)} rankings leave nothing for the side '{empty[0]}'; give more of them, "
                "another seed, or other shares"
            )
        return found, dict(left_out + cut)

    @cached_property
    def digest(self) -> str:
        """Of what is trained on, wherever it came from."""
        text = repr(
            [(row["prompt"], row["completions"], row["ranks"]) for side in SIDES for row in self.sides[side]]
        )
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]

    @property
    def demonstrations(self) -> list[tuple[str, str]]:
        """The answer that people ranked first, for each prompt of the policy's side."""
        return [(row["prompt"], row["completions"][row["ranks"].index(1)]) for row in self.sides["policy"]]

    @property
    def prompts(self) -> list[str]:
        """What PPO answers: the prompts of the policy's side."""
        return list(dict.fromkeys(row["prompt"] for row in self.sides["policy"]))

    @cached_property
    def pretrain_rows(self) -> Tensor | None:
        """Running text, packed: (text_rows, limit_tokens)."""
        if not self.config.text:
            return None
        wanted, ids = self.config.text_rows * self.config.limit_tokens, []
        stream = hub.texts(self.config.text)
        while len(ids) < wanted and (some := list(islice(stream, 100))):
            for row in encode_all(self.tokenizer, some):
                ids += [*row, self.tokenizer.eos_token_id]
        return pack_rows(torch.tensor(ids[:wanted]), self.config.limit_tokens)

    @cached_property
    def shape(self) -> Shape:
        """The model's, as far as memory is concerned."""
        return memory.shape(self)

    @cached_property
    def lengths(self) -> memory.Lengths:
        """Tokens of everything that is trained on."""
        return memory.lengths(self)

    # --- the stages ---------------------------------------------------------------------------------------------------

    def folder_name(self, stage: str) -> str:
        return f"real_{stage}-{self.key(stage)}"

    def key(self, stage: str) -> str:
        """The hash of everything that a stage depends on."""
        return store.stage_key(f"real_{stage}", VERSION, self._settings(stage), self._inputs(stage))

    def _settings(self, stage: str) -> dict:
        own = {
            "sft": self.stages.sft,
            "reward": self.stages.reward,
            "judge": self.stages.reward,
            "ppo": self.stages.ppo,
        }
        trained = own[stage].to_dict() if stage in own else {}
        general = {name: value for name, value in self.config.to_dict().items() if name not in MEMORY}
        return {**general, **trained, "seed": self.config.seed}

    @cached_property
    def _model(self) -> str:
        """What training starts from. Asked for by every stage, of every one before it, and a checkpoint takes seconds to read."""
        return fingerprint(self.config.model) if self.config.model else "random weights"

    def _inputs(self, stage: str) -> dict[str, str]:
        return {
            "rankings": self.digest,
            "model": self._model,
            **{name: self.key(name) for name in INPUTS[stage]},
        }

    def get(self, stage: str) -> store.Found:
        """A finished stage, with all it needs built first."""
        if stage not in INPUTS:
            raise ConfigError(f"there is no stage '{stage}'; stages are {', '.join(STAGES)}")
        if stage not in self._found:
            name = self.folder_name(stage)
            found = processes.broadcast(
                store.find(name, (store.home(),)) if processes.is_main_process() else None
            )
            if not found:
                self._check(stage)
            for needed in () if found else INPUTS[stage]:
                self.get(needed)
            self._found[stage] = found or self._build(stage, name)
        return self._found[stage]

    def _check(self, stage: str) -> None:
        """Before anything is trained: can all of it be read, and does it fit into memory?"""
        if self._checked:
            return
        if self.config.judge:
            pretrained_source(self.config.judge)
        if self.stages.ppo.ptx_gamma or self.stages.sft.pretrain_mix:
            self.pretrain_rows  # noqa: B018 - read now
        memory.check(self, {stage, *INPUTS[stage]})
        self._checked = True

    def _build(self, stage: str, name: str) -> store.Found:
        """All processes train; the first one keeps the books."""
        make = getattr(self, f"_make_{stage}")
        if not processes.is_main_process():
            processes.broadcast(None)  # the folder is there
            make(store.home() / name)
            return processes.broadcast(None)

        def first(folder: Path) -> dict | None:
            processes.broadcast(None)
            return make(folder)

        return processes.broadcast(store.build(name, self._settings(stage), self._inputs(stage), first))

    def policy(self, stage: str = "ppo") -> GPT2LMHeadModel:
        """A fresh copy of the policy that a stage ended with: "sft" or "ppo"."""
        return load_policy(self.get(stage).folder, device=self.device)

    def reward_model(self, stage: str = "reward") -> GPT2ForSequenceClassification:
        """A fresh copy of the reward model, or of the judge."""
        return load_scalar_model(self.get(stage).folder, self.device)

    @property
    def report(self) -> dict:
        """What the judge thinks, and what the judge is worth."""
        return self.get("evaluation").summary["result"]

    # --- how each is made ---------------------------------------------------------------------------------------------

    def _loop(self, stage: str, folder: Path) -> Loop:
        return Loop(stage, folder=folder, progress=self.progress, control=self.control)

    def _start(self) -> GPT2LMHeadModel:
        cfg = self.config
        if cfg.model:
            policy = load_policy(cfg.model, self.tokenizer, self.device)
        else:
            policy = place(new_policy(SIZES[cfg.size], self.tokenizer, cfg.seed), self.device)
        if cfg.limit_tokens > (most := policy.config.n_positions):
            raise ConfigError(
                f"limit_tokens = {cfg.limit_tokens}, but the model reads {most} tokens; take {most} or less"
            )
        return policy

    def _trained(self, model):
        """A model that is about to be trained."""
        if self.config.recompute:
            recompute(model)
        return processes.distribute(model, reshard=self.config.sharded)

    def _frozen(self, model):
        """A model that is only read."""
        return processes.distribute(model, reshard=True) if self.config.sharded else model

    def _make_sft(self, folder: Path) -> dict | None:
        policy, loop = self._trained(self._start()), self._loop("sft", folder)
        cfg = self.stages.sft.replace(seed=self.config.seed)
        rows = self.pretrain_rows if cfg.pretrain_mix else None
        train_sft(
            policy,
            self.tokenizer,
            self.demonstrations,
            cfg,
            pretrain_rows=rows,
            accumulation=self.config.accumulation,
            loop=loop,
        )
        return self._finish(folder, gathered(policy), loop, lambda: {"loss": loop.history["loss"][-1]})

    def _make_reward(self, folder: Path) -> dict | None:
        return self._train_reward(folder, "policy")

    def _make_judge(self, folder: Path) -> dict | None:
        if not self.config.judge:
            return self._train_reward(folder, "judge")
        if not processes.is_main_process():
            return None
        score, rows = self._scorer("judge"), self.sides["test"]
        scores = [score([row["prompt"]] * len(row["completions"]), row["completions"]) for row in rows]
        return {"test": agreement(rows, scores), "model": self.config.judge}

    def _train_reward(self, folder: Path, side: str) -> dict | None:
        cfg, loop = self.stages.reward.replace(seed=self.config.seed), self._loop("reward", folder)
        model = self._trained(new_reward_model(self.policy("sft"), self.tokenizer, cfg))
        train_reward(
            model, self.tokenizer, self.sides[side], cfg, accumulation=self.config.accumulation, loop=loop
        )
        model = gathered(model)

        def result() -> dict:
            scores = [found.tolist() for found in score_rankings(model, self.tokenizer, self.sides["test"])]
            return {"test": agreement(self.sides["test"], scores), "data": count(self.sides[side])}

        if loop.finished:
            center_on(model, self.tokenizer, self.demonstrations[:1000])
        return self._finish(folder, model, loop, result)

    def _make_ppo(self, folder: Path) -> dict | None:
        cfg, loop, reward_model = (
            self.stages.ppo.replace(seed=self.config.seed),
            self._loop("ppo", folder),
            self.reward_model(),
        )
        policy, value_model = self._trained(self.policy("sft")), self._trained(copy.deepcopy(reward_model))
        ref_policy, reward_model = self._frozen(self.policy("sft")), self._frozen(reward_model)
        train_ppo(
            policy,
            ref_policy,
            reward_model,
            value_model,
            self.tokenizer,
            self.prompts,
            cfg,
            pretrain_rows=self.pretrain_rows if cfg.ptx_gamma else None,
            loop=loop,
        )
        names = ("objective/score", "objective/kl")
        return self._finish(
            folder, gathered(policy), loop, lambda: {name: loop.history[name][-1] for name in names}
        )

    def _finish(self, folder: Path, model, loop: Loop, result: Callable[[], dict]) -> dict | None:
        """Save what was trained; None if somebody stopped it."""
        if not processes.is_main_process() or not loop.finished:
            return None
        save_model(model, folder, tokenizer=self.tokenizer)
        loop.clear()
        return {"steps": loop.step, **result()}

    def _make_evaluation(self, folder: Path) -> dict | None:
        """The judge compares PPO's answers with SFT's, prompt by prompt."""
        if not processes.is_main_process():
            return None
        rows = self.sides["test"][: self.config.test_prompts]
        prompts, users = [row["prompt"] for row in rows], [row["user_id"] for row in rows]
        answers = {name: self._answers(self.policy(name), prompts) for name in ("sft", "ppo")}
        answers["people's best"] = [row["completions"][row["ranks"].index(1)] for row in rows]
        scorers = {"judge": self._scorer("judge"), "reward_model": self._scorer("reward")}

        def mean(values: list[float]) -> dict:
            return mean_with_interval(values, users).to_dict()

        scores = {
            who: {name: score(prompts, texts) for name, texts in answers.items()}
            for who, score in scorers.items()
        }
        wins = {name: mean(_wins(found, scores["judge"]["sft"])) for name, found in scores["judge"].items()}
        means = {who: {name: mean(found) for name, found in by.items()} for who, by in scores.items()}
        samples = [
            {"prompt": p, **{name: texts[i] for name, texts in answers.items()}}
            for i, p in enumerate(prompts[:20])
        ]
        write_json(folder / "samples.json", samples)
        judged = {name: self.get(name).summary["result"]["test"]["accuracy"] for name in ("reward", "judge")}
        judged |= _among_people([row for rows in self.sides.values() for row in rows])
        data = {side: count(rows) for side, rows in self.sides.items()}
        return {
            "wins_against_sft": wins,
            "scores": means,
            "agreement_with_people": judged,
            "data": data,
            "left_out": self.left_out,
        }

    def _scorer(self, stage: str) -> Callable[[Sequence[str], Sequence[str]], list[float]]:
        """(prompts, answers) -> scores, of the reward model or of the judge."""
        if stage == "judge" and self.config.judge:
            return NamedJudge(self.config.judge, self.device).score
        model = self.reward_model(stage)
        return lambda prompts, texts: score_texts(model, self.tokenizer, prompts, texts, batch=32)

    def _answers(self, policy: GPT2LMHeadModel, prompts: Sequence[str]) -> list[str]:
        draw, most = torch.Generator().manual_seed(self.config.seed), self.stages.ppo.max_new_tokens
        return sample_texts(policy, self.tokenizer, prompts, most, generator=draw, batch_size=64)


def _among_people(rows: Sequence[Row]) -> dict[str, dict]:
    """How often people agree with each other, where several ranked the same answers: no model can be expected to do better."""
    try:
        found = labelers_agreement(rows)
    except ValueError:  # nobody did
        return {}
    return {"each other": {"mean": found.share, "low": found.low, "high": found.high, "n": found.pairs}}


def _wins(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """1 where ours is scored higher, 0.5 where equal."""
    return [0.5 if a == b else float(a > b) for a, b in zip(ours, theirs, strict=True)]
