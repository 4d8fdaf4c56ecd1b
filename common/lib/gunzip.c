/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952) in pieces, by zlib's inflate, which checks the CRC and length at
 * the end. One instance per module being unpacked, owned by the domain's task. The
 * work area holds this struct and, behind it, what inflate allocates: its state and
 * a window of 32 KiB, both once per stream and never freed singly.
 */
#include <corbel/gunzip.h>

#include <corbel/bits.h>

#define ZLIB_CONST
#include <zlib.h>

#define WINDOW_BITS_GZIP (15 + 16) /* 32 KiB window, gzip header and trailer required */
#define PIECE_MAX        SZ_1G     /* zlib counts bytes in an unsigned int */

struct gunzip {
    z_stream stream;
    enum corbel_err result; /* ERR_AGAIN until the stream ended or broke */
    u32 used;               /* bytes of the work area in use */
};

static voidpf work_alloc(voidpf opaque, uInt items, uInt size)
{
    struct gunzip *g = opaque;
    u64 bytes = ALIGN_UP((u64)items * size, 16ull);
    u8 *at = (u8 *)g + g->used;

    if (bytes > GUNZIP_WORK_SIZE - g->used)
        return Z_NULL;
    g->used += (u32)bytes;
    return at;
}

static void work_free(voidpf opaque, voidpf address)
{
    (void)opaque;
    (void)address;
}

struct gunzip *gunzip_start(void *work)
{
    struct gunzip *g = work;

    *g = (struct gunzip){
        .stream = { .zalloc = work_alloc, .zfree = work_free, .opaque = g },
        .result = ERR_AGAIN,
        .used = ALIGN_UP((u32)sizeof(*g), 16u),
    };
    if (inflateInit2(&g->stream, WINDOW_BITS_GZIP) != Z_OK)
        g->result = ERR_NOMEM;
    return g;
}

static enum corbel_err translate(int z)
{
    switch (z) {
    case Z_STREAM_END:
        return CORBEL_OK;
    case Z_OK:
    case Z_BUF_ERROR: /* nothing could be done with so little: no error */
        return ERR_AGAIN;
    case Z_MEM_ERROR:
        return ERR_NOMEM;
    default:
        return ERR_FORMAT;
    }
}

enum corbel_err gunzip_step(struct gunzip *g, struct gunzip_io *io)
{
    bool progress = true;
    u8 none = 0; /* zlib takes no null pointer, even for no room */

    while (g->result == ERR_AGAIN && progress) {
        uInt in = (uInt)MIN(io->in_len, PIECE_MAX);
        uInt out = (uInt)MIN(io->out_len, PIECE_MAX);

        g->stream.next_in = io->in;
        g->stream.avail_in = in;
        g->stream.next_out = out ? io->out : &none;
        g->stream.avail_out = out;
        g->result = translate(inflate(&g->stream, Z_NO_FLUSH));
        progress = g->stream.avail_in != in || g->stream.avail_out != out;
        io->in += in - g->stream.avail_in;
        io->in_len -= in - g->stream.avail_in;
        io->out += out - g->stream.avail_out;
        io->out_len -= out - g->stream.avail_out;
    }
    return g->result;
}
