"""A real server and the behaviour that imitates it, played the same connections: `./run.sh differential`.

    script.py     what a client does on one connection, step by step; cases/KIND/*.toml hold those written by hand
    generate.py   ... and those made from a seed
    wire.py       bytes → answers (pure)
    play.py       a script on a raw socket → what came, and when
    compare.py    two of those → where they differ (pure)
    sides.py      the servers, real ones and imitations, one of each for every configuration that a case asks for
    deliberate.py what an imitation leaves out on purpose, and why
    show.py       a difference, as two timelines side by side
    run.py        all of it"""
