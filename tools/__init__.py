"""For whoever maintains the repository: ship a chain, execute the notebooks, count the world."""
