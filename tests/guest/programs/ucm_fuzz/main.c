// SPDX-License-Identifier: GPL-2.0
/*
 * ucm_fuzz: what the door /dev/infiniband/rdma_cm answers to those who do not
 * come through librdmacm.
 *
 *	ucm_fuzz errnos ADDR PEER
 *		malformed commands of every kind, one after the other; prints what each was answered, always the
 *		same for the same door
 *	ucm_fuzz script SEED EPISODES ADDR PEER
 *		the same for commands in random order with random flaws; what they do is the same for the same seed
 *	ucm_fuzz answers PORT ADDR PEER
 *		answers to what is no request, and twice to what is one; prints what each was answered
 *	ucm_fuzz fuzz SEED OPERATIONS PORT ADDR PEER
 *		many processes, threads and files at once, as wild as can be, until so many operations were made; the
 *		ports are PORT to PORT + 3. Says so if an answer is no errno of user space's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "ucm_fuzz.h"

struct sockaddr_in own, peer;
const struct sockaddr_in any = { .sin_family = AF_INET };

void die(const char *what)
{
	fprintf(stderr, "ucm_fuzz: %s: %s\n", what, strerror(errno));
	exit(1);
}

struct sockaddr_in with_port(const struct sockaddr_in *addr, uint16_t port)
{
	struct sockaddr_in a = *addr;

	a.sin_port = htons(port);
	return a;
}

static int run_errnos(char **args)
{
	(void)args;
	return errnos();
}

static int run_script(char **args)
{
	return script(strtoull(args[0], NULL, 0), atoi(args[1]));
}

static int run_answers(char **args)
{
	return answers(atoi(args[0]));
}

static int run_fuzz(char **args)
{
	return fuzz(strtoull(args[0], NULL, 0), atoi(args[1]), atoi(args[2]));
}

static void parse(const char *text, struct sockaddr_in *addr)
{
	addr->sin_family = AF_INET;
	must(inet_pton(AF_INET, text, &addr->sin_addr) != 1);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;		/* before the addresses */
		int (*run)(char **args);
	} modes[] = {
		{ "errnos", 0, run_errnos },
		{ "script", 2, run_script },
		{ "answers", 1, run_answers },
		{ "fuzz", 3, run_fuzz },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (argc != modes[i].args + 4 || strcmp(argv[1], modes[i].name))
			continue;
		parse(argv[argc - 2], &own);
		parse(argv[argc - 1], &peer);
		peer.sin_port = htons(9);
		map_traps();
		return modes[i].run(argv + 2);
	}
	fputs("ucm_fuzz: see the head of ucm_fuzz/main.c\n", stderr);
	return 2;
}
