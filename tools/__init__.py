"""For whoever maintains the repository: ship a chain, execute notebooks, count the world, check the
structure."""
