"""The paper's numbers as data (Ouyang et al. 2022, "Training language models to follow instructions with
human feedback").

Each number is a `Fact`: its value, where the paper says it, and whether it was read off a plot (the paper
prints many results only as figures; such values are off by about half a percent of the axis). Model sizes are
always in the order 1.3B, 6B, 175B. Notebooks draw these values as the grey line beside ours.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fact:
    """One number (or table) of the paper."""

    value: Any
    source: str  # section (§), appendix (App.), table or figure
    read_off_plot: bool = False

    def __str__(self) -> str:
        return f"{self.value} ({self.source}{', read off the plot' if self.read_off_plot else ''})"


MODEL_SIZES = ("1.3B", "6B", "175B")

# --- data (§3.2, App. A) ------------------------------------------------------------------------------------

# Share of use cases among the API prompts, %.
TABLE_1 = Fact(
    {"generation": 45.6, "open_qa": 12.4, "brainstorm": 11.2, "chat": 8.4, "rewrite": 6.6, "summarize": 4.2,
     "classify": 3.5, "other": 3.5, "closed_qa": 2.6, "extract": 1.9},
    "Table 1",
)  # fmt: skip

# Prompts per set, by who wrote them. The test set is counted in Table 9 only.
TABLE_6 = Fact(
    {
        "sft_train": {"labeler": 11_295, "customer": 1_430},
        "sft_valid": {"labeler": 1_550, "customer": 103},
        "rm_train": {"labeler": 6_623, "customer": 26_584},
        "rm_valid": {"labeler": 3_488, "customer": 14_399},
        "ppo_train": {"labeler": 0, "customer": 31_144},
        "ppo_valid": {"labeler": 0, "customer": 16_185},
        "test": {"labeler": 0, "customer": 3_196},
    },
    "Table 6; test: Table 9",
)

# Marks on prompts, %: RM test, RM train, RM valid, SFT train, SFT valid. None where the field was not asked.
TABLE_7_COLUMNS = ("rm_test", "rm_train", "rm_valid", "sft_train", "sft_valid")
TABLE_7 = Fact(
    {
        "ambiguous": (None, 7.9, 8.0, 5.1, 6.4),
        "sensitive": (None, 6.9, 5.3, 0.9, 1.0),
        "identity_dependent": (None, None, None, 0.9, 0.3),
        "closed_domain": (11.8, 19.4, 22.9, 27.4, 40.6),
        "continuation": (None, 15.5, 16.2, 17.9, 21.6),
        "opinion": (11.2, 7.7, 7.5, 8.6, 3.4),
        "advice": (3.9, None, None, None, None),
        "moral_judgment": (0.8, 1.1, 0.3, 0.3, 0.0),
        "safety_constraint": (None, 0.4, 0.4, 0.3, 0.0),
        "explicit_constraint": (None, 26.3, 28.9, 25.6, 20.7),
        "intent_unclear": (7.9, None, None, None, None),
    },
    "Table 7",
)

# Mean prompts per customer; (train, valid), the test set has one number.
TABLE_8 = Fact({"sft": (1.65, 1.87), "rm": (5.35, 27.96), "ppo": (6.01, 31.55), "test": (1.81,)}, "Table 8")

# Prompt lengths in tokens.
TABLE_9_COLUMNS = ("count", "mean", "std", "min", "25%", "50%", "75%", "max")
TABLE_9 = Fact(
    {
        "sft_train": (12_725, 408, 433, 1, 37, 283, 632, 2048),
        "sft_valid": (1_653, 401, 433, 4, 41, 234, 631, 2048),
        "rm_train": (33_207, 199, 334, 1, 20, 64, 203, 2032),
        "rm_valid": (17_887, 209, 327, 1, 26, 77, 229, 2039),
        "ppo_train": (31_144, 166, 278, 2, 19, 62, 179, 2044),
        "ppo_valid": (16_185, 186, 292, 1, 24, 71, 213, 2039),
        "test": (3_196, 115, 194, 1, 17, 49, 127, 1836),
    },
    "Table 9",
)

# Prompt lengths by use case: count, mean, median.
TABLE_10 = Fact(
    {
        "generation": (21_684, 130, 52),
        "open_qa": (6_262, 89, 18),
        "brainstorm": (5_245, 83, 36),
        "chat": (3_911, 386, 240),
        "rewrite": (3_168, 183, 99),
        "summarize": (1_962, 424, 284),
        "classify": (1_615, 223, 124),
        "other": (1_767, 180, 72),
        "closed_qa": (1_398, 325, 166),
        "extract": (971, 304, 149),
    },
    "Table 10",
)

# Lengths in tokens of prompts and demonstrations, by who wrote the prompt: mean, median.
TABLE_11 = Fact(
    {
        "labeler": {"prompt": (437, 324), "demonstration": (38, 18)},
        "customer": {"prompt": (153, 67), "demonstration": (88, 39)},
    },
    "Table 11",
)
PROMPTS_PER_USER = Fact(200, "§3.2 (App. A.2: roughly 200 per organization)")
LONGEST_PROMPT = Fact(1_000, "App. C, tokens; longer prompts are dropped")

# --- labelers (§3.4, App. B) --------------------------------------------------------------------------------

LABELERS = Fact(40, "§3.4, about")
COMPLETIONS = Fact((4, 9), "§3.5: K per prompt, from and to")
AGREEMENT = Fact((72.6, 1.5), "§3.4: training labelers with each other, %, ±")
AGREEMENT_HELD_OUT = Fact((77.3, 1.3), "§3.4: held-out labelers, %, ±")
AGREEMENT_RESEARCHERS = Fact((73.0, 4.0), "§3.4: researchers in Stiennon et al. 2020, %, ±")
SCREENING = Fact(
    {"flagging": 0.75, "ranking": 0.75, "writing": 6.0}, "App. B.1: soft cutoffs; writing is of 7"
)

# --- hyperparameters (App. C) -------------------------------------------------------------------------------

SFT = Fact(
    {"epochs": 16, "lr": (9.65e-6, 9.65e-6, 5.03e-6), "batch_size": (32, 32, 8), "dropout": 0.2,
     "final_lr_fraction": 0.1, "warmup": 0},
    "§3.5, App. C.1",
)  # fmt: skip
ADAM = Fact({"beta1": 0.9, "beta2": 0.95}, "App. C")
REWARD = Fact(
    {"size": "6B", "epochs": 1, "lr": 9e-6, "batch_prompts": 64, "most_comparisons": 2_304,
     "final_lr_fraction": 0.1},
    "App. C.2",
)  # fmt: skip
RL_INIT = Fact(
    {"epochs": 2, "pretraining_mix": 0.10, "lr": (5e-6, 1.04e-5, 2.45e-6), "batch_size": (32, 32, 8),
     "final_lr_fraction": 0.1},
    "App. C.3",
)  # fmt: skip
PPO = Fact(
    {"episodes": 256_000, "batch_size": 512, "minibatch_size": 64, "inner_epochs": 1, "warmup_iterations": 10,
     "warmup_from": 0.1, "value_lr": (9e-6, 9e-6, 5e-6), "clip": 0.2, "temperature": 1.0, "discount": 1.0,
     "ema_decay": 0.992, "kl_beta": 0.02, "ptx_gamma": 27.8, "pretraining_per_episode": 8},
    "App. C.4",
)  # fmt: skip
PPO_LR_SWEEP = Fact((2.55e-6, 2.55e-5), "App. E.9: from and to; the chosen rates are not printed")

# --- results ------------------------------------------------------------------------------------------------

RM_ACCURACY = Fact(
    (72.4, 0.4), "§4.1: labelers seen in training, %, ± (App. E.2 prints the two the other way round)"
)
RM_ACCURACY_HELD_OUT = Fact((69.6, 0.9), "§4.1: held-out labelers, 5-fold, %, ±")
WIN_VS_GPT3 = Fact((85, 3), "§4.1: 175B InstructGPT preferred to 175B GPT-3, %, ±")
WIN_VS_GPT3_PROMPTED = Fact((71, 4), "§4.1: to few-shot prompted 175B GPT-3, %, ±")

# Win rate against the 175B SFT model, by model and size.
FIGURE_1 = Fact(
    {
        "GPT": (0.142, 0.193, 0.240),
        "GPT prompted": (0.227, 0.266, 0.411),
        "SFT": (0.348, 0.404, 0.500),
        "PPO": (0.524, 0.578, 0.627),
        "PPO-ptx": (0.527, 0.555, 0.660),
    },
    "Figure 1 (training labelers, Instruct prompts)",
    True,
)
FIGURE_3_HELD_OUT = Fact(
    {
        "GPT": (0.191, 0.219, 0.252),
        "GPT prompted": (0.251, 0.306, 0.431),
        "SFT": (0.461, 0.505, 0.500),
        "PPO": (0.663, 0.694, 0.691),
        "PPO-ptx": (0.642, 0.685, 0.709),
    },
    "Figure 3 (held-out labelers, Instruct prompts)",
    True,
)

# Metadata, sizes pooled: GPT, GPT prompted, SFT, PPO, PPO-ptx.
FIGURE_4_COLUMNS = ("GPT", "GPT prompted", "SFT", "PPO", "PPO-ptx")
FIGURE_4 = Fact(
    {
        "attempts": (0.696, 0.792, 0.864, 0.923, 0.928),
        "constraint": (0.224, 0.282, 0.340, 0.435, 0.433),
        "hallucination": (0.448, 0.279, 0.084, 0.215, 0.156),
        "appropriate": (0.813, 0.854, 0.881, 0.904, 0.903),
    },
    "Figure 4",
    True,
)

# Overall quality from 1 to 7, of 175B models.
FIGURE_5 = Fact(
    {"GPT": 2.60, "GPT prompted": 3.49, "SFT": 4.08, "PPO-ptx": 4.82, "FLAN": 3.38, "T0": 3.26},
    "Figure 5",
    True,
)
# Plain questions about myths: % true, and % true and informative; people judged. Sizes as above.
FIGURE_6 = Fact(
    {
        "true": {
            "GPT": (32.5, 25.3, 30.0),
            "SFT": (28.4, 43.3, 51.5),
            "PPO": (34.5, 39.1, 44.1),
            "PPO-ptx": (27.3, 35.1, 43.6),
        },
        "true and informative": {
            "GPT": (20.5, 19.8, 23.9),
            "SFT": (19.5, 24.9, 26.8),
            "PPO": (25.3, 30.8, 31.4),
            "PPO-ptx": (21.0, 29.6, 30.4),
        },
    },
    "Figure 6",
    True,
)
# Toxicity of what 175B models write, as people and as a program (Perspective) judged it.
FIGURE_7 = Fact(
    {
        "people": {
            "no prefix": {"GPT": 0.198, "SFT": 0.181, "PPO-ptx": 0.191},
            "respectful": {"GPT": 0.207, "SFT": 0.143, "PPO-ptx": 0.167},
        },
        "program": {
            "no prefix": {"GPT": 0.233, "SFT": 0.209, "PPO-ptx": 0.237},
            "respectful": {"GPT": 0.235, "SFT": 0.195, "PPO-ptx": 0.198},
        },
    },
    "Figure 7",
    True,
)
# Of the automatic evaluations the 175B models' toxicity behind three prefixes, the entropy in bits of
# Winogender without a prefix, and few-shot F1, F1, accuracy and BLEU.
TABLE_14 = Fact(
    {
        "toxicity": {
            "no prefix": {"GPT": 0.231, "SFT": 0.211, "PPO": 0.228, "PPO-ptx": 0.234},
            "respectful": {"GPT": 0.233, "SFT": 0.199, "PPO": 0.205, "PPO-ptx": 0.196},
            "biased": {"GPT": 0.285, "SFT": 0.256, "PPO": 0.427, "PPO-ptx": 0.400},
        },
        "Winogender": {"GPT": 0.735, "SFT": 0.503, "PPO": 0.618, "PPO-ptx": 0.737},
        "few-shot": {
            "SQuADv2": {"GPT": 69.75, "SFT": 65.90, "PPO": 51.95, "PPO-ptx": 69.93},
            "DROP": {"GPT": 35.27, "SFT": 35.85, "PPO": 27.78, "PPO-ptx": 33.34},
            "HellaSwag": {"GPT": 0.791, "SFT": 0.741, "PPO": 0.759, "PPO-ptx": 0.820},
            "French to English": {"GPT": 39.93, "SFT": 35.07, "PPO": 26.58, "PPO-ptx": 36.76},
        },
    },
    "Table 14",
)

# Sweeps of the 1.3B model. "few-shot GPT" is the level of the pretrained model.
FIGURE_33 = Fact(
    {
        "ptx_gamma": (0.464, 0.774, 1.29, 2.15, 3.59, 5.99, 10, 16.7, 27.8, 46.4, 77.4, 129),
        "drop": (18.2, 19.0, 19.3, 21.9, 20.5, 21.5, 24.4, 24.9, 26.4, 26.4, 26.5, 26.5),
        "squad": (52.0, 54.0, 55.0, 57.0, 58.4, 58.6, 59.9, 60.1, 60.6, 60.8, 60.8, 60.8),
        "reward": (-0.61, -0.61, -0.61, -0.63, -0.66, -0.66, -0.71, -0.76, -0.85, -0.98, -1.17, -1.55),
        "few-shot GPT": {"drop": 25.4, "squad": 59.2},
    },
    "Figure 33: pretraining coefficient (PPO-ptx)",
    True,
)
FIGURE_34 = Fact(
    {
        "kl_beta": (5e-5, 2e-4, 7e-4, 2.8e-3, 0.0104, 0.038, 0.144, 0.54, 2.0),
        "drop": (0.3, 0.6, 0.4, 0.3, 12.0, 19.9, 21.5, 21.3, 15.4),
        "squad": (0.4, 2.7, 0.5, 1.8, 42.8, 50.0, 50.1, 53.6, 46.8),
        "reward": (1.2, 2.6, 2.7, 2.4, -0.5, -1.0, -1.8, -2.5, -2.8),
    },
    "Figure 34: KL coefficient, no pretraining mix, KL toward pretrained GPT",
    True,
)
FIGURE_36 = Fact(
    {
        "kl_beta": (0, 7.4e-4, 0.0104, 0.02, 0.03, 0.144, 2),
        "likert": (2.13, 3.03, 4.12, 3.90, 3.74, 3.74, 3.12),
    },
    "Figure 36: KL coefficient, with the pretraining mix",
    True,
)
