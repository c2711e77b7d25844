"""Who says which answer is better, where nobody knows: a model that somebody else has trained to tell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from ..models.tokens import pretrained_source


class NamedJudge:
    """Any sequence-classification model, by hub name or folder, with its own tokenizer: it reads prompt and answer as a pair.

    One label is a score; of two the score is the second minus the first (logits), as for a model of "worse" and "better".
    """

    def __init__(self, source: str, device: torch.device | str = "cpu"):
        where = pretrained_source(source)
        self.tokenizer = AutoTokenizer.from_pretrained(**where)
        self.model = AutoModelForSequenceClassification.from_pretrained(**where).to(device).eval()
        if self.model.config.num_labels > 2:
            raise ValueError(
                f"{source} tells {self.model.config.num_labels} labels apart, so it gives no score; take a model "
                "with one label, or with two"
            )
        if self.tokenizer.pad_token_id is None:
            raise ValueError(
                f"the tokenizer of {source} has no padding token, so it cannot read several answers at a time"
            )
        self.limit = (
            getattr(self.model.config, "max_position_embeddings", None) or self.tokenizer.model_max_length
        )

    @torch.no_grad()
    def score(self, prompts: Sequence[str], responses: Sequence[str], batch: int = 16) -> list[float]:
        """How good each response to its prompt is; texts that are too long are cut."""
        scores = []
        for start in range(0, len(prompts), batch):
            pair = list(prompts[start : start + batch]), list(responses[start : start + batch])
            read = self.tokenizer(
                *pair, truncation=True, max_length=self.limit, padding=True, return_tensors="pt"
            )
            logits = self.model(**read.to(self.model.device)).logits.float()  # (B, labels)
            scores += (logits[:, -1] - (logits[:, 0] if logits.shape[1] == 2 else 0)).tolist()
        return scores
