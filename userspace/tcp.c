// SPDX-License-Identifier: GPL-2.0
/*
 * TCP sockets, from sock_diag: those of this network namespace.
 */
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include "netlink.h"
#include "tcp.h"
#if __has_include("portspace_flag.h")
#include "portspace_flag.h"
#endif

/* All that there are, and those that are merely bound where the kernel tells of them (6.8) */
#define TCP_STATES	((1u << (STATE_BOUND + 1)) - 2)

static void read_address(struct address *a, int family, const __be32 *octets, __be16 port, uint32_t ifindex)
{
	a->family = family;
	memcpy(a->octets, octets, family == AF_INET ? 4 : 16);
	a->port = ntohs(port);
	a->ifindex = ifindex;
}

static bool is_link_local(const struct address *a)
{
	return a->family == AF_INET6 && a->octets[0] == 0xfe && (a->octets[1] & 0xc0) == 0x80;
}

/* Where the kernel's struct is of another length than ours, what is missing is 0. */
static void read_measures(struct measures *tcp, const struct nlattr *attr)
{
	struct tcp_info info = {};
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(&info, mnl_attr_get_payload(attr), len < sizeof(info) ? len : sizeof(info));
	tcp->known = true;
	tcp->rtt = info.tcpi_rtt;
	tcp->cwnd = info.tcpi_snd_cwnd;
	tcp->retransmits = info.tcpi_total_retrans;
	tcp->sent = info.tcpi_bytes_acked;
	tcp->received = info.tcpi_bytes_received;
}

/* What our protocols tell of themselves, besides their names */
static void read_own(struct endpoint *e, const struct nlattr *attr)
{
#ifdef WHARF_PORTSPACE_FLAG_H
	char device[PORTSPACE_FLAG_DEVICE_MAX];
	uint32_t bypasses;

	switch (mnl_attr_get_type(attr)) {
	case PORTSPACE_FLAG_DEVICE:
		netlink_string(attr, device, sizeof(device));
		if (device[0])
			endpoint_add_device(e, device);
		break;
	case PORTSPACE_FLAG_QPN:
		e->qp = netlink_u32(attr);
		break;
	case PORTSPACE_FLAG_BYPASSES:
		bypasses = netlink_u32(attr);
		e->flags |= (bypasses & PORTSPACE_BYPASS_FILTER ? FLAG_NO_FILTER : 0) |
			    (bypasses & PORTSPACE_BYPASS_QUEUE ? FLAG_NO_QUEUE : 0);
		break;
	case PORTSPACE_FLAG_RTT:
		e->tcp.known = true;
		e->tcp.rtt = netlink_u32(attr);
		break;
	case PORTSPACE_FLAG_CWND:
		e->tcp.cwnd = netlink_u32(attr);
		break;
	case PORTSPACE_FLAG_RETRANSMITS:
		e->tcp.retransmits = netlink_u32(attr);
		break;
	case PORTSPACE_FLAG_SENT:
		e->tcp.sent = netlink_u64(attr);
		break;
	case PORTSPACE_FLAG_RECEIVED:
		e->tcp.received = netlink_u64(attr);
		break;
	}
#else
	(void)e;
	(void)attr;
#endif
}

/* Which protocol sits on top shows to CAP_NET_ADMIN only. */
static void read_ulp(struct endpoint *e, const struct nlattr *info)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info) {
		if (mnl_attr_get_type(attr) == INET_ULP_INFO_NAME)
			netlink_string(attr, e->ulp, sizeof(e->ulp));
		else
			read_own(e, attr);
	}
	if (!strcmp(e->ulp, "siw"))
		e->flags |= FLAG_SIW;
	else if (!strcmp(e->ulp, "rnic-offload"))
		e->flags |= FLAG_OFFLOAD;
}

static int read_socket(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct endpoint *e = endpoints_add(data);
	const struct nlattr *tb[INET_DIAG_MAX + 1];

	netlink_parse(nlh, sizeof(*msg), tb, INET_DIAG_MAX);
	read_address(&e->local, msg->idiag_family, msg->id.idiag_src, msg->id.idiag_sport, msg->id.idiag_if);
	read_address(&e->foreign, msg->idiag_family, msg->id.idiag_dst, msg->id.idiag_dport, 0);
	if (is_link_local(&e->foreign))
		e->foreign.ifindex = msg->id.idiag_if;
	/* What is merely bound is asked for as BOUND, and comes as CLOSE. */
	e->state = msg->idiag_state == STATE_CLOSE ? STATE_BOUND : msg->idiag_state;
	e->queues = true;
	e->recv_queue = msg->idiag_rqueue;
	e->send_queue = msg->idiag_wqueue;
	e->has_uid = true;
	e->uid = msg->idiag_uid;
	e->inode = msg->idiag_inode;
	e->cookie = (uint64_t)msg->id.idiag_cookie[1] << 32 | msg->id.idiag_cookie[0];
	/* The kernel sets it for any other address as well. */
	if (netlink_u32(tb[INET_DIAG_SKV6ONLY]) && address_is_any(&e->local))
		e->flags |= FLAG_V6ONLY;
	if (tb[INET_DIAG_ULP_INFO])
		read_ulp(e, tb[INET_DIAG_ULP_INFO]);
	/* What the host's TCP knows of a placeholder is nothing. */
	if (tb[INET_DIAG_INFO] && e->state != STATE_LISTEN && e->state != STATE_BOUND && !(e->flags & FLAG_OFFLOAD))
		read_measures(&e->tcp, tb[INET_DIAG_INFO]);
	return MNL_CB_OK;
}

static int read_family(struct netlink *nl, int family, struct endpoints *list)
{
	struct inet_diag_req_v2 *req;
	struct nlmsghdr *nlh;

	nlh = netlink_request(nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = IPPROTO_TCP;
	/* This extension is what the name of the upper protocol comes with. */
	req->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	req->idiag_states = TCP_STATES;
	return netlink_talk(nl, read_socket, list);
}

/* 0, or -1 and errno */
int tcp_read(struct endpoints *list)
{
	struct netlink *nl = netlink_open(NETLINK_SOCK_DIAG);
	int ret;

	if (!nl)
		return -1;
	ret = read_family(nl, AF_INET, list);
	if (!ret)
		ret = read_family(nl, AF_INET6, list);
	netlink_close(nl);
	return ret;
}
