/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IWSTAT_TEXT_H
#define IWSTAT_TEXT_H

#include <stdio.h>

void text_plain(FILE *out, const char *text);
void text_json(FILE *out, const char *text);

#endif
