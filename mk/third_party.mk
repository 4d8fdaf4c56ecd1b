# SPDX-License-Identifier: Apache-2.0
# libfdt and zlib's inflate: fetched, pinned by digest (tools/pins), compiled with our code flags.

libfdt-srcs := $(addprefix libfdt/,fdt.c fdt_ro.c fdt_rw.c fdt_sw.c fdt_wip.c fdt_addresses.c \
    fdt_check.c fdt_strerror.c fdt_empty_tree.c)
zlib-srcs := $(addprefix zlib/,inflate.c inffast.c inftrees.c crc32.c)

# zlib without its own allocator and files; the CRC by the small table (2 KiB instead of 26).
zlib-defs   := -DZ_SOLO -DHAVE_MEMCPY -DZ_TESTW=0 -include string.h
fdt-users   := common/lib/fdt_read common/lib/fdt_write common/domdtb
gunzip-user := common/lib/gunzip common/lib/adler32
fdt-include := -Iinclude/libc -isystem $(TP)/libfdt
zlib-include := -Iinclude/libc -isystem $(TP)/zlib $(zlib-defs)

third-party-objs := $(patsubst %.c,$(B)/obj/third_party/%.o,$(libfdt-srcs) $(zlib-srcs))

$(B)/obj/third_party/libfdt/%.o: tp-flags := $(fdt-include)
$(B)/obj/third_party/zlib/%.o: tp-flags := $(zlib-include)
$(addprefix $(B)/obj/,$(fdt-users:=.o)): CPPFLAGS += $(fdt-include)
$(addprefix $(B)/obj/,$(gunzip-user:=.o)): CPPFLAGS += $(zlib-include)
$(addprefix $(B)/obj/,$(fdt-users:=.o) $(gunzip-user:=.o)): $(TP)/.ready

$(third-party-objs): $(B)/obj/third_party/%.o: $(TP)/.ready $(B)/flags | $(generated)
	@mkdir -p $(@D) && echo "  CC      $@"
	@$(CC) $(CPPFLAGS) $(tp-flags) $(code-flags) -w -c $(TP)/$*.c -o $@
	@$(call init-prefix,third_party/$*.o)

ifneq ($(LIBFDT_SRC)$(ZLIB_SRC),)
$(TP)/.ready: FORCE
endif
$(TP)/.ready: tools/pins
	@tools/fetch sources
	@[ $@ -nt tools/pins ] || touch $@
