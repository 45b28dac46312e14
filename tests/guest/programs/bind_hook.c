// SPDX-License-Identifier: GPL-2.0
/*
 * bind_hook: a cgroup's BPF program for bind(2) over IPv4.
 *
 *	bind_hook CGROUP REFUSED FROM TO COMMAND [ARG...]
 *		runs COMMAND in the cgroup (a folder of cgroup2), where binding to port REFUSED is refused and who binds
 *		to FROM gets TO
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <linux/bpf.h>

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bind_hook: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

#define PORT	offsetof(struct bpf_sock_addr, user_port)

static int load(uint16_t refused, uint16_t from, uint16_t to)
{
	/* r1 is the context; what is left in r0 is whether bind(2) goes on. */
	const struct bpf_insn program[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1, .off = PORT },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_2, .off = 4, .imm = htons(refused) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_2, .off = 2, .imm = htons(from) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = htons(to) },
		{ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_2, .off = PORT },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	char log[4096] = "";
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		.expected_attach_type = BPF_CGROUP_INET4_BIND,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0) {
		fputs(log, stderr);
		die("load");
	}
	return fd;
}

int main(int argc, char **argv)
{
	union bpf_attr attr = { .attach_type = BPF_CGROUP_INET4_BIND };
	char path[4096];
	int fd;

	if (argc < 6) {
		fputs("bind_hook CGROUP REFUSED FROM TO COMMAND [ARG...]\n", stderr);
		return 2;
	}
	attr.target_fd = open(argv[1], O_RDONLY | O_DIRECTORY);
	if ((int)attr.target_fd < 0)
		die(argv[1]);
	attr.attach_bpf_fd = load(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
	if (bpf(BPF_PROG_ATTACH, &attr))
		die("attach");
	snprintf(path, sizeof(path), "%s/cgroup.procs", argv[1]);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die(path);
	close(fd);
	execvp(argv[5], argv + 5);
	die(argv[5]);
}
