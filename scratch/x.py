"""x.py JOB ...: exploration on seeds from 100 on. Results: lines of JSON in $OUT/found.jsonl"""
import rlhf_lite, sys, time, torch, json, os, pathlib, copy, fcntl
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.chain.recipes import ChainConfig
from rlhf_lite.chain.recipes import TinyPlan; TinyPlan.versions["base"]=int(os.environ.get("BV","107"))
T0=time.time(); torch.set_num_threads(int(os.environ.get("TH","1"))); OUT=pathlib.Path(os.environ["OUT"]); OUT.mkdir(exist_ok=True,parents=True)
SMALL=bool(os.environ.get("XSMALL"))
def note(name,**facts):
    with open(OUT/"found.jsonl","a") as f:
        fcntl.flock(f,2); f.write(json.dumps({"job":name,"s":round(time.time()-T0),**facts})+"\n")
BASES={"final": {"data.scale":1.0,"rankings.train_prompts":28_000,"ppo.episodes":14_336,"ppo.kl_beta":.2,"ppo_ptx.episodes":14_336,"ppo_ptx.kl_beta":.2,"ppo_ptx.ptx_gamma":.5}, "cpu2": {"base.tokens":14_000_000,"base.batch_size":32,"base.lr":3e-3,"sft.epochs":4},
"cpu": {"base.tokens":14_000_000,"base.batch_size":32,"base.lr":4e-3,"sft.epochs":4},  # name -> settings of base and model
 "b32": {}, "b64": {"base.batch_size":64,"base.tokens":48_000_000,"base.lr":3e-3},
 "adam": {"base.optimizer":"adam"}, "hot": {"base.lr":5e-3}, "M": {"model.size":"M"}, "XS":{"model.size":"XS"},
 "big": {"base.batch_size":64,"base.tokens":96_000_000,"base.lr":3e-3},
}
def config(base,**more):
    c=ChainConfig(seed=100,base_seed=100).replace(**BASES[base])
    if SMALL: c=c.replace(**{"base.tokens":200_000,"sft.epochs":1,"start.epochs":1,"rankings.train_prompts":200,"rankings.valid_prompts":60,"rankings.calibration_prompts":200,"ppo.episodes":512,"ppo_ptx.episodes":512,"data.scale":.05,"data.sft_scale":.05})
    return c.replace(**more)
def chain(base,**more): return Chain(config(base,**more),shipped=(),progress=False,report=lambda *a:print(*a,round(time.time()-T0),flush=True))
def kv(args):
    out={}
    for a in args:
        k,v=a.split("=",1); out[k]=type_of(v)
    return out
def type_of(v):
    try: return int(v)
    except ValueError:
        try: return float(v)
        except ValueError: return v
def job_base(name):
    from rlhf_lite.evaluate.benchmarks import skills_of
    c=chain(name); s=c.summary("base"); p=c.policy("base")
    note("base "+name,seconds=s["seconds"],loss=s["result"],skills=skills_of(p,c.world,c.tokenizer,200,800))
def job_stages(name,*stages):
    import ev
    c=chain(name)
    for st in stages:
        s=c.summary(st)
        if st in ("sft","start","ppo","ppo_ptx"):
            r=ev.measure(c.policy(st),c.tokenizer,c.prompts.test[:800]); texts=r.pop("texts")
            note(f"{st} {name}",seconds=s["seconds"],result=s["result"],**r)
            json.dump({n:[[row["prompt"],t,ok] for row,t,ok in zip(ev.FILES[n],texts[n+"_texts"],texts[n])] for n in ev.FILES},open(OUT/f"texts-{st}-{name}.json","w"),indent=0)
        else: note(f"{st} {name}",seconds=s["seconds"],result=s["result"])
def job_ppo(name,tag,stage,*changes):
    import ev
    ch=kv(changes); c=chain(name,**ch); s=c.summary(stage); r=ev.measure(c.policy(stage),c.tokenizer,c.prompts.test[:800]); texts=r.pop("texts")
    tr=c.trace(stage); keys=("objective/score","objective/kl","gold/mean")
    note(f"{stage} {name} {tag}",changes=ch,seconds=s["seconds"],result=s["result"],**r,trace=[[round(x.get(k,0),3) for k in keys] for x in tr[::7]])
    json.dump({n:[[row["prompt"],t,ok] for row,t,ok in zip(ev.FILES[n],texts[n+"_texts"],texts[n])] for n in ev.FILES},open(OUT/f"texts-{stage}-{tag}.json","w"),indent=0)
    if "skills" in os.environ.get("X",""):
        from rlhf_lite.evaluate.benchmarks import skills_of
        note(f"skills {stage} {name} {tag}",skills=skills_of(c.policy(stage),c.world,c.tokenizer,200,800))
def job_rm(name,rankings_of,tag,*changes):
    """A reward model on the start of base `name`, trained on the rankings of another chain."""
    from rlhf_lite.train.reward import train_reward
    from rlhf_lite.models.checkpoints import new_scalar_model
    from rlhf_lite.train.scoring import score_rankings, agreement_with
    from rlhf_lite.evaluate.preference import gold_ranks
    a,b=chain(name),chain(rankings_of); ch=kv(changes); start=ch.pop("start","start"); n=ch.pop("n",10**9)
    rows=b.rankings; cfg=b.config.reward.replace(seed=100,**ch)
    m=new_scalar_model(a.policy(start),100); train_reward(m,b.tokenizer,rows["train"][:n],cfg,loop=dict(progress=False) if False else None)
    sc=score_rankings(m,b.tokenizer,rows["valid"])
    g=agreement_with(sc,[r|{"ranks":gold_ranks(r)} for r in rows["valid"]],draws=10); l=agreement_with(sc,rows["valid"],draws=10); h=agreement_with(sc,rows["held_out"],draws=10)
    note(f"rm {name} {tag}",n=n,changes=ch,start=start,gold=g["accuracy"],labels=l["accuracy"],held_out=h["accuracy"])
globals()["job_"+sys.argv[1]](*sys.argv[2:])
