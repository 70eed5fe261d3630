/* A subject adapter to start from, in C: request level, over libcurl and a pool as naive as they come. Copy it and _subject.h, put your
 * client where `answer` is, and then:
 *     cc -O2 -o my-pool _template.c -ljansson -lcurl -pthread
 *     ./run.sh subject --check ./my-pool
 *     ./run.sh scenario --subject ./my-pool */
#define _GNU_SOURCE
#include "_subject.h"
#include <curl/curl.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
enum { SIZE = 1000 };
static CURL *idle[SIZE]; /* the pool: each handle keeps its own connections */
static int idles;

static json_t *answer(json_t *command)
{
    const char *method = json_string_value(json_object_get(command, "method")), *name;
    json_t *body = json_object_get(command, "body"), *ms = json_object_get(command, "timeout_ms"), *value, *headers = json_object();
    struct curl_slist *lines = NULL;
    char header[4096], *text;
    size_t bytes;
    FILE *into = open_memstream(&text, &bytes);
    pthread_mutex_lock(&lock);
    CURL *curl = idles ? idle[--idles] : curl_easy_init();
    pthread_mutex_unlock(&lock);
    json_object_foreach(json_object_get(command, "headers"), name, value) {
        snprintf(header, sizeof header, "%s: %s", name, json_string_value(value));
        lines = curl_slist_append(lines, header);
    }
    curl_easy_reset(curl); /* its options; the connection stays */
    curl_easy_setopt(curl, CURLOPT_URL, json_string_value(json_object_get(command, "url")));
    curl_easy_setopt(curl, CURLOPT_NOBODY, (long)(method && strcmp(method, "HEAD") == 0));
    if (json_is_string(body)) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)json_string_length(body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json_string_value(body));
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method); /* NULL: GET, or POST with a body */
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms ? (long)json_number_value(ms) : 60000L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* there are other threads */
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, into);
    CURLcode failed = curl_easy_perform(curl);
    fclose(into);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    for (struct curl_header *one = NULL; (one = curl_easy_nextheader(curl, CURLH_HEADER, 0, one));)
        json_object_set_new(headers, one->name, json_string(one->value));
    json_t *reply = failed ? json_pack("{s:s}", "err", curl_easy_strerror(failed)) /* the client's own words */
                           : json_pack("{s:i,s:O,s:s#}", "status", (int)status, "headers", headers, "body", text, (int)bytes);
    pthread_mutex_lock(&lock);
    idles < SIZE ? (void)(idle[idles++] = curl) : curl_easy_cleanup(curl);
    pthread_mutex_unlock(&lock);
    json_decref(headers), curl_slist_free_all(lines), free(text);
    return reply;
}

int main(void) { return curl_global_init(CURL_GLOBAL_DEFAULT) || subject_main("template", "1", answer); }
