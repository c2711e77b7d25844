import rlhf_lite, sys, time, torch, os
import torch.optim._muon as mu, inspect
src=inspect.getsource(mu._zeropower_via_newtonschulz).replace("grad.bfloat16()","grad.float()"); ns={"Tensor":torch.Tensor,"torch":torch}; exec(src,mu.__dict__)
from rlhf_lite.chain import store, tiny
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.chain.recipes import ChainConfig
made=torch.load("/tmp/w/stream.pt",mmap=True)
streams=iter((made["s"],made["v"])); tiny.token_stream=lambda docs,tok: next(streams)
c=ChainConfig(seed=100,base_seed=100).replace(**{"base.tokens":14_000_000,"base.batch_size":32,"base.lr":4e-3})
ch=Chain(c,shipped=(),progress=False); s=ch.summary("base"); print(s["seconds"],s["result"],flush=True)
