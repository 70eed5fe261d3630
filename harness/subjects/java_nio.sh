#!/bin/bash
# An HTTP client of Java's with a selector: it watches its idle connections. Source: _java/NioClient.java.
exec "$(dirname "${BASH_SOURCE[0]}")/_java/run.sh" nio
