"""What one line of `rlhf-lite chat` does: a prompt for all models, or a command."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..models.tokens import PromptError, check_prompt
from ..show.answers import Settings, ask, longest_prompt, read_temperature
from .terminal import note, print_table, say

if TYPE_CHECKING:
    from ..chain.tiny import Chain

MODELS = {"base": "base", "SFT": "sft", "PPO": "ppo", "PPO-ptx": "ppo_ptx"}  # name: stage
HELP = "Type a prompt. Commands: again, temperature X, greedy, help, quit."


class Panel:
    """The four models and the reward model, loaded once."""

    def __init__(self, chain: Chain, settings: Settings):
        self.settings, self.last = settings, ""
        self.tokenizer, self.reward_model = chain.tokenizer, chain.reward_model
        self.policies = {name: chain.policy(stage) for name, stage in MODELS.items()}
        self.limit = longest_prompt(self.policies["base"])

    def ask(self, prompt: str, where: str = "") -> bool:
        """Print everyone's answer, or say why there is none (False). `where` begins what is said."""
        try:
            remarks = check_prompt(self.tokenizer, prompt, self.limit).notes
        except PromptError as error:
            note(f"{where}{error}")
            return False
        for remark in remarks:
            note(f"{where}{remark}")
        found = ask(self.policies, self.reward_model, self.tokenizer, prompt, self.settings)
        print_table(
            ("model", "score", "answer"),
            [(name, f"{score:+.2f}", text) for name, score, text in found],
            prompt,
        )
        self.last = prompt
        return True

    def turn(self, line: str, where: str = "") -> bool:
        """Follow one line, a command or a prompt; False if it could not be followed."""
        match line.split():
            case ["help"]:
                say(HELP)
            case ["greedy"]:
                self.settings.greedy = True
                say("Always the likeliest token from now on; `temperature X` samples again.")
            case ["temperature", number]:
                return self._set_temperature(number, where)
            case ["again"]:
                self.settings.seed += 1
                return self.ask(self.last, where)
            case _:
                return self.ask(line, where)
        return True

    def _set_temperature(self, number: str, where: str) -> bool:
        try:
            self.settings.temperature, self.settings.greedy = read_temperature(number), False
        except ValueError as error:
            note(f"{where}{error}")
            return False
        say(f"Temperature {self.settings.temperature:g} from now on.")
        return True


def typed() -> Iterator[str]:
    """What a person types, up to the end of input (Ctrl-D)."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (arrow keys and history)
    with contextlib.suppress(EOFError):
        while True:
            yield input("\nprompt> ")
