"""How good a policy is, as the paper measures it (§3.6, §4): preference, metadata, truth, alignment tax."""

# What is compared, in the order of the paper's story.
MODELS = ("base", "prompted", "flan", "t0", "sft", "start", "ppo", "ppo_ptx", "reference")
