"""What is asked of the chain: its arms, and what the paper leads one to expect, as a rule.

An arm changes a few settings and builds the chain up to a stage; a *sweep* gives one setting several values.
The rules were written before the runs they judge (`experiments` makes and reads these). Whoever adds an entry
to EXPERIMENTS has added one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..config import describe
from ..evaluate.claims import Claim
from .recipes import FOLDS, ChainConfig, TinyPlan

Arm = float | str


@dataclass(frozen=True)
class Experiment:
    """The chain up to `stage`, in arms that change a few of its settings. A sweep says in `knobs` which
    setting, or settings, take the values that its arms are called."""

    says: str
    stage: str
    arms: Mapping[Arm, Mapping[str, object]]
    claims: tuple[Claim, ...] = ()  # of what was measured with one seed: arm -> numbers
    knobs: tuple[str, ...] = ()

    def config(self, arm: Arm, seed: int, base: ChainConfig = ChainConfig()) -> ChainConfig:
        """The chain of an arm; a sweep takes any value."""
        changes = self.arms[arm] if arm in self.arms else dict.fromkeys(self.knobs, arm)
        return base.replace(seed=seed, **changes)

    @property
    def ours(self) -> Arm | None:
        """The arm that is the default chain, if there is one."""
        key = TinyPlan().key(self.stage)
        same = (arm for arm in self.arms if TinyPlan(self.config(arm, seed=0)).key(self.stage) == key)
        return next(same, None)

    @property
    def papers(self) -> str:
        """The paper's value of a sweep's settings, in words."""
        values = {}
        for knob in self.knobs:
            part, name = knob.split(".")
            values |= {str(row[2]): None for row in describe(getattr(ChainConfig(), part)) if row[0] == name}
        return " to ".join(values)


def sweep(says: str, stage: str, knobs: str, values: Sequence[float], *claims: Claim) -> Experiment:
    """The settings `knobs`, with blanks between them, at each of these values."""
    names = tuple(knobs.split())
    return Experiment(says, stage, {value: dict.fromkeys(names, value) for value in values}, claims, names)


# --- what is asked ------------------------------------------------------------------------------------------


def mean_skill(measured: Mapping) -> float:
    """Accuracy over all few-shot skills."""
    return fmean(measured["skills"].values())


def gain(name: str, better: Arm, worse: Arm) -> Callable[[Mapping], float]:
    """How much larger a number of one arm is than of another."""
    return lambda arms: arms[better][name] - arms[worse][name]


def more_skill(better: Arm, worse: Arm) -> Callable[[Mapping], float]:
    return lambda arms: mean_skill(arms[better]) - mean_skill(arms[worse])


def accuracy(better: Arm, worse: Arm) -> Callable[[Mapping], float]:
    """Of reward models on labels of validation prompts."""
    return lambda arms: arms[better]["valid"]["accuracy"] - arms[worse]["valid"]["accuracy"]


def told_true(measured: Mapping) -> float:
    """Share of true answers about myths that no training prompt asked for."""
    return measured["truth"]["unasked_t1"]["true"]


BETAS, GAMMAS = (0.0, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0), (0.0, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 27.8)
FEW = 0.05  # demonstrations, of Table 6
FEW_RANKINGS = {"rankings.train_prompts": 3500}
LITTLE = FEW_RANKINGS | {"demonstrated": 0.25, "ppo_ptx.episodes": 7168}
EXPERIMENTS = {
    "kl_beta": sweep(
        "beta, weight of the KL penalty", "ppo", "ppo.kl_beta", BETAS,
        Claim("without a KL penalty the score rises further", "Fig. 34", gain("reward", 0.0, 0.2), 0.3),
        Claim("and answers become worse: the reward model is fooled", "", gain("gold", 0.2, 0.0), 0.1),
        Claim("and few-shot skills break down", "Fig. 34", more_skill(0.2, 0.0), 0.05),
        Claim("a strong penalty costs reward", "Fig. 34", gain("reward", 0.2, 1.0), 0.2),
    ),
    "ptx_gamma": sweep(
        "gamma, weight of pretraining", "ppo_ptx", "ppo_ptx.ptx_gamma", GAMMAS,
        Claim("pretraining text brings few-shot skills back", "Fig. 33", more_skill(3.0, 0.0), 0.03),
        Claim("with it, web text is told better", "", gain("web_loss", 0.0, 3.0), 0.02),
        Claim("too much of it costs reward", "Fig. 33", gain("reward", 0.5, 27.8), 0.2),
        Claim("a little costs hardly any", "Fig. 33", gain("reward", 0.0, 0.5), high=0.2),
    ),
    "lr": sweep(
        "learning rate of the policy", "ppo", "ppo.lr", (5e-5, 1.5e-4, 4.5e-4, 1e-3, 2e-3),
        Claim("too high a rate spoils the answers", "Fig. 38", gain("gold", 4.5e-4, 2e-3), 0.1),
        Claim("too low a one learns little", "", gain("reward", 4.5e-4, 5e-5), 0.2),
    ),
    "kl_beta_ptx": sweep(
        "beta, with pretraining text", "ppo_ptx", "ppo_ptx.kl_beta", (0.0, 0.05, 0.2, 0.5, 2.0),
        Claim("people like a moderate penalty better than none", "Fig. 36", gain("rating", 0.2, 0.0), 0.1),
        Claim("and better than a strong one", "Fig. 36", gain("rating", 0.2, 2.0), 0.1),
    ),
    "episodes": sweep(
        "episodes of PPO-ptx", "ppo_ptx", "ppo_ptx.episodes", (7168, 14_336, 28_672),
        Claim("training longer costs skills", "Fig. 35", more_skill(7168, 28_672), 0.01),
        Claim("and still makes answers better", "", gain("gold", 28_672, 7168), 0.02),
    ),
    "ptx_rows": sweep(
        "pretraining rows per minibatch", "ppo_ptx", "ppo_ptx.ptx_rows", (1, 4, 8, 32),
        Claim("more rows keep more of the web", "App. E.11", gain("web_loss", 4, 32), 0.002),
        Claim("and people like the answers as well or better", "App. E.11", gain("rating", 32, 4), -0.05),
    ),
    "start": Experiment(
        "the policy that RL starts from", "ppo_ptx",
        {
            "no web text": {"start.pretrain_mix": 0.0},
            "a tenth web text": {},
            "half web text": {"start.pretrain_mix": 0.5},
            "SFT itself": {"start.pretrain_mix": 0.0, "start.epochs": 4},
        },
        (
            Claim(
                "a tenth is as good as none for answers", "Fig. 37",
                gain("gold", "a tenth web text", "no web text"), -0.03,
            ),
            Claim("and keeps more skills", "", more_skill("a tenth web text", "no web text"), 0.01),
        ),
    ),
    "sft_epochs": Experiment(
        "epochs of SFT on few demonstrations", "sft",
        {n: {"demonstrated": FEW, "sft.epochs": n} for n in (1, 2, 4, 8, 16)},
        (
            Claim("the loss on validation prompts turns", "§3.5",
                  lambda arms: arms[16]["loss/valid"] - min(m["loss/valid"] for m in arms.values()), 0.02),
            Claim("and answers go on getting better", "§3.5", gain("gold", 16, 2), 0.01),
        ),
    ),
    "k": sweep(
        "K, answers ranked together", "reward", "rankings.k_min rankings.k_max", (2, 4, 9),
        Claim("nine answers teach more than two", "", accuracy(9, 2), 0.01),
        Claim("nine teach more than four", "", accuracy(9, 4), 0.0),
    ),
    "search": Experiment(
        "how the answers that people rank are found", "reward",
        {"sampled": {}, "beam search": {"rankings.search": "beams"}},
        (
            Claim("answers of one beam search are more alike", "",
                  lambda arms: arms["beam search"]["likeness"] - arms["sampled"]["likeness"], 0.1),
            Claim("sampled answers teach more", "", accuracy("sampled", "beam search"), 0.005),
        ),
    ),
    "folds": Experiment(
        "whose rankings are left out, of five groups of labelers", "reward",
        {f"without group {n}": FEW_RANKINGS | {"fold": n} for n in range(1, FOLDS + 1)},
        (
            Claim(
                "people it has not learned from are predicted a little worse", "§4.1",
                lambda arms: fmean(m["valid"]["accuracy"] - m["left_out"]["accuracy"] for m in arms.values()),
                0.005, 0.08,
            ),
        ),
    ),
    "rm_epochs": sweep(
        "passes over the rankings", "reward", "reward.epochs", (1, 2, 5),
        Claim(
            "five passes overfit", "App. C.2",
            lambda arms: arms[5]["valid"]["loss"] - arms[1]["valid"]["loss"], 0.01,
        ),
    ),
    "rm_lr": sweep(
        "learning rate of the reward model", "reward", "reward.lr", (3e-4, 6e-4, 9e-4),
        Claim("half a rate more or less hardly matters", "App. C.2",
              lambda arms: max(abs(accuracy(6e-4, lr)(arms)) for lr in (3e-4, 9e-4)), high=0.01),
    ),
    "rankings": sweep(
        "prompts that people rank", "reward", "rankings.train_prompts", (1750, 3500, 7000, 14_000),
        Claim("twice the rankings still help", "", accuracy(14_000, 7000), 0.005),
    ),
    "loss": Experiment(
        "what the reward model learns of a ranking", "reward",
        {"all pairs": {}, "the best answer": {"reward.loss": "best"}},
        (
            Claim("all pairs teach more than the best answer alone", "",
                  accuracy("all pairs", "the best answer"), 0.005),
        ),
    ),
    "screening": Experiment(
        "who ranks", "ppo_ptx",
        {"screened": {}, "everybody who applied": {"rankings.screened": False}},
        (
            Claim("screening shows in the policy", "",
                  gain("gold", "screened", "everybody who applied"), 0.01),
        ),
    ),
    "priority": Experiment(
        "what labelers are told", "ppo_ptx",
        {"help first": {}, "truth first": {"rankings.first": "truth"}},
        (
            Claim("a policy is as truthful as its labelers were told to be", "",
                  lambda arms: told_true(arms["truth first"]) - told_true(arms["help first"]), 0.03),
        ),
    ),
    "value": Experiment(
        "what the value model begins as", "ppo",
        {"the reward model": {}, "the policy": {"ppo.value_from": "start"}},
        (
            Claim("the reward model is the better beginning", "",
                  gain("gold", "the reward model", "the policy"), 0.0),
        ),
    ),
    "turns": Experiment(
        "turns of the loop, with as many rankings in all", "ppo_ptx",
        {"one turn": {}, "two turns": {"turn": 2}},
        (
            Claim("ranking what the policy says now is worth more", "",
                  gain("gold", "two turns", "one turn"), 0.0),
        ),
    ),
    "reward_size": Experiment(
        "size of policy and reward model", "ppo_ptx",
        {
            "S, judged by S": {},
            "S, judged by XS": {"reward_size": "XS"},
            "XS, judged by S": {"model.size": "XS", "reward_size": "S"},
            "XS, judged by XS": {"model.size": "XS"},
        },
        (
            Claim("a smaller judge is good enough", "App. C.2",
                  gain("gold", "S, judged by XS", "S, judged by S"), -0.03),
            Claim("a larger one makes a small policy better", "",
                  gain("gold", "XS, judged by S", "XS, judged by XS"), 0.02),
        ),
    ),
    "public_tasks": sweep(
        "passes over public tasks, as FLAN's", "flan", "flan.epochs", (1, 2, 4),
        Claim("more passes make no better answers", "Fig. 13", gain("gold", 4, 1), high=0.03),
    ),
    "an_hour": Experiment(
        "what of a little there is more of", "ppo_ptx",
        {
            "little of everything": LITTLE,
            "more demonstrations": LITTLE | {"demonstrated": 1.0},
            "more rankings": LITTLE | {"rankings.train_prompts": 14_000},
            "longer RL": LITTLE | {"ppo_ptx.episodes": 14_336},
        },
    ),
    "sizes": Experiment(
        "size of all models", "evaluation",
        {"XS": {"model.size": "XS"}, "S": {}},
        (
            Claim(
                "a small model with RLHF is better than a large one behind a prompt", "Fig. 1",
                lambda arms: arms["XS"]["ppo_ptx"]["gold"] - arms["S"]["prompted"]["gold"], 0.0,
            ),
            Claim(
                "size helps with RLHF, too", "Fig. 1",
                lambda arms: arms["S"]["ppo_ptx"]["gold"] - arms["XS"]["ppo_ptx"]["gold"], 0.05,
            ),
        ),
    ),
}  # fmt: skip
