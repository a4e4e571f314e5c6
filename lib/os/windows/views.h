/* SPDX-License-Identifier: MIT */
/*
 * os/windows/views.h - pages that read as a file again when they are discarded.
 *
 * The system has nothing like private pages of a file inside of a reservation
 * (os/windows/file.c says why). So a file without a name is a copy in memory,
 * which is written once, and a view is a note of which pages are of which part
 * of it: what they hold is compared with the copy and put back, page by page.
 * That costs by the length of a view, and not by what was written.
 */
#ifndef MDI_OS_WINDOWS_VIEWS_H
#define MDI_OS_WINDOWS_VIEWS_H

#include "base/common.h"

struct mdi_copy_file;

/* A file of zeros, as a small number; -1 with errno. */
int mdi_copy_create(uint64_t length);
/* NULL: there is no such file. */
struct mdi_copy_file *mdi_copy_of(int fd);
void mdi_copy_write(struct mdi_copy_file *file, uint64_t offset,
		    const void *from, size_t length);
/* Nobody writes it by mistake any more. */
int mdi_copy_freeze(const struct mdi_copy_file *file);
/*
 * A section by such a number, which has the handle from then on; -1 with errno.
 * NULL: there is none.
 */
int mdi_section_open(void *section, bool writable);
void *mdi_section_of(int fd, bool *writable);

/* A copy lives on while there are views of it. */
void mdi_number_close(int fd);

/*
 * A reservation that is noted as a view, to be moved to the pages that are to
 * be one. NULL with errno.
 */
void *mdi_view_make(struct mdi_copy_file *file, uint64_t offset, size_t length);

/*
 * The pages at @to become the view that @from is, with the protection that they
 * have; @from goes. -1 with errno: it is none, or they cannot be written.
 */
int mdi_view_move(void *from, size_t length, void *to);

/*
 * The beginning of a range: what is of one view reads as its file again, and
 * *length becomes how much that was. 0: it is of none, for so many bytes.
 * Returns 1, 0, or -1 with errno.
 */
int mdi_view_restore(char *at, size_t *length);

/* Other pages are in place of these, or none. */
void mdi_views_end(const void *base, size_t length);

#endif /* MDI_OS_WINDOWS_VIEWS_H */
