"""Open Assistant (OASST1, OASST2): trees of messages by people, with replies that volunteers ranked ->
rankings.

One for each prompter message with at least two ranked replies. The prompt is the conversation so far, one
"Speaker: text" per turn, and ends with the assistant's name. `user_id` is the tree: two prompts of one tree
share text, so a split must keep them together. The files list the best reply first; here the order is drawn
by seed, so that place tells nothing.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from .records import MAX_K, Intake, RecordError, Row, is_number, shown
from .seeded import shuffled

# Card of OASST1: `rank` 0 is the best reply; messages are in 35 languages.
COLUMNS = ("message_id", "parent_id", "text", "role", "rank", "message_tree_id")
SPEAKERS = {"prompter": "User", "assistant": "Assistant"}


def rankings(intake: Intake) -> Iterator[Row]:
    """Ranking rows of messages in one language, which come as whole trees, as nested messages, or one by
    one."""
    messages, seen, lang, others = {}, set(), intake.lang, Counter()
    for group in intake.each(lambda row: _of_one_row(row, seen)):
        for message in group:
            if lang and (own := message.get("lang") or lang) != lang:
                others[own] += 1
            else:
                messages[message["message_id"]] = message
    if others:
        intake.left_out[f"message: not in {lang}"] = others.total()
    if others and not messages:
        most = others.most_common(1)[0][0]
        say = f"say which language to read with lang (--set lang={most})"
        raise RecordError(f"{intake.where}: all {others.total()} messages are not in {lang!r}; {say}")
    replies: dict[str, list[Row]] = {}
    for message in messages.values():
        replies.setdefault(message["parent_id"] or "", []).append(message)
        parent = messages.get(message["parent_id"] or "", {})
        if message["role"] == "assistant" and parent.get("role") != "prompter":
            intake.left_out["reply: its prompt is missing"] += 1
    for name, message in messages.items():
        if message["role"] != "prompter":
            continue
        turns, fault = _conversation(message, messages, intake.where)
        if fault:
            intake.left_out[f"prompt: {fault}"] += 1
        elif ranked := _comparable(replies.get(name, []), intake.left_out):
            said = [f"{SPEAKERS[turn['role']]}: {turn['text'].strip()}" for turn in turns]
            ranked = shuffled(ranked, intake.seed, by=lambda reply: reply["message_id"])
            yield intake.row(
                "\n\n".join([*said, f"{SPEAKERS['assistant']}:"]),
                [reply["text"].strip() for reply in ranked],
                [reply["rank"] for reply in ranked],
                # Ranks are already merged over several people.
                {"prompt_id": name, "user_id": message["message_tree_id"], "labeler": "open-assistant"},
            )


def _of_one_row(row: Row, seen: set[str]) -> list[Row]:
    """The messages of one row (a message or a whole tree), each with an id, its parent and its tree."""
    tree = row.get("message_tree_id")
    if row.get("parent_id") and not tree:
        raise RecordError(f"'message_tree_id' is {tree!r}, and a split keeps trees together by it")
    root = row["prompt"] if isinstance(row.get("prompt"), dict) else row
    tree = tree or root.get("message_id")
    found, todo = [], [(root, root.get("parent_id"))]
    while todo:
        node, parent = todo.pop()
        _check_message(node, seen)
        seen.add(node["message_id"])
        own = {name: value for name, value in node.items() if name != "replies"}
        own["text"] = own["text"] or ""
        found.append(own | {"parent_id": parent, "message_tree_id": tree})
        todo += [(reply, node["message_id"]) for reply in reversed(node.get("replies") or [])]
    return found


def _check_message(message: Row, seen: set[str]) -> None:
    for name in ("message_id", "text", "role"):
        gone = name == "text" and message.get("deleted") and message.get("text") is None
        if not (gone or isinstance(message.get(name), str)):
            has = ", ".join(map(str, message))
            raise RecordError(f"a message has no '{name}'; this is not Open-Assistant data. It has {has}")
    name, rank, role = message["message_id"], message.get("rank"), message["role"]
    if name in seen:
        raise RecordError(f"'message_id' is {shown(name)}, as of an earlier message; ids must differ")
    if rank is not None and not (is_number(rank) and rank >= 0 and rank == int(rank)):
        raise RecordError(f"'rank' is {shown(rank)}, but must be a whole number from 0, or null")
    if role not in SPEAKERS:
        raise RecordError(f"'role' is {shown(role)}, but must be 'prompter' or 'assistant'")


def _conversation(message: Row, messages: dict[str, Row], where: str) -> tuple[list[Row], str]:
    """The turns from the first message to this one, and why they cannot be used (or "")."""
    turns, above = [message], {message["message_id"]}
    while parent := turns[0]["parent_id"]:
        if parent not in messages:
            return turns, "an earlier message is missing"
        if parent in above:
            raise RecordError(f"{where}: message {parent!r} answers itself: its parents form a ring")
        above.add(parent)
        turns.insert(0, messages[parent])
    if any(turn.get("deleted") for turn in turns):
        return turns, "deleted"
    return turns, "" if all(turn["text"].strip() for turn in turns) else "empty"


def _comparable(replies: Sequence[Row], left_out: Counter) -> list[Row]:
    """The replies that can be compared, best first, or [] (counted)."""
    usable = []
    for reply in replies:
        if reply.get("deleted"):
            left_out["reply: deleted"] += 1
        elif not reply["text"].strip():
            left_out["reply: empty"] += 1
        elif reply.get("rank") is None:
            left_out["reply: unranked"] += 1
        else:
            usable.append(reply)
    if len(usable) < 2:
        left_out[f"prompt: {len(usable)} ranked reply" if replies else "prompt: no reply"] += 1
        return []
    if len(usable) > MAX_K:
        left_out[f"reply: beyond the best {MAX_K}"] += len(usable) - MAX_K
    return sorted(usable, key=lambda reply: reply["rank"])[:MAX_K]
