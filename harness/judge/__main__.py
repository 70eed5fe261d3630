import sys

from judge.cli import main

sys.exit(main(sys.argv[1:]))
