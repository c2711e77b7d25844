"""x2.py NAME SEED: a base model from the stream that was made before, by the code of the commit in .gpu/commit"""
import rlhf_lite, sys, time, torch, os, pathlib, json
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rlhf_lite.chain import store, tiny
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.chain.recipes import ChainConfig
G=pathlib.Path(__file__).parent; name,seed=sys.argv[1],int(sys.argv[2]); T=time.time()
import lzma,io
made=torch.load(G/"stream.pt",mmap=True) if (G/"stream.pt").exists() else None
streams=iter((made["s"],made["v"])); tiny.token_stream=lambda docs,tok: next(streams)
store.commit=lambda: (G/"commit").read_text().strip()
c=ChainConfig(base_seed=seed)
if name=="M": c=c.replace(**{"model.size":"M","base.tokens":24_000_000})
if os.environ.get("XSMALL"): c=c.replace(**{"base.tokens":100_000})
ch=Chain(c,shipped=(),progress=False); s=ch.summary("base"); f=ch.folder("base")
print(name,seed,s["seconds"],s["result"],round(time.time()-T),f.name,flush=True)
os.system(f"tar czf {os.environ['OUT']}/base-{name}-{seed}.tgz -C {f.parent} --exclude='*.pt' {f.name}")
