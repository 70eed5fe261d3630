/* control.h - a server that is steered by JSON lines on standard input and streams its trace to standard output.
 *
 * {"id":1,"op":"listen","name":"origin","address":"127.0.0.1:0","on":"connection"|"request","cycle":false,
 *  "behaviours":[{"name":"ok", <option>:value, "repeat":1}],"trace":"full"|"counters"|"pages"|"none"}
 *                                             -> {"id":1,"ok":true,"address":"127.0.0.1:4711","port":4711}
 * {"id":2,"op":"release","gate":"g","count":1}
 * {"id":3,"op":"act","conn":1,"do":"fin"|"rst"|"half_close"|"send"|"urgent"|"close"|"close_unread"|"stop_reading","data":"..."}
 * {"id":4,"op":"unlisten","name":"origin"}    its connections stay
 * {"id":4,"op":"order","name":"origin","order":"reload"}   what its behaviour can be told: list behaviours shows it
 * {"id":5,"op":"books"}                       -> {"id":5,"ok":true,"listeners":{name:{accepted,requests,...}}}
 * {"id":6,"op":"quit"}                        the books of all connections, the lag, the reply; so does the end of the input
 *
 * What cannot be done is answered {"id":..,"ok":false,"err":"a sentence"}, and the server goes on. */
#ifndef CONTROL_H
#define CONTROL_H

#include "server.h"

/* Returns the process's exit status. */
int control_main(struct server *s);

#endif
