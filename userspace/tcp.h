/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IWSTAT_TCP_H
#define IWSTAT_TCP_H

#include "endpoint.h"

int tcp_read(struct endpoints *list);

#endif
