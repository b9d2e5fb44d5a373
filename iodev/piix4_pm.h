/* SPDX-License-Identifier: MIT
 * The power button, as the front-end's owner sees it.
 */
#pragma once

struct device;

/* Pressed and let go: a guest with ACPI shuts itself down, others do not notice. */
void piix4_pm_power_button(struct device *piix4_pm);
