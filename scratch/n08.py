"""Builds notebooks/08_findings.ipynb (run when experiments are recorded): python scratch/n08.py notebooks/08_findings.ipynb"""
import json,sys
C=[]
def md(t): C.append(dict(cell_type="markdown",id=str(len(C)),metadata={},source=t.strip("\n").splitlines(keepends=True)))
def py(t): C.append(dict(cell_type="code",id=str(len(C)),metadata={},execution_count=None,outputs=[],source=t.strip("\n").splitlines(keepends=True)))
md(r'''
# 08 · Findings: one thing different, everything else the same

*Paper: §3.4, §3.5, §4.2, App. B.1, C.2, E.6 to E.11; Figures 1, 33 to 38. About 75 minutes to read; it runs in two minutes on two CPU cores.*

The paper says many things in passing: nine answers to rank are better than four, a tenth of web text helps, more epochs do harm in one number and good in another.
Each is a difference between two trainings that differ in one thing. This notebook has such pairs, some of them as whole curves, each trained three times.

After this notebook you can

- say for each knob of the chain what it does, in which direction and how far;
- turn a finding into a rule that can fail, before anything is run;
- tell what of the paper holds in a miniature, what does not, and why.
''')
py(r'''
from rlhf_lite import Chain, paper, pick, show
from rlhf_lite.chain.experiments import by_seed, called, load, measured, recorded
from rlhf_lite.chain.questions import EXPERIMENTS
from rlhf_lite.show.scorecard import scorecard

chain, runs = Chain(), {name: load(name) for name in EXPERIMENTS if name in recorded()}
show.table([{"experiment": name, "what differs": EXPERIMENTS[name].says, "up to": EXPERIMENTS[name].stage,
             "arms": ", ".join(map(called, found)), "runs": sum(map(len, found.values()))}
            for name, found in runs.items()])
''')
md(r'''
## 1. The idea: arms, seeds and a rule

An **experiment** has arms. An arm is the whole chain of notebooks 01 to 06 with a few settings changed; it is built up to some stage, and what comes out is measured on
the same test prompts. Every arm is built with the same three seeds, which draw the data, the people, the order and every token. So arms can be compared seed by
seed: what is luck in one is the same luck in the other.

What we expect is written down *before* the runs: a number, and the band it should lie in. Afterwards it *shows* if the whole 95 % interval lies in the band, *partly* if
only the mean does, and else it is *not here*.

## 2. By hand: three runs

A gain of .03, .05 and .01 in three runs. Is there one?

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
half = 4.303 * spread / math.sqrt(3)  # Student's t: with three runs one hardly knows the spread
found = interval(gains)
assert math.isclose(found.high - found.mean, half, rel_tol=1e-3)
claim = Claim("there is a gain", "", lambda gain: gain, low=0.0)
print(f"{mean:.3f} plus or minus {half:.3f}:", claim.verdict(gains))
''')
md(r'''
The mean is in the band, the interval is not: *partly*. Three runs tell a large effect from none, and little more. That is what most papers have.

All tables below are made by this cell.
''')
py(r'''
def arms(name, *what):
    """A row for each arm: the mean of what was measured, with its interval over the seeds."""
    columns = {title: measured(runs[name], *path) for title, path in what}
    rows = [{name: called(arm), **{title: str(column[arm]) for title, column in columns.items()}}
            for arm in runs[name]]
    return show.table(rows)


def verdicts(*names):
    head, lines = None, []
    for name in names:
        head, more = scorecard(by_seed(runs[name]), EXPERIMENTS[name].claims)
        lines += more
    return show.table([dict(zip(head, line)) for line in lines])


GOLD, GREEDY, SKILLS = ("gold", ("gold",)), ("greedy", ("gold_greedy",)), ("skills", ("skills",))
SCORE, KL, WEB = ("score", ("reward",)), ("KL", ("kl",)), ("web loss", ("web_loss",))
''')
def finding(n,title,text,predict,name,columns,after,extra=None):
    md(f"## {n}. {title}\n\n{text}\n\n**Predict:** {predict[0].lower()+predict[1:]}")
    py(f'show.Predict("{predict}")')
    names=name if isinstance(name,tuple) else (name,)
    if extra: py(extra)
    for x in names: py(f'arms("{x}", {columns})')
    py("verdicts("+", ".join(f'"{x}"' for x in names)+")")
    md(after)
finding(3,"The leash","Figure 34 of the paper, with what it could not have: a judge that nobody trains on. Beta is the price of moving away from the policy that RL began with.",
 "As beta goes to 0, what do score, gold and the few-shot skills do?","kl_beta","SCORE, GOLD, KL, SKILLS",
 "The score may be believed near the start only. In the paper this is two curves in an appendix: the validation reward climbs to 2.7 while the benchmarks fall to nearly nothing.",
 'show.Explorer("kl_beta")')
finding(4,"Pretraining text","Figure 33: gamma, the weight of ordinary text in every step of PPO.","From which gamma on do skills come back, and from which on does it cost reward?","ptx_gamma","SKILLS, WEB, SCORE, GOLD",
 "The paper chose 27.8, on the edge where reward begins to fall. Its gamma belongs to its own way of averaging losses; copy the method, not the number.",
 'show.Explorer("ptx_gamma", ys=("objective/score", "gold/mean", "loss/ptx", "objective/kl"))')
finding(5,"Rate, length, rows, start","Four settings that the paper tried and shows in its appendix (Figures 35, 37, 38; App. E.11): the learning rate, training longer, how many rows of text come with a minibatch, and from which policy RL starts.",
 "Which of the four matters most for the answers?",("lr","episodes","ptx_rows","start"),"GOLD, SKILLS, KL","A setting that hardly matters is a finding, too: it is one less to tune.")
finding(6,"Sixteen epochs","The strangest sentence of §3.5: SFT overfits on validation loss after one epoch, and yet training on, up to sixteen, makes people happier. Here with few demonstrations, as they were few for a model of 175 billion parameters.",
 "Where does the loss turn, and where does gold?","sft_epochs",'("loss on validation prompts", ("loss/valid",)), GOLD, GREEDY',
 "The loss asks for the very words of one writer, and punishes being sure. Nobody who reads an answer does either.")
finding(7,"Rankings: how many, how long, how often","The reward model is made of people's time. How much more does another hour of ranking bring? Should they rank two answers or nine? And is every pair of a ranking used, or only who came first?",
 "Which reward model is better on new prompts, one that knows all pairs or one that knows the best answer of each ranking?",("rankings","k","loss","rm_epochs","rm_lr"),
 '("as labelers do", ("valid", "accuracy")), ("as other people do", ("held_out", "accuracy"))',
 "With noisy people the order among the other answers is most of what a ranking says.")
finding(8,"Who ranks, and what they were told","Appendix B.1 tells how labelers were chosen; §3.4 that help came first in training, and truth and harmlessness in the final evaluation. Notebook 03 measured people. Here the same reaches the policy.",
 "What does a policy do differently whose labelers put truth first?",("screening","priority"),'GOLD, ("truth", ("truth", "unasked_t1", "true")), ("declines", ("honesty", "declines what it can not know"))',
 "The reward model hands on whatever it was given: carelessness, a taste for length, an order of values.")
finding(9,"Value model","The value model begins as the reward model (App. C.4).","What does it begin as, if not, and does it matter?","value","GOLD, KL","It only has to be useful for the first few iterations: after that it has learned from returns.")
finding(10,"An hour","You have a little of everything. Where does the next hour go: demonstrations, rankings, or the machine that practises? (The paper had 13 thousand demonstrations and 33 thousand rankings, and says nothing of how it came to that.)",
 "Where does the next hour bring most?","an_hour","GOLD, GREEDY","No rule was written for this one: the paper claims nothing.")
finding(11,"Small beats large","The sentence that made the paper famous: people prefer a model of 1.3 billion parameters with RLHF to one of 175 billion behind a prompt (Figure 1). Our sizes are 0.17 and 1.2 million.",
 "Does the small model with RLHF beat the large one behind a prompt?","sizes",'*((show.label(model), (model, "gold")) for model in ("base", "prompted", "sft", "ppo", "ppo_ptx"))',
 "A size more or less buys knowledge and skill. It does not buy wanting what people want.")
md(r'''
## 12. All rules at once
''')
py(r'''
every = {name: scorecard(by_seed(found), EXPERIMENTS[name].claims)[1] for name, found in runs.items()}
verdict = [line[-1] for lines in every.values() for line in lines]
show.bars_with_intervals({word: verdict.count(word) for word in ("shows", "partly", "not here")}, ylabel="claims")
''')
py(r'''
show.predictions()
''')
json.dump(dict(cells=C,metadata=dict(kernelspec=dict(display_name="Python 3",language="python",name="python3"),language_info=dict(name="python")),nbformat=4,nbformat_minor=5),open(sys.argv[1],"w"),indent=1,ensure_ascii=False,sort_keys=True)
print(len(C))
