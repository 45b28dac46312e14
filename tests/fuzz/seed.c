// SPDX-License-Identifier: GPL-2.0
/*
 * seed DIR     write the corpus: a stream for each opcode, and for each of the
 *              ways in which it goes on or goes wrong, in a few scenes
 */
#include <stdio.h>
#include <stdlib.h>

#include "frame.h"

static const char *dir;

static void save(const char *target, const char *name, const struct bytes *b)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, target, name);
	file = fopen(path, "wb");
	if (!file || fwrite(b->data, 1, b->len, file) != b->len || fclose(file)) {
		perror(path);
		exit(1);
	}
}

/* The same stream with CRCs that the target makes right, and without any */
static void stream(const char *name, const struct segment *s, u32 n, u8 rtr)
{
	static const u8 scenes[][8] = {
		{ 0x43, 0x0f, 0, 200, 0, 0, 0, 0 },
		{ 0x40, 0x3f, 33, 30, 0x21, 0x53, 0x64, 0x22 },
	};
	u32 i, k;

	for (i = 0; i < 2; i++) {
		struct bytes b = {};
		u8 scene[8];
		char full[64];

		memcpy(scene, scenes[i], 8);
		scene[0] |= rtr << 2;
		bytes_put(&b, scene, 8);
		for (k = 0; k < n; k++)
			frame_segment(&b, &s[k], scene[0] & 1);
		snprintf(full, sizeof(full), "%s-%u", name, i);
		save("fuzz_receive", full, &b);
		bytes_free(&b);
	}
}

static void receive_corpus(void)
{
	struct segment s[4];
	u8 p[28], term[24] = { 0x01, 0x02, 0xc0, 0, 0, 0x12, 0x41, 0x41 };

	s[0] = segment_write(0x200, 0x20000, 40);
	s[0].ddp = 0x81;
	s[1] = segment_write(0x200, 0x20028, 13);
	stream("write", s, 2, 0);
	s[0] = segment_write(0x999, 0, 0);
	stream("write-empty", s, 1, 2);
	s[0] = segment_write(0x200, 0x20000 + 500, 13);
	stream("write-bounds", s, 1, 0);
	s[0] = segment_read_response(0x100, 0x10000, 64);
	s[1] = segment_read_response(0x100, 0x10040, 63);
	s[2] = segment_read_response(0x100, 0x10080, 62);
	stream("response", s, 3, 0);
	s[0].len = 60;
	s[0].ddp = 0x81;
	s[1] = segment_read_response(0x100, 0x1003c, 4);
	stream("response-two", s, 2, 0);
	s[0] = segment_send(1, 0, 50);
	s[0].ddp = 0x01;
	s[1] = segment_send(1, 50, 30);
	s[2] = segment_send(2, 0, 3);
	s[2].rdmap = 0x45;
	stream("send", s, 3, 0);
	s[0] = segment_send(1, 0, 0);
	stream("send-rtr", s, 1, 1);
	s[0] = segment_send(1, 0, 10);
	s[0].rdmap = 0x44;
	s[0].stag = 0x500;
	s[1] = segment_send(2, 0, 10);
	s[1].rdmap = 0x46;
	s[1].stag = 0x200;
	stream("send-invalidate", s, 2, 0);
	s[0] = segment_read_request(p, 1, 7, 8, 300, 0x300, 0x30000);
	stream("request", s, 1, 0);
	s[0] = segment_read_request(p, 1, 0, 0, 0, 0, 0);
	s[1] = s[0];
	s[1].msn = 2;
	stream("request-rtr", s, 2, 3);
	s[0] = segment_send(1, 0, sizeof(term));
	s[0].rdmap = 0x47;
	s[0].qn = 2;
	s[0].payload = term;
	stream("terminate", s, 1, 0);
	s[0] = segment_send(1, 0, 4);
	s[0].rdmap = 0x4a;
	stream("opcode", s, 1, 0);
}

/* A Read with Invalidate goes out, then local operations; then its response comes. */
static void local_corpus(void)
{
	static const u8 scene[] = { 0x40, 0x0c, 20, 200, 0x2c, 0x2d, 0xdd, 0x2d };
	struct segment s = segment_write(0x200, 0x20000, 0);
	struct bytes b = {};
	u32 i;

	bytes_put(&b, scene, sizeof(scene));
	for (i = 0; i < 4; i++)
		frame_segment(&b, &s, false);
	s = segment_read_response(0x100, 0x10000 + 200, 30);
	frame_segment(&b, &s, false);
	save("fuzz_receive", "response-invalidate", &b);
	bytes_free(&b);
}

static void loopback_corpus(void)
{
	static const u8 requests[] = {
		0x0a, 1, 44, 0x4c, 0, 70, 0x0b, 0, 100, 0xcd, 0, 30,
		0x1c, 1, 255, 0x48, 0, 0, 0xc8, 0, 80, 0x2d, 0, 5,
	};
	static const u8 hows[][3] = {
		{ 0x0b, 255, 255 }, { 0x00, 20, 6 }, { 0x3f, 99, 0 },
	};
	u32 i, k;

	for (i = 0; i < 3; i++) {
		for (k = 0; k < sizeof(requests); k += 12) {
			struct bytes b = {};
			char name[32];

			bytes_put(&b, hows[i], 3);
			bytes_put(&b, requests + k, sizeof(requests) - k);
			snprintf(name, sizeof(name), "mixture-%u-%u", i, k / 12);
			save("fuzz_loopback", name, &b);
			bytes_free(&b);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	dir = argv[1];
	receive_corpus();
	local_corpus();
	loopback_corpus();
	return 0;
}
