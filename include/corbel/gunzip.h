/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_GUNZIP_H
#define CORBEL_GUNZIP_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/types.h>

/*
 * Streaming gzip (zlib's inflate): input and output in pieces, so that EL2 maps
 * only a window of each. All memory is in the caller's work area.
 */
#define GUNZIP_WORK_SIZE (64u * 1024u)

struct gunzip; /* lives in the work area */

/* work: GUNZIP_WORK_SIZE bytes, 16-byte aligned. */
struct gunzip *gunzip_start(void *work);

struct gunzip_io {
    const u8 *in;
    u64 in_len; /* advanced as consumed */
    u8 *out;
    u64 out_len; /* advanced as produced */
};

/*
 * CORBEL_OK: end of stream, CRC right. ERR_AGAIN: more input or output room.
 * ERR_FORMAT: bad data.
 */
enum corbel_err gunzip_step(struct gunzip *g, struct gunzip_io *io) __must_check;

#endif
