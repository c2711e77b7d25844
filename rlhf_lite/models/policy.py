"""The two kinds of model, both plain GPT-2 of transformers: a policy (next-token logits) and scalar models.

A scalar model is a policy whose unembedding was replaced by a projection to one number (App. C). As a reward
model it is read at the last real token, as a value model at every token. All are float32 in memory, without
dropout (or PPO's ratios would not start at 1), with fused GELU and the device's fastest attention. Their
folders load with transformers' AutoModelForCausalLM and AutoModelForSequenceClassification.
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
import transformers
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from .kernels import linear
from .losses import last_index, token_logprobs, upcast
from .precision import few_shapes, working_dtype
from .tokens import Encoded, Source, pretrained_source, save_tokenizer
from .trunk import pack, trunk

FUSED_GELU = "gelu_pytorch_tanh"  # the function of GPT-2's "gelu_new", in one operation instead of eight
OWN_GELU = (
    "gelu"  # within 0.0005 of it, and 2 to 5 times faster on a CPU: for models that we train from the start
)
NO_DROPOUT = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}


# --- Make ---------------------------------------------------------------------------------------------------


def new_policy(model_cfg, tokenizer: PreTrainedTokenizerFast, seed: int = 0) -> GPT2LMHeadModel:
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
        return place(GPT2LMHeadModel(config), "cpu").eval()


def new_scalar_model(policy: GPT2LMHeadModel, seed: int = 0) -> GPT2ForSequenceClassification:
    """A copy of the policy's trunk with a new head N(0, 1/(D+1)) to one number (§3.5; init: Ziegler 2019).

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


def fit_to_tokenizer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Set a model's special ids; for each token it lacks (GPT-2: pad) add a row, the mean of the others."""
    old, wanted = model.config.vocab_size, len(tokenizer)
    if wanted > old + max(8, old // 100):
        raise ValueError(
            f"the tokenizer has {wanted:,} tokens, the model knows {old:,}: they do not belong together; give the "
            "model's own tokenizer"
        )
    if wanted > old:
        with _quiet(), torch.no_grad():
            rows = model.resize_token_embeddings(len(tokenizer), mean_resizing=False).weight
            rows[old:] = rows[:old].mean(dim=0)
    for config in filter(None, (model.config, getattr(model, "generation_config", None))):
        for name, value in _special_ids(tokenizer).items():
            setattr(config, name, value)


def place(model: PreTrainedModel, device: torch.device | str) -> PreTrainedModel:
    """Move a model and give it the attention that is fastest there: eager on CPU (short T), sdpa on a GPU."""
    model.set_attn_implementation("sdpa" if torch.device(device).type == "cuda" else "eager")
    return model.to(device)


# --- Load and save ------------------------------------------------------------------------------------------


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


def read_config(path: Source) -> GPT2Config:
    """What a checkpoint says of itself, without its weights."""
    return _config_at(pretrained_source(path), path)


def _config_at(source: dict, path: Source) -> GPT2Config:
    with _quiet():
        config = AutoConfig.from_pretrained(**source)
    if config.model_type != "gpt2":
        raise ValueError(f"{path!s} holds a {config.model_type!r} model; give a GPT-2 family checkpoint")
    return config


def _load(cls: type[PreTrainedModel], path: Source) -> PreTrainedModel:
    source = pretrained_source(path)  # asked once: where no hub answers, that takes its time
    config = _config_at(source, path)
    with _quiet():
        if config.activation_function == "gelu_new":
            config.activation_function = FUSED_GELU
        config.update(NO_DROPOUT)
        options = {"config": config, "dtype": torch.float32, "output_loading_info": True}
        model, report = cls.from_pretrained(**source, **options)
    strange = set(report["missing_keys"]) | ({"score.weight"} & set(report["unexpected_keys"]))
    if strange:
        raise ValueError(f"{path!s} is no {cls.__name__} (see {sorted(strange)[:3]}); give a folder of one")
    return model.eval()


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
        mode = (
            (Path(temporary) / "config.json").stat().st_mode
        )  # safetensors would let nobody but its owner read the weights
        for file in Path(temporary).iterdir():
            file.chmod(mode)
            with file.open("r+b") as handle:
                os.fsync(handle.fileno())
            os.replace(file, folder / file.name)


# --- Call: what each model is asked, on `trunk` -------------------------------------------------------------


def policy_logits(policy: GPT2LMHeadModel, ids: Tensor, mask: Tensor, keep: int | None = None) -> Tensor:
    """Next-token logits: ids, mask (B, T) -> (B, T, V), or of the last `keep` positions only (B, keep, V).

    logits[:, t] predict ids[:, t + 1]. Padding may be on either side; its logits are 0.
    """
    where = _last_columns(mask, keep)
    logits = logits_where(policy, ids, mask, where)  # (N, V)
    return spread(logits, where)[:, -(keep or ids.shape[1]) :]


def logits_where(policy: GPT2LMHeadModel, ids: Tensor, mask: Tensor, where: Tensor) -> Tensor:
    """Next-token logits at chosen real tokens only: ids, mask, where (B, T) -> (N, V), N = where.sum(), row by row.

    The vocabulary is the widest layer of a small model; skipping it on prompts saves a third of a step.
    """
    hidden = trunk(policy, pack(ids, mask), _chosen(mask, where))  # (N, D)
    return head_logits(policy, hidden)


def head_logits(policy: GPT2LMHeadModel, hidden: Tensor) -> Tensor:
    """The vocabulary's logits of hidden states: (N, D) -> (N, V)."""
    N = len(hidden)
    hidden = F.pad(hidden, (0, 0, 0, few_shapes(N, step=64) - N))
    return linear(hidden, policy.lm_head.weight.t())[:N]


def response_logits(policy: GPT2LMHeadModel, prompts: Encoded, tokens: Tensor, mask: Tensor) -> Tensor:
    """Logits from which each real response token was drawn, row by row: prompts (B, P), tokens, mask (B, T) -> (N, V).

    One forward over prompt and response; what y_t was drawn from is read one place *before* y_t.
    """
    ids, real, before = _exchanges(prompts, tokens, mask)
    return logits_where(policy, ids, real, before)


def response_logprobs(
    policy: GPT2LMHeadModel, prompts: Encoded, tokens: Tensor, mask: Tensor, temperature: float | Tensor = 1.0
) -> Tensor:
    """log pi of sampled tokens: prompts (B, P) ids and mask, tokens and mask (B, T) -> (B, T), 0 on padding.

    temperature: one for all, or (B, 1).
    """
    logits, where = response_logits(policy, prompts, tokens, mask), mask.bool()  # (N, V)
    if isinstance(temperature, Tensor):
        temperature = temperature.expand(mask.shape)[where][:, None]  # (N, 1)
    return spread(token_logprobs(logits, tokens[where], temperature), where)


def response_values(
    model: GPT2ForSequenceClassification, prompts: Encoded, tokens: Tensor, mask: Tensor
) -> Tensor:
    """V of the state *before* each response token: as in `response_logprobs`, (B, T), 0 on padding."""
    ids, real, before = _exchanges(prompts, tokens, mask)
    return spread(values_where(model, ids, real, before), mask.bool())


def token_values(
    model: GPT2ForSequenceClassification, ids: Tensor, mask: Tensor, keep: int | None = None
) -> Tensor:
    """The scalar head at every token, 0 on padding: (B, T) -> (B, T), or at the last `keep` of them only: (B, keep)."""
    where = _last_columns(mask, keep)
    return spread(values_where(model, ids, mask, where), where)[:, -(keep or ids.shape[1]) :]


def values_where(model: GPT2ForSequenceClassification, ids: Tensor, mask: Tensor, where: Tensor) -> Tensor:
    """The scalar head at chosen real tokens: ids, mask, where (B, T) -> (N,), row by row."""
    return _scores(model, trunk(model, pack(ids, mask), _chosen(mask, where)))


def _scores(model: GPT2ForSequenceClassification, hidden: Tensor) -> Tensor:
    """The score head: (N, D) -> (N,). One number a text is worth float32: in bfloat16 a score of 8 is good to 0.03."""
    return (upcast(hidden) * model.score.weight).sum(dim=-1)


def reward(model: GPT2ForSequenceClassification, ids: Tensor, mask: Tensor) -> Tensor:
    """The scalar head at each row's last real token, its EOS unless it was cut off: (B, T) -> (B,).

    A model with a question (RewardConfig.question) reads that in place of EOS.
    """
    ids, mask = with_question(model, ids, mask)
    return values_where(model, ids, mask, F.one_hot(last_index(mask), mask.shape[1]).bool())


def spread(x: Tensor, where: Tensor) -> Tensor:
    """What belongs to the chosen places, (N, ...), row by row, back at them, 0 elsewhere: where (B, T) -> (B, T, ...)."""
    return x.new_zeros(*where.shape, *x.shape[1:]).index_put((where,), x)


def _last_columns(mask: Tensor, keep: int | None) -> Tensor:
    """The real tokens among the last `keep` columns, or all of them: (B, T) -> bool (B, T)."""
    T = mask.shape[1]
    return mask.bool() & (torch.arange(T, device=mask.device) >= T - (keep or T))


def _chosen(mask: Tensor, where: Tensor) -> Tensor:
    """Among the real tokens, counted row by row, those that are chosen: (B, T) twice -> (N,)."""
    return where[mask.bool()].nonzero()[:, 0]


def _exchanges(prompts: Encoded, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Left-padded prompts with their responses: ids, mask (B, P + T), and where the *next* token is one of the response."""
    ids, real = torch.cat([prompts[0], tokens], dim=1), torch.cat([prompts[1], mask], dim=1)
    P, T = prompts[0].shape[1], tokens.shape[1]
    return ids, real, F.pad(mask.bool(), (P - 1, 1))[:, : P + T]


def with_question(model: GPT2ForSequenceClassification, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The model's question, if it has one, in place of each row's EOS, or of its end if there is no room: (B, T + Q)."""
    if not (question := ids.new_tensor(question_ids(model))).numel():
        return ids, mask
    (B, _), Q = ids.shape, len(question)
    first, last = mask.argmax(dim=1), last_index(mask)  # (B,)
    ended = ids.gather(1, last[:, None])[:, 0] == model.config.eos_token_id
    length = (last + 1 - first - ended.long()).clamp(max=model.config.n_positions - Q)
    columns = (first + length)[:, None] + torch.arange(Q, device=ids.device)  # (B, Q)
    ids, mask = F.pad(ids, (0, Q)), F.pad(mask, (0, Q))  # (B, T + Q)
    return ids.scatter(1, columns, question.expand(B, Q)), mask.scatter(1, columns, 1)


def question_ids(model: GPT2ForSequenceClassification) -> list[int]:
    """What a reward model reads after an answer; `train_reward` sets it, and it is saved with the model."""
    return getattr(model.config, "question_ids", [])


def group_rewards(
    model: GPT2ForSequenceClassification, ids: Tensor, places: Tensor, parts: Tensor, last: Tensor
) -> Tensor:
    """Rewards of all answers to a prompt from one row that holds the prompt once: (B, K), as `reward` gives them.

    ids (B, T): a prompt and after it its answers, each with its EOS (or the question); places (B, T): each token's position
    in its own exchange; parts (B, T): 0 on the prompt, k on its k-th answer, -1 on padding; last (B, K): where answers end.
    This is what makes K answers "a single batch element" (§3.5): an answer sees the prompt and itself, nothing else.
    """
    texts, length = pack(ids, parts >= 0, places), (parts >= 0).sum(dim=1)  # padding is on the right
    parts = F.pad(parts, (0, texts.grid.shape[1] - parts.shape[1]), value=-1)  # as wide as the grid
    texts = texts._replace(blocked=block_mask(parts, working_dtype(model.score.weight)))
    ends, which = (last + (length.cumsum(dim=0) - length)[:, None]).unique(
        return_inverse=True
    )  # (M,), (B, K)
    return _scores(model, trunk(model, texts, read=ends))[which]


def block_mask(parts: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to attention scores: 0 where token i may see token j, else very negative. (B, T) -> (B, 1, T, T)"""
    earlier = torch.ones(parts.shape[1], parts.shape[1], dtype=torch.bool, device=parts.device).tril()
    seen = earlier & ((parts[:, :, None] == parts[:, None, :]) | (parts[:, None, :] == 0))  # (B, T, T)
    return torch.zeros(seen.shape, dtype=dtype, device=parts.device).masked_fill(
        ~seen, torch.finfo(dtype).min
    )[:, None]


@torch.no_grad()
def shift_scores(model: GPT2ForSequenceClassification, delta: float) -> None:
    """Add delta to every score, in place: the bias that puts demonstrations at mean 0 before RL (§3.5).

    score = w . (g * x_normed + b), so b <- b + delta w / |w|^2 adds exactly delta for every input. There is
    no extra weight, so whoever loads the model gets the shift too.
    """
    head = model.score.weight[0].double()  # (D,)
    if not head.any():
        raise ValueError("the score head is all zeros, no shift can reach the score; train the model first")
    bias = model.transformer.ln_f.bias
    bias.copy_(bias.double() + delta * head / head.dot(head))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off inside, the former mode afterwards."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


# --- Helpers ------------------------------------------------------------------------------------------------


def _special_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    bos = tokenizer.bos_token_id
    eos, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    return {"bos_token_id": eos if bos is None else bos, "eos_token_id": eos, "pad_token_id": pad}


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
