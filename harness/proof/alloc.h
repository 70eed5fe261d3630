/* alloc.h - malloc and its kin under control, for programs that are linked with -Wl,--wrap=malloc,--wrap=calloc,
 * --wrap=realloc,--wrap=free: counts what is alive, and fails where it is told to. Only our own objects are wrapped; what a
 * shared library allocates is its own affair. */
#ifndef ALLOC_H
#define ALLOC_H

/* Of the allocations from now on, the `first` one (from 1) fails, and `count - 1` behind it. 0: none fails. */
void alloc_fail(unsigned first, unsigned count);

/* Blocks and bytes that are alive; allocations that were made to fail, since the start. */
long alloc_live(void);
long alloc_live_bytes(void);
unsigned long alloc_failures(void);

#endif
