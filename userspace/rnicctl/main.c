// SPDX-License-Identifier: GPL-2.0
/*
 * rnicctl: the functions of adapters that terminate TCP themselves.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "rnicctl.h"

static int usage(FILE *to)
{
	fputs("usage: rnicctl [-j] [show [ADAPTER | DEV]]\n"
	      "       rnicctl role FUNCTION none | primary | secondary\n"
	      "       rnicctl rule add FUNCTION [proto P] [src PREFIX] [dst PREFIX]\n"
	      "                                 [sport N] [dport N] [tos N[/MASK]]\n"
	      "       rnicctl rule del FUNCTION ID\n"
	      "       rnicctl emulated PORT steering on | off\n"
	      "FUNCTION: its interface, or PORT/NUMBER\n",
	      to);
	return to == stdout ? 0 : 2;
}

static int show(const char *only, bool json)
{
	struct model model;
	bool found;

	if (model_read(&model)) {
		fprintf(stderr, "rnicctl: the kernel's adapters: %s\n", strerror(errno));
		return 1;
	}
	found = !only || show_finds(&model, only);
	if (!found)
		fprintf(stderr, "rnicctl: no such adapter or function: %s\n", only);
	else if (json)
		show_json(&model, only);
	else
		show_text(&model, only);
	model_free(&model);
	return found ? 0 : 1;
}

static int run(int count, char **words, bool json)
{
	const char *what = count ? words[0] : "show";

	if (!strcmp(what, "show") && count <= 2)
		return show(count == 2 ? words[1] : NULL, json);
	if (!strcmp(what, "role") && count == 3)
		return set_role(words[1], words[2]);
	if (!strcmp(what, "rule") && count >= 3 && !strcmp(words[1], "add"))
		return add_rule(words[2], words + 3, count - 3);
	if (!strcmp(what, "rule") && count == 4 && !strcmp(words[1], "del"))
		return delete_rule(words[2], words[3]);
	if (!strcmp(what, "emulated") && count == 4 && !strcmp(words[2], "steering"))
		return set_steering(words[1], words[3]);
	/* The kernel's, not people's */
	if (!strcmp(what, "attach") && count == 3)
		return attach(strtoul(words[1], NULL, 10), strtoul(words[2], NULL, 10)) ? 1 : 0;
	return usage(stderr);
}

/* What could not be written was not shown. */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	perror("rnicctl: output");
	return status ? status : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{}
	};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "jhV", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'h':
			return finish(usage(stdout));
		case 'V':
			puts("rnicctl " VERSION);
			return finish(0);
		default:
			return usage(stderr);
		}
	}
	return finish(run(argc - optind, argv + optind, json));
}
