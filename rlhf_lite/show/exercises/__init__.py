"""Exercises that answer: a function to write, checked at once, and told which mistake it holds.

    exercise = show.Exercise("gae")      # the task, its minutes and the head of the function
    exercise.check(gae)                  # right, or which of the typical mistakes it is
    exercise.hint()                      # a push, folded
    exercise.solution()                  # one way to write it, folded

A function that is not yet written is neither right nor wrong, so a notebook runs through without anybody.
`exercise.check(gae).require()` raises AssertionError unless it is right: for a grader.
"""

from .exercise import Exercise, names

__all__ = ["Exercise", "names"]
