/* SPDX-License-Identifier: MIT
 * For tests of IDE transfers by the PIIX3's bus master (SFF-8038i).
 */
#pragma once
#include "tests/unit/fake_board.h"

#include <check.h>

/* BAR 4 to I/O port `at`; bus master on (PCI command 5: I/O space, master). */
static inline void map_bus_master(struct board *board, uint16_t at)
{
    ck_assert_uint_eq(fake_pci_read(board, 1, 1, 0, DWORD), 0x70108086);
    ck_assert_uint_eq(fake_pci_read(board, 1, 1, 8, DWORD) >> 8, 0x010180);
    fake_pci_write(board, 1, 1, 0x20, at, DWORD);
    fake_pci_write(board, 1, 1, 4, 5, WORD);
}

/* Entry n of the physical region descriptors at `table`: `bytes` from `at` on. */
static inline void put_prd(struct board *board, uint32_t table, unsigned n, uint32_t at,
                           uint32_t bytes, bool last)
{
    memory_write(board->memory, table + n * 8, at, DWORD);
    memory_write(board->memory, table + n * 8 + 4, (bytes & 0xFFFF) | (last ? 1u << 31 : 0), DWORD);
}
