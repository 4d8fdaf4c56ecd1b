/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_ERR_H
#define CORBEL_ERR_H

#include <corbel/compiler.h>

/*
 * The one error language inside the hypervisor. Codes that a guest sees
 * (PSCI, SMCCC, hypercalls) are types of their own, converted in one place.
 */
enum corbel_err {
    CORBEL_OK = 0,
    ERR_NOMEM = -1,    /* a pool, a table or host memory ran out */
    ERR_INVAL = -2,    /* an argument or a property has a value that cannot be meant */
    ERR_RANGE = -3,    /* a number is outside what the field or the machine can hold */
    ERR_EXIST = -4,    /* it is there already, or overlaps what is there */
    ERR_NOENT = -5,    /* it is not there */
    ERR_BUSY = -6,     /* in use by somebody; nothing changed */
    ERR_PERM = -7,     /* the caller may not do this */
    ERR_NOTSUP = -8,   /* known, but not supported by this build or machine */
    ERR_TIMEDOUT = -9, /* hardware did not answer within its bound */
    ERR_AGAIN = -10,   /* progress was made, call again */
    ERR_FORMAT = -11,  /* malformed input (device tree, image, compressed data) */
    ERR_IO = -12,      /* hardware reported an error */
};

/* Short name for logs, e.g. "ERR_NOMEM"; never NULL. */
const char *err_name(enum corbel_err err);

#endif
