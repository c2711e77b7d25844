"""Floor 1: simulated labelers, their agreement, screening; people's labels, where and how they are kept."""
