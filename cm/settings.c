// SPDX-License-Identifier: GPL-2.0
/*
 * What a device begins with.
 */
#include <linux/export.h>
#include "iwarp_cm.h"

/**
 * iwarp_cm_defaults - what every provider's device begins with
 * @settings: are set
 */
void iwarp_cm_defaults(struct iwarp_cm_settings *settings)
{
	*settings = (struct iwarp_cm_settings) {
		.mpa_revision = MPA_REVISION_2,
		.rtr = IWARP_RTR_WRITE,
		.crc = 1,
		.connect_timeout = 20000,
		.request_timeout = 10000,
		.answer_timeout = 60000,
		.rtr_timeout = 10000,
		.close_timeout = 5000,
	};
}
EXPORT_SYMBOL_GPL(iwarp_cm_defaults);
