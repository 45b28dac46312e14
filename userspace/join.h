/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IWSTAT_JOIN_H
#define IWSTAT_JOIN_H

#include "endpoint.h"
#include "ports.h"
#include "rdma.h"

void join(struct endpoints *list, const struct ports *ports, struct rdma *rdma);

#endif
