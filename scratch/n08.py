"""Builds notebooks/08_findings.ipynb (run when experiments are recorded): python scratch/n08.py notebooks/08_findings.ipynb"""
import json,sys
C=[]
def md(t): C.append(dict(cell_type="markdown",id=str(len(C)),metadata={},source=t.strip("\n").splitlines(keepends=True)))
def py(t): C.append(dict(cell_type="code",id=str(len(C)),metadata={},execution_count=None,outputs=[],source=t.strip("\n").splitlines(keepends=True)))
md(r'''
# 08 · Findings: one thing different, everything else the same

*Paper: §3.1, §3.4, §3.5, §4.1, §5.1, App. B.1, C.1 to C.5, E.6 to E.11; Figures 1, 13, 33 to 38. About 50 minutes to read; it runs in two minutes on two CPU cores.*

The paper says many things in passing: the reward model hardly minds its learning rate, a tenth of pretraining text in the SFT before RL comes out best, though not surely, more epochs do harm in one number and good in
another. Each is a difference between two trainings that differ in one thing. This notebook has such pairs, some of them as whole curves, each trained three times.

After this notebook you can

- say for each knob of the chain what it does, in which direction and how far;
- read a rule that can fail, and say what it would take to pass;
- tell what of the paper holds in a miniature and what does not.
''')
py(r'''
from rlhf_lite import show
from rlhf_lite.chain.experiments import by_seed, called, load, measured
from rlhf_lite.chain.questions import EXPERIMENTS
from rlhf_lite.show.scorecard import scorecard

runs = {name: load(name) for name in EXPERIMENTS}
show.table([{"experiment": name, "what differs": EXPERIMENTS[name].says, "up to": EXPERIMENTS[name].stage,
             "arms": ", ".join(map(called, found)), "runs": sum(map(len, found.values()))}
            for name, found in runs.items()])
''')
md(r'''
## 1. The idea: arms, seeds and a rule

An **experiment** has arms. An arm is the whole chain of notebooks 01 to 06 with a few settings changed; it is built up to some stage, and what comes out is measured on
the same test prompts. Every arm is built with the same three seeds, which draw the data, the people, the order and every token. So arms can be compared seed by
seed: they share data, people and order, except where those are what differs, and much of the luck cancels. (Tables show each arm's own interval; rules look at differences within
a seed, so arms whose intervals overlap can still differ reliably. And all arms begin with the same base model: what is luck of that one is not seen here.)

What we expect was written down before these runs (of four sweeps we had seen an older version, in a smaller world): a number, and the band it should lie in. Afterwards each expectation gets one of three verdicts: *shows*, if the whole
95 % interval lies in the band; *partly*, if only the mean does; otherwise *not here*. Some rules are claims of the paper, with their place in it; others are ours.
Where a band begins at 0, *partly* says little: where nothing differs, the mean is above 0 every other time.

## 2. By hand: three runs

A gain of .03, .05 and .01 in three runs. Is there one? With many runs a 95 % interval reaches 1.96 standard errors to each side. With three, the scatter itself is poorly known,
and *Student's t* says by how much to widen it: 4.303.

**Predict:** does the interval contain 0?
''')
py(r'''
show.Predict("Does the interval of .03, .05 and .01 contain 0?")
''')
py(r'''
import math

from rlhf_lite.evaluate.claims import Claim
from rlhf_lite.evaluate.seeds import interval

gains = [0.03, 0.05, 0.01]
mean = sum(gains) / 3
spread = math.sqrt(sum((g - mean) ** 2 for g in gains) / 2)  # of single runs
half = 4.303 * spread / math.sqrt(3)  # 4.303: the 95 % value of Student's t for three runs
found = interval(gains)
assert math.isclose(found.high - found.mean, half, rel_tol=1e-3)
claim = Claim("there is a gain", "", lambda gain: gain, low=0.0)
print(f"{mean:.3f} plus or minus {half:.3f}:", claim.verdict(gains))
''')
md(r'''
The mean is in the band, the interval is not: *partly*. Three runs tell a large effect from none, and little more.

Two functions make all tables below: what was measured in each arm, and the verdicts.
''')
py(r'''
def arms(name, *what):
    """A row for each arm: the mean of what was measured, with its interval over the seeds."""
    columns = {title: measured(runs[name], *path) for title, path in what}
    rows = [{name: called(arm), **{title: str(column[arm]) for title, column in columns.items()}}
            for arm in runs[name]]
    return show.table(rows)


def verdicts(*names):
    """What was expected of these experiments, and whether it came."""
    head, lines = None, []
    for name in names:
        head, more = scorecard(by_seed(runs[name]), EXPERIMENTS[name].claims)
        lines += more
    return show.table([dict(zip(head, line)) for line in lines])
''')
py(r'''
GOLD, GREEDY, SKILLS = ("gold", ("gold",)), ("greedy", ("gold_greedy",)), ("skills", ("skills",))
SCORE, KL, WEB = ("score", ("reward",)), ("KL", ("kl",)), ("web loss", ("web_loss",))
RATING, JUDGE = ("rating, 1 to 7", ("rating",)), ("its judge is right", ("judge",))
THEIRS = ("agrees with its labelers", ("valid", "accuracy"))
OTHERS, LOSS = ("with held-out ones", ("held_out", "accuracy")), ("loss", ("valid", "loss"))
FINAL, TRUTH = ("gold, truth first", ("gold_final",)), ("truth", ("truth", "unasked_t1", "true"))
DECLINES = ("declines", ("honesty", "declines what it can not know"))
''')
def finding(n,title,text,predict,name,columns,after,extra=None,more=None):
    md(f"## {n}. {title}\n\n{text}\n\n**Predict:** {predict[0].lower()+predict[1:]}")
    py(f'show.Predict("{predict}")')
    names=name if isinstance(name,tuple) else (name,)
    if extra: py(extra)
    for x in names: py(f'arms("{x}", {columns})')
    judged=[x for x in names if x!="an_hour"]
    if judged: py("verdicts("+", ".join(f'"{x}"' for x in judged)+")")
    if more: py(more)
    md(after)
finding(3,"The leash","Figure 34, plus something that the paper could not have: gold, which nothing is trained on. Beta is the price of moving away from the policy that RL began with (in the paper's figure: from the pretrained model). The second table is Figure 36: the same with pretraining text, where the paper asked people.",
 "As beta goes to 0, what do score, gold and the few-shot skills do?",("kl_beta","kl_beta_ptx"),"SCORE, GOLD, RATING, KL, SKILLS",
 "If gold falls while the score rises, the score can be trusted only near the start. In the paper's Figure 34 the validation reward climbs to 2.7 while both benchmarks fall to nearly nothing; the text does not discuss it.",
 'show.Explorer("kl_beta")')
finding(4,"Pretraining text","Figure 33: gamma, the weight of ordinary text in every step of PPO.","From which gamma on do skills come back, and from which on does it cost reward?","ptx_gamma","SKILLS, WEB, SCORE, GOLD",
 "The paper chose 27.8. From about 20 on its benchmarks are back; the reward has by then fallen from -.61 to -.85, and falls faster beyond (-1.55 at 129). Its gamma depends on how it averages losses, which it does not say: copy the method, not the number.",
 'show.Explorer("ptx_gamma", ys=("objective/score", "gold/mean", "loss/ptx", "objective/kl"))')
finding(5,"Rate, length, rows, start","Four settings that the paper tried and shows in its appendix (Figures 35, 37, 38; App. E.8 to E.11). The learning rate is varied without pretraining text, where the paper saw every run above 8.05e-6 diverge; with text it mattered far less. Training longer, and how many texts come with an episode: the paper's 4, 8 and 32 are *for each episode*, ours for each minibatch of 32 episodes. And the policy that RL starts from. In our arms the reward model and half of the ranked answers are made from that start, too, and KL is counted from it. The arm that starts from SFT itself is ours, not the paper's.",
 "Which of the four matters most for the answers?",("lr","episodes","ptx_rows","start"),"GOLD, RATING, SKILLS, WEB, KL","In each table, compare the difference between the best and the worst arm with the width of the intervals. If a setting hardly matters, that is a finding, too: one less to tune.")
finding(6,"Sixteen epochs","The strangest sentence of §3.5: SFT overfits on validation loss after one epoch, and yet training on, up to sixteen, makes people happier. We use a twentieth of the demonstrations, some six hundred, since with plenty there is little to overfit. Each arm has its own cosine schedule, so the arms are no curve of one run.",
 "Where does the loss turn, and where does gold?","sft_epochs",'("loss on validation prompts", ("loss/valid",)), GOLD, GREEDY',
 "They can part because the loss asks for one writer's exact words and is harsh on confident guesses. A reader accepts any good wording.")
finding(7,"Rankings: how many, how long, how often","Rankings cost people's time. How much more do twice as many bring? Should they rank two answers or nine? Is every pair of a ranking used, or only who came first? And how often should a reward model read them, at which rate? (In the paper one pass is enough and more overfit, and a rate half as large, or half as large again, hardly matters.)",
 "Which reward model is better: one that knows all pairs, or only the best answers?",("rankings","k","loss","rm_epochs","rm_lr"),
 'THEIRS, OTHERS, LOSS',
 "From a ranking of nine, the loss of the best answer learns which one won and nothing about the order of the other eight. The table says whether that order is worth reading.")
finding(8,"Beams, and people left out","Some retellings of the paper say that the answers to rank came from a beam search, which keeps, at every token, the few beginnings that are likeliest so far. In the paper they are sampled (Figure 2). With beams, one of our two policies answers a prompt; sampled answers are dealt over both, at mixed temperatures. And the paper cuts its labelers into five groups, trains on four and predicts the fifth (§4.1): 69.6 % right, against 72.4 % on people it learned from. (Our five arms have 3,500 rankings, less a fifth.)",
 "Does a reward model learn more from the answers of a beam search, or less?","search",'("words in common", ("likeness",)), THEIRS',
 "If two answers differ in one word, a labeler has little to choose by. Whether that harms the reward model is the second column: both arms are judged on the same rankings, of sampled answers. (That beams are more alike is only a check that the arms differ.)",
 None,"""display(arms("folds", THEIRS, ("with those left out", ("left_out", "accuracy"))), verdicts("folds"))""")
finding(9,"Who ranks, and what they were told","Appendix B.1 tells how labelers were chosen; §3.4 that help came first in training, and truth and harmlessness in the final evaluation. Notebook 03 measured people. Here we follow it into the policy.",
 "If labelers put truth first, what does the policy do differently?",("screening","priority"),'GOLD, FINAL, TRUTH, DECLINES',
 "A reward model has no values of its own: apart from luck, what differs here came from the rankings. (Gold puts help first, so some loss of it in the arm *truth first* is what was asked for; the second column weighs truth first.)")
finding(10,"The loop goes on","Steps 2 and 3 of the paper's Figure 2 can be repeated: rank what the new policy says, train a new reward model, then a new policy (§3.1). Most of the paper's rankings are of supervised policies, some of PPO's. Our second turn is fair to the first: 7,000 prompts are ranked, a policy is trained, its answers to 7,000 further prompts are ranked; beside it stands one turn with all 14,000 at once. RL starts from the same policy in both turns.",
 "Same number of rankings: is it better to have half of them made after a first round of RL?","turns","GOLD, GREEDY, SCORE, KL",
 "The score is that of each arm's own reward model, so compare gold. A second turn shows people what the policy has learned to say to please the first reward model, good or bad.")
finding(11,"How large a judge","The paper takes one reward model of 6 billion parameters for policies of every size, since training one of 175 billion was unstable and 6 billion were cheaper (App. C.2). We have no unstable giant, but we can let a small model judge a larger one, and a larger one a small one. The value model begins as the reward model, so it has its size.",
 "What costs more: a policy that is too small, or a judge?","reward_size","GOLD, GREEDY, SCORE, KL, JUDGE",
 "The size of a judge matters only as far as its judgement does: the last column says how often it orders a pair as its labelers do. Scores are those of each arm's own reward model: compare gold.")
finding(12,"Value model","The value model begins as the reward model (App. C.4). Suppose it begins as a copy of the policy with a new head instead.","Does it matter what the value model begins as?","value","GOLD, KL","The paper says what the value model starts from, not why. Either start may be forgotten once it has seen enough returns; `loss/value` in the traces shows how fast.")
finding(13,"More of what?","Start with a quarter of everything and fill up one of three: demonstrations, rankings, or episodes of RL. And the other way to have more: public tasks, as in FLAN, read once, twice or four times (the paper's Figure 13 has more tasks instead, and measures the reward model's score: flat after about 400,000).",
 "Which of the three helps most?",("an_hour","public_tasks"),"GOLD, GREEDY","There is no rule for the first table, since the paper makes no such claim. What each addition costs in people's time is another question (notebook 03 has minutes for rankings).")
finding(14,"Small beats large","The sentence that made the paper famous: people prefer a model of 1.3 billion parameters with RLHF to plain GPT-3 with 175 billion; in Figure 1 it also stands above GPT-3 behind a prompt, and that harder comparison is ours. Our large model is nine times the small one, the paper's 135 times.",
 "Does the small model with RLHF beat the large one behind a prompt?","sizes",'*((m, (m, "gold")) for m in ("base", "prompted", "sft", "ppo_ptx"))',
 "If the small one wins, it is not by knowing more: compare the two base models.")
md(r'''
## 15. What you buy with a nat

Each beta ends at another distance from the start. Ask two readers what it is worth: the reward model, which is trained on, and gold, which is not. The distance is the KL in nats,
and later papers plot such curves over its square root. There is a way to go the same distance without any training: draw n answers, and
let the reward model pick. Its KL is at most $\log n - (n-1)/n$.

**Predict:** for the same nats, who gets more of the score: best of n, or PPO?
''')
py('''show.Predict("For the same nats, who gets more of the score: best of n, or PPO?")''')
py(r'''
import torch

from rlhf_lite.chain.tiny import Chain
from rlhf_lite.models.sampling import sample_texts
from rlhf_lite.train.scoring import score_texts
from rlhf_lite.world import Task, gold

chain, N, PROMPTS = Chain(), 64, 60
start, judge = chain.policy("start"), chain.reward_model
rows = chain.prompts.ppo_valid[:PROMPTS]
asked = [row["text"] for row in rows for _ in range(N)]
texts = sample_texts(start, chain.tokenizer, asked, generator=torch.Generator().manual_seed(0))
scores = torch.tensor(score_texts(judge, chain.tokenizer, asked, [text or " " for text in texts])).view(-1, N)
tasks = [Task.from_json(row["task"]) for row in rows for _ in range(N)]
golds = torch.tensor([gold(task, text) for task, text in zip(tasks, texts)]).view(-1, N)  # (prompts, N)
''')
py(r'''
def best_of(n, values):
    "The mean of what the judge picks among n, over all groups of n that the N answers make."
    best = scores.view(PROMPTS, N // n, n).argmax(dim=2, keepdim=True)  # (prompts, groups, 1)
    return float(values.view(PROMPTS, N // n, n).gather(2, best).mean())


ns = [1, 2, 4, 8, 16, 32, 64]
nats = [math.sqrt(math.log(n) - (n - 1) / n) for n in ns]
swept = runs["kl_beta"]
kls = [math.sqrt(max(0.0, m.mean)) for m in measured(swept, "kl").values()]
for what, values, key in (("score", scores, "reward"), ("gold", golds, "gold")):
    ppo = sorted(zip(kls, (m.mean for m in measured(swept, key).values())))
    display(show.lines({"best of n": (nats, [best_of(n, values) for n in ns]), "ppo": tuple(zip(*ppo))},
               xlabel="square root of the KL in nats", ylabel=what, title=f"{what} for its distance"))
''')
md(r'''
Best of n reaches only a few nats: for a KL of 3 it draws more than fifty answers for each one that it gives. Look whether gold turns down where the score still rises, and whether it does so at the
same distance for both: that is a reward model being fooled.

(Best of n is measured here on sixty prompts of validation with one model, PPO on the test prompts with three: compare the shapes, not the third digit. The point at n = 64 is sixty picks.)

## 16. What it costs

§5.1 says what alignment cost: 4.9 petaflop/s-days (10¹⁵ operations a second, for a day) for SFT of 175 billion parameters and 60 for PPO-ptx, against 3,640 for pretraining. Let us count ours: a model of N parameters needs about 2N floating-point operations
to read a token, and 6N to learn from it.

**Predict:** which part of PPO-ptx computes most?
''')
py('''show.Predict("Which part of PPO-ptx computes most?")''')
py(r'''
from statistics import fmean

from rlhf_lite.models.tokens import encode_all

count = sum(weights.numel() for weights in start.parameters())
cfg, trace = chain.config, chain.trace("ppo_ptx")
prompt = fmean(map(len, encode_all(chain.tokenizer, chain.ppo_prompts[:1000])))
episode = prompt + fmean(row["response_length"] for row in trace)  # tokens of prompt and answer
shown = sum(map(len, encode_all(chain.tokenizer, [d["prompt"] + d["text"] for d in chain.demonstrations])))
pages = cfg.ppo_ptx.ptx_rows * cfg.ppo_ptx.minibatches * cfg.model.n_positions * len(trace)
episodes = cfg.ppo_ptx.episodes
tera = {"pretraining": 6 * cfg.base.tokens, "SFT": 6 * shown * cfg.sft.epochs,
        "PPO-ptx: sample, score, reference and value": 4 * 2 * episodes * episode,
        "PPO-ptx: learn from episodes": 2 * 6 * episodes * episode, "PPO-ptx: learn from pages": 6 * pages}
tera = {name: count * factor / 1e12 for name, factor in tera.items()}
whole = tera["pretraining"]
show.table([{"": name, "TFLOP": f"{x:,.1f}", "of pretraining": f"{x / whole:.1%}"}
            for name, x in tera.items()])
''')
md(r'''
In the paper SFT is 0.13 % and PPO-ptx 1.6 % of pretraining. Here alignment is a far larger share, because we pretrain a small model on little text, and do not align it with less data in proportion. And in the
paper about 85 % of PPO-ptx's computing goes into pretraining text (by our count; the paper does not say), because it takes eight full-length texts for every *episode*, and we take eight short ones for
every minibatch of 32. The authors' argument: to align a model costs little beside making it, and people like a small aligned one better than a large one that is not. Not counted here: what people were paid, the reward model (the paper gives no cost for it either), the answers drawn for ranking, and the second SFT.

''')
md(r'''
## 17. All rules at once
''')
py(r'''
every = {name: scorecard(by_seed(found), EXPERIMENTS[name].claims)[1] for name, found in runs.items()}
verdict = [line[-1] for lines in every.values() for line in lines]
show.bars_with_intervals({word: verdict.count(word) for word in ("shows", "partly", "not here")},
                         ylabel="claims")
''')
md(r'''
Where a rule does not hold there are three common reasons: the effect is not there in a miniature, it is there and smaller than three runs can show, or our
arms do not differ enough to bring it out. The tables above say which it is likely to be.

## 18. What to inspect

| look at | healthy | if not |
|---|---|---|
| runs of an arm beside each other | alike | one of them diverged: look at its trace before you average |
| the arm that is the default chain | near the report of notebook 07 | other data, other code: the arms are not comparable |
| a rule's band | written before the runs | it is no rule |
| what was *not* varied | the same in all arms | two things differ, and the table cannot say which mattered |
''')
py(r'''
show.predictions()
''')
md(r'''
## How this differs from the paper

- Three runs an arm, of one small model. For most of these settings the paper shows one curve and does not say how many runs are behind it.
- What is measured here is gold, which has no noise, and few-shot skills that we made up. The paper's curves are reward, Likert scores and public benchmarks.
- Its sizes differ by a factor of 135, ours by nine, in a world where the small one can learn much of what there is to know.

## Exercises

The first ones take a few minutes each: a line or two of Python, and the check knows the usual ways to be wrong.
''')
for name, args in (("half_width","xs"),("paired_spread","ours, theirs"),("verdict_of","low, high, least"),("picked_gold","scores, golds"),("passes_of_ppo","read, learn")):
    py(f'''
exercise = show.Exercise("{name}")
exercise
''')
    py(f'''
def my_{name}({args}):
    ...


exercise.check(my_{name})
''')
    py("display(exercise.hint(), exercise.solution())")
md(r'''
The others need the machine, and have more than one good answer.

1. *(5 minutes)* Write a rule of your own for a section you have skipped: which number, of which arms, in which band? Then look.
2. *(20 minutes)* Add an arm: `rlhf-lite experiment kl_beta --arms 0.15 --seeds 0 --into mine`. Where does it lie? (`measured(load("kl_beta", "mine"), "gold")`)
3. *(an evening)* An experiment that nobody has run: an entry in `rlhf_lite/chain/questions.py`, with its rule, then three seeds.

## Summary

- A finding is a difference between two trainings that differ in one thing, seen in several seeds.
- The rule comes first. What one expects afterwards is always what came out.
- Score, gold and skills move on their own. A table that has only one of them cannot tell you what you bought.

**Next:** [09 GPT-2 on a GPU](09_gpt2_on_a_gpu.ipynb): the same code on real models and rankings.
''')
json.dump(dict(cells=C,metadata=dict(kernelspec=dict(display_name="Python 3",language="python",name="python3"),language_info=dict(name="python")),nbformat=4,nbformat_minor=5),open(sys.argv[1],"w"),indent=1,ensure_ascii=False,sort_keys=True)
print(len(C))
