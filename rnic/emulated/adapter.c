// SPDX-License-Identifier: GPL-2.0
/*
 * An adapter's life: from the first function on an interface to the last, and until
 * its TCP has let go.
 */
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include "emulated.h"

static char *helper = "/usr/sbin/rnicctl";
module_param(helper, charp, 0644);
MODULE_PARM_DESC(helper, "program that gives an adapter its namespace (/usr/sbin/rnicctl)");

LIST_HEAD(emu_adapters);
struct workqueue_struct *emu_wq;
/* For what waits for emu_wq */
static struct workqueue_struct *end_wq;
static DEFINE_IDA(adapter_ids);

/* Enabling */

/* A module cannot make a namespace: a program does, and gives it by netlink. */
static int adapter_call(struct emu_adapter *adapter, const struct net *host, char *program)
{
	char *envp[2] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	char id[12], inode[12];
	char *argv[5] = { program, "attach", id, inode, NULL };
	int ret;

	snprintf(id, sizeof(id), "%d", adapter->id);
	snprintf(inode, sizeof(inode), "%u", host->ns.inum);
	ret = call_usermodehelper(program, argv, envp, UMH_WAIT_PROC);
	if (ret < 0) {
		pr_warn("rnic_emulated: %s: %s can not be run: %d\n", adapter->base.name, program,
			ret);
		return ret;
	}
	if (ret || !rcu_access_pointer(adapter->port)) {
		pr_warn("rnic_emulated: %s: %s has failed: exit status %d\n", adapter->base.name,
			program, ret >> 8);
		return -ENXIO;
	}
	return 0;
}

static int adapter_call_helper(struct emu_adapter *adapter, const struct net *host)
{
	char *program;
	int ret;

	kernel_param_lock(THIS_MODULE);
	program = kstrdup(helper, GFP_KERNEL);
	kernel_param_unlock(THIS_MODULE);
	if (!program)
		return -ENOMEM;
	ret = adapter_call(adapter, host, program);
	kfree(program);
	return ret;
}

static int adapter_enable(struct rnic_function *fn)
{
	struct emu_adapter *adapter = to_emu_adapter(fn->adapter);
	int ret = 0;

	mutex_lock(&adapter->enable_lock);
	if (!adapter->enabled) {
		ret = adapter_call_helper(adapter, dev_net(fn->netdev));
		adapter->enabled = !ret;
		/* What is half done can not be gone on with. */
		if (ret)
			emu_port_destroy(adapter);
	}
	mutex_unlock(&adapter->enable_lock);
	return ret;
}

/* rtnl keeps functions, and roles, as they are. */
static int adapter_set_role(struct rnic_function *fn, enum rnic_nl_role role)
{
	struct emu_adapter *adapter = to_emu_adapter(fn->adapter);
	struct emu_function *own = to_emu_function(fn);
	int i;

	for (i = 0; i < ARRAY_SIZE(adapter->router); i++) {
		if (role == RNIC_ROLE_PRIMARY + i)
			rcu_assign_pointer(adapter->router[i], own);
		else if (rtnl_dereference(adapter->router[i]) == own)
			RCU_INIT_POINTER(adapter->router[i], NULL);
	}
	return 0;
}

static bool adapter_steering(struct rnic_adapter *base)
{
	return READ_ONCE(to_emu_adapter(base)->steering);
}

static const char *adapter_counter(struct rnic_adapter *base, unsigned int n, u64 *value)
{
	static const char *const names[] = {
		[EMU_TO_FLOW] = "to-flow",
		[EMU_TO_LISTENER] = "to-listener",
		[EMU_BY_RULE] = "by-rule",
		[EMU_TO_FUNCTION] = "to-function",
		[EMU_TO_PRIMARY] = "to-primary",
		[EMU_TO_SECONDARY] = "to-secondary",
		[EMU_FRAGMENTS] = "fragments",
		[EMU_DROP_NOBODY] = "drop-nobody",
		[EMU_DROP_QUEUE] = "drop-queue",
		[EMU_DROP_UNREACHABLE] = "drop-unreachable",
		[EMU_DROP_TOO_BIG] = "drop-too-big",
		[EMU_DROP_MALFORMED] = "drop-malformed",
	};

	static_assert(ARRAY_SIZE(names) == EMU_COUNTERS);
	if (n >= EMU_COUNTERS)
		return NULL;
	*value = atomic64_read(&to_emu_adapter(base)->counters[n]);
	return names[n];
}

const struct rnic_adapter_ops emu_ops = {
	.enable = adapter_enable,
	.address_add = emu_address_add,
	.address_remove = emu_address_remove,
	.listen = emu_listen,
	.unlisten = emu_unlisten,
	.accept = emu_accept,
	.reject = emu_conn_reject,
	.connect = emu_conn_connect,
	.steer = emu_flow_steer,
	.unsteer = emu_flow_unsteer,
	.close = emu_conn_close,
	.abort = emu_conn_abort,
	.release = emu_conn_release,
	.handle_add = emu_path_add,
	.handle_update = emu_path_update,
	.handle_remove = emu_path_remove,
	.info = emu_conn_info,
	.stray = emu_stray,
	.set_role = adapter_set_role,
	.rule_add = emu_rule_add,
	.rule_remove = emu_rule_remove,
	.rule_count = emu_rule_count,
	.steering = adapter_steering,
	.counter = adapter_counter,
};

/* Life */

static void adapter_free(struct emu_adapter *adapter)
{
	dev_put(adapter->lower);
	ida_free(&adapter_ids, adapter->id);
	ida_destroy(&adapter->numbers);
	kfree(adapter);
}

/* The last function has gone; what its connections leave behind goes with them. */
static void adapter_end(struct work_struct *work)
{
	struct emu_adapter *adapter = container_of(work, struct emu_adapter, end);

	rnic_adapter_unregister(&adapter->base);
	cancel_work_sync(&adapter->sync);
	cancel_delayed_work_sync(&adapter->reap);
	emu_conns_forget(adapter);
	emu_port_destroy(adapter);
	/* What waits in paths, and paths and addresses behind readers */
	flush_workqueue(emu_wq);
	rcu_barrier();
	emu_steering_exit(adapter);
	adapter_free(adapter);
}

static struct emu_adapter *adapter_alloc(struct net_device *lower)
{
	struct emu_adapter *adapter;
	int ret;

	adapter = kzalloc(sizeof(*adapter), GFP_KERNEL);
	if (!adapter)
		return ERR_PTR(-ENOMEM);
	ret = ida_alloc(&adapter_ids, GFP_KERNEL);
	if (ret < 0) {
		kfree(adapter);
		return ERR_PTR(ret);
	}
	adapter->id = ret;
	adapter->base.ops = &emu_ops;
	strscpy(adapter->base.name, lower->name, sizeof(adapter->base.name));
	adapter->base.port = lower;
	adapter->lower = lower;
	dev_hold(lower);
	adapter->steering = true;
	ida_init(&adapter->numbers);
	INIT_LIST_HEAD(&adapter->functions);
	INIT_LIST_HEAD(&adapter->addresses);
	INIT_LIST_HEAD(&adapter->rules);
	INIT_LIST_HEAD(&adapter->paths);
	INIT_LIST_HEAD(&adapter->listeners);
	INIT_LIST_HEAD(&adapter->waiting);
	spin_lock_init(&adapter->lock);
	mutex_init(&adapter->enable_lock);
	mutex_init(&adapter->tcp_lock);
	INIT_WORK(&adapter->sync, emu_listeners_sync);
	INIT_WORK(&adapter->end, adapter_end);
	INIT_DELAYED_WORK(&adapter->reap, emu_paths_reap);
	return adapter;
}

static struct emu_adapter *adapter_create(struct net_device *lower,
					  struct netlink_ext_ack *extack)
{
	struct emu_adapter *adapter = adapter_alloc(lower);
	int ret;

	if (IS_ERR(adapter))
		return adapter;
	ret = emu_steering_init(adapter);
	if (ret)
		goto err_free;
	ret = netdev_rx_handler_register(lower, emu_receive, adapter);
	if (ret) {
		NL_SET_ERR_MSG(extack, "something else has what this interface receives");
		goto err_steering;
	}
	ret = rnic_adapter_register(&adapter->base);
	if (ret)
		goto err_handler;
	list_add_tail(&adapter->item, &emu_adapters);
	queue_delayed_work(emu_wq, &adapter->reap, HZ);
	return adapter;

err_handler:
	netdev_rx_handler_unregister(lower);
err_steering:
	emu_steering_exit(adapter);
err_free:
	adapter_free(adapter);
	return ERR_PTR(ret);
}

/* The adapter on an interface, made if need be; under rtnl */
struct emu_adapter *emu_adapter_get(struct net_device *lower, struct netlink_ext_ack *extack)
{
	struct emu_adapter *adapter;

	list_for_each_entry(adapter, &emu_adapters, item) {
		if (adapter->lower == lower)
			return adapter;
	}
	return adapter_create(lower, extack);
}

struct emu_adapter *emu_adapter_by_id(int id)
{
	struct emu_adapter *adapter;

	list_for_each_entry(adapter, &emu_adapters, item) {
		if (adapter->id == id)
			return adapter;
	}
	return NULL;
}

/* A function has gone, or did not come; under rtnl. */
void emu_adapter_drop(struct emu_adapter *adapter)
{
	if (!list_empty(&adapter->functions))
		return;
	list_del(&adapter->item);
	netdev_rx_handler_unregister(adapter->lower);
	queue_work(end_wq, &adapter->end);
}

/* What the port's filter does not let in can not be received. */
static int adapter_check_address(struct net_device *netdev, const u8 *addr, void *info)
{
	if (!emu_function_refuses(netdev, addr))
		return NOTIFY_DONE;
	NL_SET_ERR_MSG(netdev_notifier_info_to_extack(info),
		       "a VLAN on a function has the function's address");
	return notifier_from_errno(-EOPNOTSUPP);
}

static int adapter_event(struct notifier_block *nb, unsigned long what, void *arg)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(arg);
	struct netdev_notifier_pre_changeaddr_info *pre = arg;
	struct emu_adapter *adapter;

	if (what == NETDEV_PRE_CHANGEADDR)
		return adapter_check_address(netdev, pre->dev_addr, arg);
	if (what == NETDEV_REGISTER) {
		int ret = adapter_check_address(netdev, netdev->dev_addr, arg);

		if (ret != NOTIFY_DONE)
			return ret;
		emu_function_registered(netdev);
	}
	list_for_each_entry(adapter, &emu_adapters, item) {
		if (adapter->lower != netdev)
			continue;
		/* Functions are Ethernet, and have its address. */
		if (what == NETDEV_PRE_TYPE_CHANGE)
			return notifier_from_errno(-EBUSY);
		if (what == NETDEV_CHANGENAME)
			rnic_adapter_rename(&adapter->base, netdev->name);
		if (what == NETDEV_CHANGEMTU) {
			struct net_device *port = rtnl_dereference(adapter->port);

			if (port)
				dev_set_mtu(port, netdev->mtu);
		}
		/* Others may go with its functions: there is nothing to go on with. */
		emu_function_lower_event(adapter, what);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block adapter_nb = { .notifier_call = adapter_event };

int emu_adapters_init(void)
{
	int ret;

	emu_wq = alloc_workqueue("rnic_emulated", WQ_UNBOUND, 0);
	if (!emu_wq)
		return -ENOMEM;
	end_wq = alloc_workqueue("rnic_emulated_end", WQ_UNBOUND, 0);
	if (!end_wq) {
		ret = -ENOMEM;
		goto err_wq;
	}
	ret = register_netdevice_notifier(&adapter_nb);
	if (ret)
		goto err_end_wq;
	return 0;

err_end_wq:
	destroy_workqueue(end_wq);
err_wq:
	destroy_workqueue(emu_wq);
	return ret;
}

void emu_adapters_exit(void)
{
	unregister_netdevice_notifier(&adapter_nb);
	/* Waits for those that are ending. */
	destroy_workqueue(end_wq);
	destroy_workqueue(emu_wq);
	rcu_barrier();
	WARN_ON(!list_empty(&emu_adapters));
}
