#include "proof/alloc.h"

#include <limits.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>

static long live, live_bytes;
static unsigned long failures;
static unsigned fail_from, fail_to; /* counted down with each allocation; fail_to 0: none fails */

/* The linker's names. */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void __wrap_free(void *block);

void alloc_fail(unsigned first, unsigned count)
{
    fail_from = first;
    fail_to = !first ? 0 : count > UINT_MAX - first ? UINT_MAX : first + count - 1;
}

long alloc_live(void)
{
    return live;
}

long alloc_live_bytes(void)
{
    return live_bytes;
}

unsigned long alloc_failures(void)
{
    return failures;
}

static bool must_fail(void)
{
    if (!fail_to)
        return false;
    fail_to--;
    if (fail_from > 1) {
        fail_from--;
        return false;
    }
    failures++;
    return true;
}

static void *counted(void *block)
{
    live += block != NULL;
    live_bytes += (long)malloc_usable_size(block);
    return block;
}

static void uncount(void *block)
{
    live -= block != NULL;
    live_bytes -= (long)malloc_usable_size(block);
}

void *__wrap_malloc(size_t bytes)
{
    return must_fail() ? NULL : counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return must_fail() ? NULL : counted(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *old, size_t bytes)
{
    if (must_fail())
        return NULL;
    uncount(old);
    void *block = __real_realloc(old, bytes);
    counted(block ? block : old);
    return block;
}

void __wrap_free(void *block)
{
    uncount(block);
    __real_free(block);
}
