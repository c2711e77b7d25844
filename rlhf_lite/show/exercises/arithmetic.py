"""Short exercises of every notebook: a line or two of arithmetic, with the paper's numbers."""

from __future__ import annotations

import math

from .task import Case, Law, Mistake, Outputs, Task


def _at(out: Outputs, shows: str) -> float:
    """The one number that a case gave."""
    (value,) = out[shows].values()
    return float(value)


def _between(low: float, high: float):
    """A law: every number lies between these, ends included."""
    return lambda out: all(low <= _at(out, shows) <= high for shows in out)


# --- 00 -----------------------------------------------------------------------------------------------------


def comparisons(k: int) -> float:
    """How many pairs there are among k answers."""
    return k * (k - 1) / 2


COMPARISONS = Task(
    name="comparisons",
    notebook="00",
    minutes=2,
    text="A labeler ranks k answers to one prompt. How many comparisons, each of two different answers, does "
    "one ranking hold?",
    hint="Each of k answers meets k - 1 others. Then every pair was met twice.",
    solution=comparisons,
    cases=(
        Case("two answers", (2,), {"pairs": 1}),
        Case("four answers, the fewest in the paper", (4,), {"pairs": 6}),
        Case("nine answers, the most in the paper", (9,), {"pairs": 36}),
    ),
    mistakes=(
        Mistake("each pair twice", "A against B and B against A is one comparison.", lambda k: k * (k - 1)),
        Mistake("with itself", "No answer is compared with itself: k - 1 others.", lambda k: k * (k + 1) / 2),
        Mistake(
            "neighbours only",
            "You count the steps of the ranking. A ranking also says that the first is better than the "
            "third.",
            lambda k: k - 1,
        ),
        Mistake(
            "all fields of the table", "k * k counts each pair twice and each answer once.", lambda k: k * k
        ),
    ),
    laws=(Law("Two answers make one comparison.", lambda out: _at(out, "two answers") == 1),),
    outputs=("pairs",),
)


def percent_of_pretraining(pretraining: float, *later: float) -> float:
    """Petaflop/s-days of pretraining and of what follows -> what follows, in percent of pretraining."""
    return 100 * sum(later) / pretraining


PERCENT_OF_PRETRAINING = Task(
    name="percent_of_pretraining",
    notebook="00",
    minutes=3,
    text="GPT-3 took 3,640 petaflop/s-days; the paper's 175B SFT took 4.9 and its PPO-ptx 60 (§5.1). What do "
    "the later steps cost together, in percent of pretraining?",
    hint="later is a tuple of numbers: sum(later).",
    solution=percent_of_pretraining,
    cases=(
        Case("the paper's 175B model", (3640.0, 4.9, 60.0), {"percent": 1.782967032967033}),
        Case("a tenth, in one step", (200.0, 20.0), {"percent": 10.0}),
        Case("three steps", (100.0, 1.0, 2.0, 3.0), {"percent": 6.0}),
    ),
    mistakes=(
        Mistake("a share, not percent", "Multiply by 100.", lambda a, *b: sum(b) / a),
        Mistake("only the last step", "Every step after pretraining counts.", lambda a, *b: 100 * b[-1] / a),
        Mistake(
            "of everything",
            "You divide by the sum of all. Asked is: in percent of pretraining alone.",
            lambda a, *b: 100 * sum(b) / (a + sum(b)),
        ),
        Mistake("upside down", "Divide by pretraining, not by what follows.", lambda a, *b: 100 * a / sum(b)),
    ),
    laws=(
        Law("Three steps of 1, 2 and 3 after 100 are 6 percent.", lambda out: _at(out, "three steps") == 6),
    ),
    outputs=("percent",),
)


def times_larger(large: float, small: float) -> float:
    """Parameters of two models -> by what factor the first is larger."""
    return large / small


TIMES_LARGER = Task(
    name="times_larger",
    notebook="00",
    minutes=2,
    text="People prefer the answers of InstructGPT with 1.3 billion parameters to those of GPT-3 with 175 "
    "billion (§1). How many times as large is the one they like less?",
    hint="A factor, not a difference.",
    solution=times_larger,
    cases=(
        Case("GPT-3 and the smallest InstructGPT", (175e9, 1.3e9), {"factor": 134.6153846153846}),
        Case("the paper's reward model and smallest policy", (6e9, 1.3e9), {"factor": 4.615384615384615}),
        Case("equal models", (1.3e9, 1.3e9), {"factor": 1.0}),
    ),
    mistakes=(
        Mistake("upside down", "That is how much smaller the other one is.", lambda a, b: b / a),
        Mistake("a difference", "Times larger is a quotient.", lambda a, b: a - b),
        Mistake(
            "one too few",
            "For equal models the factor is 1, not 0: do not subtract 1.",
            lambda a, b: a / b - 1,
        ),
        Mistake("orders of magnitude", "You give the power of ten.", lambda a, b: math.log10(a / b)),
    ),
    laws=(Law("For equal models the factor is 1.", lambda out: _at(out, "equal models") == 1),),
    outputs=("factor",),
)


def half_interval(share: float, n: int) -> float:
    """A share found in n independent trials -> half of its 95 % interval."""
    return 1.96 * math.sqrt(share * (1 - share) / n)


HALF_INTERVAL = Task(
    name="half_interval",
    notebook="00",
    minutes=5,
    text="A model won `share` of n comparisons, each on a different prompt. How wide is half of the 95 % "
    "interval, 1.96 standard errors, as a share? (Bars in these notebooks are wider: one customer's "
    "prompts are not independent.)",
    hint="A coin with P(heads) = p has variance p (1 - p). The mean of n throws has that variance / n.",
    solution=half_interval,
    cases=(
        Case("65 % of 600", (0.65, 600), {"half": 0.0381655174}),
        Case("half of 100", (0.5, 100), {"half": 0.098}),
        Case("all of 50", (1.0, 50), {"half": 0.0}),
    ),
    mistakes=(
        Mistake(
            "one standard error",
            "One standard error covers about 68 %; 95 % takes 1.96 of them.",
            lambda p, n: math.sqrt(p * (1 - p) / n),
        ),
        Mistake("no root", "p (1 - p) / n is a variance.", lambda p, n: 1.96 * p * (1 - p) / n),
        Mistake("the whole interval", "Half of it.", lambda p, n: 2 * 1.96 * math.sqrt(p * (1 - p) / n)),
        Mistake(
            "spread of one trial",
            "That is how much single trials vary. The mean of n varies less, by the root of n.",
            lambda p, n: 1.96 * math.sqrt(p * (1 - p)),
        ),
        Mistake("in percent", "As a share, please.", lambda p, n: 196 * math.sqrt(p * (1 - p) / n)),
    ),
    laws=(Law("It is never below 0.", _between(0.0, math.inf)),),
    outputs=("half",),
)

# --- 01 -----------------------------------------------------------------------------------------------------


def on_both_sides(n: int, share: float) -> float:
    """A user's n prompts, each put into the test set by chance -> chance that both sets get some."""
    return 1 - share**n - (1 - share) ** n


ON_BOTH_SIDES = Task(
    name="on_both_sides",
    notebook="01",
    minutes=4,
    text="Suppose the log were split by prompt: each goes into the test set with probability `share`, "
    "whoever typed it. How likely is a user with n prompts to be in the training set and in the test "
    "set?",
    hint="Subtract from 1 the two ways in which all n stay together.",
    solution=on_both_sides,
    cases=(
        Case("ten prompts, a tenth for the test", (10, 0.1), {"chance": 0.6513215598}),
        Case("two prompts, half and half", (2, 0.5), {"chance": 0.5}),
        Case("a single prompt", (1, 0.1), {"chance": 0.0}),
    ),
    mistakes=(
        Mistake(
            "all in the test set is forgotten",
            "You subtract only the users who stay out of the test set; a few are in it altogether.",
            lambda n, s: 1 - (1 - s) ** n,
        ),
        Mistake(
            "nobody in the test set",
            "That is one of the two ways to stay together.",
            lambda n, s: (1 - s) ** n,
        ),
        Mistake("of one prompt", "That is a prompt's chance. A user has n.", lambda n, s: s),
        Mistake("added up", "Chances that can happen together do not add up.", lambda n, s: min(1.0, n * s)),
    ),
    laws=(Law("A chance lies between 0 and 1.", _between(0.0, 1.0)),),
    outputs=("chance",),
)


def flattened(shares: list[float], power: float) -> list[float]:
    """Shares that sum to 1 -> each raised to a power, so that they sum to 1 again."""
    raised = [share**power for share in shares]
    return [x / sum(raised) for x in raised]


FLATTENED = Task(
    name="flattened",
    notebook="01",
    minutes=4,
    text="Almost half of the paper's prompts ask for a text and one in fifty for facts taken from one (Table "
    "1). A miniature would hardly see the rare ones, so it raises the shares to a power below 1 and "
    "scales them until they sum to 1 again. Return a list.",
    hint="First all powers, then divide each by their sum.",
    solution=flattened,
    cases=(
        Case("power 1 changes nothing", ([0.75, 0.25], 1.0), {"shares": [0.75, 0.25]}),
        Case("three shares", ([0.64, 0.2304, 0.1296], 0.5), {"shares": [20 / 41, 12 / 41, 9 / 41]}),
        Case("a root", ([0.64, 0.36], 0.5), {"shares": [4 / 7, 3 / 7]}),
    ),
    mistakes=(
        Mistake("not scaled", "They no longer sum to 1.", lambda s, p: [x**p for x in s]),
        Mistake(
            "multiplied",
            "A common factor is gone after scaling: the shares stay as they were. Raise them to the power.",
            lambda s, p: list(s),
        ),
        Mistake(
            "the other way",
            "A power above 1 makes the large ones larger: x ** p, not x ** (1 / p).",
            lambda s, p: flattened(s, 1 / p),
        ),
    ),
    laws=(
        Law(
            "Shares sum to 1.",
            lambda out: all(math.isclose(x["shares"].sum(), 1, rel_tol=1e-5) for x in out.values()),
        ),
    ),
    outputs=("shares",),
)


def percent_written(labelers: int, customers: int) -> float:
    """Prompts by labelers and by customers -> percent that labelers wrote."""
    return 100 * labelers / (labelers + customers)


PERCENT_WRITTEN = Task(
    name="percent_written",
    notebook="01",
    minutes=2,
    text="The SFT set has 11,295 prompts by labelers and 1,430 by customers, the ranking set 6,623 and "
    "26,584 (Table 6, training). What percentage of the prompts is by labelers?",
    hint="Divide by all prompts, not by the other ones.",
    solution=percent_written,
    cases=(
        Case("demonstrations", (11_295, 1_430), {"percent": 88.7622789783890}),
        Case("rankings", (6_623, 26_584), {"percent": 19.944589996085163}),
        Case("PPO", (0, 31_144), {"percent": 0.0}),
    ),
    mistakes=(
        Mistake("of the others", "You divide by the customers' prompts.", lambda a, b: 100 * a / b),
        Mistake("the customers' part", "That is what customers wrote.", lambda a, b: 100 * b / (a + b)),
        Mistake("a share, not percent", "Multiply by 100.", lambda a, b: a / (a + b)),
    ),
    laws=(Law("Percent lie between 0 and 100.", _between(0.0, 100.0)),),
    outputs=("percent",),
)

# --- A1 -----------------------------------------------------------------------------------------------------


def petaflop_days(parameters: float, tokens: float) -> float:
    """Parameters and tokens -> petaflop/s-days of training."""
    return 6 * parameters * tokens / (1e15 * 24 * 3600)


PETAFLOP_DAYS = Task(
    name="petaflop_days",
    notebook="A1",
    minutes=4,
    text="Training takes about 6 operations for each parameter and token: 2 on the way forward, 4 on the way "
    "back. One petaflop/s-day is a day of 10^15 operations per second. How many of them is one training "
    "run?",
    hint="Operations divided by the operations of one such day.",
    solution=petaflop_days,
    cases=(
        Case("GPT-3: 175 billion, 300 billion tokens", (175e9, 300e9), {"days": 3645.8333333333335}),
        Case("a model like ours: 1.2 million, 28 million tokens", (1.2e6, 28e6), {"days": 2.3333333333e-6}),
        Case("exactly one such day", (1e15, 14_400), {"days": 1.0}),
    ),
    mistakes=(
        Mistake(
            "only forward",
            "You count 2 operations. The way back takes 4 more.",
            lambda n, t: 2 * n * t / 8.64e19,
        ),
        Mistake("seconds", "You forgot the 86,400 seconds of a day.", lambda n, t: 6 * n * t / 1e15),
        Mistake("the 6 forgotten", "Parameters times tokens, times 6.", lambda n, t: n * t / 8.64e19),
        Mistake("hours", "You have petaflop/s-hours.", lambda n, t: 6 * n * t / 3.6e18),
    ),
    laws=(Law("It is never below 0.", _between(0.0, math.inf)),),
    outputs=("days",),
)


def loss_of_ignorance(vocabulary: int) -> float:
    """Size of a vocabulary -> loss in nats of a model that finds every token equally likely."""
    return math.log(vocabulary)


LOSS_OF_IGNORANCE = Task(
    name="loss_of_ignorance",
    notebook="A1",
    minutes=2,
    text="Before its first step a model has no idea: every token of the vocabulary is equally likely. What "
    "is its loss, in nats? (So a loss far above this at step 0 is a bug.)",
    hint="The loss is -log of the probability of what came, and that is 1 / vocabulary.",
    solution=loss_of_ignorance,
    cases=(
        Case("GPT-2's 50,257 tokens", (50_257,), {"loss": 10.82490511970208}),
        Case("a coin", (2,), {"loss": 0.6931471805599453}),
        Case("one token only", (1,), {"loss": 0.0}),
    ),
    mistakes=(
        Mistake("in bits", "Nats use the natural logarithm.", lambda v: math.log2(v)),
        Mistake("decimal logarithm", "Nats use the natural logarithm.", lambda v: math.log10(v)),
        Mistake(
            "the probability", "That is the probability; the loss is minus its logarithm.", lambda v: 1 / v
        ),
        Mistake("sign forgotten", "A loss is minus the logarithm of a probability.", lambda v: -math.log(v)),
        Mistake("the perplexity", "That is the exponential of the loss.", lambda v: float(v)),
    ),
    laws=(Law("A loss is never negative.", _between(0.0, math.inf)),),
)


def bits_per_letter(nats_per_token: float, letters_per_token: float) -> float:
    """A loss per token -> the same per letter, in bits."""
    return nats_per_token / math.log(2) / letters_per_token


BITS_PER_LETTER = Task(
    name="bits_per_letter",
    notebook="A1",
    minutes=4,
    text="Losses per token of models with different tokenizers cannot be compared: a long token is harder to "
    "guess. Losses per letter can. Turn nats per token into bits per letter.",
    hint="A bit is log 2 = 0.693 nats, so the number of bits is the larger one.",
    solution=bits_per_letter,
    cases=(
        Case("log 16 nats, four letters a token", (math.log(16), 4.0), {"bits": 1.0}),
        Case("one bit, tokens of one letter", (math.log(2), 1.0), {"bits": 1.0}),
        Case("3.0 nats, 4.5 letters a token", (3.0, 4.5), {"bits": 0.9617966939259757}),
    ),
    mistakes=(
        Mistake("still nats", "Divide by log 2, too.", lambda n, k: n / k),
        Mistake("bits per token", "Divide by the letters of a token.", lambda n, k: n / math.log(2)),
        Mistake(
            "times log 2",
            "Bits are smaller than nats, so there are more of them: divide.",
            lambda n, k: n * math.log(2) / k,
        ),
        Mistake(
            "times the letters",
            "A letter is less surprising than its token: divide.",
            lambda n, k: n / math.log(2) * k,
        ),
    ),
    laws=(
        Law("log 16 nats are four bits.", lambda out: _at(out, "log 16 nats, four letters a token") > 0.99),
    ),
    outputs=("bits",),
)


def steps_of_pretraining(tokens: int, rows: int, length: int) -> int:
    """Tokens to read, rows of a batch and tokens of a row -> whole steps."""
    return tokens // (rows * length)


STEPS_OF_PRETRAINING = Task(
    name="steps_of_pretraining",
    notebook="A1",
    minutes=2,
    text="A batch has `rows` rows of `length` tokens. How many whole steps do `tokens` tokens allow?",
    hint="How many tokens does one step read?",
    solution=steps_of_pretraining,
    cases=(
        Case("two steps and a rest", (5_000, 16, 128), {"steps": 2}),
        Case("a model like ours", (28_000_000, 32, 128), {"steps": 6835}),
        Case("less than a batch", (100, 16, 128), {"steps": 0}),
    ),
    mistakes=(
        Mistake("rows for tokens", "A row holds many tokens.", lambda t, r, n: t // r),
        Mistake("the batch forgotten", "A step reads a whole batch of rows.", lambda t, r, n: t // n),
        Mistake("rounded up", "The rest is no whole step.", lambda t, r, n: -(-t // (r * n))),
        Mistake("not whole", "Use //, there is no half step.", lambda t, r, n: t / (r * n)),
    ),
    laws=(Law("Less than a batch is no step.", lambda out: _at(out, "less than a batch") == 0),),
    outputs=("steps",),
)

# --- 02 -----------------------------------------------------------------------------------------------------


def steps_of_sft(demonstrations: int, batch_size: int, epochs: int) -> int:
    """How many steps epochs over the demonstrations take, the last batch of each being smaller."""
    return epochs * math.ceil(demonstrations / batch_size)


STEPS_OF_SFT = Task(
    name="steps_of_sft",
    notebook="02",
    minutes=3,
    text="SFT goes through its demonstrations in batches, and the last batch of an epoch holds what is left. "
    "How many steps do all `epochs` take?",
    hint="Count the batches of one epoch first, the last and smaller one too.",
    solution=steps_of_sft,
    cases=(
        Case("the paper: 12,725 in batches of 32, 16 epochs", (12_725, 32, 16), {"steps": 6368}),
        Case("nothing left over", (64, 32, 2), {"steps": 4}),
        Case("one left over", (65, 32, 2), {"steps": 6}),
    ),
    mistakes=(
        Mistake(
            "what is left is dropped", "Those are then left out of every epoch.", lambda n, b, e: e * (n // b)
        ),
        Mistake(
            "epochs run together",
            "Every epoch has a last batch of its own: round up before you multiply.",
            lambda n, b, e: math.ceil(e * n / b),
        ),
        Mistake("batches forgotten", "A step takes a whole batch.", lambda n, b, e: e * n),
        Mistake("one epoch", "Times the epochs.", lambda n, b, e: math.ceil(n / b)),
        Mistake("half a step", "There is none: round up in every epoch.", lambda n, b, e: e * n / b),
    ),
    laws=(Law("Two epochs of two batches are four steps.", lambda out: _at(out, "nothing left over") == 4),),
    outputs=("steps",),
)


def cosine_rate(progress: float, peak: float, final: float) -> float:
    """Learning rate after a share of the training: from `peak` along half a cosine to `final` * peak."""
    return peak * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress)))


COSINE_RATE = Task(
    name="cosine_rate",
    notebook="02",
    minutes=5,
    text="SFT and the reward model go from `peak` along half a cosine down to a share `final` of it, 0.1 "
    "(App. C.1, C.2). What is the rate at `progress`, which runs from 0 to 1?",
    hint="cos runs from 1 to -1 over pi. (1 + cos) / 2 runs from 1 to 0.",
    solution=cosine_rate,
    cases=(
        Case("at the beginning", (0.0, 2.0, 0.1), {"rate": 2.0}),
        Case("in the middle", (0.5, 2.0, 0.1), {"rate": 1.1}),
        Case("three quarters through", (0.75, 1.0, 0.1), {"rate": 0.23180194846605362}),
        Case("at the end", (1.0, 2.0, 0.1), {"rate": 0.2}),
    ),
    mistakes=(
        Mistake(
            "a straight line",
            "At the beginning, middle and end the line agrees. In between the cosine stays up longer, then "
            "falls.",
            lambda t, p, f: p * (1 - (1 - f) * t),
        ),
        Mistake(
            "down to 0",
            "The rate ends at final * peak.",
            lambda t, p, f: p * 0.5 * (1 + math.cos(math.pi * t)),
        ),
        Mistake(
            "not below the floor, but not along the curve",
            "You cut the curve off at the floor. It should be squeezed, so that it arrives there at the end.",
            lambda t, p, f: p * max(f, 0.5 * (1 + math.cos(math.pi * t))),
        ),
        Mistake(
            "half of a half",
            "cos goes to -1 at pi. You stop at pi / 2.",
            lambda t, p, f: p * (f + (1 - f) * math.cos(math.pi * t / 2)),
        ),
        Mistake(
            "final as a rate",
            "final is a share of the peak.",
            lambda t, p, f: f + (p - f) * 0.5 * (1 + math.cos(math.pi * t)),
        ),
    ),
    laws=(Law("It begins at the peak.", lambda out: math.isclose(_at(out, "at the beginning"), 2.0)),),
    outputs=("rate",),
)


def at_temperature(probability: float, temperature: float) -> float:
    """Of two answers the first has this probability -> the same when logits are divided by a temperature."""
    ours, theirs = probability ** (1 / temperature), (1 - probability) ** (1 / temperature)
    return ours / (ours + theirs)


AT_TEMPERATURE = Task(
    name="at_temperature",
    notebook="02",
    minutes=5,
    text="SFT has learned that 62 % of writers have a bad habit. Say one token, of two, decides it. At "
    "temperature 1, 62 % of answers show it. How many at `temperature`, which divides the logits?",
    hint="Logits are logarithms: dividing them by T takes probabilities to the power 1 / T. Then scale both.",
    solution=at_temperature,
    cases=(
        Case("62 %, temperature 0.5", (0.62, 0.5), {"chance": 0.7269288956127081}),
        Case("62 %, temperature 1", (0.62, 1.0), {"chance": 0.62}),
        Case("80 %, temperature 2", (0.8, 2.0), {"chance": 2 / 3}),
        Case("half and half", (0.5, 0.2), {"chance": 0.5}),
    ),
    mistakes=(
        Mistake("the habit's share stays", "Only at temperature 1.", lambda p, t: p),
        Mistake(
            "the likelier one always",
            "That is greedy decoding, the limit for temperature 0.",
            lambda p, t: 1.0 if p > 0.5 else p,
        ),
        Mistake(
            "power T", "Cold means sharper: the power is 1 / T.", lambda p, t: p**t / (p**t + (1 - p) ** t)
        ),
        Mistake("not scaled", "The two have to sum to 1 again.", lambda p, t: p ** (1 / t)),
        Mistake("divided by T", "Logits are divided, not probabilities.", lambda p, t: p / t),
    ),
    laws=(Law("A chance lies between 0 and 1.", _between(0.0, 1.0)),),
    outputs=("chance",),
)

# --- 03 -----------------------------------------------------------------------------------------------------


def comparisons_of_all(fewest: int, most: int, prompts: int) -> float:
    """As many answers as anything between `fewest` and `most`, equally often -> comparisons in all."""
    counts = range(fewest, most + 1)
    return prompts * sum(k * (k - 1) / 2 for k in counts) / len(counts)


COMPARISONS_OF_ALL = Task(
    name="comparisons_of_all",
    notebook="03",
    minutes=5,
    text="Labelers ranked 4 to 9 answers to each of 33,207 prompts (§3.5, Table 6). How many comparisons is "
    "that, if no two tie and each number of answers is as common?",
    hint="The mean of K (K - 1) / 2 over all K, not the value at the mean K.",
    solution=comparisons_of_all,
    cases=(
        Case("the paper: 4 to 9 answers, 33,207 prompts", (4, 9, 33_207), {"pairs": 642_002}),
        Case("three or four", (3, 4, 100), {"pairs": 450}),
        Case("two or three", (2, 3, 10), {"pairs": 20}),
    ),
    mistakes=(
        Mistake(
            "the mean K put in",
            "Pairs grow with the square: large K add more than small ones take away. Average the pairs.",
            lambda a, b, n: n * ((a + b) / 2) * ((a + b) / 2 - 1) / 2,
        ),
        Mistake(
            "all with the most", "Not every prompt had so many answers.", lambda a, b, n: n * b * (b - 1) / 2
        ),
        Mistake("all with the fewest", "Most had more answers.", lambda a, b, n: n * a * (a - 1) / 2),
        Mistake(
            "the largest left out",
            "range(a, b) ends before b.",
            lambda a, b, n: n * sum(k * (k - 1) / 2 for k in range(a, b)) / (b - a),
        ),
        Mistake("answers counted", "Those are the answers.", lambda a, b, n: n * (a + b) / 2),
    ),
    laws=(
        Law("Two or three answers: two comparisons on average.", lambda out: _at(out, "two or three") == 20),
    ),
    outputs=("pairs",),
)


def how_often_right(agreement: float) -> float:
    """Two people agree on so many pairs -> how often each is right, if both err equally often by chance."""
    return (1 + math.sqrt(2 * agreement - 1)) / 2


HOW_OFTEN_RIGHT = Task(
    name="how_often_right",
    notebook="03",
    minutes=8,
    text="Labelers agree on 72.6 % of pairs. Say each is right with the same probability p on every pair, "
    "independently of the other. They agree where both are right and where both are wrong. What is p?",
    hint="p^2 + (1 - p)^2 = agreement. Of the two solutions take the one above a half.",
    solution=how_often_right,
    cases=(
        Case("the paper's 72.6 %", (0.726,), {"p": 0.8361547262794322}),
        Case("they always agree", (1.0,), {"p": 1.0}),
        Case("a coin's agreement", (0.5,), {"p": 0.5}),
    ),
    mistakes=(
        Mistake(
            "both wrong is forgotten",
            "Two people who are both wrong agree, too: a pair has only two orders.",
            lambda a: math.sqrt(a),
        ),
        Mistake("the agreement itself", "That is how often they agree with each other.", lambda a: a),
        Mistake(
            "half of the way",
            "You split the disagreements between the two. But both can be wrong and agree.",
            lambda a: (1 + a) / 2,
        ),
        Mistake(
            "the other solution",
            "The smaller root is that of people who are mostly wrong, and agree as often.",
            lambda a: (1 - math.sqrt(2 * a - 1)) / 2,
        ),
    ),
    laws=(Law("The larger solution is never below one half.", _between(0.5, 1.0)),),
    outputs=("p",),
)


def majority_right(p: float) -> float:
    """Each of three people is right with probability p -> how often their majority is."""
    return p**3 + 3 * p**2 * (1 - p)


MAJORITY_RIGHT = Task(
    name="majority_right",
    notebook="03",
    minutes=5,
    text="Three people judge the same pair, each right with probability p, independently. How often is the "
    "majority right?",
    hint="All three, or exactly two; which one of the three is wrong can be chosen in three ways.",
    solution=majority_right,
    cases=(
        Case("84 % each", (0.84,), {"chance": 0.931392}),
        Case("coins", (0.5,), {"chance": 0.5}),
        Case("never wrong", (1.0,), {"chance": 1.0}),
    ),
    mistakes=(
        Mistake("all three only", "Two of three are a majority.", lambda p: p**3),
        Mistake(
            "the three ways forgotten",
            "Exactly two can be right in three ways.",
            lambda p: p**3 + p**2 * (1 - p),
        ),
        Mistake("exactly two only", "All three right is a majority, too.", lambda p: 3 * p**2 * (1 - p)),
        Mistake("at least one", "One of three is outvoted.", lambda p: 1 - (1 - p) ** 3),
        Mistake("any two", "The third is wrong then: times 1 - p.", lambda p: 3 * p**2),
        Mistake("one person", "That is one person alone.", lambda p: p),
    ),
    laws=(Law("Three coins are a coin.", lambda out: math.isclose(_at(out, "coins"), 0.5)),),
    outputs=("chance",),
)

# --- 04 -----------------------------------------------------------------------------------------------------


def margin(probability: float) -> float:
    """How far apart two scores are if the first answer is preferred with this probability."""
    return math.log(probability / (1 - probability))


MARGIN = Task(
    name="margin",
    notebook="04",
    minutes=4,
    text="Equation 1 assumes P(A preferred to B) = sigma(score of A - score of B). So how far apart are the "
    "scores if A is preferred with this probability?",
    hint="Turn P = 1 / (1 + exp(-x)) round.",
    solution=margin,
    cases=(
        Case("nine of ten", (0.9,), {"margin": 2.1972245773362196}),
        Case("even", (0.5,), {"margin": 0.0}),
        Case("the paper's 72.6 %", (0.726,), {"margin": 0.9744219084367257}),
        Case("one of ten", (0.1,), {"margin": -2.1972245773362196}),
    ),
    mistakes=(
        Mistake("the other answer's", "You computed B's score minus A's.", lambda p: math.log((1 - p) / p)),
        Mistake("odds", "Take the logarithm of the odds.", lambda p: p / (1 - p)),
        Mistake(
            "sigma itself",
            "You apply sigma; asked is what it was applied to.",
            lambda p: 1 / (1 + math.exp(-p)),
        ),
        Mistake(
            "decimal logarithm", "sigma has exp in it: the natural one.", lambda p: math.log10(p / (1 - p))
        ),
        Mistake("the loss", "-log P is what the pair costs.", lambda p: -math.log(p)),
    ),
    laws=(Law("Even chances are a margin of 0.", lambda out: _at(out, "even") == 0),),
    outputs=("margin",),
)


def weight_of_a_pair(k: int, batch: int) -> float:
    """Of `batch` prompts with k answers each -> what one pair weighs in the loss of the batch."""
    return 1 / (batch * k * (k - 1) / 2)


WEIGHT_OF_A_PAIR = Task(
    name="weight_of_a_pair",
    notebook="04",
    minutes=4,
    text="Equation 1 divides the losses of a prompt's pairs by their number, C(K, 2); a batch is the mean "
    "over its prompts. What does one pair weigh in the batch's loss? All weights sum to 1.",
    hint="One prompt has weight 1 / batch, and its pairs share it.",
    solution=weight_of_a_pair,
    cases=(
        Case("one prompt, nine answers", (9, 1), {"weight": 1 / 36}),
        Case("the paper's 64 prompts, four answers", (4, 64), {"weight": 1 / 384}),
        Case("two answers, a batch of 8", (2, 8), {"weight": 1 / 8}),
    ),
    mistakes=(
        Mistake("one weight for all", "You forgot the C(K, 2).", lambda k, b: 1 / b),
        Mistake(
            "the batch forgotten", "A prompt has only its part of the batch.", lambda k, b: 2 / (k * (k - 1))
        ),
        Mistake("divided by K", "There are K (K - 1) / 2 pairs.", lambda k, b: 1 / (b * k)),
        Mistake("each pair twice", "A pair counts once.", lambda k, b: 1 / (b * k * (k - 1))),
    ),
    laws=(Law("No pair weighs more than everything.", _between(0.0, 1.0)),),
    outputs=("weight",),
)


def kl_of_best(n: int) -> float:
    """KL, in nats, between the best of n answers and a single one."""
    return math.log(n) - (n - 1) / n


KL_OF_BEST = Task(
    name="kl_of_best",
    notebook="04",
    minutes=3,
    text="Drawing n answers and keeping the one with the highest score needs no training, and yet it is "
    "another policy. Its KL from the old one is log n - (n - 1) / n at most. Write it down.",
    hint="log is the natural logarithm.",
    solution=kl_of_best,
    cases=(
        Case("best of one", (1,), {"kl": 0.0}),
        Case("best of two", (2,), {"kl": 0.1931471805599453}),
        Case("best of 16", (16,), {"kl": 1.8350887222397811}),
    ),
    mistakes=(
        Mistake(
            "log n",
            "That is for keeping only the top nth of all answers. Here, subtract (n - 1) / n.",
            lambda n: math.log(n),
        ),
        Mistake("in bits", "Nats: the natural logarithm.", lambda n: math.log2(n) - (n - 1) / n),
        Mistake(
            "1 / n subtracted", "Subtract (n - 1) / n; best of one must be 0.", lambda n: math.log(n) - 1 / n
        ),
        Mistake("added", "Subtract (n - 1) / n.", lambda n: math.log(n) + (n - 1) / n),
    ),
    laws=(Law("Best of one is no choice: KL 0.", lambda out: _at(out, "best of one") == 0),),
    outputs=("kl",),
)

# --- 06 -----------------------------------------------------------------------------------------------------


def rows_per_minibatch(batch: int, minibatches: int, rows_per_episode: int) -> int:
    """Episodes of a batch, its minibatches, text rows for each episode -> text rows of one minibatch."""
    return batch // minibatches * rows_per_episode


def _rows_are_episodes(out: Outputs) -> bool:
    return _at(out, "one row for each episode") == 32


ROWS_PER_MINIBATCH = Task(
    name="rows_per_minibatch",
    notebook="06",
    minutes=2,
    text="The paper has batches of 512 episodes in 8 minibatches, and 8 times as many pretraining examples "
    "as episodes (App. C.4). How many rows of text does one minibatch, and so one step, read?",
    hint="How many episodes are in a minibatch?",
    solution=rows_per_minibatch,
    cases=(
        Case("the paper", (512, 8, 8), {"rows": 512}),
        Case("one row for each episode", (256, 8, 1), {"rows": 32}),
        Case("a batch in one piece", (64, 1, 2), {"rows": 128}),
    ),
    mistakes=(
        Mistake("of the whole batch", "That is for 8 steps.", lambda b, m, r: b * r),
        Mistake("text forgotten", "Those are the episodes.", lambda b, m, r: b // m),
        Mistake("minibatches times rows", "Begin with the episodes of a minibatch.", lambda b, m, r: m * r),
    ),
    laws=(Law("One row for each episode: as many rows as episodes.", _rows_are_episodes),),
    outputs=("rows",),
)


def share_of_text(policy: float, text: float, gamma: float) -> float:
    """Lengths of two gradients in the same direction -> the text's share of the step."""
    return gamma * text / (policy + gamma * text)


SHARE_OF_TEXT = Task(
    name="share_of_text",
    notebook="06",
    minutes=4,
    text="PPO-ptx takes one step with the gradient of PPO plus gamma times that of the text. Let both point "
    "the same way, with these lengths. Which share of the step is the text's?",
    hint="First weigh, then add, then divide.",
    solution=share_of_text,
    cases=(
        Case(
            "the paper's gamma, a small gradient of text", (0.01, 0.002, 27.8), {"share": 0.8475609756097561}
        ),
        Case("gamma 0", (0.5, 0.5, 0.0), {"share": 0.0}),
        Case("gamma 1, equal lengths", (0.5, 0.5, 1.0), {"share": 0.5}),
    ),
    mistakes=(
        Mistake(
            "gamma forgotten", "The text's gradient is multiplied by gamma.", lambda p, t, g: t / (p + t)
        ),
        Mistake(
            "a step each",
            "If each had a step of its own, Adam would cancel gamma. Here both are added, so gamma counts.",
            lambda p, t, g: 0.5,
        ),
        Mistake("gamma alone", "Their lengths count, too.", lambda p, t, g: g / (1 + g)),
        Mistake("weighed once", "It stands in the sum with its gamma, too.", lambda p, t, g: g * t / (p + t)),
        Mistake("the other share", "That is PPO's.", lambda p, t, g: p / (p + g * t)),
    ),
    laws=(Law("A share lies between 0 and 1.", _between(0.0, 1.0)),),
    outputs=("share",),
)


def won_back(before: float, without: float, mixed: float) -> float:
    """A skill before RL, after PPO and after PPO-ptx -> which share of the loss the mix prevented."""
    return (mixed - without) / (before - without)


WON_BACK = Task(
    name="won_back",
    notebook="06",
    minutes=3,
    text="A skill stood at `before`, fell to `without` under PPO, and is at `mixed` under PPO-ptx. What "
    "share of that fall did the pretraining text prevent?",
    hint="What was lost is before - without.",
    solution=won_back,
    cases=(
        Case("80 %, then 60 or 76", (0.80, 0.60, 0.76), {"share": 0.8}),
        Case("nothing prevented", (0.9, 0.5, 0.5), {"share": 0.0}),
        Case("better than before", (0.5, 0.4, 0.6), {"share": 2.0}),
    ),
    mistakes=(
        Mistake(
            "what is kept", "mixed / before is what is kept of the skill, lost or not.", lambda b, w, m: m / b
        ),
        Mistake("points", "As a share of what was lost.", lambda b, w, m: m - w),
        Mistake("what is still lost", "That is the rest.", lambda b, w, m: (b - m) / (b - w)),
        Mistake("gain over PPO", "Divide by the fall, not by PPO's level.", lambda b, w, m: (m - w) / w),
    ),
    laws=(Law("Nothing prevented is 0.", lambda out: _at(out, "nothing prevented") == 0),),
    outputs=("share",),
)

# --- 07 -----------------------------------------------------------------------------------------------------


def bits_of_entropy(p: float) -> float:
    """One of two things happens with probability p, else the other -> entropy in bits."""
    return -sum(x * math.log2(x) for x in (p, 1 - p) if x > 0)


BITS_OF_ENTROPY = Task(
    name="bits_of_entropy",
    notebook="07",
    minutes=5,
    text="A model goes on with *She* with probability p and with *He* otherwise. How undecided is it, in "
    "bits? What is certain has 0.",
    hint="Minus the sum of x log2 x over both; where x is 0 the term is 0.",
    solution=bits_of_entropy,
    cases=(
        Case("three to one", (0.75,), {"bits": 0.8112781244591328}),
        Case("even", (0.5,), {"bits": 1.0}),
        Case("certain", (1.0,), {"bits": 0.0}),
        Case("one to nine", (0.1,), {"bits": 0.4689955935892812}),
    ),
    mistakes=(
        Mistake(
            "nats",
            "Bits use the logarithm to base 2.",
            lambda p: -sum(x * math.log(x) for x in (p, 1 - p) if x > 0),
        ),
        Mistake("only one answer", "The other answer has its term, too.", lambda p: -p * math.log2(p)),
        Mistake("surprise, not entropy", "Weigh each surprise by its probability.", lambda p: -math.log2(p)),
        Mistake("the likelier one", "That says how sure it is, but not in bits.", lambda p: max(p, 1 - p)),
        Mistake("sign forgotten", "Logarithms of probabilities are negative.", lambda p: -bits_of_entropy(p)),
    ),
    laws=(Law("Two answers hold one bit at most.", _between(0.0, 1.0)),),
    outputs=("bits",),
)


def pooled_rate(customers: list[list[float]]) -> float:
    """For each customer the outcomes of their prompts (1, 0.5, 0) -> the win rate over all prompts."""
    outcomes = [won for customer in customers for won in customer]
    return sum(outcomes) / len(outcomes)


POOLED_RATE = Task(
    name="pooled_rate",
    notebook="07",
    minutes=3,
    text="Each customer has a list: 1 for a win, 0.5 for a tie, 0 for a loss. What is the win rate over all "
    "prompts, so that whoever asks more counts more?",
    hint="Put everything into one list first.",
    solution=pooled_rate,
    cases=(
        Case("the seven prompts of section 2", ([[1, 1, 1, 1], [0, 0.5], [0]],), {"rate": 4.5 / 7}),
        Case("one customer", ([[1, 0]],), {"rate": 0.5}),
        Case("everybody loses", ([[0], [0, 0]],), {"rate": 0.0}),
    ),
    mistakes=(
        Mistake(
            "a mean of means",
            "Every customer counts alike in yours, whether they sent one prompt or four.",
            lambda customers: sum(sum(c) / len(c) for c in customers) / len(customers),
        ),
        Mistake(
            "customers counted",
            "Divide by prompts.",
            lambda customers: sum(map(sum, customers)) / len(customers),
        ),
        Mistake(
            "ties are lost",
            "A tie counts one half.",
            lambda customers: pooled_rate([[float(won == 1) for won in c] for c in customers]),
        ),
    ),
    laws=(Law("A rate lies between 0 and 1.", _between(0.0, 1.0)),),
    outputs=("rate",),
)


def in_random_order(first: float, second: float) -> float:
    """Win rate with our answer always read first, and always second -> in random order."""
    return (first + second) / 2


IN_RANDOM_ORDER = Task(
    name="in_random_order",
    notebook="07",
    minutes=2,
    text="Our answers win 58 % when read first and 46 % when read second. What do they win if a coin sets "
    "the order each time?",
    hint="Half of the pairs are of each kind.",
    solution=in_random_order,
    cases=(
        Case("58 and 46 %", (0.58, 0.46), {"rate": 0.52}),
        Case("readers who lean to no side", (0.6, 0.6), {"rate": 0.6}),
        Case("only the place counts", (1.0, 0.0), {"rate": 0.5}),
    ),
    mistakes=(
        Mistake("the better one", "A coin is not on our side.", lambda a, b: max(a, b)),
        Mistake("both at once", "A pair is read in one order only.", lambda a, b: a * b),
        Mistake("the difference", "That is what the place is worth.", lambda a, b: a - b),
        Mistake(
            "one of the two",
            "Winning in either order is not what is asked: each pair is read once.",
            lambda a, b: a + b - a * b,
        ),
    ),
    laws=(
        Law(
            "Where only the place counts, models are equal.",
            lambda out: _at(out, "only the place counts") == 0.5,
        ),
    ),
    outputs=("rate",),
)


def true_and_informative(true: list[int], informative: list[int]) -> float:
    """For each answer whether it is true and whether it says anything -> share that is both."""
    return sum(a and b for a, b in zip(true, informative, strict=True)) / len(true)


TRUE_AND_INFORMATIVE = Task(
    name="true_and_informative",
    notebook="07",
    minutes=3,
    text='"I have no comment" is never false. So the paper also counts answers that are true *and* '
    "informative. Which share is both?",
    hint="Look at each answer, then count.",
    solution=true_and_informative,
    cases=(
        Case("four answers", ([1, 1, 0, 1], [1, 0, 1, 1]), {"share": 0.5}),
        Case("almost silent", ([1, 1, 1, 1], [0, 0, 0, 1]), {"share": 0.25}),
        Case("one who knows everything", ([1, 1], [1, 1]), {"share": 1.0}),
        Case("true or informative, never both", ([1, 0], [0, 1]), {"share": 0.0}),
    ),
    mistakes=(
        Mistake("true only", "Silence would win.", lambda t, i: sum(t) / len(t)),
        Mistake(
            "shares multiplied",
            "That would be right if the two were independent; the silent ones are all true.",
            lambda t, i: sum(t) / len(t) * sum(i) / len(i),
        ),
        Mistake(
            "of the informative ones",
            "You divide by the informative answers. The silent ones are answers, too.",
            lambda t, i: sum(a and b for a, b in zip(t, i, strict=True)) / sum(i),
        ),
        Mistake(
            "either",
            "Both, not one of them.",
            lambda t, i: sum(a or b for a, b in zip(t, i, strict=True)) / len(t),
        ),
    ),
    laws=(Law("A share lies between 0 and 1.", _between(0.0, 1.0)),),
    outputs=("share",),
)


def prompts_needed(half: float) -> int:
    """Half of the 95 % interval that is wanted around a win rate near one half -> comparisons it takes."""
    return math.ceil(0.25 * (1.96 / half) ** 2)


PROMPTS_NEEDED = Task(
    name="prompts_needed",
    notebook="07",
    minutes=6,
    text="Two models are close. How many independent comparisons does it take until half of the 95 % "
    "interval of the win rate, 1.96 standard errors, is at most `half`? Take the variance of a coin, "
    "one quarter.",
    hint="half = 1.96 sqrt(0.25 / n). Solve for n and round up.",
    solution=prompts_needed,
    cases=(
        Case("two points", (0.02,), {"n": 2401}),
        Case("ten points", (0.1,), {"n": 97}),
        Case("as good as nothing", (0.98,), {"n": 1}),
    ),
    mistakes=(
        Mistake(
            "no square", "Half the width takes four times as many.", lambda h: math.ceil(0.25 * 1.96 / h)
        ),
        Mistake(
            "four times too many",
            "A coin has variance one quarter. (Or you took half of the interval for all of it.)",
            lambda h: math.ceil((1.96 / h) ** 2),
        ),
        Mistake("one standard error", "95 % take 1.96 of them.", lambda h: math.ceil(0.25 / h**2)),
        Mistake(
            "rounded down", "Then it is a little wider than wanted.", lambda h: int(0.25 * (1.96 / h) ** 2)
        ),
    ),
    laws=(Law("It takes at least one.", _between(1.0, math.inf)),),
    outputs=("n",),
)

# --- 09 -----------------------------------------------------------------------------------------------------


def parts_of_a_batch(batch: int, processes: int, fits: int) -> int:
    """Rows of a batch, GPUs, rows that fit on one at once -> parts in which each GPU takes its rows."""
    return math.ceil(batch / processes / fits)


PARTS_OF_A_BATCH = Task(
    name="parts_of_a_batch",
    notebook="09",
    minutes=3,
    text="A batch is dealt out over `processes` GPUs, and each can hold `fits` rows at once. In how many "
    "parts (accumulation) does each GPU compute its rows, at the least?",
    hint="How many rows does one GPU get? Round up: a rest is a part, too.",
    solution=parts_of_a_batch,
    cases=(
        Case("64 rows, two GPUs, 8 fit", (64, 2, 8), {"parts": 4}),
        Case("one GPU, all fit", (32, 1, 64), {"parts": 1}),
        Case("a rest", (40, 2, 8), {"parts": 3}),
    ),
    mistakes=(
        Mistake(
            "the GPUs forgotten", "Each gets only its part of the batch.", lambda b, p, f: math.ceil(b / f)
        ),
        Mistake("rounded down", "What is left needs a part of its own.", lambda b, p, f: b // p // f),
        Mistake("rows, not parts", "Those are the rows of a GPU.", lambda b, p, f: b // p),
        Mistake("not whole", "Parts are counted: round up.", lambda b, p, f: b / p / f),
    ),
    laws=(Law("Nothing is computed in less than one part.", _between(1.0, math.inf)),),
    outputs=("parts",),
)


def training_gigabytes(parameters: float) -> float:
    """Parameters -> GB that weights, gradients and Adam's two moments take, 4 bytes each."""
    return parameters * 4 * 4 / 1e9


TRAINING_GIGABYTES = Task(
    name="training_gigabytes",
    notebook="09",
    minutes=3,
    text="Training in float32 keeps four numbers of 4 bytes for each parameter: its weight, its gradient, "
    "and Adam's two moments. How many GB (10^9 bytes) before any text is read?",
    hint="16 bytes a parameter.",
    solution=training_gigabytes,
    cases=(
        Case("GPT-2, 124 million", (124e6,), {"gb": 1.984}),
        Case("GPT-2 XL, 1.5 billion", (1.5e9,), {"gb": 24.0}),
        Case("nothing", (0.0,), {"gb": 0.0}),
    ),
    mistakes=(
        Mistake(
            "a quarter", "Four bytes each, and four numbers: 16 bytes a parameter.", lambda n: n * 4 / 1e9
        ),
        Mistake("three of four", "One of the four is missing.", lambda n: n * 12 / 1e9),
        Mistake("half", "You count 8 bytes a parameter. It is 4 numbers of 4 bytes.", lambda n: n * 8 / 1e9),
        Mistake("numbers, not bytes", "A float32 takes 4 bytes, and there are four.", lambda n: n / 1e9),
        Mistake("eight bytes", "float32 has 4 bytes, not 8.", lambda n: n * 32 / 1e9),
    ),
    laws=(Law("It is never below 0.", _between(0.0, math.inf)),),
    outputs=("gb",),
)


def true_preference(observed: float, accuracy: float) -> float:
    """How often a judge prefers a model, and how often it is right -> how often the model is better."""
    return (observed - (1 - accuracy)) / (2 * accuracy - 1)


TRUE_PREFERENCE = Task(
    name="true_preference",
    notebook="09",
    minutes=8,
    text="A judge that is right in `accuracy` of all cases, whatever it looks at, prefers our model in "
    "`observed` of them. How often is our model really better?",
    hint="observed = w * accuracy + (1 - w) * (1 - accuracy), where w is what we look for.",
    solution=true_preference,
    cases=(
        Case("59 % seen by a judge of 70 %", (0.592, 0.7), {"w": 0.73}),
        Case("a judge that never errs", (0.64, 1.0), {"w": 0.64}),
        Case("half and half", (0.5, 0.6), {"w": 0.5}),
    ),
    mistakes=(
        Mistake("what was seen", "Errors pull every preference towards a half.", lambda o, a: o),
        Mistake(
            "divided by the accuracy",
            "A wrong judge also prefers us by mistake, where we are worse: subtract these cases first.",
            lambda o, a: o / a,
        ),
        Mistake(
            "multiplied",
            "Errors are already in what was seen; take them out.",
            lambda o, a: o * a + (1 - o) * (1 - a),
        ),
        Mistake("not stretched", "Divide by 2 accuracy - 1.", lambda o, a: o - (1 - a)),
    ),
    laws=(Law("Half and half stays so.", lambda out: math.isclose(_at(out, "half and half"), 0.5)),),
    outputs=("w",),
)

TASKS = (
    COMPARISONS,
    PERCENT_OF_PRETRAINING,
    TIMES_LARGER,
    HALF_INTERVAL,
    ON_BOTH_SIDES,
    FLATTENED,
    PERCENT_WRITTEN,
    PETAFLOP_DAYS,
    LOSS_OF_IGNORANCE,
    BITS_PER_LETTER,
    STEPS_OF_PRETRAINING,
    STEPS_OF_SFT,
    COSINE_RATE,
    AT_TEMPERATURE,
    COMPARISONS_OF_ALL,
    HOW_OFTEN_RIGHT,
    MAJORITY_RIGHT,
    MARGIN,
    WEIGHT_OF_A_PAIR,
    KL_OF_BEST,
    ROWS_PER_MINIBATCH,
    SHARE_OF_TEXT,
    WON_BACK,
    BITS_OF_ENTROPY,
    POOLED_RATE,
    IN_RANDOM_ORDER,
    TRUE_AND_INFORMATIVE,
    PROMPTS_NEEDED,
    PARTS_OF_A_BATCH,
    TRAINING_GIGABYTES,
    TRUE_PREFERENCE,
)
