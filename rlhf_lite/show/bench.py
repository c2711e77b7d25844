"""A prompt bench: one prompt, the answers of all models side by side, their rewards, and the truth.

    show.PromptBench(policies, tokenizer, reward_model, tasks)

tasks are prompts whose answers the world can judge: for these the gold score and a right answer stand beside
the models'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..models.prompts import check_prompt
from ..models.tokens import PromptError
from ..world import Task, gold
from .answers import Settings, ask, longest_prompt
from .responses import side_by_side
from .text import Html, safe_text, visible
from .widgets import Shown, words


class PromptBench(Shown):
    """Type a prompt or choose a customer's; Ask, Again (another draw), temperature (0: greedy)."""

    def __init__(
        self,
        policies: Mapping[str, GPT2LMHeadModel],
        tokenizer: PreTrainedTokenizerFast,
        reward_model: GPT2ForSequenceClassification,
        tasks: Sequence[Task] = (),
        prompt: str = "",
    ):
        if not policies:
            raise ValueError("give at least one policy: {'sft': policy}")
        self.policies, self.tokenizer, self.reward_model = dict(policies), tokenizer, reward_model
        self.tasks = {task.text: task for task in tasks}
        self.limit = min(map(longest_prompt, self.policies.values()))
        self.seed, self.result = 0, safe_text("Nothing asked yet.")
        self._make_widgets(prompt or next(iter(self.tasks), ""))

    # --- what a program does --------------------------------------------------------------------------------

    def ask(self, prompt: str | None = None) -> Html:
        """Everyone's answer to a prompt, or to the one in the box; what is wrong with it is shown."""
        if prompt is not None:
            self.box.value = prompt
        return self._answer()

    def again(self) -> Html:
        """The same prompt, another draw."""
        self.seed += 1
        return self._answer()

    def still(self) -> Html:
        """The last answers."""
        return self.result

    # --- inside ---------------------------------------------------------------------------------------------

    def _answer(self) -> Html:
        prompt, temperature = self.box.value, self.warmth.value
        try:
            notes = check_prompt(self.tokenizer, prompt, self.limit).notes
        except PromptError as error:
            self.remark.value = words(str(error)).value
            return self.result
        self.remark.value = words("asking ...").value
        how = Settings(temperature or 1.0, greedy=temperature == 0, seed=self.seed)
        self.result = self._judged(prompt, ask(self.policies, self.reward_model, self.tokenizer, prompt, how))
        self.reply.value = self.result.html
        unjudged = (
            ""
            if prompt in self.tasks
            else "nobody can judge this one: gold is known for customers' prompts only"
        )
        self.remark.value = words("; ".join(filter(None, [*notes, unjudged]))).value
        return self.result

    def _judged(self, prompt: str, found: Sequence) -> Html:
        texts = {name: text for name, _, text in found}
        notes = {name: f"reward {reward:+.2f}" for name, reward, _ in found}
        if task := self.tasks.get(prompt):
            notes = {name: f"{note}, gold {gold(task, texts[name]):.2f}" for name, note in notes.items()}
            texts["reference"] = task.reference
        return side_by_side(prompt, texts, notes)

    # --- what a person sees ---------------------------------------------------------------------------------

    def _make_widgets(self, prompt: str) -> None:
        wide = {"layout": {"width": "95%"}, "style": {"description_width": "110px"}}
        known = [
            ("(your own, below)", ""),
            *((visible(text)[:110].replace("\n", " ⏎ "), text) for text in self.tasks),
        ]
        self.known = ipywidgets.Dropdown(options=known, description="customers ask", **wide)
        self.box = ipywidgets.Textarea(prompt, description="prompt", rows=2, continuous_update=False, **wide)
        self.warmth = ipywidgets.FloatSlider(
            0.0,
            min=0.0,
            max=2.0,
            step=0.1,
            description="temperature",
            tooltip="0: always the likeliest token; 1: as in training",
            style={"description_width": "110px"},
        )
        self.ask_button = ipywidgets.Button(
            description="Ask", button_style="success", tooltip="Let every model answer"
        )
        self.again_button = ipywidgets.Button(description="Again", tooltip="The same prompt, another draw")
        self.remark, self.reply = words(), ipywidgets.HTML()
        for name, widget in (
            ("known", self.known),
            ("box", self.box),
            ("warmth", self.warmth),
            ("ask", self.ask_button),
            ("again", self.again_button),
            ("remark", self.remark),
            ("reply", self.reply),
        ):
            widget.add_class(f"rl-bench-{name}")
        self.known.observe(self._choose, "value")
        self.ask_button.on_click(lambda _: self._answer())
        self.again_button.on_click(lambda _: self.again())
        buttons = ipywidgets.HBox([self.warmth, self.ask_button, self.again_button])
        self.widget = ipywidgets.VBox(
            [*[self.known] * bool(self.tasks), self.box, buttons, self.remark, self.reply]
        )

    def _choose(self, change) -> None:
        if change["new"]:
            self.box.value = change["new"]
            self._answer()
