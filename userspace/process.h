/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IWSTAT_PROCESS_H
#define IWSTAT_PROCESS_H

#include "endpoint.h"

void process_find(struct endpoints *list);
void process_find_users(struct endpoints *list);

#endif
