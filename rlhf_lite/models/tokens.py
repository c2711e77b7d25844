"""Text <-> token ids, and the one template of this project.

    exchange = prompt tokens, newline, response tokens, EOS            (no chat tokens)

Prompts are padded on the left, so that all responses start in one column, whole exchanges on the right. Pad
is a token of its own: with pad = EOS, EOS would be masked out of every loss and no model learn to stop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch import Tensor
from transformers import AutoTokenizer, GPT2Tokenizer, PreTrainedTokenizerFast

from ..data.files import lacks
from ..data.network import Source, pretrained_source

EOS, PAD = "<|endoftext|>", "<|pad|>"
END_OF_PROMPT = "\n"
OPENING = ('"', "(")  # signs before the first word of a quote
# The same for whoever has messages: a user's content ends in a newline, an assistant's in EOS, and there are
# no other signs.
CHAT_TEMPLATE = (
    "{% for turn in messages %}"
    "{{ turn['content'] + (eos_token if turn['role'] == 'assistant' else '\\n') }}"
    "{% endfor %}"
)
IGNORED = -100  # label of a token that no loss looks at
_PIECES = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]|\s"  # a word, number or sign with its space; a blank


class PromptError(ValueError):
    """A prompt that the model cannot take; the message is written for the person who typed it."""


class Encoded(NamedTuple):
    """Prompts, padded on the left: ids and mask (B, P)."""

    ids: Tensor
    mask: Tensor


class Exchanges(NamedTuple):
    """Prompts with responses, padded on the right: ids, mask, labels (B, T) and the last real index (B,).

    labels[:, t] equals ids[:, t] on the response and its EOS and is -100 elsewhere: *not* shifted.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor
    last: Tensor


# --- The tokenizer ------------------------------------------------------------------------------------------


def build_tokenizer(words: Iterable[str]) -> PreTrainedTokenizerFast:
    """A word-level tokenizer with byte fallback: every word one token, everything else one token per byte.

    Words and numbers are stored with the space before them, other signs as given ("." or " -"). Each line is
    read as if it began with a space, so a word is the *same* token at the start of a text or line and in its
    middle, and so is an opening quote or bracket. A word glued to another sign ("/cat") is another token:
    bytes, unless it was given that way.

    text -> ids -> text is exact for all valid Unicode, blanks included. ids -> text -> ids is exact only for
    ids that came from text: a sampled line that begins without a space gets one, bytes that are no UTF-8 are
    shown as U+FFFD, and a word sampled letter by letter comes back as one token.
    """
    split = pre_tokenizers.Split(Regex(_PIECES), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    pre = pre_tokenizers.Sequence([split, to_bytes])
    spaced = (f" {w}" if w[0].isalnum() else w for w in words if w)
    pieces = (piece for w in spaced for piece, _ in pre.pre_tokenize_str(w))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())  # 256 characters, one for each byte
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys([EOS, PAD, *alphabet, *pieces]))}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    backend.pre_tokenizer = pre
    backend.normalizer = (
        normalizers.Sequence(  # a space before every line that is not empty, inside quotes ...
            [
                normalizers.Prepend(" "),
                normalizers.Replace(Regex(r"\A (?=\n)"), ""),
                normalizers.Replace(Regex(r"\n(?=.)"), "\n "),
                *(
                    normalizers.Replace(Regex(rf" {re.escape(sign)}(?=[ \w])"), f" {sign} ")
                    for sign in OPENING
                ),
            ]
        )
    )
    quoted = [decoders.Replace(f" {sign} ", f" {sign}") for sign in reversed(OPENING)]
    undo = [*quoted, decoders.Replace("\n ", "\n"), decoders.Strip(" ", 1, 0)]  # ... which decoding undoes
    backend.decoder = decoders.Sequence([decoders.ByteLevel(), *undo])
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=EOS, bos_token=EOS, pad_token=PAD)


def load_tokenizer(path: Source) -> PreTrainedTokenizerFast:
    """Tokenizer by folder (ours, or GPT-2's vocab.json and merges.txt) or hub name, with its own pad."""
    source = pretrained_source(path)
    folder = Path(source["pretrained_model_name_or_path"])
    described = any((folder / f).exists() for f in ("tokenizer.json", "tokenizer_config.json"))
    bare = (folder / "vocab.json").exists() and not described
    if folder.is_dir() and not (described or bare):
        raise ValueError(lacks(folder, "tokenizer"))
    tokenizer: Any = (GPT2Tokenizer if bare else AutoTokenizer).from_pretrained(**source)
    if tokenizer.eos_token_id is None:
        raise ValueError(f"the tokenizer in {path!s} has no eos_token; set one, models learn to stop by it")
    if tokenizer.pad_token and tokenizer.pad_token_id in encode(tokenizer, tokenizer.pad_token):
        made = json.loads(tokenizer.backend_tokenizer.to_str())  # "!", say, would be missing in answers
        made["added_tokens"] = [x for x in made["added_tokens"] if x["content"] != tokenizer.pad_token]
        special = tokenizer.special_tokens_map | {"pad_token": PAD}
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(made)), **special)
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        tokenizer.add_special_tokens({"pad_token": PAD})
    return tokenizer


def save_tokenizer(
    tokenizer: PreTrainedTokenizerFast, folder: Source, n_positions: int, scores: bool = False
) -> None:
    """Write a tokenizer so that AutoTokenizer gives one that fits its model (of n_positions tokens) as it is.

    It pads on the left for a policy, whose samples follow the last column, on the right for a model that
    scores: transformers numbers the positions of such a model from the first column, padding or not.
    """
    tokenizer.backend_tokenizer.no_padding()  # what the last call with padding=True left in it
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.save_pretrained(folder, save_jinja_files=False)
    path = Path(folder) / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    for name in ("is_local", "local_files_only"):  # how we loaded it, which is nobody else's business
        settings.pop(name, None)
    settings |= {
        "padding_side": "right" if scores else "left",
        "model_max_length": n_positions,
        "chat_template": CHAT_TEMPLATE,
    }
    path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def encode_all(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[list[int]]:
    """Ids of each text alone. A typed "<|endoftext|>" is plain text here and never becomes the special id."""
    backend = tokenizer.backend_tokenizer  # what the tokenizer itself would call, without working out offsets
    backend.encode_special_tokens = True
    return [found.ids for found in backend.encode_batch_fast(list(texts), add_special_tokens=False)]


def encode(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Ids of one text, see `encode_all`."""
    return encode_all(tokenizer, [text])[0]


def decode(tokenizer: PreTrainedTokenizerFast, ids: Tensor | list) -> str | list[str]:
    """Text of ids (T,), or list of texts of ids (B, T); EOS and pad are left out."""
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


# --- The template -------------------------------------------------------------------------------------------


def position_ids(mask: Tensor) -> Tensor:
    """Position of each token among the real ones of its row: (B, T) -> (B, T).

    GPT-2 learned absolute positions, so a left-padded row must count from where its text starts. Padding gets
    a valid but meaningless index.
    """
    return (mask.long().cumsum(dim=-1) - 1).clamp(min=0)


def encode_prompts(
    tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], max_length: int, end: str = END_OF_PROMPT
) -> Encoded:
    """Prompts, each with its closing newline, padded on the left; one above max_length is a PromptError.

    end="" leaves the newline out: the text is then the beginning of a document that a base model continues.
    """
    closing = encode(tokenizer, end)
    rows = [ids + closing for ids in encode_all(tokenizer, prompts)]
    for i, row in enumerate(rows):
        check_length(row, max_length, f"prompt {i} ({prompts[i][:40]!r})")
    mask = pad_rows([[1] * len(row) for row in rows], 0, left=True)
    return Encoded(pad_rows(rows, tokenizer.pad_token_id, left=True), mask)


def encode_exchanges(
    tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], responses: Sequence[str], max_length: int
) -> Exchanges:
    """Prompt, newline, response, EOS, padded on the right, with labels for the response and its EOS only; see
    `exchange_rows`."""
    rows, labels = exchange_rows(tokenizer, prompts, responses, max_length)
    mask = pad_rows([[1] * len(row) for row in rows], 0)
    return Exchanges(
        pad_rows(rows, tokenizer.pad_token_id), mask, pad_rows(labels, IGNORED), mask.sum(dim=1) - 1
    )


def exchange_rows(
    tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], responses: Sequence[str], max_length: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Ids and labels of each exchange, not padded.

    A response that does not fit loses its end *and* its EOS, like a sample that ran out of room; a prompt
    that leaves no room for one token is a PromptError.
    """
    newline = encode(tokenizer, END_OF_PROMPT)
    rows, labels = [], []
    distinct = list(dict.fromkeys(prompts))  # rankings give each prompt K times
    encoded = dict(zip(distinct, encode_all(tokenizer, distinct), strict=True))
    for i, (text, response) in enumerate(zip(prompts, encode_all(tokenizer, responses), strict=True)):
        prompt = encoded[text] + newline
        check_length(prompt, max_length - 1, f"prompt {i} ({prompts[i][:40]!r})")
        response = (response + [tokenizer.eos_token_id])[: max_length - len(prompt)]
        rows.append(prompt + response)
        labels.append([IGNORED] * len(prompt) + response)
    return rows, labels


def check_length(ids: list[int], limit: int, name: str) -> None:
    """More ids than the limit are a PromptError, which calls the prompt `name`."""
    if (over := len(ids) - limit) > 0:
        raise PromptError(f"{name} has {len(ids)} tokens, the limit is {limit}; shorten it by {over} or more")


def pad_rows(rows: list[list[int]], fill: int, left: bool = False) -> Tensor:
    """Lists of unequal length -> one tensor (B, longest)."""
    width = max(map(len, rows), default=0)
    gaps = ([fill] * (width - len(row)) for row in rows)
    padded = [gap + row if left else row + gap for row, gap in zip(rows, gaps, strict=True)]
    return torch.tensor(padded, dtype=torch.long).reshape(len(rows), width)  # (B, T), also for B = 0
