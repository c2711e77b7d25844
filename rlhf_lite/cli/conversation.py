"""What one line of `rlhf-lite chat` does: a prompt for all models, or a command."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

from ..chain.tiny import Chain
from ..models.prompts import check_prompt
from ..models.tokens import PromptError
from ..show.answers import Settings, ask, longest_prompt, read_temperature
from .terminal import note, print_json, print_table, say

HELP = "Type a prompt. Commands: again, temperature X, greedy, help, quit."


def read_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a file or pipe, without their ends and the sign with which files of some editors begin."""
    return (line.removeprefix("\ufeff").rstrip("\r\n") for line in lines)


def read_prompts(lines: Iterable[str]) -> Iterator[str]:
    """The prompt on each line: the line itself, or what stands under "prompt" if it is an object of JSON."""
    for line in read_lines(lines):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield row["prompt"] if isinstance(row, dict) and "prompt" in row else line


class Panel:
    """Models of a chain and its reward model, loaded once."""

    def __init__(self, chain: Chain, models: Iterable[str], settings: Settings, as_json: bool = False):
        self.settings, self.as_json, self.last = settings, as_json, ""
        self.tokenizer, self.reward_model = chain.tokenizer, chain.reward_model
        self.policies = {name: chain.policy(name) for name in models}
        self.limit = min(map(longest_prompt, self.policies.values()))

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
        return self._each(
            self.turn, takewhile(lambda line: line.strip() != "quit", read_lines(lines)), "line"
        )

    def ask_all(self, prompts: Iterable[str]) -> int:
        """Print everyone's answers to each prompt; 2 if any of them could not be answered."""
        return self._each(self.ask, prompts, "prompt")

    def _each(self, follow: Callable[[str, str], bool], lines: Iterable[str], what: str) -> int:
        followed = [follow(line, f"{what} {number}: ") for number, line in enumerate(lines, 1)]
        return 0 if all(followed) else 2

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
        if self.as_json:
            for name, score, text in answers:
                print_json({"prompt": prompt, "model": name, "answer": text, "score": round(score, 4)})
        else:
            rows = [(name, f"{score:+.2f}", text) for name, score, text in answers]
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
