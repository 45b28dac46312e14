/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests are written with. A test is one function that both ends run,
 * each its part; they meet at barriers. What fails leaves the test at once.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define TEXT_OF(x)	#x
#define TEXT(x)		TEXT_OF(x)
#define HERE		__FILE__ ":" TEXT(__LINE__)

/* The tests of one file */
struct test {
	const char *name;
	void (*run)(void);
	const char *text;
};

struct group {
	const struct test *tests;
	unsigned int count;
};

#define TEST(name, text)	{ #name, name, text }

extern const struct group sizes_group, settings_group, gather_group, completions_group,
	queues_group, reads_group, local_errors_group, remote_errors_group, invalidate_group,
	ending_group, limits_group, opcodes_group, srq_group, rereg_group, query_group, longest_group,
	dmabuf_group;

/* ends.c: failing and meeting */

#define BAIL_FAILED	1	/* this end failed, see why */
#define BAIL_ENDED	2	/* the other end has ended the test */

extern bool client;		/* the end in a */
extern int peer_fd;
extern int wait_ms;
extern jmp_buf bail;
extern char why[240];
extern char note[40];		/* what the test is at, for why */
extern const char *skipped;	/* why it was not done, or NULL */

void __attribute__((noreturn, format(printf, 2, 3))) fail(const char *where, const char *format, ...);
void must(bool condition, const char *what);
void tell(const void *data, size_t size);
void hear(void *data, size_t size);
void skip(const char *reason);
void begin_test(void);
bool end_test(int how);
void swap(const void *mine, void *theirs, size_t size);
void barrier(void);

#define expect(condition, ...)					\
	do {							\
		if (!(condition))				\
			fail(HERE, __VA_ARGS__);		\
	} while (0)

#define expect_zero(call)					\
	do {							\
		int ret_ = (call);				\
								\
		expect(!ret_, #call ": %d, errno %d (%s)", ret_, errno, strerror(errno)); \
	} while (0)

/* memory.c: each end's buffer, and what is in it */

#define BUF_SIZE	(4u << 20)
#define TARGET		(2u << 20)	/* where in it most of what comes goes */

/* Where memory of an end is, for the other one */
struct window {
	uint64_t addr;
	uint32_t rkey;
};

extern struct ibv_pd *pd;
extern uint8_t *buf;
extern struct ibv_mr *mr;
extern struct window peer;	/* the other end's buf */

void open_memory(struct ibv_context *of);
void close_memory(void);
struct ibv_mr *reg(struct ibv_pd *of, void *memory, size_t size, int access);
struct window window_of(const struct ibv_mr *of);
struct window swap_windows(const struct ibv_mr *mine);
uint8_t pattern(uint32_t seed, uint32_t i);
void fill(uint32_t at, uint32_t len, uint32_t seed);
void guard(uint32_t at, uint32_t len);
void verify_at(const char *where, uint32_t at, uint32_t len, uint32_t seed);
void verify_guard_at(const char *where, uint32_t at, uint32_t len);

#define verify(at, len, seed)	verify_at(HERE, at, len, seed)
#define verify_guard(at, len)	verify_guard_at(HERE, at, len)

/* connection.c: the QPs of both ends, joined */

#define DEPTH		64
#define MAX_SGE		6
#define MAX_INLINE	80

struct options {
	uint32_t sq, rq;
	uint8_t reads;		/* ORD and IRD, 1 to ... */
	uint32_t cqe;
	struct ibv_srq *srq;
	struct ibv_qp *qp;	/* from an earlier connection, with its CQs */
};

extern struct ibv_context *verbs;
extern struct rdma_cm_id *id;
extern struct ibv_cq *scq, *rcq;
extern struct ibv_comp_channel *rcc;
extern struct ibv_srq *srq;

void open_device(void);
void close_device(void);
void make_cqs(uint32_t cqe);
struct ibv_qp *lone_qp(struct ibv_qp_init_attr *init);
void connect_with(struct options o);
void use_connection(unsigned int n);
void clean_up(void);
void await_event_at(const char *where, enum rdma_cm_event_type type);
enum ibv_qp_state qp_state(void);
int to_error(void);
void both_in_error(void);
void delay(unsigned int ms);
void narrow(bool yes);
void hold_back(bool yes);
void starve(bool yes);

#define connect_both(...)	connect_with((struct options){ __VA_ARGS__ })
#define await_event(type)	await_event_at(HERE, RDMA_CM_EVENT_ ## type)

/* work.c: work requests and completions */

#define UNSIGNALLED	(1u << 31)	/* a flag of our own: without it a work request is signalled */

struct ibv_sge sge(uint32_t at, uint32_t len);
struct ibv_send_wr wr_of(uint64_t wr_id, enum ibv_wr_opcode opcode, struct ibv_sge *s,
			 uint32_t remote, unsigned int flags);
void aim(struct ibv_send_wr *wr, struct window at);
void invalidates(struct ibv_send_wr *wr, uint32_t rkey);
int post(struct ibv_send_wr *wr);
void post_one_at(const char *where, uint64_t wr_id, enum ibv_wr_opcode opcode, uint32_t at,
		 uint32_t len, uint32_t remote, unsigned int flags);
void post_recv_at(const char *where, uint64_t wr_id, uint32_t at, uint32_t len);
void post_receives(void);
bool channel_has_event(struct ibv_comp_channel *cc, int ms);
void take_event(struct ibv_comp_channel *cc);
struct ibv_wc next_wc_at(const char *where, struct ibv_cq *cq);
struct ibv_wc await_wc_at(const char *where, struct ibv_cq *cq, uint64_t wr_id,
			  enum ibv_wc_status status);
void no_wc_at(const char *where, struct ibv_cq *cq);
void await_flush_at(const char *where, struct ibv_cq *cq, uint64_t first, uint64_t last);

#define post_write(n, at, len, remote, flags)	post_one_at(HERE, n, IBV_WR_RDMA_WRITE, at, len, remote, flags)
#define post_read(n, at, len, remote, flags)	post_one_at(HERE, n, IBV_WR_RDMA_READ, at, len, remote, flags)
#define post_send(n, at, len, flags)		post_one_at(HERE, n, IBV_WR_SEND, at, len, 0, flags)
#define post_recv(n, at, len)			post_recv_at(HERE, n, at, len)
#define next_wc(cq)				next_wc_at(HERE, cq)
#define await_wc(cq, wr_id, status)		await_wc_at(HERE, cq, wr_id, IBV_WC_ ## status)
#define no_wc(cq)				no_wc_at(HERE, cq)
#define await_flush(cq, first, last)		await_flush_at(HERE, cq, first, last)

/* settings.c: the device's, in sysfs */

void set(const char *name, const char *value);

/* remote_errors.c */

void remote_error(enum ibv_wr_opcode opcode, struct window at, uint32_t len);

#endif
