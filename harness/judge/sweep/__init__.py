"""The sweep: what becomes of a request that comes just before, at, and just behind the server's idle timeout.

    plan.py      which idle times ("gaps") are tried, how often, in which order          pure
    samples.py   what the program `gap` prints, a line for each pair                     pure
    steps.py     the samples counted by gap; the race window                             pure
    origins.py   the server that closes: the mock, nginx, Tomcat, the mock as one of these
    drive.py     the pools that are asked, and the run of one plan against one server
    measure.py   a whole sweep: several pools against one server
    run.py       a scenario's [sweep]"""
