/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the error codes, for log lines. Pure; used from everywhere.
 */
#include <corbel/err.h>

#include <corbel/types.h>

const char *err_name(enum corbel_err err)
{
    static const char *const names[] = {
        "OK",        "ERR_NOMEM",  "ERR_INVAL", "ERR_RANGE",  "ERR_EXIST",
        "ERR_NOENT", "ERR_BUSY",   "ERR_PERM",  "ERR_NOTSUP", "ERR_TIMEDOUT",
        "ERR_AGAIN", "ERR_FORMAT", "ERR_IO",
    };
    u32 index = 0u - (u32)err;

    return index < ARRAY_SIZE(names) ? names[index] : "ERR_UNKNOWN";
}
