/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTSPACE_RESERVATION_H
#define PORTSPACE_RESERVATION_H

void reservation_exit(void);

#endif
