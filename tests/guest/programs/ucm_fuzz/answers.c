// SPDX-License-Identifier: GPL-2.0
/*
 * Answers: to a connect that is under way, to a listener, and again and again to a
 * request.
 */
#include <unistd.h>
#include <sys/socket.h>

#include "door.h"
#include "qp.h"
#include "ucm_fuzz.h"

static void answer(const char *what, uint32_t id, uint32_t qp)
{
	static const uint32_t commands[] = {
		RDMA_USER_CM_CMD_ACCEPT, RDMA_USER_CM_CMD_ACCEPT, RDMA_USER_CM_CMD_REJECT,
		RDMA_USER_CM_CMD_REJECT, RDMA_USER_CM_CMD_ACCEPT,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		struct packet p = make(commands[i], id, NULL, &own);

		if (conn_param(&p))
			conn_param(&p)->qp_num = qp;
		try(what, &p);
	}
	tell(what, RDMA_USER_CM_CMD_DESTROY_ID, destroy(files[0], id));
}

static uint32_t connect_to(const struct sockaddr_in *to, uint32_t qp)
{
	uint32_t id = create(files[0], RDMA_PS_TCP);
	struct packet p = make(RDMA_USER_CM_CMD_CONNECT, id, NULL, to);

	order_simply(RDMA_USER_CM_CMD_RESOLVE_ADDR, id, to);
	order_simply(RDMA_USER_CM_CMD_RESOLVE_ROUTE, id, to);
	conn_param(&p)->qp_num = qp;
	order(&p);
	return id;
}

static uint32_t listen_at(const struct sockaddr_in *at)
{
	uint32_t id = create(files[0], RDMA_PS_TCP);

	order_simply(RDMA_USER_CM_CMD_BIND, id, at);
	order_simply(RDMA_USER_CM_CMD_LISTEN, id, at);
	return id;
}

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd < 0);
	return fd;
}

static uint32_t request_at(const struct sockaddr_in *at)
{
	const struct rdma_ucm_event_resp *event = (void *)room;
	int fd = tcp_socket();

	must(connect(fd, (const struct sockaddr *)at, sizeof(*at)));
	must(send(fd, MPA_REQUEST, MPA_REQUEST_LEN, 0) != MPA_REQUEST_LEN);
	settle();
	return event->id;
}

int answers(uint16_t port)
{
	struct sockaddr_in silent = with_port(&own, port), busy = with_port(&own, port + 1);
	int fd = tcp_socket();
	uint32_t listener;

	must(bind(fd, (struct sockaddr *)&silent, sizeof(silent)));
	must(listen(fd, 4));
	qp_open_device();
	files_open();
	answer("while it connects", connect_to(&silent, qp_new()), qp_new());
	listener = listen_at(&busy);
	answer("a request, with a QP", request_at(&busy), qp_new());
	answer("a request, without", request_at(&busy), NEVER);
	answer("a listener", listener, qp_new());
	return 0;
}
