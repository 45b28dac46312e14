// SPDX-License-Identifier: GPL-2.0
/*
 * The end that receives.
 */
#include "harness.h"
#include "receiver.h"

#define ALL		(CORE_LOCAL_WRITE | CORE_REMOTE_WRITE | CORE_REMOTE_READ)

/* Two receives of 64 + 36 octets; IRD 2, ORD 3 */
struct env *receiver_start(bool crc)
{
	struct env *env = env_new(4, 3, 2);
	struct siw_sge sge[3] = {
		env_sge(LOCAL, LOCAL_TO, 64),
		env_sge(UNKNOWN, 0, 0),
		env_sge(LOCAL, LOCAL_TO + 100, 36),
	};

	env_region(env, LOCAL, LOCAL_TO, SIZE, CORE_LOCAL_WRITE);
	env_region(env, WRITABLE, WRITABLE_TO, SIZE, CORE_REMOTE_WRITE);
	env_region(env, READABLE, READABLE_TO, SIZE, CORE_REMOTE_READ);
	env_region(env, FOREIGN, FOREIGN_TO, SIZE, ALL)->foreign = true;
	env_region(env, TOP, TOP_TO, SIZE - 1, ALL);
	core_start(&env->qp, crc, 1024, 0, 0, false);
	env_post_recv(env, 1, 3, sge);
	env_post_recv(env, 2, 3, sge);
	return env;
}

void receiver_post_read(struct env *env, u64 id, u32 offset, u32 len)
{
	struct siw_sqe sqe = env_sqe(id, SIW_OP_READ, SIW_WQE_SIGNALLED);
	struct bytes out = {};

	sqe.num_sge = 1;
	sqe.sge[0] = env_sge(LOCAL, LOCAL_TO + offset, len);
	CHECK(env_post(env, &sqe));
	env_transmit(env, &out, 1000);
	bytes_free(&out);
}

/* One Read of 40 octets, to LOCAL_TO + 8, is outstanding */
struct env *receiver_start_read(bool crc)
{
	struct env *env = receiver_start(crc);

	receiver_post_read(env, 7, 8, 40);
	return env;
}

/* Good segments are taken at every cut; @end looks at what came of them. */
void receiver_check_taken(struct env *(*begin)(bool crc),
			  const struct segment *segments, u32 n,
			  void (*end)(struct env *env))
{
	struct bytes b;
	struct env *env;
	u32 cut, i, crc, piece;

	for (crc = 0; crc < 2; crc++) {
		memset(&b, 0, sizeof(b));
		for (i = 0; i < n; i++)
			frame_segment(&b, &segments[i], crc);
		for (cut = 0; cut <= b.len; cut++) {
			unit_context("crc %u, cut %u of %u", crc, cut, b.len);
			env = begin(crc);
			CHECK_EQ(env_feed_cut(env, &b, cut), 0);
			CHECK_EQ(env->in_n, n);
			end(env);
			env_finish();
			env_reset();
		}
		for (piece = 1; piece < 40; piece++) {
			unit_context("crc %u, piece %u", crc, piece);
			env = begin(crc);
			env->piece = piece;
			CHECK_EQ(env_feed(env, b.data, b.len), 0);
			end(env);
			env_finish();
			env_reset();
		}
		env = begin(crc);
		for (i = 0; i < b.len; i++) {
			unit_context("crc %u, octet by octet, %u", crc, i);
			CHECK_EQ(env_feed(env, b.data + i, 1), 0);
			env_finish();
		}
		end(env);
		env_finish();
		env_reset();
		bytes_free(&b);
	}
}

void receiver_check_placed(struct env *env, u32 stag, u64 addr, u32 len, u8 seed)
{
	u8 want[SIZE];

	bytes_pattern(want, len, seed);
	CHECK_BYTES(env_mem(env_region_of(env, stag), addr), len, want, len);
}
