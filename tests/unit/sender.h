/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The end that sends: memory to send from, requests of the application and of the
 * peer.
 */
#ifndef UNIT_SENDER_H
#define UNIT_SENDER_H

#include "env.h"

#define SIGNALLED	SIW_WQE_SIGNALLED
#define SOLICITED	SIW_WQE_SOLICITED

#define HELLO		0x10000		/* "hello..." */
#define DATA		0x20000		/* a pattern */
#define SINK		0x30000
#define ANSWER		0x40000		/* remote read */

struct env *sender_start(bool crc, u32 max_ulpdu);
struct siw_sqe sender_sqe(u64 id, u8 opcode, u16 flags, struct siw_sge sge);
int sender_try_ask(struct env *env, u32 msn, u32 len, u32 stag, u64 to);
void sender_ask(struct env *env, u32 msn, u32 len, u32 stag, u64 to);

#endif
