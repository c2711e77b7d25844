"""A rollout under the magnifying glass: PPO's numbers for every token, and what else might have been said.

    show.RolloutInspector(rollout, tokenizer, {"before": start, "after": policy})

The first policy is the one that sampled. Tokens are buttons, coloured by any of the numbers; pressing one
shows the likeliest tokens at its place, under each policy. `lines` and `alternatives` are for programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import ipywidgets
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from ..models.heads import evaluating, join_responses, logits_where
from ..models.losses import log_softmax
from ..models.tokens import Encoded
from ..train.ppo import Rollout
from .plots import bars_with_intervals
from .style import PALETTE, Plot, label
from .text import Html, number, table, visible
from .tokens import piece, token_lines
from .widgets import Shown, words

COLUMNS = {
    "token": "token",
    "logprobs": "log-prob",
    "ref_logprobs": "reference log-prob",
    "kl": "KL",
    "rewards": "reward",
    "values": "value",
    "advantages": "advantage",
    "returns": "return",
}
UP, DOWN = PALETTE[0], PALETTE[5]  # more than nothing, less than nothing
CHOSEN = PALETTE[1]  # the frame of the token that is looked at: seen on white and on black


class RolloutInspector(Shown):
    """policies: {name: policy}, first the one that sampled; the ratio of each later one to it is a column of
    the table. temperature: the one sampled at. top: how many tokens of each policy are shown. row: the
    response shown first."""

    def __init__(
        self,
        rollout: Rollout,
        tokenizer: PreTrainedTokenizerFast,
        policies: Mapping[str, GPT2LMHeadModel],
        *,
        temperature: float = 1.0,
        top: int = 5,
        row: int = 0,
    ):
        if rollout.advantages is None:
            raise ValueError(
                "this rollout has no advantages yet; take one that `rollout` of train.ppo has finished"
            )
        if not policies:
            raise ValueError("give at least one policy, the one that sampled: {'before': policy}")
        self.rollout, self.tokenizer, self.policies = rollout, tokenizer, dict(policies)
        self.temperature, self.top, self.place = temperature, top, 0
        self._lines: dict[int, list[dict]] = {}
        self._logprobs = lru_cache(maxsize=64)(self._distributions)
        self._make_widgets(row)

    # --- what a program does --------------------------------------------------------------------------------

    def lines(self, row: int) -> list[dict]:
        """A response token by token: `COLUMNS`, and the ratio of each later policy to the first."""
        if row in self._lines:
            return self._lines[row]
        found = token_lines(self.rollout, self.tokenizer, row)
        _, *later = self.policies
        for t, line in enumerate(found):
            line["token"] = self._piece(int(self.rollout.responses[row, t]))
            line["kl"] = line["logprobs"] - line["ref_logprobs"]
            line |= {
                f"ratio, {name}": float((self._of(name, row, t) - line["logprobs"]).exp()) for name in later
            }
        return self._lines.setdefault(row, found)

    def alternatives(self, row: int, place: int) -> dict[str, dict[str, float]]:
        """{token: {policy: probability}} at one place: each policy's likeliest, and the one drawn."""
        at = {name: self._logprobs(name, row)[place] for name in self.policies}  # (V,) each
        chosen = {int(self.rollout.responses[row, place])}
        for logp in at.values():
            chosen |= set(logp.topk(min(self.top, len(logp))).indices.tolist())
        first = next(iter(at.values()))
        chosen = sorted(chosen, key=lambda token: -float(first[token]))
        return {
            self._piece(token): {name: float(logp[token].exp()) for name, logp in at.items()}
            for token in chosen
        }

    @property
    def row(self) -> int:
        """The response on the screen."""
        return self.episode.value

    def still(self) -> Html:
        """The table of the response on the screen."""
        found = self.lines(self.row)
        heads = COLUMNS | {key: f"ratio, {label(key[7:])}" for key in found[0] if key.startswith("ratio, ")}
        rounded = [
            {key: x if isinstance(x, str) else round(x, 2) + 0.0 for key, x in line.items()} for line in found
        ]  # no -0.00
        title = f"{self.rollout.prompts[self.row]} → {self.rollout.texts[self.row]}"
        return table(rounded, heads, caption=title, digits=2, tight=True)

    def picture(self, row: int, place: int) -> Plot:
        """The alternatives at one place as bars."""
        found = {visible(text).strip() or "⏎": bars for text, bars in self.alternatives(row, place).items()}
        return bars_with_intervals(
            found, ylabel="probability", ylim=(0, 1), title=f"at place {place} it might have said"
        )

    # --- inside ---------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _distributions(self, name: str, row: int) -> Tensor:
        """log pi of every token of the vocabulary at every place of a response: (T, V)."""
        part, policy = self.rollout.rows(torch.tensor([row])), self.policies[name]
        prompts = Encoded(part.prompt_ids, part.prompt_mask)
        with evaluating(policy):
            read = join_responses(prompts, part.responses, part.response_mask)
            logits = logits_where(policy, *read)
        return log_softmax(logits, self.temperature).cpu()

    def _of(self, name: str, row: int, place: int) -> Tensor:
        """log pi of the token that was drawn: ()."""
        return self._logprobs(name, row)[place, int(self.rollout.responses[row, place])]

    def _piece(self, token: int) -> str:
        return "EOS" if token == self.tokenizer.eos_token_id else piece(self.tokenizer, token)

    # --- what a person sees ---------------------------------------------------------------------------------

    def _make_widgets(self, row: int) -> None:
        texts = zip(self.rollout.prompts, self.rollout.texts, strict=True)
        named = [(f"{i}: {visible(p)[:60]} → {visible(text)[:50]}", i) for i, (p, text) in enumerate(texts)]
        wide = {"layout": {"width": "95%"}, "style": {"description_width": "90px"}}
        self.episode = ipywidgets.Dropdown(options=named, value=row, description="response", **wide)
        shades = [(heading, name) for name, heading in COLUMNS.items() if name != "token"]
        self.shade = ipywidgets.Dropdown(
            options=shades, value="advantages", description="colour by", style={"description_width": "90px"}
        )
        self.head, self.said, self.bars = words(), words(), ipywidgets.HTML()
        self.numbers = ipywidgets.HTML(
            layout={"overflow": "auto", "max_width": "100%"}
        )  # wider than some pages
        self.chips = [self._chip(place) for place in range(self.rollout.responses.shape[1])]
        line = ipywidgets.HBox(self.chips, layout={"flex_flow": "row wrap"})
        for name, widget in (
            ("episode", self.episode),
            ("shade", self.shade),
            ("said", self.said),
            ("bars", self.bars),
        ):
            widget.add_class(f"rl-inspect-{name}")
        self.episode.observe(lambda _: self._show_row(), "value")
        self.shade.observe(lambda _: self._paint(), "value")
        self.widget = ipywidgets.VBox(
            [self.episode, self.shade, self.head, line, self.said, self.bars, self.numbers]
        )
        self._show_row()

    def _chip(self, place: int) -> ipywidgets.Button:
        chip = ipywidgets.Button(
            layout={"width": "auto", "padding": "0 6px", "margin": "1px"},
            style={"text_color": "#111111"},  # a dark theme's white would vanish on the light colours
        )
        chip.add_class("rl-token")
        chip.on_click(lambda _: self.press(place))
        return chip

    def _show_row(self) -> None:
        found, self.place = self.lines(self.row), 0
        score = float(self.rollout.scores[self.row])
        self.head.value = words(
            f"{self.rollout.prompts[self.row]}   (score {score:+.2f})", "font-weight:bold"
        ).value
        self.numbers.value = self.still().html
        for chip, line in zip(self.chips, found, strict=False):
            chip.description = visible(line["token"]).replace("\n", "⏎").strip() or "␣"
        for place, chip in enumerate(self.chips):
            chip.layout.display = None if place < len(found) else "none"
        self._paint()
        self.press(0)

    def _paint(self) -> None:
        values = [line[self.shade.value] for line in self.lines(self.row)]
        most = max(map(abs, values)) or 1.0
        for chip, value in zip(self.chips, values, strict=False):
            chip.style.button_color = _mixed(UP if value > 0 else DOWN, 0.6 * abs(value) / most)
            chip.tooltip = f"{COLUMNS[self.shade.value]} {number(value, 2)}"

    def press(self, place: int) -> None:
        """Show what might have stood at a place: what a click on its token does."""
        found = self.lines(self.row)
        if not 0 <= place < len(found):
            raise IndexError(f"place {place}: this response has places 0 to {len(found) - 1}")
        self.place = place
        for at, chip in enumerate(self.chips):
            chip.layout.border = f"2px solid {CHOSEN}" if at == place else "2px solid transparent"
        self.said.value = words(self._sentence(place)).value
        self.bars.value = self.picture(self.row, place).html()

    def _sentence(self, place: int) -> str:
        """What PPO wants with this token, and what became of it."""
        line = self.lines(self.row)[place]
        wish = "make it likelier" if line["advantages"] > 0 else "make it less likely"
        chances = [
            f"{label(name)} {float(self._of(name, self.row, place).exp()):.3f}" for name in self.policies
        ]
        return f"Advantage {line['advantages']:+.2f}: PPO wants to {wish}. Probability: {', '.join(chances)}."


def _mixed(ink: str, share: float) -> str:
    """A colour diluted with white: share 1 is the colour itself."""
    parts = (int(ink[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - share * (255 - part)):02x}" for part in parts)
