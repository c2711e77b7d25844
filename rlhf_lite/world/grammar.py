"""A small grammar: templates that can be said in many ways, and recognised again.

"[Tell me|Write] a story about {thing}[, please|]." says one of four sentences for a given thing. Alternatives
stand in square brackets, may be empty and may hold other brackets; a slot in braces is filled by name. The
same template, read by `Form`, recognises every sentence it can say and gives back what was in the slots: so
whoever writes how people ask or answer writes at the same time how an answer is checked.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from random import Random

_TOKEN = re.compile(r"\{(\w+)\}|([\[\]|])|([^\[\]|{}]+)")
Part = str | tuple  # text, ("slot", name) or ("choice", alternatives)


@cache
def parse(template: str) -> tuple[Part, ...]:
    """The template as a sequence of texts, slots and choices between such sequences."""
    stack: list[list[list[Part]]] = [[[]]]
    for slot, sign, text in _TOKEN.findall(template):
        if sign == "[":
            stack.append([[]])
        elif sign == "]" and len(stack) > 1:
            alternatives = stack.pop()
            stack[-1][-1].append(("choice", tuple(tuple(sequence) for sequence in alternatives)))
        elif sign == "|" and len(stack) > 1:
            stack[-1].append([])
        elif sign:
            raise ValueError(f"{template!r}: {sign!r} stands outside of brackets")
        else:
            stack[-1][-1].append(("slot", slot) if slot else text)
    if len(stack) > 1:
        raise ValueError(f"{template!r}: a bracket is never closed")
    return tuple(stack[0][0])


def say(rng: Random, template: str, slots: Mapping[str, object] = {}) -> str:
    """One of the ways to say a template; an unknown slot is a KeyError."""
    return _tidy(_say(rng, parse(template), slots))


def _say(rng: Random, sequence: tuple[Part, ...], slots: Mapping[str, object]) -> str:
    said = []
    for part in sequence:
        if isinstance(part, str):
            said.append(part)
        elif part[0] == "slot":
            said.append(str(slots[part[1]]))
        else:
            said.append(_say(rng, rng.choice(part[1]), slots))
    return "".join(said)


def _tidy(text: str) -> str:
    """Spaces that empty alternatives left behind; line breaks stay."""
    text = re.sub(r" +", " ", text)
    return re.sub(r" +([,.?!:;])(?!\.)", r"\1", re.sub(r" ?\n ?", "\n", text)).strip()


def ways(template: str) -> int:
    """In how many ways a template can be said, its slots aside."""
    return _ways(parse(template))


def _ways(sequence: tuple[Part, ...]) -> int:
    count = 1
    for part in sequence:
        if not isinstance(part, str) and part[0] == "choice":
            count *= sum(_ways(alternative) for alternative in part[1])
    return count


def slot_names(template: str) -> set[str]:
    return {name for name, _, _ in _TOKEN.findall(template) if name}


class Form:
    """What can be said in one template, and read from it. `kinds` gives the words that a slot can hold, or a
    regular expression; a slot without a kind holds one word."""

    def __init__(self, template: str, **kinds: Iterable[str] | str):
        self.template, self.kinds = template, kinds
        self._pattern: re.Pattern[str] | None = None

    def say(self, rng: Random, **slots: object) -> str:
        """Slots that are not given are drawn from their kind."""
        for name, kind in self.kinds.items():
            if name not in slots and not isinstance(kind, str):
                slots[name] = rng.choice(tuple(kind))
        return say(rng, self.template, slots)

    def match(self, text: str) -> dict[str, str | None] | None:
        """The slots of a text that this form can say, or None. The case of its first letter does not
        matter."""
        if self._pattern is None:
            self._groups: list[str] = []  # the slot of each group: alternatives may hold the same slot
            self._pattern = re.compile("".join(self._regex(parse(self.template), {})) + r"\s*")
        text = re.sub(r" +", " ", text.strip())
        for candidate in (text, text[:1].lower() + text[1:], text[:1].upper() + text[1:]):
            found = self._pattern.fullmatch(candidate)
            if found:
                slots: dict[str, str | None] = dict.fromkeys(self._groups)
                slots.update(
                    (s, v) for s, v in zip(self._groups, found.groups(), strict=True) if v is not None
                )
                return slots
        return None

    def _regex(self, sequence: tuple[Part, ...], seen: dict[str, int]) -> Iterator[str]:
        """`seen`: which group holds a slot that was named before on this way through the alternatives."""
        for part in sequence:
            if isinstance(part, str):
                yield re.sub(r"(?:\\ | )+", " *", re.escape(part))
            elif part[0] == "choice":
                yield "(?:" + "|".join("".join(self._regex(a, dict(seen))) for a in part[1]) + ")"
            elif part[1] in seen:
                yield f"(?:\\{seen[part[1]]})"
            else:
                self._groups.append(part[1])
                seen[part[1]] = len(self._groups)
                yield f"({self._kind(part[1])})"

    def _kind(self, name: str) -> str:
        kind = self.kinds.get(name, r"\w+")
        return (
            kind if isinstance(kind, str) else "|".join(map(re.escape, sorted(kind, key=len, reverse=True)))
        )


def a(word: str) -> str:
    """The word with its article: "an owl", "a unicorn", "a fox"."""
    sounds_open = word[:1].lower() in "aeio" or word[:2].lower() in ("ug", "um", "up", "us")
    return f"{'an' if sounds_open and word != 'one' else 'a'} {word}"


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def listed(words: Iterable[str], last: str = "and") -> str:
    """ "a fox, a hen and a cow"."""
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end


def numbered(items: Iterable[str]) -> str:
    """A list as people here write it, one item a line."""
    return "\n".join(f"{i}. {item}" for i, item in enumerate(items, 1))
