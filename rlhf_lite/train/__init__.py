"""The training loops `pretrain`, `sft`, `reward`, `ppo`, and what they share."""
