"""Who says which answer is better, where nobody knows: a model that somebody else has trained to tell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from ..data.network import pretrained_source


class NamedJudge:
    """Any sequence-classification model, by hub name or folder. It reads prompt and answer as a pair.

    One label is a score; of two, such as "worse" and "better", it is the second logit minus the first.
    """

    def __init__(self, source: str, device: torch.device | str = "cpu"):
        found = pretrained_source(source)
        self.tokenizer = AutoTokenizer.from_pretrained(**found)
        self.model = AutoModelForSequenceClassification.from_pretrained(**found).to(device).eval()
        labels = self.model.config.num_labels
        if labels > 2:
            many = f"{source} tells {labels} labels apart"
            raise ValueError(f"{many}, so it gives no score; take one with 1 or 2")
        if self.tokenizer.pad_token_id is None:
            raise ValueError(f"the tokenizer of {source} has no padding token; answers need one in a batch")
        positions = getattr(self.model.config, "max_position_embeddings", None)
        self.limit = positions or self.tokenizer.model_max_length

    @torch.no_grad()
    def score(self, prompts: Sequence[str], responses: Sequence[str], batch_size: int = 16) -> list[float]:
        """How good each response to its prompt is; texts that are too long are cut."""
        options = {"truncation": True, "max_length": self.limit, "padding": True, "return_tensors": "pt"}
        scores = []
        for start in range(0, len(prompts), batch_size):
            part = slice(start, start + batch_size)
            inputs = self.tokenizer(list(prompts[part]), list(responses[part]), **options)
            logits = self.model(**inputs.to(self.model.device)).logits.float()  # (B, labels)
            if logits.shape[1] == 2:
                logits = logits[:, 1:] - logits[:, :1]
            scores += logits[:, 0].tolist()
        return scores
