"""The training loops `pretrain`, `sft`, `reward`, `ppo`, what they share, and `scoring` by a reward model."""
