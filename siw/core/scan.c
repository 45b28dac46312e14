// SPDX-License-Identifier: GPL-2.0
/*
 * CRC of whole FPDUs, before any of their octets is believed: STag and TO are
 * under the CRC too (RFC 5044 section 4.4), so placing first and checking later
 * would write to addresses that nobody sent.
 *
 * Markers, once they are supported, are stepped over here and in receive.c.
 */
#include "core.h"

static u32 scan_ulpdu(const struct core_scan *scan)
{
	return (u32)scan->len[0] << 8 | scan->len[1];
}

/* Octets under the CRC: length, ULPDU and pad */
static u32 scan_body(const struct core_scan *scan)
{
	return (MPA_LENGTH_SIZE + scan_ulpdu(scan) + 3) & ~3u;
}

/**
 * core_scan() - look at received octets in their order, each once
 * @scan: zero at the stream's beginning
 * @data: octets that follow those of the last call
 * @len: how many
 *
 * Return: 0, with scan->verified raised by every FPDU that is now known to be
 * good; -EBADMSG at the first FPDU whose CRC is wrong, with scan->verified
 * telling what came before it.
 */
int core_scan(struct core_scan *scan, const u8 *data, u32 len)
{
	u32 n, body;

	while (len) {
		if (scan->seen == 0)
			scan->crc = ~0u;

		if (scan->seen == 0 && len >= MPA_LENGTH_SIZE) {
			/* The usual case: one CRC run from the length on. */
			memcpy(scan->len, data, MPA_LENGTH_SIZE);
			n = min_t(u32, len, scan_body(scan));
			scan->crc = core_crc32c(scan->crc, data, n);
		} else if (scan->seen < MPA_LENGTH_SIZE) {
			scan->len[scan->seen] = *data;
			n = 1;
			scan->crc = core_crc32c(scan->crc, data, n);
		} else if (scan->seen < scan_body(scan)) {
			n = min_t(u32, len, scan_body(scan) - scan->seen);
			scan->crc = core_crc32c(scan->crc, data, n);
		} else {
			body = scan_body(scan);
			n = min_t(u32, len, body + MPA_CRC_SIZE - scan->seen);
			memcpy(scan->trailer + (scan->seen - body), data, n);
			if (scan->seen + n == body + MPA_CRC_SIZE) {
				__le32 crc = cpu_to_le32(~scan->crc);

				if (memcmp(&crc, scan->trailer, sizeof(crc)))
					return -EBADMSG;
				scan->verified += scan->seen + n;
				scan->seen = 0;
				data += n;
				len -= n;
				continue;
			}
		}
		scan->seen += n;
		data += n;
		len -= n;
	}
	return 0;
}

/**
 * core_scan_wants() - octets that are missing before the scan can go on
 * @scan: the scan
 *
 * Return: what completes the FPDU that has begun; one where its length is not
 * known yet.
 */
u32 core_scan_wants(const struct core_scan *scan)
{
	if (scan->seen < MPA_LENGTH_SIZE)
		return 1;
	return scan_body(scan) + MPA_CRC_SIZE - scan->seen;
}
