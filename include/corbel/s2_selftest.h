/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_S2_SELFTEST_H
#define CORBEL_S2_SELFTEST_H

/*
 * Check the stage-2 attributes of each class by address translation: a line for each that is
 * not as the policy says, one line if all are. Boot CPU, once memory and CPU features are
 * known and before a guest is loaded; debug builds.
 */
void s2_selftest(void);

#endif
