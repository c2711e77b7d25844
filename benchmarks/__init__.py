"""How fast and how small is rlhf_lite beside what people
use today? One command measures it: `rlhf-lite bench`.

    jobs       the models, the jobs and their data, and the work that no implementation can avoid
    ours       our side of each job: the functions that training itself calls
    peers      the other side: TRL and transformers
    packages   which versions the peers are, and where TRL's last PPO lives
    worker     the process of one side, which does one step each time it is told to
    measure    both sides in turns, ratios round by round, peak memory
    checks     whether both sides computed the same thing, beside plain transformers
    machine    what this machine is called, and its fastest matrix product
    grow       how time and memory of our jobs grow with lengths, batch and model
    report     tables, and what numbers need to be believed
    draw       the two figures
    command    the command, from its options to its files

Nothing here is part of the package: it calls rlhf_lite as any user of it would.
"""
