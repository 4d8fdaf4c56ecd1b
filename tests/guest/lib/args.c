/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of /chosen/bootargs, "key=value", separated by blanks.
 */
#include "fdt.h"
#include "lib.h"

static char value_text[64];

const char *arg_text(const char *key, const char *otherwise)
{
    const char *at = fdt_text(fdt_path("/chosen"), "bootargs");
    size_t size = strlen(key);
    size_t i;

    while (at != NULL && *at != '\0') {
        if (strncmp(at, key, size) == 0 && at[size] == '=') {
            at += size + 1;
            for (i = 0; i < sizeof(value_text) - 1 && at[i] != '\0' && at[i] != ' '; i++) {
                value_text[i] = at[i];
            }
            value_text[i] = '\0';
            return value_text;
        }
        while (*at != '\0' && *at != ' ') {
            at++;
        }
        while (*at == ' ') {
            at++;
        }
    }
    return otherwise;
}

bool arg_is(const char *key, const char *value)
{
    return strcmp(arg_text(key, ""), value) == 0;
}

static unsigned int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned int)(c - '0');
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 99;
}

uint64_t read_number(const char **text)
{
    unsigned int base = 10;
    uint64_t value = 0;

    while (**text == ' ') {
        (*text)++;
    }
    if ((*text)[0] == '0' && (*text)[1] == 'x') {
        base = 16;
        *text += 2;
    }
    for (; digit_of(**text) < base; (*text)++) {
        value = value * base + digit_of(**text);
    }
    return value;
}

uint64_t arg_number(const char *key, uint64_t otherwise)
{
    const char *text = arg_text(key, NULL);

    return text != NULL ? read_number(&text) : otherwise;
}
