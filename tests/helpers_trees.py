"""Conversations in the form of Open Assistant, and where the public sample of them is."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("RLHF_LITE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
needs_data = pytest.mark.skipif(not (DATA / "oasst").is_dir(), reason=f"no public data at {DATA}")


def message(name, text, role, rank=None, replies=(), **more):
    return {
        "message_id": name,
        "text": text,
        "role": role,
        "rank": rank,
        "lang": "en",
        "deleted": False,
        "replies": list(replies),
        **more,
    }


def tree():
    """One conversation: two good groups, and one example of everything that cannot be used."""
    deeper = message(
        "q2",
        "And then?",
        "prompter",
        replies=[
            message("c", "Then <b>this</b>.", "assistant", 1),
            message("d", "Then that.", "assistant", 0),
            message("gone", "Deleted answer", "assistant", 2, deleted=True),
            message("void", "  ", "assistant", 3),
            message("new", "Not ranked yet", "assistant"),
        ],
    )
    lonely = message("q3", "One more?", "prompter", replies=[message("e", "Only me.", "assistant", 0)])
    erased = message(
        "q4",
        "Bad words",
        "prompter",
        deleted=True,
        replies=[
            message("f", "x", "assistant", 0),
            message("g", "y", "assistant", 1, replies=[message("q5", "after a deleted one", "prompter")]),
        ],
    )
    first = message("a", "First answer.", "assistant", 0, replies=[deeper, lonely, erased])
    root = message(
        "q1", "A question", "prompter", replies=[first, message("b", "Second answer.", "assistant", 1)]
    )
    return {"message_tree_id": "t1", "tree_state": "ready_for_export", "prompt": root}


def flat(node, parent=None):
    yield {k: v for k, v in node.items() if k != "replies"} | {
        "parent_id": parent,
        "message_tree_id": "t1",
        "user_id": "x",
    }
    for reply in node["replies"]:
        yield from flat(reply, node["message_id"])
