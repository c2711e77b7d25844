"""Floor 1: simulated labelers, their agreement and screening; a store of people's labels, and the forms in
which they travel.
"""
