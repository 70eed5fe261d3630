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
# The mutants put a broken copy of harness/pool in its place (POOL_DIR, a folder named pool) and its programs elsewhere.
POOL_DIR ?= harness/pool
POOL_OUT ?= $(BUILD)
VERSION := $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' harness/judge/__init__.py)
CPPFLAGS := -D_GNU_SOURCE -DPOOLSPEC_VERSION='"$(VERSION)"' $(if $(filter-out harness/pool,$(POOL_DIR)),-I$(POOL_DIR)/..) -Iharness -Iservers \
            -isystem /usr/share/include/llhttp
CFLAGS := -std=c17 $(flags_$(VARIANT)) $(WARNINGS)
LDLIBS := -lev -ljansson -lm

LLHTTP := $(patsubst /usr/share/llhttp/%.c,$(BUILD)/llhttp/%.o,$(wildcard /usr/share/llhttp/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))
BASE := $(call objects,harness/base/*.c)
POOL := $(patsubst $(POOL_DIR)/%.c,$(POOL_OUT)/pool/%.o,$(wildcard $(POOL_DIR)/*.c))
CLIENT := $(call objects,harness/client/*.c)
SERVER := $(call objects,servers/*.c servers/behaviours/*.c)
LOAD := $(call objects,harness/load/*.c)

PROGRAMS := $(BUILD)/server $(POOL_OUT)/load $(POOL_OUT)/reference
all: $(PROGRAMS)

$(BUILD)/server: $(SERVER) $(BASE) $(LLHTTP)
$(POOL_OUT)/load: $(LOAD) $(CLIENT) $(POOL) $(BASE) $(LLHTTP)
$(POOL_OUT)/reference: $(call objects,harness/subjects/reference/*.c) $(CLIENT) $(POOL) $(BASE) $(LLHTTP)
$(PROGRAMS):
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Third-party source from Debian's package: compiled apart and without our warnings.
$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -isystem /usr/share/include/llhttp $(flags_$(VARIANT)) -w -c -o $@ $<
$(POOL_OUT)/pool/%.o: $(POOL_DIR)/%.c
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
clean:
	rm -rf build reports/out
.PHONY: all unit unit-programs print-cflags clean
.DELETE_ON_ERROR:
