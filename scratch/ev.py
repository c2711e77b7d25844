"""Typed prompts, gold of test prompts, few-shot: ev.py SEED stage ... ; prints one line a model."""
import rlhf_lite,sys,time,torch,json,importlib.util,pathlib,os
from random import Random
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.models.sampling import sample_texts
from rlhf_lite.world import Task,gold,SKILL,judge
from rlhf_lite.world.tasks import UNKNOWN
TY=pathlib.Path(os.environ.get("TYPED","/work/shared/typed"))
spec=importlib.util.spec_from_file_location("check",TY/"check.py"); ck=importlib.util.module_from_spec(spec); spec.loader.exec_module(ck)
KNOWN=ck.facts()
FILES={n:[json.loads(l) for l in open(TY/f"{n}.jsonl")] for n in ("prompts","strangers")}
def typed(policy,tok,greedy,seed=0):
    out={}
    for n,rows in FILES.items():
        g=torch.Generator().manual_seed(seed)
        texts=sample_texts(policy,tok,[r["prompt"] for r in rows],48,greedy=greedy,generator=g)
        out[n]=[ck.keeps(r,t,KNOWN) for r,t in zip(rows,texts)]
        out[n+"_texts"]=texts
    return out
def measure(policy,tok,tests,users=None,draws=8):
    res={}
    for name,greedy in (("greedy",True),("t1",False)):
        runs=[typed(policy,tok,greedy,s) for s in range(1 if greedy else draws)]
        for n in FILES: res[f"{n} {name}"]=round(sum(sum(r[n]) for r in runs)/len(runs),1)
        tasks=[Task.from_json(r["task"]) for r in tests]
        g=torch.Generator().manual_seed(1)
        texts=sample_texts(policy,tok,[t.text for t in tasks],48,greedy=greedy,generator=g)
        golds=[gold(t,x) for t,x in zip(tasks,texts)]
        res[f"gold {name}"]=round(sum(golds)/len(golds),4)
        unk=[judge(t,x).correct for t,x in zip(tasks,texts) if SKILL[t.skill] in UNKNOWN]
        from rlhf_lite.world.tasks.unknown import is_decline
        over=[is_decline(x) for t,x in zip(tasks,texts) if SKILL[t.skill] not in UNKNOWN]
        res[f"declines {name}"]=round(sum(unk)/max(1,len(unk)),2); res[f"overrefuses {name}"]=round(sum(over)/len(over),3)
        if greedy: res["texts"]=runs[0]
        other=[s for t,s in zip(tasks,golds) if t.part=="other"]; res[f"other {name}"]=round(sum(other)/max(1,len(other)),3)
    return res
