"""Floor 2: everything between text and numbers, and no training yet.

    tokens.py     text <-> ids, the template of an exchange, padding, masks, positions
    kernels.py    matrix product and attention, by the fastest way that is exact on this machine
    trunk.py      GPT-2 from ids to hidden states, with no work on padding
    policy.py     the language model and the scalar models (reward, value): make, load, save, call
    graphs.py     a step of sampling as one CUDA graph
    sampling.py   draw responses with a KV cache, and keep the log-probability of every token drawn
    losses.py     the mathematics of the paper as pure functions: tensors in, tensors out
    ema.py        a running average of the policy's weights
    precision.py  16 bits or float32, decided by measuring this machine
    sharding.py   models cut over several processes

Read in this order. Shapes: B rows, T tokens, V vocabulary, K answers to one prompt, P prompt tokens, D width.
Masks are 1 on real tokens and 0 on padding. Import from the modules; losses.py needs nothing but torch.
"""
