/* SPDX-License-Identifier: MIT
 * PCI bus 0 as the board and the south bridge see it; cards use pci.h.
 */
#pragma once
#include "iodev/pci.h"

/* As board_pci_add(). bus: the device of class "pci". */
bool pci_bus_add(struct device *bus, struct pci_function *, int slot, unsigned function);

/* Who hears of PIRQA#-PIRQD# (0-3); level true = asserted. */
void pci_bus_listen(struct device *bus, void (*pirq)(void *ctx, unsigned pirq, bool level),
                    void *ctx);
bool pci_bus_pirq(struct device *bus, unsigned pirq);

/* One configuration access of 1, 2 or 4 bytes that stays inside its dword. */
uint32_t pci_bus_read(struct device *bus, unsigned devfn, unsigned offset, unsigned bytes);
void     pci_bus_write(struct device *bus, unsigned devfn, unsigned offset, uint32_t value,
                       unsigned bytes);
