/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CM_DEVICE_H
#define CM_DEVICE_H

#include "iwarp_cm.h"
#include "iwarp_transport.h"

int device_init(void);
void device_exit(void);
bool device_get(struct iwarp_device *dev);
void device_put(struct iwarp_device *dev);
bool addr_is_wildcard(const struct sockaddr_storage *addr);
bool addr_is_on_all(const struct sockaddr_storage *addr);
bool device_owns_request(const struct iwarp_device *dev, const struct iwarp_addrs *addrs);

#endif
