"""Prompts that a person typed: what is refused, and what may surprise their author."""

from __future__ import annotations

from typing import NamedTuple

from tokenizers import decoders
from transformers import PreTrainedTokenizerFast

from .tokens import END_OF_PROMPT, PromptError, check_length, encode


class CheckedPrompt(NamedTuple):
    """A prompt fit for the model: its ids (ending in the newline) and what its author may want to know."""

    ids: list[int]
    notes: list[str]


def check_prompt(tokenizer: PreTrainedTokenizerFast, text: str, max_tokens: int) -> CheckedPrompt:
    """Look at a prompt that a person typed: PromptError if it cannot be used, notes where it may surprise."""
    if not isinstance(text, str) or not text.strip():
        raise PromptError("the prompt is empty; write an instruction or a question")
    if broken := [c for c in text if "\ud800" <= c <= "\udfff"]:
        raise PromptError(f"the prompt has half a character ({broken[0]!r}); leave it out")
    ids = encode(tokenizer, text) + encode(tokenizer, END_OF_PROMPT)
    check_length(ids, max_tokens, "the prompt")
    notes = []
    if unknown := unknown_words(tokenizer, text):
        notes.append(
            f"This lies outside the models' world. They do not know {', '.join(map(repr, unknown))}: "
            "they see only the letters and have to guess."
        )
    for special in tokenizer.all_special_tokens:
        if special in text:
            notes.append(f"{special!r} is read as plain text, not as a special token")
    return CheckedPrompt(ids, notes)


def unknown_words(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    """Words of the text that the vocabulary lacks and that are read byte by byte, each once, in order."""
    backend = tokenizer.backend_tokenizer
    text = backend.normalizer.normalize_str(text) if backend.normalizer else text
    unknown: dict[str, None] = {}
    for piece, _ in backend.pre_tokenizer.pre_tokenize_str(text):
        tokens = backend.model.tokenize(piece)
        word = decoders.ByteLevel().decode([piece]).strip()
        is_sign = len(word) == 1 and word.isascii() and not word.isalnum()  # " (" in two tokens is no loss
        if len(tokens) > 1 and all(len(t.value) == 1 for t in tokens) and word and not is_sign:
            unknown[word] = None
    return list(unknown)
