"""A prompt bench: one prompt, the answers of all models side by side, their rewards, and the truth.

    show.PromptBench(policies, tokenizer, reward_model, tasks)

tasks are prompts whose answers the world can judge: for these the gold score and a right answer stand beside
the models'. examples are prompts to begin with, each a button.
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
from .text import Html, inert, safe_text, visible
from .widgets import Shown, words

EXAMPLES = (
    "List three animals.",
    "Write a story about a fox in the forest.",
    "What does a baker do?",
    "Wake up, lazy fool. Name two sweet foods.",
    "What is the capital of France?",  # which the models cannot know
)
_WARNING = "border:2px solid #E69F00;border-radius:4px;padding:6px 10px;margin:4px 0"
# No widget hears of keys. Ctrl+Enter in a box is heard here, once for all benches of a page, and before the
# page itself hears it; where scripts do not run, the button is left. The wish to ask travels as a sign at the
# end of the prompt: text and click would be two messages, and newer kernels may take the second one first.
_ENQUIRY = "\x05"
_CTRL_ENTER = """
if (!window.rlBenchHears) {
  window.rlBenchHears = true;
  window.addEventListener("keydown", (event) => {
    const box = event.target;
    if (!box.closest?.(".rl-bench-box") || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const [text, start, end] = [box.value, box.selectionStart, box.selectionEnd];
    box.value = text + "\\x05";
    box.dispatchEvent(new Event("change", {bubbles: true}));
    box.value = text;
    box.setSelectionRange(start, end);
  }, true);
}
"""


class PromptBench(Shown):
    """Type a prompt, press an example or choose a customer's; Ask (or Ctrl+Enter), Again (another draw),
    temperature (1 as in training, 0: greedy)."""

    def __init__(
        self,
        policies: Mapping[str, GPT2LMHeadModel],
        tokenizer: PreTrainedTokenizerFast,
        reward_model: GPT2ForSequenceClassification,
        tasks: Sequence[Task] = (),
        prompt: str = "",
        examples: Sequence[str] = EXAMPLES,
    ):
        if not policies:
            raise ValueError("give at least one policy: {'sft': policy}")
        self.policies, self.tokenizer, self.reward_model = dict(policies), tokenizer, reward_model
        self.tasks = {task.text: task for task in tasks}
        self.limit = min(map(longest_prompt, self.policies.values()))
        self.seed, self.result = 0, safe_text("Nothing asked yet.")
        self._make_widgets(prompt or next(iter([*self.tasks, *examples]), ""), examples)

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
        if self.known.value != prompt:
            self.known.value = ""
        self.remark.value = words("asking ...").value
        how = Settings(temperature or 1.0, greedy=temperature == 0, seed=self.seed)
        found = ask(self.policies, self.reward_model, self.tokenizer, prompt, how)
        self.result = _warned(notes, self._judged(prompt, found))
        self.reply.value = self.result.html
        self.remark.value = words(self._remark(prompt, how)).value
        return self.result

    def _judged(self, prompt: str, found: Sequence) -> Html:
        texts = {name: text for name, _, text in found}
        notes = {name: f"reward {reward:+.2f}" for name, reward, _ in found}
        if task := self.tasks.get(prompt):
            notes = {name: f"{note}, gold {gold(task, texts[name]):.2f}" for name, note in notes.items()}
            texts["reference"] = task.reference
        return side_by_side(prompt, texts, notes)

    def _remark(self, prompt: str, how: Settings) -> str:
        drawn = (
            "Always the likeliest token: Again changes nothing, a temperature above 0 does."
            if how.greedy
            else f"Drawn at temperature {how.temperature:g}: Again draws other answers."
        )
        unjudged = "Nobody can judge this one: gold is known for customers' prompts only."
        return drawn if prompt in self.tasks else f"{drawn} {unjudged}"

    # --- what a person sees ---------------------------------------------------------------------------------

    def _make_widgets(self, prompt: str, examples: Sequence[str]) -> None:
        narrow = {"description_width": "110px"}
        wide = {"layout": {"width": "95%"}, "style": narrow}
        known = [("(your own, below)", ""), *((_in_a_line(text, 110), text) for text in self.tasks)]
        self.known = ipywidgets.Dropdown(options=known, description="customers ask", **wide)
        hint = "Type a prompt, then press Ask or Ctrl+Enter"
        self.box = ipywidgets.Textarea(
            prompt, description="prompt", rows=2, continuous_update=False, placeholder=hint, **wide
        )
        self.warmth = ipywidgets.FloatSlider(
            1.0,
            min=0.0,
            max=2.0,
            step=0.1,
            description="temperature",
            tooltip="1: as in training; 0: always the likeliest token",
            style=narrow,
        )
        self.ask_button = ipywidgets.Button(
            description="Ask", button_style="success", tooltip="Let every model answer (Ctrl+Enter)"
        )
        self.again_button = ipywidgets.Button(description="Again", tooltip="The same prompt, another draw")
        self.example_buttons = [self._example(text) for text in examples]
        self.remark, self.reply = words(), ipywidgets.HTML()
        self.widget = ipywidgets.VBox()
        for name, widget in (
            ("", self.widget),
            ("-known", self.known),
            ("-box", self.box),
            ("-warmth", self.warmth),
            ("-ask", self.ask_button),
            ("-again", self.again_button),
            ("-remark", self.remark),
            ("-reply", self.reply),
        ):
            widget.add_class(f"rl-bench{name}")
        self.box.observe(self._hear, "value")
        self.known.observe(self._choose, "value")
        self.ask_button.on_click(lambda _: self._answer())
        self.again_button.on_click(lambda _: self.again())
        script = {"output_type": "display_data", "data": {"application/javascript": _CTRL_ENTER}}
        wrapped = {"flex_flow": "row wrap", "align_items": "center"}
        first = [words("For example:"), *self.example_buttons]
        asking = [self.warmth, self.ask_button, self.again_button, words("Ctrl+Enter asks, too.")]
        self.widget.children = [
            *[ipywidgets.HBox(first, layout=wrapped)] * bool(examples),
            *[self.known] * bool(self.tasks),
            self.box,
            ipywidgets.HBox(asking, layout=wrapped),
            self.remark,
            self.reply,
            ipywidgets.Output(outputs=(script | {"metadata": {}},)),
        ]

    def _example(self, text: str) -> ipywidgets.Button:
        """A button that asks this."""
        line = _in_a_line(text, 60)
        button = ipywidgets.Button(description=line, tooltip=visible(text), layout={"width": "auto"})
        button.add_class("rl-bench-example")
        button.on_click(lambda _: self.ask(text))
        return button

    def _hear(self, change) -> None:
        if change["new"].endswith(_ENQUIRY):
            self.ask(change["new"].removesuffix(_ENQUIRY))

    def _choose(self, change) -> None:
        if change["new"]:
            self.ask(change["new"])


def _in_a_line(text: str, length: int) -> str:
    return visible(text)[:length].replace("\n", " ⏎ ")


def _warned(notes: Sequence[str], answers: Html) -> Html:
    """The answers below what may surprise whoever asked."""
    if not notes:
        return answers
    text = " ".join(notes)
    return Html(f'<div style="{_WARNING}">{inert(text)}</div>{answers.html}', f"{text}\n{answers.plain}")
