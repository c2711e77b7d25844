"""The whole paper as a chain of stages in the tiny world.

chain = Chain()              # the tiny profile, seed 0
chain.reward_model           # found among the shipped stages or in your run folder, else built
chain.with_(**{"ppo.kl_beta": 0.05}).policy("ppo")      # rebuilds PPO, nothing before it
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..data.files import check_sums, contents, read_json, write_json, write_sums
from ..data.pipeline import Splits, prepare, read_splits, table6_sizes, write_splits
from ..data.records import MAX_K, Row, read_rankings, write_rankings
from ..models.checkpoints import new_policy
from ..models.tokens import build_tokenizer, encode_all, load_tokenizer
from ..train.batches import pack_rows
from ..train.pretrain import token_stream, train_base
from ..train.scoring import agreement_with, score_rankings
from ..world import COLLECTIONS, Task, World, gold
from ..world.calibration import calibrate_noise
from ..world.labelers import Labeler, held_out_pool, label_all, make_pool, with_noise
from ..world.rows import tiny_demonstrations, tiny_world
from ..world.screening import make_applicants
from . import store
from .completions import beam_completions, sample_completions
from .engine import Engine, build_ppo, build_reward, build_sft
from .evaluation import evaluate, evaluate_baselines
from .recipes import FOLDS, POLICIES, STAGES, ChainConfig, TinyPlan


class Chain(TinyPlan, Engine):
    """The chain of the tiny world: every stage is built when it is first asked for. Stages in `shipped` may
    be taken from the repository instead. Options as of `Engine`."""

    policies = POLICIES
    saved_dtype = torch.bfloat16

    def __init__(
        self, config: ChainConfig = ChainConfig(), shipped: tuple[str, ...] = tuple(STAGES), **options
    ):
        Engine.__init__(self, config, shipped, **options)

    def with_(self, **changes) -> Chain:
        """The same chain with other settings; stages that do not depend on them are shared."""
        return self.like(self.config.replace(**changes))

    def like(self, config: ChainConfig) -> Chain:
        """Another chain, that works where this one does and reports to the same places."""
        options = {"progress": self.progress, "control": self.control, "report": self._report}
        return Chain(config, self.shipped, device=self.device.type, **options)

    @property
    def config_stages(self) -> tuple[str, ...]:
        """All stages before the evaluation."""
        return tuple(STAGES)[:-1]

    # --- what does not take long: the world, its prompts, its people ----------------------------------------

    @cached_property
    def world(self) -> World:
        return World(self.config.data.world_seed)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        if not store.TOKENIZER.exists():
            build_tokenizer(self.world.vocabulary()).save_pretrained(store.TOKENIZER)
            write_sums(store.TOKENIZER, contents(store.TOKENIZER))
        check_sums(store.TOKENIZER, contents(store.TOKENIZER))
        return load_tokenizer(store.TOKENIZER)

    @cached_property
    def raw_prompts(self) -> list[Row]:
        """The prompt log before anything was done to it."""
        return tiny_world(self.world, self.sizes, self.config.seed)

    @cached_property
    def prompts(self) -> Splits:
        """The sets of Table 6 (§3.2, App. A)."""
        return read_splits(self.folder("prompts"))

    @property
    def ppo_prompts(self) -> list[str]:
        return [row["text"] for row in self.prompts.ppo_train]

    @property
    def sizes(self) -> dict[str, dict[str, int]]:
        """Table 6 times the scale; the SFT sets have a scale of their own."""
        small, sft = table6_sizes(self.config.data.scale), table6_sizes(self.config.data.sft_scale)
        return {name: (sft if name.startswith("sft") else small)[name] for name in small}

    @property
    def longest_prompt(self) -> int:
        """In tokens: a newline and the longest answer must have room behind it."""
        config = self.config
        answer = max(config.ppo.max_new_tokens, config.rankings.max_new_tokens)
        return config.model.n_positions - answer - 1

    @cached_property
    def demonstrations(self) -> list[Row]:
        prompts = self.prompts.sft_train
        chosen = prompts[: round(self.config.demonstrated * len(prompts))]
        return tiny_demonstrations(self.world, chosen, self._writers, self.config.seed)

    @cached_property
    def valid_demonstrations(self) -> list[Row]:
        return tiny_demonstrations(self.world, self.prompts.sft_valid, self._writers, self.config.seed)

    @property
    def _writers(self) -> list[str]:
        return [person.id for person in make_pool(self.config.seed)]

    @cached_property
    def pretrain_rows(self) -> Tensor:
        """Web text like what the base model learned from, for the pretraining mix: (N, n_positions)."""
        stream = token_stream(self.world.documents(12_000, seed=1), self.tokenizer)
        return pack_rows(stream, self.config.model.n_positions)

    @cached_property
    def labelers(self) -> list[Labeler]:
        """The training labelers, with the noise that was calibrated on the ranked samples."""
        return with_noise(make_pool(self.config.seed), self.summary("rankings")["result"]["noise"])

    @cached_property
    def held_out_labelers(self) -> list[Labeler]:
        return with_noise(held_out_pool(self.config.seed), self.summary("rankings")["result"]["noise"])

    @cached_property
    def rankings(self) -> dict[str, list[Row]]:
        """Ranked completions: "train", "valid", "again" and, by other people, "held_out"."""
        sets = self.summary("rankings")["result"]["prompts"]
        return read_rankings(self.folder("rankings"), sets=tuple(sets))

    @property
    def baselines(self) -> dict:
        """Answers and abilities of the models before RL (see `evaluation.evaluate_baselines`)."""
        return read_json(self.folder("baselines") / "baselines.json")

    # --- what the engine's functions ask for ----------------------------------------------------------------

    def start(self, stage: str) -> GPT2LMHeadModel:
        """SFT starts from the base model, all else from the SFT with pretraining text."""
        if stage == "reward" and self.sized:
            return self.like(self.sized).policy("start")
        return self.policy("base" if stage in ("sft", "start", *COLLECTIONS) else "start")

    def imitated(self, stage: str) -> tuple[list[Row], list[Row]]:
        """The labelers' demonstrations, or twice as many public tasks, as the paper had more of these."""
        rows = self.demonstrations
        if stage in COLLECTIONS:
            tasks = self.world.public_tasks(stage, 2 * len(rows), self.config.seed)
            rows = [{"prompt": task.text, "text": task.core} for task in tasks]
        return rows, self.valid_demonstrations

    def rankings_of(self, stage: str) -> list[Row]:
        columns = ("prompt", "completions", "ranks", "labeler")
        rows = read_rankings(self.folder("rankings"), columns, ("train",))["train"]
        return [row for row in rows if row["labeler"] not in self.left_out]

    @property
    def left_out(self) -> list[str]:
        """The labelers of the fold that is not learned from."""
        people, fold = sorted(person.id for person in make_pool(self.config.seed)), self.config.fold
        return people[fold - 1 :: FOLDS] if fold else []

    def accuracy(self, model: GPT2ForSequenceClassification, stage: str) -> dict:
        """On validation pairs of the labelers, and of held-out ones, who rank the same completions (§4.1);
        with a fold, on the rankings of those whom it left out."""
        columns, others = ("prompt", "completions", "ranks", "labeler"), self.left_out
        sets = read_rankings(self.folder("rankings"), columns, ("valid", "held_out"))
        if others:
            sets["left_out"] = [row for row in sets["valid"] if row["labeler"] in others]
            sets["valid"] = [row for row in sets["valid"] if row["labeler"] not in others]
        scores = {name: score_rankings(model, self.tokenizer, rows) for name, rows in sets.items()}
        return {name: agreement_with(scores[name], rows, draws=1000) for name, rows in sets.items()}

    def gold(self, chosen: list[int], texts: list[str]) -> list[float]:
        """The rubric's score of answers to these prompts of PPO."""
        tasks = [Task.from_json(self.prompts.ppo_train[i]["task"]) for i in chosen]
        return [gold(task, text) for task, text in zip(tasks, texts, strict=True)]


# --- how each stage is built --------------------------------------------------------------------------------


def build_base(chain: Chain, stage: str, folder: Path) -> dict | None:
    """Pretrain on the web corpus (no more documents than the tokens asked for need)."""
    cfg, loop = chain.config.base.replace(seed=chain.config.base_seed), chain.loop(stage, folder)
    policy = new_policy(chain.config.model, chain.tokenizer, cfg.seed, chain.device)
    stream = token_stream(chain.world.documents(cfg.tokens // 45 + 100, seed=0), chain.tokenizer)
    valid = token_stream(chain.world.documents(1500, seed=999), chain.tokenizer)
    train_base(policy, stream, cfg, valid=valid, loop=loop)
    return chain.finish(folder, policy, loop, "loss/valid")


def build_prompts(chain: Chain, stage: str, folder: Path) -> dict:
    """From the raw log to the sets of Table 6."""
    raw = chain.raw_prompts
    texts = sorted({row["text"] for row in raw})
    lengths = zip(texts, encode_all(chain.tokenizer, texts), strict=True)
    short = {text for text, ids in lengths if len(ids) <= chain.longest_prompt}
    splits = prepare(raw, chain.sizes, chain.config.seed, fits=short.__contains__)
    write_splits(folder, splits)
    return {name: len(rows) for name, rows in splits.sets().items()}


def build_rankings(chain: Chain, stage: str, folder: Path) -> dict:
    """Several completions per prompt from supervised policies; rate, flag, rank (§3.4, §3.5). From the second
    turn on, the last turn's policy answers further prompts, and what was ranked stays (§3.1).

    Whatever is varied, people have the same noise, and validation prompts 4 to 9 sampled answers.
    """
    cfg, seed, prompts = chain.config.rankings, chain.config.seed, chain.prompts
    supervised = [chain.policy("sft"), chain.policy("start")]
    asked, policies, ranked = prompts.rm_train[: cfg.train_prompts], supervised, []
    if chain.last_turn:
        last = chain.like(chain.last_turn)
        policies, ranked = [last.policy("ppo_ptx")], last.rankings["train"]
        asked = asked[last.config.rankings.train_prompts :]
    find = beam_completions if cfg.search == "beams" else sample_completions
    found = {"train": find(policies, chain.tokenizer, asked, cfg, seed, "train")}
    asked, same_k = prompts.rm_valid[: cfg.valid_prompts], cfg.replace(k_min=4, k_max=MAX_K)
    found["valid"] = sample_completions(supervised, chain.tokenizer, asked, same_k, seed, "valid")
    rows = {name: [row for row, _ in pairs] for name, pairs in found.items()}
    texts = {name: [completions for _, completions in pairs] for name, pairs in found.items()}
    if chain.ranked_before:
        noise = chain.like(chain.ranked_before).summary("rankings")["result"]["noise"]
    else:
        tasks = [Task.from_json(row["task"]) for row in rows["train"][: cfg.calibration_prompts]]
        items = list(zip(tasks, texts["train"], strict=False))
        noise = calibrate_noise(make_pool(seed), items, seed=seed)[0].noise
    pool, others = make_pool(seed, noise=noise), with_noise(held_out_pool(seed), noise)
    rankers = make_pool(seed, noise=noise, first=cfg.first)
    if not cfg.screened:
        rankers = make_applicants(seed, noise=noise)
    labeled = {
        "train": ranked + label_all(rankers, rows["train"], texts["train"], seed),
        "valid": label_all(pool, rows["valid"], texts["valid"], seed),
        "held_out": label_all(others, rows["valid"], texts["valid"], seed),
        "again": label_all(pool, rows["valid"], texts["valid"], seed + 1),
    }
    write_rankings(folder, labeled)
    return {"noise": noise, "prompts": {name: len(rows) for name, rows in labeled.items()}}


def build_baselines(chain: Chain, stage: str, folder: Path) -> dict:
    """What of the evaluation needs no reward model."""
    found = evaluate_baselines(chain)
    write_json(folder / "baselines.json", found)
    return {"models": sorted(found["models"])}


def build_evaluation(chain: Chain, stage: str, folder: Path) -> dict:
    """Every number of the chain, in report.json (§4)."""
    report = evaluate(chain)
    write_json(folder / "report.json", report)
    return {"policies": sorted(report["policies"])}


Chain.builders = {
    "base": build_base,
    "prompts": build_prompts,
    "sft": build_sft,
    "start": build_sft,
    "flan": build_sft,
    "t0": build_sft,
    "rankings": build_rankings,
    "reward": build_reward,
    "baselines": build_baselines,
    "ppo": build_ppo,
    "ppo_ptx": build_ppo,
    "evaluation": build_evaluation,
}
