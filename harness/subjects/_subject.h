/* The subject protocol around an HTTP client in C that blocks: lines in, a thread for each request, lines out. An adapter is this and one
 * function; copy both. */
#pragma once
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Makes one request, as fields of the command say (PROTOCOL.md: url, method, headers, body, timeout_ms), beside others in other threads.
 * Returns `status`, `headers` and `body`, or `err`: the client's own words. The command stays the caller's, the reply becomes its. */
typedef json_t *answer_fn(json_t *command);

static pthread_mutex_t subject_lock = PTHREAD_MUTEX_INITIALIZER;
static answer_fn *subject_answer;

static void subject_say(json_t *line)
{
    pthread_mutex_lock(&subject_lock);
    json_dumpf(line, stdout, JSON_COMPACT);
    puts(""), fflush(stdout);
    pthread_mutex_unlock(&subject_lock);
    json_decref(line);
}

static void *subject_request(void *command)
{
    json_t *reply = subject_answer(command);
    if (!reply)
        reply = json_pack("{s:s}", "err", "the adapter cannot put the answer in JSON");
    json_object_set(reply, "id", json_object_get(command, "id"));
    json_object_set_new(reply, "ok", json_boolean(!json_object_get(reply, "err")));
    subject_say(reply);
    json_decref(command);
    return NULL;
}

/* Whether the command was a request, and is under way. */
static bool subject_begin(json_t *command, const char *op)
{
    pthread_t thread;
    return op && strcmp(op, "request") == 0 && json_is_string(json_object_get(command, "url")) &&
           pthread_create(&thread, NULL, subject_request, command) == 0 && pthread_detach(thread) == 0;
}

/* Speaks until `quit` or the end of input. Returns the exit status. */
static int subject_main(const char *name, const char *version, answer_fn *answer)
{
    char *line = NULL;
    size_t room = 0;
    bool asked = false; /* configure may only come before that */
    subject_answer = answer;
    subject_say(json_pack("{s:s,s:s,s:s,s:[s],s:[]}", "protocol", "subject/1", "name", name, "version", version, "level", "request",
                          "features"));
    while (getline(&line, &room, stdin) > 0) {
        json_t *command = json_loads(line, 0, NULL), *id = json_object_get(command, "id");
        const char *op = json_is_integer(id) ? json_string_value(json_object_get(command, "op")) : NULL;
        if (op && strcmp(op, "quit") == 0)
            break;
        if (subject_begin(command, op)) {
            asked = true;
            continue;
        }
        bool known = op && strcmp(op, "configure") == 0 && !asked;
        subject_say(json_pack("{s:O?,s:b,s:s*}", "id", json_is_integer(id) ? id : NULL, "ok", known, "err",
                              known ? NULL : "protocol: unknown op, a field is missing, or too late for it"));
        json_decref(command);
    }
    free(line);
    return 0;
}
