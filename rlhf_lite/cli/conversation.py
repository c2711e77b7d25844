"""What one line of `rlhf-lite chat` does: a prompt for all models, or a command."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from ..chain.tiny import Chain
from ..models.prompts import check_prompt
from ..models.tokens import PromptError
from ..show.answers import Settings, ask, longest_prompt, read_temperature
from .terminal import note, print_table, say

MODELS = {"base": "base", "SFT": "sft", "PPO": "ppo", "PPO-ptx": "ppo_ptx"}  # name: stage
HELP = "Type a prompt. Commands: again, temperature X, greedy, help, quit."


class Panel:
    """The four models and the reward model, loaded once."""

    def __init__(self, chain: Chain, settings: Settings):
        self.settings, self.last = settings, ""
        self.tokenizer, self.reward_model = chain.tokenizer, chain.reward_model
        self.policies = {name: chain.policy(stage) for name, stage in MODELS.items()}
        self.limit = longest_prompt(self.policies["base"])

    def talk(self) -> int:
        """Follow what a person types, up to `quit` or the end of input (Ctrl-D)."""
        say(HELP)
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  (arrow keys and history)
        with contextlib.suppress(EOFError):
            while (line := input("\nprompt> ")).strip() != "quit":
                self.turn(line)
        return 0

    def follow(self, lines: Iterable[str]) -> int:
        """Follow the lines of a file or pipe, up to `quit`; 2 if any of them could not be followed."""
        failed = False
        for number, line in enumerate(lines, 1):
            line = line.removeprefix("\ufeff")  # with which files of some editors begin
            if line.strip() == "quit":
                break
            if not self.turn(line.rstrip("\r\n"), f"line {number}: "):
                failed = True
        return 2 if failed else 0

    def turn(self, line: str, where: str = "") -> bool:
        """Follow one line, a command or a prompt; False if it could not be. `where` begins what is said."""
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

    def ask(self, prompt: str, where: str = "") -> bool:
        """Print everyone's answer, or say why there is none (False)."""
        try:
            remarks = check_prompt(self.tokenizer, prompt, self.limit).notes
        except PromptError as error:
            note(f"{where}{error}")
            return False
        for remark in remarks:
            note(f"{where}{remark}")
        answers = ask(self.policies, self.reward_model, self.tokenizer, prompt, self.settings)
        rows = [(answer.name, f"{answer.reward:+.2f}", answer.text) for answer in answers]
        print_table(("model", "score", "answer"), rows, prompt)
        self.last = prompt
        return True

    def _set_temperature(self, number: str, where: str) -> bool:
        try:
            self.settings.temperature = read_temperature(number)
        except ValueError as error:
            note(f"{where}{error}")
            return False
        self.settings.greedy = False
        say(f"Temperature {self.settings.temperature:g} from now on.")
        return True
