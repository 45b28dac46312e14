/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the core asks of its surroundings, answered by stand-ins: they remember
 * everything, can fail on demand, and fail the test by themselves when the core
 * touches memory that no check has granted or by another STag than it was looked
 * up by, drops a reference that it does not hold, or completes a work request
 * twice.
 */
#ifndef UNIT_ENV_H
#define UNIT_ENV_H

#include "core.h"
#include "frame.h"

#define ENV_IDS		1024	/* work request ids are below, each used once */
#define ENV_RECVS	64
#define ENV_LOG		1024

/**
 * struct core_region - a memory region
 * @env: whose
 * @next: in env.regions
 * @stag: its key; a registration may change it
 * @base: address of the first octet
 * @len: how many there are
 * @access: enum core_access
 * @foreign: of another protection domain
 * @gone: lookups do not find it any more
 * @invalidatable: a peer may invalidate it
 * @refs: references that the core holds
 * @held_as: STag that the last lookup found it by
 * @granted: the last check said yes, to @grant_access at @grant_from ..
 *	@grant_to
 * @grant_from: address
 * @grant_to: address behind the last octet
 * @grant_access: enum core_access
 * @written: octets that the core has written
 * @mem: the octets, allocated to their exact size
 */
struct core_region {
	struct env *env;
	struct core_region *next;
	u32 stag;
	u64 base;
	u32 len;
	u32 access;
	bool foreign;
	bool gone;
	bool invalidatable;
	unsigned int refs;
	u32 held_as;
	bool granted;
	u64 grant_from;
	u64 grant_to;
	u32 grant_access;
	u32 written;
	u8 *mem;
};

struct env_completion {
	bool recv;
	struct core_completion c;
};

struct env_fpdu {
	u8 opcode;
	u16 ulpdu;
	u32 offset;
};

/**
 * struct env_local - a registration or invalidation that the core asked for
 * @opcode: enum siw_opcode
 * @stag: which
 * @status: what it was told
 * @sent: octets that env_transmit() had made before the core_transmit() in which
 *	it happened, if it did
 * @out_n: FPDUs begun before it
 * @in_n: FPDUs placed before it, the one at hand included
 * @placed: octets written to regions before it
 * @done_n: completions before it
 */
struct env_local {
	u8 opcode;
	u32 stag;
	u16 status;
	u32 sent;
	u32 out_n;
	u32 in_n;
	u32 placed;
	u32 done_n;
};

struct env_term {
	bool sent;
	struct core_term term;
};

/**
 * struct env - a stream and its surroundings
 * @qp: the stream; first, so that the stand-ins find the rest
 * @next: in the list of all of them
 * @regions: what core_region_get() finds
 * @sq_put: next free entry of the application's ring, counted as libsiw does
 * @recvs: receive queue
 * @recv_put: next free entry of @recvs
 * @recv_get: next entry to fetch
 * @recvs_foreign: @recvs are of the other protection domain, as an SRQ's may be
 * @fail_get: bit n: the n-th lookup from now on fails
 * @fail_check: bit n: the n-th check from now on answers @fail_with
 * @fail_with: enum core_check
 * @fail_copy: bit n: at the n-th copy from now on the STag has changed its meaning
 * @fail_local: bit n: the n-th local operation from now on answers
 *	@fail_local_with, and does nothing
 * @fail_local_with: enum siw_wc_status
 * @placed: octets written to regions, in all
 * @fetched: octets read from regions, in all
 * @sent: octets that env_transmit() has made, in all
 * @open_sends: send ids that were posted and have not completed
 * @open_recvs: the same for receives
 * @done: completions
 * @done_n: how many
 * @out: FPDUs begun
 * @out_n: how many
 * @in: FPDUs placed
 * @in_n: how many
 * @locals: registrations and invalidations
 * @locals_n: how many
 * @terms: Terminates
 * @terms_n: how many
 * @firsts: calls of core_first_fpdu()
 * @writes: calls of core_write_placed()
 * @held: octets received that no call has consumed
 * @piece: octets that one core_receive() gets at most, 0: all there are
 * @on_done: called in every completion
 */
struct env {
	struct core_qp qp;
	struct env *next;
	struct core_region *regions;
	u32 sq_put;
	struct siw_rqe recvs[ENV_RECVS];
	u32 recv_put;
	u32 recv_get;
	bool recvs_foreign;
	u64 fail_get;
	u64 fail_check;
	enum core_check fail_with;
	u64 fail_copy;
	u64 fail_local;
	enum siw_wc_status fail_local_with;
	u32 placed;
	u32 fetched;
	u32 sent;
	bool open_sends[ENV_IDS];
	bool open_recvs[ENV_IDS];
	struct env_completion done[ENV_LOG];
	u32 done_n;
	struct env_fpdu out[ENV_LOG];
	u32 out_n;
	struct env_fpdu in[ENV_LOG];
	u32 in_n;
	struct env_local locals[ENV_LOG];
	u32 locals_n;
	struct env_term terms[ENV_LOG];
	u32 terms_n;
	u32 firsts;
	u32 writes;
	struct bytes held;
	u32 piece;
	void (*on_done)(struct env *env);
};

struct env *env_new(u32 sq_size, u32 ord, u32 ird);
struct core_region *env_region(struct env *env, u32 stag, u64 base, u32 len,
			       u32 access);
struct core_region *env_region_of(struct env *env, u32 stag);
void env_pattern(struct core_region *region, u8 seed);
u8 *env_mem(struct core_region *region, u64 addr);

struct siw_sge env_sge(u32 lkey, u64 addr, u32 len);
struct siw_sqe env_sqe(u64 id, u8 opcode, u16 flags);
struct siw_sqe env_register(u64 id, u16 flags, struct core_region *region, u32 stag,
			    u32 access);
struct siw_sqe env_invalidate(u64 id, u16 flags, u32 stag);
bool env_post(struct env *env, const struct siw_sqe *sqe);
void env_must_post(struct env *env, struct siw_sqe sqe);
void env_post_recv(struct env *env, u64 id, u32 num_sge, const struct siw_sge *sge);

int env_feed(struct env *env, const void *data, u32 len);
int env_feed_cut(struct env *env, const struct bytes *b, u32 cut);
int env_feed_segment(struct env *env, struct segment s);
void env_transmit(struct env *env, struct bytes *out, u32 room);

void env_check_done(struct env *env, u32 n, bool recv, u64 id, u8 opcode,
		    u16 status, u32 bytes);

void env_finish(void);
void env_reset(void);

#endif
