"""Policies and scalar models made, loaded and saved: plain GPT-2 of transformers, in folders that AutoModel
loads.

All are float32 in memory, without dropout (or PPO's ratios would not start at 1).
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from torch import nn
from transformers import (
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from ..data.files import lacks
from ..data.network import Source, pretrained_source
from .tokens import save_tokenizer

FUSED_GELU = "gelu_pytorch_tanh"  # the function of GPT-2's "gelu_new", in one operation instead of eight
OWN_GELU = "gelu"  # within 0.0005 of it, and 2 to 5 times faster on a CPU: for models trained from the start
NO_DROPOUT = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}


def new_policy(
    model_cfg, tokenizer: PreTrainedTokenizerFast, seed: int = 0, device: torch.device | str = "cpu"
) -> GPT2LMHeadModel:
    """A GPT-2 with random weights; model_cfg has .width, .layers, .heads and .n_positions."""
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=model_cfg.n_positions,
        n_embd=model_cfg.width,
        n_layer=model_cfg.layers,
        n_head=model_cfg.heads,
        activation_function=OWN_GELU,
        **NO_DROPOUT,
        **_special_ids(tokenizer),
    )
    with _seeded(seed):
        return place(GPT2LMHeadModel(config), device).eval()


def new_scalar_model(policy: GPT2LMHeadModel, seed: int = 0) -> GPT2ForSequenceClassification:
    """A copy of the policy's layers with a new head N(0, 1/(D+1)) to one number (§3.5; init: Ziegler 2019).

    The head has no bias of its own; `shift_scores` is the bias that §3.5 sets before RL.
    """
    config = copy.deepcopy(policy.config)
    config.num_labels, config.architectures = 1, None
    if config.pad_token_id is None:
        raise ValueError("the policy has no pad_token_id; load it as load_policy(path, tokenizer)")
    with _seeded(seed):
        model = GPT2ForSequenceClassification(config)
        nn.init.normal_(model.score.weight, std=(config.n_embd + 1) ** -0.5)
    model.transformer.load_state_dict(policy.transformer.state_dict())
    return place(model, policy.device).eval()


PADDING = 128  # rows without a token that a vocabulary may have
SPECIAL = ("bos_token_id", "eos_token_id", "pad_token_id")


def fit_to_tokenizer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Set a model's special ids, and give it one row for each token. Those that it lacks (GPT-2: pad) are the
    mean of the others; those beyond, which make some vocabularies round numbers, go, or they would be drawn.
    """
    old, wanted = model.config.vocab_size, len(tokenizer)
    if wanted > old + max(8, old // 100) or wanted < old - max(PADDING, old // 100):
        raise ValueError(
            f"the tokenizer has {wanted:,} tokens, the model knows {old:,}: they do not belong together; "
            "give the model's own tokenizer"
        )
    if wanted != old:
        pad_is_last = tokenizer.pad_token_id == wanted - 1  # in a row that meant nothing until now
        known = old if wanted > old else wanted - pad_is_last
        with _quiet(), torch.no_grad():
            model.resize_token_embeddings(wanted, mean_resizing=False)
            for layer in filter(None, (model.get_input_embeddings(), model.get_output_embeddings())):
                layer.weight[known:] = layer.weight[:known].mean(dim=0)
    for config in filter(None, (model.config, getattr(model, "generation_config", None))):
        for name, value in _special_ids(tokenizer).items():
            setattr(config, name, value)


def place(model: PreTrainedModel, device: torch.device | str) -> PreTrainedModel:
    """Move a model and give it the attention that is fastest there: eager on CPU (short T), sdpa on a GPU."""
    model.set_attn_implementation("sdpa" if torch.device(device).type == "cuda" else "eager")
    return model.to(device)


def load_policy(
    path: Source, tokenizer: PreTrainedTokenizerFast | None = None, device: torch.device | str = "cpu"
) -> GPT2LMHeadModel:
    """Any GPT-2 family checkpoint, by folder or hub name; with a tokenizer, fitted to its tokens."""
    policy = _load(GPT2LMHeadModel, path)
    if tokenizer is not None:
        fit_to_tokenizer(policy, tokenizer)
    return place(policy, device)


def load_scalar_model(path: Source, device: torch.device | str = "cpu") -> GPT2ForSequenceClassification:
    """A trained reward or value model; without a score head in the folder an error, never a random head."""
    model = _load(GPT2ForSequenceClassification, path)
    if model.num_labels != 1:
        raise ValueError(f"{path!s} scores {model.num_labels} labels; give a model with one, the reward")
    return place(model, device)


def read_config(path: Source, source: dict | None = None) -> GPT2Config:
    """What a checkpoint says of itself, without its weights. source: what `pretrained_source` says of the
    path."""
    source = source or pretrained_source(path)
    folder = Path(source["pretrained_model_name_or_path"])
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise ValueError(lacks(folder, "model"))
    with _quiet():
        config = transformers.AutoConfig.from_pretrained(**source)
    if config.model_type != "gpt2":
        raise ValueError(f"{path!s} holds a {config.model_type!r} model; give a GPT-2 family checkpoint")
    known = transformers.activations.ACT2FN
    act = known[config.activation_function] if config.activation_function in known else None
    if act is None or (isinstance(act, nn.Module) and list(act.parameters())):  # with weights of its own
        raise ValueError(f"{path!s}: there is no activation_function {config.activation_function!r} here")
    for name in ("add_cross_attention", "quantization_config"):
        if getattr(config, name, None):
            raise ValueError(f"{path!s} is no plain GPT-2: its config has {name}; give one without")
    return config


def _load(cls: type[PreTrainedModel], path: Source) -> PreTrainedModel:
    source = pretrained_source(path)  # asked once: where no hub answers, that takes its time
    config = read_config(path, source)
    with _quiet():
        if config.activation_function == "gelu_new":
            config.activation_function = FUSED_GELU
        config.update(NO_DROPOUT | {"return_dict": True, "output_attentions": False})
        options = {"config": config, "dtype": torch.float32, "output_loading_info": True}
        try:
            model, report = cls.from_pretrained(**source, **options)
        except RuntimeError as error:  # shapes
            raise ValueError(f"{path!s}: config and weights do not fit: {error}") from None
    strange = set(report["missing_keys"]) | ({"score.weight"} & set(report["unexpected_keys"]))
    if strange:
        raise ValueError(f"{path!s} is no {cls.__name__} (see {sorted(strange)[:3]}); give a folder of one")
    _fold_scales(model)
    if hasattr(model, "lm_head"):  # how others sampled from the model is not how it is trained here
        model.config.__dict__.pop("task_specific_params", None)
        model.generation_config = transformers.GenerationConfig(
            **{name: getattr(config, name) for name in SPECIAL}
        )
    return model.eval()


@torch.no_grad()
def _fold_scales(model: PreTrainedModel) -> None:
    """Attention that is not scaled by 1 / sqrt(D / heads) alone, as in Stanford's models, made usual: the
    queries' weights take up the rest, so that the function stays the same."""
    config, D = model.config, model.config.n_embd
    usual = (D // config.n_head) ** -0.5
    for attn in (block.attn for block in model.transformer.h):
        if attn.scaling != usual:
            attn.c_attn.weight[:, :D] *= attn.scaling / usual
            attn.c_attn.bias[:D] *= attn.scaling / usual
        attn.scaling, attn.reorder_and_upcast_attn = usual, False
    for name in ("scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn"):
        setattr(config, name, False)
    config.scale_attn_weights = True


def save_model(
    model: PreTrainedModel,
    folder: Source,
    dtype: torch.dtype = torch.float32,
    tokenizer: PreTrainedTokenizerFast | None = None,
) -> None:
    """Write config.json, model.safetensors and, if given, the tokenizer's files; each appears whole or not.

    dtype=torch.bfloat16 halves the file: matrices are rounded. Vectors and the score head stay float32, for
    they weigh little and hold the zero point of the rewards (`shift_scores`).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: p.detach() for name, p in model.named_parameters()}  # tied ones once
    weights = {n: w.to(dtype) if w.ndim > 1 and n != "score.weight" else w for n, w in weights.items()}
    with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as temporary, _quiet():
        model.save_pretrained(temporary, state_dict=weights)
        if tokenizer is not None:
            save_tokenizer(tokenizer, temporary, model.config.n_positions, scores=hasattr(model, "score"))
        mode = (Path(temporary) / "config.json").stat().st_mode
        for file in Path(temporary).iterdir():
            file.chmod(mode)  # safetensors would let nobody but its owner read the weights
            with file.open("r+b") as handle:
                os.fsync(handle.fileno())
            os.replace(file, folder / file.name)


def _special_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    bos = tokenizer.bos_token_id
    eos, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    return dict(zip(SPECIAL, (eos if bos is None else bos, eos, pad), strict=True))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw from a seed inside, leave the global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' progress bars and load reports; what matters is raised as an error here."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
