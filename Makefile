# make                  the programs, optimised, in build/release/
# make VARIANT=san      the same with AddressSanitizer and UndefinedBehaviorSanitizer, in build/san/
# make unit             builds the C unit tests (always with the sanitizers) and runs them
# make CC=clang         with another compiler; give it another BUILD=... too
VARIANT ?= release
BUILD ?= build/$(VARIANT)

flags_release := -O2 -g
flags_san := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(flags_$(VARIANT)),)
$(error VARIANT=$(VARIANT) is not known: use release or san)
endif

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
# The mutants put broken copies of harness/pool and harness/client in their place (POOL_DIR and CLIENT_DIR, side by side, named as
# these are) and the programs elsewhere.
POOL_DIR ?= harness/pool
CLIENT_DIR ?= harness/client
POOL_OUT ?= $(BUILD)
VERSION := $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' harness/judge/__init__.py)
CPPFLAGS := -D_GNU_SOURCE -DPOOLSPEC_VERSION='"$(VERSION)"' $(if $(filter-out harness/pool,$(POOL_DIR)),-I$(POOL_DIR)/..) -Iharness -Iservers \
            -isystem /usr/share/include/llhttp
CFLAGS := -std=c17 $(flags_$(VARIANT)) $(WARNINGS)
LDLIBS := -lev -ljansson -lcares -lm

LLHTTP := $(patsubst /usr/share/llhttp/%.c,$(BUILD)/llhttp/%.o,$(wildcard /usr/share/llhttp/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))
BASE := $(call objects,harness/base/*.c)
POOL := $(patsubst $(POOL_DIR)/%.c,$(POOL_OUT)/pool/%.o,$(wildcard $(POOL_DIR)/*.c))
CLIENT := $(patsubst $(CLIENT_DIR)/%.c,$(POOL_OUT)/client/%.o,$(wildcard $(CLIENT_DIR)/*.c))
SERVER := $(call objects,servers/*.c servers/behaviours/*.c servers/profiles/*.c)
LOAD := $(call objects,harness/load/*.c)
GAP := $(call objects,harness/gap/*.c)

PROGRAMS := $(BUILD)/server $(POOL_OUT)/load $(POOL_OUT)/gap $(POOL_OUT)/reference
all: $(PROGRAMS) $(POOL_OUT)/drill

$(BUILD)/server: $(SERVER) $(BASE) $(LLHTTP)
$(POOL_OUT)/load: $(LOAD) $(CLIENT) $(POOL) $(BASE) $(LLHTTP)
$(POOL_OUT)/gap: $(GAP) $(CLIENT) $(POOL) $(BASE) $(LLHTTP)
$(POOL_OUT)/reference: $(call objects,harness/subjects/reference/*.c) $(CLIENT) $(POOL) $(BASE) $(LLHTTP)
$(PROGRAMS):
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The subjects java_io and java_nio.
java: build/java/Adapter.class
build/java/Adapter.class: $(wildcard harness/subjects/_java/*.java)
	@mkdir -p $(@D)
	javac -Xlint:all -Werror -d $(@D) -cp /usr/share/java/gson.jar $^
.PHONY: java

# Third-party source from Debian's package: compiled apart and without our warnings.
$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -isystem /usr/share/include/llhttp $(flags_$(VARIANT)) -w -c -o $@ $<
$(POOL_OUT)/pool/%.o: $(POOL_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(POOL_OUT)/client/%.o: $(CLIENT_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(shell test -d $(BUILD) && find $(BUILD) -name '*.d')

# Each harness/tests/test_NAME.c is one program, linked with everything but the mains.
UNITS := $(patsubst harness/tests/%.c,$(BUILD)/tests/%,$(wildcard harness/tests/test_*.c))
UNIT_PARTS = $(filter-out %/main.o,$(LOAD) $(CLIENT) $(POOL) $(BASE)) $(LLHTTP)
$(BUILD)/tests/%: $(BUILD)/harness/tests/%.o $(UNIT_PARTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka
.SECONDARY:
unit-programs: $(UNITS)
unit:
	@$(MAKE) --no-print-directory VARIANT=san unit-programs
	@for test in $(patsubst $(BUILD)/%,build/san/%,$(UNITS)); do $$test || exit 1; done

print-cflags:
	@echo $(CFLAGS)
# The pool as a library for other programs: one object that shows only its public names, in a static archive.
PREFIX ?= /usr/local
DESTDIR ?=
LIBRARY := $(POOL) $(BUILD)/harness/base/net.o
$(BUILD)/libcosocket.a: $(LIBRARY)
	$(LD) -r -o $(BUILD)/libcosocket.o $^
	objcopy --wildcard --keep-global-symbol='cosocket_*' --keep-global-symbol='pool_*' $(BUILD)/libcosocket.o
	rm -f $@
	$(AR) rcs $@ $(BUILD)/libcosocket.o
install: $(BUILD)/libcosocket.a
	install -d $(DESTDIR)$(PREFIX)/include/cosocket $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 harness/pool/cosocket.h harness/pool/pool.h $(DESTDIR)$(PREFIX)/include/cosocket
	install -m 644 $< $(DESTDIR)$(PREFIX)/lib
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' harness/pool/cosocket.pc.in \
	    > $(DESTDIR)$(PREFIX)/lib/pkgconfig/cosocket.pc

clean:
	rm -rf build reports/out
.PHONY: all unit unit-programs print-cflags install clean
.DELETE_ON_ERROR:

# --- the proof of the pool's core: harness/proof/ ----------------------------------------------------------------------------
# make proof            the simulator and the explorer, in build/release/: sim, explore
# make coverage         branch coverage of the core by its drills and unit tests, the simulator and the explorer
WRAP_MEMORY := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
PROOF_PARTS := $(patsubst %,harness/proof/%.c,alloc books books_rules books_audit world guard)
SIM_PARTS := $(PROOF_PARTS) $(patsubst %,harness/proof/%.c,sim shrink sim_main)
EXPLORE_PARTS := $(PROOF_PARTS) harness/proof/explore.c
DRILL_PARTS := $(wildcard harness/proof/drill*.c) harness/base/words.c
CORE := pool pool_ask keys deadlines
proof: $(POOL_OUT)/sim $(POOL_OUT)/explore
$(POOL_OUT)/sim: $(call objects,$(SIM_PARTS))
$(POOL_OUT)/explore: $(call objects,$(EXPLORE_PARTS))
$(POOL_OUT)/sim $(POOL_OUT)/explore: $(CORE:%=$(POOL_OUT)/pool/%.o)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $(WRAP_MEMORY) -o $@ $^
$(POOL_OUT)/drill: $(call objects,$(DRILL_PARTS)) $(CORE:%=$(POOL_OUT)/pool/%.o)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
$(BUILD)/tests/test_pool_memory: LDFLAGS += $(WRAP_MEMORY)
$(BUILD)/tests/test_pool_memory: $(BUILD)/harness/proof/alloc.o

# Unoptimised, because only then a branch is one of the source's.
COVERAGE := build/coverage
COVERAGE_CC := gcc $(CPPFLAGS) -std=c17 -O0 -g $(WARNINGS)
$(COVERAGE)/%.o: harness/pool/%.c $(wildcard harness/pool/*.h)
	@mkdir -p $(@D)
	$(COVERAGE_CC) --coverage -c -o $@ $<
$(COVERAGE)/sim: $(SIM_PARTS)
$(COVERAGE)/explore: $(EXPLORE_PARTS)
$(COVERAGE)/drill: $(DRILL_PARTS)
POOL_TESTS := $(patsubst harness/tests/%.c,%,$(wildcard harness/tests/test_pool*.c))
$(POOL_TESTS:%=$(COVERAGE)/%): $(COVERAGE)/%: harness/tests/%.c harness/tests/pool_kit.h
$(COVERAGE)/test_pool_memory: harness/proof/alloc.c
$(COVERAGE)/sim $(COVERAGE)/explore $(COVERAGE)/test_pool_memory: private WRAP := $(WRAP_MEMORY)
COVERAGE_PROGRAMS := $(patsubst %,$(COVERAGE)/%,$(POOL_TESTS) drill sim explore)
$(COVERAGE_PROGRAMS): $(CORE:%=$(COVERAGE)/%.o) $(wildcard harness/proof/*.h)
	$(COVERAGE_CC) $(WRAP) --coverage -o $@ $(filter %.c %.o,$^) -lcmocka
coverage: $(COVERAGE_PROGRAMS)
	rm -f $(COVERAGE)/*.gcda
	for test in $(POOL_TESTS); do $(COVERAGE)/$$test >/dev/null 2>&1 || exit 1; done
	$(COVERAGE)/drill harness/tests/drills/*.drill
	$(COVERAGE)/sim --seeds 1-200
	$(COVERAGE)/explore
	PYTHONPATH=harness /usr/bin/python3 -m proof.coverage $(CORE:%=$(COVERAGE)/%.gcda)
.PHONY: proof coverage

# The same programs with calls that can be made to fail (harness/proof/faults/inject.h): ours are renamed in copies of the objects.
FAULTY := $(POOL_OUT)/faulty
FAULTY_JSONL := $(filter %/jsonl.o,$(BASE))
FAULTY_POOL := $(POOL) $(CLIENT) $(filter-out $(FAULTY_JSONL),$(BASE))
faulty_of = $(patsubst %,$(FAULTY)/objects/$(1)/%,$(2))
$(FAULTY)/objects/pool/%.o: %.o harness/proof/faults/pool.syms harness/proof/faults/calls.syms
	@mkdir -p $(@D)
	objcopy $(addprefix --redefine-syms=,$(filter %.syms,$^)) $< $@
$(FAULTY)/objects/host/%.o: %.o harness/proof/faults/host.syms harness/proof/faults/calls.syms
	@mkdir -p $(@D)
	objcopy $(addprefix --redefine-syms=,$(filter %.syms,$^)) $< $@
faulty: $(FAULTY)/reference $(FAULTY)/load
$(FAULTY)/reference: $(call faulty_of,host,$(call objects,harness/subjects/reference/*.c) $(FAULTY_JSONL))
$(FAULTY)/load: $(call faulty_of,host,$(LOAD) $(FAULTY_JSONL))
$(FAULTY)/reference $(FAULTY)/load: $(call faulty_of,pool,$(FAULTY_POOL)) $(LLHTTP) $(call objects,harness/proof/faults/*.c)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
.PHONY: faulty
