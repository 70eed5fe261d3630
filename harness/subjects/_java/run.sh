#!/bin/bash
# run.sh io|nio: the compiled adapter (`make java`), tuned to start quickly.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
if [ ! -e "$root/build/java/Adapter.class" ]; then
    echo "java_$1: not compiled; ./run.sh subject java_$1 does that, or make java" >&2
    exit 3
fi
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -cp "$root/build/java:/usr/share/java/gson.jar" Adapter "$1"
