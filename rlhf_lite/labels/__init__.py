"""Floor 1: simulated labelers, their agreement, their screening, and the formats in which labels travel."""
