/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTSPACE_FLAG_IMPL_H
#define PORTSPACE_FLAG_IMPL_H

int flag_init(void);
void flag_exit(void);

#endif
