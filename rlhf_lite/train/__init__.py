"""Floor 3: the training loops: `pretrain`, `sft`, `reward`, `ppo`, and what they share (`loop`, `batches`,
`optim`)."""
