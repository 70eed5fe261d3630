"""Which of my two timeouts? The arithmetic behind `./run.sh advise`.

    gaps.py         how long connections idle between two requests: a distribution      pure
    arithmetic.py   who closes first, what fails, how much is reused                     pure
    words.py        the same in sentences, with the setting that removes the failures    pure
    command.py      puts them together, with a sweep on this machine"""
