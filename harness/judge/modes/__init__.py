"""One load in three forms: a connection for each request, connections that the server ends now and then, connections for good.

    forms       what they are
    origin      the server that they are measured against, mock or real, in a namespace
    measure     one form, once
    lulls       what ends the connections of each where users pause
    exhaustion  what becomes of each where local ports are few
    compare     several rounds of all, and what `./run.sh compare-modes` does"""
