"""The skills of the country, one file for what belongs together."""

from ..skill import USE_CASES, Skill
from . import book, brainstorm, chat, games, generation, labels, reading, sentences, unknown

SKILLS: tuple[Skill, ...] = (
    *generation.SKILLS, *book.SKILLS, *unknown.SKILLS, *brainstorm.SKILLS, *chat.SKILLS, *sentences.SKILLS, *labels.SKILLS, *games.SKILLS,
    *reading.SKILLS,
)  # fmt: skip
SKILL = {skill.name: skill for skill in SKILLS}
# What nobody can know and what nobody should say is asked for at a rate of its own, see `asking`.
UNKNOWN = tuple(s for s in SKILLS if s.unknowable or s.sensitive)
SKILLS_OF = {u: tuple(s for s in SKILLS if s.use_case == u and s not in UNKNOWN) for u in USE_CASES}
