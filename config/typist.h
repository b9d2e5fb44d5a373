/* SPDX-License-Identifier: MIT
 * Types a text into the machine: the pace is the guest's time, so that it does not depend on how
 * fast the host is. Private to config/.
 */
#pragma once
#include "config/machine.h"
#include "gui/layout.h"

struct typist;

/* pause: guest time from one character to the next. The layout must live as long (NULL: US). */
struct typist *typist_new(const struct layout *, nanos pause, struct log *);
void typist_free(struct typist *);                     /* NULL is fine */
/* Types it after what is still to be typed. UTF-8; what no key types is left out and counted in the
 * log. */
void typist_paste(struct typist *, const char *text);
void typist_poll(struct typist *, struct machine *);   /* hands over what is due soon */
