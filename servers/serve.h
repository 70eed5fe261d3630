/* serve.h - a server for somebody who only wants one that misbehaves: `./run.sh serve BEHAVIOUR...`. */
#ifndef SERVE_H
#define SERVE_H

#include "server.h"

/* Prints a line of JSON with its address, and serves until SIGINT or SIGTERM. Returns the process's exit status: 2 for a command
 * line that cannot be understood or an address that cannot be had, with a sentence on standard error. */
int serve_main(struct server *s, int argc, char **argv);

#endif
