// SPDX-License-Identifier: GPL-2.0
/*
 * ports: who may have a port beside whom, as TCP and as RDMA answer it.
 *
 *	ports matrix PORT ADDR4 OTHER4 ADDR6 [late]
 *		every pair of binds to PORT, in the pairings TCP/TCP, RDMA/TCP, TCP/RDMA and RDMA/RDMA;
 *		prints where RDMA's answers are not TCP/TCP's, and how many there are in each pairing.
 *		late: reuse is set, or unset, after bind
 *	ports exhaust ADDR tcp|rdma [reuse]
 *		binds to port 0 until it fails; prints how many there were and why it ended
 *	ports bind tcp|rdma ADDR PORT [listen]
 *		says what bind, and listen, answer; then which port it got
 *	ports hold tcp|rdma ADDR PORT [reuse] [listen]
 *		the same, and holds it until it is killed; listens at SIGUSR1; when it loses its device it destroys its
 *		id, and says so
 *	ADDR may be link-local, as fe80::1%eth0.
 *	ports connect ADDR PORT COUNT PEERS [SOURCE [PORT [wait]]]
 *		COUNT connections to each of ADDR, ADDR + 1 ...; prints the local and remote address of each, as
 *		librdmacm knows them, then says how many there are and waits to be killed;
 *		wait: each, once bound to PORT, waits for SIGUSR1
 *	ports serve PORT [ADDR [reuse]]
 *		accepts on ADDR (the IPv4 wildcard); prints the remote address of each connection
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* One of the two binds of a pair */
struct spec {
	const char *addr;
	bool reuse;
	bool late_reuse;	/* what reuse is changed to after bind, if it differs */
	bool v6only;
	bool listen;
};

enum { TCP, RDMA, KINDS };

/* Where a bind got to: errno of each step, -1 for one that was not reached */
struct outcome {
	int bind;
	int listen;
};

struct endpoint {
	int kind;
	int fd;
	struct rdma_cm_id *id;
	struct outcome outcome;
};

static const char *const kinds[] = { "tcp", "rdma" };
static struct rdma_event_channel *channel;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "ports: %s: %s\n", what, strerror(errno));
	exit(1);
}

#define must(call)					\
	do {						\
		if (call)				\
			die(#call);			\
	} while (0)

static union address parse(const char *addr, uint16_t port)
{
	const char *scope = strchr(addr, '%');
	char host[INET6_ADDRSTRLEN] = "";
	union address a = {};

	if (scope) {
		strncat(host, addr, scope - addr < (int)sizeof(host) ? scope - addr : 0);
		a.in6.sin6_scope_id = if_nametoindex(scope + 1);
		addr = host;
	}
	if (inet_pton(AF_INET6, addr, &a.in6.sin6_addr) == 1) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(port);
	} else if (inet_pton(AF_INET, addr, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
	} else {
		errno = EINVAL;
		die(addr);
	}
	return a;
}

static socklen_t length(const union address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

static const char *show(const struct sockaddr *addr)
{
	static char texts[4][INET6_ADDRSTRLEN + 10];
	static unsigned int next;
	char *text = texts[next++ % 4], host[INET6_ADDRSTRLEN];
	const union address *a = (const void *)addr;

	if (addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
	sprintf(text, addr->sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, ntohs(a->in.sin_port));
	return text;
}

static const char *name(int error)
{
	return error < 0 ? "-" : error ? strerrorname_np(error) : "0";
}

/* Endpoints */

static void set_reuse(struct endpoint *e, int on)
{
	if (e->kind == TCP)
		must(setsockopt(e->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	else
		must(rdma_set_option(e->id, RDMA_OPTION_ID, RDMA_OPTION_ID_REUSEADDR, &on, sizeof(on)));
}

static void set_v6only(struct endpoint *e, int on)
{
	if (e->kind == TCP)
		must(setsockopt(e->fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
	else
		must(rdma_set_option(e->id, RDMA_OPTION_ID, RDMA_OPTION_ID_AFONLY, &on, sizeof(on)));
}

static void create(struct endpoint *e, int kind, int family)
{
	*e = (struct endpoint) { .kind = kind, .fd = -1, .outcome = { -1, -1 } };
	if (kind == TCP) {
		e->fd = socket(family, SOCK_STREAM, 0);
		must(e->fd < 0);
	} else {
		must(rdma_create_id(channel, &e->id, NULL, RDMA_PS_TCP));
	}
}

static void destroy(struct endpoint *e)
{
	if (e->fd >= 0)
		close(e->fd);
	if (e->id)
		must(rdma_destroy_id(e->id));
}

static int do_bind(struct endpoint *e, union address *a)
{
	int ret = e->kind == TCP ? bind(e->fd, &a->any, length(a)) : rdma_bind_addr(e->id, &a->any);

	e->outcome.bind = ret ? errno : 0;
	return ret;
}

static int do_listen(struct endpoint *e)
{
	int ret = e->kind == TCP ? listen(e->fd, 4) : rdma_listen(e->id, 4);

	e->outcome.listen = ret ? errno : 0;
	return ret;
}

static union address local_address(const struct endpoint *e)
{
	union address a = {};
	socklen_t len = sizeof(a);

	if (e->kind == TCP)
		must(getsockname(e->fd, &a.any, &len));
	else
		memcpy(&a, rdma_get_local_addr(e->id), sizeof(a.in6));
	return a;
}

static void begin(struct endpoint *e, int kind, const struct spec *spec, uint16_t port)
{
	union address a = parse(spec->addr, port);

	create(e, kind, a.any.sa_family);
	if (spec->reuse)
		set_reuse(e, 1);
	if (a.any.sa_family == AF_INET6)
		set_v6only(e, spec->v6only);
	if (do_bind(e, &a))
		return;
	if (spec->late_reuse != spec->reuse)
		set_reuse(e, spec->late_reuse);
}

static void finish(struct endpoint *e, const struct spec *spec)
{
	if (!e->outcome.bind && spec->listen)
		do_listen(e);
}

/* The matrix */

#define MAX_SPECS	64

static struct spec specs[MAX_SPECS];
static unsigned int nspecs;

static void add_specs(const char *addr, bool v6, bool late)
{
	unsigned int bits;

	for (bits = 0; bits < (v6 ? 8 : 4); bits++) {
		bool reuse = bits & 1;

		specs[nspecs++] = (struct spec) {
			.addr = addr,
			.reuse = reuse,
			.late_reuse = late ? !reuse : reuse,
			.listen = bits & 2,
			.v6only = bits & 4,
		};
	}
}

static void run_pair(const int kind[2], const struct spec *pair[2], uint16_t port, bool together,
		     struct outcome out[2])
{
	struct endpoint e[2];
	int i;

	for (i = 0; i < 2; i++) {
		begin(&e[i], kind[i], pair[i], port);
		if (!together)
			finish(&e[i], pair[i]);
	}
	for (i = 0; together && i < 2; i++)
		finish(&e[i], pair[i]);
	for (i = 0; i < 2; i++) {
		out[i] = e[i].outcome;
		destroy(&e[i]);
	}
}

static void show_mismatch(const int kind[2], const struct spec *pair[2], bool together,
			  const struct outcome got[2], const struct outcome want[2])
{
	int i;

	printf("# %s", together ? "both bind, then listen:" : "one after the other:");
	for (i = 0; i < 2; i++)
		printf(" %s %s%s%s%s%s bind %s listen %s (tcp: %s %s)%s", kinds[kind[i]], pair[i]->addr,
		       pair[i]->reuse ? " reuse" : "",
		       pair[i]->late_reuse != pair[i]->reuse ? " changed" : "",
		       pair[i]->v6only ? " v6only" : "", pair[i]->listen ? " listen" : "",
		       name(got[i].bind), name(got[i].listen), name(want[i].bind), name(want[i].listen),
		       i ? "\n" : ";");
}

/* What TCP/TCP answers */
static struct outcome wanted[MAX_SPECS][MAX_SPECS][2][2];

static bool differs(const int kind[2], unsigned int i, unsigned int j, uint16_t port, bool quiet)
{
	const struct spec *pair[2] = { &specs[i], &specs[j] };
	bool bad = false;
	int together;

	for (together = 0; together < 2; together++) {
		const struct outcome *want = wanted[i][j][together];
		struct outcome got[2];

		run_pair(kind, pair, port, together, got);
		if (!memcmp(want, got, sizeof(got)))
			continue;
		if (!quiet)
			show_mismatch(kind, pair, together, got, want);
		bad = true;
	}
	return bad;
}

static unsigned int compare(const int kind[2], uint16_t port)
{
	unsigned int i, j, bad = 0;

	for (i = 0; i < nspecs; i++)
		for (j = 0; j < nspecs; j++)
			bad += differs(kind, i, j, port, bad >= 12);
	return bad;
}

static void learn(uint16_t port)
{
	static const int tcp[2] = { TCP, TCP };
	unsigned int i, j, together;

	for (i = 0; i < nspecs; i++) {
		for (j = 0; j < nspecs; j++) {
			const struct spec *pair[2] = { &specs[i], &specs[j] };

			for (together = 0; together < 2; together++)
				run_pair(tcp, pair, port, together, wanted[i][j][together]);
		}
	}
}

static int matrix(uint16_t port, char **addrs, bool late)
{
	static const int pairings[][2] = { { TCP, TCP }, { RDMA, TCP }, { TCP, RDMA }, { RDMA, RDMA } };
	unsigned int i, bad, all = 0;

	add_specs("0.0.0.0", false, late);
	add_specs(addrs[0], false, late);
	add_specs(addrs[1], false, late);
	add_specs("::", true, late);
	add_specs(addrs[2], true, late);
	learn(port);
	for (i = 0; i < sizeof(pairings) / sizeof(pairings[0]); i++) {
		bad = compare(pairings[i], port);
		printf("%s/%s: %u of %u pairs differ\n", kinds[pairings[i][0]], kinds[pairings[i][1]], bad,
		       nspecs * nspecs);
		fflush(stdout);
		all += bad;
	}
	return !!all;
}

/* Single ones */

static int kind_of(const char *text)
{
	if (!strcmp(text, "tcp"))
		return TCP;
	if (!strcmp(text, "rdma"))
		return RDMA;
	errno = EINVAL;
	die(text);
}

static bool given(char **words, const char *word)
{
	for (; *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

static int exhaust(const char *addr, int kind, bool reuse)
{
	union address a = parse(addr, 0);
	struct endpoint e[1024];
	unsigned int n;

	for (n = 0; n < 1024; n++) {
		create(&e[n], kind, a.any.sa_family);
		if (reuse)
			set_reuse(&e[n], 1);
		if (do_bind(&e[n], &a))
			break;
	}
	printf("%u, then %s\n", n, n < 1024 ? name(e[n].outcome.bind) : "-");
	return 0;
}

static void say_outcome(const struct endpoint *e)
{
	union address a;

	printf("bind %s listen %s", name(e->outcome.bind), name(e->outcome.listen));
	if (!e->outcome.bind) {
		a = local_address(e);
		printf(" at %s", show(&a.any));
	}
	putchar('\n');
	fflush(stdout);
}

/* Interrupts whatever is waited for */
static void interrupt(int signal)
{
	(void)signal;
}

static void lose_device(struct endpoint *e)
{
	destroy(e);
	puts("destroyed");
	fflush(stdout);
	for (;;)
		pause();
}

static void wait_for_event(struct endpoint *e)
{
	enum rdma_cm_event_type type;
	struct rdma_cm_event *ev;

	if (e->kind == TCP) {
		pause();
		errno = EINTR;
		return;
	}
	if (rdma_get_cm_event(channel, &ev))
		return;
	type = ev->event;
	puts(rdma_event_str(type));
	fflush(stdout);
	rdma_ack_cm_event(ev);
	if (type == RDMA_CM_EVENT_DEVICE_REMOVAL)
		lose_device(e);
	errno = 0;
}

static void __attribute__((noreturn)) hold_on(struct endpoint *e)
{
	for (;;) {
		wait_for_event(e);
		if (errno != EINTR)
			continue;
		do_listen(e);
		say_outcome(e);
	}
}

static int single(int kind, const char *addr, uint16_t port, char **words, bool hold)
{
	union address a = parse(addr, port);
	struct endpoint e;

	sigaction(SIGUSR1, &(struct sigaction) { .sa_handler = interrupt }, NULL);

	create(&e, kind, a.any.sa_family);
	if (given(words, "reuse"))
		set_reuse(&e, 1);
	if (given(words, "v6only"))
		set_v6only(&e, 1);
	if (!do_bind(&e, &a) && given(words, "listen"))
		do_listen(&e);
	say_outcome(&e);
	if (hold)
		hold_on(&e);
	destroy(&e);
	return 0;
}

/* Connections */

static struct rdma_cm_event *event(void)
{
	struct rdma_cm_event *ev;

	must(rdma_get_cm_event(channel, &ev));
	return ev;
}

static int expect(enum rdma_cm_event_type type)
{
	struct rdma_cm_event *ev = event();
	bool good = ev->event == type;

	if (!good)
		printf("%s, status %d\n", rdma_event_str(ev->event), ev->status);
	rdma_ack_cm_event(ev);
	return good ? 0 : -1;
}

static void make_qp(struct rdma_cm_id *id)
{
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = 1, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};

	must(rdma_create_qp(id, NULL, &attr));
}

static void wait_for_signal(void)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("bound");
	fflush(stdout);
	sigwait(&set, &signal);
}

/* With a port, it is bound to, for reuse. */
static int resolve(struct rdma_cm_id *id, union address *to, union address *from, bool wait)
{
	int on = 1;

	if (from && from->in.sin_port) {
		must(rdma_set_option(id, RDMA_OPTION_ID, RDMA_OPTION_ID_REUSEADDR, &on, sizeof(on)));
		if (rdma_bind_addr(id, &from->any))
			return -1;
		if (wait)
			wait_for_signal();
		from = NULL;
	}
	return rdma_resolve_addr(id, from ? &from->any : NULL, &to->any, 5000);
}

static int connect_one(union address *to, union address *from, bool wait)
{
	struct rdma_conn_param param = { .responder_resources = 1, .initiator_depth = 1 };
	struct rdma_cm_id *id;

	must(rdma_create_id(channel, &id, NULL, RDMA_PS_TCP));
	if (resolve(id, to, from, wait)) {
		printf("resolve: %s\n", name(errno));
		return -1;
	}
	if (expect(RDMA_CM_EVENT_ADDR_RESOLVED))
		return -1;
	must(rdma_resolve_route(id, 5000));
	if (expect(RDMA_CM_EVENT_ROUTE_RESOLVED))
		return -1;
	make_qp(id);
	if (rdma_connect(id, &param)) {
		printf("connect: %s\n", name(errno));
		return -1;
	}
	if (expect(RDMA_CM_EVENT_ESTABLISHED))
		return -1;
	printf("%s %s\n", show(rdma_get_local_addr(id)), show(rdma_get_peer_addr(id)));
	return 0;
}

static int __attribute__((noreturn)) connects(const char *addr, uint16_t port, unsigned int per_peer,
					      unsigned int peers, const char *source,
					      uint16_t source_port, bool wait)
{
	union address from = source ? parse(source, source_port) : (union address) {};
	unsigned int i, done = 0;

	for (i = 0; i < peers * per_peer; i++) {
		union address to = parse(addr, port);

		to.in.sin_addr.s_addr = htonl(ntohl(to.in.sin_addr.s_addr) + i % peers);
		if (connect_one(&to, source ? &from : NULL, wait))
			break;
		done++;
	}
	printf("%u connected\n", done);
	fflush(stdout);
	for (;;)
		pause();
}

static int __attribute__((noreturn)) serve(uint16_t port, const char *addr, bool reuse)
{
	struct rdma_conn_param param = { .responder_resources = 1, .initiator_depth = 1 };
	union address a = parse(addr, port);
	struct rdma_cm_event *ev;
	struct rdma_cm_id *id;
	int on = 1;

	must(rdma_create_id(channel, &id, NULL, RDMA_PS_TCP));
	if (reuse)
		must(rdma_set_option(id, RDMA_OPTION_ID, RDMA_OPTION_ID_REUSEADDR, &on, sizeof(on)));
	must(rdma_bind_addr(id, &a.any));
	must(rdma_listen(id, 128));
	puts("listening");
	fflush(stdout);
	for (;;) {
		ev = event();
		if (ev->event == RDMA_CM_EVENT_CONNECT_REQUEST) {
			make_qp(ev->id);
			must(rdma_accept(ev->id, &param));
			printf("%s %s\n", show(rdma_get_peer_addr(ev->id)), show(rdma_get_local_addr(ev->id)));
			fflush(stdout);
		}
		rdma_ack_cm_event(ev);
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	bool plain = (!strcmp(mode, "bind") || !strcmp(mode, "hold")) && !strcmp(argv[2] ? : "", "tcp");

	/* Without a device there is no channel, and plain TCP wants none. */
	if (!plain)
		must(!(channel = rdma_create_event_channel()));
	if (!strcmp(mode, "matrix") && argc >= 6)
		return matrix(atoi(argv[2]), argv + 3, given(argv + 6, "late"));
	if (!strcmp(mode, "exhaust") && argc >= 4)
		return exhaust(argv[2], kind_of(argv[3]), given(argv + 4, "reuse"));
	if ((!strcmp(mode, "bind") || !strcmp(mode, "hold")) && argc >= 5)
		return single(kind_of(argv[2]), argv[3], atoi(argv[4]), argv + 5, mode[0] == 'h');
	if (!strcmp(mode, "connect") && argc >= 6)
		return connects(argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), argv[6],
				argc > 7 ? atoi(argv[7]) : 0, argc > 7 && given(argv + 8, "wait"));
	if (!strcmp(mode, "serve") && argc >= 3)
		return serve(atoi(argv[2]), argc > 3 ? argv[3] : "0.0.0.0",
			     argc > 3 && given(argv + 4, "reuse"));
	fputs("ports: see the head of ports.c\n", stderr);
	return 2;
}
