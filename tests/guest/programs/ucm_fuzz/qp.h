/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QPs to connect and to accept with, by their numbers.
 */
#ifndef UCM_FUZZ_QP_H
#define UCM_FUZZ_QP_H

#include <stdint.h>

struct dice;

void qp_open_device(void);
uint32_t qp_new(void);
uint32_t qp_some(struct dice *d);

#endif
