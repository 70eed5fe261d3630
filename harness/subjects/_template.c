/* A subject adapter to start from, in C: request level, over plain sockets and a pool as naive as they come. Copy it, put your
 * client where `answer` is, and then:
 *     cc -O2 -o my-pool _template.c -ljansson -pthread
 *     ./run.sh subject --check ./my-pool
 *     ./run.sh scenario --subject ./my-pool */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct conn { struct conn *next; FILE *in; char origin[80]; } *idle; /* the pool */

static void say(json_t *line)
{
    pthread_mutex_lock(&lock);
    json_dumpf(line, stdout, JSON_COMPACT);
    puts(""), fflush(stdout);
    pthread_mutex_unlock(&lock);
    json_decref(line);
}

static struct conn *check_out(const char *origin, const char *host, const char *port)
{
    pthread_mutex_lock(&lock);
    struct conn **at = &idle, *conn;
    while (*at && strcmp((*at)->origin, origin) != 0)
        at = &(*at)->next;
    if ((conn = *at))
        *at = conn->next;
    pthread_mutex_unlock(&lock);
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found;
    if (conn || getaddrinfo(host, port, &wanted, &found) != 0)
        return conn;
    conn = calloc(1, sizeof *conn);
    conn->in = fdopen(socket(found->ai_family, SOCK_STREAM, 0), "r");
    strcpy(conn->origin, origin);
    if (connect(fileno(conn->in), found->ai_addr, found->ai_addrlen) != 0)
        fclose(conn->in), conn->in = NULL;
    freeaddrinfo(found);
    return conn;
}

static bool send_request(struct conn *conn, json_t *command, const char *path)
{
    const char *method = json_string_value(json_object_get(command, "method")), *name;
    json_t *body = json_object_get(command, "body"), *value;
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    fprintf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", method ? method : "GET", path, conn->origin);
    json_object_foreach(json_object_get(command, "headers"), name, value)
        fprintf(out, "%s: %s\r\n", name, json_string_value(value));
    if (json_is_string(body))
        fprintf(out, "Content-Length: %zu\r\n", json_string_length(body));
    fprintf(out, "\r\n%s", json_is_string(body) ? json_string_value(body) : "");
    fclose(out);
    bool sent = send(fileno(conn->in), text, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
    free(text);
    return sent;
}

/* The reply's fields, or NULL with errno. Knows Content-Length and nothing else. */
static json_t *receive_response(FILE *in)
{
    char *line = NULL;
    size_t room = 0, length = 0;
    int status = 0;
    json_t *headers = json_object();
    errno = ECONNRESET; /* what the end of the stream is called */
    while (getline(&line, &room, in) > 0 && strcmp(line, "\r\n") != 0) {
        char *value = strchr(line, ':');
        if (!value) {
            sscanf(line, "HTTP/1.%*d %d", &status);
            continue;
        }
        *value++ = '\0';
        for (char *c = line; *c; c++)
            *c = (char)tolower(*c);
        json_object_set_new(headers, line, json_sprintf("%.*s", (int)strcspn(value + 1, "\r\n"), value + 1));
        if (strcmp(line, "content-length") == 0)
            length = strtoul(value, NULL, 10);
    }
    char *body = malloc(length + 1);
    bool whole = status && !feof(in) && !ferror(in) && fread(body, 1, length, in) == length;
    json_t *reply = whole ? json_pack("{s:i,s:O,s:s#}", "status", status, "headers", headers, "body", body, (int)length) : NULL;
    json_decref(headers);
    free(line), free(body);
    return reply;
}

/* One request, in a thread of its own, so that requests run side by side. */
static void *answer(void *command)
{
    const char *url = json_string_value(json_object_get(command, "url"));
    json_t *id = json_object_get(command, "id"), *timeout = json_object_get(command, "timeout_ms"), *reply = NULL;
    char host[64] = "", port[8] = "80", origin[80];
    int at = 0;
    sscanf(url, "http://%63[^:/]%n:%7[0-9]%n", host, &at, port, &at);
    snprintf(origin, sizeof origin, "%s:%s", host, port);
    struct conn *conn = check_out(origin, host, port);
    double ms = timeout ? json_number_value(timeout) : 60000;
    struct timeval limit = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms * 1000) % 1000000};
    if (conn && conn->in && setsockopt(fileno(conn->in), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        send_request(conn, command, url[at] ? url + at : "/"))
        reply = receive_response(conn->in);
    if (reply) {
        json_object_update_new(reply, json_pack("{s:O,s:b}", "id", id, "ok", 1));
        pthread_mutex_lock(&lock);
        conn->next = idle, idle = conn;
        pthread_mutex_unlock(&lock);
    } else {
        const char *own_words = conn ? strerror(errno) : "host not found";
        reply = json_pack("{s:O,s:b,s:s}", "id", id, "ok", 0, "err", own_words);
        if (conn && conn->in)
            fclose(conn->in);
        free(conn);
    }
    say(reply);
    json_decref(command);
    return NULL;
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    bool asked = false; /* configure may only come before that */
    say(json_pack("{s:s,s:s,s:s,s:[s],s:[]}", "protocol", "subject/1", "name", "template", "version", "1", "level", "request",
                  "features"));
    while (getline(&line, &room, stdin) > 0) {
        json_t *command = json_loads(line, 0, NULL), *id = json_object_get(command, "id");
        const char *op = json_string_value(json_object_get(command, "op"));
        pthread_t thread;
        if (json_is_integer(id) && op && strcmp(op, "quit") == 0)
            return 0;
        if (json_is_integer(id) && op && strcmp(op, "request") == 0 && json_is_string(json_object_get(command, "url"))) {
            asked = pthread_create(&thread, NULL, answer, command) == 0 && pthread_detach(thread) == 0;
        } else {
            bool known = json_is_integer(id) && op && strcmp(op, "configure") == 0 && !asked;
            say(json_pack("{s:O?,s:b,s:s*}", "id", json_is_integer(id) ? id : NULL, "ok", known, "err",
                          known ? NULL : "protocol: unknown op, a field is missing, or too late for it"));
            json_decref(command);
        }
    }
    return 0;
}
