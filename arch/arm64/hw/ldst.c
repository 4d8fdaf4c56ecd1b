/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A64 loads and stores of general registers, for aborts without a syndrome. Pure: the
 * same file runs in the host's unit tests. Follows the encoding tables of Arm ARM C4.1.94
 * ("Loads and Stores"); each function below is one of its classes.
 */
#include <arch/insn.h>

#include <corbel/bits.h>

#define INSN_SIZE  GENMASK(31, 30) /* log2 of the bytes; "opc" of pairs and literals */
#define INSN_V     BIT(26)         /* FP and SIMD registers */
#define INSN_L     BIT(22)
#define INSN_OPC   GENMASK(23, 22)
#define INSN_IMM9  GENMASK(20, 12)
#define INSN_IMM7  GENMASK(21, 15)
#define INSN_IMM12 GENMASK(21, 10)
#define INSN_RT2   GENMASK(14, 10)
#define INSN_RN    GENMASK(9, 5)
#define INSN_RT    GENMASK(4, 0)
#define INSN_INDEX GENMASK(11, 10) /* of the imm9 forms */

#define REG_31 31u

static s32 sign_extend(u64 value, u32 bits)
{
    u32 shift = 32 - bits;

    return (s32)((u32)value << shift) >> shift;
}

/* size and opc of a single register: what is moved, and how it is extended. */
static bool decode_size(u32 insn, struct insn_ldst *out)
{
    u32 size = (u32)FIELD_GET(INSN_SIZE, insn), opc = (u32)FIELD_GET(INSN_OPC, insn);

    /* 64-bit prefetches, and sign extension to the register's own width or less */
    if ((size == 3 && opc > 1) || (size == 2 && opc == 3))
        return false;
    out->count = 1;
    out->size = (u8)(1u << size);
    out->load = opc != 0;
    out->sign_extend = opc > 1;
    out->reg64 = size == 3 || opc == 2;
    out->reg[0] = (u8)FIELD_GET(INSN_RT, insn);
    out->base = (u8)FIELD_GET(INSN_RN, insn);
    return true;
}

/* LDAR, STLR, LDLAR, STLLR; the rest of the class is exclusive or compare-and-swap. */
static bool decode_ordered(u32 insn, struct insn_ldst *out)
{
    u32 size = (u32)FIELD_GET(INSN_SIZE, insn);

    if (!(insn & BIT(23)) || (insn & BIT(21)) || FIELD_GET(GENMASK(20, 16), insn) != REG_31 ||
        FIELD_GET(INSN_RT2, insn) != REG_31)
        return false;
    out->count = 1;
    out->size = (u8)(1u << size);
    out->load = insn & INSN_L;
    out->reg64 = size == 3;
    out->reg[0] = (u8)FIELD_GET(INSN_RT, insn);
    out->base = (u8)FIELD_GET(INSN_RN, insn);
    out->base_imm = true;
    return true;
}

/* LDR, LDRSW relative to the PC. */
static bool decode_literal(u32 insn, struct insn_ldst *out)
{
    u32 opc = (u32)FIELD_GET(INSN_SIZE, insn);

    if (opc == 3) /* PRFM */
        return false;
    out->count = 1;
    out->size = opc == 1 ? 8 : 4;
    out->load = true;
    out->sign_extend = opc == 2;
    out->reg64 = opc != 0;
    out->reg[0] = (u8)FIELD_GET(INSN_RT, insn);
    out->base = REG_31; /* none */
    return true;
}

/* LDAPUR, STLUR and their sign-extending forms. */
static bool decode_unscaled_ordered(u32 insn, struct insn_ldst *out)
{
    if ((insn & BIT(21)) || FIELD_GET(INSN_INDEX, insn) || !decode_size(insn, out))
        return false;
    out->base_imm = true;
    out->imm = sign_extend(FIELD_GET(INSN_IMM9, insn), 9);
    return true;
}

/* LDP, STP, LDPSW, LDNP, STNP. */
static bool decode_pair(u32 insn, struct insn_ldst *out)
{
    static const u8 writeback[4] = { INSN_BASE_KEPT, INSN_BASE_POST, INSN_BASE_KEPT,
                                     INSN_BASE_PRE };
    u32 opc = (u32)FIELD_GET(INSN_SIZE, insn), index = (u32)FIELD_GET(GENMASK(24, 23), insn);
    bool load = insn & INSN_L;

    if (opc == 3 || (opc == 1 && (!load || index == 0))) /* STGP is a tag store */
        return false;
    out->count = 2;
    out->size = opc == 2 ? 8 : 4;
    out->load = load;
    out->sign_extend = opc == 1;
    out->reg64 = opc != 0;
    out->reg[0] = (u8)FIELD_GET(INSN_RT, insn);
    out->reg[1] = (u8)FIELD_GET(INSN_RT2, insn);
    out->base = (u8)FIELD_GET(INSN_RN, insn);
    out->base_imm = true;
    out->writeback = writeback[index];
    out->imm = sign_extend(FIELD_GET(INSN_IMM7, insn), 7) * out->size;
    return !load || out->reg[0] != out->reg[1];
}

/* Immediate of 9 bits: LDUR, post-index, LDTR, pre-index. */
static bool decode_imm9(u32 insn, struct insn_ldst *out)
{
    static const u8 writeback[4] = { INSN_BASE_KEPT, INSN_BASE_POST, INSN_BASE_KEPT,
                                     INSN_BASE_PRE };

    if (!decode_size(insn, out))
        return false;
    out->base_imm = true;
    out->writeback = writeback[FIELD_GET(INSN_INDEX, insn)];
    out->imm = sign_extend(FIELD_GET(INSN_IMM9, insn), 9);
    return true;
}

/* One register: by immediate, by register offset, LDAPR; not the atomics and LDRAA. */
static bool decode_single(u32 insn, struct insn_ldst *out)
{
    if (insn & BIT(24)) {
        if (!decode_size(insn, out))
            return false;
        out->base_imm = true;
        out->imm = (s32)FIELD_GET(INSN_IMM12, insn) * out->size;
        return true;
    }
    if (!(insn & BIT(21)))
        return decode_imm9(insn, out);
    if (FIELD_GET(INSN_INDEX, insn) == 2)
        return (insn & BIT(14)) && decode_size(insn, out);
    if ((insn & 0x3ffffc00u) != 0x38bfc000u)
        return false;
    /* LDAPR: opc is 0b10 here, and it is a plain load. */
    (void)decode_size((insn & ~(u32)INSN_OPC) | (1u << 22), out);
    out->base_imm = true;
    return true;
}

static bool decode_class(u32 insn, struct insn_ldst *out)
{
    if ((insn & INSN_V) || !(insn & BIT(27)) || (insn & BIT(25)))
        return false;
    switch (FIELD_GET(GENMASK(29, 28), insn)) {
    case 0:
        return !(insn & BIT(24)) && decode_ordered(insn, out);
    case 1:
        return insn & BIT(24) ? decode_unscaled_ordered(insn, out) : decode_literal(insn, out);
    case 2:
        return decode_pair(insn, out);
    default:
        return decode_single(insn, out);
    }
}

/* With write-back, a base that is loaded or stored as well: CONSTRAINED UNPREDICTABLE. */
static bool is_base_clear(const struct insn_ldst *l)
{
    if (l->writeback == INSN_BASE_KEPT || l->base == REG_31)
        return true;
    return l->base != l->reg[0] && (l->count == 1 || l->base != l->reg[1]);
}

bool arch_insn_decode(u32 insn, struct insn_ldst *out)
{
    *out = (struct insn_ldst){ 0 };
    return decode_class(insn, out) && is_base_clear(out);
}
