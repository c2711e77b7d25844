import rlhf_lite,torch,time
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.train.pretrain import token_stream
c=Chain(shipped=(),progress=False); cfg=c.config.base; t=time.time()
s=token_stream(c.world.documents(cfg.tokens//45+100,seed=0),c.tokenizer); print(s.shape,s.dtype,time.time()-t)
v=token_stream(c.world.documents(1500,seed=999),c.tokenizer)
torch.save({"s":s,"v":v},"/tmp/w/stream.pt")
