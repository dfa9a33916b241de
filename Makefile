# SPDX-License-Identifier: Apache-2.0
# Builds uctr, its helpers, the bundled image, and everything that tests them.
#
#   make                 build/uctr and what it needs, also CC=clang
#   make install         DESTDIR and PREFIX (default /usr/local) are honoured
#   make check           lint, then all tests; WERROR=1 is on
#   make check-vm        tests in a virtual machine with systemd; SUITES=all, or a list of suites
#   make redteam         build/red/uctr and its helper, whose checks can be switched off one by one (base/red.h)
#   make asan            the same programs with sanitizers, below build-asan/
#   make analyze         what gcc's static analyzer suspects (it misses the cleanup attribute)
#   make soak            long campaigns of kills, failing calls and many starts (SEED=, COUNT=)
#   make bench demo fuzz numbers; a first container; hostile inputs under sanitizers

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
APPARMORDIR ?= /etc/apparmor.d
DESTDIR ?=

CC ?= cc
STRIP ?= strip
PKG_CONFIG ?= pkg-config
B ?= build

# --- flags ------------------------------------------------------------------------------------

OPT ?= -O2
ARCH := $(shell $(CC) -dumpmachine | sed 's/-.*//')
FORTIFY := $(shell printf 'int main(void){return 0;}' | $(CC) -O2 -Werror -D_FORTIFY_SOURCE=3 \
	-include stdio.h -x c -c -o /dev/null - 2>/dev/null && echo 3 || echo 2)

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla
# err.c truncates messages on purpose; only gcc knows this warning.
ifneq ($(shell $(CC) -Werror -Wformat-truncation -E -x c /dev/null >/dev/null 2>&1 && echo yes),)
warnings += -Wno-format-truncation
endif
ifeq ($(WERROR),1)
warnings += -Werror
endif

harden_c := -fstack-protector-strong -fstack-clash-protection
ifneq ($(filter x86_64 i686,$(ARCH)),)
harden_c += -fcf-protection
endif
harden_ld := -pie -Wl,-z,relro,-z,now,-z,noexecstack

ifeq ($(SANITIZE),1)
OPT := -O1 -g
sanitize := -fsanitize=address,undefined -fno-omit-frame-pointer
else
harden_c += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(FORTIFY)
endif

# A start is short, so what the dynamic linker takes is a tenth of it (docs/performance.md): uctr is a
# static program where the libraries' archives are installed. STATIC=0 is the usual kind.
ifeq ($(SANITIZE),1)
STATIC := 0
endif
static_libs := $(shell $(PKG_CONFIG) --static --libs jansson libseccomp libcap 2>/dev/null)
STATIC ?= $(shell printf 'int main(void){return 0;}' | $(CC) -static-pie -x c -o /dev/null - \
	$(static_libs) 2>/dev/null && echo 1 || echo 0)

# What a person sets (CFLAGS, CPPFLAGS, LDFLAGS) comes last and wins.
base_cpp := -D_GNU_SOURCE -iquote src -iquote include -I$(B)/gen
base_c := -std=gnu11 $(OPT) -g $(warnings) $(harden_c) $(sanitize) -fPIE \
	-ffunction-sections -fdata-sections
base_ld := $(harden_ld) $(sanitize) -Wl,--gc-sections -Wl,--as-needed
# clang warns of -pie beside -static-pie.
uctr_ld := $(if $(filter 1,$(STATIC)),$(filter-out -pie,$(base_ld)) -static-pie,$(base_ld))
paths := -DLIBEXECDIR='"$(LIBEXECDIR)"' -DDATADIR='"$(DATADIR)"'

# Objects depend on this stamp, so another compiler or other flags rebuild them.
flags := $(CC) $(STATIC) $(GUNZIP) $(base_cpp) $(base_c) $(paths) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)
$(shell mkdir -p $(B)/gen; printf '%s\n' '$(subst ','\'',$(flags))' > $(B)/.flags.new; \
	cmp -s $(B)/.flags.new $(B)/.flags && rm $(B)/.flags.new || mv $(B)/.flags.new $(B)/.flags)

# One short line for each step; V=1 shows the commands.
ifeq ($(V),1)
say = @:
Q :=
else
say = @printf '  %-7s %s\n'
Q := @
endif

# --- sources ----------------------------------------------------------------------------------

folders := base sys runtime image net engine cli
src_c := $(wildcard $(folders:%=src/%/*.c))
base_o := $(patsubst %.c,$(B)/%.o,$(wildcard src/base/*.c))
low_o := $(patsubst %.c,$(B)/%.o,$(wildcard src/base/*.c src/sys/*.c))
# gzip is inflated by ISA-L where that is (x86 and arm64), else by zlib; GUNZIP=zlib chooses.
GUNZIP ?= $(if $(filter x86_64 aarch64,$(ARCH)),$(shell $(PKG_CONFIG) --exists libisal && echo isal || echo zlib),zlib)
transfer_c := $(filter-out $(wildcard helpers/transfer/gunzip_*.c),$(wildcard helpers/transfer/*.c)) \
	helpers/transfer/gunzip_$(GUNZIP).c
init_c := $(wildcard helpers/init/main.c)
gen_seccomp_c := $(wildcard src/runtime/gen/mkseccomp.c)
mkman_c := $(wildcard docs/mkman.c)

gen_o := $(if $(init_c),$(B)/gen/init_blob.o) $(if $(gen_seccomp_c),$(B)/gen/seccomp_default.o)
uctr_o := $(src_c:%.c=$(B)/%.o) $(gen_o)
# Everything but main(): tests and the man page generator link it.
lib_o := $(filter-out $(B)/src/cli/main.o,$(uctr_o))

# The hot path starts in about a millisecond because it links little: libnl only once it is used.
uses_nl := $(shell grep -lE '<(netlink|libnl)' src/net/*.[ch] src/sys/*.[ch] 2>/dev/null)
uctr_pkgs := jansson libseccomp libcap $(if $(uses_nl),libnl-3.0 libnl-route-3.0)
transfer_pkgs := libarchive libcurl libcrypto zlib libzstd $(if $(filter isal,$(GUNZIP)),libisal) jansson libcap libseccomp $(if $(uses_nl),libnl-3.0 libnl-route-3.0)

pkg_cflags := $(shell $(PKG_CONFIG) --cflags $(uctr_pkgs) 2>/dev/null)
uctr_libs = $(shell $(PKG_CONFIG) $(if $(filter 1,$(STATIC)),--static) --libs $(uctr_pkgs))
transfer_cflags := $(shell $(PKG_CONFIG) --cflags $(transfer_pkgs) 2>/dev/null)
transfer_libs = $(shell $(PKG_CONFIG) --libs $(transfer_pkgs))

unit_bins := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c))
helper_bins := $(patsubst tests/helper/%.c,$(B)/tests/helper/%,$(wildcard tests/helper/*.c))
red_c := $(shell grep -lw red_off $(src_c))
red_o := $(red_c:%.c=$(B)/red/%.o)
red_transfer_c := $(if $(transfer_c),$(shell grep -lw red_off $(transfer_c)))
red_transfer_o := $(red_transfer_c:%.c=$(B)/red/%.o)
bench_bins := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/*.c))

programs := $(if $(wildcard src/cli/main.c),$(B)/uctr $(B)/uctr-oci)
libexecs := $(if $(transfer_c),$(B)/libexec/uctr/uctr-transfer)
mans := $(if $(mkman_c),$(B)/uctr.1 $(B)/uctr.bash)
bundled := $(B)/share/uctr/images/busybox
images := $(if $(wildcard contrib/mkbundled),$(bundled)/index.json)

# --- programs ---------------------------------------------------------------------------------

.PHONY: all objects
.DELETE_ON_ERROR:
all: $(programs) $(libexecs) $(mans) $(images)

# Compiles every source, for the time when a program does not link yet.
objects: $(uctr_o) $(patsubst %.c,$(B)/%.o,$(transfer_c))

$(B)/uctr: $(uctr_o)
	$(say) LINK $@
	$(Q)$(CC) $(base_c) $(CFLAGS) $(uctr_ld) $(LDFLAGS) -o $@ $(uctr_o) $(uctr_libs) $(LIBS)

$(B)/uctr-oci: $(B)/uctr
	$(say) GEN $@
	$(Q)ln -sf uctr $@

# As an archive, so that the helper gets, and links libraries for, what it uses and no more.
$(B)/low.a: $(low_o)
	@rm -f $@
	$(say) AR $@
	$(Q)$(AR) rcs $@ $^

$(B)/libexec/uctr/uctr-transfer: $(patsubst %.c,$(B)/%.o,$(transfer_c)) $(B)/low.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(base_c) $(CFLAGS) $(base_ld) $(LDFLAGS) -o $@ $^ $(transfer_libs) $(LIBS)

$(B)/src/%.o: src/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(base_cpp) $(paths) $(pkg_cflags) $(CPPFLAGS) $(base_c) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/helpers/transfer/%.o: helpers/transfer/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(base_cpp) $(paths) $(transfer_cflags) $(CPPFLAGS) $(base_c) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/gen/%.o: $(B)/gen/%.c $(B)/.flags
	$(say) CC $@
	$(Q)$(CC) $(base_cpp) $(pkg_cflags) $(CPPFLAGS) $(base_c) $(CFLAGS) -MMD -MP -c -o $@ $<

# --- generated sources ------------------------------------------------------------------------

# Pid 1 for --init: no libc, so that it runs in any image. The flags leave out whatever needs one.
$(B)/init.elf: $(init_c) $(B)/.flags
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -D_GNU_SOURCE -iquote include -std=gnu11 -Os $(warnings) -ffreestanding -nostdlib -static \
		-fno-stack-protector -fno-pie -fno-asynchronous-unwind-tables -fcf-protection=none \
		-U_FORTIFY_SOURCE -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,noseparate-code \
		-MMD -MP -MF $@.d -MT $@ -o $@ $<
	$(Q)$(STRIP) -s $@

$(B)/gen/init_blob.c: $(B)/init.elf
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q){ \
		echo '#include <stddef.h>'; \
		echo 'extern const unsigned char init_blob[]; extern const size_t init_blob_len;'; \
		echo 'const unsigned char init_blob[] = {'; \
		od -An -v -tu1 $< | awk '{ for (i = 1; i <= NF; i++) printf "%s,", $$i; print "" }'; \
		echo '};'; \
		echo 'const size_t init_blob_len = sizeof(init_blob);'; \
	} > $@

# The generator compiles the default profile with libseccomp, so that no start has to.
$(B)/gen/mkseccomp: $(B)/src/runtime/gen/mkseccomp.o \
		$(patsubst %.c,$(B)/%.o,$(wildcard src/runtime/seccomp_profile*.c)) \
		$(B)/src/sys/caps.o $(base_o)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(base_c) $(CFLAGS) $(base_ld) $(LDFLAGS) -o $@ $^ $(uctr_libs) $(LIBS)

$(B)/gen/seccomp_default.c: $(B)/gen/mkseccomp contrib/seccomp/default.json
	$(say) GEN $@
	$(Q)ASAN_OPTIONS=detect_leaks=0 $^ > $@.tmp
	$(Q)mv $@.tmp $@

$(B)/docs/mkman.o: docs/mkman.c $(B)/.flags
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(base_cpp) $(paths) $(pkg_cflags) $(CPPFLAGS) $(base_c) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/docs/mkman: $(B)/docs/mkman.o $(lib_o)
	$(say) LINK $@
	$(Q)$(CC) $(base_c) $(CFLAGS) $(base_ld) $(LDFLAGS) -o $@ $^ $(uctr_libs) $(LIBS)

$(B)/uctr.1: $(B)/docs/mkman
	$(say) GEN $@
	$(Q)ASAN_OPTIONS=detect_leaks=0 $^ > $@.tmp
	$(Q)mv $@.tmp $@

$(B)/uctr.bash: $(B)/docs/mkman
	$(say) GEN $@
	$(Q)ASAN_OPTIONS=detect_leaks=0 $< bash > $@

$(bundled)/index.json: contrib/mkbundled
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q)sh contrib/mkbundled $(bundled)

# --- tests ------------------------------------------------------------------------------------

.PHONY: tests check soak lint docs bench demo fuzz asan analyze redteam
tests: all $(unit_bins) $(helper_bins) redteam

redteam: $(B)/red/uctr $(if $(transfer_c),$(B)/red/libexec/uctr/uctr-transfer)

$(B)/red/uctr: $(filter-out $(red_c:%.c=$(B)/%.o),$(uctr_o)) $(red_o)
	$(say) LINK $@
	$(Q)$(CC) $(base_c) $(CFLAGS) $(uctr_ld) $(LDFLAGS) -o $@ $^ $(uctr_libs) $(LIBS)

$(B)/red/src/%.o: src/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -DUCTR_RED $(base_cpp) $(paths) $(pkg_cflags) $(CPPFLAGS) $(base_c) $(CFLAGS) -MMD -MP -c -o $@ $<

# Its sources of src are the ordinary ones: no check of them is switched off in the helper.
$(B)/red/libexec/uctr/uctr-transfer: $(red_transfer_o) $(B)/low.a \
		$(patsubst %.c,$(B)/%.o,$(filter-out $(red_transfer_c),$(transfer_c)))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(base_c) $(CFLAGS) $(base_ld) $(LDFLAGS) -o $@ $(filter %.o,$^) $(B)/low.a $(transfer_libs) $(LIBS)

$(B)/red/helpers/%.o: helpers/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -DUCTR_RED $(base_cpp) $(paths) $(transfer_cflags) $(CPPFLAGS) $(base_c) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/unit/%.o: tests/unit/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(base_cpp) $(paths) $(pkg_cflags) $(CPPFLAGS) $(base_c) $(CFLAGS) -MMD -MP -c -o $@ $<

$(unit_bins): $(B)/tests/%: $(B)/tests/unit/%.o $(lib_o)
	$(say) LINK $@
	$(Q)$(CC) $(base_c) $(CFLAGS) $(base_ld) $(LDFLAGS) -o $@ $^ $(uctr_libs) $(LIBS)

$(B)/tests/helper/loader: warnings += -nostdlib -ffreestanding -fno-stack-protector

# Probes run inside containers of any content, so they are static.
$(B)/tests/helper/%: tests/helper/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -D_GNU_SOURCE -iquote include -std=gnu11 -O2 -g $(warnings) -static -MMD -MP -MF $@.d -MT $@ -o $@ $<

$(B)/tests/bench/%: tests/bench/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -D_GNU_SOURCE -iquote include -std=gnu11 -O2 -g $(warnings) -MMD -MP -MF $@.d -MT $@ -o $@ $<

# SEED=, COUNT=: kills and failing calls at chosen system calls, and 10,000 starts; see tests/soak.
soak: tests
	+@sh tests/soak

lint:
	@sh tests/lint/run

# The pages that are made from the tests.
docs:
	@sh tests/security/mkdoc > docs/security-tests.md.new
	@mv docs/security-tests.md.new docs/security-tests.md

check:
	+@sh tests/check

.PHONY: check-vm
check-vm: tests
	+@sh tests/vm/run $(SUITES)

bench: all $(bench_bins)
	+@sh tests/bench/run
	+@sh tests/bench/pull

demo: all
	+@sh contrib/demo

# Replays the corpora; SECONDS=60 also looks for new inputs (clang).
fuzz:
	@sh tests/fuzz/run $(SECONDS)

asan:
	+$(MAKE) B=build-asan SANITIZE=1 tests

analyze:
	$(MAKE) B=build-analyze CC=gcc OPT='-O1 -fanalyzer' objects

# --- installation -----------------------------------------------------------------------------

.PHONY: install uninstall clean
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR)/uctr $(DESTDIR)$(DATADIR)/uctr/images
	install -m 0755 $(B)/uctr $(DESTDIR)$(BINDIR)/uctr
	ln -sf uctr $(DESTDIR)$(BINDIR)/uctr-oci
	$(if $(libexecs),install -m 0755 $(libexecs) $(DESTDIR)$(LIBEXECDIR)/uctr/)
	rm -rf $(DESTDIR)$(DATADIR)/uctr/images/busybox
	cp -R $(bundled) $(DESTDIR)$(DATADIR)/uctr/images/busybox
	chmod -R u=rwX,go=rX $(DESTDIR)$(DATADIR)/uctr/images/busybox
	$(if $(mans),install -d $(DESTDIR)$(MANDIR)/man1)
	$(if $(mans),install -m 0644 $(B)/uctr.1 $(DESTDIR)$(MANDIR)/man1/uctr.1)
	$(if $(mans),install -d $(DESTDIR)$(DATADIR)/bash-completion/completions)
	$(if $(mans),install -m 0644 $(B)/uctr.bash $(DESTDIR)$(DATADIR)/bash-completion/completions/uctr)
	# AppArmor below 4.0 neither restricts user namespaces nor knows the profile's rule.
	if [ -e $(DESTDIR)$(APPARMORDIR)/abi/4.0 ]; then \
		sed 's|@PROGRAMS@|{$(BINDIR)/uctr,$(LIBEXECDIR)/uctr/*}|' contrib/apparmor/uctr \
			> $(DESTDIR)$(APPARMORDIR)/uctr && chmod 0644 $(DESTDIR)$(APPARMORDIR)/uctr; \
	fi

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/uctr $(DESTDIR)$(BINDIR)/uctr-oci
	rm -rf $(DESTDIR)$(LIBEXECDIR)/uctr $(DESTDIR)$(DATADIR)/uctr
	rm -f $(DESTDIR)$(MANDIR)/man1/uctr.1 $(DESTDIR)$(APPARMORDIR)/uctr

clean:
	rm -rf build build-asan build-analyze

-include $(wildcard $(B)/src/*/*.d $(B)/src/*/*/*.d $(B)/helpers/*/*.d $(B)/gen/*.d $(B)/docs/*.d \
	$(B)/red/src/*/*.d $(B)/red/helpers/*/*.d $(B)/tests/*/*.d $(B)/*.d)
