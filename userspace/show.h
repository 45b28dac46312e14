/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IWSTAT_SHOW_H
#define IWSTAT_SHOW_H

#include "endpoint.h"
#include "filter.h"

/**
 * struct show - how endpoints are shown
 * @numeric: user ids instead of names
 * @processes: who has them
 * @extended: more columns, more flags
 * @measures: what TCP knows of connections
 * @compact: JSON on one line
 */
struct show {
	bool numeric;
	bool processes;
	bool extended;
	bool measures;
	bool compact;
};

const char *show_user(uint32_t uid);
const char *show_proto(const struct endpoint *e);

void show_table(const struct endpoints *list, const struct filter *filter, const struct show *show);
void show_json(const struct endpoints *list, const struct filter *filter, const struct show *show);

#endif
