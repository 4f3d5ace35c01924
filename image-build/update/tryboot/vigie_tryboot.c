// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Hands the flag "tryboot" of a restart on to the Raspberry Pi's firmware, as Raspberry Pi's own kernel does and mainline
 * does not: `reboot "0 tryboot"`, or systemd's /run/systemd/reboot-param. The firmware then starts the other boot
 * partition once (docs/system-update.md).
 */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/of.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <soc/bcm2835/raspberrypi-firmware.h>

/* Mailbox property of the firmware; one 32-bit word of flags, cleared with the start that they are for. */
#define TAG_SET_REBOOT_FLAGS ((enum rpi_firmware_property_tag)0x00038064)
#define FLAG_TRYBOOT 1

static struct rpi_firmware *firmware;

static int tell_firmware(struct notifier_block *block, unsigned long action, void *command)
{
	u32 flags = FLAG_TRYBOOT;
	int failed;

	if (action != SYS_RESTART || !command || !strstr(command, " tryboot"))
		return NOTIFY_DONE;
	failed = rpi_firmware_property(firmware, TAG_SET_REBOOT_FLAGS, &flags, sizeof(flags));
	if (failed)
		pr_err("the firmware did not take the flag tryboot (%d): the primary system starts\n", failed);
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = tell_firmware };

static int __init vigie_tryboot_init(void)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, "raspberrypi,bcm2835-firmware");
	int failed;

	if (!node) {
		/* Such an image is tried on virtual machines, too: no reason to fail there. */
		pr_info("no Raspberry Pi: nothing to do\n");
		return 0;
	}
	/* Its driver is part of Debian's kernel, and was there before any module. */
	firmware = rpi_firmware_get(node);
	of_node_put(node);
	if (!firmware)
		return -ENODEV;
	failed = register_reboot_notifier(&notifier);
	if (failed)
		rpi_firmware_put(firmware);
	return failed;
}

static void __exit vigie_tryboot_exit(void)
{
	if (!firmware)
		return;
	unregister_reboot_notifier(&notifier);
	rpi_firmware_put(firmware);
}

module_init(vigie_tryboot_init);
module_exit(vigie_tryboot_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Hands the restart flag tryboot on to the Raspberry Pi's firmware");
