/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CM_SETTINGS_H
#define CM_SETTINGS_H

/* Milliseconds; written through /sys/module/iwarp_cm/parameters at any time */
extern unsigned int connect_timeout;
extern unsigned int request_timeout;
extern unsigned int answer_timeout;
extern unsigned int rtr_timeout;
extern unsigned int close_timeout;

#endif
