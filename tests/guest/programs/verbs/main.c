// SPDX-License-Identifier: GPL-2.0
/*
 * verbs: what the verbs promise, between the hosts a and b. Prints TAP.
 *
 *	verbs [TEST...]		these tests, or all
 *
 * The program is both ends: it starts itself once more in namespace b. Client
 * is the end in a.
 */
#include <sys/socket.h>
#include <sys/wait.h>
#include "harness.h"

static const struct group * const groups[] = {
	&sizes_group,
	&settings_group,
	&gather_group,
	&completions_group,
	&queues_group,
	&reads_group,
	&local_errors_group,
	&remote_errors_group,
	&invalidate_group,
	&ending_group,
	&limits_group,
	&opcodes_group,
	&srq_group,
	&rereg_group,
	&query_group,
	&longest_group,
	&dmabuf_group,
};

static bool run_test(const struct test *test, unsigned int number)
{
	bool good;
	int how;

	begin_test();
	how = setjmp(bail);
	if (!how)
		test->run();
	good = end_test(how);
	clean_up();
	if (client) {
		printf("%sok %u - %s (%s)%s%s\n", good ? "" : "not ", number, test->text, test->name,
		       skipped ? " # SKIP " : "", skipped ?: "");
		if (!good)
			printf("# %s\n", why);
		fflush(stdout);
	}
	return good;
}

static void start_end(void)
{
	if (setjmp(bail)) {
		printf("Bail out! %s\n", why);
		exit(1);
	}
	open_device();
	open_memory(verbs);
}

static bool wanted(const struct test *test, int argc, char **argv)
{
	if (!argc)
		return true;
	for (; argc > 0; argc--, argv++) {
		if (!strcmp(test->name, *argv))
			return true;
	}
	return false;
}

/* In the right namespace, at last: both ends do this. */
static int run_end(int argc, char **argv)
{
	unsigned int g, i, number = 0, total = 0, bad = 0;

	start_end();
	for (g = 0; g < ARRAY_SIZE(groups); g++) {
		for (i = 0; i < groups[g]->count; i++) {
			number++;
			if (!wanted(&groups[g]->tests[i], argc, argv))
				continue;
			total++;
			if (!run_test(&groups[g]->tests[i], number))
				bad++;
		}
	}
	close_memory();
	close_device();
	if (client)
		printf("1..%u\n", total);
	return bad ? 1 : 0;
}

static pid_t start_in(const char *namespace, int fd, char **argv, int argc)
{
	char number[12], *args[argc + 8];
	pid_t pid = fork();
	int i, n = 0;

	if (pid)
		return pid;
	snprintf(number, sizeof(number), "%d", fd);
	args[n++] = "ip";
	args[n++] = "netns";
	args[n++] = "exec";
	args[n++] = (char *)namespace;
	args[n++] = argv[0];
	args[n++] = "--end";
	args[n++] = number;
	for (i = 1; i < argc; i++)
		args[n++] = argv[i];
	args[n] = NULL;
	execvp("ip", args);
	_exit(127);
}

int main(int argc, char **argv)
{
	int pair[2], status, bad = 0;
	pid_t ends[2];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getenv("WHARF_ENGINE") && strcmp(getenv("WHARF_ENGINE"), "uml"))
		wait_ms *= 3;
	if (argc >= 3 && !strcmp(argv[1], "--end")) {
		peer_fd = atoi(argv[2]);
		client = !getenv("VERBS_SERVER");
		return run_end(argc - 3, argv + 3);
	}
	must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "a pair of sockets");
	setenv("VERBS_SERVER", "1", 1);
	ends[0] = start_in("b", pair[0], argv, argc);
	unsetenv("VERBS_SERVER");
	ends[1] = start_in("a", pair[1], argv, argc);
	close(pair[0]);
	close(pair[1]);
	for (int i = 0; i < 2; i++) {
		waitpid(ends[1 - i], &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			bad = 1;
	}
	return bad;
}
