/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest kernel formats. Pure: image_probe() sees the first bytes of a module (or of
 * an unpacked stream). Formats: Linux Documentation/arch/arm64/booting.rst (Image),
 * the PE/COFF specification (sections of an Image with an EFI stub), RFC 1952 (gzip),
 * U-Boot's include/image.h (legacy uImage).
 */
#include <corbel/image.h>

#include <corbel/bits.h>
#include <corbel/string.h>

/* arm64 Image header, little endian */
#define IMAGE_HEADER_SIZE     64u
#define IMAGE_TEXT_OFFSET     8u
#define IMAGE_SIZE            16u
#define IMAGE_MAGIC_AT        56u
#define IMAGE_MAGIC           0x644d5241u /* "ARM\x64" */
#define IMAGE_PE_AT           60u
#define IMAGE_OLD_TEXT_OFFSET 0x80000u /* kernels before 3.17 leave image_size 0 */
#define IMAGE_SANE_SIZE       BIT(40)

/* PE/COFF, little endian; offsets from "PE\0\0" */
#define PE_MAGIC            0x00004550u
#define PE_MACHINE          4u
#define PE_MACHINE_ARM64    0xaa64u
#define PE_SECTIONS         6u
#define PE_OPTIONAL_SIZE    20u
#define PE_OPTIONAL         24u
#define PE_SECTION_SIZE     40u
#define PE_SECTION_RAW_SIZE 16u
#define PE_SECTION_RAW_AT   20u

/* Legacy uImage header, big endian */
#define UIMAGE_HEADER_SIZE 64u
#define UIMAGE_MAGIC       0x27051956u
#define UIMAGE_CRC_AT      4u
#define UIMAGE_SIZE_AT     12u
#define UIMAGE_LOAD_AT     16u
#define UIMAGE_ENTRY_AT    20u
#define UIMAGE_ARCH_AT     29u
#define UIMAGE_COMP_AT     31u
#define UIMAGE_ARCH_ARM    2u /* what scripts write for want of knowing better */
#define UIMAGE_ARCH_ARM64  22u
#define UIMAGE_COMP_NONE   0u
#define UIMAGE_COMP_GZIP   1u

#define GZIP_SIZE_MIN 20u /* header 10, an empty block 2, trailer 8 */

struct head {
    const u8 *data;
    u64 len;         /* bytes that may be looked at */
    u64 module_size; /* bytes that are there, by the configuration */
};

static u64 read_le(const u8 *p, u32 bytes)
{
    u64 value = 0;

    while (bytes--)
        value = value << 8 | p[bytes];
    return value;
}

static u32 read_be32(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static enum corbel_err refuse(const char **why, const char *reason)
{
    *why = reason;
    return ERR_FORMAT;
}

/* --- arm64 Image ------------------------------------------------------------------------------ */

/* Bytes of file that the PE section table speaks of, 0 when there is no such table in sight. */
static u64 pe_file_size(const struct head *h)
{
    u64 pe = read_le(h->data + IMAGE_PE_AT, 4);
    u64 table, end = 0;
    u64 sections;

    if (pe > h->len || h->len - pe < PE_OPTIONAL)
        return 0;
    if (read_le(h->data + pe, 4) != PE_MAGIC ||
        read_le(h->data + pe + PE_MACHINE, 2) != PE_MACHINE_ARM64)
        return 0;
    table = pe + PE_OPTIONAL + read_le(h->data + pe + PE_OPTIONAL_SIZE, 2);
    sections = read_le(h->data + pe + PE_SECTIONS, 2);
    for (u64 i = 0; i < sections; i++) {
        const u8 *section = h->data + table + i * PE_SECTION_SIZE;

        if (table + (i + 1) * PE_SECTION_SIZE > h->len)
            break;
        end = MAX(end, read_le(section + PE_SECTION_RAW_AT, 4) +
                           read_le(section + PE_SECTION_RAW_SIZE, 4));
    }
    return end;
}

static bool is_arm64_image(const struct head *h)
{
    return h->len >= IMAGE_HEADER_SIZE && read_le(h->data + IMAGE_MAGIC_AT, 4) == IMAGE_MAGIC;
}

static enum corbel_err probe_arm64(const struct head *h, struct image_info *out, const char **why)
{
    u64 image_size = read_le(h->data + IMAGE_SIZE, 8);

    out->format = IMAGE_RAW_ARM64;
    out->size = h->module_size;
    if (!image_size) {
        out->text_offset = IMAGE_OLD_TEXT_OFFSET;
        out->mem_size = h->module_size;
        return CORBEL_OK;
    }
    out->text_offset = read_le(h->data + IMAGE_TEXT_OFFSET, 8);
    if (image_size > IMAGE_SANE_SIZE || out->text_offset > IMAGE_SANE_SIZE)
        return refuse(why, "its header has an image_size or text_offset beyond 1 TiB");
    if (!IS_ALIGNED(out->text_offset, PAGE_SIZE))
        return refuse(why, "its text_offset is not a multiple of 4 KiB");
    if (pe_file_size(h) > h->module_size)
        return refuse(why, "truncated: its PE sections end behind the module");
    /* What lies behind image_size (a signature, padding of reg) is no part of the kernel. */
    out->size = MIN(h->module_size, image_size);
    out->mem_size = image_size;
    return CORBEL_OK;
}

/* --- gzip and uImage -------------------------------------------------------------------------- */

static bool is_gzip(const struct head *h)
{
    return h->len >= 3 && h->data[0] == 0x1f && h->data[1] == 0x8b && h->data[2] == 8;
}

static enum corbel_err probe_gzip(const struct head *h, struct image_info *out, const char **why)
{
    if (h->module_size < GZIP_SIZE_MIN)
        return refuse(why, "truncated: too short for gzip");
    out->format = IMAGE_GZIP;
    out->size = h->module_size;
    out->mem_size = 0;
    return CORBEL_OK;
}

/* CRC-32 of IEEE 802.3, bit by bit: it is run over 64 bytes. */
static u32 header_crc(const u8 *data)
{
    u32 crc = ~0u;

    for (u32 i = 0; i < UIMAGE_HEADER_SIZE; i++) {
        /* The field of the CRC itself counts as zero. */
        crc ^= i - UIMAGE_CRC_AT < 4 ? 0 : data[i];
        for (u32 bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static enum corbel_err probe_uimage_payload(const struct head *h, struct image_info *out,
                                            const char **why)
{
    const u8 *header = h->data;
    struct head payload = {
        .data = h->data + UIMAGE_HEADER_SIZE,
        .len = h->len - UIMAGE_HEADER_SIZE,
        .module_size = out->size,
    };

    payload.len = MIN(payload.len, payload.module_size);
    if (header[UIMAGE_COMP_AT] == UIMAGE_COMP_GZIP) {
        if (!is_gzip(&payload))
            return refuse(why, "its uImage header says gzip, its payload is none");
        return probe_gzip(&payload, out, why);
    }
    if (header[UIMAGE_COMP_AT] != UIMAGE_COMP_NONE)
        return refuse(why, "its uImage compression is neither none nor gzip");
    if (is_arm64_image(&payload))
        return probe_arm64(&payload, out, why);
    out->format = IMAGE_RAW_ARM64; /* a bare binary: runs as it lies */
    out->mem_size = payload.module_size;
    return CORBEL_OK;
}

static enum corbel_err probe_uimage(const struct head *h, struct image_info *out, const char **why)
{
    u64 load, entry, size;
    enum corbel_err err;

    if (h->len < UIMAGE_HEADER_SIZE || h->module_size < UIMAGE_HEADER_SIZE)
        return refuse(why, "truncated: shorter than a uImage header");
    if (header_crc(h->data) != read_be32(h->data + UIMAGE_CRC_AT))
        return refuse(why, "its uImage header has a wrong CRC");
    if (h->data[UIMAGE_ARCH_AT] != UIMAGE_ARCH_ARM64 && h->data[UIMAGE_ARCH_AT] != UIMAGE_ARCH_ARM)
        return refuse(why, "its uImage header is for another architecture");
    load = read_be32(h->data + UIMAGE_LOAD_AT);
    entry = read_be32(h->data + UIMAGE_ENTRY_AT);
    size = read_be32(h->data + UIMAGE_SIZE_AT);
    if (!size || size > h->module_size - UIMAGE_HEADER_SIZE)
        return refuse(why, "truncated: its uImage payload ends behind the module");
    out->size = size;
    err = probe_uimage_payload(h, out, why);
    if (err != CORBEL_OK)
        return err;
    out->uimage = true;
    out->skip = UIMAGE_HEADER_SIZE;
    out->fixed = load != 0;
    out->load_addr = load;
    /* Of a compressed kernel only image_place() knows the size that the entry must be inside. */
    if (entry < load || (out->mem_size && entry - load >= out->mem_size))
        return refuse(why, "its uImage entry point is outside the kernel");
    out->entry_offset = entry - load;
    return CORBEL_OK;
}

/* --- the door --------------------------------------------------------------------------------- */

static const char *name_stranger(const struct head *h)
{
    static const struct {
        u32 at, magic; /* little endian */
        const char *reason;
    } strangers[] = {
        { 0, 0x464c457f, "an ELF file: give its Image" },
        { 0, 0xedfe0dd0, "a device tree or FIT: give the Image inside" },
        { 4, 0x676d697a, "an EFI zboot file: give the Image inside" }, /* "zimg" */
        { 36, 0x016f2818, "a 32-bit zImage: guests are 64-bit" },
        { 0, 0xfd2fb528, "zstd data: only gzip is unpacked" },
        { 0, 0x587a37fd, "xz data: only gzip is unpacked" },
        { 0, 0x184d2204, "LZ4 data: only gzip is unpacked" },
        { 0, 0x184c2102, "LZ4 data: only gzip is unpacked" },
    };

    for (u32 i = 0; i < ARRAY_SIZE(strangers); i++)
        if (h->len >= strangers[i].at + 4 &&
            read_le(h->data + strangers[i].at, 4) == strangers[i].magic)
            return strangers[i].reason;
    return "no arm64 Image, gzip or uImage header";
}

enum corbel_err image_probe(const void *head, u64 len, u64 module_size, struct image_info *out,
                            const char **why)
{
    struct head h = { head, MIN(len, module_size), module_size };

    memset(out, 0, sizeof(*out));
    *why = "";
    if (h.len < IMAGE_HEADER_SIZE)
        return refuse(why, "truncated: shorter than 64 bytes");
    if (read_be32(h.data) == UIMAGE_MAGIC)
        return probe_uimage(&h, out, why);
    if (is_gzip(&h))
        return probe_gzip(&h, out, why);
    if (is_arm64_image(&h))
        return probe_arm64(&h, out, why);
    return refuse(why, name_stranger(&h));
}
