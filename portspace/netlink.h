/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTSPACE_NETLINK_H
#define PORTSPACE_NETLINK_H

int netlink_init(void);
void netlink_exit(void);

#endif
