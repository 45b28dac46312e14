/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IWSTAT_NETLINK_H
#define IWSTAT_NETLINK_H

#include <libmnl/libmnl.h>

struct netlink;

struct netlink *netlink_open(int bus);
void netlink_close(struct netlink *nl);
struct nlmsghdr *netlink_request(struct netlink *nl, uint16_t type, uint16_t flags);
const char *netlink_why(const struct netlink *nl);
int netlink_talk(struct netlink *nl, mnl_cb_t cb, void *data);

void netlink_parse(const struct nlmsghdr *nlh, size_t offset, const struct nlattr **tb, unsigned int max);
void netlink_parse_nested(const struct nlattr *nest, const struct nlattr **tb, unsigned int max);

uint32_t netlink_u32(const struct nlattr *attr);
uint64_t netlink_u64(const struct nlattr *attr);
void netlink_string(const struct nlattr *attr, char *buf, size_t size);

#endif
