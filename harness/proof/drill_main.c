/* drill FILE... - plays drills on the pure core: golden scripts in virtual time. */
#include "proof/drill.h"

#include <errno.h>
#include <string.h>

static const char usage[] =
    "usage: drill FILE...\n"
    "\n"
    "Plays drills on the pool's core: scripts of events and of what the core must answer, in virtual time. The first line of each that\n"
    "is not as expected is printed, with what was expected and what came. harness/proof/drill.h explains a script line by line.\n"
    "\n"
    "exit code: 0 all as expected; 1 one is not; 2 one is no drill, or cannot be read\n"
    "\n"
    "example: build/san/drill harness/tests/drills/*.drill\n";

static enum drill_verdict play(const char *path)
{
    FILE *script = fopen(path, "r");
    if (!script) {
        fprintf(stderr, "drill: cannot read %s: %s\n", path, strerror(errno));
        return DRILL_BAD_SCRIPT;
    }
    enum drill_verdict verdict = drill_play(script, path, stdout);
    fclose(script);
    return verdict;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-') {
        bool asked = argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
        fputs(usage, asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    enum drill_verdict worst = DRILL_AS_EXPECTED;
    int as_expected = 0;
    for (int i = 1; i < argc; i++) {
        enum drill_verdict verdict = play(argv[i]);
        as_expected += verdict == DRILL_AS_EXPECTED;
        worst = verdict > worst ? verdict : worst;
    }
    printf("%d of %d drills as expected\n", as_expected, argc - 1);
    return (int)worst;
}
