"""Everything between text and numbers, and no training yet.

    losses.py       the mathematics of the paper as pure functions: tensors in, tensors out
    tokens.py       text <-> ids, the template of an exchange, padding, masks, positions
    prompts.py      prompts that a person typed: refused, or taken with remarks
    gpt2.py         GPT-2 from ids to hidden states
    heads.py        next-token logits of a policy, rewards and values of the scalar models
    sampling.py     draw responses, and keep the log-probability of every token drawn
    checkpoints.py  models made, loaded and saved
    ema.py          a running average of the policy's weights
    packed.py       the forward pass without work on padding; packed_rows.py: the same for sampling

Read in this order. Shapes: B rows, T tokens, V vocabulary, K answers to one prompt, P prompt tokens, D width.
Masks are 1 on real tokens and 0 on padding. Import from the modules; losses.py needs nothing but torch.
"""
