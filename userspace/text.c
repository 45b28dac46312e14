// SPDX-License-Identifier: GPL-2.0
/*
 * Names that others chose, made fit for a terminal and for JSON: a process may call itself anything.
 */
#include <stdbool.h>
#include <stdint.h>
#include "text.h"

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* How many octets the UTF-8 character at P has; 0: it is none. Its number goes to *RUNE. */
static unsigned int utf8(const unsigned char *p, uint32_t *rune)
{
	static const struct { unsigned char mask, lead; uint32_t least; } forms[] = {
		{ 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 },
	};
	unsigned int len, i;

	for (len = 1; len <= 4; len++) {
		if ((p[0] & forms[len - 1].mask) == forms[len - 1].lead)
			break;
	}
	if (len > 4)
		return 0;
	*rune = p[0] & (unsigned char)~forms[len - 1].mask;
	for (i = 1; i < len; i++) {
		if (!is_tail(p[i]))
			return 0;
		*rune = *rune << 6 | (p[i] & 0x3f);
	}
	if (*rune < forms[len - 1].least || *rune > 0x10ffff || (*rune >= 0xd800 && *rune < 0xe000))
		return 0;
	return len;
}

static bool is_control(uint32_t rune)
{
	return rune < 0x20 || (rune >= 0x7f && rune < 0xa0);
}

/* What could steer a terminal becomes a question mark. */
void text_plain(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned int len;
	uint32_t rune;

	for (; *p; p += len ? len : 1) {
		len = utf8(p, &rune);
		if (!len || is_control(rune))
			fputc('?', out);
		else
			fwrite(p, 1, len, out);
	}
}

void text_json(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned int len;
	uint32_t rune;

	fputc('"', out);
	for (; *p; p += len ? len : 1) {
		len = utf8(p, &rune);
		if (!len)
			fputs("\\ufffd", out);
		else if (is_control(rune))
			fprintf(out, "\\u%04x", rune);
		else if (rune == '"' || rune == '\\')
			fprintf(out, "\\%c", rune);
		else
			fwrite(p, 1, len, out);
	}
	fputc('"', out);
}
