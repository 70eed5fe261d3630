#!/bin/bash
# An HTTP client of Java's with blocking sockets: it looks at a connection when it takes it from its pool. Source: _java/IoClient.java.
exec "$(dirname "${BASH_SOURCE[0]}")/_java/run.sh" io
