"""What a learner may skip: how the same mathematics is computed faster, in less memory, and on several
devices."""
