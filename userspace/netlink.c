// SPDX-License-Identifier: GPL-2.0
/*
 * A netlink socket: a request goes out, the answers come back one by one.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include "memory.h"
#include "netlink.h"

/* Dumps fill what we offer; more gives fewer rounds. */
#define BUFFER	(64 * 1024)

struct netlink {
	struct mnl_socket *sock;
	unsigned int seq;
	char why[128];
	char buf[BUFFER];
};

struct netlink *netlink_open(int bus)
{
	struct netlink *nl = check_alloc(calloc(1, sizeof(*nl)));

	const int on = 1;

	nl->sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	/* Without it errors come without reasons. */
	if (nl->sock)
		mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, (void *)&on, sizeof(on));
	if (nl->sock && !mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID))
		return nl;
	netlink_close(nl);
	return NULL;
}

void netlink_close(struct netlink *nl)
{
	int error = errno;

	if (nl && nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
	errno = error;
}

/* Without NLM_F_DUMP an acknowledgment is asked for: it is what ends the answer. */
struct nlmsghdr *netlink_request(struct netlink *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | (flags & NLM_F_DUMP ? flags : flags | NLM_F_ACK);
	nlh->nlmsg_seq = ++nl->seq;
	return nlh;
}

static int take_reason(const struct nlattr *attr, void *data)
{
	struct netlink *nl = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
		netlink_string(attr, nl->why, sizeof(nl->why));
	return MNL_CB_OK;
}

/* What the kernel says beside the error that ANSWER may be */
static void keep_reason(struct netlink *nl, const struct nlmsghdr *answer, size_t len)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(answer);
	size_t offset = sizeof(*error);

	nl->why[0] = '\0';
	if (!mnl_nlmsg_ok(answer, len) || answer->nlmsg_type != NLMSG_ERROR || !error->error ||
	    !(answer->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(answer->nlmsg_flags & NLM_F_CAPPED))
		offset += error->msg.nlmsg_len - sizeof(error->msg);
	mnl_attr_parse(answer, offset, take_reason, nl);
}

/* The kernel's words about the last error, or "" */
const char *netlink_why(const struct netlink *nl)
{
	return nl->why;
}

static int take_nothing(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	(void)data;
	return MNL_CB_OK;
}

/* An acknowledgment, or a refusal */
static int take_error(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);

	(void)data;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*error)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	errno = abs(error->error);
	return error->error ? MNL_CB_ERROR : MNL_CB_STOP;
}

/* A dump that the kernel gave up ends as others do, but for the error that its last message has. */
static int take_end(const struct nlmsghdr *nlh, void *data)
{
	int error = 0;

	(void)data;
	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	if (error >= 0)
		return MNL_CB_STOP;
	errno = -error;
	return MNL_CB_ERROR;
}

/* Sends what netlink_request() began, and calls CB for each message of the answer. */
int netlink_talk(struct netlink *nl, mnl_cb_t cb, void *data)
{
	/* They take the place of libmnl's, whose last one says that all went well. */
	mnl_cb_t controls[] = {
		[NLMSG_NOOP] = take_nothing,
		[NLMSG_ERROR] = take_error,
		[NLMSG_DONE] = take_end,
	};
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)nl->buf;
	unsigned int portid = mnl_socket_get_portid(nl->sock);
	ssize_t len;
	int ret;

	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -1;
	do {
		len = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof(nl->buf));
		if (len < 0)
			return -1;
		keep_reason(nl, (const struct nlmsghdr *)nl->buf, len);
		ret = mnl_cb_run2(nl->buf, len, nl->seq, portid, cb, data, controls,
				  sizeof(controls) / sizeof(*controls));
	} while (ret > MNL_CB_STOP);
	return ret;
}

struct attrs {
	const struct nlattr **tb;
	unsigned int max;
};

static int take_attr(const struct nlattr *attr, void *data)
{
	const struct attrs *attrs = data;
	unsigned int type = mnl_attr_get_type(attr);

	if (type <= attrs->max)
		attrs->tb[type] = attr;
	return MNL_CB_OK;
}

/* Attributes by type, into MAX + 1 places of TB; what is beyond is skipped. */
void netlink_parse(const struct nlmsghdr *nlh, size_t offset, const struct nlattr **tb, unsigned int max)
{
	struct attrs attrs = { .tb = tb, .max = max };

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_parse(nlh, offset, take_attr, &attrs);
}

void netlink_parse_nested(const struct nlattr *nest, const struct nlattr **tb, unsigned int max)
{
	struct attrs attrs = { .tb = tb, .max = max };

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_parse_nested(nest, take_attr, &attrs);
}

uint32_t netlink_u32(const struct nlattr *attr)
{
	if (!attr)
		return 0;
	switch (mnl_attr_get_payload_len(attr)) {
	case 1:
		return mnl_attr_get_u8(attr);
	case 2:
		return mnl_attr_get_u16(attr);
	case 4:
		return mnl_attr_get_u32(attr);
	default:
		return 0;
	}
}

uint64_t netlink_u64(const struct nlattr *attr)
{
	if (!attr || mnl_attr_get_payload_len(attr) != 8)
		return 0;
	return mnl_attr_get_u64(attr);
}

void netlink_string(const struct nlattr *attr, char *buf, size_t size)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(buf, mnl_attr_get_payload(attr), len);
	buf[len] = '\0';
}
